package idhub

import (
	"context"
	"net/http"

	"scim-atlassian/scim/directory"
	"scim-atlassian/scim/document"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/upstream"
)

// Kept implements resource.Backend. The e-mail address, which Atlassian requires,
// stays, and so does active, unless the caller's policy has Update disable the
// account; unless the caller is strict, externalId and the
// entitlements, which many clients leave out and still rely on. Attributes that do
// not flow to Atlassian cannot be cleared, so they stay too.
func (b *accounts) Kept(p resource.Policy) []string {
	names := []string{nameOf(&b.m.Mapping, primaryEmail)}
	if !p.DisableWithoutActive {
		names = append(names, b.active)
	}
	if !p.Strict {
		names = append(names, "externalId", b.entitlements)
	}
	for i := range b.m.attributes {
		if a := &b.m.attributes[i]; !b.writable(a) {
			names = append(names, a.Name)
		}
	}
	return names
}

// checkOwned refuses to create or delete accounts if their name does not flow to
// Atlassian: then they are created and deleted there.
func (b *accounts) checkOwned() error {
	if a := b.m.Attribute("userName"); !a.SyncDirection.In(b.cfg.TrustedSource).ToApp() {
		return resource.Mutability("%s does not flow from IDHub to Atlassian%s: accounts are made and deleted there.", a.Name, b.reason())
	}
	return nil
}

// Create implements resource.Backend. It creates a user and then assigns the
// entitlements, which are looked up first, so that a wrong one changes nothing.
func (b *accounts) Create(ctx context.Context, doc query.Object) (query.Object, error) {
	if err := b.checkOwned(); err != nil {
		return nil, err
	}
	change, err := b.flowing(ctx, b.changes(nil, doc))
	if err != nil {
		return nil, err
	}
	wanted, err := b.userOf(change)
	if err != nil {
		return nil, err
	}
	targets, err := b.targets(ctx, change)
	if err != nil {
		return nil, err
	}
	if err := b.grantable(wanted, targets); err != nil {
		return nil, err
	}
	user, err := b.users.Create(ctx, wanted)
	if err != nil {
		return nil, err
	}
	done := &progress{made: user.Text("id"), before: "the account " + resource.InQuotes(user.Text("id")) + " was created"}
	return b.assign(ctx, user, targets, done)
}

// userOf returns the user to create for an account.
func (b *accounts) userOf(change accountChange) (query.Object, error) {
	user, err := document.Apply(b.cfg.User, nil, b.operations(change.attributes), false)
	if err != nil {
		return nil, err
	}
	if _, ok := user.Get("emails"); !ok {
		if !b.users.DeriveEmail(&user) {
			return nil, resource.InvalidValue("%s is required, since the user name is no e-mail address, and Atlassian links a user to an account by one. Send it%s.",
				nameOf(&b.m.Mapping, primaryEmail), b.cfg.EmailDomainSetting.Advice(", or set %s to complete the user name with a domain"))
		}
	}
	return user, nil
}

// Complete implements resource.Completer.
func (b *accounts) Complete(_ context.Context, _ string, doc *query.Object) (string, error) {
	b.m.complete(doc)
	return "", nil
}

// Patch implements resource.Patcher for operations whose result does not depend on
// present values: on single values, and on entitlements named by id.
func (b *accounts) Patch(ctx context.Context, id string, ops []resource.Operation) (query.Object, bool, error) {
	change, ok := b.changeOf(ops)
	if !ok {
		return nil, false, nil
	}
	user, err := b.withoutStandIns(ctx, id, &change)
	if err != nil {
		return nil, true, err
	}
	found, err := b.apply(ctx, id, user, change)
	return found, true, err
}

// Update implements resource.Backend.
func (b *accounts) Update(ctx context.Context, current, want query.Object) (query.Object, error) {
	want = want.Clone()
	directory.DisableUnlessActive(ctx, &want, b.active)
	return b.apply(ctx, current.Text("id"), nil, b.changes(current, want))
}

// apply changes an account: first its attributes, so that it is active before it
// gets a role; then it assigns entitlements, and then revokes others, so that no
// access is lost meanwhile. A change that can be known to fail is refused before
// the first write. user is the user behind the account, nil if it was not read.
func (b *accounts) apply(ctx context.Context, id string, user query.Object, change accountChange) (query.Object, error) {
	change, err := b.flowing(ctx, change)
	if err != nil {
		return nil, err
	}
	if err := b.clearable(change); err != nil {
		return nil, err
	}
	if len(change.assign)+len(change.revoke) == 0 {
		if user, err = b.changeAttributes(ctx, id, user, change.attributes); err != nil {
			return nil, err
		}
		return b.answer(ctx, user)
	}
	if user == nil {
		if user, err = b.read(ctx, id, mirror.Need{}); err != nil {
			return nil, err
		}
	}
	targets, err := b.checkedTargets(ctx, user, change)
	if err != nil {
		return nil, err
	}
	done := &progress{}
	if len(change.attributes) > 0 {
		groups, _ := user.Get("groups") // an answer to a PATCH may lack them
		if user, err = b.changeAttributes(ctx, id, user, change.attributes); err != nil {
			return nil, err
		}
		if groups != nil {
			user = user.Clone()
			user.Set("groups", groups)
		}
		done.before = "the other attributes were changed"
	}
	return b.assign(ctx, user, targets, done)
}

// checkedTargets returns the entitlements of a change of a user. It refuses a
// change that can be known to fail.
func (b *accounts) checkedTargets(ctx context.Context, user query.Object, change accountChange) ([]target, error) {
	targets, err := b.targets(ctx, change)
	if err != nil {
		return nil, err
	}
	if err := b.revocable(user, targets); err != nil {
		return nil, err
	}
	for _, t := range targets {
		if t.revoke && t.role != nil {
			if err := keepsAdministrator(ctx, t.role, false, user); err != nil {
				return nil, err
			}
		}
	}
	wanted := user
	for _, c := range change.attributes {
		if c.name == b.active {
			wanted = user.Clone()
			wanted.Set("active", c.value)
		}
	}
	return targets, b.grantable(wanted, targets)
}

// changeAttributes changes the user behind an account, in one upstream call where
// the result does not depend on present values. user is that user, nil if it was
// not read.
func (b *accounts) changeAttributes(ctx context.Context, id string, user query.Object, changes []attributeChange) (query.Object, error) {
	if user != nil && !isProvisioned(user) {
		return b.changeOutsider(ctx, id, changes)
	}
	if len(changes) == 0 && user == nil {
		return b.read(ctx, id, mirror.Need{})
	}
	if len(changes) == 0 {
		return user, nil
	}
	ops := b.operations(changes)
	found, done, err := b.users.Patch(ctx, id, ops)
	if !done {
		if user == nil {
			if user, err = b.read(ctx, id, mirror.Need{}); err != nil {
				return nil, err
			}
			return b.changeAttributes(ctx, id, user, changes)
		}
		want, err := document.Apply(b.cfg.User, user, ops, false)
		if err != nil {
			return nil, err
		}
		found, err = b.users.Update(ctx, user, want)
		return found, ofAccount(err, id)
	}
	if upstream.IsGone(err) && b.others != nil {
		if _, err := b.others.read(ctx, id, mirror.Need{}); err != nil {
			return nil, err
		}
		return b.changeOutsider(ctx, id, changes)
	}
	return found, ofAccount(err, id)
}

// ofAccount turns a 404 for the user behind an account into one for the account.
func ofAccount(err error, id string) error {
	if upstream.IsGone(err) {
		return resource.NotFound("Account", id)
	}
	return err
}

// changeOutsider enables or disables an account without a record in the directory.
// It refuses any other change, but a PUT may leave attributes out.
func (b *accounts) changeOutsider(ctx context.Context, id string, changes []attributeChange) (query.Object, error) {
	isPut := resource.RequestOf(ctx).Method == http.MethodPut
	var active *bool
	for _, c := range changes {
		if c.value == nil && isPut {
			continue // clients cannot know the attributes of an account that Atlassian owns
		}
		v, ok := c.value.(bool)
		if c.name != b.active || !ok {
			return nil, b.noRecord(c.name)
		}
		active = &v
	}
	if active == nil {
		return b.others.read(ctx, id, mirror.Need{})
	}
	resource.RequestOf(ctx).Remark("by", "organization")
	return b.others.setActive(ctx, id, *active)
}

// noRecord refuses the change of an attribute that only the directory could make.
func (b *accounts) noRecord(attribute string) error {
	return resource.Mutability("%s: the directory has no record of the account, which is Atlassian's own apart from %s and project roles. "+
		"Provision it with POST /Accounts and its e-mail address first; Atlassian links the record to it.", attribute, b.active)
}

// Remove implements resource.Backend. Where the caller's policy says so, it disables
// the account instead, also one without a record in the directory.
func (b *accounts) Remove(ctx context.Context, id string) error {
	if r := resource.RequestOf(ctx); r.Policy.DeactivateDeleted {
		if a := b.m.attribute(b.active); a == nil || !b.writable(a) {
			return resource.Mutability("The account cannot be disabled in place of its deletion, as delete_users of the caller says: the mapping of accounts lets active not flow to Atlassian%s.", b.reason())
		}
		_, err := b.changeAttributes(ctx, id, nil, []attributeChange{{b.active, false}})
		if err == nil {
			r.Remark("deactivated", true)
		}
		return err
	}
	if err := b.checkOwned(); err != nil {
		return err
	}
	err := b.users.Remove(ctx, id)
	if upstream.IsGone(err) && b.others != nil {
		if _, err := b.others.read(ctx, id, mirror.Need{}); err != nil {
			return err
		}
		return resource.Mutability("The directory has no record of the account %q, so this server cannot delete it. Disable it with %s false, or delete it in Atlassian Administration.", id, b.active)
	}
	return ofAccount(err, id)
}

// answer returns the account in the answer to a write, given the user afterwards. A
// PATCH that asks for no attributes does not read roles for its answer: unless
// they are at hand, it is answered with 204 (RFC 7644 section 3.5.2). If roles
// cannot be read, the write has succeeded still, and the answer lacks entitlements.
func (b *accounts) answer(ctx context.Context, user query.Object) (query.Object, error) {
	r := resource.RequestOf(ctx)
	if b.entitlements == "" || !r.Want.Wants(b.entitlements) {
		return b.m.object(user, nil), nil
	}
	book := b.roles.Known()
	if book == nil && r.Quiet {
		return nil, nil
	}
	if book == nil {
		var err error
		if book, err = b.roles.Book(ctx, mirror.Need{Links: true}); err != nil {
			r.Remark("entitlements", "not read: "+upstream.AsError(err).Detail)
			book = nil
		}
	}
	return b.m.object(user, book), nil
}
