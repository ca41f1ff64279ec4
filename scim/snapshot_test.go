package scim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
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

// kept is a server that keeps snapshots for a minute of a clock that the test
// moves, over an emulated directory whose every request before may hold up.
type kept struct {
	emulator *emulator.Emulator
	server   *scim.Server
	root     string // URL of the emulator
	clients  atlassian.Config
	upstream string // base of the directory API
	base     string // of the server
	before   atomic.Pointer[func(*http.Request)]
	waited   atomic.Int64 // nanoseconds that the clock is ahead
}

func newKept(t *testing.T, options emulator.Options, clients atlassian.Config) *kept {
	k := &kept{emulator: emulator.New(options)}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if before := k.before.Load(); before != nil {
			(*before)(r)
		}
		k.emulator.ServeHTTP(w, r)
	}))
	t.Cleanup(upstream.Close)
	k.root, k.clients = upstream.URL, clients
	k.upstream = upstream.URL + "/scim/directory/" + emulator.DirectoryID
	began := time.Now()
	k.serve(t, scim.Config{
		Callers: []auth.Caller{bearer("kept", auth.Write)}, SnapshotTTL: time.Minute,
		Now: func() time.Time { return began.Add(time.Duration(k.waited.Load())) },
	})
	return k
}

// serve starts a server.
func (k *kept) serve(t *testing.T, cfg scim.Config) {
	k.server = serverOver(t, k.root, k.clients, cfg)
	srv := httptest.NewServer(k.server)
	t.Cleanup(srv.Close)
	k.base = srv.URL + server.BasePath
}

// listed is a list as a client sees it.
type listed struct {
	TotalResults int
	Resources    []map[string]any
	calls        int
	plan         string
}

func (l listed) ids() []string {
	var ids []string
	for _, r := range l.Resources {
		ids = append(ids, r["id"].(string))
	}
	return ids
}

// do makes a request of the server; what is no success fails the test.
func (k *kept) do(t *testing.T, method, path, body string) (document map[string]any, calls int) {
	t.Helper()
	answer, header := bearerRequest(t, method, k.base+path, "kept", body)
	if len(answer) > 0 {
		if err := json.Unmarshal(answer, &document); err != nil {
			t.Fatal(err)
		}
	}
	calls, err := strconv.Atoi(header.Get("X-Upstream-Calls"))
	if err != nil {
		t.Fatal(err)
	}
	return document, calls
}

// find lists what a filter finds. The parameters beside it are name and value
// in turn.
func (k *kept) find(t *testing.T, path, filter string, parameters ...string) listed {
	t.Helper()
	query := url.Values{"explain": {"true"}}
	if filter != "" {
		query.Set("filter", filter)
	}
	for i := 0; i < len(parameters); i += 2 {
		query.Set(parameters[i], parameters[i+1])
	}
	answer, header := bearerRequest(t, http.MethodGet, k.base+path+"?"+query.Encode(), "kept", "")
	l := listed{plan: header.Get("X-Query-Plan")}
	if err := json.Unmarshal(answer, &l); err != nil {
		t.Fatal(err)
	}
	l.calls, _ = strconv.Atoi(header.Get("X-Upstream-Calls"))
	return l
}

// want holds what a list costs and how many it finds.
func (l listed) want(t *testing.T, what string, calls, total int) {
	t.Helper()
	if l.calls != calls || l.TotalResults != total {
		t.Errorf("%s: %d calls, %d found, want %d, %d (%s)", what, l.calls, l.TotalResults, calls, total, l.plan)
	}
}

func TestSnapshotServesEveryQuery(t *testing.T) {
	k := newKept(t, emulator.Options{Users: 350, Groups: 30, Seed: 1}, atlassian.Config{})
	k.find(t, "/Users", "emails pr").want(t, "first filter", 4, 350)
	k.find(t, "/Users", `userName co "@"`).want(t, "second filter", 0, 350)
	k.find(t, "/Users", "", "sortBy", "userName", "count", "10").want(t, "sorted", 0, 350)
	k.find(t, "/Users", "", "count", "100").want(t, "page", 0, 350)
	k.find(t, "/Users", "").want(t, "everything", 0, 350)
	k.find(t, "/Groups", `displayName pr`).want(t, "another type", 1, 30)
	k.waited.Add(int64(time.Minute) - 1)
	k.find(t, "/Users", "title pr or emails pr").want(t, "just before the end", 0, 350)
	k.waited.Add(1)
	k.find(t, "/Users", "title pr or emails pr").want(t, "after it", 4, 350)
}

// TestOneScan has a hundred requests at once with nothing kept.
func TestOneScan(t *testing.T) {
	const requests = 100
	k := newKept(t, emulator.Options{Users: 250, Seed: 1}, atlassian.Config{})
	var begun, all sync.WaitGroup
	begun.Add(requests)
	hold := func(*http.Request) { begun.Wait() }
	k.before.Store(&hold)
	calls := make(chan int, requests)
	for i := range requests {
		all.Go(func() {
			begun.Done()
			l := k.find(t, "/Users", fmt.Sprintf(`emails pr and userName ne "nobody%d"`, i))
			if l.TotalResults != 250 {
				t.Errorf("%d found, want 250", l.TotalResults)
			}
			calls <- l.calls
		})
	}
	all.Wait()
	close(calls)
	charged, sum := 0, 0
	for n := range calls {
		if sum += n; n > 0 {
			charged++
		}
	}
	if got := len(k.emulator.Log()); got != 3 || sum != 3 || charged != 1 {
		t.Errorf("upstream got %d calls, %d were charged to %d requests, want 3, 3, 1", got, sum, charged)
	}
}

// TestSnapshotKeepsUp writes through the server and holds what the next query
// costs: nothing where the write's answer says all, one call for every resource
// that it concerns beside the one written.
func TestSnapshotKeepsUp(t *testing.T) {
	k := newKept(t, emulator.Options{Users: 450, Groups: 6, Seed: 2}, atlassian.Config{})
	k.find(t, "/Users", "emails pr").want(t, "users", 5, 450)
	groups := k.find(t, "/Groups", "displayName pr")
	groups.want(t, "groups", 1, 6)
	group := groups.ids()[2]

	created, _ := k.do(t, http.MethodPost, "/Users", userBody("new@demo.example"))
	id := created["id"].(string)
	k.find(t, "/Users", `emails[value eq "new@demo.example"]`).want(t, "created", 0, 1)
	k.do(t, http.MethodPatch, "/Users/"+id, patchBody("replace", "title", `"Boss"`))
	k.find(t, "/Users", `title eq "Boss" and emails pr`).want(t, "patched", 0, 1)
	k.find(t, "/Groups", "displayName pr").want(t, "of no concern to groups", 0, 6)

	k.do(t, http.MethodPatch, "/Groups/"+group, patchBody("add", "members", `[{"value":"`+id+`"}]`))
	k.find(t, "/Groups", `displayName pr and members.value eq "`+id+`"`).want(t, "the member's group", 0, 1)
	k.find(t, "/Users", `emails pr and groups.value eq "`+group+`" and title eq "Boss"`).want(t, "the group's member", 1, 1)
	k.find(t, "/Users", `title eq "Boss"`).want(t, "once it is known", 0, 1)

	k.do(t, http.MethodPatch, "/Users/"+id, patchBody("replace", "userName", `"renamed@demo.example"`))
	k.find(t, "/Groups", `members.display eq "renamed@demo.example"`).want(t, "renamed member", 1, 1)
	k.do(t, http.MethodDelete, "/Users/"+id, "")
	k.find(t, "/Users", `title eq "Boss"`).want(t, "deleted", 0, 0)
	k.find(t, "/Groups", `members.display eq "renamed@demo.example"`).want(t, "deleted member", 1, 0)

	k.do(t, http.MethodDelete, "/Groups/"+group, "")
	k.find(t, "/Groups", "displayName pr").want(t, "deleted group", 0, 5)
	k.find(t, "/Users", `groups.display pr and groups[value eq "`+group+`"]`).want(t, "its members", 5, 0) // so many that all are read again
}

func patchBody(op, path, value string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"` + op + `","path":"` + path + `","value":` + value + `}]}`
}

// TestSnapshotAfterUnknownOutcome cuts the connection of a write, and of the look
// whether it took place.
func TestSnapshotAfterUnknownOutcome(t *testing.T) {
	k := newKept(t, emulator.Options{Users: 120, Groups: 6, Seed: 2}, atlassian.Config{MaxRetries: -1})
	k.find(t, "/Users", "emails pr").want(t, "users", 2, 120)
	k.find(t, "/Groups", "displayName pr").want(t, "groups", 1, 6)
	faults, err := emulator.ParseFaults("path=/scim/ reset=after times=2")
	if err != nil {
		t.Fatal(err)
	}
	k.emulator.SetFaults(faults)
	if a := k.send(t.Context(), http.MethodPost, "/Users", userBody("lost@demo.example")); a.status != http.StatusGatewayTimeout {
		t.Fatalf("the write is answered %d", a.status)
	}
	k.find(t, "/Users", "emails pr").want(t, "users again", 2, 121)
	k.find(t, "/Groups", "displayName pr").want(t, "of no concern to groups", 0, 6)
}

// TestSnapshotAfterAnUnansweredChange loses the answers to changes, and to the look what
// became of them. What they were about is read again, and nothing else.
func TestSnapshotAfterAnUnansweredChange(t *testing.T) {
	k := newKept(t, emulator.Options{Users: 120, Groups: 6, Seed: 2}, atlassian.Config{MaxRetries: -1})
	ids := k.find(t, "/Users", "emails pr").ids()
	groups := k.find(t, "/Groups", "displayName pr").ids()
	lose := func(method, path, body string) {
		t.Helper()
		faults, err := emulator.ParseFaults("path=/scim/ reset=after times=2")
		if err != nil {
			t.Fatal(err)
		}
		k.emulator.SetFaults(faults)
		if a := k.send(t.Context(), method, path, body); a.status != http.StatusGatewayTimeout {
			t.Errorf("%s %s is answered %d", method, path, a.status)
		}
		k.emulator.SetFaults(nil)
	}
	lose(http.MethodPatch, "/Users/"+ids[3], patchBody("replace", "title", `"Boss"`))
	k.find(t, "/Users", `title eq "Boss" and emails pr`).want(t, "a user that was changed", 1, 1)
	k.find(t, "/Groups", "displayName pr").want(t, "of no concern to groups", 0, 6)

	outsider := k.find(t, "/Users", `emails pr and not (groups.value eq "`+groups[5]+`")`).ids()[0]
	lose(http.MethodPatch, "/Groups/"+groups[5], patchBody("add", "members", `[{"value":"`+outsider+`"}]`))
	k.find(t, "/Groups", `displayName pr and members.value eq "`+outsider+`" and id eq "`+groups[5]+`"`).want(t, "a group that was joined", 1, 1)
	k.find(t, "/Users", `emails pr and groups.value eq "`+groups[5]+`" and id eq "`+outsider+`"`).want(t, "the member", 1, 1)

	lose(http.MethodDelete, "/Users/"+ids[3], "")
	k.find(t, "/Users", `title eq "Boss" and emails pr`).want(t, "a user that was deleted, looked for twice", 2, 0)
}

// TestSnapshotFresh has clients that want nothing read before they asked.
func TestSnapshotFresh(t *testing.T) {
	k := newKept(t, emulator.Options{Users: 120, Seed: 2}, atlassian.Config{})
	k.find(t, "/Users", "emails pr").want(t, "first", 2, 120)
	k.direct(t, http.MethodPost, "/Users", userBody("elsewhere@demo.example"))
	k.find(t, "/Users", "emails pr").want(t, "kept", 0, 120)
	k.find(t, "/Users", `userName eq "elsewhere@demo.example"`).want(t, "one call is always of now", 1, 1)
	k.find(t, "/Users", `userName eq "elsewhere@demo.example" or userName eq "nobody"`).want(t, "two are not paid", 0, 0)
	if a := k.send(t.Context(), http.MethodGet, "/Users?filter=emails+pr", "", "Cache-Control", "no-cache"); a.calls != 2 || a.total != 121 {
		t.Errorf("no-cache: %d calls, %d found, want 2, 121", a.calls, a.total)
	}
	k.find(t, "/Users", "emails pr").want(t, "which is kept for others", 0, 121)
}

// TestFreshnessOfCallers has a caller that accepts nothing older than half a minute, and
// one whose no-cache is passed over.
func TestFreshnessOfCallers(t *testing.T) {
	k := newKept(t, emulator.Options{Users: 250, Seed: 2}, atlassian.Config{})
	began := time.Now()
	caller := bearer("kept", auth.Read)
	caller.Freshness, caller.NoCache = "30s", auth.IgnoreNoCache
	k.serve(t, scim.Config{Callers: []auth.Caller{caller}, SnapshotTTL: time.Minute, Now: func() time.Time { return began.Add(time.Duration(k.waited.Load())) }})
	k.find(t, "/Users", "emails pr", "count", "100").want(t, "first", 3, 250)
	k.waited.Add(int64(29 * time.Second))
	k.find(t, "/Users", "emails pr", "count", "100").want(t, "young enough", 0, 250)
	k.waited.Add(int64(2 * time.Second))
	k.find(t, "/Users", "emails pr", "count", "100", "startIndex", "101").want(t, "a later page", 0, 250)
	k.find(t, "/Users", "emails pr", "count", "100").want(t, "too old", 3, 250)
	if a := k.send(t.Context(), http.MethodGet, "/Users?filter=emails+pr", "", "Cache-Control", "no-cache"); a.calls != 0 || a.total != 250 {
		t.Errorf("no-cache: %d calls, %d found, want 0, 250", a.calls, a.total)
	}
}

// TestScanGoesOn has all clients hang up in the middle of a scan: it goes on to its
// end, and the next client has the result for nothing.
func TestScanGoesOn(t *testing.T) {
	k := newKept(t, emulator.Options{Users: 1000, Seed: 2}, atlassian.Config{MaxConcurrent: 1})
	stopped, release := make(chan struct{}), make(chan struct{})
	k.atPage(3, func() {
		close(stopped)
		<-release
	})
	ctx, hangUp := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for range 5 {
		clients.Go(func() { k.send(ctx, http.MethodGet, "/Users?filter=emails+pr", "") })
	}
	<-stopped
	hangUp()
	clients.Wait()
	close(release)
	k.find(t, "/Users", "emails pr").want(t, "the next client", 0, 1000)
	if got := len(k.emulator.Log()); got != 11 {
		t.Errorf("%d calls, want the 11 of one scan", got)
	}
}

// reply is an answer that may be an error.
type reply struct {
	status, calls, total int
	header               http.Header
}

// send makes a request whose outcome the caller judges. header has names and
// values in turn.
func (k *kept) send(ctx context.Context, method, path, body string, header ...string) reply {
	req, err := http.NewRequestWithContext(ctx, method, k.base+path, strings.NewReader(body))
	if err != nil {
		panic(err) // the test's own URL
	}
	req.Header.Set("Authorization", "Bearer kept")
	req.Header.Set("Content-Type", "application/scim+json")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}
	}
	defer resp.Body.Close()
	r := reply{status: resp.StatusCode, header: resp.Header}
	r.calls, _ = strconv.Atoi(resp.Header.Get("X-Upstream-Calls"))
	var list struct{ TotalResults int }
	if json.NewDecoder(resp.Body).Decode(&list) == nil {
		r.total = list.TotalResults
	}
	return r
}

// TestPlansByCost asks one thing after another, and holds the plans that come of
// what the server has learned by then.
func TestPlansByCost(t *testing.T) {
	k := newKept(t, emulator.Options{Users: 450, Groups: 0, Seed: 2}, atlassian.Config{})
	ids := k.find(t, "/Users", "", "count", "100", "attributes", "id").ids()
	group := func(name string, members []string) string {
		var list []string
		for _, id := range members {
			list = append(list, `{"value":"`+id+`"}`)
		}
		created, _ := k.do(t, http.MethodPost, "/Groups", `{"schemas":["`+coreGroup+`"],"displayName":"`+name+`","members":[`+strings.Join(list, ",")+`]}`)
		return created["id"].(string)
	}
	small, large := group("Small", ids[:2]), group("Large", ids[:60])
	in := func(group string) string { return `groups.value eq "` + group + `"` }
	either := `userName eq "a" or userName eq "b" or id eq "c"`
	for _, step := range []struct {
		later        time.Duration
		filter, want string
	}{
		{0, `userName eq "a"`, `lookup userName="a" exact cost=1; calls=1`},
		{0, in(small), `lookup groups.value="` + small + `" exact cost=3; calls=3`},
		{0, in(large), `scan residual=(` + in(large) + `) cost=5; calls=5`}, // 61 are more than 5
		{0, in(large), `scan residual=(` + in(large) + `) cost=0 snapshot=0s; calls=0`},
		{12 * time.Second, in(small), `scan residual=(` + in(small) + `) cost=0 snapshot=12s; calls=0`},
		{12 * time.Second, either, `scan residual=(` + either + `) cost=0 snapshot=24s; calls=0`},
		{0, `userName eq "a" and ` + in(small), `lookup userName="a" residual=(` + in(small) + `) cost=1; calls=1`},
		{0, "", `scan exact cost=0 snapshot=24s; calls=0`},
		{time.Minute, either, `union(userName="a", userName="b", id="c") exact cost=3; calls=3`},
		{0, "", `page exact cost=1; calls=1`},
		{0, in(small), `lookup groups.value="` + small + `" exact cost=3; calls=3`},
		{0, in(small) + ` and ` + in(large), `lookup groups.value="` + small + `" residual=(` + in(large) + `) cost=3; calls=3`},
	} {
		k.waited.Add(int64(step.later))
		if got := k.find(t, "/Users", step.filter, "count", "10").plan; got != step.want {
			t.Errorf("%s:\n got %s\nwant %s", step.filter, got, step.want)
		}
	}
}

// TestGroupsListedWithoutMembers has a directory whose lists leave members out.
// Where a query looks at members or a client sees them, they are read one by one,
// once; other queries do not pay for them.
func TestGroupsListedWithoutMembers(t *testing.T) {
	const (
		groups      = 12
		withMembers = 11 // one group is empty

		none    = 0      // calls where all is known
		list    = 1      // call for the list of all groups
		members = groups // calls for the members, group by group

		without = "excludedAttributes"
	)
	directory := func(t *testing.T) *kept {
		options := emulator.Options{Users: 60, Groups: groups, Seed: 2}
		options.Directory.OmitMembersInList = true
		return newKept(t, options, atlassian.Config{})
	}
	t.Run("pages", func(t *testing.T) {
		k := directory(t)
		k.find(t, "/Groups", "", without, "members", "count", "100").want(t, "without members", list, groups)
		k.find(t, "/Groups", "", "count", "100").want(t, "with members", list+members, groups)
	})
	t.Run("filters", func(t *testing.T) {
		k := directory(t)
		k.find(t, "/Groups", "", "count", "100").want(t, "a page, which is not kept", list+members, groups)
		k.find(t, "/Groups", `displayName pr`, without, "members").want(t, "first filter", list, groups)
		k.find(t, "/Groups", `displayName ne ""`, "attributes", "displayName,meta.created").want(t, "another filter", none, groups)
		k.find(t, "/Groups", `displayName pr and members pr`, without, "members").want(t, "filter by members", members, withMembers)
		k.find(t, "/Groups", "displayName pr").want(t, "members shown, known now", none, groups)
		k.waited.Add(int64(time.Minute))
		k.find(t, "/Groups", "displayName pr", without, "members").want(t, "after the snapshot's time", list, groups)
	})
	t.Run("versions", func(t *testing.T) {
		k := directory(t)
		first := k.find(t, "/Groups", "displayName pr", without, "members")
		first.want(t, "no version", list, groups)
		if got := first.Resources[0]["meta"].(map[string]any)["version"]; got != nil {
			t.Errorf("got version %v of a group whose members nobody knows, want none", got)
		}
		k.find(t, "/Groups", "displayName pr", "attributes", "meta.version").want(t, "versions", members, groups)
		k.find(t, "/Groups", "displayName pr", "sortBy", "members.value", without, "members").want(t, "sorted by members", none, groups)
		k.waited.Add(int64(time.Minute))
		k.find(t, "/Groups", `displayName pr and meta[version sw "W/"]`, without, "members").want(t, "filter by version", list+members, groups)
	})
}
