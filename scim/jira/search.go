package jira

import (
	"context"
	"maps"
	"slices"
	"strings"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/once"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/searches"
	"scim-atlassian/scim/upstream"
)

const searchPage = 5000 // ids in one page of a search, Jira's maximum

// List implements resource.Backend. A search finds ids. The attributes to show,
// and conditions that JQL cannot express exactly, are read from the issues
// themselves, which unlike the search index are up to date. Without sortBy, issues
// are in order of their ids.
func (b *issues) List(ctx context.Context, q resource.ListQuery) (*resource.ListResult, error) {
	var err error
	if q.Filter, err = b.people.Filter(ctx, b.schema, q.Filter); err != nil {
		return nil, err
	}
	run := issueQuery{issues: b, ListQuery: q, simple: query.Simplify(q.Filter)}
	if plan, ok := b.table.Outline(run.simple); ok {
		return run.byName(ctx, plan)
	}
	plan, ids, err := run.search(ctx)
	switch {
	case err != nil:
		return nil, err
	case !plan.Exact:
	case q.SortBy == nil && q.Whole:
		return &resource.ListResult{Total: len(ids), Plan: plan.String(), IDs: ids, Read: run.reader(), Batch: jql.FetchPage}, nil
	case q.SortBy == nil:
		if result, ok, err := run.page(ctx, ids, plan); ok || err != nil {
			return result, err
		}
	case run.inOrder():
		if result, ok, err := run.sortedPage(ctx, ids, plan); ok || err != nil {
			return result, err
		}
	}
	objects, err := run.fetch(ctx, ids)
	if err != nil {
		return nil, err
	}
	return q.Finish(objects, plan.String()), nil
}

// byName answers a query whose filter names all issues that can match.
func (q *issueQuery) byName(ctx context.Context, plan jql.Plan) (*resource.ListResult, error) {
	objects, err := q.fetch(ctx, plan.Names)
	if err != nil {
		return nil, err
	}
	return q.ListQuery.Finish(objects, plan.String()), nil
}

// issueQuery is one list request while it is answered.
type issueQuery struct {
	*issues
	resource.ListQuery
	simple query.Expr // the filter, simplified
	spent  int        // upstream requests so far
}

// spend takes n upstream requests from the budget.
func (q *issueQuery) spend(n int) error {
	q.spent += n
	if q.spent > q.budget {
		return resource.TooMany("The query needs more than %d requests to Jira; narrow the filter.", q.budget)
	}
	return nil
}

// search returns the plan and the ids that it found, sorted.
func (q *issueQuery) search(ctx context.Context) (jql.Plan, []string, error) {
	c, err := q.prepare(ctx)
	if err != nil {
		return jql.Plan{}, nil, err
	}
	plan, err := q.checkedPlan(ctx, c)
	if err != nil || plan.Never {
		return plan, nil, err
	}
	plan.Cost = q.cost(plan)
	recent := q.recent.IDs()
	ids, err := q.drain(ctx, plan.JQL, recent)
	if err != nil {
		return plan, nil, err
	}
	q.verdicts.SetFound(plan.JQL, len(ids))
	if ids, err = q.reconcile(ctx, ids, recent, plan); err != nil {
		return plan, nil, err
	}
	if !q.inOrder() {
		slices.SortFunc(ids, query.CompareIDs)
	}
	return plan, ids, nil
}

// prepare returns a compiler that knows the catalogues, issues and accounts that
// the filter names.
func (q *issueQuery) prepare(ctx context.Context) (jql.Compiler, error) {
	c, err := q.compiler(ctx, mirror.Need{Fresh: q.Fresh})
	if !q.Fresh {
		c.Strangers = q.strangers.Among(q.table.NamedAccounts(q.simple))
	}
	return c, err
}

// compiler returns a compiler that knows the catalogues and issues that the filter
// names.
func (q *issueQuery) compiler(ctx context.Context, need mirror.Need) (jql.Compiler, error) {
	kinds := q.catalogueKindsOf(q.simple)
	if !need.Fresh && q.asksActive() { // whoever left a moment ago counts
		if _, err := q.catalogues.Entries(ctx, mirror.Need{Fresh: true}, jql.AccountCatalogue); err != nil {
			return jql.Compiler{}, err
		}
	}
	known, err := q.catalogues.Get(ctx, need, kinds...)
	if err != nil {
		return jql.Compiler{}, err
	}
	c := jql.Compiler{Table: q.table, Catalogue: known, Bound: known[jql.ProjectCatalogue], Issues: map[jql.IssueName]string{}, Order: q.order()}
	var names []string
	for leaf := range query.Leaves(q.simple) {
		compare, ok := leaf.(query.Compare)
		if col, inTable := q.table.Of(leaf); ok && inTable && col.Rule == jql.Reference && (compare.Op == query.Eq || compare.Op == query.Ne) {
			names = append(names, compare.Value.(string))
		}
	}
	return c, q.lookUp(ctx, names, c.Issues)
}

// asksActive reports whether the filter may look at whether an account is active.
func (q *issueQuery) asksActive() bool {
	for leaf := range query.Leaves(q.simple) {
		if col, ok := q.table.Of(leaf); ok && col.Rule == jql.Account && strings.Contains(leaf.String(), "active") {
			return true
		}
	}
	return false
}

// lookUp enters the ids of issues with these ids and keys into a map. Issues that
// do not exist are left out: JQL that names such an issue finds nothing at all.
func (q *issueQuery) lookUp(ctx context.Context, names []string, into map[jql.IssueName]string) error {
	found, err := q.bulk(ctx, names, []string{"project"})
	for _, issue := range found {
		into[jql.IssueName{ByKey: false, Name: issue.ID}] = issue.ID
		into[jql.IssueName{ByKey: true, Name: strings.ToUpper(issue.Key)}] = issue.ID
	}
	return err
}

// catalogueKindsOf returns the catalogues that the translation of e needs.
func (b *issues) catalogueKindsOf(e query.Expr) []jql.CatalogueKind {
	needed := map[jql.CatalogueKind]bool{jql.ProjectCatalogue: true}
	for leaf := range query.Leaves(e) {
		col, ok := b.table.Of(leaf)
		_, byID := jql.AccountIDsIn(leaf)
		if ok && (col.Rule == jql.Choice && !jql.IsPresent(leaf) || col.Rule == jql.Account && !byID && !jql.IsPresent(leaf)) {
			needed[col.Kind] = true
		}
	}
	return slices.Sorted(maps.Keys(needed))
}

// drain returns the ids that a search finds, from all pages. A page may be short
// without being the last.
func (q *issueQuery) drain(ctx context.Context, jql string, recent []string) ([]string, error) {
	request := atlassian.SearchRequest{JQL: jql, MaxResults: searchPage, Fields: []string{"id"}, ReconcileIssues: searches.Numbers(recent[max(0, len(recent)-searches.MaxReconcile):])}
	var ids []string
	seen := map[string]bool{}
	for {
		if err := q.spend(1); err != nil {
			return nil, err
		}
		page, err := q.jira.Search(ctx, request)
		if err != nil {
			return nil, err
		}
		if len(page.Warnings) > 0 {
			return nil, upstream.BadGateway("Jira says that its search is not complete: %s", page.Warnings[0].Message)
		}
		for _, issue := range page.Issues {
			if !seen[issue.ID] {
				seen[issue.ID] = true
				ids = append(ids, issue.ID)
			}
		}
		if page.IsLast {
			return ids, q.confirmEmpty(ctx, ids)
		}
		request.NextPageToken = page.NextPageToken
	}
}

// confirmEmpty fails if an empty result comes from expired credentials: Jira answers
// their searches with an empty success, but refuses to name their account.
func (q *issueQuery) confirmEmpty(ctx context.Context, ids []string) error {
	if len(ids) > 0 {
		return nil
	}
	_, err := q.jira.Myself(ctx)
	return err
}

// reconcile corrects the result of a search for the issues written lately, which
// the index may show in a former state: they are read and matched.
func (q *issueQuery) reconcile(ctx context.Context, ids, recent []string, plan jql.Plan) ([]string, error) {
	if len(recent) == 0 {
		return ids, nil
	}
	if !plan.Exact || q.SortBy != nil { // all candidates are read and matched later
		return union(ids, recent), nil
	}
	objects, err := q.fetchFields(ctx, recent, q.neededFields(q.idOnly, q.Filter, nil))
	if err != nil {
		return nil, err
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return slices.Contains(recent, id) })
	for _, o := range objects {
		if query.Match(q.Filter, o) {
			ids = append(ids, o.Text("id"))
		}
	}
	return ids, nil
}

// union returns the ids in a or b, each once and in order.
func union(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.SortFunc(out, query.CompareIDs)
	return slices.Compact(out)
}

// page answers from an exact search by reading only the issues of the page. It
// reports false if one of them is gone or does not match any more.
func (q *issueQuery) page(ctx context.Context, ids []string, plan jql.Plan) (*resource.ListResult, bool, error) {
	from := min(q.Start-1, len(ids))
	to := min(from+q.Count, len(ids))
	objects, err := q.fetch(ctx, ids[from:to])
	if err != nil {
		return nil, false, err
	}
	agrees := len(objects) == to-from && !slices.ContainsFunc(objects, func(o query.Object) bool { return !query.Match(q.Filter, o) })
	return &resource.ListResult{Total: len(ids), Resources: objects, Plan: plan.String(), IDs: ids, Read: q.reader(), Batch: jql.FetchPage}, agrees, nil
}

// reader returns the function that reads issues of the result for later pages, each
// page with a budget of its own.
func (q *issueQuery) reader() resource.ReadFunc {
	later := *q
	return func(ctx context.Context, ids []string) ([]query.Object, error) {
		run := later
		run.spent = 0
		objects, err := run.fetch(ctx, ids)
		return slices.DeleteFunc(objects, func(o query.Object) bool { return !query.Match(run.Filter, o) }), err
	}
}

// fetch reads issues with the fields that filter, order and answer need.
func (q *issueQuery) fetch(ctx context.Context, names []string) ([]query.Object, error) {
	found, err := q.fetchFields(ctx, names, q.neededFields(q.Want, q.Filter, q.SortBy))
	if err != nil {
		return nil, err
	}
	return found, q.surround(ctx, found, append(asked(ctx, q.Want), q.Attributes()...), q.spend)
}

// fetchFields reads the issues that exist in the served projects, in order of id.
func (q *issueQuery) fetchFields(ctx context.Context, names, fields []string) ([]query.Object, error) {
	found, err := q.bulk(ctx, names, fields)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b *atlassian.Issue) int { return query.CompareIDs(a.ID, b.ID) })
	found = slices.CompactFunc(found, func(a, b *atlassian.Issue) bool { return a.ID == b.ID })
	objects := make([]query.Object, 0, len(found))
	for _, issue := range found {
		if !q.allows(issue.Fields.Project) {
			continue
		}
		o, err := q.object(ctx, issue)
		if err != nil {
			return nil, err
		}
		objects = append(objects, o)
	}
	return objects, nil
}

// bulk reads issues by id or key, in no particular order.
func (q *issueQuery) bulk(ctx context.Context, names, fields []string) ([]*atlassian.Issue, error) {
	names = slices.DeleteFunc(slices.Clone(names), func(s string) bool { return !jql.IsNumber(s) && !jql.IsKey(s) })
	if len(names) == 0 {
		return nil, nil
	}
	if err := q.spend(jql.Calls(len(names), jql.FetchPage)); err != nil {
		return nil, err
	}
	return q.jira.BulkFetch(ctx, names, fields, once.Property)
}
