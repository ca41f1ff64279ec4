package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"golang.org/x/crypto/bcrypt"
)

// process is a program that runs like one.
type process struct {
	stdout, stderr output
	leave          context.CancelFunc // what SIGTERM does
	exit           chan int
}

// start runs a command line until the test ends or leave is called.
func start(t *testing.T, environ []string, args ...string) *process {
	t.Helper()
	return (&program{environ: environ}).start(t, args...)
}

// start runs a command line of the program, which may have other surroundings than usual.
func (program *program) start(t *testing.T, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := &process{leave: cancel, exit: make(chan int, 1)}
	program.stdin, program.stdout, program.stderr, program.environ = strings.NewReader(""), &p.stdout, &p.stderr, inMemory(program.environ)
	go func() { p.exit <- program.run(ctx, args) }()
	t.Cleanup(func() {
		cancel()
		p.wait(t)
	})
	return p
}

// inMemory is environ with a state in memory, unless it says where: serve would leave a file in the working directory.
func inMemory(environ []string) []string {
	if slices.ContainsFunc(environ, func(pair string) bool { return strings.HasPrefix(pair, "SCIM_ATLASSIAN_STATE") }) {
		return environ
	}
	return append(slices.Clip(environ), "SCIM_ATLASSIAN_STATE=memory")
}

// wait returns the exit code, any number of times.
func (p *process) wait(t *testing.T) int {
	t.Helper()
	select {
	case code := <-p.exit:
		p.exit <- code
		return code
	case <-time.After(20 * time.Second):
		t.Fatalf("still running; it said\n%s%s", p.stdout.String(), p.stderr.String())
		return 0
	}
}

// output collects what is written and can be waited for.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// await returns what the first group of pattern matches, once it does.
func (o *output) await(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if match := re.FindStringSubmatch(o.String()); match != nil {
			return match[1]
		}
	}
	t.Fatalf("%s never came; got\n%s", pattern, o.String())
	return ""
}

func TestExitCodes(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	tests := []struct {
		args string
		want int
		says string
	}{
		{"version", exitOK, ""},
		{"serve --help", exitOK, ""},
		{"nope", exitUsage, `unknown command "nope"`},
		{"serve now", exitUsage, `the argument "now" is one too many`},
		{"state nope", exitUsage, `unknown command "nope"`},
		{"state backup", exitUsage, "FILE is missing"},
		{"verify-audit", exitUsage, "FILE is missing"},
		{"explain", exitUsage, "FILTER is missing"},
		{"explain userName pr", exitUsage, `the argument "pr" is one too many`},
		{"reconcile Users --out users.ndjson", exitUsage, `the argument "Users" is one too many`},
		{"completion bsh", exitUsage, `unknown command "bsh"`},
		{"serve --nope", exitUsage, "--nope"},
		{"demo --users -1", exitUsage, "0 or more"},
		{"demo --fault status=9", exitUsage, "status=9"},
		{"emulator --events sometimes", exitUsage, "must be cursor or null"},
		{"emulator --event-faults lost=1", exitUsage, "lost=1"},
		{"emulator --index-lag -1s", exitUsage, "must be a duration"},
		{"emulator --feed=perhaps", exitUsage, "perhaps"},
		{"demo --log-level loud", exitUsage, "loud"},
		{"demo --listen 7001", exitFailed, "is no address"},
		{"demo --atlassian-listen 127.0.0.1:0 --listen " + taken.Addr().String(), exitFailed, taken.Addr().String() + " is in use"},
		{"demo --listen 127.0.0.1:0 --atlassian-listen 127.0.0.1:0 --admin-listen " + taken.Addr().String(), exitFailed, taken.Addr().String() + " is in use"},
		{"demo --admin-listen 0.0.0.0:0", exitFailed, "0.0.0.0:0"},
		{"emulator --listen " + taken.Addr().String(), exitFailed, taken.Addr().String() + " is in use"},
		{"serve", exitFailed, "DIRECTORY_ID is missing"},
		{"serve --env-file /absent", exitFailed, "/absent"},
		{"hash-password", exitFailed, "no password"},
		{"hash-password hunter2", exitUsage, "scim-atlassian: a secret is no argument: type it when asked, or give it on standard input\n"},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			p := start(t, nil, strings.Fields(tt.args)...)
			if got := p.wait(t); got != tt.want {
				t.Errorf("exit code %d, want %d", got, tt.want)
			}
			if got := p.stderr.String(); !strings.Contains(got, tt.says) || (tt.says == "") != (got == "") {
				t.Errorf("standard error %q, want it to say %q", got, tt.says)
			}
		})
	}
}

func TestEveryCommandHasAnExampleAndExitCodes(t *testing.T) {
	commands := new(program).rootCommand().Commands()
	for _, cmd := range commands {
		for _, below := range append(cmd.Commands(), cmd) {
			if below.Example == "" {
				t.Errorf("%s has no example", below.CommandPath())
			}
			if !strings.Contains(below.Long, "Exit codes: 0 ") {
				t.Errorf("the help of %s names no exit codes", below.CommandPath())
			}
		}
	}
	if len(commands) != len(exits) {
		t.Errorf("%d commands, and exit codes of %d", len(commands), len(exits))
	}
}

// The script that completion prints is one that bash takes, and what it asks of the program is answered.
func TestCompletion(t *testing.T) {
	p := start(t, nil, "completion", "bash")
	if code := p.wait(t); code != exitOK {
		t.Fatalf("exit code %d: %s", code, p.stderr.String())
	}
	if bash, err := exec.LookPath("bash"); err == nil {
		check := exec.CommandContext(t.Context(), bash, "-n")
		check.Stdin = strings.NewReader(p.stdout.String())
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("bash: %v %s", err, out)
		}
	}
	for asked, want := range map[string]string{"rec": "reconcile\t", "explain --resource ": "Entitlements\n", "reconcile --mode ": "limited\n", "check --log-level ": "debug\n", "emulator --events ": "null\n",
		"check ": ":4\n", "demo --users ": ":4\n", "verify-audit ": ":0\n", "reconcile --out ": ":0\n"} {
		words := strings.Split(asked, " ")
		p := start(t, nil, append([]string{"__complete"}, words...)...)
		p.wait(t)
		if !strings.Contains(p.stdout.String(), want) {
			t.Errorf("%q: %q, want %q in it", asked, p.stdout.String(), want)
		}
	}
}

func TestHealthcheck(t *testing.T) {
	status, body := http.StatusOK, "ready\n"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" || r.Header.Get("Authorization") != "" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	defer server.Close()
	port := "CONNECTOR_PORT=" + strings.TrimPrefix(server.URL, "http://127.0.0.1:")
	p := start(t, []string{port}, "healthcheck")
	if code := p.wait(t); code != exitOK || p.stdout.String() != body {
		t.Errorf("ready: exit code %d, %q", code, p.stdout.String())
	}
	p = start(t, []string{port}, "healthcheck", "--traffic")
	if code := p.wait(t); code != exitFailed || !strings.Contains(p.stderr.String(), "not ready") {
		t.Errorf("traffic, which this server does not know: exit code %d, %q", code, p.stderr.String())
	}
	status, body = http.StatusServiceUnavailable, "directory is down\njira is down\n"
	p = start(t, nil, "healthcheck", "--url", server.URL+"/")
	if code := p.wait(t); code != exitFailed || !strings.Contains(p.stderr.String(), "not ready: directory is down; jira is down") {
		t.Errorf("not ready: exit code %d, %q", code, p.stderr.String())
	}
	server.Close()
	p = start(t, []string{port}, "healthcheck")
	if code := p.wait(t); code != exitFailed || !strings.Contains(p.stderr.String(), "no answer") {
		t.Errorf("gone: exit code %d, %q", code, p.stderr.String())
	}
}

func TestHashPassword(t *testing.T) {
	var stdout bytes.Buffer
	p := &program{stdin: strings.NewReader("päss wörd\nmore\n"), stdout: &stdout, stderr: io.Discard}
	if code := p.run(t.Context(), []string{"hash-password"}); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	if err := bcrypt.CompareHashAndPassword(bytes.TrimSpace(stdout.Bytes()), []byte("päss wörd")); err != nil {
		t.Errorf("hash %q: %v", stdout.String(), err)
	}
}

// get asks for a document and returns the status, and the header and body.
func get(t *testing.T, url, user, password string) (int, http.Header, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		r.SetBasicAuth(user, password)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, body
}

func totalResults(t *testing.T, list []byte) int {
	t.Helper()
	var got struct{ TotalResults int }
	if err := json.Unmarshal(list, &got); err != nil {
		t.Fatalf("%v in %s", err, list)
	}
	return got.TotalResults
}

func TestDemo(t *testing.T) {
	p := start(t, nil, "demo", "--listen", "127.0.0.1:0", "--atlassian-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--users", "12", "--issues", "40")
	base := p.stdout.await(t, `SCIM 2.0 +(http://\S+)`)
	p.stdout.await(t, "(Ctrl-C)")

	status, _, body := get(t, base+"/Users?count=3", demoUser, demoPassword)
	if got := totalResults(t, body); status != http.StatusOK || got != 12 {
		t.Errorf("users: status %d, %d in all; want 200, 12", status, got)
	}
	status, header, _ := get(t, base+"/Users", "", "")
	if want := `Basic realm="scim-atlassian", Bearer`; status != http.StatusUnauthorized || header.Get("WWW-Authenticate") != want {
		t.Errorf("without credentials: status %d, challenge %q; want 401, %q", status, header.Get("WWW-Authenticate"), want)
	}

	p.leave()
	if code := p.wait(t); code != exitOK {
		t.Errorf("exit code %d after a signal; it said %s", code, p.stderr.String())
	}
	if conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(base, "http://"), "/scim/v2")); err == nil {
		conn.Close()
		t.Error("the facade still listens")
	}
}

// A demo that others can reach has credentials of its own, new at every start, and does not know those of loopback.
func TestDemoBeyondLoopback(t *testing.T) {
	flags := []string{"demo", "--listen", ":0", "--atlassian-listen", "127.0.0.1:0", "--admin-listen", "", "--users", "12"}
	p := start(t, nil, flags...)
	p.stdout.await(t, "(Ctrl-C)")
	base := p.stdout.await(t, `SCIM 2.0 +(http://127\.0\.0\.1:\S+)`)
	password := p.stdout.await(t, `Basic +demo:(\S+)`)
	if status, _, body := get(t, base+"/Users?count=3", demoUser, password); status != http.StatusOK || totalResults(t, body) != 12 {
		t.Errorf("users with the password that was printed: status %d, %s", status, body)
	}
	if status, _, _ := get(t, base+"/Users", demoUser, demoPassword); status != http.StatusUnauthorized {
		t.Errorf("users with the well-known password: status %d, want 401", status)
	}
	other := start(t, nil, flags...)
	if again := other.stdout.await(t, `Basic +demo:(\S+)`); again == password || len(password) < 20 {
		t.Errorf("passwords of two starts: %q and %q", password, again)
	}
	for _, flag := range []string{"--atlassian-listen", "--admin-listen"} {
		refused := start(t, nil, append(flags, flag, ":0")...)
		if code := refused.wait(t); code != exitFailed || !strings.Contains(refused.stderr.String(), "not an address of this machine") {
			t.Errorf("%s :0: exit code %d, %s", flag, code, refused.stderr.String())
		}
	}
}

// An emulator that others can reach prints an environment that a serve elsewhere takes.
func TestEmulatorBeyondLoopback(t *testing.T) {
	p := start(t, nil, "emulator", "--listen", ":0", "--users", "1", "--issues", "1")
	p.stdout.await(t, "SCIM_ATLASSIAN_INSECURE_UPSTREAM=(true)")
	c, doubts, err := loadConfig(complete("", strings.Fields(p.stdout.String())...), "")
	if host := p.stdout.await(t, "SITE_URL=http://(.+):"); err != nil || host != hostname() || !strings.Contains(c.SCIMURL, host) || len(doubts) != 2 {
		t.Errorf("%v, doubts %q, from\n%s", err, doubts, p.stdout.String())
	}
}

// The printed curl lines work as printed, and each finds something.
func TestDemoCurlLines(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("needs curl")
	}
	p := start(t, nil, "demo", "--listen", "127.0.0.1:0", "--atlassian-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	p.stdout.await(t, "(Ctrl-C)")
	lines := regexp.MustCompile(`(?m)^curl .*$`).FindAllString(p.stdout.String(), -1)
	if len(lines) != 3 {
		t.Fatalf("got %d curl lines, want 3:\n%s", len(lines), p.stdout.String())
	}
	for _, line := range lines {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", line).Output()
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if totalResults(t, out) == 0 {
			t.Errorf("%s\nfinds nothing: %s", line, out)
		}
	}
}

// The example user is looked up before the faults are in force, and the emulator's log begins empty.
func TestDemoWithFaults(t *testing.T) {
	p := start(t, nil, "demo", "--listen", "127.0.0.1:0", "--atlassian-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--fault", "path=/scim/ status=429 retry-after=7")
	p.stdout.await(t, "(Ctrl-C)")
	if strings.Contains(p.stdout.String(), "nobody@") {
		t.Error("found no user for the example")
	}
	emulated := p.stdout.await(t, `Emulated Atlassian +(http://[^, ]+)`)
	if _, _, body := get(t, emulated+"/_emulator/requests", "", ""); strings.Contains(string(body), "/scim/") {
		t.Errorf("the log begins with %s", body)
	}
	if _, _, body := get(t, emulated+"/_emulator/faults", "", ""); !strings.Contains(string(body), "status=429") {
		t.Errorf("faults in force: %q, want the rule of --fault", body)
	}
}

// startEmulator returns an environment that points serve at a running emulator; flags win over its five users and one
// project.
func startEmulator(t *testing.T, flags ...string) []string {
	t.Helper()
	p := start(t, nil, append([]string{"emulator", "--atlassian-listen", "127.0.0.1:0", "--users", "5", "--projects", "1"}, flags...)...)
	p.stdout.await(t, "(ORGANIZATION_API_KEY=.+\n)")
	var environ []string
	for line := range strings.Lines(p.stdout.String()) {
		if !strings.HasPrefix(line, "#") {
			environ = append(environ, strings.TrimSpace(line))
		}
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	callers := write(t, "callers.json", fmt.Sprintf(`[{"name":"ann","username":"ann","basic_bcrypt":%q,"rights":{"*":"read","Issue":"write"}}]`, hash))
	return append(environ, "ADMIN_LISTEN=", "SCIM_ATLASSIAN_CALLERS_FILE="+callers)
}

func TestServe(t *testing.T) {
	p := start(t, startEmulator(t), "serve", "--listen", "127.0.0.1:0")
	address := p.stderr.await(t, `"address":"([^"]+)"`)
	status, _, body := get(t, "http://"+address+"/scim/v2/Users?count=1", "ann", "secret")
	if got := totalResults(t, body); status != http.StatusOK || got != 5 {
		t.Errorf("status %d, %d users; want 200, 5", status, got)
	}
	p.leave()
	if code := p.wait(t); code != exitOK {
		t.Errorf("exit code %d after a signal", code)
	}
	if strings.Contains(p.stderr.String(), "demo-") {
		t.Error("the log holds a secret")
	}
}

// A load balancer has the configured time to stop sending requests; those that it sends meanwhile are answered.
func TestServeDrains(t *testing.T) {
	p := start(t, append(startEmulator(t), "SCIM_ATLASSIAN_DRAIN_DELAY=1s"), "serve", "--listen", "127.0.0.1:0")
	base := "http://" + p.stderr.await(t, `"address":"([^"]+)"`)
	if status, _, _ := get(t, base+"/readyz", "", ""); status != http.StatusOK {
		t.Errorf("ready: status %d", status)
	}
	p.leave()
	p.stderr.await(t, `"(draining)"`)
	ready, _, _ := get(t, base+"/readyz", "", "")
	users, _, _ := get(t, base+"/scim/v2/Users?count=1", "ann", "secret")
	if ready != http.StatusServiceUnavailable || users != http.StatusOK {
		t.Errorf("while draining: readyz %d, users %d; want 503, 200", ready, users)
	}
	if code := p.wait(t); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

func TestServeRefusesBadCredentials(t *testing.T) {
	good := startEmulator(t)
	for _, bad := range []string{"DIRECTORY_API_KEY", "ACCOUNT_SECURITY_API_KEY"} {
		t.Run(bad, func(t *testing.T) {
			environ := append([]string{}, good...)
			for i, pair := range environ {
				if strings.HasPrefix(pair, bad+"=") {
					environ[i] = bad + "=wrong"
				}
			}
			p := start(t, environ, "serve", "--listen", "127.0.0.1:0")
			if code := p.wait(t); code != exitFailed || !strings.Contains(p.stderr.String(), bad) {
				t.Errorf("exit code %d, %q; want %d and the name of the variable", code, p.stderr.String(), exitFailed)
			}
			p = start(t, environ, "serve", "--listen", "127.0.0.1:0", "--skip-check")
			p.stderr.await(t, `"(listening)"`)
		})
	}
}

func TestCheck(t *testing.T) {
	good := startEmulator(t)
	var permitted []string
	for _, permission := range []string{"BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "TRANSITION_ISSUES", "DELETE_ISSUES", "ADMINISTER_PROJECTS"} {
		permitted = append(permitted, "ok    permission "+permission)
	}
	credentials := []string{"ok    configuration", "ok    callers: 1", "ok    change budget (SCIM_ATLASSIAN_CHANGE_BUDGET): 20%/1h, at least 100", "ok    protected (SCIM_ATLASSIAN_PROTECTED): Group:site-admins,Group:org-admin,Account:admin@demo.example", "ok    state", "ok    directory", "ok    jira", "ok    projects"}
	const organization = "organization (SCIM_ATLASSIAN_ORGANIZATION_ID, SCIM_ATLASSIAN_ORGANIZATION_API_KEY): "
	above := slices.Concat(credentials, permitted)
	const events = "organization events (SCIM_ATLASSIAN_ORGANIZATION_EVENTS_KEY): "
	organizationFails := func(detail string) []string {
		return append(slices.Clip(above), "FAIL  "+organization+detail, "ok    "+events)
	}
	permitted = append(permitted, "ok    "+organization+"Demo Organization")
	withoutEvents := append(slices.Clone(permitted), "FAIL  "+events+"the API key may not read the audit log")
	permitted = append(permitted, "ok    "+events)
	ends := []string{"off   directory key (SCIM_ATLASSIAN_DIRECTORY_KEY_EXPIRES)", "ok    api token (SCIM_ATLASSIAN_API_TOKEN_EXPIRES): it ends on ", "off   organization key", "off   organization events key"}
	tests := []struct {
		name  string
		extra []string
		want  int
		lines []string
	}{
		{"good", nil, exitOK, append(credentials, permitted...)},
		{"expired key", []string{"SCIM_ATLASSIAN_ORGANIZATION_API_KEY=old"}, exitFailed, organizationFails("the API key is wrong or has expired")},
		{"another organization", []string{"SCIM_ATLASSIAN_ORGANIZATION_ID=other"}, exitFailed, append(slices.Clip(above), "FAIL  "+organization+"there is no such organization", "FAIL  "+events+"there is no such organization")},
		{"a key without the scope of events", []string{"SCIM_ATLASSIAN_ORGANIZATION_EVENTS_KEY=demo-organization-key"}, exitFailed, append(slices.Clone(credentials), withoutEvents...)},
		{"wrong key", []string{"DIRECTORY_API_KEY=wrong"}, exitFailed, append([]string{"ok    configuration", "ok    callers", "ok    change budget", "ok    protected", "ok    state", "FAIL  directory (SCIM_URL, DIRECTORY_ID, DIRECTORY_API_KEY): GET /Users: forbidden (403)", "ok    jira", "ok    projects"}, permitted...)},
		{"wrong project", []string{"SCIM_ATLASSIAN_PROJECTS=NOPE"}, exitFailed, []string{"ok    configuration", "ok    callers", "ok    change budget", "ok    protected", "ok    state", "ok    directory", "ok    jira", "FAIL  projects", "ok    organization", "ok    organization events"}},
		{"one project of two", []string{"SCIM_ATLASSIAN_PROJECTS=NOPE,ENG"}, exitOK, append([]string{"ok    configuration", "ok    callers", "ok    change budget", "ok    protected", "ok    state", "ok    directory", "ok    jira", "part  projects"}, permitted...)},
		{"wrong callers", []string{"SCIM_ATLASSIAN_CALLERS_FILE=/absent"}, exitFailed, append([]string{"ok    configuration", "FAIL  callers", "ok    change budget", "ok    protected", "ok    state", "ok    directory", "ok    jira", "ok    projects"}, permitted...)},
		{"wrong configuration", []string{"CONNECTOR_PORT=0", "SCIM_URL=x"}, exitFailed, []string{"FAIL  configuration: CONNECTOR_PORT", "FAIL  configuration: SCIM_URL"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := start(t, append(append([]string{}, good...), tt.extra...), "check")
			if code := p.wait(t); code != tt.want {
				t.Errorf("exit code %d, want %d", code, tt.want)
			}
			if tt.name != "wrong configuration" {
				tt.lines = slices.Concat(tt.lines, ends)
				if strings.Contains(p.stdout.String(), "off   api token") { // nobody can be asked
					tt.lines[len(tt.lines)-3] = "off   api token"
				}
			}
			lines := strings.Split(strings.TrimSpace(p.stdout.String()), "\n")
			if len(lines) != len(tt.lines) {
				t.Fatalf("got %q, want %q", lines, tt.lines)
			}
			for i, want := range tt.lines {
				if !strings.HasPrefix(lines[i], want) {
					t.Errorf("line %d is %q, want %q", i+1, lines[i], want)
				}
			}
		})
	}
}

func TestCheckWithoutOrganization(t *testing.T) {
	environ := slices.DeleteFunc(startEmulator(t), func(pair string) bool { return strings.HasPrefix(pair, "SCIM_ATLASSIAN_ORGANIZATION_") })
	p := start(t, environ, "check")
	if code := p.wait(t); code != exitOK || !strings.Contains(p.stdout.String(), "off   organization") {
		t.Errorf("exit code %d, %q", code, p.stdout.String())
	}
}

// A request that runs when the signal comes is answered before the program ends, and the site that it calls stays up.
func TestServeSitesDrains(t *testing.T) {
	below, above := listenLoopback(t), listenLoopback(t)
	entered, release := make(chan bool), make(chan bool)
	fetch := func(l net.Listener) string {
		response, err := http.Get("http://" + l.Addr().String())
		if err != nil {
			return err.Error()
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return err.Error()
		}
		return string(body)
	}
	behind := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "done") })
	front := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		io.WriteString(w, fetch(below))
	})
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		left <- serveSites(ctx, zap.NewNop(), site{listener: above, handler: front, timeout: 10 * time.Second}, site{listener: below, handler: behind, timeout: 10 * time.Second})
	}()
	answer := make(chan string, 1)
	go func() { answer <- fetch(above) }()
	<-entered
	leave()
	select {
	case err := <-left:
		t.Fatalf("left with a request running: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	if got := <-answer; got != "done" {
		t.Errorf("answer %q, want done", got)
	}
	if err := <-left; err != nil {
		t.Error(err)
	}
}

func listenLoopback(t *testing.T) net.Listener {
	t.Helper()
	l, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}
