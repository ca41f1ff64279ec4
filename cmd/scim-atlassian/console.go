package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/console"
	"scim-atlassian/scim/console/witness"
	"scim-atlassian/scim/health"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/server"
	"scim-atlassian/scim/state"
)

// watch is what the console keeps of the running program, and the way to the console.
type watch struct {
	recorder *witness.Recorder
	pages    atomic.Pointer[console.Console] // nil: there is none, or not yet

	mu      sync.Mutex
	pulses  map[string]*witness.Pulse // by upstream
	callers []console.Caller
	seen    map[string]time.Time // by the name of a caller
}

func newWatch() *watch {
	return &watch{recorder: witness.NewRecorder(), pulses: map[string]*witness.Pulse{}, seen: map[string]time.Time{}}
}

// know has the console show these callers.
func (w *watch) know(callers []auth.Caller) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.callers = nil
	for _, c := range callers {
		w.callers = append(w.callers, console.Caller{Name: c.Name, Made: c.MadeAt()})
	}
	slices.SortFunc(w.callers, func(a, b console.Caller) int { return strings.Compare(a.Name, b.Name) })
}

// heard notes a request of a caller.
func (w *watch) heard(caller string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen[caller] = time.Now()
}

// whoCalls are the callers, and when they were last heard of.
func (w *watch) whoCalls() []console.Caller {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := slices.Clone(w.callers)
	for i := range all {
		all[i].Seen = w.seen[all[i].Name]
	}
	return all
}

// ServeHTTP answers as the console does, once it is there. It asks nobody for a password that would cross a network in
// the clear.
func (w *watch) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	pages := w.pages.Load()
	switch {
	case r.TLS == nil && !reachedLocally(r):
		http.Error(out, "The console is for this machine alone, unless the server has TLS (docs/console.md).", http.StatusForbidden)
	case pages == nil:
		out.Header().Set("Retry-After", "2")
		http.Error(out, "The server is still starting.", http.StatusServiceUnavailable)
	default:
		pages.ServeHTTP(out, r)
	}
}

// reachedLocally reports whether a connection was made to an address that only this machine has.
func reachedLocally(r *http.Request) bool {
	address, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if address == nil {
		return false
	}
	host, _, err := net.SplitHostPort(address.String())
	return err == nil && isLoopback(host)
}

// logger returns a logger to which the console listens too.
func (w *watch) logger(logger *zap.Logger) *zap.Logger {
	return logger.WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core { return zapcore.NewTee(core, w.recorder.Core()) }))
}

// pulse returns the pulse of an upstream.
func (w *watch) pulse(name string) *witness.Pulse {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pulses[name] == nil {
		w.pulses[name] = &witness.Pulse{}
	}
	return w.pulses[name]
}

// call notes a request to an upstream.
func (w *watch) call(name string, c atlassian.Call) {
	failed := c.Status == 0 || c.Status >= 500 || c.Status == http.StatusTooManyRequests || c.Status == http.StatusUnauthorized || c.Status == http.StatusForbidden
	w.pulse(name).Note(time.Now(), c.Duration, failed)
}

// consoleParts are what a console is made of.
type consoleParts struct {
	facade  *scim.Server
	u       *upstream
	store   *state.Store
	watch   *watch
	service net.Addr           // of the facade
	cloud   *emulator.Emulator // of the demo; nil: there is none
	logger  *zap.Logger
}

// openConsole makes the console, for those callers who may use it: that may change while it is open.
func (c *config) openConsole(p consoleParts) { p.watch.pages.Store(c.console(p)) }

// console makes the console.
func (c *config) console(p consoleParts) *console.Console {
	base := strings.TrimSuffix(c.PublicURL, "/")
	if base == "" && p.service != nil {
		if host, _, err := net.SplitHostPort(p.service.String()); err == nil && isLoopback(host) {
			base = c.scheme() + "://" + p.service.String()
		}
	}
	made := console.Config{
		SCIM: p.facade, BasePath: server.BasePath, Authenticate: p.facade.Authenticate, Types: p.facade.Types(), Recorder: p.watch.recorder,
		PublicURL: base, Version: version(), Logger: p.logger,
		Sources: console.Sources{
			Settings:    console.Settings{ChangeBudget: settingsInMessages.ChangeBudget, Audit: "SCIM_ATLASSIAN_AUDIT"},
			Credentials: func() []console.Credential { return credentialsOf(p.facade.Health()) },
			Callers:     p.watch.whoCalls,
			Upstreams:   func(ctx context.Context) []console.Upstream { return statesOf(ctx, p.facade.Health(), p.watch) },
			Gates:       p.u.gates,
			Copies:      func() []console.Copy { return copiesOf(p.facade.Snapshots(), time.Now()) },
			Runs:        func(ctx context.Context) ([]console.Run, error) { return runsOf(ctx, p.store) },
		},
	}
	if c.ChangeBudget != "off" {
		made.Sources.ChangeBudget = fmt.Sprintf("%s, at least %d", c.ChangeBudget, c.ChangeBudgetFloor)
		made.Sources.Spent = func(ctx context.Context) ([]console.Spent, error) { return spentOf(ctx, p.facade) }
	}
	if c.Audit != auditStderr && c.Audit != auditStdout {
		made.Sources.Trail = witness.File{Path: c.Audit}
	}
	if p.cloud != nil {
		made.Faults = faultsOf(p.cloud)
	}
	return console.New(made)
}

// named are the clients by the names that the operator knows.
func (u *upstream) named() []namedClient {
	all := []namedClient{{scim.UpstreamDirectory, u.directory}, {scim.UpstreamJira, u.jira}}
	if u.organization != nil {
		all = append(all, namedClient{scim.UpstreamOrganization, u.organization})
	}
	if u.events != nil {
		all = append(all, namedClient{scim.UpstreamEvents, u.events})
	}
	return all
}

type namedClient struct {
	name   string
	client interface{ Limits() atlassian.Limits }
}

// statesOf tells of each upstream whether it can be used.
func statesOf(ctx context.Context, monitor *health.Monitor, w *watch) []console.Upstream {
	var all []console.Upstream
	for _, u := range monitor.Upstreams(ctx) {
		all = append(all, console.Upstream{Name: u.Name, State: string(u.State), Since: u.Since, Reason: u.Reason, Fix: u.Fix, Pulse: w.pulse(u.Name)})
	}
	return all
}

// credentialsOf tells when the server's credentials end.
func credentialsOf(monitor *health.Monitor) []console.Credential {
	var all []console.Credential
	for _, k := range monitor.Credentials() {
		note := "the settings"
		switch {
		case k.Told:
			note = "Atlassian"
		case k.Expires.IsZero():
			note = "nobody has said"
		}
		all = append(all, console.Credential{Name: k.Name, Expires: k.Expires, Note: note, Fix: k.Fix})
	}
	return all
}

// classNames are the names of the classes of requests, in the order of atlassian.Limits.
var classNames = [...]string{"urgent", "normal", "lists and bulk", "background"}

// gates are the figures of what bounds the requests to each upstream.
func (u *upstream) gates() []console.Gate {
	var all []console.Gate
	for _, n := range u.named() {
		s := n.client.Limits()
		g := console.Gate{Name: n.name, Concurrent: s.Concurrent, Repeats: int(s.Repeats), Open: s.Open}
		for class, name := range classNames {
			g.InFlight += s.InFlight[class]
			g.Queue = append(g.Queue, console.Queue{Class: name, InFlight: s.InFlight[class], Waiting: s.Waiting[class]})
		}
		for _, w := range s.Callers {
			g.Callers = append(g.Callers, console.Waiter(w))
		}
		for _, l := range s.Limits {
			g.Limits = append(g.Limits, console.Limit{Route: l.Route, PerSecond: l.Rate, Told: l.Told, Left: l.Left, Of: l.Limit, Reset: l.Reset, Quiet: l.Quiet, InFlight: l.InFlight, Sent: l.Sent})
		}
		all = append(all, g)
	}
	return all
}

// copiesOf tells what the mirror keeps.
func copiesOf(stats []mirror.Stats, now time.Time) []console.Copy {
	var all []console.Copy
	for _, s := range stats {
		made := console.Copy{Type: s.Type, Resources: -1, Proven: s.Proven, Readings: int(s.Scans), Failures: int(s.Failures), OnlyByProof: int(s.OnlyByProof), Alarm: s.Alarm}
		if s.Kept {
			made.Resources = s.Resources
		}
		if !s.Proven.IsZero() {
			made.AsOf = now.Add(-s.AsOfAge)
		}
		if s.Reading {
			made.Read, made.Total = s.Read, s.Total
		}
		all = append(all, made)
	}
	return all
}

func spentOf(ctx context.Context, facade *scim.Server) ([]console.Spent, error) {
	spent, err := facade.Spent(ctx)
	all := make([]console.Spent, len(spent))
	for i, s := range spent {
		all[i] = console.Spent(s)
	}
	return all, err
}

// faultsOf are the fault rules of the demo, with some to choose from.
func faultsOf(cloud *emulator.Emulator) *console.Faults {
	return &console.Faults{
		Rules: func() string {
			var rules []string
			for _, f := range cloud.Faults() {
				rules = append(rules, f.String())
			}
			return strings.Join(rules, "\n")
		},
		Set: func(text string) error {
			faults, err := emulator.ParseFaults(text)
			if err == nil {
				cloud.SetFaults(faults)
			}
			return err
		},
		Ready: []console.Fault{
			{Name: "Jira is down", Rule: "path=/rest/ status=503"},
			{Name: "Directory is down", Rule: "path=/scim/ status=503"},
			{Name: "Everything is slow", Rule: "delay=800ms"},
			{Name: "Rate limit", Rule: "every=3 status=429 retry-after=5"},
			{Name: "Answers get lost", Rule: "method=POST every=2 reset=after"},
			{Name: "One in ten fails", Rule: "every=10 status=500"},
		},
	}
}

// checkConsole refuses a console that could only be signed in to in the clear. Where no caller may use the console there
// is none, and the listener for metrics may be where it wants.
func (c *config) checkConsole(callers []auth.Caller, admin net.Listener) error {
	if admin == nil || local(admin) || c.TLSCertFile != "" || !anyConsole(callers) {
		return nil
	}
	return fmt.Errorf("ADMIN_LISTEN is beyond this machine, where %s would sign in to the console without TLS: set SCIM_ATLASSIAN_TLS_CERT_FILE and _KEY_FILE, or use 127.0.0.1:PORT and a tunnel, or take \"console\" from the callers file", withSetting(callers, func(c auth.Caller) bool { return c.Console }))
}

// checkProfiles refuses profiles for whoever reaches this machine: they tell what the process does, and asking for them
// costs it.
func (c *config) checkProfiles(admin net.Listener) error {
	if !c.Profiles || local(admin) {
		return nil
	}
	return errors.New("SCIM_ATLASSIAN_PPROF shows profiles to everybody who reaches ADMIN_LISTEN, which is beyond this machine: set ADMIN_LISTEN=127.0.0.1:PORT and use a tunnel")
}

// local reports whether a listener is for this machine alone.
func local(l net.Listener) bool {
	host, _, err := net.SplitHostPort(l.Addr().String())
	return err == nil && isLoopback(host)
}

// anyConsole reports whether some caller may sign in to the console.
func anyConsole(callers []auth.Caller) bool {
	return slices.ContainsFunc(callers, func(c auth.Caller) bool { return c.Console })
}
