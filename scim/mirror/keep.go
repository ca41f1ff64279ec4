package mirror

import (
	"context"
	"time"
)

// Keeping says how Keep goes about it.
type Keeping struct {
	Period time.Duration // within which everything is read once
	// Report is told every ten seconds how far a reading is, and once how it ended. It
	// must be quick.
	Report func(Progress)
}

// Progress is how far a reading of all resources is.
type Progress struct {
	Type  string
	Read  int   // resources so far
	Total int   // resources that there are; 0: not known yet
	Done  bool  // it has ended
	Err   error // why it failed; nil: it did not
}

// The waits of Keep.
const (
	reportEvery = 10 * time.Second
	retryKeep   = time.Minute // after a reading that failed
)

// Keep reads all resources whenever the last complete reading is older than the
// period, at once if there was none, until ctx ends. The calls count for ctx.
func (m *Mirror) Keep(ctx context.Context, k Keeping) {
	wait := m.due(k.Period)
	for Sleep(ctx, wait) == nil {
		if wait = m.due(k.Period); wait > 0 {
			continue // somebody else has read everything meanwhile
		}
		err := m.prove(ctx, k.Report)
		if ctx.Err() != nil {
			return
		}
		k.Report(Progress{Type: m.source.Name, Read: m.store.rows.Len(), Total: m.store.rows.Len(), Done: true, Err: err})
		if wait = m.due(k.Period); err != nil {
			wait = min(retryKeep, k.Period)
		}
	}
}

// due returns the time until the next reading of everything.
func (m *Mirror) due(period time.Duration) time.Duration {
	s := m.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.base == nil || s.base.until != 0 {
		return 0
	}
	return max(0, s.base.read.Add(period).Sub(s.now()))
}

// prove reads all resources, whatever is known, and reports how far that is.
func (m *Mirror) prove(ctx context.Context, report func(Progress)) error {
	ended := make(chan error, 1)
	go func() {
		_, err := m.store.all(ctx, Need{Fresh: true, Links: true, Resume: true})
		ended <- err
	}()
	ticker := time.NewTicker(reportEvery)
	defer ticker.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-ticker.C:
			if p, reading := m.progress(); reading {
				report(p)
			}
		}
	}
}

// progress returns how far the scan under way is.
func (m *Mirror) progress() (p Progress, reading bool) {
	s := m.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.scanning() == nil {
		return Progress{}, false
	}
	return Progress{Type: m.source.Name, Read: s.reading.sofar, Total: s.reading.total}, true
}
