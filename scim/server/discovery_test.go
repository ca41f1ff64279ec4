package server_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/server"
)

// TestDiscovery reads the discovery documents, RFC 7644 section 4.
func TestDiscovery(t *testing.T) {
	s := newSite(t, func(c *server.Config) { c.PublicDiscovery = true })
	config := s.decoded(s.want(200, "GET", "/ServiceProviderConfig", "", "Authorization", ""))
	supported := map[string]any{}
	for _, name := range []string{"patch", "bulk", "filter", "sort", "etag", "changePassword"} {
		feature, _ := config[name].(map[string]any)
		supported[name] = feature["supported"]
	}
	if diff := cmp.Diff(map[string]any{"patch": true, "bulk": true, "filter": true, "sort": true, "etag": true, "changePassword": false}, supported); diff != "" {
		t.Errorf("ServiceProviderConfig (-want +got):\n%s", diff)
	}
	bulk, _ := config["bulk"].(map[string]any)
	filter, _ := config["filter"].(map[string]any)
	if bulk["maxOperations"] != 5.0 || bulk["maxPayloadSize"] != 8192.0 || filter["maxResults"] != 20.0 {
		t.Errorf("limits: %v %v", bulk, filter)
	}
	var types []string
	list, _ := s.decoded(s.want(200, "GET", "/ResourceTypes", ""))["Resources"].([]any)
	for _, e := range list {
		rt, _ := e.(map[string]any)
		name, _ := rt["name"].(string)
		schema, _ := rt["schema"].(string)
		types = append(types, name)
		s.want(200, "GET", "/ResourceTypes/"+name, "")
		s.want(200, "GET", "/Schemas/"+schema, "")
	}
	if want := []string{"User", "Group", "Issue"}; !slices.Equal(types, want) {
		t.Errorf("resource types %v, want %v", types, want)
	}
	for path, status := range map[string]int{
		"/ResourceTypes/Nothing": 404, "/Schemas/urn:nothing": 404, "/Schemas?filter=id+pr": 403, "/ServiceProviderConfig/x/y": 404,
	} {
		s.want(status, "GET", path, "")
	}
	s.want(401, "GET", "/Schemas", "", "Authorization", "")
}

// TestHeadAndOptions holds that HEAD is answered as GET, whose body net/http leaves
// out then, and that OPTIONS and 405 name the methods.
func TestHeadAndOptions(t *testing.T) {
	s := newSite(t, nil)
	s.user("ann")
	for _, path := range []string{"/Users/1", "/Users", "/ServiceProviderConfig", "/Users/9"} {
		get, head := s.do("GET", path, "", "X-Request-Id", "same"), s.do("HEAD", path, "", "X-Request-Id", "same")
		if diff := cmp.Diff(get.header, head.header); head.status != get.status || diff != "" {
			t.Errorf("HEAD %s: %d, header (-GET +HEAD):\n%s", path, head.status, diff)
		}
	}
	for path, want := range map[string]string{
		"/Users": "GET, HEAD, POST", "/Users/1": "GET, HEAD, PUT, PATCH, DELETE", "/Bulk": "POST", "/Schemas": "GET, HEAD", "/Users/.search": "POST",
	} {
		if a := s.want(204, "OPTIONS", path, ""); a.header.Get("Allow") != want+", OPTIONS" || a.body != "" {
			t.Errorf("OPTIONS %s: Allow %q, body %q", path, a.header.Get("Allow"), a.body)
		}
		if a := s.want(405, "TRACE", path, ""); a.header.Get("Allow") != want {
			t.Errorf("TRACE %s: Allow %q, want %q", path, a.header.Get("Allow"), want)
		}
	}
}

// TestOnRequest holds that OnRequest is called once for every request.
func TestOnRequest(t *testing.T) {
	var told []string
	s := newSite(t, func(c *server.Config) {
		c.OnRequest = func(r server.Request) { told = append(told, r.Method+" "+r.Endpoint+" "+http.StatusText(r.Status)) }
	})
	s.user("ann")
	s.do("GET", "/Users/1", "")
	s.do("GET", "/Users/9", "")
	s.do("GET", "/Users", "", "Authorization", "")
	want := []string{"POST User Created", "GET User OK", "GET User Not Found", "GET  Unauthorized"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestEndpoints asks a mounted endpoint, below the root and below BasePath.
func TestEndpoints(t *testing.T) {
	s := newSite(t, func(c *server.Config) {
		c.Endpoints = []server.Endpoint{{Path: "plain/status", Methods: []string{"GET"}, Open: true, Answer: func(_ context.Context, q server.EndpointRequest) (int, query.Object, error) {
			if q.Draining {
				return 0, nil, resource.Refuse(503, "", "The server is about to stop.")
			}
			return 202, query.Object{{Name: "base", Value: q.Base}, {Name: "known", Value: q.Caller != nil}}, nil
		}}}
	})
	for _, test := range []struct {
		path, token string
		status      int
		body        string
	}{
		{"/plain/status", "", 202, `{"base":"https://scim.example/scim/v2","known":false}`},
		{"/scim/v2/plain/status", "Bearer reader", 202, `{"base":"https://scim.example/scim/v2","known":true}`},
		{"/plain/status", "Bearer wrong", 401, ""},
		{"/plain/other", "Bearer reader", 404, ""},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, test.path, nil)
		if test.token != "" {
			r.Header.Set("Authorization", test.token)
		}
		w := httptest.NewRecorder()
		s.server.ServeHTTP(w, r)
		if got := strings.TrimSpace(w.Body.String()); w.Code != test.status || test.body != "" && got != test.body {
			t.Errorf("%s as %q: %d %s, want %d %s", test.path, test.token, w.Code, got, test.status, test.body)
		}
	}
	s.server.Drain()
	s.want(503, "GET", "/plain/status", "")
}
