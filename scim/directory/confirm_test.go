package directory

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/query"
)

// TestIgnored covers what a directory may answer success for and not do.
func TestIgnored(t *testing.T) {
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
	schema := namedType(t, "User").Schema
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
			if diff := cmp.Diff(test.want, ignored(schema, test.ops, found)); diff != "" {
				t.Errorf("ignored (-want +got):\n%s", diff)
			}
		})
	}
}

// TestGroupConfirmed covers members that did not come, go or leave alone.
func TestGroupConfirmed(t *testing.T) {
	b := &Groups{schema: namedType(t, "Group").Schema}
	found := groupObject(&atlassian.Group{ID: "g", DisplayName: "G", Members: references([]string{"a", "b"})})
	for _, test := range []struct {
		name   string
		change MemberChange
		ok     bool
	}{
		{"added", MemberChange{Added: []string{"a"}}, true},
		{"not added", MemberChange{Added: []string{"a", "c"}}, false},
		{"removed", MemberChange{Removed: []string{"c"}}, true},
		{"not removed", MemberChange{Removed: []string{"b"}}, false},
		{"replaced", MemberChange{Added: []string{"b", "a"}, only: true}, true},
		{"not replaced", MemberChange{Added: []string{"a"}, only: true}, false},
		{"not emptied", MemberChange{only: true}, false},
		{"another attribute ignored", MemberChange{Sent: []atlassian.PatchOperation{{Op: "replace", Path: "externalId", Value: "x"}}}, false},
	} {
		if err := b.confirmed(found, test.change); (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}
