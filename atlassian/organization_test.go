package atlassian_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
)

func organizationAt(t testing.TB, base string) *atlassian.Organization {
	t.Helper()
	cfg := atlassian.Config{RetryBase: time.Millisecond, Timeout: 5 * time.Second}
	o, err := atlassian.NewOrganization(cfg, base, emulator.OrganizationID, emulator.OrganizationKey)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.CloseIdleConnections)
	return o
}

func organization(t testing.TB, options emulator.Options) (*emulator.Emulator, *atlassian.Organization) {
	t.Helper()
	e := emulator.New(options)
	return e, organizationAt(t, newServer(t, e))
}

func TestNewOrganization(t *testing.T) {
	tests := []struct{ base, id, key, want string }{
		{"https://api.atlassian.com", "o", "k", ""},
		{"http://api.atlassian.com", "o", "k", "loopback"},
		{"https://api.atlassian.com", "", "k", "id"},
		{"https://api.atlassian.com", "o", "", "empty"},
		{"https://api.atlassian.com", "o", "hunter2\n", "control"},
	}
	for _, test := range tests {
		_, err := atlassian.NewOrganization(atlassian.Config{}, test.base, test.id, test.key)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s, %q: got %v, want %q", test.base, test.id, err, test.want)
		}
	}
}

func TestOrganizationUsers(t *testing.T) {
	tests := []struct{ noCount, oldLists bool }{{false, false}, {true, false}, {false, true}, {true, true}}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%+v", test), func(t *testing.T) {
			e, o := organization(t, emulator.Options{
				Users: 250, Seed: 1, Organization: emulator.OrganizationOptions{NoCount: test.noCount}, Now: beforeTheEnd,
			})
			o.OldLists = test.oldLists
			e.ClearLog()
			users, err := o.Users(t.Context())
			check(t, err)
			if len(users) != 256 {
				t.Errorf("%d accounts, want 256", len(users))
			}
			want := 4 // pages and count
			if test.noCount {
				want = 8
			}
			if calls := len(e.Log()); calls != want {
				t.Errorf("%d calls, want %d", calls, want)
			}
			at := slices.IndexFunc(users, func(u *atlassian.OrganizationUser) bool { return u.Name == "Sven Suspended" })
			if u := users[at]; u.Status != "suspended" || u.AccountStatus != "active" || !u.Managed() || u.AddedToOrg.IsZero() || u.Email == "" {
				t.Errorf("got %+v", u)
			}
		})
	}
}

// beforeTheEnd is a time at which the lists that the searches replace still answer.
func beforeTheEnd() time.Time { return time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC) }

// TestOldListOfAccounts has the one account of the old list, and the day of its end.
func TestOldListOfAccounts(t *testing.T) {
	e, o := organization(t, emulator.Options{Users: 3, Seed: 1, Now: beforeTheEnd})
	users, err := o.Users(t.Context())
	check(t, err)
	o.OldLists = true
	if u, err := o.User(t.Context(), users[1].AccountID); err != nil || u.Name != users[1].Name {
		t.Errorf("got %+v, %v", u, err)
	}
	_, err = o.User(t.Context(), "nobody")
	refused(t, err, atlassian.NotFound)
	e.Advance(365 * 24 * time.Hour)
	_, err = o.Users(t.Context())
	refused(t, err, atlassian.NotFound)
}

// TestOrganizationUsersUnproven has listings that must not pass for complete.
func TestOrganizationUsersUnproven(t *testing.T) {
	page := func(next string, ids ...string) string {
		var data []string
		for _, id := range ids {
			data = append(data, fmt.Sprintf(`{"accountId":%q}`, id))
		}
		links := ""
		if next != "" {
			links = fmt.Sprintf(`"next":%q`, next)
		}
		return fmt.Sprintf(`{"data":[%s],"links":{%s}}`, strings.Join(data, ","), links)
	}
	tests := []struct {
		name  string
		steps []string // bodies, one a request
		want  atlassian.Kind
		users int
	}{
		{"counted", []string{page("1", "a"), page("", "b"), `{"count":2}`}, atlassian.Other, 2},
		{"nobody", []string{page(""), `{"count":0}`}, atlassian.Other, 0},
		{"one more came", []string{page("", "a"), `{"count":2}`, page("", "a", "b"), `{"count":2}`}, atlassian.Other, 2},
		{"another idea of what to count", []string{page("", "a"), `{"count":9}`, page("", "a"), `{"count":9}`}, atlassian.Other, 1},
		{"never the same", []string{
			page("", "a"), `{"count":9}`, page("", "b"), `{"count":9}`, page("", "c"), `{"count":9}`,
		}, atlassian.Unavailable, 0},
		{"somebody twice", []string{page("1", "a"), page("", "a"), `{"count":1}`}, atlassian.Unavailable, 0},
		{"cursors in a circle", []string{page("1", "a"), page("2", "b"), page("1", "c")}, atlassian.Garbled, 0},
		{"no links", []string{`{"data":[]}`}, atlassian.Garbled, 0},
		{"no data", []string{`{"links":{}}`}, atlassian.Garbled, 0},
		{"no id", []string{`{"data":[{"name":"x"}],"links":{}}`}, atlassian.Garbled, 0},
		{"no number", []string{page("", "a"), `{}`}, atlassian.Garbled, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var upstream script
			for _, body := range test.steps {
				upstream.steps = append(upstream.steps, answer(200, body))
			}
			if test.name == "somebody twice" {
				upstream.steps = slices.Repeat(upstream.steps, 3)
			}
			users, err := organizationAt(t, newServer(t, &upstream)).Users(t.Context())
			if got := atlassian.KindOf(err); got != test.want || len(users) != test.users {
				t.Errorf("got %d accounts, %v, want %d, %v", len(users), err, test.users, test.want)
			}
			want := len(upstream.steps)
			if strings.HasPrefix(test.name, "no ") {
				want += 2 // an answer that is none is asked for again
			}
			if upstream.calls() != want {
				t.Errorf("%d calls, want %d", upstream.calls(), want)
			}
		})
	}
}

func TestLifecycle(t *testing.T) {
	e, o := organization(t, emulator.Options{Users: 5, Seed: 1})
	ctx := t.Context()
	users, err := o.Users(ctx)
	check(t, err)
	id := func(name string) string {
		return users[slices.IndexFunc(users, func(u *atlassian.OrganizationUser) bool { return u.Name == name })].AccountID
	}
	status := func(name string) string {
		t.Helper()
		u, err := o.User(ctx, id(name))
		check(t, err)
		return u.AccountStatus
	}
	check(t, o.Disable(ctx, id("Bridget Local"), "On leave"))
	check(t, o.Enable(ctx, id("Noah Leaver")))
	if bridget, noah := status("Bridget Local"), status("Noah Leaver"); bridget != "inactive" || noah != "active" {
		t.Errorf("Bridget is %s, Noah %s", bridget, noah)
	}
	rules, err := emulator.ParseFaults("method=POST times=1 reset=after")
	check(t, err)
	e.SetFaults(rules)
	check(t, o.Disable(ctx, id("Noah Leaver"), ""))
	if noah := status("Noah Leaver"); noah != "inactive" {
		t.Errorf("Noah is %s", noah)
	}

	err = o.Disable(ctx, id("Ines Partner"), "")
	if got := asError(t, err); got.Kind != atlassian.Forbidden || got.Code != "forbidden" ||
		got.Detail != "Caller must be a verified org admin of targeted account" {
		t.Errorf("an account of somebody else: %+v", got)
	}
	err = o.Enable(ctx, "nobody")
	if got := asError(t, err); got.Kind != atlassian.NotFound || got.Code != "accountNotFound" {
		t.Errorf("an unknown account: %+v", got)
	}
	_, err = o.User(ctx, "nobody")
	refused(t, err, atlassian.NotFound)
	if name, err := o.Name(ctx); err != nil || name != "Demo Organization" {
		t.Errorf("the organization is %q, %v", name, err)
	}
}

func TestOrganizationErrors(t *testing.T) {
	tests := []struct {
		status int
		body   string
		want   atlassian.Error
	}{
		{401, `{"code":401,"message":"Unauthorized"}`, atlassian.Error{Kind: atlassian.Unauthenticated, Detail: "Unauthorized"}},
		{401, `{"key":"unauthorized"}`, atlassian.Error{Kind: atlassian.Unauthenticated, Code: "unauthorized", Detail: "unauthorized"}},
		{
			403, `{"errors":[{"id":"1","status":403,"code":"ADMIN-UAM-403-1","title":"Forbidden","detail":"You may not."}]}`,
			atlassian.Error{Kind: atlassian.Forbidden, Code: "ADMIN-UAM-403-1", Detail: "You may not."},
		},
		{
			400, `{"errors":[{"status":"400","code":"A","title":"First","detail":null},{"code":"B"}]}`,
			atlassian.Error{Kind: atlassian.Invalid, Code: "A", Detail: "First; B"},
		},
		{404, `{"status":404,"error":"Not Found","message":"TCS validation failed"}`, atlassian.Error{Kind: atlassian.NotFound, Detail: "TCS validation failed"}},
		{
			409, `{"key":"conflict.lifecycleErrors","context":{"message":"The account is to be deleted.","accountId":"a","errorCodes":[{"code":"c"}]}}`,
			atlassian.Error{Kind: atlassian.Conflict, Code: "conflict.lifecycleErrors", Detail: "The account is to be deleted."},
		},
		{403, `{"key":"forbidden","context":"x","errorDetail":"Error: No."}`, atlassian.Error{Kind: atlassian.Forbidden, Code: "forbidden", Detail: "No."}},
		{400, `{"errors":[]}`, atlassian.Error{Kind: atlassian.Invalid}},
		{400, `{"errors":7}`, atlassian.Error{Kind: atlassian.Garbled, Detail: "upstream answered 400 with something other than the announced JSON"}},
	}
	for _, test := range tests {
		o := organizationAt(t, newServer(t, http.HandlerFunc(answer(test.status, test.body))))
		_, err := o.Name(t.Context())
		test.want.Op, test.want.Status = "GET /admin/v1/orgs/{orgId}", test.status
		if diff := cmp.Diff(&test.want, asError(t, err), cmpopts.IgnoreFields(atlassian.Error{}, "Err")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.body, diff)
		}
	}
}
