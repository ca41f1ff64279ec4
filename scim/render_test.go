package scim_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

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

// TestSchemasShown names the extensions whose attributes an answer shows and no
// others, while filters see all that the resource has.
func TestSchemasShown(t *testing.T) {
	f := newFacade(t, emulator.Options{}, scim.Config{})
	user := "/Users/" + f.user("ann@demo.example", `"`+enterprise+`":{"department":"Air"}`)
	core, both := []any{coreUser}, []any{coreUser, enterprise}
	tests := []struct {
		query string
		want  []any
	}{
		{"", append(both, lawAtlassian)},
		{"attributes=userName", core},
		{"attributes=department", both},
		{"attributes=" + enterprise, both},
		{"attributes=" + enterprise + ":organization", core},
		{"attributes=schemas", core},
		{"excludedAttributes=title", append(both, lawAtlassian)},
		{"excludedAttributes=schemas," + lawAtlassian, both},
		{"excludedAttributes=atlassianAccountId,department", core},
	}
	has := "filter=" + url.QueryEscape(`schemas eq "`+enterprise+`" and schemas eq "`+lawAtlassian+`"`)
	patch := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"title","value":"Pilot"}]}`
	for _, test := range tests {
		for what, got := range map[string]any{
			"GET":   f.want(200, http.MethodGet, user+"?"+test.query, "").at("schemas"),
			"PATCH": f.want(200, http.MethodPatch, user+"?"+test.query, patch).at("schemas"),
			"list":  f.want(200, http.MethodGet, "/Users?"+has+"&"+test.query, "").at("Resources", 0, "schemas"),
			"root":  f.want(200, http.MethodGet, "/?"+has+"&"+test.query, "").at("Resources", 0, "schemas"),
			"page":  f.want(200, http.MethodGet, "/Users?cursor&"+has+"&"+test.query, "").at("Resources", 0, "schemas"),
		} {
			if diff := cmp.Diff(any(test.want), got); diff != "" {
				t.Errorf("%s %s (-want +got):\n%s", what, test.query, diff)
			}
		}
	}
}
