package operations

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource/resourcetest"
)

// A directory may answer success and change nothing.
func TestIgnoredAttributes(t *testing.T) {
	list := func(values ...string) []any {
		var out []any
		for _, v := range values {
			out = append(out, query.Object{{Name: "value", Value: v}})
		}
		return out
	}
	found := query.Object{
		{Name: "userName", Value: "ann@demo.example"}, {Name: "title", Value: "Lead"}, {Name: "active", Value: true},
		{Name: "name", Value: query.Object{{Name: "givenName", Value: "Ann"}}}, {Name: "emails", Value: list("ann@demo.example", "a@corp.example")},
	}
	schema := resourcetest.Type(t, "User").Schema
	for _, test := range []struct {
		name string
		ops  []atlassian.PatchOperation
		want []string
	}{
		{"kept", []atlassian.PatchOperation{{Op: "replace", Path: "title", Value: "Lead"}, {Op: "remove", Path: "nickName"}, {Op: "replace", Path: "name.givenName", Value: "Ann"}}, nil},
		{"kept but for case and space", []atlassian.PatchOperation{{Op: "replace", Path: "userName", Value: " Ann@Demo.example"}}, nil},
		{"value ignored", []atlassian.PatchOperation{{Op: "replace", Path: "title", Value: "Boss"}, {Op: "replace", Path: "active", Value: false}}, []string{"active", "title"}},
		{"removal ignored", []atlassian.PatchOperation{{Op: "remove", Path: "title"}, {Op: "remove", Path: "name.givenName"}}, []string{"name.givenName", "title"}},
		{"removal of active", []atlassian.PatchOperation{{Op: "remove", Path: "active"}}, nil},
		{"list kept in another order", []atlassian.PatchOperation{{Op: "replace", Path: "emails", Value: list("a@corp.example", "ann@demo.example")}}, nil},
		{"element ignored", []atlassian.PatchOperation{{Op: "replace", Path: "emails", Value: list("ann@demo.example", "new@corp.example")}}, []string{"emails"}},
		{"element left", []atlassian.PatchOperation{{Op: "replace", Path: "emails", Value: list("ann@demo.example")}}, []string{"emails"}},
		{"the last operation counts", []atlassian.PatchOperation{{Op: "replace", Path: "title", Value: "Boss"}, {Op: "replace", Path: "title", Value: "Lead"}}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Ignored(schema, test.ops, found)); diff != "" {
				t.Errorf("ignored attributes (-want +got):\n%s", diff)
			}
		})
	}
}
