package table

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"

	"scim-atlassian/scim/query"
)

// textColumn has the texts of an attribute in the form in which Match compares them.
//
// A cell has the texts of one row: each with its length plus one before it, and an
// end mark, a zero, where the attribute can have several or the row has none. Cells are
// in the order of the slots at first; one that grows moves to the end.
type textColumn struct {
	path   query.Path
	single bool
	exact  bool

	data  []byte
	from  []uint32 // by slot: where the cell begins
	moved set      // by block, not by slot: blocks with cells that are not in their order
	more  set      // rows with values that are no texts
	waste int      // bytes of data that no cell has

	cell []byte // for put
}

func newTextColumn(p query.Path, slots int) *textColumn {
	return &textColumn{path: p, single: p.Single(), exact: p.Exact(), from: make([]uint32, 0, slots)}
}

func (c *textColumn) put(slot uint32, o query.Object) {
	more := false
	c.cell = c.cell[:0]
	for v := range c.path.Values(o) {
		s, ok := v.(string)
		more = more || !ok
		c.add(s)
	}
	if !c.single || len(c.cell) == 0 {
		c.cell = append(c.cell, 0)
	}
	more = more || len(c.data)+len(c.cell) > math.MaxUint32
	if more {
		c.cell = append(c.cell[:0], 0)
	}
	c.more.put(slot, more)
	c.store(int(slot))
}

// add appends a text to the cell.
func (c *textColumn) add(s string) {
	if c.exact {
		c.cell = append(binary.AppendUvarint(c.cell, uint64(len(s))+1), s...)
		return
	}
	at := len(c.cell)
	c.cell = query.AppendFold(append(c.cell, 0), s)
	size := len(c.cell) - at
	if size < 0x80 {
		c.cell[at] = byte(size)
		return
	}
	folded := string(c.cell[at+1:])
	c.cell = append(binary.AppendUvarint(c.cell[:at], uint64(size)), folded...)
}

// store makes the cell that of a slot.
func (c *textColumn) store(slot int) {
	if slot == len(c.from) {
		c.from = append(c.from, uint32(len(c.data)))
		c.data = append(c.data, c.cell...)
		return
	}
	from := int(c.from[slot])
	size := c.size(from)
	if len(c.cell) <= size {
		copy(c.data[from:], c.cell)
		c.waste += size - len(c.cell)
	} else {
		c.from[slot] = uint32(len(c.data))
		c.data = append(c.data, c.cell...)
		c.moved.put(uint32(slot/blockRows), true)
		c.waste += size
	}
	if c.waste > len(c.data)/2 && c.waste > 1<<16 {
		c.compact()
	}
}

// size is the length of the cell at an index of data.
func (c *textColumn) size(from int) int {
	at := from
	for {
		n, width := c.length(at)
		at += width
		if n == 0 {
			return at - from
		}
		at += n - 1
		if c.single {
			return at - from
		}
	}
}

// length reads the number at an index of data: the length of a text plus one, or 0.
func (c *textColumn) length(at int) (n, width int) {
	if b := c.data[at]; b < 0x80 {
		return int(b), 1
	}
	long, width := binary.Uvarint(c.data[at:])
	return int(long), width
}

// compact puts all cells in order again, without waste.
func (c *textColumn) compact() {
	data := make([]byte, 0, len(c.data)-c.waste)
	for slot, from := range c.from {
		c.from[slot] = uint32(len(data))
		data = append(data, c.data[from:int(from)+c.size(int(from))]...)
	}
	c.data, c.waste, c.moved = data, 0, nil
}

// looksFor is a comparison as a column makes it.
type looksFor struct {
	op   query.Op
	want []byte
}

func (c *textColumn) match(leaf query.Expr, within set) (sure, maybe set, ok bool) {
	e := leaf.(query.Compare)
	text, ok := e.Value.(string)
	if !ok {
		return nil, nil, false
	}
	l := looksFor{e.Op, []byte(text)}
	if !c.exact {
		l.want = query.AppendFold(nil, text)
	}
	sure = make(set, len(within))
	for i, word := range within {
		if word != 0 && !c.lacks(i, l) {
			sure[i] = c.matchWord(i, word, l)
		}
	}
	return sure.without(c.more), sure.or(within.and(c.more)), true
}

// lacks reports whether no cell of a block can satisfy the comparison, because what it
// looks for is nowhere between the first and the last.
func (c *textColumn) lacks(block int, l looksFor) bool {
	if l.op > query.Ew || l.op == query.Ne || len(l.want) == 0 || c.moved.word(block/64)>>(block%64)&1 != 0 {
		return false
	}
	first, end := block*blockRows, len(c.data)
	if first >= len(c.from) {
		return true
	}
	if next := first + blockRows; next < len(c.from) {
		if c.moved.word((block+1)/64)>>((block+1)%64)&1 != 0 {
			return false // its first cell may be anywhere
		}
		end = int(c.from[next])
	}
	return !bytes.Contains(c.data[c.from[first]:end], l.want)
}

func (c *textColumn) matchWord(i int, word uint64, l looksFor) (found uint64) {
	for ; word != 0; word &= word - 1 {
		at := bits.TrailingZeros64(word)
		if c.matchCell(int(c.from[i*64+at]), l) {
			found |= 1 << at
		}
	}
	return found
}

// matchCell compares the texts of a cell: one is enough. "ne" is true of a cell
// without texts.
func (c *textColumn) matchCell(at int, l looksFor) bool {
	n, width := c.length(at)
	if n == 0 {
		return l.op == query.Ne
	}
	for n > 0 {
		at += width
		if l.holds(c.data[at : at+n-1]) {
			return true
		}
		at += n - 1
		if c.single {
			return false
		}
		n, width = c.length(at)
	}
	return false
}

func (l looksFor) holds(text []byte) bool {
	switch l.op {
	case query.Eq:
		return bytes.Equal(text, l.want)
	case query.Ne:
		return !bytes.Equal(text, l.want)
	case query.Co:
		return bytes.Contains(text, l.want)
	case query.Sw:
		return bytes.HasPrefix(text, l.want)
	case query.Ew:
		return bytes.HasSuffix(text, l.want)
	case query.Gt:
		return bytes.Compare(text, l.want) > 0
	case query.Ge:
		return bytes.Compare(text, l.want) >= 0
	case query.Lt:
		return bytes.Compare(text, l.want) < 0
	}
	return bytes.Compare(text, l.want) <= 0
}
