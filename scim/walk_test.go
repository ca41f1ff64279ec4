package scim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/server"
)

// paged is a server over an emulated site, asked page by page.
type paged struct {
	emulator *emulator.Emulator
	upstream *httptest.Server
	server   *httptest.Server
	config   scim.Config
	began    time.Time
	waited   atomic.Int64 // nanoseconds since then; read by a server that still ends a request
}

func newPaged(t *testing.T, users int) *paged {
	p := &paged{emulator: emulator.New(emulator.Options{Users: users, Groups: 30, Projects: 3, Issues: 250, Seed: 1}), began: time.Now()}
	p.upstream = httptest.NewServer(p.emulator)
	t.Cleanup(p.upstream.Close)
	p.config = scim.Config{
		Callers:   []auth.Caller{bearer("one", auth.Read), bearer("two", auth.Read)},
		CursorKey: "a key for tests",
		Now:       func() time.Time { return p.began.Add(time.Duration(p.waited.Load())) },
	}
	p.restart(t)
	return p
}

// restart puts a new server in the place of the old one.
func (p *paged) restart(t *testing.T) {
	if p.server != nil {
		p.server.Close()
	}
	p.server = httptest.NewServer(serverOver(t, p.upstream.URL, atlassian.Config{}, p.config))
	t.Cleanup(p.server.Close)
}

// listPage is a page of a list and what it cost.
type listPage struct {
	TotalResults, StartIndex, ItemsPerPage int
	PreviousCursor, NextCursor             string
	Resources                              []struct{ ID string }
	ScimType, Detail                       string // of an error

	ids   []string
	calls string
}

// get asks as a caller for a path with a query.
func (p *paged) get(t *testing.T, caller, path string, parameters url.Values) (page listPage) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.server.URL+server.BasePath+path+"?"+parameters.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+caller)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&page); err != nil {
		t.Fatal(err)
	}
	for _, r := range page.Resources {
		page.ids = append(page.ids, r.ID)
	}
	if len(page.ids) != page.ItemsPerPage {
		t.Errorf("%s %v: itemsPerPage %d, there are %d", path, parameters, page.ItemsPerPage, len(page.ids))
	}
	page.calls = resp.Header.Get("X-Upstream-Calls")
	return page
}

// with adds parameters to others.
func with(parameters url.Values, pairs ...string) url.Values {
	all := url.Values{}
	for name, values := range parameters {
		all[name] = values
	}
	for i := 0; i < len(pairs); i += 2 {
		all.Set(pairs[i], pairs[i+1])
	}
	return all
}

// behind sends a request to upstream, behind the server's back.
func (p *paged) behind(t *testing.T, method, path, body string) map[string]any {
	t.Helper()
	var answer []byte
	if strings.HasPrefix(path, "/rest/") {
		answer = jiraRequest(t, method, p.upstream.URL+path, body)
	} else {
		answer, _ = bearerRequest(t, method, p.upstream.URL+"/scim/directory/"+emulator.DirectoryID+path, emulator.DirectoryKey, body)
	}
	var doc map[string]any
	_ = json.Unmarshal(answer, &doc) // a deletion has no body
	return doc
}

// walkKind is a resource type as walks are tested with it.
type walkKind struct {
	endpoint       string
	count          int
	filter, sortBy string
	create         func(n int) (path, body string)
	path           string // of one resource upstream, before the id
	change         string // a request that moves a resource in the order, if there is one
}

var walkKinds = []walkKind{
	{
		endpoint: "/Users", count: 40, filter: "emails pr and not (title eq \"nobody\")", sortBy: "name.familyName", path: "/Users/",
		change: `{"Operations":[{"op":"replace","path":"name.familyName","value":"%c"}]}`,
		create: func(n int) (string, string) {
			return "/Users", fmt.Sprintf(`{"userName":"%c%d@demo.example","name":{"familyName":"%c"},"emails":[{"value":"%c%d@demo.example","primary":true}]}`, 'a'+n%26, n, 'A'+n%26, 'a'+n%26, n)
		},
	},
	{
		endpoint: "/", count: 70, filter: `meta.resourceType ne "Group" and meta.created pr`, sortBy: "title", path: "/Users/",
		change: `{"Operations":[{"op":"replace","path":"title","value":"%c"}]}`,
		create: func(n int) (string, string) {
			return "/Users", fmt.Sprintf(`{"userName":"%c%d@demo.example","emails":[{"value":"%c%d@demo.example","primary":true}]}`, 'a'+n%26, n, 'a'+n%26, n)
		},
	},
	{
		endpoint: "/Groups", count: 7, filter: `displayName co ""`, sortBy: "displayName", path: "/Groups/",
		create: func(n int) (string, string) {
			return "/Groups", fmt.Sprintf(`{"displayName":"%c group %d"}`, 'a'+n%26, n)
		},
	},
	{
		endpoint: "/Issues", count: 40, filter: `status.name ne "Nowhere"`, sortBy: "summary", path: "/rest/api/3/issue/",
		create: func(n int) (string, string) {
			return "/rest/api/3/issue", fmt.Sprintf(`{"fields":{"project":{"key":"ENG"},"issuetype":{"name":"Task"},"summary":"%c %d"}}`, 'a'+n%26, n)
		},
	},
	{
		endpoint: "/Issues", count: 40, filter: `summary co "e"`, sortBy: "created", path: "/rest/api/3/issue/",
		create: func(n int) (string, string) {
			return "/rest/api/3/issue", fmt.Sprintf(`{"fields":{"project":{"key":"ENG"},"issuetype":{"name":"Task"},"summary":"e %d"}}`, n)
		},
	},
}

// TestWalks pages through lists of every kind while resources are created and
// deleted behind the server's back: what is there all the time comes exactly once,
// nothing comes twice, and every page but the last is full. By cursor this holds
// even if the server is started again before every page.
func TestWalks(t *testing.T) {
	for _, kind := range walkKinds {
		for name, parameters := range map[string]url.Values{
			"all":             {},
			"filtered":        {"filter": {kind.filter}},
			"sorted":          {"sortBy": {kind.sortBy}, "sortOrder": {"descending"}},
			"filtered,sorted": {"filter": {kind.filter}, "sortBy": {kind.sortBy}},
		} {
			for _, mode := range []string{"index", "cursor", "cursor,restart"} {
				t.Run(kind.endpoint[1:]+","+kind.sortBy+"/"+name+"/"+mode, func(t *testing.T) {
					t.Parallel()
					testWalk(t, kind, parameters, mode)
				})
			}
		}
	}
}

func testWalk(t *testing.T, kind walkKind, parameters url.Values, mode string) {
	p := newPaged(t, 250)
	stable := map[string]bool{} // there from the first page to the last
	for _, id := range p.get(t, "two", kind.endpoint, with(parameters, "attributes", "id")).ids {
		stable[id] = true
	}
	before := len(stable)
	movable := stable
	if kind.endpoint == "/" {
		movable = map[string]bool{}
		for _, id := range p.get(t, "two", "/Users", url.Values{"attributes": {"id"}}).ids {
			movable[id] = true
		}
	}
	seen := map[string]bool{}
	parameters = with(parameters, "attributes", "id", "count", fmt.Sprint(kind.count))
	if mode == "index" {
		parameters.Set("startIndex", "1")
	} else {
		parameters.Set("cursor", "")
	}
	for n := 1; ; n++ {
		page := p.get(t, "one", kind.endpoint, parameters)
		if page.ScimType == "expiredCursor" && mode == "cursor,restart" && parameters.Has("sortBy") {
			return // told, not passed over
		}
		if page.ScimType != "" {
			t.Fatalf("page %d: %s %s", n, page.ScimType, page.Detail)
		}
		for _, id := range page.ids {
			if seen[id] {
				t.Fatalf("page %d: %s is there twice", n, id)
			}
			seen[id] = true
		}
		last := len(seen) >= page.TotalResults
		if mode != "index" {
			last = page.NextCursor == ""
			if (n == 1) != (page.PreviousCursor == "") || page.StartIndex != 0 {
				t.Errorf("page %d: previousCursor %q, startIndex %d", n, page.PreviousCursor, page.StartIndex)
			}
		}
		if last {
			break
		}
		if len(page.ids) != kind.count {
			t.Fatalf("page %d has %d resources, want %d", n, len(page.ids), kind.count)
		}
		parameters.Set("startIndex", fmt.Sprint(n*kind.count+1))
		if mode != "index" {
			parameters.Del("startIndex")
			parameters.Set("cursor", page.NextCursor)
		}
		if n%2 == 1 {
			for _, id := range p.disturb(t, kind, n, movable, seen) {
				delete(stable, id)
				delete(movable, id)
			}
		}
		if mode == "cursor,restart" {
			p.restart(t)
		}
	}
	for id := range stable {
		if !seen[id] {
			t.Errorf("%s was missed", id)
		}
	}
	if len(stable) < before/2 || len(stable) == before {
		t.Errorf("%d of %d resources were left: nothing was tested", len(stable), before)
	}
}

// disturb creates two resources upstream, deletes one that was delivered and two
// that were not, and moves some in the order.
// It returns those that are gone.
func (p *paged) disturb(t *testing.T, kind walkKind, n int, stable, seen map[string]bool) (gone []string) {
	for i := range 2 {
		path, body := kind.create(7*n + i)
		p.behind(t, http.MethodPost, path, body)
	}
	for i, delivered := range []bool{true, false, false} {
		var candidates []string
		for id := range stable {
			if seen[id] == delivered && !slices.Contains(gone, id) {
				candidates = append(candidates, id)
			}
		}
		if len(candidates) == 0 {
			continue
		}
		slices.Sort(candidates)
		id := candidates[(n*31+i*17)%len(candidates)]
		query := ""
		if strings.HasPrefix(kind.path, "/rest/") {
			query = "?deleteSubtasks=true"
			gone = append(gone, p.children(t, id)...)
		}
		p.behind(t, http.MethodDelete, kind.path+id+query, "")
		gone = append(gone, id)
		if other := candidates[(n*31+i*17+1)%len(candidates)]; kind.change != "" && other != id {
			p.behind(t, http.MethodPatch, kind.path+other, fmt.Sprintf(kind.change, 'A'+(n+i)%26))
		}
	}
	return gone
}

func (p *paged) children(t *testing.T, id string) (ids []string) {
	found := p.behind(t, http.MethodPost, "/rest/api/3/search/jql", fmt.Sprintf(`{"jql":"parent = %s","maxResults":1000}`, id))
	issues, _ := found["issues"].([]any)
	for _, issue := range issues {
		ids = append(ids, issue.(map[string]any)["id"].(string))
	}
	return ids
}

// TestWalksAtOnce asks for all pages but the first at once: they are of one list.
func TestWalksAtOnce(t *testing.T) {
	p := newPaged(t, 350)
	for _, parameters := range []url.Values{{}, {"filter": {"emails pr"}}} {
		parameters = with(parameters, "count", "50", "attributes", "id")
		pages := make([]listPage, 7)
		pages[0] = p.get(t, "one", "/Users", parameters)
		var group sync.WaitGroup
		for i := 1; i < len(pages); i++ {
			group.Go(func() { pages[i] = p.get(t, "one", "/Users", with(parameters, "startIndex", fmt.Sprint(50*i+1))) })
		}
		group.Wait()
		seen := map[string]bool{}
		for _, page := range pages {
			for _, id := range page.ids {
				seen[id] = true
			}
		}
		if len(seen) != 350 {
			t.Errorf("%v: %d users, want 350", parameters, len(seen))
		}
	}
}

// TestPagesOfOneState pages through a scanned list while users disappear: the
// pages are those of the first one's state, for no further call.
func TestPagesOfOneState(t *testing.T) {
	const users = 350
	p := newPaged(t, users)
	parameters := url.Values{"filter": {"emails pr"}, "count": {"100"}, "sortBy": {"userName"}}
	for start := 1; start <= users; start += 100 {
		page := p.get(t, "one", "/Users", with(parameters, "startIndex", fmt.Sprint(start)))
		want := "0"
		if start == 1 {
			want = "4"
		}
		if page.TotalResults != users || page.calls != want {
			t.Errorf("startIndex %d: total %d, %s calls; want %d, %s", start, page.TotalResults, page.calls, users, want)
		}
		p.behind(t, http.MethodDelete, "/Users/"+page.ids[0], "")
	}
}

// TestWalkCost holds what the pages of a list without filter cost: a lone first
// page one call, the second one everything, the others nothing.
func TestWalkCost(t *testing.T) {
	p := newPaged(t, 350)
	for _, step := range []struct{ start, count, calls string }{
		{"1", "1", "1"}, {"1", "100", "1"}, {"101", "100", "4"}, {"201", "100", "0"}, {"301", "100", "0"}, {"51", "10", "0"},
		{"1", "100", "1"}, {"1", "0", "1"}, {"101", "100", "1"}, // nothing was delivered to go on with
	} {
		if page := p.get(t, "one", "/Users", url.Values{"startIndex": {step.start}, "count": {step.count}}); page.calls != step.calls {
			t.Errorf("startIndex %s, count %s: %s calls, want %s", step.start, step.count, page.calls, step.calls)
		}
	}
	// Issues that JQL finds exactly are read as they are delivered: a search and a
	// read, then the reads.
	filter := url.Values{"filter": {`status.name ne "Nowhere"`}, "attributes": {"id"}}
	p.get(t, "one", "/Issues", with(filter, "count", "1")) // catalogues, and Jira's opinion of the JQL
	for _, step := range []struct{ start, calls string }{{"1", "2"}, {"101", "1"}, {"201", "1"}} {
		if page := p.get(t, "one", "/Issues", with(filter, "startIndex", step.start, "count", "100")); page.calls != step.calls {
			t.Errorf("issues from %s: %s calls, want %s", step.start, page.calls, step.calls)
		}
	}
}

// TestPagesStandAlone covers later pages that go on with nothing: of another
// caller, and after the first page is forgotten.
func TestPagesStandAlone(t *testing.T) {
	p := newPaged(t, 150)
	parameters := url.Values{"filter": {"emails pr"}, "count": {"100"}}
	p.get(t, "one", "/Users", parameters)
	second := with(parameters, "startIndex", "101")
	for _, step := range []struct {
		caller, calls string
		later         time.Duration
	}{{"two", "2", 0}, {"one", "0", 9 * time.Minute}, {"one", "0", 9 * time.Minute}, {"one", "2", 11 * time.Minute}} {
		p.waited.Add(int64(step.later))
		if page := p.get(t, step.caller, "/Users", second); page.calls != step.calls || len(page.ids) != 50 {
			t.Errorf("caller %s after %v: %s calls for %d users, want %s for 50", step.caller, step.later, page.calls, len(page.ids), step.calls)
		}
	}
}

// TestKeptResultsAreBounded pages with no room to keep anything: by index every
// page stands alone, by cursor the walk goes on all the same.
func TestKeptResultsAreBounded(t *testing.T) {
	p := newPaged(t, 350)
	p.config.KeptResultBytes = 10_000 // some fifty users
	p.restart(t)
	for _, start := range []string{"1", "101", "201"} {
		if page := p.get(t, "one", "/Users", url.Values{"startIndex": {start}, "count": {"100"}}); len(page.ids) != 100 || page.calls != "1" {
			t.Errorf("startIndex %s: %d users for %s calls, want 100 for 1", start, len(page.ids), page.calls)
		}
	}
	for _, sorted := range []string{"", "userName"} {
		seen, cursor := map[string]bool{}, ""
		for {
			page := p.get(t, "one", "/Users", url.Values{"cursor": {cursor}, "count": {"100"}, "sortBy": {sorted}})
			for _, id := range page.ids {
				seen[id] = true
			}
			if cursor = page.NextCursor; cursor == "" {
				break
			}
		}
		if len(seen) != 350 {
			t.Errorf("sorted by %q: %d users, want 350", sorted, len(seen))
		}
	}
}
