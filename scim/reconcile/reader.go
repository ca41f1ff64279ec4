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
	overlap    = 100 // resources that a page has in common with what was read before it: one request upstream
	everything = 1 << 30
)

// sizes are how many new resources a page has.
type sizes struct {
	first    int // and the least of those that follow
	largest  int
	filtered int // the first of a filtered list, which most often costs the same for one as for all
}

var usual = sizes{first: 1_000, largest: 5_000, filtered: 10_000}

// mode is how pages are asked for, from cheap to sure.
type mode uint8

const (
	byWindow mode = iota // each by itself, where the server reads no more than the page
	byResult             // from what the server found for the one before
	atOnce               // all that is left in one, since the server does not keep it
)

// reader follows a list page by page. Each page but the first begins with the
// last resources of the one before: were one of those that were read already
// deleted meanwhile, or one added among them, the others would have moved. The
// list is complete when as many different resources were read as there are in
// the end. Resources that are added behind are read like the others.
type reader struct {
	server *scim.Server
	job    Job
	draft  *draft
	mode   mode
	size   int       // new resources on a page, 0 until the first one was read
	began  time.Time // when the first page was asked for
}

// toEnd reads what is missing. It fails with a *movedError if it cannot say
// whether that is everything.
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

// page asks for the next page, again and again while the trouble may pass.
func (r *reader) page(ctx context.Context) (server.ExportedPage, error) {
	const most, shortest, longest, patience = 6, time.Second, 30 * time.Second, 5 * time.Minute
	have := len(r.draft.tail())
	o := server.ExportOptions{
		Resource: r.job.Resource, Filter: r.job.Filter,
		StartIndex: r.draft.state.Lines - have + 1, Count: have + r.more(), Fresh: r.size == 0,
	}
	if r.mode == byWindow && !o.Fresh {
		o.Follows = r.began
	}
	wait := shortest
	for failures := 1; ; failures++ {
		page, err := r.server.Export(ctx, o)
		r.draft.state.Pages++
		r.draft.state.UpstreamCalls += page.UpstreamCalls
		if err == nil || failures == most || !passing(err) || ctx.Err() != nil {
			return page, err
		}
		var e *resource.Error
		if errors.As(err, &e) {
			wait = max(wait, e.RetryAfter)
		}
		if wait > patience {
			return page, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return page, ctx.Err()
		}
		wait = min(2*wait, longest)
	}
}

// more is how many new resources to ask for.
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

// adapt decides how to ask for the pages that follow. Twenty or more of them show
// how far the run has come; more than that would only cost more. Pages that cost
// more than reading their resources, because everything is found for each, are
// asked for in another way. What a page needs besides, such as project roles, is
// kept for those that follow.
func (r *reader) adapt(page server.ExportedPage) {
	const few = 5 // requests that are no matter
	dear := page.UpstreamCalls > few+(page.Count+99)/100
	switch {
	case dear && r.mode == byWindow && page.Whole:
		r.mode = byResult
	case dear && r.mode == byResult:
		r.mode = atOnce
	}
	r.size = min(max(page.Total/20, r.job.sizes.first), r.job.sizes.largest)
}

// take adds a page to the draft.
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
