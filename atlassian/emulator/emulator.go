// Package emulator is Atlassian Cloud over HTTP, in memory: the user
// provisioning (SCIM) directory API, the Jira REST API and the administration
// APIs of one organization and one site. Each API is a package of its own below
// this one, over the accounts of one tenant; this package puts them together,
// fills them with sample data, logs requests and spoils answers.
//
// It is as unhelpful as Atlassian where that matters to a client: one hundred
// users per page, equality filters only, odd error bodies, attributes that are
// ignored silently. Behaviour that Atlassian does not document is a switch in
// [Options]; the zero value of each is the likelier one.
//
// The packages use the standard library only and share no type with the
// clients that are tested against them, so that one mistake cannot be made on
// both sides.
package emulator

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"scim-atlassian/atlassian/emulator/directory"
	"scim-atlassian/atlassian/emulator/jira"
	"scim-atlassian/atlassian/emulator/organization"
	"scim-atlassian/atlassian/emulator/tenant"
)

// The credentials and identifiers are constant, so that any client can be
// pointed at an emulator without asking it anything.
const (
	DirectoryID     = tenant.DirectoryID     // of the one SCIM directory
	DirectoryKey    = tenant.DirectoryKey    // bearer token of the directory
	AdminEmail      = tenant.AdminEmail      // Jira user name, Basic authentication
	APIToken        = tenant.APIToken        // Jira password, Basic authentication
	OrganizationID  = tenant.OrganizationID  // of the one organization
	OrganizationKey = tenant.OrganizationKey // bearer token of the organization, without scopes
	ScopedKey       = tenant.ScopedKey       // another, with the scopes that read
	CloudID         = tenant.CloudID         // of the one Jira site
)

// Options says what an Emulator holds and how it behaves. The zero value is an
// empty tenant: the administrator's account and nothing else.
type Options struct {
	Users    int // provisioned users, each with an Atlassian account
	Groups   int // provisioned groups
	Projects int // Jira projects
	Issues   int // issues, over all projects

	Seed            uint64           // the same seed gives the same data
	Latency         time.Duration    // added to every answer
	Faults          []Fault          // in force from the start; see SetFaults
	VerifiedDomains []string         // e-mail domains of managed accounts; empty: every domain
	Now             func() time.Time // the clock; nil: time.Now

	Directory    DirectoryOptions
	Jira         JiraOptions
	Organization OrganizationOptions
}

// DirectoryOptions are the switches of the user provisioning API.
type DirectoryOptions = directory.Options

// JiraOptions are the switches of the Jira site.
type JiraOptions = jira.Options

// OrganizationOptions are the switches of the organization APIs.
type OrganizationOptions = organization.Options

// EventOptions are the switches of the organization's event stream.
type EventOptions = organization.EventOptions

// EventFaults say how often an event is dropped, late or doubled.
type EventFaults = organization.EventFaults

// ParseEventFaults reads words such as drop=0.1 late=0.1:1h double=0.05. The
// error names the word.
func ParseEventFaults(text string) (EventFaults, error) { return organization.ParseEventFaults(text) }

// DefaultOptions describes a tenant small enough for a person to look through.
func DefaultOptions() Options {
	return Options{Users: 200, Groups: 20, Projects: 3, Issues: 300, Seed: 1}
}

// Emulator is an http.Handler that answers as Atlassian Cloud does. It is safe
// for concurrent use.
type Emulator struct {
	options Options
	clock   clock
	log     requestLog
	faults  faultSet
	routes  atomic.Pointer[http.ServeMux] // replaced by Reset
	site    atomic.Pointer[jira.Jira]     // likewise
}

// New returns an emulator with the data that options describe.
func New(options Options) *Emulator {
	if options.Now == nil {
		options.Now = time.Now
	}
	e := &Emulator{options: options}
	e.clock.source = options.Now
	e.rebuild()
	e.SetFaults(options.Faults)
	return e
}

// Reset brings back the seeded data and the time, removes all faults and clears
// the log.
func (e *Emulator) Reset() {
	e.clock.ahead.Store(0)
	e.rebuild()
	e.SetFaults(nil)
	e.ClearLog()
}

// rebuild makes a tenant with sample data and the routes that lead to it. The
// order of the steps matters: they draw from one source. A request that began
// before keeps to the old tenant.
func (e *Emulator) rebuild() {
	o := e.options
	rng := rand.New(rand.NewPCG(o.Seed, 0x5c1d))
	t := tenant.New(tenant.Options{Now: e.clock.now, VerifiedDomains: o.VerifiedDomains}, rng)
	d := directory.New(t, o.Directory)
	d.Seed(rng, o.Users, o.Groups)
	if o.Users > 0 {
		addStrangers(t, rng)
	}
	j := jira.New(t, o.Jira)
	j.Seed(rng, o.Projects, o.Issues)
	if o.Users > 0 {
		j.GrantRoles(addOutsiders(t, o.Seed))
	}
	org := organization.New(t, o.Organization, rand.New(rand.NewPCG(o.Seed, 0xe7e4)))

	mux := http.NewServeMux()
	mux.Handle("/scim/", d)
	mux.Handle("/admin/", org)
	mux.Handle("/users/", org)
	j.Register(mux)
	e.routes.Store(mux)
	e.site.Store(j)
}

// MoveIssue moves the issue with an id to another project, as somebody does in Jira's pages. The
// index of searches sees it as late as other writes.
func (e *Emulator) MoveIssue(id, projectKey string) error {
	return e.site.Load().Relocate(id, projectKey)
}

// Request is one received request as the log keeps it.
type Request struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Query  string `json:"query,omitempty"` // as received, not decoded
	Status int    `json:"status"`          // 0: not answered, or the connection was cut
	Fault  string `json:"fault,omitempty"` // the rule that struck, if one did
}

// Log returns the requests received since the last ClearLog, oldest first. The
// latest half million are always kept; older ones may have been dropped.
func (e *Emulator) Log() []Request { return e.log.all() }

// ClearLog forgets the requests received so far.
func (e *Emulator) ClearLog() { e.log.clear() }

// maxLog bounds the memory of the log, in requests.
const maxLog = 1 << 20

// requestLog keeps requests in the order of their arrival.
type requestLog struct {
	mu      sync.Mutex
	entries []*Request
}

// add notes the arrival of r and returns a function that sets its status.
func (l *requestLog) add(r *http.Request, fault string) func(status int) {
	entry := &Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Fault: fault}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.entries) == maxLog {
		l.entries = append([]*Request(nil), l.entries[maxLog/2:]...)
	}
	l.entries = append(l.entries, entry)
	return func(status int) {
		l.mu.Lock()
		defer l.mu.Unlock()
		entry.Status = status
	}
}

func (l *requestLog) all() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	requests := make([]Request, len(l.entries))
	for i, entry := range l.entries {
		requests[i] = *entry
	}
	return requests
}

func (l *requestLog) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = nil
}
