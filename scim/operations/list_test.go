package operations

import (
	"testing"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/query"
)

// TestHoldsList holds that a list is taken for what was sent if it has the same values, in any order and case.
func TestHoldsList(t *testing.T) {
	list := func(values ...string) (all []any) {
		for _, v := range values {
			all = append(all, query.Object{{Name: "value", Value: v}})
		}
		return all
	}
	for _, test := range []struct {
		sent, kept []any
		want       bool
	}{
		{list("a@x", "b@x"), list("B@X ", "A@x"), true},
		{list("straße"), list("STRAßE"), true},
		{list("a@x", "b@x"), list("a@x"), false},
		{list("a@x", "b@x"), list("a@x", "c@x"), false},
		{list("a@x"), list("a@x", "b@x"), false},
		{list("a@x", "a@x"), list("a@x", "b@x"), true},
		{list(""), []any{query.Object{}}, false},
		{list("a@x"), nil, false},
	} {
		op := atlassian.PatchOperation{Op: "replace", Path: "emails", Value: test.sent}
		if got := holds(op, test.kept); got != test.want {
			t.Errorf("%v as %v: got %t", test.sent, test.kept, got)
		}
	}
}
