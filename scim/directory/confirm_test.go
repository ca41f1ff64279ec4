package directory

import (
	"testing"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/resource/resourcetest"
)

// A group is confirmed if added members are there, removed ones are not, and after
// a replacement there is nobody else.
func TestGroupConfirmed(t *testing.T) {
	b := &Groups{schema: resourcetest.Type(t, "Group").Schema}
	found := groupObject(&atlassian.Group{ID: "g", DisplayName: "G", Members: references([]string{"a", "b"})})
	for _, test := range []struct {
		name   string
		change memberChange
		ok     bool
	}{
		{"added", memberChange{added: []string{"a"}}, true},
		{"not added", memberChange{added: []string{"a", "c"}}, false},
		{"removed", memberChange{removed: []string{"c"}}, true},
		{"not removed", memberChange{removed: []string{"b"}}, false},
		{"replaced", memberChange{added: []string{"b", "a"}, only: true}, true},
		{"not replaced", memberChange{added: []string{"a"}, only: true}, false},
		{"not emptied", memberChange{only: true}, false},
		{"another attribute ignored", memberChange{sent: []atlassian.PatchOperation{{Op: "replace", Path: "externalId", Value: "x"}}}, false},
	} {
		if err := b.confirmed(found, test.change); (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}
