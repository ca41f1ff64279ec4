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

// Source says how a resource type of the directory is read. Its functions must be
// safe for concurrent use; the objects that they return are shared from then on,
// so nobody may write to them.
type Source struct {
	Name  string         // of the type, "User"
	Links resource.Links // the attribute that refers to the other type
	// Page reads at most count resources from position start on (1 is the first),
	// in upstream's order, and the number of all there are. Its objects may lack
	// links.
	Page func(ctx context.Context, start, count int) (objects []query.Object, total int, err error)
	// Read reads one resource with its links. A resource that does not exist is
	// an error that resource.IsMissing recognizes.
	Read func(ctx context.Context, id string) (query.Object, error)
}

// Reader reads one type of the directory and keeps what it read. It is safe for
// concurrent use.
type Reader struct {
	Source
	pager pager
	Store Store
	total atomic.Int64 // length of the list as upstream last told it; -1 if it never did
}

// Config says how long a snapshot is kept, and how much one query may cost. Now
// is required.
type Config struct {
	Ttl    time.Duration    // age at which a snapshot is dropped; 0: none is kept
	Budget int              // upstream calls that one query may cost
	Now    func() time.Time // the server's clock
}

// NewReader returns a Reader that has read nothing yet.
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

// scan reads all resources and lets equal values share memory. It fails with
// errLonger after one call if there are more than most; 0 sets no limit.
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

// reread reads resources by id, with their links, and leaves out those that are
// gone.
func (r *Reader) reread(ctx context.Context, ids []string) ([]query.Object, error) {
	if len(ids) > r.pager.budget {
		return nil, overBudget(len(ids), r.pager.budget)
	}
	return FetchAll(ctx, ids, r.Read)
}

// window reads count resources of the list from position start on, with links if
// n asks for them.
func (r *Reader) window(ctx context.Context, start, count int, n Need) ([]query.Object, int, error) {
	objects, total, err := r.pager.read(ctx, start, count)
	if err != nil || !n.Links {
		return objects, total, err
	}
	objects, err = r.Completed(ctx, objects)
	return objects, total, err
}

// Completed returns the objects with the links that upstream left out of its
// list. It reads each resource that lacks them; a resource that is gone meanwhile
// stays as it was. The argument is not written to.
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

// ScanCost returns how many upstream calls reading the whole list takes, -1 as
// long as its length is unknown. It makes no call.
func (r *Reader) ScanCost() int {
	if total := int(r.total.Load()); total >= 0 {
		return pages(total)
	}
	return -1
}

// Stats returns what query.Choose must know of the resources to plan for a
// request with such a need. It makes no call.
func (r *Reader) Stats(n Need) query.Stats {
	if age, calls, ok := r.Store.outlook(n); ok {
		return query.Stats{Scan: calls, Kept: true, Age: age}
	}
	return query.Stats{Scan: r.ScanCost()}
}

// Worthwhile fails with ErrCostly if reading the whole list is cheaper than that
// many single reads. If the length of the list is unknown and may matter, one
// call asks for it; its error is returned.
func (r *Reader) Worthwhile(ctx context.Context, reads int) error {
	const few = 20 // reads that are made whatever a scan costs, if that is unknown
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

// Collection returns the type as list queries see it; table and probe are the
// lookups that upstream offers.
func (r *Reader) Collection(table query.Table, probe func(context.Context, query.Probe) ([]query.Object, error)) *Collection {
	return &Collection{
		Table: table, Budget: r.pager.budget, Probe: probe,
		All: r.Store.all, Peek: r.Store.peek, Stats: r.Stats, Window: r.window, Links: r.Links,
	}
}
