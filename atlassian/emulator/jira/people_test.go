package jira

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian/emulator/tenant"
)

// crowd adds accounts of every kind to a site.
func crowd(s *site) map[string]*tenant.Account {
	s.jira.tenant.Lock()
	defer s.jira.tenant.Unlock()
	named := map[string]*tenant.Account{
		"ann":    {ID: "a-ann", Kind: tenant.KindPerson, Name: "Ann Müller", Email: "zz-ann@demo.example", Active: true},
		"hidden": {ID: "a-hidden", Kind: tenant.KindPerson, Name: "Hidden Hand", Email: "zz-hidden@demo.example", Active: true, EmailHidden: true},
		"left":   {ID: "a-left", Kind: tenant.KindPerson, Name: "Left Behind", Email: "zz-left@demo.example"},
		"gone":   {ID: "a-gone", Kind: tenant.KindPerson, Name: "Gone", Email: "zz-gone@demo.example", Deleted: true},
		"app":    {ID: "a-app", Kind: tenant.KindApp, Name: "Build Bot", Active: true},
		"client": {ID: "a-client", Kind: tenant.KindCustomer, Name: "Client", Email: "zz-client@example.net", Active: true},
		"later":  {ID: "a-later", Kind: tenant.KindPerson, Name: "Later", Active: true, VisibleFrom: s.jira.tenant.Now().Add(time.Hour)},
	}
	for _, name := range []string{"ann", "hidden", "left", "gone", "app", "client", "later"} {
		s.jira.tenant.Accounts.Add(named[name])
	}
	return named
}

func ids(users []userJSON) []string {
	list := make([]string, len(users))
	for n, u := range users {
		list[n] = u.AccountID
	}
	return list
}

func TestUsers(t *testing.T) {
	s := newSite(t, setup{Projects: 1})
	crowd(s)
	all := get[[]userJSON](s, "/users/search?maxResults=1000")
	tail := all[len(all)-6:]
	if diff := cmp.Diff([]string{"a-ann", "a-hidden", "a-left", "a-gone", "a-app", "a-client"}, ids(tail)); diff != "" {
		t.Errorf("/users/search (-want +got):\n%s", diff)
	}
	if tail[0].EmailAddress == "" || tail[1].EmailAddress != "" || tail[3].DisplayName != "Former user" || tail[2].Active || tail[4].AccountType != tenant.KindApp {
		t.Errorf("users %+v", tail)
	}
	if page := get[[]userJSON](s, "/users?startAt=100000"); len(page) != 0 {
		t.Errorf("a page beyond the end has %d users", len(page))
	}

	tests := []struct {
		path string
		want []string
	}{
		{"/user/search?query=mül", []string{"a-ann"}},
		{"/user/search?query=zz-h", []string{}},
		{"/user/search?query=left", []string{}},
		{"/user/search?accountId=a-app", []string{"a-app"}},
		{"/user/assignable/search?project=ENG&query=build", []string{}},
		{"/user/assignable/search?project=ENG&query=ann", []string{"a-ann"}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, ids(get[[]userJSON](s, tt.path))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.path, diff)
		}
	}
	s.want("GET", "/user/search", nil, 400, "")
	s.want("GET", "/user/assignable/search", nil, 400, "")
	s.want("GET", "/user/assignable/search?project=NOPE", nil, 404, "")
	s.want("GET", "/user?accountId=a-later", nil, 404, "")
	s.want("GET", "/user", nil, 400, "")
	if u := get[userJSON](s, "/user?accountId=a-ann"); u.DisplayName != "Ann Müller" || !strings.HasPrefix(u.Self, s.base+"/rest/api/3/user?accountId=") {
		t.Errorf("user %+v", u)
	}
	if me := get[userJSON](s, "/myself"); me.EmailAddress != tenant.AdminEmail || me.TimeZone != "Europe/Berlin" {
		t.Errorf("myself %+v", me)
	}
}

func TestGroups(t *testing.T) {
	s := newSite(t, setup{Projects: 1})
	crowd(s)
	type group struct{ Name, GroupID string }
	bulk := get[struct{ Values []group }](s, "/group/bulk?groupName=jira-users-demo&groupName=nope").Values
	if len(bulk) != 1 || bulk[0].Name != "jira-users-demo" {
		t.Fatalf("bulk %+v", bulk)
	}
	members := func(extra string) []string {
		return ids(get[struct{ Values []userJSON }](s, "/group/member?groupId="+bulk[0].GroupID+extra).Values)
	}
	if active := members(""); slices.Contains(active, "a-left") || !slices.Contains(active, "a-ann") {
		t.Errorf("active members %v", active)
	}
	if all := members("&includeInactiveUsers=true"); !slices.Contains(all, "a-left") || slices.Contains(all, "a-app") {
		t.Errorf("members %v", all)
	}
	of := get[[]group](s, "/user/groups?accountId=a-ann")
	if diff := cmp.Diff([]group{{"jira-users-demo", bulk[0].GroupID}}, of); diff != "" {
		t.Errorf("groups of ann (-want +got):\n%s", diff)
	}
	s.want("GET", "/group/member", nil, 400, "")
	s.want("GET", "/group/member?groupname=nope", nil, 404, messages("The group named 'nope' does not exist."))
}

// Groups of the directory stand among those of the site.
func TestDirectoryGroups(t *testing.T) {
	var ann *tenant.Account
	s := newSite(t, setup{Groups: []tenant.Group{
		{ID: "g-1", Name: "kettle", Members: func() []*tenant.Account { return []*tenant.Account{ann} }},
	}})
	ann = crowd(s)["ann"]
	type group struct{ Name, GroupID string }
	var names []string
	for _, g := range get[struct{ Values []group }](s, "/group/bulk").Values {
		names = append(names, g.Name)
	}
	if diff := cmp.Diff([]string{"jira-users-demo", "kettle", "site-admins"}, names); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	members := get[struct{ Values []userJSON }](s, "/group/member?groupId=g-1").Values
	if diff := cmp.Diff([]string{"a-ann"}, ids(members)); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
}

func TestRoles(t *testing.T) {
	s := newSite(t, setup{Projects: 3})
	crowd(s)
	links := get[map[string]string](s, "/project/ENG/role")
	path := strings.TrimPrefix(links["Viewer"], s.base)
	names := func() []string {
		list := []string{}
		for _, a := range get[struct {
			Actors []struct{ DisplayName string }
		}](s, path).Actors {
			list = append(list, a.DisplayName)
		}
		return list
	}
	s.want("POST", path, `{"group":null,"user":["a-ann"]}`, 200, "")
	s.want("POST", path, `{"user":["a-ann"]}`, 400, messages("'a-ann' is already a member of the project role."))
	s.want("POST", path, `{"user":["a-left"]}`, 404, "")
	s.want("POST", path, `{"group":["site-admins"]}`, 200, "")
	s.want("POST", path, `{"group":["nope"]}`, 404, "")
	s.want("POST", path, `{}`, 400, "")
	if diff := cmp.Diff([]string{"Ann Müller", "site-admins"}, names()); diff != "" {
		t.Errorf("holders (-want +got):\n%s", diff)
	}
	s.want("DELETE", path+"?user=a-ann", nil, 204, "")
	s.want("DELETE", path+"?user=a-ann", nil, 204, "")
	s.want("DELETE", path+"?group=site-admins", nil, 204, "")
	s.want("DELETE", path, nil, 400, "")
	if diff := cmp.Diff([]string{}, names()); diff != "" {
		t.Errorf("holders (-want +got):\n%s", diff)
	}
	s.want("PUT", path, `{"categorisedActors":{"atlassian-user-role-actor":["a-ann"]}}`, 200, "")
	if diff := cmp.Diff([]string{"Ann Müller"}, names()); diff != "" {
		t.Errorf("holders after PUT (-want +got):\n%s", diff)
	}
	s.want("GET", "/project/ENG/role/1", nil, 404, "")
	if team := s.do("GET", "/project/HR/role/10002", nil).body; !strings.Contains(team, `"scope":{"project":{"id":"10002"},"type":"PROJECT"}`) {
		t.Errorf("role of a team-managed project: %s", team)
	}
	free := newSite(t, setup{Projects: 1, Jira: Options{FreePlan: true}})
	a := free.do("POST", "/project/ENG/role/10002", `{"user":["x"]}`)
	if a.status != http.StatusBadRequest || !strings.Contains(a.body, "Jira Software Free plan") {
		t.Errorf("free plan: %d %s", a.status, a.body)
	}
}
