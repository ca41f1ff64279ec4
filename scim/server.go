// Package scim is the SCIM 2.0 server (RFC 7643, RFC 7644) over Atlassian's
// user-provisioning directory, Jira and, for accounts that the directory does
// not know, the organization.
//
// A request passes ServeHTTP from top to bottom: authenticate, route, guard and
// normalise, dispatch through the elimity library to one generic handler, run
// the resource type's backend, render. What the steps know of it is in one
// call value, carried in the request's context.
package scim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"scim-atlassian/atlassian"
	"scim-atlassian/schemas"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/connector"
	"scim-atlassian/scim/idhub"
	"scim-atlassian/scim/jira"
	"scim-atlassian/scim/list"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/upstream"
)

// BasePath is where the SCIM endpoints are, below the server's root.
const BasePath = "/scim/v2"

// Config says what a Server serves and within which bounds. The zero value of
// every field but Directory, Jira, and Callers or Issuer is usable.
type Config struct {
	Directory *atlassian.Directory
	Jira      *atlassian.Jira
	// Organization knows accounts that the directory does not; nil: none is configured.
	Organization *atlassian.Organization
	Projects     []string      // keys of the Jira projects whose issues and roles are served; empty: all visible ones
	Callers      []auth.Caller // who may use the server, from ParseCallers
	Issuer       *auth.Issuer  // whose access tokens are accepted besides; nil: nobody's

	PublicURL         string         // scheme, host and path before BasePath in meta.location; empty: as the request came in
	TrustedProxies    []netip.Prefix // whose word on the URL that the client asked for is taken
	PublicDiscovery   bool           // ServiceProviderConfig without authentication
	MaxResults        int            // resources in one answer at most; default 10,000
	MaxBodyBytes      int64          // of a request; default 1 MiB
	BulkMaxOperations int            // in one bulk request; default 1,000
	BulkMaxPayload    int64          // bytes of a bulk request; default 10 MiB
	RequestTimeout    time.Duration  // for one request; default 55 s
	ScanBudget        int            // upstream requests that one query may cost; default 2,000
	SnapshotTTL       time.Duration  // how long all users, all groups are kept once read; 0: not at all

	// Account and Entitlement say what IDHub's view of users, groups and project
	// roles shows, and which way it flows; from ParseAccountMapping and
	// ParseEntitlementMapping, zero: the usual ones. TrustedSource says that Jira
	// is where users come from: what then does not flow to Atlassian is refused,
	// or with IgnoreUnsynced passed over and logged.
	Account, Entitlement          idhub.Mapping
	TrustedSource, IgnoreUnsynced bool
	// ProvisioningWait is how long a project role waits for an account to get from
	// the directory to Jira; default 20 s.
	ProvisioningWait time.Duration

	// DeriveEmailDomain completes a user without e-mail: userName, with this
	// domain appended where it is no address. Empty: such a user is refused.
	DeriveEmailDomain string

	Version   string            // of the program, for /connector/health
	Owners    connector.Owners  // of the connected application, for /connector/metadata
	Connector connector.Answers // changes to what the connector's endpoints answer, from ParseConnectorAnswers
	Probes    []connector.Probe // what /connector/test looks at besides Directory and Jira

	CursorKey       string        // secret that signs cursors; empty: one for the life of the process
	CursorTimeout   time.Duration // between two pages of a list; default 10 min
	KeptResultBytes int64         // memory for results between their pages; default 512 MiB
	HidePagination  bool          // keep pagination (RFC 9865) out of ServiceProviderConfig, which strict clients may not know

	OnRequest func(Request)    // called after every answer, for metrics; safe for concurrent use and quick; nil: none
	Logger    *zap.Logger      // nil: none
	Now       func() time.Time // nil: time.Now
}

func (c Config) withDefaults() Config {
	defaultTo(&c.MaxResults, 10_000)
	defaultTo(&c.MaxBodyBytes, 1<<20)
	defaultTo(&c.BulkMaxOperations, 1_000)
	defaultTo(&c.BulkMaxPayload, 10<<20)
	defaultTo(&c.RequestTimeout, 55*time.Second)
	defaultTo(&c.ScanBudget, 2_000)
	defaultTo(&c.ProvisioningWait, 20*time.Second)
	defaultTo(&c.CursorTimeout, 10*time.Minute)
	defaultTo(&c.KeptResultBytes, 512<<20)
	defaultTo(&c.Logger, zap.NewNop())
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.OnRequest == nil {
		c.OnRequest = func(Request) {}
	}
	if c.Account.ID == "" {
		c.Account = schemas.AccountMapping()
	}
	if c.Entitlement.ID == "" {
		c.Entitlement = schemas.EntitlementMapping()
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	return c
}

// serverConfig says what a core serves and within which bounds. All fields but
// PublicURL, TrustedProxies, PublicDiscovery, HidePagination and Endpoints are
// required.
type serverConfig struct {
	Types     []*resource.Type
	Root      *list.Root
	Auth      *auth.Authenticator
	Lists     *list.Lists
	Endpoints []endpoint                  // mounted besides those of SCIM
	AsError   func(error) *resource.Error // the answer to an error of a backend

	PublicURL         string         // scheme, host and path before BasePath in meta.location; empty: as the request came in
	TrustedProxies    []netip.Prefix // whose word on the URL that the client asked for is taken
	PublicDiscovery   bool           // ServiceProviderConfig without authentication
	HidePagination    bool           // keep pagination (RFC 9865) out of ServiceProviderConfig
	MaxResults        int            // resources in one answer at most
	MaxBodyBytes      int64          // of a request
	BulkMaxOperations int            // in one bulk request
	BulkMaxPayload    int64          // bytes of a bulk request
	RequestTimeout    time.Duration  // for one request
	CursorTimeout     time.Duration  // between two pages of a list, for ServiceProviderConfig
	OnRequest         func(Request)  // called after every answer
	Logger            *zap.Logger
	Now               func() time.Time
}

// newCore makes a core.
func newCore(cfg serverConfig) (*core, error) {
	s := &core{cfg: cfg, auth: cfg.Auth, types: cfg.Types, root: cfg.Root, lists: cfg.Lists, endpoints: cfg.Endpoints, asError: cfg.AsError, log: cfg.Logger}
	var err error
	if s.library, err = newLibrary(s.types, s.lists); err != nil {
		return nil, err
	}
	s.discovery, err = newDiscovery(cfg, s.types)
	return s, err
}

func (c Config) lists() list.Config {
	return list.Config{CursorKey: c.CursorKey, CursorTimeout: c.CursorTimeout, KeptResultBytes: c.KeptResultBytes, Now: c.Now}
}

func (c Config) jira() jira.Config {
	return jira.Config{Jira: c.Jira, Projects: c.Projects, ScanBudget: c.ScanBudget, SnapshotTTL: c.SnapshotTTL, ProvisioningWait: c.ProvisioningWait, Now: c.Now}
}

func (c Config) accounts() idhub.Config {
	return idhub.Config{
		Organization: c.Organization, TrustedSource: c.TrustedSource, IgnoreUnsynced: c.IgnoreUnsynced, DeriveEmailDomain: c.DeriveEmailDomain,
		ScanBudget: c.ScanBudget, SnapshotTTL: c.SnapshotTTL, Now: c.Now,
	}
}

func defaultTo[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// Server is the SCIM server, with what can be asked of it besides requests.
type Server struct {
	*core
	connector *connector.Connector
	readers   []*mirror.Reader // of users and groups
}

// core is the SCIM server, an http.Handler for BasePath, the endpoints that are
// mounted, /healthz and /readyz. It is safe for concurrent use. It holds no
// connection of its own, and a goroutine only while users or groups are read that
// a request waits for.
type core struct {
	cfg       serverConfig
	auth      *auth.Authenticator
	types     []*resource.Type
	root      *list.Root
	lists     *list.Lists
	library   http.Handler // elimity's server
	discovery *discovery
	asError   func(error) *resource.Error // the answer to an error of a backend
	endpoints []endpoint
	log       *zap.Logger
	draining  atomic.Bool
}

// New makes a server. It asks nothing of upstream.
func New(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if cfg.Directory == nil || cfg.Jira == nil {
		return nil, errors.New("scim: Config needs a Directory and a Jira client")
	}
	auth, err := auth.New(cfg.Callers, cfg.Issuer)
	if err != nil {
		return nil, fmt.Errorf("scim: %w", err)
	}
	types, err := newResourceTypes(cfg)
	if err != nil {
		return nil, fmt.Errorf("scim: %w", err)
	}
	root, err := newRoot(types)
	if err != nil {
		return nil, fmt.Errorf("scim: %w", err)
	}
	connector := connector.New(connector.Config{
		Directory: cfg.Directory, Jira: cfg.Jira, Organization: cfg.Organization, Issuer: cfg.Issuer, Projects: cfg.Projects, Probes: cfg.Probes,
		TestTimeout: cfg.RequestTimeout, Types: types, Account: cfg.Account, Entitlement: cfg.Entitlement, TrustedSource: cfg.TrustedSource,
		Version: cfg.Version, Owners: cfg.Owners, Answers: cfg.Connector, Now: cfg.Now,
	})
	handler, err := newCore(serverConfig{
		Types: types, Root: root, Auth: auth, Lists: list.New(cfg.lists()), Endpoints: endpointsOf(connector), AsError: upstream.AsError,
		PublicURL: cfg.PublicURL, TrustedProxies: cfg.TrustedProxies, PublicDiscovery: cfg.PublicDiscovery, HidePagination: cfg.HidePagination,
		MaxResults: cfg.MaxResults, MaxBodyBytes: cfg.MaxBodyBytes, BulkMaxOperations: cfg.BulkMaxOperations, BulkMaxPayload: cfg.BulkMaxPayload,
		RequestTimeout: cfg.RequestTimeout, CursorTimeout: cfg.CursorTimeout, OnRequest: cfg.OnRequest, Logger: cfg.Logger, Now: cfg.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("scim: %w", err)
	}
	return &Server{core: handler, connector: connector, readers: readersOf(types)}, nil
}

// Test looks whether the server can do its work, with every credential that it
// has. It takes 15 seconds at most and fails by its findings only.
func (s *Server) Test(ctx context.Context) []connector.Finding { return s.connector.Test(ctx) }

// endpointsOf are the connector's endpoints as the server mounts them.
func endpointsOf(c *connector.Connector) []endpoint {
	var all []endpoint
	for _, r := range c.Routes() {
		all = append(all, endpoint{Path: r.Path, Methods: r.Methods, Open: r.Open, Answer: func(ctx context.Context, q endpointRequest) (int, query.Object, error) {
			return r.Answer(ctx, connector.Request(q))
		}})
	}
	return all
}

// Drain makes /readyz and /connector/health refuse from now on, so that a load
// balancer sends nothing more while the listener shuts down.
func (s *core) Drain() { s.draining.Store(true) }

// ServeHTTP answers one request and logs it in one record.
func (s *core) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.serveHealth(w, r) {
		return
	}
	c := newCall(r, s.baseURL(r), s.cfg.Now())
	ctx, cancel := context.WithTimeout(withCall(r.Context(), c), s.cfg.RequestTimeout)
	defer cancel()
	r = r.WithContext(ctx)
	out := &responseWriter{ResponseWriter: w}
	// A panic while the body streams cannot become an error answer any more: the
	// log record is still written, and net/http cuts the connection.
	defer func() {
		s.record(c, out.status)
		s.cfg.OnRequest(c.described(out.status, s.cfg.Now()))
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

func (s *core) serveHealth(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case r.URL.Path == "/healthz":
	case r.URL.Path == "/readyz" && s.draining.Load():
		http.Error(w, "draining", http.StatusServiceUnavailable)
		return true
	case r.URL.Path == "/readyz":
	default:
		return false
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok\n") // a prober that went away needs no answer
	return true
}

// answer does everything up to the outcome in c: found, list or the error it
// returns. A panic on the way is an error.
func (s *core) answer(c *call, r *http.Request) (err error) {
	defer s.recovered(c, &err)
	to, err := s.route(r)
	switch {
	case to.respelt: // whether there is such an endpoint depends on the caller
	case s.cfg.PublicDiscovery && to.discovery == endpointServiceProviderConfig:
		return s.discovery.answer(c, r, to)
	case to.mounted != nil && to.mounted.Open && len(r.Header.Values("Authorization")) == 0:
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
	switch {
	case to.options != "":
		c.allow = to.options
		return nil
	case to.bulk:
		return s.bulk(c, r)
	case to.discovery != "":
		return s.discovery.answer(c, r, to)
	case to.mounted != nil:
		return s.serveEndpoint(c, r, to.mounted)
	case to.rt == nil:
		return errMe
	}
	return s.serve(c, r, to)
}

// perform does for one operation of a bulk request what answer does for a
// request: everything but to find out who calls.
func (s *core) perform(c *call, r *http.Request) (err error) {
	defer s.recovered(c, &err)
	to, err := s.route(r)
	err = to.check(c.caller, err)
	switch {
	case err != nil:
		return err
	case to.rt == nil || to.search:
		return resource.InvalidSyntax("path must lead to a resource type or a resource; %s does not.", resource.Clip(r.URL.Path))
	}
	return s.serve(c, r, to)
}

// serve brings a request for resources to its outcome.
func (s *core) serve(c *call, r *http.Request, to route) error {
	c.rt, c.target, c.Policy = to.rt, to.id, c.caller.Policy()
	if err := s.authorize(c, to); err != nil {
		return err
	}
	err := s.understand(c, r, to)
	if err != nil {
		return err
	}
	// a PATCH that names no attributes may be answered with 204 (RFC 7644 section 3.5.2)
	c.Want, c.Quiet = c.query.Want, c.Method == http.MethodPatch && c.query.Shown == ""
	if c.root != nil {
		c.list, err = s.lists.Page(r.Context(), c.listed())
		return err
	}
	return s.dispatch(c, r, to)
}

// conclude puts the outcome of a request into c.
func (s *core) conclude(c *call, err error) {
	if c.err = err; err != nil {
		c.refusal = s.asError(err)
	}
}

// recovered makes a panic an error, the first thing deferred.
func (s *core) recovered(c *call, err *error) {
	if p := recover(); p != nil {
		s.log.Error("panic", zap.String("requestId", c.id), zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
		*err = resource.Refuse(http.StatusInternalServerError, "", "Internal error; the server's log has the cause under this request's id.")
	}
}

func (s *core) authorize(c *call, to route) error {
	c.write = c.Method != http.MethodGet && c.Method != http.MethodHead && !to.search
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
	right := auth.Read
	if c.write {
		right = auth.Write
	}
	return resource.Refuse(http.StatusForbidden, "", "The caller %s lacks the right %s for %s; whoever runs this server grants it.", c.caller.Name, right, to.rt.Name)
}
