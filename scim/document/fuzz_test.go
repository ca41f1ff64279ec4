package document

import (
	"net/url"
	"testing"

	"github.com/go-json-experiment/json"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/resource/resourcetest"
)

// FuzzPatch checks that any PATCH body is refused with a client error or can be applied, and that the result can be
// written as JSON.
func FuzzPatch(f *testing.F) {
	for _, path := range []string{"active", "name.givenName", `emails[type eq "work"].value`, `emails[type eq "work"`, "members", "[", "]", "a[b", "id", "urn:x:y",
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", `emails[value eq "a" or (primary eq true)]`, "\ufffd"} {
		for _, value := range []string{`"x"`, `null`, `true`, `{"value":"x"}`, `[{"value":"x","primary":true}]`, `[]`, `[[]]`, `{}`, `5`} {
			for _, op := range []string{"add", "Remove", "replace"} {
				f.Add(op, path, value, false)
			}
		}
	}
	rt := resourcetest.Type(f, "User")
	f.Fuzz(func(t *testing.T, op, path, value string, strict bool) {
		var decoded any
		if json.Unmarshal([]byte(value), &decoded) != nil {
			t.Skip("no JSON")
		}
		body := map[string]any{"schemas": []any{resource.URNPatchOp}, "Operations": []any{map[string]any{"op": op, "path": path, "value": decoded}}}
		ops, err := Reader{Type: rt, Policy: resource.Policy{Strict: strict}}.Patch(body)
		if resourcetest.Refusal(t, err) != "" {
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
		changed, err := Apply(rt, user, ops, strict)
		if after := string(user.AppendJSON(nil)); after != before {
			t.Errorf("the current user was written to: %s", after)
		}
		if resourcetest.Refusal(t, err) == "" {
			changed.AppendJSON(nil)
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
		p, err := ParseParameters(raw)
		if resourcetest.Refusal(t, err) != "" {
			return
		}
		if values, err := url.ParseQuery(raw); err == nil && values.Has("filter") && p.Filter == nil {
			t.Error("the filter is lost")
		}
	})
}
