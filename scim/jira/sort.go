package jira

import (
	"context"
	"time"

	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Jira orders by its index. Of all that can be sorted by, created alone is there
// as it is in the issue, since it never changes: what the index has of updated, or of a
// priority, may be older than the issue, and then its order is not ours; names
// it orders by rank or by locale, keys by project. How much of a second the index
// keeps is not documented, so its order is trusted to the minute, and within that
// the issues decide.

// inOrder reports whether the search gives ids in the order of the list, to the
// minute. With own writes the index may not know yet, they are not in their place.
func (q *issueQuery) inOrder() bool { return q.order() != "" && len(q.recent.ids()) == 0 }

// order is the ORDER BY that the list asks for, "" if Jira's is of no use.
func (q *issueQuery) order() string {
	if q.SortBy == nil || q.Whole {
		return ""
	}
	if name := query.PathOf(query.Present{Path: *q.SortBy}); name != "created" && name != "meta.created" {
		return ""
	}
	if q.Descending {
		return "created DESC, key ASC"
	}
	return "created ASC, key ASC"
}

// sortedPage answers from an exact search in order of creation by reading the
// issues of the page alone, and around it as many as were created in the minutes
// that it begins and ends with. It reports false if that is too many, or if the
// issues contradict the index.
func (q *issueQuery) sortedPage(ctx context.Context, ids []string, plan jql.Plan) (*resource.ListResult, bool, error) {
	from := min(q.Start-1, len(ids))
	to := min(from+q.Count, len(ids))
	if from == to {
		return &resource.ListResult{Total: len(ids), Resources: []query.Object{}, Plan: plan.String()}, true, nil
	}
	for margin := 16; margin <= 1024; margin *= 8 {
		lo, hi := max(0, from-margin), min(len(ids), to+margin)
		window, err := q.fetch(ctx, ids[lo:hi])
		if err != nil {
			return nil, false, err
		}
		minutes, ok := q.minutes(window, ids[lo:hi])
		if !ok {
			return nil, false, nil
		}
		apart := func(end, edge int) bool { return minutes[edge-lo] != minutes[end-lo] }
		if (lo == 0 || apart(lo, from)) && (hi == len(ids) || apart(hi-1, to-1)) {
			query.Sort(window, *q.SortBy, q.Descending)
			return &resource.ListResult{Total: len(ids), Resources: window[from-lo : to-lo], Plan: plan.String()}, true, nil
		}
	}
	return nil, false, nil
}

// minutes returns when the issues were created, in the order of ids. It reports
// false if one of them is gone or matches no longer, or if they are out of order.
func (q *issueQuery) minutes(window []query.Object, ids []string) ([]time.Time, bool) {
	created := make(map[string]time.Time, len(window))
	for _, o := range window {
		at, _ := o.Inner("meta").Get("created")
		t, ok := at.(time.Time)
		if !ok || !query.Match(q.Filter, o) {
			return nil, false
		}
		created[o.Text("id")] = t.Truncate(time.Minute)
	}
	minutes := make([]time.Time, len(ids))
	for i, id := range ids {
		t, ok := created[id]
		if !ok || i > 0 && t != minutes[i-1] && t.Before(minutes[i-1]) != q.Descending {
			return nil, false
		}
		minutes[i] = t
	}
	return minutes, true
}
