package mirror

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"scim-atlassian/scim/paging"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/sent"
	"scim-atlassian/scim/state"
)

// Source says how a resource type of the directory is read. Its functions must be
// safe for concurrent use; the objects that they return are shared from then on,
// so nobody may write to them.
type Source struct {
	Name    string         // of the type, "User"
	Links   resource.Links // the attribute that refers to the other type
	Lookups query.Table    // searches that upstream offers
	// Page reads at most count resources from position start on (1 is the first),
	// in upstream's order, and the number of all there are. Its objects may lack
	// links.
	Page func(ctx context.Context, start, count int) (objects []query.Object, total int, err error)
	// Sent, if it is set, is Page in upstream's bytes, in place of it; no link is missing
	// then. Whoever calls it releases the page.
	Sent func(ctx context.Context, start, count int) (p sent.Page, total int, err error)
	// Read reads one resource with its links. A resource that does not exist is
	// an error that resource.IsMissing recognizes.
	Read func(ctx context.Context, id string) (query.Object, error)
	// Probe runs one of the lookups, see Collection.
	Probe func(ctx context.Context, p query.Probe) ([]query.Object, error)
	// ProbeSent runs those lookups that upstream answers with a page of resources, with
	// their links, and reports false for others, which Probe runs; nil: it answers none so.
	ProbeSent func(ctx context.Context, p query.Probe) (page sent.Page, ok bool, err error)
	// Linked tells the ids that a lookup finds, where upstream tells them apart from the
	// resources, see Collection; nil: of none.
	Linked func(ctx context.Context, p query.Probe) (ids []string, ok bool, err error)
	// Scan, if it is set, is how all resources are read, in place of Page; there are
	// no windows then. It returns their ids in the order of lists.
	Scan func(ctx context.Context, s Scanner) (ids []string, err error)
	// Price is how many upstream calls Scan takes for so many resources; nil: one for each.
	Price func(resources int) int
	// Gone recognizes an error of Page which says that there is no such list; nil: none does.
	Gone func(error) bool
	// Few is how many resources ReadMany reads by id rather than ask how long the
	// list is. The longer lists usually are, the more often the answer is of no use.
	Few int
}

// Scanner is what a Source that reads everything in parts of its own reports to. It is
// safe for concurrent use.
type Scanner struct{ s scanner }

// Moment returns the present moment: take it before a part is asked for.
func (s Scanner) Moment() uint64 { return s.s.tick() }

// Took takes over a part that was asked for after the moment. Parts have numbers of
// their own, which mean the same when the reading goes on in another process.
func (s Scanner) Took(moment uint64, part int, resources []query.Object) {
	s.s.took(moment, part, 0, sent.Objects(resources))
}

// Has returns the ids of a part that need not be asked for, since an earlier process
// has read it in the same reading; ok is false for all others.
func (s Scanner) Has(part int) (ids []string, ok bool) {
	read, ok := s.s.has(part)
	return read.ids, ok
}

// Mirror is the copy of one type of the directory. Make it with New. It is safe
// for concurrent use.
type Mirror struct {
	source     Source
	pager      paging.Reader[query.Object]
	store      *store
	collection Collection
	total      atomic.Int64 // length of the list as upstream last told it; -1 if it never did
	bare       atomic.Bool  // upstream's list has left out links
}

// Config says how long a snapshot is kept, and how much one query may cost. Now
// is required.
type Config struct {
	TTL    time.Duration    // age at which a snapshot is dropped; 0: none is kept
	Budget int              // upstream calls that one query may cost
	Now    func() time.Time // the server's clock
	// State is where the copy and its changes are kept. Nil: they do not outlive the
	// process, and nothing is remembered of changes.
	State *state.Store
}

// New returns a Mirror that has read nothing yet.
func New(source Source, cfg Config) *Mirror {
	m := &Mirror{source: source}
	m.total.Store(-1)
	m.pager = paging.Reader[query.Object]{Name: source.Name, ID: objectID, Budget: cfg.Budget, Page: m.page}
	m.store = newStore(source.Links, cfg.TTL, cfg.Now)
	m.store.price, m.store.scan, m.store.reread, m.store.gone = paging.Calls, m.scan, m.mend, source.Gone
	m.collection = Collection{
		Table: source.Lookups, Budget: cfg.Budget, Links: source.Links, Probe: m.probe,
		All: m.store.all, Peek: m.store.peek, Stats: m.estimate, Window: m.window,
	}
	if source.Linked != nil {
		m.collection.Linked, m.collection.Many = source.Linked, m.many
	}
	if source.Sent != nil {
		m.collection.Sent = m.sent
	}
	if source.Scan != nil {
		if m.store.price = source.Price; source.Price == nil {
			m.store.price = func(resources int) int { return resources }
		}
		m.store.scan = func(ctx context.Context, _ int, report scanner) ([]string, error) {
			return source.Scan(ctx, Scanner{report})
		}
		m.collection.Window, m.collection.Sent = nil, nil
	}
	if cfg.State != nil {
		m.store.journal = newJournal(cfg.State, source.Name, source.Links)
	}
	return m
}

// Load takes over what an earlier process has left in the state. Call it before the
// first request.
func (m *Mirror) Load(ctx context.Context) error {
	if m.store.journal == nil {
		return nil
	}
	if err := m.store.load(ctx); err != nil {
		return fmt.Errorf("%ss of the state: %w", m.source.Name, err)
	}
	if m.store.base != nil {
		m.total.Store(int64(m.store.rows.Len()))
	}
	return nil
}

// Links returns the attribute that refers to the other type.
func (m *Mirror) Links() resource.Links { return m.source.Links }

// Collection returns the type as list queries see it, for a backend that lists its
// resources in another form. It is shared: nobody may write to it.
func (m *Mirror) Collection() *Collection { return &m.collection }

// List answers a query, see Collection.List.
func (m *Mirror) List(ctx context.Context, q resource.ListQuery) (*resource.ListResult, error) {
	return m.collection.List(ctx, q)
}

// Explain returns the plan for a filter in one line. It makes no call.
func (m *Mirror) Explain(filter query.Expr) string { return m.collection.Explain(filter) }

// Known returns a resource as the snapshot has it, or nil. It makes no call, and
// the resource may be out of date: use it to name the resource in a log, say, not
// to answer with it. Nobody may write to it.
func (m *Mirror) Known(id string) query.Object { return m.store.rows.Get(id) }

// KnownPart is some members of what Known returns, for less work.
func (m *Mirror) KnownPart(id string, names ...string) query.Object {
	return m.store.rows.Pick(id, names...)
}

// IDs returns the ids of the copy, however old it is. It makes no call.
func (m *Mirror) IDs() []string { return m.store.rows.IDs() }

// Stats describes the snapshot for metrics. It makes no call.
func (m *Mirror) Stats() Stats {
	stats := m.store.stats()
	stats.Type = m.source.Name
	return stats
}

// page reads a window of the list and remembers its length.
func (m *Mirror) page(ctx context.Context, start, count int) ([]query.Object, int, error) {
	if m.source.Sent != nil {
		l, total, err := m.listing(ctx, start, count)
		defer l.Release()
		return l.All(), total, err
	}
	objects, total, err := m.source.Page(ctx, start, count)
	if err == nil {
		m.total.Store(int64(total))
		if slices.ContainsFunc(objects, m.source.Links.Missing) {
			m.bare.Store(true)
		}
	}
	return objects, total, err
}

// scan reads all resources, see store.scan.
func (m *Mirror) scan(ctx context.Context, most int, report scanner) ([]string, error) {
	if most > 0 && int(m.total.Load()) > most {
		return nil, paging.ErrLonger
	}
	scan := paging.Reader[string]{Name: m.source.Name, ID: func(id string) string { return id }, Most: most, Whole: true}
	scan.Page = func(ctx context.Context, start, count int) ([]string, int, error) {
		if page, ok := report.has(start); ok {
			return page.ids, page.total, nil
		}
		moment := report.tick()
		page, total, err := m.listing(ctx, start, count)
		if err != nil {
			return nil, 0, err
		}
		ids := page.IDs()
		report.took(moment, start, total, page)
		page.Release()
		return ids, total, nil
	}
	all, _, err := scan.Read(ctx, 1, paging.Everything)
	return all, err
}

func objectID(o query.Object) string { return o.Text("id") }

// mend reads resources by id, as store.reread has it: however many they are.
func (m *Mirror) mend(ctx context.Context, ids []string) ([]query.Object, error) {
	return FetchAll(ctx, ids, m.source.Read)
}

// reread reads resources by id, with their links, and leaves out those that are
// gone.
func (m *Mirror) reread(ctx context.Context, ids []string) ([]query.Object, error) {
	if len(ids) > m.pager.Budget {
		return nil, paging.OverBudget(len(ids), m.pager.Budget)
	}
	return FetchAll(ctx, ids, m.source.Read)
}

// window reads count resources of the list from position start on, with links if
// n asks for them.
func (m *Mirror) window(ctx context.Context, start, count int, n Need) ([]query.Object, int, error) {
	moment := m.Moment()
	objects, total, err := m.pager.Read(ctx, start, count)
	if err != nil {
		return nil, 0, err
	}
	objects = m.dated(moment, objects)
	if !n.Links {
		return objects, total, nil
	}
	objects, err = m.Complete(ctx, objects)
	return objects, total, err
}

// probe runs a lookup of the table.
func (m *Mirror) probe(ctx context.Context, p query.Probe) ([]query.Object, error) {
	moment := m.Moment()
	if m.source.ProbeSent != nil {
		if page, ok, err := m.source.ProbeSent(ctx, p); err != nil {
			return nil, err
		} else if ok {
			defer page.Release()
			m.SawPage(moment, page)
			return resource.Decoded(page), nil
		}
	}
	found, err := m.source.Probe(ctx, p)
	if err != nil {
		return nil, err
	}
	return m.dated(moment, found), nil
}

// many reads what several lookups have found.
func (m *Mirror) many(ctx context.Context, ids []string) ([]query.Object, error) {
	moment := m.Moment()
	found, err := m.ReadMany(ctx, ids)
	if err != nil {
		return nil, err
	}
	return m.dated(moment, found), nil
}

// Complete returns the objects with the links that upstream left out of its
// list. It reads each resource that lacks them; a resource that is gone meanwhile
// stays as it was. The argument is not written to.
func (m *Mirror) Complete(ctx context.Context, objects []query.Object) ([]query.Object, error) {
	var bare []string
	for _, o := range objects {
		if m.source.Links.Missing(o) {
			bare = append(bare, o.Text("id"))
		}
	}
	if len(bare) == 0 {
		return objects, nil
	}
	read, err := m.reread(ctx, bare)
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
func (m *Mirror) ScanCost() int {
	if total := int(m.total.Load()); total >= 0 {
		return paging.Calls(total)
	}
	return -1
}

// estimate returns the facts that query.Choose needs to plan for a request with the
// need n.
func (m *Mirror) estimate(n Need) query.Stats {
	if age, calls, ok := m.store.outlook(n); ok {
		return query.Stats{Scan: calls, Kept: true, Age: age}
	}
	return query.Stats{Scan: m.ScanCost()}
}

// ReadMany reads resources by id, with their links, and leaves out those that do
// not exist. It fails with ErrCostly if reading the whole list is known to take
// fewer calls. If the length of the list is unknown, one call may find out; a list
// that takes no more calls is then read instead.
func (m *Mirror) ReadMany(ctx context.Context, ids []string) ([]query.Object, error) {
	cost := m.MostCost()
	if cost >= 0 && cost < len(ids) {
		return nil, ErrCostly
	}
	if cost < 0 && len(ids) > m.source.Few && !m.bare.Load() {
		_, err := m.store.all(ctx, Need{Fresh: true, Most: paging.Longest(len(ids))})
		switch {
		case err == nil:
			return m.Complete(ctx, m.withIDs(ids))
		case !errors.Is(err, paging.ErrLonger):
			return nil, err
		}
	}
	return m.reread(ctx, ids)
}

// withIDs returns the rows that have one of the ids.
func (m *Mirror) withIDs(ids []string) []query.Object {
	found := make([]query.Object, 0, len(ids))
	for _, id := range ids {
		if o := m.store.rows.Get(id); o != nil {
			found = append(found, o)
		}
	}
	return found
}

// ManyCost returns the number of upstream calls of ReadMany for count resources.
// It makes no call.
func (m *Mirror) ManyCost(count int) int {
	if cost := m.MostCost(); cost >= 0 {
		return min(count, cost)
	}
	return count
}

// MostCost returns the number of upstream calls that ReadMany takes at most,
// with the reading of the list that ErrCostly stands for, -1 if there is no such limit known. It
// makes no call.
func (m *Mirror) MostCost() int {
	if m.bare.Load() {
		return -1
	}
	return m.ScanCost()
}
