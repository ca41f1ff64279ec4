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
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/catalogue"
	"scim-atlassian/scim/desk"
	"scim-atlassian/scim/field"
	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/once"
	"scim-atlassian/scim/person"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/richtext"
	"scim-atlassian/scim/searches"
	"scim-atlassian/scim/state"
	"scim-atlassian/scim/upstream"
)

// issues is the backend of Issue resources. An issue outside the configured
// projects does not exist for clients.
type issues struct {
	jira       *atlassian.Jira
	schema     *query.Schema
	projects   []string // ids or keys; empty: all visible
	people     person.Directory
	fields     []issueField // the attributes that are fields of Jira
	table      jql.Table
	catalogues *catalogue.Catalogues
	recent     *searches.Recent
	once       *once.Creations
	desks      *desk.Desks
	choices    *field.Choices
	texts      *richtext.Texts
	claim      once.Claim
	adopt      bool // a POST with the externalId of an issue returns that issue
	verdicts   *searches.Verdicts
	strangers  *searches.Strangers
	idOnly     query.Projection
	everything []string // the fields of a whole resource; nobody writes to it
	budget     int      // upstream requests that one query may cost
}

// Config says which Jira is served, and within which bounds.
type Config struct {
	Jira   *atlassian.Jira
	Schema *query.Schema // the attributes of Issue resources
	Fields field.Set     // custom fields that are attributes
	People person.Directory

	// State keeps what was created under an externalId; nil: the process does.
	State *state.Store
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
	return &Issues{newIssues(cfg, catalogue.New(cfg.Jira, cfg.Projects, catalogue.TTL, cfg.Now))}
}

// Issues is the backend of issues.
type Issues struct{ *issues }

// Served returns the projects whose issues are served.
func (b *Issues) Served(ctx context.Context, need mirror.Need) ([]jql.Entry, error) {
	return b.catalogues.Served(ctx, need)
}

func newIssues(cfg Config, c *catalogue.Catalogues) *issues {
	idOnly, _ := cfg.Schema.Project([]string{"id"}, nil) // fails only if both lists are given
	if cfg.Claim == nil {
		cfg.Claim = (&once.Turns{}).Claim
	}
	b := &issues{
		idOnly:     idOnly,
		jira:       cfg.Jira,
		schema:     cfg.Schema,
		projects:   cfg.Projects,
		people:     cfg.People,
		fields:     withCustom(cfg.Fields),
		table:      jql.Table(nil).With(cfg.Fields.Columns()...),
		catalogues: c,
		recent:     searches.NewRecent(cfg.Now),
		once:       once.New(cfg.State, cfg.Now),
		texts:      &richtext.Texts{},
		choices:    field.NewChoices(cfg.Jira, catalogue.TTL, cfg.Now),
		desks:      desk.New(cfg.Jira, catalogue.TTL, cfg.Now),
		claim:      cfg.Claim,
		adopt:      cfg.Adopt,
		verdicts:   searches.NewVerdicts(cfg.Now),
		strangers:  searches.NewStrangers(cfg.Jira, cfg.SnapshotTTL, cfg.Now),
		budget:     cfg.ScanBudget,
	}
	b.everything = b.fieldsOf(func(string) bool { return true })
	return b
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
	if !jql.IsNumber(id) && !jql.IsKey(id) {
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

// Schema returns the attributes of issues.
func (b *Issues) Schema() *query.Schema { return b.schema }

// Read reads an issue as Jira has it, without attributes that cost calls of their own.
func (b *Issues) Read(ctx context.Context, id string) (query.Object, error) {
	return b.read(ctx, id, b.everything)
}

// ReadMany is Read for many issues by a hundred, in order of their ids. What is not there, or
// not served, is left out.
func (b *Issues) ReadMany(ctx context.Context, ids []string) ([]query.Object, error) {
	run := issueQuery{issues: b.issues}
	return run.fetchFields(ctx, ids, b.everything)
}

// Remove implements resource.Backend. Jira refuses to delete an issue with
// subtasks, whose deletion was not asked for.
func (b *issues) Remove(ctx context.Context, id string) error {
	found, err := b.read(ctx, id, []string{"project"})
	if err != nil {
		return err
	}
	id = found.Text("id")
	b.recent.Add(id) // even if the request fails, it may have been carried out
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

// Explain implements resource.Backend. Names in the filter are not resolved.
func (b *issues) Explain(filter query.Expr) string {
	simple := query.Simplify(filter)
	if plan, ok := b.table.Outline(simple); ok {
		return plan.String()
	}
	return jql.Compiler{Table: b.table}.Compile(simple).String()
}
