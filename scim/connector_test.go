package scim_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/connector"
	"scim-atlassian/scim/server"
)

// connectorSite is a server over an emulator, with a clock.
type connectorSite struct {
	*scim.Server
	cloud *emulator.Emulator
	mu    sync.Mutex
	now   time.Time
}

func newConnectorSite(t *testing.T, options emulator.Options, config scim.Config) *connectorSite {
	t.Helper()
	s := &connectorSite{cloud: emulator.New(options), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	upstream := httptest.NewServer(s.cloud)
	t.Cleanup(upstream.Close)
	config.Version = "v1.2.3"
	config.Callers = []auth.Caller{
		bearer("reader", auth.Read),
		{Name: "nobody", BearerSHA256: auth.Hashes{digest("nobody")}, Rights: map[string]auth.Right{}},
	}
	config.Now = func() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.now }
	s.Server = serverOver(t, upstream.URL, atlassian.Config{MaxRetries: -1, Timeout: 5 * time.Second}, config)
	return s
}

func (s *connectorSite) pass(d time.Duration) { s.mu.Lock(); defer s.mu.Unlock(); s.now = s.now.Add(d) }

// do makes one request; without a token it carries no credentials.
func (s *connectorSite) do(t *testing.T, method, path, token string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, req)
	return w
}

func (s *connectorSite) upstreamCalls(t *testing.T) int {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/_emulator/requests", nil)
	req.RemoteAddr = "127.0.0.1:1"
	w := httptest.NewRecorder()
	s.cloud.ServeHTTP(w, req)
	var log []any
	if err := json.Unmarshal(w.Body.Bytes(), &log); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	s.cloud.ClearLog()
	return len(log)
}

func TestConnectorHealth(t *testing.T) {
	s := newConnectorSite(t, emulator.Options{Users: 3, Projects: 1, Seed: 1}, scim.Config{})
	var details struct {
		Status, Version string
		Compatibility   map[string]string
		Schemas         []struct{ Resource, Schema string }
		Target          struct{ Status, TestedAt string }
	}
	health := func(token string, status int) {
		t.Helper()
		for _, root := range []string{"", server.BasePath} {
			w := s.do(t, http.MethodGet, root+"/connector/health", token)
			if w.Code != status {
				t.Errorf("%s/connector/health as %q: status %d, want %d", root, token, w.Code, status)
			}
			if status == http.StatusUnauthorized || status == http.StatusForbidden {
				continue
			}
			if got := w.Header().Get("Content-Type"); got != "application/json" {
				t.Errorf("content type %q", got)
			}
			if err := json.Unmarshal(w.Body.Bytes(), &details); err != nil {
				t.Fatalf("%v in %s", err, w.Body)
			}
		}
	}

	if w := s.do(t, http.MethodGet, "/connector/health", ""); w.Code != http.StatusOK || w.Body.String() != `{"status":"UP"}` {
		t.Errorf("without credentials: %d %s", w.Code, w.Body)
	}
	health("wrong", http.StatusUnauthorized)
	health("nobody", http.StatusForbidden)
	health("reader", http.StatusOK)
	if details.Status != "UP" || details.Version != "v1.2.3" || details.Compatibility["connector"] != "1.0" || details.Target.Status != "untested" {
		t.Errorf("details %+v", details)
	}
	if first := details.Schemas[0]; first.Resource != "User" || first.Schema != "urn:ietf:params:scim:schemas:core:2.0:User" {
		t.Errorf("the first schema is %+v", first)
	}
	if n := s.upstreamCalls(t); n != 2 {
		t.Errorf("health cost %d upstream calls, want one for each upstream, however often it is asked", n)
	}

	s.do(t, http.MethodGet, "/connector/test", "reader")
	health("reader", http.StatusOK)
	if details.Target.Status != "ok" || details.Target.TestedAt != "2026-01-02T03:04:05.000Z" {
		t.Errorf("target after a test %+v", details.Target)
	}

	s.Drain()
	health("", http.StatusServiceUnavailable)
	health("reader", http.StatusServiceUnavailable)
	if details.Status != "OUT_OF_SERVICE" {
		t.Errorf("status while draining %q", details.Status)
	}
}

// Metadata are what IDHub drafts an application from: the owners, the mapping as it is configured, the table of
// operations, and where everything is.
func TestConnectorMetadata(t *testing.T) {
	type attribute struct {
		Name, IDHubFieldName, Type, Mutability, SyncDirection string
		Required, CaseExact, IsVisible                        bool
	}
	type metadata struct {
		Owners        map[string]string
		TrustedSource bool
		Resources     []struct {
			Name, Schema, ReconKey, AccountName string
			Aliases                             []string
			Attributes                          []attribute
		}
		Operations []struct {
			Group      string
			Operations []struct {
				Name, Request string
				Supported     bool
			}
		}
		Endpoints map[string]string
	}
	read := func(config scim.Config) metadata {
		t.Helper()
		config.PublicURL = "https://scim.example"
		config.Owners = connector.Owners{Business: "Bea", IT: "Ito"}
		s := newConnectorSite(t, emulator.Options{Seed: 1}, config)
		w := s.do(t, http.MethodGet, "/connector/metadata", "reader")
		var m metadata
		if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%v, %d %s", err, w.Code, w.Body)
		}
		if n := s.upstreamCalls(t); n != 0 {
			t.Errorf("metadata cost %d upstream calls", n)
		}
		return m
	}

	m := read(scim.Config{})
	if diff := cmp.Diff(map[string]string{"businessOwner": "Bea", "itOwner": "Ito"}, m.Owners); diff != "" {
		t.Errorf("owners (-want +got):\n%s", diff)
	}
	account := m.Resources[0]
	if account.Name != "Account" || account.ReconKey != "email" || account.AccountName != "userName" || len(account.Aliases) != 1 || m.Resources[1].Name != "Entitlement" {
		t.Errorf("resources %+v", m.Resources)
	}
	named := func(m metadata, name string) attribute {
		for _, a := range m.Resources[0].Attributes {
			if a.Name == name {
				return a
			}
		}
		return attribute{}
	}
	title := attribute{Name: "title", IDHubFieldName: "jobTitle", Type: "string", Mutability: "readWrite", SyncDirection: "idhub-to-app", CaseExact: true, IsVisible: true}
	if diff := cmp.Diff(title, named(m, "title")); diff != "" {
		t.Errorf("title (-want +got):\n%s", diff)
	}
	trusted := read(scim.Config{TrustedSource: true})
	title.Mutability, title.SyncDirection = "readOnly", "app-to-idhub"
	if diff := cmp.Diff(title, named(trusted, "title")); diff != "" || !trusted.TrustedSource {
		t.Errorf("title where Jira is trusted (-want +got):\n%s", diff)
	}
	offered := func(m metadata) (yes, no []string) {
		for _, group := range m.Operations {
			for _, o := range group.Operations {
				if o.Request == "" {
					t.Errorf("%s has no request", o.Name)
				}
				if o.Supported {
					yes = append(yes, o.Name)
				} else {
					no = append(no, o.Name)
				}
			}
		}
		return yes, no
	}
	if yes, no := offered(m); len(yes) != 16 || len(no) != 0 {
		t.Errorf("offered %q, not offered %q", yes, no)
	}
	if _, no := offered(trusted); !cmp.Equal(no, []string{"Create user", "Update user", "Delete user"}) {
		t.Errorf("where Jira is trusted, not offered %q", no)
	}
	for name, want := range map[string]string{"Account": "/scim/v2/Accounts", "Schemas": "/scim/v2/Schemas", "connector/test": "/scim/v2/connector/test"} {
		if got := m.Endpoints[name]; got != "https://scim.example"+want {
			t.Errorf("endpoint %s is %q", name, got)
		}
	}
}

// TestConnectorAnswers holds that configured changes are in an answer, and that
// the rest of the answer is as without them, the second time too.
func TestConnectorAnswers(t *testing.T) {
	answers, err := connector.ParseAnswers([]byte(`{
		"health": {"version": null, "state": "Up", "compatibility": {"core": "7.1", "scim": null}},
		"test": {"connector": {"id": 7, "tags": ["a", {"b": true}]}},
		"metadata": {"owners": {"itOwner": "somebody else"}, "operations": []}}`))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		path   string
		change func(answer map[string]any)
	}{
		{"/connector/health", func(answer map[string]any) {
			delete(answer, "version")
			answer["state"] = "Up"
			answer["compatibility"] = map[string]any{"connector": "1.0", "core": "7.1"}
		}},
		{"/connector/test", func(answer map[string]any) {
			answer["connector"] = map[string]any{"id": 7.0, "tags": []any{"a", map[string]any{"b": true}}}
		}},
		{"/connector/metadata", func(answer map[string]any) {
			answer["owners"] = map[string]any{"businessOwner": "", "itOwner": "somebody else"}
			answer["operations"] = []any{}
		}},
	}
	plain := newConnectorSite(t, emulator.Options{Projects: 1, Seed: 1}, scim.Config{})
	changed := newConnectorSite(t, emulator.Options{Projects: 1, Seed: 1}, scim.Config{Connector: answers})
	for range 2 {
		for _, tt := range tests {
			want := plain.answer(t, tt.path)
			tt.change(want)
			if diff := cmp.Diff(want, changed.answer(t, tt.path)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.path, diff)
			}
		}
	}
}

// answer returns the answer to the reader, which has a body.
func (s *connectorSite) answer(t *testing.T, path string) map[string]any {
	t.Helper()
	w := s.do(t, http.MethodGet, path, "reader")
	var body map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("%s: %v in %s", path, err, w.Body)
	}
	return body
}

func TestConnectorRoutes(t *testing.T) {
	s := newConnectorSite(t, emulator.Options{Seed: 1}, scim.Config{})
	tests := []struct {
		method, path, token string
		want                int
	}{
		{http.MethodHead, "/connector/health", "reader", 200},
		{http.MethodPost, "/connector/health", "reader", 405},
		{http.MethodPost, "/connector/test", "reader", 200},
		{http.MethodGet, "//connector//test/", "reader", 200},
		{http.MethodGet, "/connector/test", "", 401},
		{http.MethodGet, "/connector/test", "nobody", 403},
		{http.MethodDelete, "/connector/test", "reader", 405},
		{http.MethodGet, "/connector/nothing", "reader", 404},
		{http.MethodGet, "/connector/nothing", "", 401},
		{http.MethodGet, "/connector", "reader", 404},
		{http.MethodGet, "/connectors/health", "reader", 404},
		{http.MethodGet, "/connector/../Users", "reader", 404},
	}
	for _, tt := range tests {
		if got := s.do(t, tt.method, tt.path, tt.token).Code; got != tt.want {
			t.Errorf("%s %s as %q: status %d, want %d", tt.method, tt.path, tt.token, got, tt.want)
		}
	}
}

type testAnswer struct {
	Status       string
	Capabilities []struct {
		Name, Status, Detail string
		DurationMs           *int
	}
}

// summary is a line of name, status and detail for each capability.
func (a testAnswer) summary() []string {
	lines := []string{a.Status}
	for _, c := range a.Capabilities {
		lines = append(lines, fmt.Sprintf("%s %s: %s", c.Name, c.Status, c.Detail))
	}
	return lines
}

func TestConnectorTest(t *testing.T) {
	probes := []connector.Probe{
		{Capability: "announcement"},
		{Capability: "idhub", Run: func(context.Context) (string, error) { return "", errors.New("token abc of secret-host") }},
	}
	const off = "organization off: not configured"
	all := []string{
		"permission BROWSE_PROJECTS ok: reads issues", "permission CREATE_ISSUES ok: creates issues", "permission EDIT_ISSUES ok: updates issues",
		"permission TRANSITION_ISSUES ok: changes the status of issues", "permission DELETE_ISSUES ok: deletes issues",
		"permission ADMINISTER_PROJECTS ok: reads and grants project roles", off,
	}
	concat := func(parts ...any) []string {
		var lines []string
		for _, part := range parts {
			switch part := part.(type) {
			case string:
				lines = append(lines, part)
			case []string:
				lines = append(lines, part...)
			}
		}
		return lines
	}
	const directory, jira, projects = "directory ok: 3 users", "jira ok: signed in as Ada Administrator", "projects ok: ACC, ENG, HR, OPS"
	tests := []struct {
		name     string
		fault    string
		withheld string
		config   scim.Config
		want     []string
	}{
		{"all well", "", "", scim.Config{}, concat("ok", directory, jira, projects, all)},
		{"project not there", "", "", scim.Config{Projects: []string{"ENG", "NO"}},
			concat("limited", directory, jira, "projects limited: not there, or the account may not browse them: NO", all)},
		{"no project there", "", "", scim.Config{Projects: []string{"NO"}},
			concat("limited", directory, jira, "projects denied: the Jira account sees no project: give it the permission Browse projects", off)},
		{"permission in no project", "", "CREATE_ISSUES", scim.Config{},
			concat("limited", directory, jira, projects, all[0], "permission CREATE_ISSUES denied: the Jira account has CREATE_ISSUES in no project", all[2:])},
		{"permission not in one project", "", "CREATE_ISSUES:HR", scim.Config{},
			concat("limited", directory, jira, projects, all[0], "permission CREATE_ISSUES limited: not in HR", all[2:])},
		{"directory refuses", "path=/scim/ status=401", "", scim.Config{},
			concat("failed", "directory denied: GET /Users: unauthenticated (401): Missing or invalid authorization header.", jira, projects, all)},
		{"directory is down", "path=/scim/ status=503", "", scim.Config{},
			concat("failed", "directory failed: GET /Users: unavailable (503): Service Unavailable. Please try again.", jira, projects, all)},
		{"directory does not answer", "path=/scim/ delay=1m", "", scim.Config{RequestTimeout: 500 * time.Millisecond},
			concat("failed", "directory failed: GET /Users: it does not answer in time", jira, projects, all)},
		{"others", "", "", scim.Config{Probes: probes},
			concat("limited", directory, jira, projects, all, "announcement off: not configured",
				"idhub failed: Internal error; the server's log has the cause under this request's id.")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			options := emulator.Options{Users: 3, Projects: 3, Seed: 1}
			if tt.withheld != "" {
				options.Jira.Withheld = []string{tt.withheld}
			}
			s := newConnectorSite(t, options, tt.config)
			faults, err := emulator.ParseFaults(tt.fault)
			if err != nil {
				t.Fatal(err)
			}
			s.cloud.SetFaults(faults)
			w := s.do(t, http.MethodGet, "/connector/test", "reader")
			var got testAnswer
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
				t.Fatalf("%v, %d %s", err, w.Code, w.Body)
			}
			if diff := cmp.Diff(tt.want, got.summary()); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			for _, c := range got.Capabilities {
				if (c.DurationMs == nil) != (c.Status == "off") {
					t.Errorf("%s, which is %s, has the duration %v", c.Name, c.Status, c.DurationMs)
				}
			}
			for _, secret := range []string{emulator.APIToken, emulator.DirectoryKey, "secret-host"} {
				if strings.Contains(w.Body.String(), secret) {
					t.Errorf("the answer holds %q", secret)
				}
			}
		})
	}
}

// Who asks again and again, or at the same time as others, costs Atlassian nothing more.
func TestConnectorTestIsShared(t *testing.T) {
	s := newConnectorSite(t, emulator.Options{Users: 3, Projects: 3, Seed: 1}, scim.Config{})
	const calls = 4 // users, myself, projects, permissions
	costs := func(what string, want int) {
		t.Helper()
		if got := s.upstreamCalls(t); got != want {
			t.Errorf("%s: %d upstream calls, want %d", what, got, want)
		}
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { s.do(t, http.MethodGet, "/connector/test", "reader") })
	}
	wg.Wait()
	costs("twenty at a time", calls)
	s.pass(4 * time.Second)
	s.do(t, http.MethodGet, "/connector/test", "reader")
	costs("after four seconds", 0)
	s.pass(2 * time.Second)
	if w := s.do(t, http.MethodGet, "/connector/test", "reader"); w.Header().Get("X-Upstream-Calls") != fmt.Sprint(calls) {
		t.Errorf("X-Upstream-Calls %q, want %d", w.Header().Get("X-Upstream-Calls"), calls)
	}
	costs("after six seconds", calls)
}
