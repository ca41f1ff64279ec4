package idhub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/directory"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/roles"
	"scim-atlassian/scim/upstream"
)

// target is an entitlement to assign to an account, or to revoke from it.
type target struct {
	id, title string
	revoke    bool
	role      *roles.Role // nil: a group
}

// targets looks up the entitlements of a change, those to assign first. Assigning an
// unknown entitlement is refused; revoking one is left out. A group that is the
// whole change is not looked up: the write itself tells whether it exists.
func (b *accounts) targets(ctx context.Context, change accountChange) ([]target, error) {
	var all []target
	for _, id := range query.Unique(change.assign) {
		all = append(all, target{id: id, title: resource.InQuotes(id)})
	}
	for _, id := range query.Unique(change.revoke) {
		all = append(all, target{id: id, title: resource.InQuotes(id), revoke: true})
	}
	alone := len(all) == 1 && len(change.attributes) == 0
	gone := make([]bool, len(all))
	err := mirror.Parallel(ctx, len(all), func(ctx context.Context, i int) (err error) {
		t := &all[i]
		if roles.IsRoleID(t.id) {
			if t.role, err = b.roles.Read(ctx, t.id); err == nil {
				t.title = kindRole + "~" + t.role.Title()
			}
		} else if !t.revoke && !alone {
			var g query.Object
			if g, err = b.groups.Read(ctx, t.id); err == nil {
				t.title = kindGroup + "~" + g.Text("displayName")
			}
		}
		if gone[i] = upstream.IsGone(err); gone[i] && t.revoke {
			return nil
		}
		return b.unknownEntitlement(err, t.id)
	})
	if err != nil {
		return nil, err
	}
	present := all[:0]
	for i, t := range all {
		if !gone[i] {
			present = append(present, t)
		}
	}
	return present, nil
}

// unknownEntitlement turns a 404 for an entitlement named in the body into 400
// invalidValue: the account exists, the reference is wrong.
func (b *accounts) unknownEntitlement(err error, id string) error {
	if upstream.IsGone(err) {
		return &resource.Error{Status: http.StatusBadRequest, Type: resource.TypeInvalidValue, Err: err,
			Detail: fmt.Sprintf("%s names %q, which is no entitlement; nothing was changed.", b.entitlements, resource.Clip(id))}
	}
	return err
}

// grantable refuses to assign a role to an account that is not active, since Jira
// does not know it then, or a group to an account without a record in the
// directory.
func (b *accounts) grantable(user query.Object, targets []target) error {
	active, known := user.Get("active")
	for _, t := range targets {
		switch {
		case t.revoke:
		case t.role != nil && known && active == false:
			return resource.InvalidValue("%s: %s cannot be assigned, since the account is not active; enable it in the same request or before.", b.entitlements, t.title)
		case t.role == nil && !isProvisioned(user):
			return resource.InvalidValue("%s: %s cannot be assigned, since the directory has no record of the account, and only users of the directory can be in its groups.", b.entitlements, t.title)
		}
	}
	return nil
}

// revocable refuses to revoke a role that the account holds through a group and
// keeps with it.
func (b *accounts) revocable(user query.Object, targets []target) error {
	var groups []string
	for _, g := range groupsIn(user) {
		leaves := func(t target) bool { return t.revoke && t.id == g.id }
		if !slices.ContainsFunc(targets, leaves) {
			groups = append(groups, g.name)
		}
	}
	id := directory.AccountIDOf(user)
	for _, t := range targets {
		if !t.revoke || t.role == nil || t.role.HeldBy(id) {
			continue
		}
		if through := t.role.Through(id, groups); len(through) > 0 {
			return resource.Mutability("%s: %s is held through the group %s and cannot be revoked on the account; take the account out of the group, or the role from the group.",
				b.entitlements, t.title, quoteAll(through))
		}
	}
	return nil
}

// keepsAdministrator refuses to take a role for administrators from the last accounts
// that hold it, unless others get it or the caller may do so.
func keepsAdministrator(ctx context.Context, role *roles.Role, gained bool, lose ...query.Object) error {
	var accounts []string
	for _, user := range lose {
		accounts = append(accounts, directory.AccountIDOf(user))
	}
	if gained || !resource.RequestOf(ctx).KeepAdministrators || !role.IsLast(accounts) {
		return nil
	}
	return resource.Refuse(http.StatusForbidden, "protected",
		"The role %s would have no holder any more, and nobody could administer the project: give it to somebody else first, or have a caller with the setting protected do it. Nothing was changed.", resource.InQuotes(role.Title()))
}

// assign assigns and revokes entitlements and returns the answer to the write. If
// one of them fails, the rest is not tried, and the error names what was done.
func (b *accounts) assign(ctx context.Context, user query.Object, targets []target, done *progress) (query.Object, error) {
	defer done.note(ctx)
	joined := false
	for i, t := range targets {
		var err error
		changed := false
		if t.role != nil {
			user, changed, err = b.changeRole(ctx, user, t)
		} else {
			changed, err = b.changeGroup(ctx, user, t)
			joined = joined || changed
		}
		if err != nil {
			return nil, done.stopped(err, targets[i:])
		}
		if changed {
			done.parts = append(done.parts, t)
		}
	}
	if joined && b.showsEntitlements(ctx) {
		now, err := b.users.Read(ctx, user.Text("id"))
		if err != nil {
			return nil, done.stopped(err, nil)
		}
		user = now
	}
	return b.answer(ctx, user)
}

// showsEntitlements reports whether the answer to the request may show entitlements.
func (b *accounts) showsEntitlements(ctx context.Context) bool {
	r := resource.RequestOf(ctx)
	return r.Want.Wants(b.entitlements) && (!r.Quiet || b.roles.Known() != nil)
}

// changeGroup adds a user to a group, or removes it, unless that is so already.
func (b *accounts) changeGroup(ctx context.Context, user query.Object, t target) (changed bool, err error) {
	isMember := slices.ContainsFunc(groupsIn(user), func(g directoryGroup) bool { return g.id == t.id })
	if isMember != t.revoke {
		return false, nil
	}
	add, remove := []string{user.Text("id")}, []string(nil)
	if t.revoke {
		add, remove = remove, add
	}
	if _, err = b.groups.ChangeMembers(ctx, t.id, add, remove); upstream.IsGone(err) && t.revoke {
		return false, nil
	}
	return err == nil, b.unknownEntitlement(err, t.id)
}

// changeRole gives a role to the account behind a user, or takes it, unless that is so
// already. It returns the user, which may have been linked to an account meanwhile.
func (b *accounts) changeRole(ctx context.Context, user query.Object, t target) (after query.Object, changed bool, err error) {
	if t.revoke {
		if directory.AccountIDOf(user) == "" {
			return user, false, nil
		}
		_, err := b.roles.Revoke(ctx, t.role, directory.AccountIDOf(user))
		return user, t.role.HeldBy(directory.AccountIDOf(user)), err
	}
	if user, err = b.linked(ctx, user); err != nil {
		return user, false, err
	}
	_, err = b.roles.Grant(ctx, t.role, directory.AccountIDOf(user), isProvisioned(user))
	return user, !t.role.HeldBy(directory.AccountIDOf(user)), err
}

// linked returns the user once Atlassian has linked it to an account, which may take
// a moment after the user was created.
func (b *accounts) linked(ctx context.Context, user query.Object) (query.Object, error) {
	patience := b.roles.Patience()
	for directory.AccountIDOf(user) == "" {
		if err := patience.Wait(ctx, "Atlassian has not linked the user to an account yet, and Jira knows accounts only; repeat the request.", nil); err != nil {
			return user, err
		}
		now, err := b.users.Read(ctx, user.Text("id"))
		if err != nil {
			return user, err
		}
		user = now
	}
	return user, nil
}

// progress records the steps that a write has done.
type progress struct {
	made   string   // the id of the account that was created, "" if none was
	before string   // a clause about the step before the targets, "" if there was none
	parts  []target // the targets that are done, without those that were so already
}

// note puts the assigned and revoked entitlements into the audit line.
func (p *progress) note(ctx context.Context) {
	ids := map[bool][]string{}
	for _, t := range p.parts {
		ids[t.revoke] = append(ids[t.revoke], t.id)
	}
	for revoked, name := range map[bool]string{false: "assigned", true: "revoked"} {
		if len(ids[revoked]) > 0 {
			resource.RequestOf(ctx).Remark(name, ids[revoked])
		}
	}
}

// stopped returns the error of a write that failed at the first target of rest. It
// names the steps that are done, since they are not undone. A partial error says that
// the first was done too, and only reading it afterwards failed; of one of unknown
// outcome, nobody can say.
func (p *progress) stopped(err error, rest []target) error {
	e := *upstream.AsError(err)
	failed := rest
	if (e.Partial || e.Unknown) && len(rest) > 0 {
		rest = rest[1:]
	}
	if e.Partial && len(failed) > 0 {
		defer func() { p.parts = append(p.parts, failed[0]) }()
	}
	var steps []string
	if p.before != "" {
		steps = append(steps, p.before)
	}
	for _, t := range p.parts {
		steps = append(steps, t.verb()+" "+t.title)
	}
	e.Err = err
	if len(steps) == 0 && len(failed) <= 1 {
		return &e
	}
	if len(steps) > 0 {
		e = *upstream.Partial(err)
		e.Made = p.made
		e.Detail += " Done before: " + strings.Join(steps, "; ") + "."
	}
	if len(failed) > 0 {
		e.Detail = failed[0].title + ": " + e.Detail
	}
	if len(rest) > 0 {
		var titles []string
		for _, t := range rest {
			titles = append(titles, t.title)
		}
		e.Detail += " Not done: " + strings.Join(titles, "; ") + ". Repeat these with a PATCH; what was done need not be undone."
	}
	if e.Status == http.StatusNotFound {
		e.Status = http.StatusBadRequest // the account itself exists
	}
	var ue *atlassian.Error
	if errors.As(err, &ue) && ue.Kind == atlassian.Conflict {
		e.Type = ""
	}
	return &e
}

func (t target) verb() string {
	if t.revoke {
		return "revoked"
	}
	return "assigned"
}

// quoteAll returns names in quotes, with commas between them.
func quoteAll(names []string) string {
	quoted := make([]string, 0, len(names))
	for _, name := range names {
		quoted = append(quoted, resource.InQuotes(name))
	}
	return strings.Join(quoted, ", ")
}
