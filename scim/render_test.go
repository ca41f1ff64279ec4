package scim_test

import (
	"net/http"
	"testing"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
)

// TestLocation names the resource in every answer that shows it, whatever of it
// the client asks for, and in no other.
func TestLocation(t *testing.T) {
	f := newFacade(t, emulator.Options{}, scim.Config{})
	user := "/Users/" + f.user("ann@demo.example")
	group := "/Groups/" + f.group("Pilots")
	tag := f.want(200, http.MethodGet, user, "").header.Get("ETag")
	const patch = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"title","value":"Pilot"}]}`
	tests := []struct {
		method, path, body string
		status             int
		header             []string
		want               string
	}{
		{http.MethodGet, user, "", 200, nil, user},
		{http.MethodGet, user + "?attributes=userName", "", 200, nil, user},
		{http.MethodHead, user, "", 200, nil, user},
		{http.MethodGet, user, "", 304, []string{"If-None-Match", tag}, ""},
		{http.MethodPut, user, userBody("ann@demo.example"), 200, nil, user},
		{http.MethodPatch, user, patch, 200, nil, user},
		{http.MethodGet, group, "", 200, nil, group},
		{http.MethodGet, "/Users?count=1", "", 200, nil, ""},
		{http.MethodGet, "/Users/nobody", "", 404, nil, ""},
		{http.MethodDelete, user, "", 204, nil, ""},
	}
	for _, test := range tests {
		want := test.want
		if want != "" {
			want = f.base + want
		}
		if got := f.want(test.status, test.method, test.path, test.body, test.header...).header.Get("Location"); got != want {
			t.Errorf("%s %s: Location is %q, want %q", test.method, test.path, got, want)
		}
	}
}
