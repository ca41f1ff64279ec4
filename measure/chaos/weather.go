package main

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"scim-atlassian/atlassian/emulator"
)

// patience is how long the server waits for an answer of Atlassian.
const patience = 400 * time.Millisecond

// settle is how long Atlassian may go on with a request after that, which the server relies on. So a request that a busy
// machine would carry out later is not carried out at all: see timely.
const settle = 2 * patience

// A fault spoils one request to Atlassian, which next would answer.
type fault func(w http.ResponseWriter, r *http.Request, next http.Handler)

// faultsByName are what can happen on the way to Atlassian and back. Faults that do something to the answer have the
// request take effect.
var faultsByName = map[string]fault{
	"limit":        func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { fail(w, 429, "Retry-After", "1") },
	"unavailable":  func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { fail(w, 503) },
	"broken after": func(w http.ResponseWriter, r *http.Request, next http.Handler) { effect(r, next); fail(w, 500) },
	"reset before": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { cut(w) },
	"reset after":  func(w http.ResponseWriter, r *http.Request, next http.Handler) { effect(r, next); cut(w) },
	"late answer": func(_ http.ResponseWriter, r *http.Request, next http.Handler) {
		effect(r, next)
		time.Sleep(patience + patience/4)
	},
	"late effect": func(_ http.ResponseWriter, r *http.Request, next http.Handler) {
		time.Sleep(patience + patience/4)
		effect(r, next)
	},
	"slow": func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		time.Sleep(patience / 4)
		next.ServeHTTP(w, r)
	},
	"truncated": func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		spoil(w, effect(r, next), func(b []byte) []byte { return b[:len(b)/2] })
	},
	"html": func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		spoil(w, effect(r, next), func([]byte) []byte { return []byte("<!DOCTYPE html><title>Atlassian</title>") })
	},
	"empty": func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		spoil(w, effect(r, next), func([]byte) []byte { return nil })
	},
	"no directory": func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !strings.HasPrefix(r.URL.Path, "/scim/") {
			next.ServeHTTP(w, r)
			return
		}
		spoil(w, &httptest.ResponseRecorder{Code: 404}, func([]byte) []byte { return []byte(`{"error":"Not Found","traceId":"0123456789abcdef"}`) })
	},
	"nothing": func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		held := effect(r, next)
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/scim/") && bytes.Contains(held.Body.Bytes(), []byte("totalResults")) {
			spoil(w, held, func([]byte) []byte { return []byte(`{"totalResults":0}`) })
			return
		}
		spoil(w, held, func(b []byte) []byte { return b })
	},
}

// effect has the request take effect, whether or not anybody waits for its answer.
func effect(r *http.Request, next http.Handler) *httptest.ResponseRecorder {
	held := httptest.NewRecorder()
	next.ServeHTTP(held, r)
	return held
}

// spoil sends a held answer with another body.
func spoil(w http.ResponseWriter, held *httptest.ResponseRecorder, change func([]byte) []byte) {
	var body []byte
	if held.Body != nil {
		body = held.Body.Bytes()
	}
	for name, values := range held.Result().Header {
		w.Header()[name] = values
	}
	w.Header().Del("Content-Length")
	w.WriteHeader(held.Code)
	if held.Code != http.StatusNoContent {
		w.Write(change(body))
	}
}

func fail(w http.ResponseWriter, status int, header ...string) {
	for i := 0; i < len(header); i += 2 {
		w.Header().Set(header[i], header[i+1])
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":%q}`, http.StatusText(status))
}

// cut closes the connection without an answer.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}

// weather stands between the server and Atlassian and spoils a share of the requests. Whether it spoils the n-th request
// to a route, and how, depends on the seed alone. It is safe for concurrent use.
type weather struct {
	atlassian *emulator.Emulator
	seed      uint64
	share     float64
	kinds     []string // of faults, in order
	calm      atomic.Bool
	late      sync.WaitGroup // requests that may still take effect

	mu     sync.Mutex
	seen   map[string]uint64 // requests by route
	struck map[string]int    // by kind of fault
}

func newWeather(e *emulator.Emulator, seed uint64, share float64, kinds []string) *weather {
	return &weather{atlassian: e, seed: seed, share: share, kinds: kinds, seen: map[string]uint64{}, struck: map[string]int{}}
}

// identifier is a part of a path that names a thing.
var identifier = regexp.MustCompile(`[0-9a-f-]{20,}|\d+|[A-Z]+-\d+`)

// ServeHTTP answers as Atlassian does, or not.
func (s *weather) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.late.Add(1)
	defer s.late.Done()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the server gave up before it had sent the request
	}
	r = r.WithContext(context.WithoutCancel(r.Context()))
	r.Body = io.NopCloser(bytes.NewReader(body))
	next := s.timely(time.Now().Add(patience + settle/2))
	if kind := s.draw(r); kind != "" {
		faultsByName[kind](w, r, next)
		return
	}
	next.ServeHTTP(w, r)
}

// timely is Atlassian until the given time, and a gateway that gave up waiting for it from then on. It leaves the other
// half of settle to what passed between the server and here.
func (s *weather) timely(until time.Time) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if time.Now().After(until) {
			fail(w, http.StatusGatewayTimeout)
			return
		}
		s.atlassian.ServeHTTP(w, r)
	})
}

// draw returns the kind of fault that strikes r, "" for none.
func (s *weather) draw(r *http.Request) string {
	if s.calm.Load() {
		return ""
	}
	route := r.Method + " " + identifier.ReplaceAllString(r.URL.Path, "*")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[route]++
	h := fnv.New64a()
	io.WriteString(h, route)
	rng := rand.New(rand.NewPCG(s.seed^h.Sum64(), s.seen[route]))
	if rng.Float64() >= s.share {
		return ""
	}
	kind := s.kinds[rng.IntN(len(s.kinds))]
	s.struck[kind]++
	return kind
}

// clear ends the faults, and waits until nothing late can take effect any more.
func (s *weather) clear() {
	s.calm.Store(true)
	s.late.Wait()
}
