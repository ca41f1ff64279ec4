package main

import (
	"net/http"
	"sync/atomic"

	"scim-atlassian/scim"
	"scim-atlassian/scim/health"
)

// front answers for a server that is not there yet: probes are told so, and everything else gets a SCIM error with
// status 503. Once open is called, the server answers.
type front struct{ inside atomic.Pointer[scim.Server] }

func (f *front) open(facade *scim.Server) { f.inside.Store(facade) }

// starting is RFC 7644 section 3.12's error.
const starting = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"503","detail":"The server is starting."}`

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if facade := f.inside.Load(); facade != nil {
		facade.ServeHTTP(w, r)
		return
	}
	if health.Answer(w, r, health.Starting, nil) {
		return
	}
	w.Header().Set("Content-Type", "application/scim+json")
	w.Header().Set("Retry-After", "2")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write([]byte(starting)) // a client that went away needs no answer
}
