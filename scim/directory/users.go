package directory

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/upstream"
)

// Users is the backend of User resources.
type Users struct {
	Directory  *provisioning
	schema     *query.Schema
	Reader     *mirror.Reader
	Collection *mirror.Collection

	deriveDomain string // completes a user without e-mail; empty: such a user is refused
}

// table is what the directory finds among its users with one call, and by way
// of a group with one call a member.
func (b *Users) table() query.Table {
	return query.Table{
		{Path: "id", Name: "id", Exact: true},
		{Path: "userName", Name: "userName", Exact: true},
		{Path: "externalId", Name: "externalId", Exact: true},
		{Path: "groups.value", Name: "groups.value", Exact: true, Cost: b.Directory.Sizes.Cost},
	}
}

// Get reads the whole user: fewer attributes cost a call too, and versions are of
// all of them.
func (b *Users) Get(ctx context.Context, id string, _ query.Projection) (query.Object, error) {
	return b.Read(ctx, id)
}

func (b *Users) Read(ctx context.Context, id string) (query.Object, error) {
	u, err := b.Directory.User(ctx, id)
	if err != nil {
		return nil, upstream.Missing(err, "User", id)
	}
	return userObject(u), nil
}

func (b *Users) Create(ctx context.Context, doc query.Object) (query.Object, error) {
	u, err := b.Directory.CreateUser(ctx, userOf(doc))
	if err != nil {
		return nil, err
	}
	return b.confirmed(userObject(u), changes(b.schema, nil, doc))
}

// Kept implements backend: externalId, the correlation key, and e-mail addresses
// are what PUT bodies leave out in practice though their senders rely on them;
// active stays for everybody, since nothing said activates nobody.
func (b *Users) Kept(p resource.Policy) []string {
	if p.Strict {
		return []string{"active"}
	}
	return []string{"active", "externalId", "emails"}
}

// Patch implements patcher for operations that say all by themselves.
func (b *Users) Patch(ctx context.Context, id string, ops []resource.Operation) (query.Object, bool, error) {
	for _, op := range ops {
		if op.Op == "remove" && op.Path.Attr.Required && op.Path.Sub == nil && op.Filter == nil && op.Value == nil {
			return nil, true, resource.Mutability("%s is required and cannot be removed.", op.Path)
		}
	}
	sent, plain := plainOperations(ops)
	if !plain {
		return nil, false, nil
	}
	u, err := b.Directory.PatchUser(ctx, id, mirrored(sent))
	if err != nil {
		return nil, true, upstream.Missing(err, "User", id)
	}
	found, err := b.confirmed(userObject(u), sent)
	return found, true, err
}

// plainOperations translates operations whose effect does not depend on the
// values there nor on each other. ok is false if one does.
func plainOperations(ops []resource.Operation) (sent []atlassian.PatchOperation, ok bool) {
	for i, op := range ops {
		if op.Filter != nil || op.Path.Attr.MultiValued && !op.Settles() || slices.ContainsFunc(ops[:i], op.Touches) {
			return nil, false
		}
		sent = append(sent, plainOperation(op)...)
	}
	return sent, true
}

// plainOperation is the operation as upstream takes it: each part of a complex value by
// itself, so that the others stay (RFC 7644 section 3.5.2.3). A replace is the
// same as an add there, and safe to repeat.
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
		return []atlassian.PatchOperation{{Op: "replace", Path: path, Value: primaries(op.Path.Attr.Name, value)}}
	}
	return []atlassian.PatchOperation{{Op: "replace", Path: path, Value: op.Value}}
}

// mirrored adds to each operation on the enterprise extension the same one at the
// top level: the directory keeps department and organization in both places, and
// only those at the top level reach the account.
func mirrored(ops []atlassian.PatchOperation) []atlassian.PatchOperation {
	all := slices.Clone(ops)
	for _, op := range ops {
		if name, ok := strings.CutPrefix(op.Path, atlassian.EnterpriseSchema+":"); ok {
			op.Path = name
			all = append(all, op)
		}
	}
	return all
}

// Update implements backend.
func (b *Users) Update(ctx context.Context, current, want query.Object) (query.Object, error) {
	id := current.Text("id")
	want = want.Clone()
	for _, name := range []string{"emails", "phoneNumbers"} {
		if v, ok := want.Get(name); ok {
			list, _ := v.([]any)
			want.Set(name, primaries(name, list))
		}
	}
	ops := changes(b.schema, current, want)
	if len(ops) == 0 {
		return current, nil
	}
	u, err := b.Directory.PatchUser(ctx, id, mirrored(ops))
	if err != nil {
		return nil, upstream.Missing(err, "User", id)
	}
	return b.confirmed(userObject(u), ops)
}

// confirmed compares what upstream holds with what it was sent.
func (b *Users) confirmed(found query.Object, sent []atlassian.PatchOperation) (query.Object, error) {
	if names := ignored(b.schema, sent, found); len(names) > 0 {
		return nil, resource.Refuse(http.StatusBadGateway, "", "Atlassian answered success for the user %q but did not keep %s.", found.Text("id"), strings.Join(names, ", "))
	}
	return found, nil
}

func (b *Users) Remove(ctx context.Context, id string) error {
	resource.RequestOf(ctx).Remember(b.Reader.Store.Known(id))
	return upstream.Missing(b.Directory.DeleteUser(ctx, id), "User", id)
}

func (b *Users) List(ctx context.Context, q resource.ListQuery) (*resource.ListResult, error) {
	return b.Collection.List(ctx, q)
}

func (b *Users) Explain(filter query.Expr) string {
	return b.Collection.Plan(filter, mirror.Need{}).String()
}

// page lists users with all their attributes, whatever the client wants to see:
// a snapshot is for everybody, and a page of fewer attributes costs a call too.
func (b *Users) page(ctx context.Context, start, count int) ([]query.Object, int, error) {
	p, err := b.Directory.Users(ctx, atlassian.ListOptions{StartIndex: start, Count: count})
	if err != nil {
		return nil, 0, err
	}
	return userObjects(p.Resources), p.Total, nil
}

func (b *Users) Probe(ctx context.Context, p query.Probe) ([]query.Object, error) {
	switch p.Name {
	case "id":
		return mirror.FetchAll(ctx, []string{p.Value}, b.Read)
	case "groups.value":
		return b.MembersOf(ctx, p.Value)
	}
	found, err := b.Directory.Users(ctx, atlassian.ListOptions{Filter: atlassian.Filter{Attribute: p.Name, Value: p.Value}})
	if err != nil {
		return nil, err
	}
	return userObjects(found.Resources), lookupComplete(len(found.Resources), found.Total)
}

func (b *Users) MembersOf(ctx context.Context, group string) ([]query.Object, error) {
	g, err := b.Directory.Group(ctx, group)
	if atlassian.KindOf(err) == atlassian.NotFound && err != nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := b.Reader.Worthwhile(ctx, len(g.Members)); err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(g.Members))
	for _, m := range g.Members {
		ids = append(ids, m.Value)
	}
	return mirror.FetchAll(ctx, ids, b.Read)
}

// lookupComplete makes a lookup that upstream answered in part a scan.
func lookupComplete(got, total int) error {
	if got < total {
		return mirror.ErrCostly
	}
	return nil
}

// Complete implements completer. It gives a user the e-mail address that Atlassian
// requires, where the configuration says how, and marks the first as primary if
// none is.
func (b *Users) Complete(ctx context.Context, method string, doc *query.Object) (standIn string, err error) {
	given, said := doc.Get("emails")
	if list, _ := given.([]any); len(list) > 0 {
		doc.Set("emails", withPrimary(list))
		return "", nil
	}
	switch {
	case method == http.MethodPut && said:
		return "", emailsRequired() // [] takes all addresses away
	case method == http.MethodPut && slices.Contains(b.Kept(resource.RequestOf(ctx).Policy), "emails"):
		doc.Set("emails", []any{query.Object{{Name: "value", Value: "kept"}}}) // the library requires some
		return "emails", nil
	}
	address, ok := DerivedEmail((*doc).Text("userName"), b.deriveDomain)
	if !ok {
		return "", emailsRequired()
	}
	doc.Set("emails", []any{query.Object{{Name: "value", Value: address}, {Name: "type", Value: "work"}, {Name: "primary", Value: true}}})
	return "", nil
}
