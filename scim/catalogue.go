package scim

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// catalogueKind names one of Jira's catalogues.
type catalogueKind uint8

const (
	projectCatalogue catalogueKind = iota // the projects that Issues may touch
	typeCatalogue
	statusCatalogue
	priorityCatalogue
	resolutionCatalogue
	componentCatalogue // of those projects
	versionCatalogue   // of those projects
	accountCatalogue
	catalogueKinds
)

// entry is something that Jira knows by id and shows by name.
type entry struct {
	id, key, name string
	category      string // of a status
	project       string // id of the only project that may use it; empty: all
}

// object is the entry as issues hold it. A person has value and display.
func (e entry) object(person bool) query.Object {
	if person {
		return query.Object{{Name: "value", Value: e.id}, {Name: "display", Value: e.name}}
	}
	o := query.Object{{Name: "id", Value: e.id}}
	for _, m := range []struct{ name, value string }{{"key", e.key}, {"name", e.name}, {"category", e.category}} {
		if m.value != "" {
			o = append(o, query.Member{Name: m.name, Value: m.value})
		}
	}
	return o
}

// catalogue is a snapshot of those catalogues that were asked for.
type catalogue [catalogueKinds][]entry

// catalogues reads Jira's catalogues when they are first needed and keeps each
// for a while. It is safe for concurrent use; one load of a kind runs at a
// time, and who needs it meanwhile waits for it.
type catalogues struct {
	jira     *atlassian.Jira
	projects []string // ids or keys; empty: all visible
	ttl      time.Duration
	now      func() time.Time
	cells    [catalogueKinds]cell
}

// cell holds one catalogue. The token in turn guards the other fields, so that
// waiting for a load can be given up.
type cell struct {
	turn    chan struct{}
	entries []entry
	loaded  time.Time
}

func newCatalogues(jira *atlassian.Jira, projects []string, ttl time.Duration, now func() time.Time) *catalogues {
	c := &catalogues{jira: jira, projects: projects, ttl: ttl, now: now}
	for i := range c.cells {
		c.cells[i].turn = make(chan struct{}, 1)
	}
	return c
}

// get returns a snapshot with the kinds asked for, loading at the same time
// those that are missing or older than the time to live, or all of them if
// fresh is set.
func (c *catalogues) get(ctx context.Context, fresh bool, kinds ...catalogueKind) (*catalogue, error) {
	var out catalogue
	if err := parallel(ctx, len(kinds), func(ctx context.Context, i int) (err error) {
		out[kinds[i]], err = c.cell(ctx, kinds[i], fresh)
		return err
	}); err != nil {
		return nil, err
	}
	return &out, nil
}

func (c *catalogues) cell(ctx context.Context, kind catalogueKind, fresh bool) ([]entry, error) {
	asked := c.now()
	cell := &c.cells[kind]
	select {
	case cell.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-cell.turn }()
	oldest := c.now().Add(-c.ttl)
	if fresh {
		oldest = asked // what was loaded while waiting is fresh enough
	}
	if cell.entries != nil && !cell.loaded.Before(oldest) {
		return cell.entries, nil
	}
	began := c.now()
	entries, err := c.load(ctx, kind)
	if err != nil {
		return nil, err
	}
	cell.entries, cell.loaded = entries, began
	return entries, nil
}

func (c *catalogues) load(ctx context.Context, kind catalogueKind) ([]entry, error) {
	switch kind {
	case projectCatalogue:
		return c.loadProjects(ctx)
	case typeCatalogue:
		return entriesOf(c.jira.IssueTypes(ctx))(func(t atlassian.IssueType) entry {
			return entry{id: t.ID, name: t.Name, project: scopeOf(t.Scope)}
		})
	case statusCatalogue:
		return entriesOf(c.jira.Statuses(ctx))(func(s atlassian.Status) entry {
			return entry{id: s.ID, name: s.Name, category: s.Category.Name, project: scopeOf(s.Scope)}
		})
	case priorityCatalogue:
		return entriesOf(c.jira.Priorities(ctx))(namedEntry)
	case resolutionCatalogue:
		return entriesOf(c.jira.Resolutions(ctx))(namedEntry)
	case componentCatalogue:
		return c.ofProjects(ctx, c.components)
	case versionCatalogue:
		return c.ofProjects(ctx, c.versions)
	}
	return entriesOf(c.jira.Accounts(ctx))(func(a *atlassian.Account) entry {
		return entry{id: a.AccountID, name: a.DisplayName}
	})
}

// entriesOf converts what a client method returned; it is curried because a
// call with two results can only be the whole argument list.
func entriesOf[T any](all []T, err error) func(func(T) entry) ([]entry, error) {
	return func(convert func(T) entry) ([]entry, error) {
		if err != nil {
			return nil, err
		}
		entries := make([]entry, 0, len(all))
		for _, v := range all {
			entries = append(entries, convert(v))
		}
		return entries, nil
	}
}

func namedEntry(n atlassian.Named) entry { return entry{id: n.ID, name: n.Name} }

func scopeOf(s *atlassian.Scope) string {
	if s == nil {
		return ""
	}
	return s.Project.ID
}

// loadProjects returns the configured projects, all of them or an error: a
// project that went out of sight would otherwise look like one without issues.
func (c *catalogues) loadProjects(ctx context.Context) ([]entry, error) {
	keys := c.projects
	if slices.ContainsFunc(keys, isNumber) {
		keys = nil // the client looks up keys only
	}
	all, err := entriesOf(c.jira.Projects(ctx, keys))(func(p atlassian.Project) entry {
		return entry{id: p.ID, key: p.Key, name: p.Name}
	})
	if err != nil || len(c.projects) == 0 {
		return all, err
	}
	out := make([]entry, 0, len(c.projects))
	for _, name := range c.projects {
		i := slices.IndexFunc(all, func(e entry) bool { return e.id == name || strings.EqualFold(e.key, name) })
		if i < 0 {
			return nil, resource.Refuse(http.StatusBadGateway, "", "Jira does not show the configured project %s to this server's account.", name)
		}
		if !slices.Contains(out, all[i]) {
			out = append(out, all[i])
		}
	}
	return out, nil
}

// ofProjects loads something of every project at the same time.
func (c *catalogues) ofProjects(ctx context.Context, load func(context.Context, string) ([]entry, error)) ([]entry, error) {
	projects, err := c.cell(ctx, projectCatalogue, false)
	if err != nil {
		return nil, err
	}
	parts := make([][]entry, len(projects))
	if err := parallel(ctx, len(projects), func(ctx context.Context, i int) (err error) {
		parts[i], err = load(ctx, projects[i].id)
		return err
	}); err != nil {
		return nil, err
	}
	return append([]entry{}, slices.Concat(parts...)...), nil
}

func (c *catalogues) components(ctx context.Context, project string) ([]entry, error) {
	return entriesOf(c.jira.Components(ctx, project))(namedEntry)
}

func (c *catalogues) versions(ctx context.Context, project string) ([]entry, error) {
	return entriesOf(c.jira.Versions(ctx, project))(func(v atlassian.Version) entry {
		return entry{id: v.ID, name: v.Name}
	})
}

func isNumber(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}
