package scim_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/alarm"
	"scim-atlassian/scim/audit"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/guard"
	"scim-atlassian/scim/server"
	"scim-atlassian/scim/state"
)

// auditSink keeps the lines of an audit, or fails to.
type auditSink struct {
	mu   sync.Mutex
	full bool
	text bytes.Buffer
}

func (s *auditSink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full {
		return 0, errors.New("no space left on device")
	}
	return s.text.Write(p)
}

func (s *auditSink) Sync() error { return nil }

func (s *auditSink) core() zapcore.Core {
	return zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "msg"}), s, zapcore.DebugLevel)
}

// take returns the lines since the last take.
func (s *auditSink) take(t *testing.T) []map[string]any {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []map[string]any
	for text := range strings.Lines(s.text.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	s.text.Reset()
	return lines
}

// messages returns what the lines are, one after the other.
func messages(lines []map[string]any) (all []string) {
	for _, line := range lines {
		all = append(all, fmt.Sprint(line["msg"]))
	}
	return all
}

// auditSite is a server over an emulator, with an audit that a test reads.
type auditSite struct {
	*testing.T
	sink   *auditSink
	tenant *emulator.Emulator
	log    *observer.ObservedLogs
	server http.Handler
	mu     sync.Mutex
	writes []string // what upstream was to change, and the last line of the audit then
}

func newAuditSite(t *testing.T, change func(*scim.Config)) *auditSite {
	s := &auditSite{T: t, sink: &auditSink{}}
	e := emulator.New(emulator.Options{Users: 5, Projects: 1, Seed: 1})
	s.tenant = e
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			s.mu.Lock()
			s.sink.mu.Lock()
			lines := strings.Split(strings.TrimSpace(s.sink.text.String()), "\n")
			s.sink.mu.Unlock()
			s.writes = append(s.writes, r.Method+" after "+strings.SplitN(lines[len(lines)-1]+",", ",", 2)[0])
			s.mu.Unlock()
		}
		e.ServeHTTP(w, r)
	}))
	t.Cleanup(upstream.Close)
	core, logs := observer.New(zap.ErrorLevel)
	s.log = logs
	cfg := scim.Config{
		Logger: zap.New(core), Audit: s.sink.core(), TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		Callers: []auth.Caller{bearer("writer", auth.Write)},
	}
	if change != nil {
		change(&cfg)
	}
	s.server = serverOver(t, upstream.URL, atlassian.Config{MaxRetries: -1}, cfg)
	return s
}

func (s *auditSite) do(method, path, body string) *httptest.ResponseRecorder {
	s.Helper()
	req := httptest.NewRequestWithContext(s.Context(), method, server.BasePath+path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer writer")
	req.Header.Set("X-Forwarded-For", "198.51.100.7")
	w := httptest.NewRecorder()
	s.server.ServeHTTP(w, req)
	return w
}

const auditUser = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"%[1]s@demo.example","title":"Chief","password":"hunter2","emails":[{"value":"%[1]s@demo.example"}]}`

// TestIntentComesFirst holds that a line is written before anything is sent upstream, one
// after it, whatever the level of the log, and for each operation of a bulk request.
func TestIntentComesFirst(t *testing.T) {
	s := newAuditSite(t, nil)
	if w := s.do("POST", "/Users", fmt.Sprintf(auditUser, "eve")); w.Code != 201 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	if diff := cmp.Diff([]string{`POST after {"msg":"intent"`}, s.writes); diff != "" {
		t.Errorf("upstream (-want +got):\n%s", diff)
	}
	lines := s.sink.take(t)
	if diff := cmp.Diff([]string{"intent", "audit"}, messages(lines)); diff != "" {
		t.Fatalf("audit (-want +got):\n%s", diff)
	}
	for _, line := range lines {
		if line["address"] != "198.51.100.7" || line["principal"] != "writer" || line["requestId"] != lines[0]["requestId"] || line["values"] != nil {
			t.Errorf("got %v", line)
		}
	}
	if lines[0]["keyWanted"] != "eve@demo.example" || lines[0]["outcome"] != nil || lines[1]["outcome"] != "done" {
		t.Errorf("got %v", lines)
	}

	for _, read := range []struct{ method, path, body string }{
		{"GET", "/Users", ""}, {"POST", "/Users/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}`}, {"GET", "/Schemas", ""},
	} {
		if w := s.do(read.method, read.path, read.body); w.Code != 200 {
			t.Fatalf("%s %s: status %d: %s", read.method, read.path, w.Code, w.Body)
		}
		if lines := s.sink.take(t); lines != nil {
			t.Errorf("%s %s: got %v", read.method, read.path, lines)
		}
	}

	s.writes = nil
	w := s.do("POST", "/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[
		{"method":"POST","path":"/Users","bulkId":"1","data":`+fmt.Sprintf(auditUser, "dan")+`},
		{"method":"POST","path":"/Groups","bulkId":"2","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"g","members":[{"value":"bulkId:1"}]}},
		{"method":"POST","path":"/Groups","bulkId":"3","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]}}]}`)
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	said := map[string]string{}
	for _, line := range s.sink.take(t) {
		said[fmt.Sprint(line["operation"])] += fmt.Sprintf("%s %s %v;", line["msg"], line["resourceType"], line["outcome"])
	}
	want := map[string]string{"1": "intent User <nil>;audit User done;", "2": "intent Group <nil>;audit Group done;", "3": "audit Group refused;"}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
	for _, write := range s.writes {
		if !strings.HasSuffix(write, `"intent"`) && !strings.HasSuffix(write, `"audit"`) {
			t.Errorf("upstream: %s", write)
		}
	}
}

// TestAuditRequired holds that nothing is sent upstream without an intent where that is
// wanted, and that a gap is told loudly where it is not.
func TestAuditRequired(t *testing.T) {
	for _, required := range []bool{true, false} {
		t.Run(fmt.Sprint(required), func(t *testing.T) {
			s := newAuditSite(t, func(c *scim.Config) { c.AuditRequired = required })
			s.sink.full = true
			w := s.do("POST", "/Users", fmt.Sprintf(auditUser, "eve"))
			status, writes := 201, 1
			if required {
				status, writes = 503, 0
			}
			if w.Code != status || len(s.writes) != writes || required && w.Header().Get("Retry-After") == "" {
				t.Errorf("status %d, upstream %v: %s", w.Code, s.writes, w.Body)
			}
			if gaps := s.log.FilterMessage("the audit has a gap").Len(); gaps != 2 {
				t.Errorf("the log tells %d gaps, want 2: of the intent and of the outcome", gaps)
			}
			s.sink.full = false
			if w := s.do("POST", "/Users", fmt.Sprintf(auditUser, "dan")); w.Code != 201 {
				t.Errorf("once there is space: status %d", w.Code)
			}
		})
	}
}

// TestAuditValues holds what lines tell of values, and that they never tell a secret.
func TestAuditValues(t *testing.T) {
	for _, test := range []struct {
		values          audit.Values
		wanted, changed string
	}{
		{audit.Names, `null`, `null -> null`},
		{audit.Hashes, `"sha256:` + digest(`"Chief"`) + `"`, `"sha256:` + digest(`"Chief"`) + `" -> "sha256:` + digest(`"Sheriff"`) + `"`},
		{audit.Whole, `{"emails":[{"primary":true,"value":"eve@demo.example"}],"title":"Chief","userName":"eve@demo.example"}`, `{"title":"Chief"} -> {"title":"Sheriff"}`},
	} {
		t.Run(string(test.values), func(t *testing.T) {
			s := newAuditSite(t, func(c *scim.Config) { c.AuditValues = test.values })
			w := s.do("POST", "/Users", fmt.Sprintf(auditUser, "eve"))
			var made struct{ ID string }
			if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil || w.Code != 201 {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
			if w := s.do("PUT", "/Users/"+made.ID, strings.Replace(fmt.Sprintf(auditUser, "eve"), "Chief", "Sheriff", 1)); w.Code != 200 {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
			text := s.sink.text.String()
			if strings.Contains(text, "hunter2") || strings.Contains(text, "password") {
				t.Errorf("it tells a secret: %s", text)
			}
			lines := s.sink.take(t)
			tell := func(v any) string {
				if values, ok := v.(map[string]any); ok && test.values == audit.Hashes {
					v = values["title"]
				}
				b, _ := json.Marshal(v)
				return string(b)
			}
			if got := tell(lines[0]["values"]); got != test.wanted {
				t.Errorf("wanted: got %s, want %s", got, test.wanted)
			}
			if got := tell(lines[3]["before"]) + " -> " + tell(lines[3]["after"]); got != test.changed {
				t.Errorf("changed: got %s, want %s", got, test.changed)
			}
		})
	}
}

// TestAuditTraces holds that the audit tells Atlassian's ids of the requests that were to
// change something.
func TestAuditTraces(t *testing.T) {
	s := newAuditSite(t, nil)
	projects := s.do("GET", "/Issues?count=1", "")
	if projects.Code != 200 {
		t.Fatalf("status %d: %s", projects.Code, projects.Body)
	}
	w := s.do("POST", "/Issues", `{"schemas":["urn:scim-atlassian:params:scim:schemas:jira:2.0:Issue"],"summary":"x","project":{"key":"ACC"},"issueType":{"name":"Access request"}}`)
	if w.Code != 201 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	lines := s.sink.take(t)
	if traces, _ := lines[1]["traces"].([]any); len(traces) == 0 {
		t.Errorf("got %v", lines[1])
	}
}

// TestIntentOfReleasesAndPlans holds that what changes no resource, but what may become of them, has a line before it too,
// without which it is not done.
func TestIntentOfReleasesAndPlans(t *testing.T) {
	s := newAuditSite(t, func(c *scim.Config) {
		c.Callers[0].Release = true
		c.AuditRequired = true
		c.SnapshotTTL = time.Hour
		c.ChangeBudget = guard.Budget{Percent: 1, Window: time.Hour, Floor: 1}
		store, err := state.Open(t.Context(), "memory", state.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		c.State = store
	})
	do := func(status int, method, path, body string) string {
		t.Helper()
		w := s.do(method, path, body)
		if w.Code != status {
			t.Fatalf("%s %s: status %d: %s", method, path, w.Code, w.Body)
		}
		return w.Body.String()
	}
	var list struct{ Resources []struct{ ID string } }
	if err := json.Unmarshal([]byte(do(200, "GET", "/Users?filter=userName+pr", "")), &list); err != nil {
		t.Fatal(err)
	}
	do(204, "DELETE", "/Users/"+list.Resources[0].ID, "")
	do(403, "DELETE", "/Users/"+list.Resources[1].ID, "")
	if err := json.Unmarshal([]byte(do(200, "GET", "/Holds", "")), &list); err != nil {
		t.Fatal(err)
	}
	release := "/Holds/" + list.Resources[0].ID + "/release"
	plan := do(201, "POST", "/Plans", bulkOf(fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":"a","data":%s}`, fmt.Sprintf(auditUser, "eve"))))
	apply := "/Plans/" + text(t, plan, "id") + "/apply"
	s.sink.take(t)

	s.sink.full = true
	do(503, "POST", release, `{"minutes":5}`)
	do(503, "POST", apply, "")
	s.sink.full = false
	if hold := do(200, "GET", "/Holds/"+list.Resources[0].ID, ""); strings.Contains(hold, "released") {
		t.Errorf("released without a line: %s", hold)
	}
	if plan := do(200, "GET", strings.TrimSuffix(apply, "/apply"), ""); text(t, plan, "state") != "planned" {
		t.Errorf("applied without a line: %s", plan)
	}
	s.sink.take(t)

	do(200, "POST", release, `{"minutes":5}`)
	lines := s.sink.take(t)
	if diff := cmp.Diff([]string{"intent", "audit"}, messages(lines)); diff != "" {
		t.Fatalf("release (-want +got):\n%s", diff)
	}
	for _, line := range lines {
		if line["hold"] != list.Resources[0].ID || line["minutes"] != 5.0 || line["heldCaller"] != "writer" || line["principal"] != "writer" {
			t.Errorf("got %v", line)
		}
	}
	do(200, "POST", apply, "")
	lines = s.sink.take(t)
	if diff := cmp.Diff([]string{"intent", "intent", "audit", "audit"}, messages(lines)); diff != "" {
		t.Fatalf("apply (-want +got):\n%s", diff)
	}
	for i, line := range lines {
		if own := i == 0 || i == 3; own != (line["plan"] != nil) || own == (line["operation"] == 1.0) {
			t.Errorf("line %d: %v", i, line)
		}
	}
}

// TestIntentOfAcceptedLoss has a reading that is not believed accepted by a caller and at the start: each has a line before it,
// without which it is not done, and one after it.
func TestIntentOfAcceptedLoss(t *testing.T) {
	var store *state.Store
	s := newAuditSite(t, func(c *scim.Config) {
		c.Callers[0].Release, c.AuditRequired = true, true
		var err error
		if store, err = state.Open(t.Context(), "memory", state.Options{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		c.State = store
	})
	const loss = "The list has 3 resources where it had 400."
	if err := alarm.Raise(t.Context(), store, alarm.Alarm{Type: "User", Text: loss, Gone: 397, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	ways := []struct {
		name, who string
		accept    func() bool
	}{
		{"release", "writer", func() bool { return s.do("POST", "/Holds/mirror-user/release", "").Code == http.StatusOK }},
		{"at the start", "--accept-directory", func() bool { return s.server.(*scim.Server).AcceptDirectory(t.Context(), "--accept-directory") == nil }},
	}
	for _, way := range ways {
		s.sink.full = true
		if way.accept() {
			t.Errorf("%s: accepted without a line", way.name)
		}
		if a, err := alarm.Of(t.Context(), store, "User"); err != nil || way.name == "release" && a.Accepted != "" {
			t.Errorf("%s: accepted by %q without a line, %v", way.name, a.Accepted, err)
		}
		s.sink.full = false
		s.sink.take(t)
		if !way.accept() {
			t.Errorf("%s: not accepted", way.name)
		}
		lines := s.sink.take(t)
		if diff := cmp.Diff([]string{"intent", "audit"}, messages(lines)); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", way.name, diff)
		}
		for _, line := range lines {
			if accepted, _ := line["accepted"].(string); line["principal"] != way.who || !strings.Contains(accepted, loss) {
				t.Errorf("%s: %v", way.name, line)
			}
		}
		if lines[1]["outcome"] != "done" {
			t.Errorf("%s: the outcome is %v", way.name, lines[1]["outcome"])
		}
	}
}

// TestDoneAndUnread has writes be done, and the look at what became of them fail: no line and no answer says that they failed.
func TestDoneAndUnread(t *testing.T) {
	const role = "role-10000-10002"
	patch := func(op, path, value string) string {
		return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"` + op + `","path":"` + path + `"` + value + `}]}`
	}
	take := func(list, id string) string { return patch("remove", list+`[value eq \"`+id+`\"]`, "") }
	for _, test := range []struct {
		name, path, body, fault, detail string
	}{
		{"a role of an account", "/Accounts/USER", take("entitlements", role), "after=1 method=GET path=/rest/api/3/project/10000/role/10002", "has revoked the role"},
		{"a holder of a role", "/Entitlements/" + role, take("members", "USER"), "after=1 method=GET path=/rest/api/3/project/10000/role/10002", "has revoked the role"},
		{"a holder of a role, whose holders are shown", "/Entitlements/" + role + "?attributes=members", take("members", "USER"), "after=1 method=GET path=/scim/", "Done before: revoked"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newAuditSite(t, nil)
			user := text(t, s.do("POST", "/Users", fmt.Sprintf(auditUser, "eve")).Body.String(), "id")
			s.do("PATCH", "/Accounts/"+user, patch("add", "entitlements", `,"value":[{"value":"`+role+`"}]`))
			s.sink.take(t)
			faults, err := emulator.ParseFaults(test.fault + " body=html")
			if err != nil {
				t.Fatal(err)
			}
			s.tenant.SetFaults(faults)
			w := s.do("PATCH", strings.Replace(test.path, "USER", user, 1), strings.Replace(test.body, "USER", user, 1))
			s.tenant.SetFaults(nil)
			if w.Code != 502 || !strings.Contains(w.Body.String(), test.detail) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			lines := s.sink.take(t)
			if line := lines[len(lines)-1]; line["outcome"] != "partial" || line["revoked"] == nil {
				t.Errorf("got %v", line)
			}
			if account := s.do("GET", "/Accounts/"+user+"?attributes=entitlements", "").Body.String(); strings.Contains(account, role) {
				t.Errorf("the role is still there: %s", account)
			}
		})
	}
}
