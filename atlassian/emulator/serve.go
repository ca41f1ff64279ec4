package emulator

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// ServeHTTP answers one request: control paths at once, all others after the
// latency and under the fault rules.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_emulator/") {
		e.serveControl(w, r)
		return
	}
	struck := e.faults.strike(r, e.clock.now())
	noted := &notedWriter{ResponseWriter: w, setStatus: e.log.add(r, struck.text), rate: struck.rate}
	if struck.fault.Commit {
		e.serveLate(noted, r, struck.fault)
		return
	}
	if !pause(r.Context(), e.options.Latency+struck.fault.Delay) {
		return
	}
	e.serveFault(noted, r, struck.fault)
}

// pause waits for d and reports whether the caller is still there.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// notedWriter tells the log the status before the first byte leaves, so that
// a client that has read an answer finds it in the log. It also says what is left
// of a rate.
type notedWriter struct {
	http.ResponseWriter
	setStatus func(int)
	rate      *rateState // nil: no rule limits the request
	written   bool
}

func (w *notedWriter) WriteHeader(status int) {
	if !w.written {
		w.written = true
		w.setStatus(status)
		if w.rate != nil {
			w.rate.setHeaders(w.Header())
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *notedWriter) Write(b []byte) (int, error) {
	if !w.written {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *notedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// serveControl answers the paths that Atlassian does not have. Only callers on
// the same machine may use them.
func (e *Emulator) serveControl(w http.ResponseWriter, r *http.Request) {
	if !fromLoopback(r) {
		http.Error(w, "control paths answer loopback callers only", http.StatusForbidden)
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /_emulator/requests":
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(e.Log())
	case "DELETE /_emulator/requests":
		e.ClearLog()
		w.WriteHeader(http.StatusNoContent)
	case "GET /_emulator/faults":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		for _, fault := range e.Faults() {
			io.WriteString(w, fault.String()+"\n")
		}
	case "PUT /_emulator/faults":
		e.putFaults(w, r)
	case "GET /_emulator/clock":
		e.writeClock(w)
	case "POST /_emulator/clock":
		e.postClock(w, r)
	case "POST /_emulator/reset":
		e.Reset()
		w.WriteHeader(http.StatusNoContent)
	default:
		http.Error(w, "no control endpoint "+r.Method+" "+r.URL.Path, http.StatusNotFound)
	}
}

func (e *Emulator) putFaults(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	faults, err := ParseFaults(string(text))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	e.SetFaults(faults)
	w.WriteHeader(http.StatusNoContent)
}

func fromLoopback(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
