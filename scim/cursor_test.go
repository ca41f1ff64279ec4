package scim_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/server"
)

var unreserved = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`) // RFC 3986 section 2.3

// TestCursorRefusals covers everything that a cursor is not good for. What is
// forged and what is somebody else's get one answer.
func TestCursorRefusals(t *testing.T) {
	p := newPaged(t, 250)
	first := url.Values{"filter": {"emails pr"}, "count": {"100"}, "cursor": {""}}
	page := p.get(t, "one", "/Users", first)
	if !unreserved.MatchString(page.NextCursor) || page.PreviousCursor != "" {
		t.Fatalf("first page: next %q, previous %q", page.NextCursor, page.PreviousCursor)
	}
	next := with(first, "cursor", page.NextCursor)
	forged := []byte(page.NextCursor)
	forged[10]++
	unknown := p.get(t, "one", "/Users", with(next, "cursor", "x"))
	if unknown.ScimType != "invalidCursor" {
		t.Fatalf("unknown: %+v", unknown)
	}
	for _, tt := range []struct {
		name, caller, path string
		parameters         url.Values
		want               string
	}{
		{"forged", "one", "/Users", with(next, "cursor", string(forged)), "invalidCursor"},
		{"cut off", "one", "/Users", with(next, "cursor", page.NextCursor[:20]), "invalidCursor"},
		{"padded", "one", "/Users", with(next, "cursor", page.NextCursor+"="), "invalidCursor"},
		{"endless", "one", "/Users", with(next, "cursor", strings.Repeat("A", 5000)), "invalidCursor"},
		{"another caller's", "two", "/Users", next, "invalidCursor"},
		{"another type's", "one", "/Groups", with(next, "filter", ""), "invalidFilter"},
		{"another type's, without filter", "one", "/Groups", url.Values{"cursor": next["cursor"]}, "invalidCursor"},
		{"another filter's", "one", "/Users", with(next, "filter", "active eq true"), "invalidCursor"},
		{"another order's", "one", "/Users", with(next, "sortBy", "userName"), "invalidCursor"},
		{"another projection's", "one", "/Users", with(next, "attributes", "userName"), "invalidCursor"},
		{"changed count", "one", "/Users", with(next, "count", "99"), "invalidCount"},
		{"large count", "one", "/Users", with(first, "count", "10001"), "invalidCount"},
		{"large count later", "one", "/Users", with(next, "count", "10001"), "invalidCount"},
		{"with startIndex", "one", "/Users", with(next, "startIndex", "1"), "invalidValue"},
	} {
		got := p.get(t, tt.caller, tt.path, tt.parameters)
		if got.ScimType != tt.want {
			t.Errorf("%s: %s %s, want %s", tt.name, got.ScimType, got.Detail, tt.want)
		}
		if got.ScimType == "invalidCursor" && got.Detail != unknown.Detail {
			t.Errorf("%s: %q tells more than %q", tt.name, got.Detail, unknown.Detail)
		}
	}
	p.waited.Add(int64(11 * time.Minute))
	if got := p.get(t, "one", "/Users", next); got.ScimType != "expiredCursor" {
		t.Errorf("after its time: %+v", got)
	}
	if got := p.get(t, "two", "/Users", next); got.ScimType != "invalidCursor" {
		t.Errorf("another caller's after its time: %+v", got)
	}
}

// TestCursorPages covers what a page by cursor says.
func TestCursorPages(t *testing.T) {
	p := newPaged(t, 250)
	first := url.Values{"cursor": {""}, "count": {"100"}, "sortBy": {"userName"}}
	var pages []listPage
	for next := ""; len(pages) == 0 || next != ""; {
		page := p.get(t, "one", "/Users", with(first, "cursor", next))
		pages = append(pages, page)
		next = page.NextCursor
	}
	if len(pages) != 3 || len(pages[2].ids) != 50 || pages[0].calls != "3" || pages[1].calls != "0" || pages[2].TotalResults != 250 {
		t.Fatalf("%d pages: %+v", len(pages), pages)
	}
	back := p.get(t, "one", "/Users", with(first, "cursor", pages[2].PreviousCursor))
	if diff := cmp.Diff(pages[1].ids, back.ids); diff != "" {
		t.Errorf("back (-want +got):\n%s", diff)
	}
	start := p.get(t, "one", "/Users", with(first, "cursor", back.PreviousCursor))
	if diff := cmp.Diff(pages[0].ids, start.ids); diff != "" || start.PreviousCursor != "" {
		t.Errorf("back at the start, previous %q (-want +got):\n%s", start.PreviousCursor, diff)
	}
	// The count of the first page need not be repeated, and 0 asks for the total.
	again := with(first, "cursor", pages[0].NextCursor)
	again.Del("count")
	if page := p.get(t, "one", "/Users", again); !slices.Equal(page.ids, pages[1].ids) {
		t.Errorf("without count: %d users", len(page.ids))
	}
	if page := p.get(t, "one", "/Users", with(first, "count", "0")); page.TotalResults != 250 || page.NextCursor != "" {
		t.Errorf("count 0: %+v", page)
	}
	if page := p.get(t, "one", "/Users", url.Values{"cursor": {""}}); len(page.ids) != 250 || page.NextCursor != "" {
		t.Errorf("without count from the start: %+v", page)
	}
}

// TestCursorOfAnotherProcess covers a restart: with a configured key the walk goes
// on, without one its cursors mean nothing any more.
func TestCursorOfAnotherProcess(t *testing.T) {
	for key, want := range map[string]string{"a key for tests": "", "": "invalidCursor"} {
		p := newPaged(t, 250)
		p.config.CursorKey = key
		p.restart(t)
		first := url.Values{"cursor": {""}, "count": {"200"}}
		page := p.get(t, "one", "/Users", first)
		p.restart(t)
		rest := p.get(t, "one", "/Users", with(first, "cursor", page.NextCursor))
		if rest.ScimType != want || want == "" && len(rest.ids) != 50 {
			t.Errorf("key %q: %+v", key, rest)
		}
		if want != "" {
			continue
		}
		// A sorted walk goes on as long as what was delivered is where it was.
		first.Set("sortBy", "userName")
		page = p.get(t, "one", "/Users", first)
		p.behind(t, http.MethodPost, "/Users", `{"userName":"zzzz@demo.example","emails":[{"value":"zzzz@demo.example","primary":true}]}`)
		p.restart(t)
		if rest = p.get(t, "one", "/Users", with(first, "cursor", page.NextCursor)); len(rest.ids) != 51 {
			t.Errorf("sorted, somebody more at the end: %+v", rest)
		}
		p.behind(t, http.MethodPost, "/Users", `{"userName":"a@demo.example","emails":[{"value":"a@demo.example","primary":true}]}`)
		p.restart(t)
		if rest = p.get(t, "one", "/Users", with(first, "cursor", page.NextCursor)); rest.ScimType != "expiredCursor" {
			t.Errorf("sorted, somebody more at the start: %+v", rest)
		}
	}
}

func TestPaginationIsAnnounced(t *testing.T) {
	p := newPaged(t, 1)
	for _, announced := range []bool{false, true} {
		p.config.ShowPagination, p.config.CursorTimeout = announced, time.Hour
		p.restart(t)
		body, _ := bearerRequest(t, http.MethodGet, p.server.URL+server.BasePath+"/ServiceProviderConfig", "one", "")
		want := `"pagination":{"cursor":true,"index":true,"defaultPaginationMethod":"index","defaultPageSize":10000,"maxPageSize":10000,"cursorTimeout":3600}`
		if got := strings.Contains(string(body), want); got != announced {
			t.Errorf("announced %v: %s", announced, body)
		}
	}
}

// TestCursorOnAnotherInstance goes on with a walk on an instance whose snapshot is
// older than the first page: it is not good enough.
func TestCursorOnAnotherInstance(t *testing.T) {
	p := newPaged(t, 250)
	p.config.SnapshotTTL = time.Minute
	p.restart(t)
	first := p.server
	other := httptest.NewServer(serverOver(t, p.upstream.URL, atlassian.Config{}, p.config))
	t.Cleanup(other.Close)
	p.server = other
	p.get(t, "one", "/Users", url.Values{"filter": {"emails pr"}, "count": {"1"}})
	p.waited.Add(int64(10 * time.Second))
	seen, missed := map[string]bool{}, 0
	var added []string
	for n := range 20 {
		user := p.behind(t, http.MethodPost, "/Users", fmt.Sprintf(`{"userName":"new%d@demo.example","emails":[{"value":"new%d@demo.example","primary":true}]}`, n, n))
		added = append(added, user["id"].(string))
	}
	p.server = first
	parameters := url.Values{"cursor": {""}, "count": {"30"}}
	for {
		page := p.get(t, "one", "/Users", parameters)
		for _, id := range page.ids {
			seen[id] = true
		}
		if page.NextCursor == "" {
			break
		}
		parameters.Set("cursor", page.NextCursor)
		p.server = other
	}
	for _, id := range added {
		if !seen[id] {
			missed++
		}
	}
	if missed > 0 || len(seen) != 270 {
		t.Errorf("%d users, %d of those that the first page counted were missed", len(seen), missed)
	}
}
