package jql

import (
	"strings"

	"scim-atlassian/scim/query"
)

// CatalogueKind names one of Jira's catalogues.
type CatalogueKind uint8

const (
	ProjectCatalogue CatalogueKind = iota // the projects that Issues may touch
	TypeCatalogue
	StatusCatalogue
	PriorityCatalogue
	ResolutionCatalogue
	ComponentCatalogue // of those projects
	VersionCatalogue   // of those projects
	accountCatalogue
	CatalogueKinds
)

// Entry is something that Jira knows by id and shows by name.
type Entry struct {
	ID, Key, Name string
	Category      string // of a status
	Project       string // id of the only project that may use it; empty: all
}

// Object is the entry as issues hold it. A person has value and display.
func (e Entry) Object(person bool) query.Object {
	if person {
		return query.Object{{Name: "value", Value: e.ID}, {Name: "display", Value: e.Name}}
	}
	o := query.Object{{Name: "id", Value: e.ID}}
	for _, m := range []struct{ name, value string }{{"key", e.Key}, {"name", e.Name}, {"category", e.Category}} {
		if m.value != "" {
			o = append(o, query.Member{Name: m.name, Value: m.value})
		}
	}
	return o
}

// Catalogue is a snapshot of those catalogues that were asked for.
type Catalogue [CatalogueKinds][]Entry

func IsNumber(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}
