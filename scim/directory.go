package scim

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/query"
)

const (
	directoryPage = 100 // resources that one upstream call brings at most
	scanAttempts  = 3   // before a list that changes all the time is given up
	scanParallel  = 16  // pages asked for at once; the client's own limit is below
)

// collection is one resource type of the directory API as the list engine
// sees it. It is safe for concurrent use.
type collection struct {
	name   string
	table  query.Table // what upstream finds by itself
	budget int         // upstream calls that one query may cost
	// page reads a window of everything, in upstream's order.
	page func(ctx context.Context, start, count int) (objects []query.Object, total int, err error)
	// probe runs one lookup of the table. It may give up with errCostly, so that
	// a scan is made instead.
	probe func(ctx context.Context, p query.Probe) ([]query.Object, error)
	total atomic.Int64 // as last seen, 0 if never
}

// errCostly says that a lookup would cost more than a scan.
var errCostly = fmt.Errorf("scim: the lookup costs more than a scan")

func (c *collection) plan(filter query.Expr) query.Plan {
	return query.Choose(filter, c.table, query.Stats{Total: int(c.total.Load()), PageSize: directoryPage})
}

// list answers a query: by lookups where upstream has them, by a window of
// everything where nothing is asked, else by a complete scan. Whatever came
// back is matched against the whole filter.
func (c *collection) list(ctx context.Context, q listQuery) (*listResult, error) {
	plan := c.plan(q.filter)
	switch plan.Kind {
	case query.PlanEmpty:
		return q.finish(nil, plan.String()), nil
	case query.PlanLookup, query.PlanUnion:
		found, err := c.lookUp(ctx, plan.Lookups)
		if err == nil {
			return q.finish(found, plan.String()), nil
		}
		if err != errCostly {
			return nil, err
		}
	}
	if q.filter == nil && q.sortBy == nil && !q.whole {
		objects, total, err := c.window(ctx, q.start, q.count)
		if err != nil {
			return nil, err
		}
		return &listResult{total: total, resources: objects, plan: "page exact"}, nil
	}
	all, _, err := c.window(ctx, 1, -1)
	if err != nil {
		return nil, err
	}
	return q.finish(all, plan.String()), nil
}

// lookUp runs lookups and returns what they found, each resource once.
func (c *collection) lookUp(ctx context.Context, probes []query.Probe) ([]query.Object, error) {
	if len(probes) > c.budget {
		return nil, c.overBudget(len(probes))
	}
	if len(probes) == 1 {
		return c.probe(ctx, probes[0])
	}
	found := make([][]query.Object, len(probes))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(scanParallel)
	for i, p := range probes {
		group.Go(func() (err error) {
			found[i], err = c.probe(ctx, p)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var all []query.Object
	for _, objects := range found {
		for _, o := range objects {
			if id := text(o, "id"); !seen[id] {
				seen[id] = true
				all = append(all, o)
			}
		}
	}
	return all, nil
}

// worthwhile fails with errCostly if as many single reads cost more than a scan.
// How much a scan costs is asked for where it is not known and matters.
func (c *collection) worthwhile(ctx context.Context, reads int) error {
	const few = 20
	if reads <= few {
		return nil
	}
	total := int(c.total.Load())
	if total == 0 {
		_, counted, err := c.page(ctx, 1, 1)
		if err != nil {
			return err
		}
		c.total.Store(int64(counted))
		total = counted
	}
	if reads > pages(total) {
		return errCostly
	}
	return nil
}

// window reads count resources from start on, or with a negative count all of
// them, with as many upstream calls as it takes, in parallel. What it returns
// is complete: it adds up, or it is read again, or the client gets a 503.
func (c *collection) window(ctx context.Context, start, count int) ([]query.Object, int, error) {
	for range scanAttempts {
		objects, total, consistent, err := c.readWindow(ctx, start, count)
		if err != nil {
			return nil, 0, err
		}
		c.total.Store(int64(total))
		if consistent {
			return objects, total, nil
		}
	}
	return nil, 0, &Error{Status: http.StatusServiceUnavailable, RetryAfter: scanRetryAfter,
		Detail: fmt.Sprintf("The %ss changed while they were read, %d times in a row; no complete answer can be given at the moment.", c.name, scanAttempts)}
}

func (c *collection) readWindow(ctx context.Context, start, count int) (objects []query.Object, total int, consistent bool, err error) {
	size := directoryPage
	if count >= 0 {
		size = max(1, min(count, directoryPage))
	}
	first, total, err := c.page(ctx, start, size)
	if err != nil {
		return nil, 0, false, err
	}
	want := max(0, total-start+1)
	if count >= 0 {
		want = min(want, count)
	}
	if want == 0 {
		return nil, total, true, nil
	}
	if len(first) == 0 {
		return nil, total, false, nil
	}
	if len(first) >= want {
		return first[:want], total, distinct(first[:want]), nil
	}
	if pages(want) > c.budget {
		return nil, 0, false, c.overBudget(pages(want))
	}
	// Upstream may give fewer than it was asked for: the step is what it gave.
	step := len(first)
	parts := make([][]query.Object, (want+step-1)/step)
	parts[0] = first
	steady := true
	totals := make([]int, len(parts))
	totals[0] = total
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(scanParallel)
	for i := 1; i < len(parts); i++ {
		group.Go(func() (err error) {
			parts[i], totals[i], err = c.page(ctx, start+i*step, min(step, want-i*step))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, 0, false, err
	}
	objects = make([]query.Object, 0, want)
	for i, part := range parts {
		steady = steady && totals[i] == total
		objects = append(objects, part...)
	}
	return objects, total, steady && len(objects) == want && distinct(objects), nil
}

func (c *collection) overBudget(calls int) error {
	return tooMany("The query would cost %d requests to Atlassian, over the limit of %d; narrow the filter.", calls, c.budget)
}

func pages(resources int) int { return (resources + directoryPage - 1) / directoryPage }

func distinct(objects []query.Object) bool {
	seen := make(map[string]bool, len(objects))
	for _, o := range objects {
		id := text(o, "id")
		if seen[id] {
			return false
		}
		seen[id] = true
	}
	return true
}

// fetchAll reads resources by id in parallel; those that are gone are left out.
func fetchAll(ctx context.Context, ids []string, one func(context.Context, string) (query.Object, error)) ([]query.Object, error) {
	found := make([]query.Object, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(scanParallel)
	for i, id := range ids {
		group.Go(func() (err error) {
			found[i], err = one(ctx, id)
			if isGone(err) {
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	present := found[:0]
	for _, o := range found {
		if o != nil {
			present = append(present, o)
		}
	}
	return present, nil
}

func isGone(err error) bool { return err != nil && asError(err).Status == http.StatusNotFound }

// missing names the resource in upstream's 404.
func missing(err error, resourceType, id string) error {
	if atlassian.KindOf(err) == atlassian.NotFound {
		return notFound(resourceType, id)
	}
	return err
}

// newDirectoryBackends makes the backends of users and groups; a lookup of one
// by the other reads both.
func newDirectoryBackends(cfg Config, userSchema, groupSchema *query.Schema) (*users, *groups) {
	u := &users{directory: cfg.Directory, schema: userSchema}
	g := &groups{directory: cfg.Directory, schema: groupSchema, users: u}
	u.collection = &collection{name: "User", table: userTable, budget: cfg.ScanBudget, page: u.page, probe: u.probe}
	g.collection = &collection{name: "Group", table: groupTable, budget: cfg.ScanBudget, page: g.page, probe: g.probe}
	return u, g
}

// changes lists the upstream operations that turn current into want, a level
// below complex attributes and extensions, so that what Atlassian keeps beside
// our schema stays.
func changes(schema *query.Schema, current, want query.Object) []atlassian.PatchOperation {
	ops := changedAttributes("", schema.Attributes, current, want)
	for _, e := range schema.Extensions {
		before, _ := current.Get(e.URN)
		after, _ := want.Get(e.URN)
		b, _ := before.(query.Object)
		a, _ := after.(query.Object)
		ops = append(ops, changedAttributes(e.URN+":", e.Attributes, b, a)...)
	}
	return ops
}

func changedAttributes(prefix string, attributes []*query.Attribute, current, want query.Object) []atlassian.PatchOperation {
	var ops []atlassian.PatchOperation
	for _, a := range attributes {
		if a.Mutability == query.ReadOnly {
			continue
		}
		before, had := current.Get(a.Name)
		after, has := want.Get(a.Name)
		switch {
		case had == has && query.Equal(query.Object{{Name: a.Name, Value: before}}, query.Object{{Name: a.Name, Value: after}}):
		case a.Kind == query.Complex && !a.MultiValued:
			b, _ := before.(query.Object)
			w, _ := after.(query.Object)
			ops = append(ops, changedAttributes(prefix+a.Name+".", a.Sub, b, w)...)
		case !has:
			ops = append(ops, atlassian.PatchOperation{Op: "remove", Path: prefix + a.Name})
		default:
			ops = append(ops, atlassian.PatchOperation{Op: "replace", Path: prefix + a.Name, Value: after})
		}
	}
	return ops
}

// ignored names the attributes that upstream took operations on and does not
// hold afterwards as they say. The last operation on an attribute counts. Text is
// compared as people read it: upstream may trim it or change its case.
func ignored(schema *query.Schema, ops []atlassian.PatchOperation, found query.Object) []string {
	last := make(map[string]atlassian.PatchOperation, len(ops))
	for _, op := range ops {
		last[op.Path] = op
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(last)) {
		p, err := schema.Resolve(name)
		if err != nil || p.Attr.Name == "members" {
			continue // named members are confirmed one by one
		}
		if !kept(last[name], valueAt(found, p)) {
			names = append(names, name)
		}
	}
	return names
}

// kept reports whether an attribute is what the operation made it.
func kept(op atlassian.PatchOperation, value any) bool {
	list, _ := value.([]any)
	switch {
	case op.Op == "remove" && op.Path == "active":
		return true // an absent one is true
	case op.Op == "remove":
		return value == nil
	}
	given, isList := op.Value.([]any)
	if !isList {
		return sameText(op.Value, value)
	}
	return len(given) == len(list) && !slices.ContainsFunc(given, func(g any) bool {
		return !slices.ContainsFunc(list, func(e any) bool { return sameText(valueOf(g), valueOf(e)) })
	})
}

// valueOf is the "value" of an element.
func valueOf(element any) any {
	object, _ := element.(query.Object)
	v, _ := object.Get("value")
	return v
}

// scanRetryAfter is what a client is told to wait when a scan did not add up.
const scanRetryAfter = 5 * time.Second
