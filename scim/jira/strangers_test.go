package jira

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/resource/resourcetest"
	"scim-atlassian/scim/searches"
)

// Filters may name accounts that do not exist. Jira is asked only for these, and
// its answer is remembered. first and again are the numbers of calls of a request
// and of its repetition. A search that finds nothing takes one more call, which
// asks whether the credentials are still good.
func TestUnknownAccounts(t *testing.T) {
	site := newIssueSite(t, smallSite())
	now := time.Now()
	site.strangers = searches.NewStrangers(site.jira, time.Minute, func() time.Time { return now })
	all := site.all(t) // this reads the catalogue of projects
	const reads = 2    // bulk fetches that 120 issues take
	known := site.firstIn(t, "ENG", "assignee pr").Inner("assignee").Text("value")
	for _, tt := range []struct {
		filter       string
		first, again int64
	}{
		{`assignee.value eq "ghost-1"`, 2, 0},
		{`reporter.value eq "ghost-2"`, 2, 0},
		{`creator.value eq "ghost-3"`, 2, 0},
		{`assignee[value eq "ghost-4"]`, 2, 0},
		{`assignee.value eq "ghost-5" or assignee.value eq "ghost-6" or reporter.value eq "ghost-7"`, 2, 0},
		{`assignee.value eq "ghost-8" and summary co "a"`, 2, 0},
		{`assignee.value ne "ghost-9"`, 2 + 1 + reads, 1 + reads}, // all: a plan that was checked before
		{`not (assignee.value eq "ghost-10")`, 2 + 1 + reads, 1 + reads},
		{`assignee[value ne "ghost-11"]`, 3 + 1 + 1, 1 + 1},
		{`not (assignee[value ne "ghost-12"])`, 3 + 1 + 1, 1 + 1},
		{`assignee.value eq "ghost-13" or assignee.value eq "` + known + `"`, 3 + 1 + 1, 1 + 1},
		{`assignee.value eq ""`, 0, 0},
		{`assignee.value eq "` + strings.Repeat("x", 129) + `"`, 0, 0},
		{`assignee.value eq "ghost-1" or reporter.value eq "ghost-2"`, 0, 0}, // both are remembered
	} {
		filter := resourcetest.Filter(t, site.schema, tt.filter)
		var want []string
		for _, o := range all {
			if query.Match(filter, o) {
				want = append(want, o.Text("id"))
			}
		}
		for i, calls := range []int64{tt.first, tt.again} {
			before := site.calls.Load()
			result, err := site.List(t.Context(), resource.ListQuery{Filter: filter, Start: 1, Count: 1000})
			if err != nil {
				t.Errorf("%s: %v", tt.filter, err)
				break
			}
			var got []string
			for _, o := range result.Resources {
				got = append(got, o.Text("id"))
			}
			if diff := cmp.Diff(want, got); diff != "" || result.Total != len(want) {
				t.Errorf("%s: %d issues, want %d (-want +got):\n%s", tt.filter, result.Total, len(want), diff)
			}
			if got := site.calls.Load() - before; got != calls {
				t.Errorf("%s, request %d: %d calls, want %d", tt.filter, i+1, got, calls)
			}
		}
	}

	ask := func(fresh bool) int64 {
		t.Helper()
		before := site.calls.Load()
		q := resource.ListQuery{Filter: resourcetest.Filter(t, site.schema, `assignee.value eq "ghost-1"`), Start: 1, Count: 10, Fresh: fresh}
		if _, err := site.List(t.Context(), q); err != nil {
			t.Error(err)
		}
		return site.calls.Load() - before
	}
	if got := ask(true); got != 3 { // with the catalogue of projects
		t.Errorf("a client that wants no cached answer: %d calls, want 3", got)
	}
	now = now.Add(time.Minute)
	if got := ask(false); got != 2 {
		t.Errorf("after the time to live: %d calls, want 2", got)
	}
	if got := ask(false); got != 0 {
		t.Errorf("remembered anew: %d calls, want 0", got)
	}
}
