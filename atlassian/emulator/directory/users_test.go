package directory

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian/emulator/tenant"
	"scim-atlassian/atlassian/emulator/tenant/tenanttest"
)

func TestCreatedUser(t *testing.T) {
	clock := time.Date(2026, 11, 24, 12, 0, 0, 123456789, time.UTC)
	s := newSite(t, setup{Now: func() time.Time { return clock }})
	got := s.Create("/Users", tenanttest.NewUser("testatlas@demo.example"))
	id, account := got["id"].(string), tenanttest.At(got, urnAtlassian+"|atlassianAccountId").(string)
	want := map[string]any{
		"schemas":  []any{urnAtlassian, urnUser, urnEnterprise},
		"userName": "testatlas@demo.example",
		"emails":   []any{map[string]any{"value": "testatlas@demo.example", "type": "work", "primary": true}},
		"meta": map[string]any{
			"resourceType": "User", "location": "https://api.atlassian.com" + basePath + "/Users/" + id,
			"lastModified": "2026-11-24T12:00:00.123456Z", "created": "2026-11-24T12:00:00.123456Z",
		},
		"groups":     []any{},
		urnAtlassian: map[string]any{"atlassianAccountId": account},
		"id":         id,
		"active":     true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("user (-want +got):\n%s", diff)
	}
	if len(id) != 36 || strings.Contains(account, id) {
		t.Errorf("id %q, account %q: want a UUID that is not the account's", id, account)
	}
	if again := s.SCIM(200, "GET", "/Users/"+id, "").JSON(t); !cmp.Equal(got, again) {
		t.Errorf("GET differs from POST: %s", cmp.Diff(got, again))
	}
}

func TestRefusedUsers(t *testing.T) {
	email := `"emails":[{"value":"b@demo.example","primary":true}]`
	tests := []struct {
		name, body string
		status     int
		scimType   string
	}{
		{"no userName", `{` + email + `}`, 400, "invalidValue"},
		{"no emails", `{"userName":"b"}`, 400, "invalidValue"},
		{"no primary", `{"userName":"b","emails":[{"value":"b@demo.example"}]}`, 400, "invalidValue"},
		{"two primaries", `{"userName":"b","emails":[{"value":"b@x.y","primary":true},{"value":"c@x.y","primary":true}]}`, 400, "invalidValue"},
		{"no address", `{"userName":"b","emails":[{"value":"b","primary":true}]}`, 400, "invalidValue"},
		{"wrong type", `{"userName":7,` + email + `}`, 400, "invalidValue"},
		{"no boolean", `{"userName":"b","active":"perhaps",` + email + `}`, 400, "invalidValue"},
		{"broken", `{"userName":`, 400, "invalidSyntax"},
		{"nothing", ` `, 400, "invalidSyntax"},
		{"same userName", `{"userName":"A@demo.example",` + email + `}`, 409, "uniqueness"},
		{"same email", `{"userName":"b","emails":[{"value":"A@Demo.example","primary":true}]}`, 409, "uniqueness"},
	}
	s := newSite(t, setup{})
	s.Create("/Users", tenanttest.NewUser("a@demo.example"))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s.T = t
			body := s.SCIM(test.status, "POST", "/Users", test.body).JSON(t)
			if got := body["scimType"]; got != test.scimType {
				t.Errorf("got scimType %v, want %s: %v", got, test.scimType, body)
			}
			if got, want := body["status"], fmt.Sprint(test.status); got != want {
				t.Errorf("got status %v, want the string %q", got, want)
			}
		})
	}
}

func TestConflictText(t *testing.T) {
	s := newSite(t, setup{})
	s.Create("/Users", tenanttest.NewUser("example@example.com"))
	got := s.SCIM(409, "POST", "/Users", `{"userName":"other","emails":[{"value":"example@example.com","primary":true}]}`)
	want := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"409","scimType":"uniqueness",` +
		`"detail":"Resource [USER]: with email[example@example.com] already exists."}`
	if string(got.Body) != want {
		t.Errorf("got  %s\nwant %s", got.Body, want)
	}
}

func TestReplaceUserWipes(t *testing.T) {
	s := newSite(t, setup{})
	user := s.Create("/Users", `{"userName":"a","externalId":"x","title":"T","active":false,
		"emails":[{"value":"a@demo.example","primary":true}],"name":{"givenName":"G"}}`)
	id := user["id"].(string)
	got := s.SCIM(200, "PUT", "/Users/"+id, `{"id":"other","groups":[{"value":"g"}],"userName":"a2","unknown":1,
		"emails":[{"value":"a@demo.example","primary":true}]}`).JSON(t)
	for _, name := range []string{"externalId", "title", "name"} {
		if got[name] != nil {
			t.Errorf("%s survived: %v", name, got[name])
		}
	}
	if got["id"] != id || got["userName"] != "a2" || got["active"] != true || len(got["groups"].([]any)) != 0 {
		t.Errorf("got %v", got)
	}
	if tenanttest.At(got, "meta|lastModified") == tenanttest.At(user, "meta|lastModified") || tenanttest.At(got, "meta|created") != tenanttest.At(user, "meta|created") {
		t.Errorf("meta: got %v, was %v", got["meta"], user["meta"])
	}
	s.SCIM(200, "GET", "/Users?filter=userName+eq+%22a%22", "")
	s.SCIM(400, "PUT", "/Users/"+id, `{"userName":"a2"}`)
	s.SCIM(404, "PUT", "/Users/none", tenanttest.NewUser("z@demo.example"))
	if n := s.SCIM(200, "GET", "/Users?filter=userName+eq+%22a%22", "").JSON(t)["totalResults"]; n != 0.0 {
		t.Errorf("the old userName finds %v users", n)
	}
}

func TestUnchangedKeepsLastModified(t *testing.T) {
	s := newSite(t, setup{})
	user := s.Create("/Users", tenanttest.NewUser("a@demo.example"))
	got := s.SCIM(200, "PUT", "/Users/"+user["id"].(string), tenanttest.NewUser("a@demo.example")).JSON(t)
	if diff := cmp.Diff(user, got); diff != "" {
		t.Errorf("user (-want +got):\n%s", diff)
	}
}

// userLife is a user's way through deletion and back.
func (s *site) userLife() (before, after map[string]any, owner *tenant.Account) {
	s.T.Helper()
	before = s.Create("/Users", tenanttest.NewUser("a@demo.example"))
	id := before["id"].(string)
	s.Create("/Groups", fmt.Sprintf(`{"displayName":"g","members":[{"value":"%s"}]}`, id))
	s.SCIM(204, "DELETE", "/Users/"+id, "")
	for _, method := range []string{"GET", "PUT", "PATCH", "DELETE"} {
		body := map[string]string{"PUT": tenanttest.NewUser("a@demo.example"), "PATCH": `{"Operations":[{"op":"remove","path":"title"}]}`}[method]
		s.SCIM(404, method, "/Users/"+id, body)
	}
	if n := s.SCIM(200, "GET", "/Users", "").JSON(s.T)["totalResults"]; n != 0.0 {
		s.T.Errorf("got %v users after DELETE", n)
	}
	if owner = s.tenant.Accounts.WithEmail("a@demo.example"); owner.Active {
		s.T.Error("the account is active after DELETE")
	}
	after = s.Create("/Users", tenanttest.NewUser("a@demo.example"))
	return before, after, owner
}

func TestDeleteAndRecreate(t *testing.T) {
	s := newSite(t, setup{})
	before, after, owner := s.userLife()
	if before["id"] == after["id"] {
		t.Error("the id is the old one")
	}
	if !cmp.Equal(before[urnAtlassian], after[urnAtlassian]) {
		t.Errorf("account: got %v, want %v", after[urnAtlassian], before[urnAtlassian])
	}
	if len(after["groups"].([]any)) != 0 {
		t.Errorf("memberships came back: %v", after["groups"])
	}
	if !owner.Active {
		t.Error("the account was not reactivated")
	}
}

func TestNoReactivateOnRecreate(t *testing.T) {
	s := newSite(t, setup{Directory: Options{NoReactivateOnRecreate: true}})
	if _, _, owner := s.userLife(); owner.Active {
		t.Error("the account was reactivated")
	}
}

func TestDeactivatedUserIsReadable(t *testing.T) {
	s := newSite(t, setup{})
	id := s.Create("/Users", tenanttest.NewUser("a@demo.example"))["id"].(string)
	owner := s.tenant.Accounts.WithEmail("a@demo.example")
	for _, active := range []bool{false, true} {
		s.SCIM(200, "PATCH", "/Users/"+id, fmt.Sprintf(`{"Operations":[{"op":"replace","path":"active","value":%v}]}`, active))
		if got := s.SCIM(200, "GET", "/Users/"+id, "").JSON(t)["active"]; got != active || owner.Active != active {
			t.Errorf("got user %v, account %v, want %v", got, owner.Active, active)
		}
	}
}

func TestEmailChange(t *testing.T) {
	s := newSite(t, setup{})
	user := s.Create("/Users", tenanttest.NewUser("a@demo.example"))
	s.Create("/Users", tenanttest.NewUser("b@demo.example"))
	change := func(status int, email string) {
		t.Helper()
		s.SCIM(status, "PATCH", "/Users/"+user["id"].(string),
			fmt.Sprintf(`{"Operations":[{"op":"replace","path":"emails[type eq \"work\"].value","value":%q}]}`, email))
	}
	change(409, "B@demo.example")  // another record
	change(409, tenant.AdminEmail) // an account without a record
	change(200, "A@demo.example")
	change(200, "c@demo.example")
	owner := s.tenant.Accounts.WithEmail("c@demo.example")
	if owner == nil || owner.ID != tenanttest.At(user, urnAtlassian+"|atlassianAccountId") {
		t.Errorf("the account did not follow: %+v", owner)
	}
	s.Create("/Users", strings.Replace(tenanttest.NewUser("a@demo.example"), "a@", "a2@", 1)) // the address is free again
}

func TestCreateLinksExistingAccount(t *testing.T) {
	s := newSite(t, setup{})
	user := s.Create("/Users", tenanttest.NewUser(strings.ToUpper(tenant.AdminEmail)))
	if got, want := tenanttest.At(user, urnAtlassian+"|atlassianAccountId"), s.tenant.Accounts.WithEmail(tenant.AdminEmail).ID; got != want {
		t.Errorf("got account %v, want %v", got, want)
	}
}

func TestUnverifiedDomain(t *testing.T) {
	s := newSite(t, setup{VerifiedDomains: []string{"Corp.example"}})
	id := s.Create("/Users", tenanttest.NewUser("a@demo.example"))["id"].(string)
	got := s.SCIM(200, "PATCH", "/Users/"+id, `{"Operations":[{"op":"replace","value":{"active":false,"displayName":"New"}}]}`).JSON(t)
	owner := s.tenant.Accounts.WithEmail("a@demo.example")
	if got["active"] != false || got["displayName"] != "New" || !owner.Active || owner.Name == "New" {
		t.Errorf("record %v, account %+v: want the record alone to change", got, owner)
	}
	s.Create("/Users", tenanttest.NewUser("a@corp.example"))
	if !s.tenant.Accounts.WithEmail("a@corp.example").Managed {
		t.Error("an account on a verified domain is not managed")
	}
	s = newSite(t, setup{VerifiedDomains: []string{"corp.example"}, Directory: Options{UnverifiedDomainReject: true}})
	s.SCIM(400, "POST", "/Users", tenanttest.NewUser("a@demo.example"))
	s.Create("/Users", tenanttest.NewUser("a@CORP.example"))
}

func TestPropagationDelay(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	s := newSite(t, setup{
		Now: func() time.Time { return now }, Directory: Options{PropagationDelay: 3 * time.Second},
	})
	user := s.Create("/Users", tenanttest.NewUser("a@demo.example"))
	owner := s.tenant.Accounts.WithEmail("a@demo.example")
	if user[urnAtlassian] != nil || owner.Visible(now) {
		t.Errorf("at once: extension %v, account visible %v", user[urnAtlassian], owner.Visible(now))
	}
	now = now.Add(3 * time.Second)
	user = s.SCIM(200, "GET", "/Users/"+user["id"].(string), "").JSON(t)
	if tenanttest.At(user, urnAtlassian+"|atlassianAccountId") != owner.ID || !owner.Visible(now) {
		t.Errorf("later: extension %v, account visible %v", user[urnAtlassian], owner.Visible(now))
	}
}
