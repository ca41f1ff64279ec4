package table

import (
	"hash/maphash"
	"time"

	"scim-atlassian/scim/packed"
)

// mark tells how upstream showed the resource of a row.
type mark struct {
	hash     uint64 // of what upstream sent; 0: unknown
	modified int64  // the row's meta.lastModified, in nanoseconds; 0: it has none
}

// marks are by slot, and may be shorter than the slots.
type marks []mark

// put notes the mark of a slot, or that it has none: the zero mark.
func (m *marks) put(slot uint32, one mark) {
	if int(slot) >= len(*m) && one == (mark{}) {
		return
	}
	for int(slot) >= len(*m) {
		*m = append(*m, mark{})
	}
	(*m)[slot] = one
}

// arranged returns the marks of slots that are given new numbers, in that order.
func (m marks) arranged(slots []uint32) marks {
	if len(m) == 0 {
		return nil
	}
	next := make(marks, len(slots))
	for i, slot := range slots {
		if int(slot) < len(m) {
			next[i] = m[slot]
		}
	}
	return next
}

// Mark notes that the row with the id is what upstream sent in these bytes, but for
// meta.lastModified, which is modified in the row. The mark goes when the row changes.
// Without such a row, or without bytes, Mark does nothing.
func (t *Table) Mark(id string, sent []byte, modified time.Time) {
	if sent == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if slot, ok := t.slotOf(id); ok {
		one := mark{hash: maphash.Bytes(t.seed, sent)}
		if !modified.IsZero() {
			one.modified = modified.UnixNano()
		}
		t.marks.put(slot, one)
	}
}

// Marked reports whether the row with the id is known to be what upstream sent in these
// bytes, see Mark, and returns its meta.lastModified then, the zero time if it has none.
func (t *Table) Marked(id string, sent []byte) (modified time.Time, ok bool) {
	hash := maphash.Bytes(t.seed, sent) // nobody outside can tell which other bytes have the same
	t.mu.RLock()
	defer t.mu.RUnlock()
	slot, ok := t.slotOf(id)
	if !ok || int(slot) >= len(t.marks) || t.marks[slot].hash != hash || hash == 0 {
		return time.Time{}, false
	}
	if at := t.marks[slot].modified; at != 0 {
		modified = time.Unix(0, at)
	}
	return modified, true
}

// slotOf returns the slot of the row with the id, for a caller that holds the lock.
func (t *Table) slotOf(id string) (slot uint32, ok bool) {
	var stack [40]byte
	return t.ids.find(string(packed.AppendKey(stack[:0], id)))
}
