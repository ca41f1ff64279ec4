// Package table keeps all resources of one type in memory, packed, and answers list
// queries from them.
//
// A Table gives every row a slot; slots are in the order of the rows, and those of
// rows that are gone stay empty until many are (table.go). Rows are bytes (pack.go,
// unpack.go) and stand in blocks that are never changed, so that a result is what it
// was, whatever changes (block.go). Columns hold what filters look at (column.go,
// text.go), so that a filter becomes a set of slots without unpacking a row
// (filter.go); what no column can tell, query.Match decides. Orders hold the slots as
// sortBy wants them (order.go). Both are made when a query first needs them, and kept up
// by every change.
package table

import (
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"

	"scim-atlassian/scim/packed"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Table holds the resources of one type as rows in an order. It is safe for
// concurrent use. Nobody may write to objects that went in or came out.
type Table struct {
	links resource.Links

	mu     sync.RWMutex // guards what follows
	packer *packed.Packer
	blocks []*block
	slots  int // slots in use, with those whose rows are gone
	rows   int
	ids    ids
	bare   set // rows without links
	naked  int // how many those are
	marks  marks
	seed   maphash.Seed // of the marks

	current atomic.Pointer[state] // the rows as they are; nil: not asked for since the last change

	derived                      // what queries need, made under the read lock
	linking  map[string][]uint32 // by id: the slots of the rows that link to it, in order; nil: nobody has asked
	linkLock sync.Mutex          // with the read lock: guards the making of linking
	buffer   []byte              // for rows on their way into blocks
	arriving []string            // the keys of the last slots, whose rows are on their way
}

// New returns a table without rows. links is the attribute of its resources that
// refers to another type.
func New(links resource.Links) *Table {
	t := &Table{links: links, seed: maphash.MakeSeed()}
	t.reset()
	return t
}

// reset removes all rows, for a caller that holds the lock.
func (t *Table) reset() {
	t.packer = packed.NewPacker(t.links.Name)
	t.blocks, t.slots, t.rows, t.ids = nil, 0, 0, newIDs(0, t.keyOf)
	t.bare, t.naked, t.linking, t.marks = nil, 0, nil, nil
	t.derived.forget()
	t.current.Store(nil)
}

// Clear removes all rows.
func (t *Table) Clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reset()
}

// putAtOnce bounds the resources that Put holds in packed form beside the rows.
const putAtOnce = 4096

// Put takes over resources: each replaces the row with its id, in place, or becomes
// the last row. Its cost does not depend on the number of rows.
func (t *Table) Put(objects ...query.Object) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for some := range slices.Chunk(objects, putAtOnce) {
		t.put(some)
	}
}

// arrival is an object on its way into a slot.
type arrival struct {
	slot     uint32
	from, to int // the row in the buffer
	object   query.Object
}

func (t *Table) put(objects []query.Object) {
	arrivals := make([]arrival, len(objects))
	b, ends := t.packer.Append(t.buffer[:0], objects)
	from := 0
	for i, o := range objects {
		arrivals[i] = arrival{t.slotFor(packed.KeyOf(o.Text("id"))), from, ends[i], o}
		from = ends[i]
	}
	t.arriving = t.arriving[:0]
	slices.SortStableFunc(arrivals, func(a, b arrival) int { return int(a.slot) - int(b.slot) })
	changes := make([]change, 0, min(len(arrivals), blockRows))
	for i, a := range arrivals {
		if i+1 < len(arrivals) && arrivals[i+1].slot == a.slot {
			continue // a later one of the same id counts
		}
		t.derive(a.slot, a.object, b[a.from:a.to])
		changes = append(changes, change{int(a.slot % blockRows), b[a.from:a.to]})
		if i+1 == len(arrivals) || arrivals[i+1].slot/blockRows != a.slot/blockRows {
			t.change(int(a.slot/blockRows), changes)
			changes = changes[:0]
		}
	}
	if t.buffer = b; cap(b) > 1<<20 {
		t.buffer = nil
	}
}

// slotFor returns the slot of the row with the key, a new one if there is none.
func (t *Table) slotFor(key string) uint32 {
	slot, ok := t.ids.find(key)
	if !ok {
		slot = uint32(t.slots)
		t.arriving = append(t.arriving, key)
		t.slots++
		t.rows++
		t.ids.add(key, slot)
	}
	return slot
}

// keyOf returns the key of the id in a slot.
func (t *Table) keyOf(slot uint32) string {
	if first := t.slots - len(t.arriving); int(slot) >= first {
		return t.arriving[int(slot)-first]
	}
	return t.packer.Key(t.row(slot))
}

// change replaces a block, or appends the first that is not there yet.
func (t *Table) change(at int, changes []change) {
	for at >= len(t.blocks) {
		t.blocks = append(t.blocks, nil)
	}
	t.blocks[at] = t.blocks[at].with(changes)
	t.current.Store(nil)
}

// derive tells all that is kept besides the rows what becomes of a slot, as an object
// and as a row; nil: it has no row any more. The row in the slot is still what it was.
func (t *Table) derive(slot uint32, o query.Object, row []byte) {
	if bare := o != nil && t.links.Missing(o); bare != (int(slot/64) < len(t.bare) && t.bare.has(slot)) {
		t.bare.put(slot, bare)
		if bare {
			t.naked++
		} else {
			t.naked--
		}
	}
	t.marks.put(slot, mark{})
	t.relink(slot, o, row)
	t.derived.update(slot, o)
}

// Delete removes the row with the id. It reports whether there was one.
func (t *Table) Delete(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	slot, ok := t.ids.find(packed.KeyOf(id))
	if !ok {
		return false
	}
	t.ids.remove(packed.KeyOf(id))
	t.derive(slot, nil, nil)
	t.change(int(slot/blockRows), []change{{at: int(slot % blockRows)}})
	t.rows--
	if empty := t.slots - t.rows; empty > 1024 && empty > t.rows {
		t.renumber(t.state().slots())
	}
	return true
}

// renumber gives the rows in these slots, which are all, new ones in that order.
func (t *Table) renumber(slots []uint32) {
	old := t.state()
	t.blocks, t.slots, t.ids = nil, 0, newIDs(len(slots), t.keyOf)
	t.bare, t.naked, t.marks = nil, 0, t.marks.arranged(slots)
	t.derived.forget()
	relink := t.linking != nil
	t.linking = nil
	changes := make([]change, 0, blockRows)
	pick := old.Picker(t.links.Name)
	for i, slot := range slots {
		row := old.row(slot)
		if t.links.Missing(pick.Pick(row)) {
			t.bare.put(uint32(i), true)
			t.naked++
		}
		changes = append(changes, change{i % blockRows, []byte(row)})
		if len(changes) == blockRows || i+1 == len(slots) {
			t.change(i/blockRows, changes)
			changes = changes[:0]
		}
	}
	t.slots, t.rows = len(slots), len(slots)
	for i := range slots {
		t.ids.add(t.keyOf(uint32(i)), uint32(i))
	}
	t.current.Store(nil)
	if relink {
		t.linking = t.link(t.state())
	}
}

// state returns the rows as they are. The caller holds the lock, at least for
// reading.
func (t *Table) state() *state {
	s := t.current.Load()
	if s == nil {
		s = &state{Dictionary: t.packer.Dictionary, blocks: slices.Clone(t.blocks), rows: t.rows}
		t.current.Store(s)
	}
	return s
}

// now is state for a caller that holds no lock.
func (t *Table) now() *state {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.state()
}

// Get returns the row with the id, nil if there is none.
func (t *Table) Get(id string) query.Object {
	t.mu.RLock()
	defer t.mu.RUnlock()
	slot, ok := t.slotOf(id)
	if !ok {
		return nil
	}
	return t.packer.Object(t.row(slot))
}

// Pick returns some members of the row with the id, nil if there is no such row. Its
// texts are parts of the row.
func (t *Table) Pick(id string, names ...string) query.Object {
	t.mu.RLock()
	defer t.mu.RUnlock()
	slot, ok := t.slotOf(id)
	if !ok {
		return nil
	}
	return t.packer.Picker(names...).Pick(t.row(slot))
}

// row returns the row in a slot that has one.
func (t *Table) row(slot uint32) string { return t.blocks[slot/blockRows].row(int(slot % blockRows)) }

// Has reports whether there is a row with the id.
func (t *Table) Has(id string) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	_, ok := t.slotOf(id)
	return ok
}

// Len is the number of rows.
func (t *Table) Len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.rows
}

// Holds reports whether there is a row that is equal to o.
func (t *Table) Holds(o query.Object) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	slot, ok := t.slotOf(o.Text("id"))
	if !ok {
		return false
	}
	row := t.row(slot)
	var stack [1024]byte
	if string(t.packer.AppendKnown(stack[:0], o)) == row {
		return true
	}
	return query.Equal(t.packer.Object(row), o) // what is in the dictionary now may be spelled out in the row
}

// IDs lists the ids of all rows, in order.
func (t *Table) IDs() []string {
	s := t.now()
	return s.ids(s.slots())
}

// Bare lists the ids of the rows that lack links, in order.
func (t *Table) Bare() []string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.naked == 0 {
		return nil
	}
	return t.state().ids(t.bare.slots(t.naked))
}

// Arrange sets the order of the rows. Ids that no row has are passed over; rows
// that are not named follow in their present order.
func (t *Table) Arrange(ids []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	slots := make([]uint32, 0, t.rows)
	named := make(set, len(t.blocks))
	for _, id := range ids {
		if slot, ok := t.slotOf(id); ok && !named.has(slot) {
			named.put(slot, true)
			slots = append(slots, slot)
		}
	}
	for _, slot := range t.state().slots() {
		if !named.has(slot) {
			slots = append(slots, slot)
		}
	}
	if !slices.IsSorted(slots) {
		t.renumber(slots)
	}
}

// Rows returns all rows as they are now, in order. It stays what it is, whatever
// changes in the table.
func (t *Table) Rows() resource.Source {
	s := t.now()
	return &source{state: s, slots: s.slots()}
}
