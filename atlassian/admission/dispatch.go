package admission

import "time"

const (
	// oldestEvery is how often the request that has waited longest goes first.
	oldestEvery = 8
	// batchShare and backgroundShare are the parts of each limit that these classes leave to others: batches only while
	// there are others.
	batchShare, backgroundShare = 0.1, 0.5
	// pressing is for how long others are taken to be there after one.
	pressing = 2 * time.Second
)

// dispatch lets go all requests that may be sent now, and has itself called when the next one may.
func (g *Gate) dispatch(now time.Time) {
	for {
		best, next := g.choose(now)
		if best == nil {
			g.schedule(next, now)
			break
		}
		g.admit(best, now)
	}
	if len(g.waiting) == 0 {
		clear(g.served) // nobody waits, so nobody is owed anything
	}
}

// choose returns the request to let go now, or nil and when there may be one, zero if that depends on others.
func (g *Gate) choose(now time.Time) (best *waiter, next time.Time) {
	closed, probe := g.breaker.lets(now)
	if !closed {
		if !g.breaker.probing && len(g.waiting) > 0 {
			next = g.breaker.until
		}
		return nil, next
	}
	for _, w := range g.waiting {
		if !g.hasRoom(w.Class) {
			continue
		}
		if at := g.readyAt(w, now); at.After(now) {
			if next.IsZero() || at.Before(next) {
				next = at
			}
			continue
		}
		if best == nil || g.before(w, best) {
			best = w
		}
	}
	if best != nil && probe {
		best.probe = true
		g.breaker.probing = true
	}
	return best, next
}

// hasRoom reports whether one more request of a class may be in flight.
func (g *Gate) hasRoom(c Class) bool {
	all := 0
	for _, n := range g.inFlight {
		all += n
	}
	switch c {
	case Batch:
		return all < g.cfg.Concurrent-g.cfg.Concurrent/8
	case Background:
		return all < g.cfg.Concurrent-g.cfg.Concurrent/4 && g.inFlight[Background] < max(1, g.cfg.Concurrent/4)
	}
	return all < g.cfg.Concurrent
}

// readyAt returns when the limits let a request go.
func (g *Gate) readyAt(w *waiter, now time.Time) time.Time {
	share := 0.0
	switch {
	case w.Class == Background:
		share = backgroundShare
	case w.Class == Batch && now.Sub(g.pressed) < pressing:
		share = batchShare
	}
	at := now
	for _, b := range w.buckets {
		if t := b.readyAt(now, share); t.After(at) {
			at = t
		}
	}
	return at
}

// before reports whether a request goes before another that could go as well.
func (g *Gate) before(w, other *waiter) bool {
	if g.admitted%oldestEvery == oldestEvery-1 && w.Class != Background && other.Class != Background {
		return false // the queue is in the order of arrival
	}
	if w.Class != other.Class {
		return w.Class < other.Class
	}
	return g.served[w.Caller] < g.served[other.Caller]
}

// admit lets a request go.
func (g *Gate) admit(w *waiter, now time.Time) {
	g.remove(w)
	for _, b := range w.buckets {
		b.take(now)
	}
	w.place = w.buckets[1].taken
	g.inFlight[w.Class]++
	g.admitted++
	if w.Class < Batch {
		g.pressed = now
	}
	// A caller that has not asked for a while begins where the others are: it has not saved up anything.
	g.clock = max(g.clock, g.served[w.Caller])
	g.served[w.Caller] = g.clock + 1
	close(w.ready)
}

// schedule has dispatch called at a moment; zero: never.
func (g *Gate) schedule(at, now time.Time) {
	if g.timer != nil {
		g.timer.Stop()
		g.timer = nil
	}
	if at.IsZero() {
		return
	}
	g.timer = time.AfterFunc(max(at.Sub(now), 0), func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.dispatch(time.Now())
	})
}
