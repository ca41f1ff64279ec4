package list

import (
	"strings"

	"scim-atlassian/schemas"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Root stands for the resources of several types, which queries on the server root are about: GET / and POST /.search
// (RFC 7644 sections 3.4.2.1, 3.4.3). It is not written to after NewRoot.
type Root struct {
	// Type is the type of a query on the root: its schema has every attribute that one of Types has. It has no backend.
	Type  *resource.Type
	Types []*resource.Type // the types that queries on the root find
}

// rootName is the name of the root in the log and in refusals, among the names of types.
const rootName = "*"

// NewRoot makes the root of a server from its resource types: those with Root set take part, in this order.
func NewRoot(types []*resource.Type) *Root {
	r := &Root{Type: &resource.Type{ResourceType: schemas.ResourceType{Name: rootName, Endpoint: "/"}}}
	var joined []*query.Schema
	for _, rt := range types {
		if rt.Root {
			r.Types = append(r.Types, rt)
			joined = append(joined, rt.Schema)
		}
	}
	r.Type.Schema = query.Join("the server root", joined...)
	r.Type.Shown, _ = r.Type.Schema.Project(nil, nil) // fails only if both arguments name attributes
	return r
}

// Explain returns the plan of a query on the root without running it.
func (r *Root) Explain(filter query.Expr) string {
	var plans []string
	for _, rt := range r.Types {
		if q, possible := r.narrow(resource.ListQuery{Filter: filter}, rt); possible {
			plans = append(plans, rt.Name+": "+rt.Backend.Explain(q.Filter))
		}
	}
	return joinPlans(plans)
}

// joinPlans makes one plan of the plans of several types.
func joinPlans(plans []string) string {
	if len(plans) == 0 {
		return query.Choose(query.Const(false), nil, query.Stats{}).String()
	}
	return strings.Join(plans, " | ")
}

// narrow rewrites a query on the root for one type. It reports false if no resource of the type can match; then the
// type is not asked.
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
		part.SortBy = nil // an attribute that the type does not have orders none of its resources
		if own, ok := r.Type.Schema.NarrowPath(*q.SortBy, rt.Schema); ok {
			part.SortBy = &own
		}
	}
	return part, true
}
