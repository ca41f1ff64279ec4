package scim_test

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/alarm"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/state"
)

// remembering is a server with a state over an emulated directory, which can be
// started again.
type remembering struct {
	*kept
	place string
	store *state.Store
	// organization makes accounts of the organization accounts here too.
	organization bool
}

func newRemembering(t *testing.T, options emulator.Options) *remembering {
	r := &remembering{kept: newKept(t, options, atlassian.Config{MaxConcurrent: 1}), place: "file:" + filepath.Join(t.TempDir(), "state.db")}
	r.start(t)
	return r
}

// start ends the process, so to say, and begins another one.
func (r *remembering) start(t *testing.T) {
	if r.store != nil {
		if err := r.store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if r.store, err = state.Open(t.Context(), r.place, state.Options{Exclusive: time.Second}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.store.Close() })
	var organization *atlassian.Organization
	if r.organization {
		if organization, err = atlassian.NewOrganization(r.clients, r.root, emulator.OrganizationID, emulator.OrganizationKey); err != nil {
			t.Fatal(err)
		}
	}
	r.serve(t, scim.Config{Organization: organization, Callers: []auth.Caller{bearer("kept", auth.Write)}, SnapshotTTL: time.Minute, State: r.store, PublicURL: "https://facade.example",
		Now: func() time.Time { return time.Now().Add(time.Duration(r.waited.Load())) }})
}

// logged returns the log of a type after a number, one line an entry.
func (r *remembering) logged(t *testing.T, after int64, types ...string) (lines []string, last int64) {
	changes, err := r.store.Changes(context.Background(), after, 1<<60, types, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		line := c.Type + " " + string(c.Op) + " " + c.Source
		for _, name := range c.Names {
			line += " " + name
		}
		lines, last = append(lines, line), c.Seq
	}
	return lines, last
}

// TestLogTakesEveryChange has changes by the server and by others, and holds what the
// log has of them.
func TestLogTakesEveryChange(t *testing.T) {
	r := newRemembering(t, emulator.Options{Users: 220, Groups: 6, Seed: 2})
	ids := r.find(t, "/Users", "emails pr").ids()
	groups := r.find(t, "/Groups", "displayName pr").ids()
	if lines, _ := r.logged(t, 0); lines != nil {
		t.Fatalf("a first reading is no change: %q", lines)
	}
	created, _ := r.do(t, http.MethodPost, "/Users", userBody("new@demo.example"))
	r.do(t, http.MethodPatch, "/Users/"+ids[3], patchBody("replace", "title", `"Boss"`))
	r.do(t, http.MethodDelete, "/Users/"+ids[4], "")
	r.do(t, http.MethodPatch, "/Groups/"+groups[0], patchBody("add", "members", `[{"value":"`+created["id"].(string)+`"}]`))
	r.find(t, "/Users", "emails pr")
	own, last := r.logged(t, 0)
	if diff := cmp.Diff([]string{"User create write", "User update write title meta", "User delete write", "Group update write members meta", "User update read groups"}, own); diff != "" {
		t.Errorf("own changes (-want +got):\n%s", diff)
	}

	r.direct(t, http.MethodPatch, "/Users/"+ids[7], patchBody("replace", "displayName", `"Somebody"`))
	r.direct(t, http.MethodDelete, "/Users/"+ids[8], "")
	r.direct(t, http.MethodPost, "/Users", userBody("elsewhere@demo.example"))
	r.waited.Add(int64(time.Minute))
	r.find(t, "/Users", "emails pr").want(t, "the next scan", 3, 220)
	others, _ := r.logged(t, last)
	if diff := cmp.Diff([]string{"User update scan displayName meta", "User create scan", "User delete scan"}, others); diff != "" {
		t.Errorf("changes by others (-want +got):\n%s", diff)
	}
}

// TestRestart has a second process answer from what the first one has read.
func TestRestart(t *testing.T) {
	r := newRemembering(t, emulator.Options{Users: 220, Groups: 6, Seed: 2})
	before := r.find(t, "/Users", "emails pr")
	before.want(t, "the first process", 3, 220)
	r.do(t, http.MethodPatch, "/Users/"+before.ids()[3], patchBody("replace", "title", `"Boss"`))
	r.do(t, http.MethodDelete, "/Users/"+before.ids()[4], "")
	before = r.find(t, "/Users", "emails pr")
	r.start(t)
	after := r.find(t, "/Users", "emails pr")
	after.want(t, "the second process", 0, 219)
	if diff := cmp.Diff(before.Resources, after.Resources); diff != "" {
		t.Errorf("resources (-first process +second):\n%s", diff)
	}
	r.find(t, "/Users", `title eq "Boss"`).want(t, "a change of the first process", 0, 1)
}

// TestModifiedIsOne has the same meta.lastModified, and so the same version, in the
// answer to a write, in a GET and in lists.
func TestModifiedIsOne(t *testing.T) {
	r := newRemembering(t, emulator.Options{Users: 120, Groups: 2, Seed: 2})
	id := r.find(t, "/Users", "emails pr").ids()[3]
	meta := func(document map[string]any) any { return document["meta"] }
	written, _ := r.do(t, http.MethodPatch, "/Users/"+id, patchBody("replace", "title", `"Boss"`))
	read, _ := r.do(t, http.MethodGet, "/Users/"+id, "")
	listed := r.find(t, "/Users", `title eq "Boss"`).Resources[0]
	found := r.find(t, "/Users", `id eq "`+id+`"`).Resources[0]
	for name, document := range map[string]map[string]any{"GET": read, "list": listed, "lookup": found} {
		got := meta(document).(map[string]any)
		delete(got, "version") // a list without it in attributes has none
		want := meta(written).(map[string]any)
		delete(want, "version")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-write +%s):\n%s", name, name, diff)
		}
	}
	began := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	time.Sleep(3 * time.Millisecond)
	r.direct(t, http.MethodPatch, "/Users/"+id, patchBody("replace", "title", `"Chief"`))
	r.waited.Add(int64(time.Minute))
	r.find(t, "/Users", `meta.lastModified gt "`+began+`"`).want(t, "changed since", 2, 1)
}

// TestScanIsResumed ends a process in the middle of a scan. The next one reads the
// rest.
func TestScanIsResumed(t *testing.T) {
	r := newRemembering(t, emulator.Options{Users: 2000, Seed: 2})
	r.atPage(12, func() { r.store.Close() }) // what comes from here on is lost
	if a := r.send(t.Context(), http.MethodGet, "/Users?filter=emails+pr", ""); a.status != http.StatusServiceUnavailable && a.status != http.StatusOK {
		t.Fatalf("%d", a.status)
	}
	r.before.Store(nil)
	r.store = nil
	r.start(t)
	if got := r.find(t, "/Users", "emails pr"); got.TotalResults != 2000 || got.calls > 18 {
		t.Errorf("%d found for %d calls, fewer than the 21 of a whole scan wanted", got.TotalResults, got.calls)
	}
}

// TestKeep has everything read without a request, and the log told what others
// changed.
func TestKeep(t *testing.T) {
	r := newRemembering(t, emulator.Options{Users: 220, Groups: 6, Seed: 2})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan mirror.Progress, 10)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.server.Keep(ctx, 300*time.Millisecond, func(p mirror.Progress) { done <- p })
	}()
	for range 2 { // users and groups
		if p := <-done; !p.Done || p.Err != nil {
			t.Errorf("%+v", p)
		}
	}
	found := r.find(t, "/Users", "emails pr")
	found.want(t, "read before", 0, 220)
	r.direct(t, http.MethodDelete, "/Users/"+found.ids()[7], "")
	for {
		if lines, _ := r.logged(t, 0, "User"); len(lines) > 0 {
			if diff := cmp.Diff([]string{"User delete scan"}, lines); diff != "" {
				t.Error(diff)
			}
			break
		}
		<-done
	}
	stop()
	<-ended
}

// TestEmptiedDirectory has a directory that lost nearly everybody: nobody is taken
// for deleted until that is accepted.
func TestEmptiedDirectory(t *testing.T) {
	r := newRemembering(t, emulator.Options{Users: 120, Seed: 2})
	ids := r.find(t, "/Users", "emails pr").ids()
	for _, id := range ids[:100] {
		r.direct(t, http.MethodDelete, "/Users/"+id, "")
	}
	r.waited.Add(int64(time.Minute))
	r.find(t, "/Users", "emails pr").want(t, "not believed", 1, 120)
	r.find(t, "/Users", "emails pr").want(t, "nor asked again at once", 0, 120)
	if lines, _ := r.logged(t, 0); len(lines) > 0 {
		t.Errorf("the log has %q", lines)
	}
	if a := r.send(t.Context(), http.MethodGet, "/Users?filter=emails+pr", "", "Cache-Control", "no-cache"); a.status != http.StatusBadGateway {
		t.Errorf("no-cache is answered %d", a.status)
	}
	r.accept(t)
	r.find(t, "/Users", "emails pr").want(t, "accepted", 1, 20)
	if lines, _ := r.logged(t, 0); len(lines) != 100 {
		t.Errorf("the log has %d entries, want 100", len(lines))
	}
}

// accept has the next readings believed.
func (r *remembering) accept(t *testing.T) {
	t.Helper()
	if err := r.server.AcceptDirectory(t.Context(), "the test"); err != nil {
		t.Fatal(err)
	}
}

// TestAcceptedLoss has somebody accept a loss, and more be lost before the next reading: that is not what was accepted.
func TestAcceptedLoss(t *testing.T) {
	r := newRemembering(t, emulator.Options{Users: 120, Seed: 2})
	ids := r.find(t, "/Users", "emails pr").ids()
	lose := func(ids []string) {
		for _, id := range ids {
			r.direct(t, http.MethodDelete, "/Users/"+id, "")
		}
	}
	accept := func() {
		if done, err := alarm.Accept(t.Context(), r.store, "User", "somebody"); !done || err != nil {
			t.Fatal(done, err)
		}
		r.waited.Add(int64(time.Minute))
	}
	lose(ids[:70])
	r.waited.Add(int64(time.Minute))
	r.find(t, "/Users", "emails pr").want(t, "70 are gone", 1, 120)
	lose(ids[70:110])
	accept()
	r.find(t, "/Users", "emails pr").want(t, "70 were accepted, and 110 are gone", 1, 120)
	accept()
	r.find(t, "/Users", "emails pr").want(t, "110 were accepted", 1, 10)
}

// TestWriteDuringFirstScan has a write of a resource whose page was read, before a
// first scan is interrupted: the process that goes on with the scan knows it.
func TestWriteDuringFirstScan(t *testing.T) {
	r := &remembering{kept: newKept(t, emulator.Options{Users: 2000, Seed: 2}, atlassian.Config{MaxConcurrent: 2}), place: "file:" + filepath.Join(t.TempDir(), "state.db")}
	r.start(t)
	ids := r.find(t, "/Users", "", "count", "50").ids()
	r.atPage(12, func() {
		if a := r.send(t.Context(), http.MethodPatch, "/Users/"+ids[3], patchBody("replace", "title", `"Boss"`)); a.status >= 300 {
			t.Errorf("the write is answered %d", a.status)
		}
		if a := r.send(t.Context(), http.MethodDelete, "/Users/"+ids[4], ""); a.status >= 300 {
			t.Errorf("the deletion is answered %d", a.status)
		}
		r.store.Close()
	})
	r.send(t.Context(), http.MethodGet, "/Users?filter=emails+pr", "")
	r.before.Store(nil)
	r.store = nil
	r.start(t)
	if got := r.find(t, "/Users", "emails pr"); got.TotalResults != 1999 || got.calls > 18 {
		t.Errorf("%d found for %d calls, want 1999 for fewer than a whole scan", got.TotalResults, got.calls)
	}
	r.find(t, "/Users", `title eq "Boss"`).want(t, "the write", 0, 1)
}
