package scim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"scim-atlassian/atlassian/emulator"
)

// TestSortByCreation pages through issues in order of creation, of which many were
// created in one minute, some in one second and some at once, while Jira's index
// knows seconds and orders the rest its own way. Every page is that of the issues'
// own order, and where nothing of that is in doubt the page alone is read.
func TestSortByCreation(t *testing.T) {
	t.Parallel()
	clock := &lawClock{}
	l := newLaw(t, lawIssues, emulator.Options{Users: 5, Projects: 3, Issues: 150, Seed: 7, Now: clock.now})
	for n := range 90 {
		clock.forward([]time.Duration{0, 3 * time.Millisecond, 400 * time.Millisecond, 9 * time.Second, 2 * time.Minute}[n*n%5])
		jiraRequest(t, http.MethodPost, l.upstream, fmt.Sprintf(`{"fields":{"project":{"id":"10000"},"issuetype":{"id":"10002"},"summary":"%d"}}`, n))
	}
	clock.forward(time.Hour)
	l.readIssues(t)
	for _, filter := range []string{`status pr`, `issueType.id eq "10002"`} {
		for _, descending := range []bool{false, true} {
			var want []string
			for id, document := range l.truth {
				if filter == "status pr" || document["issueType"].(map[string]any)["id"] == "10002" {
					want = append(want, id)
				}
			}
			slices.SortFunc(want, func(a, b string) int {
				order := lawTime(l.truth[a]["created"]).Compare(lawTime(l.truth[b]["created"]))
				if descending {
					order = -order
				}
				if order == 0 {
					return strings.Compare(a, b)
				}
				return order
			})
			parameters := url.Values{"filter": {filter}, "sortBy": {"meta.created"}, "attributes": {"id"}, "sortOrder": {map[bool]string{true: "descending"}[descending]}}
			for start := 1; start <= len(want)+1; start += 13 {
				for _, count := range []int{1, 7, 60} {
					parameters.Set("count", fmt.Sprint(count))
					parameters.Set("startIndex", fmt.Sprint(start))
					got := l.walkless(t, parameters)
					if diff := cmp.Diff(want[start-1:min(start-1+count, len(want))], got, cmpopts.EquateEmpty()); diff != "" {
						t.Fatalf("%v (-want +got):\n%s", parameters, diff)
					}
				}
			}
		}
	}
}

// TestSortIsPushed holds what the latest issues cost: a search and a read, however
// many issues there are. What the index may have wrong is read in full.
func TestSortIsPushed(t *testing.T) {
	p := newPaged(t, 5)
	latest := url.Values{"filter": {`status.name ne "Nowhere"`}, "sortBy": {"created"}, "sortOrder": {"descending"}, "count": {"10"}, "attributes": {"id"}}
	p.get(t, "one", "/Issues", latest) // catalogues, and Jira's opinion of the JQL
	if page := p.get(t, "one", "/Issues", latest); page.calls != "2" || len(page.ids) != 10 || page.TotalResults != 250 {
		t.Errorf("by creation: %s calls, %d of %d issues", page.calls, len(page.ids), page.TotalResults)
	}
	for sortBy, want := range map[string]string{"updated": "4", "priority.name": "4", "key": "4"} {
		parameters := with(latest, "sortBy", sortBy)
		p.get(t, "one", "/Issues", parameters)
		if page := p.get(t, "one", "/Issues", parameters); page.calls != want {
			t.Errorf("by %s: %s calls, want %s", sortBy, page.calls, want)
		}
	}
}

// walkless asks for a page that goes on with nothing, and returns its ids.
func (l *law) walkless(t *testing.T, parameters url.Values) (ids []string) {
	req := newRequest(t, http.MethodGet, l.server+"?"+parameters.Encode(), "")
	req.Header.Set("Authorization", "Bearer law")
	req.Header.Set("Cache-Control", "no-cache")
	answer, _ := succeed(t, req)
	var list struct{ Resources []struct{ ID string } }
	if err := json.Unmarshal(answer, &list); err != nil {
		t.Fatal(err)
	}
	for _, r := range list.Resources {
		ids = append(ids, r.ID)
	}
	return ids
}
