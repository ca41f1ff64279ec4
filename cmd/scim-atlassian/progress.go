package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"scim-atlassian/scim/reconcile"
)

// progress shows how far an export has come: as a bar on a terminal, else as a line now and then.
type progress struct {
	out  io.Writer // nil: show nothing
	what string
	bar  *progressbar.ProgressBar // nil: lines
	from time.Time
	last time.Time // of a line
}

// progressEvery is the time between two lines.
const progressEvery = 5 * time.Second

func newProgress(out io.Writer, flags reconcileFlags) *progress {
	p := &progress{out: out, what: flags.job.Resource, from: time.Now()}
	p.last = p.from
	if flags.quiet || flags.asJSON {
		p.out = nil
		return p
	}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		// The bar's own rate and time would be wrong: they count from the first page on, and count the resources of an
		// interrupted run.
		p.bar = progressbar.NewOptions(-1, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(p.what),
			progressbar.OptionShowCount(), progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false),
			progressbar.OptionShowDescriptionAtLineEnd(), progressbar.OptionFullWidth(), progressbar.OptionClearOnFinish())
		_ = p.bar.RenderBlank() // a spinner until the first page tells how many there are
	}
	return p
}

// show is reconcile.Job.Progress.
func (p *progress) show(at reconcile.Progress) {
	switch {
	case p.out == nil:
	case p.bar != nil:
		p.bar.Describe(p.what + ", " + p.pace(at))
		if at.Matched != p.bar.GetMax() {
			p.bar.ChangeMax(max(at.Matched, 1))
		}
		_ = p.bar.Set(at.Read) // the export goes on without the bar
	case time.Since(p.last) >= progressEvery:
		p.last = time.Now()
		fmt.Fprintf(p.out, "%s: %d of %d, %s\n", p.what, at.Read, at.Matched, p.pace(at))
	}
}

// count is a number with what it counts, whose plural ends in s.
func count(n int, one string) string {
	if n != 1 {
		one += "s"
	}
	return fmt.Sprintf("%d %s", n, one)
}

// pace tells the cost so far, the speed, and the time to the end.
func (p *progress) pace(at reconcile.Progress) string {
	text := count(at.UpstreamCalls, "request") + " to Atlassian"
	took := time.Since(p.from)
	if now := at.Read - at.Before; now > 0 && took > 0 {
		left := time.Duration(float64(took) / float64(now) * float64(at.Matched-at.Read))
		text += fmt.Sprintf(", %.0f/s, %v left", float64(now)/took.Seconds(), left.Round(time.Second))
	}
	return text
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
