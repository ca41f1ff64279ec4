package jira

import (
	"testing"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource/resourcetest"
)

func issueSchema(t testing.TB) *query.Schema { return resourcetest.Type(t, "Issue").Schema }

func update(fields map[string]any) atlassian.IssueUpdate {
	return atlassian.IssueUpdate{Fields: fields}
}
