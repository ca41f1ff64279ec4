package scim

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// directoryType is a resource type of the directory API: how it is read.
type directoryType struct {
	name  string
	links resource.Links
	// page reads a window of the list, in upstream's order. What it returns may
	// lack links.
	page func(ctx context.Context, start, count int) (objects []query.Object, total int, err error)
	// read reads one resource, complete.
	read func(ctx context.Context, id string) (query.Object, error)
}

// reader reads a type of the directory page by page and keeps what it read.
type reader struct {
	directoryType
	pager pager
	store store
	total atomic.Int64 // as last seen; -1 if never
}

// readerConfig says how long what was read is kept, and how many upstream
// requests one query may cost.
type readerConfig struct {
	ttl    time.Duration // 0: nothing is kept
	budget int
	now    func() time.Time
}

func newReader(t directoryType, cfg readerConfig) *reader {
	r := &reader{directoryType: t}
	r.total.Store(-1)
	r.pager = pager{name: t.name, budget: cfg.budget, page: func(ctx context.Context, start, count int) ([]query.Object, int, error) {
		objects, total, err := t.page(ctx, start, count)
		if err == nil {
			r.total.Store(int64(total))
		}
		return objects, total, err
	}}
	r.store = store{ttl: cfg.ttl, now: cfg.now, links: t.links, price: pages, scan: r.scan, reread: r.reread}
	return r
}

// scan reads everything, in as little memory as it can be kept in.
func (r *reader) scan(ctx context.Context, most int) ([]query.Object, error) {
	if most > 0 && int(r.total.Load()) > most {
		return nil, errLonger
	}
	var mu sync.Mutex
	shared := query.Sharer{Links: r.links.Name}
	pager := r.pager
	pager.most = most
	pager.page = func(ctx context.Context, start, count int) ([]query.Object, int, error) {
		objects, total, err := r.pager.page(ctx, start, count)
		mu.Lock()
		defer mu.Unlock()
		shared.Share(objects)
		return objects, total, err
	}
	all, _, err := pager.read(ctx, 1, wholeList)
	return all, err
}

// reread reads resources by id, complete; those that are gone are left out.
func (r *reader) reread(ctx context.Context, ids []string) ([]query.Object, error) {
	if len(ids) > r.pager.budget {
		return nil, overBudget(len(ids), r.pager.budget)
	}
	return fetchAll(ctx, ids, r.read)
}

// window reads a part of the list, complete as far as is needed.
func (r *reader) window(ctx context.Context, start, count int, n need) ([]query.Object, int, error) {
	objects, total, err := r.pager.read(ctx, start, count)
	if err != nil || !n.links {
		return objects, total, err
	}
	objects, err = r.completed(ctx, objects)
	return objects, total, err
}

// completed reads the resources again that came without links. One that is gone
// meanwhile had none.
func (r *reader) completed(ctx context.Context, objects []query.Object) ([]query.Object, error) {
	var bare []string
	for _, o := range objects {
		if r.links.Missing(o) {
			bare = append(bare, o.Text("id"))
		}
	}
	if len(bare) == 0 {
		return objects, nil
	}
	read, err := r.reread(ctx, bare)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]query.Object, len(read))
	for _, o := range read {
		byID[o.Text("id")] = o
	}
	objects = slices.Clone(objects)
	for i, o := range objects {
		if whole := byID[o.Text("id")]; whole != nil {
			objects[i] = whole
		}
	}
	return objects, nil
}

// scanCost is the number of calls of a scan, -1 if unknown.
func (r *reader) scanCost() int {
	if total := int(r.total.Load()); total >= 0 {
		return pages(total)
	}
	return -1
}

func (r *reader) stats(n need) query.Stats {
	if age, calls, ok := r.store.outlook(n); ok {
		return query.Stats{Scan: calls, Kept: true, Age: age}
	}
	return query.Stats{Scan: r.scanCost()}
}

// worthwhile fails with errCostly if as many single reads cost more than a scan.
// How much a scan costs is asked for where it is not known and may matter.
func (r *reader) worthwhile(ctx context.Context, reads int) error {
	const few = 20
	if reads > few && r.scanCost() < 0 {
		if _, _, err := r.pager.page(ctx, 1, 1); err != nil {
			return err
		}
	}
	if cost := r.scanCost(); cost >= 0 && reads > cost {
		return errCostly
	}
	return nil
}

// collection is what the list engine sees of the type.
func (r *reader) collection(table query.Table, probe func(context.Context, query.Probe) ([]query.Object, error)) *collection {
	return &collection{
		table: table, budget: r.pager.budget, probe: probe,
		all: r.store.all, peek: r.store.peek, stats: r.stats, window: r.window, links: r.links,
	}
}
