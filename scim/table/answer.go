package table

import (
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// few is the part of all rows, one in so many, up to which the rows that match are
// sorted by themselves unless all are in order already.
const few = 64

// decodedPage is the longest page that is answered with objects. A longer one stays
// packed until it is written, a resource at a time: slow readers of long lists would
// keep all its objects in memory.
const decodedPage = 200

// Answer answers a query over all rows as q.Finish does over their objects, but
// with Every in place of All, and a long page with Source in place of Resources.
func (t *Table) Answer(q resource.ListQuery, plan string) *resource.ListResult {
	every, scanned := t.find(q)
	r := &resource.ListResult{Total: every.Len(), Plan: plan, Scanned: scanned, Every: every}
	from := min(q.Start-1, r.Total)
	to := min(from+q.Count, r.Total)
	if to-from > decodedPage {
		r.Source = &source{state: every.state, slots: every.slots[from:to], complete: every.complete}
		return r
	}
	r.Resources = make([]query.Object, 0, to-from)
	for i := from; i < to; i++ {
		r.Resources = append(r.Resources, every.Object(i))
	}
	return r
}

// find returns everything that matches, in order. scanned is how many rows it had to look
// at by themselves.
func (t *Table) find(q resource.ListQuery) (all *source, scanned int) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	s := t.state()
	out := &source{state: s, complete: q.Complete}
	switch {
	case q.Complete != nil:
		out.slots, scanned = t.completed(q, s)
	case q.Filter == nil && q.SortBy == nil && !q.ByID:
		out.slots = s.slots()
	default:
		found, n := t.matching(q.Filter, s)
		out.slots, scanned = t.arranged(q, s, found), n
	}
	return out, scanned
}

// arranged lists the rows of a set as the query orders them.
func (t *Table) arranged(q resource.ListQuery, s *state, found set) []uint32 {
	n := found.len()
	if q.SortBy == nil && !q.ByID {
		return found.slots(n)
	}
	by := sortPath(q.SortBy)
	if n <= s.rows/few {
		k := newKeyer(s, by, q.ByID)
		keys := make([]keyed, 0, n)
		for _, slot := range found.slots(n) {
			keys = append(keys, k.of(slot))
		}
		return sortFew(keys, q.Descending)
	}
	return t.order(by, q.ByID).of(found, n, q.Descending && by != nil)
}

// sortPath returns the path that query.Sort sorts by.
func sortPath(by *query.Path) *query.Path {
	if by == nil {
		return nil
	}
	if p, err := by.Comparable(); err == nil {
		return &p
	}
	return by
}

// completed lists the rows that match, in order, where filter or order look at what
// the server adds.
func (t *Table) completed(q resource.ListQuery, s *state) (slots []uint32, scanned int) {
	_, maybe := search{Table: t, completed: true}.find(q.Filter, s.live())
	by := sortPath(q.SortBy)
	k := newKeyer(s, by, q.ByID)
	var keys []keyed
	for _, slot := range maybe.slots(maybe.len()) {
		o := q.Complete(s.Object(s.row(slot)))
		if query.Match(q.Filter, o) {
			keys = append(keys, k.ofObject(slot, o))
		}
	}
	return sortFew(keys, q.Descending && by != nil), maybe.len()
}
