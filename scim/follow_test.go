package scim_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/feed"
	"scim-atlassian/scim/state"
)

// following is a server that follows the logs of an emulated organization, on one
// clock with it.
type following struct {
	*kept
	place string
	store *state.Store
	trust time.Duration
}

func newFollowing(t *testing.T, options emulator.Options) *following {
	f := &following{kept: newKept(t, options, atlassian.Config{MaxConcurrent: 1}), place: "file:" + filepath.Join(t.TempDir(), "state.db"), trust: 24 * time.Hour}
	f.pass(24 * time.Hour) // the sample data is of yesterday
	f.start(t)
	return f
}

// generous lets tests poll more often than the 50 times a minute that Atlassian documents.
type generous struct{}

func (generous) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		answer.Header.Set("X-RateLimit-Limit", "100000")
		answer.Header.Set("X-RateLimit-Remaining", "100000")
	}
	return answer, err
}

// pass lets time go by.
func (f *following) pass(d time.Duration) { f.emulator.Advance(d) }

// start ends the process, so to say, and begins another one.
func (f *following) start(t *testing.T) {
	t.Helper()
	if f.store != nil {
		if err := f.store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if f.store, err = state.Open(t.Context(), f.place, state.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.store.Close() })
	events, err := atlassian.NewOrganization(atlassian.Config{Transport: generous{}}, f.root, emulator.OrganizationID, emulator.ScopedKey)
	if err != nil {
		t.Fatal(err)
	}
	f.serve(t, scim.Config{Callers: []auth.Caller{bearer("kept", auth.Write)}, SnapshotTTL: time.Minute, State: f.store, PublicURL: "https://facade.example",
		Events: events, FeedInterval: 30 * time.Second, FeedTrust: f.trust, Now: f.emulator.Now})
}

// poll polls a little later, and returns the calls that it took.
func (f *following) poll(t *testing.T) (calls []string) {
	t.Helper()
	f.pass(5 * time.Second)
	f.emulator.ClearLog()
	if err := f.server.Poll(t.Context()); err != nil {
		t.Error(err)
	}
	for _, r := range f.emulator.Log() {
		calls = append(calls, r.Method+" "+r.Path)
	}
	return calls
}

// prove has the feed see own writes of every kind.
func (f *following) prove(t *testing.T, user, other, group string) {
	t.Helper()
	f.do(t, http.MethodPatch, "/Users/"+user, patchBody("replace", "displayName", `"Proof"`))
	f.do(t, http.MethodPatch, "/Groups/"+group, patchBody("add", "members", `[{"value":"`+other+`"}]`))
	f.do(t, http.MethodPost, "/Groups", `{"schemas":["`+coreGroup+`"],"displayName":"Proof"}`)
	f.do(t, http.MethodPatch, "/Accounts/"+user, patchBody("add", "entitlements", `[{"value":"role-10000-10002"}]`))
	f.poll(t)
	stats, _ := f.server.Feed()
	for _, kind := range feed.Kinds {
		if stats.Carried[kind] != feed.Yes {
			t.Errorf("%s: carried is %s", kind, stats.Carried[kind])
		}
	}
}

// outOf returns a group and a user who is not in it.
func (f *following) outOf(t *testing.T, groups, ids []string) (group, user string) {
	t.Helper()
	for _, group := range groups {
		doc, _ := f.do(t, http.MethodGet, "/Groups/"+group, "")
		members := fmt.Sprint(doc["members"])
		if at := slices.IndexFunc(ids, func(id string) bool { return !strings.Contains(members, id) }); at >= 0 {
			return group, ids[at]
		}
	}
	t.Fatal("everybody is in every group")
	return "", ""
}

// TestChangesOfOthers has others change users, groups and roles behind the server's back: the next lists show that without
// a scan, long after the reading of everything, and for the calls that the changes are worth.
func TestChangesOfOthers(t *testing.T) {
	for name, events := range map[string]emulator.EventOptions{
		"cursor":        {},
		"null":          {NullEnd: true},
		"doubled, late": {Faults: emulator.EventFaults{Double: 0.5, Late: 0.5, LateBy: 20 * time.Second}},
		"without ids":   {WithoutIDs: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFollowing(t, emulator.Options{Users: 420, Groups: 6, Projects: 2, Seed: 2, Organization: emulator.OrganizationOptions{Events: events}})
			ids := f.find(t, "/Users", "emails pr").ids()
			groups := f.find(t, "/Groups", "displayName pr").ids()
			f.poll(t)
			group, user := f.outOf(t, groups, ids[10:])
			f.prove(t, ids[1], user, group)
			f.pass(time.Minute)
			f.poll(t)
			f.find(t, "/Users", "emails pr")
			f.find(t, "/Groups", "displayName pr")
			f.find(t, "/Accounts", "entitlements pr")

			group, joins := f.outOf(t, groups, ids[20:])
			changes := []func(){
				func() { f.direct(t, http.MethodPatch, "/Users/"+ids[7], patchBody("replace", "title", `"Changed"`)) },
				func() { f.direct(t, http.MethodPatch, "/Users/"+ids[8], patchBody("replace", "title", `"Changed"`)) },
				func() { f.direct(t, http.MethodDelete, "/Users/"+ids[9], "") },
				func() { f.direct(t, http.MethodPost, "/Users", userBody("elsewhere@demo.example")) },
				func() {
					f.direct(t, http.MethodPatch, "/Groups/"+group, patchBody("add", "members", `[{"value":"`+joins+`"}]`))
				},
			}
			for _, change := range changes {
				change()
				f.pass(10 * time.Millisecond)
			}
			f.pass(30 * time.Second)
			calls := f.poll(t)
			t.Logf("%d calls: %q", len(calls), calls)
			for range 4 { // long after the minute for which a reading is kept
				f.pass(40 * time.Second)
				if calls := f.poll(t); len(calls) > 2 {
					t.Errorf("an idle poll: %q", calls)
				}
			}
			f.find(t, "/Users", `title eq "Changed"`).want(t, "changed", 0, 2)
			f.find(t, "/Users", "emails pr").want(t, "all", 0, 420)
			f.find(t, "/Users", `groups.display pr and id eq "`+joins+`"`)
			if got := f.find(t, "/Groups", `members.value eq "`+joins+`"`); got.calls != 0 || !slices.Contains(got.ids(), group) {
				t.Errorf("%d calls, groups %v", got.calls, got.ids())
			}
		})
	}
}
