package scim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"scim-atlassian/atlassian"
	"scim-atlassian/schemas"
	"scim-atlassian/scim/audit"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/coding"
	"scim-atlassian/scim/connector"
	"scim-atlassian/scim/crowd"
	"scim-atlassian/scim/delta"
	"scim-atlassian/scim/directory"
	"scim-atlassian/scim/feed"
	"scim-atlassian/scim/field"
	"scim-atlassian/scim/guard"
	"scim-atlassian/scim/health"
	"scim-atlassian/scim/idhub"
	"scim-atlassian/scim/issuelog"
	"scim-atlassian/scim/jira"
	"scim-atlassian/scim/list"
	"scim-atlassian/scim/organization"
	"scim-atlassian/scim/origin"
	"scim-atlassian/scim/person"
	"scim-atlassian/scim/plan"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/roles"
	"scim-atlassian/scim/server"
	"scim-atlassian/scim/state"
	"scim-atlassian/scim/upstream"
)

// Config says what a Server serves and within which bounds. The zero value of
// every field but Directory, Jira, and Callers or Issuer is usable.
type Config struct {
	Directory *atlassian.Directory
	Jira      *atlassian.Jira
	// Organization knows accounts that the directory does not; nil: none is configured.
	Organization *atlassian.Organization
	// Events is the same organization with a key that reads its audit log; nil: none is configured.
	Events *atlassian.Organization
	// State is what outlives the process; nil: nothing does. The caller closes it, after the server was drained.
	State *state.Store
	// FeedInterval is the time between two questions for what others have changed; 0: they are
	// not asked. FeedTrust is for how long after a reading of everything the answers count
	// instead of another reading, where they were seen to tell of own writes; 0: never.
	FeedInterval, FeedTrust time.Duration
	// Health watches the upstreams. Its Traffic should be told of the clients' requests; nil: one of the server's own,
	// which is told of none and asks by itself.
	Health    *health.Monitor
	Projects  []string        // keys of the Jira projects whose issues and roles are served; empty: all visible ones
	Callers   []auth.Caller   // who may use the server, from ParseCallers
	AllowFrom origin.Networks // where requests may come from, but for /healthz and /readyz; nil: from anywhere
	Issuer    *auth.Issuer    // whose access tokens are accepted besides; nil: nobody's

	PublicURL         string          // scheme, host and path before BasePath in meta.location; empty: as the request came in
	TrustedProxies    origin.Networks // whose word on where a request comes from is taken: the client's address, and the URL that it asked for
	PublicDiscovery   bool            // ServiceProviderConfig without authentication
	MaxResults        int             // resources in one answer at most; default 10,000
	MaxInFlight       int             // requests at a time; 0: no bound
	MaxPerCaller      int             // requests of one caller at a time; 0: no bound
	MaxBodyBytes      int64           // of a request; default 1 MiB
	BulkMaxOperations int             // in one bulk request, and in one PATCH; default 1,000
	BulkMaxPayload    int64           // bytes of a bulk request; default 10 MiB
	RequestTimeout    time.Duration   // for one request; default 55 s
	ScanBudget        int             // upstream requests that one query may cost; default 2,000
	SnapshotTTL       time.Duration   // how long all users, all groups are kept once read; 0: not at all

	// Account and Entitlement say what IDHub's view of users, groups and project
	// roles shows, and which way it flows; from ParseAccountMapping and
	// ParseEntitlementMapping, zero: the usual ones. TrustedSource says that Jira
	// is where users come from: what then does not flow to Atlassian is refused,
	// or with IgnoreUnsynced passed over and logged.
	Account, Entitlement          idhub.Mapping
	TrustedSource, IgnoreUnsynced bool
	// IssueFields are the custom fields of Jira that are attributes of issues, from
	// field.Resolve. While they are not known, FieldsPending has requests for issues and
	// for their schema answered with 503; see Server.SetIssueFields.
	IssueFields   field.Set
	FieldsPending bool
	// MirrorIssues keeps a copy of the issues too, so that there are delta queries of them. It
	// needs a State.
	MirrorIssues bool
	// AdoptIssues answers a POST whose externalId an issue has with that issue, and not
	// with 409.
	AdoptIssues bool
	// ChangeBudget bounds what one caller may delete, deactivate and remove; zero: nothing
	// does. Protected is what only callers with the setting protected may change.
	ChangeBudget guard.Budget
	Protected    guard.Patterns
	// ProvisioningWait is how long a project role waits for an account to get from
	// the directory to Jira; default 20 s.
	ProvisioningWait time.Duration

	// DeriveEmailDomain makes an address of a bare userName, for a new user without
	// e-mail. A userName that is an address needs no domain. Empty: a user with
	// neither is refused.
	DeriveEmailDomain string

	// Settings are the names by which the operator knows some of these fields.
	Settings Settings

	Version   string            // of the program, for /connector/health
	Owners    connector.Owners  // of the connected application, for /connector/metadata
	Connector connector.Answers // changes to what the connector's endpoints answer, from ParseConnectorAnswers
	Probes    []connector.Probe // what /connector/test looks at besides Directory and Jira

	CursorKey       string        // secret that signs cursors; empty: one for the life of the process
	CursorTimeout   time.Duration // between two pages of a list; default 10 min
	KeptResultBytes int64         // memory for results between their pages; default 512 MiB
	// ChangeRetention is how long a delta token is good; default 7 days. The caller forgets what is older, with State.Trim.
	ChangeRetention time.Duration
	AnnounceDelta   bool // ServiceProviderConfig has DeltaQuery, which strict clients may not know
	ShowPagination  bool // ServiceProviderConfig has pagination (RFC 9865), which strict clients may not know; a caller's own setting wins

	OnRequest func(server.Request) // called after every answer, for metrics; safe for concurrent use and quick; nil: none
	Logger    *zap.Logger          // nil: none
	// Audit takes a line before every write and one after it, whatever their level, and
	// returns when they are written; nil: that of Logger. AuditValues says what the lines
	// tell of values, default audit.Names. AuditRequired refuses a write whose first line cannot be written.
	Audit         zapcore.Core
	AuditValues   audit.Values
	AuditRequired bool
	Now           func() time.Time // nil: time.Now
}

// Settings are the operator's names of fields of Config, such as environment
// variables, for messages that offer a setting as the remedy. Without a name, a
// message does not offer it.
type Settings struct {
	DeriveEmailDomain, IgnoreUnsynced, Projects, ChangeBudget, Protected resource.Setting

	DirectoryKey, DirectoryID, DirectoryURL                resource.Setting // of Directory
	JiraToken, JiraUser, Site                              resource.Setting // of Jira
	OrganizationKey, OrganizationID, OrganizationEventsKey resource.Setting // of Organization and Events
	Issuer                                                 resource.Setting
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
	defaultTo(&c.ChangeRetention, 7*24*time.Hour)
	defaultTo(&c.Logger, zap.NewNop())
	defaultTo(&c.AuditValues, audit.Names)
	if c.Audit == nil {
		c.Audit = c.Logger.Core()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Health == nil {
		c.Health = health.New(c.Logger, c.Now)
	}
	if c.OnRequest == nil {
		c.OnRequest = func(server.Request) {}
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

// bodyPool is how many of the largest bodies may be in memory at a time. What is
// made of a body takes many times its bytes.
const bodyPool = 2

func (c Config) crowd() crowd.Limits {
	return crowd.Limits{InFlight: c.MaxInFlight, PerCaller: c.MaxPerCaller, BodyBytes: bodyPool * max(c.MaxBodyBytes, c.BulkMaxPayload)}
}

func (c Config) audit() *audit.Log {
	return &audit.Log{Core: c.Audit, Values: c.AuditValues, Required: c.AuditRequired, Now: c.Now, Problem: func(err error) {
		c.Logger.Error("the audit has a gap", zap.Error(err))
	}}
}

func (c Config) lists() list.Config {
	return list.Config{CursorKey: c.CursorKey, CursorTimeout: c.CursorTimeout, KeptResultBytes: c.KeptResultBytes, Now: c.Now}
}

// remembering is the state that changes are written to; nil: none are. One that is
// read only is another process's.
func (c Config) remembering() *state.Store {
	if c.State != nil && c.State.ReadOnly() {
		return nil
	}
	return c.State
}

func (c Config) deltas() delta.Config {
	return delta.Config{State: c.remembering(), Retention: c.ChangeRetention, Now: c.Now}
}

// plans are kept in the state; nil without one.
func (c Config) plans() *plan.Plans {
	if c.remembering() == nil {
		return nil
	}
	return plan.Keep(c.State, c.Now)
}

func (c Config) directory(user, group *query.Schema) directory.Config {
	return directory.Config{
		Directory: c.Directory, UserSchema: user, GroupSchema: group, ScanBudget: c.ScanBudget, SnapshotTTL: c.SnapshotTTL, Now: c.Now, State: c.remembering(),
		EmailDomain: c.DeriveEmailDomain, EmailDomainSetting: c.Settings.DeriveEmailDomain,
	}
}

func (c Config) jira(issue *query.Schema, people person.Directory) jira.Config {
	return jira.Config{
		Jira: c.Jira, Schema: issue, Fields: c.IssueFields, People: people, Projects: c.Projects, Adopt: c.AdoptIssues, Claim: claims(c.State), State: c.remembering(),
		ScanBudget: c.ScanBudget, SnapshotTTL: c.SnapshotTTL, Now: c.Now,
	}
}

// issueLog makes the copy of the issues, nil if there is to be none.
func (c Config) issueLog() *issuelog.Log {
	if !c.MirrorIssues || c.remembering() == nil {
		return nil
	}
	return issuelog.New(issuelog.Config{State: c.State, TTL: c.SnapshotTTL, Budget: c.ScanBudget, Now: c.Now})
}

func (c Config) roles(issues *jira.Issues, groupID func(ctx context.Context, name string) (string, error)) roles.Config {
	return roles.Config{
		State: c.remembering(),
		Jira:  c.Jira, GroupID: groupID, Served: issues.Served, ProjectsSetting: c.Settings.Projects,
		ScanBudget: c.ScanBudget, SnapshotTTL: c.SnapshotTTL, ProvisioningWait: c.ProvisioningWait, Now: c.Now,
	}
}

// idhub returns the configuration of the views, without the types and backends
// that they are made of.
func (c Config) idhub() idhub.Config {
	return idhub.Config{
		Account: c.Account, Entitlement: c.Entitlement, Organization: c.Organization, TrustedSource: c.TrustedSource,
		IgnoreUnsynced: c.IgnoreUnsynced, IgnoreUnsyncedSetting: c.Settings.IgnoreUnsynced, EmailDomainSetting: c.Settings.DeriveEmailDomain,
		ScanBudget: c.ScanBudget, SnapshotTTL: c.SnapshotTTL, Now: c.Now,
	}
}

// everyone makes the accounts of the organization, nil if none is configured.
func (c Config) everyone() *organization.Accounts {
	if c.Organization == nil {
		return nil
	}
	return organization.New(organization.Config{
		Organization: c.Organization, Provisioned: schemas.SourceProvisioned, ScanBudget: c.ScanBudget, SnapshotTTL: c.SnapshotTTL, Now: c.Now, State: c.remembering(),
	})
}

func defaultTo[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// Server is the SCIM server, with what can be asked of it besides requests.
type Server struct {
	face     atomic.Pointer[face]
	coded    http.Handler // answers as the face does, compressed where the client accepts that
	cfg      Config
	backed   *backends
	shared   server.Config // what all faces have in common
	health   *health.Monitor
	mirrored []mirrored // users, groups and project roles
	feed     *feed.Feed // nil: there is none
	auth     *auth.Authenticator
}

// New makes a server. It asks nothing of upstream.
func New(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if cfg.Directory == nil || cfg.Jira == nil {
		return nil, errors.New("scim: Config needs a Directory and a Jira client")
	}
	backed, err := newResourceTypes(cfg)
	if err != nil {
		return nil, fmt.Errorf("scim: %w", err)
	}
	if err := checkHidden(cfg.Callers, backed.types); err != nil {
		return nil, fmt.Errorf("scim: %w", err)
	}
	cfg.watch(cfg.Health)
	authenticator, err := auth.New(auth.Config{Callers: withholding(cfg.Callers, backed.types), Issuer: cfg.Issuer, Now: cfg.Now, Proxies: cfg.TrustedProxies, AllowFrom: cfg.AllowFrom})
	if err != nil {
		return nil, fmt.Errorf("scim: %w", err)
	}
	s := &Server{cfg: cfg, backed: backed, health: cfg.Health, mirrored: backed.kept, feed: backed.feed, auth: authenticator}
	s.shared = server.Config{
		Auth: authenticator, Lists: list.New(cfg.lists()), Deltas: delta.New(cfg.deltas()), Crowd: crowd.New(cfg.crowd()), Plans: cfg.plans(), AdoptIssues: cfg.AdoptIssues, AsError: upstream.AsError,
		PublicURL: cfg.PublicURL, TrustedProxies: cfg.TrustedProxies, PublicDiscovery: cfg.PublicDiscovery, ShowPagination: cfg.ShowPagination, AnnounceDelta: cfg.AnnounceDelta,
		MaxResults: cfg.MaxResults, MaxBodyBytes: cfg.MaxBodyBytes, BulkMaxOperations: cfg.BulkMaxOperations, BulkMaxPayload: cfg.BulkMaxPayload,
		RequestTimeout: cfg.RequestTimeout, CursorTimeout: cfg.CursorTimeout, OnRequest: cfg.OnRequest, Logger: cfg.Logger, Audit: cfg.audit(), Now: cfg.Now,
	}
	if s.coded, err = coding.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.face.Load().ServeHTTP(w, r) })); err != nil {
		return nil, fmt.Errorf("scim: %w", err)
	}
	return s, s.show(backed.types)
}

// ReplaceCallers replaces Config.Callers and Config.AllowFrom, for every request that comes after. If it fails, as New does, nothing
// has changed.
func (s *Server) ReplaceCallers(callers []auth.Caller, allowFrom origin.Networks) error {
	if err := checkHidden(callers, s.face.Load().types); err != nil {
		return fmt.Errorf("scim: %w", err)
	}
	if err := s.auth.Replace(withholding(callers, s.face.Load().types), allowFrom); err != nil {
		return fmt.Errorf("scim: %w", err)
	}
	return nil
}

// RenewCursorKey is the function of this name of list.Pager.
func (s *Server) RenewCursorKey(secret string) { s.shared.Lists.RenewCursorKey(secret) }

// Authenticate finds the caller behind a request, as for a request of SCIM. Its errors are *Error.
func (s *Server) Authenticate(r *http.Request) (*auth.Caller, error) {
	if err := s.auth.Admit(r); err != nil {
		return nil, err
	}
	return s.auth.Authenticate(r)
}

// Types lists the resource types, without the server root. They must not be changed.
func (s *Server) Types() []*resource.Type { return s.face.Load().types }

// Spent lists what callers have used of the change budget, with replicas that share the state.
func (s *Server) Spent(ctx context.Context) ([]guard.Spent, error) { return s.backed.guard.Spent(ctx) }

// Test looks whether the server can do its work, with every credential that it
// has. It takes 15 seconds at most and fails by its findings only.
func (s *Server) Test(ctx context.Context) []connector.Finding {
	return s.face.Load().connector.Test(ctx)
}

// endpointsOf are the connector's endpoints as the server mounts them.
func endpointsOf(c *connector.Connector) []server.Endpoint {
	var all []server.Endpoint
	for _, r := range c.Routes() {
		all = append(all, server.Endpoint{Path: r.Path, Methods: r.Methods, Open: r.Open, Answer: func(ctx context.Context, q server.EndpointRequest) (int, query.Object, error) {
			return r.Answer(ctx, connector.Request{Caller: q.Caller, Base: q.Base, Draining: q.Draining})
		}})
	}
	return all
}
