package directory

import (
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"scim-atlassian/atlassian/wire"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// sentUsers is users in the bytes in which Atlassian sent them. It implements sent.Page.
type sentUsers struct {
	*wire.Users
	ids   []string
	dates []time.Time // by index: the lastModified that is shown in place of Atlassian's; nil: there is none
}

func newSentUsers(u *wire.Users) *sentUsers {
	s, room := &sentUsers{Users: u, ids: make([]string, len(u.All))}, 0
	for i := range u.All {
		room += len(u.All[i].ID)
	}
	var all strings.Builder // one text for all ids
	all.Grow(room)
	for i := range u.All {
		from := all.Len()
		all.Write(wire.Text(u.All[i].ID))
		s.ids[i] = all.String()[from:]
	}
	return s
}

// Len implements resource.Source.
func (s *sentUsers) Len() int { return len(s.ids) }

// ID implements resource.Source.
func (s *sentUsers) ID(i int) string { return s.ids[i] }

// Release implements resource.Lent.
func (s *sentUsers) Release() {
	s.Users.Free()
	s.Users = nil
}

// Bytes implements sent.Page.
func (s *sentUsers) Bytes(i int) []byte { return s.All[i].Raw }

// Date implements sent.Page.
func (s *sentUsers) Date(i int, modified time.Time) {
	if !modified.After(s.All[i].LastModified) {
		return
	}
	if s.dates == nil {
		s.dates = make([]time.Time, len(s.All))
	}
	s.dates[i] = modified.UTC()
}

// Object implements resource.Source.
func (s *sentUsers) Object(i int) query.Object {
	all := tellersPool.Get().(*tellers)
	defer tellersPool.Put(all)
	all.object.start(s.All[i].Raw)
	tellUser(&all.object, &s.All[i])
	all.object.begin(metaName)
	s.tellMeta(&all.object, i)
	all.object.end()
	return all.object.made()
}

// Version implements resource.Source.
func (s *sentUsers) Version(i int) string {
	all := tellersPool.Get().(*tellers)
	defer tellersPool.Put(all)
	return string(s.appendTag(nil, all, i))
}

func (s *sentUsers) appendTag(b []byte, with *tellers, i int) []byte {
	with.hash = hashTeller{}
	tellUser(&with.hash, &s.All[i])
	s.tellMeta(&with.hash, i) // query.Version takes the members of meta for some of the user
	return with.hash.open[0].AppendTag(b)
}

// Append implements resource.Source.
func (s *sentUsers) Append(b []byte, i int, v resource.View) ([]byte, bool) {
	if v.Want != v.Type.Shown || v.References || v.EmailType != "" {
		return b, false
	}
	u := &s.All[i]
	all := tellersPool.Get().(*tellers)
	defer tellersPool.Put(all)
	to := &all.json
	*to = jsonTeller{b: append(b, `{"schemas":[`...)}
	to.b = append(append(append(to.b, '"'), v.Type.Core.ID...), '"') // a URN needs no escapes
	for _, e := range v.Type.Extensions {
		if has(u, e.ID) {
			to.b = append(append(append(to.b, `,"`...), e.ID...), '"')
		}
	}
	to.b = append(to.b, ']')
	tellUser(to, u)
	to.begin(metaName)
	s.tellMeta(to, i)
	var buffer [256]byte
	location := append(append(append(buffer[:0], v.Collection...), '/'), url.PathEscape(s.ids[i])...)
	to.b = appendQuoted(append(to.b, `,"location":`...), location)
	if v.Versioned {
		to.b = appendQuoted(append(to.b, `,"version":`...), s.appendTag(buffer[:0], all, i))
	}
	to.end()
	b, to.b = append(to.b, '}'), nil
	return b, true
}

// appendQuoted appends a text in JSON. What is no valid UTF-8 is replaced.
func appendQuoted[T string | []byte](b []byte, text T) []byte {
	b, _ = jsontext.AppendQuote(b, text)
	return b
}
