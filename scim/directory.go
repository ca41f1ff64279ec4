package scim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// collection is one resource type as the list engine sees it. It is safe for
// concurrent use.
type collection struct {
	table  query.Table // what upstream finds by itself
	budget int         // upstream calls that one query may cost
	// probe runs one lookup of the table. It may give up with errCostly, so that
	// everything is read instead.
	probe func(ctx context.Context, p query.Probe) ([]query.Object, error)
	// all reads everything, or has it.
	all func(ctx context.Context, n need) (view, error)
	// peek is all where it costs nothing.
	peek func(n need) (view, bool)
	// stats says what all would cost.
	stats func(n need) query.Stats
	// window reads a part of the list, total as upstream tells it. Nil if there
	// is no way but all.
	window func(ctx context.Context, start, count int, n need) (objects []query.Object, total int, err error)
	links  resource.Links
}

// errCostly says that a lookup would cost more than a scan.
var errCostly = errors.New("scim: the lookup costs more than a scan")

// plan chooses how to find what matches.
func (c *collection) plan(filter query.Expr, n need) query.Plan {
	return query.Choose(filter, c.table, c.stats(n))
}

// need says what a query asks of a reading. What upstream may leave out of a list
// is needed where the client sees it, where filter or order look at it, and for
// meta.version, which is of all, if that is what the client names.
func (c *collection) need(q resource.ListQuery) need {
	looksAt := func(name string) bool { return name == c.links.Name || strings.HasPrefix(name, c.links.Name+".") }
	return need{fresh: q.Fresh, since: q.Since, links: q.Want.Wants(c.links.Name) || slices.ContainsFunc(q.Attributes(), looksAt) ||
		q.AsksVersion() || q.Named && q.Want.Wants("meta.version")}
}

// list answers a query: by lookups where upstream has them, by a window of
// everything where nothing is asked, else from everything. Whatever came back is
// matched against the whole filter.
func (c *collection) list(ctx context.Context, q resource.ListQuery) (*resource.ListResult, error) {
	n := c.need(q)
	plan := c.plan(q.Filter, n)
	switch plan.Kind {
	case query.PlanEmpty:
		return q.Finish(nil, plan.String()), nil
	case query.PlanLookup, query.PlanUnion:
		found, err := c.lookUp(ctx, plan.Lookups)
		if err == nil {
			return q.Finish(found, plan.String()), nil
		}
		if !errors.Is(err, errCostly) {
			return nil, err
		}
	}
	if q.Filter == nil && q.SortBy == nil && !q.Whole && c.window != nil {
		return c.page(ctx, q, n)
	}
	return c.scan(ctx, q, n)
}

// scan answers from everything.
func (c *collection) scan(ctx context.Context, q resource.ListQuery, n need) (*resource.ListResult, error) {
	stats := c.stats(n)
	v, err := c.all(ctx, n)
	if err != nil {
		return nil, err
	}
	stats.Kept, stats.Age = v.kept, v.age
	return q.Finish(v.objects, query.Scan(q.Filter, stats).String()), nil
}

// page answers a query for all resources in upstream's order: with the calls
// that its page takes, or from everything if that is there, or hardly more.
func (c *collection) page(ctx context.Context, q resource.ListQuery, n need) (*resource.ListResult, error) {
	if _, ok := c.peek(n); ok {
		return c.scan(ctx, q, n)
	}
	if calls := pages(q.Count); calls > 1 {
		n.most = (directoryPage-1)*calls + 1 // as many calls read as many resources
		r, err := c.scan(ctx, q, n)
		if !errors.Is(err, errLonger) {
			return r, err
		}
	}
	objects, total, err := c.window(ctx, q.Start, q.Count, n)
	if err != nil {
		return nil, err
	}
	return &resource.ListResult{Total: total, Resources: objects, Plan: fmt.Sprintf("page exact cost=%d", pages(len(objects)))}, nil
}

// lookUp runs lookups and returns what they found, each resource once.
func (c *collection) lookUp(ctx context.Context, probes []query.Probe) ([]query.Object, error) {
	if len(probes) > c.budget {
		return nil, overBudget(len(probes), c.budget)
	}
	if len(probes) == 1 {
		return c.probe(ctx, probes[0])
	}
	found := make([][]query.Object, len(probes))
	if err := parallel(ctx, len(probes), func(ctx context.Context, i int) (err error) {
		found[i], err = c.probe(ctx, probes[i])
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

// newDirectoryBackends makes the backends of users and groups; a lookup of one
// by the other reads both.
func newDirectoryBackends(upstream *atlassian.Directory, kept readerConfig, deriveDomain string, userSchema, groupSchema *query.Schema) (*users, *groups) {
	u := &users{schema: userSchema, deriveDomain: deriveDomain}
	g := &groups{schema: groupSchema, users: u}
	u.reader = newReader(directoryType{name: "User", links: resource.Links{Name: "groups"}, page: u.page, read: u.read}, kept)
	g.reader = newReader(directoryType{name: "Group", links: resource.Links{Name: "members", Optional: true}, page: g.page, read: g.read}, kept)
	d := &provisioning{upstream: upstream, users: &u.reader.store, groups: &g.reader.store, sizes: newSizes()}
	u.directory, g.directory = d, d
	u.collection = u.reader.collection(u.table(), u.probe)
	g.collection = g.reader.collection(g.table(), g.probe)
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
		if !kept(last[name], found.At(p)) {
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
