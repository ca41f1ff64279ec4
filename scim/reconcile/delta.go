package reconcile

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/server"
)

// mark takes the token of a full run, before it reads. A run that goes on has the
// token of the first one. Where changes are not remembered there is none.
func (r *run) mark(ctx context.Context) error {
	s := &r.draft.state
	if s.Lines > 0 {
		return nil
	}
	var found server.ExportedDelta
	err := persist(ctx, func() (err error) {
		found, err = r.server.ExportDelta(ctx, server.DeltaOptions{Resource: r.job.Resource, Fresh: r.job.Prove})
		s.UpstreamCalls += found.UpstreamCalls
		return err
	})
	var refused *resource.Error
	if errors.As(err, &refused) && refused.Status == http.StatusNotImplemented {
		return nil
	}
	if err != nil {
		return err
	}
	s.DeltaToken, s.DeltaExpiry = found.Token, found.Expiry
	r.known = !found.AsOf.Before(r.began)
	return nil
}

// deltaPage is how many entries of the log a page covers.
const deltaPage = 1_000

// delta is a run that exports what has changed since a token.
type delta struct {
	since        string               // the token
	last         server.ExportedDelta // the last page so far
	asOf, proven time.Time            // of the first page
	changes      Changes
	pages, calls int
}

// since exports what has changed since the token of the job.
func (r *run) since(ctx context.Context) (*Report, error) {
	token, err := tokenOf(r.job.Since, r.job.Resource)
	if err != nil {
		return nil, err
	}
	r.delta = &delta{since: token}
	file, err := os.OpenFile(partialOf(r.job.Out), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer os.Remove(partialOf(r.job.Out)) // there is nothing to go on with: it is published, or asked for anew
	defer file.Close()
	if err := r.follow(ctx, file); err != nil {
		return nil, err
	}
	if err := errors.Join(file.Sync(), file.Close(), os.Rename(partialOf(r.job.Out), r.job.Out)); err != nil {
		return nil, err
	}
	report := r.report()
	report.Complete = true
	return report, writeWhole(reportOf(r.job.Out), report)
}

// tokenOf is the token that --since names: itself, or that in a report on the
// resources. What has a dot or a slash is no token.
func tokenOf(since, resource string) (string, error) {
	if !strings.ContainsAny(since, "./") {
		if _, err := os.Stat(since); err != nil {
			return since, nil
		}
	}
	text, err := os.ReadFile(since)
	if err != nil {
		return "", err
	}
	var earlier Report
	if err := json.Unmarshal(text, &earlier); err != nil {
		return "", fmt.Errorf("%s is no report of an earlier run: %w", since, err)
	}
	switch {
	case earlier.Resource != resource:
		return "", fmt.Errorf("%s is the report of a run over %s, not %s", since, earlier.Resource, resource)
	case !earlier.Complete:
		return "", fmt.Errorf("%s is the report of a run that is not complete", since)
	case earlier.DeltaToken == "":
		return "", fmt.Errorf("%s has no deltaToken: that run had no log of changes, so begin with a full run", since)
	}
	return earlier.DeltaToken, nil
}

// follow writes all wrappers, page by page.
func (r *run) follow(ctx context.Context, file *os.File) error {
	d, w := r.delta, bufio.NewWriter(file)
	o := server.DeltaOptions{Resource: r.job.Resource, Token: d.since, Filter: r.job.Filter, Count: deltaPage, Fresh: r.job.Prove}
	for d.last.Token == "" {
		err := persist(ctx, func() (err error) {
			d.last, err = r.server.ExportDelta(ctx, o)
			d.calls += d.last.UpstreamCalls
			return err
		})
		if err != nil {
			return err
		}
		if d.pages++; d.pages == 1 {
			d.asOf, d.proven = d.last.AsOf, d.last.Proven
		}
		if err := d.take(w); err != nil {
			return err
		}
		o.Cursor = d.last.Next
		if r.job.Progress != nil {
			r.job.Progress(Progress{Read: d.changes.all(), Matched: d.changes.all(), UpstreamCalls: d.calls})
		}
	}
	return w.Flush()
}

// take writes the wrappers of a page, one a line, and counts them.
func (d *delta) take(w *bufio.Writer) error {
	for _, change := range d.last.Changes {
		switch change.Text("changeType") {
		case "Create":
			d.changes.Created++
		case "Update":
			d.changes.Updated++
		case "Delete":
			d.changes.Deleted++
		}
		if _, err := w.Write(append(change.AppendJSON(nil), '\n')); err != nil {
			return err
		}
	}
	return nil
}

// describe puts what is known of the delta into a report.
func (d *delta) describe(report *Report) {
	report.Since, report.Changes, report.Pages, report.UpstreamCalls = d.since, &d.changes, d.pages, d.calls
	report.Read, report.Matched = d.changes.all(), d.changes.all()
	report.AsOf, report.ProvenAsOf = d.asOf.Truncate(time.Millisecond), d.proven.Truncate(time.Millisecond)
	report.DeltaToken, report.DeltaTokenExpiry, report.RestsOn = d.last.Token, d.last.Expiry, onLog
	if !report.ProvenAsOf.IsZero() && !report.ProvenAsOf.Before(report.Began) {
		report.RestsOn = onReading
	}
}
