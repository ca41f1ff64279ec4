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
	if flags.quiet {
		p.out = nil
		return p
	}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.bar = progressbar.NewOptions(-1, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(p.what),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("resources"),
			progressbar.OptionSetPredictTime(true), progressbar.OptionFullWidth(), progressbar.OptionClearOnFinish())
	}
	return p
}

// show is reconcile.Job.Progress.
func (p *progress) show(at reconcile.Progress) {
	switch {
	case p.out == nil:
	case p.bar != nil:
		p.bar.Describe(fmt.Sprintf("%s, %d requests to Atlassian", p.what, at.UpstreamCalls))
		if at.Matched != p.bar.GetMax() {
			p.bar.ChangeMax(max(at.Matched, 1))
		}
		_ = p.bar.Set(at.Read) // nothing depends on what a terminal shows
	case time.Since(p.last) >= progressEvery:
		p.last = time.Now()
		fmt.Fprintln(p.out, p.line(at))
	}
}

// line says how far it is, how fast it goes and how long it will take.
func (p *progress) line(at reconcile.Progress) string {
	text := fmt.Sprintf("%s: %d of %d, %d requests to Atlassian", p.what, at.Read, at.Matched, at.UpstreamCalls)
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
