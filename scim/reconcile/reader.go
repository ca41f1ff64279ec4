package reconcile

import (
	"context"
	"errors"
	"time"

	"scim-atlassian/scim"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/server"
)

const (
	overlap    = 100     // resources that two pages have in common: as many as one request upstream returns
	everything = 1 << 30 // a count that no list exceeds
)

// sizes says how many new resources a page has.
type sizes struct {
	first    int // the first page, and at least every other
	largest  int // the largest page
	filtered int // the first page of a filtered list, where one resource mostly costs as much as all
}

var usual = sizes{first: 1_000, largest: 5_000, filtered: 10_000}

// mode is the way in which pages are requested. A reader begins with the first and
// goes on to the next when that turns out cheaper, see adapt.
type mode uint8

const (
	byWindow mode = iota // each page by itself; the server reads only that page
	byResult             // each page from the result that the server kept for the page before
	atOnce               // all that is left in one page, since the server keeps no result
)

// reader follows a list page by page. Each page but the first begins with the
// last resources of the page before. If a resource that was read already is
// deleted meanwhile, or one is added before them, these move, and the reader sees
// it. The list is complete when as many different resources were read as there
// are in the end. Resources that are added behind are read like the others.
type reader struct {
	server *scim.Server
	job    Job
	draft  *draft
	mode   mode
	size   int       // new resources on a page; 0: the first page was not read yet
	began  time.Time // when the first page was requested
	known  bool      // the server has read everything for this run already
}

// toEnd reads all pages that are missing. It fails with a *movedError if the list
// changed, so that it cannot prove that nothing is missing.
func (r *reader) toEnd(ctx context.Context) error {
	for {
		page, err := r.page(ctx)
		if err != nil {
			return err
		}
		if err := r.take(page); err != nil {
			return err
		}
		r.adapt(page)
		if r.job.Progress != nil {
			s := &r.draft.state
			r.job.Progress(Progress{Read: s.Lines, Matched: s.Matched, Before: s.Before, UpstreamCalls: s.UpstreamCalls})
		}
		if r.draft.state.Lines == page.Total {
			return nil
		}
	}
}

// page requests the next page, see persist.
func (r *reader) page(ctx context.Context) (server.ExportedPage, error) {
	have := len(r.draft.tail())
	o := server.ExportOptions{
		Resource: r.job.Resource, Filter: r.job.Filter,
		StartIndex: r.draft.state.Lines - have + 1, Count: have + r.more(), Fresh: r.size == 0 && !r.known,
	}
	if r.mode == byWindow && r.size > 0 && !r.known {
		o.Follows = r.began
	}
	var page server.ExportedPage
	err := persist(ctx, func() (err error) {
		page, err = r.server.Export(ctx, o)
		r.draft.state.Pages++
		r.draft.state.UpstreamCalls += page.UpstreamCalls
		return err
	})
	return page, err
}

// persist calls ask until it succeeds. After a passing error it waits and tries
// again, at most six times in all; it gives up at once if it should wait longer than
// patience.
func persist(ctx context.Context, ask func() error) error {
	const most, shortest, longest, patience = 6, time.Second, 30 * time.Second, 5 * time.Minute
	wait := shortest
	for failures := 1; ; failures++ {
		err := ask()
		if err == nil || failures == most || !passing(err) || ctx.Err() != nil {
			return err
		}
		var e *resource.Error
		if errors.As(err, &e) {
			wait = max(wait, e.RetryAfter)
		}
		if wait > patience {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
		wait = min(2*wait, longest)
	}
}

// more returns how many new resources to request.
func (r *reader) more() int {
	switch {
	case r.mode == atOnce:
		return everything
	case r.size > 0:
		return r.size
	case r.job.Filter != "":
		return r.job.sizes.filtered
	}
	return r.job.sizes.first
}

// adapt chooses size and mode of the pages that follow. About twenty pages are
// enough to show how far the run has come, and more would only cost more. If a
// page cost more calls than it takes to read its resources, the server finds the
// whole list for each page; then the next mode is tried. A few calls more are
// accepted: they read what the server keeps for later pages, such as project roles.
func (r *reader) adapt(page server.ExportedPage) {
	const few = 5
	expensive := page.UpstreamCalls > few+(page.Count+99)/100
	switch {
	case expensive && r.mode == byWindow && page.Whole:
		r.mode = byResult
	case expensive && r.mode == byResult:
		r.mode = atOnce
	}
	r.size = min(max(page.Total/20, r.job.sizes.first), r.job.sizes.largest)
}

// take adds the new resources of a page to the draft. It fails with a *movedError
// if the page does not begin with the last resources of the page before.
func (r *reader) take(page server.ExportedPage) error {
	known := r.draft.tail()
	for line := range page.Resources {
		found, err := identify(line, r.draft.key)
		switch {
		case err != nil:
			return err
		case len(known) > 0 && found.id != known[0]:
			return moved("where %s was there is %s", known[0], found.id)
		case len(known) > 0:
			known = known[1:]
			continue
		case r.draft.index.has(found.id):
			return moved("%s came twice", found.id)
		}
		if err := r.draft.add(line, found); err != nil {
			return err
		}
	}
	switch lines := r.draft.index.lines(); {
	case len(known) > 0:
		return moved("it ended before %s, which was there", known[0])
	case lines > page.Total:
		return moved("%d were read, and there are %d", lines, page.Total)
	case lines == r.draft.state.Lines && lines < page.Total:
		return moved("it ended after %d of %d", lines, page.Total)
	}
	r.draft.state.Matched = page.Total
	return r.draft.commit()
}
