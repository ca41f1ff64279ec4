package idhub

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"scim-atlassian/scim/directory"
	"scim-atlassian/scim/document"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/upstream"
)

// accountChange is what a write wants of an account.
type accountChange struct {
	attributes     []attributeChange
	assign, revoke []string // ids of entitlements
}

// attributeChange is a new value of an attribute, nil for none.
type attributeChange struct {
	name  string
	value any
}

// Kept implements backend: what a PUT leaves out in practice though its sender
// relies on it, and the e-mail address, which Atlassian requires. Of attributes
// that do not flow to Atlassian, a PUT that is silent asks nothing.
func (b *accounts) Kept(p resource.Policy) []string {
	names := []string{NameOf(&b.m.Mapping, primaryEmail)}
	names = append(names, b.active)
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

// primaryEmail is the source of an account's e-mail address.
const primaryEmail = "emails[primary eq true].value"

func (b *accounts) writable(a *accountAttribute) bool {
	return a.SyncDirection.In(b.cfg.TrustedSource).ToApp()
}

// flowing drops the changes of attributes that do not flow to Atlassian, and
// says so in the log, or refuses them.
func (b *accounts) flowing(ctx context.Context, change accountChange) (accountChange, error) {
	stays := func(name string) bool {
		a := b.m.named(name)
		return a != nil && !b.writable(a)
	}
	var names []string
	for _, c := range change.attributes {
		if stays(c.name) {
			names = append(names, c.name)
		}
	}
	if len(change.assign)+len(change.revoke) > 0 && stays(b.entitlements) {
		names = append(names, b.entitlements)
		change.assign, change.revoke = nil, nil
	}
	if len(names) == 0 {
		return change, nil
	}
	if !b.cfg.IgnoreUnsynced {
		return change, resource.Mutability("%s: not written, since the mapping of accounts has no flow from IDHub to Atlassian%s. Leave it out and change it there, or set SCIM_ATLASSIAN_IGNORE_UNSYNCED to have it passed over.",
			strings.Join(names, ", "), b.trust())
	}
	resource.RequestOf(ctx).Remark("unsynced", names)
	change.attributes = slices.DeleteFunc(change.attributes, func(c attributeChange) bool { return stays(c.name) })
	return change, nil
}

func (b *accounts) trust() string {
	if b.cfg.TrustedSource {
		return ", as Jira is the trusted source"
	}
	return ""
}

// owned refuses to make or delete accounts whose name does not flow to
// Atlassian: there they come and go.
func (b *accounts) owned() error {
	if a := b.m.Attribute("userName"); !a.SyncDirection.In(b.cfg.TrustedSource).ToApp() {
		return resource.Mutability("%s does not flow from IDHub to Atlassian%s: accounts are made and deleted there.", a.Name, b.trust())
	}
	return nil
}

// Create makes a user and then assigns its entitlements. What they are is looked
// at before, so that a wrong one changes nothing.
func (b *accounts) Create(ctx context.Context, doc query.Object) (query.Object, error) {
	if err := b.owned(); err != nil {
		return nil, err
	}
	change, err := b.flowing(ctx, b.changes(nil, doc))
	if err != nil {
		return nil, err
	}
	new, err := b.userOf(change)
	if err != nil {
		return nil, err
	}
	targets, err := b.targets(ctx, change)
	if err != nil {
		return nil, err
	}
	if err := b.grantable(new, targets); err != nil {
		return nil, err
	}
	user, err := b.users.Create(ctx, new)
	if err != nil {
		return nil, err
	}
	done := &progress{what: "the account " + resource.InQuotes(user.Text("id")) + " was created"}
	return b.assign(ctx, user, targets, done)
}

// userOf is the user to be made of an account.
func (b *accounts) userOf(change accountChange) (query.Object, error) {
	user, err := document.Apply(b.user, nil, b.operations(change.attributes), false)
	if err != nil {
		return nil, err
	}
	if _, ok := user.Get("emails"); !ok {
		address, ok := directory.DerivedEmail(user.Text("userName"), b.cfg.DeriveEmailDomain)
		if !ok {
			return nil, resource.InvalidValue("%s is required: Atlassian links a user to an account by it. Send it, or set SCIM_ATLASSIAN_DERIVE_EMAIL_DOMAIN to derive it from the user name.", NameOf(&b.m.Mapping, primaryEmail))
		}
		user.Set("emails", []any{query.Object{{Name: "value", Value: address}, {Name: "type", Value: "work"}, {Name: "primary", Value: true}}})
	}
	return user, nil
}

// operations are the changes of the user that changes of attributes are.
func (b *accounts) operations(changes []attributeChange) []resource.Operation {
	var ops []resource.Operation
	for _, c := range changes {
		if a := b.m.named(c.name); a != nil {
			ops = append(ops, a.operation(c.value))
			continue
		}
		p, _ := b.user.Schema.Resolve(c.name) // externalId, which every type has
		op := resource.Operation{Op: "replace", Path: p, Value: c.value}
		if c.value == nil {
			op.Op = "remove"
		}
		ops = append(ops, op)
	}
	return ops
}

// Complete implements completer.
func (b *accounts) Complete(_ context.Context, _ string, doc *query.Object) (string, error) {
	return "", b.m.complete(doc)
}

// changes is what has to change for an account to become want. Without a
// current one, want is all new.
func (b *accounts) changes(current, want query.Object) accountChange {
	var change accountChange
	names := []string{"externalId"}
	for _, a := range b.m.attributes {
		if a.source != nil {
			names = append(names, a.Name)
		}
	}
	for _, name := range names {
		before, _ := current.Get(name)
		after, _ := want.Get(name)
		if before != after {
			change.attributes = append(change.attributes, attributeChange{name, after})
		}
	}
	change.assign, change.revoke = entitlementChanges(current.Elements(b.entitlements), want.Elements(b.entitlements))
	return change
}

// entitlementChanges compares two lists of entitlements. One that is held
// through a group is assigned if the account is to hold it directly too.
func entitlementChanges(current, want []query.Object) (assign, revoke []string) {
	direct := make(map[string]bool, len(current))
	for _, e := range current {
		direct[e.Text("value")] = isDirect(e, false)
	}
	stays := make(map[string]bool, len(want))
	for _, e := range want {
		id := e.Text("value")
		held, known := direct[id]
		if !stays[id] && (!known || !held && isDirect(e, false)) {
			assign = append(assign, id)
		}
		stays[id] = true
	}
	for _, e := range current {
		if id := e.Text("value"); !stays[id] {
			revoke = append(revoke, id)
		}
	}
	return assign, revoke
}

func isDirect(element query.Object, otherwise bool) bool {
	if v, ok := element.Get("direct"); ok {
		return v == true
	}
	return otherwise
}

// Patch implements patcher for operations that say all by themselves: single
// values, and entitlements named by id.
func (b *accounts) Patch(ctx context.Context, id string, ops []resource.Operation) (query.Object, bool, error) {
	change, ok := b.said(ops)
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

// withoutStandIns takes values out of a change that come back as they were shown
// in place of none. Whether one does so is seen only on the user, who is read and
// returned if the change has such an attribute.
func (b *accounts) withoutStandIns(ctx context.Context, id string, change *accountChange) (query.Object, error) {
	times := map[string]int{}
	doubtful := false
	for _, c := range change.attributes {
		times[c.name]++
		a := b.m.named(c.name)
		doubtful = doubtful || c.value != nil && a != nil && a.mayStandIn()
	}
	if !doubtful {
		return nil, nil
	}
	user, err := b.read(ctx, id)
	if err != nil {
		return nil, err
	}
	change.attributes = slices.DeleteFunc(change.attributes, func(c attributeChange) bool {
		a := b.m.named(c.name)
		return a != nil && times[c.name] == 1 && a.standsIn(user, c.value)
	})
	return user, nil
}

// said is what operations change, whatever the account is now; false if that
// depends on it.
func (b *accounts) said(ops []resource.Operation) (accountChange, bool) {
	var change accountChange
	var links directory.LinkChange
	for _, op := range ops {
		name := op.Path.Attr.Name
		if name != b.entitlements {
			change.attributes = append(change.attributes, attributeChange{name, op.Value})
			continue
		}
		if !links.Take(op) {
			return change, false
		}
	}
	change.assign, change.revoke = links.Added, links.Removed
	return change, true
}

// Update implements backend.
func (b *accounts) Update(ctx context.Context, current, want query.Object) (query.Object, error) {
	return b.apply(ctx, current.Text("id"), nil, b.changes(current, want))
}

// apply changes an account: first its attributes, so that it is active before it
// is given a role, then what it is to hold, then what it is not to hold any
// longer, so that nobody is without access who is to have some. What is wrong
// with the change is found out before, as far as that is possible. user is the one
// behind the account, nil where nobody has read it.
func (b *accounts) apply(ctx context.Context, id string, user query.Object, change accountChange) (query.Object, error) {
	change, err := b.flowing(ctx, change)
	if err != nil {
		return nil, err
	}
	if err := b.clearable(change); err != nil {
		return nil, err
	}
	done := &progress{}
	if len(change.assign)+len(change.revoke) == 0 {
		if user, err = b.changeAttributes(ctx, id, user, change.attributes); err != nil {
			return nil, err
		}
		return b.shown(ctx, user)
	}
	if user == nil {
		if user, err = b.read(ctx, id); err != nil {
			return nil, err
		}
	}
	targets, err := b.targets(ctx, change)
	if err != nil {
		return nil, err
	}
	if err := b.revocable(user, targets); err != nil {
		return nil, err
	}
	wanted := user
	for _, c := range change.attributes {
		if c.name == b.active {
			wanted = query.Object{{Name: "active", Value: c.value}}
		}
	}
	if err := b.grantable(wanted, targets); err != nil {
		return nil, err
	}
	if len(change.attributes) > 0 {
		if user, err = b.changeAttributes(ctx, id, user, change.attributes); err != nil {
			return nil, err
		}
		done.what = "the other attributes were changed"
	}
	return b.assign(ctx, user, targets, done)
}

// clearable refuses to clear what an account must have.
func (b *accounts) clearable(change accountChange) error {
	for _, c := range change.attributes {
		a := b.m.named(c.name)
		if c.value == nil && a != nil && a.source != nil && (a.Required || a.source.Attr.Required) {
			return resource.Mutability("%s is required and cannot be removed.", c.name)
		}
	}
	return nil
}

// changeAttributes changes the user behind an account, as Users would: with one
// call where the changes do not depend on what is there. user may be nil.
func (b *accounts) changeAttributes(ctx context.Context, id string, user query.Object, changes []attributeChange) (query.Object, error) {
	if user != nil && !isProvisioned(user) {
		return b.changeOutsider(ctx, id, changes)
	}
	if len(changes) == 0 && user == nil {
		return b.read(ctx, id)
	}
	if len(changes) == 0 {
		return user, nil
	}
	ops := b.operations(changes)
	found, done, err := b.users.Patch(ctx, id, ops)
	if !done {
		if user == nil {
			if user, err = b.read(ctx, id); err != nil {
				return nil, err
			}
			return b.changeAttributes(ctx, id, user, changes)
		}
		want, err := document.Apply(b.user, user, ops, false)
		if err != nil {
			return nil, err
		}
		found, err = b.users.Update(ctx, user, want)
		return found, ofAccount(err, id)
	}
	if upstream.IsGone(err) && b.others != nil {
		if _, err := b.others.read(ctx, id, false); err != nil {
			return nil, err
		}
		return b.changeOutsider(ctx, id, changes)
	}
	return found, ofAccount(err, id)
}

// ofAccount names the resource in a 404 about the user behind it.
func ofAccount(err error, id string) error {
	if upstream.IsGone(err) {
		return resource.NotFound("Account", id)
	}
	return err
}

// changeOutsider changes an account without a record in the directory, which is
// to enable or disable it.
func (b *accounts) changeOutsider(ctx context.Context, id string, changes []attributeChange) (query.Object, error) {
	var active *bool
	for _, c := range changes {
		if c.value == nil && resource.RequestOf(ctx).Method == http.MethodPut {
			continue // a PUT is silent about what it does not know
		}
		v, ok := c.value.(bool)
		if c.name != b.active || !ok {
			return nil, resource.Mutability("%s: the directory has no record of the account, which is Atlassian's own apart from %s and project roles. Provision it with POST /Accounts and its e-mail address first; Atlassian links the record to it.", c.name, b.active)
		}
		active = &v
	}
	if active == nil {
		return b.others.read(ctx, id, false)
	}
	resource.RequestOf(ctx).Remark("by", "organization")
	return b.others.setActive(ctx, id, *active)
}

func (b *accounts) Remove(ctx context.Context, id string) error {
	if err := b.owned(); err != nil {
		return err
	}
	err := b.users.Remove(ctx, id)
	if upstream.IsGone(err) && b.others != nil {
		if _, err := b.others.read(ctx, id, false); err != nil {
			return err
		}
		return resource.Mutability("The directory has no record of the account %q, so this server cannot delete it. Disable it with %s false, or delete it in Atlassian Administration.", id, b.active)
	}
	return ofAccount(err, id)
}

// shown is the answer to a write that left the user like this. Roles are not
// read for the sake of a PATCH that does not ask what it made: without them it
// is answered with 204 (RFC 7644 section 3.5.2). Nor does a write fail because
// they cannot be read: the answer is without entitlements then.
func (b *accounts) shown(ctx context.Context, user query.Object) (query.Object, error) {
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
		if book, err = b.roles.All(ctx, false); err != nil {
			r.Remark("entitlements", "not read: "+upstream.AsError(err).Detail)
			book = nil
		}
	}
	return b.m.object(user, book), nil
}
