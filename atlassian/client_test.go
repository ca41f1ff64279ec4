package atlassian_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
)

func TestNewDirectory(t *testing.T) {
	tests := []struct {
		base, id, key string
		want          string // in the error; empty: none
	}{
		{"https://api.atlassian.com/scim/directory", "d", "k", ""},
		{"https://api.atlassian.com/scim/directory/d/", "d", "k", ""},
		{"http://localhost:1", "d", "k", ""},
		{"http://127.8.8.8", "d", "k", ""},
		{"http://[::1]:80", "d", "k", ""},
		{"http://api.atlassian.com", "d", "k", "loopback"},
		{"http://localhost.example", "d", "k", "loopback"},
		{"http://127.0.0.1.example", "d", "k", "loopback"},
		{"ftp://localhost", "d", "k", "https"},
		{"api.atlassian.com", "d", "k", "no host"},
		{"https://me:hunter2@api.atlassian.com", "d", "k", "credentials"},
		{"https://me:hunter2@api.atlassian.com:x", "d", "k", "not a URL"},
		{"https://api.atlassian.com?x=1", "d", "k", "path"},
		{"https://api.atlassian.com", "", "k", "id"},
		{"https://api.atlassian.com", "..", "k", "id"},
		{"https://api.atlassian.com", "../..", "k", "id"},
		{"https://api.atlassian.com", "d", "", "empty"},
		{"https://api.atlassian.com", "d", "hunter2\n", "control"},
	}
	for _, test := range tests {
		_, err := atlassian.NewDirectory(atlassian.Config{}, test.base, test.id, test.key)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s, %q: got %v, want %q", test.base, test.id, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error repeats the password: %v", test.base, err)
		}
	}
}

// PlainHTTP takes plain http to any host, and no other scheme.
func TestPlainHTTP(t *testing.T) {
	cfg := atlassian.Config{PlainHTTP: true}
	for base, ok := range map[string]bool{"http://emulator:7002": true, "https://api.atlassian.com": true, "ftp://emulator": false, "http://": false} {
		if _, err := atlassian.NewDirectory(cfg, base, "d", "k"); (err == nil) != ok {
			t.Errorf("directory at %s: %v", base, err)
		}
		if _, err := atlassian.NewJira(cfg, base, "a@b.example", "t"); (err == nil) != ok {
			t.Errorf("Jira at %s: %v", base, err)
		}
		if _, err := atlassian.NewOrganization(cfg, base, "o", "k"); (err == nil) != ok {
			t.Errorf("organization at %s: %v", base, err)
		}
	}
}

func TestNewJira(t *testing.T) {
	tests := []struct{ site, email, token, want string }{
		{"https://demo.atlassian.net/", "a@b.example", "t", ""},
		{"https://api.atlassian.com/ex/jira/c", "a@b.example", "t", ""},
		{"http://demo.atlassian.net", "a@b.example", "t", "loopback"},
		{"https://demo.atlassian.net", "", "t", "e-mail"},
		{"https://demo.atlassian.net", "a:b", "t", "e-mail"},
		{"https://demo.atlassian.net", "a@b.example", "", "token"},
	}
	for _, test := range tests {
		_, err := atlassian.NewJira(atlassian.Config{}, test.site, test.email, test.token)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s, %q: got %v, want %q", test.site, test.email, err, test.want)
		}
	}
}

// TestRequests has the exact request line, headers and body of every request.
func TestRequests(t *testing.T) {
	type sent struct{ Line, Authorization, ContentType, Accept, UserAgent, Body string }
	var got sent
	record := func(w http.ResponseWriter, r *http.Request) {
		body := new(strings.Builder)
		r.Write(body)
		_, text, _ := strings.Cut(body.String(), "\r\n\r\n")
		got = sent{r.Method + " " + r.RequestURI, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), r.Header.Get("Accept"), r.UserAgent(), text}
		fmt.Fprintf(w, `{"id":%q,"totalResults":0,"Resources":[],"issues":[],"key":"A-1"}`, strings.TrimPrefix(r.URL.Path, "/scim/directory/d /d/Users/"))
	}
	server := newServer(t, http.HandlerFunc(record))
	d, err := atlassian.NewDirectory(atlassian.Config{}, server+"/scim/directory/d%20/", "d", "k")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.CloseIdleConnections)
	j, err := atlassian.NewJira(atlassian.Config{UserAgent: "test/1"}, server+"/ex/jira/c/", "a@b.example", "t")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.CloseIdleConnections)

	const directory, scimJSON, scimAccept = "/scim/directory/d%20/d", "application/scim+json", "application/scim+json, application/json"
	const userSchemas = `"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"`
	scim := func(line, body string) sent {
		s := sent{line, "Bearer k", "", scimAccept, "scim-atlassian", body}
		if body != "" {
			s.ContentType = scimJSON
		}
		return s
	}
	tests := []struct {
		name string
		do   func() error
		want sent
	}{
		{"an id that needs escaping", func() error { _, err := d.User(t.Context(), "a/../é ?%2F{id}"); return err }, scim("GET "+directory+"/Users/a%2F..%2F%C3%A9%20%3F%252F%7Bid%7D", "")},
		{"a filter that needs escaping", func() error {
			_, err := d.Users(t.Context(), atlassian.ListOptions{Filter: atlassian.Filter{Attribute: "userName", Value: `a+b "&\é`}})
			return err
		}, scim("GET "+directory+"/Users?filter=userName%20eq%20%22a%2Bb%20%5C%22%26%5C%5C%C3%A9%22", "")},
		{"a page of users", func() error {
			_, err := d.Users(t.Context(), atlassian.ListOptions{StartIndex: 101, Count: 100, Attributes: []string{"userName", "emails.value"}})
			return err
		}, scim("GET "+directory+"/Users?attributes=userName%2Cemails.value&count=100&startIndex=101", "")},
		{"a page of groups has no attributes", func() error {
			_, err := d.Groups(t.Context(), atlassian.ListOptions{StartIndex: 1, ExcludedAttributes: []string{"members"}})
			return err
		}, scim("GET "+directory+"/Groups?startIndex=1", "")},
		{"a minimal user", func() error {
			_, err := d.CreateUser(t.Context(), &atlassian.User{UserName: "a"})
			return err
		}, scim("POST "+directory+"/Users", `{`+userSchemas+`],"userName":"a"}`)},
		{"an inactive user without what upstream sets", func() error {
			_, err := d.ReplaceUser(t.Context(), "1", &atlassian.User{
				ID: "1", UserName: "a", Active: new(bool), Meta: &atlassian.Meta{}, Groups: []atlassian.Reference{{Value: "g"}},
				Emails:     []atlassian.MultiValue{{Value: "a@b.example", Primary: true}},
				Enterprise: &atlassian.Enterprise{Department: "D"}, Atlassian: &atlassian.External{AtlassianAccountID: "x"},
			})
			return err
		}, scim("PUT "+directory+"/Users/1", `{`+userSchemas+`,"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"userName":"a",`+
			`"emails":[{"value":"a@b.example","primary":true}],"active":false,`+
			`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"D"}}`)},
		{"a patch", func() error {
			_, err := d.PatchUser(t.Context(), "1", []atlassian.PatchOperation{{Op: "replace", Path: "active", Value: false}, {Op: "remove", Path: "title"}})
			return err
		}, scim("PATCH "+directory+"/Users/1", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false},{"op":"remove","path":"title"}]}`)},
		{"an empty group", func() error {
			_, err := d.CreateGroup(t.Context(), &atlassian.Group{DisplayName: "g", Members: []atlassian.Reference{}})
			return err
		}, scim("POST "+directory+"/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"g","members":[]}`)},
		{"a delete", func() error { return d.DeleteGroup(t.Context(), "1") }, scim("DELETE "+directory+"/Groups/1", "")},
		{"a search", func() error {
			_, err := j.Search(t.Context(), atlassian.SearchRequest{JQL: `project = "A"`, Fields: []string{"summary"}, MaxResults: 7, ReconcileIssues: []int64{5}})
			return err
		}, sent{
			"POST /ex/jira/c/rest/api/3/search/jql", "Basic YUBiLmV4YW1wbGU6dA==", "application/json", "application/json", "test/1",
			`{"jql":"project = \"A\"","fields":["summary"],"maxResults":7,"reconcileIssues":[5]}`,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got = sent{}
			if err := test.do(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestImpossibleIDs(t *testing.T) {
	upstream := &script{steps: []http.HandlerFunc{oneUser}}
	d := newDirectory(t, upstream, atlassian.Config{})
	for _, id := range []string{"", ".", "..", "a\x00", "a\r\nHost: x", "\xff", strings.Repeat("x", 1025)} {
		if _, err := d.User(t.Context(), id); atlassian.KindOf(err) != atlassian.NotFound {
			t.Errorf("id %q: got %v", id, err)
		}
	}
	if n := upstream.calls(); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func FuzzID(f *testing.F) {
	for _, id := range []string{"1", "..", "a/b", "%2e%2e%2f", "{id}", "é?#", "a;b", "\\"} {
		f.Add(id)
	}
	var path string
	d := newDirectory(f, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.Path
		answer, err := json.Marshal(map[string]string{"id": strings.TrimPrefix(path, "/scim/directory/"+testDirectory+"/Users/")})
		if err != nil {
			panic(err)
		}
		w.Write(answer)
	}), atlassian.Config{})
	const prefix = "/scim/directory/" + testDirectory + "/Users/"
	f.Fuzz(func(t *testing.T, id string) {
		path = prefix + id // when nothing is sent
		if _, err := d.User(t.Context(), id); err != nil && atlassian.KindOf(err) != atlassian.NotFound {
			t.Fatal(err)
		}
		if path != prefix+id {
			t.Errorf("id %q was asked for as %q", id, path)
		}
	})
}
