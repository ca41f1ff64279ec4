package scim_test

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/state"
	"scim-atlassian/scim/state/statetest"
)

// replica is another server with the same state.
func (r *remembering) replica(t *testing.T, place string) *kept {
	store, err := state.Open(t.Context(), place, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	k := &kept{emulator: r.emulator, root: r.root, clients: r.clients, upstream: r.upstream}
	k.serve(t, scim.Config{Callers: []auth.Caller{bearer("kept", auth.Write)}, SnapshotTTL: time.Hour, State: store, PublicURL: "https://facade.example"})
	return k
}

// TestReplicas has two servers with one state: what one has read or written, the other
// answers with, and of two scans only one is made.
func TestReplicas(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { testReplicas(t, "file:"+filepath.Join(t.TempDir(), "shared.db")) })
	t.Run("PostgreSQL", func(t *testing.T) { testReplicas(t, statetest.StartPostgres(t).Database(t)) })
}

func testReplicas(t *testing.T, place string) {
	r := newRemembering(t, emulator.Options{Users: 450, Groups: 6, Seed: 2})
	one, other := r.replica(t, place), r.replica(t, place)
	found := one.find(t, "/Users", "emails pr")
	found.want(t, "the first asked", 5, 450)
	other.find(t, "/Users", "emails pr").want(t, "the other", 0, 450)
	groups := one.find(t, "/Groups", "displayName pr").ids()
	other.find(t, "/Groups", "displayName pr").want(t, "groups at the other", 0, 6)

	one.do(t, http.MethodPatch, "/Users/"+found.ids()[3], patchBody("replace", "title", `"Boss"`))
	other.find(t, "/Users", `title eq "Boss"`).want(t, "a change through the first", 0, 1)
	other.do(t, http.MethodDelete, "/Users/"+found.ids()[4], "")
	one.find(t, "/Users", "emails pr").want(t, "a deletion through the other", 0, 449)
	created, _ := one.do(t, http.MethodPost, "/Users", userBody("new@demo.example"))
	id := created["id"].(string)
	if got := other.find(t, "/Users", `emails[value eq "new@demo.example"]`); got.TotalResults != 1 {
		t.Errorf("a creation through the first is not seen: %s", got.plan)
	}
	one.do(t, http.MethodPatch, "/Groups/"+groups[0], patchBody("add", "members", `[{"value":"`+id+`"}]`))
	if got := other.find(t, "/Users", `emails pr and groups.display pr and userName sw "new@"`); got.TotalResults != 1 {
		t.Errorf("the new membership is not seen: %s", got.plan)
	}
	if diff := cmp.Diff(one.find(t, "/Users", "emails pr").Resources, other.find(t, "/Users", "emails pr").Resources); diff != "" {
		t.Errorf("users (-one +other):\n%s", diff)
	}

	// A token that one gave out is good at the other, and tells what either did since.
	token, _ := one.do(t, http.MethodGet, "/Users/.deltaToken", "")
	other.do(t, http.MethodPatch, "/Users/"+found.ids()[9], patchBody("replace", "title", `"Chief"`))
	one.do(t, http.MethodDelete, "/Users/"+found.ids()[10], "")
	for name, k := range map[string]*kept{"one": one, "other": other} {
		delta, _ := k.do(t, http.MethodPost, "/Users/.delta", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:delta:request"],"deltaToken":"`+token["value"].(string)+`"}`)
		told := map[string]any{}
		for _, w := range delta["Resources"].([]any) {
			wrapper := w.(map[string]any)
			told[wrapper["changedResourceId"].(string)] = wrapper["changeType"]
		}
		if told[found.ids()[9]] != "Update" || told[found.ids()[10]] != "Delete" {
			t.Errorf("%s tells %v", name, told)
		}
	}
	// A scan that one makes is the base of both.
	r.direct(t, http.MethodDelete, "/Users/"+found.ids()[20], "")
	if a := other.send(t.Context(), http.MethodGet, "/Users?filter=emails+pr", "", "Cache-Control", "no-cache"); a.total != 448 {
		t.Errorf("no-cache: %d found, want 448", a.total)
	}
	one.find(t, "/Users", "emails pr").want(t, "after a scan by the other", 0, 448)
}

// TestDoubtOutlivesTheProcess has a process end after a write whose effect it has not
// read yet, and after one of unknown outcome.
func TestDoubtOutlivesTheProcess(t *testing.T) {
	r := newRemembering(t, emulator.Options{Users: 220, Groups: 6, Seed: 2})
	ids := r.find(t, "/Users", "emails pr").ids()
	groups := r.find(t, "/Groups", "displayName pr").ids()
	created, _ := r.do(t, http.MethodPost, "/Users", userBody("new@demo.example"))
	r.do(t, http.MethodPatch, "/Groups/"+groups[0], patchBody("add", "members", `[{"value":"`+created["id"].(string)+`"}]`))
	r.start(t)
	if got := r.find(t, "/Users", `groups.display pr and emails.value eq "new@demo.example" or title eq "nobody's"`); got.TotalResults != 1 || got.calls == 0 {
		t.Errorf("a membership that was not read: %d found, %d calls", got.TotalResults, got.calls)
	}
	faults, err := emulator.ParseFaults("method=PATCH path=/scim/ reset=after\nmethod=GET path=/scim/ reset=before")
	if err != nil {
		t.Fatal(err)
	}
	r.emulator.SetFaults(faults)
	if a := r.send(t.Context(), http.MethodPatch, "/Users/"+ids[5], patchBody("replace", "title", `"Boss"`)); a.status < 500 {
		t.Fatalf("the write is answered %d", a.status)
	}
	r.emulator.SetFaults(nil)
	r.start(t)
	if got := r.find(t, "/Users", `title eq "Boss"`); got.TotalResults != 1 {
		t.Errorf("a write of unknown outcome: %d found, %d calls", got.TotalResults, got.calls)
	}
}
