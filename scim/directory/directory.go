// Package directory is the backend of users and groups, over Atlassian's
// provisioning API (User provisioning REST API, which speaks SCIM 2.0).
//
// [New] makes both backends, since each finds resources by way of the other:
// the members of a group, the groups of a user. What is read is kept by package
// mirror; every write passes through provisioning, which tells the mirror what
// it changed. A write is compared with the answer (confirm.go), because the
// directory may answer success and keep something else.
package directory

import (
	"context"
	"errors"
	"net/http"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/state"
)

// Config says which directory is served, and how.
type Config struct {
	Directory   *atlassian.Directory
	UserSchema  *query.Schema // the attributes of User resources
	GroupSchema *query.Schema // the attributes of Group resources

	ScanBudget  int           // upstream requests that one query may cost
	SnapshotTTL time.Duration // how long all users and all groups are kept once read; 0: not at all
	Now         func() time.Time
	State       *state.Store // where users and groups are kept with their changes; nil: nothing outlives the process

	// Wrote is told of writes that others should hear of, see Written; nil: nobody is.
	Wrote func(Written)

	EmailDomain        string           // completes a user without e-mail address; empty: such a user is refused
	EmailDomainSetting resource.Setting // the operator's name of EmailDomain
}

// New makes the backends of users and groups. It asks nothing of upstream.
func New(cfg Config) (*Users, *Groups) {
	u := &Users{schema: cfg.UserSchema, emailDomain: cfg.EmailDomain, emailDomainSetting: cfg.EmailDomainSetting}
	g := &Groups{schema: cfg.GroupSchema, users: u}
	u.groups = g
	kept := mirror.Config{TTL: cfg.SnapshotTTL, Budget: cfg.ScanBudget, Now: cfg.Now, State: cfg.State}
	d := &provisioning{upstream: cfg.Directory, sizes: newSizes(), now: cfg.Now, wrote: cfg.Wrote}
	if d.wrote == nil {
		d.wrote = func(Written) {}
	}
	u.directory, g.directory = d, d
	u.sizes, g.sizes = d.sizes, d.sizes
	u.mirror = mirror.New(mirror.Source{
		Name: "User", Links: resource.Links{Name: "groups"}, Lookups: u.table(), Sent: u.page, Read: u.Read, Probe: u.probe, ProbeSent: u.probeSent, Linked: u.linked, Gone: noList, Few: 2,
	}, kept)
	g.mirror = mirror.New(mirror.Source{
		Name: "Group", Links: resource.Links{Name: "members", Optional: true}, Lookups: g.table(), Page: g.page, Read: g.Read, Probe: g.probe, Linked: g.linked, Gone: noList, Few: 1,
	}, kept)
	d.users, d.groups = u.mirror, g.mirror
	return u, g
}

// noList recognizes the answer for a directory that is not there. A gateway may give it
// too, so nothing is believed of it.
func noList(err error) bool {
	var e *atlassian.Error
	return errors.As(err, &e) && (e.Status == http.StatusNotFound || e.Status == http.StatusGone)
}

// lister is the part of a backend that users and groups have in common: lists
// and what they cost. It is safe for concurrent use.
type lister struct {
	mirror *mirror.Mirror
	sizes  *sizes
}

// List implements resource.Backend.
func (l *lister) List(ctx context.Context, q resource.ListQuery) (*resource.ListResult, error) {
	return l.mirror.List(ctx, q)
}

// Explain implements resource.Backend.
func (l *lister) Explain(filter query.Expr) string {
	return l.mirror.Explain(filter)
}

// Collection returns the resources as the list engine sees them, for another
// backend that lists them in a form of its own. It is shared: nobody writes to it.
func (l *lister) Collection() *mirror.Collection { return l.mirror.Collection() }

// ScanCost returns the number of upstream calls that reading all resources takes,
// -1 as long as nobody has seen how many there are.
func (l *lister) ScanCost() int { return l.mirror.ScanCost() }

// ReadMany reads resources by id and leaves out those that do not exist. It fails
// with mirror.ErrCostly if reading all resources is known to cost less.
func (l *lister) ReadMany(ctx context.Context, ids []string) ([]query.Object, error) {
	return l.mirror.ReadMany(ctx, ids)
}

// ManyCost returns the number of upstream calls of reading that many resources by id, or
// all of them where that costs less.
func (l *lister) ManyCost(count int) int { return l.mirror.ManyCost(count) }

// MostCost returns the number of upstream calls of reading resources by id, however many
// they are, at most; -1 if that is unknown.
func (l *lister) MostCost() int { return l.mirror.MostCost() }

// SizeOf returns how many links a resource of the other type has, as far as that is known.
func (l *lister) SizeOf(id string) (links int, known bool) { return l.sizes.of(id) }

// LinkedCost returns the number of upstream calls that it takes to read a resource
// of the other type and all resources that it links to: a group and its members, a
// user and its groups. A resource of unknown size counts as having one link.
func (l *lister) LinkedCost(id string) int {
	size, known := l.sizes.of(id)
	if !known {
		size = 1
	}
	return 1 + l.mirror.ManyCost(size)
}

// LinkedMost returns the number of upstream calls that LinkedCost estimates at
// most, -1 if that is unknown.
func (l *lister) LinkedMost(id string) int {
	if _, known := l.sizes.of(id); known {
		return l.LinkedCost(id)
	}
	if most := l.mirror.MostCost(); most >= 0 {
		return 1 + most
	}
	return -1
}

// Links returns the attribute by which the resources refer to those of the other type.
func (l *lister) Links() resource.Links { return l.mirror.Links() }

// Known returns a resource as it is known at present, nil if it is not. It makes no call.
func (l *lister) Known(id string) query.Object { return l.mirror.Known(id) }

// KnownPart is some members of what Known returns.
func (l *lister) KnownPart(id string, names ...string) query.Object {
	return l.mirror.KnownPart(id, names...)
}

// Load takes over what an earlier process has left in the state. Call it before the
// first request.
func (l *lister) Load(ctx context.Context) error { return l.mirror.Load(ctx) }

// Keep reads all resources now and then until ctx ends, see mirror.Mirror.Keep. Its
// requests to Atlassian stand back behind those that somebody waits for.
func (l *lister) Keep(ctx context.Context, k mirror.Keeping) {
	l.mirror.Keep(atlassian.Background(ctx), k)
}

// Copied returns the resources of the copy that match a filter, see mirror.Mirror.Copied.
func (l *lister) Copied(filter query.Expr) []query.Object { return l.mirror.Copied(filter) }

// Reread reads resources again that somebody else may have changed, see mirror.Mirror.Reread.
func (l *lister) Reread(ctx context.Context, ids ...string) error {
	return l.mirror.Reread(ctx, ids...)
}

// Newcomers looks for resources that somebody else has made, see mirror.Mirror.Newcomers.
func (l *lister) Newcomers(ctx context.Context) (complete bool, err error) {
	return l.mirror.Newcomers(ctx)
}

// Prove reads all resources, whatever is known.
func (l *lister) Prove(ctx context.Context) error { return l.mirror.Prove(ctx) }

// Trust sets the time up to which hints have told of every change, see mirror.Mirror.Trust.
func (l *lister) Trust(fed func() (upTo, since time.Time), most time.Duration) {
	l.mirror.Trust(fed, most)
}

// Accept has the next reading believed although it has lost most of the resources.
func (l *lister) Accept() { l.mirror.Accept() }

// Reconsider has everything read again, see mirror.Mirror.Reconsider.
func (l *lister) Reconsider() { l.mirror.Reconsider() }

// Mark implements resource.Rememberer.
func (l *lister) Mark(ctx context.Context, fresh bool) (resource.Mark, error) {
	return l.mirror.Mark(ctx, fresh)
}

// Logged implements resource.Rememberer.
func (l *lister) Logged() []string { return l.mirror.Logged() }

// Changed implements resource.Rememberer.
func (l *lister) Changed(_ context.Context, entries []resource.LogEntry) ([]resource.Change, error) {
	return l.mirror.Changed(entries)
}

// Snapshot tells about the kept resources, for metrics. It costs no upstream call.
func (l *lister) Snapshot() mirror.Stats { return l.mirror.Stats() }
