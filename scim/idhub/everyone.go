package idhub

import (
	"context"
	"slices"
	"sync"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/memo"
)

// everyone is all accounts of the organization, with those that the directory has. It
// is safe for concurrent use.
type everyone struct {
	organization *atlassian.Organization
	kept         *memo.Memo[[]*atlassian.OrganizationUser]
	ttl          time.Duration
	now          func() time.Time

	fed  func() (upTo, since time.Time) // see trust; nil: nobody hints
	most time.Duration

	mu      sync.Mutex
	last    []*atlassian.OrganizationUser // as they were read, and read again since; nil: they must be read
	read    time.Time                     // when that reading began
	changes int                           // counts what makes a reading under way useless
}

func newEveryone(cfg Config) *everyone {
	return &everyone{
		organization: cfg.Organization, ttl: cfg.SnapshotTTL, now: cfg.Now,
		kept: memo.New[[]*atlassian.OrganizationUser](cfg.SnapshotTTL, cfg.Now),
	}
}

// get returns all accounts. Nobody may write to them.
func (e *everyone) get(ctx context.Context, fresh bool) ([]*atlassian.OrganizationUser, error) {
	return e.kept.Get(ctx, fresh, func(ctx context.Context) ([]*atlassian.OrganizationUser, error) {
		if all := e.trusted(); all != nil && !fresh {
			return all, nil
		}
		e.mu.Lock()
		before, began := e.changes, e.now()
		e.mu.Unlock()
		all, err := e.organization.Users(ctx)
		e.mu.Lock()
		defer e.mu.Unlock()
		if err == nil && e.changes == before {
			e.last, e.read = all, began
		}
		return all, err
	})
}

// cost returns the number of upstream calls of get, -1 as long as nobody has read the
// accounts. It makes none.
func (e *everyone) cost(fresh bool) int {
	if _, kept := e.kept.Peek(); !fresh && (kept || e.trusted() != nil) {
		return 0
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last == nil {
		return -1
	}
	return 2 + len(e.last)/100 // pages, and how many there are
}

// trusted returns the accounts of an earlier reading if hints have told of every change
// since, else nil.
func (e *everyone) trusted() []*atlassian.OrganizationUser {
	if e.fed == nil {
		return nil
	}
	upTo, since := e.fed()
	e.mu.Lock()
	defer e.mu.Unlock()
	if last := e.read.Add(e.most); upTo.After(last) {
		upTo = last
	}
	if !e.read.After(since) || !e.now().Before(upTo.Add(e.ttl)) {
		return nil
	}
	return e.last
}

// forget has everyone read again when a request next needs them.
func (e *everyone) forget() {
	e.mu.Lock()
	e.last = nil
	e.changes++
	e.mu.Unlock()
	e.kept.Drop()
}

// reread reads accounts again that somebody has changed, some at a time in one call.
// Of one that is not found nobody knows whether it is gone; then everyone is forgotten.
func (e *everyone) reread(ctx context.Context, ids []string) error {
	e.mu.Lock()
	known := e.last != nil
	e.mu.Unlock()
	if !known {
		e.forget()
		return nil
	}
	found, err := e.organization.UsersByID(ctx, ids)
	if err != nil {
		return err
	}
	if len(found) < len(ids) {
		e.forget()
		return nil
	}
	e.mu.Lock()
	if e.changes++; e.last != nil {
		e.last = replaced(e.last, found)
	}
	e.mu.Unlock()
	e.kept.Change(func(all []*atlassian.OrganizationUser) []*atlassian.OrganizationUser { return replaced(all, found) })
	return nil
}

// replaced returns accounts with others in the place of those with their ids, or behind
// all.
func replaced(all, by []*atlassian.OrganizationUser) []*atlassian.OrganizationUser {
	all = slices.Clone(all)
	at := make(map[string]int, len(all))
	for i, a := range all {
		at[a.AccountID] = i
	}
	for _, a := range by {
		if i, known := at[a.AccountID]; known {
			all[i] = a
		} else {
			all = append(all, a)
		}
	}
	return all
}

// RereadOthers reads accounts again that the directory does not have, by their ids, since
// somebody else may have changed them. Without ids nobody knows which have changed.
func (b *accounts) RereadOthers(ctx context.Context, ids ...string) error {
	switch {
	case b.others == nil:
		return nil
	case len(ids) == 0:
		b.others.everyone.forget()
		return nil
	}
	return b.others.everyone.reread(ctx, ids)
}

// TrustOthers has the accounts that the directory does not have count as young as fed
// returns, see mirror.Mirror.Trust. It must be set before the first request.
func (b *accounts) TrustOthers(fed func() (upTo, since time.Time), most time.Duration) {
	if b.others != nil {
		b.others.everyone.fed, b.others.everyone.most = fed, most
	}
}
