package scim

import (
	"context"

	"scim-atlassian/scim/directory"
	"scim-atlassian/scim/jira"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// accountOf finds the Atlassian account of a user of the directory, for issues that
// name people as the directory does.
func accountOf(users *directory.Users, schema *query.Schema) jira.AccountOf {
	return func(ctx context.Context, attribute, value string) (string, int, error) {
		if attribute == "id" {
			user, err := users.Read(ctx, value)
			if resource.IsMissing(err) {
				return "", 0, nil
			}
			return directory.AccountIDOf(user), 1, err
		}
		if attribute == "email" {
			attribute = "emails.value"
		}
		path, err := schema.Resolve(attribute)
		if err != nil {
			return "", 0, err
		}
		found, err := users.List(ctx, resource.ListQuery{Filter: query.Compare{Path: path, Op: query.Eq, Value: value}, Start: 1, Count: 2})
		if err != nil || found.Total != 1 {
			return "", total(found), err
		}
		return directory.AccountIDOf(found.Object(0)), 1, nil
	}
}

func total(r *resource.ListResult) int {
	if r == nil {
		return 0
	}
	return r.Total
}
