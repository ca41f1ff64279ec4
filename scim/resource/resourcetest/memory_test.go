package resourcetest

import (
	"fmt"
	"testing"

	"scim-atlassian/scim/query"
)

// TestMemory holds the backend in memory to the contract.
func TestMemory(t *testing.T) {
	t.Run("User", func(t *testing.T) { Test(t, memoryOf(t, "User", "userName", "title")) })
	t.Run("Group", func(t *testing.T) { Test(t, memoryOf(t, "Group", "displayName", "externalId")) })
}

// memoryOf is a Memory whose resources are told apart by an attribute.
func memoryOf(t *testing.T, name, unique, other string) Subject {
	rt := Type(t, name)
	return Subject{
		Type: rt, Unique: true, Unknown: "4711", Writes: rt.Backend.(*Memory).Writes,
		New: func(n int) query.Object {
			doc := query.Object{{Name: unique, Value: fmt.Sprintf("Name %d", n)}, {Name: other, Value: "a"}}
			if name == "User" {
				doc = append(doc, query.Member{Name: "emails", Value: []any{
					query.Object{{Name: "value", Value: fmt.Sprintf("%d@demo.example", n)}, {Name: "type", Value: "work"}, {Name: "primary", Value: n%2 == 0}},
				}})
			}
			return doc
		},
		Change: func(doc *query.Object, n int) { doc.Set(other, fmt.Sprintf("b%d", n)) },
	}
}
