package doubt_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"scim-atlassian/atlassian/doubt"
)

// TestSubjects has writes in doubt, and holds what waits for their end.
func TestSubjects(t *testing.T) {
	const (
		directory = "/scim/directory/d"
		jira      = "/rest/api/3"
		group     = "PATCH " + directory + "/Groups/g"
		role      = "DELETE " + jira + "/project/1/role/2?user=a"
		disable   = "POST /users/7/manage/lifecycle/disable"
		watchers  = "POST " + jira + "/issue/10001/watchers"
	)
	for _, test := range []struct {
		given, body, request string
		waits                bool
	}{
		{disable, "", disable, false},
		{disable, "", "POST /users/7/manage/lifecycle/enable", true},
		{disable, "", "GET /admin/v2/orgs/o/directories/-/users/7", true},
		{disable, "", "GET /admin/v2/orgs/o/directories/-/users/8", false},
		{disable, "", "POST /users/8/manage/lifecycle/enable", false},
		{disable, "", "PATCH " + directory + "/Users/7", false},
		{disable, "", "PUT " + directory + "/users/7", false},
		{role, "", role, false},
		{role, "", "POST " + jira + "/project/1/role/2", true},
		{role, "", "DELETE " + jira + "/project/1/role/2?user=b", true},
		{role, "", "GET " + jira + "/project/1/role/2", true},
		{role, "", "GET " + jira + "/project/1/role/3", false},
		{group, `{"value":"u"}`, "PATCH " + directory + "/Groups/g", false},
		{group, `{"value":"u"}`, "DELETE " + directory + "/Groups/g", true},
		{group, `{"value":"u"}`, "GET " + directory + "/Users/u", true},
		{group, `{"value":"u"}`, "GET " + directory + "/Users/other", false},
		{group, `{"value":"u"}`, "PATCH " + directory + "/Users/u", false},
		{group, strings.Repeat("x", 1<<17), "GET " + directory + "/Users/other", true},
		{"DELETE " + directory + "/Groups/g", "", "GET " + directory + "/Users/u", true},
		{"POST " + directory + "/Users", "{}", "DELETE " + directory + "/Users/u", true},
		{"POST " + directory + "/Users", "{}", "GET " + directory + "/Users/u", false},
		{watchers, "{}", "GET " + jira + "/issue/10001", true},
		{watchers, "{}", "GET " + jira + "/issue/ENG-1", true},
		{watchers, "{}", "GET " + jira + "/issue/10002", false},
		{"DELETE " + jira + "/issue/10001/remotelink/5", "", "GET " + jira + "/issue/10001/remotelink", true},
		{"POST " + jira + "/issueLink", "{}", "GET " + jira + "/issue/10001", true},
		{"DELETE " + jira + "/issueLink/9", "", "GET " + jira + "/issue/10001", true},
	} {
		t.Run(test.given+", "+test.request, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				request := func(line string) *http.Request {
					method, path, _ := strings.Cut(line, " ")
					r, err := http.NewRequestWithContext(t.Context(), method, "http://localhost"+path, nil)
					if err != nil {
						t.Fatal(err)
					}
					return r
				}
				writes := doubt.New(10 * time.Second)
				given, r := request(test.given), request(test.request)
				body := []byte(test.body)
				writes.Add(given, writes.Mark(given, body), body, time.Now())
				var sent []byte
				if test.request == test.given {
					sent = body
				}
				waited, left, err := writes.Wait(t.Context(), r, writes.Mark(r, sent), time.Minute)
				if err != nil || left != 0 || (waited == 10*time.Second) != test.waits || !test.waits && waited != 0 {
					t.Errorf("waited %v, %v more, %v", waited, left, err)
				}
			})
		})
	}
}

// TestSeveral has two contrary writes in doubt: each waits for the other.
func TestSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, "http://localhost/Users/1", nil)
		if err != nil {
			t.Fatal(err)
		}
		writes := doubt.New(10 * time.Second)
		on, off := writes.Mark(r, []byte("true")), writes.Mark(r, []byte("false"))
		writes.Add(r, on, []byte("true"), time.Now())
		time.Sleep(4 * time.Second)
		writes.Add(r, off, []byte("false"), time.Now())
		if _, left, _ := writes.Wait(t.Context(), r, off, 0); left != 6*time.Second {
			t.Errorf("false waits %v for true, want 6s", left)
		}
		if _, left, _ := writes.Wait(t.Context(), r, on, 0); left != 10*time.Second {
			t.Errorf("true waits %v for false, want 10s", left)
		}
	})
}
