// Package catalogue reads Jira's catalogues: projects, types, statuses, priorities,
// resolutions, components, versions and accounts, and finds in them what clients name.
package catalogue

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/memo"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/resource"
)

// TTL is how long a new status, component or account may go unseen by
// filters.
const TTL = 2 * time.Minute

// Catalogues reads Jira's catalogues when they are first needed and keeps each
// for a while. It is safe for concurrent use.
type Catalogues struct {
	jira     *atlassian.Jira
	projects []string // ids or keys; empty: all visible
	kept     [jql.CatalogueKinds]*memo.Memo[[]jql.Entry]
}

// New returns catalogues that keep what they have read for ttl.
func New(jira *atlassian.Jira, projects []string, ttl time.Duration, now func() time.Time) *Catalogues {
	c := &Catalogues{jira: jira, projects: projects}
	for i := range c.kept {
		c.kept[i] = memo.New[[]jql.Entry](ttl, now)
	}
	return c
}

// Get returns the catalogues of some kinds, and reads at the same time those that
// are too old for the need.
func (c *Catalogues) Get(ctx context.Context, need mirror.Need, kinds ...jql.CatalogueKind) (*jql.Catalogue, error) {
	var out jql.Catalogue
	if err := mirror.Parallel(ctx, len(kinds), func(ctx context.Context, i int) (err error) {
		out[kinds[i]], err = c.Entries(ctx, need, kinds[i])
		return err
	}); err != nil {
		return nil, err
	}
	return &out, nil
}

// Served returns the projects whose issues and roles are served.
func (c *Catalogues) Served(ctx context.Context, need mirror.Need) ([]jql.Entry, error) {
	return c.Entries(ctx, need, jql.ProjectCatalogue)
}

// Entries returns the catalogue of a kind.
func (c *Catalogues) Entries(ctx context.Context, need mirror.Need, kind jql.CatalogueKind) ([]jql.Entry, error) {
	return c.kept[kind].Get(ctx, need.Fresh, func(ctx context.Context) ([]jql.Entry, error) { return c.load(ctx, kind) })
}

// load reads a catalogue.
func (c *Catalogues) load(ctx context.Context, kind jql.CatalogueKind) ([]jql.Entry, error) {
	switch kind {
	case jql.ProjectCatalogue:
		return c.loadProjects(ctx)
	case jql.TypeCatalogue:
		all, err := c.jira.IssueTypes(ctx)
		return convert(all, err, func(t atlassian.IssueType) jql.Entry {
			return jql.Entry{ID: t.ID, Name: t.Name, Project: scopeOf(t.Scope)}
		})
	case jql.StatusCatalogue:
		all, err := c.jira.Statuses(ctx)
		return convert(all, err, func(s atlassian.Status) jql.Entry {
			return jql.Entry{ID: s.ID, Name: s.Name, Category: s.Category.Name, Project: scopeOf(s.Scope)}
		})
	case jql.PriorityCatalogue:
		all, err := c.jira.Priorities(ctx)
		return convert(all, err, Named)
	case jql.ResolutionCatalogue:
		all, err := c.jira.Resolutions(ctx)
		return convert(all, err, Named)
	case jql.ComponentCatalogue:
		return c.ofProjects(ctx, c.Components)
	case jql.VersionCatalogue:
		return c.ofProjects(ctx, c.Versions)
	case jql.LinkCatalogue:
		all, err := c.jira.LinkTypes(ctx)
		return convert(all, err, func(t atlassian.LinkType) jql.Entry { return jql.Entry{ID: t.ID, Name: t.Name} })
	}
	all, err := c.jira.Accounts(ctx)
	return convert(all, err, func(a *atlassian.Account) jql.Entry {
		return jql.Entry{ID: a.AccountID, Name: a.DisplayName, Active: a.Active}
	})
}

// convert returns the entries for what a client read, or the client's error.
func convert[T any](all []T, err error, entry func(T) jql.Entry) ([]jql.Entry, error) {
	if err != nil {
		return nil, err
	}
	entries := make([]jql.Entry, 0, len(all))
	for _, v := range all {
		entries = append(entries, entry(v))
	}
	return entries, nil
}

// Named is the entry of a thing that has an id and a name.
func Named(n atlassian.Named) jql.Entry { return jql.Entry{ID: n.ID, Name: n.Name} }

// scopeOf returns the id of the only project that may use a type or a status, ""
// if all may.
func scopeOf(s *atlassian.Scope) string {
	if s == nil {
		return ""
	}
	return s.Project.ID
}

// loadProjects returns the configured projects, all of them or an error: else a
// project that the server's account cannot see would look like one without issues.
func (c *Catalogues) loadProjects(ctx context.Context) ([]jql.Entry, error) {
	keys := c.projects
	if slices.ContainsFunc(keys, jql.IsNumber) {
		keys = nil // the client knows no lookup by id
	}
	visible, err := c.jira.Projects(ctx, keys)
	all, err := convert(visible, err, func(p atlassian.Project) jql.Entry { return jql.Entry{ID: p.ID, Key: p.Key, Name: p.Name} })
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

// ofProjects reads a catalogue that every project has of its own, for all projects
// at the same time.
func (c *Catalogues) ofProjects(ctx context.Context, load func(context.Context, string) ([]jql.Entry, error)) ([]jql.Entry, error) {
	projects, err := c.Served(ctx, mirror.Need{})
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

// Components returns the components of a project.
func (c *Catalogues) Components(ctx context.Context, project string) ([]jql.Entry, error) {
	all, err := c.jira.Components(ctx, project)
	return convert(all, err, Named)
}

// Versions returns the versions of a project.
func (c *Catalogues) Versions(ctx context.Context, project string) ([]jql.Entry, error) {
	all, err := c.jira.Versions(ctx, project)
	return convert(all, err, func(v atlassian.Version) jql.Entry { return jql.Entry{ID: v.ID, Name: v.Name} })
}
