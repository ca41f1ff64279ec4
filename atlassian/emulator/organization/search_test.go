package organization_test

import (
	"encoding/json"
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

const (
	inDirectory = "/admin/v2/orgs/" + tenant.OrganizationID + "/directories/-"
	users       = inDirectory + "/users"
	groups      = inDirectory + "/groups"
)

// search posts a body to a search of users or groups and follows the cursors.
func (s *client) search(path, body string) (rows []map[string]any) {
	s.T.Helper()
	var query map[string]any
	if err := json.Unmarshal([]byte(body), &query); err != nil {
		s.T.Fatal(err)
	}
	for {
		text, _ := json.Marshal(query)
		page := s.org(200, "POST", path+"/search", string(text)).JSON(s.T)
		for _, row := range page["data"].([]any) {
			rows = append(rows, row.(map[string]any))
		}
		next, more := tenanttest.At(page, "links|next").(string)
		if !more {
			return rows
		}
		query["cursor"] = next
	}
}

// values are the values of a member in all rows.
func values(rows []map[string]any, member string) []string {
	var list []string
	for _, row := range rows {
		text, _ := row[member].(string)
		list = append(list, text)
	}
	return list
}

func TestUserSearch(t *testing.T) {
	s := newSite(t, emulator.Options{Users: 45, Groups: 4, Projects: 1, Seed: 1})
	if diff := cmp.Diff(values(s.members(100), "accountId"), values(s.search(users, `{"limit":7}`), "accountId")); diff != "" {
		t.Errorf("the old list and the search differ:\n%s", diff)
	}
	if first := s.org(200, "POST", users+"/search", "").JSON(t)["data"].([]any); len(first) != 50 {
		t.Errorf("a page has %d people, want 50 by default", len(first))
	}
	all := s.search(users, `{}`)
	bridget := withName(t, all, "Bridget Local")["accountId"]
	tests := []struct {
		body string
		want []string // names
	}{
		{fmt.Sprintf(`{"accountIds":[%q,"nobody"]}`, bridget), []string{"Bridget Local"}},
		{`{"emails":["BRIDGET.local@demo.example"]}`, []string{"Bridget Local"}},
		{`{"emails":["bridget"]}`, nil},
		{`{"searchTerm":"bridget"}`, []string{"Bridget Local"}},
		{`{"emailDomains":["partner.example"]}`, []string{"Ines Partner"}},
		{`{"status":["suspended"]}`, []string{"Sven Suspended"}},
		{`{"membershipStatus":["suspended"]}`, []string{"Sven Suspended"}},
		{`{"accountStatus":["inactive"],"searchTerm":"leaver"}`, []string{"Noah Leaver"}},
		{`{"groupIds":["` + tenant.AdminsGroupID + `"]}`, []string{"Ada Administrator"}},
		{`{"roleIds":["atlassian/admin"],"directoryIds":["-"]}`, []string{"Ada Administrator"}},
		{`{"claimStatus":"unmanaged","sortBy":[{"field":"nick_name","direction":"desc"}],"limit":1,"searchTerm":"e"}`, nil},
	}
	for _, test := range tests {
		got := values(s.search(users, test.body), "name")
		if test.want == nil && strings.Contains(test.body, "sortBy") {
			test.want = slices.Sorted(slices.Values(got))
			slices.Reverse(test.want)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.body, diff)
		}
	}
}

func TestUserSearchExpands(t *testing.T) {
	s := newSite(t, emulator.Options{Users: 5, Groups: 4, Projects: 1, Seed: 1})
	plain := withName(t, s.search(users, `{}`), "Ada Administrator")
	for _, member := range []string{"platformRoles", "groups", "productAccess", "counts"} {
		if _, found := plain[member]; found {
			t.Errorf("%s is there although nobody asked", member)
		}
	}
	full := withName(t, s.search(users, `{"expand":["platformRoles","groups","productAccess","counts.resources"]}`), "Ada Administrator")
	for path, want := range map[string]any{
		"platformRoles|0": "atlassian/org-admin", "groups|1|name": "site-admins", "groups|0|id": tenant.JiraUsersGroupID,
		"productAccess|0|key": "jira-software", "counts|resources": 1.0,
	} {
		if got := tenanttest.At(full, path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
}

func TestGroupSearch(t *testing.T) {
	s := newSite(t, emulator.Options{Users: 30, Groups: 21, Projects: 1, Seed: 1})
	all := s.search(groups, `{"expand":["counts.users","counts.resources"]}`)
	if len(all) != 23 || len(s.org(200, "POST", groups+"/search", "").JSON(t)["data"].([]any)) != 20 {
		t.Errorf("%d groups, want 23, 20 of them on the first page", len(all))
	}
	count := s.org(200, "GET", groups+"/count", "").JSON(t)["count"]
	if count != 23.0 {
		t.Errorf("the groups are counted as %v", count)
	}
	employees := withName(t, all, "All employees")
	if tenanttest.At(employees, "counts|users") != 30.0 || employees["externalSynced"] != true || tenanttest.At(employees, "managementAccess|modifiable") != false {
		t.Errorf("got %v", employees)
	}
	if members := s.search(users, fmt.Sprintf(`{"groupIds":[%q]}`, employees["id"])); len(members) != 30 {
		t.Errorf("All employees are %d", len(members))
	}
	member := s.search(users, fmt.Sprintf(`{"groupIds":[%q],"limit":1,"expand":["groups"]}`, employees["id"]))[0]
	var names []string
	for _, g := range member["groups"].([]any) {
		names = append(names, tenanttest.At(g, "name").(string))
	}
	got := values(s.search(groups, fmt.Sprintf(`{"accountIds":[%q]}`, member["accountId"])), "name")
	slices.Sort(names)
	slices.Sort(got)
	if diff := cmp.Diff(names, got); diff != "" {
		t.Errorf("the groups of a person by the two searches:\n%s", diff)
	}
	for body, want := range map[string][]string{
		`{"groupNames":["ALL employees"]}`:         {"All employees"},
		`{"groupNames":["employees"]}`:             nil,
		`{"searchTerm":"employees"}`:               {"All employees"},
		`{"resourceOwners":["platform"]}`:          {"site-admins"},
		`{"roleIds":["atlassian/user"],"limit":1}`: {"jira-users-demo"},
	} {
		if diff := cmp.Diff(want, values(s.search(groups, body), "name")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
	if sorted := values(s.search(groups, `{"limit":3,"sortBy":[{"field":"name","direction":"asc"}]}`), "name"); len(sorted) != 23 ||
		!slices.IsSortedFunc(sorted, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) }) {
		t.Errorf("sorted by name: %q", sorted)
	}
}

func TestSearchRefusals(t *testing.T) {
	s := newSite(t, emulator.Options{Users: 3, Seed: 1})
	for _, test := range []struct{ path, body, want string }{
		{users, `{"limit":101}`, "limit"},
		{users, `{"limit":0}`, "limit"},
		{users, `{"searchTerm":"a","emails":["a@demo.example"]}`, "emails"},
		{users, `{"sortBy":[{"field":"name"}]}`, "nick_name"},
		{users, `{"cursor":"x"}`, "cursor"},
		{users, `{"accountIds":"x"}`, "ADMIN-UAM-400-3"},
		{users, `{"accountIds":[` + strings.Repeat(`"a",`, 100) + `"a"]}`, "accountIds"},
		{groups, `{"groupNames":["a"],"groupIds":["a"]}`, "groupNames"},
		{groups, `{"groupNames":["a"],"searchTerm":"a"}`, "groupNames"},
	} {
		if answer := s.org(400, "POST", test.path+"/search", test.body); !strings.Contains(string(answer.Body), test.want) {
			t.Errorf("%s: got %s, want something about %s", test.body, answer.Body, test.want)
		}
	}
}

// TestSearchPagesShift has groups that go away while somebody reads.
func TestSearchPagesShift(t *testing.T) {
	for sort, want := range map[string]int{``: 6, `,"sortBy":[{"field":"name"}]`: 7} {
		s := newSite(t, emulator.Options{Groups: 6, Seed: 1})
		page := s.org(200, "POST", groups+"/search", `{"limit":4`+sort+`}`).JSON(t)
		gone := s.SCIM(200, "GET", "/Groups?count=1", "").JSON(t)
		s.SCIM(204, "DELETE", "/Groups/"+tenanttest.At(gone, "Resources|0|id").(string), "")
		rest := s.org(200, "POST", groups+"/search", fmt.Sprintf(`{"limit":4%s,"cursor":%q}`, sort, tenanttest.At(page, "links|next"))).JSON(t)
		seen := len(page["data"].([]any)) + len(rest["data"].([]any)) - 1
		if seen != want {
			t.Errorf("%s: saw %d of the 7 groups that stay, want %d", sort, seen, want)
		}
	}
}

func TestIndexLag(t *testing.T) {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	s := newSite(t, emulator.Options{Users: 3, Groups: 1, Seed: 1, Now: func() time.Time { return now },
		Organization: emulator.OrganizationOptions{IndexLag: 2 * time.Second}})
	before := len(s.search(users, `{}`))
	u := s.Create("/Users", tenanttest.NewUser("new@demo.example"))
	g := s.Create("/Groups", fmt.Sprintf(`{"displayName":"New","members":[{"value":%q}]}`, u["id"]))
	account := tenanttest.At(u, "urn:scim:schemas:extension:atlassian-external:1.0|atlassianAccountId").(string)
	s.org(200, "GET", users+"/"+account, "")
	look := func(wantUsers int, wantGroups ...string) {
		t.Helper()
		found := s.search(users, `{}`)
		named := values(s.search(groups, fmt.Sprintf(`{"accountIds":[%q],"groupNames":["new"]}`, account)), "name")
		if len(found) != wantUsers || !slices.Equal(named, wantGroups) {
			t.Errorf("found %d people, want %d, and groups %q, want %q", len(found), wantUsers, named, wantGroups)
		}
	}
	look(before)
	now = now.Add(3 * time.Second)
	look(before+1, "New")
	s.org(204, "POST", "/users/"+account+"/manage/lifecycle/disable", "")
	s.SCIM(204, "DELETE", "/Groups/"+g["id"].(string), "")
	status := func() any {
		return s.search(users, fmt.Sprintf(`{"accountIds":[%q]}`, account))[0]["accountStatus"]
	}
	if got := status(); got != "active" {
		t.Errorf("the search sees a write at once: %v", got)
	}
	look(before+1, "New")
	now = now.Add(3 * time.Second)
	if got := status(); got != "inactive" {
		t.Errorf("the search does not see an old write: %v", got)
	}
	look(before + 1)
}

func TestRoleAssignments(t *testing.T) {
	s := newSite(t, emulator.Options{Users: 3, Seed: 1})
	ada := withName(t, s.search(users, `{}`), "Ada Administrator")["accountId"].(string)
	mine := s.org(200, "GET", users+"/"+ada+"/role-assignments", "").JSON(t)
	for path, want := range map[string]any{
		"data|0|roles|0": "atlassian/org-admin", "data|0|directoryId": nil,
		"data|1|roleAssignments|0|role": "atlassian/admin", "data|1|roleAssignments|0|roleAssignmentMethods|0": "group_direct",
	} {
		if got := tenanttest.At(mine, path); got != want {
			t.Errorf("%s is %v, want %v; %v", path, got, want, mine)
		}
	}
	group := s.org(200, "GET", groups+"/"+tenant.JiraUsersGroupID+"/role-assignments?resourceOwners=jira-software", "").JSON(t)
	if tenanttest.At(group, "data|0|defaultRole") != "atlassian/user" {
		t.Errorf("got %v", group)
	}
	s.org(404, "GET", groups+"/none/role-assignments", "")
	s.org(404, "GET", users+"/none", "")
	if g := s.org(200, "GET", groups+"/"+tenant.AdminsGroupID, "").JSON(t); tenanttest.At(g, "data|counts|users") != 1.0 || tenanttest.At(g, "data|name") != "site-admins" {
		t.Errorf("got %v", g)
	}
}

// TestOldListsEnd has the day after the lists that the searches replace.
func TestOldListsEnd(t *testing.T) {
	s := newSite(t, emulator.Options{Users: 3, Groups: 22, Seed: 1, Now: func() time.Time { return time.Date(2027, 6, 30, 12, 0, 0, 0, time.UTC) }})
	s.org(200, "GET", users, "")
	page := s.org(200, "GET", groups, "").JSON(t)
	if rest := s.org(200, "GET", groups+"?cursor="+tenanttest.At(page, "links|next").(string), "").JSON(t); len(rest["data"].([]any)) != 4 {
		t.Errorf("the second page has %d groups, want 4", len(rest["data"].([]any)))
	}
	if answer, err := s.Send("POST", "/_emulator/clock", `{"advance":"24h"}`); err != nil || answer.Status != 200 {
		t.Fatalf("got %v, %v", answer.Status, err)
	}
	s.org(410, "GET", users, "")
	s.org(410, "GET", groups, "")
	s.org(200, "POST", users+"/search", "{}")
}

func TestTwoDirectories(t *testing.T) {
	s := newSite(t, emulator.Options{Users: 9, Seed: 1, Organization: emulator.OrganizationOptions{TwoDirectories: true}})
	list := s.org(200, "GET", strings.TrimSuffix(inDirectory, "/-"), "").JSON(t)
	second := tenanttest.At(list, "data|1|directoryId").(string)
	in := s.search(strings.Replace(users, "/-/", "/"+second+"/", 1), `{}`)
	if all := s.search(users, `{}`); len(in) == 0 || len(in) >= len(all) {
		t.Errorf("the second directory has %d of %d people", len(in), len(all))
	}
	id := in[len(in)-1]["accountId"].(string)
	states := func() (shown any, byDirectory []any) {
		shown = s.search(users, fmt.Sprintf(`{"accountIds":[%q]}`, id))[0]["membershipStatus"]
		for _, role := range s.org(200, "GET", users+"/"+id+"/role-assignments", "").JSON(t)["data"].([]any) {
			byDirectory = append(byDirectory, tenanttest.At(role, "userDirectoryStatus"))
		}
		return shown, byDirectory
	}
	s.org(204, "POST", strings.Replace(users, "/-/", "/"+second+"/", 1)+"/"+id+"/suspend", "")
	if shown, by := states(); shown != "active" || !slices.Equal(by, []any{"active", "suspended"}) {
		t.Errorf("suspended in one directory: %v, %v", shown, by)
	}
	s.org(204, "POST", users+"/"+id+"/suspend", "")
	if shown, by := states(); shown != "suspended" || !slices.Equal(by, []any{"suspended", "suspended"}) {
		t.Errorf("suspended in both directories: %v, %v", shown, by)
	}
}
