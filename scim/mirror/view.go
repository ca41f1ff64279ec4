package mirror

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

	age     time.Duration  // since the reading of all resources began
	rows    *table.Table   // nil: objects has the resources
	objects []query.Object // nobody may write to them
}

// Objects returns all resources, in upstream's order. Nobody may write to them.
func (v View) Objects() []query.Object {
	if v.rows == nil {
		return v.objects
	}
	rows := v.rows.Rows()
	all := make([]query.Object, rows.Len())
	for i := range all {
		all[i] = rows.Object(i)
	}
	return all
}

// With returns a view of other resources that were made of those in v.
func (v View) With(objects []query.Object) View {
	v.rows, v.objects = nil, objects
	return v
}

// answer answers a query from the resources.
func (v View) answer(q resource.ListQuery, plan string) *resource.ListResult {
	var r *resource.ListResult
	if v.rows == nil {
		r = q.Finish(v.objects, plan)
	} else {
		r = v.rows.Answer(q, plan)
	}
	r.AsOf, r.Proven = v.AsOf, v.Proven
	return r
}
