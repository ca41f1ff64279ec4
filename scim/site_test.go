package scim_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
)

// serverOver makes a server whose clients, made with cfg and counted, speak to
// the emulator at the URL upstream.
func serverOver(tb testing.TB, upstream string, cfg atlassian.Config, config scim.Config) *scim.Server {
	tb.Helper()
	cfg.OnCall = scim.CountCall
	var err error
	if config.Directory, err = atlassian.NewDirectory(cfg, upstream+"/scim/directory", emulator.DirectoryID, emulator.DirectoryKey); err != nil {
		tb.Fatal(err)
	}
	if config.Jira, err = atlassian.NewJira(cfg, upstream, emulator.AdminEmail, emulator.APIToken); err != nil {
		tb.Fatal(err)
	}
	config.Settings.DeriveEmailDomain, config.Settings.IgnoreUnsynced, config.Settings.Projects = "SCIM_ATLASSIAN_DERIVE_EMAIL_DOMAIN", "SCIM_ATLASSIAN_IGNORE_UNSYNCED", "SCIM_ATLASSIAN_PROJECTS"
	server, err := scim.New(config)
	if err != nil {
		tb.Fatal(err)
	}
	return server
}

// bearer is a caller whose token is its name, with one right for everything.
func bearer(name string, right auth.Right) auth.Caller {
	return auth.Caller{Name: name, BearerSHA256: auth.Hashes{digest(name)}, Rights: map[string]auth.Right{auth.AnyType: right}}
}

func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// serve serves a handler for the time of the test.
func serve(t *testing.T, handler http.Handler) (address string) {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// newRequest makes a request without credentials, whose body is JSON.
func newRequest(t *testing.T, method, target, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	return req
}

// succeed sends a request and returns the answer, which must be a success.
func succeed(t *testing.T, req *http.Request) ([]byte, http.Header) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		t.Fatalf("%s %s: %s %v %s", req.Method, req.URL, resp.Status, err, answer)
	}
	return answer, resp.Header
}

// bearerRequest sends a request to the server, or to the directory, with a token.
func bearerRequest(t *testing.T, method, target, token, body string) ([]byte, http.Header) {
	t.Helper()
	req := newRequest(t, method, target, body)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/scim+json")
	return succeed(t, req)
}

// jiraRequest sends a request to the emulated site, as its administrator.
func jiraRequest(t *testing.T, method, target, body string) []byte {
	t.Helper()
	req := newRequest(t, method, target, body)
	req.SetBasicAuth(emulator.AdminEmail, emulator.APIToken)
	answer, _ := succeed(t, req)
	return answer
}
