package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAuditFile holds that serve writes its audit to a file, over a restart, and that
// verify-audit finds it good while it is written, and names the first line that is not.
func TestAuditFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "audit.log")
	environ := append(readingOnly(t, startEmulator(t)), "SCIM_ATLASSIAN_AUDIT="+path, "SCIM_ATLASSIAN_STATE=file:"+filepath.Join(dir, "state.db"), "SCIM_ATLASSIAN_AUDIT_VALUES=hashes")
	verify := func() (int, string) {
		p := start(t, environ, "verify-audit", path)
		return p.wait(t), p.stdout.String() + p.stderr.String()
	}
	for run := range 2 {
		p := start(t, environ, "serve", "--listen", "127.0.0.1:0")
		address := p.stderr.await(t, `"address":"([^"]+)"`)
		status, _, body := get(t, "http://"+address+"/scim/v2/Users?count=1", "ann", "secret")
		if status != http.StatusOK {
			t.Fatalf("status %d: %s", status, body)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, "http://"+address+"/scim/v2/Users/1", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("ann", "secret")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("status %d, want 403: ann may read", resp.StatusCode)
		}
		if code, said := verify(); code != exitOK || !strings.Contains(said, "its end is as the state remembers it") {
			t.Errorf("run %d, beside serve: exit %d, %s", run, code, said)
		}
		p.leave()
		if code := p.wait(t); code != exitOK {
			t.Errorf("serve: exit %d, %s", code, p.stderr.String())
		}
		if strings.Contains(p.stderr.String(), `"msg":"audit"`) {
			t.Error("the audit is in the log as well")
		}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(content), "\n")
	if n := strings.Count(string(content), `"msg":"audit"`); n != 2 || !strings.Contains(lines[0], `"msg":"chain"`) {
		t.Errorf("%d lines of the audit, want 2: %s", n, content)
	}
	for _, test := range []struct{ content, want string }{
		{strings.Replace(string(content), "ann", "bob", 1), "line 2: its hash does not fit"},
		{lines[0] + lines[1], "line 3: it is missing"},
	} {
		if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, said := verify(); code != exitFailed || !strings.Contains(said, test.want) {
			t.Errorf("exit %d, %s; want %s", code, said, test.want)
		}
	}
}

// readingOnly takes the right to write from the callers of an environment.
func readingOnly(t *testing.T, environ []string) []string {
	t.Helper()
	for _, setting := range environ {
		path, ok := strings.CutPrefix(setting, "SCIM_ATLASSIAN_CALLERS_FILE=")
		if !ok {
			continue
		}
		callers, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, []byte(strings.ReplaceAll(string(callers), `"write"`, `"read"`)), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return environ
}

// TestAuditCannotBeOpened holds that serve says which file it cannot write to.
func TestAuditCannotBeOpened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "absent", "audit.log")
	p := start(t, append(startEmulator(t), "SCIM_ATLASSIAN_AUDIT="+path), "serve", "--listen", "127.0.0.1:0")
	if code := p.wait(t); code != exitFailed || !strings.Contains(p.stderr.String(), fmt.Sprintf("SCIM_ATLASSIAN_AUDIT: audit: open %s: no such file", path)) {
		t.Errorf("exit %d: %s", code, p.stderr.String())
	}
}

// TestAuditFollowsLogrotate holds that SIGHUP begins a new file once the old one was moved, and that both are one chain.
func TestAuditFollowsLogrotate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "audit.log")
	environ := append(startEmulator(t), "SCIM_ATLASSIAN_AUDIT="+path, "SCIM_ATLASSIAN_STATE=file:"+filepath.Join(dir, "state.db"))
	r := &reloading{asked: make(chan os.Signal)}
	r.process = (&program{environ: environ, hangups: func() <-chan os.Signal { return r.asked }}).start(t, "serve", "--listen", "127.0.0.1:0")
	r.stderr.await(t, `"address":"([^"]+)"`)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	r.reload(t)
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	p := start(t, environ, "verify-audit", path+".1", path)
	if code := p.wait(t); code != exitOK {
		t.Errorf("exit %d: %s", code, p.stderr.String())
	}
}
