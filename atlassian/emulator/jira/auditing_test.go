package jira

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian/emulator/tenant"
)

type auditPage struct {
	Offset, Limit, Total int
	Records              []struct {
		ID                       int64
		Summary, Category        string
		Created, AuthorAccountID string
		ObjectItem               struct{ ID, Name, TypeName string }
	}
}

func TestAuditRecords(t *testing.T) {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	s := newSite(t, setup{Users: 3, Projects: 1, Seed: 1, Now: func() time.Time { return now }})
	admin := s.jira.accounts.WithEmail(tenant.AdminEmail)
	const role = "/project/ENG/role/10002"
	user := s.jira.accounts.All()[2].ID
	s.want("POST", role, map[string]any{"user": []string{user}}, 200, "")
	now = now.Add(time.Minute)
	s.want("DELETE", role+"?user="+user, nil, 204, "")
	s.want("DELETE", role+"?user="+user, nil, 204, "") // no change
	s.jira.tenant.Lock()
	s.jira.tenant.Record(tenant.Change{
		Action: tenant.MemberAdded, Account: admin, Group: &tenant.Group{ID: "g", Name: "Team"}, By: tenant.Provisioner,
	})
	s.jira.tenant.Unlock()

	page := get[auditPage](s, "/auditing/record?limit=2")
	var got []string
	for _, r := range page.Records {
		got = append(got, r.Summary+", "+r.ObjectItem.TypeName+" "+r.ObjectItem.Name)
	}
	want := []string{"User added to group, GROUP Team", "Project roles changed, PROJECT Engineering"}
	if diff := cmp.Diff(want, got); diff != "" || page.Total != 3 || page.Limit != 2 {
		t.Errorf("of %d (-want +got):\n%s", page.Total, diff)
	}
	if r := page.Records[1]; r.AuthorAccountID != admin.ID || r.Created != "2026-12-01T12:01:00.000+0000" || r.ObjectItem.ID != s.jira.projects[0].id {
		t.Errorf("got %+v", r)
	}
	for query, records := range map[string]int{
		"?offset=2": 1, "?filter=roles": 2, "?filter=roles+group": 0, "?from=2026-12-01T12:00:30.000%2B0000": 2,
		"?to=2026-12-01T12:00:00Z": 1, "?from=2026-12-02": 0,
	} {
		if found := len(get[auditPage](s, "/auditing/record"+query).Records); found != records {
			t.Errorf("%s: %d records, want %d", query, found, records)
		}
	}
	if page := get[auditPage](s, "/auditing/record?filter=nothing"); page.Total != 3 {
		t.Errorf("total is %d, want 3: it does not look at the filter", page.Total)
	}
	s.want("GET", "/auditing/record?from=soon", nil, 400, "")
	free := newSite(t, setup{Users: 1, Seed: 1, Jira: Options{FreePlan: true}})
	free.want("GET", "/auditing/record", nil, 403, "")
}
