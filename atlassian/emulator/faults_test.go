package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian/emulator/tenant/tenanttest"
)

func TestParseFaults(t *testing.T) {
	tests := []struct{ text, want string }{
		{"method=post path=/rest/api/3/issue every=10 reset=after", "method=POST path=/rest/api/3/issue every=10 reset=after"},
		{"after=2 times=3 probability=0.05 status=429 retry-after=2", "after=2 probability=0.05 times=3 status=429 retry-after=2"},
		{"delay=1.5s body=html", "delay=1.5s body=html"},
		{"path=/scim/ rate=50/s", "path=/scim/ rate=50/s"},
		{"rate=600/m method=GET", "method=GET rate=600/m"},
		{"commit=true delay=2s status=504", "status=504 delay=2s commit=true"},
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
		{"path=/scim/", "fault rule, line 1: nothing happens: give status, delay, reset, body or rate"},
		{"rate=50", `fault rule, line 1: "rate=50": want requests a second or a minute, such as 50/s`},
		{"rate=5/s status=500", "fault rule, line 1: rate goes with method and path only"},
		{"commit=true reset=after", "fault rule, line 1: commit=true goes with delay or status, and not with reset"},
		{"commit=perhaps delay=1s", `fault rule, line 1: "commit=perhaps": want true`},
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
			s := newSite(t, Options{Faults: mustFaults(t, test.rule)})
			got := ""
			for range 8 {
				answer, err := s.Send("GET", tenanttest.DirectoryPath+"/Users", "")
				if err != nil {
					t.Fatal(err)
				}
				got += map[int]string{200: ".", 500: "x"}[answer.Status]
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
			if e.faults.strike(httptest.NewRequest("GET", "/scim/", nil), time.Time{}).text != "" {
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
		{429, tenanttest.DirectoryPath + "/Users", `{"code":429,"message":"Rate limit exceeded"}`},
		{503, tenanttest.DirectoryPath + "/Users", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"503","detail":"Service Unavailable. Please try again."}`},
		{429, "/rest/api/3/myself", `{"errorMessages":["Too Many Requests"],"errors":{}}`},
		{503, "/admin/v1/orgs", `{"code":503,"message":"Service Unavailable"}`},
	}
	for _, test := range tests {
		s := newSite(t, Options{
			Now:    func() time.Time { return clock },
			Faults: []Fault{{Status: test.status, RetryAfter: 7}},
		})
		answer, err := s.Send("GET", test.path, "")
		if err != nil {
			t.Fatal(err)
		}
		if answer.Status != test.status || string(answer.Body) != test.want {
			t.Errorf("%s: got %d %s, want %d %s", test.path, answer.Status, answer.Body, test.status, test.want)
		}
		if got := answer.Header.Get("Retry-After"); got != "7" {
			t.Errorf("%s: Retry-After: got %q, want 7", test.path, got)
		}
		if got := answer.Header.Get("X-RateLimit-Reset"); test.status == 429 && got != "2026-11-24T12:00:07Z" {
			t.Errorf("%s: X-RateLimit-Reset: got %q", test.path, got)
		}
	}
}

func TestFaultReset(t *testing.T) {
	for when, effect := range map[string]int{"before": 0, "after": 1} {
		t.Run(when, func(t *testing.T) {
			s := newSite(t, Options{Faults: []Fault{{Method: "POST", Reset: when}}})
			if answer, err := s.Send("POST", tenanttest.DirectoryPath+"/Users", tenanttest.NewUser("a@demo.example")); err == nil {
				t.Fatalf("got status %d, want a cut connection", answer.Status)
			}
			if got := s.SCIM(200, "GET", "/Users", "").JSON(t)["totalResults"]; got != float64(effect) {
				t.Errorf("got %v users, want %d", got, effect)
			}
			want := Request{Method: "POST", Path: tenanttest.DirectoryPath + "/Users", Fault: "method=POST reset=" + when}
			if diff := cmp.Diff(want, s.e.Log()[0]); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFaultBody(t *testing.T) {
	for _, spoil := range []string{"truncated", "html", "empty"} {
		t.Run(spoil, func(t *testing.T) {
			s := newSite(t, Options{Faults: []Fault{{Method: "POST", Body: spoil}}})
			answer := s.SCIM(201, "POST", "/Users", tenanttest.NewUser("a@demo.example"))
			if json.Valid(answer.Body) {
				t.Errorf("got valid JSON: %s", answer.Body)
			}
			if isPage := strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html"); isPage != (spoil == "html") {
				t.Errorf("Content-Type: got %q", answer.Header.Get("Content-Type"))
			}
			if got := s.SCIM(200, "GET", "/Users", "").JSON(t)["totalResults"]; got != 1.0 {
				t.Errorf("got %v users, want 1: the request takes effect", got)
			}
		})
	}
}

func TestLatencyAndDelay(t *testing.T) {
	s := newSite(t, Options{Latency: 15 * time.Millisecond, Faults: []Fault{{Delay: 15 * time.Millisecond}}})
	begin := time.Now()
	s.SCIM(200, "GET", "/Users", "")
	if took := time.Since(begin); took < 30*time.Millisecond {
		t.Errorf("took %v, want 30ms at least", took)
	}
}

// TestRate has a limit that answers tell of, and that the clock gives back.
func TestRate(t *testing.T) {
	clock := time.Date(2026, 11, 24, 12, 0, 0, 300e6, time.UTC)
	s := newSite(t, Options{Now: func() time.Time { return clock }, Faults: mustFaults(t, "path=/scim/ rate=2/s\nevery=2 status=500")})
	type state struct {
		Status                              int
		Limit, Remaining, Reset, RetryAfter string
	}
	ask := func() state {
		answer, err := s.Send("GET", tenanttest.DirectoryPath+"/Users", "")
		if err != nil {
			t.Fatal(err)
		}
		h := answer.Header
		return state{answer.Status, h.Get("X-RateLimit-Limit"), h.Get("X-RateLimit-Remaining"), h.Get("X-RateLimit-Reset"), h.Get("Retry-After")}
	}
	got := []state{ask(), ask(), ask()}
	s.control(200, "POST", "/clock", `{"advance":"1s"}`)
	got = append(got, ask())
	want := []state{
		{200, "2", "1", "2026-11-24T12:00:01Z", ""},
		{500, "2", "0", "2026-11-24T12:00:01Z", ""}, // what passes goes on to the next rule
		{429, "2", "0", "2026-11-24T12:00:01Z", "1"},
		{200, "2", "1", "2026-11-24T12:00:02Z", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestCommitThenLate has a caller who gives up before the answer to what took
// effect.
func TestCommitThenLate(t *testing.T) {
	s := newSite(t, Options{Faults: mustFaults(t, "method=POST times=1 delay=1h commit=true\nmethod=POST status=504 delay=1ms commit=true")})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := s.Send("POST", tenanttest.DirectoryPath+"/Users", tenanttest.NewUser("a@demo.example"), func(r *http.Request) { *r = *r.WithContext(ctx) })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want no answer in time", err)
	}
	s.SCIM(504, "POST", "/Users", tenanttest.NewUser("b@demo.example"))
	if got := s.SCIM(200, "GET", "/Users", "").JSON(t)["totalResults"]; got != 2.0 {
		t.Errorf("got %v users, want 2: both requests took effect", got)
	}
}

func TestClock(t *testing.T) {
	start := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	s := newSite(t, Options{Now: func() time.Time { return start }})
	s.control(200, "POST", "/clock", `{"advance":"24h"}`)
	if got := s.Create("/Users", tenanttest.NewUser("a@demo.example")); tenanttest.At(got, "meta|created") != "2026-11-25T12:00:00Z" {
		t.Errorf("a day later somebody is created at %v", tenanttest.At(got, "meta|created"))
	}
	s.control(400, "POST", "/clock", `{"advance":"-1h"}`)
	s.control(400, "POST", "/clock", `{"advance":"soon"}`)
	s.control(204, "POST", "/reset", "")
	if got := strings.TrimSpace(string(s.control(200, "GET", "/clock", "").Body)); got != `{"now":"2026-11-24T12:00:00Z"}` {
		t.Errorf("after reset it is %s", got)
	}
}
