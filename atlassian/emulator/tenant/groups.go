package tenant

import (
	"slices"
	"strings"
	"time"
)

// Group is a group as the products and the organization know it, whoever keeps
// it. It is a value of the moment: the tenant's lock guards what Members reads.
type Group struct {
	ID, Name    string // ID is Jira's groupId, not the id of a SCIM resource
	Description string
	Synced      bool              // a directory provisions it, so nobody else may change it
	Everyone    bool              // everybody who uses the site is a member
	VisibleFrom time.Time         // when it reaches the products
	Members     func() []*Account // to be called under the tenant's lock
}

// LocalGroup is a group that no directory provisions.
type LocalGroup struct {
	ID, Name, Description string
	Everyone              bool // everybody is a member, and members is empty
	Members               []*Account
}

// Local groups that every site has.
const (
	AdminsGroupID    = "0000a6e5-0000-4000-8000-000000000001" // site-admins
	JiraUsersGroupID = "0000a6e5-0000-4000-8000-000000000002" // jira-users-demo
)

func (t *Tenant) addLocalGroups() {
	t.local = []*LocalGroup{
		{ID: AdminsGroupID, Name: "site-admins", Members: []*Account{t.Accounts.WithEmail(AdminEmail)}},
		{ID: JiraUsersGroupID, Name: "jira-users-demo", Everyone: true},
	}
}

// LocalGroups lists the groups that no directory provisions, oldest first.
func (t *Tenant) LocalGroups() []*LocalGroup { return t.local }

// AddLocalGroup stores a new group, whose name must be free.
func (t *Tenant) AddLocalGroup(g *LocalGroup) { t.local = append(t.local, g) }

// RemoveLocalGroup forgets a group.
func (t *Tenant) RemoveLocalGroup(g *LocalGroup) {
	t.local = slices.DeleteFunc(t.local, func(other *LocalGroup) bool { return other == g })
}

// LocalGroup returns the group with an id, or nil.
func (t *Tenant) LocalGroup(id string) *LocalGroup {
	for _, g := range t.local {
		if g.ID == id {
			return g
		}
	}
	return nil
}

// LocalGroupNamed returns the group with a name, in any case, or nil.
func (t *Tenant) LocalGroupNamed(name string) *LocalGroup {
	for _, g := range t.local {
		if strings.EqualFold(g.Name, name) {
			return g
		}
	}
	return nil
}

// Group returns the group as others see it.
func (g *LocalGroup) Group(t *Tenant) Group {
	return Group{ID: g.ID, Name: g.Name, Description: g.Description, Everyone: g.Everyone, Members: func() []*Account {
		if g.Everyone {
			return t.everyone()
		}
		return g.Members
	}}
}

// everyone lists the people who have reached the site.
func (t *Tenant) everyone() []*Account {
	now := t.Now()
	var people []*Account
	for _, a := range t.Accounts.All() {
		if a.Kind == KindPerson && !a.Deleted && a.Visible(now) {
			people = append(people, a)
		}
	}
	return people
}

// ProvideGroups adds a source of groups: those that a directory provisions.
func (t *Tenant) ProvideGroups(list func() []Group) { t.sources = append(t.sources, list) }

// Groups lists all groups, those of the tenant itself first, also those that
// have not reached the products yet. The caller holds the lock.
func (t *Tenant) Groups() []Group {
	groups := make([]Group, 0, len(t.local))
	for _, g := range t.local {
		groups = append(groups, g.Group(t))
	}
	for _, list := range t.sources {
		groups = append(groups, list()...)
	}
	return groups
}

// GroupsAt lists the groups that have reached the products by now. The caller
// holds the lock, also while it asks for members.
func (t *Tenant) GroupsAt(now time.Time) []Group {
	return slices.DeleteFunc(t.Groups(), func(g Group) bool { return now.Before(g.VisibleFrom) })
}
