package directory

import (
	"iter"
	"net/url"
	"slices"
	"sync"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/wire"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/tell"
)

// sentGroup is one group in the bytes in which Atlassian sent it, so that its members,
// which Atlassian always sends, are made into objects only if somebody needs them. It
// implements sent.Page.
type sentGroup struct {
	*wire.Group
	id      string
	date    time.Time     // the lastModified that is shown in place of Atlassian's; zero: there is none
	version func() string // worked out once
}

func newSentGroup(g *wire.Group) *sentGroup {
	s := &sentGroup{Group: g, id: string(wire.Text(g.ID))}
	s.version = sync.OnceValue(s.tag)
	return s
}

// Len implements resource.Source.
func (s *sentGroup) Len() int { return 1 }

// ID implements resource.Source.
func (s *sentGroup) ID(int) string { return s.id }

// Release implements resource.Lent.
func (s *sentGroup) Release() {
	s.Group.Free()
	s.Group = nil
}

// Bytes implements sent.Page.
func (s *sentGroup) Bytes(int) []byte { return s.Raw }

// Date implements sent.Page.
func (s *sentGroup) Date(_ int, modified time.Time) {
	if modified.After(s.LastModified) {
		s.date = modified.UTC()
	}
}

func (s *sentGroup) name() string { return string(wire.Text(s.DisplayName)) }

// memberIDs are the ids of the members. Nobody may keep them.
func (s *sentGroup) memberIDs() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := range s.Members {
			if !yield(wire.Text(s.Members[i].Value)) {
				return
			}
		}
	}
}

// The members of a group that are none of a user.
var membersName = tell.Named("members")

// tellHead tells all members of a group but its members and meta.
func (s *sentGroup) tellHead(to tell.Teller) {
	to.Text(idName, s.Group.ID)
	to.Text(externalIDName, s.ExternalID)
	to.Text(displayNameName, s.DisplayName)
}

// tellMembers tells the members, of which there is one at least.
func (s *sentGroup) tellMembers(to tell.Teller) {
	to.List(membersName, len(s.Members))
	for i := range s.Members {
		m := &s.Members[i]
		to.Element()
		to.Text(valueName, m.Value)
		to.Text(displayName, m.Display)
		to.Text(typeName, m.Type)
		to.End()
	}
	to.End()
}

// meta is what Atlassian knows of meta.
func (s *sentGroup) meta() *atlassian.Meta {
	m := &atlassian.Meta{Created: s.Created, LastModified: s.LastModified}
	showModified(m, s.date)
	return m
}

// tellMeta tells what Atlassian knows of meta.
func (s *sentGroup) tellMeta(to tell.Teller) {
	m := s.meta()
	to.Fixed(resourceTypeName, "Group")
	to.Instant(createdName, m.Created)
	to.Instant(lastModifiedName, m.LastModified)
}

// head is the object without members.
func (s *sentGroup) head() query.Object {
	o := query.Texts("id", s.id, "externalId", string(wire.Text(s.ExternalID)), "displayName", s.name())
	return append(o, MetaMember("Group", s.meta()))
}

// Object implements resource.Source. The group has members, even if there are none.
func (s *sentGroup) Object(int) query.Object {
	members := query.Object{{Name: "members", Value: []any{}}}
	if len(s.Members) > 0 {
		all := tell.Borrow()
		defer all.GiveBack()
		all.Object.Start(s.Raw, len(members))
		s.tellMembers(&all.Object)
		members = all.Object.Made()
	}
	o := s.head()
	return slices.Insert(o, len(o)-1, members...)
}

// Version implements resource.Source.
func (s *sentGroup) Version(int) string { return s.version() }

func (s *sentGroup) tag() string {
	if len(s.Members) == 0 {
		return query.Version(s.Object(0)) // what is empty is not told
	}
	all := tell.Borrow()
	defer all.GiveBack()
	all.Hash = tell.Hash{}
	s.tellHead(&all.Hash)
	s.tellMembers(&all.Hash)
	s.tellMeta(&all.Hash)
	return string(all.Hash.AppendTag(nil))
}

// Append implements resource.Source. Without members it has an object of the rest alone.
func (s *sentGroup) Append(b []byte, _ int, v resource.View) ([]byte, bool) {
	if v.Want.Wants("members") {
		return b, false
	}
	o := s.head()
	meta := &o[len(o)-1]
	facts := append(meta.Value.(query.Object), query.Member{Name: "location", Value: v.Collection + "/" + url.PathEscape(s.id)})
	if v.Versioned {
		facts = append(facts, query.Member{Name: "version", Value: s.version()})
	}
	meta.Value = facts
	o = slices.Insert(o, 0, query.Member{Name: "schemas", Value: v.Type.SchemasOf(o)})
	return v.Want.Apply(o).AppendJSON(b), true
}
