// Package organization keeps the accounts of the organization, those that the directory
// has among them, in the form of users. They are no SCIM type; package idhub shows those
// without a record in the directory as accounts.
package organization

import (
	"cmp"
	"context"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/changes"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/state"
	"scim-atlassian/scim/upstream"
)

// LogType is the type under which the log has the changes of accounts.
const LogType = "OrganizationAccount"

// Config says whose accounts are kept, and for how long.
type Config struct {
	Organization *atlassian.Organization
	Provisioned  string        // the attribute that says whether the directory has the user, which is false of all
	ScanBudget   int           // upstream requests that one query may cost
	SnapshotTTL  time.Duration // how long accounts are kept once read; 0: not at all
	Now          func() time.Time
	State        *state.Store // where they are kept with their changes; nil: nothing outlives the process
}

// Accounts reads the accounts of the organization, and keeps what it read. It is safe
// for concurrent use.
type Accounts struct {
	client      *atlassian.Organization
	provisioned string
	mirror      *mirror.Mirror
}

// New makes the accounts. It asks nothing of upstream.
func New(cfg Config) *Accounts {
	a := &Accounts{client: cfg.Organization, provisioned: cfg.Provisioned}
	a.mirror = mirror.New(mirror.Source{Name: LogType, Scan: a.scan, Price: scanCost, Read: a.readObject},
		mirror.Config{TTL: cfg.SnapshotTTL, Budget: cfg.ScanBudget, Now: cfg.Now, State: cfg.State})
	return a
}

// scanCost returns the number of upstream calls that reading so many accounts takes: 100
// on a page, and how many there are.
func scanCost(accounts int) int { return 2 + accounts/100 }

// scan reads all accounts, in one part, since pages have no places.
func (a *Accounts) scan(ctx context.Context, s mirror.Scanner) ([]string, error) {
	moment := s.Moment()
	found, err := a.client.Users(ctx)
	if err != nil {
		return nil, err
	}
	ids, objects := make([]string, len(found)), make([]query.Object, len(found))
	for i, u := range found {
		ids[i], objects[i] = u.AccountID, a.Object(u)
	}
	s.Took(moment, 1, objects)
	return ids, nil
}

func (a *Accounts) readObject(ctx context.Context, id string) (query.Object, error) {
	u, err := a.client.User(ctx, id)
	if err != nil {
		return nil, upstream.Missing(err, "Account", id)
	}
	return a.Object(u), nil
}

// Object returns an account in the form of a user, with its account id as id.
func (a *Accounts) Object(u *atlassian.OrganizationUser) query.Object {
	o := query.Texts("id", u.AccountID, "userName", cmp.Or(u.Email, u.AccountID), "displayName", u.Name, "nickName", u.Nickname)
	o = append(o, query.Member{Name: "active", Value: u.AccountStatus == "active"}, query.Member{Name: a.provisioned, Value: false})
	if u.Email != "" {
		o = append(o, query.Member{Name: "emails", Value: []any{query.Object{{Name: "value", Value: u.Email}, {Name: "primary", Value: true}}}})
	}
	o = append(o, query.Member{Name: atlassian.ExternalSchema, Value: query.Object{{Name: "atlassianAccountId", Value: u.AccountID}}})
	meta := query.Texts("resourceType", "User")
	if !u.AddedToOrg.IsZero() {
		meta.Set("created", u.AddedToOrg)
	}
	return append(o, query.Member{Name: "meta", Value: meta})
}

// All returns all accounts. Nobody may write to them.
func (a *Accounts) All(ctx context.Context, need mirror.Need) ([]query.Object, error) {
	v, err := a.mirror.Collection().All(ctx, mirror.Need{Fresh: need.Fresh, Since: need.Since})
	return v.Objects(), err
}

// Read reads one account as it is now. An unknown id is a 404 *resource.Error.
func (a *Accounts) Read(ctx context.Context, id string) (query.Object, error) {
	moment := a.mirror.Moment()
	o, err := a.readObject(ctx, id)
	if err != nil {
		return nil, err
	}
	return changes.Dated(o, a.mirror.Saw(moment, o)), nil
}

// Cost returns the number of upstream calls of All, -1 as long as nobody has read the
// accounts. It makes none.
func (a *Accounts) Cost(fresh bool) int {
	_, kept := a.mirror.Collection().Peek(mirror.Need{})
	known := a.mirror.Stats().Resources
	switch {
	case kept && !fresh:
		return 0
	case known == 0:
		return -1
	}
	return scanCost(known)
}

// Known returns an account as it is known at present, nil if it is not.
func (a *Accounts) Known(id string) query.Object { return a.mirror.Known(id) }

// Begin is for a write to an account that is about to be sent, see mirror.Write.
func (a *Accounts) Begin() mirror.Write { return a.mirror.Begin() }

// Forget has all accounts read again when a request next needs them.
func (a *Accounts) Forget() { a.mirror.Begin().Unknown() }

// Reread reads accounts again that somebody else may have changed, 50 in one call. One
// that is not found then is asked for by itself. Without ids nobody knows which have changed.
func (a *Accounts) Reread(ctx context.Context, ids ...string) error {
	if len(ids) == 0 {
		a.Forget()
		return nil
	}
	moment := a.mirror.Moment()
	found, err := a.client.UsersByID(ctx, ids)
	if err != nil {
		return err
	}
	missing := make(map[string]bool, len(ids))
	for _, id := range ids {
		missing[id] = true
	}
	for _, u := range found {
		delete(missing, u.AccountID)
		a.mirror.Saw(moment, a.Object(u))
	}
	var gone []string
	for _, id := range ids {
		if missing[id] {
			gone = append(gone, id)
		}
	}
	return a.mirror.Reread(ctx, gone...)
}

// Changed is that of resource.Rememberer, for entries of LogType.
func (a *Accounts) Changed(entries []resource.LogEntry) ([]resource.Change, error) {
	return a.mirror.Changed(entries)
}

// Mark is that of resource.Rememberer.
func (a *Accounts) Mark(ctx context.Context, fresh bool) (resource.Mark, error) {
	return a.mirror.Mark(ctx, fresh)
}

// Load takes over what an earlier process has left in the state. Call it before the
// first request.
func (a *Accounts) Load(ctx context.Context) error { return a.mirror.Load(ctx) }

// Keep reads all accounts now and then until ctx ends, see mirror.Mirror.Keep. Its
// requests stand back behind those that somebody waits for.
func (a *Accounts) Keep(ctx context.Context, k mirror.Keeping) {
	a.mirror.Keep(atlassian.Background(ctx), k)
}

// Trust sets the time up to which hints have told of every change, see mirror.Mirror.Trust.
func (a *Accounts) Trust(fed func() (upTo, since time.Time), most time.Duration) {
	a.mirror.Trust(fed, most)
}

// Snapshot tells about the kept accounts, for metrics. It costs no upstream call.
func (a *Accounts) Snapshot() mirror.Stats { return a.mirror.Stats() }

// Accept has the next reading believed although it has lost most of the accounts.
func (a *Accounts) Accept() { a.mirror.Accept() }

// Reconsider has everything read again, see mirror.Mirror.Reconsider.
func (a *Accounts) Reconsider() { a.mirror.Reconsider() }
