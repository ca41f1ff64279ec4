// Package browser_test looks at the console with a real browser: headless Chromium against the program, over the emulator.
// It is a module of its own, so that the program does not depend on what drives a browser.
package browser_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// The callers of the site. Everybody may know their passwords: the site lives for a test.
const callers = `[
  {"name": "operator", "username": "operator", "basic_bcrypt": %q, "bearer_sha256": "06e55b633481f7bb072957eabcf110c972e86691c3cfedabe088024bffe42f23", "rights": {"*": "write"}, "console": true, "release": true},
  {"name": "okta", "bearer_sha256": "65819e198c32566ae994e481fd6ab4f725a3c16e916102713a58f22d291aed0b", "rights": {"*": "write"}},
  {"name": "idhub", "bearer_sha256": "109b83d7544c50bc5595bc3f2c491fd372f7331cda985af5c6bcbd6756d90082", "rights": {"*": "read"}}
]`

// site is the program, serving over its own emulator.
type site struct {
	scim, console, cloud string // URLs
	program              string // path of the binary
	environ              []string
}

// build makes the program.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "scim-atlassian")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./cmd/scim-atlassian")
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// start runs the program until the test ends, and gives the lines of its outputs to found until that returns true.
func start(t *testing.T, found func(line string) bool, environ []string, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = environ
	cmd.Dir = t.TempDir()
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		w.Close()
	})
	ready := make(chan struct{})
	var seen bytes.Buffer
	var mu sync.Mutex
	go func() {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, 1<<20)
		waiting := true
		for lines.Scan() {
			mu.Lock()
			if waiting {
				fmt.Fprintln(&seen, lines.Text())
			}
			mu.Unlock()
			if waiting && found(lines.Text()) {
				waiting = false
				close(ready)
			}
		}
	}()
	select {
	case <-ready:
	case <-time.After(time.Minute):
		mu.Lock()
		defer mu.Unlock()
		t.Fatalf("%s %s does not start:\n%s", program, strings.Join(args, " "), seen.String())
	}
}

// newSite starts the emulator and the server.
func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{program: build(t), environ: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}}
	var settings []string
	start(t, func(line string) bool {
		if at, ok := strings.CutPrefix(line, "# Atlassian emulator on "); ok {
			s.cloud, _, _ = strings.Cut(at, ",")
		} else if name, _, ok := strings.Cut(line, "="); ok && name == strings.ToUpper(name) {
			settings = append(settings, line)
		}
		return strings.HasPrefix(line, "SCIM_ATLASSIAN_ORGANIZATION_EVENTS_KEY=")
	}, s.environ, s.program, "emulator", "--atlassian-listen", "127.0.0.1:0", "--latency", "20ms")
	dir := t.TempDir()
	file := filepath.Join(dir, "callers.json")
	hash := exec.CommandContext(t.Context(), s.program, "hash-password")
	hash.Stdin = strings.NewReader("operator\n")
	hashed, err := hash.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, fmt.Appendf(nil, callers, strings.TrimSpace(string(hashed))), 0o600); err != nil {
		t.Fatal(err)
	}
	s.environ = append(append(s.environ, settings...), "SCIM_ATLASSIAN_CALLERS_FILE="+file, "SCIM_ATLASSIAN_STATE=file:"+filepath.Join(dir, "state.db"), "ADMIN_LISTEN=127.0.0.1:0",
		"SCIM_ATLASSIAN_CHANGE_BUDGET=5%/1h", "SCIM_ATLASSIAN_CHANGE_BUDGET_FLOOR=3",
		"SCIM_ATLASSIAN_AUDIT="+filepath.Join(dir, "audit.log"), "SCIM_ATLASSIAN_DIRECTORY_KEY_EXPIRES="+time.Now().AddDate(0, 0, 42).Format(time.DateOnly))
	start(t, func(line string) bool {
		var entry struct{ Msg, Address, Metrics string }
		if json.Unmarshal([]byte(line), &entry) != nil || entry.Msg != "listening" {
			return false
		}
		s.scim, s.console = "http://"+entry.Address+"/scim/v2", "http://"+entry.Metrics+"/console"
		return true
	}, s.environ, s.program, "serve", "--listen", "127.0.0.1:0")
	return s
}

// do makes a SCIM request as a caller.
func (s *site) do(ctx context.Context, caller, method, path, body string) (status int, answer string) {
	r, err := http.NewRequestWithContext(ctx, method, s.scim+path, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	r.Header.Set("Authorization", "Bearer "+caller)
	r.Header.Set("Content-Type", "application/scim+json")
	return roundTrip(r)
}

func roundTrip(r *http.Request) (status int, answer string) {
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(b)
}

// faults sets the rules by which the emulator spoils its answers.
func (s *site) faults(t *testing.T, rules string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.cloud+"/_emulator/faults", strings.NewReader(rules))
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := roundTrip(r); status/100 != 2 {
		t.Fatalf("faults: %d %s", status, answer)
	}
}

// ids lists resources.
func (s *site) ids(t *testing.T, path string) []string {
	t.Helper()
	var list struct{ Resources []struct{ ID string } }
	status, answer := s.do(t.Context(), "okta", "GET", path, "")
	if err := json.Unmarshal([]byte(answer), &list); err != nil || status != 200 {
		t.Fatalf("%s: %d %s", path, status, answer)
	}
	ids := make([]string, len(list.Resources))
	for i, r := range list.Resources {
		ids[i] = r.ID
	}
	return ids
}

const patch = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[%s]}`

// work has clients do what clients do, well and badly, and leaves a hold and an unknown outcome behind.
func (s *site) work(t *testing.T) (user, refused string) {
	t.Helper()
	groups := s.ids(t, "/Groups?count=3")
	people := s.ids(t, "/Users?count=12&filter="+url.QueryEscape("title pr and active eq true"))
	s.traffic(t.Context())
	user = people[0]
	s.do(t.Context(), "okta", "PATCH", "/Groups/"+groups[0], fmt.Sprintf(patch, `{"op":"add","path":"members","value":[{"value":"`+user+`"}]}`))
	s.do(t.Context(), "okta", "PATCH", "/Users/"+user, fmt.Sprintf(patch, `{"op":"replace","path":"title","value":"Head of \"Something\" <b>&amp;"}`))
	s.do(t.Context(), "okta", "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"zoe.o@demo.example","displayName":"Zoë <script>document.title='broken'</script>","emails":[{"value":"zoe.o@demo.example","type":"work"}]}`)
	s.do(t.Context(), "okta", "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"zoe.o@demo.example","displayName":"Zoë","emails":[{"value":"zoe.o@demo.example","type":"work"}]}`)
	s.do(t.Context(), "okta", "POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"A group with a rather long name that somebody thought was a good idea – Abteilung für Donaudampfschifffahrtsgesellschaftskapitänsangelegenheiten"}`)
	s.do(t.Context(), "okta", "GET", "/Users?filter="+url.QueryEscape(`nickname eq "x"`), "")
	s.do(t.Context(), "idhub", "DELETE", "/Users/"+user, "")
	s.do(t.Context(), "wrong", "GET", "/Users", "")
	for _, id := range people[1:] {
		if status, _ := s.do(t.Context(), "okta", "DELETE", "/Users/"+id, ""); status == 403 {
			refused = id
			break
		}
	}
	if refused == "" {
		t.Fatal("the change budget refuses nothing")
	}
	s.faults(t, "method=POST path=/scim/ reset=after\nmethod=GET path=/scim/ status=503")
	s.do(t.Context(), "okta", "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"lost@demo.example","emails":[{"value":"lost@demo.example"}]}`)
	s.faults(t, "")
	s.recover(t, "/Users/"+user)
	return user, refused
}

// recover waits until the server has found out that Atlassian is back, which takes it no more than ten seconds. A path of a
// single resource is asked of Atlassian each time.
func (s *site) recover(t *testing.T, path string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		status, answer := s.do(t.Context(), "okta", "GET", path, "")
		if status == http.StatusOK {
			return
		}
		if status != http.StatusServiceUnavailable || time.Now().After(end) {
			t.Fatalf("after an outage: %d %s", status, answer)
		}
	}
}

// traffic is what clients ask for in a few seconds.
func (s *site) traffic(ctx context.Context) {
	for _, path := range []string{"/Users?count=20", "/Accounts?count=20", "/Groups", "/Issues?count=30", "/Entitlements?count=10", "/Users?filter=" + url.QueryEscape(`displayName co "li"`), "/Issues?filter=" + url.QueryEscape(`status.name eq "Done"`)} {
		s.do(ctx, "okta", "GET", path, "")
		s.do(ctx, "idhub", "GET", path, "")
	}
}

// reconcile exports users, beside the server.
func (s *site) reconcile(t *testing.T) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.program, "reconcile", "--resource", "Users", "--out", filepath.Join(t.TempDir(), "users.ndjson"), "--quiet")
	cmd.Env = s.environ
	cmd.Dir = t.TempDir()
	if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "not listed") {
		t.Fatalf("reconcile: %v\n%s", err, out)
	}
}
