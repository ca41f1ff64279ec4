package scim_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
)

// upstreamsOf returns the status of /connector/health, and its members upstreams by name, with reason and fix.
func (s *connectorSite) upstreamsOf(t *testing.T) (status string, upstreams map[string][3]string) {
	t.Helper()
	var document struct {
		Status    string
		Upstreams []struct{ Name, State, Since, Reason, Fix string }
	}
	w := s.do(t, http.MethodGet, "/connector/health", "reader")
	if err := json.Unmarshal(w.Body.Bytes(), &document); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	if want := map[string]int{"UP": 200, "DOWN": 503, "OUT_OF_SERVICE": 503}[document.Status]; w.Code != want {
		t.Errorf("%s with status %d, want %d", document.Status, w.Code, want)
	}
	upstreams = map[string][3]string{}
	for _, u := range document.Upstreams {
		upstreams[u.Name] = [3]string{u.State, u.Reason, u.Fix}
	}
	return document.Status, upstreams
}

// TestReadiness spoils the answers of an upstream in every way, and holds what probes and people are told of it.
func TestReadiness(t *testing.T) {
	for _, tt := range []struct {
		fault string
		state string
		says  string // in the reason
		fix   string // in the fix; empty: none
	}{
		{"path=/scim/ status=401", "refused", "does not accept the credential (401)", "DIRECTORY_API_KEY"},
		{"path=/scim/ status=403", "refused", "refuses access to what the credential is for (403)", "DIRECTORY_API_KEY"},
		{"path=/scim/ status=404", "refused", "no such thing (404)", "DIRECTORY_ID"},
		{"path=/scim/ status=503", "down", "errors of its own (503)", ""},
		{"path=/scim/ body=html", "down", "what answers is not the API (200)", "SCIM_URL"},
		{"path=/scim/ reset=before", "down", "there is no connection", "firewall"},
		{"path=/scim/ status=429 retry-after=60", "up", "", ""},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel()
			s := newConnectorSite(t, emulator.Options{Users: 3, Projects: 1, Seed: 1}, scim.Config{Settings: scim.Settings{DirectoryKey: "DIRECTORY_API_KEY", DirectoryID: "DIRECTORY_ID", DirectoryURL: "SCIM_URL"}})
			if w := s.do(t, http.MethodGet, "/readyz", ""); w.Code != http.StatusOK || w.Body.String() != "ready\n" {
				t.Fatalf("before: %d %s", w.Code, w.Body)
			}
			faults, err := emulator.ParseFaults(tt.fault)
			if err != nil {
				t.Fatal(err)
			}
			s.cloud.SetFaults(faults)
			s.pass(9 * time.Second)
			if w := s.do(t, http.MethodGet, "/readyz", ""); w.Code != http.StatusOK {
				t.Errorf("what is nine seconds old was asked anew: %d %s", w.Code, w.Body)
			}
			s.pass(time.Second)

			ready := s.do(t, http.MethodGet, "/readyz", "")
			status, upstreams := s.upstreamsOf(t)
			directory := upstreams["directory"]
			if directory[0] != tt.state || !strings.Contains(directory[1], tt.says) || !strings.Contains(directory[2], tt.fix) || (directory[2] == "") != (tt.fix == "") {
				t.Errorf("directory: %q, want %s, %q, %q", directory, tt.state, tt.says, tt.fix)
			}
			if diff := cmp.Diff([3]string{"up"}, upstreams["jira"]); diff != "" {
				t.Errorf("jira (-want +got):\n%s", diff)
			}
			wantStatus, wantReady, wantBody := "UP", http.StatusOK, "ready\n"
			if tt.state != "up" {
				wantStatus, wantReady, wantBody = "DOWN", http.StatusServiceUnavailable, "directory is "+tt.state+": "+directory[1]+"\n"
			}
			if status != wantStatus || ready.Code != wantReady || ready.Body.String() != wantBody {
				t.Errorf("health %s, readyz %d %q; want %s, %d %q", status, ready.Code, ready.Body, wantStatus, wantReady, wantBody)
			}
			if strings.Contains(ready.Body.String(), emulator.DirectoryID) || strings.Contains(ready.Body.String(), "127.0.0.1") {
				t.Errorf("readyz names an id or a host: %s", ready.Body)
			}
			if w := s.do(t, http.MethodGet, "/readyz/traffic", ""); w.Code != http.StatusOK {
				t.Errorf("traffic: %d %s", w.Code, w.Body)
			}

			s.cloud.SetFaults(nil)
			s.pass(10 * time.Second)
			if w := s.do(t, http.MethodGet, "/readyz", ""); w.Code != http.StatusOK {
				t.Errorf("after the end: %d %s", w.Code, w.Body)
			}
		})
	}
}

// TestProbes follows a server to its end.
func TestProbes(t *testing.T) {
	s := newConnectorSite(t, emulator.Options{Users: 3, Projects: 1, Seed: 1}, scim.Config{})
	for _, tt := range []struct {
		path   string
		drain  bool
		status int
		body   string
	}{
		{"/healthz", false, 200, "ok\n"}, {"/readyz", false, 200, "ready\n"}, {"/readyz/traffic", false, 200, "ready\n"},
		{"/readyz", true, 503, "draining\n"}, {"/readyz/traffic", true, 503, "draining\n"}, {"/healthz", true, 200, "ok\n"},
	} {
		if tt.drain {
			s.Drain()
		}
		if w := s.do(t, http.MethodGet, tt.path, ""); w.Code != tt.status || w.Body.String() != tt.body {
			t.Errorf("%s, draining %t: %d %q, want %d %q", tt.path, tt.drain, w.Code, w.Body, tt.status, tt.body)
		}
	}
	if status, _ := s.upstreamsOf(t); status != "OUT_OF_SERVICE" {
		t.Errorf("health at the end: %s", status)
	}
}
