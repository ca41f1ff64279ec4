package doubt_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"scim-atlassian/atlassian/doubt"
)

// TestSubjects has the disabling of an account in doubt, and holds what waits for its end.
func TestSubjects(t *testing.T) {
	const (
		disable = "/users/7/manage/lifecycle/disable"
		enable  = "/users/7/manage/lifecycle/enable"
		read    = "/admin/v2/orgs/o/directories/-/users/7"
	)
	for _, test := range []struct {
		method, path string
		waits        bool
	}{
		{"POST", disable, false},
		{"POST", enable, true},
		{"GET", read, true},
		{"GET", "/admin/v2/orgs/o/directories/-/users/8", false},
		{"POST", "/users/8/manage/lifecycle/enable", false},
		{"PATCH", "/scim/directory/d/Users/7", false},
		{"PUT", "/scim/directory/d/users/7", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			request := func(method, path string) *http.Request {
				r, err := http.NewRequestWithContext(t.Context(), method, "http://localhost"+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				return r
			}
			writes := doubt.New(10 * time.Second)
			given := request("POST", disable)
			writes.Add(given, writes.Mark(given, nil))
			r := request(test.method, test.path)
			waited, left, err := writes.Wait(t.Context(), r, writes.Mark(r, nil), time.Minute)
			if err != nil || left != 0 || (waited == 10*time.Second) != test.waits || !test.waits && waited != 0 {
				t.Errorf("%s %s: waited %v, %v more, %v", test.method, test.path, waited, left, err)
			}
		})
	}
}
