package roles

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/query"
)

// Role is a role of one project. Nobody writes to a role once it was read.
type Role struct {
	Project jql.Entry
	id      int64
	Name    string
	// Holders and Groups are empty in a book without holders.
	Holders []RoleHolder // accounts that hold the role themselves
	Groups  []roleGroup  // groups whose members hold it
}

// RoleHolder is an account that holds a role.
type RoleHolder struct{ AccountID, Name string }

// holding says whether an account holds a role itself.
type holding struct {
	RoleHolder
	held bool
}

// roleGroup is a group of Jira that holds a role.
type roleGroup struct {
	Name      string
	Directory string       // id in the directory, "" if the directory does not have the group
	Accounts  []RoleHolder // the members, of a group that the directory does not have
}

func roleID(project string, id int64) string {
	return "role-" + project + "-" + strconv.FormatInt(id, 10)
}

// EntitlementID returns the role's id as an entitlement, made of the ids of project
// and role.
func (r *Role) EntitlementID() string { return roleID(r.Project.ID, r.id) }

// Title returns the role's name as an entitlement.
func (r *Role) Title() string { return r.Name + " in " + r.Project.Name + " project" }

// IsRoleID reports whether the id of an entitlement is that of a role. Ids of
// groups are UUIDs.
func IsRoleID(id string) bool {
	_, _, ok := parseRoleID(id)
	return ok
}

func parseRoleID(id string) (project string, role int64, ok bool) {
	rest, ok := strings.CutPrefix(id, "role-")
	project, number, found := strings.Cut(rest, "-")
	role, err := strconv.ParseInt(number, 10, 64)
	return project, role, ok && found && jql.IsNumber(project) && err == nil && roleID(project, role) == id
}

// HeldBy reports whether an account holds the role itself.
func (r *Role) HeldBy(accountID string) bool {
	return slices.ContainsFunc(r.Holders, func(h RoleHolder) bool { return h.AccountID == accountID })
}

// IsLast reports whether a role for administrators, by its name, would be left
// without a holder if it was taken from accounts.
func (r *Role) IsLast(accounts []string) bool {
	stays := func(h RoleHolder) bool { return !slices.Contains(accounts, h.AccountID) }
	return strings.Contains(strings.ToLower(r.Name), "admin") && len(r.Groups) == 0 && len(r.Holders) > 0 && !slices.ContainsFunc(r.Holders, stays)
}

// Through returns the names of the groups through which an account holds the role,
// given the names of its groups in the directory.
func (r *Role) Through(accountID string, groups []string) []string {
	var names []string
	for _, g := range r.Groups {
		sameName := func(name string) bool { return strings.EqualFold(name, g.Name) }
		sameAccount := func(h RoleHolder) bool { return h.AccountID == accountID }
		if g.Directory != "" && slices.ContainsFunc(groups, sameName) || slices.ContainsFunc(g.Accounts, sameAccount) {
			names = append(names, g.Name)
		}
	}
	return names
}

// RoleBook holds roles as they were at one time. It never changes.
type RoleBook struct {
	Roles []*Role // by project and name
	byID  map[string]*Role
	rank  map[*Role]int // the index in Roles
	// The roles that an account may hold, by its id and by the lower-case names of
	// its groups.
	ofAccount, ofGroup map[string][]*Role
}

func newRoleBook(all []*Role) *RoleBook {
	b := &RoleBook{Roles: all, byID: map[string]*Role{}, rank: map[*Role]int{}, ofAccount: map[string][]*Role{}, ofGroup: map[string][]*Role{}}
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

// heldRole says how an account holds a role.
type heldRole struct {
	*Role
	Direct  bool     // the account holds the role itself
	through []string // names of the groups through which it holds the role
}

// Role returns a role by its id as an entitlement, nil if there is none.
func (b *RoleBook) Role(id string) *Role { return b.byID[id] }

// HeldBy returns the roles that an account holds, itself or through a group, given
// the names of its groups in the directory.
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

// WithThrough appends the attribute through to o: the names of the groups through
// which the account holds the role. Without such groups, it returns o.
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
