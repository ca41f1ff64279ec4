package table

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"sync"

	"scim-atlassian/scim/packed"
	"scim-atlassian/scim/query"
)

// orderName says by what an order is.
type orderName struct {
	path  string // empty: by id alone
	exact bool
	byID  bool // rows with equal values are in the order of query.CompareIDs, else in their own
}

// order has the slots of all rows in an order, ascending.
type order struct {
	by   *query.Path // nil: by id alone
	byID bool

	mutex   sync.Mutex // with the read lock of the table: guards bringing it up to date
	slots   []uint32   // replaced whole, since it is handed out; nil: to be made
	first   set        // by index in slots: the row has another value than the one before
	changed map[uint32]bool
}

// change notes that the row in a slot has become another one, or is gone.
func (o *order) change(slot uint32) {
	if o.slots == nil {
		return
	}
	if o.changed[slot] = true; len(o.changed) > len(o.slots)/16+64 {
		o.slots, o.first = nil, nil // to sort all again is cheaper
		clear(o.changed)
	}
}

// keyed is a slot with what it is sorted by.
type keyed struct {
	slot uint32
	key  []byte // of query.AppendSortKey, nil if the order is by id alone
	id   []byte // of appendIDKey, nil if that does not matter
}

func compareKeyed(a, b keyed) int {
	return cmp.Or(bytes.Compare(a.key, b.key), bytes.Compare(a.id, b.id), cmp.Compare(a.slot, b.slot))
}

// appendIDKey appends an id so that keys order as query.CompareIDs does.
func appendIDKey(b []byte, id string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(id))), id...)
}

// keyer makes keys of rows.
type keyer struct {
	*state
	by   *query.Path
	byID bool
	pick *packed.Picker
	room []byte // keys are cut from it
}

func newKeyer(s *state, by *query.Path, byID bool) *keyer {
	k := &keyer{state: s, by: by, byID: byID}
	if by != nil {
		k.pick = s.Picker(memberOf(*by))
	}
	return k
}

// of returns the slot with the key of its row.
func (k *keyer) of(slot uint32) keyed {
	if k.by == nil {
		return k.ofObject(slot, nil)
	}
	return k.ofObject(slot, k.pick.Pick(k.row(slot)))
}

// ofObject is of for a row that has been unpacked.
func (k *keyer) ofObject(slot uint32, o query.Object) keyed {
	if cap(k.room)-len(k.room) < 256 {
		k.room = make([]byte, 0, 1<<14)
	}
	out := keyed{slot: slot}
	from := len(k.room)
	if k.by != nil {
		k.room = query.AppendSortKey(k.room, *k.by, o)
		out.key = k.room[from:len(k.room):len(k.room)]
	}
	if from = len(k.room); k.byID {
		k.room = appendIDKey(k.room, k.id(slot))
		out.id = k.room[from:len(k.room):len(k.room)]
	}
	return out
}

// order returns an order that is up to date. The caller holds the read lock.
func (t *Table) order(by *query.Path, byID bool) *order {
	name := orderName{byID: byID}
	if by != nil {
		name.path, name.exact = by.String(), by.Exact()
	}
	m := find(&t.derived, t.orders, name, maxOrders)
	m.once.Do(func() { m.value = &order{by: by, byID: byID, changed: map[uint32]bool{}} })
	m.value.refresh(t.state())
	return m.value
}

// refresh brings the order up to date.
func (o *order) refresh(s *state) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	switch {
	case o.slots == nil:
		o.make(s)
	case len(o.changed) > 0:
		o.merge(s)
	}
	clear(o.changed)
}

// make sorts all rows.
func (o *order) make(s *state) {
	k := newKeyer(s, o.by, o.byID)
	all := sorting{entries: make([]entry, 0, s.rows)}
	for _, slot := range s.slots() {
		k.room = k.room[:0]
		all.add(k.of(slot))
	}
	slices.SortFunc(all.entries, all.compare)
	o.slots, o.first = make([]uint32, len(all.entries)), make(set, len(all.entries)/64+1)
	for i, e := range all.entries {
		o.slots[i] = e.slot
		o.first.put(uint32(i), i == 0 || !bytes.Equal(all.keyed(e).key, all.keyed(all.entries[i-1]).key))
	}
}

// sorting is many slots with their keys, in little memory.
type sorting struct {
	entries []entry
	keys    []byte // for each entry the length of its key and the key, and the same of its id
}

// entry is a slot with the index of its keys, whose first bytes decide on most
// comparisons.
type entry struct {
	prefix uint64
	at     int
	slot   uint32
}

func (s *sorting) add(k keyed) {
	first := k.key
	if first == nil {
		first = k.id
	}
	var prefix [8]byte
	copy(prefix[:], first)
	s.entries = append(s.entries, entry{binary.BigEndian.Uint64(prefix[:]), len(s.keys), k.slot})
	for _, key := range [][]byte{k.key, k.id} {
		s.keys = append(binary.AppendUvarint(s.keys, uint64(len(key))), key...)
	}
}

func (s *sorting) keyed(e entry) keyed {
	n, width := binary.Uvarint(s.keys[e.at:])
	key := e.at + width
	id := key + int(n)
	m, width := binary.Uvarint(s.keys[id:])
	return keyed{e.slot, s.keys[key:id], s.keys[id+width : id+width+int(m)]}
}

func (s *sorting) compare(a, b entry) int {
	if a.prefix != b.prefix {
		return cmp.Compare(a.prefix, b.prefix)
	}
	return compareKeyed(s.keyed(a), s.keyed(b))
}

// merge takes the rows that changed out of the order and puts those of them that are
// still there where they belong.
func (o *order) merge(s *state) {
	rest := o.without(o.changed)
	k := newKeyer(s, o.by, o.byID)
	var fresh []keyed
	for slot := range o.changed {
		if s.blocks[slot/blockRows].live>>(slot%blockRows)&1 != 0 {
			fresh = append(fresh, k.of(slot))
		}
	}
	slices.SortFunc(fresh, compareKeyed)
	slots := make([]uint32, 0, len(rest.slots)+len(fresh))
	first := make(set, (len(rest.slots)+len(fresh))/64+1)
	from := 0
	for _, f := range fresh {
		to, _ := slices.BinarySearchFunc(rest.slots[from:], f, func(slot uint32, f keyed) int { return compareKeyed(k.of(slot), f) })
		to += from
		for ; from < to; from++ {
			first.put(uint32(len(slots)), rest.first.has(uint32(from)))
			slots = append(slots, rest.slots[from])
		}
		first.put(uint32(len(slots)), len(slots) == 0 || !bytes.Equal(k.of(slots[len(slots)-1]).key, f.key))
		slots = append(slots, f.slot)
		if from < len(rest.slots) {
			rest.first.put(uint32(from), !bytes.Equal(k.of(rest.slots[from]).key, f.key))
		}
	}
	for ; from < len(rest.slots); from++ {
		first.put(uint32(len(slots)), rest.first.has(uint32(from)))
		slots = append(slots, rest.slots[from])
	}
	o.slots, o.first = slots, first
}

// without returns the order without some slots.
func (o *order) without(gone map[uint32]bool) *order {
	rest := &order{slots: make([]uint32, 0, len(o.slots)), first: make(set, len(o.slots)/64+1)}
	var leaving set
	for slot := range gone {
		leaving.put(slot, true)
	}
	first := false // one of the value of the next is gone, and it was the first
	for i, slot := range o.slots {
		first = first || o.first.has(uint32(i))
		if leaving.word(int(slot/64))>>(slot%64)&1 != 0 {
			continue
		}
		rest.first.put(uint32(len(rest.slots)), first)
		rest.slots = append(rest.slots, slot)
		first = false
	}
	return rest
}

// of lists the slots of a set with n rows in the order. Descending, rows with equal
// values keep their order.
func (o *order) of(within set, n int, descending bool) []uint32 {
	if n == len(o.slots) && !descending {
		return o.slots
	}
	out := make([]uint32, 0, n)
	if !descending {
		for _, slot := range o.slots {
			if within.has(slot) {
				out = append(out, slot)
			}
		}
		return out
	}
	for end := len(o.slots); end > 0; {
		from := end - 1
		for !o.first.has(uint32(from)) {
			from--
		}
		for _, slot := range o.slots[from:end] {
			if within.has(slot) {
				out = append(out, slot)
			}
		}
		end = from
	}
	return out
}

// sortFew sorts some rows by their keys, without an order of all.
func sortFew(few []keyed, descending bool) []uint32 {
	slices.SortFunc(few, func(a, b keyed) int {
		byValue := bytes.Compare(a.key, b.key)
		if descending {
			byValue = -byValue
		}
		return cmp.Or(byValue, bytes.Compare(a.id, b.id), cmp.Compare(a.slot, b.slot))
	})
	slots := make([]uint32, len(few))
	for i, k := range few {
		slots[i] = k.slot
	}
	return slots
}
