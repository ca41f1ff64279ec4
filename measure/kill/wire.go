package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// wire stands between the server and the emulator. It carries a request to its end even if the server is gone, and
// remembers what was to be made and what was confirmed. It is safe for concurrent use.
type wire struct {
	http.Server
	listener net.Listener
	client   http.Client

	mu     sync.Mutex
	target string // "127.0.0.1:7002"
	life   int    // of the emulator, from 0
	writes []*write
	watch  func(n int, answered bool) // told of the n-th write, before it is sent on and when it was answered
}

// write is a request that makes something.
type write struct {
	name   string // unique name of what it makes
	life   int    // of the emulator that it went to
	status int    // 0: no answer came
}

func newWire(ctx context.Context) (*wire, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &wire{listener: listener, client: http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	w.Handler, w.ReadHeaderTimeout = w, time.Minute
	go w.Serve(listener)
	return w, nil
}

// direct has what comes from now on go to another emulator.
func (w *wire) direct(target string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.target = target
	w.life++
}

// ServeHTTP implements http.Handler.
func (w *wire) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the server was killed while it wrote: nothing was sent
	}
	w.mu.Lock()
	target, watch := w.target, w.watch
	var made *write
	n := 0
	if name := nameIn(r, body); name != "" {
		made = &write{name: name, life: w.life}
		w.writes = append(w.writes, made)
		n = len(w.writes)
	}
	w.mu.Unlock()
	if made != nil && watch != nil {
		watch(n, false)
	}
	inner, err := http.NewRequestWithContext(context.WithoutCancel(r.Context()), r.Method, "http://"+target+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadGateway)
		return
	}
	inner.Header = r.Header.Clone()
	resp, err := w.client.Do(inner)
	if err != nil {
		panic(http.ErrAbortHandler) // as if there were nothing between
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if made != nil {
		w.mu.Lock()
		made.status = resp.StatusCode
		w.mu.Unlock()
		if watch != nil {
			watch(n, true)
		}
	}
	for name, values := range resp.Header {
		out.Header()[name] = values
	}
	out.WriteHeader(resp.StatusCode)
	_, _ = out.Write(answer) // a server that is dead does not need it
}

// nameIn is the name of what a request makes, empty if it makes nothing.
func nameIn(r *http.Request, body []byte) string {
	if r.Method != http.MethodPost {
		return ""
	}
	var said struct {
		UserName    string `json:"userName"`
		DisplayName string `json:"displayName"`
		Fields      struct {
			Summary string `json:"summary"`
		} `json:"fields"`
	}
	_ = json.Unmarshal(body, &said) // a body that is none has no name
	switch {
	case strings.HasSuffix(r.URL.Path, "/Users"):
		return said.UserName
	case strings.HasSuffix(r.URL.Path, "/Groups"):
		return said.DisplayName
	case strings.HasSuffix(r.URL.Path, "/issue"):
		return said.Fields.Summary
	}
	return ""
}

// seen returns what was written, so far.
func (w *wire) seen() []write {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []write
	for _, one := range w.writes {
		all = append(all, *one)
	}
	return all
}
