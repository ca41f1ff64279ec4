package list

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
	"time"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// walk is a result that a client pages through. A step keeps its place once it was delivered, so that the pages of a
// walk are of one list, whatever changes upstream.
type walk struct {
	caller string
	began  time.Time     // when its first page was asked for
	turn   chan struct{} // holds the token of the goroutine that may use the fields below; see enter

	steps    []step
	every    resource.Source     // in place of steps, as long as it is all there is: the resources of the type with rank 0
	lent     bool                // every is a window, of whose resources only the ids are left
	complete bool                // steps are the whole result; otherwise they are a window of it
	from     int                 // of a window: how many resources of the result stand before it
	total    int                 // of a window: how many resources the result has, as upstream said
	tooLarge bool                // the window cannot be completed, so that pages stand alone
	fixed    int                 // steps before this index have been delivered and do not move
	read     []resource.ReadFunc // by rank of the type: reads the objects of steps that have none
	batch    int                 // resources that one upstream request of read returns; 0: every step has its object
	plan     string              // how the result was found
	scanned  int                 // resources that were looked at to find it, and that no page has told yet
	asOf     time.Time           // of the oldest of the results of all types, as resource.ListResult has it
	proven   time.Time           // likewise

	size    int64     // bytes; guarded, like expires, by the lock of walks
	expires time.Time // when the walk is forgotten
}

// step is a resource of a walk.
type step struct {
	at     place
	object query.Object // nil: decoded or read when the step is delivered, or in a window never again

	source resource.Source // has the resource, undecoded, at index; nil: nothing has
	index  int
}

// decoded is the object of a step, nil if it is yet to be read.
func (e step) decoded() query.Object {
	if e.object == nil && e.source != nil {
		return e.source.Object(e.index)
	}
	return e.object
}

func newWalk(r *Request) *walk {
	return &walk{caller: r.Caller, began: r.Began, turn: make(chan struct{}, 1), read: make([]resource.ReadFunc, len(r.Types))}
}

// newWalkKey returns a random key for a walk that only its cursors find.
func newWalkKey() string {
	var b [9]byte
	rand.Read(b[:]) // never fails
	return string(b[:])
}

// enter waits until no other request uses the walk, or until ctx ends. Every enter needs a leave.
func (w *walk) enter(ctx context.Context) error {
	select {
	case w.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *walk) leave() { <-w.turn }

// add appends the resources that the backend of the type with the rank found.
func (w *walk) add(rank int, found *resource.ListResult) {
	w.complete = found.Whole()
	w.read[rank] = found.Read
	w.batch = max(w.batch, found.Batch)
	w.plan, w.scanned = found.Plan, w.scanned+found.Scanned
	w.asOf, w.proven = earlier(w.asOf, found.AsOf), earlier(w.proven, found.Proven)
	if s := steps(found); s != nil && rank == 0 && w.len() == 0 {
		_, w.lent = s.(resource.Lent)
		w.every = s
		return
	}
	w.spread()
	objects := found.All
	if !w.complete && found.Source == nil {
		objects = found.Resources
	}
	w.steps = slices.Grow(w.steps, len(objects)+len(found.IDs))
	for _, o := range objects {
		w.steps = append(w.steps, step{at: place{rank, o.Text("id")}, object: o})
	}
	if s := steps(found); s != nil {
		w.steps = slices.Grow(w.steps, s.Len())
		for i := range s.Len() {
			w.steps = append(w.steps, step{at: place{rank, s.ID(i)}, source: s, index: i})
		}
	}
	for _, id := range found.IDs {
		w.steps = append(w.steps, step{at: place{rank, id}})
	}
}

// len is the number of steps.
func (w *walk) len() int {
	if w.every != nil {
		return w.every.Len()
	}
	return len(w.steps)
}

// window returns the steps from one index up to another. Nobody may write to them.
func (w *walk) window(from, to int) []step {
	if w.every == nil {
		return w.steps[from:to]
	}
	window, source := make([]step, 0, to-from), w.every
	if w.lent { // the rest of the result brings these too, see completeWith
		source = nil
	}
	for i := from; i < to; i++ {
		window = append(window, step{at: place{0, w.every.ID(i)}, source: source, index: i})
	}
	return window
}

// place is the place of one step.
func (w *walk) place(i int) place { return w.window(i, i+1)[0].at }

// spread makes steps of every, so that they can be changed.
func (w *walk) spread() {
	if w.every != nil {
		w.steps, w.every = w.window(0, w.every.Len()), nil
	}
}

// steps returns the resources that a walk gets from a source: those of the whole result, or of a window of it.
func steps(found *resource.ListResult) resource.Source {
	if found.Whole() {
		return found.Every
	}
	return found.Source
}

// worthKeeping reports whether another page may follow this one. A walk without steps is not worth keeping.
func (w *walk) worthKeeping(page *resource.ListResult) bool {
	return page.Len() > 0 && w.fixed < page.Total
}

// sort orders the steps of several types by q.SortBy. A step without object and source has no value to sort by.
func (w *walk) sort(q resource.ListQuery) {
	if q.SortBy != nil {
		w.spread()
		query.SortFunc(w.steps, step.decoded, *q.SortBy, q.Descending)
	}
}

// completeWith makes a window complete: its steps, which were delivered, keep their places, and the other steps of all
// stand around them in their order. With all = [a b c d e] the window [x c] from index 1 becomes [a x c b d e]. A step
// of the window without its resource takes that of all; x has none then, and is left out when it is asked for again.
func (w *walk) completeWith(all *walk) {
	w.spread()
	all.spread()
	delivered := make(map[place]int, len(w.steps))
	for i, e := range w.steps {
		delivered[e.at] = i
	}
	rest := slices.DeleteFunc(slices.Clone(all.steps), func(e step) bool {
		i, is := delivered[e.at]
		if is && w.steps[i].object == nil && w.steps[i].source == nil {
			w.steps[i] = e
		}
		return is
	})
	from := min(w.from, len(rest))
	w.fixed = from + len(w.steps)
	w.steps = slices.Concat(rest[:from], w.steps, rest[from:])
	w.complete, w.from, w.read, w.batch, w.plan = true, 0, all.read, all.batch, all.plan
}

// cut returns the page of count resources that follows the first start ones. It reads the objects that are missing;
// where a resource is gone, the next one takes its place. The caller has entered the walk.
func (w *walk) cut(ctx context.Context, r *Request, start, count int) (*resource.ListResult, error) {
	start = min(start, w.len())
	page := make([]query.Object, 0, min(count, w.len()-start))
	for at := start; len(page) < count && at < w.len(); {
		window := w.window(at, min(at+count-len(page), w.len()))
		present, err := w.fill(ctx, window)
		if err != nil {
			return nil, err
		}
		for _, e := range present {
			page = append(page, r.show(e))
		}
		at += w.forget(at, window, present)
	}
	w.fixed = max(w.fixed, start+len(page))
	scanned := w.scanned
	w.scanned = 0
	return &resource.ListResult{Total: w.len(), Resources: page, Plan: w.plan, Scanned: scanned, AsOf: w.asOf, Proven: w.proven}, nil
}

// continuedPlan is the plan of a page that was cut from a walk kept before. Its cost is the upstream requests that read
// the objects of the page.
func (w *walk) continuedPlan(page *resource.ListResult) string {
	cost := 0
	if w.batch > 0 {
		cost = (page.Len() + w.batch - 1) / w.batch
	}
	return fmt.Sprintf("continued(%s) cost=%d", w.plan, cost)
}

// decoded returns the steps with the objects of those that are in upstream's bytes.
func decoded(window []step) []step {
	if !slices.ContainsFunc(window, func(e step) bool { return e.object == nil && e.source != nil }) {
		return window
	}
	window = slices.Clone(window)
	for i, e := range window {
		window[i].object = e.decoded()
	}
	return window
}

// fill returns the steps of a window with their objects. It leaves out steps whose resource is gone or matches no
// longer.
func (w *walk) fill(ctx context.Context, window []step) ([]step, error) {
	window = decoded(window)
	var objects map[place]query.Object
	for rank, read := range w.read {
		var ids []string
		for _, e := range window {
			if e.at.rank == rank && e.object == nil {
				ids = append(ids, e.at.id)
			}
		}
		if len(ids) == 0 || read == nil {
			continue
		}
		found, err := read(ctx, ids)
		if err != nil {
			return nil, err
		}
		if objects == nil {
			objects = make(map[place]query.Object, len(window))
		}
		for _, o := range found {
			objects[place{rank, o.Text("id")}] = o
		}
	}
	if !slices.ContainsFunc(window, func(e step) bool { return e.object == nil }) {
		return window, nil
	}
	present := make([]step, 0, len(window))
	for _, e := range window {
		if e.object == nil {
			e.object = objects[e.at]
		}
		if e.object != nil {
			present = append(present, e)
		}
	}
	return present, nil
}

// forget removes the steps of the window at index at whose resources are gone, so that later ones fill the page, and
// returns how many steps of the window remain. A window that was delivered before keeps all of its steps.
func (w *walk) forget(at int, window, present []step) int {
	if len(present) == len(window) || at < w.fixed {
		return len(window)
	}
	still := make(map[place]bool, len(present))
	for _, e := range present {
		still[e.at] = true
	}
	end := at + len(window)
	kept := slices.DeleteFunc(slices.Clone(window), func(e step) bool { return !still[e.at] })
	w.steps = slices.Concat(w.steps[:at], kept, w.steps[end:])
	return len(kept)
}

// cursorAt returns the cursor of the page that follows the first start steps. The rest of it is as in at, a cursor of
// the same walk.
func (w *walk) cursorAt(at cursor, start int, sorted bool) cursor {
	c := cursor{began: at.began, count: at.count, walk: at.walk, start: start}
	if start > 0 {
		c.after = w.place(start - 1)
	}
	if sorted {
		c.digest = w.digest(start)
	}
	return c
}

// resume returns the index at which a cursor of a lost walk goes on in this one. It refuses the cursor of a sorted list
// if other steps stand before that index than were delivered.
func (w *walk) resume(at cursor, sorted bool) (int, error) {
	switch {
	case at.start == 0:
		return 0, nil
	case !sorted:
		return sort.Search(w.len(), func(i int) bool { return w.place(i).compare(at.after) > 0 }), nil
	case at.start <= w.len() && w.digest(at.start) == at.digest:
		return at.start, nil
	}
	return 0, expiredCursor("What was delivered is no longer kept, and the order has changed since; begin again with an empty cursor.")
}

// digest is a hash of the first steps and their order.
func (w *walk) digest(steps int) string {
	h := sha256.New()
	var b []byte
	for _, e := range w.window(0, steps) {
		b = binary.AppendUvarint(b[:0], uint64(e.at.rank))
		b = binary.AppendUvarint(b, uint64(len(e.at.id)))
		h.Write(append(b, e.at.id...))
	}
	return string(h.Sum(nil)[:16])
}

// estimate is the memory that the whole result of a window would take, by the average of the window's steps. There is
// a step to divide by: byIndex keeps a window only if its page had resources (worthKeeping), and readRest, which alone
// takes the steps away, sets tooLarge with that and then asks for no estimate.
func (w *walk) estimate() int64 {
	return w.bytes() / int64(w.len()) * int64(w.total)
}

// sourceFootprint estimates the memory of a resource in upstream's bytes, and sharedFootprint that of one of every,
// most of which share it with whoever made the result.
const (
	sourceFootprint = 1 << 10
	sharedFootprint = 48
)

// bytes estimates the memory that a walk holds: some 3.6 kB for each user, if it has objects. Objects that it shares
// with other walks count in full.
func (w *walk) bytes() int64 {
	size := int64(256)
	if w.every != nil {
		each := int64(sharedFootprint)
		if !w.lent && !w.complete {
			each = sourceFootprint
		}
		size += each * int64(w.every.Len())
	}
	for _, e := range w.steps {
		size += 64 + int64(len(e.at.id)) + footprint(e.object)
		switch {
		case e.source == nil && w.complete, e.object != nil:
		case w.complete, e.source == nil:
			size += sharedFootprint
		default:
			size += sourceFootprint
		}
	}
	return size * 7 / 5 // what allocation rounds up to, as measured
}

// footprint estimates the memory of a value and of all that it points to.
func footprint(v any) int64 {
	const word, pair = 8, 16
	switch v := v.(type) {
	case query.Object:
		size := int64(3*word + 2*pair*cap(v)) // names are the schema's
		for _, m := range v {
			size += footprint(m.Value)
		}
		return size
	case []any:
		size := int64(3*word + pair*cap(v))
		for _, e := range v {
			size += footprint(e)
		}
		return size
	case string:
		return pair + int64(len(v)+word)
	case time.Time:
		return 3 * word
	}
	return word
}

// earlier returns the earlier of two times; the zero time is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
