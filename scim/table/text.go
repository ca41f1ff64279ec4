package table

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"

	"scim-atlassian/scim/query"
)

// textColumn has the texts of an attribute in the form in which Match compares them.
//
// A cell has the texts of one row: each with its length plus one before it, and an
// end mark, a zero, where the attribute can have several or the row has none. The cells
// of a block of slots follow each other.
type textColumn struct {
	path   query.Path
	single bool
	exact  bool

	blocks [][]byte // by block: the cells of its slots
	slots  int      // that have a cell
	more   set      // rows with values that are no texts

	cell []byte // for put
}

func newTextColumn(p query.Path) *textColumn {
	return &textColumn{path: p, single: p.Single(), exact: p.Exact()}
}

func (c *textColumn) put(slot uint32, o query.Object) {
	more := false
	c.cell = c.cell[:0]
	for v := range c.path.Values(o) {
		s, ok := v.(string)
		more = more || !ok
		c.add(s)
	}
	if more {
		c.cell = c.cell[:0]
	}
	if !c.single || len(c.cell) == 0 {
		c.cell = append(c.cell, 0)
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

// store makes the cell that of a slot: of one that has a cell, or of the next one.
func (c *textColumn) store(slot int) {
	at := slot / blockRows
	if slot < c.slots {
		cells := c.blocks[at]
		from := 0
		for range slot % blockRows {
			from = c.after(cells, from)
		}
		to := c.after(cells, from)
		if to-from == len(c.cell) {
			copy(cells[from:], c.cell)
			return
		}
		next := make([]byte, 0, len(cells)-(to-from)+len(c.cell))
		c.blocks[at] = append(append(append(next, cells[:from]...), c.cell...), cells[to:]...)
		return
	}
	if at == len(c.blocks) {
		c.blocks = append(c.blocks, nil)
	}
	c.blocks[at] = append(c.blocks[at], c.cell...)
	if c.slots++; c.slots%blockRows == 0 {
		c.blocks[at] = bytes.Clone(c.blocks[at]) // without room to grow
	}
}

// length reads the number at an index of cells: the length of a text plus one, or 0.
func length(cells []byte, at int) (n, width int) {
	if b := cells[at]; b < 0x80 {
		return int(b), 1
	}
	long, width := binary.Uvarint(cells[at:])
	return int(long), width
}

// after returns where the cell ends that begins at an index of cells.
func (c *textColumn) after(cells []byte, at int) int {
	for {
		n, width := length(cells, at)
		at += width
		if n == 0 {
			return at
		}
		if at += n - 1; c.single {
			return at
		}
	}
}

// wanted is a comparison as a column makes it.
type wanted struct {
	op   query.Op
	text []byte
	rare int // the index in text of the byte that texts have least
}

// frequent are the bytes that names and addresses have, the most frequent first. All
// others count as rarer.
const frequent = "aeinorslt cmdhu.@gbpkvfyw0123456789jzxq"

func newWanted(op query.Op, text []byte) wanted {
	w, rank := wanted{op: op, text: text}, -1
	for i, b := range text {
		r := strings.IndexByte(frequent, b)
		if r < 0 {
			r = len(frequent)
		}
		if r > rank {
			w.rare, rank = i, r
		}
	}
	return w
}

// index is the first place of the text in b, -1 if it is not there. It looks for the
// rare byte, as long as that is rare.
func (w *wanted) index(b []byte) int {
	from := 0
	for tries := 0; ; tries++ {
		if from+len(w.text) > len(b) {
			return -1
		}
		if tries > 4+from/32 {
			if hit := bytes.Index(b[from:], w.text); hit >= 0 {
				return from + hit
			}
			return -1
		}
		at := bytes.IndexByte(b[from+w.rare:], w.text[w.rare])
		if at < 0 {
			return -1
		}
		if from += at; bytes.HasPrefix(b[from:], w.text) {
			return from
		}
		from++
	}
}

func (c *textColumn) match(leaf query.Expr, within set) (sure, maybe set, ok bool) {
	e := leaf.(query.Compare)
	text, ok := e.Value.(string)
	if !ok {
		return nil, nil, false
	}
	w := newWanted(e.Op, []byte(text))
	if !c.exact {
		w = newWanted(e.Op, query.AppendFold(nil, text))
	}
	sure = make(set, len(within))
	for i, word := range within {
		switch {
		case word == 0:
		case w.op == query.Co && len(w.text) > 0 && bits.OnesCount64(word) > blockRows/4:
			sure[i] = c.scan(c.blocks[i], w) & word
		default:
			sure[i] = c.matchBlock(c.blocks[i], word, w)
		}
	}
	return sure.without(c.more), sure.or(within.and(c.more)), true
}

// scan returns the slots of a block with a text that contains what is wanted. It looks
// for that in all cells at once, and then at the cell where it is.
func (c *textColumn) scan(cells []byte, w wanted) (found uint64) {
	slot, from := 0, 0 // of the cell to look at
	for from < len(cells) {
		hit := w.index(cells[from:])
		if hit < 0 {
			return found
		}
		hit += from
		to := c.after(cells, from)
		for to <= hit {
			slot, from, to = slot+1, to, c.after(cells, to)
		}
		// A hit may begin in a length, or end in one.
		if n := int(cells[from]); n > 0 && n < 0x80 && from < hit && hit+len(w.text) <= from+n || c.matches(cells[from:to], w) {
			found |= 1 << slot
		}
		slot, from = slot+1, to
	}
	return found
}

// matchBlock returns those of some slots of a block whose cells satisfy the
// comparison.
func (c *textColumn) matchBlock(cells []byte, word uint64, w wanted) (found uint64) {
	at := 0
	for bit := uint64(1); bit != 0 && bit <= word; bit <<= 1 {
		from := at
		n := int(cells[at])
		switch at += n; {
		case n == 0 || n >= 0x80 || !c.single && cells[at] != 0: // not one short text
			at = c.after(cells, from)
			if word&bit != 0 && c.matches(cells[from:at], w) {
				found |= bit
			}
			continue
		case word&bit != 0 && w.may(cells[from+1:at]) && w.holds(cells[from+1:at]):
			found |= bit
		}
		if !c.single {
			at++ // the end mark
		}
	}
	return found
}

// may tells quickly that most texts are not equal to what is wanted, or do not begin
// with it.
func (w *wanted) may(text []byte) bool {
	switch {
	case w.op != query.Eq && w.op != query.Sw || len(w.text) == 0:
		return true
	case len(text) < len(w.text) || w.op == query.Eq && len(text) != len(w.text):
		return false
	}
	last := len(w.text) - 1
	return text[last] == w.text[last] && text[0] == w.text[0]
}

// matches compares the texts of a cell: one is enough. "ne" is true of a cell without
// texts.
func (c *textColumn) matches(cell []byte, w wanted) bool {
	n, at := length(cell, 0)
	if n == 0 {
		return w.op == query.Ne
	}
	for {
		end := at + n - 1
		if w.holds(cell[at:end]) {
			return true
		}
		if end == len(cell) {
			return false // a single one
		}
		var width int
		if n, width = length(cell, end); n == 0 {
			return false
		}
		at = end + width
	}
}

func (w *wanted) holds(text []byte) bool {
	switch w.op {
	case query.Eq:
		return string(text) == string(w.text)
	case query.Ne:
		return string(text) != string(w.text)
	case query.Co:
		return bytes.Contains(text, w.text)
	case query.Sw:
		return bytes.HasPrefix(text, w.text)
	case query.Ew:
		return bytes.HasSuffix(text, w.text)
	case query.Gt:
		return bytes.Compare(text, w.text) > 0
	case query.Ge:
		return bytes.Compare(text, w.text) >= 0
	case query.Lt:
		return bytes.Compare(text, w.text) < 0
	}
	return bytes.Compare(text, w.text) <= 0
}
