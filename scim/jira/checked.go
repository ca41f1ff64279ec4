package jira

import (
	"context"
	"slices"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/upstream"
)

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
	if plan.Never || q.verdicts.Understood(plan.JQL) {
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
	q.verdicts.Add(plan.JQL)
	return "", nil
}

// cost estimates the searches and reads of a plan by the issues that its last
// search found, -1 before the first.
func (q *issueQuery) cost(plan jql.Plan) int {
	found := q.verdicts.Found(plan.JQL)
	if found < 0 {
		return -1
	}
	reads := found
	if plan.Exact && (q.SortBy == nil || q.inOrder()) {
		reads = min(reads, q.Count)
	}
	return max(1, jql.Calls(found, searchPage)) + jql.Calls(reads, jql.FetchPage)
}

// withoutStrangers returns c with the account ids of the filter that belong to no
// account.
func (q *issueQuery) withoutStrangers(ctx context.Context, c jql.Compiler) (jql.Compiler, error) {
	ids := q.table.NamedAccounts(q.simple)
	if len(ids) == 0 {
		return c, nil
	}
	err := q.spend(jql.Calls(len(ids), atlassian.AccountsPage))
	if err != nil {
		return c, err
	}
	c.Strangers, err = q.strangers.Find(ctx, ids)
	return c, err
}
