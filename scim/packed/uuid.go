package packed

import "encoding/hex"

// uuid is a UUID as a number.
type uuid [16]byte

// parseUUID reads a UUID whose usual form, in lower case, is exactly s.
func parseUUID(s string) (id uuid, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return id, false
	}
	at := 0
	for i := 0; i < 36; i += 2 {
		if s[i] == '-' {
			i++
		}
		high, low := nibbles[s[i]], nibbles[s[i+1]]
		if high|low > 15 {
			return id, false
		}
		id[at] = high<<4 | low
		at++
	}
	return id, true
}

// nibbles are the values of lower-case hexadecimal digits, and 0xff of all other bytes.
var nibbles = func() (values [256]byte) {
	for c := range values {
		values[c] = 0xff
	}
	for i, c := range "0123456789abcdef" {
		values[c] = byte(i)
	}
	return values
}()

func (id uuid) String() string {
	var b [36]byte
	hex.Encode(b[:8], id[:4])
	hex.Encode(b[9:13], id[4:6])
	hex.Encode(b[14:18], id[6:8])
	hex.Encode(b[19:23], id[8:10])
	hex.Encode(b[24:], id[10:])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}
