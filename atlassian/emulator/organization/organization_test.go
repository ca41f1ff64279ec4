package organization_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/atlassian/emulator/tenant"
	"scim-atlassian/atlassian/emulator/tenant/tenanttest"
)

// client asks an emulator with all its APIs, since they share the accounts.
type client struct{ *tenanttest.Client }

func newSite(t *testing.T, options emulator.Options) *client {
	return &client{tenanttest.Serve(t, emulator.New(options))}
}

// org makes a request with the key of the organization and demands a status.
func (s *client) org(status int, method, path, body string, edit ...func(*http.Request)) tenanttest.Answer {
	s.T.Helper()
	edit = append([]func(*http.Request){func(r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+tenant.OrganizationKey)
		r.Header.Set("Content-Type", "application/json")
	}}, edit...)
	answer, err := s.Send(method, path, body, edit...)
	if err != nil || answer.Status != status {
		s.T.Fatalf("%s %s: got status %d, %v, want %d; body %s", method, path, answer.Status, err, status, answer.Body)
	}
	return answer
}

const orgUsers = "/admin/v2/orgs/" + tenant.OrganizationID + "/directories/-/users"

// members lists the accounts of the organization by following the cursors.
func (s *client) members(limit int) []map[string]any {
	s.T.Helper()
	var all []map[string]any
	for cursor := ""; ; {
		page := s.org(200, "GET", fmt.Sprintf("%s?limit=%d&cursor=%s", orgUsers, limit, cursor), "").JSON(s.T)
		data := page["data"].([]any)
		if len(data) > limit {
			s.T.Fatalf("%d accounts on a page of %d", len(data), limit)
		}
		for _, user := range data {
			all = append(all, user.(map[string]any))
		}
		next, more := tenanttest.At(page, "links|next").(string)
		if !more {
			return all
		}
		cursor = next
	}
}

// withName returns the account with a name.
func withName(t *testing.T, users []map[string]any, name string) map[string]any {
	t.Helper()
	i := slices.IndexFunc(users, func(u map[string]any) bool { return u["name"] == name })
	if i < 0 {
		t.Fatalf("nobody is called %s", name)
	}
	return users[i]
}

func TestOrganizationUsers(t *testing.T) {
	s := newSite(t, emulator.Options{Users: 45, Projects: 1, Seed: 1})
	users := s.members(7)
	if want := 1 + 45 + 5; len(users) != want { // the administrator, the provisioned, the outsiders
		t.Errorf("got %d accounts, want %d", len(users), want)
	}
	ids := map[any]bool{}
	for _, u := range users {
		ids[u["accountId"]] = true
	}
	if len(ids) != len(users) || tenanttest.At(s.org(200, "GET", orgUsers+"/count", "").JSON(t), "count") != float64(len(ids)) {
		t.Errorf("%d ids of %d accounts, which are counted otherwise", len(ids), len(users))
	}
	if first := s.org(200, "GET", orgUsers, "").JSON(t)["data"].([]any); len(first) != 20 {
		t.Errorf("a page is %d long by default, want 20", len(first))
	}
	type statuses struct{ status, account, membership, claim any }
	for name, want := range map[string]statuses{
		"Ada Administrator": {"active", "active", "active", "managed"},
		"Bridget Local":     {"active", "active", "active", "managed"},
		"Noah Leaver":       {"deactivated", "inactive", "active", "managed"},
		"Sven Suspended":    {"suspended", "active", "suspended", "managed"},
		"Ines Partner":      {"active", "active", "active", "unmanaged"},
	} {
		u := withName(t, users, name)
		got := statuses{u["status"], u["accountStatus"], u["membershipStatus"], u["claimStatus"]}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(statuses{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	one := withName(t, users, "Ines Partner")["accountId"].(string)
	some := s.org(200, "GET", orgUsers+"?accountIds="+one, "").JSON(t)["data"].([]any)
	if len(some) != 1 || tenanttest.At(some, "0|accountId") != one {
		t.Errorf("accountIds: got %v", some)
	}
	if got := tenanttest.At(s.org(200, "GET", "/admin/v1/orgs/"+tenant.OrganizationID, "").JSON(t), "data|attributes|name"); got != "Demo Organization" {
		t.Errorf("the organization is called %v", got)
	}
}

// jiraUser returns an account as Jira shows it to the administrator.
func (s *client) jiraUser(account string) map[string]any {
	s.T.Helper()
	answer, err := s.Send("GET", "/rest/api/3/user?accountId="+account, "", func(r *http.Request) {
		r.SetBasicAuth(tenant.AdminEmail, tenant.APIToken)
	})
	if err != nil || answer.Status != http.StatusOK {
		s.T.Fatalf("account %s in Jira: got status %d, %v, want 200; body %s", account, answer.Status, err, answer.Body)
	}
	return answer.JSON(s.T)
}

// TestLifecycle disables and enables accounts and looks at them from all sides.
func TestLifecycle(t *testing.T) {
	s := newSite(t, emulator.Options{Users: 5, Projects: 1, Seed: 1})
	scimUser := s.Create("/Users", tenanttest.NewUser("new@demo.example"))
	account := tenanttest.At(scimUser, "urn:scim:schemas:extension:atlassian-external:1.0|atlassianAccountId").(string)
	look := func(want bool) {
		t.Helper()
		inJira := s.jiraUser(account)["active"]
		inOrganization := tenanttest.At(s.org(200, "GET", orgUsers+"?accountIds="+account, "").JSON(t), "data|0|accountStatus") == "active"
		if inJira != want || inOrganization != want {
			t.Errorf("active: %v in Jira, %v in the organization, want %v", inJira, inOrganization, want)
		}
	}
	path := "/users/" + account + "/manage/lifecycle/"
	s.org(204, "POST", path+"disable", `{"message":"On leave"}`)
	s.org(204, "POST", path+"disable", "")
	look(false)
	id := scimUser["id"].(string)
	if active := s.SCIM(200, "GET", "/Users/"+id, "").JSON(t)["active"]; active != true {
		t.Errorf("the record of the directory says active %v, want true: it was not changed", active)
	}
	s.SCIM(200, "PUT", "/Users/"+id, tenanttest.NewUser("new@demo.example"))
	look(true)
	s.org(204, "POST", path+"disable", "")
	s.org(204, "POST", path+"enable", "")
	look(true)
}

func TestOrganizationRefusals(t *testing.T) {
	s := newSite(t, emulator.Options{Users: 5, Seed: 1})
	partner := withName(t, s.members(100), "Ines Partner")["accountId"].(string)
	other := func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+tenant.DirectoryKey) }
	tests := []struct {
		method, path string
		status       int
		body         string // a part of it
		edit         []func(*http.Request)
	}{
		{"GET", orgUsers, 401, `{"code":401,"message":"Unauthorized"}`, []func(*http.Request){other}},
		{"POST", "/users/x/manage/lifecycle/enable", 401, `{"key":"unauthorized"}`, []func(*http.Request){other}},
		{"GET", orgUsers + "?limit=101", 400, `"status":400,"code":"ADMIN-UAM-400-1"`, nil},
		{"GET", orgUsers + "?cursor=nonsense", 400, `"code":"ADMIN-UAM-400-1"`, nil},
		{"GET", strings.Replace(orgUsers, tenant.OrganizationID, "another", 1), 404, "TCS validation failed", nil},
		{"GET", strings.Replace(orgUsers, "-/users", "d/users", 1), 404, `"status":"404","code":"ADMIN-UAM-404-1"`, nil},
		{"GET", "/admin/v3/orgs", 404, `{"code":404`, nil},
		{"POST", "/users/nobody/manage/lifecycle/disable", 404, `{"key":"accountNotFound","errorKey":"account-not-found"`, nil},
		{"POST", "/users/nobody/manage/lifecycle/promote", 404, `{"key":"notFound"}`, nil},
		{"POST", "/users/" + partner + "/manage/lifecycle/disable", 403, `"errorDetail":"Error: Caller must be a verified org admin of targeted account"`, nil},
	}
	for _, test := range tests {
		if answer := s.org(test.status, test.method, test.path, "", test.edit...); !strings.Contains(string(answer.Body), test.body) {
			t.Errorf("%s %s: got %s, want %s", test.method, test.path, answer.Body, test.body)
		}
	}
	limited := newSite(t, emulator.Options{Organization: emulator.OrganizationOptions{RateLimit: 1}})
	limited.org(200, "GET", orgUsers, "")
	if refused := limited.org(429, "GET", orgUsers, ""); refused.Header.Get("X-RateLimit-Reset") == "" || refused.Header.Get("X-RateLimit-Remaining") != "0" {
		t.Errorf("429 with headers %v", refused.Header)
	}
	uncounted := newSite(t, emulator.Options{Organization: emulator.OrganizationOptions{NoCount: true}})
	uncounted.org(403, "GET", orgUsers+"/count", "")
}

// asAdministrator makes a request to Jira.
func asAdministrator(r *http.Request) { r.SetBasicAuth(tenant.AdminEmail, tenant.APIToken) }
