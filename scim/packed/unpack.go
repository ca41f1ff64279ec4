package packed

import (
	"encoding/binary"
	"math"
	"strings"
	"time"

	"scim-atlassian/scim/query"
)

// reader reads what a packer wrote.
type reader struct {
	*Dictionary
	s     string // what is left
	whole string // the row, for texts that it has twice
}

func (d *Dictionary) reader(row string) reader { return reader{d, row, row} }

// Key returns the key of the id of a row, see AppendKey.
func (d *Dictionary) Key(row string) string {
	if key := d.Member(row, "id"); key != "" {
		return key
	}
	return "\x00" // of the empty text
}

// ID returns the id of a row.
func (d *Dictionary) ID(row string) string {
	r := d.reader(d.Key(row))
	id, _ := r.value().(string)
	return strings.Clone(id)
}

// Member returns the value of a member as it stands in a row, nothing if there is no
// such member.
func (d *Dictionary) Member(row, name string) string {
	r := d.reader(row)
	names, _ := r.names()
	for _, one := range names {
		from := r.s
		r.skip()
		if one == name {
			return from[:len(from)-len(r.s)]
		}
	}
	return ""
}

// Object returns the object of a row. It shares no memory with the row.
func (d *Dictionary) Object(row string) query.Object {
	r := d.reader(strings.Clone(row)) // once for all texts, which are parts of it
	return r.object()
}

func (r *reader) uvarint() uint64 {
	var n uint64
	for shift := 0; ; shift += 7 {
		c := r.s[0]
		r.s = r.s[1:]
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return n
		}
	}
}

func (r *reader) varint() int64 {
	n := r.uvarint()
	return int64(n>>1) ^ -int64(n&1)
}

// take returns the next n bytes.
func (r *reader) take(n int) string {
	s := r.s[:n]
	r.s = r.s[n:]
	return s
}

// names reads a shape and its number.
func (r *reader) names() (names []string, number uint64) {
	number = r.uvarint()
	if number >= firstShape {
		return r.shapes[number-firstShape], number
	}
	names = make([]string, r.uvarint())
	for i := range names {
		names[i] = r.take(int(r.uvarint()))
	}
	return names, number
}

func (r *reader) object() query.Object {
	names, _ := r.names()
	o := make(query.Object, len(names))
	for i, name := range names {
		o[i] = query.Member{Name: name, Value: r.value()}
	}
	return o
}

func (r *reader) value() any {
	tag := r.take(1)[0]
	switch {
	case tag <= maxShort:
		return r.take(int(tag))
	case tag >= tagWords:
		return r.texts[nearWords+int(tag-tagWords)<<8+int(r.take(1)[0])]
	case tag >= tagWord:
		return r.texts[tag-tagWord]
	}
	switch tag {
	case tagLong:
		return r.take(int(r.uvarint()))
	case tagUUID:
		return uuid([]byte(r.take(16))).String()
	case tagRare:
		return r.texts[r.uvarint()]
	case tagTrue:
		return true
	case tagFalse:
		return false
	case tagInteger:
		return r.varint()
	case tagDecimal:
		return math.Float64frombits(binary.LittleEndian.Uint64([]byte(r.take(8))))
	case tagInstant, tagZoned:
		return r.instant(tag == tagZoned)
	case tagObject:
		return r.object()
	case tagList:
		list := make([]any, r.uvarint())
		for i := range list {
			list[i] = r.value()
		}
		return list
	}
	return r.reference(tag)
}

// reference reads a value that stands elsewhere, or in parts.
func (r *reader) reference(tag byte) any {
	switch tag {
	case tagAgain:
		before := reader{r.Dictionary, r.whole[r.uvarint():], r.whole}
		return before.value()
	case tagName:
		return r.text() + " " + r.text()
	case tagAddress:
		return r.text() + "@" + r.text()
	}
	element := r.reader(r.elements[r.uvarint()])
	return element.value()
}

func (r *reader) text() string {
	s, _ := r.value().(string)
	return s
}

func (r *reader) instant(zoned bool) time.Time {
	seconds, rest := r.varint()+epoch, int64(r.uvarint())
	if rest&1 == 0 {
		rest = rest >> 1 * 1e6
	} else {
		rest >>= 1
	}
	t := time.Unix(seconds, rest)
	if zoned {
		return t.In(time.FixedZone("", int(r.varint())))
	}
	return t.UTC()
}

// skip passes over a value.
func (r *reader) skip() {
	tag := r.take(1)[0]
	switch {
	case tag <= maxShort:
		r.take(int(tag))
		return
	case tag >= tagWords:
		r.take(1)
		return
	case tag >= tagWord:
		return
	}
	switch tag {
	case tagLong:
		r.take(int(r.uvarint()))
	case tagUUID:
		r.take(16)
	case tagInteger, tagRare, tagElement, tagAgain:
		r.uvarint()
	case tagDecimal:
		r.take(8)
	case tagName, tagAddress:
		r.skip()
		r.skip()
	case tagInstant:
		r.uvarint()
		r.uvarint()
	case tagZoned:
		r.uvarint()
		r.uvarint()
		r.uvarint()
	case tagObject:
		names, _ := r.names()
		for range names {
			r.skip()
		}
	case tagList:
		for range r.uvarint() {
			r.skip()
		}
	}
}

// Picker unpacks some members of rows. Use one for many rows; it is not safe for
// concurrent use.
type Picker struct {
	*Dictionary
	names  []string // of the members
	places [][]bool // by shape: which members these are, nil: not known yet
}

// Picker returns a picker of members.
func (d *Dictionary) Picker(names ...string) *Picker {
	return &Picker{Dictionary: d, names: names}
}

// Pick returns an object with those members of the row that the picker is for. Its
// texts are parts of the row.
func (p *Picker) Pick(row string) query.Object {
	r := p.reader(row)
	names, number := r.names()
	wanted := p.wanted(names, number)
	o := make(query.Object, 0, len(p.names))
	for i, want := range wanted {
		if want {
			o = append(o, query.Member{Name: names[i], Value: r.value()})
		} else {
			r.skip()
		}
	}
	return o
}

// wanted says which members of a shape to unpack, up to the last of them.
func (p *Picker) wanted(names []string, number uint64) []bool {
	if number >= firstShape && int(number) < len(p.places) && p.places[number] != nil {
		return p.places[number]
	}
	wanted, last := make([]bool, len(names)), 0
	for i, name := range names {
		for _, one := range p.names {
			if one == name {
				wanted[i], last = true, i+1
			}
		}
	}
	wanted = wanted[:last]
	if number >= firstShape {
		for int(number) >= len(p.places) {
			p.places = append(p.places, nil)
		}
		p.places[number] = wanted
	}
	return wanted
}
