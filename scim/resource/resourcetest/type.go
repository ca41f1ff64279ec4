package resourcetest

import (
	"net/http"
	"strings"
	"testing"

	"scim-atlassian/scim/query"
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

// Refusal returns the status and the scimType of an error as one text ("Bad
// Request invalidValue"), "" for nil. It fails the test on an error that is no
// refusal of the client's request, or has no detail.
func Refusal(tb testing.TB, err error) string {
	tb.Helper()
	if err == nil {
		return ""
	}
	e := resource.AsError(err)
	if e.Status < 400 || e.Status > 499 || e.Detail == "" || strings.Contains(e.Detail, "%!") {
		tb.Errorf("not a refusal that helps: %v", err)
	}
	return strings.TrimSpace(http.StatusText(e.Status) + " " + e.Type)
}

// The refusals that Refusal returns most often.
const (
	BadFilter     = "Bad Request invalidFilter"
	BadPath       = "Bad Request invalidPath"
	BadSyntax     = "Bad Request invalidSyntax"
	BadValue      = "Bad Request invalidValue"
	BadMutability = "Bad Request mutability"
	BadTarget     = "Bad Request noTarget"
)

// Filter parses a filter against a schema, and fails the test if it is none. "" is no filter, nil.
func Filter(tb testing.TB, s *query.Schema, filter string) query.Expr {
	tb.Helper()
	if filter == "" {
		return nil
	}
	e, err := query.Parse(s, filter, query.Limits{})
	if err != nil {
		tb.Fatalf("%s: %v", filter, err)
	}
	return e
}
