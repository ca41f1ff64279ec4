package scim

import (
	"context"
	"slices"
	"time"

	"scim-atlassian/scim/query"
)

// backend is one resource type as Atlassian offers it. Documents go in and out
// as whole SCIM resources, meta without location included; schemas and
// meta.location are the renderer's.
//
// A document that a backend returns may be shared with other requests: nobody
// writes to it. A write returns only when upstream confirmed it and what was
// read back holds what was asked for. Errors are *Error or *atlassian.Error.
// Methods are safe for concurrent use.
type backend interface {
	// get reads one resource; want says which attributes are needed at least, the
	// zero Projection all of them.
	get(ctx context.Context, id string, want query.Projection) (query.Object, error)
	// create makes a resource from the writable attributes in doc.
	create(ctx context.Context, doc query.Object) (query.Object, error)
	// update makes the resource current, as get returned it whole, what want says
	// and sends upstream no more than the difference, nothing if there is none.
	// Writable attributes that want does not name are cleared. A nil document
	// stands for a success with nothing to show (204).
	update(ctx context.Context, current, want query.Object) (query.Object, error)
	// kept names the attributes that a PUT which leaves them out does not clear.
	kept(p Policy) []string
	// remove deletes the resource.
	remove(ctx context.Context, id string) error
	// list answers a query completely or fails. If q.whole, it answers with all
	// or ids and read, whatever the page.
	list(ctx context.Context, q listQuery) (*listResult, error)
	// explain names the plan of a query without running it.
	explain(filter query.Expr) string
}

// patcher is a backend that can do some PATCHes without reading the resource
// first.
type patcher interface {
	// patch applies all operations or none in one upstream call. It reports false,
	// and has done nothing, if their effect depends on what is there.
	patch(ctx context.Context, id string, ops []operation) (found query.Object, done bool, err error)
}

// completer is a backend that adds to what the body of a POST or PUT says.
type completer interface {
	// complete adds to doc what a client may leave out. standIn names an attribute
	// of doc that only stands for what the resource has ("" if none does): the
	// schema requires one, and a PUT keeps the present one.
	complete(ctx context.Context, method string, doc *query.Object) (standIn string, err error)
}

// listQuery is a parsed list request, RFC 7644 section 3.4.2.
type listQuery struct {
	filter     query.Expr  // nil: everything
	sortBy     *query.Path // nil: the upstream's stable order
	descending bool
	start      int // 1-based
	count      int // resources wanted at most, 0 for the total alone
	want       query.Projection
	counted    bool                            // the client said count
	cursor     *string                         // of RFC 9865, empty for the first page; nil: the page is by start
	whole      bool                            // everything that matches is wanted, not a page
	byID       bool                            // what sortBy leaves open is in order of id, not upstream's
	complete   func(query.Object) query.Object // what filter and sortBy look at, nil: the backend's own
	shown      string                          // attributes and excludedAttributes, which want came from; empty: neither was there
	named      bool                            // the client said which attributes it wants, and not only which not
	fresh      bool                            // the client refuses cached answers (Cache-Control: no-cache)
	since      time.Time                       // what was kept before that is of an older state than the pages delivered; zero: none were
}

// listResult is one page of a list.
type listResult struct {
	total     int            // all that match, exact
	resources []query.Object // the page
	plan      string         // how it was found, for the log and X-Query-Plan
	all       []query.Object // everything that matches, in order, if that was read; nil otherwise

	// Where everything that matches is known but not read: its ids, in order, and
	// how to read some of it. Otherwise both are nil.
	ids   []string
	read  readFunc
	batch int // resources that one upstream request of read has

	next, previous string // cursors, empty where there is no such page
}

// whole reports whether everything that matches was found.
func (r *listResult) whole() bool { return r.all != nil || r.read != nil }

// finish matches, sorts and cuts all candidates down to the page that q asks
// for. It does not write to candidates.
func (q listQuery) finish(candidates []query.Object, plan string) *listResult {
	if q.complete != nil {
		completed := make([]query.Object, len(candidates))
		for i, o := range candidates {
			completed[i] = q.complete(o)
		}
		candidates = completed
	}
	matched := candidates
	if q.filter != nil {
		matched = make([]query.Object, 0, min(len(candidates), 1024))
		for _, o := range candidates {
			if query.Match(q.filter, o) {
				matched = append(matched, o)
			}
		}
	}
	if q.byID || q.sortBy != nil {
		matched = append([]query.Object{}, matched...)
	}
	if q.byID {
		slices.SortFunc(matched, func(a, b query.Object) int { return query.CompareIDs(a.Text("id"), b.Text("id")) })
	}
	if q.sortBy != nil {
		query.Sort(matched, *q.sortBy, q.descending)
	}
	return q.cut(matched, plan)
}

// cut takes the page that q asks for from all that matches.
func (q listQuery) cut(all []query.Object, plan string) *listResult {
	if all == nil {
		all = []query.Object{} // nothing matches, which is not the same as nothing read
	}
	from := min(q.start-1, len(all))
	to := min(from+q.count, len(all))
	return &listResult{total: len(all), resources: all[from:to], plan: plan, all: all}
}

// operation is one step of a PATCH, RFC 7644 section 3.5.2, checked against the
// schema: op is add, replace or remove; values are coerced to the attribute's
// type.
type operation struct {
	op     string
	path   query.Path
	filter query.Expr // of path[filter], nil if none
	value  any        // nil for a remove without value
}
