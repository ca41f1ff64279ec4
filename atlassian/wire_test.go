package atlassian_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"scim-atlassian/atlassian"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testDirectory = "0d1ec701-0000-4000-8000-000000000001"
	testKey       = "demo-directory-key"
)

// script is an upstream that answers the n-th request with its n-th step, and every later one with the last. Besides, it
// answers whoever asks whether the directory is there.
type script struct {
	steps []http.HandlerFunc

	mu    sync.Mutex
	times []time.Time // of the arrivals
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && r.URL.RawQuery == "count=1" {
		w.Write([]byte(`{"schemas":[],"totalResults":0}`))
		return
	}
	s.mu.Lock()
	n := len(s.times)
	s.times = append(s.times, time.Now())
	s.mu.Unlock()
	s.steps[min(n, len(s.steps)-1)](w, r)
}

func (s *script) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.times)
}

// answer is a step that answers with status, body and headers given as name, value, name, value.
func answer(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		w.Write([]byte(body))
	}
}

// cut is a step that closes the connection without an answer.
func cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// half is a step that closes the connection in the middle of the body.
func half(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	w.Write([]byte(`{"id":`))
	http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// stall is a step that never answers. A server notices that its client is gone only once it has read the body.
func stall(_ http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

var oneUser = answer(http.StatusOK, `{"id":"1","userName":"ann@example.com"}`)

// newDirectory returns a client of an upstream behind h, over TCP.
func newDirectory(t testing.TB, h http.Handler, cfg atlassian.Config) *atlassian.Directory {
	t.Helper()
	return directoryAt(t, newServer(t, h), cfg)
}

func newServer(t testing.TB, h http.Handler) (url string) {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

func directoryAt(t testing.TB, base string, cfg atlassian.Config) *atlassian.Directory {
	t.Helper()
	d, err := atlassian.NewDirectory(cfg, base+"/scim/directory", testDirectory, testKey)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.CloseIdleConnections)
	return d
}

func jiraAt(t testing.TB, base string, cfg atlassian.Config) *atlassian.Jira {
	t.Helper()
	j, err := atlassian.NewJira(cfg, base, "admin@demo.example", "demo-api-token")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.CloseIdleConnections)
	return j
}

// pipe is a network of one host without a kernel in between, so that real HTTP runs in the time of a synctest bubble.
type pipe struct {
	conns  chan net.Conn
	closed chan struct{}
}

// newPipe serves h and returns the transport that leads to it.
func newPipe(t testing.TB, h http.Handler) *http.Transport {
	p := &pipe{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: h}
	go server.Serve(p)
	transport := &http.Transport{DialContext: p.dial, MaxIdleConnsPerHost: 100}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	return transport
}

func (p *pipe) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipe) Close() error   { close(p.closed); return nil }
func (p *pipe) Addr() net.Addr { return &net.TCPAddr{} }

// resource.AsError returns the *atlassian.Error of err, which it must be.
func asError(t testing.TB, err error) *atlassian.Error {
	t.Helper()
	var e *atlassian.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *atlassian.Error", err)
	}
	return e
}
