// Package list answers list requests: it finds a result through the backends and keeps it for the pages that follow.
//
// A Pager takes a Request and returns one page of its result, by index (startIndex and count, RFC 7644 section 3.4.2.4)
// or by cursor (RFC 9865). Between two pages a result is kept as a walk: a list of steps, a resource or an id each. The
// walks of all clients are kept within a time and a size. A cursor carries enough to go on after its walk is lost. A
// Root stands for the resource types that a query on the server root is about, and narrows the query for each of them.
package list

import (
	"context"
	"net/http"
	"strings"
	"time"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Pager finds the pages of lists. It is safe for concurrent use.
//
// The pages of a list are of one state of upstream as far as possible: a resource that exists and matches all the time
// while a client pages through a list comes exactly once, whatever others create and delete meanwhile. docs/queries.md
// explains this to clients.
type Pager struct {
	kept    *walks
	cursors *cursorSealer
}

// Config bounds the memory of lists between their pages.
type Config struct {
	CursorKey       string           // secret that signs cursors; empty: a random one for the life of the process
	CursorTimeout   time.Duration    // how long a list may rest between two pages
	KeptResultBytes int64            // memory for the results of all lists together
	Now             func() time.Time // safe for concurrent use
}

// New makes a Pager that keeps nothing yet.
func New(cfg Config) *Pager {
	return &Pager{kept: newWalks(cfg), cursors: newCursorSealer(cfg)}
}

// RenewCursorKey has cursors signed with another secret from now on; those that were signed with the one before it stay
// good. It is called by one goroutine at a time.
func (p *Pager) RenewCursorKey(secret string) { p.cursors.renew(secret) }

// Request is a list request: the query, who asks, and how the answer is completed. Page does not write to it.
type Request struct {
	Query  resource.ListQuery
	Type   *resource.Type   // the type in question; in a query on the root, Root.Type
	Root   *Root            // nil: the query is about one type
	Types  []*resource.Type // Type alone; in a query on the root, its types that the caller may read
	Caller string           // the name of the caller, whom walks and cursors belong to
	Base   string           // base URL in locations
	Began  time.Time        // when the request came in
	// Want says which attributes of a type the answer shows; in a query on the root, no more than Query.Want.
	Want func(rt *resource.Type) query.Projection
	// Complete adds the attributes of an answer that are the server's, such as meta.location. It does not write to o.
	Complete func(rt *resource.Type, o query.Object) query.Object
}

// completer returns Complete for the resources of one type.
func (r *Request) completer(rt *resource.Type) func(query.Object) query.Object {
	return func(o query.Object) query.Object { return r.Complete(rt, o) }
}

// show returns the resource of a step as the renderer takes it. On the root the renderer cannot tell the types apart,
// so the resource is completed here.
func (r *Request) show(s step) query.Object {
	if r.Root == nil {
		return s.object
	}
	return r.Complete(r.Types[s.at.rank], s.object)
}

// key names the query of a request: the caller and everything that decides on the result and its order, but not the
// page. Walks of lists by index are kept under it, and cursors are bound to it.
func (r *Request) key() string {
	q := r.Query
	parts := []string{r.Caller, "", "", "", q.Shown, ""}
	for _, rt := range r.Types {
		parts[1] += rt.Name + " "
	}
	if q.Filter != nil {
		parts[2] = q.Filter.String()
	}
	if q.SortBy != nil {
		parts[3] = q.SortBy.String()
		if q.Descending {
			parts[3] += " descending"
		}
	}
	if q.Complete != nil {
		parts[5] = r.Base // locations are in the result
	}
	return strings.Join(parts, "\x00")
}

// Page returns the page that r asks for. Its errors are those of the backends, and refusals of a cursor:
// invalidCursor, expiredCursor or invalidCount (RFC 9865 section 3).
func (p *Pager) Page(ctx context.Context, r *Request) (*resource.ListResult, error) {
	if r.Query.Cursor != nil {
		return p.byCursor(ctx, r)
	}
	return p.byIndex(ctx, r)
}

// byIndex answers by startIndex and count. The first page is always read anew. A later one is cut from the kept walk,
// unless the query limits the age of its data.
func (p *Pager) byIndex(ctx context.Context, r *Request) (*resource.ListResult, error) {
	q, key := r.Query, r.key()
	alone := false
	if w := p.kept.find(key); w != nil && q.Start > 1 && !q.Fresh && q.Since.IsZero() {
		if page, err := p.continueWalk(ctx, r, w); page != nil || err != nil {
			return page, err
		}
		alone = true
	}
	w, page, err := begin(ctx, r)
	switch {
	case err != nil:
		return nil, err
	case alone: // the kept walk stays: it knows that the pages to come stand alone too
	case w.worthKeeping(page):
		p.kept.keep(key, w)
	default:
		p.kept.drop(key)
	}
	return page, nil
}

// begin finds a result and its first page.
func begin(ctx context.Context, r *Request) (*walk, *resource.ListResult, error) {
	q := r.Query
	if r.Root != nil {
		w, err := gather(ctx, r, q)
		if err != nil {
			return nil, nil, err
		}
		page, err := w.cut(ctx, r, q.Start-1, q.Count)
		return w, page, err
	}
	found, err := r.Type.Backend.List(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	w := newWalk(r)
	w.add(0, found)
	if !w.complete {
		w.from, w.total = q.Start-1, found.Total
	}
	w.fixed, w.scanned = q.Start-1+found.Len(), 0 // the page tells it
	return w, found, nil
}

// continueWalk cuts a page from a kept walk. If the walk is only a window of the result, the rest is read first. It
// returns nil if the whole result is too large to read or keep: then the page has to stand alone.
func (p *Pager) continueWalk(ctx context.Context, r *Request, w *walk) (*resource.ListResult, error) {
	if err := w.enter(ctx); err != nil {
		return nil, err
	}
	defer w.leave()
	wasComplete := w.complete
	if !wasComplete {
		if err := p.readRest(ctx, r, w); err != nil || w.tooLarge {
			return nil, err
		}
	}
	page, err := w.cut(ctx, r, r.Query.Start-1, r.Query.Count)
	if err == nil && wasComplete {
		page.Plan = w.continuedPlan(page)
	}
	return page, err
}

// readRest reads the rest of the result of which w is a window, or marks w as too large for that.
func (p *Pager) readRest(ctx context.Context, r *Request, w *walk) error {
	if w.tooLarge || p.kept.neverFits(w.estimate()) {
		w.tooLarge = true
		return nil
	}
	q := r.Query
	q.Since = w.began
	all, err := gather(ctx, r, q)
	if err != nil && resource.AsError(err).Type == resource.TypeTooMany {
		w.tooLarge = true
		return nil
	}
	if err != nil {
		return err
	}
	w.completeWith(all)
	if !p.kept.keep(r.key(), w) {
		w.steps, w.every, w.complete, w.tooLarge = nil, nil, false, true
		p.kept.keep(r.key(), w)
	}
	return nil
}

// byCursor answers by cursor, RFC 9865. Every first page begins a walk of its own, in an order in which a cursor can go
// on after the walk is lost.
func (p *Pager) byCursor(ctx context.Context, r *Request) (*resource.ListResult, error) {
	q := r.Query
	at, err := p.cursors.open(*q.Cursor, r.key())
	if err != nil {
		return nil, err
	}
	if *q.Cursor == "" {
		at.count = q.Count
	} else if q.Counted && q.Count != at.count {
		return nil, resource.Refuse(http.StatusBadRequest, resource.TypeInvalidCount, "count is %d; the first page was asked for with %d, keep to it or begin again with an empty cursor.", q.Count, at.count)
	}
	w := p.kept.find(at.walk)
	known := w != nil
	if !known {
		if w, at, err = walkFrom(ctx, r, at); err != nil {
			return nil, err
		}
	}
	if err := w.enter(ctx); err != nil {
		return nil, err
	}
	defer w.leave()
	page, err := w.cut(ctx, r, at.start, at.count)
	if err != nil {
		return nil, err
	}
	if known {
		page.Plan = w.continuedPlan(page)
	}
	if at.count > 0 { // 0 asks for the total alone: there are no other pages
		p.link(page, r, w, at, known)
	}
	return page, nil
}

// walkFrom begins a walk for a cursor whose own walk is not kept, or for the first page. It returns the cursor with its
// place in this walk.
func walkFrom(ctx context.Context, r *Request, at cursor) (*walk, cursor, error) {
	q := r.Query
	q.ByID, q.Since = true, at.began
	w, err := gather(ctx, r, q)
	if err != nil {
		return nil, at, err
	}
	if at.start, err = w.resume(at, q.SortBy != nil); err != nil {
		return nil, at, err
	}
	at.walk = newWalkKey()
	if *q.Cursor == "" {
		at.began = r.Began
	}
	return w, at, nil
}

// link gives a page of a walk the cursors of the pages before and after it. A walk that is not known yet is kept if
// another page follows.
func (p *Pager) link(page *resource.ListResult, r *Request, w *walk, at cursor, known bool) {
	sorted, key := r.Query.SortBy != nil, r.key()
	end := at.start + page.Len()
	if end < w.len() {
		if !known && !p.kept.keep(at.walk, w) {
			at.walk = ""
		}
		page.Next = p.cursors.seal(w.cursorAt(at, end, sorted), key)
	}
	if at.start > 0 {
		page.Previous = p.cursors.seal(w.cursorAt(at, max(0, at.start-at.count), sorted), key)
	}
}

// gather finds everything that q matches among the resources of all types of the request, in order.
func gather(ctx context.Context, r *Request, q resource.ListQuery) (*walk, error) {
	q.Start, q.Count, q.Whole = 1, 0, true
	w := newWalk(r)
	if r.Root == nil {
		found, err := r.Type.Backend.List(ctx, q)
		if err == nil {
			w.add(0, found)
		}
		return w, err
	}
	var plans []string
	for rank, rt := range r.Types {
		part, possible := r.Root.narrow(q, rt)
		if !possible {
			continue
		}
		part.Want = r.Want(rt)
		if q.Complete != nil {
			part.Complete = r.completer(rt)
		}
		found, err := rt.Backend.List(ctx, part)
		if err != nil {
			return nil, err
		}
		w.add(rank, found)
		plans = append(plans, rt.Name+": "+found.Plan)
	}
	w.complete, w.plan = true, joinPlans(plans)
	w.sort(q)
	return w, nil
}
