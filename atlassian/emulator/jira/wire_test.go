package jira

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian/emulator/tenant"
)

func TestNoEndpoint(t *testing.T) {
	s := smallSite(t)
	tests := []struct{ method, path, instance string }{
		{"GET", "/rest/api/3/nothing", "/rest/api/3/nothing"},
		{"PATCH", "/rest/api/3/issue/ENG-1", "/rest/api/3/issue/ENG-1"},
		{"GET", "/rest/api/3/users?startAt=x", "/rest/api/3/users"},
		{"GET", "/rest/api/3/project/ENG/role/x", "/rest/api/3/project/ENG/role/x"},
	}
	for _, tt := range tests {
		a := s.do(tt.method, tt.path, nil)
		want := `{"type":"about:blank","title":"Not Found","status":404,"detail":"No endpoint ` + tt.method + " " + tt.instance +
			`","instance":"` + tt.instance + `"}`
		if diff := cmp.Diff(want, a.body); diff != "" || a.status != 404 || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %d %s (-want +got):\n%s", tt.method, tt.path, a.status, a.header.Get("Content-Type"), diff)
		}
	}
}

func TestHeaders(t *testing.T) {
	s := smallSite(t)
	for _, path := range []string{"/myself", "/nothing", "/issue/NOPE-1"} {
		h := s.do("GET", path, nil).header
		for _, name := range []string{"X-Arequestid", "Atl-Traceid", "Atl-Request-Id"} {
			if h.Get(name) == "" {
				t.Errorf("%s: no %s", path, name)
			}
		}
		if got := h.Get("Cache-Control"); got != "no-cache, no-store, no-transform" {
			t.Errorf("%s: Cache-Control %q", path, got)
		}
	}
	if got := s.do("GET", "/myself", nil).header.Get("Content-Type"); got != "application/json;charset=UTF-8" {
		t.Errorf("Content-Type %q", got)
	}
}

func TestCatalogues(t *testing.T) {
	s := newSite(t, setup{Projects: 12, Issues: 24})
	type bean struct {
		Total, StartAt, MaxResults int
		IsLast                     bool
		NextPage                   string
		Values                     []struct{ ID, Key, Name string }
	}
	first := get[bean](s, "/project/search?maxResults=10")
	if first.Total != 13 || first.IsLast || len(first.Values) != 10 || first.NextPage == "" {
		t.Fatalf("first page %+v", first)
	}
	second := get[bean](s, first.NextPage[len(s.base):])
	if second.StartAt != 10 || !second.IsLast || len(second.Values) != 3 || second.NextPage != "" {
		t.Errorf("second page %+v", second)
	}
	if got := get[bean](s, "/project/search?maxResults=1000"); got.MaxResults != 100 {
		t.Errorf("maxResults %d, want 100", got.MaxResults)
	}
	if got := get[bean](s, "/project/search?keys=HR&keys=ENG").Values; len(got) != 2 || got[0].Key != "ENG" {
		t.Errorf("two keys: %+v", got)
	}
	s.want("GET", "/project/eng", nil, 404, messages("No project could be found with key 'eng'."))
	s.want("GET", "/project/ENG/statuses", nil, 200, "")
	s.want("GET", "/project/ENG/component", nil, 200, "")
	s.want("GET", "/project/ENG/version", nil, 200, "")
	for _, path := range []string{"/issuetype/1", "/status/1000", "/priority/9", "/resolution/9", "/issue/createmeta/ENG/issuetypes/1"} {
		s.want("GET", path, nil, 404, "")
	}

	// Names are shared, and the two lists of statuses differ.
	type status struct{ ID, Name string }
	done := 0
	statuses := get[[]status](s, "/status")
	for _, st := range statuses {
		if st.Name == "Done" {
			done++
		}
	}
	if searched := get[bean](s, "/statuses/search"); done < 3 || searched.Total != len(statuses)+1 {
		t.Errorf("%d statuses are Done; /status has %d, /statuses/search %d", done, len(statuses), searched.Total)
	}
	if got := get[bean](s, "/statuses/search?projectId=10001&statusCategory=DONE"); len(got.Values) != 2 {
		t.Errorf("done statuses of OPS: %+v", got.Values)
	}
}

func TestCreateMeta(t *testing.T) {
	s := smallSite(t)
	type types struct {
		IssueTypes []struct{ ID, Name string }
	}
	list := get[types](s, "/issue/createmeta/ENG/issuetypes").IssueTypes
	sub := list[len(list)-1]
	type fields struct {
		Fields []struct {
			FieldID  string
			Required bool
		}
	}
	var required []string
	for _, f := range get[fields](s, "/issue/createmeta/ENG/issuetypes/"+sub.ID).Fields {
		if f.Required {
			required = append(required, f.FieldID)
		}
	}
	if diff := cmp.Diff([]string{"project", "issuetype", "parent", "summary"}, required); diff != "" {
		t.Errorf("required of %s (-want +got):\n%s", sub.Name, diff)
	}
}

func TestRateLimits(t *testing.T) {
	c := &clock{tenant.Epoch.AddDate(6, 0, 0)}
	s := newSite(t, setup{Projects: 1, Issues: 5, Now: c.now, Jira: Options{RateLimits: true}})
	limited := func(method, path string, body any, allowed int) answer {
		t.Helper()
		for n := range allowed {
			if a := s.do(method, path, body); a.status == http.StatusTooManyRequests {
				t.Fatalf("%s %s: request %d is refused", method, path, n+1)
			}
		}
		a := s.do(method, path, body)
		if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" || a.header.Get("X-RateLimit-Reset") == "" {
			t.Fatalf("%s %s: request %d: %d %v", method, path, allowed+1, a.status, a.header)
		}
		return a
	}
	a := limited("GET", "/priority", nil, 100)
	if got := a.header.Get("RateLimit-Reason"); got != "jira-burst-based" {
		t.Errorf("reason %s", got)
	}
	if got := a.header.Get("X-RateLimit-NearLimit"); got != "true" {
		t.Errorf("near limit %s", got)
	}
	c.at = c.at.Add(time.Second)
	s.want("GET", "/priority", nil, 200, "")

	a = limited("PUT", "/issue/ENG-1", `{"fields":{"labels":["x"]}}`, 20)
	if got := a.header.Get("RateLimit-Reason"); got != "jira-per-issue-on-write" {
		t.Errorf("reason %s", got)
	}
	s.want("PUT", "/issue/ENG-2", `{"fields":{"labels":["x"]}}`, 204, "")
	for range 4 {
		c.at = c.at.Add(2 * time.Second)
		limited("PUT", "/issue/ENG-1", `{"fields":{"labels":["x"]}}`, 20)
	}
	c.at = c.at.Add(2 * time.Second)
	if a := limited("PUT", "/issue/ENG-1", `{"fields":{"labels":["x"]}}`, 0); a.header.Get("Retry-After") != "20" {
		t.Errorf("Retry-After %s, want 20", a.header.Get("Retry-After"))
	}
}

func TestSeedIsDeterministic(t *testing.T) {
	texts := func() []string {
		j := newJira(setup{Users: 5, Projects: 3, Issues: 50, Seed: 7})
		r := &renderer{j: j, zone: time.UTC, parts: map[any]json.RawMessage{}}
		var list []string
		for _, i := range j.issues {
			list = append(list, string(r.appendIssue(nil, i, j.selectFields([]string{"*all"}))))
		}
		return list
	}
	if diff := cmp.Diff(texts(), texts()); diff != "" {
		t.Errorf("same seed, other data:\n%s", diff)
	}
}
