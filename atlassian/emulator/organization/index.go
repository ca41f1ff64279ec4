package organization

import (
	"slices"
	"strings"
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
	sorting sync.Mutex // guards sorted besides mu
	people  []*person  // oldest first
	byID    map[string]*person
	groups  []*entry // oldest first
	groupID map[string]*entry
	common  []*entry        // those that hold everyone
	pending []pendingChange // oldest first; always empty without a lag

	all     []*person // what members returns, nil after a change
	settled bool      // all stays as it is while time passes
	sorted  []*person // all by name, nil after a change and until it is asked for
}

// person is an account in the index. Without a lag it is the tenant's own value.
type person struct {
	account *tenant.Account
	groups  []*entry // without those that hold everyone
}

// entry is a group in the index.
type entry struct {
	tenant.Group
	people []*person // the members, in order of joining; nobody if the group holds everyone
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
		x.apply(apply)
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

func (x *index) apply(change func(*index)) {
	change(x)
	x.all, x.sorted = nil, nil
}

// view calls look while the index stands still, brought up to now.
func (x *index) view(now time.Time, look func()) {
	x.mu.Lock()
	for len(x.pending) > 0 && !x.pending[0].due.After(now) {
		x.apply(x.pending[0].apply)
		x.pending = x.pending[1:]
	}
	if x.all == nil || !x.settled {
		x.findMembers(now.Add(-x.lag))
	}
	x.mu.Unlock()
	x.mu.RLock()
	defer x.mu.RUnlock()
	look()
}

// findMembers makes the list of all members.
func (x *index) findMembers(now time.Time) {
	x.all, x.sorted, x.settled = make([]*person, 0, len(x.people)), nil, true
	for _, p := range x.people {
		if isMember(p.account, now) {
			x.all = append(x.all, p)
		}
		x.settled = x.settled && p.account.Visible(now)
	}
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
	for _, p := range g.people {
		p.groups = slices.DeleteFunc(p.groups, isGone)
	}
}

func (x *index) join(accountID, groupID string) {
	p, g := x.byID[accountID], x.groupID[groupID]
	if p != nil && g != nil && !slices.Contains(p.groups, g) {
		p.groups = append(p.groups, g)
		g.people = append(g.people, p)
	}
}

func (x *index) leave(accountID, groupID string) {
	p, g := x.byID[accountID], x.groupID[groupID]
	if p != nil && g != nil && slices.Contains(p.groups, g) {
		p.groups = slices.DeleteFunc(p.groups, func(other *entry) bool { return other == g })
		g.people = slices.DeleteFunc(g.people, func(other *person) bool { return other == p })
	}
}

// members lists the people whom searches find, oldest first. The caller must not
// change the list.
func (x *index) members() []*person { return x.all }

// byName lists the members by name.
func (x *index) byName() []*person {
	x.sorting.Lock()
	defer x.sorting.Unlock()
	if x.sorted == nil {
		x.sorted = slices.Clone(x.all)
		sortRows(x.sorted, nameOfPerson, 1)
	}
	return x.sorted
}

func nameOfPerson(p *person) (name, id string) { return strings.ToLower(p.account.Name), p.account.ID }

// isMember reports whether an account is one that searches find: no app, no
// customer, nobody who was removed or is closed for good.
func isMember(a *tenant.Account, now time.Time) bool {
	return a.Kind == tenant.KindPerson && !a.Deleted && !a.Outside && a.Visible(now)
}

// outside counts the managed accounts that are in no directory.
func (x *index) outside() (n int) {
	for _, p := range x.people {
		if p.account.Outside && p.account.Managed {
			n++
		}
	}
	return n
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
func (x *index) sizeOf(g *entry) int {
	if g.Everyone {
		return len(x.members())
	}
	return len(g.people)
}

// some lists the members among whom a search can find anybody, oldest first: those
// with the ids, or in the groups, that it names. The caller must not change the
// list.
func (x *index) some(accountIDs []string, groupIDs map[string]bool, now time.Time) []*person {
	var list []*person
	switch {
	case len(accountIDs) > 0:
		for _, id := range accountIDs {
			if p := x.byID[id]; p != nil {
				list = append(list, p)
			}
		}
	case len(groupIDs) > 0:
		for id := range groupIDs {
			g := x.groupID[id]
			if g != nil && g.Everyone {
				return x.members()
			}
			if g != nil {
				list = append(list, g.people...)
			}
		}
	default:
		return x.members()
	}
	slices.SortFunc(list, func(a, b *person) int { return a.account.Number - b.account.Number })
	return slices.DeleteFunc(slices.Compact(list), func(p *person) bool { return !isMember(p.account, now.Add(-x.lag)) })
}
