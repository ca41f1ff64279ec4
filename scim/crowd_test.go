package scim_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
)

// TestBulkWithoutRights has callers who may only read send large bulk requests: they are refused before their bodies are
// read.
func TestBulkWithoutRights(t *testing.T) {
	f := newFacade(t, emulator.Options{Users: 3, Seed: 1}, scim.Config{Callers: []auth.Caller{bearer("reader", auth.Read)}})
	f.caller = "reader"
	body := &counted{Reader: strings.NewReader(`{"Operations":[` + strings.Repeat(`{},`, 3<<20) + `{}]}`)}
	r := newRequest(t, http.MethodPost, f.base+"/Bulk", "")
	r.Body, r.ContentLength = io.NopCloser(body), -1
	r.Header.Set("Authorization", "Bearer reader")
	r.Header.Set("Content-Type", "application/scim+json")
	r.Header.Set("Expect", "100-continue")
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden || body.n > 0 {
		t.Errorf("%d after %d bytes", resp.StatusCode, body.n)
	}
}

type counted struct {
	io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}

// TestTooManyAtOnce has more requests at once than there may be: those beyond are refused, and all is free afterwards.
func TestTooManyAtOnce(t *testing.T) {
	f := newFacade(t, emulator.Options{Users: 3, Seed: 1}, scim.Config{MaxInFlight: 4, MaxPerCaller: 3})
	faults, err := emulator.ParseFaults("delay=300ms")
	if err != nil {
		t.Fatal(err)
	}
	id := f.first("/Users", "id")
	f.emulator.SetFaults(faults)
	var mu sync.Mutex
	statuses := map[int]int{}
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			r := newRequest(t, http.MethodGet, f.base+"/Users/"+id, "")
			r.Header.Set("Authorization", "Bearer all")
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			statuses[resp.StatusCode]++
			if (resp.StatusCode == http.StatusTooManyRequests) != (resp.Header.Get("Retry-After") != "") {
				t.Errorf("%d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
			}
		})
	}
	all.Wait()
	if statuses[200] != 3 || statuses[429] != 7 {
		t.Errorf("answered %v", statuses)
	}
	f.want(200, http.MethodGet, "/Users/"+id, "")
}
