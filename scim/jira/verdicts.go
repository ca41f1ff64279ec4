package jira

import (
	"context"
	"slices"
	"sync"
	"time"

	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/upstream"
)

// jqlVerdicts remembers which JQL Jira understands. A search with JQL that
// names what does not exist finds nothing and says nothing, so every text is
// checked before it is run, and again after a while, since what it names may
// go. It is safe for concurrent use.
type jqlVerdicts struct {
	now  func() time.Time
	mu   sync.Mutex
	good map[string]verdictOf
}

// verdictOf is what is known of a JQL.
type verdictOf struct {
	checked time.Time
	found   int // how many issues it found last, -1 before it was run
}

const (
	maxVerdicts = 1024
	verdictTTL  = 5 * time.Minute
)

// check returns a plan that Jira understands: as the compiler makes it, else
// without the accounts that do not exist, else with catalogues just read. What
// Jira refuses then is a mistake of ours.
func (v *jqlVerdicts) check(ctx context.Context, q *issueQuery, c jql.Compiler) (jql.Plan, error) {
	plan := c.Compile(q.simple)
	problem, err := v.problem(ctx, q, plan)
	for _, mend := range []func(context.Context, jql.Compiler) (jql.Compiler, error){q.withoutStrangers, q.withFreshCatalogues} {
		if err != nil || problem == "" {
			return plan, err
		}
		if c, err = mend(ctx, c); err != nil {
			return plan, err
		}
		if again := c.Compile(q.simple); again.JQL != plan.JQL {
			plan = again
			problem, err = v.problem(ctx, q, plan)
		}
	}
	if err == nil && problem != "" {
		err = upstream.BadGateway("Jira does not understand the query this server made of the filter: %s", problem)
	}
	return plan, err
}

// problem is Jira's objection to a plan, "" if it has none, or had none a while
// ago.
func (v *jqlVerdicts) problem(ctx context.Context, q *issueQuery, plan jql.Plan) (string, error) {
	if plan.Never || v.known(plan.JQL) {
		return "", nil
	}
	return v.ask(ctx, q, plan.JQL)
}

// withFreshCatalogues returns the compiler with catalogues just read.
func (q *issueQuery) withFreshCatalogues(ctx context.Context, c jql.Compiler) (jql.Compiler, error) {
	fresh, err := q.compilerWith(ctx, true)
	fresh.Strangers = c.Strangers
	return fresh, err
}

// ask returns Jira's objection to a query, "" if it has none.
func (v *jqlVerdicts) ask(ctx context.Context, q *issueQuery, jql string) (string, error) {
	if err := q.spend(1); err != nil {
		return "", err
	}
	parsed, err := q.jira.ParseJQL(ctx, []string{jql})
	if err != nil {
		return "", err
	}
	for _, p := range parsed {
		if problems := slices.Concat(p.Errors, p.Warnings); len(problems) > 0 {
			return problems[0], nil
		}
	}
	v.learn(jql)
	return "", nil
}

func (v *jqlVerdicts) known(jql string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	of, ok := v.good[jql]
	return ok && v.now().Sub(of.checked) < verdictTTL
}

func (v *jqlVerdicts) learn(jql string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.good == nil || len(v.good) >= maxVerdicts {
		v.good = map[string]verdictOf{}
	}
	v.good[jql] = verdictOf{v.now(), -1}
}

// found notes how many issues a JQL found.
func (v *jqlVerdicts) found(jql string, n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if of, ok := v.good[jql]; ok {
		of.found = n
		v.good[jql] = of
	}
}

// cost estimates the searches and reads of a plan, as many as it took the last
// time; -1 before that.
func (v *jqlVerdicts) cost(plan jql.Plan, q *issueQuery) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	of, ok := v.good[plan.JQL]
	if !ok || of.found < 0 {
		return -1
	}
	reads := of.found
	if plan.Exact && (q.SortBy == nil || q.inOrder()) {
		reads = min(reads, q.Count)
	}
	return max(1, jql.Calls(of.found, searchPage)) + jql.Calls(reads, jql.FetchPage)
}
