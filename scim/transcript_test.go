package scim_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
)

var updateTranscripts = flag.Bool("update", false, "rewrite testdata/transcripts with the answers as they are")

// TestTranscripts plays the exchanges of testdata/transcripts against a server
// over a fresh emulator. A file is made of steps:
//
//	# a comment
//	caller read-only           the requests that follow are this caller's
//	fault path=/scim/ …        the emulator's fault rules from here on; none without words
//	header Accept: text/html   a header of the next request; without a value, it is not sent
//	> PATCH /Users/<1>         a request; a query string is written unescaped
//	{"schemas": …}             its body, on one line
//	< 200                      the status, and lines below it: headers that matter,
//	  upstream GET …           the requests that Atlassian got for it, and the body
//
// Content-Type matters where it is not SCIM's, and of a long list only the ends do.
// <1>, <2>, … are the ids of what was created, in order; times are <time>, entity tags <version>.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("../testdata/transcripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := newPlayer(t).play(t, string(b))
			if *updateTranscripts {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(strings.Split(string(b), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("transcript (-want +got):\n%s", diff)
			}
		})
	}
}

type player struct {
	emulator *emulator.Emulator
	server   *httptest.Server
	caller   string
	header   http.Header // of the next request
	ids      []string
}

func newPlayer(t *testing.T) *player {
	p := &player{emulator: emulator.New(emulator.Options{Users: 250, Groups: 5, Projects: 3, Issues: 60, Seed: 1}), caller: "all", header: http.Header{}}
	upstream := httptest.NewServer(p.emulator)
	t.Cleanup(upstream.Close)
	strict := bearer("strict", scim.Write)
	strict.Strict = true
	readOnly := scim.Caller{Name: "read-only", BearerSHA256: digest("read-only"), Rights: map[string]scim.Right{"User": scim.Read}}
	server := serverOver(t, upstream.URL, atlassian.Config{MaxRetries: -1, Timeout: 2 * time.Second}, scim.Config{
		PublicURL: "https://scim.example", MaxBodyBytes: 100_000,
		Callers: []scim.Caller{bearer("all", scim.Write), strict, readOnly},
	})
	p.server = httptest.NewServer(server)
	t.Cleanup(p.server.Close)
	return p
}

// play runs the steps and returns the file with the answers as they came.
func (p *player) play(t *testing.T, file string) string {
	var out strings.Builder
	lines := strings.Split(file, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if strings.HasPrefix(line, "<") || strings.HasPrefix(line, "  ") {
			continue // an answer, written anew
		}
		out.WriteString(line)
		if i < len(lines)-1 {
			out.WriteByte('\n')
		}
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "caller":
			p.caller = rest
		case "header":
			name, value, _ := strings.Cut(rest, ":")
			p.header.Set(name, strings.TrimSpace(value))
		case "fault":
			faults, err := emulator.ParseFaults(rest)
			if err != nil {
				t.Fatal(err)
			}
			p.emulator.SetFaults(faults)
		case ">":
			body := ""
			if i+1 < len(lines) && !strings.HasPrefix(lines[i+1], "<") && lines[i+1] != "" {
				i++
				body = lines[i]
				out.WriteString(body + "\n")
			}
			out.WriteString(p.exchange(t, rest, body))
		}
	}
	return out.String()
}

// exchange makes one request and describes the answer.
func (p *player) exchange(t *testing.T, request, body string) string {
	p.emulator.ClearLog()
	method, target, _ := strings.Cut(p.fill(request), " ")
	path, query, _ := strings.Cut(target, "?")
	if query != "" {
		var pairs []string
		for pair := range strings.SplitSeq(query, "&") {
			name, value, _ := strings.Cut(pair, "=")
			pairs = append(pairs, name+"="+url.QueryEscape(value))
		}
		path += "?" + strings.Join(pairs, "&")
	}
	req, err := http.NewRequestWithContext(t.Context(), method, p.server.URL+scim.BasePath+path, strings.NewReader(p.fill(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.caller)
	req.Header.Set("Content-Type", "application/scim+json")
	for name, values := range p.header {
		req.Header[name] = slices.DeleteFunc(values, func(v string) bool { return v == "" })
	}
	p.header = http.Header{}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "< %d\n", resp.StatusCode)
	for _, name := range []string{"Allow", "Location", "Retry-After", "Www-Authenticate"} {
		if value := resp.Header.Get(name); value != "" {
			fmt.Fprintf(&out, "  %s: %s\n", name, value)
		}
	}
	if media := resp.Header.Get("Content-Type"); media != "" && media != "application/scim+json" {
		fmt.Fprintf(&out, "  Content-Type: %s\n", media)
	}
	log := p.emulator.Log()
	var calls []string
	for _, call := range log {
		calls = append(calls, p.mask(fmt.Sprintf("  upstream %s %s %d\n", call.Method, call.Path, call.Status)))
	}
	if method == http.MethodGet {
		slices.Sort(calls) // reads go out in parallel
	}
	for _, call := range calls {
		out.WriteString(call)
	}
	if got := resp.Header.Get("X-Upstream-Calls"); got != fmt.Sprint(len(log)) {
		t.Errorf("%s: X-Upstream-Calls is %s, upstream got %d", request, got, len(log))
	}
	if resp.Header.Get("X-Request-Id") == "" {
		t.Errorf("%s: no X-Request-Id", request)
	}
	if len(answer) > 0 {
		var doc map[string]any
		if err := json.Unmarshal(answer, &doc); err != nil {
			t.Fatalf("%s: %v in %s", request, err, answer)
		}
		if id, ok := doc["id"].(string); ok && resp.StatusCode == http.StatusCreated {
			p.ids = append(p.ids, id)
		}
		if list, _ := doc["Resources"].([]any); len(list) > 10 {
			doc["Resources"] = []any{list[0], fmt.Sprintf("%d more", len(list)-2), list[len(list)-1]}
		}
		text, err := json.MarshalIndent(doc, "  ", "  ")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "  %s\n", text)
	}
	return p.mask(out.String())
}

// fill puts the ids for <1>, <2>, …
func (p *player) fill(s string) string {
	for i, id := range p.ids {
		s = strings.ReplaceAll(s, fmt.Sprintf("<%d>", i+1), id)
	}
	return s
}

var (
	instant   = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z`)
	accountID = regexp.MustCompile(`"atlassianAccountId": "[^"]*"`)
	entityTag = regexp.MustCompile(`W/\\"[0-9a-z]+\\"`)
)

func (p *player) mask(s string) string {
	for i, id := range p.ids {
		s = strings.ReplaceAll(s, id, fmt.Sprintf("<%d>", i+1))
	}
	s = strings.ReplaceAll(s, emulator.DirectoryID, "{directory}")
	s = instant.ReplaceAllString(s, "<time>")
	s = entityTag.ReplaceAllString(s, "<version>")
	return accountID.ReplaceAllString(s, `"atlassianAccountId": "<account>"`)
}
