package list

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// cursor says where a page begins, RFC 9865. The zero cursor is the first page.
//
// It says so twice: by an index in the walk that it came from, and by the resources before the page. The second serves
// when the walk is lost, because others needed its room or the process started again: then the result is read anew. A
// list without sortBy is in the order of ids, which never change: it goes on after the id delivered last. In a sorted
// list a resource may have moved across the border meanwhile, so it goes on only if the resources before the border are
// exactly those that were delivered; otherwise the cursor has expired. Either way a resource that exists and matches all
// the time is delivered exactly once.
type cursor struct {
	issued time.Time // to the second
	began  time.Time // when the first page was asked for, to the millisecond
	count  int       // resources of a page, as the first request asked for
	walk   string    // key of the walk; empty: it was not kept
	start  int       // resources before the page
	after  place     // of the last of those; zero if start is 0
	digest string    // of all of those, in a sorted list
}

// place is the position of a resource in the order of types and ids.
type place struct {
	rank int // index of the resource type among the types of the request
	id   string
}

// compare is negative if p stands before o, positive if it stands after, else 0.
func (p place) compare(o place) int {
	if p.rank != o.rank {
		return p.rank - o.rank
	}
	return query.CompareIDs(p.id, o.id)
}

const (
	cursorVersion = 1
	cursorMAC     = 16   // bytes of the signature
	maxCursor     = 2048 // bytes of a sealed cursor
)

// cursorSealer turns cursors into opaque texts of unreserved characters (RFC 3986 section 2.3), and back. It signs the
// cursor together with its query, which the text does not hold: the cursor of another caller or another query is
// refused exactly like a forged one. It is safe for concurrent use.
type cursorSealer struct {
	keys     atomic.Pointer[[][]byte] // the one that signs, and the one before it, whose cursors are still good
	lifetime time.Duration
	now      func() time.Time
}

// newCursorSealer derives the key from cfg.CursorKey. Without one the key is random, and its cursors are good for the
// life of the process.
func newCursorSealer(cfg Config) *cursorSealer {
	key := derived(cfg.CursorKey)
	if cfg.CursorKey == "" {
		rand.Read(key) // never fails
	}
	s := &cursorSealer{lifetime: cfg.CursorTimeout, now: cfg.Now}
	s.keys.Store(&[][]byte{key})
	return s
}

func derived(secret string) []byte {
	key := sha256.Sum256([]byte("scim-atlassian cursor\x00" + secret))
	return key[:]
}

// renew has cursors signed with another secret from now on. It is called by one goroutine at a time.
func (s *cursorSealer) renew(secret string) {
	now, key := (*s.keys.Load())[0], derived(secret)
	if !bytes.Equal(now, key) {
		s.keys.Store(&[][]byte{key, now})
	}
}

// seal returns the text of a cursor for the query with the key binding. The time of issue is now, whatever c says.
func (s *cursorSealer) seal(c cursor, binding string) string {
	b := []byte{cursorVersion}
	b = binary.AppendUvarint(b, uint64(s.now().Unix()))
	b = binary.AppendUvarint(b, uint64(c.began.UnixMilli()))
	b = binary.AppendUvarint(b, uint64(c.count))
	b = binary.AppendUvarint(b, uint64(c.start))
	b = binary.AppendUvarint(b, uint64(c.after.rank))
	for _, text := range []string{c.walk, c.after.id, c.digest} {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	return base64.RawURLEncoding.EncodeToString(append(b, sign((*s.keys.Load())[0], b, binding)...))
}

// sign is the signature of a cursor for a query. The length in front keeps the two apart.
func sign(key, b []byte, binding string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(binary.AppendUvarint(nil, uint64(len(b))))
	mac.Write(b)
	mac.Write([]byte(binding))
	return mac.Sum(nil)[:cursorMAC]
}

// open reads a cursor that was sealed for the same query. The empty text is the first page. Any other text is refused:
// invalidCursor, or expiredCursor after the lifetime.
func (s *cursorSealer) open(text, binding string) (cursor, error) {
	if text == "" {
		return cursor{}, nil
	}
	invalid := resource.Refuse(http.StatusBadRequest, resource.TypeInvalidCursor, "The cursor does not belong to this query; begin again with an empty cursor.")
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(text) > maxCursor || len(b) <= cursorMAC {
		return cursor{}, invalid
	}
	signed, mac := b[:len(b)-cursorMAC], b[len(b)-cursorMAC:]
	if !slices.ContainsFunc(*s.keys.Load(), func(key []byte) bool { return hmac.Equal(mac, sign(key, signed, binding)) }) {
		return cursor{}, invalid
	}
	c, ok := decodeCursor(signed)
	if !ok {
		return cursor{}, invalid
	}
	if s.now().Sub(c.issued) > s.lifetime {
		return cursor{}, expiredCursor("The cursor is older than %v; begin again with an empty cursor.", s.lifetime)
	}
	return c, nil
}

func expiredCursor(format string, args ...any) error {
	return resource.Refuse(http.StatusBadRequest, resource.TypeExpiredCursor, format, args...)
}

// decodeCursor reads the bytes that seal signed. It still reports false for malformed ones: another version of this
// server may have signed them with the same key.
func decodeCursor(b []byte) (c cursor, ok bool) {
	if b[0] != cursorVersion {
		return cursor{}, false
	}
	r := cursorReader{b: b[1:]}
	c.issued, c.began = time.Unix(int64(r.number()), 0), time.UnixMilli(int64(r.number()))
	c.count, c.start, c.after.rank = int(r.number()), int(r.number()), int(r.number())
	c.walk, c.after.id, c.digest = r.text(), r.text(), r.text()
	return c, !r.failed && len(r.b) == 0
}

// cursorReader reads numbers and texts from b. After the first malformed one failed is true.
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
