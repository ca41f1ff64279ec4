package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim/reconcile"
)

// siteOf is the emulator's address in an environment that startEmulator made.
func siteOf(t *testing.T, environ []string) string {
	t.Helper()
	for _, pair := range environ {
		if site, ok := strings.CutPrefix(pair, "SITE_URL="); ok {
			return site
		}
	}
	t.Fatal("no SITE_URL")
	return ""
}

// putFaults replaces the fault rules of an emulator.
func putFaults(t *testing.T, site, rules string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, site+"/_emulator/faults", strings.NewReader(rules))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		t.Fatalf("faults: status %d", response.StatusCode)
	}
}

// lastReport returns the report at the end of the output of a reconcile, and the lines before it.
func lastReport(t *testing.T, p *process) (before []string, report reconcile.Report) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(p.stdout.String()), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &report); err != nil {
		t.Fatalf("%v in %q\n%s", err, lines, p.stderr.String())
	}
	return lines[:len(lines)-1], report
}

func readLines(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// TestReconcile exports every type and compares it with the lists of a server, byte by byte.
func TestReconcile(t *testing.T) {
	environ := append(startEmulator(t, "--users", "120", "--groups", "4", "--issues", "130"), "SCIM_ATLASSIAN_PUBLIC_URL=https://scim.example")
	server := start(t, environ, "serve", "--listen", "127.0.0.1:0")
	address := server.stderr.await(t, `"address":"([^"]+)"`)
	for _, resource := range []string{"Users", "Groups", "Issues", "Accounts", "Entitlements"} {
		t.Run(resource, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out.ndjson")
			p := start(t, environ, "reconcile", "--resource", resource, "--out", out)
			if code := p.wait(t); code != exitOK || !strings.Contains(p.stderr.String(), "is complete") {
				t.Fatalf("exit code %d: %s", code, p.stderr.String())
			}
			_, report := lastReport(t, p)
			_, _, body := get(t, "http://"+address+"/scim/v2/"+resource, "ann", "secret")
			var list struct{ Resources []json.RawMessage }
			if err := json.Unmarshal(body, &list); err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, resource := range list.Resources {
				want = append(want, string(resource))
			}
			for i := range want { // of the people in issues, the server has read the directory
				if resource == "Issues" {
					want[i] = regexp.MustCompile(`,"userName":"[^"]*"`).ReplaceAllString(want[i], "")
				}
			}
			if diff := cmp.Diff(want, readLines(t, out)); diff != "" {
				t.Errorf("lines (-HTTP +file):\n%.2000s", diff)
			}
			if !report.Complete || report.Read != len(want) || report.UpstreamCalls == 0 {
				t.Errorf("report %+v", report)
			}
			if strings.Contains(p.stderr.String()+p.stdout.String(), "demo-") {
				t.Error("a secret was printed")
			}
		})
	}
}

// inSecondPage is a number of requests after which the first page of 1000 users has been read, the second one has not.
const inSecondPage = "20"

// TestReconcileInterrupted sends SIGINT in the middle and goes on.
func TestReconcileInterrupted(t *testing.T) {
	environ := startEmulator(t, "--users", "2300")
	out := filepath.Join(t.TempDir(), "out.ndjson")
	putFaults(t, siteOf(t, environ), "path=/scim/ after="+inSecondPage+" delay=5m")
	p := start(t, environ, "reconcile", "--resource", "Users", "--out", out, "--quiet")
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if text, err := os.ReadFile(out + ".state"); err == nil && strings.Contains(string(text), `"lines": 1000`) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the first page was never read: %s", p.stderr.String())
		}
	}
	p.leave()
	if code := p.wait(t); code != exitFailed || !strings.Contains(p.stderr.String(), "interrupted; 1000 of 2300 resources are read, --resume goes on") {
		t.Fatalf("exit code %d: %s", code, p.stderr.String())
	}
	if _, report := lastReport(t, p); report.Complete || report.Reason != "interrupted" {
		t.Errorf("report %+v", report)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("the file is there though it is not complete")
	}

	putFaults(t, siteOf(t, environ), "")
	p = start(t, environ, "reconcile", "--resource", "Users", "--out", out, "--resume")
	if code := p.wait(t); code != exitOK {
		t.Fatalf("exit code %d: %s", code, p.stderr.String())
	}
	_, resumed := lastReport(t, p)
	p = start(t, environ, "reconcile", "--resource", "Users", "--out", out+"2")
	p.wait(t)
	_, whole := lastReport(t, p)
	if !resumed.Complete || resumed.Resumed != 1 || resumed.Read != 2300 || resumed.ContentHash != whole.ContentHash {
		t.Errorf("resumed: %+v\nin one go: %+v", resumed, whole)
	}
	if !slices.Equal(readLines(t, out), readLines(t, out+"2")) {
		t.Error("the files differ")
	}
}

// TestReconcileAccounts holds that a run reads the project roles, which every page of accounts needs, once, also where
// the server keeps nothing.
func TestReconcileAccounts(t *testing.T) {
	environ := append(startEmulator(t, "--users", "2300"), "SCIM_ATLASSIAN_SNAPSHOT_TTL=0")
	environ = slices.DeleteFunc(environ, func(pair string) bool { return strings.HasPrefix(pair, "SCIM_ATLASSIAN_ORGANIZATION_") })
	p := start(t, environ, "reconcile", "--resource", "Accounts", "--out", filepath.Join(t.TempDir(), "out.ndjson"))
	if code := p.wait(t); code != exitOK {
		t.Fatalf("exit code %d: %s", code, p.stderr.String())
	}
	if _, report := lastReport(t, p); report.Pages < 3 || report.Read != 2300 {
		t.Errorf("report %+v", report)
	}
	_, _, body := get(t, siteOf(t, environ)+"/_emulator/requests", "", "")
	var requests []struct{ Path, Query string }
	if err := json.Unmarshal(body, &requests); err != nil {
		t.Fatal(err)
	}
	read := map[string]int{}
	for _, r := range requests {
		if strings.Contains(r.Path, "/role") {
			read[r.Path+"?"+r.Query]++
		}
	}
	for path, times := range read {
		if times > 1 {
			t.Errorf("%s was read %d times", path, times)
		}
	}
	if len(read) == 0 {
		t.Error("no roles were read")
	}
}

// TestReconcileTrouble has Atlassian fail in the middle.
func TestReconcileTrouble(t *testing.T) {
	tests := []struct {
		name, faults string
		code         int
		says         string
	}{
		{"a 503", "path=/scim/ after=" + inSecondPage + " times=1 status=503", exitOK, "is complete"},
		{"a connection cut", "path=/scim/ after=" + inSecondPage + " times=1 reset=before", exitOK, "is complete"},
		{"credentials that expire", "path=/scim/ after=" + inSecondPage + " status=401", exitFailed, "1000 of 2300 resources are read, --resume goes on"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			environ := startEmulator(t, "--users", "2300")
			putFaults(t, siteOf(t, environ), tt.faults)
			out := filepath.Join(t.TempDir(), "out.ndjson")
			p := start(t, environ, "reconcile", "--resource", "Users", "--out", out)
			if code := p.wait(t); code != tt.code || !strings.Contains(p.stderr.String(), tt.says) {
				t.Errorf("exit code %d: %s", code, p.stderr.String())
			}
			_, err := os.Stat(out)
			if _, report := lastReport(t, p); report.Complete != (tt.code == exitOK) || (err == nil) != report.Complete {
				t.Errorf("report %+v, file: %v", report, err)
			}
		})
	}
}

func TestReconcileCompare(t *testing.T) {
	environ := startEmulator(t)
	out := filepath.Join(t.TempDir(), "out.ndjson")
	if code := start(t, environ, "reconcile", "--resource", "Users", "--out", out).wait(t); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	lines := readLines(t, out)
	var user struct{ ID, UserName string }
	if err := json.Unmarshal([]byte(lines[0]), &user); err != nil {
		t.Fatal(err)
	}
	previous := write(t, "previous.ndjson", strings.Join(append(lines[1:], `{"id":"gone","emails":[{"value":"gone@demo.example"}]}`), "\n")+"\n")
	p := start(t, environ, "reconcile", "--resource", "Users", "--out", out, "--compare", previous)
	code := p.wait(t)
	got, report := lastReport(t, p)
	want := []string{
		`{"change":"created","id":"` + user.ID + `","key":"` + user.UserName + `"}`,
		`{"change":"deleted","id":"gone","key":"gone@demo.example"}`,
	}
	if diff := cmp.Diff(want, got); code != exitOK || diff != "" {
		t.Errorf("exit code %d, changes (-want +got):\n%s", code, diff)
	}
	if c := report.Comparison; c == nil || c.Created != 1 || c.Deleted != 1 || c.Unchanged != 4 {
		t.Errorf("comparison %+v", c)
	}
}

func TestReconcileUsage(t *testing.T) {
	environ := startEmulator(t)
	tests := []struct {
		args string
		code int
		says string
	}{
		{"reconcile", exitUsage, "--resource is missing"},
		{"reconcile --resource Users", exitUsage, "--out is missing"},
		{"reconcile --resource Users --out x --mode some", exitUsage, `--mode is "some"`},
		{"reconcile --resource Users --out x --filter id", exitUsage, "--mode limited"},
		{"reconcile --resource Users --out x --mode limited", exitUsage, "needs a --filter"},
		{"reconcile --resource Users --out x y", exitUsage, "y"},
		{"reconcile --help", exitOK, ""},
		{"reconcile --resource Shoes --out x", exitFailed, "There are no Shoes"},
		{"reconcile --resource Users --out x --key shoeSize", exitFailed, "shoeSize"},
		{"reconcile --resource Users --out x --mode limited --filter id", exitFailed, "without an operator"},
		{"reconcile --resource Users --out /absent/x", exitFailed, "/absent/x"},
		{"reconcile --resource Users --out ..", exitFailed, "not a file"},
		{"reconcile --resource Users --out x --compare absent", exitFailed, "cannot compare"},
	}
	t.Chdir(t.TempDir())
	for _, tt := range tests {
		p := start(t, environ, strings.Fields(tt.args)...)
		if code := p.wait(t); code != tt.code || !strings.Contains(p.stderr.String(), tt.says) {
			t.Errorf("%s: exit code %d, %q, want %d, %q", tt.args, code, p.stderr.String(), tt.code, tt.says)
		}
	}
	entries, err := os.ReadDir(".")
	if err != nil || len(entries) > 0 {
		t.Errorf("files were left: %v, %v", entries, err)
	}
}

func TestPace(t *testing.T) {
	p := &progress{what: "Users", from: time.Now().Add(-10 * time.Second)}
	for at, want := range map[reconcile.Progress]string{
		{Read: 3000, Matched: 5000, Before: 1000, UpstreamCalls: 20}: "20 requests to Atlassian, 200/s, 10s left",
		{Matched: 5000}:                   "0 requests to Atlassian",
		{Matched: 5000, UpstreamCalls: 1}: "1 request to Atlassian",
	} {
		if got := p.pace(at); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestReconcileSince takes the token of a full run, and of each run after it.
func TestReconcileSince(t *testing.T) {
	dir := t.TempDir()
	environ := append(startEmulator(t, "--users", "120"), "SCIM_ATLASSIAN_STATE=file:"+filepath.Join(dir, "state.db"), "SCIM_ATLASSIAN_SNAPSHOT_TTL=0")
	users, changes := filepath.Join(dir, "users.ndjson"), filepath.Join(dir, "changes.ndjson")
	run := func(args ...string) ([]string, reconcile.Report) {
		t.Helper()
		p := start(t, environ, append([]string{"reconcile", "--resource", "Users"}, args...)...)
		if code := p.wait(t); code != exitOK {
			t.Fatalf("exit code %d: %s", code, p.stderr.String())
		}
		return lastReport(t, p)
	}
	_, full := run("--out", users)
	if full.DeltaToken == "" || !full.Complete || full.Read != 120 || full.UpstreamCalls > 3 || full.AsOf.Before(full.Began) {
		t.Errorf("full run %+v", full)
	}
	var user struct{ ID string }
	if err := json.Unmarshal([]byte(readLines(t, users)[7]), &user); err != nil {
		t.Fatal(err)
	}
	_, none := run("--out", changes, "--since", full.DeltaToken)
	if none.Changes == nil || *none.Changes != (reconcile.Changes{}) || none.Since != full.DeltaToken || none.AsOf.IsZero() || none.ProvenAsOf.IsZero() || none.RestsOn == "" {
		t.Errorf("without changes %+v", none)
	}
	directoryRequest(t, siteOf(t, environ), http.MethodDelete, "/Users/"+user.ID, "")
	directoryRequest(t, siteOf(t, environ), http.MethodPost, "/Users", `{"userName":"zoe@demo.example","emails":[{"value":"zoe@demo.example","primary":true}]}`)
	for _, since := range []string{users + ".report.json", none.DeltaToken} {
		_, report := run("--out", changes, "--since", since, "--prove")
		lines := readLines(t, changes)
		if diff := cmp.Diff(&reconcile.Changes{Created: 1, Deleted: 1}, report.Changes); diff != "" || len(lines) != 2 || !report.Complete {
			t.Errorf("since %s: %q (-want +got):\n%s", since, lines, diff)
		}
		if want := `"changeType":"Delete","changedResourceId":"` + user.ID + `"}`; !strings.Contains(strings.Join(lines, ""), want) {
			t.Errorf("%q has no %s", lines, want)
		}
	}
	_, chained := run("--out", changes, "--since", changes+".report.json")
	if chained.Changes == nil || *chained.Changes != (reconcile.Changes{}) {
		t.Errorf("after all of them %+v", chained)
	}
}

// TestReconcileSinceRefused holds what is said where the changes cannot be told.
func TestReconcileSinceRefused(t *testing.T) {
	emulated := startEmulator(t)
	dir := t.TempDir()
	environ := append(slices.Clip(emulated), "SCIM_ATLASSIAN_STATE=file:"+filepath.Join(dir, "state.db"))
	out := filepath.Join(dir, "out.ndjson")
	refused := func(environ []string, says string, args ...string) {
		t.Helper()
		p := start(t, environ, append([]string{"reconcile", "--resource", "Users", "--out", out}, args...)...)
		if code := p.wait(t); code != exitFailed || !strings.Contains(p.stderr.String(), says) {
			t.Errorf("%q: exit code %d: %s", args, code, p.stderr.String())
		}
	}
	refused(environ, "is not one of this server", "--since", "x")
	refused(emulated, "--since needs the state of serve", "--since", "x")
	refused(environ, "no such file", "--since", filepath.Join(dir, "absent.json"))
	refused(environ, "no report of an earlier run", "--since", write(t, "text.json", "nonsense"))
	refused(environ, "run over Groups, not Users", "--since", write(t, "groups.json", `{"resource":"Groups","complete":true,"deltaToken":"x"}`))
	refused(environ, "has no deltaToken", "--since", write(t, "old.json", `{"resource":"Users","complete":true}`))
	server := start(t, environ, "serve", "--listen", "127.0.0.1:0")
	server.stderr.await(t, `"address":"([^"]+)"`)
	refused(environ, "ask the serve that runs", "--since", "x")
	p := start(t, environ, "reconcile", "--resource", "Users", "--out", out)
	if code := p.wait(t); code != exitOK {
		t.Fatalf("exit code %d: %s", code, p.stderr.String())
	}
	if _, report := lastReport(t, p); report.DeltaToken != "" || !report.Complete {
		t.Errorf("beside serve: %+v", report)
	}
}

// directoryRequest makes a request of the emulated directory, past every server.
func directoryRequest(t *testing.T, site, method, path, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, site+"/scim/directory/"+emulator.DirectoryID+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+emulator.DirectoryKey)
	r.Header.Set("Content-Type", "application/scim+json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode >= 300 {
		t.Fatalf("%s %s: status %d", method, path, response.StatusCode)
	}
}
