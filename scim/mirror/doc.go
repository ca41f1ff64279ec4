// Package mirror keeps a copy of one resource type of Atlassian's directory, as
// fresh as each request needs it, and answers queries from it.
//
// A Mirror reads a type through its Source, page by page: the pager proves that
// the pages fit together, so that nothing is missing from a list. The store runs
// one such reading at a time for all requests that wait, and puts each page into
// its rows as it comes. The last scan that reached its end is the base of the
// rows: it says how old they may be, and Need says how old they may be for a
// request. Own writes are worked into the rows: the writer takes a Write with
// Begin, sends the write, and tells its outcome, one of five. The resource Became
// an object; it is Gone; it is in Doubt and must be read again; a resource of the
// other type was Touched, so that those that link to it must be read again; or the
// outcome is Unknown, and everything must be. From then on every request sees the
// write, even if it waits for a reading that began earlier.
//
// A Collection answers a list query with the cheapest of three ways that
// query.Choose finds: lookups that upstream offers, a page of its list, or the
// rows. Parallel and FetchAll bound how many upstream calls one request has
// under way.
package mirror

import "scim-atlassian/scim/collection"

// What backends need of package collection to ask a Mirror, by names of this package.
type (
	Collection = collection.Collection
	Need       = collection.Need
	View       = collection.View
)

// ErrCostly is collection.ErrCostly.
var ErrCostly = collection.ErrCostly
