package table

import (
	"maps"
	"math/bits"
	"strings"
	"sync"

	"scim-atlassian/scim/packed"
	"scim-atlassian/scim/query"
)

// blockRows is how many slots a block has: as many as a word of a set has bits.
const blockRows = 64

// maxInBlock is the length in bytes up to which a row stands in its block: all of
// those are copied when one changes.
const maxInBlock = 2048

// block has the rows of blockRows slots. It is never changed: a change makes a new one.
type block struct {
	data  string
	ends  [blockRows]uint32 // by slot: where the row ends in data
	live  uint64            // slots that have a row
	apart map[int]string    // long rows, whose place in data has apartMark
}

// row returns the row in a slot that has one.
func (b *block) row(i int) string {
	row := b.data[b.start(i):b.ends[i]]
	if row[0] == 0 {
		return b.apart[i]
	}
	return row
}

// start is where the row in a slot begins in the data.
func (b *block) start(i int) uint32 {
	if i == 0 {
		return 0
	}
	return b.ends[i-1]
}

// change is what becomes of one slot of a block.
type change struct {
	at  int
	row []byte // nil: no row
}

// with returns a block with other rows in some slots. The changes are in the order of
// the slots, each once. A nil block has no rows.
func (b *block) with(changes []change) *block {
	if b == nil {
		b = &block{}
	}
	size := len(b.data)
	for _, c := range changes {
		size += len(c.inBlock()) - int(b.ends[c.at]-b.start(c.at))
	}
	next := &block{live: b.live, apart: maps.Clone(b.apart)}
	var data strings.Builder
	data.Grow(size)
	from := 0 // the first slot that is not in next
	for _, c := range changes {
		next.take(&data, b, from, c.at)
		data.Write(c.inBlock())
		next.ends[c.at] = uint32(data.Len())
		next.note(c)
		from = c.at + 1
	}
	next.take(&data, b, from, blockRows)
	next.data = data.String()
	return next
}

// take takes the slots from one on, up to another, over from a block.
func (b *block) take(data *strings.Builder, old *block, from, to int) {
	if from == to {
		return
	}
	first := old.start(from)
	shift := uint32(data.Len()) - first
	data.WriteString(old.data[first:old.ends[to-1]])
	for i := from; i < to; i++ {
		b.ends[i] = old.ends[i] + shift
	}
}

// note notes what besides the data tells of a slot.
func (b *block) note(c change) {
	b.live &^= 1 << c.at
	delete(b.apart, c.at)
	if c.row != nil {
		b.live |= 1 << c.at
	}
	if len(c.row) > maxInBlock {
		if b.apart == nil {
			b.apart = map[int]string{}
		}
		b.apart[c.at] = string(c.row)
	}
}

// inBlock is what stands in the data of a block for the row.
func (c change) inBlock() []byte {
	if len(c.row) > maxInBlock {
		return apartMark
	}
	return c.row
}

// apartMark is in the data of a block for a row that stands apart: no row begins so.
var apartMark = []byte{0}

// state is all rows at a time. It is never changed.
type state struct {
	packed.Dictionary
	blocks []*block
	rows   int

	once sync.Once
	all  []uint32 // see slots
}

// row returns the row in a slot that has one.
func (s *state) row(slot uint32) string { return s.blocks[slot/blockRows].row(int(slot % blockRows)) }

// slots lists the slots that have rows, in order.
func (s *state) slots() []uint32 {
	s.once.Do(func() { s.all = s.live().slots(s.rows) })
	return s.all
}

// live is the set of the slots that have rows.
func (s *state) live() set {
	live := make(set, len(s.blocks))
	for i, b := range s.blocks {
		live[i] = b.live
	}
	return live
}

// id returns the id of the row in a slot.
func (s *state) id(slot uint32) string { return s.Dictionary.ID(s.row(slot)) }

// ids returns the ids of the rows in some slots.
func (s *state) ids(slots []uint32) []string {
	ids := make([]string, len(slots))
	for i, slot := range slots {
		ids[i] = s.id(slot)
	}
	return ids
}

// source has the rows in some slots, in an order.
type source struct {
	*state
	slots    []uint32
	complete func(query.Object) query.Object // nil: the objects are as they are
}

// Len implements resource.Source.
func (s *source) Len() int { return len(s.slots) }

// ID implements resource.Source.
func (s *source) ID(i int) string { return s.id(s.slots[i]) }

// Object implements resource.Source.
func (s *source) Object(i int) query.Object {
	o := s.Dictionary.Object(s.row(s.slots[i]))
	if s.complete != nil {
		return s.complete(o)
	}
	return o
}

// Version implements resource.Source.
func (s *source) Version(i int) string { return query.Version(s.Object(i)) }

// set is a set of slots, a bit for each.
type set []uint64

func (s set) has(slot uint32) bool { return s[slot/64]>>(slot%64)&1 != 0 }

// put adds a slot, or removes it. The set grows as needed.
func (s *set) put(slot uint32, in bool) {
	for int(slot/64) >= len(*s) {
		*s = append(*s, 0)
	}
	if in {
		(*s)[slot/64] |= 1 << (slot % 64)
	} else {
		(*s)[slot/64] &^= 1 << (slot % 64)
	}
}

// word returns the bits of the slots from 64*i on, in a set that may be too short.
func (s set) word(i int) uint64 {
	if i < len(s) {
		return s[i]
	}
	return 0
}

// len is the number of slots in the set.
func (s set) len() int {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// slots lists the slots, of which there are n, in order.
func (s set) slots(n int) []uint32 {
	slots := make([]uint32, 0, n)
	for i, word := range s {
		for ; word != 0; word &= word - 1 {
			slots = append(slots, uint32(i*64+bits.TrailingZeros64(word)))
		}
	}
	return slots
}

// and, or and without return new sets of the length of s.
func (s set) and(other set) set {
	out := make(set, len(s))
	for i := range s {
		out[i] = s[i] & other.word(i)
	}
	return out
}

func (s set) or(other set) set {
	out := make(set, len(s))
	for i := range s {
		out[i] = s[i] | other.word(i)
	}
	return out
}

func (s set) without(other set) set {
	out := make(set, len(s))
	for i := range s {
		out[i] = s[i] &^ other.word(i)
	}
	return out
}
