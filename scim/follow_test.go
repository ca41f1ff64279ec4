package scim_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

	others bool // accounts that the directory does not have are served
	shared bool // by other processes
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
	options := state.Options{Exclusive: time.Second, Now: f.emulator.Now}
	if f.shared {
		options.Exclusive = 0
	}
	var err error
	if f.store, err = state.Open(t.Context(), f.place, options); err != nil {
		t.Fatal(err)
	}
	store := f.store
	t.Cleanup(func() { store.Close() })
	events, err := atlassian.NewOrganization(atlassian.Config{Transport: generous{}}, f.root, emulator.OrganizationID, emulator.ScopedKey)
	if err != nil {
		t.Fatal(err)
	}
	organization, err := atlassian.NewOrganization(f.clients, f.root, emulator.OrganizationID, emulator.OrganizationKey)
	if err != nil {
		t.Fatal(err)
	}
	if !f.others {
		organization = nil
	}
	fresh := bearer("fresh", auth.Read)
	fresh.Freshness = "1m"
	f.serve(t, scim.Config{Organization: organization, Callers: []auth.Caller{bearer("kept", auth.Write), fresh}, SnapshotTTL: time.Minute, State: f.store, PublicURL: "https://facade.example",
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

// count counts the calls to paths with a part.
func count(calls []string, part string) (n int) {
	for _, call := range calls {
		if strings.Contains(call, part) {
			n++
		}
	}
	return n
}

// prove has the feed see own writes of every kind.
func (f *following) prove(t *testing.T, user, other, group string) {
	t.Helper()
	f.do(t, http.MethodPatch, "/Users/"+user, patchBody("replace", "displayName", `"Proof"`))
	f.do(t, http.MethodPatch, "/Groups/"+group, patchBody("add", "members", `[{"value":"`+other+`"}]`))
	f.do(t, http.MethodPost, "/Groups", `{"schemas":["`+coreGroup+`"],"displayName":"Proof"}`)
	if !f.others {
		f.do(t, http.MethodPatch, "/Accounts/"+user, patchBody("add", "entitlements", `[{"value":"role-10000-10002"}]`))
	}
	f.poll(t)
	stats, _ := f.server.Feed()
	for _, kind := range feed.Kinds {
		if stats.Carried[kind] != feed.Yes && !(f.others && kind == feed.Roles) {
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
			if len(calls) > 11 { // two for each log, one for each user, group and end of a list
				t.Errorf("%d calls: %q", len(calls), calls)
			}
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

// TestHintPrices holds what changes by others cost: k+2 calls for k users, a group and who joined it, a project and its
// roles; and that a restart costs nothing and loses nothing.
func TestHintPrices(t *testing.T) {
	f := newFollowing(t, emulator.Options{Users: 3000, Groups: 12, Projects: 2, Seed: 2})
	ids := f.find(t, "/Users", "emails pr").ids()
	groups := f.find(t, "/Groups", "displayName pr").ids()
	f.find(t, "/Accounts", "entitlements pr")
	f.poll(t)
	group, user := f.outOf(t, groups, ids[100:])
	f.prove(t, ids[1], user, group)
	f.pass(time.Minute)
	f.poll(t)
	f.find(t, "/Users", "emails pr")

	for _, id := range ids[200:220] {
		f.direct(t, http.MethodPatch, "/Users/"+id, patchBody("replace", "title", `"Changed"`))
	}
	f.start(t)
	if calls := f.poll(t); count(calls, "/Users") != 20 || count(calls, "/events-stream") > 2 {
		t.Errorf("20 users: %d calls", len(calls))
	}
	f.pass(40 * time.Second)
	f.poll(t)
	f.find(t, "/Users", `title eq "Changed"`).want(t, "20 users", 0, 20)

	group, user = f.outOf(t, groups, ids[300:])
	f.direct(t, http.MethodPatch, "/Groups/"+group, patchBody("add", "members", `[{"value":"`+user+`"}]`))
	if calls := f.poll(t); count(calls, "/Users") != 1 || count(calls, "/Groups") != 1 {
		t.Errorf("a membership: %q", calls)
	}
	f.find(t, "/Users", `emails pr and groups.value eq "`+group+`" and id eq "`+user+`"`)

	account := f.account(t, "/Users/"+ids[5])
	f.jira(t, "/rest/api/3/project/10001/role/10002", `{"user":["`+account+`"]}`)
	calls := f.poll(t)
	if roles := count(calls, "/project/10001/role"); roles < 2 || roles != count(calls, "/role") {
		t.Errorf("a role: %q", calls)
	}
	f.find(t, "/Accounts", `entitlements.value eq "role-10001-10002"`).want(t, "a role of somebody", 0, 1)
}

// TestOtherAccounts has an account change that the directory does not have.
func TestOtherAccounts(t *testing.T) {
	f := newFollowing(t, emulator.Options{Users: 320, Groups: 4, Seed: 2})
	f.others = true
	f.start(t)
	ids := f.find(t, "/Users", "emails pr").ids()
	group, user := f.outOf(t, f.find(t, "/Groups", "displayName pr").ids(), ids[10:])
	f.poll(t)
	f.prove(t, ids[1], user, group)
	f.pass(time.Minute)
	f.poll(t)
	inactive := f.find(t, "/Accounts", "active eq false", "count", "1000", "attributes", "userName")
	r := newRequest(t, http.MethodPost, f.root+"/users/"+f.named(t, "bridget.local@demo.example")+"/manage/lifecycle/disable", `{}`)
	r.Header.Set("Authorization", "Bearer "+emulator.OrganizationKey)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode >= 300 {
		t.Fatal(answer.Status)
	}
	for range 3 {
		f.pass(40 * time.Second)
		if calls := f.poll(t); count(calls, "/search") > 1 || len(calls) > 5 {
			t.Errorf("%q", calls)
		}
	}
	f.find(t, "/Accounts", "active eq false", "count", "1000", "attributes", "userName").want(t, "one more is inactive", 0, inactive.TotalResults+1)
}

// named returns the id of the account with a name.
func (f *following) named(t *testing.T, name string) string {
	t.Helper()
	found := f.find(t, "/Accounts", `userName eq "`+name+`"`)
	if len(found.Resources) != 1 {
		t.Fatalf("%d accounts are %s", len(found.Resources), name)
	}
	return found.ids()[0]
}

// TestReplicasFollow has one of two processes poll, and both know what it hears.
func TestReplicasFollow(t *testing.T) {
	f := newFollowing(t, emulator.Options{Users: 320, Groups: 4, Seed: 2})
	f.place, f.shared = "file:"+filepath.Join(t.TempDir(), "shared.db"), true
	f.start(t)
	first := f.kept.replica()
	f.store = nil // both stay
	f.start(t)
	second := f.kept.replica()
	polls := func() {
		t.Helper()
		f.pass(5 * time.Second)
		for _, r := range []replica{first, second} {
			if err := r.server.Poll(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	polls()
	f.base = first.base
	ids := f.find(t, "/Users", "emails pr").ids()
	group, user := f.outOf(t, f.find(t, "/Groups", "displayName pr").ids(), ids[10:])
	f.do(t, http.MethodPatch, "/Users/"+ids[1], patchBody("replace", "displayName", `"Proof"`))
	f.do(t, http.MethodPatch, "/Groups/"+group, patchBody("add", "members", `[{"value":"`+user+`"}]`))
	polls()
	f.direct(t, http.MethodPatch, "/Users/"+ids[7], patchBody("replace", "title", `"Changed"`))
	for range 4 {
		f.pass(35 * time.Second)
		polls()
	}
	for _, r := range []replica{first, second} {
		f.base = r.base
		f.find(t, "/Users", `title eq "Changed"`).want(t, r.base, 0, 1)
	}
}

// replica is one of several servers of a test.
type replica struct {
	server *scim.Server
	base   string
}

func (k *kept) replica() replica { return replica{k.server, k.base} }

// TestFreshnessCountsTheFeed has a caller who wants lists of a minute at most: what a
// trusted log was asked for is that fresh, and what nobody asked is not.
func TestFreshnessCountsTheFeed(t *testing.T) {
	f := newFollowing(t, emulator.Options{Users: 320, Groups: 12, Projects: 1, Seed: 2})
	f.start(t)
	ids := f.find(t, "/Users", "emails pr").ids()
	group, user := f.outOf(t, f.find(t, "/Groups", "displayName pr").ids(), ids[10:])
	f.poll(t)
	f.prove(t, ids[1], user, group)
	f.pass(2 * time.Minute)
	f.find(t, "/Users", "emails pr") // a reading since which the log is trusted
	asked := func() string {
		_, header := bearerRequest(t, http.MethodGet, f.base+"/Users?count=1&attributes=id&filter=emails+pr", "fresh", "")
		return header.Get("X-Upstream-Calls")
	}
	for range 5 {
		f.pass(35 * time.Second)
		f.poll(t)
		if calls := asked(); calls != "0" {
			t.Errorf("after a poll, a list costs %s calls", calls)
		}
	}
	f.pass(70 * time.Second)
	if calls := asked(); calls == "0" {
		t.Error("a list of which nobody has heard for longer is answered as it was")
	}
}

// TestFeedWithoutTrust has the feed bring changes, and save no reading.
func TestFeedWithoutTrust(t *testing.T) {
	f := newFollowing(t, emulator.Options{Users: 320, Groups: 12, Seed: 2})
	f.trust = 0
	f.start(t)
	ids := f.find(t, "/Users", "emails pr").ids()
	f.poll(t)
	f.direct(t, http.MethodPatch, "/Users/"+ids[7], patchBody("replace", "title", `"Changed"`))
	f.poll(t)
	f.find(t, "/Users", `title eq "Changed"`).want(t, "within the minute", 0, 1)
	f.pass(time.Minute)
	f.poll(t)
	f.find(t, "/Users", `title eq "Changed"`).want(t, "after it", 4, 1)
}

// TestWebhook wakes the feed.
func TestWebhook(t *testing.T) {
	f := newFollowing(t, emulator.Options{Users: 20, Seed: 2})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go f.server.Follow(ctx)
	polls := func() (n int) {
		for _, r := range f.emulator.Log() {
			if strings.HasSuffix(r.Path, "/events-stream") {
				n++
			}
		}
		return n
	}
	for polls() == 0 {
		time.Sleep(time.Millisecond)
	}
	base := strings.TrimSuffix(f.base, "/scim/v2")
	for _, test := range []struct {
		token string
		want  int
	}{{"kept", http.StatusAccepted}, {"wrong", http.StatusUnauthorized}} {
		r := newRequest(t, http.MethodPost, base+"/connector/events", `[{"anything": "at all"}]`)
		r.Header.Set("Authorization", "Bearer "+test.token)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != test.want {
			t.Errorf("%s: %s", test.token, answer.Status)
		}
	}
}

// TestDayOfChanges has a day pass in which Atlassian's log loses a tenth of the changes and is late with another, and the
// server starts again now and then. Nothing is deleted that is there, and after the next proof all is as it is.
func TestDayOfChanges(t *testing.T) {
	faults := emulator.EventFaults{Drop: 0.1, Late: 0.1, LateBy: time.Hour, Double: 0.05}
	f := newFollowing(t, emulator.Options{Users: 150, Groups: 6, Seed: 2, Organization: emulator.OrganizationOptions{Events: emulator.EventOptions{Faults: faults}}})
	ids := f.find(t, "/Users", "emails pr").ids()
	groups := f.find(t, "/Groups", "displayName pr").ids()
	gone := map[string]bool{}
	rng := rand.New(rand.NewPCG(1, 2))
	for step := range 72 {
		at := rng.IntN(len(ids))
		switch id := ids[at]; rng.IntN(5) {
		case 0:
			f.direct(t, http.MethodPost, "/Users", userBody(fmt.Sprintf("step%d@demo.example", step)))
		case 1:
			f.direct(t, http.MethodDelete, "/Users/"+id, "")
			gone[id] = true
			ids = slices.Delete(ids, at, at+1)
		case 2:
			f.do(t, http.MethodPatch, "/Users/"+id, patchBody("replace", "displayName", fmt.Sprintf("%q", fmt.Sprint("Own ", step))))
		case 3:
			f.direct(t, http.MethodPatch, "/Groups/"+groups[rng.IntN(len(groups))], patchBody("add", "members", `[{"value":"`+id+`"}]`))
		default:
			f.direct(t, http.MethodPatch, "/Users/"+id, patchBody("replace", "title", fmt.Sprint(`"`, step, `"`)))
		}
		f.pass(20 * time.Minute)
		f.poll(t)
		if step%10 == 5 {
			f.start(t)
		}
		if step%3 == 0 {
			f.find(t, "/Users", "emails pr")
		}
	}
	f.pass(25 * time.Hour) // longer than the feed is trusted for
	proven := f.find(t, "/Users", "emails pr", "count", "1000")
	changes, err := f.store.Changes(t.Context(), 0, 1<<60, []string{"User"}, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	deleted := 0
	for _, c := range changes {
		if c.Op == state.Delete {
			if deleted++; !gone[c.ID] {
				t.Errorf("%s was not deleted", c.ID)
			}
		}
	}
	if deleted == 0 || deleted != len(gone) {
		t.Errorf("the log has %d of %d deletions", deleted, len(gone))
	}
	f.trust = 0
	f.place = "memory"
	f.start(t)
	if diff := cmp.Diff(shapes(f.find(t, "/Users", "emails pr", "count", "1000")), shapes(proven)); diff != "" {
		t.Errorf("users (-there +in the copy):\n%s", diff)
	}
}

// shapes are users without what the server adds.
func shapes(l listed) map[string]any {
	all := map[string]any{}
	for _, r := range l.Resources {
		delete(r, "meta")
		all[r["id"].(string)] = r
	}
	return all
}

// account returns the id of the account of a user.
func (f *following) account(t *testing.T, path string) string {
	t.Helper()
	doc, _ := f.do(t, http.MethodGet, path, "")
	extension, _ := doc[atlassian.ExternalSchema].(map[string]any)
	account, _ := extension["atlassianAccountId"].(string)
	return account
}

// jira posts to Jira itself.
func (f *following) jira(t *testing.T, path, body string) {
	t.Helper()
	r := newRequest(t, http.MethodPost, f.root+path, body)
	r.SetBasicAuth(emulator.AdminEmail, emulator.APIToken)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatal(answer.Status)
	}
}
