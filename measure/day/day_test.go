package main

import (
	"maps"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDay lets two hours pass, and finds nothing. Then it gives the comparison what is wrong: it must tell each by its name.
func TestDay(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the program and starts it a few times")
	}
	d := twoHours(t)
	if len(d.report) > 0 {
		t.Fatal(d.report)
	}
	if ends := d.tally.ends; len(ends) < 2 || d.tally.told == 0 {
		t.Errorf("ends %v, %d changes told: that is no day", ends, d.tally.told)
	}
	user := "User " + d.users[0]
	tests := []struct {
		name     string
		sabotage func() error
		want     string
	}{
		{"copy with another value", d.knowing(func(f facts) { f[user+" title"] = "Nobody" }), "0 lost, 0 deleted falsely, 1 wrong"},
		{"copy without a user", d.knowing(func(f facts) { delete(f, user) }), "1 lost, 0 deleted falsely, 0 wrong"},
		{"copy with a user too many", d.knowing(func(f facts) { f["User gone"] = there }), "1 lost, 0 deleted falsely, 0 wrong"},
		{"tenant that changes unseen", func() error {
			_, _, err := d.tenant.ask(http.MethodPatch, directoryPath+"/Users/"+d.users[1], patchOf(document{"op": "replace", "path": "title", "value": "Unseen"}))
			if err != nil {
				return err
			}
			return d.compare(t.Context())
		}, "0 lost, 0 deleted falsely, 2 wrong"}, // by deltas, and in lists
		{"delta that deletes who is there", d.telling(document{"resourceType": "User", "changeType": "Delete", "changedResourceId": d.users[0]}), "0 lost, 1 deleted falsely, 0 wrong"},
		{"delta that tells what never was", d.telling(document{"resourceType": "User", "changeType": "Update", "changedResourceId": d.users[0],
			"operations": []document{{"op": "replace", "path": "title", "value": "Never"}}}), "0 lost, 0 deleted falsely, 1 wrong"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d.report = nil
			if err := test.sabotage(); err != nil {
				t.Fatal(err)
			}
			if got := d.report.String(); !strings.HasPrefix(got, test.want+"\n") {
				t.Errorf("got %s\nwant %s", got, test.want)
			}
		})
	}
}

// knowing compares a copy that was tampered with.
func (d *day) knowing(tamper func(f facts)) func() error {
	return func() error {
		truth, err := d.tenant.truth()
		known := maps.Clone(d.client.copy)
		tamper(known)
		d.hold("by deltas", known, truth)
		return err
	}
}

// telling tells the client of a change.
func (d *day) telling(change document) func() error {
	return func() error { return d.client.apply(document{"Resources": []any{change}}) }
}

// twoHours lets a part of a day pass, with many ends.
func twoHours(t *testing.T) *day {
	t.Helper()
	program := filepath.Join(t.TempDir(), "day")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	d, err := newDay(t.Context(), options{seed: 1, hours: 2, users: 40, changes: 100, fates: fates{0.1, 0.1, 0.05}, ends: 20, ttl: 48 * time.Hour}, program)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.close)
	if err := d.pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}
