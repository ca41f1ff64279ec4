package scim

import (
	"strings"

	"scim-atlassian/schemas"
	"scim-atlassian/scim/query"
)

// newRoot makes what queries on the server root are about, GET / and POST /.search
// (RFC 7644 sections 3.4.2.1, 3.4.3): the resources of all types that take part. It
// is a resource type without a backend, whose schema knows every attribute that
// one of them has.
func newRoot(types []*resourceType) (*resourceType, error) {
	root := &resourceType{ResourceType: schemas.ResourceType{Name: AnyType, Endpoint: "/"}}
	var joined []*query.Schema
	for _, rt := range types {
		if rt.Root {
			root.joined = append(root.joined, rt)
			joined = append(joined, rt.schema)
		}
	}
	root.schema = query.Join("the server root", joined...)
	var err error
	root.shown, err = root.schema.Project(nil, nil)
	return root, err
}

// parts are the types that a request for rt is about: itself, or of the root those
// that it stands for.
func (rt *resourceType) parts() []*resourceType {
	if rt.backend == nil {
		return rt.joined
	}
	return []*resourceType{rt}
}

// narrow makes of a query on the root the one for the resources of a type. It
// reports false if none of them can match, so that nobody need be asked.
func narrow(root *resourceType, q listQuery, rt *resourceType) (part listQuery, possible bool) {
	part = q
	part.filter = root.schema.Narrow(q.filter, rt.schema)
	if settled, ok := part.filter.(query.Const); ok {
		if !settled {
			return part, false
		}
		part.filter = nil
	}
	if q.sortBy != nil {
		part.sortBy = nil // an attribute that the type has not orders nothing
		if own, ok := root.schema.NarrowPath(*q.sortBy, rt.schema); ok {
			part.sortBy = &own
		}
	}
	return part, true
}

// merge orders what was found type by type. What has no object has no value to
// sort by either.
func (w *walk) merge(q listQuery) {
	if q.sortBy != nil {
		query.SortFunc(w.steps, func(s step) query.Object { return s.object }, *q.sortBy, q.descending)
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
	if c.rt.backend != nil {
		return s.object
	}
	return c.complete(c.types[s.at.rank], s.object)
}
