package resource

import (
	"context"
	"iter"
	"slices"
	"time"

	"scim-atlassian/scim/query"
)

// ListQuery is a parsed list request, RFC 7644 section 3.4.2.
type ListQuery struct {
	Filter     query.Expr  // nil: everything
	SortBy     *query.Path // nil: the upstream's stable order
	Descending bool
	Start      int // 1-based
	Count      int // resources wanted at most, 0 for the total alone
	Want       query.Projection
	Counted    bool                            // the client said count
	Cursor     *string                         // of RFC 9865, empty for the first page; nil: the page is by start
	Whole      bool                            // everything that matches is wanted, not a page
	ByID       bool                            // what sortBy leaves open is in order of id, not upstream's
	Complete   func(query.Object) query.Object // what filter and sortBy look at, nil: the backend's own
	Shown      string                          // attributes and excludedAttributes, which want came from; empty: neither was there
	Named      bool                            // the client said which attributes it wants, and not only which not
	Fresh      bool                            // the client refuses cached answers (Cache-Control: no-cache)
	Since      time.Time                       // what was kept before that is of an older state than the pages delivered; zero: none were
}

// ListResult is one page of a list.
type ListResult struct {
	Total     int            // all that match, exact
	Resources []query.Object // the page
	Plan      string         // how it was found, for the log and X-Query-Plan
	All       []query.Object // everything that matches, in order, if that was read; nil otherwise

	// Where everything that matches is known but not read: its ids, in order, and
	// how to read some of it. Otherwise both are nil.
	IDs   []string
	Read  ReadFunc
	Batch int // resources that one upstream request of read has

	Next, Previous string // cursors, empty where there is no such page
}

// FilterLimits keep what reaches the parser small: its cost grows with both,
// and deep nesting would exhaust the stack, which no recover catches.
var FilterLimits = query.Limits{Length: 4096, Depth: 32}

// FilterBounds are the limits for the filters and PATCH paths of a caller, who is
// strict or not.
func FilterBounds(strict bool) query.Limits {
	limits := FilterLimits
	limits.Strict = strict
	return limits
}

// Attributes lists what the filter and the order look at.
func (q *ListQuery) Attributes() []string {
	names := query.AttributesOf(q.Filter)
	if q.SortBy != nil {
		names = append(names, q.SortBy.String())
	}
	return names
}

// Links is the attribute by which users refer to groups, and groups to users.
type Links struct {
	Name     string
	Optional bool // upstream's list may leave it out
}

// Missing reports whether a resource was listed without the attribute.
func (l Links) Missing(o query.Object) bool {
	_, listed := o.Get(l.Name)
	return l.Optional && !listed
}

// Of yields the ids that a resource refers to.
func (l Links) Of(o query.Object) iter.Seq[string] {
	return func(yield func(string) bool) {
		v, _ := o.Get(l.Name)
		list, _ := v.([]any)
		for _, e := range list {
			element, _ := e.(query.Object)
			if !yield(element.Text("value")) {
				return
			}
		}
	}
}

// AsksVersion reports whether a query can only be answered of whole resources.
func (q *ListQuery) AsksVersion() bool {
	return slices.ContainsFunc(q.Attributes(), func(name string) bool { return name == "meta" || name == "meta.version" })
}

// ReadFunc reads the resources of ids that exist and match still, in any order.
type ReadFunc func(ctx context.Context, ids []string) ([]query.Object, error)
