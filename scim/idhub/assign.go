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
	"scim-atlassian/scim/jira"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/upstream"
)

// target is an entitlement that an account is to hold, or not to hold any longer.
type target struct {
	id, title string
	revoke    bool
	role      *jira.Role // nil: a group
}

// targets finds the entitlements of a change, those to be assigned first. One
// that does not exist is refused if it is to be assigned, and passed over if it
// is to be revoked. A single group is left to the write itself.
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
		if _, _, isRole := jira.ParseRoleID(t.id); isRole {
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
	kept := all[:0]
	for i, t := range all {
		if !gone[i] {
			kept = append(kept, t)
		}
	}
	return kept, nil
}

// unknownEntitlement makes of a 404 about an entitlement that a request names
// the fault of the request that it is.
func (b *accounts) unknownEntitlement(err error, id string) error {
	if upstream.IsGone(err) {
		return &resource.Error{Status: http.StatusBadRequest, Type: resource.TypeInvalidValue, Err: err,
			Detail: fmt.Sprintf("%s names %q, which is no entitlement; nothing was changed.", b.entitlements, resource.Clip(id))}
	}
	return err
}

// grantable refuses roles for an account that is not active, which Jira does not
// know then, and groups for one without a record.
func (b *accounts) grantable(user query.Object, targets []target) error {
	active, said := user.Get("active")
	for _, t := range targets {
		switch {
		case t.revoke:
		case t.role != nil && said && active == false:
			return resource.InvalidValue("%s: %s cannot be assigned, since the account is not active; enable it in the same request or before.", b.entitlements, t.title)
		case t.role == nil && !isProvisioned(user):
			return resource.InvalidValue("%s: %s cannot be assigned, since the directory has no record of the account, and only users of the directory can be in its groups.", b.entitlements, t.title)
		}
	}
	return nil
}

// revocable refuses to take a role that the account has through a group that it
// stays in.
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
				b.entitlements, t.title, listed(through))
		}
	}
	return nil
}

// assign makes an account hold what it is to hold, and returns it as the answer
// to the write. If one part fails, those after it are not tried, and the error
// says what was done.
func (b *accounts) assign(ctx context.Context, user query.Object, targets []target, done *progress) (query.Object, error) {
	defer done.note(ctx)
	joined := false
	for i, t := range targets {
		var err error
		if t.role != nil {
			user, err = b.changeRole(ctx, user, t)
		} else {
			joined = true
			err = b.changeGroup(ctx, user, t)
		}
		if err != nil {
			return nil, done.stopped(err, targets[i:])
		}
		done.parts = append(done.parts, t)
	}
	if joined && b.wanted(ctx) {
		now, err := b.users.Read(ctx, user.Text("id"))
		if err != nil {
			return nil, done.stopped(err, nil)
		}
		user = now
	}
	return b.shown(ctx, user)
}

// wanted reports whether the answer to the request shows entitlements, or may.
func (b *accounts) wanted(ctx context.Context) bool {
	r := resource.RequestOf(ctx)
	return r.Want.Wants(b.entitlements) && (!r.Quiet || b.roles.Known() != nil)
}

func (b *accounts) changeGroup(ctx context.Context, user query.Object, t target) error {
	id := user.Text("id")
	is := slices.ContainsFunc(groupsIn(user), func(g directoryGroup) bool { return g.id == t.id })
	if is != t.revoke {
		return nil // it is as it should be
	}
	change := directory.MemberChange{Sent: []atlassian.PatchOperation{directory.AddMembers([]string{id})}, Added: []string{id}}
	if t.revoke {
		change = directory.MemberChange{Sent: []atlassian.PatchOperation{directory.RemoveMember(id)}, Removed: []string{id}}
	}
	_, err := b.groups.Send(ctx, t.id, change)
	if upstream.IsGone(err) && t.revoke {
		return nil
	}
	return b.unknownEntitlement(err, t.id)
}

// changeRole returns the user too, who may have been linked to an account
// meanwhile.
func (b *accounts) changeRole(ctx context.Context, user query.Object, t target) (query.Object, error) {
	if t.revoke {
		if directory.AccountIDOf(user) == "" {
			return user, nil
		}
		_, err := b.roles.Revoke(ctx, t.role, directory.AccountIDOf(user))
		return user, err
	}
	user, err := b.linked(ctx, user)
	if err != nil {
		return user, err
	}
	_, err = b.roles.Grant(ctx, t.role, directory.AccountIDOf(user), isProvisioned(user))
	return user, err
}

// linked waits for Atlassian to link a user to an account, which may take a
// moment after the user was created.
func (b *accounts) linked(ctx context.Context, user query.Object) (query.Object, error) {
	ends := b.roles.Now().Add(b.roles.Patience)
	for wait := jira.FirstWait; directory.AccountIDOf(user) == ""; wait *= 2 {
		if b.roles.Now().Add(wait).After(ends) {
			return user, &resource.Error{Status: http.StatusServiceUnavailable, RetryAfter: jira.ProvisioningRetryAfter,
				Detail: "Atlassian has not linked the user to an account yet, and Jira knows accounts only; repeat the request."}
		}
		if err := mirror.Sleep(ctx, wait); err != nil {
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

// progress is what a write of several parts has done.
type progress struct {
	what  string // done before the parts, "" if nothing
	parts []target
}

// note has the audit line say who was given what.
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

// stopped is the error of a write that failed at the first of the rest. What
// was done is said, since it is not undone.
func (p *progress) stopped(err error, rest []target) error {
	e := *upstream.AsError(err)
	var said []string
	if p.what != "" {
		said = append(said, p.what)
	}
	for _, t := range p.parts {
		said = append(said, t.verb()+" "+t.title)
	}
	e.Err = err
	e.Partial = len(said) > 0
	if !e.Partial && len(rest) <= 1 {
		return &e
	}
	if len(rest) > 0 {
		e.Detail = rest[0].title + ": " + e.Detail
	}
	if e.Partial {
		e.Detail += " Done before: " + strings.Join(said, "; ") + "."
		e.Detail = strings.Replace(e.Detail, "; nothing was changed.", ".", 1)
	}
	if len(rest) > 0 {
		var titles []string
		for _, t := range rest {
			titles = append(titles, t.title)
		}
		e.Detail += " Not done: " + strings.Join(titles, "; ") + ". Repeat these with a PATCH; what was done need not be undone."
	}
	if e.Status == http.StatusNotFound {
		e.Status = http.StatusBadRequest // the account is there
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

// listed joins quoted names.
func listed(names []string) string {
	quoted := make([]string, 0, len(names))
	for _, name := range names {
		quoted = append(quoted, resource.InQuotes(name))
	}
	return strings.Join(quoted, ", ")
}
