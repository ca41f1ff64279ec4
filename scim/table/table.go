// Package table keeps all resources of one type in memory, packed, and answers list
// queries from them.
package table

import (
	"slices"
	"sync"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Table holds the resources of one type as rows in an order. It is safe for
// concurrent use. Nobody may write to objects that went in or came out.
type Table struct {
	links resource.Links

	mu    sync.RWMutex
	rows  []query.Object // replaced by every change, since Rows hands it out
	index map[string]int // by id: the place in rows
}

// New returns a table without rows. links is the attribute of its resources that
// refers to another type.
func New(links resource.Links) *Table {
	return &Table{links: links, index: map[string]int{}}
}

// Put takes over resources: each replaces the row with its id, in place, or becomes
// the last row.
func (t *Table) Put(objects ...query.Object) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = slices.Clone(t.rows)
	for _, o := range objects {
		id := o.Text("id")
		if at, ok := t.index[id]; ok {
			t.rows[at] = o
			continue
		}
		t.index[id] = len(t.rows)
		t.rows = append(t.rows, o)
	}
}

// Delete removes the row with the id. It reports whether there was one.
func (t *Table) Delete(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, ok := t.index[id]
	if ok {
		t.set(slices.Delete(slices.Clone(t.rows), at, at+1))
	}
	return ok
}

// set replaces all rows.
func (t *Table) set(rows []query.Object) {
	t.rows, t.index = rows, make(map[string]int, len(rows))
	for i, o := range rows {
		t.index[o.Text("id")] = i
	}
}

// Get returns the row with the id, nil if there is none.
func (t *Table) Get(id string) query.Object {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if at, ok := t.index[id]; ok {
		return t.rows[at]
	}
	return nil
}

// Has reports whether there is a row with the id.
func (t *Table) Has(id string) bool { return t.Get(id) != nil }

// Len is the number of rows.
func (t *Table) Len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.rows)
}

// Holds reports whether there is a row that is equal to o.
func (t *Table) Holds(o query.Object) bool {
	row := t.Get(o.Text("id"))
	return row != nil && query.Equal(row, o)
}

// Bare lists the ids of the rows that lack links, in order.
func (t *Table) Bare() []string {
	return t.where(t.links.Missing)
}

// Linking lists the ids of the rows whose links name id, in order.
func (t *Table) Linking(id string) []string {
	return t.where(func(o query.Object) bool {
		for link := range t.links.Of(o) {
			if link == id {
				return true
			}
		}
		return false
	})
}

func (t *Table) where(holds func(query.Object) bool) []string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var ids []string
	for _, o := range t.rows {
		if holds(o) {
			ids = append(ids, o.Text("id"))
		}
	}
	return ids
}

// Arrange sets the order of the rows. Ids that no row has are passed over; rows
// that are not named follow in their present order.
func (t *Table) Arrange(ids []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	rows := make([]query.Object, 0, len(t.rows))
	named := make(map[string]bool, len(ids))
	for _, id := range ids {
		if at, ok := t.index[id]; ok && !named[id] {
			named[id] = true
			rows = append(rows, t.rows[at])
		}
	}
	for _, o := range t.rows {
		if !named[o.Text("id")] {
			rows = append(rows, o)
		}
	}
	t.set(rows)
}

// IDs lists the ids of all rows, in order.
func (t *Table) IDs() []string {
	return t.where(func(query.Object) bool { return true })
}

// Clear removes all rows.
func (t *Table) Clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.set(nil)
}

// Rows returns all rows as they are now, in order. It stays what it is, whatever
// changes in the table.
func (t *Table) Rows() resource.Source {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return source(t.rows)
}

// Answer answers a query over all rows as q.Finish does over their objects, but
// with Every in place of All.
func (t *Table) Answer(q resource.ListQuery, plan string) *resource.ListResult {
	t.mu.RLock()
	rows := t.rows
	t.mu.RUnlock()
	r := q.Finish(rows, plan)
	r.All, r.Every = nil, source(r.All)
	return r
}

// source has rows of a table.
type source []query.Object

// Len implements resource.Source.
func (s source) Len() int { return len(s) }

// ID implements resource.Source.
func (s source) ID(i int) string { return s[i].Text("id") }

// Object implements resource.Source.
func (s source) Object(i int) query.Object { return s[i] }

// Version implements resource.Source.
func (s source) Version(i int) string { return query.Version(s[i]) }

// Append implements resource.Source. The rows are not in JSON.
func (s source) Append(b []byte, _ int, _ resource.View) ([]byte, bool) { return b, false }
