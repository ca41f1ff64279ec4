package feed

import (
	"maps"
	"slices"

	"scim-atlassian/atlassian"
)

// Hints are what should be read again, each named once and in order.
type Hints struct {
	Accounts   []string // account ids
	Emails     []string // of accounts whose id is not told
	Groups     []string // ids as Jira and the organization have them
	GroupNames []string // of groups, also of those in Groups whose name is told
	Projects   []string // ids of Jira projects, whose roles should be read

	// Something of the kind has changed, and it is not told which, or too many have.
	SomeAccount, SomeGroup, SomeProject bool
}

// maxHints is how many things of a kind are named in one call.
const maxHints = 10_000

// hintSet collects Hints.
type hintSet struct {
	accounts, emails, groups, names, projects map[string]bool
	some                                      Hints
}

// add reports whether the hint points to anything.
func (s *hintSet) add(h atlassian.Hint) bool {
	insert(&s.accounts, h.Accounts, &s.some.SomeAccount)
	insert(&s.emails, h.Emails, &s.some.SomeAccount)
	insert(&s.groups, h.Groups, &s.some.SomeGroup)
	insert(&s.names, h.GroupNames, &s.some.SomeGroup)
	insert(&s.projects, h.Projects, &s.some.SomeProject)
	s.some.SomeAccount = s.some.SomeAccount || h.SomeAccount
	s.some.SomeGroup = s.some.SomeGroup || h.SomeGroup
	s.some.SomeProject = s.some.SomeProject || h.SomeProject
	return len(h.Accounts)+len(h.Emails)+len(h.Groups)+len(h.GroupNames)+len(h.Projects) > 0 || h.SomeAccount || h.SomeGroup || h.SomeProject
}

// insert adds texts to a set. Beyond the bound it sets some instead.
func insert(set *map[string]bool, texts []string, some *bool) {
	for _, text := range texts {
		switch {
		case len(*set) >= maxHints && !(*set)[text]:
			*some = true
		case *set == nil:
			*set = map[string]bool{text: true}
		default:
			(*set)[text] = true
		}
	}
}

func (s *hintSet) empty() bool {
	some := s.some.SomeAccount || s.some.SomeGroup || s.some.SomeProject
	return !some && len(s.accounts)+len(s.emails)+len(s.groups)+len(s.names)+len(s.projects) == 0
}

func (s *hintSet) list() Hints {
	h := s.some
	h.Accounts, h.Emails = slices.Sorted(maps.Keys(s.accounts)), slices.Sorted(maps.Keys(s.emails))
	h.Groups, h.GroupNames = slices.Sorted(maps.Keys(s.groups)), slices.Sorted(maps.Keys(s.names))
	h.Projects = slices.Sorted(maps.Keys(s.projects))
	return h
}
