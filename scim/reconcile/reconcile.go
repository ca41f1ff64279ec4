// Package reconcile exports all resources of a type to a file, one a line, and
// says only then that they are complete when that is proven.
//
// A run reads a list in pages that overlap, by the same steps as a client would
// over HTTP. It keeps what it has read beside the file until the file is whole,
// so that an interrupted run can go on. What is kept of a resource in memory is
// its id, its recon key and a digest.
package reconcile

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim"
	"scim-atlassian/scim/resource"
)

// Job says what to export, and where to.
type Job struct {
	Resource string // resource type, such as "Users"
	Filter   string // empty: all resources
	Key      string // attribute that people match resources by; empty: the e-mail address, where there is one
	Out      string // path of the file
	Source   string // names the tenant: a run goes on only with what came from the same one
	Resume   bool   // go on with an interrupted run, if there is one
	Compare  string // path of an earlier file to compare with; empty: none

	// Changed is called for each difference to Compare, in the order of the file, those that are gone last.
	Changed func(Change) error
	// Progress is called after every page, nil: never.
	Progress func(Progress)

	sizes sizes // of pages; zero: the usual ones
}

// Progress is how far a run has come.
type Progress struct {
	Read, Matched int // resources
	Before        int // of those read, the ones that an interrupted run had read
	UpstreamCalls int
}

// Run reads everything that the job asks for. Where it succeeds the file is there
// and complete; the file appears as a whole, in the place of an older one. Else
// the error says why not, the file is as it was before, and what was read so far
// is kept for a run with Resume, unless it is of no use. The report is never nil.
//
// Only one run may write to a file at a time.
func Run(ctx context.Context, server *scim.Server, job Job) (*Report, error) {
	if job.sizes == (sizes{}) {
		job.sizes = usual
	}
	r := &run{server: server, job: job, began: time.Now()}
	report, err := r.complete(ctx)
	if err == nil {
		return report, nil
	}
	if ctx.Err() != nil {
		err = ErrInterrupted
	}
	report = r.report()
	report.Reason = reason(err)
	if r.draft != nil && r.draft.state.Lines == 0 {
		err = errors.Join(err, r.draft.discard()) // nothing to go on with
	}
	return report, err
}

// ErrInterrupted is why a run is not complete if its context ended.
var ErrInterrupted = errors.New("interrupted")

// run is one run of a job.
type run struct {
	server *scim.Server
	job    Job
	began  time.Time
	key    *key // nil: resources have none
	draft  *draft
	before *index // of the file to compare with, nil if there is none
}

func (r *run) complete(ctx context.Context) (_ *Report, err error) {
	resource, err := r.server.Resource(r.job.Resource)
	if err != nil {
		return nil, err
	}
	r.job.Resource = resource
	if r.key, err = findKey(r.server, r.job); err != nil {
		return nil, err
	}
	if r.job.Compare != "" {
		if r.before, err = readIndex(r.job.Compare, r.key); err != nil {
			return nil, fmt.Errorf("cannot compare: %w", err)
		}
		defer r.before.close()
	}
	if r.draft, err = openDraft(r.job, r.key); err != nil {
		return nil, err
	}
	defer r.draft.close()
	if err := r.read(ctx); err != nil {
		return nil, err
	}
	report := r.report()
	report.Complete = true
	report.ContentHash, report.Keys = r.draft.index.contentHash(), r.draft.index.keys(r.key)
	if r.before != nil {
		if report.Comparison, err = compare(r.before, r.draft.index, r.job.Changed); err != nil {
			return nil, fmt.Errorf("cannot compare: %w", err)
		}
	}
	return report, r.draft.publish(report)
}

// attempts is how often a run begins before a list that changes all the time is
// given up.
const attempts = 3

// read reads pages to the end of the list. What does not fit together is read
// again from the beginning.
func (r *run) read(ctx context.Context) error {
	for {
		reader := &reader{server: r.server, job: r.job, draft: r.draft, began: time.Now()}
		err := reader.toEnd(ctx)
		var moved *movedError
		if !errors.As(err, &moved) {
			return err
		}
		if r.draft.state.StartedOver == attempts-1 {
			r.draft.state.Lines = 0 // none of them is of use to another run
			return fmt.Errorf("%w, %d times in a row", err, attempts)
		}
		if err := r.draft.startOver(moved.what); err != nil {
			return err
		}
	}
}

// movedError says what showed that a list changed while it was read, so that
// nobody can say what is missing.
type movedError struct{ what string }

func (e *movedError) Error() string { return "the list changed while it was read: " + e.what }

// moved is a *movedError.
func moved(format string, args ...any) error { return &movedError{fmt.Sprintf(format, args...)} }

// passing reports whether an error may be gone when asked again: upstream is
// overloaded, down or does not answer in time.
func passing(err error) bool {
	var e *resource.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case http.StatusBadGateway:
		return atlassian.KindOf(err) == atlassian.Garbled
	}
	return false
}
