package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"scim-atlassian/atlassian/emulator"
)

// await asks until the answer has a status.
func await(t *testing.T, url string, want int) (body string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		status, _, b := get(t, url, "", "")
		if body = string(b); status == want {
			return body
		}
	}
	t.Fatalf("%s never answered %d, but %s", url, want, body)
	return ""
}

// TestServeWithoutAtlassian starts a server whose Atlassian is not there, lets Atlassian come and go, and tells the server
// to leave while it is gone.
func TestServeWithoutAtlassian(t *testing.T) {
	t.Parallel()
	environ := startEmulator(t)
	var up emulatedSite
	gone := httptest.NewServer(&up)
	defer gone.Close()
	for i, pair := range environ {
		if name, _, _ := strings.Cut(pair, "="); name == "SITE_URL" {
			environ[i] = name + "=" + gone.URL
		} else if name == "SCIM_URL" {
			environ[i] = name + "=" + gone.URL + "/scim/directory"
		}
	}
	p := start(t, environ, "serve", "--listen", "127.0.0.1:0")
	base := "http://" + p.stderr.await(t, `"address":"([^"]+)"`)
	p.stderr.await(t, `("not ready, waiting","for":\["directory is )`)
	if status, _, _ := get(t, base+"/readyz/traffic", "", ""); status != http.StatusOK {
		t.Errorf("traffic: status %d, want 200", status)
	}
	reasons := await(t, base+"/readyz", http.StatusServiceUnavailable)
	if !strings.Contains(reasons, "jira is ") || strings.Contains(reasons, "127.0.0.1") {
		t.Errorf("readyz: %s", reasons)
	}
	if status, _, _ := get(t, base+"/scim/v2/ServiceProviderConfig", "ann", "secret"); status != http.StatusOK {
		t.Errorf("discovery: status %d", status)
	}
	if status, header, body := get(t, base+"/scim/v2/Users?filter=userName+eq+%22x%22", "ann", "secret"); status < 500 || !strings.Contains(string(body), "urn:ietf:params:scim:api:messages:2.0:Error") {
		t.Errorf("users: status %d, %v, %s", status, header, body)
	}

	up.comes()
	await(t, base+"/readyz", http.StatusOK)
	p.stderr.await(t, `("msg":"ready")`)
	if status, _, body := get(t, base+"/scim/v2/Users?count=1", "ann", "secret"); status != http.StatusOK {
		t.Errorf("afterwards: status %d, %s", status, body)
	}
	var health struct {
		Status    string
		Upstreams []struct{ Name, State string }
	}
	if _, _, body := get(t, base+"/connector/health", "ann", "secret"); json.Unmarshal(body, &health) != nil || health.Status != "UP" || len(health.Upstreams) != 4 {
		t.Errorf("health: %s", body)
	}
	p.leave()
	if code := p.wait(t); code != exitOK {
		t.Errorf("exit code %d", code)
	}

	up.goes()
	p = start(t, environ, "serve", "--listen", "127.0.0.1:0")
	p.stderr.await(t, `"(listening)"`)
	p.leave()
	began := time.Now()
	if code := p.wait(t); code != exitOK || time.Since(began) > 2*time.Second {
		t.Errorf("told to leave while it waits: exit code %d after %v", code, time.Since(began))
	}
}

// TestIssuesWithoutJira starts a server whose mapping of custom fields needs a Jira that is not there: users are served,
// issues and their schema are not, until it comes; and a later start has it from the state.
func TestIssuesWithoutJira(t *testing.T) {
	t.Parallel()
	environ := startEmulator(t)
	var up emulatedSite
	gone := httptest.NewServer(&up)
	defer gone.Close()
	mapping := filepath.Join(t.TempDir(), "issues.json")
	if err := os.WriteFile(mapping, []byte(`{"attributes":[{"name":"approver","field":"Approver"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	place := filepath.Join(t.TempDir(), "state.db")
	environ = append(environ, "SITE_URL="+gone.URL, "SCIM_ATLASSIAN_ISSUE_FILE="+mapping)
	const schema = "/scim/v2/Schemas/urn:scim-atlassian:params:scim:schemas:"
	p := start(t, environ, "serve", "--listen", "127.0.0.1:0", "--state", "file:"+place)
	base := "http://" + p.stderr.await(t, `"msg":"listening".*"address":"([^"]+)"`)
	for path, want := range map[string]int{
		"/scim/v2/Users?count=1": 200, "/scim/v2/Schemas": 200, "/scim/v2/ResourceTypes/Issue": 200, "/scim/v2/Schemas/urn:ietf:params:scim:schemas:core:2.0:User": 200,
		"/scim/v2/Issues": 503, "/scim/v2/Issues/ACC-1": 503, "/scim/v2/Issues/.form?project=ACC&issueType=x": 503, schema + "jira:2.0:Issue": 503,
		schema + "extension:jira:2.0:Issue": 503, "/scim/v2/Schemas/Issue": 503,
	} {
		status, header, body := get(t, base+path, "ann", "secret")
		if status != want || want == 503 && header.Get("Retry-After") == "" {
			t.Errorf("%s without Jira: %d, want %d: %s", path, status, want, body)
		}
	}
	up.comes()
	p.stderr.await(t, `(issues are served)`)
	for _, path := range []string{"/scim/v2/Issues?count=1", schema + "jira:2.0:Issue", schema + "extension:jira:2.0:Issue"} {
		if status, _, body := get(t, base+path, "ann", "secret"); status != 200 {
			t.Errorf("%s with Jira: %d: %s", path, status, body)
		}
	}
	p.leave()
	p.wait(t)
	up.goes()
	p = start(t, environ, "serve", "--listen", "127.0.0.1:0", "--state", "file:"+place)
	base = "http://" + p.stderr.await(t, `"msg":"listening".*"address":"([^"]+)"`)
	if status, _, body := get(t, base+schema+"extension:jira:2.0:Issue", "ann", "secret"); status != 200 || !strings.Contains(string(body), `"approver"`) {
		t.Errorf("from the state: %d: %s", status, body)
	}
	p.leave()
	p.wait(t)
}

// emulatedSite is an emulator that is there or is not: then it cuts every connection.
type emulatedSite struct {
	cloud atomic.Pointer[emulator.Emulator]
}

func (s *emulatedSite) comes() {
	options := emulator.DefaultOptions()
	options.Users, options.Projects = 5, 1
	s.cloud.Store(emulator.New(options))
}

func (s *emulatedSite) goes() { s.cloud.Store(nil) }

func (s *emulatedSite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	cloud := s.cloud.Load()
	if cloud == nil {
		panic(http.ErrAbortHandler)
	}
	cloud.ServeHTTP(w, r)
}
