package scim_test

import (
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/server"
)

// TestLinkedViewCosts finds accounts by what they hold and entitlements by who holds
// them, one and several, on servers that know nothing, something, or everything. The
// lookup costs as much as a scan would, at most, and one call more for each value that
// is looked up, which tells how many there are. Both find the same. No plan says less
// than what the calls were, and once a question was asked, its price is known.
func TestLinkedViewCosts(t *testing.T) {
	upstream := serve(t, emulator.New(emulator.Options{Users: 250, Groups: 120, Projects: 3, Seed: 3}))
	before := map[string][]string{
		"new":             nil,
		"lists of one":    {"/Users?count=1", "/Groups?count=1"},
		"roles":           {"/Entitlements?attributes=displayName&filter=type+eq+%22PROJECT_ROLE%22"},
		"all but members": {"/Entitlements?attributes=displayName", "/Users?filter=title+pr"},
	}
	plain := httptest.NewServer(serverOver(t, upstream, atlassian.Config{}, scim.Config{Callers: []auth.Caller{bearer("all", auth.Write)}}))
	t.Cleanup(plain.Close)
	ids := func(path string) (ids []string) {
		body, _ := bearerRequest(t, http.MethodGet, plain.URL+server.BasePath+path, "all", "")
		for _, r := range decodeAnswer(t, body)["Resources"].([]any) {
			ids = append(ids, r.(map[string]any)["id"].(string))
		}
		return ids
	}
	users, groups := ids("/Users?attributes=id&count=6"), ids("/Groups?attributes=id&count=8")
	roles := []string{"role-10000-10002", "role-10000-10003", "role-10001-10004"}
	for _, about := range []struct {
		path, attribute string
		values          [][]string
	}{
		{"/Entitlements", "members.value", [][]string{users[:1], users[:3], users}},
		{"/Accounts", "entitlements.value", [][]string{groups[:1], groups[1:2], roles[:1], groups[:3], append(roles, groups...)}},
	} {
		for name, requests := range before {
			for _, some := range about.values {
				for _, mode := range []struct {
					ttl   time.Duration
					shown string
				}{{0, ""}, {time.Hour, "id"}} {
					t.Run(fmt.Sprintf("%s, kept for %v, %d of %s, showing %q", name, mode.ttl, len(some), about.attribute, mode.shown), func(t *testing.T) {
						t.Parallel()
						holdViewCosts(t, upstream, viewQuestion{mode.ttl, requests, about.path, about.attribute, some, mode.shown})
					})
				}
			}
		}
	}
}

// viewQuestion is a filter over a view, asked of a new server after other requests.
type viewQuestion struct {
	ttl             time.Duration
	before          []string
	path, attribute string
	values          []string
	shown           string
}

// holdViewCosts compares a lookup with a scan of another server in the same state.
func holdViewCosts(t *testing.T, upstream string, q viewQuestion) {
	var terms []string
	for _, v := range q.values {
		terms = append(terms, fmt.Sprintf("%s eq %q", q.attribute, v))
	}
	filter := strings.Join(terms, " or ")
	want, again := q.ask(t, upstream, filter+` or displayName ew "@@"`), q.ask(t, upstream, filter)
	if scan, got := want[0], again[0]; got.total != scan.total || got.calls > scan.calls+len(q.values) {
		t.Errorf("%v found in %d calls, want %v in %d at most, since a scan takes %d\n\t%s\n\t%s", got.total, got.calls, scan.total, scan.calls+len(q.values), scan.calls, got.plan, scan.plan)
	}
	for i, a := range append(want, again...) {
		if most := priceLimit(t, a.plan); most >= 0 && a.calls > most {
			t.Errorf("question %d: %d calls are more than the plan says: %s", i, a.calls, a.plan)
		}
	}
	for _, a := range [][]viewAnswer{want, again} {
		if priceLimit(t, a[1].plan) < 0 {
			t.Errorf("the second time, the price is still unknown: %s", a[1].plan)
		}
	}
}

// viewAnswer is how much was found at which price.
type viewAnswer struct {
	total any
	calls int
	plan  string
}

// ask asks a new server for a filter, twice.
func (q viewQuestion) ask(t *testing.T, upstream string, filter string) (answers []viewAnswer) {
	s := httptest.NewServer(serverOver(t, upstream, atlassian.Config{}, scim.Config{SnapshotTTL: q.ttl, Callers: []auth.Caller{bearer("all", auth.Write)}}))
	defer s.Close()
	for _, r := range q.before {
		bearerRequest(t, http.MethodGet, s.URL+server.BasePath+r, "all", "")
	}
	for range 2 {
		body, header := bearerRequest(t, http.MethodGet, s.URL+server.BasePath+q.path+"?explain=true&attributes="+q.shown+"&filter="+url.QueryEscape(filter), "all", "")
		calls, err := strconv.Atoi(header.Get("X-Upstream-Calls"))
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, viewAnswer{decodeAnswer(t, body)["totalResults"], calls, header.Get("X-Query-Plan")})
	}
	return answers
}

// priceLimit returns the most calls that a plan admits, -1 if it says that they are unknown.
func priceLimit(t *testing.T, plan string) int {
	price := regexp.MustCompile(` cost=(\d+|\?)(?: most=(\d+|\?))?`).FindStringSubmatch(plan)
	if price == nil {
		t.Fatalf("no price in the plan %s", plan)
	}
	limit, err := strconv.Atoi(cmp.Or(price[2], price[1]))
	if err != nil {
		return -1
	}
	return limit
}
