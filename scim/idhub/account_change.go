package idhub

import (
	"context"
	"slices"
	"strings"

	"scim-atlassian/scim/directory"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// accountChange is the part of an account that a write changes.
type accountChange struct {
	attributes     []attributeChange
	assign, revoke []string // ids of entitlements
}

// attributeChange is the new value of an attribute, nil to clear it.
type attributeChange struct {
	name  string
	value any
}

// primaryEmail is the source of an account's e-mail address.
const primaryEmail = "emails[primary eq true].value"

// writable reports whether an attribute flows from IDHub to Atlassian.
func (b *accounts) writable(a *accountAttribute) bool {
	return a.SyncDirection.In(b.cfg.TrustedSource).ToApp()
}

// flowing returns the part of a change that flows to Atlassian. The rest is refused
// or, if the configuration says so, left out and logged.
func (b *accounts) flowing(ctx context.Context, change accountChange) (accountChange, error) {
	stays := func(name string) bool {
		a := b.m.attribute(name)
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
		return change, resource.Mutability("%s: not written, since the mapping of accounts has no flow from IDHub to Atlassian%s. Leave it out and change it there%s.",
			strings.Join(names, ", "), b.reason(), b.cfg.IgnoreUnsyncedSetting.Advice(", or set %s to have it passed over"))
	}
	resource.RequestOf(ctx).Remark("unsynced", names)
	change.attributes = slices.DeleteFunc(change.attributes, func(c attributeChange) bool { return stays(c.name) })
	return change, nil
}

// reason says in a message why attributes do not flow to Atlassian, if the
// configuration as a whole is the reason.
func (b *accounts) reason() string {
	if b.cfg.TrustedSource {
		return ", as Jira is the trusted source"
	}
	return ""
}

// operations turns changes of an account's attributes into operations on the user.
func (b *accounts) operations(changes []attributeChange) []resource.Operation {
	var ops []resource.Operation
	for _, c := range changes {
		if a := b.m.attribute(c.name); a != nil {
			ops = append(ops, a.operation(c.value))
			continue
		}
		p, _ := b.cfg.User.Schema.Resolve(c.name) // externalId, which every type has
		op := resource.Operation{Op: "replace", Path: p, Value: c.value}
		if c.value == nil {
			op.Op = "remove"
		}
		ops = append(ops, op)
	}
	return ops
}

// changes returns the change that turns current, nil for a new account, into want.
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

// entitlementChanges compares two lists of entitlements, or of members. An
// entitlement that is held only through a group is assigned if want asks to hold
// it directly.
func entitlementChanges(current, want []query.Object) (assign, revoke []string) {
	direct := make(map[string]bool, len(current))
	for _, e := range current {
		direct[e.Text("value")] = isDirect(e)
	}
	stays := make(map[string]bool, len(want))
	for _, e := range want {
		id := e.Text("value")
		isHeldDirectly, isHeld := direct[id]
		if !stays[id] && (!isHeld || !isHeldDirectly && isDirect(e)) {
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

func isDirect(element query.Object) bool {
	v, _ := element.Get("direct")
	return v == true
}

// withoutStandIns drops from a change the values that an account only shows in
// place of a missing one, and that the client sends back unchanged. To tell, it
// reads the user if the change has such an attribute, and returns it; else it
// returns nil.
func (b *accounts) withoutStandIns(ctx context.Context, id string, change *accountChange) (query.Object, error) {
	times := map[string]int{}
	doubtful := false
	for _, c := range change.attributes {
		times[c.name]++
		a := b.m.attribute(c.name)
		doubtful = doubtful || c.value != nil && a != nil && a.mayStandIn()
	}
	if !doubtful {
		return nil, nil
	}
	user, err := b.read(ctx, id, mirror.Need{})
	if err != nil {
		return nil, err
	}
	change.attributes = slices.DeleteFunc(change.attributes, func(c attributeChange) bool {
		a := b.m.attribute(c.name)
		return a != nil && times[c.name] == 1 && a.standsIn(user, c.value)
	})
	return user, nil
}

// changeOf turns operations into a change without reading the account. It reports
// false if the result depends on present values.
func (b *accounts) changeOf(ops []resource.Operation) (accountChange, bool) {
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

// clearable refuses to clear an attribute that an account must have.
func (b *accounts) clearable(change accountChange) error {
	for _, c := range change.attributes {
		a := b.m.attribute(c.name)
		if c.value == nil && a != nil && a.source != nil && (a.Required || a.source.Attr.Required) {
			return resource.Mutability("%s is required and cannot be removed.", c.name)
		}
	}
	return nil
}
