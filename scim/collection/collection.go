// Package collection answers list queries over one resource type by the cheapest of the
// ways to its resources: lookups that upstream offers, a page of its list, or everything.
package collection

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"scim-atlassian/scim/paging"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Collection is one resource type as list queries see it: the ways to its
// resources, of which List takes the cheapest. It is safe for concurrent use if
// its functions are.
type Collection struct {
	Table  query.Table    // lookups that upstream offers
	Budget int            // upstream calls that one query may cost
	Links  resource.Links // the attribute that upstream may leave out of a list
	// Probe runs one lookup of the table. It may fail with ErrCostly; then all
	// resources are read instead.
	Probe func(ctx context.Context, p query.Probe) ([]query.Object, error)
	// Linked runs the part of a lookup that tells the ids of what matches, and Many reads
	// these, or fails with ErrCostly. ok is false for a lookup without such a part. Several
	// lookups together read their resources at a time, so that they are compared with a
	// scan as one. Nil: there is none.
	Linked func(ctx context.Context, p query.Probe) (ids []string, ok bool, err error)
	Many   func(ctx context.Context, ids []string) ([]query.Object, error)
	// All returns all resources.
	All func(ctx context.Context, n Need) (View, error)
	// Peek returns all resources if no upstream call is needed for that.
	Peek func(n Need) (View, bool)
	// Stats says what All would cost.
	Stats func(n Need) query.Stats
	// Window reads count resources from position start on, and how many there
	// are. Nil: All is the only way.
	Window func(ctx context.Context, start, count int, n Need) (objects []query.Object, total int, err error)
	// Sent is Window in upstream's own bytes, with links in any case. Nil: there are none.
	Sent func(ctx context.Context, start, count int) (s resource.Source, total int, err error)
}

// Need says which readings are good enough for a request. The zero Need accepts
// any base that is young enough.
type Need struct {
	Fresh bool      // only a reading that began after the request did
	Since time.Time // only a reading that began at this time or later; zero: any
	Links bool      // the links too, which upstream may leave out of its list
	// Resume lets a Fresh reading go on with one that was not finished before.
	Resume bool
	Most   int // the request fails with paging.ErrLonger if there are more resources; 0: no limit
}

// atOnce is how many lookups one request begins at the same time.
const atOnce = 16

// ErrCostly says that a lookup costs more than reading all resources.
var ErrCostly = errors.New("scim: the lookup costs more than a scan")

// Explain returns the plan for a filter in one line. It makes no call.
func (c *Collection) Explain(filter query.Expr) string {
	return query.Choose(filter, c.Table, c.Stats(Need{})).String()
}

// need says what a query asks of a reading. It needs the links if the client sees
// them, if filter or order look at them, and if it names meta.version, which is a
// hash of the whole resource.
func (c *Collection) need(q resource.ListQuery) Need {
	looksAt := func(name string) bool { return name == c.Links.Name || strings.HasPrefix(name, c.Links.Name+".") }
	return Need{Fresh: q.Fresh, Since: q.Since, Links: q.Want.Wants(c.Links.Name) || slices.ContainsFunc(q.Attributes(), looksAt) ||
		q.AsksVersion() || q.Named && q.Want.Wants("meta.version")}
}

// List answers a query: by lookups that upstream offers, by a page of upstream's
// list if there is neither filter nor order, else from all resources. Whatever
// upstream returned, the whole filter is matched again. Errors are *resource.Error
// or those of the functions.
func (c *Collection) List(ctx context.Context, q resource.ListQuery) (*resource.ListResult, error) {
	n := c.need(q)
	stats := c.Stats(n)
	plan := query.Choose(q.Filter, c.Table, stats)
	switch plan.Kind {
	case query.PlanEmpty:
		return q.Finish(nil, plan.String()), nil
	case query.PlanLookup, query.PlanUnion:
		found, err := c.lookUp(ctx, plan.Lookups)
		if err == nil {
			return q.Finish(found, plan.Priced(c.Table, stats).String()), nil
		}
		if !errors.Is(err, ErrCostly) {
			return nil, err
		}
	}
	if q.Filter == nil && q.SortBy == nil && !q.Whole && c.Window != nil {
		return c.page(ctx, q, n)
	}
	return c.scan(ctx, q, n, len(plan.Lookups))
}

// scan answers a query from all resources, after so many lookups that were given up.
func (c *Collection) scan(ctx context.Context, q resource.ListQuery, n Need, lookups int) (*resource.ListResult, error) {
	stats := c.Stats(n)
	if stats.Scan >= 0 {
		stats.Scan += lookups
	}
	v, err := c.All(ctx, n)
	if err != nil {
		return nil, err
	}
	stats.Kept, stats.Age = v.Kept, v.Age
	return v.Answer(q, query.Scan(q.Filter, stats).String()), nil
}

// page answers a query without filter and order with one page of upstream's list.
// It answers from all resources if those are known, or if reading them takes no
// more calls than the page.
func (c *Collection) page(ctx context.Context, q resource.ListQuery, n Need) (*resource.ListResult, error) {
	if _, ok := c.Peek(n); ok {
		return c.scan(ctx, q, n, 0)
	}
	if calls := paging.Calls(q.Count); calls > 1 {
		n.Most = paging.Longest(calls)
		r, err := c.scan(ctx, q, n, 0)
		if !errors.Is(err, paging.ErrLonger) {
			return r, err
		}
	}
	r := &resource.ListResult{}
	var err error
	if c.Sent != nil {
		r.Source, r.Total, err = c.Sent(ctx, q.Start, q.Count)
	} else {
		r.Resources, r.Total, err = c.Window(ctx, q.Start, q.Count, n)
	}
	if err != nil {
		return nil, err
	}
	r.Plan = fmt.Sprintf("page exact cost=%d", paging.Calls(r.Len()))
	return r, nil
}

// lookUp runs lookups in parallel and returns their resources, each once.
func (c *Collection) lookUp(ctx context.Context, probes []query.Probe) ([]query.Object, error) {
	if len(probes) > c.Budget {
		return nil, paging.OverBudget(len(probes), c.Budget)
	}
	if len(probes) == 1 {
		return c.Probe(ctx, probes[0])
	}
	found := make([][]query.Object, len(probes), len(probes)+1)
	linked := make([][]string, len(probes))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, p := range probes {
		group.Go(func() (err error) {
			if c.Linked != nil {
				var ok bool
				if linked[i], ok, err = c.Linked(within, p); ok || err != nil {
					return err
				}
			}
			found[i], err = c.Probe(within, p)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if ids := query.Unique(slices.Concat(linked...)); len(ids) > 0 {
		many, err := c.Many(ctx, ids)
		if err != nil {
			return nil, err
		}
		found = append(found, many)
	}
	seen := map[string]bool{}
	var all []query.Object
	for _, objects := range found {
		for _, o := range objects {
			if id := o.Text("id"); !seen[id] {
				seen[id] = true
				all = append(all, o)
			}
		}
	}
	return all, nil
}
