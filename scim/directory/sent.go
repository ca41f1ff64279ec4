package directory

import (
	"net/url"
	"strings"
	"time"

	"scim-atlassian/atlassian/wire"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/tell"
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
	all := tell.Borrow()
	defer all.GiveBack()
	all.Object.Start(s.All[i].Raw, userMembers)
	tellUser(&all.Object, &s.All[i])
	all.Object.Begin(metaName)
	s.tellMeta(&all.Object, i)
	all.Object.End()
	return all.Object.Made()
}

// Version implements resource.Source.
func (s *sentUsers) Version(i int) string {
	all := tell.Borrow()
	defer all.GiveBack()
	return string(s.appendTag(nil, all, i))
}

func (s *sentUsers) appendTag(b []byte, with *tell.Tellers, i int) []byte {
	with.Hash = tell.Hash{}
	tellUser(&with.Hash, &s.All[i])
	s.tellMeta(&with.Hash, i)
	return with.Hash.AppendTag(b)
}

// Append implements resource.Source.
func (s *sentUsers) Append(b []byte, i int, v resource.View) ([]byte, bool) {
	if v.Want != v.Type.Shown || v.References || v.EmailType != "" {
		return b, false
	}
	u := &s.All[i]
	all := tell.Borrow()
	defer all.GiveBack()
	b = append(append(append(b, `{"schemas":["`...), v.Type.Core.ID...), '"') // a URN needs no escapes
	for _, e := range v.Type.Extensions {
		if has(u, e.ID) {
			b = append(append(append(b, `,"`...), e.ID...), '"')
		}
	}
	to := &all.JSON
	to.Start(append(b, ']'))
	tellUser(to, u)
	to.Begin(metaName)
	s.tellMeta(to, i)
	var buffer [256]byte
	to.Quoted(locationName, append(append(append(buffer[:0], v.Collection...), '/'), url.PathEscape(s.ids[i])...))
	if v.Versioned {
		to.Quoted(versionName, s.appendTag(buffer[:0], all, i))
	}
	to.End()
	return append(to.Bytes(), '}'), true
}
