package directory

import (
	"testing"

	"scim-atlassian/schemas"
	"scim-atlassian/scim/resource"
)

// namedType returns the resource type with the name, without a backend.
func namedType(tb testing.TB, name string) *resource.Type {
	tb.Helper()
	types, err := schemas.ResourceTypes()
	if err != nil {
		tb.Fatal(err)
	}
	for _, rt := range types {
		if rt.Name == name {
			return &resource.Type{ResourceType: rt, Schema: resource.SchemaOf(rt), References: name == "Issue"}
		}
	}
	tb.Fatalf("no type %s", name)
	return nil
}
