package list

import (
	"context"
	"net/http"
	"strings"
	"time"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Lists answers list requests: it finds results through the backends, keeps
// them for the pages that follow, and says where those begin. It is safe for
// concurrent use.
//
// Pages are of one state of upstream as far as that can be had. What is there and
// matches while a client pages through a list comes exactly once, whoever creates
// and deletes others meanwhile; docs/queries.md says it for clients.
type Lists struct {
	kept    *walks
	cursors *cursorSealer
}

// Config bounds what is kept of lists between their pages.
type Config struct {
	CursorKey       string        // secret that signs cursors; empty: one for the life of the process
	CursorTimeout   time.Duration // between two pages of a list
	KeptResultBytes int64         // memory for results between their pages
	Now             func() time.Time
}

func New(cfg Config) *Lists {
	return &Lists{kept: newWalks(cfg), cursors: NewCursorSealer(cfg)}
}

// Request is a list request as far as finding its page goes.
type Request struct {
	Query  resource.ListQuery
	Type   *resource.Type   // what it is about; of the root, what stands for all
	Root   *Root            // nil: it is about one type
	Types  []*resource.Type // rt, or of the root's those that the caller may read
	Caller string
	Base   string // base URL in locations
	Began  time.Time
	// Complete adds what the server adds to a resource before it is shown.
	Complete func(rt *resource.Type, o query.Object) query.Object
}

// completer completes resources of one type.
func (c *Request) completer(rt *resource.Type) func(query.Object) query.Object {
	return func(o query.Object) query.Object { return c.Complete(rt, o) }
}

// Page finds the page that c asks for.
func (l *Lists) Page(ctx context.Context, c *Request) (*resource.ListResult, error) {
	if c.Query.Cursor != nil {
		return l.byCursor(ctx, c)
	}
	return l.byIndex(ctx, c)
}

// byIndex answers by startIndex and count. The first page is found anew; one that
// goes on with a kept result is cut from it, unless the query says how old what it
// rests on may be.
func (l *Lists) byIndex(ctx context.Context, c *Request) (*resource.ListResult, error) {
	q, key := c.Query, queryKey(c.Query, c)
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
func begin(ctx context.Context, c *Request) (*walk, *resource.ListResult, error) {
	q := c.Query
	if c.Root != nil {
		w, err := gather(ctx, c, q)
		if err != nil {
			return nil, nil, err
		}
		page, err := w.cut(ctx, c, q.Start-1, q.Count)
		return w, page, err
	}
	found, err := c.Type.Backend.List(ctx, q)
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
func (l *Lists) goOn(ctx context.Context, c *Request, w *walk) (*resource.ListResult, error) {
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
	page, err := w.cut(ctx, c, c.Query.Start-1, c.Query.Count)
	if err == nil && known {
		page.Plan = w.continued(page)
	}
	return page, err
}

// complete reads what a window lacks, or says of it that this is too much.
func (l *Lists) complete(ctx context.Context, c *Request, w *walk) error {
	if w.tooLarge || l.kept.exceeds(w.bytes()/int64(len(w.steps))*int64(w.total)) {
		w.tooLarge = true
		return nil
	}
	q := c.Query
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
	if !l.kept.keep(queryKey(c.Query, c), w) {
		w.steps, w.complete, w.tooLarge = nil, false, true
		l.kept.keep(queryKey(c.Query, c), w)
	}
	return nil
}

// byCursor answers by cursor, RFC 9865. Every first page has a kept result of its
// own, in an order that a lost one can be found again by.
func (l *Lists) byCursor(ctx context.Context, c *Request) (*resource.ListResult, error) {
	q, binding := c.Query, queryKey(c.Query, c)
	at, err := l.cursors.Open(*q.Cursor, binding)
	if err != nil {
		return nil, err
	}
	if *q.Cursor == "" {
		at.Count = q.Count
	} else if q.Counted && q.Count != at.Count {
		return nil, resource.Refuse(http.StatusBadRequest, resource.TypeInvalidCount, "count is %d; the first page was asked for with %d, keep to it or begin again with an empty cursor.", q.Count, at.Count)
	}
	w := l.kept.find(at.Walk)
	known := w != nil
	if !known {
		q.ByID, q.Since = true, at.Began
		if w, err = gather(ctx, c, q); err != nil {
			return nil, err
		}
		if at.Start, err = w.resume(at, q.SortBy != nil); err != nil {
			return nil, err
		}
		at.Walk = newWalkKey()
		if *q.Cursor == "" {
			at.Began = c.Began
		}
	}
	if err := w.enter(ctx); err != nil {
		return nil, err
	}
	defer w.leave()
	page, err := w.cut(ctx, c, at.Start, at.Count)
	if err != nil {
		return nil, err
	}
	if known {
		page.Plan = w.continued(page)
	}
	if at.Count == 0 {
		return page, nil // the total was asked for, nothing to page through
	}
	end := at.Start + len(page.Resources)
	if end < len(w.steps) {
		if !known && !l.kept.keep(at.Walk, w) {
			at.Walk = ""
		}
		page.Next = l.cursors.Seal(w.cursor(at, end, q.SortBy != nil), binding)
	}
	if at.Start > 0 {
		page.Previous = l.cursors.Seal(w.cursor(at, max(0, at.Start-at.Count), q.SortBy != nil), binding)
	}
	return page, nil
}

// gather finds everything that matches among the resources of all types that the
// request is about, in order.
func gather(ctx context.Context, c *Request, q resource.ListQuery) (*walk, error) {
	q.Start, q.Count, q.Whole = 1, 0, true
	w := newWalk(c)
	if c.Root == nil {
		found, err := c.Type.Backend.List(ctx, q)
		if err == nil {
			w.add(0, found)
		}
		return w, err
	}
	var plans []string
	for rank, rt := range c.Types {
		part, possible := c.Root.narrow(q, rt)
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

// merge orders what was found type by type. What has no object has no value to
// sort by either.
func (w *walk) merge(q resource.ListQuery) {
	if q.SortBy != nil {
		query.SortFunc(w.steps, func(s step) query.Object { return s.object }, *q.SortBy, q.Descending)
	}
}

// joinPlans makes one plan of those of several types.
func joinPlans(plans []string) string {
	if len(plans) == 0 {
		return query.Choose(query.Const(false), nil, query.Stats{}).String()
	}
	return strings.Join(plans, " | ")
}
