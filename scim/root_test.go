package scim_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/server"
)

// newRootLaw is a server whose root is asked, and the documents of all types.
func newRootLaw(t *testing.T) *law {
	site := emulator.Options{Users: 150, Groups: 15, Projects: 3, Issues: 150, Seed: 7}
	e := emulator.New(site)
	upstream := httptest.NewServer(e)
	t.Cleanup(upstream.Close)
	srv := httptest.NewServer(serverOver(t, upstream.URL, atlassian.Config{}, scim.Config{Callers: []auth.Caller{
		bearer("law", auth.Read),
		{Name: "nobody", BearerSHA256: auth.Hashes{digest("nobody")}},
		{Name: "groups", BearerSHA256: auth.Hashes{digest("groups")}, Rights: map[string]auth.Right{"Group": auth.Read}},
		{Name: "no issues", BearerSHA256: auth.Hashes{digest("no issues")}, Rights: map[string]auth.Right{auth.AnyType: auth.Read, "Issue": "none"}},
	}}))
	t.Cleanup(srv.Close)
	all := &law{emulator: e, server: srv.URL + server.BasePath, truth: map[string]map[string]any{}}
	all.lookups = []string{"id", "id"}
	seen := map[string]bool{}
	for _, c := range append(slices.Clone(lawCollections), lawIssues) {
		part := &law{c, e, upstream.URL + "/scim/directory/" + emulator.DirectoryID + c.endpoint, all.server + c.endpoint, map[string]map[string]any{}}
		if c.endpoint == "/Issues" {
			part.upstream = upstream.URL + "/rest/api/3/issue"
			part.readIssues(t)
		} else {
			part.readTruth(t)
		}
		maps.Copy(all.truth, part.truth)
		for _, p := range c.attributes {
			if !seen[p.String()] {
				seen[p.String()] = true
				all.attributes = append(all.attributes, p)
			}
		}
		all.complex = append(all.complex, c.complex...)
		all.multiValued = append(all.multiValued, c.multiValued...)
	}
	return all
}

// TestRootLaw holds the first promise for queries on the server root: over the
// resources of all types, where an attribute that a type has not is absent.
func TestRootLaw(t *testing.T) {
	t.Parallel()
	l := newRootLaw(t)
	g := newLawGenerator(l, 3)
	mixed := 0
	for n := range 120 {
		f, by := g.filter(3), l.attributes[g.IntN(len(l.attributes))]
		parameters := url.Values{"filter": {f.String()}, "attributes": {"meta.resourceType"}}
		if n%3 > 0 {
			parameters.Set("sortBy", by.String())
		}
		if n%3 == 2 {
			parameters.Set("sortOrder", "descending")
		}
		got, _ := l.list(t, parameters)
		if parameters.Has("sortBy") {
			l.checkOrder(t, got, by, parameters)
		}
		slices.Sort(got)
		want := l.matching(f)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("filter %s (-want +got):\n%s", f, diff)
		}
		types := map[any]bool{}
		for _, id := range want {
			types[l.truth[id]["meta"].(map[string]any)["resourceType"]] = true
		}
		if len(types) > 1 && len(want) < len(l.truth) {
			mixed++
		}
	}
	if mixed < 20 {
		t.Errorf("only %d filters match resources of several types and not all", mixed)
	}
}

// TestRootPages pages through everything, by index and by cursor: each resource
// once, with the schemas and the location of its own type.
func TestRootPages(t *testing.T) {
	t.Parallel()
	l := newRootLaw(t)
	for _, sortBy := range []string{"", "displayName", "meta.created"} {
		for _, byCursor := range []bool{false, true} {
			seen, cursor := map[string]bool{}, ""
			for n := 0; n == 0 || len(seen) < len(l.truth); n++ {
				parameters := url.Values{"count": {"70"}, "sortBy": {sortBy}, "attributes": {"meta"}}
				if byCursor {
					parameters.Set("cursor", cursor)
				} else {
					parameters.Set("startIndex", fmt.Sprint(n*70+1))
				}
				body, _ := bearerRequest(t, http.MethodGet, l.server+"/?"+parameters.Encode(), "law", "")
				var page struct {
					TotalResults int
					NextCursor   string
					Resources    []map[string]any
				}
				if err := json.Unmarshal(body, &page); err != nil || len(page.Resources) == 0 || page.TotalResults != len(l.truth) {
					t.Fatalf("page %d sorted by %q: %v, total %d, want %d", n, sortBy, err, page.TotalResults, len(l.truth))
				}
				for _, r := range page.Resources {
					id := r["id"].(string)
					want := l.truth[id]
					core := want["schemas"].([]any)[:1] // no extension is shown
					if diff := cmp.Diff(any(core), r["schemas"]); diff != "" || seen[id] {
						t.Errorf("%s, seen %v: schemas (-want +got):\n%s", id, seen[id], diff)
					}
					if got := r["meta"].(map[string]any)["location"]; got != want["meta"].(map[string]any)["location"] {
						t.Errorf("%s: location %v", id, got)
					}
					seen[id] = true
				}
				cursor = page.NextCursor
			}
		}
	}
}

// TestRootCost holds that types which a filter excludes cost nothing.
func TestRootCost(t *testing.T) {
	t.Parallel()
	l := newRootLaw(t)
	var userName any
	for _, document := range l.truth {
		if document["userName"] != nil {
			userName = document["userName"]
		}
	}
	for filter, want := range map[string]int{
		`userName eq ` + lawLiteral(userName):                                  1,
		`meta.resourceType eq "Group"`:                                         1,
		`meta[resourceType eq "Group"]`:                                        1,
		`meta.resourceType eq "User" and displayName pr`:                       2,
		`not (meta.resourceType ne "User") and meta.created pr`:                2,
		`meta.resourceType eq "Nothing"`:                                       0,
		`meta.resourceType eq "user"`:                                          0, // it is case exact
		`userName pr and summary pr`:                                           0,
		`members pr and (userName eq "a" or summary eq "b" or displayName pr)`: 1,
		`urn:ietf:params:scim:schemas:core:2.0:Group:displayName pr`:           1,
		`urn:ietf:params:scim:schemas:core:2.0:User:externalId eq "nobody"`:    1,
		`key eq "ENG-1"`: 1,
	} {
		if _, calls := l.list(t, url.Values{"filter": {filter}}); calls != want {
			t.Errorf("%s: %d upstream calls, want %d", filter, calls, want)
		}
	}
}

// TestRootRequests covers rights and mistakes.
func TestRootRequests(t *testing.T) {
	t.Parallel()
	l := newRootLaw(t)
	for _, tt := range []struct {
		caller, method, path, body string
		status, total              int
	}{
		{"law", http.MethodGet, "", "", 200, len(l.truth)},
		{"law", http.MethodGet, "/", "", 200, len(l.truth)},
		{"law", http.MethodPost, "/.search", `{"filter":"displayName pr and meta.resourceType eq \"Group\"","count":1}`, 200, 15},
		{"groups", http.MethodGet, "/", "", 200, 15},
		{"groups", http.MethodGet, "/?filter=" + url.QueryEscape(`summary ne "x"`), "", 200, 15},
		{"no issues", http.MethodGet, "/", "", 200, 165},
		{"nobody", http.MethodGet, "/", "", 403, 0},
		{"law", http.MethodGet, "/?filter=nothing+pr", "", 400, 0},
		{"law", http.MethodGet, "/?sortBy=nothing", "", 400, 0},
		{"law", http.MethodPost, "/", "{}", 405, 0},
		{"law", http.MethodGet, "/.search", "", 405, 0},
		{"stranger", http.MethodGet, "/", "", 401, 0},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, l.server+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+tt.caller)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var list struct {
			TotalResults int
			Detail       string
		}
		if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != tt.status || list.TotalResults != tt.total {
			t.Errorf("%s %s %s: %s, %d resources, %s; want %d, %d", tt.caller, tt.method, tt.path, resp.Status, list.TotalResults, list.Detail, tt.status, tt.total)
		}
	}
}
