package mirror

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

const (
	directoryPage  = 100             // resources that one upstream call brings at most
	scanAttempts   = 3               // before a list that changes all the time is given up
	scanRetryAfter = 5 * time.Second // what a client is told to wait when a list did not add up
	wholeList      = 1 << 30         // a count beyond any list
)

// pager reads a list that upstream gives in pages by position.
//
// A page says nothing about what happens to the list while the next one is
// read: when one resource before it goes, all behind move up, and the first of
// the next page is missed, though the total is right again as soon as another
// resource comes. So every page begins with the last resource of the one before
// it. Upstream's order may be any, but that of two resources never changes:
// between two shared resources lies, in the page read there, everything that is
// between them. A resource that is there from the first call to the last is
// therefore between two of them, and in the result. One that went from a place
// before a shared resource, while the two pages that share it were read, moved
// it; then the pages do not fit, and all is read again. What came at the end
// meanwhile is read in addition. At the end as many different resources are
// there as upstream says there are.
type pager struct {
	name string // of the resource type
	// page reads a window of the list.
	page   func(ctx context.Context, start, count int) (objects []query.Object, total int, err error)
	budget int // calls that reading may take
	most   int // resources: of a longer list only the first page is read; 0: no matter
}

// errLonger says that a list is longer than the most that is wanted.
var errLonger = errors.New("scim: the list is longer than is wanted")

// errChanged says that pages do not fit together.
var errChanged = errors.New("scim: the list changed while it was read")

// read reads count resources from position start on, or as many as there are,
// in parallel. The answer is complete, or an error; errors are *Error or
// *atlassian.Error.
func (p *pager) read(ctx context.Context, start, count int) (objects []query.Object, total int, err error) {
	for range scanAttempts {
		objects, total, err = p.attempt(ctx, start, count)
		if !errors.Is(err, errChanged) {
			return objects, total, err
		}
	}
	return nil, 0, &resource.Error{Status: http.StatusServiceUnavailable, RetryAfter: scanRetryAfter,
		Detail: fmt.Sprintf("The %ss changed while they were read, %d times in a row; no complete answer can be given at the moment.", p.name, scanAttempts)}
}

func (p *pager) attempt(ctx context.Context, start, count int) ([]query.Object, int, error) {
	first, total, err := p.page(ctx, start, max(1, min(count, directoryPage)))
	if err != nil {
		return nil, 0, err
	}
	if p.most > 0 && total > p.most {
		return nil, 0, errLonger
	}
	want := max(0, min(count, total-start+1))
	if len(first) >= want {
		return first[:want], total, distinct(first[:want])
	}
	step := len(first) - 1 // upstream may give fewer than it was asked for
	if step < 1 {
		return nil, 0, errChanged
	}
	parts := make([]stretch, (want-2)/step+1)
	if len(parts) > p.budget {
		return nil, 0, overBudget(len(parts), p.budget)
	}
	parts[0] = stretch{first, total}
	if err := Parallel(ctx, len(parts)-1, func(ctx context.Context, i int) (err error) {
		behind := (i + 1) * step
		parts[i+1], err = p.span(ctx, start+behind, min(step+1, want-behind))
		return err
	}); err != nil {
		return nil, 0, err
	}
	return p.join(ctx, start, count, step, parts)
}

// stretch is what a few calls read from one position on.
type stretch struct {
	objects []query.Object
	total   int // of the list, as the last call said
}

// span reads count resources from position start on, or as many as there are,
// one page after the other.
func (p *pager) span(ctx context.Context, start, count int) (stretch, error) {
	var got stretch
	for {
		at, most := start+max(0, len(got.objects)-1), count-max(0, len(got.objects)-1)
		page, total, err := p.page(ctx, at, min(most, directoryPage))
		if err != nil {
			return stretch{}, err
		}
		before := len(got.objects)
		if got.objects, err = follow(got.objects, page); err != nil {
			return stretch{}, err
		}
		got.total = total
		switch want := min(count, total-start+1); {
		case len(got.objects) == want:
			return got, nil
		case len(got.objects) > want, len(got.objects) == before:
			return stretch{}, errChanged
		}
	}
}

// join puts parts together. If the total was not always the same, the last
// part is read once more: it must be as it was, but for what came behind it.
func (p *pager) join(ctx context.Context, start, count, step int, parts []stretch) ([]query.Object, int, error) {
	var objects []query.Object
	var err error
	for _, each := range parts {
		if objects, err = follow(objects, each.objects); err != nil {
			return nil, 0, err
		}
	}
	last := parts[len(parts)-1]
	if slices.ContainsFunc(parts, func(each stretch) bool { return each.total != last.total }) {
		behind := (len(parts) - 1) * step
		again, err := p.span(ctx, start+behind, count-behind)
		if err != nil {
			return nil, 0, err
		}
		if !startsWith(again.objects, last.objects) {
			return nil, 0, errChanged
		}
		objects = append(objects, again.objects[len(last.objects):]...)
		last = again
	}
	if len(objects) != min(count, last.total-start+1) {
		return nil, 0, errChanged
	}
	return objects, last.total, distinct(objects)
}

// follow appends a page that begins with the last of the objects before it.
func follow(objects, page []query.Object) ([]query.Object, error) {
	if len(objects) == 0 {
		return page, nil
	}
	if len(page) == 0 || page[0].Text("id") != objects[len(objects)-1].Text("id") {
		return nil, errChanged
	}
	return append(objects, page[1:]...), nil
}

func startsWith(objects, prefix []query.Object) bool {
	return len(objects) >= len(prefix) && slices.EqualFunc(objects[:len(prefix)], prefix, func(a, b query.Object) bool { return a.Text("id") == b.Text("id") })
}

// distinct fails with errChanged if a resource is there twice.
func distinct(objects []query.Object) error {
	seen := make(map[string]bool, len(objects))
	for _, o := range objects {
		seen[o.Text("id")] = true
	}
	if len(seen) < len(objects) {
		return errChanged
	}
	return nil
}

// pages is how many calls it takes to read so many resources.
func pages(resources int) int {
	if resources <= directoryPage {
		return 1
	}
	return (resources-2)/(directoryPage-1) + 1
}

func overBudget(calls, budget int) error {
	return resource.TooMany("The query would cost %d requests to Atlassian, over the limit of %d; narrow the filter.", calls, budget)
}
