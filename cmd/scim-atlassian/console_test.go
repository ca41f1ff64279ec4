package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// consoleCallers are ann, who may use the console, and bob, who may not.
const consoleCallers = `[{"name": "ann", "username": "ann", "basic_bcrypt": %q, "rights": {"*": "write"}, "console": true}, {"name": "bob", "username": "bob", "basic_bcrypt": %[1]q, "rights": {"*": "write"}}]`

// withConsole is the environment of a server whose callers are consoleCallers, with the password secret.
func withConsole(t *testing.T) []string {
	t.Helper()
	code, hash, stderr := runWith(t, "secret\n", nil, "hash-password")
	if code != exitOK {
		t.Fatal(stderr)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "callers.json")
	if err := os.WriteFile(path, fmt.Appendf(nil, consoleCallers, strings.TrimSpace(hash)), 0o600); err != nil {
		t.Fatal(err)
	}
	return append(startEmulator(t), "SCIM_ATLASSIAN_CALLERS_FILE="+path, "SCIM_ATLASSIAN_STATE=file:"+filepath.Join(dir, "state.db"))
}

// tablesOf reads the tables of a page of the console.
func tablesOf(t *testing.T, url string) map[string][]map[string]any {
	t.Helper()
	status, _, body := get(t, url, "ann", "secret")
	var page struct{ Tables map[string][]map[string]any }
	if err := json.Unmarshal(body, &page); err != nil || status != http.StatusOK {
		t.Fatalf("%s: %d %s", url, status, body)
	}
	return page.Tables
}

// TestConsole holds that serve has the console beside /metrics, with what the program knows in it: upstreams, limits, runs
// of reconcile beside it, and the audit file.
func TestConsole(t *testing.T) {
	t.Parallel()
	environ := append(withConsole(t), "ADMIN_LISTEN=127.0.0.1:0", "SCIM_ATLASSIAN_AUDIT="+filepath.Join(t.TempDir(), "audit.log"), "SCIM_ATLASSIAN_DIRECTORY_KEY_EXPIRES=2099-01-01")
	p := start(t, environ, "serve", "--listen", "127.0.0.1:0")
	base := "http://" + p.stderr.await(t, `"address":"([^"]+)"`)
	console := "http://" + p.stderr.await(t, `"metrics":"([^"]+)"`) + "/console"
	await(t, base+"/readyz", 200)
	for user, want := range map[string]int{"ann": 200, "bob": 403, "": 401} {
		if status, _, _ := get(t, console+"/now", user, "secret"); status != want {
			t.Errorf("status %d for %q, want %d", status, user, want)
		}
	}
	now := tablesOf(t, console+"/now.json")
	if up := now["upstreams"]; len(up) < 3 || up[0]["name"] != "directory" || up[0]["state"] != "up" || up[0]["requests"] == 0.0 {
		t.Errorf("upstreams: %v", up)
	}
	if keys := now["credentials"]; len(keys) == 0 || keys[0]["credential"] != "directory key" || keys[0]["days"].(float64) < 20_000 {
		t.Errorf("credentials: %v", keys)
	}
	get(t, base+"/scim/v2/Users?count=1", "bob", "secret")
	callers := tablesOf(t, console+"/now.json")["callers"]
	if len(callers) != 2 || callers[0]["caller"] != "ann" || callers[1]["caller"] != "bob" || callers[1]["seen"] == nil || callers[1]["days"] != "unknown" {
		t.Errorf("callers: %v", callers)
	}
	budget := tablesOf(t, console+"/budget.json")
	if len(budget["limits"]) == 0 || len(budget["slots"]) < 3 || len(budget["callers"]) == 0 {
		t.Errorf("budget: %v", budget)
	}

	for range 2 {
		r := start(t, environ, "reconcile", "--resource", "Users", "--out", filepath.Join(t.TempDir(), "users.ndjson"), "--quiet")
		if code := r.wait(t); code != exitOK || strings.Contains(r.stderr.String(), "not listed") {
			t.Fatalf("reconcile: exit %d, %s", code, r.stderr.String())
		}
	}
	var exports, readings int
	for _, run := range tablesOf(t, console+"/reconciliations.json")["runs"] {
		switch {
		case run["complete"] != true:
			t.Errorf("run: %v", run)
		case run["kind"] == "export":
			if exports++; exports == 1 && run["difference"] != 0.0 {
				t.Errorf("the difference of the second run to the first: %v", run)
			}
		case run["kind"] == "reading":
			readings++
		}
	}
	if exports != 2 || readings == 0 {
		t.Errorf("%d exports and %d readings", exports, readings)
	}

	req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, base+"/scim/v2/Users/none", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("bob", "secret")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if rows := tablesOf(t, console+"/changes.json")["changes"]; len(rows) != 1 || rows[0]["who"] != "bob" || rows[0]["resource"] != "none" {
		t.Errorf("changes: %v", rows)
	}
	if _, _, page := get(t, console+"/changes", "ann", "secret"); !strings.Contains(string(page), "from the end of the audit file") {
		t.Error("the page does not say where it is from")
	}
}

// TestConsoleInTheClear holds that nobody is asked for a password over a network without TLS.
func TestConsoleInTheClear(t *testing.T) {
	t.Parallel()
	environ := append(withConsole(t), "ADMIN_LISTEN=0.0.0.0:0")
	p := start(t, environ, "serve", "--listen", "127.0.0.1:0")
	if code := p.wait(t); code != exitFailed || !strings.Contains(p.stderr.String(), "ADMIN_LISTEN is beyond this machine, where ann would sign in to the console without TLS") {
		t.Errorf("exit %d, %s", code, p.stderr.String())
	}
	// Without a caller who may use it, metrics may be anywhere.
	p = start(t, append(startEmulator(t), "ADMIN_LISTEN=0.0.0.0:0"), "serve", "--listen", "127.0.0.1:0")
	base := "http://" + p.stderr.await(t, `"address":"([^"]+)"`)
	await(t, base+"/readyz", 200)
}

// TestConsoleTLS has the admin listener beyond this machine, with the server's certificate.
func TestConsoleTLS(t *testing.T) {
	t.Parallel()
	server := newPair(t, "server")
	environ := append(startEmulator(t), "ADMIN_LISTEN=0.0.0.0:0", "SCIM_ATLASSIAN_TLS_CERT_FILE="+server.certFile, "SCIM_ATLASSIAN_TLS_KEY_FILE="+server.keyFile,
		"SCIM_ATLASSIAN_CALLERS_FILE="+write(t, "callers.json", fmt.Sprintf(`[{"name":"ops","bearer_sha256":%q,"rights":{"*":"read"},"console":true}]`, tokenDigest("ops"))))
	p := start(t, environ, "serve", "--listen", "127.0.0.1:0")
	_, port, err := net.SplitHostPort(p.stderr.await(t, `"metrics":"([^"]+)"`))
	if err != nil {
		t.Fatal(err)
	}
	p.stderr.await(t, `"msg":"(listening)"`)
	if status, _ := ask(t, server.client(t), "https://127.0.0.1:"+port+"/console/now", "ops"); status != http.StatusOK {
		t.Errorf("status %d with TLS, %s", status, p.stderr.String())
	}
	if status, _ := ask(t, http.DefaultClient, "http://127.0.0.1:"+port+"/console/now", "ops"); status != http.StatusBadRequest {
		t.Errorf("status %d in the clear", status)
	}
}
