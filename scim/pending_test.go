package scim_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/field"
	"scim-atlassian/scim/server"
)

// TestFieldsBecomeKnown has Jira tell the custom fields while requests are answered, callers are replaced
// and the server is told to drain: every answer is whole, before or after, and draining stays.
func TestFieldsBecomeKnown(t *testing.T) {
	site := emulator.New(smallTenant)
	upstream := httptest.NewServer(site)
	defer upstream.Close()
	callers := []auth.Caller{bearer("all", auth.Write)}
	s := serverOver(t, upstream.URL, atlassian.Config{}, scim.Config{FieldsPending: true, Callers: callers})
	srv := httptest.NewServer(s)
	defer srv.Close()
	f := &facade{T: t, emulator: site, base: srv.URL + server.BasePath, caller: "all"}
	paths := []string{"/Issues?count=1", "/Issues?count=1&attributes=" + field.URN, "/Schemas/" + field.URN, "/Schemas", "/Users?count=1", "/ResourceTypes"}
	known := make(chan struct{})
	var group sync.WaitGroup
	for i := range 2 * len(paths) {
		group.Go(func() {
			for after := 0; after < 2; {
				select {
				case <-known:
					after++
				default:
				}
				a := f.do(http.MethodGet, paths[i%len(paths)], "")
				if a.status != 200 && (a.status != 503 || after > 0 || a.header.Get("Retry-After") == "") {
					t.Errorf("%s: %d %s", paths[i%len(paths)], a.status, a.body)
					return
				}
			}
		})
	}
	group.Go(func() {
		for range 20 {
			if err := s.ReplaceCallers(callers, nil); err != nil {
				t.Error(err)
			}
		}
	})
	group.Go(s.Drain)
	if err := s.SetIssueFields(deskFields); err != nil {
		t.Fatal(err)
	}
	close(known)
	group.Wait()
	if !s.Draining() {
		t.Error("the server forgot that it drains")
	}
	f.want(http.StatusOK, http.MethodGet, "/Schemas/"+field.URN, "")
	if err := s.SetIssueFields(deskFields); err == nil {
		t.Error("fields that are known were replaced")
	}
}
