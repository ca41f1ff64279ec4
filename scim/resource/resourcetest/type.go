package resourcetest

import (
	"testing"

	"scim-atlassian/scim/resource"
)

// Type returns the published resource type called name ("User") over an empty
// Memory. Every call returns another one.
func Type(tb testing.TB, name string) *resource.Type {
	tb.Helper()
	types, err := Types(nil)
	if err != nil {
		tb.Fatal(err)
	}
	for _, rt := range types {
		if rt.Name == name {
			return rt
		}
	}
	tb.Fatalf("no resource type %s is published", name)
	return nil
}
