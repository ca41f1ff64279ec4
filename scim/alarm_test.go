package scim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
)

// alarmed starts a process with a caller who may release holds, and one who may not.
func (r *remembering) alarmed(t *testing.T, logger *zap.Logger) {
	r.start(t)
	release := bearer("kept", auth.Write)
	release.Release = true
	r.serve(t, scim.Config{Callers: []auth.Caller{release, bearer("other", auth.Write)}, SnapshotTTL: time.Minute, State: r.store, Logger: logger,
		Now: func() time.Time { return time.Now().Add(time.Duration(r.waited.Load())) }})
}

// answered returns the status of a request.
func answered(t *testing.T, method, target, token, body string) int {
	req := newRequest(t, method, target, body)
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// holds returns what a caller sees of the holds: the id and the text of each.
func (r *remembering) holds(t *testing.T, caller string) (all []string) {
	body, _ := bearerRequest(t, http.MethodGet, r.base+"/Holds", caller, "")
	for _, h := range decodeAnswer(t, body)["Resources"].([]any) {
		all = append(all, fmt.Sprint(h.(map[string]any)["id"], ": ", h.(map[string]any)["detail"]))
	}
	return all
}

// copyOf returns what /connector/health says of the copy of a type: state, size and reason.
func (r *remembering) copyOf(t *testing.T, typ string) string {
	body, _ := bearerRequest(t, http.MethodGet, r.base+"/connector/health", "kept", "")
	for _, c := range decodeAnswer(t, body)["mirror"].(map[string]any)["copies"].([]any) {
		if c := c.(map[string]any); c["type"] == typ {
			return fmt.Sprint(c["state"], " ", c["resources"], " ", c["reason"])
		}
	}
	return "not there"
}

// TestEmptiedDirectoryIsReleased has a directory that lost nearly everybody, and a
// process that learns of it from the one before: a release, and nothing else, has it believed. The
// audit has it.
func TestEmptiedDirectoryIsReleased(t *testing.T) {
	r := newRemembering(t, emulator.Options{Users: 120, Seed: 2})
	ids := r.find(t, "/Users", "emails pr").ids()
	for _, id := range ids[:100] {
		r.direct(t, http.MethodDelete, "/Users/"+id, "")
	}
	r.waited.Add(int64(time.Minute))
	r.find(t, "/Users", "emails pr").want(t, "not believed", 1, 120)
	core, logs := observer.New(zap.InfoLevel)
	r.alarmed(t, zap.New(core))
	if got := fmt.Sprint(r.holds(t, "kept"), r.holds(t, "other")); got != "[mirror-user: The list has 20 resources where it had 120.] []" {
		t.Errorf("the holds are %s", got)
	}
	for _, refused := range []struct {
		caller, path, body string
		status             int
	}{
		{"other", "/Holds/mirror-user/release", "", 403}, {"kept", "/Holds/mirror-group/release", "", 404},
		{"kept", "/Holds/mirror-user/release", `{"minutes":5}`, 400},
	} {
		if status := answered(t, http.MethodPost, r.base+refused.path, refused.caller, refused.body); status != refused.status {
			t.Errorf("%s by %s: %d, want %d", refused.path, refused.caller, status, refused.status)
		}
	}
	r.waited.Add(int64(time.Minute))
	r.find(t, "/Users", "emails pr").want(t, "not released", 1, 120)
	if got, want := r.copyOf(t, "User"), "doubted 120 The list has 20 resources where it had 120."; got != want {
		t.Errorf("the copy of users is %s, want %s", got, want)
	}
	if status := answered(t, http.MethodPost, r.base+"/Holds/mirror-user/release", "kept", ""); status != 200 {
		t.Errorf("the release is answered %d", status)
	}
	r.find(t, "/Users", "emails pr").want(t, "released", 1, 20)
	if got, want := r.copyOf(t, "User"), "fresh 20 <nil>"; got != want {
		t.Errorf("the copy of users is %s, want %s", got, want)
	}
	if got := r.holds(t, "kept"); got != nil {
		t.Errorf("afterwards the holds are %s", got)
	}
	var lines []string
	for _, line := range logs.FilterMessage("audit").All() {
		f := line.ContextMap()
		lines = append(lines, fmt.Sprint(f["principal"], " ", f["endpoint"], " ", f["outcome"], " ", f["hold"], " ", f["accepted"]))
	}
	want := `["other Holds/{id}/release refused mirror-user \u003cnil\u003e","kept Holds/{id}/release refused mirror-group \u003cnil\u003e","kept Holds/{id}/release refused mirror-user The list has 20 resources where it had 120.","kept Holds/{id}/release done mirror-user The list has 20 resources where it had 120."]`
	if got, _ := json.Marshal(lines); string(got) != want {
		t.Errorf("the audit has %s, want %s", got, want)
	}
}

// TestVanishedDirectory has a directory that Atlassian answers 404 for: lists go on, and
// nothing is taken for deleted, whatever is released. When it is there again, nothing is held.
func TestVanishedDirectory(t *testing.T) {
	r := newRemembering(t, emulator.Options{Users: 120, Seed: 2})
	r.alarmed(t, nil)
	r.find(t, "/Users", "emails pr").want(t, "at first", 2, 120)
	r.emulator.SetFaults([]emulator.Fault{{Path: "/scim/", Status: http.StatusNotFound}})
	r.waited.Add(int64(time.Minute))
	if got := r.find(t, "/Users", "emails pr"); got.calls == 0 || got.TotalResults != 120 {
		t.Errorf("vanished: %d found in %d calls, want 120 after asking", got.TotalResults, got.calls)
	}
	r.find(t, "/Users", "emails pr").want(t, "nor asked again at once", 0, 120)
	if got := fmt.Sprint(r.holds(t, "kept")); got != "[mirror-user: Atlassian answers that there is no such list any more (404).]" {
		t.Errorf("the holds are %s", got)
	}
	if status := answered(t, http.MethodPost, r.base+"/Holds/mirror-user/release", "kept", ""); status != 200 {
		t.Errorf("the release is answered %d", status)
	}
	if got := r.find(t, "/Users", "emails pr"); got.calls == 0 || got.TotalResults != 120 {
		t.Errorf("there is nothing to accept: %d found in %d calls, want 120 after asking", got.TotalResults, got.calls)
	}
	r.emulator.SetFaults(nil)
	r.alarmed(t, nil) // the clients of the process before would wait until they believe it
	r.waited.Add(int64(time.Minute))
	r.find(t, "/Users", "emails pr").want(t, "there again", 2, 120)
	if got := r.holds(t, "kept"); got != nil {
		t.Errorf("afterwards the holds are %s", got)
	}
	if lines, _ := r.logged(t, 0); lines != nil {
		t.Errorf("the log has %q", lines)
	}
}
