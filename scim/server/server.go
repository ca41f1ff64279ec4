// Package server answers SCIM requests (RFC 7644) over any backends.
//
// A request passes ServeHTTP from top to bottom:
//
//	answer      authenticates, routes, and refuses what no later step should see
//	understand  reads parameters and body (package document)
//	dispatch    hands the request to the elimity library, which validates it again
//	            and calls the one handler of all resource types
//	handler     runs the type's resource.Backend, for lists through package list
//	render      writes an error, 204, a document or a list
//	record      writes the log line, and for a write the audit line
//
// The steps share one call value, carried in the request's context. The package
// knows no Atlassian: types, root, endpoints and the table from errors to answers
// come with the Config. Only library.go imports elimity.
package server

import (
	"cmp"
	"context"
	"net/http"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"scim-atlassian/scim/audit"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/crowd"
	"scim-atlassian/scim/delta"
	"scim-atlassian/scim/discovery"
	"scim-atlassian/scim/list"
	"scim-atlassian/scim/origin"
	"scim-atlassian/scim/plan"
	"scim-atlassian/scim/resource"
)

// Config says what a Server serves and within which bounds. All fields but
// PublicURL, TrustedProxies, PublicDiscovery, ShowPagination and Endpoints are
// required.
type Config struct {
	Types     []*resource.Type
	Root      *list.Root
	Auth      *auth.Authenticator
	Lists     *list.Pager
	Deltas    *delta.Deltas               // nil: no changes are remembered
	Crowd     *crowd.Crowd                // nil: no bounds
	Plans     *plan.Plans                 // nil: none can be made
	Endpoints []Endpoint                  // besides those of SCIM
	AsError   func(error) *resource.Error // the answer to an error of a backend

	PublicURL         string          // scheme, host and path before BasePath in meta.location; empty: as the request came in
	TrustedProxies    origin.Networks // whose word on the URL that the client asked for is taken
	PublicDiscovery   bool            // ServiceProviderConfig without authentication
	ShowPagination    bool            // ServiceProviderConfig has pagination (RFC 9865), but for callers with another setting
	AdoptIssues       bool            // a POST whose externalId an issue has is answered with it; for plans
	AnnounceDelta     bool            // ServiceProviderConfig has DeltaQuery
	MaxResults        int             // resources in one answer at most
	MaxBodyBytes      int64           // of a request
	BulkMaxOperations int             // in one bulk request, and in one PATCH
	BulkMaxPayload    int64           // bytes of a bulk request
	RequestTimeout    time.Duration   // for one request
	CursorTimeout     time.Duration   // between two pages of a list, for ServiceProviderConfig
	OnRequest         func(Request)   // called after every answer, from many goroutines
	Logger            *zap.Logger     // for request and panic records
	Audit             *audit.Log      // for intents and outcomes of writes; nil: none
	Now               func() time.Time
}

// New makes a server. An error means that the library refuses a type's schema.
func New(cfg Config) (*Server, error) {
	if cfg.Deltas == nil {
		cfg.Deltas = delta.New(delta.Config{})
	}
	s := &Server{cfg: cfg, auth: cfg.Auth, types: cfg.Types, root: cfg.Root, lists: cfg.Lists, endpoints: cfg.Endpoints, asError: cfg.AsError, log: cfg.Logger}
	s.endpoints = append(slices.Clip(s.endpoints), s.planEndpoints()...)
	var err error
	if s.library, err = newLibrary(s.types, s.lists); err != nil {
		return nil, err
	}
	about := discovery.Config{MaxResults: cfg.MaxResults, BulkMaxOperations: cfg.BulkMaxOperations, BulkMaxPayload: cfg.BulkMaxPayload, CursorTimeout: cfg.CursorTimeout}
	if cfg.AnnounceDelta {
		about.Delta = cfg.Deltas.Announcement(s.types)
	}
	s.discovery, err = discovery.New(about, s.types)
	return s, err
}

// Server is the SCIM server, an http.Handler for BasePath and the endpoints that
// are mounted. It is safe for concurrent use. It holds no
// connection of its own, and a goroutine only while users or groups are read that
// a request waits for.
type Server struct {
	cfg       Config
	auth      *auth.Authenticator
	types     []*resource.Type
	root      *list.Root
	lists     *list.Pager
	library   library
	discovery *discovery.Documents
	asError   func(error) *resource.Error // the answer to an error of a backend
	endpoints []Endpoint
	log       *zap.Logger
	draining  atomic.Bool
}

// Drain tells endpoints, and whoever asks Draining, from now on that nothing more
// should be sent. Requests are answered all the same.
func (s *Server) Drain() { s.draining.Store(true) }

// Draining reports whether Drain was called.
func (s *Server) Draining() bool { return s.draining.Load() }

// ServeHTTP answers one request and logs it in one record.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := newCall(r, cmp.Or(s.cfg.PublicURL, origin.URL(r, s.cfg.TrustedProxies))+BasePath, s.cfg.Now())
	c.address = origin.Address(r, s.cfg.TrustedProxies)
	ctx, cancel := context.WithTimeout(withCall(r.Context(), c), s.cfg.RequestTimeout)
	defer cancel()
	r = r.WithContext(ctx)
	out := &responseWriter{ResponseWriter: w}
	// A panic while the body streams cannot become an error answer any more: the
	// log record is still written, and net/http cuts the connection.
	defer func() {
		c.place.Leave()
		s.record(c, out.status)
		s.cfg.OnRequest(c.describe(out.status, s.cfg.Now()))
	}()
	s.conclude(c, s.answer(c, r))
	s.render(c, out, r)
}

// responseWriter remembers the status for the log.
type responseWriter struct {
	http.ResponseWriter
	status int
}

func (w *responseWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *responseWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// answer does everything up to the outcome in c: found, list or the error it
// returns. A panic on the way is an error.
func (s *Server) answer(c *call, r *http.Request) (err error) {
	defer s.recoverPanic(c, &err)
	if err := s.auth.Admit(r); err != nil {
		return err
	}
	to, err := s.route(r)
	switch {
	case to.otherCase: // whether there is such an endpoint depends on the caller
	case s.cfg.PublicDiscovery && to.discovery == endpointServiceProviderConfig:
		return s.describe(c, r, to)
	case to.mounted != nil && to.mounted.Open && s.auth.Anonymous(r):
		return s.serveEndpoint(c, r, to.mounted)
	}
	var authErr error
	if c.caller, authErr = s.auth.Authenticate(r); authErr != nil {
		return authErr // before anything is told about paths
	}
	if err = to.check(c.caller, err); err != nil {
		return err
	}
	c.endpoint = to.endpoint()
	if err := s.admit(c, r, to); err != nil {
		return err
	}
	switch {
	case to.options != "":
		c.allow = to.options
		return nil
	case to.bulk:
		return s.bulk(c, r)
	case to.discovery != "":
		return s.describe(c, r, to)
	case to.mounted != nil:
		c.target = to.id
		return s.serveEndpoint(c, r, to.mounted)
	case to.rt == nil:
		return errMe
	}
	return s.serve(c, r, to)
}

// admit counts the request, and its body as it is read, among those in flight.
func (s *Server) admit(c *call, r *http.Request, to route) (err error) {
	if c.place, err = s.cfg.Crowd.Enter(c.caller.Name); err != nil {
		return err
	}
	most := s.cfg.MaxBodyBytes
	if to.bulk {
		most = s.cfg.BulkMaxPayload
	}
	if to.mounted != nil {
		most = cmp.Or(to.mounted.MaxBody, most)
	}
	c.place.Body(r, most)
	return nil
}

// perform does for one operation of a bulk request what answer does for a
// request: everything but to find out who calls.
func (s *Server) perform(c *call, r *http.Request) (err error) {
	defer s.recoverPanic(c, &err)
	to, err := s.route(r)
	err = to.check(c.caller, err)
	switch {
	case err != nil:
		return err
	case to.rt == nil || to.below != "":
		return resource.InvalidSyntax("path must lead to a resource type or a resource; %s does not.", resource.Clip(r.URL.Path))
	}
	return s.serve(c, r, to)
}

// serve brings a request for resources to its outcome.
func (s *Server) serve(c *call, r *http.Request, to route) error {
	c.rt, c.target, c.Policy = to.rt, to.id, c.caller.Policy()
	c.Caller, c.ID = c.caller.Name, c.id
	if err := s.authorize(c, to); err != nil {
		return err
	}
	if c.rt.Pending != nil {
		return c.rt.Pending
	}
	if to.below == endpointForm {
		var err error
		c.static, err = to.rt.Backend.(resource.Former).Form(r.Context(), to.id, r.URL.Query())
		return err
	}
	if to.below == endpointDeltaToken {
		return s.deltaToken(r, c)
	}
	err := s.understand(c, r, to)
	if err != nil {
		return err
	}
	// A PATCH that names no attributes may be answered with 204, RFC 7644 section 3.5.2.
	c.Want, c.Quiet = c.query.Want, c.Method == http.MethodPatch && c.query.Shown == ""
	switch {
	case to.below == endpointDelta:
		return s.delta(r.Context(), c)
	case c.root != nil:
		c.list, err = s.lists.Page(r.Context(), c.listRequest())
		return err
	}
	if err := s.intend(c); err != nil {
		return err
	}
	return s.dispatch(c, r, to)
}

// conclude puts the outcome of a request into c.
func (s *Server) conclude(c *call, err error) {
	if c.err = err; err != nil {
		c.refusal = s.asError(err)
		c.target = cmp.Or(c.target, c.refusal.Made)
	}
}

// recoverPanic turns a panic into an error. Defer it first.
func (s *Server) recoverPanic(c *call, err *error) {
	if p := recover(); p != nil {
		s.log.Error("panic", zap.String("requestId", c.id), zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
		*err = resource.Refuse(http.StatusInternalServerError, "", "Internal error; the server's log has the cause under this request's id.")
	}
}

func (s *Server) authorize(c *call, to route) error {
	c.write = c.Method != http.MethodGet && c.Method != http.MethodHead && to.below == ""
	types := []*resource.Type{to.rt}
	if to.rt == s.root.Type {
		c.root, types = s.root, s.root.Types
	}
	for _, rt := range types {
		if c.caller.May(rt.Name, c.write) {
			c.types = append(c.types, rt)
		}
	}
	if c.types != nil {
		return nil
	}
	if c.write {
		return c.mustWrite(to.rt)
	}
	return c.lacks(auth.Read, to.rt)
}

// mustWrite refuses a caller without the right to write resources of a type.
func (c *call) mustWrite(rt *resource.Type) error {
	if c.caller.May(rt.Name, true) {
		return nil
	}
	return c.lacks(auth.Write, rt)
}

// lacks is the refusal of a caller without a right.
func (c *call) lacks(right auth.Right, rt *resource.Type) error {
	return resource.Refuse(http.StatusForbidden, "", "The caller %s lacks the right %s for %s; whoever runs this server grants it.", c.caller.Name, right, rt.Name)
}
