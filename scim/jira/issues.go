package jira

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// issues is the backend of Issue resources: Jira's REST API, as far as the
// configured projects go. An issue elsewhere does not exist here.
type issues struct {
	jira       *atlassian.Jira
	schema     *query.Schema
	projects   []string // ids or keys; empty: all visible
	catalogues *Catalogues
	recent     recentWrites
	checked    jqlVerdicts
	strangers  strangers
	nothing    query.Projection // of no attribute but the id
	budget     int              // upstream requests that one query may cost
}

// CatalogueTTL is how long a new status, component or account may go unseen
// by filters.
const CatalogueTTL = 2 * time.Minute

// Config says which Jira is served, and within which bounds.
type Config struct {
	Jira             *atlassian.Jira
	Projects         []string      // keys; empty: all visible ones
	ScanBudget       int           // upstream requests that one query may cost
	SnapshotTTL      time.Duration // how long roles are kept once read
	ProvisioningWait time.Duration // how long a role waits for an account to get from the directory to Jira
	Now              func() time.Time
}

func NewIssues(cfg Config, schema *query.Schema, c *Catalogues) resource.Backend {
	nothing, _ := schema.Project([]string{"id"}, nil) // one parameter alone is no error
	return &issues{
		nothing:    nothing,
		jira:       cfg.Jira,
		schema:     schema,
		projects:   cfg.Projects,
		catalogues: c,
		recent:     recentWrites{now: cfg.Now},
		checked:    jqlVerdicts{now: cfg.Now},
		strangers:  strangers{jira: cfg.Jira, ttl: cfg.SnapshotTTL, now: cfg.Now},
		budget:     cfg.ScanBudget,
	}
}

// Get implements backend; id may also be a key, even one from before a move.
func (b *issues) Get(ctx context.Context, id string, want query.Projection) (query.Object, error) {
	return b.read(ctx, id, neededFields(want, nil, nil))
}

func (b *issues) read(ctx context.Context, id string, fields []string) (query.Object, error) {
	if !jql.IsNumber(id) && !isIssueKey(id) {
		return nil, resource.NotFound("Issue", resource.Clip(id))
	}
	issue, err := b.jira.Issue(ctx, id, fields)
	if atlassian.KindOf(err) == atlassian.NotFound {
		return nil, resource.NotFound("Issue", id)
	}
	if err != nil {
		return nil, err
	}
	if !b.allows(issue.Fields.Project) {
		return nil, resource.NotFound("Issue", id)
	}
	return issueObject(issue)
}

// Remove implements backend. An issue with subtasks is refused, since their
// deletion was not asked for.
func (b *issues) Remove(ctx context.Context, id string) error {
	found, err := b.read(ctx, id, []string{"project"})
	if err != nil {
		return err
	}
	id = found.Text("id")
	b.recent.add(id) // whatever comes of it
	if err := b.jira.DeleteIssue(ctx, id, false); err != nil {
		if atlassian.KindOf(err) == atlassian.NotFound {
			return resource.NotFound("Issue", id)
		}
		return err
	}
	return nil
}

// allows reports whether the issues of a project may be seen.
func (b *issues) allows(p *atlassian.Project) bool {
	if p == nil {
		return false
	}
	return len(b.projects) == 0 || slices.ContainsFunc(b.projects, func(name string) bool {
		return name == p.ID || strings.EqualFold(name, p.Key)
	})
}

// isIssueKey reports whether s has the form of a key: PROJECT-1.
func isIssueKey(s string) bool {
	project, number, ok := strings.Cut(s, "-")
	return ok && jql.IsNumber(number) && len(s) <= 255 && project != "" && !strings.ContainsFunc(project, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_')
	})
}

// recentWrites remembers the issues written lately, which Jira's index may not
// know of yet. It is safe for concurrent use.
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
	// recentFor is how long the index may lag.
	recentFor = 2 * time.Minute

	// maxReconcile is how many issues a search takes for reconciliation.
	maxReconcile = 50
)

func (r *recentWrites) add(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(func(w recentWrite) bool { return w.id == id })
	r.items = append(r.items, recentWrite{id, r.now()})
}

// ids returns the issues written lately, oldest first. There are as many as Jira
// lets anybody write in that time.
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

// Explain implements backend.
func (b *issues) Explain(filter query.Expr) string {
	simple := query.Simplify(filter)
	if plan, ok := jql.Outline(simple); ok {
		return plan.String()
	}
	return jql.Compiler{}.Compile(simple).String()
}
