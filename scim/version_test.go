package scim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
)

// TestVersion holds that a resource has one version however it is read, and
// another after a change.
func TestVersion(t *testing.T) {
	f := newFacade(t, emulator.Options{Users: 5, Groups: 2, Projects: 1, Issues: 5, Seed: 1}, scim.Config{})
	types, _ := f.get("/ResourceTypes").at("Resources").([]any)
	if len(types) < 3 {
		t.Fatalf("%d resource types", len(types))
	}
	for _, rt := range types {
		endpoint, _ := rt.(map[string]any)["endpoint"].(string)
		// What an account or an entitlement is linked to is costly to read: without
		// it there is no version, but never another one.
		partial := endpoint == "/Accounts" || endpoint == "/Entitlements"
		t.Run(endpoint, func(t *testing.T) {
			f := *f
			f.T = t
			list := f.want(200, "GET", endpoint+"?count=1", "")
			id := list.at("Resources", 0, "id").(string)
			tag := f.want(200, "GET", endpoint+"/"+id, "").header.Get("ETag")
			if !strings.HasPrefix(tag, `W/"`) || tag != list.at("Resources", 0, "meta", "version") {
				t.Errorf("ETag %s, in the list %v", tag, list.at("Resources", 0, "meta", "version"))
			}
			for _, query := range []string{"?attributes=id", "?attributes=meta.version", "?excludedAttributes=meta,members,description,emails"} {
				if got := f.want(200, "GET", endpoint+"/"+id+query, "", "Host", "elsewhere.example").header.Get("ETag"); got != tag && !(partial && got == "") {
					t.Errorf("with %s the version is %s, not %s", query, got, tag)
				}
			}
			for _, query := range []string{"attributes=meta.version", "attributes=meta", "excludedAttributes=members,description"} {
				if got := f.want(200, "GET", endpoint+"?count=1&"+query, "").at("Resources", 0, "meta", "version"); got != tag && !(partial && got == nil) {
					t.Errorf("a list with %s has version %v, not %s", query, got, tag)
				}
			}
			if got := f.want(200, "HEAD", endpoint+"/"+id, "").header.Get("ETag"); got != tag {
				t.Errorf("HEAD gives %s, not %s", got, tag)
			}
			whole := f.want(200, "GET", endpoint+"/"+id, "").body
			if got := f.want(200, "PUT", endpoint+"/"+id, whole); got.header.Get("ETag") != tag {
				t.Errorf("a PUT of what is there gives %s, not %s: %s", got.header.Get("ETag"), tag, got.body)
			}
			filter := "?filter=meta.version+eq+%22" + strings.NewReplacer(`"`, `%5C%22`, "/", "%2F").Replace(tag) + "%22"
			if got := f.want(200, "GET", endpoint+filter, ""); got.at("totalResults") != 1.0 || got.at("Resources", 0, "id") != id {
				t.Errorf("a filter on meta.version finds %s", got.body)
			}
		})
	}
}

// TestVersionOfMembers holds that members count.
func TestVersionOfMembers(t *testing.T) {
	f := newFacade(t, emulator.Options{}, scim.Config{})
	a, b := f.user("a@demo.example"), f.user("b@demo.example")
	id := f.group("Crew", a)
	tag := f.want(200, "GET", "/Groups/"+id, "").header.Get("ETag")
	f.patch(200, "/Groups/"+id, `[{"op":"add","path":"members","value":[{"value":"`+b+`"}]}]`)
	if got := f.want(200, "GET", "/Groups/"+id, "").header.Get("ETag"); got == tag {
		t.Error("another member left the version as it was")
	}
}

// TestConditions plays If-Match and If-None-Match on a user, a group and an
// issue.
func TestConditions(t *testing.T) {
	f := newFacade(t, emulator.Options{Users: 2, Groups: 1, Projects: 1, Issues: 3, Seed: 1}, scim.Config{})
	for _, test := range []struct{ endpoint, change, back string }{
		{"/Users", `[{"op":"replace","path":"title","value":"Pilot"}]`, `[{"op":"remove","path":"title"}]`},
		{"/Groups", `[{"op":"replace","path":"externalId","value":"g-1"}]`, `[{"op":"remove","path":"members"}]`},
		{"/Issues", `[{"op":"replace","path":"summary","value":"Look at it"}]`, `[{"op":"replace","path":"labels","value":["new"]}]`},
	} {
		t.Run(test.endpoint, func(t *testing.T) {
			f := *f
			f.T = t
			path := test.endpoint + "/" + f.want(200, "GET", test.endpoint+"?count=1", "").at("Resources", 0, "id").(string)
			read := f.want(200, "GET", path, "")
			old := read.header.Get("ETag")
			bare := strings.Trim(old, `W/"`)
			for _, tags := range []string{old, `"x", ` + old, "*", `"` + bare + `"`, bare, `"a,b",` + old} {
				if a := f.want(304, "GET", path, "", "If-None-Match", tags); a.header.Get("ETag") != old || a.body != "" || len(a.calls) != 1 {
					t.Errorf("If-None-Match %s: %v %q %v", tags, a.header, a.body, a.calls)
				}
			}
			f.want(200, "GET", path, "", "If-None-Match", `W/"other", W/`)
			f.want(200, "GET", path, "", "If-Match", old)
			f.want(412, "GET", path, "", "If-Match", `W/"other"`).refused(t, "")

			a := f.patch(412, path, test.change, "If-Match", `W/"other"`)
			if len(a.calls) != 1 || !strings.Contains(a.refused(t, ""), old) {
				t.Errorf("a failed condition: %v %s", a.calls, a.body)
			}
			a = f.patch(200, path, test.change, "If-Match", `W/"other", `+old)
			current := a.header.Get("ETag")
			if current == old || current == "" {
				t.Errorf("the version after a change is %s, before it %s", current, old)
			}
			if got := f.want(200, "GET", path, "").header.Get("ETag"); got != current {
				t.Errorf("PATCH answers version %s, GET %s", current, got)
			}
			f.patch(412, path, test.back, "If-Match", old)
			f.patch(412, path, test.back, "If-None-Match", "*")
			f.want(412, http.MethodPut, path, read.body, "If-Match", old)
			f.want(412, http.MethodDelete, path, "", "If-Match", old)
			f.patch(200, path, test.back, "If-Match", "*")
			current = f.want(200, "GET", path, "").header.Get("ETag")
			f.want(200, http.MethodPut, path, read.body, "If-Match", current)
			current = f.want(200, "GET", path, "").header.Get("ETag")
			f.want(204, http.MethodDelete, path, "", "If-Match", current)
			for _, method := range []string{"GET", "DELETE"} {
				f.want(404, method, path, "", "If-Match", "*")
			}
		})
	}
}

// TestConditionalPatchWritesTheDifference holds that a PATCH with If-Match reads
// once and sends what differs, nothing if nothing does.
func TestConditionalPatchWritesTheDifference(t *testing.T) {
	f := newFacade(t, emulator.Options{}, scim.Config{})
	path := "/Users/" + f.user("ann@demo.example", `"title":"Pilot"`)
	tag := f.want(200, "GET", path, "").header.Get("ETag")
	same := f.patch(200, path, `[{"op":"replace","path":"title","value":"Pilot"}]`, "If-Match", tag)
	if got, want := fmt.Sprint(same.calls), fmt.Sprint([]string{"GET " + path}); got != want {
		t.Errorf("nothing differs: %s, want %s", got, want)
	}
	if same.header.Get("ETag") != tag {
		t.Errorf("nothing differs, but %s became %s", tag, same.header.Get("ETag"))
	}
	twice := f.patch(200, path, `[{"op":"replace","path":"title","value":"Captain"},{"op":"replace","path":"title","value":"Pilot"}]`)
	if got, want := fmt.Sprint(twice.calls), fmt.Sprint([]string{"GET " + path}); got != want {
		t.Errorf("two operations on one attribute: %s, want %s", got, want)
	}
}
