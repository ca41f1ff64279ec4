package scim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
)

// kept is a server that keeps snapshots for a minute of a clock that the test
// moves, over an emulated directory whose every request before may hold up.
type kept struct {
	emulator *emulator.Emulator
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
	k.upstream = upstream.URL + "/scim/directory/" + emulator.DirectoryID
	began := time.Now()
	server := httptest.NewServer(serverOver(t, upstream.URL, clients, scim.Config{
		Callers: []scim.Caller{bearer("kept", scim.Write)}, SnapshotTTL: time.Minute,
		Now: func() time.Time { return began.Add(time.Duration(k.waited.Load())) },
	}))
	t.Cleanup(server.Close)
	k.base = server.URL + scim.BasePath
	return k
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
	answer, header := lawRequest(t, method, k.base+path, "kept", body)
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
	answer, header := lawRequest(t, http.MethodGet, k.base+path+"?"+query.Encode(), "kept", "")
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
