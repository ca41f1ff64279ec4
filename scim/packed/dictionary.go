package packed

// Bounds of a dictionary. What is beyond them is written where it occurs.
const (
	maxShapes   = 1 << 12
	maxTexts    = 1 << 16
	maxElements = 1 << 17

	minText = 3  // bytes of a text that is worth a number
	maxText = 40 // longer ones are hardly ever there twice
)

// Dictionary is what the numbers in rows stand for. It only grows, so a copy of it is
// good for all rows that were packed before, whatever is added later.
type Dictionary struct {
	shapes   [][]string
	texts    []any    // boxed once for all that have them
	elements []string // packed
}

// sightings remember what was seen once, so that the dictionary takes only what is
// there twice. They forget some of it where memory is short.
type sightings struct {
	hashes []uint32
	lost   int // hashes forgotten since the last growth
}

// maxSightings bounds the memory to 1 MB.
const maxSightings = 1 << 18

// again reports whether the hash was seen before, and remembers it.
func (s *sightings) again(hash uint64) bool {
	if s.lost >= len(s.hashes) && len(s.hashes) < maxSightings {
		s.hashes, s.lost = make([]uint32, max(1<<10, 2*len(s.hashes))), 0
	}
	at, mark := hash%uint64(len(s.hashes)), uint32(hash>>32)|1
	if s.hashes[at] == mark {
		return true
	}
	if s.hashes[at] != 0 {
		s.lost++
	}
	s.hashes[at] = mark
	return false
}

// words finds the numbers of texts: a hash table that keeps of each the upper half of
// its hash, which says where to look for it, and its number plus one.
type words struct {
	cells []uint64 // as many as a power of two; 0: empty
	used  int
}

func (w *words) find(hash uint64, s string, texts []any) (number uint64, ok bool) {
	if w.used == 0 {
		return 0, false
	}
	mask := uint64(len(w.cells) - 1)
	for at := hash >> 32 & mask; w.cells[at] != 0; at = (at + 1) & mask {
		if c := w.cells[at]; c>>32 == hash>>32 && texts[uint32(c)-1].(string) == s {
			return uint64(uint32(c) - 1), true
		}
	}
	return 0, false
}

// add enters the number of a text that is not there.
func (w *words) add(hash, number uint64) {
	if w.used >= len(w.cells)/2 {
		old := w.cells
		w.cells = make([]uint64, max(256, 2*len(old)))
		for _, c := range old {
			if c != 0 {
				w.enter(c)
			}
		}
	}
	w.enter(hash>>32<<32 | (number + 1))
	w.used++
}

func (w *words) enter(cell uint64) {
	mask := uint64(len(w.cells) - 1)
	at := cell >> 32 & mask
	for w.cells[at] != 0 {
		at = (at + 1) & mask
	}
	w.cells[at] = cell
}
