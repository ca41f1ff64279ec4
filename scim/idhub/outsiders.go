package idhub

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/directory"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/organization"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/upstream"
)

// outsiders reads and changes the accounts of the organization that the directory
// has no record of. Here they have the form of users, with the account id as id.
// Only active and project roles of an outsider can be changed; Atlassian owns the
// other attributes. It is safe for concurrent use.
type outsiders struct {
	organization *atlassian.Organization
	users        *directory.Users
	everyone     *organization.Accounts
}

// all returns all outsiders: the accounts that none of the users, all users of the
// directory, is linked to.
func (b *outsiders) all(ctx context.Context, users []query.Object, need mirror.Need) ([]query.Object, error) {
	everyone, err := b.everyone.All(ctx, need)
	if err != nil {
		return nil, err
	}
	linked := make(map[string]bool, len(users))
	for _, u := range users {
		linked[directory.AccountIDOf(u)] = true
	}
	var out []query.Object
	for _, a := range everyone {
		if !linked[a.Text("id")] {
			out = append(out, a)
		}
	}
	return out, nil
}

// byUserName returns the outsiders with a user name, in any case. users are the
// users with that name; all users are read only to check that an account is not
// linked to another user.
func (b *outsiders) byUserName(ctx context.Context, userName string, users []query.Object, need mirror.Need) ([]query.Object, error) {
	everyone, err := b.everyone.All(ctx, need)
	if err != nil {
		return nil, err
	}
	var found []query.Object
	for _, a := range everyone {
		isLinked := func(u query.Object) bool { return directory.AccountIDOf(u) == a.Text("id") }
		if strings.EqualFold(a.Text("userName"), userName) && !slices.ContainsFunc(users, isLinked) {
			found = append(found, a)
		}
	}
	if len(found) == 0 {
		return nil, nil
	}
	all, err := b.users.Collection().All(ctx, mirror.Need{Fresh: need.Fresh})
	return slices.DeleteFunc(found, func(o query.Object) bool {
		return slices.ContainsFunc(all.Objects(), func(u query.Object) bool { return directory.AccountIDOf(u) == o.Text("id") })
	}), err
}

// read reads an outsider by its account id. An unknown id, or the id of an account
// that a user is linked to, is a 404 *resource.Error.
func (b *outsiders) read(ctx context.Context, id string, need mirror.Need) (query.Object, error) {
	a, err := b.everyone.Read(ctx, id)
	if err != nil {
		return nil, err
	}
	users, err := b.users.Collection().All(ctx, mirror.Need{Fresh: need.Fresh})
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(users.Objects(), func(u query.Object) bool { return directory.AccountIDOf(u) == id }) {
		return nil, resource.NotFound("Account", id)
	}
	return a, nil
}

// setActive enables or disables an account that the organization manages, and
// returns it as read afterwards.
func (b *outsiders) setActive(ctx context.Context, id string, active bool) (query.Object, error) {
	before, err := b.organization.User(ctx, id)
	if err != nil {
		return nil, upstream.Missing(err, "Account", id)
	}
	if (before.AccountStatus == "active") == active {
		return b.everyone.Object(before), nil
	}
	if !before.Managed() {
		return nil, resource.Mutability("active: the organization does not manage the account, as its e-mail domain is not verified; only its owner can deactivate it. Suspend its access in Atlassian Administration, or take its entitlements.")
	}
	change := b.organization.Enable
	if !active {
		change = func(ctx context.Context, id string) error { return b.organization.Disable(ctx, id, "") }
	}
	w := b.everyone.Begin()
	if err := change(ctx, id); err != nil {
		w.Doubt(id)
		return b.changed(ctx, id, active, err)
	}
	after, err := b.organization.User(ctx, id)
	if err != nil {
		w.Doubt(id)
		return nil, upstream.Unread(fmt.Sprintf("Atlassian has set active of the account %q to %t", id, active), err)
	}
	o := b.everyone.Object(after)
	w.Became(id, func() query.Object { return o })
	if (after.AccountStatus == "active") != active {
		return nil, resource.Refuse(http.StatusBadGateway, "", "Atlassian answered success for the account %q but did not keep active.", id)
	}
	return o, nil
}

// changed returns the account after a change that failed with err: if that says nothing of the outcome, the account is
// read. Found as it was, it stays in doubt, since Atlassian may still be at it.
func (b *outsiders) changed(ctx context.Context, id string, active bool, err error) (query.Object, error) {
	if !upstream.Unsettled(err) {
		return nil, explainLifecycle(err)
	}
	found, readErr := b.organization.User(ctx, id)
	switch {
	case upstream.IsGone(readErr):
		return nil, upstream.Missing(readErr, "Account", id)
	case readErr != nil || (found.AccountStatus == "active") != active:
		return nil, err
	}
	return b.everyone.Object(found), nil
}

// explainLifecycle explains Atlassian's refusal to enable or disable an account.
func explainLifecycle(err error) error {
	if atlassian.KindOf(err) == atlassian.Forbidden {
		return &resource.Error{Status: http.StatusBadGateway, Err: err,
			Detail: fmt.Sprintf("Atlassian refused to enable or disable the account: the organization API key lacks the right, or the account is a protected one. It said: %s", upstream.AsError(err).Detail)}
	}
	return err
}
