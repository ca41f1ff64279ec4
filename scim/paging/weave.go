package paging

import "context"

// bridges is how often in a row a pager reads a place of the list that brings
// nothing new before it gives up.
const bridges = 8

// weave joins the parts of the whole list, which were read at different times, so
// that the result has every resource that existed from the first call to the last.
// See pager for why.
func (p *Reader[T]) weave(ctx context.Context, step int, parts []stretch[T]) ([]T, int, error) {
	w := weaving[T]{reader: p, at: map[string]int{}, total: parts[0].total}
	w.append(parts[0].objects)
	moved := false
	for i, part := range parts[1:] {
		moved = moved || part.total != w.total
		w.total = part.total
		if w.fits(part.objects) {
			w.append(part.objects)
			continue
		}
		moved = true
		if err := w.bridge(ctx, 1+(i+1)*step, part.objects); err != nil {
			return nil, 0, err
		}
	}
	if moved || len(w.objects) < w.total {
		if err := w.readOn(ctx); err != nil {
			return nil, 0, err
		}
	}
	if len(w.objects) < w.total {
		return nil, 0, errChanged
	}
	return w.objects, w.total, nil
}

// weaving is the beginning of a list, as far as it is known.
type weaving[T any] struct {
	reader  *Reader[T]
	objects []T
	at      map[string]int // index in objects, by id
	total   int            // length of the list, as the last call told it
}

// append adds those of a page that are not there yet, and reports whether there
// are any.
func (w *weaving[T]) append(page []T) (grown bool) {
	before := len(w.objects)
	for _, o := range page {
		id := w.reader.ID(o)
		if _, known := w.at[id]; !known {
			w.at[id] = len(w.objects)
			w.objects = append(w.objects, o)
		}
	}
	return len(w.objects) > before
}

// fits reports whether nothing is missing between objects and a page: they share a
// resource, or the page is empty.
func (w *weaving[T]) fits(page []T) bool { return len(page) == 0 || w.lastKnown(page) >= 0 }

// bridge reads the place between objects and a part that was read at a position of
// the list, and appends both. Resources that were deleted have moved that place
// towards the beginning; so a page is looked for there that has one of objects.
func (w *weaving[T]) bridge(ctx context.Context, position int, part []T) error {
	back := PageSize - 1
	for tries := 0; tries < bridges; tries++ {
		at := max(1, position-back)
		page, err := w.read(ctx, at)
		if err != nil {
			return err
		}
		known := w.lastKnown(page)
		if known < 0 && at == 1 {
			break
		}
		if known < 0 {
			back *= 2
			continue
		}
		if w.append(page[known:]) {
			tries = 0
		}
		if w.fits(part) || at+len(page)-1 >= w.total {
			w.append(part)
			return nil
		}
		position = at + len(page) + back - 1 // the part is behind the page, or gone: go on from the page's last
	}
	return errChanged
}

// read reads a page and its total.
func (w *weaving[T]) read(ctx context.Context, at int) ([]T, error) {
	page, total, err := w.reader.Page(ctx, at, PageSize)
	if err == nil {
		w.total = total
	}
	return page, err
}

// lastKnown returns the index of the last resource of a page that is in objects, -1
// if there is none.
func (w *weaving[T]) lastKnown(page []T) int {
	for i := len(page) - 1; i >= 0; i-- {
		if _, known := w.at[w.reader.ID(page[i])]; known {
			return i
		}
	}
	return -1
}

// readOn reads the end of the list until nothing is new there. A page begins well
// before the place where the known part ends, since the list may move meanwhile.
func (w *weaving[T]) readOn(ctx context.Context) error {
	const overlap = 10
	at := min(w.total, len(w.objects)) - PageSize + overlap
	for tries := 0; tries < bridges && w.total > 0; tries++ {
		at = max(1, at)
		page, err := w.read(ctx, at)
		if err != nil {
			return err
		}
		known := w.lastKnown(page)
		if known < 0 {
			if at == 1 {
				return errChanged
			}
			at -= PageSize - overlap
			continue
		}
		if w.append(page[known:]) {
			tries = 0
		}
		if at+len(page)-1 >= w.total {
			return nil
		}
		at += len(page) - overlap
	}
	if w.total > 0 {
		return errChanged
	}
	return nil
}
