package idhub

import (
	"context"
	"net/http"

	"scim-atlassian/scim/directory"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/roles"
	"scim-atlassian/scim/upstream"
)

// Patch implements resource.Patcher for operations that name members by id.
func (b *entitlements) Patch(ctx context.Context, id string, ops []resource.Operation) (query.Object, bool, error) {
	members, err := b.accounts.cfg.Group.Schema.Resolve("members")
	if err != nil {
		return nil, true, err
	}
	translated := make([]resource.Operation, 0, len(ops))
	var change directory.LinkChange
	for _, op := range ops {
		if op.Path.Attr.Name != b.m.members || !change.Take(op) {
			return nil, false, nil
		}
		if op.Op == "add" {
			op.Value = bareMembers(op.Value)
		}
		op.Path = members
		translated = append(translated, op)
	}
	if roles.IsRoleID(id) {
		found, err := b.changeRole(ctx, id, change.Added, change.Removed)
		return found, true, err
	}
	g, _, err := b.groups.Patch(ctx, id, translated)
	if g == nil || err != nil {
		return nil, true, ofEntitlement(err, id)
	}
	return b.m.ofGroup(g, mirror.Need{Links: true}), true, nil
}

// Complete implements resource.Completer.
func (b *entitlements) Complete(_ context.Context, _ string, doc *query.Object) (string, error) {
	return "", b.m.complete(doc)
}

// Update implements resource.Backend.
func (b *entitlements) Update(ctx context.Context, current, want query.Object) (query.Object, error) {
	id := current.Text("id")
	if current.Text(b.m.kind) == kindRole {
		if want.Text("externalId") != "" {
			return nil, resource.Mutability("externalId: a project role has none.")
		}
		add, remove := entitlementChanges(current.Elements(b.m.members), want.Elements(b.m.members))
		if len(add)+len(remove) == 0 {
			return current, nil
		}
		return b.changeRole(ctx, id, add, remove)
	}
	before, after := b.groupOf(current), b.groupOf(want)
	g, err := b.groups.Update(ctx, before, after)
	if g == nil || err != nil {
		return nil, ofEntitlement(err, id)
	}
	return b.m.ofGroup(g, mirror.Need{Links: true}), nil
}

// groupOf returns the group behind an entitlement, as far as the entitlement shows
// it.
func (b *entitlements) groupOf(o query.Object) query.Object {
	_, name, _ := splitName(o.Text(b.m.name))
	g := query.Texts("id", o.Text("id"), "externalId", o.Text("externalId"), "displayName", name)
	if v, ok := o.Get(b.m.members); ok {
		g.Set("members", v) // with their names, which the answer to a PUT without changes shows
	}
	return append(g, query.Member{Name: "meta", Value: o.Inner("meta")})
}

// changeRole gives a role to accounts and takes it from others. Unless the client
// asks for attributes, the answer is 204: to show the members, the users behind all
// of them would have to be found.
func (b *entitlements) changeRole(ctx context.Context, id string, add, remove []string) (query.Object, error) {
	role, err := b.roles.Read(ctx, id)
	if err != nil {
		return nil, err
	}
	people, err := b.people(ctx, add, remove)
	if err != nil {
		return nil, err
	}
	var parts []target
	for i, user := range people {
		parts = append(parts, target{id: user.Text("id"), title: resource.InQuotes(personName(user)), revoke: i >= len(query.Unique(add)), role: role})
	}
	for i, t := range parts {
		check := b.accounts.grantable
		if t.revoke {
			check = b.accounts.revocable
		}
		if err := check(people[i], []target{{title: kindRole + "~" + role.Title(), revoke: t.revoke, role: role}}); err != nil {
			e := *upstream.AsError(err)
			e.Detail = b.m.members + " " + t.title + ": " + e.Detail
			return nil, &e
		}
	}
	if err := keepsAdministrator(ctx, role, len(query.Unique(add)) > 0, people[len(query.Unique(add)):]...); err != nil {
		return nil, err
	}
	done := &progress{}
	defer done.note(ctx)
	for i, t := range parts {
		was := role.HeldBy(directory.AccountIDOf(people[i]))
		if role, err = b.changeHolder(ctx, role, people[i], t.revoke); err != nil {
			return nil, done.stopped(err, parts[i:])
		}
		if was == t.revoke {
			done.parts = append(done.parts, t)
		}
	}
	found, err := b.answer(ctx, role)
	if err != nil {
		return nil, done.stopped(err, nil)
	}
	return found, nil
}

// answer returns the role in the answer to a change of its members.
func (b *entitlements) answer(ctx context.Context, role *roles.Role) (query.Object, error) {
	r := resource.RequestOf(ctx)
	if r.Quiet {
		return nil, nil
	}
	found, err := b.ofRoles(ctx, []*roles.Role{role}, mirror.Need{Links: r.Want.Wants(b.m.members)})
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// personName returns the name of a user for a message.
func personName(user query.Object) string {
	if name := user.Text("userName"); name != "" {
		return name
	}
	return user.Text("id")
}

// people reads the users behind members, those to add first.
func (b *entitlements) people(ctx context.Context, add, remove []string) ([]query.Object, error) {
	ids := append(query.Unique(add), query.Unique(remove)...)
	found := make([]query.Object, len(ids))
	err := mirror.Parallel(ctx, len(ids), func(ctx context.Context, i int) (err error) {
		found[i], err = b.holder(ctx, ids[i])
		return err
	})
	return found, err
}

// changeHolder gives a role to the account behind a user, or takes it, and returns
// the role afterwards.
func (b *entitlements) changeHolder(ctx context.Context, role *roles.Role, user query.Object, revoke bool) (*roles.Role, error) {
	if revoke {
		return b.roles.Revoke(ctx, role, directory.AccountIDOf(user))
	}
	user, err := b.accounts.linked(ctx, user)
	if err != nil {
		return role, err
	}
	now, err := b.roles.Grant(ctx, role, directory.AccountIDOf(user), isProvisioned(user))
	if err != nil && resource.AsError(err).Status == http.StatusBadRequest && !isProvisioned(user) {
		if _, readErr := b.groups.Read(ctx, user.Text("id")); readErr == nil {
			return role, directory.GroupAsMember(user.Text("id"))
		}
	}
	return now, err
}
