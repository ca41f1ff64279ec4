// Package jira is the backend of issues over Jira's REST API (version 3).
//
// A list of issues is answered in two steps (search.go): package jql translates
// the filter, a search finds ids, and what JQL cannot express exactly is decided
// on the issues themselves, in bulk. Writes (write.go, move.go) resolve names to
// ids before the first request, and compare the issue afterwards with what was
// asked for.
package jira

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/field"
	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/once"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/upstream"
)

// issues is the backend of Issue resources. An issue outside the configured
// projects does not exist for clients.
type issues struct {
	jira       *atlassian.Jira
	schema     *query.Schema
	projects   []string // ids or keys; empty: all visible
	accountOf  AccountOf
	fields     []issueField // the attributes that are fields of Jira
	table      jql.Table
	catalogues *catalogues
	recent     recentWrites
	once       *once.Creations
	claim      once.Claim
	adopt      bool // a POST with the externalId of an issue returns that issue
	verdicts   jqlVerdicts
	strangers  strangers
	idOnly     query.Projection
	budget     int // upstream requests that one query may cost
}

// Config says which Jira is served, and within which bounds.
type Config struct {
	Jira   *atlassian.Jira
	Schema *query.Schema // the attributes of Issue resources
	Fields field.Set     // custom fields that are attributes
	// AccountOf finds the account of a User; nil: people are named by account id only.
	AccountOf AccountOf

	// Claim keeps two replicas from creating the issue with one externalId at the same
	// time; nil: the requests of this process take turns.
	Claim once.Claim
	// Adopt answers a POST whose externalId an issue has with that issue, not 409.
	Adopt bool

	Projects []string // keys or ids; empty: all visible ones

	ScanBudget  int           // upstream requests that one query may cost
	SnapshotTTL time.Duration // how long accounts known not to exist are kept; 0: not at all
	Now         func() time.Time
}

// New makes the backend of issues. It asks nothing of upstream.
func New(cfg Config) *Issues {
	return &Issues{newIssues(cfg, newCatalogues(cfg.Jira, cfg.Projects, catalogueTTL, cfg.Now))}
}

// Issues is the backend of issues.
type Issues struct{ *issues }

// Served returns the projects whose issues are served.
func (b *Issues) Served(ctx context.Context, need mirror.Need) ([]jql.Entry, error) {
	return b.catalogues.served(ctx, need)
}

func newIssues(cfg Config, c *catalogues) *issues {
	idOnly, _ := cfg.Schema.Project([]string{"id"}, nil) // fails only if both lists are given
	if cfg.Claim == nil {
		cfg.Claim = (&once.Turns{}).Claim
	}
	return &issues{
		idOnly:     idOnly,
		jira:       cfg.Jira,
		schema:     cfg.Schema,
		projects:   cfg.Projects,
		accountOf:  cfg.AccountOf,
		fields:     withCustom(cfg.Fields),
		table:      tableOf(cfg.Fields),
		catalogues: c,
		recent:     recentWrites{now: cfg.Now},
		once:       once.New(cfg.Now),
		claim:      cfg.Claim,
		adopt:      cfg.Adopt,
		verdicts:   jqlVerdicts{now: cfg.Now},
		strangers:  strangers{jira: cfg.Jira, ttl: cfg.SnapshotTTL, now: cfg.Now},
		budget:     cfg.ScanBudget,
	}
}

// Get implements resource.Backend. id may also be a key, even a former key of an
// issue that was moved to another project.
func (b *issues) Get(ctx context.Context, id string, want query.Projection) (query.Object, error) {
	found, err := b.read(ctx, id, b.neededFields(want, nil, nil))
	if err != nil {
		return nil, err
	}
	wanted := asked(ctx, want)
	if want == (query.Projection{}) {
		wanted = append(wanted, resource.RequestOf(ctx).Touched...)
	}
	one := []query.Object{found}
	err = b.surround(ctx, one, wanted, func(int) error { return nil })
	return one[0], err
}

// read reads some fields of an issue. An issue that does not exist, or is outside
// the configured projects, is a 404 *resource.Error.
func (b *issues) read(ctx context.Context, id string, fields []string) (query.Object, error) {
	if !jql.IsNumber(id) && !isIssueKey(id) {
		return nil, resource.NotFound("Issue", resource.Clip(id))
	}
	issue, err := b.jira.Issue(ctx, id, fields, once.Property)
	if err != nil {
		return nil, upstream.Missing(err, "Issue", id)
	}
	if !b.allows(issue.Fields.Project) {
		return nil, resource.NotFound("Issue", id)
	}
	return b.object(ctx, issue)
}

// Remove implements resource.Backend. Jira refuses to delete an issue with
// subtasks, whose deletion was not asked for.
func (b *issues) Remove(ctx context.Context, id string) error {
	found, err := b.read(ctx, id, []string{"project"})
	if err != nil {
		return err
	}
	id = found.Text("id")
	b.recent.add(id) // even if the request fails, it may have been carried out
	return upstream.Missing(b.jira.DeleteIssue(ctx, id, false), "Issue", id)
}

// allows reports whether the issues of a project are served.
func (b *issues) allows(p *atlassian.Project) bool {
	if p == nil {
		return false
	}
	return len(b.projects) == 0 || slices.ContainsFunc(b.projects, func(name string) bool {
		return name == p.ID || strings.EqualFold(name, p.Key)
	})
}

// isIssueKey reports whether s has the form of a key, such as OPS-1.
func isIssueKey(s string) bool {
	project, number, ok := strings.Cut(s, "-")
	return ok && jql.IsNumber(number) && len(s) <= 255 && project != "" && !strings.ContainsFunc(project, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_')
	})
}

// recentWrites remembers the issues written lately: Jira's search index may not
// have these writes yet. It is safe for concurrent use.
type recentWrites struct {
	now   func() time.Time
	mu    sync.Mutex
	items []recentWrite // oldest first
}

type recentWrite struct {
	id string
	at time.Time
}

const (
	// recentFor is how long the index may take to have a write.
	recentFor = 2 * time.Minute

	// maxReconcile is the number of issues that a search can be asked to look up
	// past the index, Jira's maximum.
	maxReconcile = 50
)

func (r *recentWrites) add(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(func(w recentWrite) bool { return w.id == id })
	r.items = append(r.items, recentWrite{id, r.now()})
}

// ids returns the issues written lately, oldest first. Jira's own limit of writes
// bounds their number.
func (r *recentWrites) ids() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	oldest := r.now().Add(-recentFor)
	r.forget(func(w recentWrite) bool { return w.at.Before(oldest) })
	ids := make([]string, 0, len(r.items))
	for _, w := range r.items {
		ids = append(ids, w.id)
	}
	return ids
}

func (r *recentWrites) forget(which func(recentWrite) bool) {
	r.items = slices.DeleteFunc(r.items, which)
}

// Explain implements resource.Backend. Names in the filter are not resolved.
func (b *issues) Explain(filter query.Expr) string {
	simple := query.Simplify(filter)
	if plan, ok := b.table.Outline(simple); ok {
		return plan.String()
	}
	return jql.Compiler{Table: b.table}.Compile(simple).String()
}
