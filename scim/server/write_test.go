package server_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// TestPatchForms applies operations to one user, in the forms that clients send.
func TestPatchForms(t *testing.T) {
	const before = `"title":"Clerk","active":true,"name":{"givenName":"Ann","familyName":"Lee"},` +
		`"phoneNumbers":[{"value":"1","type":"work"},{"value":"2","type":"home"}],"` + enterprise + `":{"department":"Sales"}`
	for _, test := range []struct {
		name, operations string
		show             string // the attributes that want has
		want             string // the resource without id and schemas, or the error's scimType and a part of its detail
		status           int
	}{
		{"replace", `[{"op":"replace","path":"title","value":"Boss"}]`, "title", `{"title":"Boss"}`, 200},
		{"in any case", `[{"op":"Replace","path":"TITLE","value":"Boss"}]`, "title", `{"title":"Boss"}`, 200},
		{"without path", `[{"op":"replace","value":{"title":"Boss","name.givenName":"Bo"}}]`, "title,name", `{"title":"Boss","name":{"givenName":"Bo","familyName":"Lee"}}`, 200},
		{"a part of a complex value", `[{"op":"add","path":"name","value":{"givenName":"Bo"}}]`, "name", `{"name":{"givenName":"Bo","familyName":"Lee"}}`, 200},
		{"boolean as text", `[{"op":"replace","path":"active","value":"False"}]`, "active", `{"active":false}`, 200},
		{"null", `[{"op":"replace","path":"title","value":null}]`, "title", `{}`, 200},
		{"remove", `[{"op":"remove","path":"title"},{"op":"remove","path":"name.givenName"}]`, "title,name", `{"name":{"familyName":"Lee"}}`, 200},
		{"add an element", `[{"op":"add","path":"phoneNumbers","value":[{"value":"3","type":"other"}]}]`, "phoneNumbers.value", `{"phoneNumbers":[{"value":"1"},{"value":"2"},{"value":"3"}]}`, 200},
		{"element by filter", `[{"op":"replace","path":"phoneNumbers[type eq \"home\"].value","value":"5"}]`, "phoneNumbers.value", `{"phoneNumbers":[{"value":"1"},{"value":"5"}]}`, 200},
		{"remove an element", `[{"op":"remove","path":"phoneNumbers[type eq \"work\"]"}]`, "phoneNumbers.value", `{"phoneNumbers":[{"value":"2"}]}`, 200},
		{"extension", `[{"op":"replace","path":"` + enterprise + `:department","value":"IT"}]`, enterprise, `{"` + enterprise + `":{"department":"IT"}}`, 200},
		{"operations in their order", `[{"op":"remove","path":"title"},{"op":"add","path":"title","value":"a"},{"op":"replace","path":"title","value":"b"}]`, "title", `{"title":"b"}`, 200},
		{"an element that is not there", `[{"op":"add","path":"phoneNumbers[type eq \"fax\"].value","value":"5"}]`, "phoneNumbers.value", `{"phoneNumbers":[{"value":"1"},{"value":"2"},{"value":"5"}]}`, 200},
		{"no array", `{"op":"add","path":"title","value":"Boss"}`, "", "invalidSyntax Operations", 400},
		{"nothing to do", `[]`, "", "invalidSyntax Operations", 400},
		{"a change to the same", `[{"op":"replace","path":"title","value":"Clerk"}]`, "meta.lastModified", `{"meta":{"lastModified":"2026-01-02T03:04:05.000Z"}}`, 200},
		{"unknown attribute", `[{"op":"replace","path":"nothing.at.all","value":1}]`, "", "invalidPath nothing", 400},
		{"read-only", `[{"op":"replace","path":"meta.created","value":"2026-01-01T00:00:00Z"}]`, "", "mutability meta", 400},
		{"required", `[{"op":"remove","path":"userName"}]`, "", "mutability userName", 400},
		{"no such element", `[{"op":"replace","path":"phoneNumbers[value eq \"9\" or type eq \"fax\"].type","value":"home"}]`, "", "noTarget", 400},
		{"wrong type", `[{"op":"replace","path":"active","value":[1]}]`, "", "invalidValue active", 400},
		{"half an operation", `[{"op":"add","path":"title","value":"x"},{"op":"jump","path":"title"}]`, "", "invalidSyntax", 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t, nil)
			s.user("ann", before)
			stored := s.want(200, "GET", "/Users/1", "").body
			s.clock.Add(60)
			a := s.do("PATCH", "/Users/1?attributes="+url.QueryEscape(test.show), `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":`+test.operations+`}`)
			got := s.decoded(a)
			if a.status != test.status {
				t.Fatalf("%d, want %d: %s", a.status, test.status, a.body)
			}
			if test.status != 200 {
				scimType, part, _ := strings.Cut(test.want, " ")
				if detail, _ := got["detail"].(string); got["scimType"] != scimType || !strings.Contains(detail, part) {
					t.Errorf("got %s, want %s", a.body, test.want)
				}
				if now := s.want(200, "GET", "/Users/1", "").body; now != stored {
					t.Errorf("a refused PATCH changed the user:\n%s\n%s", stored, now)
				}
				return
			}
			delete(got, "schemas")
			delete(got, "id")
			want := s.decoded(answer{body: test.want})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestReplace puts a user, whose other attributes are cleared but for those that the
// backend keeps.
func TestReplace(t *testing.T) {
	s := newSite(t, nil)
	s.user("ann", `"title":"Clerk","active":false,"externalId":"x"`)
	s.clock.Add(60)
	put := func(body string) map[string]any {
		got := s.decoded(s.want(200, "PUT", "/Users/1?attributes=title,active,externalId,meta.lastModified,userName", body))
		delete(got, "schemas")
		return got
	}
	const later = "2026-01-02T03:05:05.000Z"
	want := map[string]any{"id": "1", "userName": "ann", "title": "Boss", "active": false, "meta": map[string]any{"lastModified": later}}
	if diff := cmp.Diff(want, put(userBody("ann", `"title":"Boss","id":"7","groups":[],"meta":{"created":"2020-01-01T00:00:00Z"}`))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	s.clock.Add(60)
	if diff := cmp.Diff(want, put(userBody("ann", `"title":"Boss"`))); diff != "" {
		t.Errorf("the same again (-want +got):\n%s", diff)
	}
}

// counted is a backend that patches titles itself and counts its reads and patches.
type counted struct {
	resource.Backend
	reads, patches int
}

func (c *counted) Get(ctx context.Context, id string, want query.Projection) (query.Object, error) {
	c.reads++
	return c.Backend.Get(ctx, id, want)
}

func (c *counted) Patch(ctx context.Context, id string, ops []resource.Operation) (query.Object, bool, error) {
	if ops[0].Path.Attr.Name != "title" {
		return nil, false, nil
	}
	c.patches++
	current, err := c.Backend.Get(ctx, id, query.Projection{})
	if err != nil {
		return nil, true, err
	}
	want := current.Clone()
	want.Set("title", ops[0].Value)
	found, err := c.Update(ctx, current, want)
	return found, true, err
}

// TestPatcher leaves a PATCH to a backend that can do it, and reads the resource
// first where the backend declines or where its version counts.
func TestPatcher(t *testing.T) {
	s := newSite(t, nil)
	version := s.user("ann").header.Get("ETag")
	backend := &counted{Backend: s.types["User"].Backend}
	s.types["User"].Backend = backend
	for _, test := range []struct {
		path, match    string
		reads, patches int
	}{
		{"nickName", "*", 1, 0},
		{"title", "", 0, 1},
		{"title", "*", 0, 1},
		{"title", version, 1, 0},
	} {
		backend.reads, backend.patches = 0, 0
		a := s.do("PATCH", "/Users/1", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"`+test.path+`","value":"x"}]}`, "If-Match", test.match)
		if want := map[bool]int{true: 412, false: 200}[test.match == version]; a.status != want || backend.reads != test.reads || backend.patches != test.patches {
			t.Errorf("%s, If-Match %q: %d, %d reads, %d patches; want %d, %d, %d", test.path, test.match, a.status, backend.reads, backend.patches, want, test.reads, test.patches)
		}
	}
}

// TestVersions makes requests that depend on the version of a user.
func TestVersions(t *testing.T) {
	const patch = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"title","value":"x"}]}`
	for _, test := range []struct {
		method, body string
		header       string
		value        string // "now" stands for the version of the user, "old" for another one
		status       int
	}{
		{"GET", "", "If-None-Match", "now", 304},
		{"HEAD", "", "If-None-Match", "now", 304},
		{"GET", "", "If-None-Match", "*", 304},
		{"GET", "", "If-None-Match", "old", 200},
		{"GET", "", "If-Match", "old", 412},
		{"PUT", userBody("ann", `"title":"x"`), "If-Match", "now", 200},
		{"PUT", userBody("ann", `"title":"x"`), "If-Match", "old", 412},
		{"PUT", userBody("ann", `"title":"x"`), "If-None-Match", "now", 412},
		{"PATCH", patch, "If-Match", "now", 200},
		{"PATCH", patch, "If-Match", "old", 412},
		{"PATCH", patch, "If-Match", "*", 200},
		{"DELETE", "", "If-Match", "old", 412},
		{"DELETE", "", "If-Match", "now", 204},
	} {
		s := newSite(t, nil)
		version := s.user("ann").header.Get("ETag")
		value := strings.NewReplacer("now", version, "old", `W/"7"`).Replace(test.value)
		a := s.do(test.method, "/Users/1", test.body, test.header, value)
		name := test.method + " " + test.header + ": " + test.value
		if a.status != test.status {
			t.Errorf("%s: %d, want %d %s", name, a.status, test.status, a.body)
		}
		if a.status == 304 && (a.body != "" || a.header.Get("ETag") != version) {
			t.Errorf("%s: 304 with ETag %s and body %q", name, a.header.Get("ETag"), a.body)
		}
		now := s.do("GET", "/Users/1", "").header.Get("ETag")
		if changed := now != version; changed != (a.status < 300 && test.method != "GET") {
			t.Errorf("%s: the version was %s and is %s", name, version, now)
		}
	}
}
