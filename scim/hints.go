package scim

import (
	"context"
	"slices"
	"strings"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/directory"
	"scim-atlassian/scim/feed"
	"scim-atlassian/scim/organization"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/roles"
)

// hinted reads again what hints point to: users by their accounts, groups by their
// names, the roles of projects.
type hinted struct {
	users  *directory.Users
	groups *directory.Groups
	roles  *roles.Roles
	others *organization.Accounts // nil: there are none

	account, email, displayName query.Path
}

func newHinted(user, group *resource.Type, users *directory.Users, groups *directory.Groups, r *roles.Roles, o *organization.Accounts) (*hinted, error) {
	h := &hinted{users: users, groups: groups, roles: r, others: o}
	for path, of := range map[*query.Path]struct {
		schema *query.Schema
		name   string
	}{
		&h.account:     {user.Schema, atlassian.ExternalSchema + ":atlassianAccountId"},
		&h.email:       {user.Schema, "emails.value"},
		&h.displayName: {group.Schema, "displayName"},
	} {
		p, err := of.schema.Resolve(of.name)
		if err != nil {
			return nil, err
		}
		*path = p
	}
	return h, nil
}

// act is that of feed.Config.Hinted. It costs one call for each user, and for each
// group with its members; one more finds those that are new.
func (h *hinted) act(ctx context.Context, hints feed.Hints) error {
	for _, c := range []copied{h.users, h.groups} { // what others who share the state have written is known then
		if err := c.Reread(ctx); err != nil {
			return err
		}
	}
	moved, err := h.actOnGroups(ctx, hints)
	if err != nil {
		return err
	}
	if err := h.actOnUsers(ctx, hints, moved); err != nil {
		return err
	}
	if err := h.actOnOthers(ctx, hints); err != nil {
		return err
	}
	return h.actOnRoles(ctx, hints)
}

// actOnGroups returns the users that have joined a group or left it.
func (h *hinted) actOnGroups(ctx context.Context, hints feed.Hints) (moved []string, err error) {
	ids, missing := known(h.groups, h.displayName, hints.GroupNames)
	before := members(h.groups, ids)
	if err := h.groups.Reread(ctx, ids...); err != nil {
		return nil, err
	}
	after := members(h.groups, ids)
	for id := range before {
		if !after[id] {
			moved = append(moved, id)
		}
	}
	for id := range after {
		if !before[id] {
			moved = append(moved, id)
		}
	}
	if missing || hints.SomeGroup {
		err = welcome(ctx, h.groups)
	}
	return moved, err
}

// actOnUsers reads the users that hints point to and those that moved.
func (h *hinted) actOnUsers(ctx context.Context, hints feed.Hints, moved []string) error {
	ids, missing := known(h.users, h.account, hints.Accounts)
	byEmail, others := known(h.users, h.email, hints.Emails)
	ids = query.Unique(slices.Concat(ids, byEmail, moved))
	before := h.shown(ids)
	if err := h.users.Reread(ctx, ids...); err != nil {
		return err
	}
	var groups []string
	for id, now := range h.shown(ids) {
		if was := before[id]; was.name != now.name || now.name == "" {
			groups = append(groups, was.groups...)
		}
	}
	if err := h.groups.Reread(ctx, query.Unique(groups)...); err != nil {
		return err
	}
	if missing || others || hints.SomeAccount {
		return welcome(ctx, h.users)
	}
	return nil
}

// actOnOthers reads the accounts that are no users, once it is known who is.
func (h *hinted) actOnOthers(ctx context.Context, hints feed.Hints) error {
	if h.others == nil {
		return nil
	}
	ids := slices.DeleteFunc(slices.Clone(hints.Accounts), func(id string) bool { return len(h.with(h.account, id)) > 0 })
	nameless := slices.DeleteFunc(slices.Clone(hints.Emails), func(address string) bool { return len(h.with(h.email, address)) > 0 })
	if len(nameless) > 0 || hints.SomeAccount {
		return h.others.Reread(ctx)
	}
	if len(ids) == 0 {
		return nil
	}
	return h.others.Reread(ctx, ids...)
}

// with returns the kept users with a value.
func (h *hinted) with(path query.Path, value string) []query.Object {
	return h.users.Copied(query.Compare{Path: path, Op: query.Eq, Value: value})
}

func (h *hinted) actOnRoles(ctx context.Context, hints feed.Hints) error {
	if err := h.roles.Reread(ctx, hints.Projects...); err != nil || len(hints.GroupNames) == 0 {
		return err
	}
	return h.roles.RereadHeldBy(ctx, hints.GroupNames...)
}

// copied is a backend with a copy of its resources.
type copied interface {
	Copied(filter query.Expr) []query.Object
	Newcomers(ctx context.Context) (complete bool, err error)
	Prove(ctx context.Context) error
	Reread(ctx context.Context, ids ...string) error
	Links() resource.Links
}

// known returns the ids of the kept resources with one of the values, and whether
// a value has none.
func known(c copied, path query.Path, values []string) (ids []string, missing bool) {
	for _, value := range values {
		found := c.Copied(query.Compare{Path: path, Op: query.Eq, Value: value})
		for _, o := range found {
			ids = append(ids, o.Text("id"))
		}
		missing = missing || len(found) == 0
	}
	return ids, missing
}

// welcome looks for new resources. Something unknown may be none of the directory's,
// as the number of all tells; where that is not as expected, everything is read.
func welcome(ctx context.Context, c copied) error {
	complete, err := c.Newcomers(ctx)
	if err != nil || complete {
		return err
	}
	return c.Prove(ctx)
}

// members returns the ids of the members of groups, as they are kept.
func members(groups *directory.Groups, ids []string) map[string]bool {
	all := map[string]bool{}
	for _, id := range ids {
		for member := range groups.Links().Of(groups.Known(id)) {
			all[member] = true
		}
	}
	return all
}

// shownUser is what the groups of a user show of it.
type shownUser struct {
	name   string // empty: the user is gone
	groups []string
}

func (h *hinted) shown(ids []string) map[string]shownUser {
	all := make(map[string]shownUser, len(ids))
	for _, id := range ids {
		all[id] = shownUser{}
		if u := h.users.Known(id); u != nil {
			name := strings.Join([]string{u.Text("userName"), u.Text("displayName"), u.Inner("name").Text("formatted")}, "\n")
			all[id] = shownUser{name, slices.Collect(h.users.Links().Of(u))}
		}
	}
	return all
}
