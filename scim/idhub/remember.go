package idhub

import (
	"context"
	"slices"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/changes"
	"scim-atlassian/scim/directory"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/organization"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/roles"
)

// This file is what the views remember: the log has changes of users, groups and roles,
// and these change accounts and entitlements. It has changes of the organization's
// accounts too: those that no user is linked to are accounts here.

const (
	userLog  = "User"
	groupLog = "Group"
)

// Mark implements resource.Rememberer.
func (b *accounts) Mark(ctx context.Context, fresh bool) (resource.Mark, error) {
	if b.others == nil {
		return marked(ctx, fresh, b.users.Mark, b.roles.Mark)
	}
	return marked(ctx, fresh, b.others.everyone.Mark, func(ctx context.Context, fresh bool) (resource.Mark, error) {
		return marked(ctx, fresh, b.users.Mark, b.roles.Mark)
	})
}

// Logged implements resource.Rememberer.
func (b *accounts) Logged() []string {
	if b.others == nil {
		return []string{userLog, roles.LogType}
	}
	return []string{userLog, roles.LogType, organization.LogType}
}

// Mark implements resource.Rememberer.
func (b *entitlements) Mark(ctx context.Context, fresh bool) (resource.Mark, error) {
	return marked(ctx, fresh, b.accounts.Mark, b.groups.Mark)
}

// Logged implements resource.Rememberer.
func (b *entitlements) Logged() []string { return []string{groupLog, roles.LogType, userLog} }

// marked brings two types up to date. What the mark rests on is the older of both.
func marked(ctx context.Context, fresh bool, one, other func(context.Context, bool) (resource.Mark, error)) (resource.Mark, error) {
	first, err := one(ctx, fresh)
	if err != nil {
		return first, err
	}
	second, err := other(ctx, fresh)
	if second.AsOf.After(first.AsOf) {
		second.AsOf = first.AsOf
	}
	if second.Proven.After(first.Proven) {
		second.Proven = first.Proven
	}
	return second, err
}

// Changed implements resource.Rememberer. A change of a role changes the accounts that
// gained or lost it, and one of a user the account of the organization that it is linked to.
func (b *accounts) Changed(ctx context.Context, entries []resource.LogEntry) ([]resource.Change, error) {
	c := changing{accounts: b, book: b.roles.Known()}
	var all []resource.Change
	for _, e := range entries {
		of := c.byRole
		switch e.Type {
		case userLog:
			of = c.byUser
		case organization.LogType:
			of = c.byOrganization
		}
		found, err := of(ctx, e)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// changing makes changes of accounts of entries of the log.
type changing struct {
	*accounts
	book *roles.RoleBook
	ids  map[string]string // of the users that are known, by the ids of their accounts; nil: nobody has asked
}

// userOf returns the id of the user that is linked to an account, "" if none is.
func (c *changing) userOf(account string) string {
	if c.ids == nil {
		c.ids = c.idsByAccount()
	}
	return c.ids[account]
}

func (c *changing) byUser(ctx context.Context, e resource.LogEntry) ([]resource.Change, error) {
	changed, err := c.users.Changed(ctx, []resource.LogEntry{e})
	if err != nil {
		return nil, err
	}
	all := []resource.Change{c.ofUser(changed[0], c.book)}
	if c.others == nil || e.Op == resource.Updated && !slices.Contains(e.Names, atlassian.ExternalSchema) {
		return all, nil
	}
	var linked []string
	for _, user := range []query.Object{changed[0].Before, changed[0].Now} {
		if account := directory.AccountIDOf(user); account != "" {
			linked = append(linked, account)
		}
	}
	for _, account := range query.Unique(linked) { // it is no account of its own any more, or again
		all = append(all, resource.Change{Seq: e.Seq, ID: account, Op: resource.Created, Now: c.outsider(account)})
		if all[len(all)-1].Now == nil {
			all[len(all)-1].Op = resource.Deleted
		}
	}
	return all, nil
}

func (c *changing) byRole(_ context.Context, e resource.LogEntry) ([]resource.Change, error) {
	holders, err := c.roles.Affected(e)
	var all []resource.Change
	for _, account := range holders {
		change := resource.Change{Seq: e.Seq, ID: c.userOf(account), Op: resource.Updated, Names: []string{c.entitlements, "meta"}}
		if change.ID != "" {
			change.Now = c.now(change.ID, c.book)
		} else if change.ID, change.Now = account, c.outsider(account); change.Now == nil {
			continue
		}
		all = append(all, change)
	}
	return all, err
}

// byOrganization has nothing to say of an account that a user is linked to: where that
// was not so before, the log has an entry of the user.
func (c *changing) byOrganization(_ context.Context, e resource.LogEntry) ([]resource.Change, error) {
	if c.userOf(e.ID) != "" {
		return nil, nil
	}
	changed, err := c.others.everyone.Changed([]resource.LogEntry{e})
	if err != nil {
		return nil, err
	}
	return []resource.Change{c.ofUser(changed[0], c.book)}, nil
}

// outsider returns an account that no user is linked to as it is known at present, nil
// if there is none.
func (c *changing) outsider(account string) query.Object {
	if c.others == nil || c.userOf(account) != "" {
		return nil
	}
	o := c.others.everyone.Known(account)
	if o == nil {
		return nil
	}
	return c.m.object(o, c.book)
}

// ofUser returns the change of an account that the change of its user is. Which of the
// attributes changed is told by comparing the account before and now; the groups of the
// user are among its entitlements.
func (b *accounts) ofUser(c resource.Change, book *roles.RoleBook) resource.Change {
	out := resource.Change{Seq: c.Seq, ID: c.ID, Op: c.Op}
	if c.Before != nil {
		out.Before = b.m.object(c.Before, nil)
	}
	if c.Now != nil {
		out.Now = b.m.object(c.Now, book)
	}
	if c.Op != resource.Updated {
		return out
	}
	if now := c.Now; now != nil && out.Before != nil {
		out.Names = changes.Between(out.Before, b.m.object(now, nil), resource.Links{}).Names
	}
	if b.entitlements != "" && slices.Contains(c.Names, "groups") {
		out.Names = append(out.Names, b.entitlements)
	}
	return out
}

// idsByAccount returns the ids of the users that are known, by the ids of their accounts.
func (b *accounts) idsByAccount() map[string]string {
	ids := map[string]string{}
	for _, u := range b.users.Copied(nil) {
		if account := directory.AccountIDOf(u); account != "" {
			ids[account] = u.Text("id")
		}
	}
	return ids
}

// now returns an account as it is known at present, nil if it is gone.
func (b *accounts) now(id string, book *roles.RoleBook) query.Object {
	user := b.users.Known(id)
	if user == nil {
		return nil
	}
	return b.m.object(user, book)
}

// Changed implements resource.Rememberer. The members of a role are those of the
// groups that hold it too, and have the names that the directory has.
func (b *entitlements) Changed(ctx context.Context, entries []resource.LogEntry) ([]resource.Change, error) {
	var all []resource.Change
	byGroup, byAccount := b.roles.Holdings()
	for _, e := range entries {
		var own resource.Change
		var held []string // roles whose members changed
		var err error
		switch e.Type {
		case groupLog:
			if own, err = b.ofGroupChange(ctx, e); e.Op != resource.Updated || slices.Contains(e.Names, "members") {
				held = byGroup[e.ID]
			}
		case userLog:
			held, err = b.heldByUser(ctx, e, byAccount)
		default:
			own, err = b.ofRoleChange(ctx, e)
		}
		if err != nil {
			return nil, err
		}
		if own.ID != "" {
			all = append(all, own)
		}
		for _, id := range held {
			change, err := b.ofRoleMembers(ctx, e.Seq, id)
			if err != nil {
				return nil, err
			}
			all = append(all, change)
		}
	}
	return all, nil
}

// heldByUser returns the roles that show the person of an entry otherwise than before.
func (b *entitlements) heldByUser(ctx context.Context, e resource.LogEntry, byAccount map[string][]string) ([]string, error) {
	if e.Op == resource.Updated && !slices.Contains(e.Names, "userName") {
		return nil, nil
	}
	changed, err := b.accounts.users.Changed(ctx, []resource.LogEntry{e})
	if err != nil {
		return nil, err
	}
	for _, user := range []query.Object{changed[0].Now, changed[0].Before} {
		if account := directory.AccountIDOf(user); account != "" {
			return byAccount[account], nil
		}
	}
	return nil, nil
}

// ofRoleMembers returns the change of a role whose members are others now.
func (b *entitlements) ofRoleMembers(ctx context.Context, seq int64, id string) (resource.Change, error) {
	out := resource.Change{Seq: seq, ID: id, Op: resource.Updated, Names: []string{b.m.members}}
	now := b.roles.KnownRole(id)
	if now == nil {
		return out, nil
	}
	found, err := b.ofRoles(ctx, []*roles.Role{now}, mirror.Need{Links: true})
	if err != nil {
		return out, err
	}
	out.Now, out.Before = found[0], b.m.ofRole(now, nil) // of the rest, nothing has changed by this
	return out, nil
}

func (b *entitlements) ofGroupChange(ctx context.Context, e resource.LogEntry) (resource.Change, error) {
	changed, err := b.groups.Changed(ctx, []resource.LogEntry{e})
	if err != nil {
		return resource.Change{}, err
	}
	c := changed[0]
	out := resource.Change{Seq: c.Seq, ID: c.ID, Op: c.Op, Joined: c.Joined, Left: c.Left}
	if c.Before != nil {
		out.Before = b.m.ofGroup(c.Before, mirror.Need{})
	}
	if c.Now != nil {
		out.Now = b.m.ofGroup(c.Now, mirror.Need{Links: true})
	}
	if c.Op == resource.Updated && c.Now != nil && out.Before != nil {
		out.Names = changes.Between(out.Before, b.m.ofGroup(c.Now, mirror.Need{}), resource.Links{}).Names
		if slices.Contains(c.Names, "members") && b.m.members != "" {
			out.Names = append(out.Names, b.m.members)
		}
	}
	return out, nil
}

func (b *entitlements) ofRoleChange(ctx context.Context, e resource.LogEntry) (resource.Change, error) {
	out := resource.Change{Seq: e.Seq, ID: e.ID, Op: e.Op}
	before, err := roles.Before(e)
	if err != nil {
		return out, err
	}
	if before != nil {
		out.Before = b.m.ofRole(before, nil)
	}
	now := b.roles.KnownRole(e.ID)
	if now == nil {
		return out, nil
	}
	found, err := b.ofRoles(ctx, []*roles.Role{now}, mirror.Need{Links: true})
	if err != nil {
		return out, err
	}
	out.Now = found[0]
	if e.Op == resource.Updated {
		if out.Before != nil {
			out.Names = changes.Between(out.Before, b.m.ofRole(now, nil), resource.Links{}).Names
		}
		if b.m.members != "" && (slices.Contains(e.Names, "holders") || slices.Contains(e.Names, "groups")) {
			out.Names = append(out.Names, b.m.members)
		}
	}
	return out, nil
}
