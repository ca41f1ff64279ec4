package scim

import (
	"strings"

	"scim-atlassian/schemas"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// root is what queries on the server root are about, GET / and POST /.search (RFC
// 7644 sections 3.4.2.1, 3.4.3): the resources of all types that take part.
type root struct {
	// Type stands for all of them in a request: its schema knows every attribute
	// that one of them has. It has no backend of its own.
	Type  *resource.Type
	Types []*resource.Type
}

func newRoot(types []*resource.Type) (*root, error) {
	r := &root{Type: &resource.Type{ResourceType: schemas.ResourceType{Name: auth.AnyType, Endpoint: "/"}}}
	var joined []*query.Schema
	for _, rt := range types {
		if rt.Root {
			r.Types = append(r.Types, rt)
			joined = append(joined, rt.Schema)
		}
	}
	r.Type.Schema = query.Join("the server root", joined...)
	var err error
	r.Type.Shown, err = r.Type.Schema.Project(nil, nil)
	return r, err
}

// Explain names the plan of a query on the root without running it.
func (r *root) Explain(filter query.Expr) string {
	var plans []string
	for _, rt := range r.Types {
		if q, possible := r.narrow(resource.ListQuery{Filter: filter}, rt); possible {
			plans = append(plans, rt.Name+": "+rt.Backend.Explain(q.Filter))
		}
	}
	return joinPlans(plans)
}

// narrow rewrites a query on the root for one type. It reports false if no
// resource of the type can match; then the type is not asked.
func (r *root) narrow(q resource.ListQuery, rt *resource.Type) (part resource.ListQuery, possible bool) {
	part = q
	part.Filter = r.Type.Schema.Narrow(q.Filter, rt.Schema)
	if settled, ok := part.Filter.(query.Const); ok {
		if !settled {
			return part, false
		}
		part.Filter = nil
	}
	if q.SortBy != nil {
		part.SortBy = nil // an attribute that the type has not orders nothing
		if own, ok := r.Type.Schema.NarrowPath(*q.SortBy, rt.Schema); ok {
			part.SortBy = &own
		}
	}
	return part, true
}

// merge orders what was found type by type. What has no object has no value to
// sort by either.
func (w *walk) merge(q resource.ListQuery) {
	if q.SortBy != nil {
		query.SortFunc(w.steps, func(s step) query.Object { return s.object }, *q.SortBy, q.Descending)
	}
}

// joinPlans makes one plan of those of several types.
func joinPlans(plans []string) string {
	if len(plans) == 0 {
		return query.Choose(query.Const(false), nil, query.Stats{}).String()
	}
	return strings.Join(plans, " | ")
}

// presented is a resource as the renderer takes it: complete, where the request is
// about several types and the renderer cannot tell them apart.
func (c *listRequest) presented(s step) query.Object {
	if c.root == nil {
		return s.object
	}
	return c.complete(c.types[s.at.rank], s.object)
}
