package jira

import (
	"testing"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource/resourcetest"
)

func issueSchema(t testing.TB) *query.Schema { return resourcetest.Type(t, "Issue").Schema }
