package server

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/document"
	"scim-atlassian/scim/query"
)

// Endpoint is a path besides those of SCIM, which answers plain JSON. The server
// mounts it at its root and below BasePath.
type Endpoint struct {
	Path    string   // "connector/health"; its first segment is taken by endpoints alone, and "{id}" stands for any other
	Methods []string // GET, HEAD, …
	Open    bool     // it answers requests without credentials too
	Body    bool     // a POST may have a body
	MaxBody int64    // bytes of a body; 0: Config.MaxBodyBytes
	Write   bool     // a POST changes something, which is told to the audit
	// Answer returns the status and the body, or the error that is answered
	// instead. It is called from many goroutines at the same time.
	Answer func(ctx context.Context, q EndpointRequest) (status int, body query.Object, err error)
}

// EndpointRequest is a request as an endpoint sees it.
type EndpointRequest struct {
	Caller   *auth.Caller // nil: no credentials came with a request to an open endpoint
	Base     string       // URL of BasePath as the client sees it
	Draining bool         // the server is about to stop
	ID       string       // what stands for "{id}" in the path
	Body     any          // as encoding/json decodes it; nil: there is none
	// Intend writes the line of the audit that goes before what a POST changes. With an error, which is to be answered,
	// nothing may be changed.
	Intend func() error
}

// plainAnswer is the answer of an endpoint.
type plainAnswer struct {
	status int
	body   query.Object
}

// serveEndpoint brings a request to an endpoint to its outcome.
func (s *Server) serveEndpoint(c *call, r *http.Request, e *Endpoint) error {
	c.write = e.Write && r.Method == http.MethodPost
	q := EndpointRequest{Caller: c.caller, Base: c.base, Draining: s.draining.Load(), ID: c.target, Intend: func() error { return s.intend(c) }}
	if e.Body && r.Method == http.MethodPost && r.ContentLength != 0 {
		var err error
		if q.Body, err = document.ReadBody(r, cmp.Or(e.MaxBody, s.cfg.MaxBodyBytes)); err != nil {
			return err
		}
	}
	status, body, err := e.Answer(r.Context(), q)
	if err == nil && c.static == nil { // an answer of SCIM is there already
		c.plain = &plainAnswer{status, body}
	}
	return err
}

// mounts reports whether an endpoint's path begins with a segment.
func (s *Server) mounts(segment string) bool {
	for _, e := range s.endpoints {
		if first, _, _ := strings.Cut(e.Path, "/"); first == segment {
			return true
		}
	}
	return false
}

// endpointAt finds the endpoint with a path, nil if there is none, and what stands for
// "{id}" in it.
func (s *Server) endpointAt(segments []string) (e *Endpoint, id string) {
	for i := range s.endpoints {
		id = ""
		if slices.EqualFunc(strings.Split(s.endpoints[i].Path, "/"), segments, func(want, segment string) bool {
			if want == "{id}" {
				id = segment
			}
			return want == segment || want == "{id}"
		}) {
			return &s.endpoints[i], id
		}
	}
	return nil, ""
}
