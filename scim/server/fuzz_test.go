package server

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"github.com/go-json-experiment/json"

	"scim-atlassian/scim/document"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// FuzzPatch holds that any PATCH body is refused with a client error or can be
// applied, and that what comes out can be rendered.
func FuzzPatch(f *testing.F) {
	for _, path := range []string{"active", "name.givenName", `emails[type eq "work"].value`, `emails[type eq "work"`, "members", "[", "]", "a[b", "id", "urn:x:y",
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", `emails[value eq "a" or (primary eq true)]`, "\ufffd"} {
		for _, value := range []string{`"x"`, `null`, `true`, `{"value":"x"}`, `[{"value":"x","primary":true}]`, `[]`, `[[]]`, `{}`, `5`} {
			for _, op := range []string{"add", "Remove", "replace"} {
				f.Add(op, path, value, false)
			}
		}
	}
	rt := namedType(f, "User")
	f.Fuzz(func(t *testing.T, op, path, value string, strict bool) {
		var decoded any
		if json.Unmarshal([]byte(value), &decoded) != nil {
			t.Skip("no JSON")
		}
		body := map[string]any{"schemas": []any{resource.URNPatchOp}, "Operations": []any{map[string]any{"op": op, "path": path, "value": decoded}}}
		ops, err := document.Patch(document.Reader{Type: rt, Strict: strict}, body)
		if refusedByServer(t, err) {
			return
		}
		for i := range ops {
			ops[i].Value = query.ValueOf(ops[i].Value, ops[i].Path)
		}
		user := query.Object{
			{Name: "id", Value: "1"}, {Name: "userName", Value: "a@b"}, {Name: "name", Value: query.Object{{Name: "givenName", Value: "A"}}},
			{Name: "emails", Value: []any{query.Object{{Name: "value", Value: "a@b"}, {Name: "type", Value: "work"}, {Name: "primary", Value: true}}}},
		}
		before := string(user.AppendJSON(nil))
		changed, err := document.Apply(rt, user, ops, strict)
		if after := string(user.AppendJSON(nil)); after != before {
			t.Errorf("the current user was written to: %s", after)
		}
		if !refusedByServer(t, err) {
			changed.AppendJSON(nil)
		}
	})
}

// refusedByServer reports whether err is a refusal, and fails on any other error.
func refusedByServer(t *testing.T, err error) bool {
	if err == nil {
		return false
	}
	var e *resource.Error
	if !errors.As(err, &e) || e.Status < 400 || e.Status > 499 || e.Detail == "" {
		t.Errorf("not a refusal: %v", err)
	}
	return true
}

// FuzzPathSegments holds that no path yields a segment that could reach another
// resource upstream.
func FuzzPathSegments(f *testing.F) {
	for _, path := range []string{"/scim/v2/Users/1", "/scim/v2/Users/%2e%2e%2f", "//scim/v2//Users//", "/scim/v2/Users/%2E%2e", "/scim/v2/Users/a%2Fb", "/scim/v2x", "/", "", "/scim/v2/Users/%5c", "/scim/v2/Users/%00"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		segments, err := pathSegments(path, func(string) bool { return false })
		if refusedByServer(t, err) {
			return
		}
		for _, s := range segments {
			if s == "" || s == "." || s == ".." || len(s) > maxID || strings.ContainsAny(s, `/\`) || strings.ContainsFunc(s, unicode.IsControl) {
				t.Errorf("segment %q", s)
			}
		}
	})
}

// FuzzParameters holds that a query string is understood or refused, and that a
// filter in it is never lost.
func FuzzParameters(f *testing.F) {
	for _, raw := range []string{"filter=a+eq+1", "filter=%zz", "filter=a;count=1", "count=-1&startIndex=0", "count=99999999999999999999", "filter=a&filter=b", "attributes=a,b,,c&excludedAttributes="} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		p, err := parseParameters(raw)
		if refusedByServer(t, err) {
			return
		}
		if values, err := url.ParseQuery(raw); err == nil && values.Has("filter") && p.filter == nil {
			t.Error("the filter is lost")
		}
	})
}
