package jira

import (
	"testing"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource/resourcetest"
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

func issueSchema(t testing.TB) *query.Schema { return resourcetest.Type(t, "Issue").Schema }
