package jira

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"scim-atlassian/atlassian/emulator/adf"
	"scim-atlassian/atlassian/emulator/jql"
	"scim-atlassian/atlassian/emulator/tenant"
)

// newSchema lists the fields of issues that JQL knows.
func (j *Jira) newSchema() *jql.Schema[*issue] {
	return jql.NewSchema(slices.Concat(j.identityFields(), j.choiceFields(), j.personFields(), textFields(), timeFields(),
		j.aroundFields(), j.customQueryFields())...)
}

func (j *Jira) identityFields() []jql.Field[*issue] {
	return []jql.Field[*issue]{
		{Name: "key", Aliases: []string{"id", "issue", "issuekey", "workItemKey"}, Kind: jql.Key, NoEmpty: true,
			One:     func(i *issue) string { return i.idText },
			Words:   func(i *issue) []string { return jql.Words(i.key) },
			Resolve: j.resolveIssue,
			Rank: func(id string) (string, int) {
				if i := j.issueByID[id]; i != nil {
					return i.project.key, i.number
				}
				return "", 0
			},
			Compare: func(a, b *issue) int {
				return cmp.Or(cmp.Compare(a.project.key, b.project.key), cmp.Compare(a.number, b.number))
			}},
		{Name: "parent", Kind: jql.Choice, NoEmpty: true, Resolve: j.resolveIssue,
			One: func(i *issue) string {
				if i.parent == nil {
					return ""
				}
				return i.parent.idText
			}},
		{Name: "project", Kind: jql.Choice, One: func(i *issue) string { return i.project.id },
			Resolve: func(v jql.Value) []string {
				return matching(j.projects, v, func(p *project) []string { return []string{p.id, p.key, p.name} })
			},
			Compare: func(a, b *issue) int { return cmp.Compare(a.project.key, b.project.key) }},
	}
}

func (j *Jira) resolveIssue(v jql.Value) []string {
	if i := j.issue(v.Text); i != nil {
		return []string{i.idText}
	}
	return nil
}

func (j *Jira) choiceFields() []jql.Field[*issue] {
	return []jql.Field[*issue]{
		{Name: "issuetype", Aliases: []string{"type"}, Kind: jql.Choice, One: func(i *issue) string { return i.kind.id },
			Resolve: func(v jql.Value) []string {
				return matching(j.types, v, func(t *issueType) []string { return []string{t.id, t.name} })
			},
			Compare: func(a, b *issue) int { return cmp.Compare(a.kind.name, b.kind.name) }},
		{Name: "status", Kind: jql.Choice, One: func(i *issue) string { return i.status.id }, History: changesOf("status"),
			Resolve: func(v jql.Value) []string {
				return matching(j.statuses, v, func(s *status) []string { return []string{s.id, s.name} })
			},
			Compare: func(a, b *issue) int {
				return cmp.Or(cmp.Compare(a.status.category.id, b.status.category.id), cmp.Compare(a.status.name, b.status.name))
			}},
		{Name: "statusCategory", Kind: jql.Choice, NoEmpty: true,
			One: func(i *issue) string { return i.status.category.key },
			Resolve: func(v jql.Value) []string {
				return matching([]*category{categoryNew, categoryDoing, categoryDone}, v,
					func(c *category) []string { return []string{c.key, strconv.Itoa(c.id), c.name} })
			}},
		{Name: "priority", Kind: jql.Ranked, One: func(i *issue) string { return choiceID(i.priority) }, History: changesOf("priority"),
			Resolve: resolveChoice(&j.priorities), Rank: rankChoice(&j.priorities),
			Compare: func(a, b *issue) int { return cmp.Compare(choiceRank(a.priority), choiceRank(b.priority)) }},
		{Name: "resolution", Kind: jql.Ranked, One: func(i *issue) string { return choiceID(i.resolution) }, History: changesOf("resolution"), Unset: "unresolved",
			Resolve: resolveChoice(&j.resolutions), Rank: rankChoice(&j.resolutions),
			Compare: func(a, b *issue) int { return cmp.Compare(choiceRank(a.resolution), choiceRank(b.resolution)) }},
		{Name: "labels", Kind: jql.Choice, Many: func(i *issue) []string { return i.folded },
			Resolve: func(v jql.Value) []string { return []string{strings.ToLower(v.Text)} }},
		{Name: "component", Aliases: []string{"components"}, Kind: jql.Choice, Many: func(i *issue) []string { return i.components },
			Resolve: j.resolvePart(func(p *project) []*part { return p.components })},
		{Name: "fixVersion", Aliases: []string{"fixVersions"}, Kind: jql.Ranked, Many: func(i *issue) []string { return i.versions },
			Resolve: j.resolvePart(func(p *project) []*part { return p.versions }),
			Rank:    j.rankVersion, History: changesOf("fixVersions")},
	}
}

// rankVersion orders the versions of a project.
func (j *Jira) rankVersion(id string) (string, int) {
	if p := j.parts[id]; p != nil {
		return p.project.id, p.order
	}
	return "", 0
}

// aroundFields are the fields of what stands around issues.
func (j *Jira) aroundFields() []jql.Field[*issue] {
	return []jql.Field[*issue]{
		{Name: "affectedVersion", Kind: jql.Ranked, Many: func(i *issue) []string { return i.x().affects },
			Resolve: j.resolvePart(func(p *project) []*part { return p.versions }), Rank: j.rankVersion},
		{Name: "watcher", Kind: jql.Choice, Resolve: j.resolveAccount,
			Many: func(i *issue) []string {
				var ids []string
				for _, a := range i.x().watchers {
					ids = append(ids, a.ID)
				}
				return ids
			}},
		{Name: "level", Kind: jql.Choice,
			One: func(i *issue) string {
				if s := i.x().security; s != nil {
					return s.id
				}
				return ""
			},
			Resolve: func(v jql.Value) []string {
				var ids []string
				for _, p := range j.projects {
					ids = append(ids, matching(p.levels, v, func(s *securityLevel) []string { return []string{s.id, s.name} })...)
				}
				return ids
			}},
	}
}

func (j *Jira) resolvePart(of func(*project) []*part) func(jql.Value) []string {
	return func(v jql.Value) []string {
		var ids []string
		for _, p := range j.projects {
			ids = append(ids, matching(of(p), v, func(p *part) []string { return []string{p.id, p.name} })...)
		}
		return ids
	}
}

// matching lists the ids of the objects that a literal names. names gives an
// object's id first; a bare number is an id if there is such an id, and any
// other text is a name if there is such a name.
func matching[T any](objects []T, v jql.Value, names func(T) []string) []string {
	var byID, byName []string
	for _, object := range objects {
		known := names(object)
		switch {
		case known[0] == v.Text:
			byID = append(byID, known[0])
		case slices.ContainsFunc(known, func(name string) bool { return strings.EqualFold(name, v.Text) }):
			byName = append(byName, known[0])
		}
	}
	if v.Number && byID != nil || byName == nil {
		return byID
	}
	return byName
}

func choiceID(c *choice) string {
	if c == nil {
		return ""
	}
	return c.id
}

func choiceRank(c *choice) int {
	if c == nil {
		return -1
	}
	return c.rank
}

func resolveChoice(list *[]*choice) func(jql.Value) []string {
	return func(v jql.Value) []string {
		return matching(*list, v, func(c *choice) []string { return []string{c.id, c.name} })
	}
}

func rankChoice(list *[]*choice) func(string) (string, int) {
	return func(id string) (string, int) { return "", choiceRank(findChoice(*list, reference{id: id})) }
}

func (j *Jira) personFields() []jql.Field[*issue] {
	field := func(name string, of func(*issue) *tenant.Account) jql.Field[*issue] {
		return jql.Field[*issue]{
			Name: name, Kind: jql.Choice, Resolve: j.resolveAccount,
			One: func(i *issue) string {
				if a := of(i); a != nil {
					return a.ID
				}
				return ""
			},
			Compare: func(a, b *issue) int { return cmp.Compare(sortName(of(a)), sortName(of(b))) },
		}
	}
	return []jql.Field[*issue]{
		withHistory(field("assignee", func(i *issue) *tenant.Account { return i.assignee })),
		withHistory(field("reporter", func(i *issue) *tenant.Account { return i.reporter })),
		field("creator", func(i *issue) *tenant.Account { return i.creator }),
	}
}

func withHistory(f jql.Field[*issue]) jql.Field[*issue] {
	f.History = changesOf(f.Name)
	return f
}

// sortName returns the key that orders people by name, with nobody last.
func sortName(a *tenant.Account) string {
	if a == nil {
		return "\U0010ffff"
	}
	return strings.ToLower(a.Name)
}

// resolveAccount finds an account by its id. Since 2019 Jira accepts a name or
// address only if exactly one account shows it.
func (j *Jira) resolveAccount(v jql.Value) []string {
	if j.accounts.WithID(v.Text) != nil {
		return []string{v.Text}
	}
	var found []string
	for _, a := range j.accounts.All() {
		if strings.EqualFold(a.Name, v.Text) || !a.EmailHidden && a.Email != "" && strings.EqualFold(a.Email, v.Text) {
			found = append(found, a.ID)
		}
	}
	if len(found) != 1 {
		return nil
	}
	return found
}

func textFields() []jql.Field[*issue] {
	return []jql.Field[*issue]{
		{Name: "summary", Kind: jql.Text,
			Words:   func(i *issue) []string { return i.words.summary.of(func() string { return i.summary }) },
			Compare: func(a, b *issue) int { return cmp.Compare(strings.ToLower(a.summary), strings.ToLower(b.summary)) }},
		{Name: "description", Kind: jql.Text,
			Words: func(i *issue) []string {
				return i.words.description.of(func() string { return adf.Text(i.description) })
			}},
		{Name: "environment", Kind: jql.Text,
			Words: func(i *issue) []string {
				return i.words.environment.of(func() string { return adf.Text(i.environment) })
			}},
	}
}

func timeFields() []jql.Field[*issue] {
	moment := func(name, alias string, of func(*issue) time.Time) jql.Field[*issue] {
		return jql.Field[*issue]{
			Name: name, Aliases: []string{alias}, Kind: jql.Moment,
			Time: func(i *issue) int64 {
				if t := of(i); !t.IsZero() {
					return t.UnixMilli()
				}
				return jql.Never
			},
			// The index keeps seconds. In one second the latest issue comes first.
			Compare: func(a, b *issue) int { return of(a).Truncate(time.Second).Compare(of(b).Truncate(time.Second)) },
		}
	}
	return []jql.Field[*issue]{
		moment("created", "createdDate", func(i *issue) time.Time { return i.created }),
		moment("updated", "updatedDate", func(i *issue) time.Time { return i.updated }),
		moment("resolved", "resolutiondate", func(i *issue) time.Time { return i.resolved }),
		{Name: "due", Aliases: []string{"duedate"}, Kind: jql.Day,
			Time: func(i *issue) int64 {
				day, err := time.Parse(time.DateOnly, i.due)
				if err != nil {
					return jql.Never
				}
				return day.Unix() / 86400
			},
			Compare: func(a, b *issue) int { return cmp.Compare(cmp.Or(a.due, "9999"), cmp.Or(b.due, "9999")) }},
	}
}
