package scim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
)

// paged is a server over an emulated directory, asked page by page.
type paged struct {
	emulator *emulator.Emulator
	upstream *httptest.Server
	server   *httptest.Server
	now      time.Time
}

func newPaged(t *testing.T, users int) *paged {
	p := &paged{emulator: emulator.New(emulator.Options{Users: users, Seed: 1}), now: time.Now()}
	p.upstream = httptest.NewServer(p.emulator)
	t.Cleanup(p.upstream.Close)
	server := serverOver(t, p.upstream.URL, atlassian.Config{}, scim.Config{
		Callers: []scim.Caller{bearer("one", scim.Read), bearer("two", scim.Read)},
		Now:     func() time.Time { return p.now },
	})
	p.server = httptest.NewServer(server)
	t.Cleanup(p.server.Close)
	return p
}

// page reads one page of the users with an e-mail address, as the caller says,
// and what it cost.
func (p *paged) page(t *testing.T, caller string, start int) (ids []string, total int, calls string) {
	query := url.Values{"filter": {"emails pr"}, "count": {"100"}, "startIndex": {fmt.Sprint(start)}, "sortBy": {"userName"}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.server.URL+scim.BasePath+"/Users?"+query.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+caller)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var list struct {
		TotalResults int
		Resources    []struct{ ID string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v", resp.Status, err)
	}
	for _, r := range list.Resources {
		ids = append(ids, r.ID)
	}
	return ids, list.TotalResults, resp.Header.Get("X-Upstream-Calls")
}

// delete removes a user behind the server's back.
func (p *paged) delete(t *testing.T, id string) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, p.upstream.URL+"/scim/directory/"+emulator.DirectoryID+"/Users/"+id, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+emulator.DirectoryKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		t.Fatal(resp.Status)
	}
}

// TestPagesOfOneState pages through a scanned list while users disappear: the
// pages are those of the first one's state, each user once, for no further call.
func TestPagesOfOneState(t *testing.T) {
	const users = 350
	p := newPaged(t, users)
	seen := map[string]bool{}
	for start := 1; start <= users; start += 100 {
		ids, total, calls := p.page(t, "one", start)
		want := "0"
		if start == 1 {
			want = "4"
		}
		if total != users || calls != want {
			t.Errorf("startIndex %d: total %d, %s calls; want %d, %s", start, total, calls, users, want)
		}
		for _, id := range ids {
			if seen[id] {
				t.Errorf("%s is there twice", id)
			}
			seen[id] = true
		}
		p.delete(t, ids[0])
	}
	if len(seen) != users {
		t.Errorf("%d users seen, want %d", len(seen), users)
	}
	if _, total, calls := p.page(t, "one", 1); total != users-4 || calls != "4" {
		t.Errorf("a new first page: total %d, %s calls; want %d, 4", total, calls, users-4)
	}
}

// TestPagesStandAlone covers later pages that go on with nothing: of another
// caller, and after the first page is forgotten.
func TestPagesStandAlone(t *testing.T) {
	p := newPaged(t, 150)
	p.page(t, "one", 1)
	if _, _, calls := p.page(t, "two", 101); calls != "2" {
		t.Errorf("another caller's page cost %s calls, want 2", calls)
	}
	if _, _, calls := p.page(t, "one", 101); calls != "0" {
		t.Errorf("the next page cost %s calls, want 0", calls)
	}
	p.now = p.now.Add(2 * time.Minute)
	if _, _, calls := p.page(t, "one", 101); calls != "2" {
		t.Errorf("the next page after two minutes cost %s calls, want 2", calls)
	}
}
