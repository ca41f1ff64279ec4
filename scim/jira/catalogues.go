package jira

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/resource"
)

// Catalogues reads Jira's catalogues when they are first needed and keeps each
// for a while. It is safe for concurrent use; one load of a kind runs at a
// time, and who needs it meanwhile waits for it.
type Catalogues struct {
	jira     *atlassian.Jira
	projects []string // ids or keys; empty: all visible
	ttl      time.Duration
	now      func() time.Time
	cells    [jql.CatalogueKinds]cell
}

// cell holds one catalogue. The token in turn guards the other fields, so that
// waiting for a load can be given up.
type cell struct {
	turn    chan struct{}
	entries []jql.Entry
	loaded  time.Time
}

func NewCatalogues(jira *atlassian.Jira, projects []string, ttl time.Duration, now func() time.Time) *Catalogues {
	c := &Catalogues{jira: jira, projects: projects, ttl: ttl, now: now}
	for i := range c.cells {
		c.cells[i].turn = make(chan struct{}, 1)
	}
	return c
}

// get returns a snapshot with the kinds asked for, loading at the same time
// those that are missing or older than the time to live, or all of them if
// fresh is set.
func (c *Catalogues) get(ctx context.Context, fresh bool, kinds ...jql.CatalogueKind) (*jql.Catalogue, error) {
	var out jql.Catalogue
	if err := mirror.Parallel(ctx, len(kinds), func(ctx context.Context, i int) (err error) {
		out[kinds[i]], err = c.cell(ctx, kinds[i], fresh)
		return err
	}); err != nil {
		return nil, err
	}
	return &out, nil
}

func (c *Catalogues) cell(ctx context.Context, kind jql.CatalogueKind, fresh bool) ([]jql.Entry, error) {
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

func (c *Catalogues) load(ctx context.Context, kind jql.CatalogueKind) ([]jql.Entry, error) {
	switch kind {
	case jql.ProjectCatalogue:
		return c.loadProjects(ctx)
	case jql.TypeCatalogue:
		return entriesOf(c.jira.IssueTypes(ctx))(func(t atlassian.IssueType) jql.Entry {
			return jql.Entry{ID: t.ID, Name: t.Name, Project: scopeOf(t.Scope)}
		})
	case jql.StatusCatalogue:
		return entriesOf(c.jira.Statuses(ctx))(func(s atlassian.Status) jql.Entry {
			return jql.Entry{ID: s.ID, Name: s.Name, Category: s.Category.Name, Project: scopeOf(s.Scope)}
		})
	case jql.PriorityCatalogue:
		return entriesOf(c.jira.Priorities(ctx))(namedEntry)
	case jql.ResolutionCatalogue:
		return entriesOf(c.jira.Resolutions(ctx))(namedEntry)
	case jql.ComponentCatalogue:
		return c.ofProjects(ctx, c.components)
	case jql.VersionCatalogue:
		return c.ofProjects(ctx, c.versions)
	}
	return entriesOf(c.jira.Accounts(ctx))(func(a *atlassian.Account) jql.Entry {
		return jql.Entry{ID: a.AccountID, Name: a.DisplayName}
	})
}

// entriesOf converts what a client method returned; it is curried because a
// call with two results can only be the whole argument list.
func entriesOf[T any](all []T, err error) func(func(T) jql.Entry) ([]jql.Entry, error) {
	return func(convert func(T) jql.Entry) ([]jql.Entry, error) {
		if err != nil {
			return nil, err
		}
		entries := make([]jql.Entry, 0, len(all))
		for _, v := range all {
			entries = append(entries, convert(v))
		}
		return entries, nil
	}
}

func namedEntry(n atlassian.Named) jql.Entry { return jql.Entry{ID: n.ID, Name: n.Name} }

func scopeOf(s *atlassian.Scope) string {
	if s == nil {
		return ""
	}
	return s.Project.ID
}

// loadProjects returns the configured projects, all of them or an error: a
// project that went out of sight would otherwise look like one without issues.
func (c *Catalogues) loadProjects(ctx context.Context) ([]jql.Entry, error) {
	keys := c.projects
	if slices.ContainsFunc(keys, jql.IsNumber) {
		keys = nil // the client looks up keys only
	}
	all, err := entriesOf(c.jira.Projects(ctx, keys))(func(p atlassian.Project) jql.Entry {
		return jql.Entry{ID: p.ID, Key: p.Key, Name: p.Name}
	})
	if err != nil || len(c.projects) == 0 {
		return all, err
	}
	out := make([]jql.Entry, 0, len(c.projects))
	for _, name := range c.projects {
		i := slices.IndexFunc(all, func(e jql.Entry) bool { return e.ID == name || strings.EqualFold(e.Key, name) })
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
func (c *Catalogues) ofProjects(ctx context.Context, load func(context.Context, string) ([]jql.Entry, error)) ([]jql.Entry, error) {
	projects, err := c.cell(ctx, jql.ProjectCatalogue, false)
	if err != nil {
		return nil, err
	}
	parts := make([][]jql.Entry, len(projects))
	if err := mirror.Parallel(ctx, len(projects), func(ctx context.Context, i int) (err error) {
		parts[i], err = load(ctx, projects[i].ID)
		return err
	}); err != nil {
		return nil, err
	}
	return append([]jql.Entry{}, slices.Concat(parts...)...), nil
}

func (c *Catalogues) components(ctx context.Context, project string) ([]jql.Entry, error) {
	return entriesOf(c.jira.Components(ctx, project))(namedEntry)
}

func (c *Catalogues) versions(ctx context.Context, project string) ([]jql.Entry, error) {
	return entriesOf(c.jira.Versions(ctx, project))(func(v atlassian.Version) jql.Entry {
		return jql.Entry{ID: v.ID, Name: v.Name}
	})
}
