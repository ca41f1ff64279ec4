package table

import "hash/maphash"

// ids finds the slots of rows by the keys of their ids, see packed.KeyOf. It is a hash
// table that holds slots alone: the ids are in the rows.
type ids struct {
	seed  maphash.Seed
	cells []uint32 // nobody, removed, or a slot plus firstSlot; as many as a power of two
	marks []uint8  // by cell: some bits of the hash, which spare most looks at rows
	used  int      // cells that are not nobody
	keyOf func(slot uint32) string
}

const (
	nobody = iota
	removed
	firstSlot
)

// newIDs returns an empty table with room for so many ids. keyOf returns the key of
// the id in a slot.
func newIDs(room int, keyOf func(slot uint32) string) ids {
	size := 64
	for room > size/2 {
		size *= 2
	}
	return ids{seed: maphash.MakeSeed(), cells: make([]uint32, size), marks: make([]uint8, size), keyOf: keyOf}
}

// find returns the slot of a key.
func (m *ids) find(key string) (slot uint32, ok bool) {
	at, ok := m.cell(key)
	if !ok {
		return 0, false
	}
	return m.cells[at] - firstSlot, true
}

// cell returns the index of the cell of a key, or of the one where the search for it
// ends.
func (m *ids) cell(key string) (at uint64, found bool) {
	at, mark := m.start(key)
	for ; m.cells[at] != nobody; at = m.next(at) {
		if c := m.cells[at]; m.marks[at] == mark && c != removed && m.keyOf(c-firstSlot) == key {
			return at, true
		}
	}
	return at, false
}

// start returns the index at which the search for a key begins, and its mark.
func (m *ids) start(key string) (at uint64, mark uint8) {
	hash := maphash.String(m.seed, key)
	return hash & uint64(len(m.cells)-1), uint8(hash >> 56)
}

func (m *ids) next(at uint64) uint64 { return (at + 1) & uint64(len(m.cells)-1) }

// add enters a key that is not there.
func (m *ids) add(key string, slot uint32) {
	if m.used >= len(m.cells)*3/4 {
		m.grow()
	}
	at, mark := m.start(key)
	for m.cells[at] != nobody {
		at = m.next(at)
	}
	m.cells[at], m.marks[at] = slot+firstSlot, mark
	m.used++
}

// grow makes room, and drops the cells of what was removed.
func (m *ids) grow() {
	old, there := m.cells, 0
	for _, c := range old {
		if c >= firstSlot {
			there++
		}
	}
	*m = newIDs(there+1, m.keyOf)
	for _, c := range old {
		if c >= firstSlot {
			m.add(m.keyOf(c-firstSlot), c-firstSlot)
		}
	}
}

// remove removes a key, if it is there.
func (m *ids) remove(key string) {
	if at, ok := m.cell(key); ok {
		m.cells[at] = removed
	}
}
