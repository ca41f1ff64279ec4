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

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian/emulator/tenant"
)

// site is an emulator behind a real HTTP server.
type site struct {
	t   testing.TB
	e   *Emulator
	url string
}

func newSite(t testing.TB, options Options) *site {
	t.Helper()
	e := New(options)
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return &site{t: t, e: e, url: server.URL}
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
func (s *site) send(method, path, body string, edit ...func(*http.Request)) (received, error) {
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		return received{}, err
	}
	request.Header.Set("Authorization", "Bearer "+tenant.DirectoryKey)
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
func (s *site) scim(status int, method, path, body string, edit ...func(*http.Request)) received {
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
func (s *site) control(status int, method, path, body string) received {
	s.t.Helper()
	answer, err := s.send(method, "/_emulator"+path, body)
	if err != nil || answer.status != status {
		s.t.Fatalf("%s %s: got status %d, %v, want %d; body %s", method, path, answer.status, err, status, answer.body)
	}
	return answer
}

func TestControlLog(t *testing.T) {
	s := newSite(t, Options{})
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
	s := newSite(t, Options{Users: 5, Groups: 2, Seed: 3})
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

// TestConcurrency is for the race detector; what it asks for is that the
// directory adds up in the end.
func TestConcurrency(t *testing.T) {
	s := newSite(t, Options{Users: 50, Groups: 5, Seed: 1})
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

func (s *site) joinAndRead(group, name string) error {
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
	request.Header.Set("Authorization", "Bearer "+tenant.DirectoryKey)
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
		request.Header.Set("Authorization", "Bearer "+tenant.DirectoryKey)
		e.ServeHTTP(&discardAnswer{header: http.Header{}}, request)
	}
}
