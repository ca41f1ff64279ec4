package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// mistake is one that people make, and what check says of it.
type mistake struct {
	what string
	make func(t *testing.T, e *environment)
	says string // in one line of check
	ok   bool   // check does not fail: it may be meant
	rest string // what is before and after says, with … in its place, if it differs from run to run
}

// environment is that of a server in front of the emulator, before the mistake.
type environment struct {
	set  map[string]string
	file string // content of .env; empty: none
}

// with sets a variable.
func with(name, value string) func(*testing.T, *environment) {
	return func(_ *testing.T, e *environment) { e.set[name] = value }
}

// fault has the emulator spoil its answers.
func fault(rule string) func(*testing.T, *environment) {
	return func(t *testing.T, e *environment) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, e.set["SITE_URL"]+"/_emulator/faults", strings.NewReader(rule))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil || response.StatusCode >= 300 {
			t.Fatalf("%v, %v", response, err)
		}
		response.Body.Close()
	}
}

// through puts something between the server and the emulator that changes the header of answers.
func through(change func(http.Header)) func(*testing.T, *environment) {
	return func(t *testing.T, e *environment) {
		target, err := url.Parse(e.set["SITE_URL"])
		if err != nil {
			t.Fatal(err)
		}
		between := httptest.NewServer(&httputil.ReverseProxy{
			Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(target) },
			ModifyResponse: func(r *http.Response) error { change(r.Header); return nil },
		})
		t.Cleanup(between.Close)
		e.set["SITE_URL"], e.set["SCIM_URL"] = between.URL, between.URL+"/scim/directory"
	}
}

// exchange exchanges the values of two variables.
func exchange(a, b string) func(*testing.T, *environment) {
	return func(_ *testing.T, e *environment) { e.set[a], e.set[b] = e.set[b], e.set[a] }
}

// callersFile replaces the callers file.
func callersFile(content string) func(*testing.T, *environment) {
	return func(t *testing.T, e *environment) {
		e.set["SCIM_ATLASSIAN_CALLERS_FILE"] = write(t, "callers.json", content)
	}
}

const aHash = `"$2a$04$aaaaaaaaaaaaaaaaaaaaaOeZcAyyHN0xP6Bq0jEwN8cqfP5vhKz2a"`

// mistakes are the rows of docs/mistakes.md.
var mistakes = []mistake{
	{"`.env.example` is copied and not filled in", with("DIRECTORY_API_KEY", "replace-me"), "DIRECTORY_API_KEY still holds the placeholder replace-me: put your own value there", false, ""},
	{"the site of the sample is left", with("SITE_URL", "https://your-site.atlassian.net"), "SITE_URL still holds the placeholder your-site: put your own value there", false, ""},
	{"a required setting is missing", with("ADMIN_EMAIL", ""), "ADMIN_EMAIL is missing: the e-mail address of the account that calls Jira", false, ""},
	{"a name is misspelt", with("SCIM_ATLASSIAN_PROJECT", "ENG"), "SCIM_ATLASSIAN_PROJECT in the environment is no setting: the nearest name is SCIM_ATLASSIAN_PROJECTS", false, ""},
	{"a secret in `.env` holds ` #` and is not quoted", func(_ *testing.T, e *environment) {
		e.file = "DIRECTORY_API_KEY=demo-directory-key #1\n"
		delete(e.set, "DIRECTORY_API_KEY")
	}, "looks cut short: it ends before a #; put the value in single quotes, or the comment on a line of its own", true, ""},
	{"`SITE_URL` is copied from the browser, with a path", with("SITE_URL", "https://acme.atlassian.net/jira/projects"), "SITE_URL must end after the host: https://acme.atlassian.net, without /jira/projects", false, ""},
	{"`SITE_URL` has http", with("SITE_URL", "http://acme.atlassian.net"), "SITE_URL must be an https URL", false, ""},
	{"`SITE_URL` leads to a web page", fault("path=/rest/ body=html"), "upstream answered 200 with a web page instead of JSON; look at SITE_URL, and for a proxy or a sign-in page between here and there", false, ""},
	{"the cloud id in `SITE_URL` is another's", func(_ *testing.T, e *environment) {
		e.set["SITE_URL"] += "/ex/jira/c10d0000-0000-4000-8000-00000000ffff"
	}, "look at SITE_URL: no Jira site is there", false, ""},
	{"a host is misspelt", with("SITE_URL", "https://acme.atlasian.invalid"), "its name ", false, "…is not known (DNS); look at SITE_URL for a misspelt host, and at the DNS of this machine"},
	{"the port is wrong, or a firewall is between", with("SITE_URL", "https://127.0.0.1:1"), "nothing listens there (connection refused); look at SITE_URL for a wrong port, and at the firewall", false, ""},
	{"https to a port that speaks http", func(_ *testing.T, e *environment) {
		e.set["SITE_URL"] = strings.Replace(e.set["SITE_URL"], "http:", "https:", 1)
	}, "what listens there does not speak TLS; look at SITE_URL for http in place of https, or a wrong port", false, ""},
	{"`HTTPS_PROXY` names a proxy that is not there", func(_ *testing.T, e *environment) {
		e.set["HTTPS_PROXY"], e.set["SITE_URL"] = "http://robot:secret@127.0.0.1:1", "https://acme.invalid"
	}, "requests to acme.invalid go through 127.0.0.1:1; look at HTTPS_PROXY and NO_PROXY: nothing answers at the proxy", false, ""},
	{"a proxy opens TLS with an authority of its own", func(t *testing.T, e *environment) {
		secure := httptest.NewTLSServer(http.NotFoundHandler())
		t.Cleanup(secure.Close)
		e.set["SITE_URL"] = secure.URL
	}, "its certificate is of an unknown authority (TLS); a proxy that opens TLS has an authority of its own: give it to this program with SSL_CERT_FILE", false, ""},
	{"`DIRECTORY_ID` is another directory's", with("DIRECTORY_ID", "0d1ec701-0000-4000-8000-00000000ffff"), "put the id at the end of the directory's SCIM base URL into DIRECTORY_ID, and look at SCIM_URL", false, ""},
	{"`DIRECTORY_ID` is the whole URL", with("DIRECTORY_ID", "https://api.atlassian.com/scim/directory/0d1ec701-0000-4000-8000-000000000001"), "DIRECTORY_ID must be the id alone, what stands at the end of the directory's SCIM base URL", false, ""},
	{"`SCIM_URL` ends with another directory", func(_ *testing.T, e *environment) { e.set["SCIM_URL"] += "/0d1ec701-0000-4000-8000-00000000ffff" }, "SCIM_URL ends with the id of another directory than DIRECTORY_ID: keep one of them", false, ""},
	{"the directory's key is wrong, or has expired", with("DIRECTORY_API_KEY", "old"), "DIRECTORY_API_KEY is wrong, of another directory, or has expired: Atlassian Administration makes a new one under Security, Identity providers", false, ""},
	{"the keys of directory and organization are swapped", exchange("DIRECTORY_API_KEY", "SCIM_ATLASSIAN_ORGANIZATION_API_KEY"), "SCIM_ATLASSIAN_ORGANIZATION_API_KEY holds the key of the directory; put it into DIRECTORY_API_KEY, and a key of the organization in its place", false, ""},
	{"the directory's key and the API token are swapped", exchange("DIRECTORY_API_KEY", "ACCOUNT_SECURITY_API_KEY"), "ACCOUNT_SECURITY_API_KEY holds the key of the directory; exchange it with DIRECTORY_API_KEY, or put an API token of ADMIN_EMAIL in its place", false, ""},
	{"one key is used for two things", with("ACCOUNT_SECURITY_API_KEY", "demo-directory-key"), "DIRECTORY_API_KEY and ACCOUNT_SECURITY_API_KEY are the same: they are keys of different kinds", false, ""},
	{"a key is copied with a line end or a tab", with("DIRECTORY_API_KEY", "demo\tkey"), "the API key contains a control character, such as a line end", false, ""},
	{"the API token is wrong, or has expired", with("ACCOUNT_SECURITY_API_KEY", "old"), "ACCOUNT_SECURITY_API_KEY is no API token of ADMIN_EMAIL, or has expired: id.atlassian.com makes a new one; a token with scopes wants https://api.atlassian.com/ex/jira/{cloudId} as SITE_URL", false, ""},
	{"`ADMIN_EMAIL` is a name", with("ADMIN_EMAIL", "Ada Administrator"), "ADMIN_EMAIL must be the e-mail address of the account, not its name", false, ""},
	{"the organization's key has expired", with("SCIM_ATLASSIAN_ORGANIZATION_API_KEY", "old"), "the API key is wrong or has expired: make another in Atlassian Administration under Settings, API keys", false, ""},
	{"the organization's id is wrong", with("SCIM_ATLASSIAN_ORGANIZATION_ID", "acme"), "there is no such organization: its id stands after /o/ in the addresses of Atlassian Administration", false, ""},
	{"the organization's key is there without its id", with("SCIM_ATLASSIAN_ORGANIZATION_ID", ""), "SCIM_ATLASSIAN_ORGANIZATION_ID and SCIM_ATLASSIAN_ORGANIZATION_API_KEY need each other: set both or neither", false, ""},
	{"the key for events lacks its scope", with("SCIM_ATLASSIAN_ORGANIZATION_EVENTS_KEY", "demo-organization-key"), "it must be one with the scope read:events:admin, and the plan must have an audit log, as Guard Standard has", false, ""},
	{"a project is misspelt, or may not be seen", with("SCIM_ATLASSIAN_PROJECTS", "NOPE"), "the Jira account sees no project: give it the permission Browse projects", false, ""},
	{"a project's name stands for its key", with("SCIM_ATLASSIAN_PROJECTS", "Engineering"), `"Engineering" is no project key: use a comma list such as OPS,HR`, false, ""},
	{"nobody may call", with("SCIM_ATLASSIAN_CALLERS_FILE", ""), "SCIM_ATLASSIAN_CALLERS_FILE is missing: a JSON file of who may call", false, ""},
	{"the callers file has a password in place of its hash", callersFile("[\n  {\"name\": \"okta\", \"username\": \"okta\",\n   \"basic_bcrypt\": \"secret\", \"rights\": {\"*\": \"write\"}}\n]"), "caller 1 (okta), line 2: basic_bcrypt is not a bcrypt hash: make one with hash-password", false, ""},
	{"the callers file has a misspelt setting", callersFile("[\n  {\"name\": \"okta\",\n   \"right\": {\"*\": \"write\"}}\n]"), "caller 1 (okta), line 3: right is no setting", false, ""},
	{"the callers file has a comma too many", callersFile("[\n  {\"name\": \"okta\"},\n]"), "not a JSON array of callers: line 2: invalid character", false, ""},
	{"everybody on the machine can read the callers file", func(t *testing.T, e *environment) {
		if err := os.Chmod(e.set["SCIM_ATLASSIAN_CALLERS_FILE"], 0o644); err != nil {
			t.Fatal(err)
		}
	}, "; chmod 600 ", true, "everybody on this machine can read callers.json (-rw-r--r--)…callers.json"},
	{"a caller may release what holds it back", callersFile(`[{"name": "okta", "username": "okta", "basic_bcrypt": ` + aHash + `, "rights": {"*": "write"}, "release": true}]`),
		"okta may write, and release what the change budget holds back of its own writes; give release to a caller that cannot write", true, ""},
	{"the Jira account may do more than any caller", callersFile(`[{"name": "okta", "username": "okta", "basic_bcrypt": ` + aHash + `, "rights": {"User": "write", "Group": "write"}}]`),
		"the Jira account has it, and no caller may write issues; take it from ADMIN_EMAIL, or give a caller the right", true, ""},
	{"the clock is wrong", through(func(h http.Header) { h.Set("Date", time.Now().Add(-2*time.Hour).UTC().Format(http.TimeFormat)) }),
		"this machine's clock differs from Atlassian's by 2h0m", false, "…0s: access tokens and cursors are judged wrongly; synchronize it (NTP)"},
	{"something else uses up Atlassian's limits", through(func(h http.Header) {
		h.Set("X-RateLimit-Limit", "100")
		h.Set("X-RateLimit-Remaining", "3")
	}), "of 100 requests are left for ", true, "3 …GET /rest/api/3/myself; look for what else calls Atlassian, or lower SCIM_ATLASSIAN_UPSTREAM_CONCURRENCY"},
	{"a key ends soon", func(_ *testing.T, e *environment) {
		e.set["SCIM_ATLASSIAN_DIRECTORY_KEY_EXPIRES"] = time.Now().AddDate(0, 0, 5).Format(time.DateOnly)
	}, ": make a new one in Atlassian Administration under Security, Identity providers, and put it into DIRECTORY_API_KEY", true, "it ends on 2027-03-31, in 5 days…"},
	{"`SITE_URL` is a site's, and the account has no access to Jira there", fault("path=/rest/ status=403"), "give ADMIN_EMAIL access to Jira on the site", false, ""},
}

// TestMistakes makes each mistake, holds what check says, and that docs/mistakes.md says the same.
func TestMistakes(t *testing.T) {
	good := startEmulator(t)
	rows := []string{"| mistake | `check` says |", "|---|---|"}
	for _, m := range mistakes {
		says := strings.Trim(m.says, ":;, ")
		if m.rest != "" {
			says = strings.Replace(m.rest, "…", m.says, 1)
		}
		rows = append(rows, fmt.Sprintf("| %s | %s%s |", m.what, map[bool]string{true: "`part`: ", false: ""}[m.ok], strings.ReplaceAll(says, "|", `\|`)))
		t.Run(m.what, func(t *testing.T) {
			e := &environment{set: map[string]string{"SCIM_ATLASSIAN_UPSTREAM_MAX_RETRIES": "0"}}
			for _, pair := range good {
				name, value, _ := strings.Cut(pair, "=")
				e.set[name] = value
			}
			callers, err := os.ReadFile(e.set["SCIM_ATLASSIAN_CALLERS_FILE"])
			if err != nil {
				t.Fatal(err)
			}
			callersFile(string(callers))(t, e) // a copy
			emulated := e.set["SITE_URL"]
			m.make(t, e)
			args := []string{"check"}
			if e.file != "" {
				args = append(args, "--env-file", write(t, "env", e.file))
			}
			var environ []string
			for name, value := range e.set {
				environ = append(environ, name+"="+value)
			}
			p := start(t, environ, args...)
			code := p.wait(t)
			fault("")(t, &environment{set: map[string]string{"SITE_URL": emulated}})
			if (code == exitOK) != m.ok || !slices.ContainsFunc(strings.Split(p.stdout.String(), "\n"), func(line string) bool {
				return strings.Contains(line, m.says) && strings.HasPrefix(line, map[bool]string{true: "part", false: "FAIL"}[m.ok])
			}) {
				t.Errorf("exit code %d, want %q in a line of\n%s%s", code, m.says, p.stdout.String(), p.stderr.String())
			}
		})
	}
	const path = "../../docs/mistakes.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	table := regexp.MustCompile(`(?ms)^\| mistake \|.*?\n\n`)
	want := table.ReplaceAllLiteralString(string(page), strings.Join(rows, "\n")+"\n\n")
	if *updateDocs && want != string(page) {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(string(page), "\n")); diff != "" {
		t.Errorf("%s (-should say +says):\n%s", path, diff)
	}
}

// TestJSON holds the form of --json.
func TestJSON(t *testing.T) {
	p := start(t, append(startEmulator(t), "DIRECTORY_API_KEY=old"), "check", "--json")
	if code := p.wait(t); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	var findings []reported
	if err := json.Unmarshal([]byte(p.stdout.String()), &findings); err != nil {
		t.Fatalf("%v in %s", err, p.stdout.String())
	}
	at := slices.IndexFunc(findings, func(f reported) bool { return f.Capability == "directory" })
	want := reported{"directory", "SCIM_URL, DIRECTORY_ID, DIRECTORY_API_KEY", "FAIL", "GET /Users: forbidden (403): You are not authorized to call the API.",
		"DIRECTORY_API_KEY is wrong, of another directory, or has expired: Atlassian Administration makes a new one under Security, Identity providers"}
	if diff := cmp.Diff(want, findings[at]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	p = start(t, nil, "explain", "--json", "--resource", "Users", `userName eq "a"`)
	p.wait(t)
	if got, want := p.stdout.String(), `{"resource":"Users","filter":"userName eq \"a\"","plan":"lookup userName=\"a\" exact cost=1"}`+"\n"; got != want {
		t.Errorf("explain: %s, want %s", got, want)
	}
}
