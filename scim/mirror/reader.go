package mirror

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Source is a resource type of the directory API: how it is read.
type Source struct {
	Name  string
	Links resource.Links
	// Page reads a window of the list, in upstream's order. What it returns may
	// lack links.
	Page func(ctx context.Context, start, count int) (objects []query.Object, total int, err error)
	// Read reads one resource, complete.
	Read func(ctx context.Context, id string) (query.Object, error)
}

// Reader reads a type of the directory page by page and keeps what it read.
type Reader struct {
	Source
	pager pager
	Store Store
	total atomic.Int64 // as last seen; -1 if never
}

// Config says how long what was read is kept, and how many upstream
// requests one query may cost.
type Config struct {
	Ttl    time.Duration // 0: nothing is kept
	Budget int
	Now    func() time.Time
}

func NewReader(t Source, cfg Config) *Reader {
	r := &Reader{Source: t}
	r.total.Store(-1)
	r.pager = pager{name: t.Name, budget: cfg.Budget, page: func(ctx context.Context, start, count int) ([]query.Object, int, error) {
		objects, total, err := t.Page(ctx, start, count)
		if err == nil {
			r.total.Store(int64(total))
		}
		return objects, total, err
	}}
	r.Store = Store{ttl: cfg.Ttl, now: cfg.Now, links: t.Links, price: pages, scan: r.scan, reread: r.reread}
	return r
}

// scan reads everything, in as little memory as it can be kept in.
func (r *Reader) scan(ctx context.Context, most int) ([]query.Object, error) {
	if most > 0 && int(r.total.Load()) > most {
		return nil, errLonger
	}
	var mu sync.Mutex
	shared := query.Sharer{Links: r.Links.Name}
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
func (r *Reader) reread(ctx context.Context, ids []string) ([]query.Object, error) {
	if len(ids) > r.pager.budget {
		return nil, overBudget(len(ids), r.pager.budget)
	}
	return FetchAll(ctx, ids, r.Read)
}

// window reads a part of the list, complete as far as is needed.
func (r *Reader) window(ctx context.Context, start, count int, n Need) ([]query.Object, int, error) {
	objects, total, err := r.pager.read(ctx, start, count)
	if err != nil || !n.Links {
		return objects, total, err
	}
	objects, err = r.Completed(ctx, objects)
	return objects, total, err
}

// Completed reads the resources again that came without links. One that is gone
// meanwhile had none.
func (r *Reader) Completed(ctx context.Context, objects []query.Object) ([]query.Object, error) {
	var bare []string
	for _, o := range objects {
		if r.Links.Missing(o) {
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

// ScanCost is the number of calls of a scan, -1 if unknown.
func (r *Reader) ScanCost() int {
	if total := int(r.total.Load()); total >= 0 {
		return pages(total)
	}
	return -1
}

func (r *Reader) Stats(n Need) query.Stats {
	if age, calls, ok := r.Store.outlook(n); ok {
		return query.Stats{Scan: calls, Kept: true, Age: age}
	}
	return query.Stats{Scan: r.ScanCost()}
}

// Worthwhile fails with ErrCostly if as many single reads cost more than a scan.
// How much a scan costs is asked for where it is not known and may matter.
func (r *Reader) Worthwhile(ctx context.Context, reads int) error {
	const few = 20
	if reads > few && r.ScanCost() < 0 {
		if _, _, err := r.pager.page(ctx, 1, 1); err != nil {
			return err
		}
	}
	if cost := r.ScanCost(); cost >= 0 && reads > cost {
		return ErrCostly
	}
	return nil
}

// Collection is what the list engine sees of the type.
func (r *Reader) Collection(table query.Table, probe func(context.Context, query.Probe) ([]query.Object, error)) *Collection {
	return &Collection{
		Table: table, Budget: r.pager.budget, Probe: probe,
		All: r.Store.all, Peek: r.Store.peek, Stats: r.Stats, Window: r.window, Links: r.Links,
	}
}
