package organization_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/atlassian/emulator/tenant"
	"scim-atlassian/atlassian/emulator/tenant/tenanttest"
)

func TestGroupWrites(t *testing.T) {
	s, pass := newEventSite(t, emulator.EventOptions{NoReads: true})
	account := func(name string) string { return withName(t, s.search(users, `{}`), name)["accountId"].(string) }
	bridget, ines := account("Bridget Local"), account("Ines Partner")
	if body := s.org(201, "POST", groups, `{"name":"Ops","description":"On call"}`).Body; len(body) != 0 {
		t.Errorf("the answer has a body: %s", body)
	}
	s.org(409, "POST", groups, `{"name":"ops"}`)
	s.org(409, "POST", groups, `{"name":"all employees"}`)
	s.SCIM(409, "POST", "/Groups", `{"displayName":"Ops"}`)
	ops := groups + "/" + s.search(groups, `{"groupNames":["ops"]}`)[0]["id"].(string)
	join := func(status int, group, account string) string {
		return string(s.org(status, "POST", group+"/memberships", fmt.Sprintf(`{"accountId":%q}`, account)).Body)
	}
	join(204, ops, bridget)
	join(204, ops, ines)
	if body := join(409, ops, bridget); !strings.Contains(body, "ADMIN-UAM-409-2") {
		t.Errorf("a member already: %s", body)
	}
	join(404, ops, "nobody")
	s.org(204, "DELETE", ops+"/memberships/"+ines, "")
	s.org(404, "DELETE", ops+"/memberships/"+ines, "")
	if g := s.org(200, "GET", ops, "").JSON(t); tenanttest.At(g, "data|counts|users") != 1.0 || tenanttest.At(g, "data|description") != "On call" {
		t.Errorf("got %v", g)
	}
	id := strings.TrimPrefix(ops, groups+"/")
	jira := s.jiraGroups()
	if !slices.Contains(jira, "Ops "+id) {
		t.Errorf("Jira knows the groups %q", jira)
	}
	synced := groups + "/" + s.search(groups, `{"groupNames":["all employees"]}`)[0]["id"].(string)
	join(400, synced, bridget)
	s.org(400, "DELETE", synced, "")
	s.org(201, "POST", groups, `{"name":"org-admin"}`)
	join(400, groups+"/"+s.search(groups, `{"groupNames":["org-admin"]}`)[0]["id"].(string), bridget)
	s.org(204, "DELETE", ops, "")
	s.org(404, "GET", ops, "")
	s.org(404, "PATCH", ops, `{"name":"x"}`) // there is no such call
	pass(time.Second)
	events, _ := s.poll("", "")
	want := []string{
		"group_created Ops", "group_member_added Bridget Local Ops", "group_member_added Ines Partner Ops",
		"group_member_removed Ines Partner Ops", "group_created org-admin", "group_deleted Ops",
	}
	if diff := cmp.Diff(want, actions(events)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// jiraGroups lists the groups that Jira knows, each as name and id.
func (s *client) jiraGroups() (list []string) {
	s.T.Helper()
	answer, err := s.Send("GET", "/rest/api/3/group/bulk", "", asAdministrator)
	if err != nil || answer.Status != 200 {
		s.T.Fatalf("got %d, %v", answer.Status, err)
	}
	for _, g := range answer.JSON(s.T)["values"].([]any) {
		list = append(list, tenanttest.At(g, "name").(string)+" "+tenanttest.At(g, "groupId").(string))
	}
	return list
}

func TestRename(t *testing.T) {
	s := newSite(t, emulator.Options{Users: 3, Groups: 1, Seed: 1, Organization: emulator.OrganizationOptions{Rename: true}})
	s.org(200, "PATCH", groups+"/"+tenant.AdminsGroupID, `{"name":"Site owners"}`)
	s.org(409, "PATCH", groups+"/"+tenant.AdminsGroupID, `{"name":"ALL employees"}`)
	if got := s.search(groups, `{"groupNames":["site owners"]}`); len(got) != 1 || got[0]["id"] != tenant.AdminsGroupID {
		t.Errorf("got %v", got)
	}
	synced := groups + "/" + s.search(groups, `{"groupNames":["all employees"]}`)[0]["id"].(string)
	s.org(400, "PATCH", synced, `{"name":"Everybody"}`)
}

func TestRoleWrites(t *testing.T) {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	s := newSite(t, emulator.Options{Users: 3, Groups: 1, Seed: 1, Now: func() time.Time { return now }})
	team := groups + "/" + s.search(groups, `{"groupNames":["all employees"]}`)[0]["id"].(string)
	const site = "ari:cloud:jira-software::site/" + tenant.CloudID
	change := func(status int, action, resource string) {
		t.Helper()
		s.org(status, "POST", team+"/role-assignments/"+action, fmt.Sprintf(`{"resourceId":%q,"roleId":"atlassian/admin"}`, resource))
	}
	held := func() int {
		return len(s.org(200, "GET", team+"/role-assignments", "").JSON(t)["data"].([]any))
	}
	change(400, "assign", tenant.CloudID)
	change(404, "assign", "ari:cloud:jira::site/"+tenant.CloudID)
	change(204, "assign", site)
	if held() != 0 {
		t.Error("the role shows at once")
	}
	now = now.Add(2 * time.Second)
	if held() != 1 || len(s.search(users, `{"roleIds":["atlassian/admin"]}`)) != 4 {
		t.Errorf("%d roles, %d admins", held(), len(s.search(users, `{"roleIds":["atlassian/admin"]}`)))
	}
	change(204, "revoke", site)
	change(204, "revoke", site)
	now = now.Add(2 * time.Second)
	if held() != 0 {
		t.Error("the revoked role still shows")
	}
	full := newSite(t, emulator.Options{Groups: 1, Seed: 1, Organization: emulator.OrganizationOptions{NoSeats: true}})
	if body := full.org(409, "POST", groups+"/"+tenant.AdminsGroupID+"/role-assignments/assign", `{"resourceId":"`+site+`","roleId":"atlassian/user"}`).Body; !strings.Contains(string(body), "ADMIN-UAM-409-3") {
		t.Errorf("no seats: %s", body)
	}
}

func TestSuspendAndRemove(t *testing.T) {
	s := newSite(t, emulator.Options{Users: 3, Seed: 1})
	all := s.search(users, `{}`)
	ines, ada := withName(t, all, "Ines Partner")["accountId"].(string), withName(t, all, "Ada Administrator")["accountId"].(string)
	bridget := withName(t, all, "Bridget Local")["accountId"].(string)
	status := func() any { return tenanttest.At(s.org(200, "GET", users+"/"+ines, "").JSON(t), "data|status") }
	s.org(204, "POST", users+"/"+ines+"/suspend", "")
	if got := status(); got != "suspended" {
		t.Errorf("she is %v", got)
	}
	s.org(204, "POST", users+"/"+ines+"/restore", "")
	if got := status(); got != "active" {
		t.Errorf("she is %v", got)
	}
	s.org(400, "POST", users+"/"+ada+"/suspend", "")
	s.org(400, "DELETE", users+"/"+ada, "")
	s.org(404, "POST", users+"/nobody/suspend", "")
	count := func() any { return s.org(200, "GET", users+"/count", "").JSON(t)["count"] }
	before := count()
	s.org(204, "DELETE", users+"/"+bridget, "")
	s.org(404, "GET", users+"/"+bridget, "")
	if got := count(); got != before { // she is managed
		t.Errorf("%v accounts are counted, want %v", got, before)
	}
	s.org(204, "DELETE", users+"/"+ines, "")
	if got := count(); got != before.(float64)-1 || len(s.search(users, `{}`)) != len(all)-2 {
		t.Errorf("%v accounts are counted of %v", got, before)
	}
}
