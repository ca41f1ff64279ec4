package collection

import (
	"time"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/table"
)

// View is all resources of a type as one request sees them. Make one of resources
// in another form with With.
type View struct {
	Kept bool // the reading began before the request did
	// AsOf is when the oldest reading began that the resources rest on, and Proven
	// when the last reading of all resources began. Both are zero where nothing is
	// remembered.
	AsOf, Proven time.Time

	// Version differs if the resources do: take it before Objects.
	Version uint64

	Age     time.Duration  // since the reading of all resources began
	Rows    *table.Table   // nil: objects has the resources
	objects []query.Object // nobody may write to them
}

// Objects returns all resources, in upstream's order. Nobody may write to them.
func (v View) Objects() []query.Object {
	if v.Rows == nil {
		return v.objects
	}
	return resource.Decoded(v.Rows.Rows())
}

// With returns a view of other resources that were made of those in v.
func (v View) With(objects []query.Object) View {
	v.Rows, v.objects = nil, objects
	return v
}

// Answer answers a query from the resources.
func (v View) Answer(q resource.ListQuery, plan string) *resource.ListResult {
	var r *resource.ListResult
	if v.Rows == nil {
		r = q.Finish(v.objects, plan)
	} else {
		r = v.Rows.Answer(q, plan)
	}
	r.AsOf, r.Proven = v.AsOf, v.Proven
	return r
}
