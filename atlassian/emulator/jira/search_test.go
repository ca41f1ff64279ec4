package jira

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian/emulator/tenant"
)

func TestSearchRefusals(t *testing.T) {
	s := smallSite(t)
	const sizes = "The max results parameter has to be between 1 and 5,000."
	tests := []struct {
		name, body, want string
	}{
		{"too small", `{"jql":"project = ENG","maxResults":0}`, messages(sizes)},
		{"too large", `{"jql":"project = ENG","maxResults":5001}`, messages(sizes)},
		{"unbounded", `{"jql":""}`, messages("Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")},
		{"only ordered", `{"jql":"order by created"}`, messages("Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")},
		{"syntax", `{"jql":"project = 'unclosed"}`,
			messages("Error in the JQL Query: The quoted string 'unclosed' has not been completed. (line 1, character 11)")},
		{"bad token", `{"jql":"project = ENG","nextPageToken":"x"}`, messages("The provided next page token is invalid or expired.")},
		{"unknown property", `{"jql":"project = ENG","startAt":0}`, `{"errorMessages":["` + textBadPayload + `"]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := *s
			site.t = t
			site.want("POST", "/search/jql", tt.body, http.StatusBadRequest, tt.want)
		})
	}
	for _, method := range []string{"GET", "POST"} {
		s.want(method, "/search", nil, http.StatusGone, messages(textRemoved))
	}
}

// Wrong queries that parse find nothing, unless the site is strict.
func TestSearchLenience(t *testing.T) {
	lenient := smallSite(t)
	strict := newSite(t, setup{Projects: 3, Issues: 3, Jira: Options{StrictJQL: true}})
	tests := []struct{ query, strict string }{
		{`project = NOPE`, "The value 'NOPE' does not exist for the field 'project'."},
		{`project = NOPE or project = ENG`, "The value 'NOPE' does not exist for the field 'project'."},
		{`key = NOPE-1`, "An issue with key 'NOPE-1' does not exist for field 'key'."},
		{`summary = x`, "The operator '=' is not supported by the 'summary' field."},
		{`universe = 42`, "Field 'universe' does not exist or you do not have permission to view it."},
		{`this is not jql`, "Field 'this' does not exist or you do not have permission to view it."},
	}
	for _, tt := range tests {
		body := map[string]any{"jql": tt.query}
		lenient.want("POST", "/search/jql", body, 200, `{"issues":[],"isLast":true}`)
		strict.want("POST", "/search/jql", body, 400, messages(tt.strict))
	}
	if len(strict.find("project = ENG order by universe")) == 0 {
		t.Error("an unknown field in ORDER BY is not ignored")
	}
}

func TestSearchShapes(t *testing.T) {
	s := smallSite(t)
	s.want("POST", "/search/jql", `{"jql":"key = ENG-1"}`, 200, `{"issues":[{"id":"10000"}],"isLast":true}`)
	s.want("GET", "/search/jql?jql=key+%3D+ENG-1&maxResults=10", nil, 200, `{"issues":[{"id":"10000"}],"isLast":true}`)
	got := s.do("POST", "/search/jql", `{"jql":"key = ENG-1","fields":["key"]}`).body
	want := fmt.Sprintf(`{"issues":[{"expand":"operations,versionedRepresentations,editmeta,changelog,renderedFields",`+
		`"self":"%s/rest/api/3/issue/10000","key":"ENG-1","id":"10000"}],"isLast":true}`, s.base)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("key only (-want +got):\n%s", diff)
	}
	scoped := s.do("POST", "/ex/jira/"+tenant.CloudID+"/rest/api/3/search/jql", `{"jql":"key = ENG-1","fields":["key"]}`).body
	if want := s.base + "/ex/jira/" + tenant.CloudID + "/rest/api/3/issue/10000"; !strings.Contains(scoped, want) {
		t.Errorf("scoped address: %s lacks %s", scoped, want)
	}
	s.want("GET", "/ex/jira/other/rest/api/3/myself", nil, 404, "")
}

// drain reads all pages of a query and returns keys and the number of pages.
func (s *site) drain(query string, size int, fields ...string) (keys []string, pages int) {
	s.t.Helper()
	request := map[string]any{"jql": query, "maxResults": size, "fields": append(fields, "key")}
	for {
		a := s.do("POST", "/search/jql", request)
		if a.status != 200 {
			s.t.Fatalf("%d %s", a.status, a.body)
		}
		p := decode[searched](s.t, a)
		pages++
		for _, i := range p.Issues {
			keys = append(keys, i.Key)
		}
		if p.IsLast {
			return keys, pages
		}
		request["nextPageToken"] = p.NextPageToken
	}
}

func TestSearchPages(t *testing.T) {
	s := newSite(t, setup{Projects: 2, Issues: 500, Seed: 1})
	keys, pages := s.drain("project in (ENG, OPS) order by key", 60)
	if pages != 9 || len(keys) != 500 || keys[0] != "ENG-1" || keys[1] != "ENG-2" {
		t.Errorf("%d pages, %d keys from %v", pages, len(keys), keys[:2])
	}
	if distinct := slices.Compact(slices.Sorted(slices.Values(keys))); len(distinct) != 500 {
		t.Errorf("%d distinct keys", len(distinct))
	}
	if _, pages := s.drain("project in (ENG, OPS)", 500, "summary"); pages != 5 {
		t.Errorf("wide pages are not cut: %d pages", pages)
	}
	latest, _ := s.drain("project = ENG", 5000)
	first := s.jira.issue(latest[0])
	for _, key := range latest[1:] {
		if next := s.jira.issue(key); next.id > first.id {
			t.Fatalf("%s comes after %s", key, first.key)
		}
	}

	// The token belongs to the query; forgotten results are searched again.
	page := decode[searched](t, s.do("POST", "/search/jql", `{"jql":"project = ENG","maxResults":10}`))
	next := map[string]any{"jql": "project = OPS", "maxResults": 10, "nextPageToken": page.NextPageToken}
	s.want("POST", "/search/jql", next, 400, messages("The provided next page token is invalid or expired."))
	clear(s.jira.results.sets)
	next["jql"] = "project = ENG"
	again := decode[searched](t, s.do("POST", "/search/jql", next))
	if len(again.Issues) != 10 || again.Issues[0].ID == page.Issues[0].ID {
		t.Errorf("second page %v after %v", again.Issues, page.Issues)
	}
}

// clock is a time that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func TestPageTokenExpires(t *testing.T) {
	c := &clock{tenant.Epoch}
	s := newSite(t, setup{Projects: 1, Issues: 20, Now: c.now})
	page := decode[searched](t, s.do("POST", "/search/jql", `{"jql":"project = ENG","maxResults":10}`))
	next := map[string]any{"jql": "project = ENG", "nextPageToken": page.NextPageToken}
	c.at = c.at.Add(7*24*time.Hour - time.Second)
	s.want("POST", "/search/jql", next, 200, "")
	c.at = c.at.Add(time.Second)
	s.want("POST", "/search/jql", next, 400, messages("The provided next page token is invalid or expired."))
}

func TestIndexLag(t *testing.T) {
	c := &clock{tenant.Epoch.AddDate(6, 0, 0)}
	s := newSite(t, setup{Projects: 1, Issues: 5, Now: c.now, Jira: Options{IndexLag: time.Minute}})
	const query = `project = ENG and labels = new`
	key := s.create(map[string]any{"labels": []string{"new"}})
	id := s.jira.issue(key).id
	reconciled := func() int {
		return len(decode[searched](t, s.do("POST", "/search/jql", map[string]any{"jql": query, "reconcileIssues": []int64{id}})).Issues)
	}
	if n, now := len(s.find(query)), reconciled(); n != 0 || now != 1 {
		t.Errorf("at once: %d found, %d when reconciled; want 0 and 1", n, now)
	}
	c.at = c.at.Add(time.Minute)
	if n := len(s.find(query)); n != 1 {
		t.Errorf("after the lag: %d found", n)
	}
	s.want("PUT", "/issue/"+key, `{"fields":{"labels":[]}}`, 204, "")
	if n, now := len(s.find(query)), reconciled(); n != 1 || now != 0 {
		t.Errorf("after the edit: %d found, %d when reconciled; want 1 and 0", n, now)
	}
	c.at = c.at.Add(time.Minute)
	if n := len(s.find(query)); n != 0 {
		t.Errorf("long after the edit: %d found", n)
	}
	s.want("DELETE", "/issue/"+key, nil, 204, "")
	if keys := s.find("project = ENG"); !slices.Contains(keys, key) {
		t.Errorf("deleted issue is not in the lagging index: %v", keys)
	}
	c.at = c.at.Add(time.Minute)
	if keys := s.find("project = ENG"); slices.Contains(keys, key) {
		t.Errorf("deleted issue is still found: %v", keys)
	}
}

func TestFlickeringIndex(t *testing.T) {
	c := &clock{tenant.Epoch.AddDate(6, 0, 0)}
	s := newSite(t, setup{Projects: 1, Now: c.now, Jira: Options{IndexLag: time.Minute, FlickeringIndex: true}})
	s.create(nil)
	c.at = c.at.Add(90 * time.Second)
	seen := map[int]bool{}
	for range 2 {
		seen[len(s.find("project = ENG"))] = true
	}
	if diff := cmp.Diff(map[int]bool{0: true, 1: true}, seen); diff != "" {
		t.Errorf("two searches (-want +got):\n%s", diff)
	}
}

func TestClauseLimit(t *testing.T) {
	s := newSite(t, setup{Projects: 1, Issues: 5, Jira: Options{ClauseLimit: 2}})
	s.want("POST", "/search/jql", `{"jql":"id in (10000, 10001, 10002)"}`, 200, `{"issues":[{"id":"10001"},{"id":"10000"}],`+
		`"warnings":[{"details":{"actual":3,"clause":"key","limit":2},`+
		`"message":"The clause on 'key' has 3 values; only the first 2 were used.","type":"CLAUSE_LIMIT_EXCEEDED"}],"isLast":true}`)
	s.want("POST", "/search/jql", `{"jql":"id in (10000, 10001)"}`, 200, `{"issues":[{"id":"10001"},{"id":"10000"}],"isLast":true}`)
}

// The time zone is the caller's, in queries and in answers.
func TestTimeZone(t *testing.T) {
	c := &clock{time.Date(2026, 8, 24, 8, 50, 3, 7_000_000, time.UTC)}
	s := newSite(t, setup{Projects: 1, Now: c.now})
	key := s.create(map[string]any{"duedate": "2026-08-24"})
	if got, want := s.fields(key).Created, "2026-08-24T10:50:03.007+0200"; got != want {
		t.Errorf("created %s, want %s", got, want)
	}
	tests := []struct {
		query string
		want  bool
	}{
		{`created = "2026-08-24 10:50"`, true},
		{`created = "2026-08-24 08:50"`, false},
		{`created <= "2026-08-24 10:50"`, false},
		{`created < "2026-08-24 10:51"`, true},
		{fmt.Sprintf(`created >= %d`, c.at.UnixMilli()), true},
		{fmt.Sprintf(`created < %d`, c.at.UnixMilli()), false},
		{`due = "2026-08-24"`, true},
		{`due < "2026-08-24"`, false},
		{`resolved is empty`, true},
	}
	for _, tt := range tests {
		if got := len(s.find(tt.query)) == 1; got != tt.want {
			t.Errorf("%s: %v, want %v", tt.query, got, tt.want)
		}
	}
}

// Every field is asked for what issues really have.
func TestSearchAgreesWithIssues(t *testing.T) {
	s := newSite(t, setup{Projects: 3, Issues: 300, Seed: 2})
	j := s.jira
	admin := j.accounts.WithEmail(tenant.AdminEmail)
	tests := []struct {
		query string
		want  func(*issue) bool
	}{
		{`project = 10001`, func(i *issue) bool { return i.project.key == "OPS" }},
		{`project = "operations & support"`, func(i *issue) bool { return i.project.key == "OPS" }},
		{`status = done`, func(i *issue) bool { return i.status.name == "Done" }},
		{`status = 10004`, func(i *issue) bool { return i.status.id == "10004" }},
		{`statusCategory = 3`, func(i *issue) bool { return i.status.category == categoryDone }},
		{`statusCategory != indeterminate`, func(i *issue) bool { return i.status.category != categoryDoing }},
		{`type in (Bug, 10001)`, func(i *issue) bool { return i.kind.name == "Bug" || i.kind.id == "10001" }},
		{`priority = 1`, func(i *issue) bool { return i.priority != nil && i.priority.name == "Highest" }},
		{`priority >= High`, func(i *issue) bool { return i.priority != nil && i.priority.rank >= 4 }},
		{`priority is empty`, func(i *issue) bool { return i.priority == nil }},
		{`resolution is not empty`, func(i *issue) bool { return i.resolution != nil }},
		{`resolved is empty`, func(i *issue) bool { return i.resolved.IsZero() }},
		{`assignee is empty`, func(i *issue) bool { return i.assignee == nil }},
		{`assignee = "` + admin.ID + `"`, func(i *issue) bool { return i.assignee == admin }},
		{`reporter = currentUser()`, func(i *issue) bool { return i.reporter == admin }},
		{`labels = needs-review`, func(i *issue) bool { return slices.Contains(i.labels, "Needs-Review") }},
		{`labels != sox`, func(i *issue) bool { return len(i.labels) > 0 && !slices.Contains(i.labels, "sox") }},
		{`component = API`, func(i *issue) bool {
			return slices.ContainsFunc(i.components, func(id string) bool { return j.parts[id].name == "API" })
		}},
		{`fixVersion is empty`, func(i *issue) bool { return len(i.versions) == 0 }},
		{`fixVersion > 1.1 and project = ENG`, func(i *issue) bool {
			return i.project.key == "ENG" && slices.ContainsFunc(i.versions, func(id string) bool { return j.parts[id].order > 1 })
		}},
		{`parent = ` + j.issues[0].idText, func(i *issue) bool { return i.parent == j.issues[0] }},
		{`key > ENG-50 and key <= eng-60`, func(i *issue) bool { return i.project.key == "ENG" && i.number > 50 && i.number <= 60 }},
		{`due is not empty`, func(i *issue) bool { return i.due != "" }},
		{`summary ~ "login"`, func(i *issue) bool { return strings.Contains(i.summary, "login") }},
		{`summary ~ "fixes"`, func(i *issue) bool { return strings.Contains(i.summary, "Fix") }},
		{`summary ~ "日本語"`, func(i *issue) bool { return strings.Contains(i.summary, "日本語") }},
		{`description is empty`, func(i *issue) bool { return i.description == nil }},
		{`description ~ "düsseldorf"`, func(i *issue) bool { return strings.Contains(string(i.description), "Düsseldorf") }},
		{`updated > created`, nil},
	}
	for _, tt := range tests {
		if tt.want == nil {
			s.want("POST", "/search/jql", map[string]any{"jql": tt.query}, 200, `{"issues":[],"isLast":true}`)
			continue
		}
		var want []string
		for _, i := range slices.Backward(j.issues) {
			if tt.want(i) {
				want = append(want, i.key)
			}
		}
		if diff := cmp.Diff(want, s.find(tt.query)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.query, diff)
		}
		n := decode[struct{ Count int }](t, s.do("POST", "/search/approximate-count", map[string]any{"jql": tt.query})).Count
		if n != len(want) {
			t.Errorf("%s: count %d, want %d", tt.query, n, len(want))
		}
	}
}

func TestParseJQL(t *testing.T) {
	s := smallSite(t)
	queries := []string{"project = ENG", "invalid query", "summary = test", "summary in test", "project = INVALID", "project = ENG order by x"}
	got := s.do("POST", "/jql/parse?validation=strict", map[string]any{"queries": queries})
	want := `{"queries":[{"query":"project = ENG","structure":{"where":{"field":{"name":"project"},"operand":{"value":"ENG"},"operator":"="}}},` +
		`{"query":"invalid query","errors":["Error in the JQL Query: Expecting operator but got 'query'. The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'. (line 1, character 9)"]},` +
		`{"query":"summary = test","errors":["The operator '=' is not supported by the 'summary' field."]},` +
		`{"query":"summary in test","errors":["Operator 'in' does not support the non-list value '\"test\"' for field 'summary'."]},` +
		`{"query":"project = INVALID","structure":{"where":{"field":{"name":"project"},"operand":{"value":"INVALID"},"operator":"="}},"warnings":["The value 'INVALID' does not exist for the field 'project'."]},` +
		`{"query":"project = ENG order by x","errors":["Not able to sort using field 'x'."]}]}`
	if diff := cmp.Diff(want, got.body); diff != "" || got.status != 200 {
		t.Errorf("%d (-want +got):\n%s", got.status, diff)
	}
	s.want("POST", "/jql/parse?validation=none", `{"queries":["summary = test"]}`, 200,
		`{"queries":[{"query":"summary = test","structure":{"where":{"field":{"name":"summary"},"operand":{"value":"test"},"operator":"="}}}]}`)
	s.want("POST", "/jql/parse?validation=some", `{"queries":["summary = test"]}`, 400, "")
	s.want("POST", "/jql/match", `{"jqls":["key = ENG-1","x","project = NOPE"],"issueIds":[10000,10001,1]}`, 200,
		`{"matches":[{"matchedIssues":[10000],"errors":[]},{"matchedIssues":[],"errors":["Invalid JQL: x"]},`+
			`{"matchedIssues":[],"errors":["The value 'NOPE' does not exist for the field 'project'."]}]}`)
}

func TestFailedSearch(t *testing.T) {
	body := map[string]any{"jql": "project = ENG"}
	wrong := func(r *http.Request) { r.SetBasicAuth(tenant.AdminEmail, "wrong") }
	none := func(r *http.Request) { r.Header.Del("Authorization") }
	lenient := smallSite(t)
	strict := newSite(t, setup{Projects: 1, Issues: 1, Jira: Options{RejectFailedSearch: true}})
	for _, change := range []func(*http.Request){wrong, none} {
		if a := lenient.do("POST", "/search/jql", body, change); a.status != 200 || a.body != `{"issues":[],"isLast":true}` {
			t.Errorf("lenient: %d %s", a.status, a.body)
		}
		if a := strict.do("POST", "/search/jql", body, change); a.status != 401 {
			t.Errorf("strict: %d %s", a.status, a.body)
		}
		if a := lenient.do("GET", "/myself", nil, change); a.status != 401 || a.body != messages(textUnauthenticated) {
			t.Errorf("myself: %d %s", a.status, a.body)
		}
		if a := lenient.do("GET", "/serverInfo", nil, change); a.status != 200 {
			t.Errorf("serverInfo: %d %s", a.status, a.body)
		}
	}
}

func BenchmarkSearch(b *testing.B) {
	j := newJira(setup{Users: 1000, Projects: 3, Issues: 100_000, Seed: 1})
	c := &call{Request: &http.Request{Host: "x"}, j: j, caller: j.accounts.WithEmail(tenant.AdminEmail)}
	c.show = newRenderer(c, "")
	size := 100
	for _, query := range []string{
		`project = ENG`, `status in (3, 10002) and assignee is not empty`, `summary ~ "login page"`, `project = ENG order by updated, key`,
	} {
		b.Run(query, func(b *testing.B) {
			for b.Loop() {
				answer, err := c.search(searchRequest{JQL: query, MaxResults: &size, Fields: []string{"*all"}})
				if err != nil || len(answer.body.(json.RawMessage)) < 1000 {
					b.Fatal(err)
				}
			}
		})
	}
}
