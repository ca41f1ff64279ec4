package health

import (
	"fmt"
	"net/http"
	"strings"
)

// Stage is a part of a server's life.
type Stage int

// The stages, in their order.
const (
	Starting Stage = iota // it listens and cannot answer yet
	Serving
	Draining // it answers still, and nothing more should be sent to it
)

// Answer answers the probes, which need no credentials, and reports false for any other path:
//
//	/healthz         200 while the process lives
//	/readyz          200 if all that the server cannot do without is up, else 503 with a line for each reason
//	/readyz/traffic  200 whenever requests are answered, if only with 503; 503 at start and at the end
//
// Load balancers ask the last, so that clients get an answer of the server's in an outage of Atlassian.
func Answer(w http.ResponseWriter, r *http.Request, stage Stage, m *Monitor) bool {
	var reasons []string
	switch r.URL.Path {
	case "/healthz":
		reply(w, http.StatusOK, "ok")
		return true
	case "/readyz", "/readyz/traffic":
	default:
		return false
	}
	switch stage {
	case Starting:
		reasons = []string{"starting"}
	case Draining:
		reasons = []string{"draining"}
	case Serving:
		if r.URL.Path == "/readyz" {
			reasons, _ = m.Ready(r.Context())
		}
	}
	if len(reasons) > 0 {
		reply(w, http.StatusServiceUnavailable, strings.Join(reasons, "\n"))
		return true
	}
	reply(w, http.StatusOK, "ready")
	return true
}

func reply(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text) // a prober that went away needs no answer
}
