package list

import (
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Root is what queries on the server root are about, GET / and POST /.search (RFC
// 7644 sections 3.4.2.1, 3.4.3): the resources of all types that take part.
type Root struct {
	// Type stands for all of them in a request: its schema knows every attribute
	// that one of them has. It has no backend of its own.
	Type  *resource.Type
	Types []*resource.Type
}

// Explain names the plan of a query on the root without running it.
func (r *Root) Explain(filter query.Expr) string {
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
func (r *Root) narrow(q resource.ListQuery, rt *resource.Type) (part resource.ListQuery, possible bool) {
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

// presented is a resource as the renderer takes it: complete, where the request is
// about several types and the renderer cannot tell them apart.
func (c *Request) presented(s step) query.Object {
	if c.Root == nil {
		return s.object
	}
	return c.Complete(c.Types[s.at.Rank], s.object)
}
