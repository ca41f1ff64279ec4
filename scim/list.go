package scim

import (
	"context"
	"net/http"
	"time"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// lists answers list requests: it finds results through the backends, keeps
// them for the pages that follow, and says where those begin. It is safe for
// concurrent use.
//
// Pages are of one state of upstream as far as that can be had. What is there and
// matches while a client pages through a list comes exactly once, whoever creates
// and deletes others meanwhile; docs/queries.md says it for clients.
type lists struct {
	kept    *walks
	cursors *cursorSealer
}

// listsConfig bounds what is kept of lists between their pages.
type listsConfig struct {
	CursorKey       string        // secret that signs cursors; empty: one for the life of the process
	CursorTimeout   time.Duration // between two pages of a list
	KeptResultBytes int64         // memory for results between their pages
	Now             func() time.Time
}

func newLists(cfg listsConfig) *lists {
	return &lists{kept: newWalks(cfg), cursors: newCursorSealer(cfg)}
}

// listRequest is a list request as far as finding its page goes.
type listRequest struct {
	query  resource.ListQuery
	rt     *resource.Type   // what it is about; of the root, what stands for all
	root   *root            // nil: it is about one type
	types  []*resource.Type // rt, or of the root's those that the caller may read
	caller string
	base   string // base URL in locations
	began  time.Time
	// complete adds what the server adds to a resource before it is shown.
	complete func(rt *resource.Type, o query.Object) query.Object
}

// completer completes resources of one type.
func (c *listRequest) completer(rt *resource.Type) func(query.Object) query.Object {
	return func(o query.Object) query.Object { return c.complete(rt, o) }
}

// answer finds the page that c asks for.
func (l *lists) answer(ctx context.Context, c *listRequest) (*resource.ListResult, error) {
	if c.query.Cursor != nil {
		return l.byCursor(ctx, c)
	}
	return l.byIndex(ctx, c)
}

// byIndex answers by startIndex and count. The first page is found anew; one that
// goes on with a kept result is cut from it, unless the query says how old what it
// rests on may be.
func (l *lists) byIndex(ctx context.Context, c *listRequest) (*resource.ListResult, error) {
	q, key := c.query, queryKey(c.query, c)
	alone := false
	if w := l.kept.find(key); w != nil && q.Start > 1 && !q.Fresh && q.Since.IsZero() {
		if page, err := l.goOn(ctx, c, w); page != nil || err != nil {
			return page, err
		}
		alone = true
	}
	w, page, err := begin(ctx, c)
	switch {
	case err != nil:
		return nil, err
	case alone: // the kept walk stays: it knows that the pages to come stand alone too
	case w.worthKeeping(page):
		l.kept.keep(key, w)
	default:
		l.kept.drop(key)
	}
	return page, nil
}

// begin finds a result for its first request.
func begin(ctx context.Context, c *listRequest) (*walk, *resource.ListResult, error) {
	q := c.query
	if c.root != nil {
		w, err := gather(ctx, c, q)
		if err != nil {
			return nil, nil, err
		}
		page, err := w.cut(ctx, c, q.Start-1, q.Count)
		return w, page, err
	}
	found, err := c.rt.Backend.List(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	w := newWalk(c)
	w.add(0, found)
	if !w.complete {
		w.from, w.total = q.Start-1, found.Total
	}
	w.fixed = q.Start - 1 + len(found.Resources)
	return w, found, nil
}

// goOn cuts a page from a kept result, which is completed first if only a window
// of it was ever read. It returns nil if the page has to stand alone, because
// everything is too much to be read or kept.
func (l *lists) goOn(ctx context.Context, c *listRequest, w *walk) (*resource.ListResult, error) {
	if err := w.enter(ctx); err != nil {
		return nil, err
	}
	defer w.leave()
	known := w.complete
	if !known {
		if err := l.complete(ctx, c, w); err != nil || w.tooLarge {
			return nil, err
		}
	}
	page, err := w.cut(ctx, c, c.query.Start-1, c.query.Count)
	if err == nil && known {
		page.Plan = w.continued(page)
	}
	return page, err
}

// complete reads what a window lacks, or says of it that this is too much.
func (l *lists) complete(ctx context.Context, c *listRequest, w *walk) error {
	if w.tooLarge || l.kept.exceeds(w.bytes()/int64(len(w.steps))*int64(w.total)) {
		w.tooLarge = true
		return nil
	}
	q := c.query
	q.Since = w.began
	all, err := gather(ctx, c, q)
	if err != nil && resource.AsError(err).Type == resource.TypeTooMany {
		w.tooLarge = true
		return nil
	}
	if err != nil {
		return err
	}
	w.completeWith(all)
	if !l.kept.keep(queryKey(c.query, c), w) {
		w.steps, w.complete, w.tooLarge = nil, false, true
		l.kept.keep(queryKey(c.query, c), w)
	}
	return nil
}

// byCursor answers by cursor, RFC 9865. Every first page has a kept result of its
// own, in an order that a lost one can be found again by.
func (l *lists) byCursor(ctx context.Context, c *listRequest) (*resource.ListResult, error) {
	q, binding := c.query, queryKey(c.query, c)
	at, err := l.cursors.open(*q.Cursor, binding)
	if err != nil {
		return nil, err
	}
	if *q.Cursor == "" {
		at.count = q.Count
	} else if q.Counted && q.Count != at.count {
		return nil, resource.Refuse(http.StatusBadRequest, resource.TypeInvalidCount, "count is %d; the first page was asked for with %d, keep to it or begin again with an empty cursor.", q.Count, at.count)
	}
	w := l.kept.find(at.walk)
	known := w != nil
	if !known {
		q.ByID, q.Since = true, at.began
		if w, err = gather(ctx, c, q); err != nil {
			return nil, err
		}
		if at.start, err = w.resume(at, q.SortBy != nil); err != nil {
			return nil, err
		}
		at.walk = newWalkKey()
		if *q.Cursor == "" {
			at.began = c.began
		}
	}
	if err := w.enter(ctx); err != nil {
		return nil, err
	}
	defer w.leave()
	page, err := w.cut(ctx, c, at.start, at.count)
	if err != nil {
		return nil, err
	}
	if known {
		page.Plan = w.continued(page)
	}
	if at.count == 0 {
		return page, nil // the total was asked for, nothing to page through
	}
	end := at.start + len(page.Resources)
	if end < len(w.steps) {
		if !known && !l.kept.keep(at.walk, w) {
			at.walk = ""
		}
		page.Next = l.cursors.seal(w.cursor(at, end, q.SortBy != nil), binding)
	}
	if at.start > 0 {
		page.Previous = l.cursors.seal(w.cursor(at, max(0, at.start-at.count), q.SortBy != nil), binding)
	}
	return page, nil
}

// gather finds everything that matches among the resources of all types that the
// request is about, in order.
func gather(ctx context.Context, c *listRequest, q resource.ListQuery) (*walk, error) {
	q.Start, q.Count, q.Whole = 1, 0, true
	w := newWalk(c)
	if c.root == nil {
		found, err := c.rt.Backend.List(ctx, q)
		if err == nil {
			w.add(0, found)
		}
		return w, err
	}
	var plans []string
	for rank, rt := range c.types {
		part, possible := c.root.narrow(q, rt)
		if !possible {
			continue
		}
		if q.Complete != nil {
			part.Complete = c.completer(rt)
		}
		found, err := rt.Backend.List(ctx, part)
		if err != nil {
			return nil, err
		}
		w.add(rank, found)
		plans = append(plans, rt.Name+": "+found.Plan)
	}
	w.complete, w.plan = true, joinPlans(plans)
	w.merge(q)
	return w, nil
}
