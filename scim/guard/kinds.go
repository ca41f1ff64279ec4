package guard

import (
	"context"
	"net/http"
	"slices"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// The kinds of entitlements, as rights name them.
const (
	kindGroup = "GROUP"
	kindRole  = "PROJECT_ROLE"
)

// Kinds says how entitlements tell their kinds.
type Kinds struct {
	IsRole func(id string) bool
	Kind   query.Path // attribute of an entitlement that has its kind
	Links  string     // attribute of an account that has its entitlements; "" for entitlements themselves
}

// Narrow returns a backend of accounts or entitlements that holds a caller to the kinds
// of entitlements that its rights name; see resource.Policy.Kinds.
func Narrow(b Backend, k Kinds) Backend { return &narrowed{Backend: b, kinds: k} }

type narrowed struct {
	Backend
	kinds Kinds
}

// Complete implements resource.Completer.
func (b *narrowed) Complete(ctx context.Context, method string, doc *query.Object) (string, error) {
	if c, ok := b.Backend.(resource.Completer); ok {
		return c.Complete(ctx, method, doc)
	}
	return "", nil
}

func (b *narrowed) kindOf(id string) string {
	if b.kinds.IsRole(id) {
		return kindRole
	}
	return kindGroup
}

// check refuses to give, take, change or read entitlements of a kind without the right.
func (b *narrowed) check(ctx context.Context, right string, ids ...string) error {
	p := resource.RequestOf(ctx).Policy
	if p.Kinds == nil {
		return nil
	}
	for _, id := range ids {
		if kind := b.kindOf(id); p.Kinds[kind] != "write" && p.Kinds[kind] != right {
			return resource.Refuse(http.StatusForbidden, "", "The caller %s lacks the right %s for Entitlement:%s; whoever runs this server grants it.", p.Caller, right, kind)
		}
	}
	return nil
}

// own is the id of the resource itself where entitlements are the resources, else none.
func (b *narrowed) own(id string) []string {
	if b.kinds.Links != "" {
		return nil
	}
	return []string{id}
}

// Get implements resource.Backend.
func (b *narrowed) Get(ctx context.Context, id string, want query.Projection) (query.Object, error) {
	if err := b.check(ctx, "read", b.own(id)...); err != nil {
		return nil, err
	}
	return b.Backend.Get(ctx, id, want)
}

// Create implements resource.Backend.
func (b *narrowed) Create(ctx context.Context, doc query.Object) (query.Object, error) {
	ids := b.own("") // only groups can be made
	if b.kinds.Links != "" {
		ids = values(doc.Elements(b.kinds.Links))
	}
	if err := b.check(ctx, "write", ids...); err != nil {
		return nil, err
	}
	return b.Backend.Create(ctx, doc)
}

// Remove implements resource.Backend.
func (b *narrowed) Remove(ctx context.Context, id string) error {
	if err := b.check(ctx, "write", b.own(id)...); err != nil {
		return err
	}
	return b.Backend.Remove(ctx, id)
}

// Update implements resource.Backend.
func (b *narrowed) Update(ctx context.Context, current, want query.Object) (query.Object, error) {
	ids := b.own(current.Text("id"))
	if b.kinds.Links != "" {
		before, after := values(current.Elements(b.kinds.Links)), values(want.Elements(b.kinds.Links))
		ids = slices.Concat(subtract(after, before), subtract(before, after))
	}
	if err := b.check(ctx, "write", ids...); err != nil {
		return nil, err
	}
	return b.Backend.Update(ctx, current, want)
}

// Patch implements resource.Patcher.
func (b *narrowed) Patch(ctx context.Context, id string, ops []resource.Operation) (query.Object, bool, error) {
	p, ok := b.Backend.(resource.Patcher)
	if !ok {
		return nil, false, nil
	}
	ids := b.own(id)
	for _, op := range ops {
		if b.kinds.Links == "" || op.Path.Attr.Name != b.kinds.Links || resource.RequestOf(ctx).Policy.Kinds == nil {
			continue
		}
		named, settled := idsOf(op)
		if !settled || op.Op == "replace" || op.Op == "remove" && op.Filter == nil && op.Value == nil {
			return nil, false, nil // Update knows what changes
		}
		ids = append(ids, named...)
	}
	if err := b.check(ctx, "write", ids...); err != nil {
		return nil, true, err
	}
	return p.Patch(ctx, id, ops)
}

// List implements resource.Backend. Entitlements of a kind without a right are not among
// what there is.
func (b *narrowed) List(ctx context.Context, q resource.ListQuery) (*resource.ListResult, error) {
	kinds := resource.RequestOf(ctx).Policy.Kinds
	if kinds == nil || b.kinds.Links != "" {
		return b.Backend.List(ctx, q)
	}
	var shown []query.Expr
	for _, kind := range []string{kindGroup, kindRole} {
		if kinds[kind] != "" {
			shown = append(shown, query.NewCompare(b.kinds.Kind, query.Eq, kind))
		}
	}
	only := query.Expr(query.Or{Terms: shown}) // without terms nothing matches
	if len(shown) == 1 {
		only = shown[0]
	}
	switch {
	case len(shown) == 2:
	case q.Filter == nil:
		q.Filter = only
	default:
		q.Filter = query.And{Terms: []query.Expr{q.Filter, only}}
	}
	return b.Backend.List(ctx, q)
}

// Changed implements resource.Rememberer.
func (b *narrowed) Changed(ctx context.Context, entries []resource.LogEntry) ([]resource.Change, error) {
	all, err := b.Backend.Changed(ctx, entries)
	if kinds := resource.RequestOf(ctx).Policy.Kinds; kinds != nil && b.kinds.Links == "" {
		all = slices.DeleteFunc(slices.Clone(all), func(c resource.Change) bool { return kinds[b.kindOf(c.ID)] == "" })
	}
	return all, err
}
