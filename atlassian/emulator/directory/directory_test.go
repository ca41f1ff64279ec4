package directory

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian/emulator/tenant"
	"scim-atlassian/atlassian/emulator/tenant/tenanttest"
)

// setup says what a test begins with.
type setup struct {
	Users, Groups   int
	Seed            uint64
	Now             func() time.Time // nil: time.Now
	VerifiedDomains []string
	Directory       Options
}

// newDirectory returns a tenant's directory, which nobody has asked yet.
func newDirectory(s setup) *Directory {
	if s.Now == nil {
		s.Now = time.Now
	}
	rng := rand.New(rand.NewPCG(s.Seed, 0x5c1d))
	d := New(tenant.New(tenant.Options{Now: s.Now, VerifiedDomains: s.VerifiedDomains}, rng), s.Directory)
	d.Seed(rng, s.Users, s.Groups)
	return d
}

// site is a directory behind a real HTTP server.
type site struct {
	*tenanttest.Client
	*Directory
}

func newSite(t testing.TB, s setup) *site {
	t.Helper()
	d := newDirectory(s)
	return &site{tenanttest.Serve(t, d), d}
}

func TestAuthorization(t *testing.T) {
	s := newSite(t, setup{})
	tests := []struct {
		name, authorization, path string
		status                    int
	}{
		{"none", "", basePath + "/Users", 401},
		{"basic", "Basic " + tenant.DirectoryKey, basePath + "/Users", 401},
		{"other key", "Bearer " + tenant.OrganizationKey, basePath + "/Users", 403},
		{"unknown path", "Bearer " + tenant.DirectoryKey, basePath + "/Me", 404},
		{"no directory", "Bearer " + tenant.DirectoryKey, "/scim/v2/Users", 404},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer, err := s.Send("GET", test.path, "", func(r *http.Request) {
				r.Header.Set("Authorization", test.authorization)
			})
			if err != nil || answer.Status != test.status {
				t.Fatalf("got status %d, %v, want %d", answer.Status, err, test.status)
			}
			body := answer.JSON(t)
			if len(body) != 2 || body["error"] == nil || body["traceId"] == nil {
				t.Errorf("got %v, want error and traceId alone", body)
			}
		})
	}
}

func TestUnknownDirectory(t *testing.T) {
	s := newSite(t, setup{})
	answer, err := s.Send("GET", "/scim/directory/"+tenant.CloudID+"/Users", "")
	if err != nil || answer.Status != 404 || tenanttest.At(answer.JSON(t), "status") != "404" {
		t.Errorf("got %d %s, %v, want a SCIM error 404", answer.Status, answer.Body, err)
	}
}

func TestMethodsAndMediaTypes(t *testing.T) {
	s := newSite(t, setup{})
	answer := s.SCIM(405, "PUT", "/Users", tenanttest.NewUser("a@demo.example"))
	if got := answer.Header.Get("Allow"); !strings.Contains(got, "POST") {
		t.Errorf("Allow: got %q", got)
	}
	s.SCIM(415, "POST", "/Users", tenanttest.NewUser("a@demo.example"), func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") })
	s.SCIM(413, "POST", "/Users", `{"title":"`+strings.Repeat("x", maxBody)+`"}`)
	s.SCIM(201, "POST", "/Users", tenanttest.NewUser("a@demo.example"), func(r *http.Request) { r.Header.Set("Content-Type", "application/json; charset=utf-8") })
	for accept, want := range map[string]string{
		"": "application/scim+json", "*/*": "application/scim+json", "application/json": "application/json",
		"application/json, application/scim+json": "application/scim+json",
	} {
		answer := s.SCIM(200, "GET", "/Users", "", func(r *http.Request) { r.Header.Set("Accept", accept) })
		if got := answer.Header.Get("Content-Type"); got != want {
			t.Errorf("Accept %q: got %q, want %q", accept, got, want)
		}
	}
}

func TestUserFilter(t *testing.T) {
	s := newSite(t, setup{})
	s.Create("/Users", `{"userName":"a \"q\" é","externalId":"X1","emails":[{"value":"a@demo.example","primary":true}]}`)
	s.Create("/Users", `{"userName":"b","externalId":"X1","emails":[{"value":"b@demo.example","primary":true}]}`)
	tests := []struct {
		filter string
		want   int // users, or -1: refused
	}{
		{`userName eq "b"`, 1},
		{`username EQ "B"`, 1},
		{`  userName  eq  "b"  `, 1},
		{`userName eq "a \"q\" \u00e9"`, 1},
		{`userName eq "nobody"`, 0},
		{`externalId eq "X1"`, 2},
		{`externalId eq "x1"`, 0},
		{``, -1},
		{`userName`, -1},
		{`userName pr`, -1},
		{`userName sw "b"`, -1},
		{`userName eq b`, -1},
		{`userName eq true`, -1},
		{`userName eq "b" and active eq true`, -1},
		{`not (userName eq "b")`, -1},
		{`(userName eq "b")`, -1},
		{`emails.value eq "b@demo.example"`, -1},
		{`displayName eq "b"`, -1},
		{`userName eq "b`, -1},
	}
	for _, test := range tests {
		path := "/Users?filter=" + url.QueryEscape(test.filter)
		if test.want < 0 {
			if got := s.SCIM(400, "GET", path, "").JSON(t)["scimType"]; got != "invalidFilter" {
				t.Errorf("%s: got scimType %v", test.filter, got)
			}
			continue
		}
		if got := s.SCIM(200, "GET", path, "").JSON(t)["totalResults"]; got != float64(test.want) {
			t.Errorf("%s: got %v users, want %d", test.filter, got, test.want)
		}
	}
}

func TestCaseSensitiveUserName(t *testing.T) {
	s := newSite(t, setup{Directory: Options{CaseSensitiveUserName: true}})
	s.Create("/Users", `{"userName":"b","emails":[{"value":"b@demo.example","primary":true}]}`)
	s.Create("/Users", `{"userName":"B","emails":[{"value":"b2@demo.example","primary":true}]}`)
	if got := s.SCIM(200, "GET", "/Users?filter=userName+eq+%22B%22", "").JSON(t)["totalResults"]; got != 1.0 {
		t.Errorf("got %v users, want 1", got)
	}
}

func TestPages(t *testing.T) {
	s := newSite(t, setup{Users: 250, Groups: 120, Seed: 1})
	tests := []struct {
		path               string
		total, start, size int
	}{
		{"/Users", 250, 1, 100},
		{"/Users?startIndex=101&count=200", 250, 101, 100},
		{"/Users?startIndex=201", 250, 201, 50},
		{"/Users?startIndex=251", 250, 251, 0},
		{"/Users?startIndex=2147483647&count=2147483647", 250, 2147483647, 0},
		{"/Users?startIndex=-5&count=3", 250, 1, 3},
		{"/Users?count=0", 250, 1, 0},
		{"/Users?count=-1", 250, 1, 0},
		{"/Groups?startIndex=101", 120, 101, 20},
	}
	for _, test := range tests {
		got := s.SCIM(200, "GET", test.path, "").JSON(t)
		if got["totalResults"] != float64(test.total) || got["startIndex"] != float64(test.start) ||
			got["itemsPerPage"] != float64(test.size) || len(got["Resources"].([]any)) != test.size {
			t.Errorf("%s: got total %v, start %v, items %v, %d resources", test.path,
				got["totalResults"], got["startIndex"], got["itemsPerPage"], len(got["Resources"].([]any)))
		}
	}
	s.SCIM(400, "GET", "/Users?startIndex=one", "")
	s.SCIM(400, "GET", "/Users?count=2147483648", "")
}

func TestPagesCoverAll(t *testing.T) {
	s := newSite(t, setup{Users: 230, Seed: 1})
	seen := map[string]bool{}
	for start := 1; start <= 230; start += 100 {
		page := s.SCIM(200, "GET", fmt.Sprintf("/Users?startIndex=%d", start), "").JSON(t)
		for _, resource := range page["Resources"].([]any) {
			seen[tenanttest.At(resource, "id").(string)] = true
		}
	}
	if len(seen) != 230 {
		t.Errorf("got %d different users, want 230", len(seen))
	}
}

func TestProjection(t *testing.T) {
	s := newSite(t, setup{})
	s.Create("/Users", `{"userName":"a","displayName":"A","title":"T","emails":[{"value":"a@demo.example","type":"work","primary":true}],
		"`+urnEnterprise+`":{"department":"D","organization":"O"}}`)
	tests := []struct {
		query string
		want  string
	}{
		{"attributes=userName", `{"userName":"a"}`},
		{"attributes=USERNAME,emails.value", `{"emails":[{"value":"a@demo.example"}],"userName":"a"}`},
		{"attributes=" + urnUser + ":title", `{"title":"T"}`},
		{"attributes=" + urnEnterprise + ":department", `{"` + urnEnterprise + `":{"department":"D"}}`},
		{"attributes=nothing", `{}`},
		{"excludedAttributes=emails.type,emails.primary,meta,groups,displayName,id," + urnAtlassian + "," + urnEnterprise,
			`{"active":true,"emails":[{"value":"a@demo.example"}],"title":"T","userName":"a"}`},
	}
	for _, test := range tests {
		list := s.SCIM(200, "GET", "/Users?"+test.query, "").JSON(t)
		got := tenanttest.At(list, "Resources|0").(map[string]any)
		if got["id"] == nil || got["schemas"] == nil {
			t.Errorf("%s: id or schemas is missing: %v", test.query, got)
		}
		one := s.SCIM(200, "GET", "/Users/"+got["id"].(string)+"?"+test.query, "").JSON(t)
		if diff := cmp.Diff(got, one); diff != "" {
			t.Errorf("%s: GET one differs:\n%s", test.query, diff)
		}
		delete(got, "id")
		delete(got, "schemas")
		if text := string(tenant.JSON(got)); text != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.query, text, test.want)
		}
	}
	s.SCIM(400, "GET", "/Users?attributes=userName&excludedAttributes=emails", "")
	s.SCIM(200, "GET", "/Groups?attributes=displayName&excludedAttributes=members", "") // not looked at
}

func TestLimits(t *testing.T) {
	s := newSite(t, setup{Directory: Options{MaxUsers: 2, MaxMembersPerGroup: 1, PageCap: 1}})
	a := s.Create("/Users", tenanttest.NewUser("a@demo.example"))["id"]
	b := s.Create("/Users", tenanttest.NewUser("b@demo.example"))["id"]
	if got := s.SCIM(400, "POST", "/Users", tenanttest.NewUser("c@demo.example")).JSON(t)["scimType"]; got != "tooMany" {
		t.Errorf("third user: got scimType %v", got)
	}
	if got := s.SCIM(200, "GET", "/Users", "").JSON(t)["itemsPerPage"]; got != 1.0 {
		t.Errorf("page: got %v", got)
	}
	group := s.Create("/Groups", fmt.Sprintf(`{"displayName":"g","members":[{"value":"%s"}]}`, a))["id"]
	s.SCIM(400, "PATCH", fmt.Sprint("/Groups/", group), fmt.Sprintf(`{"Operations":[{"op":"add","path":"members","value":[{"value":"%s"}]}]}`, b))
	s.SCIM(200, "PUT", fmt.Sprint("/Groups/", group), fmt.Sprintf(`{"displayName":"g","members":[{"value":"%s"}]}`, b))
}

func TestRateLimit(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 5e8, time.UTC)
	s := newSite(t, setup{Now: func() time.Time { return now }, Directory: Options{RateLimit: 2}})
	s.SCIM(200, "GET", "/Users", "")
	s.SCIM(200, "GET", "/Users", "")
	header := s.SCIM(429, "GET", "/Users", "").Header
	got := []string{header.Get("X-RateLimit-Limit"), header.Get("X-RateLimit-Remaining"), header.Get("X-RateLimit-Reset")}
	if diff := cmp.Diff([]string{"2", "0", "2026-11-24T12:00:01Z"}, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	now = now.Add(time.Second)
	s.SCIM(200, "GET", "/Users", "")
}

func TestDiscovery(t *testing.T) {
	s := newSite(t, setup{})
	config := s.SCIM(200, "GET", "/ServiceProviderConfig", "").JSON(t)
	if tenanttest.At(config, "patch|supported") != true || tenanttest.At(config, "filter|maxResults") != 100.0 || tenanttest.At(config, "bulk|supported") != false {
		t.Errorf("got %v", config)
	}
	for path, total := range map[string]int{"/ResourceTypes": 2, "/Schemas": 3} {
		list := s.SCIM(200, "GET", path, "").JSON(t)
		if list["totalResults"] != float64(total) {
			t.Errorf("%s: got %v", path, list["totalResults"])
		}
		for _, resource := range list["Resources"].([]any) {
			id := tenanttest.At(resource, "id").(string)
			if one := s.SCIM(200, "GET", path+"/"+id, "").JSON(t); !cmp.Equal(any(one), resource) {
				t.Errorf("%s/%s: %s", path, id, cmp.Diff(resource, any(one)))
			}
		}
	}
	s.SCIM(404, "GET", "/Schemas/none", "")
}

// TestSeededUsersAreValid writes every seeded user back as it was read.
func TestSeededUsersAreValid(t *testing.T) {
	s := newSite(t, setup{Users: 100, Groups: 10, Seed: 1})
	for _, resource := range s.SCIM(200, "GET", "/Users", "").JSON(t)["Resources"].([]any) {
		body, err := json.Marshal(resource)
		if err != nil {
			t.Fatal(err)
		}
		got := s.SCIM(200, "PUT", "/Users/"+tenanttest.At(resource, "id").(string), string(body)).JSON(t)
		if diff := cmp.Diff(resource, any(got)); diff != "" {
			t.Fatalf("user (-want +got):\n%s", diff)
		}
	}
}
