package jql

import (
	"strings"

	"scim-atlassian/scim/query"
)

// CatalogueKind names one of Jira's catalogues: the entries from which a field of
// an issue takes its value.
type CatalogueKind uint8

// The catalogues. CatalogueKinds is their number.
const (
	ProjectCatalogue CatalogueKind = iota // the projects whose issues are served
	TypeCatalogue
	StatusCatalogue
	PriorityCatalogue
	ResolutionCatalogue
	ComponentCatalogue // of those projects
	VersionCatalogue   // of those projects
	AccountCatalogue
	LinkCatalogue // the kinds of links between issues
	CatalogueKinds
)

// Entry is an element of a catalogue: Jira knows it by id and shows its name.
type Entry struct {
	ID, Key, Name string
	Category      string // of a status
	Active        bool   // of an account
	Project       string // id of the only project whose issues may have the entry; empty: all
}

// Person returns an account in the form in which issues refer to it.
func (e Entry) Person() query.Object {
	return query.Object{{Name: "value", Value: e.ID}, {Name: "display", Value: e.Name}, {Name: "active", Value: e.Active}}
}

// Object returns an entry in the form in which issues refer to it, unless it is
// an account.
func (e Entry) Object() query.Object {
	o := append(make(query.Object, 0, 4), query.Member{Name: "id", Value: e.ID})
	for _, m := range []struct{ name, value string }{{"key", e.Key}, {"name", e.Name}, {"category", e.Category}} {
		if m.value != "" {
			o = append(o, query.Member{Name: m.name, Value: m.value})
		}
	}
	return o
}

// Catalogue holds the entries of some catalogues at one time, nil for catalogues
// that were not read. Nobody writes to it.
type Catalogue [CatalogueKinds][]Entry

// IsNumber reports whether s consists of ASCII digits, as ids of Jira do.
func IsNumber(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// IsKey reports whether s has the form of a key, such as OPS-1.
func IsKey(s string) bool {
	project, number, ok := strings.Cut(s, "-")
	return ok && IsNumber(number) && len(s) <= 255 && project != "" && !strings.ContainsFunc(project, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_')
	})
}
