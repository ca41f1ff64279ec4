package scim_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/server"
)

// TestLinkedLookupCosts finds groups by a member and users by a group. A lookup costs
// one call more than a scan at most, the call that tells how many there are; known,
// it costs no more than a scan. A server that has read no list yet reads two users
// rather than ask how many there are. A plan's price is that of the calls made.
func TestLinkedLookupCosts(t *testing.T) {
	const groups, users = 250, 40
	e := emulator.New(emulator.Options{Users: users, Groups: groups, Seed: 3})
	upstream := serve(t, e)
	config := scim.Config{Callers: []auth.Caller{bearer("all", auth.Write)}}
	first := httptest.NewServer(serverOver(t, upstream, atlassian.Config{}, config))
	t.Cleanup(first.Close)
	ask := func(t *testing.T, base, path, filter string) (calls int, plan string) {
		target := base + server.BasePath + path + "?explain=true&attributes=id&filter=" + url.QueryEscape(filter)
		_, header := bearerRequest(t, http.MethodGet, target, "all", "")
		calls, err := strconv.Atoi(header.Get("X-Upstream-Calls"))
		if err != nil {
			t.Fatal(err)
		}
		return calls, header.Get("X-Query-Plan")
	}
	groupScan, _ := ask(t, first.URL, "/Groups", "displayName pr")
	userScan, _ := ask(t, first.URL, "/Users", "userName pr")
	for _, tt := range []struct {
		path, attribute, of string
		scan, unasked       int
	}{{"/Groups", "members.value", "/Users", groupScan, 1}, {"/Users", "groups.value", "/Groups", userScan, 2}} {
		body, _ := bearerRequest(t, http.MethodGet, first.URL+server.BasePath+tt.of+"?attributes=id&count=12", "all", "")
		for _, resource := range decodeAnswer(t, body)["Resources"].([]any) {
			filter := fmt.Sprintf("%s eq %q", tt.attribute, resource.(map[string]any)["id"])
			fresh := httptest.NewServer(serverOver(t, upstream, atlassian.Config{}, config))
			for _, on := range []struct {
				name, base string
				most       int
			}{{"fresh", fresh.URL, tt.scan + tt.unasked}, {"used", first.URL, tt.scan + 1}, {"used again", first.URL, tt.scan}} {
				calls, plan := ask(t, on.base, tt.path, filter)
				if calls > on.most {
					t.Errorf("%s server, %s: %d calls, want %d at most; plan %s", on.name, filter, calls, on.most, plan)
				}
				if strings.HasPrefix(plan, "lookup") && on.name != "fresh" && !strings.HasSuffix(plan, fmt.Sprintf("cost=%d; calls=%[1]d", calls)) {
					t.Errorf("%s server, %s: plan %s, want the price of %d calls", on.name, filter, plan, calls)
				}
			}
			fresh.Close()
		}
	}
}

// TestLinkedUnionCosts asks servers that know how many users there are, and nothing of
// groups, for the members of several: together the lookups cost the call for each group
// more than a scan at most, and find the same.
func TestLinkedUnionCosts(t *testing.T) {
	const several = 3
	e := emulator.New(emulator.Options{Users: 1200, Groups: 100, Seed: 3})
	upstream := serve(t, e)
	ask := func(base, filter string) (total, calls int, plan string) {
		body, header := bearerRequest(t, http.MethodGet, base+server.BasePath+"/Users?explain=true&attributes=id&filter="+url.QueryEscape(filter), "all", "")
		calls, _ = strconv.Atoi(header.Get("X-Upstream-Calls"))
		return int(decodeAnswer(t, body)["totalResults"].(float64)), calls, header.Get("X-Query-Plan")
	}
	fresh := func() string {
		f := httptest.NewServer(serverOver(t, upstream, atlassian.Config{}, scim.Config{Callers: []auth.Caller{bearer("all", auth.Write)}}))
		t.Cleanup(f.Close)
		return f.URL
	}
	first := fresh()
	_, scan, _ := ask(first, "title pr")
	body, _ := bearerRequest(t, http.MethodGet, first+server.BasePath+"/Groups?attributes=id&count=30", "all", "")
	groups := decodeAnswer(t, body)["Resources"].([]any)
	for i := 0; i+several <= len(groups); i += several {
		var terms []string
		for _, r := range groups[i : i+several] {
			terms = append(terms, fmt.Sprintf("groups.value eq %q", r.(map[string]any)["id"]))
		}
		filter := strings.Join(terms, " or ")
		want, _, _ := ask(first, "not (not ("+filter+"))")
		f := fresh()
		bearerRequest(t, http.MethodGet, f+server.BasePath+"/Users?count=1", "all", "")
		got, calls, plan := ask(f, filter)
		if got != want || calls > scan+several {
			t.Errorf("%s: %d found in %d calls, want %d in %d at most (a scan is %d); plan %s", filter, got, calls, want, scan+several, scan, plan)
		}
	}
}
