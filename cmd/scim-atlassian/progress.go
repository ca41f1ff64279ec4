package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"scim-atlassian/scim/reconcile"
)

// progress shows on a terminal how far an export has come. Elsewhere it is silent: the report tells the rest.
type progress struct {
	what string
	bar  *progressbar.ProgressBar // nil: show nothing
	from time.Time
}

func newProgress(out io.Writer, flags reconcileFlags) *progress {
	p := &progress{what: flags.job.Resource, from: time.Now()}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) && !flags.quiet && !flags.asJSON {
		// The bar's own rate and time would be wrong: they count from the first page on, and count the resources of an
		// interrupted run.
		p.bar = progressbar.NewOptions(-1, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(p.what),
			progressbar.OptionShowCount(), progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false),
			progressbar.OptionShowDescriptionAtLineEnd(), progressbar.OptionFullWidth(), progressbar.OptionClearOnFinish())
		_ = p.bar.RenderBlank() // a spinner until the first page tells how many there are
	}
	return p
}

// spin shows on a terminal that something takes its time, until it is done.
func spin(out io.Writer, what string, do func()) {
	f, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		do()
		return
	}
	bar := progressbar.NewOptions(-1, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(what), progressbar.OptionSpinnerType(14),
		progressbar.OptionSetElapsedTime(true), progressbar.OptionClearOnFinish())
	done := make(chan struct{})
	var drawn sync.WaitGroup
	drawn.Go(func() {
		for tick := time.NewTicker(200 * time.Millisecond); ; {
			select {
			case <-done:
				tick.Stop()
				return
			case <-tick.C:
				_ = bar.Add(1)
			}
		}
	})
	do()
	close(done)
	drawn.Wait()
	_ = bar.Finish()
}

// show is reconcile.Job.Progress.
func (p *progress) show(at reconcile.Progress) {
	if p.bar == nil {
		return
	}
	p.bar.Describe(p.what + ", " + p.pace(at))
	if at.Matched != p.bar.GetMax() {
		p.bar.ChangeMax(max(at.Matched, 1))
	}
	_ = p.bar.Set(at.Read) // the export goes on without the bar
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
