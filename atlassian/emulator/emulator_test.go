package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian/emulator/tenant/tenanttest"
)

// site is an emulator behind a real HTTP server.
type site struct {
	*tenanttest.Client
	e *Emulator
}

func newSite(t testing.TB, options Options) *site {
	t.Helper()
	e := New(options)
	return &site{Client: tenanttest.Serve(t, e), e: e}
}

// control makes a request to a control path and demands a status.
func (s *site) control(status int, method, path, body string) tenanttest.Answer {
	s.T.Helper()
	answer, err := s.Send(method, "/_emulator"+path, body)
	if err != nil || answer.Status != status {
		s.T.Fatalf("%s %s: got status %d, %v, want %d; body %s", method, path, answer.Status, err, status, answer.Body)
	}
	return answer
}

func TestControlLog(t *testing.T) {
	s := newSite(t, Options{})
	s.SCIM(200, "GET", "/Users?count=1", "")
	s.SCIM(404, "GET", "/Groups/none", "")
	var got []Request
	if err := json.Unmarshal(s.control(200, "GET", "/requests", "").Body, &got); err != nil {
		t.Fatal(err)
	}
	want := []Request{
		{Method: "GET", Path: tenanttest.DirectoryPath + "/Users", Query: "count=1", Status: 200},
		{Method: "GET", Path: tenanttest.DirectoryPath + "/Groups/none", Status: 404},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	s.control(204, "DELETE", "/requests", "")
	if got := string(s.control(200, "GET", "/requests", "").Body); strings.TrimSpace(got) != "[]" {
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
	before := s.SCIM(200, "GET", "/Users", "").Body
	s.SCIM(201, "POST", "/Users", tenanttest.NewUser("extra@demo.example"))
	s.control(204, "PUT", "/faults", "status=500\n\n# a comment\nmethod=GET delay=1ms\n")
	if got, want := string(s.control(200, "GET", "/faults", "").Body), "status=500\nmethod=GET delay=1ms\n"; got != want {
		t.Errorf("faults: got %q, want %q", got, want)
	}
	s.control(204, "POST", "/reset", "")
	if len(s.e.Log()) != 0 || len(s.e.Faults()) != 0 {
		t.Errorf("after reset: log %v, faults %v", s.e.Log(), s.e.Faults())
	}
	if after := s.SCIM(200, "GET", "/Users", "").Body; !bytes.Equal(before, after) {
		t.Errorf("after reset:\n%s\nwant\n%s", after, before)
	}
	answer := s.control(400, "PUT", "/faults", "delay=soon")
	if !strings.Contains(string(answer.Body), `"delay=soon"`) {
		t.Errorf("error %q does not name the word", answer.Body)
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

// TestConcurrency is for the race detector; it demands that no membership is
// lost.
func TestConcurrency(t *testing.T) {
	s := newSite(t, Options{Users: 50, Groups: 5, Seed: 1})
	group := s.SCIM(201, "POST", "/Groups", `{"displayName":"shared"}`).JSON(t)["id"].(string)
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
	if got := len(s.SCIM(200, "GET", "/Groups/"+group, "").JSON(t)["members"].([]any)); got != 80 {
		t.Errorf("got %d members, want 80", got)
	}
}

func (s *site) joinAndRead(group, name string) error {
	answer, err := s.Send("POST", tenanttest.DirectoryPath+"/Users", tenanttest.NewUser(name))
	if err != nil {
		return err
	}
	id := answer.JSON(s.T)["id"].(string)
	join := fmt.Sprintf(`{"Operations":[{"op":"add","path":"members","value":[{"value":"%s"}]}]}`, id)
	_, joined := s.Send("PATCH", tenanttest.DirectoryPath+"/Groups/"+group, join)
	_, listed := s.Send("GET", tenanttest.DirectoryPath+"/Users", "")
	_, seen := s.Send("GET", tenanttest.DirectoryPath+"/Groups", "")
	s.e.Log()
	return errors.Join(joined, listed, seen)
}

// TestGroupReachesJira creates a user and a group in the directory, and looks
// for both in Jira before and after the time that they need to get there.
func TestGroupReachesJira(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	s := newSite(t, Options{
		Now: func() time.Time { return now }, Directory: DirectoryOptions{PropagationDelay: 3 * time.Second},
	})
	user := s.Create("/Users", tenanttest.NewUser("a@demo.example"))["id"]
	s.Create("/Groups", fmt.Sprintf(`{"displayName":"team","members":[{"value":"%s"}]}`, user))
	if got := s.jira(404, "/group/member?groupname=team"); tenanttest.At(got.JSON(t), "errorMessages|0") != "The group named 'team' does not exist." {
		t.Errorf("at once: got %s", got.Body)
	}
	now = now.Add(4 * time.Second) // the group is younger than the user by a microsecond
	got := s.jira(200, "/group/member?groupname=team").JSON(t)
	if total, email := tenanttest.At(got, "total"), tenanttest.At(got, "values|0|emailAddress"); total != 1.0 || email != "a@demo.example" {
		t.Errorf("later: got %v members, the first %v, want 1, a@demo.example", total, email)
	}
}

// jira asks Jira as the administrator and demands a status.
func (s *site) jira(status int, path string) tenanttest.Answer {
	s.T.Helper()
	answer, err := s.Send("GET", "/rest/api/3"+path, "", func(r *http.Request) { r.SetBasicAuth(AdminEmail, APIToken) })
	if err != nil || answer.Status != status {
		s.T.Fatalf("GET %s: got status %d, %v, want %d; body %s", path, answer.Status, err, status, answer.Body)
	}
	return answer
}
