package feed_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim/feed"
	"scim-atlassian/scim/state"
)

// fixture is a feed of an emulated organization, and its users.
type fixture struct {
	*testing.T
	emulator *emulator.Emulator
	url      string
	cfg      feed.Config
	feed     *feed.Feed
	users    []*atlassian.User
	told     []feed.Hints
	fails    error // of Hinted
}

func newFixture(t *testing.T, options emulator.Options) *fixture {
	t.Helper()
	options.Users, options.Groups, options.Projects, options.Seed = 20, 4, 2, 1
	f := &fixture{T: t, emulator: emulator.New(options)}
	srv := httptest.NewServer(generous(f.emulator))
	t.Cleanup(srv.Close)
	f.url = srv.URL
	clients := atlassian.Config{MaxRetries: -1, MaxRetryWait: time.Second}
	events, err := atlassian.NewOrganization(clients, f.url, emulator.OrganizationID, emulator.ScopedKey)
	if err != nil {
		t.Fatal(err)
	}
	jira, err := atlassian.NewJira(clients, f.url, emulator.AdminEmail, emulator.APIToken)
	if err != nil {
		t.Fatal(err)
	}
	directory, err := atlassian.NewDirectory(clients, f.url+"/scim/directory", emulator.DirectoryID, emulator.DirectoryKey)
	if err != nil {
		t.Fatal(err)
	}
	page, err := directory.Users(t.Context(), atlassian.ListOptions{Count: 100})
	if err != nil {
		t.Fatal(err)
	}
	f.users = page.Resources
	store, err := state.Open(t.Context(), "memory", state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	f.emulator.Advance(24 * time.Hour) // past the events of the sample data
	f.cfg = feed.Config{Events: events, Jira: jira, State: store, Interval: 30 * time.Second, Now: f.emulator.Now}
	f.cfg.Hinted = func(_ context.Context, h feed.Hints) error {
		if f.fails == nil {
			f.told = append(f.told, h)
		}
		return f.fails
	}
	f.restart()
	f.feed.Poll(t.Context()) // some have no logs
	f.emulator.ClearLog()
	return f
}

// generous lets tests poll more often than the 50 times a minute that Atlassian documents.
func generous(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-RateLimit-Limit", "100000")
		w.Header().Set("X-RateLimit-Remaining", "100000")
		h.ServeHTTP(w, r)
	})
}

// restart begins with what the state has.
func (f *fixture) restart() { f.feed = feed.New(f.cfg) }

func (f *fixture) account(i int) string { return f.users[i].Atlassian.AtlassianAccountID }

// send makes a change behind the feed's back, which the log shows a little later.
func (f *fixture) send(method, path, key, body string) {
	f.Helper()
	r, err := http.NewRequestWithContext(f.Context(), method, f.url+path, strings.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	if r.Header.Set("Authorization", "Bearer "+key); key == "" {
		r.SetBasicAuth(emulator.AdminEmail, emulator.APIToken)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		f.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		text, _ := io.ReadAll(answer.Body)
		f.Fatalf("%s %s: %d %s", method, path, answer.StatusCode, text)
	}
	f.emulator.Advance(10 * time.Millisecond) // changes have times of their own
}

// rename changes a user, as an identity provider does.
func (f *fixture) rename(i int) {
	f.Helper()
	body := fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"title","value":"%d"}]}`, rand.Int())
	f.send(http.MethodPatch, "/scim/directory/"+emulator.DirectoryID+"/Users/"+f.users[i].ID, emulator.DirectoryKey, body)
}

// grant gives somebody a role in a project.
func (f *fixture) grant(project string, account string) {
	f.Helper()
	f.send(http.MethodPost, "/rest/api/3/project/"+project+"/role/10002", "", `{"user":["`+account+`"]}`)
}

// poll polls a little later and returns what was hinted at.
func (f *fixture) poll() feed.Hints {
	f.Helper()
	f.told = nil
	f.emulator.Advance(5 * time.Second)
	if err := f.feed.Poll(f.Context()); err != nil && f.fails == nil {
		f.Error(err)
	}
	var all feed.Hints
	for _, h := range f.told {
		all.Accounts, all.Emails = append(all.Accounts, h.Accounts...), append(all.Emails, h.Emails...)
		all.Groups, all.GroupNames = append(all.Groups, h.Groups...), append(all.GroupNames, h.GroupNames...)
		all.Projects = append(all.Projects, h.Projects...)
		all.SomeAccount, all.SomeGroup, all.SomeProject = all.SomeAccount || h.SomeAccount, all.SomeGroup || h.SomeGroup, all.SomeProject || h.SomeProject
	}
	return all
}

func (f *fixture) want(got, want feed.Hints) {
	f.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.SortSlices(strings.Compare)); diff != "" {
		f.Errorf("hints (-want +got):\n%s", diff)
	}
}

// calls counts the requests since the last time.
func (f *fixture) calls(part string) (n int) {
	for _, r := range f.emulator.Log() {
		if strings.Contains(r.Path, part) {
			n++
		}
	}
	return n
}

// ends are the ways in which the stream may end.
func ends(t *testing.T, test func(t *testing.T, events emulator.EventOptions)) {
	t.Run("cursor", func(t *testing.T) { test(t, emulator.EventOptions{}) })
	t.Run("null", func(t *testing.T) { test(t, emulator.EventOptions{NullEnd: true}) })
	t.Run("null, exclusive", func(t *testing.T) { test(t, emulator.EventOptions{NullEnd: true, FromExclusive: true}) })
}

func organization(events emulator.EventOptions) emulator.Options {
	return emulator.Options{Organization: emulator.OrganizationOptions{Events: events}}
}

func TestHints(t *testing.T) {
	ends(t, func(t *testing.T, events emulator.EventOptions) {
		f := newFixture(t, organization(events))
		f.want(f.poll(), feed.Hints{})
		f.rename(3)
		f.rename(5)
		f.rename(3)
		f.grant("10001", f.account(2))
		f.want(f.poll(), feed.Hints{Accounts: []string{f.account(3), f.account(5)}, Projects: []string{"10001"}})
		for range 5 {
			f.emulator.Advance(time.Minute)
			f.want(f.poll(), feed.Hints{})
		}
	})
}

// The stream names what it is about in many ways.
func TestOddEvents(t *testing.T) {
	ends(t, func(t *testing.T, events emulator.EventOptions) {
		events.WithoutIDs, events.Faults.Double = true, 1
		f := newFixture(t, organization(events))
		f.rename(3)
		f.want(f.poll(), feed.Hints{Emails: []string{f.users[3].Emails[0].Value}})
		f.emulator.Advance(10 * time.Minute)
		f.want(f.poll(), feed.Hints{})
	})
}

// What comes late is hinted at when it comes, once.
func TestLateEvents(t *testing.T) {
	ends(t, func(t *testing.T, events emulator.EventOptions) {
		events.Faults.Late, events.Faults.LateBy = 0.5, time.Hour
		f := newFixture(t, organization(events))
		times := map[string]int{}
		for range 15 { // a client asks for no more than 50 polls a minute
			for i := range f.users {
				if rand.N(8) == 0 && times[f.account(i)] == 0 {
					f.rename(i)
				}
			}
			f.emulator.Advance(6 * time.Minute)
			for _, a := range f.poll().Accounts {
				times[a]++
			}
		}
		for i := range f.users {
			if times[f.account(i)] == 0 {
				f.rename(i)
			}
		}
		f.emulator.Advance(time.Hour)
		for _, a := range f.poll().Accounts {
			times[a]++
		}
		if len(times) != len(f.users) {
			t.Errorf("%d of %d changes were hinted at", len(times), len(f.users))
		}
	})
}

// Many pages cost as many calls, and are told at once.
func TestManyEvents(t *testing.T) {
	ends(t, func(t *testing.T, events emulator.EventOptions) {
		f := newFixture(t, organization(events))
		for range 30 {
			for i := range f.users {
				f.rename(i)
			}
		}
		f.emulator.ClearLog()
		if got := f.poll(); len(got.Accounts) != len(f.users) || len(f.told) != 1 {
			t.Errorf("%d accounts in %d calls of Hinted", len(got.Accounts), len(f.told))
		}
		if n := f.calls("/events-stream"); n > 4 { // 600 events by 500, and the end
			t.Errorf("%d calls", n)
		}
		f.want(f.poll(), feed.Hints{})
	})
}

// A cursor that expires, a process that ends and hints that cannot be acted on lose nothing.
func TestNothingIsLost(t *testing.T) {
	ends(t, func(t *testing.T, events emulator.EventOptions) {
		events.CursorTTL = time.Minute
		f := newFixture(t, organization(events))
		f.emulator.Advance(time.Hour)
		f.rename(1)
		f.want(f.poll(), feed.Hints{Accounts: []string{f.account(1)}})
		f.rename(2)
		f.restart()
		if got := f.poll(); !slices.Contains(got.Accounts, f.account(2)) {
			t.Errorf("after a restart: %v", got)
		}
		f.rename(3)
		f.fails = errors.New("not now")
		f.want(f.poll(), feed.Hints{})
		f.fails = nil
		f.restart()
		if got := f.poll(); !slices.Contains(got.Accounts, f.account(3)) {
			t.Errorf("after a failure and a restart: %v", got)
		}
		f.rename(4)
		f.fails = errors.New("not now")
		f.poll()
		f.fails = nil
		f.emulator.Advance(time.Minute)
		if got := f.poll(); !slices.Contains(got.Accounts, f.account(4)) {
			t.Errorf("after a failure: %v", got)
		}
	})
}

// A stream that fails in the middle is read on from there.
func TestFailures(t *testing.T) {
	f := newFixture(t, organization(emulator.EventOptions{}))
	for range 30 {
		for i := range f.users {
			f.rename(i)
		}
	}
	f.grant("10001", f.account(2))
	faults, err := emulator.ParseFaults("path=/admin/ every=2 status=503\npath=/rest/api/3/auditing status=500 times=1")
	if err != nil {
		t.Fatal(err)
	}
	f.emulator.SetFaults(faults)
	ctx := t.Context()
	f.emulator.Advance(time.Second)
	if err := f.feed.Poll(ctx); atlassian.KindOf(err) != atlassian.Unavailable {
		t.Error(err)
	}
	for _, log := range f.feed.Stats().Logs {
		if log.State != feed.Failing {
			t.Errorf("%s is %s", log.Name, log.State)
		}
	}
	f.emulator.ClearLog()
	if err := f.feed.Poll(ctx); err != nil || len(f.emulator.Log()) != 0 { // it rests
		t.Error(err, f.emulator.Log())
	}
	f.emulator.SetFaults(nil)
	f.emulator.Advance(time.Minute)
	if got := f.poll(); !slices.Equal(got.Projects, []string{"10001"}) || len(got.Accounts) != len(f.users) {
		t.Errorf("%v", got)
	}
}

// An empty stream says nothing. Jira's records then tell of people too.
func TestSilence(t *testing.T) {
	f := newFixture(t, organization(emulator.EventOptions{NoFeed: true}))
	f.rename(3)
	f.feed.Wrote(feed.Write{Kind: feed.Users, Account: f.account(3)})
	f.want(f.poll(), feed.Hints{Accounts: []string{f.account(3)}})
	stats := f.feed.Stats()
	if stats.Logs[0].State != feed.Silent || stats.Logs[1].State != feed.Living {
		t.Errorf("%+v", stats.Logs)
	}
	if at, _ := f.feed.Trusted(feed.Users); at.IsZero() {
		t.Error("Jira told of the write")
	}
	f.cfg.Jira = nil
	f.restart()
	f.poll()
	f.feed.Wrote(feed.Write{Kind: feed.Users, Account: f.account(4)})
	f.emulator.Advance(11 * time.Minute)
	f.poll()
	if got := f.feed.Stats().Carried[feed.Users]; got != feed.No {
		t.Errorf("carried is %s", got)
	}
}

// A plan without an audit log is asked once an hour.
func TestRefusal(t *testing.T) {
	f := newFixture(t, emulator.Options{Jira: emulator.JiraOptions{FreePlan: true}})
	f.feed = feed.New(f.cfg)
	for range 20 {
		f.emulator.Advance(time.Minute)
		f.feed.Poll(t.Context())
	}
	if n := f.calls("/auditing/record"); n != 1 {
		t.Errorf("%d calls", n)
	}
	if got := f.feed.Stats().Logs[1].State; got != feed.Refused {
		t.Errorf("the log is %s", got)
	}
}

func TestTrust(t *testing.T) {
	f := newFixture(t, organization(emulator.EventOptions{Silent: []string{"group_created"}}))
	carried := func(want map[feed.Kind]feed.Carried) {
		t.Helper()
		if diff := cmp.Diff(want, f.feed.Stats().Carried); diff != "" {
			t.Errorf("carried (-want +got):\n%s", diff)
		}
	}
	carried(map[feed.Kind]feed.Carried{feed.Users: feed.Unknown, feed.Groups: feed.Unknown, feed.Memberships: feed.Unknown, feed.Roles: feed.Unknown})
	f.feed.Wrote(feed.Write{Kind: feed.Users, Account: f.account(1)})
	f.rename(1)
	f.feed.Wrote(feed.Write{Kind: feed.Roles, Project: "10000"})
	f.grant("10000", f.account(3))
	f.feed.Wrote(feed.Write{Kind: feed.Groups, Group: "Fresh"})
	f.feed.Wrote(feed.Write{Kind: feed.Memberships, Group: "Fresh", Account: f.account(2)})
	f.feed.Wrote(feed.Write{Kind: feed.Users}) // no trial: nobody knows the account
	f.send(http.MethodPost, "/scim/directory/"+emulator.DirectoryID+"/Groups", emulator.DirectoryKey,
		`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Fresh","members":[{"value":"`+f.users[2].ID+`"}]}`)
	f.poll()
	carried(map[feed.Kind]feed.Carried{feed.Users: feed.Yes, feed.Groups: feed.Unknown, feed.Memberships: feed.Yes, feed.Roles: feed.Yes})
	f.emulator.Advance(11 * time.Minute)
	f.poll()
	carried(map[feed.Kind]feed.Carried{feed.Users: feed.Yes, feed.Groups: feed.No, feed.Memberships: feed.Yes, feed.Roles: feed.Yes})
	before := f.emulator.Now()
	f.poll()
	if got, _ := f.feed.Trusted(feed.Users); got.Before(before) {
		t.Errorf("users are trusted up to %v, and the poll was after %v", got, before)
	}
	f.restart()
	if err := f.feed.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, _ := f.feed.Trusted(feed.Users); got.Before(before) {
		t.Errorf("after a restart: %v", got)
	}
	f.emulator.Advance(25 * time.Hour)
	f.poll()
	if got, _ := f.feed.Trusted(feed.Users); !got.IsZero() {
		t.Errorf("a log that is silent for a day is trusted up to %v", got)
	}
}

// Unknown actions that name nothing are counted, and reads of people are nothing.
func TestUnknownActions(t *testing.T) {
	f := newFixture(t, organization(emulator.EventOptions{Unknown: true}))
	f.send(http.MethodPost, "/admin/v2/orgs/"+emulator.OrganizationID+"/directories/-/users/search", emulator.OrganizationKey, `{}`)
	f.want(f.poll(), feed.Hints{})
	if got := f.feed.Stats(); len(got.Unknown) != 0 {
		t.Errorf("unknown: %v", got.Unknown)
	}
}

// Idle logs cost one call an interval, a part of them Jira's, and somebody who calls is heard.
func TestRun(t *testing.T) {
	f := newFixture(t, organization(emulator.EventOptions{}))
	f.cfg.Interval = 5 * time.Millisecond
	f.restart()
	f.emulator.ClearLog()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); f.feed.Run(ctx) }()
	for f.calls("/auditing/record") < 5 {
		time.Sleep(time.Millisecond)
	}
	stop()
	<-done
	events, records := f.calls("/events-stream"), f.calls("/auditing/record")
	if events < 2*records || events > 4*records {
		t.Errorf("%d polls of the stream, %d of the records", events, records)
	}
	f.cfg.Interval = time.Hour
	f.restart()
	ctx, stop = context.WithCancel(t.Context())
	done = make(chan struct{})
	f.emulator.ClearLog()
	f.feed.Wake()
	f.feed.Wake()
	go func() { defer close(done); f.feed.Run(ctx) }()
	for f.calls("/auditing/record") == 0 {
		time.Sleep(time.Millisecond)
	}
	stop()
	<-done
}

// Of several processes that share a state, one polls, and another goes on when it has left.
func TestReplicas(t *testing.T) {
	f := newFixture(t, organization(emulator.EventOptions{}))
	store, err := state.Open(t.Context(), "file:"+t.TempDir()+"/state.db", state.Options{Now: f.emulator.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	f.cfg.State = store
	first, second := feed.New(f.cfg), feed.New(f.cfg)
	ctx, leave := context.WithCancel(t.Context())
	if err := first.Poll(ctx); err != nil {
		t.Fatal(err)
	}
	f.emulator.ClearLog()
	if err := second.Poll(ctx); err != nil || len(f.emulator.Log()) != 0 {
		t.Errorf("%v, %v", err, f.emulator.Log())
	}
	leave()
	first.Run(ctx)
	f.rename(3)
	f.feed = second
	f.want(f.poll(), feed.Hints{Accounts: []string{f.account(3)}})
}
