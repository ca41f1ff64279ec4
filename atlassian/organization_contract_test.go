package atlassian_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
)

func scopedOrganizationAt(t testing.TB, base string, cfg atlassian.Config) *atlassian.Organization {
	t.Helper()
	o, err := atlassian.NewOrganization(cfg, base, emulator.OrganizationID, emulator.ScopedKey)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.CloseIdleConnections)
	return o
}

func TestOrganizationContract(t *testing.T) {
	for name, options := range map[string]emulator.OrganizationOptions{"usual": {}, "null end": {Events: emulator.EventOptions{NullEnd: true, WithoutIDs: true}}} {
		t.Run(name, func(t *testing.T) {
			judge := newJudge(t, organizationContract)
			e := emulator.New(emulator.Options{Users: 30, Groups: 3, Projects: 1, Seed: 1, Organization: options, Now: beforeTheEnd})
			base := newServer(t, e)
			cfg := atlassian.Config{Transport: judge, MaxRetries: -1}
			o, err := atlassian.NewOrganization(cfg, base, emulator.OrganizationID, emulator.OrganizationKey)
			check(t, err)
			useOrganization(t, o)
			check(t, o.Disable(t.Context(), named(t, o, "Bridget Local").AccountID, "On leave"))
			check(t, o.Enable(t.Context(), named(t, o, "Bridget Local").AccountID))
			tokens, err := o.APITokens(t.Context(), named(t, o, "Ada Administrator").AccountID)
			check(t, err)
			if len(tokens) != 1 || time.Until(tokens[0].Expiry) < 300*24*time.Hour {
				t.Errorf("tokens of the administrator: %+v", tokens)
			}
			e.Advance(time.Second)
			scoped := scopedOrganizationAt(t, base, cfg)
			useOrganization(t, scoped)
			useEvents(t, scoped, !options.Events.NullEnd)
			refused(t, scoped.Enable(t.Context(), "x"), atlassian.Forbidden)
			_, err = o.Events(t.Context(), atlassian.EventQuery{})
			refused(t, err, atlassian.Forbidden)

			const v1, v2 = "/admin/v1/orgs/{orgId}", "/admin/v2/orgs/{orgId}/directories/{directoryId}"
			judge.verify(t,
				"GET "+v1, "GET "+v1+"/events-stream", "GET "+v1+"/event-actions", "POST "+v2+"/users/search", "GET "+v2+"/users",
				"GET "+v2+"/users/count", "GET "+v2+"/users/{accountId}", "POST "+v2+"/groups/search", "GET "+v2+"/groups/count",
				"GET "+v2+"/groups/{groupId}", "GET "+v2+"/groups/{groupId}/role-assignments",
				"POST /users/{accountId}/manage/lifecycle/disable", "POST /users/{accountId}/manage/lifecycle/enable",
				"GET /users/{accountId}/manage/api-tokens",
			)
		})
	}
}

// named returns the account with a name.
func named(t *testing.T, o *atlassian.Organization, name string) *atlassian.OrganizationUser {
	t.Helper()
	page, err := o.SearchUsers(t.Context(), atlassian.UserSearch{SearchTerm: name, Expand: []string{"groups", "platformRoles", "productAccess", "counts.resources"}})
	check(t, err)
	if len(page.Users) != 1 {
		t.Fatalf("%d people are called %s", len(page.Users), name)
	}
	return page.Users[0]
}

// useOrganization makes every request that only reads and that any key may make.
func useOrganization(t *testing.T, o *atlassian.Organization) {
	t.Helper()
	ctx := t.Context()
	_, err := o.Name(ctx)
	check(t, err)
	users, err := o.Users(ctx)
	check(t, err)
	page, err := o.SearchUsers(ctx, atlassian.UserSearch{Limit: 20, SortBy: []atlassian.SortField{{Field: "nick_name", Direction: "asc"}}})
	check(t, err)
	rest, err := o.SearchUsers(ctx, atlassian.UserSearch{Limit: 20, Cursor: page.Next, SortBy: []atlassian.SortField{{Field: "nick_name", Direction: "asc"}}})
	check(t, err)
	if len(page.Users)+len(rest.Users) != len(users) || rest.Next != "" {
		t.Errorf("%d and %d of %d accounts", len(page.Users), len(rest.Users), len(users))
	}
	ada := named(t, o, "Ada Administrator")
	if len(ada.Groups) != 2 || ada.Groups[1].Name != "site-admins" || len(ada.ProductAccess) != 1 || ada.PlatformRoles[0] != "atlassian/org-admin" {
		t.Errorf("got %+v", ada)
	}
	if alone, err := o.User(ctx, ada.AccountID); err != nil || alone.Email != ada.Email {
		t.Errorf("got %+v, %v", alone, err)
	}
	_, err = o.User(ctx, "nobody")
	refused(t, err, atlassian.NotFound)
	groups, err := o.SearchGroups(ctx, atlassian.GroupSearch{GroupNames: []string{"ALL EMPLOYEES", "jira-users-demo"}, Expand: []string{"counts.users", "counts.resources"}})
	check(t, err)
	if len(groups.Groups) != 2 || groups.Groups[1].Writable() || !groups.Groups[0].Writable() || *groups.Groups[1].Counts.Users != 30 {
		t.Errorf("got %+v", groups.Groups)
	}
	count, err := o.CountGroups(ctx)
	check(t, err)
	all, err := o.SearchGroups(ctx, atlassian.GroupSearch{})
	check(t, err)
	if count != len(all.Groups) {
		t.Errorf("%d groups are counted, %d listed", count, len(all.Groups))
	}
	roles, err := o.GroupRoleAssignments(ctx, groups.Groups[0].ID)
	check(t, err)
	if len(roles) != 1 || roles[0].DefaultRole != "atlassian/user" {
		t.Errorf("got %+v", roles)
	}
	if g, err := o.Group(ctx, groups.Groups[1].ID); err != nil || g.Name != "All employees" {
		t.Errorf("got %+v, %v", g, err)
	}
	_, err = o.Group(ctx, "none")
	refused(t, err, atlassian.NotFound)
	o.OldLists = true
	defer func() { o.OldLists = false }()
	_, err = o.UserPage(ctx, "", 20)
	check(t, err)
}

// useEvents reads the stream to its end, and what may be in it.
func useEvents(t *testing.T, o *atlassian.Organization, polls bool) {
	t.Helper()
	ctx := t.Context()
	actions, err := o.EventActions(ctx)
	check(t, err)
	isListed := func(e atlassian.Event) bool {
		return slices.ContainsFunc(actions, func(a atlassian.EventAction) bool { return a.ID == e.Action && a.DisplayName != "" })
	}
	var got []string
	query := atlassian.EventQuery{From: beforeTheEnd(), Limit: 5}
	for {
		page, err := o.Events(ctx, query)
		check(t, err)
		for _, e := range page.Events {
			if !isListed(e) || e.ID == "" || e.ProcessedAt.Sub(e.Time) != time.Second || e.Actor.TokenLabel != "organization-key" {
				t.Errorf("got %+v", e)
			}
			if !strings.HasSuffix(e.Action, "_viewed") {
				got = append(got, e.Action)
			}
		}
		if query.Cursor = page.Next; len(page.Events) < query.Limit {
			break
		}
	}
	if diff := cmp.Diff([]string{"user_deactivated", "user_reactivated"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if (query.Cursor != "") != polls {
		t.Errorf("the stream ends with cursor %q", query.Cursor)
	}
	_, err = o.Events(ctx, atlassian.EventQuery{Cursor: "expired"})
	refused(t, err, atlassian.Invalid)
}

// TestUsersByID has an organization that takes no more than so many ids at once.
func TestUsersByID(t *testing.T) {
	for most, calls := range map[int]int{100: 3, 20: 12, 1: 125} { // those that are refused among them
		e, o := organization(t, emulator.Options{Users: 115, Seed: 1, Organization: emulator.OrganizationOptions{MaxAccountIDs: most}})
		users, err := o.Users(t.Context())
		check(t, err)
		ids := []string{"nobody"}
		for _, u := range users {
			ids = append(ids, u.AccountID)
		}
		e.ClearLog()
		found, err := o.UsersByID(t.Context(), ids[:120], "platformRoles")
		check(t, err)
		if len(found) != 119 || found[0].PlatformRoles == nil {
			t.Errorf("at most %d: found %d of 119", most, len(found))
		}
		if got := len(e.Log()); got != calls {
			t.Errorf("at most %d: %d calls, want %d", most, got, calls)
		}
	}
}

// TestOddAnswers has members and values that no document has, and lacks others.
func TestOddAnswers(t *testing.T) {
	e := emulator.New(emulator.Options{Users: 9, Groups: 3, Seed: 1, Now: beforeTheEnd, Organization: emulator.OrganizationOptions{Odd: true}})
	base := newServer(t, e)
	o := scopedOrganizationAt(t, base, atlassian.Config{})
	users, err := o.Users(t.Context())
	if err != nil || len(users) != 15 {
		t.Errorf("%d accounts, %v", len(users), err)
	}
	groups, err := o.SearchGroups(t.Context(), atlassian.GroupSearch{})
	if err != nil || len(groups.Groups) != 5 || groups.Next != "" || !groups.Groups[0].Writable() {
		t.Errorf("got %+v, %v", groups, err)
	}
	for range 4 {
		_, err = o.SearchUsers(t.Context(), atlassian.UserSearch{Limit: 1})
		check(t, err)
	}
	e.Advance(time.Minute)
	page, err := o.Events(t.Context(), atlassian.EventQuery{})
	if err != nil || len(page.Events) != 5 {
		t.Errorf("got %+v, %v", page, err)
	}
}

// TestEventRequests has the query of each request for events.
func TestEventRequests(t *testing.T) {
	var got []string
	server := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.URL.RawQuery)
		io.WriteString(w, `{"data":[],"meta":{"next":null,"page_size":200,"total":0},"links":{}}`)
	}))
	o := organizationAt(t, server)
	for _, query := range []atlassian.EventQuery{
		{}, {From: time.UnixMilli(1764590400123)}, {Cursor: "a+b", From: time.UnixMilli(1), Limit: 500},
	} {
		page, err := o.Events(t.Context(), query)
		if err != nil || len(page.Events) != 0 || page.Next != "" {
			t.Errorf("got %+v, %v", page, err)
		}
	}
	if diff := cmp.Diff([]string{"", "from=1764590400123", "cursor=a%2Bb&limit=500"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, body := range []string{`{}`, `{"data":[]}`, `{"meta":{}}`, `{"data":null,"meta":{}}`} {
		_, err := organizationAt(t, newServer(t, answer(200, body))).Events(t.Context(), atlassian.EventQuery{})
		refused(t, err, atlassian.Garbled)
	}
}

func TestAuditRecords(t *testing.T) {
	base := newServer(t, emulator.New(emulator.Options{Users: 3, Projects: 1, Seed: 1, Now: beforeTheEnd}))
	j := jiraAt(t, base, atlassian.Config{Transport: newJudge(t, jiraContract), MaxRetries: -1})
	me, err := j.Myself(t.Context())
	check(t, err)
	roles, err := j.ProjectRoles(t.Context(), "ENG")
	check(t, err)
	for range 2 {
		_, err = j.AddActor(t.Context(), "ENG", roles["Viewer"], atlassian.ActorID{AccountID: me.AccountID})
		check(t, err)
		check(t, j.RemoveActor(t.Context(), "ENG", roles["Viewer"], atlassian.ActorID{AccountID: me.AccountID}))
	}
	page, err := j.AuditRecords(t.Context(), atlassian.AuditQuery{From: beforeTheEnd(), To: beforeTheEnd().Add(time.Minute), Filter: "roles", Offset: 1, Limit: 2})
	check(t, err)
	text, _ := json.Marshal(page.Records)
	if len(page.Records) != 2 || page.Total != 4 || page.Records[0].ID != 3 || !page.Records[0].Created.Equal(beforeTheEnd()) {
		t.Errorf("of %d: %s", page.Total, text)
	}
	if got := fmt.Sprint(page.Records[0].Hint().Projects); got != "[10000]" {
		t.Errorf("the record points to the projects %s", got)
	}
}

// TestSmallPages has an organization whose searches give fewer accounts at once than we ask for.
func TestSmallPages(t *testing.T) {
	e, o := organization(t, emulator.Options{Users: 120, Seed: 1, Organization: emulator.OrganizationOptions{MaxLimit: 50}})
	for _, want := range []int{5, 4} { // one that is refused, pages, and count
		e.ClearLog()
		users, err := o.Users(t.Context())
		if err != nil || len(users) != 126 || len(e.Log()) != want {
			t.Errorf("%d accounts, %v, %d calls; want 126, %d calls", len(users), err, len(e.Log()), want)
		}
	}
}
