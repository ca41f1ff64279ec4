package scim

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"scim-atlassian/scim/jql"
)

// projectRole is a role of one project. Its id as an entitlement is made of the
// ids of both.
type projectRole struct {
	project jql.Entry
	id      int64
	name    string
	// What follows is known of a role that was read, see roleBook.whole.
	holders []roleHolder // accounts that hold it themselves
	groups  []roleGroup  // groups that hold it
}

// roleHolder is an account.
type roleHolder struct{ accountID, name string }

// roleGroup is a group of Jira that holds a role.
type roleGroup struct {
	name      string
	directory string       // id in the directory, "" if it is none of its groups
	accounts  []roleHolder // of a group that is not in the directory
}

func roleID(project string, id int64) string {
	return "role-" + project + "-" + strconv.FormatInt(id, 10)
}

func (r *projectRole) entitlementID() string { return roleID(r.project.ID, r.id) }

// title is the name of a role as an entitlement.
func (r *projectRole) title() string { return r.name + " in " + r.project.Name + " project" }

// parseRoleID reads the id of an entitlement that is a role; ok is false if it
// is that of a group. Directory ids are UUIDs.
func parseRoleID(id string) (project string, role int64, ok bool) {
	rest, ok := strings.CutPrefix(id, "role-")
	project, number, found := strings.Cut(rest, "-")
	role, err := strconv.ParseInt(number, 10, 64)
	return project, role, ok && found && jql.IsNumber(project) && err == nil && roleID(project, role) == id
}

func (r *projectRole) heldBy(accountID string) bool {
	return slices.ContainsFunc(r.holders, func(h roleHolder) bool { return h.accountID == accountID })
}

// through names the groups that make an account a holder, given the names of
// its groups in the directory.
func (r *projectRole) through(accountID string, groups []string) []string {
	var names []string
	for _, g := range r.groups {
		named := func(name string) bool { return strings.EqualFold(name, g.name) }
		is := func(h roleHolder) bool { return h.accountID == accountID }
		if g.directory != "" && slices.ContainsFunc(groups, named) || slices.ContainsFunc(g.accounts, is) {
			names = append(names, g.name)
		}
	}
	return names
}

// roleBook is the roles at one time. It never changes.
type roleBook struct {
	roles []*projectRole // by project and name
	whole bool           // who holds them was read
	byID  map[string]*projectRole
	rank  map[*projectRole]int // in roles
	// The roles that may concern an account, by its id and by the folded names of
	// its groups.
	ofAccount, ofGroup map[string][]*projectRole
}

func newRoleBook(all []*projectRole, whole bool) *roleBook {
	b := &roleBook{roles: all, whole: whole, byID: map[string]*projectRole{}, rank: map[*projectRole]int{}, ofAccount: map[string][]*projectRole{}, ofGroup: map[string][]*projectRole{}}
	slices.SortStableFunc(b.roles, func(x, y *projectRole) int {
		return cmp.Or(strings.Compare(x.project.Key, y.project.Key), strings.Compare(x.name, y.name), cmp.Compare(x.id, y.id))
	})
	for i, r := range b.roles {
		b.byID[r.entitlementID()], b.rank[r] = r, i
		for _, h := range r.holders {
			b.ofAccount[h.accountID] = append(b.ofAccount[h.accountID], r)
		}
		for _, g := range r.groups {
			if g.directory != "" {
				b.ofGroup[strings.ToLower(g.name)] = append(b.ofGroup[strings.ToLower(g.name)], r)
			}
			for _, h := range g.accounts {
				b.ofAccount[h.accountID] = append(b.ofAccount[h.accountID], r)
			}
		}
	}
	return b
}

// with returns the book in which an account holds a role itself, or no longer.
func (b *roleBook) with(id string, account roleHolder, holds bool) *roleBook {
	role := b.byID[id]
	if role == nil || role.heldBy(account.accountID) == holds {
		return b
	}
	all := slices.Clone(b.roles)
	all[b.rank[role]] = role.with(account, holds)
	return newRoleBook(all, b.whole)
}

// with returns the role that an account holds itself, or no longer.
func (r *projectRole) with(account roleHolder, holds bool) *projectRole {
	changed := *r
	changed.holders = slices.DeleteFunc(slices.Clone(r.holders), func(h roleHolder) bool { return h.accountID == account.accountID })
	if holds {
		changed.holders = append(changed.holders, account)
	}
	return &changed
}

// heldRole is a role as an account holds it.
type heldRole struct {
	*projectRole
	direct  bool
	through []string // names of groups
}

// heldBy lists the roles of an account that is in these groups of the directory.
func (b *roleBook) heldBy(accountID string, groups []string) []heldRole {
	candidates := slices.Clone(b.ofAccount[accountID])
	for _, name := range groups {
		candidates = append(candidates, b.ofGroup[strings.ToLower(name)]...)
	}
	if len(candidates) == 0 {
		return nil
	}
	var held []heldRole
	seen := make(map[*projectRole]bool, len(candidates))
	for _, r := range candidates {
		if !seen[r] {
			seen[r] = true
			held = append(held, heldRole{r, r.heldBy(accountID), r.through(accountID, groups)})
		}
	}
	slices.SortFunc(held, func(x, y heldRole) int { return b.rank[x.projectRole] - b.rank[y.projectRole] })
	return held
}
