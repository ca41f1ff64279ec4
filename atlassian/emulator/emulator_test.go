package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tenant is an emulator behind a real HTTP server.
type tenant struct {
	t   testing.TB
	e   *Emulator
	url string
}

func newTenant(t testing.TB, options Options) *tenant {
	t.Helper()
	e := New(options)
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return &tenant{t: t, e: e, url: server.URL}
}

// received is an answer with its body read.
type received struct {
	status int
	header http.Header
	body   []byte
}

// json decodes the body as an object.
func (r received) json(t testing.TB) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(r.body, &v); err != nil {
		t.Fatalf("status %d, body %q: %v", r.status, r.body, err)
	}
	return v
}

// send makes a request with the directory's key; edit may change it.
func (s *tenant) send(method, path, body string, edit ...func(*http.Request)) (received, error) {
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		return received{}, err
	}
	request.Header.Set("Authorization", "Bearer "+DirectoryKey)
	if body != "" {
		request.Header.Set("Content-Type", "application/scim+json")
	}
	for _, change := range edit {
		change(request)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return received{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return received{response.StatusCode, response.Header, text}, err
}

// scim makes a request below the directory and demands a status.
func (s *tenant) scim(status int, method, path, body string, edit ...func(*http.Request)) received {
	s.t.Helper()
	answer, err := s.send(method, directoryPath+path, body, edit...)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	if answer.status != status {
		s.t.Fatalf("%s %s: got status %d, want %d; body %s", method, path, answer.status, status, answer.body)
	}
	return answer
}

// control makes a request to a control path and demands a status.
func (s *tenant) control(status int, method, path, body string) received {
	s.t.Helper()
	answer, err := s.send(method, "/_emulator"+path, body)
	if err != nil || answer.status != status {
		s.t.Fatalf("%s %s: got status %d, %v, want %d; body %s", method, path, answer.status, err, status, answer.body)
	}
	return answer
}

func TestControlLog(t *testing.T) {
	s := newTenant(t, Options{})
	s.scim(200, "GET", "/Users?count=1", "")
	s.scim(404, "GET", "/Groups/none", "")
	var got []Request
	if err := json.Unmarshal(s.control(200, "GET", "/requests", "").body, &got); err != nil {
		t.Fatal(err)
	}
	want := []Request{
		{Method: "GET", Path: directoryPath + "/Users", Query: "count=1", Status: 200},
		{Method: "GET", Path: directoryPath + "/Groups/none", Status: 404},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	s.control(204, "DELETE", "/requests", "")
	if got := string(s.control(200, "GET", "/requests", "").body); strings.TrimSpace(got) != "[]" {
		t.Errorf("cleared log: got %s, want []", got)
	}
	s.control(404, "GET", "/nothing", "")
}

func TestControlIsForLoopback(t *testing.T) {
	request := httptest.NewRequest("GET", "/_emulator/requests", nil) // from 192.0.2.1
	recorder := httptest.NewRecorder()
	New(Options{}).ServeHTTP(recorder, request)
	if recorder.Code != http.StatusForbidden {
		t.Errorf("got status %d, want 403", recorder.Code)
	}
}

func TestControlReset(t *testing.T) {
	s := newTenant(t, Options{Users: 5, Groups: 2, Seed: 3})
	before := s.scim(200, "GET", "/Users", "").body
	s.scim(201, "POST", "/Users", newUser("extra@demo.example"))
	s.control(204, "PUT", "/faults", "status=500\n\n# a comment\nmethod=GET delay=1ms\n")
	if got, want := string(s.control(200, "GET", "/faults", "").body), "status=500\nmethod=GET delay=1ms\n"; got != want {
		t.Errorf("faults: got %q, want %q", got, want)
	}
	s.control(204, "POST", "/reset", "")
	if len(s.e.Log()) != 0 || len(s.e.Faults()) != 0 {
		t.Errorf("after reset: log %v, faults %v", s.e.Log(), s.e.Faults())
	}
	if after := s.scim(200, "GET", "/Users", "").body; !bytes.Equal(before, after) {
		t.Errorf("after reset:\n%s\nwant\n%s", after, before)
	}
	answer := s.control(400, "PUT", "/faults", "delay=soon")
	if !strings.Contains(string(answer.body), `"delay=soon"`) {
		t.Errorf("error %q does not name the word", answer.body)
	}
}

func TestParseFaults(t *testing.T) {
	tests := []struct{ text, want string }{
		{"method=post path=/rest/api/3/issue every=10 reset=after", "method=POST path=/rest/api/3/issue every=10 reset=after"},
		{"after=2 times=3 probability=0.05 status=429 retry-after=2", "after=2 probability=0.05 times=3 status=429 retry-after=2"},
		{"delay=1.5s body=html", "delay=1.5s body=html"},
	}
	for _, test := range tests {
		faults, err := ParseFaults(test.text)
		if err != nil || len(faults) != 1 {
			t.Errorf("%q: got %v, %v", test.text, faults, err)
			continue
		}
		if got := faults[0].String(); got != test.want {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
	}
}

func TestParseFaultsErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{"status", `fault rule, line 1: "status" is not key=value`},
		{"status=200", `fault rule, line 1: "status=200": want a whole number from 400 to 599`},
		{"status=500\nreset=sometimes", `fault rule, line 2: "reset=sometimes": want one of before, after`},
		{"color=red", `fault rule, line 1: "color=red": unknown key "color"`},
		{"probability=2 status=500", `fault rule, line 1: "probability=2": want a number above 0, at most 1`},
		{"probability=NaN status=500", `fault rule, line 1: "probability=NaN": want a number above 0, at most 1`},
		{"path=/scim/", "fault rule, line 1: nothing happens: give status, delay, reset or body"},
	}
	for _, test := range tests {
		if _, err := ParseFaults(test.text); err == nil || err.Error() != test.want {
			t.Errorf("%q: got %v, want %s", test.text, err, test.want)
		}
	}
}

func TestFaultSelection(t *testing.T) {
	tests := []struct {
		rule string
		want string // of eight GETs of users: x struck, . not
	}{
		{"status=500", "xxxxxxxx"},
		{"method=POST status=500", "........"},
		{"path=/rest/ status=500", "........"},
		{"path=/scim/ after=3 status=500", "...xxxxx"},
		{"every=3 status=500", "..x..x.."},
		{"after=1 every=2 times=2 status=500", "..x.x..."},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			s := newTenant(t, Options{Faults: mustFaults(t, test.rule)})
			got := ""
			for range 8 {
				answer, err := s.send("GET", directoryPath+"/Users", "")
				if err != nil {
					t.Fatal(err)
				}
				got += map[int]string{200: ".", 500: "x"}[answer.status]
			}
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func mustFaults(t testing.TB, text string) []Fault {
	t.Helper()
	faults, err := ParseFaults(text)
	if err != nil {
		t.Fatal(err)
	}
	return faults
}

func TestFaultProbabilityIsSeeded(t *testing.T) {
	strikes := func(seed uint64) (struck int, pattern string) {
		e := New(Options{Seed: seed, Faults: mustFaults(t, "probability=0.25 status=500")})
		for range 400 {
			if _, hit := e.faults.strike(httptest.NewRequest("GET", "/scim/", nil)); hit {
				struck++
				pattern += "x"
			} else {
				pattern += "."
			}
		}
		return struck, pattern
	}
	struck, first := strikes(1)
	if _, again := strikes(1); first != again {
		t.Error("the same seed struck other requests")
	}
	if struck < 60 || struck > 140 {
		t.Errorf("struck %d of 400, want about 100", struck)
	}
}

func TestFaultStatusBodies(t *testing.T) {
	clock := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		status int
		path   string
		want   string
	}{
		{429, directoryPath + "/Users", `{"code":429,"message":"Rate limit exceeded"}`},
		{503, directoryPath + "/Users", `{"schemas":["` + urnError + `"],"status":"503","detail":"Service Unavailable. Please try again."}`},
		{429, "/rest/api/3/myself", `{"errorMessages":["Too Many Requests"],"errors":{}}`},
		{503, "/admin/v1/orgs", `{"code":503,"message":"Service Unavailable"}`},
	}
	for _, test := range tests {
		s := newTenant(t, Options{
			Now:    func() time.Time { return clock },
			Faults: []Fault{{Status: test.status, RetryAfter: 7}},
		})
		answer, err := s.send("GET", test.path, "")
		if err != nil {
			t.Fatal(err)
		}
		if answer.status != test.status || string(answer.body) != test.want {
			t.Errorf("%s: got %d %s, want %d %s", test.path, answer.status, answer.body, test.status, test.want)
		}
		if got := answer.header.Get("Retry-After"); got != "7" {
			t.Errorf("%s: Retry-After: got %q, want 7", test.path, got)
		}
		if got := answer.header.Get("X-RateLimit-Reset"); test.status == 429 && got != "2026-11-24T12:00:07Z" {
			t.Errorf("%s: X-RateLimit-Reset: got %q", test.path, got)
		}
	}
}

func TestFaultReset(t *testing.T) {
	for when, effect := range map[string]int{"before": 0, "after": 1} {
		t.Run(when, func(t *testing.T) {
			s := newTenant(t, Options{Faults: []Fault{{Method: "POST", Reset: when}}})
			if answer, err := s.send("POST", directoryPath+"/Users", newUser("a@demo.example")); err == nil {
				t.Fatalf("got status %d, want a cut connection", answer.status)
			}
			if got := s.scim(200, "GET", "/Users", "").json(t)["totalResults"]; got != float64(effect) {
				t.Errorf("got %v users, want %d", got, effect)
			}
			want := Request{Method: "POST", Path: directoryPath + "/Users", Fault: "method=POST reset=" + when}
			if diff := cmp.Diff(want, s.e.Log()[0]); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFaultBody(t *testing.T) {
	for _, spoil := range []string{"truncated", "html", "empty"} {
		t.Run(spoil, func(t *testing.T) {
			s := newTenant(t, Options{Faults: []Fault{{Method: "POST", Body: spoil}}})
			answer := s.scim(201, "POST", "/Users", newUser("a@demo.example"))
			if json.Valid(answer.body) {
				t.Errorf("got valid JSON: %s", answer.body)
			}
			if isPage := strings.HasPrefix(answer.header.Get("Content-Type"), "text/html"); isPage != (spoil == "html") {
				t.Errorf("Content-Type: got %q", answer.header.Get("Content-Type"))
			}
			if got := s.scim(200, "GET", "/Users", "").json(t)["totalResults"]; got != 1.0 {
				t.Errorf("got %v users, want 1: the request takes effect", got)
			}
		})
	}
}

func TestLatencyAndDelay(t *testing.T) {
	s := newTenant(t, Options{Latency: 15 * time.Millisecond, Faults: []Fault{{Delay: 15 * time.Millisecond}}})
	begin := time.Now()
	s.scim(200, "GET", "/Users", "")
	if took := time.Since(begin); took < 30*time.Millisecond {
		t.Errorf("took %v, want 30ms at least", took)
	}
}

func TestLogIsBounded(t *testing.T) {
	var log requestLog
	request := httptest.NewRequest("GET", "/", nil)
	for range maxLog + 1 {
		log.add(request, "")(200)
	}
	if got, want := len(log.entries), maxLog/2+1; got != want {
		t.Errorf("got %d entries, want %d", got, want)
	}
}

func TestSameSeedSameData(t *testing.T) {
	dump := func(seed uint64) string {
		options := DefaultOptions()
		options.Seed = seed
		s := newTenant(t, options)
		return string(s.scim(200, "GET", "/Users?startIndex=101", "").body) + string(s.scim(200, "GET", "/Groups", "").body)
	}
	first, again, other := dump(1), dump(1), dump(2)
	if first != again {
		t.Error("the same seed gave other data")
	}
	if first == other {
		t.Error("another seed gave the same data")
	}
}

func TestSeededTenant(t *testing.T) {
	e := New(Options{Users: 6000, Groups: 20, Seed: 1})
	d := e.directory
	if got := len(d.groups[0].members); got != bigGroup {
		t.Errorf("largest group: got %d members, want %d", got, bigGroup)
	}
	names, count := map[string]bool{}, map[string]int{}
	for _, u := range d.users {
		text := string(u.json(e.now()))
		for what, has := range map[string]bool{
			"inactive":    !u.attrs.isActive(),
			"without id":  u.attrs.ExternalID == "",
			"bare":        u.attrs.DisplayName == "",
			"same name":   names[u.attrs.DisplayName],
			"apostrophe":  strings.Contains(u.attrs.UserName, "'"),
			"plus":        strings.Contains(u.attrs.UserName, "+"),
			"upper case":  u.attrs.UserName != strings.ToLower(u.attrs.UserName),
			"ampersand":   strings.Contains(text, " & "),
			"accent":      strings.Contains(u.attrs.DisplayName, "ö"),
			"old account": len(u.account.id) == 24,
		} {
			if has {
				count[what]++
			}
		}
		names[u.attrs.DisplayName] = true
		if i := strings.IndexFunc(u.attrs.UserName, func(r rune) bool { return r > 126 }); i >= 0 {
			t.Fatalf("address %q is not ASCII", u.attrs.UserName)
		}
	}
	for _, what := range []string{"inactive", "without id", "bare", "same name", "apostrophe", "plus", "upper case", "ampersand", "accent", "old account"} {
		if count[what] < 20 {
			t.Errorf("%s: got %d of 6000 users", what, count[what])
		}
	}
	empty := 0
	for _, g := range d.groups {
		if len(g.members) == 0 {
			empty++
		}
	}
	if empty == 0 || empty > 5 {
		t.Errorf("got %d empty groups of 20", empty)
	}
}

func TestSeedingIsFast(t *testing.T) {
	begin := time.Now()
	New(Options{Users: 100_000, Groups: 200, Seed: 1})
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("100,000 users took %v", took)
	}
}

// TestConcurrency is for the race detector; what it asks for is that the
// directory adds up in the end.
func TestConcurrency(t *testing.T) {
	s := newTenant(t, Options{Users: 50, Groups: 5, Seed: 1})
	group := s.scim(201, "POST", "/Groups", `{"displayName":"shared"}`).json(t)["id"].(string)
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 10 {
				if err := s.joinAndRead(group, fmt.Sprintf("w%d.%d@demo.example", worker, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := len(s.scim(200, "GET", "/Groups/"+group, "").json(t)["members"].([]any)); got != 80 {
		t.Errorf("got %d members, want 80", got)
	}
}

func (s *tenant) joinAndRead(group, name string) error {
	answer, err := s.send("POST", directoryPath+"/Users", newUser(name))
	if err != nil {
		return err
	}
	id := answer.json(s.t)["id"].(string)
	join := fmt.Sprintf(`{"Operations":[{"op":"add","path":"members","value":[{"value":"%s"}]}]}`, id)
	_, joined := s.send("PATCH", directoryPath+"/Groups/"+group, join)
	_, listed := s.send("GET", directoryPath+"/Users", "")
	_, seen := s.send("GET", directoryPath+"/Groups", "")
	s.e.Log()
	return errors.Join(joined, listed, seen)
}

// discardAnswer is a writer that costs nothing.
type discardAnswer struct {
	header http.Header
	status int
}

func (w *discardAnswer) Header() http.Header         { return w.header }
func (w *discardAnswer) WriteHeader(status int)      { w.status = status }
func (w *discardAnswer) Write(b []byte) (int, error) { return len(b), nil }

func BenchmarkListPage(b *testing.B) {
	e := New(Options{Users: 10_000, Groups: 20, Seed: 1})
	request := httptest.NewRequest("GET", directoryPath+"/Users?startIndex=5001&count=100", nil)
	request.Header.Set("Authorization", "Bearer "+DirectoryKey)
	b.ReportAllocs()
	for b.Loop() {
		w := &discardAnswer{header: http.Header{}}
		e.ServeHTTP(w, request)
		if w.status != http.StatusOK {
			b.Fatal(w.status)
		}
	}
}

func BenchmarkJoinLargeGroup(b *testing.B) {
	e := New(Options{Users: 20_000, Groups: 1, Seed: 1})
	group := e.directory.groups[0]
	users := e.directory.users
	for i := 0; b.Loop(); i++ {
		op := []string{"add", "remove"}[i%2]
		body := fmt.Sprintf(`{"Operations":[{"op":"%s","path":"members","value":[{"value":"%s"}]}]}`, op, users[i/2%len(users)].id)
		request := httptest.NewRequest("PATCH", directoryPath+"/Groups/"+group.id, strings.NewReader(body))
		request.Header.Set("Authorization", "Bearer "+DirectoryKey)
		e.ServeHTTP(&discardAnswer{header: http.Header{}}, request)
	}
}
