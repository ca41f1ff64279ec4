package roles

import (
	"scim-atlassian/scim/mirror"
)

// This file is what readings of roles cost, for plans. Nothing in it makes a call.

// perPage is how many projects, or members of a group, Jira lists in one call.
const perPage = 50

// ReadCost returns the number of upstream calls that Book takes for a need, -1 as long
// as nobody has read the roles.
func (r *Roles) ReadCost(need mirror.Need) int {
	if !need.Fresh && r.Known() != nil {
		return 0
	}
	if !need.Links {
		if _, kept := r.names.Peek(); kept && !need.Fresh {
			return 0
		}
		if projects := int(r.projects.Load()); projects > 0 {
			return projects + pages(projects)
		}
		return -1
	}
	made := r.book.Load()
	if made == nil {
		return -1
	}
	all := made.book.Roles
	projects := map[string]bool{}
	for _, role := range all {
		projects[role.Project.ID] = true
	}
	return pages(len(projects)) + len(projects) + len(all) + groupsCost(all)
}

// SomeCost returns the number of upstream calls that Some takes, -1 as long as nobody
// has read one of the roles.
func (r *Roles) SomeCost(ids []string) int {
	cost := 1 // the projects
	for _, id := range ids {
		role := r.seen(id)
		if role == nil {
			return -1
		}
		cost += 1 + groupsCost([]*Role{role})
	}
	return cost
}

// seen returns a role as it was when it was last read with others, nil if it was not.
func (r *Roles) seen(id string) *Role {
	if some := r.some.Load(); some != nil && some.byID[id] != nil {
		return some.byID[id]
	}
	if made := r.book.Load(); made != nil {
		return made.book.byID[id]
	}
	return nil
}

// groupsCost returns the number of upstream calls that it takes to look up the groups
// which hold roles, each once, with the members of those that the directory does not have.
func groupsCost(all []*Role) int {
	var cost int
	seen := map[string]bool{}
	for _, role := range all {
		for _, g := range role.Groups {
			if seen[g.Name] {
				continue
			}
			seen[g.Name] = true
			if cost++; g.Directory == "" {
				cost += pages(len(g.Accounts))
			}
		}
	}
	return cost
}

func pages(entries int) int { return max(1, (entries+perPage-1)/perPage) }
