package scim

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/query"
)

// TestTypesOfTheRootAgree holds what query.Join asks for: an attribute that
// several types have under one name is the same.
func TestTypesOfTheRootAgree(t *testing.T) {
	backed, err := newResourceTypes(Config{}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]query.Attribute{}
	for _, rt := range backed.types {
		if !rt.Root {
			continue
		}
		for _, a := range rt.Schema.Attributes {
			other, again := known[a.Name]
			known[a.Name] = *a
			if !again {
				continue
			}
			mine := *a
			mine.Mutability, other.Mutability = 0, 0
			mine.Required, other.Required = false, false
			if diff := cmp.Diff(other, mine); diff != "" {
				t.Errorf("%s of %s is not what other types have (-other +%s):\n%s", a.Name, rt.Name, rt.Name, diff)
			}
		}
	}
	if len(known) < 20 {
		t.Errorf("only %d attributes", len(known))
	}
}
