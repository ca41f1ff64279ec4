package delta

import (
	"context"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

const urnResponse = "urn:ietf:params:scim:api:messages:2.0:delta:response"

// kind is what a wrapper says; the zero kind is that there is nothing to say.
type kind string

// The values of changeType, as the examples of the draft write them.
const (
	created kind = "Create"
	updated kind = "Update"
	deleted kind = "Delete"
)

// wrap makes the wrapper of what has become of one resource, nil if a client that
// asks with this request has nothing to learn from it.
func (c collapser) wrap(ctx context.Context, r *run) (query.Object, error) {
	k := c.judge(r)
	if k == "" {
		return nil, nil
	}
	w := query.Object{
		{Name: "schemas", Value: []any{urnResponse}}, {Name: "resourceType", Value: r.rt.Name},
		{Name: "changeType", Value: string(k)}, {Name: "changedResourceId", Value: r.id},
	}
	if k == deleted {
		return w, nil
	}
	now, err := c.present(ctx, r)
	switch {
	case resource.IsMissing(err): // gone since; its entry is to come
		w.Set("changeType", string(deleted))
		return w, nil
	case err != nil:
		return nil, err
	case k == created:
		return append(w, query.Member{Name: "data", Value: now}), nil
	}
	if ops := c.operations(r, now); len(ops) > 0 {
		return append(w, query.Member{Name: "operations", Value: ops}), nil
	}
	return nil, nil
}

// judge decides what a client has to be told, which may have seen the resource in
// any state that it had before one of the changes: an earlier page told the state of
// its own time.
func (c collapser) judge(r *run) kind {
	now := r.now()
	if c.List.Filter == nil {
		switch {
		case now == nil:
			return deleted
		case r.steady():
			return updated
		}
		return created
	}
	filter := c.filterFor(r.rt)
	was, always := false, true // matching before one of the changes, before all of them
	for _, change := range r.changes {
		matched := change.Before != nil && query.Match(filter, c.Complete(r.rt, change.Before))
		unknown := change.Before == nil && change.Op != resource.Created
		was, always = was || matched || unknown, always && matched
	}
	switch is := now != nil && query.Match(filter, c.Complete(r.rt, now)); {
	case is && always && r.steady():
		return updated
	case is:
		return created
	case was:
		return deleted
	}
	return ""
}

// steady reports whether the resource was there all the time.
func (r *run) steady() bool {
	for _, change := range r.changes {
		if change.Op != resource.Updated {
			return false
		}
	}
	return true
}

// filterFor is the filter for resources of one type.
func (c collapser) filterFor(rt *resource.Type) query.Expr {
	if !c.Root {
		return c.List.Filter
	}
	return c.Type.Schema.Narrow(c.List.Filter, rt.Schema)
}

// present is the resource as the answer shows it. One that is known without its links
// is read, if they are wanted.
func (c collapser) present(ctx context.Context, r *run) (query.Object, error) {
	now := r.now()
	if r.rt.Links.Missing(now) && c.Shows(r.rt, r.rt.Links.Name) {
		var err error
		if now, err = r.rt.Backend.Get(ctx, r.id, query.Projection{}); err != nil {
			return nil, err
		}
	}
	return c.show(r.rt, now), nil
}

// show is a resource as the answer shows it.
func (c collapser) show(rt *resource.Type, o query.Object) query.Object {
	return c.Cut(rt, c.Complete(rt, o))
}
