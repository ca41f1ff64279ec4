package resource

import (
	"context"
	"slices"

	"scim-atlassian/scim/query"
)

// Backend is one resource type as Atlassian offers it. Documents go in and out
// as whole SCIM resources, meta without location included; schemas and
// meta.location are the renderer's.
//
// A document that a backend returns may be shared with other requests: nobody
// writes to it. A write returns only when upstream confirmed it and what was
// read back holds what was asked for. Errors are *Error or *atlassian.Error.
// Methods are safe for concurrent use.
type Backend interface {
	// Get reads one resource; want says which attributes are needed at least, the
	// zero Projection all of them.
	Get(ctx context.Context, id string, want query.Projection) (query.Object, error)
	// Create makes a resource from the writable attributes in doc.
	Create(ctx context.Context, doc query.Object) (query.Object, error)
	// Update makes the resource current, as get returned it whole, what want says
	// and sends upstream no more than the difference, nothing if there is none.
	// Writable attributes that want does not name are cleared. A nil document
	// stands for a success with nothing to show (204).
	Update(ctx context.Context, current, want query.Object) (query.Object, error)
	// Kept names the attributes that a PUT which leaves them out does not clear.
	Kept(p Policy) []string
	// Remove deletes the resource.
	Remove(ctx context.Context, id string) error
	// List answers a query completely or fails. If q.whole, it answers with all
	// or ids and read, whatever the page.
	List(ctx context.Context, q ListQuery) (*ListResult, error)
	// Explain names the plan of a query without running it.
	Explain(filter query.Expr) string
}

// Patcher is a backend that can do some PATCHes without reading the resource
// first.
type Patcher interface {
	// Patch applies all operations or none in one upstream call. It reports false,
	// and has done nothing, if their effect depends on what is there.
	Patch(ctx context.Context, id string, ops []Operation) (found query.Object, done bool, err error)
}

// Completer is a backend that adds to what the body of a POST or PUT says.
type Completer interface {
	// Complete adds to doc what a client may leave out. standIn names an attribute
	// of doc that only stands for what the resource has ("" if none does): the
	// schema requires one, and a PUT keeps the present one.
	Complete(ctx context.Context, method string, doc *query.Object) (standIn string, err error)
}

// Whole reports whether everything that matches was found.
func (r *ListResult) Whole() bool { return r.All != nil || r.Read != nil }

// Finish matches, sorts and cuts all candidates down to the page that q asks
// for. It does not write to candidates.
func (q ListQuery) Finish(candidates []query.Object, plan string) *ListResult {
	if q.Complete != nil {
		completed := make([]query.Object, len(candidates))
		for i, o := range candidates {
			completed[i] = q.Complete(o)
		}
		candidates = completed
	}
	matched := candidates
	if q.Filter != nil {
		matched = make([]query.Object, 0, min(len(candidates), 1024))
		for _, o := range candidates {
			if query.Match(q.Filter, o) {
				matched = append(matched, o)
			}
		}
	}
	if q.ByID || q.SortBy != nil {
		matched = append([]query.Object{}, matched...)
	}
	if q.ByID {
		slices.SortFunc(matched, func(a, b query.Object) int { return query.CompareIDs(a.Text("id"), b.Text("id")) })
	}
	if q.SortBy != nil {
		query.Sort(matched, *q.SortBy, q.Descending)
	}
	return q.cut(matched, plan)
}

// cut takes the page that q asks for from all that matches.
func (q ListQuery) cut(all []query.Object, plan string) *ListResult {
	if all == nil {
		all = []query.Object{} // nothing matches, which is not the same as nothing read
	}
	from := min(q.Start-1, len(all))
	to := min(from+q.Count, len(all))
	return &ListResult{Total: len(all), Resources: all[from:to], Plan: plan, All: all}
}
