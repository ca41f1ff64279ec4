package scim_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/server"
)

// TestExport compares what is exported with what the same list request gets over HTTP, byte by byte.
func TestExport(t *testing.T) {
	e := emulator.New(emulator.Options{Users: 230, Groups: 5, Projects: 2, Issues: 120, Seed: 1})
	upstream := httptest.NewServer(e)
	defer upstream.Close()
	config := scim.Config{Callers: []auth.Caller{bearer("all", auth.Read)}, PublicURL: "https://scim.example"}
	srv := serverOver(t, upstream.URL, atlassian.Config{MaxRetries: -1}, config)
	front := httptest.NewServer(srv)
	defer front.Close()
	f := &facade{T: t, emulator: e, base: front.URL + server.BasePath, caller: "all"}
	tests := []server.ExportOptions{
		{Resource: "Users", Count: 1000},
		{Resource: "user", StartIndex: 150, Count: 20, Fresh: true},
		{Resource: "Users", Filter: `active eq false`, Count: 1000},
		{Resource: "GROUPS", Count: 3},
		{Resource: "Issues", Count: 1000},
		{Resource: "Issues", Filter: `status.name eq "Done"`, StartIndex: 3, Count: 4},
		{Resource: "Users", Count: 0},
	}
	endpoints := map[string]string{"user": "Users", "GROUPS": "Groups"}
	for _, test := range tests {
		page, err := srv.Export(t.Context(), test)
		if err != nil {
			t.Errorf("%+v: %v", test, err)
			continue
		}
		got := []string{}
		for line := range page.Resources {
			got = append(got, string(line))
		}
		query := url.Values{"startIndex": {strconv.Itoa(max(1, test.StartIndex))}, "count": {strconv.Itoa(test.Count)}}
		if test.Filter != "" {
			query.Set("filter", test.Filter)
		}
		endpoint := test.Resource
		if endpoints[endpoint] != "" {
			endpoint = endpoints[endpoint]
		}
		answer := f.do("GET", "/"+endpoint+"?"+query.Encode(), "")
		var list struct {
			TotalResults int
			Resources    []json.RawMessage
		}
		if err := json.Unmarshal([]byte(answer.body), &list); err != nil {
			t.Fatal(err)
		}
		want := []string{}
		for _, resource := range list.Resources {
			want = append(want, string(resource))
		}
		if diff := cmp.Diff(want, got); diff != "" || page.Total != list.TotalResults || page.Count != len(want) {
			t.Errorf("%+v: %d of %d, want %d of %d (-HTTP +export):\n%.2000s", test, page.Count, page.Total, len(want), list.TotalResults, diff)
		}
		if page.Plan == "" || page.UpstreamCalls == 0 {
			t.Errorf("%+v: plan %q, %d calls", test, page.Plan, page.UpstreamCalls)
		}
	}
}

func TestExportRefusals(t *testing.T) {
	e := emulator.New(emulator.Options{Users: 3, Seed: 1})
	upstream := httptest.NewServer(e)
	defer upstream.Close()
	srv := serverOver(t, upstream.URL, atlassian.Config{MaxRetries: -1}, scim.Config{})
	rules, err := emulator.ParseFaults("path=/scim/ status=503 retry-after=7")
	if err != nil {
		t.Fatal(err)
	}
	e.SetFaults(rules)
	tests := []struct {
		options       server.ExportOptions
		status, calls int
	}{
		{server.ExportOptions{Resource: "Nobody"}, 404, 0},
		{server.ExportOptions{Resource: "Users", Filter: "userName like 1"}, 400, 0},
		{server.ExportOptions{Resource: "Users", Count: 10}, 503, 1},
	}
	for _, test := range tests {
		page, err := srv.Export(t.Context(), test.options)
		var refused *resource.Error
		if !errors.As(err, &refused) || refused.Status != test.status || page.UpstreamCalls != test.calls {
			t.Errorf("%+v: %v after %d calls, want %d after %d", test.options, err, page.UpstreamCalls, test.status, test.calls)
		}
	}
}

func TestType(t *testing.T) {
	upstream := httptest.NewServer(emulator.New(emulator.Options{}))
	defer upstream.Close()
	server := serverOver(t, upstream.URL, atlassian.Config{}, scim.Config{})
	for name, want := range map[string]string{"user": "/Users", "ISSUES": "/Issues"} {
		if got, err := server.Type(name); err != nil || got.Endpoint != want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := server.Type("shoe"); resource.AsError(err).Status != http.StatusNotFound {
		t.Errorf("shoe: %v", err)
	}
}

func TestAttribute(t *testing.T) {
	upstream := httptest.NewServer(emulator.New(emulator.Options{}))
	defer upstream.Close()
	srv := serverOver(t, upstream.URL, atlassian.Config{}, scim.Config{})
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	tests := []struct {
		resource, name string
		want           resource.AttributePath // zero: refused
	}{
		{"Users", "EMAILS", resource.AttributePath{Name: "emails.value", Attribute: "emails", Sub: "value"}},
		{"user", "name.familyName", resource.AttributePath{Name: "name.familyName", Attribute: "name", Sub: "familyName"}},
		{"Users", "id", resource.AttributePath{Name: "id", Attribute: "id", CaseExact: true}},
		{"Users", enterprise + ":department", resource.AttributePath{Name: enterprise + ":department", Extension: enterprise, Attribute: "department"}},
		{"Users", "name", resource.AttributePath{}},
		{"Users", "shoeSize", resource.AttributePath{}},
	}
	for _, test := range tests {
		rt, err := srv.Type(test.resource)
		if err != nil {
			t.Fatal(err)
		}
		got, err := rt.Attribute(test.name)
		if diff := cmp.Diff(test.want, got); diff != "" || (err == nil) != (test.want.Name != "") {
			t.Errorf("%s %s: %v (-want +got):\n%s", test.resource, test.name, err, diff)
		}
	}
}
