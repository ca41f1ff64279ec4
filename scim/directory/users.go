package directory

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/operations"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/sent"
	"scim-atlassian/scim/upstream"
)

// Users is the backend of User resources. It implements resource.Backend,
// resource.Patcher and resource.Completer.
type Users struct {
	lister
	directory *provisioning
	schema    *query.Schema
	groups    *Groups

	emailDomain        string // makes an address of a userName that is none; empty: a user with neither is refused
	emailDomainSetting resource.Setting

	whenRemoved []func()
}

// table lists the lookups that the directory offers: one call each, and for the
// members of a group one call for the group and one for every member.
func (b *Users) table() query.Table {
	return query.Table{
		{Path: "id", Name: "id", Exact: true},
		{Path: "userName", Name: "userName", Exact: true},
		{Path: "externalId", Name: "externalId", Exact: true},
		{Path: "groups.value", Name: "groups.value", Exact: true, Cost: b.LinkedCost, Most: b.LinkedMost},
	}
}

// Get implements resource.Backend. It reads the whole user: a part of it costs
// the same call, and meta.version is computed from all attributes.
func (b *Users) Get(ctx context.Context, id string, _ query.Projection) (query.Object, error) {
	return b.Read(ctx, id)
}

// GetSource implements resource.SourceGetter.
func (b *Users) GetSource(ctx context.Context, id string, _ query.Projection) (resource.Source, error) {
	u, err := b.directory.UserAsSent(ctx, id)
	if err != nil {
		return nil, upstream.Missing(err, "User", id)
	}
	return u, nil
}

// Read reads the whole user. An unknown id is a 404 *resource.Error.
func (b *Users) Read(ctx context.Context, id string) (query.Object, error) {
	u, err := b.directory.User(ctx, id)
	if err != nil {
		return nil, upstream.Missing(err, "User", id)
	}
	return userObject(u), nil
}

// Create implements resource.Backend.
func (b *Users) Create(ctx context.Context, doc query.Object) (query.Object, error) {
	begun := time.Now()
	made, err := b.directory.CreateUser(ctx, userOf(doc))
	if upstream.Unsettled(err) {
		return b.made(ctx, doc, begun, err)
	}
	if err != nil {
		return nil, err
	}
	found, err := b.confirmed(made, operations.Between(b.schema, nil, doc))
	return found, created(err, made.Text("id"))
}

// Kept implements resource.Backend. Many clients leave externalId, their key to
// the user, and e-mail addresses out of a PUT and still rely on them, so these are
// kept unless the caller is strict. active is kept for every caller, since a PUT
// without it must not enable a disabled user, unless the caller's policy takes such
// a PUT for an order to disable the user: then Update does that.
func (b *Users) Kept(p resource.Policy) []string {
	var names []string
	if !p.DisableWithoutActive {
		names = append(names, "active")
	}
	if !p.Strict {
		names = append(names, "externalId", "emails")
	}
	return names
}

// Patch implements resource.Patcher for operations whose result does not depend
// on present values.
func (b *Users) Patch(ctx context.Context, id string, ops []resource.Operation) (query.Object, bool, error) {
	for _, op := range ops {
		if op.Path.Attr.Name == "groups" {
			return nil, false, nil // Update compares the groups
		}
		if op.Op == "remove" && op.Path.Attr.Required && op.Path.Sub == nil && op.Filter == nil && op.Value == nil {
			return nil, true, resource.Mutability("%s is required and cannot be removed.", op.Path)
		}
	}
	sent, plain := plainOperations(ops)
	if !plain {
		return nil, false, nil
	}
	found, err := b.patch(ctx, id, sent)
	return found, true, err
}

// plainOperations translates operations for upstream. ok is false if the result
// of an operation depends on present values, or on another operation.
func plainOperations(ops []resource.Operation) (sent []atlassian.PatchOperation, ok bool) {
	for i, op := range ops {
		if op.Filter != nil || op.Path.Attr.MultiValued && !op.Settles() || slices.ContainsFunc(ops[:i], op.Touches) {
			return nil, false
		}
		sent = append(sent, plainOperation(op)...)
	}
	return sent, true
}

// plainOperation translates one operation for upstream. A complex value becomes
// one operation for each part, so that the other parts stay (RFC 7644 section
// 3.5.2.3). An add becomes a replace: the result is the same, and safe to repeat.
func plainOperation(op resource.Operation) []atlassian.PatchOperation {
	path := op.Path.String()
	switch value := op.Value.(type) {
	case nil:
		return []atlassian.PatchOperation{{Op: op.Op, Path: path}}
	case query.Object:
		var sent []atlassian.PatchOperation
		for _, part := range value {
			sent = append(sent, atlassian.PatchOperation{Op: "replace", Path: path + "." + part.Name, Value: part.Value})
		}
		return sent
	case []any:
		return []atlassian.PatchOperation{{Op: "replace", Path: path, Value: completeList(op.Path.Attr.Name, value)}}
	}
	return []atlassian.PatchOperation{{Op: "replace", Path: path, Value: op.Value}}
}

// withTopLevel repeats every operation on the enterprise extension at the top
// level: the directory keeps department and organization in both places, and
// only the values at the top level reach the account.
func withTopLevel(ops []atlassian.PatchOperation) []atlassian.PatchOperation {
	all := slices.Clone(ops)
	for _, op := range ops {
		if name, ok := strings.CutPrefix(op.Path, atlassian.EnterpriseSchema+":"); ok {
			op.Path = name
			all = append(all, op)
		}
	}
	return all
}

// DisableUnlessActive sets the attribute called active to false in the wanted state
// of a PUT that lacks it, if the caller's policy asks for that.
func DisableUnlessActive(ctx context.Context, want *query.Object, active string) {
	r := resource.RequestOf(ctx)
	if _, given := want.Get(active); !given && active != "" && r.Policy.DisableWithoutActive && r.Method == http.MethodPut {
		want.Set(active, false)
	}
}

// Update implements resource.Backend.
func (b *Users) Update(ctx context.Context, current, want query.Object) (query.Object, error) {
	id := current.Text("id")
	want = want.Clone()
	DisableUnlessActive(ctx, &want, "active")
	for _, name := range []string{"emails", "phoneNumbers"} {
		if v, ok := want.Get(name); ok {
			list, _ := v.([]any)
			want.Set(name, completeList(name, list))
		}
	}
	ops := operations.Between(b.schema, current, want)
	steps, err := b.memberships(ctx, current, want)
	switch {
	case err != nil:
		return nil, err
	case len(steps) > 0 && len(ops) > 0:
		if _, err := b.patch(ctx, id, ops); err != nil {
			return nil, err
		}
		return b.move(ctx, id, steps, "the other attributes were changed")
	case len(steps) > 0:
		return b.move(ctx, id, steps)
	case len(ops) == 0:
		return current, nil
	}
	return b.patch(ctx, id, ops)
}

// patch sends operations and confirms them.
func (b *Users) patch(ctx context.Context, id string, ops []atlassian.PatchOperation) (query.Object, error) {
	found, err := b.directory.PatchUser(ctx, id, withTopLevel(ops))
	if err != nil {
		return b.changed(ctx, id, ops, err)
	}
	return b.confirmed(found, ops)
}

// confirmed returns the user that upstream answered with. It fails with 502 if an
// attribute is not as it was sent.
func (b *Users) confirmed(found query.Object, sent []atlassian.PatchOperation) (query.Object, error) {
	if names := operations.Ignored(b.schema, sent, found); len(names) > 0 {
		e := unkept("user", found, strings.Join(names, ", "))
		e.Partial = len(names) < len(sent)
		return nil, e
	}
	return found, nil
}

// Remove implements resource.Backend. Where the caller's policy says so, it disables
// the user instead, in one call, whether the user is active or not.
func (b *Users) Remove(ctx context.Context, id string) error {
	r := resource.RequestOf(ctx)
	r.Remember(b.mirror.Known(id))
	if r.Policy.DeactivateDeleted {
		active, err := b.schema.Resolve("active")
		if err != nil {
			return err
		}
		if _, _, err = b.Patch(ctx, id, []resource.Operation{{Op: "replace", Path: active, Value: false}}); err == nil {
			r.Remark("deactivated", true)
		}
		return err
	}
	err := b.directory.DeleteUser(ctx, id)
	if atlassian.KindOf(err) != atlassian.NotFound {
		for _, tell := range b.whenRemoved {
			tell()
		}
	}
	return removed(ctx, b.Read, "User", id, err)
}

// WhenRemoved has tell called when a user is gone, or may be: the account behind it
// stays, and nobody is linked to it any more. It is for the making of backends,
// before the first request.
func (b *Users) WhenRemoved(tell func()) { b.whenRemoved = append(b.whenRemoved, tell) }

// page reads a window of the list of users, with all attributes, whatever the
// client wants to see: a snapshot serves all clients, and a page with fewer
// attributes costs the same call.
func (b *Users) page(ctx context.Context, start, count int) (sent.Page, int, error) {
	p, err := b.directory.Users(ctx, atlassian.ListOptions{StartIndex: start, Count: count})
	if err != nil {
		return nil, 0, err
	}
	return newSentUsers(p), p.Total, nil
}

// probe runs those lookups of the table that probeSent does not.
func (b *Users) probe(ctx context.Context, p query.Probe) ([]query.Object, error) {
	if p.Name == "groups.value" {
		return b.membersOf(ctx, p.Value)
	}
	return mirror.FetchAll(ctx, []string{p.Value}, b.Read)
}

// probeSent runs the lookups that Atlassian answers with a list.
func (b *Users) probeSent(ctx context.Context, p query.Probe) (page sent.Page, ok bool, err error) {
	if p.Name == "id" || p.Name == "groups.value" {
		return nil, false, nil
	}
	found, err := b.directory.Users(ctx, atlassian.ListOptions{Filter: atlassian.Filter{Attribute: p.Name, Value: p.Value}})
	if err != nil {
		return nil, false, err
	}
	users := newSentUsers(found)
	if err := lookupComplete(users.Len(), found.Total); err != nil {
		users.Release()
		return nil, false, err
	}
	return users, true, nil
}

// membersOf returns the users that are members of a group, none if there is no
// such group. It fails with mirror.ErrCostly if reading all users costs less.
func (b *Users) membersOf(ctx context.Context, group string) ([]query.Object, error) {
	ids, err := b.idsOf(ctx, group)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return b.ReadMany(ctx, ids)
}

// idsOf returns the ids of the members of a group, in one call.
func (b *Users) idsOf(ctx context.Context, group string) ([]string, error) {
	g, err := b.directory.Group(ctx, group)
	if atlassian.KindOf(err) == atlassian.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer g.Release()
	ids := make([]string, 0, len(g.Members))
	for id := range g.memberIDs() {
		ids = append(ids, string(id))
	}
	return ids, nil
}

// linked implements mirror.Source.
func (b *Users) linked(ctx context.Context, p query.Probe) (ids []string, ok bool, err error) {
	if p.Name != "groups.value" {
		return nil, false, nil
	}
	ids, err = b.idsOf(ctx, p.Value)
	return ids, true, err
}

// lookupComplete fails with mirror.ErrCostly if upstream answered a lookup with
// a part of what matches: then all resources are read instead.
func lookupComplete(got, total int) error {
	if got < total {
		return mirror.ErrCostly
	}
	return nil
}

// Complete implements resource.Completer. A new user without e-mail address, which
// Atlassian requires, gets the one that DeriveEmail makes of userName; a PUT never
// does, since that would replace the present address. The first address is marked
// as primary if no other is.
func (b *Users) Complete(ctx context.Context, method string, doc *query.Object) (standIn string, err error) {
	value, given := doc.Get("emails")
	if list, _ := value.([]any); len(list) > 0 {
		doc.Set("emails", withPrimary(list))
		return "", nil
	}
	switch {
	case method == http.MethodPut && given:
		return "", b.emailsRequired(method) // [] removes all addresses
	case method == http.MethodPut && slices.Contains(b.Kept(resource.RequestOf(ctx).Policy), "emails"):
		doc.Set("emails", []any{query.Object{{Name: "value", Value: "kept"}}}) // the schema requires an address
		return "emails", nil
	}
	if (*doc).Text("userName") == "" {
		return "", nil // refused as what is required first
	}
	if method == http.MethodPut || !b.DeriveEmail(doc) {
		return "", b.emailsRequired(method)
	}
	return "", nil
}
