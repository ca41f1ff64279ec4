package atlassian_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
)

// TestHint has events in all the shapes that were seen in public samples and code.
func TestHint(t *testing.T) {
	const (
		old   = `5fff24c8f9afb9a6236373f3`
		new   = `712020:8f362a22-2f5c-4d05-acd8-9e797e3d8ca2`
		group = `276f955c-63d7-42c8-9520-92d01dca0625`
	)
	context := func(objects string) string { return `"context":[` + objects + `]` }
	user := func(id string) string {
		return fmt.Sprintf(`{"id":%q,"type":"users","attributes":{"accountType":"atlassian","email":"a@demo.example","name":"A"},"links":{}}`, id)
	}
	const (
		userWithoutID = `{"type":"users","attributes":{"accountType":"atlassian","email":"a@demo.example","name":"A"}}`
		nameless      = `{"type":"users","attributes":{"name":"A"}}`
		invited       = `{"id":"b2000002-0000-4000-8000-000000000002","type":"invited-user","attributes":{"email":"c@example.com"}}`
		aGroup        = `{"id":"` + group + `","type":"groups","attributes":{"name":"Team"}}`
		groupByName   = `{"type":"groups","attributes":{"name":"Team"}}`
		site          = `{"id":"c10d0000-0000-4000-8000-000000000001","type":"sites","attributes":{"siteName":"s","siteHostName":"s.example","permissionName":"p"}}`
		space         = `{"id":"4","type":"space","attributes":{"name":"S","key":"S"}}`
	)
	tests := []struct {
		name, action, parts string
		want                atlassian.Hint
	}{
		{"an account", "user_created", context(user(new)), atlassian.Hint{Accounts: []string{new}}},
		{"an old account", "user_deactivated_by_admin", context(user(old)), atlassian.Hint{Accounts: []string{old}}},
		{"one account twice", "user_reactivated", context(user(old) + "," + user(old)), atlassian.Hint{Accounts: []string{old}}},
		{"an account without id", "user_revoked_role", context(userWithoutID + "," + site), atlassian.Hint{Emails: []string{"a@demo.example"}}},
		{"an account without id and address", "user_removed", context(nameless), atlassian.Hint{SomeAccount: true}},
		{"an id of another shape", "user_created", context(user("17")), atlassian.Hint{Emails: []string{"a@demo.example"}}},
		{"an invitation has an id of its own", "user_invitation_sent", context(invited), atlassian.Hint{Emails: []string{"c@example.com"}}},
		{"a role", "user_granted_role", context(user(new) + "," + site), atlassian.Hint{Accounts: []string{new}}},
		{"an admin", "added_org_admin", `"context":null`, atlassian.Hint{SomeAccount: true}},
		{"no context", "user_created", `"container":[{"id":"o","type":"organization","attributes":{"name":"Example"}}]`, atlassian.Hint{SomeAccount: true}},
		{"empty context", "group_created", `"context":[],"container":[]`, atlassian.Hint{SomeGroup: true}},
		{"a group", "group_deleted", context(aGroup), atlassian.Hint{Groups: []string{group}}},
		{"a group by name", "group_created", context(groupByName), atlassian.Hint{GroupNames: []string{"Team"}}},
		{"a group of nobody knows what", "group_changed", context(user(new)), atlassian.Hint{Accounts: []string{new}, SomeGroup: true}},
		{"product access of a group", "group_granted_product_access", context(aGroup + "," + site), atlassian.Hint{Groups: []string{group}}},
		{"a membership", "group_member_added", context(user(new) + "," + aGroup), atlassian.Hint{Accounts: []string{new}, Groups: []string{group}}},
		{"a membership, the person alone", "group_member_added", context(user(new)), atlassian.Hint{Accounts: []string{new}}},
		{"a membership, the group alone", "group_membership_removed", context(groupByName), atlassian.Hint{GroupNames: []string{"Team"}}},
		{"a membership of somebody in something", "group_member_removed", `"container":null`, atlassian.Hint{SomeAccount: true, SomeGroup: true}},
		{"reading", "organization_users_viewed", `"context":[]`, atlassian.Hint{}},
		{"reading somebody", "user_profile_viewed", context(user(new)), atlassian.Hint{}},
		{"a login", "user_login", context(user(new)), atlassian.Hint{}},
		{"a failed login", "user_login_failed", "", atlassian.Hint{}},
		{"a disguise", "user_logged_in_as_user", context(user(new)), atlassian.Hint{}},
		{"a token", "api_token_created", context(user(new)), atlassian.Hint{}},
		{"a revoked token", "api_token_revoked", "", atlassian.Hint{}},
		{"a policy", "mobile_app_policy_update", "", atlassian.Hint{}},
		{"settings", "org_settings_update", "", atlassian.Hint{}},
		{"a space", "confluence_added_space_permission", context(user(new) + "," + space), atlassian.Hint{}},
		{"content", "confluence_audit_record_removed_content_restriction", "", atlassian.Hint{}},
		{"unknown, with somebody", "directory_edge_added", context(user(new) + "," + aGroup), atlassian.Hint{Accounts: []string{new}, Groups: []string{group}}},
		{"unknown, with a project", "something_else", context(`{"id":"10000","type":"projects"}`), atlassian.Hint{Projects: []string{"10000"}}},
		{"unknown", "quantum_leap", context(space), atlassian.Hint{Unknown: true}},
		{"odd context", "user_created", `"context":[null,7,{"id":null,"type":null,"attributes":null},{"id":{},"type":"users","attributes":{"email":["x"]}}]`, atlassian.Hint{SomeAccount: true}},
		{"context that is no list", "user_created", `"context":{"id":"x"}`, atlassian.Hint{SomeAccount: true}},
	}
	for _, test := range tests {
		parts := test.parts
		if parts != "" {
			parts = "," + parts
		}
		body := fmt.Sprintf(`{"data":[{"id":"1","type":"events","attributes":{"time":"2026-05-19T11:00:00.000Z","action":%q,
			"actor":{"id":"confluence","name":"Confluence","email":"Atlassian app","links":{}}%s}}],"meta":{"next":null},"links":{}}`, test.action, parts)
		page, err := organizationAt(t, newServer(t, answer(200, body))).Events(t.Context(), atlassian.EventQuery{})
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if diff := cmp.Diff(test.want, page.Events[0].Hint()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestAuditHint(t *testing.T) {
	const account = "712020:8f362a22-2f5c-4d05-acd8-9e797e3d8ca2"
	tests := []struct {
		name   string
		object atlassian.AuditItem
		others []atlassian.AuditItem
		want   atlassian.Hint
	}{
		{"a role of a project", atlassian.AuditItem{ID: "10000", Name: "Engineering", TypeName: "PROJECT"}, nil, atlassian.Hint{Projects: []string{"10000"}}},
		{"a project by name", atlassian.AuditItem{Name: "Engineering", TypeName: "PROJECT"}, nil, atlassian.Hint{SomeProject: true}},
		{"a role", atlassian.AuditItem{Name: "Member", TypeName: "PROJECT_ROLE"}, nil, atlassian.Hint{SomeProject: true}},
		{
			"a membership", atlassian.AuditItem{ID: "Team", Name: "Team", TypeName: "GROUP"},
			[]atlassian.AuditItem{{ID: account, Name: account, TypeName: "USER"}},
			atlassian.Hint{GroupNames: []string{"Team"}, Accounts: []string{account}},
		},
		{"an old key", atlassian.AuditItem{ID: "ug:1", Name: "jdoe", TypeName: "USER"}, nil, atlassian.Hint{SomeAccount: true}},
		{"a scheme", atlassian.AuditItem{ID: "1", Name: "Default", TypeName: "SCHEME"}, nil, atlassian.Hint{Unknown: true}},
	}
	for _, test := range tests {
		record := atlassian.AuditRecord{Object: test.object, Associated: test.others}
		if diff := cmp.Diff(test.want, record.Hint()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}
