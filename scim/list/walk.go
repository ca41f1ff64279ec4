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

// walk is a result that a client pages through. Nothing in it moves once it was
// delivered: the pages of a walk are of one list, whatever becomes of upstream.
type walk struct {
	caller string
	began  time.Time     // when its first page was asked for
	turn   chan struct{} // who holds its one token may use the fields below

	steps    []step
	complete bool                // steps are all that match; otherwise they are a window of that
	from     int                 // of a window: how many stand before it
	total    int                 // of a window: how many match in all, as upstream said
	tooLarge bool                // the window cannot be completed, so that pages stand alone
	fixed    int                 // the steps before this one are not to move any more
	read     []resource.ReadFunc // by rank: for steps without object
	batch    int                 // resources that one call of those reads; 0: nothing is left to read
	plan     string

	size    int64 // bytes; this and expires belong to walks
	expires time.Time
}

// step is a resource of a walk.
type step struct {
	at     Place
	object query.Object // nil: read when it is delivered
}

func newWalk(c *Request) *walk {
	return &walk{caller: c.Caller, began: c.Began, turn: make(chan struct{}, 1), read: make([]resource.ReadFunc, len(c.Types))}
}

// newWalkKey names a walk that is found by its cursors alone.
func newWalkKey() string {
	var b [9]byte
	rand.Read(b[:]) // never fails
	return string(b[:])
}

// enter waits until nobody else uses the walk.
func (w *walk) enter(ctx context.Context) error {
	select {
	case w.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *walk) leave() { <-w.turn }

// add appends what the backend of the type with that rank found.
func (w *walk) add(rank int, found *resource.ListResult) {
	w.complete = found.Whole()
	w.read[rank] = found.Read
	w.batch = max(w.batch, found.Batch)
	w.plan = found.Plan
	objects := found.All
	if !w.complete {
		objects = found.Resources
	}
	w.steps = slices.Grow(w.steps, len(objects)+len(found.IDs))
	for _, o := range objects {
		w.steps = append(w.steps, step{Place{rank, o.Text("id")}, o})
	}
	for _, id := range found.IDs {
		w.steps = append(w.steps, step{at: Place{rank, id}})
	}
}

// worthKeeping reports whether another page may follow the one given.
func (w *walk) worthKeeping(page *resource.ListResult) bool {
	return len(page.Resources) > 0 && w.fixed < page.Total
}

// completeWith makes a window complete: what was delivered stays where it is, and
// everything else that all has stands around it, in all's order.
func (w *walk) completeWith(all *walk) {
	delivered := make(map[Place]bool, len(w.steps))
	for _, e := range w.steps {
		delivered[e.at] = true
	}
	rest := slices.DeleteFunc(slices.Clone(all.steps), func(e step) bool { return delivered[e.at] })
	from := min(w.from, len(rest))
	w.fixed = from + len(w.steps)
	w.steps = slices.Concat(rest[:from], w.steps, rest[from:])
	w.complete, w.from, w.read, w.batch, w.plan = true, 0, all.read, all.batch, all.plan
}

// cut returns the page of count resources behind start others. The caller has
// entered the walk.
func (w *walk) cut(ctx context.Context, c *Request, start, count int) (*resource.ListResult, error) {
	start = min(start, len(w.steps))
	page := make([]query.Object, 0, min(count, len(w.steps)-start))
	for at := start; len(page) < count && at < len(w.steps); {
		window := w.steps[at:min(at+count-len(page), len(w.steps))]
		present, err := w.filled(ctx, window)
		if err != nil {
			return nil, err
		}
		for _, e := range present {
			page = append(page, c.presented(e))
		}
		at += w.forget(at, window, present)
	}
	w.fixed = max(w.fixed, start+len(page))
	return &resource.ListResult{Total: len(w.steps), Resources: page, Plan: w.plan}, nil
}

// continued is the plan of a page that was cut from a result found before.
func (w *walk) continued(page *resource.ListResult) string {
	cost := 0
	if w.batch > 0 {
		cost = (len(page.Resources) + w.batch - 1) / w.batch
	}
	return fmt.Sprintf("continued(%s) cost=%d", w.plan, cost)
}

// filled returns the steps with their objects, without those whose resource is
// gone or matches no longer.
func (w *walk) filled(ctx context.Context, window []step) ([]step, error) {
	var objects map[Place]query.Object
	for rank, read := range w.read {
		var ids []string
		for _, e := range window {
			if e.at.Rank == rank && e.object == nil {
				ids = append(ids, e.at.ID)
			}
		}
		if len(ids) == 0 {
			continue
		}
		found, err := read(ctx, ids)
		if err != nil {
			return nil, err
		}
		if objects == nil {
			objects = make(map[Place]query.Object, len(window))
		}
		for _, o := range found {
			objects[Place{rank, o.Text("id")}] = o
		}
	}
	if objects == nil {
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

// forget takes out of the walk what is not present of the window at a position, so
// that others move up and the page becomes full, and returns how many steps stay
// there. What was delivered before keeps its place.
func (w *walk) forget(at int, window, present []step) int {
	if len(present) == len(window) || at < w.fixed {
		return len(window)
	}
	still := make(map[Place]bool, len(present))
	for _, e := range present {
		still[e.at] = true
	}
	end := at + len(window)
	kept := slices.DeleteFunc(slices.Clone(window), func(e step) bool { return !still[e.at] })
	w.steps = slices.Concat(w.steps[:at], kept, w.steps[end:])
	return len(kept)
}

// cursor is the one of the page behind start others, of the same walk as at.
func (w *walk) cursor(at Cursor, start int, sorted bool) Cursor {
	next := Cursor{Began: at.Began, Count: at.Count, Walk: at.Walk, Start: start}
	if start > 0 {
		next.After = w.steps[start-1].at
	}
	if sorted {
		next.Digest = w.digest(start)
	}
	return next
}

// resume finds the place of a cursor of a lost walk in this one.
func (w *walk) resume(at Cursor, sorted bool) (int, error) {
	switch {
	case at.Start == 0:
		return 0, nil
	case !sorted:
		return sort.Search(len(w.steps), func(i int) bool { return w.steps[i].at.compare(at.After) > 0 }), nil
	case at.Start <= len(w.steps) && w.digest(at.Start) == at.Digest:
		return at.Start, nil
	}
	return 0, expiredCursor("What was delivered is no longer kept, and the order has changed since; begin again with an empty cursor.")
}

// digest stands for the first steps and their order.
func (w *walk) digest(steps int) string {
	h := sha256.New()
	var b []byte
	for _, e := range w.steps[:steps] {
		b = binary.AppendUvarint(b[:0], uint64(e.at.Rank))
		b = binary.AppendUvarint(b, uint64(len(e.at.ID)))
		h.Write(append(b, e.at.ID...))
	}
	return string(h.Sum(nil)[:16])
}

// find returns a walk that lives, nil if there is none.
func (s *walks) find(key string) *walk {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.byKey[key]
	if w == nil || s.now().After(w.expires) {
		return nil
	}
	w.expires = s.now().Add(s.lifetime)
	return w
}

// keep remembers a walk, in the place of an older one or of itself as it was. It
// reports false, and keeps none, if the walk is larger than all room there is.
func (s *walks) keep(key string, w *walk) bool {
	size := w.bytes()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(key)
	if s.exceeds(size) {
		return false
	}
	for k, old := range s.byKey {
		if s.now().After(old.expires) {
			s.remove(k)
		}
	}
	for len(s.byKey) >= maxWalks || s.total()+size > s.room {
		s.remove(s.dispensable())
	}
	w.size, w.expires = size, s.now().Add(s.lifetime)
	s.byKey[key] = w
	s.held[w.caller] += size
	return true
}

// exceeds reports whether so many bytes are more than all room there is.
func (s *walks) exceeds(bytes int64) bool { return bytes > s.room }

// drop forgets a walk.
func (s *walks) drop(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(key)
}

func (s *walks) remove(key string) {
	w := s.byKey[key]
	if w == nil {
		return
	}
	delete(s.byKey, key)
	if s.held[w.caller] -= w.size; s.held[w.caller] <= 0 {
		delete(s.held, w.caller)
	}
}

func (s *walks) total() (bytes int64) {
	for _, held := range s.held {
		bytes += held
	}
	return bytes
}

// dispensable is the walk to give up when room is short: the one longest unused
// of the caller who holds most, so that nobody pushes out everybody else's.
func (s *walks) dispensable() string {
	var key string
	var worst *walk
	for k, w := range s.byKey {
		switch {
		case worst == nil, s.held[w.caller] > s.held[worst.caller],
			w.caller == worst.caller && w.expires.Before(worst.expires):
			key, worst = k, w
		}
	}
	return key
}
