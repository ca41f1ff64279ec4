// Package reconcile exports all resources of a type to a file, one a line, and
// calls the file complete only if that is proven.
//
// A run reads the list in pages that overlap, by the same steps as a client over
// HTTP. Until the file is complete its lines are in a draft beside it, with which
// another run can go on after an interruption. In memory a run keeps the id, the
// recon key and a digest of every resource.
package reconcile

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim"
	"scim-atlassian/scim/resource"
)

// Job describes an export. Resource and Out are required.
type Job struct {
	Resource string // resource type, such as "Users"
	Filter   string // empty: all resources
	Key      string // recon key: the attribute by which people match resources; empty: the e-mail address, if there is one
	Out      string // path of the file
	Source   string // names the tenant; a run goes on only with a draft from the same one
	Resume   bool   // go on with an interrupted run, if there is one
	Compare  string // path of an earlier file to compare with; empty: none
	Since    string // delta token, or path of a report that has one: export what has changed since; empty: export everything
	Prove    bool   // rest on nothing that was read before

	// Changed is called for each difference to the file Compare: first in the order
	// of the new file, then for deleted resources in that of the old one. An error
	// ends the run. It is required with Compare.
	Changed func(Change) error
	// Progress is called after every page. Nil: it is not.
	Progress func(Progress)

	sizes sizes // of pages; zero: usual
}

// Progress tells how far a run has come.
type Progress struct {
	Read, Matched int // resources read, and to be read
	Before        int // resources among Read that an interrupted run had read
	UpstreamCalls int // requests to Atlassian
}

// Run exports the resources of a job. If it succeeds, the file is complete; it
// appears as a whole, in the place of an older one. Otherwise the error says why,
// an older file is untouched, and the draft is kept for a run with Resume, unless
// it is empty. The report is never nil. If ctx ends, the error is ErrInterrupted.
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
		err = errors.Join(err, r.draft.discard())
	}
	return report, err
}

// ErrInterrupted is the error of a run whose context ended.
var ErrInterrupted = errors.New("interrupted")

// run is one run of a job.
type run struct {
	server *scim.Server
	job    Job
	began  time.Time
	key    *key // nil: the resources have none
	draft  *draft
	before *index // of the file to compare with; nil: there is none
	known  bool   // everything was read since the run began, so that pages need not be read anew
	delta  *delta // of a run with Since
}

func (r *run) complete(ctx context.Context) (_ *Report, err error) {
	rt, err := r.server.Type(r.job.Resource)
	if err != nil {
		return nil, err
	}
	r.job.Resource = strings.TrimPrefix(rt.Endpoint, "/")
	if r.job.Since != "" {
		return r.since(ctx)
	}
	if r.key, err = findKey(rt, r.job); err != nil {
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
	if err := r.mark(ctx); err != nil {
		return nil, err
	}
	if err := r.read(ctx); err != nil {
		return nil, err
	}
	report := r.report()
	report.Complete, report.AsOf = true, report.Began
	if r.job.Filter == "" {
		report.ProvenAsOf = report.Began
	}
	report.ContentHash, report.Keys = r.draft.index.contentHash(), r.draft.index.keys(r.key)
	if r.before != nil {
		if report.Comparison, err = compare(r.before, r.draft.index, r.job.Changed); err != nil {
			return nil, fmt.Errorf("cannot compare: %w", err)
		}
	}
	return report, r.draft.publish(report)
}

// attempts is how often a run reads a list that changes all the time, before it
// fails.
const attempts = 3

// read reads the list to its end. If the list changes meanwhile, it starts over.
func (r *run) read(ctx context.Context) error {
	for {
		reader := &reader{server: r.server, job: r.job, draft: r.draft, began: time.Now(), known: r.known}
		r.known = false // a list that has changed is read anew
		err := reader.toEnd(ctx)
		var moved *movedError
		if !errors.As(err, &moved) {
			return err
		}
		if r.draft.state.StartedOver == attempts-1 {
			r.draft.state.Lines = 0 // another run cannot go on with them
			return fmt.Errorf("%w, %d times in a row", err, attempts)
		}
		if err := r.draft.startOver(moved.sign); err != nil {
			return err
		}
	}
}

// movedError says that a list changed while it was read, so that resources may be
// missing. sign is the contradiction that shows it.
type movedError struct{ sign string }

func (e *movedError) Error() string { return "the list changed while it was read: " + e.sign }

// moved returns a *movedError, whose sign is formatted as by fmt.Sprintf.
func moved(format string, args ...any) error { return &movedError{fmt.Sprintf(format, args...)} }

// passing reports whether another try may succeed: upstream is overloaded, down or
// slow.
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
