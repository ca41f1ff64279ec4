// Package paging reads lists that upstream gives in pages by position, so that nothing
// is missing although they change meanwhile.
package paging

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"scim-atlassian/scim/resource"
)

const (
	atOnce       = 16              // pages that one reader asks for at the same time
	PageSize     = 100             // resources that one upstream call returns at most
	scanAttempts = 3               // readings of a list that changes all the time, before the request fails
	retryAfter   = 5 * time.Second // Retry-After of that failure
	Everything   = 1 << 30         // a count that no list exceeds
)

// Reader reads a list that upstream gives in pages by position. T is a resource, or
// what stands for one.
//
// The list may change between two pages. If a resource is deleted before the next
// page is read, all behind it move up by one, and the first resource of the next
// page is missed; the total does not show that once another resource was added.
// So every page begins with the last resource of the page before: the two pages
// share it. The proof that nothing is missing rests on two facts: the order of
// two resources never changes upstream, and one page is one moment. A resource
// that exists from the first call to the last stands between the two shared
// resources of some page, and so that page has it. If a resource before a shared
// one is deleted between the two pages, the second page begins with another
// resource: the pages do not fit. A reader of the whole list then reads the place
// between the two once more, in one page that shares a resource with both; any
// other reads everything again (errChanged). Resources that were added at the end
// meanwhile are read in addition.
//
// Last, the result must have as many different resources as upstream counts. The
// whole list may have more, which were deleted after their page was read; never
// fewer.
type Reader[T any] struct {
	Name string // of the resource type
	ID   func(T) string
	// Page reads a window of the list, of at most count resources from position start on (1 is the first), and the number of all there are.
	Page   func(ctx context.Context, start, count int) (objects []T, total int, err error)
	Budget int  // upstream calls that one read may cost; 0: any number
	Most   int  // Read fails with ErrLonger after the first page of a longer list; 0: no limit
	Whole  bool // the whole list is read, so that pages that do not fit can be joined
}

// ErrLonger says that a list has more resources than the limit of the reader.
var ErrLonger = errors.New("scim: the list is longer than the limit of its reader")

// errChanged says that two pages do not fit together, since the list changed
// between them.
var errChanged = errors.New("scim: the list changed while it was read")

// Read returns count resources from position start on, or as many as there are,
// and the number of all. It reads pages in parallel. The result is complete, or
// there is an error: ErrLonger, a *resource.Error or what Page returns.
func (p *Reader[T]) Read(ctx context.Context, start, count int) (objects []T, total int, err error) {
	for range scanAttempts {
		objects, total, err = p.attempt(ctx, start, count)
		if !errors.Is(err, errChanged) {
			return objects, total, err
		}
	}
	return nil, 0, &resource.Error{Status: http.StatusServiceUnavailable, RetryAfter: retryAfter,
		Detail: fmt.Sprintf("The %ss changed while they were read, %d times in a row; no complete answer can be given at the moment.", p.Name, scanAttempts)}
}

// attempt reads the list once. It fails with errChanged if the list changed.
func (p *Reader[T]) attempt(ctx context.Context, start, count int) ([]T, int, error) {
	first, total, err := p.Page(ctx, start, max(1, min(count, PageSize)))
	if err != nil {
		return nil, 0, err
	}
	if p.Most > 0 && total > p.Most {
		return nil, 0, ErrLonger
	}
	want := max(0, min(count, total-start+1))
	if len(first) >= want {
		return first[:want], total, p.distinct(first[:want])
	}
	step := len(first) - 1 // upstream may return fewer than it was asked for
	if step < 1 {
		return nil, 0, errChanged
	}
	parts := make([]stretch[T], (want-2)/step+1)
	if p.Budget > 0 && len(parts) > p.Budget {
		return nil, 0, OverBudget(len(parts), p.Budget)
	}
	parts[0] = stretch[T]{first, total}
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range len(parts) - 1 {
		group.Go(func() (err error) {
			behind := (i + 1) * step
			parts[i+1], err = p.span(within, start+behind, min(step+1, want-behind))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, 0, err
	}
	return p.join(ctx, start, count, step, parts)
}

// stretch is a part of the list that a few calls have read, one after the other.
type stretch[T any] struct {
	objects []T
	total   int // length of the whole list, as the last call told it
}

// span reads count resources from position start on, or as many as there are,
// one page after the other. A reader of the whole list is content with fewer if
// the list has become shorter.
func (p *Reader[T]) span(ctx context.Context, start, count int) (stretch[T], error) {
	var got stretch[T]
	for {
		at, most := start+max(0, len(got.objects)-1), count-max(0, len(got.objects)-1)
		page, total, err := p.Page(ctx, at, min(most, PageSize))
		if err != nil {
			return got, err
		}
		got.total = total
		if p.Whole && len(page) == 0 && total < at {
			return got, nil
		}
		before := len(got.objects)
		if got.objects, err = p.follow(got.objects, page); err != nil {
			return got, err
		}
		switch want := min(count, total-start+1); {
		case len(got.objects) == want, p.Whole && len(got.objects) > want:
			return got, nil
		case len(got.objects) > want, len(got.objects) == before:
			return got, errChanged
		}
	}
}

// join puts the parts together. If they differ in the total, the last part is
// read once more: it must begin as before, and only resources behind it may be
// new.
func (p *Reader[T]) join(ctx context.Context, start, count, step int, parts []stretch[T]) ([]T, int, error) {
	if p.Whole {
		return p.weave(ctx, step, parts)
	}
	var objects []T
	var err error
	for _, each := range parts {
		if objects, err = p.follow(objects, each.objects); err != nil {
			return nil, 0, err
		}
	}
	last := parts[len(parts)-1]
	if slices.ContainsFunc(parts, func(each stretch[T]) bool { return each.total != last.total }) {
		behind := (len(parts) - 1) * step
		again, err := p.span(ctx, start+behind, count-behind)
		if err != nil {
			return nil, 0, err
		}
		if !p.startsWith(again.objects, last.objects) {
			return nil, 0, errChanged
		}
		objects = append(objects, again.objects[len(last.objects):]...)
		last = again
	}
	if len(objects) != min(count, last.total-start+1) {
		return nil, 0, errChanged
	}
	return objects, last.total, p.distinct(objects)
}

// follow appends a page to the objects before it. It fails with errChanged if the
// page does not begin with the last of these.
func (p *Reader[T]) follow(objects, page []T) ([]T, error) {
	if len(objects) == 0 {
		return page, nil
	}
	if len(page) == 0 || p.ID(page[0]) != p.ID(objects[len(objects)-1]) {
		return nil, errChanged
	}
	return append(objects, page[1:]...), nil
}

// startsWith reports whether the first objects have the ids of prefix.
func (p *Reader[T]) startsWith(objects, prefix []T) bool {
	return len(objects) >= len(prefix) && slices.EqualFunc(objects[:len(prefix)], prefix, func(a, b T) bool { return p.ID(a) == p.ID(b) })
}

// distinct fails with errChanged if a resource occurs twice.
func (p *Reader[T]) distinct(objects []T) error {
	ids := make([]string, len(objects))
	for i, o := range objects {
		ids[i] = p.ID(o)
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) < len(objects) {
		return errChanged
	}
	return nil
}

// Calls returns how many calls it takes to read that many resources, in pages
// that overlap by one.
func Calls(resources int) int {
	if resources <= PageSize {
		return 1
	}
	return (resources-2)/(PageSize-1) + 1
}

// Longest is the length of the longest list that calls can read.
func Longest(calls int) int { return (PageSize-1)*calls + 1 }

func OverBudget(calls, budget int) error {
	return resource.TooMany("The query would cost %d requests to Atlassian, over the limit of %d; narrow the filter.", calls, budget)
}
