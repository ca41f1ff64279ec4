package health_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/health"
)

// upstream is asked by a monitor and answers as it is told.
type upstream struct {
	mu     sync.Mutex
	err    error
	asked  int
	outage *atlassian.Outage
}

func (u *upstream) answer(err error) { u.mu.Lock(); defer u.mu.Unlock(); u.err = err }

func (u *upstream) watched(name string, essential bool) health.Watched {
	return health.Watched{Name: name, Essential: essential, Advice: health.Advice{Credential: "mend " + name},
		Probe: func(context.Context) error { u.mu.Lock(); defer u.mu.Unlock(); u.asked++; return u.err }, Outage: func() *atlassian.Outage { return u.outage }}
}

var (
	errRefused = &atlassian.Error{Kind: atlassian.Unauthenticated, Status: 401}
	errFailing = &atlassian.Error{Kind: atlassian.Unavailable, Status: 503}
)

func TestMonitorAsksWhatTheTrafficDoesNotShow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		m := health.New(zap.New(core), time.Now)
		defer m.Close()
		var directory upstream
		m.Watch(directory.watched("directory", true))
		state := func(want health.State, asked int) {
			t.Helper()
			synctest.Wait()
			if u := m.Upstreams(t.Context())[0]; u.State != want || directory.asked != asked {
				t.Errorf("%s, asked %d times; want %s, %d", u.State, directory.asked, want, asked)
			}
		}
		state(health.Up, 1)
		began := time.Now()
		for range 5 { // traffic every nine seconds
			time.Sleep(9 * time.Second)
			m.Traffic("directory", atlassian.Call{Op: "GET /Users", Status: 404, Verdict: &atlassian.Error{Kind: atlassian.NotFound}})
			state(health.Up, 1)
		}
		for range 5 { // a resource that is refused, and not the whole
			m.Traffic("directory", atlassian.Call{Status: 403, Verdict: &atlassian.Error{Kind: atlassian.Forbidden}})
			state(health.Up, 2)
		}
		time.Sleep(2 * time.Second)
		directory.answer(errFailing)
		m.Traffic("directory", atlassian.Call{Err: context.Canceled})
		m.Traffic("directory", atlassian.Call{Replayed: true, Err: errors.New("sent again")})
		m.Traffic("directory", atlassian.Call{Status: 403, Verdict: &atlassian.Error{Kind: atlassian.Forbidden}})
		state(health.Up, 2)
		m.Traffic("directory", atlassian.Call{Status: 503, Verdict: errFailing}) // nobody asks the monitor
		synctest.Wait()
		if n := logs.FilterMessage("upstream").FilterField(zap.String("state", "down")).Len(); n != 1 {
			t.Errorf("%d lines of a state down, want 1", n)
		}
		state(health.Down, 3)
		if since := m.Upstreams(t.Context())[0].Since; !since.Equal(began.Add(47 * time.Second)) {
			t.Errorf("down since %v, want %v", since, began.Add(47*time.Second))
		}
		m.Traffic("directory", atlassian.Call{Status: 200})
		state(health.Up, 3)
	})
}

// An outage that the client knows of counts more than the last request.
func TestMonitorBelievesInOutages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := health.New(zap.NewNop(), time.Now)
		defer m.Close()
		jira := upstream{outage: &atlassian.Outage{Since: time.Now().Add(-time.Hour), Cause: errFailing}}
		m.Watch(jira.watched("jira", true))
		want := []health.Upstream{{Name: "jira", Essential: true, State: health.Down, Since: jira.outage.Since, Reason: "it answers with errors of its own (503)"}}
		if diff := cmp.Diff(want, m.Upstreams(t.Context())); diff != "" {
			t.Error(diff)
		}
		jira.outage = nil
		if reasons, ready := m.Ready(t.Context()); !ready {
			t.Errorf("afterwards: %q", reasons)
		}
	})
}

// What upstream does not answer within a second is told as it was, and what is optional makes nothing unready.
func TestMonitorDoesNotWaitLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := health.New(zap.NewNop(), time.Now)
		defer m.Close()
		var directory upstream
		m.Watch(directory.watched("directory", true))
		for _, name := range []string{"organization", "issuer"} {
			m.Watch(health.Watched{Name: name, Probe: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }})
		}
		began := time.Now()
		reasons, ready := m.Ready(t.Context())
		if took := time.Since(began); !ready || took > time.Second {
			t.Errorf("ready %t after %v: %q", ready, took, reasons)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if u := m.Upstreams(t.Context())[1]; u.State != health.Down {
			t.Errorf("%+v, want it to be down when the question was given up", u)
		}
	})
}

func TestAwait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		m := health.New(zap.New(core), time.Now)
		defer m.Close()
		var directory, jira, organization upstream
		directory.answer(errFailing)
		jira.answer(errFailing)
		organization.answer(errRefused)
		m.Watch(directory.watched("directory", true))
		m.Watch(jira.watched("jira", true))
		m.Watch(organization.watched("organization", false))
		time.AfterFunc(90*time.Second, func() { directory.answer(nil) })
		time.AfterFunc(150*time.Second, func() { jira.answer(nil) })
		began := time.Now()
		if refused := m.Await(t.Context()); refused != nil {
			t.Errorf("refused: %+v", refused)
		}
		if took := time.Since(began); took < 150*time.Second || took > 170*time.Second {
			t.Errorf("ready after %v, want some seconds more than 150", took)
		}
		var waiting []int // what the log says is waited for
		for _, line := range logs.FilterMessage("not ready, waiting").All() {
			waiting = append(waiting, len(line.ContextMap()["for"].([]any)))
		}
		if diff := cmp.Diff([]int{2, 2, 1}, waiting); diff != "" {
			t.Errorf("what is waited for (-want +got):\n%s", diff)
		}

		jira.answer(errRefused)
		time.Sleep(10 * time.Second)
		if refused := m.Await(t.Context()); refused == nil || refused.Name != "jira" || refused.Fix != "mend jira" {
			t.Errorf("refused: %+v, want jira", refused)
		}
		jira.answer(errFailing)
		time.Sleep(10 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if refused := m.Await(ctx); refused != nil || ctx.Err() == nil {
			t.Errorf("told to leave: %+v", refused)
		}
	})
}

// TestDiagnoseConnections asks what is no API over real connections.
func TestDiagnoseConnections(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer slow.Close()
	away := httptest.NewServer(http.RedirectHandler("https://id.example/login", http.StatusFound))
	defer away.Close()
	unknown := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "api.atlasian.com", IsNotFound: true}}
	}}
	trusted := secure.Client().Transport.(*http.Transport).Clone()
	trusted.TLSClientConfig.ServerName = "elsewhere.test"
	for _, tt := range []struct {
		name, url string
		transport http.RoundTripper
		reason    string
		fix       string
	}{
		{"nothing listens", "http://" + closed.Addr().String(), nil, "connection refused", "SCIM_URL"},
		{"no TLS", strings.Replace(plain.URL, "http:", "https:", 1), nil, "does not speak TLS", "SCIM_URL"},
		{"an authority of its own", secure.URL, nil, "of an unknown authority", "SSL_CERT_FILE"},
		{"another name", secure.URL, trusted, "for another name", "misspelt"},
		{"no such host", "https://api.atlasian.com", unknown, "not known (DNS)", "misspelt"},
		{"no answer", slow.URL, nil, "does not answer in time", ""},
		{"a sign-in page", away.URL, nil, "leads elsewhere (302)", "SCIM_URL"},
		{"a web server", plain.URL, nil, "what answers is not the API (404)", "SCIM_URL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			timeout := 30 * time.Second
			if tt.url == slow.URL {
				timeout = 100 * time.Millisecond
			}
			d, err := atlassian.NewDirectory(atlassian.Config{Transport: tt.transport, MaxRetries: -1, Timeout: timeout}, tt.url+"/scim/directory", "d", "key")
			if err != nil {
				t.Fatal(err)
			}
			w := health.DirectoryOf(d, health.Advice{Address: "SCIM_URL"})
			f := health.Diagnose(w.Probe(t.Context()), w.Advice)
			if f.State != health.Down || !strings.Contains(f.Reason, tt.reason) || !strings.Contains(f.Fix, tt.fix) {
				t.Errorf("%+v, want down, %q, %q", f, tt.reason, tt.fix)
			}
		})
	}
}
