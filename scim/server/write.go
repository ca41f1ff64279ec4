package server

import (
	"context"
	"net/http"
	"slices"

	"scim-atlassian/scim/document"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// replace is PUT, RFC 7644 section 3.5.1.
func (h handler) replace(ctx context.Context, c *call, id string) (query.Object, error) {
	current, err := h.current(ctx, c, id)
	if err != nil {
		return nil, err
	}
	doc := c.body.Clone()
	for _, name := range h.kept(c) {
		v, ok := current.Get(name)
		_, given := doc.Get(name)
		switch {
		case ok && (!given || name == c.standIn):
			doc.Set(name, v)
		case name == c.standIn:
			return nil, resource.InvalidValue("%s is required.", name)
		}
	}
	if err := document.CheckWritable(h.rt, current, doc); err != nil {
		return nil, err
	}
	return h.backend(c).Update(ctx, current, h.withoutTypes(c, current, doc))
}

// backend is what the request writes to.
func (h handler) backend(c *call) resource.Backend {
	if c.rehearsal != nil {
		return c.rehearsal.Backend(h.rt)
	}
	return h.rt.Backend
}

// kept names the attributes that keep their value in a PUT that does not set them:
// those that the backend keeps and the body does not clear, and the booleans that
// the body unsets, since null must neither enable nor disable a user.
func (h handler) kept(c *call) []string {
	names := slices.DeleteFunc(slices.Clone(h.rt.Backend.Kept(c.Policy)), func(name string) bool { return slices.Contains(c.cleared, name) })
	for _, name := range c.cleared {
		if p, err := h.rt.Schema.Resolve(name); err == nil && p.Attr.Kind == query.Boolean && p.Sub == nil {
			names = append(names, name)
		}
	}
	return names
}

// current reads the resource that is to change and checks the conditions of the
// request. Upstream has no conditional write: a change that somebody else makes
// from here on goes unnoticed.
func (h handler) current(ctx context.Context, c *call, id string) (query.Object, error) {
	var want query.Projection
	if h.rt.View && !c.conditions.Given() && !h.touchesLinks(c) && c.rehearsal == nil {
		want = h.rt.Cheap
	}
	c.Touched = c.touched()
	o, err := h.backend(c).Get(ctx, id, want)
	if err != nil {
		return nil, err
	}
	c.Before = o
	return o, c.conditions.Check(h.rt.Lasting(o))
}

// touchesLinks reports whether the write names members or entitlements, so that
// the present list must be read first.
func (h handler) touchesLinks(c *call) bool {
	if c.Method == http.MethodPut {
		_, given := c.body.Get(h.rt.Links.Name)
		return given || !slices.Contains(h.rt.Backend.Kept(c.Policy), h.rt.Links.Name)
	}
	return slices.ContainsFunc(c.patch, func(op resource.Operation) bool { return op.Path.Attr.Name == h.rt.Links.Name })
}

// patch is PATCH, RFC 7644 section 3.5.2: in one upstream call where the operations
// do not depend on the present values, else applied to the resource as read.
func (h handler) patch(ctx context.Context, c *call, id string) (query.Object, error) {
	if p, ok := h.backend(c).(resource.Patcher); ok && c.rehearsal == nil && !c.conditions.Given() && !h.changesTypes(c) {
		if found, done, err := p.Patch(ctx, id, c.patch); done {
			return found, err
		}
	}
	current, err := h.current(ctx, c, id)
	if err != nil {
		return nil, err
	}
	want, err := document.Apply(h.rt, h.withTypes(c, current), c.patch, c.caller.Strict)
	if err != nil {
		return nil, err
	}
	if c.mayNotLink != nil && !sameLinks(h.rt.Linking.Links, current, want) {
		return nil, c.mayNotLink
	}
	return h.backend(c).Update(ctx, current, h.withoutTypes(c, current, want))
}

// sameLinks reports whether two states of a resource refer to the same resources.
func sameLinks(l resource.Links, a, b query.Object) bool {
	return slices.Equal(query.Unique(slices.Sorted(l.Of(a))), query.Unique(slices.Sorted(l.Of(b))))
}

// touched names the attributes that a write is about.
func (c *call) touched() []string {
	var names []string
	for _, m := range c.body {
		names = append(names, m.Name)
	}
	for _, op := range c.patch {
		names = append(names, op.Path.Attr.Name)
	}
	return names
}
