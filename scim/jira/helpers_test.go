package jira

import (
	"testing"

	"scim-atlassian/schemas"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

func parseIssueFilter(t testing.TB, s *query.Schema, filter string) query.Expr {
	t.Helper()
	if filter == "" {
		return nil
	}
	e, err := query.Parse(s, filter, query.Limits{})
	if err != nil {
		t.Fatalf("%s: %v", filter, err)
	}
	return e
}

func issueSchema(t testing.TB) *query.Schema {
	t.Helper()
	types, err := schemas.ResourceTypes()
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range types {
		if rt.Name == "Issue" {
			return resource.SchemaOf(rt)
		}
	}
	t.Fatal("no resource type Issue")
	return nil
}
