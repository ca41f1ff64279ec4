package resource

import (
	"context"
	"slices"
	"time"

	"scim-atlassian/scim/query"
)

// ListQuery is a parsed list request, RFC 7644 section 3.4.2. A backend may pass it
// on and change its copy; nobody writes to the values that its fields point to.
type ListQuery struct {
	// Filter selects the resources, as query.Match does; nil selects all.
	Filter query.Expr
	// SortBy orders the result as query.Sort does; nil: the backend's own order,
	// which is the same every time as long as no resource comes or goes. Resources
	// with equal values keep that order.
	SortBy     *query.Path
	Descending bool
	// ByID replaces the backend's own order by that of query.CompareIDs over the ids.
	ByID bool

	Start int // place of the first resource wanted, from 1
	Count int // resources wanted at most; 0: the total alone
	// Whole asks for everything that matches, in All, in Every, or in IDs and Read, because
	// other pages are going to be cut from it. Start and Count do not matter then.
	Whole bool

	// Want shows the attributes of the answer: resources have at least these, and
	// those that Filter and SortBy look at. The zero Projection shows all.
	Want query.Projection
	// Named says that the client listed the attributes in Want, rather than those it
	// does without: an attribute that costs extra is worth its price then.
	Named bool

	// Fresh forbids an answer from anything that was read before the request began
	// (Cache-Control: no-cache).
	Fresh bool
	// Since forbids an answer from anything that was read before that time: pages of
	// a later state have been delivered. The zero time forbids nothing.
	Since time.Time

	// Complete adds to a resource the attributes that the server makes, such as
	// meta.location. If it is there, Filter or SortBy look at such an attribute: they
	// are to be applied to completed resources, and the result has these. It does not
	// write to its argument, and changes no attribute that has a single simple value.
	// Nil: nothing is to be added.
	Complete func(query.Object) query.Object

	// These are for whoever keeps results between their pages; backends have no use
	// for them.
	Counted bool    // the client said count
	Cursor  *string // of RFC 9865, empty for the first page; nil: the page is by Start
	Shown   string  // the attribute names that Want was made from, as a key; empty: the client named none
}

// ListResult is the answer to a ListQuery. What it refers to is shared: nobody
// writes to it.
type ListResult struct {
	Total     int            // all that match, exact
	Resources []query.Object // the page: those from Start on, Count at most
	Source    Source         // the page in upstream's own bytes, in place of Resources; nil: Resources has it
	Plan      string         // how they were found, on one line, for the log and X-Query-Plan
	Scanned   int            // resources that were looked at one by one to find those that match

	// All is everything that matches, in order, if that was read anyway. It is never
	// nil then, though it may be empty.
	All []query.Object

	// Every stands in place of All where everything that matches is kept in another
	// form than objects. It decodes them one by one; All is nil then.
	Every Source

	// IDs and Read stand for everything that matches where it is known and not read:
	// the ids in order, and the way to read some of them. Either both are set or
	// neither is, and All and Every are nil if they are. They have no place in a whole result
	// with SortBy, since it may have to be merged with others.
	IDs   []string
	Read  ReadFunc
	Batch int // resources that one upstream call of Read brings

	// AsOf is when the oldest reading began that the result rests on, and Proven when
	// the last reading of all resources began; zero: it was asked of upstream just now.
	AsOf, Proven time.Time

	Next, Previous string // cursors of other pages, for whoever keeps results; empty: there is no such page
}

// ReadFunc reads those of the resources called ids that still exist and still
// match, in any order, with the attributes that the ListQuery asked for. It is
// good for as long as somebody pages through the result. It is safe for concurrent
// use, and its errors are those of List.
type ReadFunc func(ctx context.Context, ids []string) ([]query.Object, error)

// Whole reports whether the result tells everything that matches.
func (r *ListResult) Whole() bool { return r.All != nil || r.Every != nil || r.Read != nil }

// Finish answers the query from candidates, which are all resources that can match,
// each once, in the backend's own order: it completes and matches them, sorts them
// and cuts out the page. It does not write to candidates.
func (q ListQuery) Finish(candidates []query.Object, plan string) *ListResult {
	if q.Complete != nil {
		completed := make([]query.Object, len(candidates))
		for i, o := range candidates {
			completed[i] = q.Complete(o)
		}
		candidates = completed
	}
	matched, scanned := candidates, 0
	if q.Filter != nil {
		scanned = len(candidates)
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
	r := q.cut(matched, plan)
	r.Scanned = scanned
	return r
}

// cut takes the page out of all that matches.
func (q ListQuery) cut(all []query.Object, plan string) *ListResult {
	if all == nil {
		all = []query.Object{} // nothing matches, which is not the same as nothing read
	}
	from := min(q.Start-1, len(all))
	to := min(from+q.Count, len(all))
	return &ListResult{Total: len(all), Resources: all[from:to], Plan: plan, All: all}
}

// Attributes lists the attributes that Filter and SortBy look at, by their
// canonical names; one may be there twice.
func (q *ListQuery) Attributes() []string {
	names := query.AttributesOf(q.Filter)
	if q.SortBy != nil {
		names = append(names, q.SortBy.String())
	}
	return names
}

// AsksVersion reports whether Filter or SortBy look at meta.version, which can be
// told of whole resources only.
func (q *ListQuery) AsksVersion() bool {
	return slices.ContainsFunc(q.Attributes(), func(name string) bool { return name == "meta" || name == "meta.version" })
}

// FilterLimits bound the filters that reach the parser: its cost grows with both
// limits, and deep nesting would exhaust the stack, which no recover catches.
var FilterLimits = query.Limits{Length: 4096, Depth: 32}

// FilterBounds returns FilterLimits for the filters and PATCH paths of one caller,
// whose are read to the letter of the RFCs if strict is set.
func FilterBounds(strict bool) query.Limits {
	limits := FilterLimits
	limits.Strict = strict
	return limits
}
