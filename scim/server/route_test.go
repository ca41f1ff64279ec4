package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/list"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/resource/resourcetest"
)

func TestPathSegments(t *testing.T) {
	const missing = "Not Found"
	tests := []struct {
		path string
		want []string
		err  string
	}{
		{path: "/scim/v2"},
		{path: "//scim/v2//Users///7/", want: []string{"Users", "7"}},
		{path: "/scim//v2/Users", want: []string{"Users"}},
		{path: "/scim/v2/Users/a%20b%C3%A9%3A%23", want: []string{"Users", "a bé:#"}},
		{path: "/scim/v2/Users/%252e%252e", want: []string{"Users", "%2e%2e"}},
		{path: "/scim/v2/Users/" + strings.Repeat("a", maxID), want: []string{"Users", strings.Repeat("a", maxID)}},
		{path: "/scim/v2/Users/" + strings.Repeat("a", maxID+1), err: missing},
		{path: "", err: missing},
		{path: "/scim/v2x/Users", err: missing},
		{path: "/SCIM/v2/Users", err: missing},
		{path: "/scim/v2/Users/..", err: missing},
		{path: "/scim/v2/./Users", err: missing},
		{path: "/scim/v2/Users/%2E%2e", err: missing},
		{path: "/scim/v2/Users/a%2Fb", err: missing},
		{path: "/scim/v2/Users/a%5cb", err: missing},
		{path: "/scim/v2/Users/%0d%0a", err: missing},
		{path: "/scim/v2/Users/%C2%85", err: missing},
		{path: "/scim/v2/Users/%ff", err: missing},
		{path: "/scim/v2/Users/%zz", err: missing},
	}
	for _, test := range tests {
		got, err := pathSegments(test.path, func(segment string) bool { return segment == "connector" })
		if refused := resourcetest.Refusal(t, err); refused != test.err {
			t.Errorf("%q: got %q, want %q", test.path, refused, test.err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.path, diff)
		}
	}
}

func TestRoute(t *testing.T) {
	s := &Server{types: []*resource.Type{resourcetest.Type(t, "User"), resourcetest.Type(t, "Group")}, root: &list.Root{Type: &resource.Type{}}}
	s.root.Type.Name = "root"
	type target struct {
		Discovery, Type, ID string
		Below               string
		Respelt             bool
	}
	tests := []struct {
		request string
		want    target
		allow   string // of a 405
		missing bool
	}{
		{request: "GET /Users/?filter=x", want: target{Type: "User"}},
		{request: "GET //Users//1/", want: target{Type: "User", ID: "1"}},
		{request: "HEAD /Groups/1", want: target{Type: "Group", ID: "1"}},
		{request: "POST /Users", want: target{Type: "User"}},
		{request: "PATCH /Users/1", want: target{Type: "User", ID: "1"}},
		{request: "POST /Users/.search", want: target{Type: "User", Below: ".search"}},
		{request: "GET /ServiceProviderConfig/", want: target{Discovery: "ServiceProviderConfig"}},
		{request: "GET /Schemas/urn:a:b", want: target{Discovery: "Schemas", ID: "urn:a:b"}},
		{request: "GET /ResourceTypes/User", want: target{Discovery: "ResourceTypes", ID: "User"}},
		{request: "GET /Me"},
		{request: "POST /Bulk"},
		{request: "POST /.search", want: target{Type: "root", Below: ".search"}},
		{request: "GET /", want: target{Type: "root"}},
		{request: "GET ", want: target{Type: "root"}},
		{request: "POST /", allow: "GET, HEAD"},
		{request: "GET /.search", allow: "POST"},
		{request: "GET /users", want: target{Type: "User", Respelt: true}},
		{request: "PATCH //GROUPS//Users/", want: target{Type: "Group", ID: "Users", Respelt: true}},
		{request: "POST /Users/.SEARCH", want: target{Type: "User", Below: ".search", Respelt: true}},
		{request: "POST /.Search", want: target{Type: "root", Below: ".search", Respelt: true}},
		{request: "GET /resourcetypes/user", want: target{Discovery: "ResourceTypes", ID: "user", Respelt: true}},
		{request: "GET /ME", want: target{Respelt: true}},
		{request: "POST /bulk", want: target{Respelt: true}},
		{request: "GET /.search/users", missing: true},
		{request: "GET /.deltaToken", want: target{Type: "root", Below: ".deltaToken"}},
		{request: "HEAD /Users/.deltaToken", want: target{Type: "User", Below: ".deltaToken"}},
		{request: "POST /.delta", want: target{Type: "root", Below: ".delta"}},
		{request: "POST /users/.DeltA", want: target{Type: "User", Below: ".delta", Respelt: true}},
		{request: "GET /Users.deltatoken", want: target{Type: "User", Below: ".deltaToken", Respelt: true}},
		{request: "POST /Users.search", want: target{Type: "User", Below: ".search", Respelt: true}},
		{request: "GET /Users.json", missing: true},
		{request: "GET /Users/.delta", allow: "POST"},
		{request: "POST /.deltaToken", allow: "GET, HEAD"},
		{request: "GET /Connector/Health", missing: true},
		{request: "POST /users/1", allow: "GET, HEAD, PUT, PATCH, DELETE"},
		{request: "GET /Users/1/name", missing: true},
		{request: "POST /Users/1", allow: "GET, HEAD, PUT, PATCH, DELETE"},
		{request: "DELETE /Users", allow: "GET, HEAD, POST"},
		{request: "GET /Users/.search", allow: "POST"},
		{request: "POST /ServiceProviderConfig", allow: "GET, HEAD"},
		{request: "PUT /ServiceProviderConfig", allow: "GET, HEAD"},
		{request: "PATCH /ServiceProviderConfig", allow: "GET, HEAD"},
		{request: "DELETE /ServiceProviderConfig", allow: "GET, HEAD"},
	}
	for _, test := range tests {
		method, path, _ := strings.Cut(test.request, " ")
		to, err := s.route(httptest.NewRequestWithContext(t.Context(), method, "http://host"+BasePath+path, http.NoBody))
		want := ""
		if test.missing {
			want = "Not Found"
		} else if test.allow != "" {
			want = "Method Not Allowed"
		}
		if refused := resourcetest.Refusal(t, err); refused != want {
			t.Errorf("%s: got %q, want %q", test.request, refused, want)
		}
		if err != nil {
			if got := resource.AsError(err).Allow; got != test.allow {
				t.Errorf("%s: Allow is %q, want %q", test.request, got, test.allow)
			}
			continue
		}
		got := target{Discovery: to.discovery, ID: to.id, Below: to.below, Respelt: to.otherCase}
		if to.rt != nil {
			got.Type = to.rt.Name
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.request, diff)
		}
	}
}
