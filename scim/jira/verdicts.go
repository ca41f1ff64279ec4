package jira

import (
	"context"
	"slices"
	"sync"
	"time"

	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/upstream"
)

// jqlVerdicts remembers the JQL that Jira understood. A search with JQL that names
// something unknown finds nothing and reports no error, so every JQL is checked
// before it is run, and again after a while, since the things it names may be
// deleted. It is safe for concurrent use.
type jqlVerdicts struct {
	now  func() time.Time
	mu   sync.Mutex
	good map[string]verdict // by JQL
}

type verdict struct {
	checked time.Time
	found   int // issues found by the last search, -1 before the first
}

const (
	maxVerdicts = 1024
	verdictTTL  = 5 * time.Minute
)

// understood reports whether Jira understood a JQL a while ago.
func (v *jqlVerdicts) understood(text string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	known, ok := v.good[text]
	return ok && v.now().Sub(known.checked) < verdictTTL
}

// add remembers that Jira understands a JQL.
func (v *jqlVerdicts) add(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.good == nil || len(v.good) >= maxVerdicts {
		v.good = map[string]verdict{}
	}
	v.good[text] = verdict{v.now(), -1}
}

// setFound notes how many issues a search found.
func (v *jqlVerdicts) setFound(text string, n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if known, ok := v.good[text]; ok {
		known.found = n
		v.good[text] = known
	}
}

// found returns how many issues the last search with a JQL found, -1 if that is
// unknown.
func (v *jqlVerdicts) found(text string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	if known, ok := v.good[text]; ok {
		return known.found
	}
	return -1
}

// checkedPlan returns a plan whose JQL Jira understands: compiled with c, else
// without the accounts that do not exist, else with catalogues that were just
// read, else without the options of custom fields. If Jira still objects, the server made a mistake, which is a 502.
func (q *issueQuery) checkedPlan(ctx context.Context, c jql.Compiler) (jql.Plan, error) {
	plan := c.Compile(q.simple)
	objection, err := q.objection(ctx, plan)
	for _, mend := range []func(context.Context, jql.Compiler) (jql.Compiler, error){q.withoutStrangers, q.withFreshCatalogues, withoutOptions} {
		if err != nil || objection == "" {
			return plan, err
		}
		if c, err = mend(ctx, c); err != nil {
			return plan, err
		}
		if again := c.Compile(q.simple); again.JQL != plan.JQL {
			plan = again
			objection, err = q.objection(ctx, plan)
		}
	}
	if err == nil && objection != "" {
		err = upstream.BadGateway("Jira does not understand the query this server made of the filter: %s", objection)
	}
	return plan, err
}

// withFreshCatalogues returns c with catalogues that were just read.
func (q *issueQuery) withFreshCatalogues(ctx context.Context, c jql.Compiler) (jql.Compiler, error) {
	fresh, err := q.compiler(ctx, mirror.Need{Fresh: true})
	fresh.Strangers = c.Strangers
	return fresh, err
}

// withoutOptions returns a compiler that names no option of a custom field, since
// somebody may have deleted it.
func withoutOptions(_ context.Context, c jql.Compiler) (jql.Compiler, error) {
	c.Careful = true
	return c, nil
}

// objection returns Jira's objection to the JQL of a plan, "" if Jira understands
// it now, or did a while ago.
func (q *issueQuery) objection(ctx context.Context, plan jql.Plan) (string, error) {
	if plan.Never || q.verdicts.understood(plan.JQL) {
		return "", nil
	}
	if err := q.spend(1); err != nil {
		return "", err
	}
	parsed, err := q.jira.ParseJQL(ctx, []string{plan.JQL})
	if err != nil {
		return "", err
	}
	for _, p := range parsed {
		if problems := slices.Concat(p.Errors, p.Warnings); len(problems) > 0 {
			return problems[0], nil
		}
	}
	q.verdicts.add(plan.JQL)
	return "", nil
}

// cost estimates the searches and reads of a plan by the issues that its last
// search found, -1 before the first.
func (q *issueQuery) cost(plan jql.Plan) int {
	found := q.verdicts.found(plan.JQL)
	if found < 0 {
		return -1
	}
	reads := found
	if plan.Exact && (q.SortBy == nil || q.inOrder()) {
		reads = min(reads, q.Count)
	}
	return max(1, jql.Calls(found, searchPage)) + jql.Calls(reads, jql.FetchPage)
}
