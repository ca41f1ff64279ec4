package jira

import (
	"context"
	"time"

	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Jira sorts by its search index. Only created is always the same there as in the
// issue, since it never changes. The index may have an older value of updated or
// of a priority, and it sorts names by rank or locale and keys by project, which is
// not the order of SCIM. The precision of the index is not documented, so its order
// counts to the minute, and the issues of one minute are sorted here.

// inOrder reports whether the search returns ids in the order of the list, to the
// minute. Issues written lately may be out of place in the index.
func (q *issueQuery) inOrder() bool { return q.order() != "" && len(q.recent.IDs()) == 0 }

// order returns the terms of ORDER BY for the list, "" if Jira cannot sort it.
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

// sortedPage answers from an exact search in order of creation. It reads the issues
// of the page, and those around it that were created in its first and last minute.
// It reports false if these are too many, or if the issues contradict the index.
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

// minutes returns the minutes in which the issues were created, in the order of
// ids. It reports false if an issue is gone, does not match any more, or is out of
// order.
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
