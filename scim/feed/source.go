package feed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"scim-atlassian/atlassian"
)

// source is one of the logs. Its position is guarded by the Feed's lock, the rest
// belongs to whoever has the turn.
type source struct {
	name string
	// read adds what is new to r, which counts even if it fails, and reports whether
	// that is all.
	read func(ctx context.Context, s *source, r *round) (complete bool, err error)

	turn     sync.Mutex // who has it polls
	seen     seen
	failures int       // one after another
	rest     time.Time // not to be asked before

	at   position
	mine bool  // nobody else moves the position
	err  error // of the last poll
}

// position is how far a source was read, and what is known of it, as the state keeps it.
type position struct {
	Cursor     string           `json:"cursor,omitempty"` // behind the last entry; "": the log had none at its end
	Latest     time.Time        `json:"latest"`           // of the entries that were read, or where to begin
	LookedBack time.Time        `json:"lookedBack"`       // when the overlap was last read again
	Polled     time.Time        `json:"polled"`           // the start of the last poll that read to the end
	Living     time.Time        `json:"living"`           // the time of the latest entry; zero: there was none
	Verdicts   map[Kind]verdict `json:"verdicts,omitempty"`
	// Vague is when something of a kind last changed of which the log did not tell what.
	Vague map[Kind]time.Time `json:"vague,omitempty"`
}

// The names in the state.
const (
	stateKind = "feed"
	leaseName = "feed"
)

func (f *Feed) load(ctx context.Context, s *source) (position, error) {
	at := position{Latest: f.cfg.Now().Add(-f.cfg.Overlap)}
	if f.cfg.State == nil {
		return at, nil
	}
	v, found, err := f.cfg.State.Value(ctx, stateKind, s.name)
	if err != nil {
		return position{}, fmt.Errorf("feed: %w", err)
	}
	if found {
		if err := json.Unmarshal(v.Data, &at); err != nil {
			return position{}, fmt.Errorf("feed: the position in the %s: %w", s.name, err)
		}
	}
	return at, nil
}

func (f *Feed) save(ctx context.Context, s *source, at position) error {
	if f.cfg.State == nil {
		return nil
	}
	data, err := json.Marshal(at)
	if err != nil {
		return fmt.Errorf("feed: %w", err)
	}
	if err := f.cfg.State.Put(ctx, stateKind, s.name, data, time.Time{}); err != nil {
		return fmt.Errorf("feed: %w", err)
	}
	return nil
}

// pollSource reads one log, unless it is to be left alone for a while or another
// process does it.
func (f *Feed) pollSource(ctx context.Context, s *source) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	if f.cfg.Now().Before(s.rest) {
		return nil
	}
	mine, err := f.lead(ctx, s)
	if err == nil && mine {
		err = f.readOn(ctx, s)
	}
	if ctx.Err() == nil {
		f.judge(s, err)
	}
	return err
}

// lead reports whether this process is the one that polls. It loads the position if
// another may have moved it.
func (f *Feed) lead(ctx context.Context, s *source) (bool, error) {
	mine := true
	if f.shared() {
		lease, err := f.cfg.State.Acquire(ctx, leaseName, f.owner, recordsIn*f.cfg.Interval+time.Minute)
		if err != nil {
			return false, fmt.Errorf("feed: %w", err)
		}
		if mine = lease != nil; mine {
			f.lease.Store(lease)
		}
	}
	if mine && s.mine {
		return true, nil
	}
	if err := f.resume(ctx, s, mine); err != nil {
		return false, err
	}
	return mine, nil
}

// shared reports whether other processes may poll, and act on what they hear.
func (f *Feed) shared() bool { return f.cfg.State != nil && f.cfg.State.Shared() }

// resume takes over the position that the state has.
func (f *Feed) resume(ctx context.Context, s *source, mine bool) error {
	at, err := f.load(ctx, s)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.at, s.mine = at, mine; !mine {
		f.trials = nil // another looks for its own writes
	}
	return nil
}

// readOn reads what is new, has it acted on, and moves the position.
func (f *Feed) readOn(ctx context.Context, s *source) error {
	r := f.newRound(s)
	complete, failure := s.read(ctx, s, r)
	if !r.hints.empty() {
		if err := f.cfg.Hinted(ctx, r.hints.list()); err != nil {
			return fmt.Errorf("feed: act on hints: %w", err)
		}
	}
	if complete {
		r.next.Polled, r.next.Verdicts = r.began, f.verdicts(s, r)
	}
	r.next.Vague = vague(r)
	f.note(s, r)
	s.seen.add(r.fresh, r.next.Latest.Add(-f.cfg.Overlap))
	return errors.Join(failure, f.save(ctx, s, r.next))
}

// note takes over what a round has found.
func (f *Feed) note(s *source, r *round) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.at = r.next
	for action, n := range r.unknown {
		f.countUnknown(action, n)
	}
	if !r.hints.empty() {
		f.hinted, f.lag = f.cfg.Now(), f.cfg.Now().Sub(r.changed)
	}
}

// The rests after failures.
const (
	longestRest = 10 * time.Minute
	refusedRest = time.Hour // of a log that the plan or the account does not have
)

// judge says how a poll went, and how long to rest after it.
func (f *Feed) judge(s *source, err error) {
	f.mu.Lock()
	before := s.err
	s.err = err
	f.mu.Unlock()
	if err == nil {
		s.failures, s.rest = 0, time.Time{}
		if before != nil {
			f.cfg.Logger.Info("the log of changes is read again", zap.String("log", s.name))
		}
		return
	}
	s.failures++
	rest := min(f.cfg.Interval<<min(s.failures-1, 10), longestRest)
	if atlassian.KindOf(err) == atlassian.Forbidden {
		rest = refusedRest
	}
	var failure *atlassian.Error
	if errors.As(err, &failure) {
		rest = max(rest, failure.RetryAfter)
	}
	s.rest = f.cfg.Now().Add(rest)
	if s.failures == 1 {
		f.cfg.Logger.Warn("the log of changes cannot be read", zap.String("log", s.name), zap.Error(err))
	}
}
