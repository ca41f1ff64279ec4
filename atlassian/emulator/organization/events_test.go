package organization_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/atlassian/emulator/tenant"
	"scim-atlassian/atlassian/emulator/tenant/tenanttest"
)

const stream = "/admin/v1/orgs/" + tenant.OrganizationID + "/events-stream"

func scoped(r *http.Request) { r.Header.Set("Authorization", "Bearer "+tenant.ScopedKey) }

// poll reads the stream from a cursor on, to an empty page or one without a
// cursor, and returns the events and the last cursor.
func (s *client) poll(query, cursor string) (events []map[string]any, last string) {
	s.T.Helper()
	for {
		path := stream + "?" + query
		if cursor != "" {
			path = stream + "?limit=2&cursor=" + url.QueryEscape(cursor)
		}
		page := s.org(200, "GET", path, "", scoped).JSON(s.T)
		data := page["data"].([]any)
		for _, e := range data {
			events = append(events, e.(map[string]any))
		}
		next, more := tenanttest.At(page, "meta|next").(string)
		if !more || len(data) == 0 {
			return events, next
		}
		cursor = next
	}
}

// actions say what happened to whom.
func actions(events []map[string]any) []string {
	var list []string
	for _, e := range events {
		text := tenanttest.At(e, "attributes|action").(string)
		for i := range 2 {
			if name, ok := tenanttest.At(e, fmt.Sprintf("attributes|context|%d|attributes|name", i)).(string); ok {
				text += " " + name
			}
		}
		list = append(list, text)
	}
	return list
}

// site that stands still until it is told.
func newEventSite(t *testing.T, events emulator.EventOptions) (*client, func(time.Duration)) {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	s := newSite(t, emulator.Options{Users: 3, Groups: 1, Projects: 1, Seed: 1, Now: func() time.Time { return now },
		Organization: emulator.OrganizationOptions{Events: events}})
	return s, func(d time.Duration) { now = now.Add(d) }
}

func TestEveryChangeRaisesAnEvent(t *testing.T) {
	s, pass := newEventSite(t, emulator.EventOptions{})
	u := s.Create("/Users", tenanttest.NewUser("new@demo.example"))
	id := u["id"].(string)
	account := tenanttest.At(u, "urn:scim:schemas:extension:atlassian-external:1.0|atlassianAccountId").(string)
	patch := func(path, op, attribute, value string) {
		s.SCIM(200, "PATCH", path, fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":%q,"path":%q,"value":%s}]}`, op, attribute, value))
	}
	patch("/Users/"+id, "replace", "displayName", `"Newcomer"`)
	patch("/Users/"+id, "replace", "displayName", `"Newcomer"`) // no change
	patch("/Users/"+id, "replace", "active", `false`)
	s.org(204, "POST", "/users/"+account+"/manage/lifecycle/enable", "")
	g := s.Create("/Groups", fmt.Sprintf(`{"displayName":"Team","members":[{"value":%q}]}`, id))["id"].(string)
	patch("/Groups/"+g, "replace", "externalId", `"x"`)
	patch("/Groups/"+g, "remove", "members", `[{"value":"`+id+`"}]`)
	patch("/Groups/"+g, "add", "members", `[{"value":"`+id+`"}]`)
	s.SCIM(204, "DELETE", "/Users/"+id, "")
	s.SCIM(204, "DELETE", "/Groups/"+g, "")
	if early, _ := s.poll("", ""); len(early) != 0 {
		t.Errorf("%d events are listed before they are processed", len(early))
	}
	pass(time.Second)
	events, _ := s.poll("", "")
	want := []string{
		"user_created new@demo.example", "user_updated Newcomer", "user_deactivated Newcomer", "user_reactivated Newcomer",
		"group_created Team", "group_member_added Newcomer Team", "group_updated Team",
		"group_member_removed Newcomer Team", "group_member_added Newcomer Team",
		"group_member_removed Newcomer Team", "user_removed Newcomer", "group_deleted Team",
	}
	if diff := cmp.Diff(want, actions(events)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for path, want := range map[string]any{
		"attributes|actor|auth|tokenLabel": "organization-key", "attributes|context|0|id": account, "attributes|context|0|type": "users",
		"attributes|time": "2026-12-01T12:00:00.000Z", "attributes|processedAt": "2026-12-01T12:00:01.000Z", "type": "events",
		"attributes|container|0|type": "organization",
	} {
		if got := tenanttest.At(events[3], path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	if tenanttest.At(events[0], "attributes|actor|auth") != nil {
		t.Error("a change from the directory has a token")
	}
	listed := string(s.org(200, "GET", strings.TrimSuffix(stream, "s-stream")+"-actions", "", scoped).Body)
	for _, e := range events {
		if action := tenanttest.At(e, "attributes|action").(string); !strings.Contains(listed, strconv.Quote(action)) {
			t.Errorf("%s is not among the actions", action)
		}
	}
}

func TestStreamEnds(t *testing.T) {
	for _, null := range []bool{false, true} {
		s, pass := newEventSite(t, emulator.EventOptions{NullEnd: null})
		for i := range 5 {
			s.Create("/Users", tenanttest.NewUser(fmt.Sprintf("n%d@demo.example", i)))
		}
		pass(time.Second)
		events, cursor := s.poll("limit=2", "")
		if len(events) != 5 || (cursor == "") != null {
			t.Errorf("null end %v: %d events, last cursor %q", null, len(events), cursor)
		}
		at, _ := time.Parse(time.RFC3339, tenanttest.At(events[0], "attributes|processedAt").(string))
		if again, _ := s.poll("from="+strconv.FormatInt(at.UnixMilli(), 10), ""); len(again) != 5 {
			t.Errorf("from the millisecond of all: %d events", len(again))
		}
		down := s.org(200, "GET", stream+"?sortOrder=desc&limit=1", "", scoped).JSON(t)
		if tenanttest.At(down, "data|0|id") != events[4]["id"] {
			t.Error("the latest is not the first of those that go down")
		}
		if null {
			continue
		}
		s.Create("/Users", tenanttest.NewUser("late@demo.example"))
		pass(time.Second)
		if more, _ := s.poll("", cursor); len(more) != 1 {
			t.Errorf("the cursor of the end leads to %d events, want 1", len(more))
		}
	}
}

func TestEventFaults(t *testing.T) {
	faults, err := emulator.ParseEventFaults("drop=0.3 late=0.3:1h double=0.3")
	if err != nil || faults.String() != "drop=0.3 late=0.3:1h0m0s double=0.3" {
		t.Fatalf("got %v, %v", faults, err)
	}
	s, pass := newEventSite(t, emulator.EventOptions{Faults: faults, NoReads: true})
	const many = 100
	for i := range many {
		s.Create("/Users", tenanttest.NewUser(fmt.Sprintf("n%d@demo.example", i)))
	}
	pass(time.Second)
	soon, cursor := s.poll("", "")
	pass(time.Hour)
	late, _ := s.poll("", cursor)
	all, _ := s.poll("", "")
	ids, names := map[any]bool{}, map[string]bool{}
	for _, e := range all {
		ids[e["id"]] = true
	}
	for _, name := range actions(all) {
		names[name] = true
	}
	if len(all) != len(soon)+len(late) || len(late) < many/8 {
		t.Errorf("%d events at once, %d late, %d in all", len(soon), len(late), len(all))
	}
	if len(names) < many/2 || len(names) > many-many/8 {
		t.Errorf("%d of %d changes were told", len(names), many)
	}
	if len(ids) == len(all) || len(ids) == len(names) {
		t.Errorf("%d events with %d ids tell of %d changes; want some twice with one id and some with two", len(all), len(ids), len(names))
	}
	for _, wrong := range []string{"drop=2", "late=0.1:soon", "late=0.1:-1h", "lost=0.1", "drop"} {
		if _, err := emulator.ParseEventFaults(wrong); err == nil || !strings.Contains(err.Error(), strconv.Quote(wrong)) {
			t.Errorf("%s: got %v", wrong, err)
		}
	}
}

// TestHostileEvents has one switch at a time, and what comes of a group with a
// new member.
func TestHostileEvents(t *testing.T) {
	const created, added = "group_created Team", "group_member_added "
	tests := []struct {
		name   string
		events emulator.EventOptions
		want   []string // beginnings
	}{
		{"none", emulator.EventOptions{}, []string{created, added}},
		{"silent", emulator.EventOptions{Silent: []string{"group_created"}}, []string{added}},
		{"unknown action", emulator.EventOptions{Unknown: true}, []string{created, "directory_edge_added "}},
		{"one for a group", emulator.EventOptions{Sync: "group"}, []string{created, added + "Team"}},
		{"none from the directory", emulator.EventOptions{Sync: "none"}, []string{created}},
		{"no plan", emulator.EventOptions{NoFeed: true}, nil},
	}
	for _, test := range tests {
		s, pass := newEventSite(t, test.events)
		list := s.SCIM(200, "GET", "/Users", "").JSON(t)
		s.Create("/Groups", fmt.Sprintf(`{"displayName":"Team","members":[{"value":%q}]}`, tenanttest.At(list, "Resources|0|id")))
		pass(time.Second)
		events, _ := s.poll("", "")
		got := actions(events)
		if !slices.EqualFunc(got, test.want, strings.HasPrefix) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
	s, pass := newEventSite(t, emulator.EventOptions{WithoutIDs: true})
	s.Create("/Users", tenanttest.NewUser("a@demo.example"))
	pass(time.Second)
	events, _ := s.poll("", "")
	if tenanttest.At(events[0], "attributes|context|0|id") != nil || tenanttest.At(events[0], "attributes|context|0|attributes|email") != "a@demo.example" {
		t.Errorf("got %v", events[0])
	}
}

func TestReadingRaisesEvents(t *testing.T) {
	for _, options := range []emulator.EventOptions{{}, {NoReads: true}} {
		s, pass := newEventSite(t, options)
		s.search(users, `{}`)
		s.search(groups, `{}`)
		pass(time.Second)
		want := []string{"organization_users_viewed"}
		if options.NoReads {
			want = nil
		}
		events, _ := s.poll("", "")
		if diff := cmp.Diff(want, actions(events)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", options, diff)
		}
	}
}

func TestStreamRefusals(t *testing.T) {
	s, pass := newEventSite(t, emulator.EventOptions{CursorTTL: time.Hour})
	for _, query := range []string{"limit=501", "limit=0", "from=yesterday", "sortOrder=up", "cursor=x"} {
		s.org(400, "GET", stream+"?"+query, "", scoped)
	}
	_, cursor := s.poll("", "")
	pass(2 * time.Hour)
	s.org(400, "GET", stream+"?cursor="+cursor, "", scoped)
	refused, _ := newEventSite(t, emulator.EventOptions{NoFeed: true, NoFeedStatus: 403})
	refused.org(403, "GET", stream, "", scoped)
}

func TestRetention(t *testing.T) {
	s, pass := newEventSite(t, emulator.EventOptions{})
	s.Create("/Users", tenanttest.NewUser("a@demo.example"))
	pass(179 * 24 * time.Hour)
	s.Create("/Users", tenanttest.NewUser("b@demo.example"))
	pass(2 * 24 * time.Hour)
	if events, _ := s.poll("", ""); len(events) != 1 {
		t.Errorf("%d events are remembered, want 1", len(events))
	}
}

func TestKeys(t *testing.T) {
	s := newSite(t, emulator.Options{Users: 3, Seed: 1})
	tests := []struct {
		method, path    string
		free, withScope int
	}{
		{"GET", stream, 403, 200},
		{"POST", users + "/search", 200, 200},
		{"GET", users, 200, 200},
		{"GET", groups + "/count", 200, 200},
		{"POST", "/users/x/manage/lifecycle/enable", 404, 403},
	}
	for _, test := range tests {
		s.org(test.free, test.method, test.path, "")
		s.org(test.withScope, test.method, test.path, "", scoped)
	}
	if body := s.org(403, "POST", "/users/x/manage/lifecycle/enable", "", scoped).Body; !strings.Contains(string(body), "manage:org") {
		t.Errorf("the refusal %s does not name the scope", body)
	}
	for want, edit := range [][]func(*http.Request){{scoped}, {}} {
		if list := s.org(200, "GET", "/admin/v1/orgs", "", edit...).JSON(t)["data"].([]any); len(list) != want {
			t.Errorf("the key sees %d organizations, want %d", len(list), want)
		}
	}
	few := newSite(t, emulator.Options{Organization: emulator.OrganizationOptions{Scopes: []string{"read:groups:admin"}}})
	few.org(403, "GET", stream, "", scoped)
	few.org(200, "GET", groups+"/count", "", scoped)
}

func TestDocumentedLimits(t *testing.T) {
	now := time.Date(2026, 12, 1, 12, 0, 20, 0, time.UTC)
	s := newSite(t, emulator.Options{Now: func() time.Time { return now }, Organization: emulator.OrganizationOptions{DocumentedLimits: true, OtherLimit: 2}})
	for range 50 {
		s.org(200, "GET", stream, "", scoped)
	}
	refused := s.org(429, "GET", stream, "", scoped).Header
	if refused.Get("X-RateLimit-Limit") != "50" || refused.Get("X-RateLimit-Remaining") != "0" || refused.Get("X-RateLimit-Reset") != "2026-12-01T12:01:00Z" {
		t.Errorf("429 with %v", refused)
	}
	if left := s.org(200, "GET", users, "").Header.Get("X-RateLimit-Remaining"); left != "1" {
		t.Errorf("%q are left of 2", left)
	}
	s.org(200, "GET", users, "")
	s.org(429, "GET", users, "")
	now = now.Add(time.Minute)
	s.org(200, "GET", stream, "", scoped)
}
