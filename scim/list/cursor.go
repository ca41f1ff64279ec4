package list

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"time"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Cursor is where a page begins, RFC 9865. The zero cursor is the first page.
//
// It says so twice: as a place in the kept result that it came from, and in
// terms of the resources before it, so that the walk goes on after that result
// is lost (dropped for others, or the process started again) over one that is
// read anew. A list without sortBy is in order of id, which never changes: it
// goes on behind the id delivered last. In a sorted list a resource may have
// moved across the place meanwhile, so it goes on only if those before the place
// are exactly those that were delivered; otherwise the cursor has expired.
// Either way what is there and matches all the time is delivered exactly once.
type Cursor struct {
	Issued time.Time // to the second
	Began  time.Time // when the first page was asked for, to the millisecond
	Count  int       // resources a page, as the first request said it
	Walk   string    // key of the kept result
	Start  int       // resources before the page
	After  Place     // of the last of them; zero if start is 0
	Digest string    // of all of them, in a sorted list
}

// Place is a resource's position in the order of types and ids.
type Place struct {
	Rank int // of the resource type among those of the request
	ID   string
}

// compare orders places.
func (p Place) compare(o Place) int {
	if p.Rank != o.Rank {
		return p.Rank - o.Rank
	}
	return query.CompareIDs(p.ID, o.ID)
}

const (
	cursorVersion = 1
	cursorMAC     = 16 // bytes of the signature
	MaxCursor     = 2048
)

// cursorSealer makes cursors opaque texts of unreserved characters (RFC 3986
// section 2.3) and back. The signature covers the query that the cursor belongs
// to, which is not in it: a cursor of another caller or another query cannot be
// told from a forged one.
type cursorSealer struct {
	key      []byte
	lifetime time.Duration
	now      func() time.Time
}

// NewCursorSealer derives the key from a secret; without one, cursors are good
// for the life of the process.
func NewCursorSealer(cfg Config) *cursorSealer {
	key := sha256.Sum256([]byte("scim-atlassian cursor\x00" + cfg.CursorKey))
	if cfg.CursorKey == "" {
		rand.Read(key[:]) // never fails
	}
	return &cursorSealer{key: key[:], lifetime: cfg.CursorTimeout, now: cfg.Now}
}

// Seal makes the text of a cursor for a query; issued is set to now.
func (s *cursorSealer) Seal(c Cursor, binding string) string {
	b := []byte{cursorVersion}
	b = binary.AppendUvarint(b, uint64(s.now().Unix()))
	b = binary.AppendUvarint(b, uint64(c.Began.UnixMilli()))
	b = binary.AppendUvarint(b, uint64(c.Count))
	b = binary.AppendUvarint(b, uint64(c.Start))
	b = binary.AppendUvarint(b, uint64(c.After.Rank))
	for _, text := range []string{c.Walk, c.After.ID, c.Digest} {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	return base64.RawURLEncoding.EncodeToString(append(b, s.sign(b, binding)...))
}

func (s *cursorSealer) sign(b []byte, binding string) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write(binary.AppendUvarint(nil, uint64(len(b))))
	mac.Write(b)
	mac.Write([]byte(binding))
	return mac.Sum(nil)[:cursorMAC]
}

// Open reads a cursor that was sealed for the same query. The empty text is the
// first page.
func (s *cursorSealer) Open(text, binding string) (Cursor, error) {
	if text == "" {
		return Cursor{}, nil
	}
	invalid := resource.Refuse(http.StatusBadRequest, resource.TypeInvalidCursor, "The cursor is not one of this server for this query; begin again with an empty cursor.")
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(text) > MaxCursor || len(b) <= cursorMAC {
		return Cursor{}, invalid
	}
	signed, mac := b[:len(b)-cursorMAC], b[len(b)-cursorMAC:]
	if !hmac.Equal(mac, s.sign(signed, binding)) {
		return Cursor{}, invalid
	}
	c, ok := decodeCursor(signed)
	if !ok {
		return Cursor{}, invalid
	}
	if s.now().Sub(c.Issued) > s.lifetime {
		return Cursor{}, expiredCursor("The cursor is older than %v; begin again with an empty cursor.", s.lifetime)
	}
	return c, nil
}

func expiredCursor(format string, args ...any) error {
	return resource.Refuse(http.StatusBadRequest, resource.TypeExpiredCursor, format, args...)
}

// decodeCursor reads what seal wrote. That it is signed does not make it well
// formed: another version of this server may have the same key.
func decodeCursor(b []byte) (c Cursor, ok bool) {
	if b[0] != cursorVersion {
		return Cursor{}, false
	}
	r := cursorReader{b: b[1:]}
	c.Issued, c.Began = time.Unix(int64(r.number()), 0), time.UnixMilli(int64(r.number()))
	c.Count, c.Start, c.After.Rank = int(r.number()), int(r.number()), int(r.number())
	c.Walk, c.After.ID, c.Digest = r.text(), r.text(), r.text()
	return c, !r.failed && len(r.b) == 0
}

type cursorReader struct {
	b      []byte
	failed bool
}

func (r *cursorReader) number() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > 1<<53 {
		r.failed = true
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *cursorReader) text() string {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.failed = true
		return ""
	}
	text := string(r.b[:n])
	r.b = r.b[n:]
	return text
}
