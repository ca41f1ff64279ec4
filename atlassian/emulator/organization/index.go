package organization

import (
	"slices"
	"sync"
	"time"

	"scim-atlassian/atlassian/emulator/tenant"
)

// index is what searches and counts see: people, groups and who is in which, as
// they were a while ago. It follows the changes that the tenant records.
//
// Its own lock guards it besides the tenant's, because a search that brings it up
// to date has the tenant's lock for reading only.
type index struct {
	lag time.Duration // 0: what searches see is what is

	mu      sync.RWMutex
	people  []*person // oldest first
	byID    map[string]*person
	groups  []*entry // oldest first
	groupID map[string]*entry
	common  []*entry        // those that hold everyone
	pending []pendingChange // oldest first; always empty without a lag
}

// person is an account in the index. Without a lag it is the tenant's own value.
type person struct {
	account *tenant.Account
	groups  []*entry // without those that hold everyone
}

// entry is a group in the index.
type entry struct {
	tenant.Group
	size int // members, unless the group holds everyone
}

type pendingChange struct {
	due   time.Time
	apply func(*index)
}

func newIndex(t *tenant.Tenant, lag time.Duration) *index {
	x := &index{lag: lag, byID: map[string]*person{}, groupID: map[string]*entry{}}
	for _, a := range t.Accounts.All() {
		x.setAccount(x.copyOf(a))
	}
	for _, g := range t.Groups() {
		x.setGroup(g)
		if !g.Everyone {
			for _, a := range g.Members() {
				x.join(a.ID, g.ID)
			}
		}
	}
	t.Watch(x.note)
	return x
}

// copyOf returns what the index keeps of an account: with a lag, how it is now.
func (x *index) copyOf(a *tenant.Account) *tenant.Account {
	if x.lag == 0 {
		return a
	}
	now := *a
	return &now
}

// note follows a change, at once or after the lag. It is a watcher of the tenant.
func (x *index) note(c tenant.Change) {
	apply := x.effect(c)
	if apply == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.lag == 0 {
		apply(x)
		return
	}
	x.pending = append(x.pending, pendingChange{c.At.Add(x.lag), apply})
}

// effect returns what a change does to the index, or nil.
func (x *index) effect(c tenant.Change) func(*index) {
	switch {
	case c.Action == tenant.MemberAdded:
		a, g := x.copyOf(c.Account), c.Group.ID
		return func(x *index) { x.setAccount(a); x.join(a.ID, g) }
	case c.Action == tenant.MemberRemoved:
		a, g := c.Account.ID, c.Group.ID
		return func(x *index) { x.leave(a, g) }
	case c.Action == tenant.GroupDeleted:
		g := c.Group.ID
		return func(x *index) { x.dropGroup(g) }
	case c.Group != nil:
		g := *c.Group
		return func(x *index) { x.setGroup(g) }
	case c.Account != nil:
		a := x.copyOf(c.Account)
		return func(x *index) { x.setAccount(a) }
	}
	return nil
}

// view calls look while the index stands still, brought up to now.
func (x *index) view(now time.Time, look func()) {
	x.mu.Lock()
	for len(x.pending) > 0 && !x.pending[0].due.After(now) {
		x.pending[0].apply(x)
		x.pending = x.pending[1:]
	}
	x.mu.Unlock()
	x.mu.RLock()
	defer x.mu.RUnlock()
	look()
}

func (x *index) setAccount(a *tenant.Account) {
	if p := x.byID[a.ID]; p != nil {
		p.account = a
		return
	}
	p := &person{account: a}
	x.byID[a.ID] = p
	x.people = append(x.people, p)
}

func (x *index) setGroup(g tenant.Group) {
	if have := x.groupID[g.ID]; have != nil {
		have.Group = g
		return
	}
	x.groupID[g.ID] = &entry{Group: g}
	x.groups = append(x.groups, x.groupID[g.ID])
	if g.Everyone {
		x.common = append(x.common, x.groupID[g.ID])
	}
}

func (x *index) dropGroup(id string) {
	g := x.groupID[id]
	if g == nil {
		return
	}
	delete(x.groupID, id)
	isGone := func(other *entry) bool { return other == g }
	x.groups, x.common = slices.DeleteFunc(x.groups, isGone), slices.DeleteFunc(x.common, isGone)
	for _, p := range x.people {
		p.groups = slices.DeleteFunc(p.groups, isGone)
	}
}

func (x *index) join(accountID, groupID string) {
	p, g := x.byID[accountID], x.groupID[groupID]
	if p != nil && g != nil && !slices.Contains(p.groups, g) {
		p.groups = append(p.groups, g)
		g.size++
	}
}

func (x *index) leave(accountID, groupID string) {
	p, g := x.byID[accountID], x.groupID[groupID]
	if p != nil && g != nil && slices.Contains(p.groups, g) {
		p.groups = slices.DeleteFunc(p.groups, func(other *entry) bool { return other == g })
		g.size--
	}
}

// members lists the people whom searches find: no apps, no customers, no accounts
// that are closed for good.
func (x *index) members(now time.Time) []*person {
	list := make([]*person, 0, len(x.people))
	for _, p := range x.people {
		if isMember(p.account, now.Add(-x.lag)) {
			list = append(list, p)
		}
	}
	return list
}

func isMember(a *tenant.Account, now time.Time) bool {
	return a.Kind == tenant.KindPerson && !a.Deleted && a.Visible(now)
}

// shown lists the groups that searches find.
func (x *index) shown(now time.Time) []*entry {
	return slices.DeleteFunc(slices.Clone(x.groups), func(g *entry) bool { return now.Add(-x.lag).Before(g.VisibleFrom) })
}

// groupsOf lists the groups of a person, those that hold everyone first.
func (x *index) groupsOf(p *person, now time.Time) []*entry {
	list := slices.Clone(x.common)
	for _, g := range p.groups {
		if !now.Add(-x.lag).Before(g.VisibleFrom) {
			list = append(list, g)
		}
	}
	return list
}

// isIn reports whether a person is in one of the groups.
func (x *index) isIn(p *person, ids map[string]bool) bool {
	for id := range ids {
		if g := x.groupID[id]; g != nil && (g.Everyone || slices.Contains(p.groups, g)) {
			return true
		}
	}
	return false
}

// sizeOf returns the number of members of a group.
func (x *index) sizeOf(g *entry, now time.Time) int {
	if g.Everyone {
		return len(x.members(now))
	}
	return g.size
}
