package scim_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/server"
)

// belated is the way to Atlassian on which one write is not answered: the server gives up waiting for it, and Atlassian
// carries it out some time after that.
type belated struct {
	atlassian http.Handler
	late      time.Duration // after the server gave up
	effects   sync.WaitGroup

	mu     sync.Mutex
	loses  bool // the next write
	blinds bool // spoils the answers to all reads after the next write
	blind  bool
}

// RoundTrip implements http.RoundTripper.
func (b *belated) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = string(sent)
	}
	carryOut := func() *httptest.ResponseRecorder {
		again := r.Clone(context.WithoutCancel(r.Context()))
		again.RequestURI, again.Body = r.URL.RequestURI(), io.NopCloser(strings.NewReader(body))
		w := httptest.NewRecorder()
		b.atlassian.ServeHTTP(w, again)
		return w
	}
	b.mu.Lock()
	if b.blind && r.Method == http.MethodGet {
		b.mu.Unlock()
		return nil, errors.New("no answer")
	}
	b.blind = b.blind || b.blinds && r.Method != http.MethodGet
	lost := b.loses && r.Method != http.MethodGet
	b.loses = b.loses && !lost
	b.mu.Unlock()
	if !lost {
		return carryOut().Result(), nil
	}
	<-r.Context().Done()
	b.effects.Go(func() { time.Sleep(b.late); carryOut() })
	return nil, r.Context().Err()
}

// contraries are two requests of which each undoes the other, and a path at which the first shows with a text.
type contraries struct {
	name       string
	do, undo   string // method, path and body, with USER, GROUP and ISSUE in place of ids
	path, text string
}

func allContraries() []contraries {
	const role = "role-10000-10002"
	patch := func(path, operation string) string {
		return "PATCH " + path + ` {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + operation + `]}`
	}
	add := func(path, attribute, value string) string {
		return patch(path, `{"op":"add","path":"`+attribute+`","value":[{"value":"`+value+`"}]}`)
	}
	remove := func(path, attribute, value string) string {
		return patch(path, `{"op":"remove","path":"`+attribute+`[value eq \"`+value+`\"]"}`)
	}
	set := func(path, attribute, value string) string {
		return patch(path, `{"op":"replace","path":"`+attribute+`","value":`+value+`}`)
	}
	roleOfAccount := contraries{"a role of an account", add("/Accounts/USER", "entitlements", role), remove("/Accounts/USER", "entitlements", role), "/Accounts/USER?attributes=entitlements", role}
	holder := contraries{"a holder of a role", add("/Entitlements/"+role, "members", "USER"), remove("/Entitlements/"+role, "members", "USER"), roleOfAccount.path, role}
	member := contraries{"a member of a group", add("/Groups/GROUP", "members", "USER"), remove("/Groups/GROUP", "members", "USER"), "/Groups/GROUP", "USER"}
	entitlement := contraries{"a group of an account", add("/Accounts/USER", "entitlements", "GROUP"), remove("/Accounts/USER", "entitlements", "GROUP"), member.path, "USER"}
	ofUser := contraries{"a group of a user", add("/Users/USER", "groups", "GROUP"), remove("/Users/USER", "groups", "GROUP"), member.path, "USER"}
	active := contraries{"active of a user", set("/Users/USER", "active", "false"), set("/Users/USER", "active", "true"), "/Users/USER?attributes=active", `"active":false`}
	account := contraries{"active of an account", set("/Accounts/USER", "active", "false"), set("/Accounts/USER", "active", "true"), active.path, active.text}
	link := `[{"type":"Relates","direction":"outward","value":"OTHER"}]`
	return []contraries{
		roleOfAccount, holder, member, entitlement, ofUser, active, account,
		{"a role, given in one way and taken in the other", roleOfAccount.do, holder.undo, roleOfAccount.path, role},
		{"a membership, given in one way and taken in the other", member.do, entitlement.undo, member.path, "USER"},
		{"a membership, given by the user and taken of the account", ofUser.do, entitlement.undo, member.path, "USER"},
		{"active by account and user", account.do, active.undo, active.path, active.text},
		{"a watcher", set("/Issues/ISSUE", "watchers", `[{"value":"ACCOUNT"}]`), set("/Issues/ISSUE", "watchers", "[]"), "/Issues/ISSUE?attributes=watchers", "ACCOUNT"},
		{"a watcher, by key", set("/Issues/KEY", "watchers", `[{"value":"ACCOUNT"}]`), set("/Issues/ISSUE", "watchers", "[]"), "/Issues/ISSUE?attributes=watchers", "ACCOUNT"},
		{"a link", set("/Issues/ISSUE", "links", link), set("/Issues/ISSUE", "links", "[]"), "/Issues/ISSUE?attributes=links", `"OTHER"`},
		{"a link, taken at its other end", set("/Issues/ISSUE", "links", link), set("/Issues/OTHER", "links", "[]"), "/Issues/ISSUE?attributes=links", `"OTHER"`},
		{"a remote link", set("/Issues/ISSUE", "remoteLinks", `[{"globalId":"g","url":"https://demo.example/g","title":"g"}]`), set("/Issues/ISSUE", "remoteLinks", "[]"), "/Issues/ISSUE?attributes=remoteLinks", "demo.example/g"},
		{"labels", set("/Issues/ISSUE", "labels", `["late"]`), set("/Issues/KEY", "labels", `["early"]`), "/Issues/ISSUE?attributes=labels", `"late"`},
	}
}

// TestBelatedEffects has a write be unanswered, be carried out late, and its contrary be sent in between. Whatever of the
// two was answered with success last is true in the end, and the server itself says so.
func TestBelatedEffects(t *testing.T) {
	for _, pair := range allContraries() {
		for _, undone := range []bool{false, true} {
			for name, how := range map[string]belatedHow{
				"looked up":   {retries: -1},
				"repeated":    {retries: 1},
				"cut short":   {retries: -1, timeout: 2 * time.Second, late: 23 * time.Second},
				"out of time": {retries: -1, timeout: 22 * time.Second}, // to send it, and not to look what became of it
			} {
				t.Run(fmt.Sprintf("%s/%s, undone first %v", pair.name, name, undone), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { testBelated(t, pair, undone, how) })
				})
			}
		}
	}
}

// belatedHow is what the server does about the write that is not answered.
type belatedHow struct {
	retries int
	timeout time.Duration // of a request to the server; 0: as usual
	late    time.Duration // the effect, after the server gave up; 0: 5 s
}

func testBelated(t *testing.T, pair contraries, undone bool, how belatedHow) {
	way := newBelated(cmp.Or(how.late, 5*time.Second))
	facade := func() http.Handler { return way.facade(t, how, &auditSink{}) }
	f := facade()
	ask := func(f http.Handler, line string) (int, string) { return askLine(t, f, line) }
	names := thingsOf(t, func(line string) string { _, body := ask(f, line); return body })
	first, second, shown := names.Replace(pair.do), names.Replace(pair.undo), false
	if undone {
		if code, body := ask(f, first); code >= 300 {
			t.Fatalf("%s: %d %s", first, code, body)
		}
		first, second, shown = second, first, true
	}
	ask(f, "GET "+names.Replace(pair.path)) // what is kept now must not be believed later
	way.loses = true
	if code, body := ask(f, first); way.loses || code >= 300 && code != http.StatusGatewayTimeout {
		t.Fatalf("%s: %d %s", first, code, body)
	}
	code, body := ask(f, second)
	for repeats := 0; code >= 500 && repeats < 20; repeats++ {
		time.Sleep(2 * time.Second)
		code, body = ask(f, second)
	}
	if code >= 300 {
		t.Fatalf("%s: %d %s", second, code, body)
	}
	way.effects.Wait()
	time.Sleep(time.Second)
	for name, f := range map[string]http.Handler{"the server itself": f, "another server": facade()} {
		_, body := ask(f, "GET "+names.Replace(pair.path))
		if got := strings.Contains(body, names.Replace(pair.text)); got != shown {
			t.Errorf("%s: %v, want %v, after %d\n%s\n%s\n%s", name, got, shown, code, first, second, body)
		}
	}
}

func newBelated(late time.Duration) *belated {
	return &belated{atlassian: emulator.New(emulator.Options{Users: 5, Groups: 1, Projects: 1, Issues: 3, Seed: 1}), late: late}
}

// facade returns a server that asks Atlassian in this way.
func (b *belated) facade(t *testing.T, how belatedHow, audit *auditSink) http.Handler {
	all := bearer("all", auth.Write)
	all.GroupsByUser = true
	cfg := atlassian.Config{Transport: b, Work: scim.WorkOf, MaxRetries: how.retries, RetryBase: time.Millisecond}
	return serverOver(t, "http://localhost", cfg, scim.Config{SnapshotTTL: time.Hour, RequestTimeout: how.timeout, Audit: audit.core(), Callers: []auth.Caller{all}})
}

// askLine makes the request of a line: method, path and body.
func askLine(t *testing.T, f http.Handler, line string) (status int, answer string) {
	method, rest, _ := strings.Cut(line, " ")
	path, body, _ := strings.Cut(rest, " ")
	r := httptest.NewRequestWithContext(t.Context(), method, server.BasePath+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer all")
	r.Header.Set("Content-Type", "application/scim+json")
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// TestUnreadEffects has nothing be readable any more once Atlassian was asked to change something, which it does: no answer, and
// no line of the audit, says that it surely failed.
func TestUnreadEffects(t *testing.T) {
	for _, pair := range allContraries() {
		for _, undone := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/undone %v", pair.name, undone), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { testUnread(t, pair, undone) })
			})
		}
	}
}

func testUnread(t *testing.T, pair contraries, undone bool) {
	way, audit := newBelated(0), &auditSink{}
	f := way.facade(t, belatedHow{retries: -1}, audit)
	names := thingsOf(t, func(line string) string { _, body := askLine(t, f, line); return body })
	line := names.Replace(pair.do)
	if undone {
		askLine(t, f, line)
		line = names.Replace(pair.undo)
	}
	audit.take(t)
	way.blinds = true
	code, body := askLine(t, f, line)
	way.blinds, way.blind = false, false
	_, shown := askLine(t, way.facade(t, belatedHow{}, &auditSink{}), "GET "+names.Replace(pair.path))
	if strings.Contains(shown, names.Replace(pair.text)) == undone {
		t.Fatalf("nothing was changed by %s: %d %s", line, code, body)
	}
	lines := audit.take(t)
	switch outcome := lines[len(lines)-1]["outcome"]; {
	case outcome == "refused", outcome == "failed", code >= 400 && code < 500:
		t.Errorf("%s: %v, %d %s", line, outcome, code, body)
	case (outcome == "done") != (code < 300):
		t.Errorf("%s: %v, but %d %s", line, outcome, code, body)
	}
}

// thingsOf makes the things that contraries are about, and returns what puts their ids in the places of their names.
func thingsOf(t *testing.T, ask func(line string) string) *strings.Replacer {
	user := text(t, ask("POST /Users "+userBody("ann@demo.example")), "id")
	group := text(t, ask(`POST /Groups {"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"late"}`), "id")
	issues := [2]string{}
	key := ""
	for i := range issues {
		body := ask(`POST /Issues {"schemas":["urn:scim-atlassian:params:scim:schemas:jira:2.0:Issue"],"project":{"key":"ENG"},"issueType":{"name":"Task"},"summary":"late"}`)
		issues[i] = text(t, body, "id")
		key = cmp.Or(key, text(t, body, "key"))
	}
	account := text(t, ask("GET /Users/"+user), "atlassianAccountId")
	return strings.NewReplacer("USER", user, "GROUP", group, "ISSUE", issues[0], "OTHER", issues[1], "KEY", key, "ACCOUNT", account)
}

// text returns the first text with a name in a document.
func text(t *testing.T, body, name string) string {
	t.Helper()
	_, rest, ok := strings.Cut(body, `"`+name+`":"`)
	value, _, _ := strings.Cut(rest, `"`)
	if !ok || value == "" {
		t.Fatalf("no %s in %s", name, body)
	}
	return value
}
