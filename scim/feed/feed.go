// Package feed reads what Atlassian tells of changes that others made: the event
// stream of the organization's audit log and Jira's audit records. It turns them
// into [Hints] at what should be read again, and never into values.
//
// A hint may be late, come twice, or never. So a feed makes a copy fresher and
// proves nothing: no hints does not mean that nothing has changed. How far its
// silence may be relied on is told by [Feed.Trusted], which looks whether own
// writes were seen.
package feed

import (
	"context"
	"crypto/rand"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/state"
)

// Config of a Feed. Interval, Hinted and one of Events and Jira are required.
type Config struct {
	Events   *atlassian.Organization // with a key that reads the audit log; nil: there is none
	Jira     *atlassian.Jira         // whose audit records are read; nil: they are not
	State    *state.Store            // keeps how far the logs were read; nil: nothing does
	Interval time.Duration           // between two polls
	Overlap  time.Duration           // how far a log is read again, for what is listed late; default 15 min
	// Hinted acts on hints. What it was told is told again if it fails, or if the process
	// dies before it has returned: when it returns, it must need no reminder. It is
	// never called twice at the same time.
	Hinted func(ctx context.Context, h Hints) error
	Now    func() time.Time // nil: time.Now
	Logger *zap.Logger      // nil: none
}

// Feed polls the logs. Make it with New and let it Run. It is safe for concurrent use.
type Feed struct {
	cfg     Config
	owner   string // of the lease, among replicas
	lease   atomic.Pointer[state.Lease]
	wake    chan struct{}
	turn    int     // counts polls, to share them between the sources
	stream  *source // nil: there is none
	records *source

	mu      sync.Mutex // guards what follows, and the positions of the sources
	trials  []trial
	unknown map[string]int64
	hinted  time.Time     // when there last were hints
	lag     time.Duration // from a change to its hint, of the latest hint
}

// New returns a Feed that has read nothing yet.
func New(cfg Config) *Feed {
	if cfg.Overlap == 0 {
		cfg.Overlap = 15 * time.Minute
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = zap.NewNop()
	}
	f := &Feed{cfg: cfg, owner: rand.Text(), wake: make(chan struct{}, 1), unknown: map[string]int64{}}
	if cfg.Events != nil {
		f.stream = &source{name: "events", read: f.readEvents}
	}
	if cfg.Jira != nil {
		f.records = &source{name: "records", read: f.readRecords}
	}
	return f
}

// sources are the logs that are polled.
func (f *Feed) sources() []*source {
	var all []*source
	for _, s := range []*source{f.stream, f.records} {
		if s != nil {
			all = append(all, s)
		}
	}
	return all
}

// Load takes over how far an earlier process has read, or begins one overlap before
// now. Run does it too; call it before to know of trust at once.
func (f *Feed) Load(ctx context.Context) error {
	for _, s := range f.sources() {
		s.turn.Lock()
		err := f.resume(ctx, s, false)
		s.turn.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

const (
	wakeGap   = 5 * time.Second // between polls of which somebody asked for one
	recordsIn = 4               // of so many calls, one is for Jira's records where there is a stream too
)

// Run polls until ctx ends. Of several processes that share a state, one polls. An
// idle feed costs one call in an Interval, whether there is one log or two.
func (f *Feed) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	defer f.leave(ctx)
	var last time.Time
	for asked := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
			asked = true
			timer.Reset(max(0, time.Until(last.Add(wakeGap))))
		case <-timer.C:
			last = time.Now()
			due := f.next()
			if asked {
				due = f.sources()
			}
			f.poll(ctx, due) // whatever failed is logged, and told by Stats
			if timer.Reset(f.gap()); asked {
				timer.Reset(min(f.gap(), wakeGap)) // the log may lag behind whoever asked
			}
			asked = false
		}
	}
}

// leave lets another process poll at once.
func (f *Feed) leave(ctx context.Context) {
	if lease := f.lease.Load(); lease != nil {
		f.cfg.State.Release(context.WithoutCancel(ctx), lease) // a lease that stays ends by itself
	}
}

// gap is the time between two polls of the first source.
func (f *Feed) gap() time.Duration {
	if f.stream != nil && f.records != nil {
		return f.cfg.Interval * recordsIn / (recordsIn - 1)
	}
	return f.cfg.Interval
}

// next returns the sources whose turn it is: the first at equal distances, the other
// one now and then.
func (f *Feed) next() []*source {
	f.turn++
	all := f.sources()
	if len(all) == 2 && f.turn%(recordsIn-1) != 1 {
		return all[:1]
	}
	return all
}

// Wake asks for a poll soon. It never blocks.
func (f *Feed) Wake() {
	select {
	case f.wake <- struct{}{}:
	default: // one is asked for already
	}
}

// Poll reads what is new in all logs and has it acted on. The error is that of the
// first log that could not be read.
func (f *Feed) Poll(ctx context.Context) error { return f.poll(ctx, f.sources()) }

func (f *Feed) poll(ctx context.Context, due []*source) error {
	ctx = atlassian.Background(ctx)
	var first error
	for _, s := range due {
		if err := f.pollSource(ctx, s); err != nil && first == nil {
			first = err
		}
	}
	return first
}
