package mirror

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Collection is one resource type as the list engine sees it. It is safe for
// concurrent use.
type Collection struct {
	Table  query.Table // what upstream finds by itself
	Budget int         // upstream calls that one query may cost
	// Probe runs one lookup of the table. It may give up with ErrCostly, so that
	// everything is read instead.
	Probe func(ctx context.Context, p query.Probe) ([]query.Object, error)
	// All reads everything, or has it.
	All func(ctx context.Context, n Need) (View, error)
	// Peek is all where it costs nothing.
	Peek func(n Need) (View, bool)
	// Stats says what all would cost.
	Stats func(n Need) query.Stats
	// Window reads a part of the list, total as upstream tells it. Nil if there
	// is no way but all.
	Window func(ctx context.Context, start, count int, n Need) (objects []query.Object, total int, err error)
	Links  resource.Links
}

// ErrCostly says that a lookup would cost more than a scan.
var ErrCostly = errors.New("scim: the lookup costs more than a scan")

// Plan chooses how to find what matches.
func (c *Collection) Plan(filter query.Expr, n Need) query.Plan {
	return query.Choose(filter, c.Table, c.Stats(n))
}

// need says what a query asks of a reading. What upstream may leave out of a list
// is needed where the client sees it, where filter or order look at it, and for
// meta.version, which is of all, if that is what the client names.
func (c *Collection) need(q resource.ListQuery) Need {
	looksAt := func(name string) bool { return name == c.Links.Name || strings.HasPrefix(name, c.Links.Name+".") }
	return Need{Fresh: q.Fresh, Since: q.Since, Links: q.Want.Wants(c.Links.Name) || slices.ContainsFunc(q.Attributes(), looksAt) ||
		q.AsksVersion() || q.Named && q.Want.Wants("meta.version")}
}

// List answers a query: by lookups where upstream has them, by a window of
// everything where nothing is asked, else from everything. Whatever came back is
// matched against the whole filter.
func (c *Collection) List(ctx context.Context, q resource.ListQuery) (*resource.ListResult, error) {
	n := c.need(q)
	plan := c.Plan(q.Filter, n)
	switch plan.Kind {
	case query.PlanEmpty:
		return q.Finish(nil, plan.String()), nil
	case query.PlanLookup, query.PlanUnion:
		found, err := c.lookUp(ctx, plan.Lookups)
		if err == nil {
			return q.Finish(found, plan.String()), nil
		}
		if !errors.Is(err, ErrCostly) {
			return nil, err
		}
	}
	if q.Filter == nil && q.SortBy == nil && !q.Whole && c.Window != nil {
		return c.page(ctx, q, n)
	}
	return c.scan(ctx, q, n)
}

// scan answers from everything.
func (c *Collection) scan(ctx context.Context, q resource.ListQuery, n Need) (*resource.ListResult, error) {
	stats := c.Stats(n)
	v, err := c.All(ctx, n)
	if err != nil {
		return nil, err
	}
	stats.Kept, stats.Age = v.Kept, v.age
	return q.Finish(v.Objects, query.Scan(q.Filter, stats).String()), nil
}

// page answers a query for all resources in upstream's order: with the calls
// that its page takes, or from everything if that is there, or hardly more.
func (c *Collection) page(ctx context.Context, q resource.ListQuery, n Need) (*resource.ListResult, error) {
	if _, ok := c.Peek(n); ok {
		return c.scan(ctx, q, n)
	}
	if calls := pages(q.Count); calls > 1 {
		n.most = (directoryPage-1)*calls + 1 // as many calls read as many resources
		r, err := c.scan(ctx, q, n)
		if !errors.Is(err, errLonger) {
			return r, err
		}
	}
	objects, total, err := c.Window(ctx, q.Start, q.Count, n)
	if err != nil {
		return nil, err
	}
	return &resource.ListResult{Total: total, Resources: objects, Plan: fmt.Sprintf("page exact cost=%d", pages(len(objects)))}, nil
}

// document.LookUp runs lookups and returns what they found, each resource once.
func (c *Collection) lookUp(ctx context.Context, probes []query.Probe) ([]query.Object, error) {
	if len(probes) > c.Budget {
		return nil, overBudget(len(probes), c.Budget)
	}
	if len(probes) == 1 {
		return c.Probe(ctx, probes[0])
	}
	found := make([][]query.Object, len(probes))
	if err := Parallel(ctx, len(probes), func(ctx context.Context, i int) (err error) {
		found[i], err = c.Probe(ctx, probes[i])
		return err
	}); err != nil {
		return nil, err
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
