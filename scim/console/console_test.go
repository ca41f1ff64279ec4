package console_test

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/console"
	"scim-atlassian/scim/console/witness"
	"scim-atlassian/scim/guard"
	"scim-atlassian/scim/server"
)

// bench is a server over the emulator with its console, both behind HTTP.
type bench struct {
	*testing.T
	cloud   *emulator.Emulator
	scim    string // URL of the SCIM API
	console string // URL of the console
	now     time.Time
}

// operator may do everything in the console; the others each lack something.
var callers = []auth.Caller{
	{Name: "operator", Rights: map[string]auth.Right{"*": auth.Write}, Console: true, Release: true},
	{Name: "viewer", Rights: map[string]auth.Right{"*": auth.Read}, Console: true},
	{Name: "users-only", Rights: map[string]auth.Right{"User": auth.Read}, Console: true},
	{Name: "hidden", Rights: map[string]auth.Right{"*": auth.Read}, Console: true, Hide: []string{"User.userName"}},
	{Name: "idp", Rights: map[string]auth.Right{"*": auth.Write}},
}

// newBench makes one; change may change the console before it is made.
func newBench(t *testing.T, change ...func(*console.Config)) *bench {
	t.Helper()
	b := &bench{T: t, cloud: emulator.New(emulator.Options{Users: 40, Groups: 5, Projects: 2, Issues: 30, Seed: 1}), now: time.Now()}
	upstream := httptest.NewServer(b.cloud)
	t.Cleanup(upstream.Close)
	clients := atlassian.Config{OnCall: scim.CountCall, Work: scim.WorkOf, RetryBase: time.Millisecond}
	directory, err := atlassian.NewDirectory(clients, upstream.URL+"/scim/directory", emulator.DirectoryID, emulator.DirectoryKey)
	if err != nil {
		t.Fatal(err)
	}
	jira, err := atlassian.NewJira(clients, upstream.URL, emulator.AdminEmail, emulator.APIToken)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(directory.CloseIdleConnections)
	t.Cleanup(jira.CloseIdleConnections)
	known := slices.Clone(callers)
	for i := range known {
		sum := sha256.Sum256([]byte(known[i].Name))
		known[i].BearerSHA256 = auth.Hashes{hex.EncodeToString(sum[:])}
	}
	recorder := witness.NewRecorder()
	clock := func() time.Time { return b.now }
	facade, err := scim.New(scim.Config{Directory: directory, Jira: jira, Callers: known, SnapshotTTL: time.Hour, Logger: zap.New(recorder.Core()),
		ChangeBudget: guard.Budget{Percent: 5, Window: time.Hour, Floor: 1}, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	service := httptest.NewServer(facade)
	t.Cleanup(service.Close)
	b.scim = service.URL + server.BasePath
	config := console.Config{
		SCIM: facade, BasePath: server.BasePath, Authenticate: facade.Authenticate, Types: facade.Types(), Recorder: recorder, Logger: zap.NewNop(), Now: clock,
		Sources: console.Sources{
			ChangeBudget: "5%/1h",
			Spent: func(ctx context.Context) (all []console.Spent, err error) {
				spent, err := facade.Spent(ctx)
				for _, s := range spent {
					all = append(all, console.Spent(s))
				}
				return all, err
			},
			Upstreams: func(context.Context) []console.Upstream {
				return []console.Upstream{{Name: "directory", State: "up", Pulse: &witness.Pulse{}}, {Name: "jira", State: "down", Since: b.now.Add(-time.Hour), Reason: "<b>no answer</b>", Fix: "wait"}}
			},
			Credentials: func() []console.Credential {
				return []console.Credential{{Name: "directory key", Expires: b.now.Add(20 * 24 * time.Hour)}, {Name: "API token"}}
			},
			Copies: func() []console.Copy {
				return []console.Copy{{Type: "User", Resources: 40}, {Type: "Group", Resources: 5}, {Type: "ProjectRole", Resources: 8, Alarm: "most roles are gone"}}
			},
		},
		Faults: &console.Faults{Rules: func() string { return "delay=1ms" }, Set: func(text string) error {
			faults, err := emulator.ParseFaults(text)
			if err == nil {
				b.cloud.SetFaults(faults)
			}
			return err
		}},
	}
	for _, f := range change {
		f(&config)
	}
	pages := httptest.NewServer(console.New(config))
	t.Cleanup(pages.Close)
	b.console = pages.URL + console.Path
	return b
}

// answer is what came of a request.
type answer struct {
	status int
	header http.Header
	body   string
}

// do makes a request as a caller; an empty name sends no credentials.
func (b *bench) do(method, rawURL, caller, body string, header ...string) answer {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, rawURL, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	if caller != "" {
		r.Header.Set("Authorization", "Bearer "+caller)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// page reads a page of the console.
func (b *bench) page(caller, path string) answer {
	b.Helper()
	a := b.do(http.MethodGet, b.console+path, caller, "")
	if a.status != http.StatusOK {
		b.Fatalf("GET %s as %s: %d\n%s", path, caller, a.status, a.body)
	}
	return a
}

// tables reads the tables of a page.
func (b *bench) tables(caller, path string) map[string][]map[string]any {
	b.Helper()
	var document struct{ Tables map[string][]map[string]any }
	if err := json.Unmarshal([]byte(b.page(caller, path).body), &document); err != nil {
		b.Fatal(err)
	}
	return document.Tables
}

// write makes a SCIM request as the caller idp.
func (b *bench) write(want int, method, path, body string) answer {
	b.Helper()
	a := b.do(method, b.scim+path, "idp", body, "Content-Type", "application/scim+json")
	if a.status != want {
		b.Fatalf("%s %s: %d, want %d\n%s", method, path, a.status, want, a.body)
	}
	return a
}

var pagePaths = []string{"/now", "/budget", "/reconciliations", "/changes", "/todo", "/filter", "/person"}

func TestSignIn(t *testing.T) {
	b := newBench(t)
	for _, test := range []struct {
		method, path, caller string
		status               int
	}{
		{"GET", "", "operator", 303},
		{"GET", "/", "operator", 303},
		{"GET", "/now", "", 401},
		{"GET", "/nothing", "", 401},
		{"GET", "/now", "wrong", 401},
		{"GET", "/now", "idp", 403},
		{"GET", "/now.json", "idp", 403},
		{"POST", "/todo", "idp", 403},
		{"GET", "/style.css", "", 200},
		{"GET", "/nothing", "operator", 404},
		{"GET", "/now.xml", "operator", 404},
		{"GET", "/now.html", "operator", 404},
		{"GET", "/pages/style.css", "operator", 404},
		{"GET", "/..%2f..%2fetc/passwd", "operator", 404},
		{"GET", "/%2e%2e/metrics", "operator", 404},
		{"GET", "/filter?type=Secret", "operator", 404},
		{"GET", "/person?id=..%2fGroups", "operator", 404},
		{"GET", "/changes?since=yesterday", "operator", 400},
		{"GET", "/now.csv?table=none", "operator", 404},
		{"HEAD", "/now", "operator", 200},
		{"DELETE", "/now", "operator", 405},
		{"POST", "/changes", "operator", 405},
		{"POST", "/todo.json", "operator", 405},
	} {
		a := b.do(test.method, b.console+test.path, test.caller, "")
		if a.status != test.status {
			t.Errorf("%s %s as %q: %d, want %d\n%s", test.method, test.path, test.caller, a.status, test.status, a.body)
		}
		if challenge := a.header.Values("WWW-Authenticate"); (len(challenge) == 2) != (test.status == 401) {
			t.Errorf("%s as %q: WWW-Authenticate %q", test.path, test.caller, challenge)
		}
		if a.header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(a.header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'self'; form-action 'self'") || a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s as %q: headers %v", test.path, test.caller, a.header)
		}
	}
}

// active is what a page must not have, since its policy would not let it work, or since somebody else has put it there.
var active = regexp.MustCompile(`(?i)<(script|style|iframe|object|embed|img|b)\b|<[^>]*\s(on[a-z]+|style|src)=|"javascript:`)

// quoted are the values of attributes: html/template writes every other quote as an entity.
var quoted = regexp.MustCompile(`"[^"]*"`)

// TestHostileTexts has texts of others on every page: names of resources, filters, parameters, reasons of upstream.
func TestHostileTexts(t *testing.T) {
	b := newBench(t)
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	name, _ := json.Marshal(evil)
	user := b.write(201, "POST", "/Users", fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"=cmd@x.example","displayName":%s,"emails":[{"value":"=cmd@x.example"}]}`, name))
	b.write(201, "POST", "/Groups", fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":%s}`, name))
	b.write(400, "GET", "/Users?filter="+url.QueryEscape("displayName xx "+evil), "")
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(user.body), &made); err != nil {
		t.Fatal(err)
	}
	q := url.QueryEscape(evil)
	for _, path := range append(slices.Clone(pagePaths), "/filter?run=1&filter="+q, "/filter?type="+q, "/filter?run=1&type=User&filter="+url.QueryEscape("displayName eq "+string(name)), "/filter?run=1&type=Group&filter=displayName+pr",
		"/person?q="+q, "/person?id="+q, "/person?id="+made.ID, "/changes?about="+q+"&who="+q+"&type="+q+"&since=2020-01-01", "/"+q, "/now?refresh="+q) {
		a := b.do("GET", b.console+path, "operator", "")
		if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: %s", path, a.header.Get("Content-Type"))
		}
		if found := active.FindString(quoted.ReplaceAllString(a.body, `""`)); found != "" {
			t.Errorf("%s has %q in it", path, found)
		}
	}
	if body := b.page("operator", "/person?id="+made.ID).body; !strings.Contains(body, "&lt;script&gt;") {
		t.Error("the page of the person does not show the name")
	}
	rows, err := csv.NewReader(strings.NewReader(b.page("operator", "/filter.csv?run=1&type=User&filter="+url.QueryEscape(`userName eq "=cmd@x.example"`)).body)).ReadAll()
	if err != nil || len(rows) != 2 || rows[1][1] != "'=cmd@x.example" {
		t.Errorf("a spreadsheet gets %q, %v", rows, err)
	}
}

// TestForms holds that the tables of a page are the same in all forms.
func TestForms(t *testing.T) {
	b := newBench(t)
	b.write(200, "GET", "/Users?count=2", "")
	b.write(404, "GET", "/Users/none", "")
	b.write(400, "GET", "/Users?filter=x", "")
	for _, path := range pagePaths {
		html := b.page("operator", path).body
		for name, rows := range b.tables("operator", path+".json") {
			if !strings.Contains(html, `id="`+name+`"`) && name != "upstreams" {
				t.Errorf("%s: the page does not show the table %s", path, name)
			}
			lines, err := csv.NewReader(strings.NewReader(b.page("operator", path+".csv?table="+name).body)).ReadAll()
			if err != nil || len(lines) != len(rows)+1 {
				t.Errorf("%s: table %s has %d rows as JSON and %d lines as CSV, %v", path, name, len(rows), len(lines), err)
				continue
			}
			for i, row := range rows {
				for j, column := range lines[0] {
					if got := strings.TrimPrefix(lines[i+1][j], "'"); got != fmt.Sprint(row[column]) && !isNumber(row[column]) {
						t.Errorf("%s %s: %s is %q as CSV and %v as JSON", path, name, column, got, row[column])
					}
				}
			}
		}
	}
	failures := b.tables("operator", "/todo.json")["failures"]
	if len(failures) != 1 || failures[0]["status"] != 400.0 || failures[0]["callers"] != "idp" {
		t.Errorf("failures: %v", failures)
	}
	callers := b.tables("operator", "/budget.json")["callers"]
	if len(callers) == 0 || callers[0]["caller"] != "idp" || callers[0]["requests"] != 3.0 || callers[0]["failed"] != 1.0 {
		t.Errorf("callers: %v", callers)
	}
}

func isNumber(v any) bool { _, ok := v.(float64); return ok }

// TestOnlyWhatMayBeRead looks with the eyes of callers who may not read everything.
func TestOnlyWhatMayBeRead(t *testing.T) {
	b := newBench(t)
	var users, groups struct{ Resources []struct{ ID string } }
	for path, into := range map[string]any{"/Users?count=1": &users, "/Groups?count=1": &groups} {
		if err := json.Unmarshal([]byte(b.write(200, "GET", path, "").body), into); err != nil {
			t.Fatal(err)
		}
	}
	user, group := users.Resources[0].ID, groups.Resources[0].ID
	b.write(200, "PATCH", "/Groups/"+group, fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"members","value":[{"value":%q}]}]}`, user))
	b.write(200, "PATCH", "/Users/"+user, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"title","value":"Head"}]}`)
	b.write(400, "POST", "/Groups", `{"displayName":7}`)
	before := len(b.tables("operator", "/changes.json")["changes"])
	b.write(200, "PATCH", "/Groups/"+group, fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"members[value eq \"%s\"]"}]}`, user))
	for caller, want := range map[string]int{"operator": 1, "users-only": 0, "hidden": 0} {
		if rows := b.tables(caller, "/budget.json")["changeBudget"]; len(rows) != want {
			t.Errorf("change budget as %s: %v, want %d rows, since a group is named", caller, rows, want)
		}
	}
	if got := len(b.tables("operator", "/changes.json")["changes"]); before != 3 || got != 4 {
		t.Errorf("%d changes, then %d", before, got)
	}

	types := func(caller string) (all []string) {
		for _, row := range b.tables(caller, "/changes.json")["changes"] {
			all = append(all, row["action"].(string))
		}
		return all
	}
	for caller, want := range map[string][]string{"operator": {"PATCH Group", "POST Group", "PATCH User", "PATCH Group"}, "users-only": {"PATCH User"}, "hidden": {"PATCH Group", "POST Group", "PATCH Group"}} {
		if diff := cmp.Diff(want, types(caller)); diff != "" {
			t.Errorf("changes as %s (-want +got):\n%s", caller, diff)
		}
	}
	if rows := b.tables("operator", "/changes.json?about="+user)["changes"]; len(rows) != 3 {
		t.Errorf("everything about a user: %v", rows)
	}
	for _, row := range b.tables("hidden", "/changes.json")["changes"] {
		if row["references"] != "" {
			t.Errorf("a caller from whom users are hidden is told of members: %v", row)
		}
	}
	if rows := b.tables("users-only", "/todo.json")["failures"]; len(rows) != 0 {
		t.Errorf("failures of others: %v", rows)
	}
	if rows := b.tables("users-only", "/now.json?table=copies")["copies"]; len(rows) != 1 || rows[0]["type"] != "User" {
		t.Errorf("copies: %v", rows)
	}
	for _, path := range []string{"/filter?type=Group", "/filter.json?type=Issue&run=1"} {
		if a := b.do("GET", b.console+path, "users-only", ""); a.status != 404 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if body := b.page("users-only", "/filter?run=1&filter=userName+pr").body; strings.Contains(body, "<option>Group") || !strings.Contains(body, "40 resources match") {
		t.Error("the filter of a caller who may read users")
	}
	page := b.page("users-only", "/person?id="+user).body
	if strings.Contains(page, "/Accounts/") || !strings.Contains(page, "may not read issues") || !strings.Contains(page, "The caller users-only may not read this") {
		t.Errorf("the person as seen by users-only:\n%s", page)
	}
	if page := b.page("operator", "/person?id="+user).body; !strings.Contains(page, "/Accounts/") || !strings.Contains(page, "Latest issues") {
		t.Errorf("the person as seen by operator:\n%s", page)
	}
}

var (
	tokenField = regexp.MustCompile(`name="token" value="([^"]+)"`)
	holdField  = regexp.MustCompile(`name="hold" value="([^"]+)"`)
)

// TestRelease releases a hold as a browser does, after all that others may try.
func TestRelease(t *testing.T) {
	b := newBench(t)
	var users struct{ Resources []struct{ ID string } }
	if err := json.Unmarshal([]byte(b.write(200, "GET", "/Users?filter=title+pr&count=4", "").body), &users); err != nil {
		t.Fatal(err)
	}
	var refused string
	for _, u := range users.Resources {
		if a := b.do("DELETE", b.scim+"/Users/"+u.ID, "idp", ""); a.status == 403 {
			refused = u.ID
		}
	}
	if refused == "" {
		t.Fatal("the budget refuses nothing")
	}
	if spent := b.tables("operator", "/budget.json")["changeBudget"]; len(spent) != 1 || spent[0]["caller"] != "idp" || spent[0]["counted"] != spent[0]["limit"] {
		t.Errorf("change budget: %v", spent)
	}
	page := b.page("operator", "/todo").body
	token, hold := tokenField.FindStringSubmatch(page), holdField.FindStringSubmatch(page)
	if token == nil || hold == nil {
		t.Fatalf("no form:\n%s", page)
	}
	if view := b.page("viewer", "/todo").body; strings.Contains(view, "<form") || len(b.tables("viewer", "/todo.json")["holds"]) > 0 {
		t.Errorf("a caller without release sees the holds of others, or a button:\n%s", view)
	}
	faultToken := tokenField.FindStringSubmatch(b.page("operator", "/now").body)
	u, _ := url.Parse(b.console)
	own := "http://" + u.Host
	form := func(token, hold, minutes string) string {
		return url.Values{"token": {token}, "hold": {hold}, "minutes": {minutes}}.Encode()
	}
	const sent = "application/x-www-form-urlencoded"
	for name, try := range map[string]struct {
		caller, body string
		header       []string
		status       int
	}{
		"without origin":          {"operator", form(token[1], hold[1], "60"), nil, 403},
		"from another site":       {"operator", form(token[1], hold[1], "60"), []string{"Origin", "https://evil.example"}, 403},
		"from a null origin":      {"operator", form(token[1], hold[1], "60"), []string{"Origin", "null"}, 403},
		"cross-site":              {"operator", form(token[1], hold[1], "60"), []string{"Origin", own, "Sec-Fetch-Site", "cross-site"}, 403},
		"from the same host name": {"operator", form(token[1], hold[1], "60"), []string{"Origin", "http://127.0.0.1:1"}, 403},
		"without token":           {"operator", form("", hold[1], "60"), []string{"Origin", own}, 403},
		"with a made-up token":    {"operator", form("9999999999.00", hold[1], "60"), []string{"Origin", own}, 403},
		"with a changed token":    {"operator", form("9"+token[1], hold[1], "60"), []string{"Origin", own}, 403},
		"with another page's":     {"operator", form(faultToken[1], hold[1], "60"), []string{"Origin", own}, 403},
		"with another's token":    {"viewer", form(token[1], hold[1], "60"), []string{"Origin", own}, 403},
		"token in the URL":        {"operator", form("", hold[1], "60"), []string{"Origin", own}, 403},
		"not signed in":           {"", form(token[1], hold[1], "60"), []string{"Origin", own}, 401},
		"another path":            {"operator", form(token[1], "../Users/"+refused, "60"), []string{"Origin", own}, 400},
		"no hold":                 {"operator", form(token[1], "00ff", "60"), []string{"Origin", own}, 404},
		"no minutes":              {"operator", form(token[1], hold[1], ""), []string{"Origin", own}, 400},
		"minutes that are JSON":   {"operator", form(token[1], hold[1], `5,"ids":["x"]`), []string{"Origin", own}, 400},
		"for ever":                {"operator", form(token[1], hold[1], "9999"), []string{"Origin", own}, 400},
		"a giant body":            {"operator", "x=" + strings.Repeat("x", 1<<20), []string{"Origin", own}, 400},
	} {
		a := b.do("POST", b.console+"/todo", try.caller, try.body, append([]string{"Content-Type", sent}, try.header...)...)
		if a.status != try.status {
			t.Errorf("%s: %d, want %d\n%s", name, a.status, try.status, a.body)
		}
	}
	b.do("GET", b.console+"/todo?"+form(token[1], hold[1], "60"), "operator", "", "Origin", own)
	b.now = b.now.Add(31 * time.Minute)
	if a := b.do("POST", b.console+"/todo", "operator", form(token[1], hold[1], "60"), "Content-Type", sent, "Origin", own); a.status != 403 {
		t.Errorf("an old form: %d", a.status)
	}
	if a := b.do("DELETE", b.scim+"/Users/"+refused, "idp", ""); a.status != 403 {
		t.Fatalf("it was released by something that must not: %d", a.status)
	}
	fresh := tokenField.FindStringSubmatch(b.page("operator", "/todo").body)
	a := b.do("POST", b.console+"/todo", "operator", form(fresh[1], hold[1], "60"), "Content-Type", sent, "Origin", own, "Sec-Fetch-Site", "same-origin")
	if a.status != 303 || a.header.Get("Location") != "/console/todo#holds" {
		t.Fatalf("the release: %d %v\n%s", a.status, a.header, a.body)
	}
	if row := b.tables("operator", "/todo.json")["holds"][0]; row["released"] != "by operator" {
		t.Errorf("the hold afterwards: %v", row)
	}
	b.write(204, "DELETE", "/Users/"+refused, "")
}

// TestFaults sets the rules of the emulator from the page.
func TestFaults(t *testing.T) {
	b := newBench(t)
	u, _ := url.Parse(b.console)
	set := func(caller, rules string) int {
		token := tokenField.FindStringSubmatch(b.page(caller, "/now").body)
		return b.do("POST", b.console+"/now", caller, url.Values{"token": {token[1]}, "rules": {rules}}.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Origin", "http://"+u.Host).status
	}
	if got := set("operator", "method=GET status=503\nmethod=POST delay=5ms"); got != 303 || len(b.cloud.Faults()) != 2 {
		t.Errorf("%d, %v", got, b.cloud.Faults())
	}
	if got := set("operator", "nonsense"); got != 400 || len(b.cloud.Faults()) != 2 {
		t.Errorf("%d, %v", got, b.cloud.Faults())
	}
	if got := set("viewer", ""); got != 403 || len(b.cloud.Faults()) != 2 {
		t.Errorf("as a caller who may only read: %d, %v", got, b.cloud.Faults())
	}
	if got := set("operator", ""); got != 303 || len(b.cloud.Faults()) != 0 {
		t.Errorf("%d, %v", got, b.cloud.Faults())
	}
}

// TestWarnings holds the sentence and the warnings to what is so.
func TestWarnings(t *testing.T) {
	b := newBench(t)
	body := b.page("operator", "/now").body
	for _, want := range []string{"Jira cannot be used at present; the rest works.", "expires in 20 days", "most roles are gone", "&lt;b&gt;no answer&lt;/b&gt;"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q on the page", want)
		}
	}
	b.cloud.SetFaults(mustFaults(t, "method=POST path=/scim/ reset=after\nmethod=GET path=/scim/ status=503"))
	a := b.do("POST", b.scim+"/Users", "idp", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"lost@x.example","emails":[{"value":"lost@x.example"}]}`, "Content-Type", "application/scim+json")
	b.cloud.SetFaults(nil)
	unknown := b.tables("operator", "/todo.json")["unknown"]
	if len(unknown) != 1 || unknown[0]["resource"] != "lost@x.example" {
		t.Errorf("status %d, unknown outcomes: %v", a.status, unknown)
	}
	if body := b.page("operator", "/now").body; !strings.Contains(body, "1 write of the last day got no answer") {
		t.Error("Now does not warn of it")
	}
}

func mustFaults(t *testing.T, text string) []emulator.Fault {
	t.Helper()
	faults, err := emulator.ParseFaults(text)
	if err != nil {
		t.Fatal(err)
	}
	return faults
}

// away is a trail that cannot be read.
type away struct{}

func (away) Latest(context.Context, int64, func(int64, witness.Record) bool) error { return errAway }
func (away) About() string                                                         { return "" }

var errAway = errors.New("the state is away")

// TestSourcesAway holds that the pages for bad times are there in bad times: what cannot be read is said, in its place.
func TestSourcesAway(t *testing.T) {
	b := newBench(t, func(c *console.Config) {
		c.Sources.Trail = away{}
		c.Sources.Spent = func(context.Context) ([]console.Spent, error) { return nil, errAway }
		c.Sources.Runs = func(context.Context) ([]console.Run, error) { return nil, errAway }
		facade := c.SCIM
		c.SCIM = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/Holds") {
				w.WriteHeader(http.StatusServiceUnavailable)
				io.WriteString(w, `{"detail":"no room for <b>requests</b>"}`)
				return
			}
			facade.ServeHTTP(w, r)
		})
	})
	for path, wants := range map[string][]string{
		"/now":             {"They cannot be read: no room for &lt;b&gt;requests", "It cannot be read: the state is away", "cannot be used at present"},
		"/budget":          {"The counts cannot be read: the state is away"},
		"/reconciliations": {"The runs cannot be read", "the state is away"},
		"/todo":            {"The holds cannot be read: no room for", "The audit cannot be read: the state is away", "Not everything can be read"},
	} {
		body := b.page("operator", path).body
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s lacks %q:\n%s", path, want, body)
			}
		}
	}
	if a := b.do("GET", b.console+"/changes", "operator", ""); a.status != 500 || strings.Contains(a.body, "away") {
		t.Errorf("changes: %d\n%s", a.status, a.body)
	}
}
