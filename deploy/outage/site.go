package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// token is the client's, and the operator's at the console.
const token = "outage"

// site is the program in front of its own emulator, and what a client gets of it.
type site struct {
	dir               string
	processes         []*exec.Cmd
	cloud, base, root string // URLs of the emulator, of the SCIM endpoints and of the server
	admin             string // URL of the listener for metrics and the console
	user, issue       string // ids

	mu      sync.Mutex
	answers map[string][]answer // by what was asked
}

type answer struct {
	status int
	took   time.Duration
}

func newSite(ctx context.Context, program string) (s *site, err error) {
	s = &site{answers: map[string][]answer{}}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.dir, err = os.MkdirTemp("", "outage"); err != nil {
		return nil, err
	}
	var environ []string
	err = s.start(program, nil, func(line string) bool {
		line = strings.TrimSpace(line)
		if name, value, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			environ = append(environ, line)
			if name == "SITE_URL" {
				s.cloud = value
			}
		}
		return strings.HasPrefix(line, "SCIM_ATLASSIAN_ORGANIZATION_EVENTS_KEY=")
	}, "emulator", "--atlassian-listen", "127.0.0.1:0", "--users", "1000", "--latency", "20ms")
	if err != nil {
		return nil, err
	}
	callers := filepath.Join(s.dir, "callers.json")
	sum := sha256.Sum256([]byte(token))
	text := fmt.Sprintf(`[{"name": "client", "bearer_sha256": %q, "rights": {"*": "write"}, "console": true}]`, hex.EncodeToString(sum[:]))
	if err := os.WriteFile(callers, []byte(text), 0o600); err != nil {
		return nil, err
	}
	environ = append(environ, "ADMIN_LISTEN=127.0.0.1:0", "SCIM_ATLASSIAN_CALLERS_FILE="+callers, "SCIM_ATLASSIAN_STATE=memory")
	err = s.start(program, environ, func(line string) bool {
		var said struct{ Msg, Address, Metrics string }
		if json.Unmarshal([]byte(line), &said) != nil || said.Msg != "listening" {
			return false
		}
		s.root, s.base, s.admin = "http://"+said.Address, "http://"+said.Address+"/scim/v2", "http://"+said.Metrics
		return true
	}, "serve", "--listen", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	for path, id := range map[string]*string{"/Users?filter=active+eq+true&count=1": &s.user, "/Issues?count=1": &s.issue} {
		var list struct{ Resources []struct{ ID string } }
		_, body, err := s.send(ctx, http.MethodGet, s.base+path, "")
		if err == nil {
			err = json.Unmarshal(body, &list)
		}
		if err != nil || len(list.Resources) == 0 {
			return nil, fmt.Errorf("%s: %.200s: %w", path, body, err)
		}
		*id = list.Resources[0].ID
	}
	return s, nil
}

// start starts the program and reads its lines until one of them is what is waited for.
func (s *site) start(program string, environ []string, found func(line string) bool, args ...string) error {
	cmd := exec.Command(program, args...)
	cmd.Env, cmd.Dir = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir}, environ...), s.dir
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		return err
	}
	s.processes = append(s.processes, cmd)
	go func() {
		_ = cmd.Wait() // why it ended is in what it said
		w.Close()
	}()
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	var said bytes.Buffer
	for lines.Scan() {
		said.Write(append(lines.Bytes(), '\n'))
		if found(lines.Text()) {
			go io.Copy(io.Discard, r)
			return nil
		}
	}
	return fmt.Errorf("%s %s ended:\n%s", program, args[0], said.String())
}

func (s *site) close() {
	for _, cmd := range s.processes {
		_ = cmd.Process.Signal(os.Interrupt) // it has ended already, then
	}
	_ = os.RemoveAll(s.dir)
}

// send makes a request as the client.
func (s *site) send(ctx context.Context, method, url, body string) (status int, answer []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/scim+json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

func (s *site) setFaults(ctx context.Context, rules string) error {
	status, body, err := s.send(ctx, http.MethodPut, s.cloud+"/_emulator/faults", rules)
	if err == nil && status >= 300 {
		err = fmt.Errorf("the emulator answers %d to %q: %s", status, rules, body)
	}
	return err
}

// ready is what /readyz says, in one line.
func (s *site) ready(ctx context.Context) string {
	status, body, err := s.send(ctx, http.MethodGet, s.root+"/readyz", "")
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %s", status, strings.Join(strings.FieldsFunc(string(body), func(r rune) bool { return r == '\n' }), "; "))
}

// lead is the sentence at the head of a page.
var lead = regexp.MustCompile(`(?s)<p class="lead[^"]*">(.*?)</p>`)

// console is the sentence on the first page of the console, without the times in it.
func (s *site) console(ctx context.Context) string {
	_, body, err := s.send(ctx, http.MethodGet, s.admin+"/console/now", "")
	if err != nil {
		return err.Error()
	}
	found := lead.FindSubmatch(body)
	if found == nil {
		return fmt.Sprintf("%.200s", body)
	}
	return html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(string(found[1]), ""))
}

func (s *site) metrics(ctx context.Context) ([]byte, error) {
	_, body, err := s.send(ctx, http.MethodGet, s.admin+"/metrics", "")
	return body, err
}

// requests are what the client asks for, one of each a second.
func (s *site) requests() map[string][3]string {
	return map[string][3]string{
		"GET a user":                 {http.MethodGet, "/Users/" + s.user, ""},
		"sorted list":                {http.MethodGet, "/Users?count=10&sortBy=userName&filter=title+pr", ""},
		"change an issue":            {http.MethodPatch, "/Issues/" + s.issue, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"summary","value":"` + time.Now().Format(time.TimeOnly) + `"}]}`},
		"GET /ServiceProviderConfig": {http.MethodGet, "/ServiceProviderConfig", ""},
		"issues by a filter":         {http.MethodGet, "/Issues?count=10&filter=status.name+eq+%22Done%22", ""},
	}
}

// askForever is the client. A kind of request waits for its own answers alone.
func (s *site) askForever(ctx context.Context) {
	var all sync.WaitGroup
	for what := range s.requests() {
		all.Go(func() {
			for ctx.Err() == nil {
				r, start := s.requests()[what], time.Now()
				status, _, err := s.send(ctx, r[0], s.base+r[1], r[2])
				took := time.Since(start)
				if err == nil {
					s.mu.Lock()
					s.answers[what] = append(s.answers[what], answer{status, took})
					s.mu.Unlock()
				}
				select {
				case <-ctx.Done():
				case <-time.After(max(0, time.Second-took)):
				}
			}
		})
	}
	all.Wait()
}

// begin forgets the answers so far.
func (s *site) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = map[string][]answer{}
}

// summary prints what the client got since begin.
func (s *site) summary(w io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, what := range slices.Sorted(maps.Keys(s.answers)) {
		statuses := map[int]int{}
		var took []time.Duration
		for _, a := range s.answers[what] {
			statuses[a.status]++
			took = append(took, a.took)
		}
		slices.Sort(took)
		fmt.Fprintf(w, "        %-28s", what)
		for _, status := range slices.Sorted(maps.Keys(statuses)) {
			fmt.Fprintf(w, " %d × %d,", statuses[status], status)
		}
		fmt.Fprintf(w, " median %s, longest %s\n", took[len(took)/2].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond))
	}
}
