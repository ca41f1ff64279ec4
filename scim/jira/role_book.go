package jira

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/query"
)

// Role is a role of one project. Its id as an entitlement is made of the
// ids of both.
type Role struct {
	Project jql.Entry
	id      int64
	Name    string
	// What follows is known of a role that was read, see RoleBook.whole.
	Holders []RoleHolder // accounts that hold it themselves
	Groups  []roleGroup  // groups that hold it
}

// RoleHolder is an account.
type RoleHolder struct{ AccountID, Name string }

// roleGroup is a group of Jira that holds a role.
type roleGroup struct {
	Name      string
	Directory string       // id in the directory, "" if it is none of its groups
	Accounts  []RoleHolder // of a group that is not in the directory
}

func roleID(project string, id int64) string {
	return "role-" + project + "-" + strconv.FormatInt(id, 10)
}

func (r *Role) EntitlementID() string { return roleID(r.Project.ID, r.id) }

// Title is the name of a role as an entitlement.
func (r *Role) Title() string { return r.Name + " in " + r.Project.Name + " project" }

// ParseRoleID reads the id of an entitlement that is a role; ok is false if it
// is that of a group. Directory ids are UUIDs.
func ParseRoleID(id string) (project string, role int64, ok bool) {
	rest, ok := strings.CutPrefix(id, "role-")
	project, number, found := strings.Cut(rest, "-")
	role, err := strconv.ParseInt(number, 10, 64)
	return project, role, ok && found && jql.IsNumber(project) && err == nil && roleID(project, role) == id
}

func (r *Role) HeldBy(accountID string) bool {
	return slices.ContainsFunc(r.Holders, func(h RoleHolder) bool { return h.AccountID == accountID })
}

// Through names the groups that make an account a holder, given the names of
// its groups in the directory.
func (r *Role) Through(accountID string, groups []string) []string {
	var names []string
	for _, g := range r.Groups {
		named := func(name string) bool { return strings.EqualFold(name, g.Name) }
		is := func(h RoleHolder) bool { return h.AccountID == accountID }
		if g.Directory != "" && slices.ContainsFunc(groups, named) || slices.ContainsFunc(g.Accounts, is) {
			names = append(names, g.Name)
		}
	}
	return names
}

// RoleBook is the roles at one time. It never changes.
type RoleBook struct {
	Roles []*Role // by project and name
	whole bool    // who holds them was read
	byID  map[string]*Role
	rank  map[*Role]int // in roles
	// The roles that may concern an account, by its id and by the folded names of
	// its groups.
	ofAccount, ofGroup map[string][]*Role
}

func newRoleBook(all []*Role, whole bool) *RoleBook {
	b := &RoleBook{Roles: all, whole: whole, byID: map[string]*Role{}, rank: map[*Role]int{}, ofAccount: map[string][]*Role{}, ofGroup: map[string][]*Role{}}
	slices.SortStableFunc(b.Roles, func(x, y *Role) int {
		return cmp.Or(strings.Compare(x.Project.Key, y.Project.Key), strings.Compare(x.Name, y.Name), cmp.Compare(x.id, y.id))
	})
	for i, r := range b.Roles {
		b.byID[r.EntitlementID()], b.rank[r] = r, i
		for _, h := range r.Holders {
			b.ofAccount[h.AccountID] = append(b.ofAccount[h.AccountID], r)
		}
		for _, g := range r.Groups {
			if g.Directory != "" {
				b.ofGroup[strings.ToLower(g.Name)] = append(b.ofGroup[strings.ToLower(g.Name)], r)
			}
			for _, h := range g.Accounts {
				b.ofAccount[h.AccountID] = append(b.ofAccount[h.AccountID], r)
			}
		}
	}
	return b
}

// with returns the book in which an account holds a role itself, or no longer.
func (b *RoleBook) with(id string, account RoleHolder, holds bool) *RoleBook {
	role := b.byID[id]
	if role == nil || role.HeldBy(account.AccountID) == holds {
		return b
	}
	all := slices.Clone(b.Roles)
	all[b.rank[role]] = role.with(account, holds)
	return newRoleBook(all, b.whole)
}

// with returns the role that an account holds itself, or no longer.
func (r *Role) with(account RoleHolder, holds bool) *Role {
	changed := *r
	changed.Holders = slices.DeleteFunc(slices.Clone(r.Holders), func(h RoleHolder) bool { return h.AccountID == account.AccountID })
	if holds {
		changed.Holders = append(changed.Holders, account)
	}
	return &changed
}

// heldRole is a role as an account holds it.
type heldRole struct {
	*Role
	Direct  bool
	through []string // names of groups
}

// HeldBy lists the roles of an account that is in these groups of the directory.
func (b *RoleBook) HeldBy(accountID string, groups []string) []heldRole {
	candidates := slices.Clone(b.ofAccount[accountID])
	for _, name := range groups {
		candidates = append(candidates, b.ofGroup[strings.ToLower(name)]...)
	}
	if len(candidates) == 0 {
		return nil
	}
	var held []heldRole
	seen := make(map[*Role]bool, len(candidates))
	for _, r := range candidates {
		if !seen[r] {
			seen[r] = true
			held = append(held, heldRole{r, r.HeldBy(accountID), r.Through(accountID, groups)})
		}
	}
	slices.SortFunc(held, func(x, y heldRole) int { return b.rank[x.Role] - b.rank[y.Role] })
	return held
}

// WithThrough adds the groups that the role is held through, if any.
func (h heldRole) WithThrough(o query.Object) query.Object {
	if len(h.through) == 0 {
		return o
	}
	names := make([]any, 0, len(h.through))
	for _, name := range h.through {
		names = append(names, name)
	}
	return append(o, query.Member{Name: "through", Value: names})
}
