package admission

import "time"

const (
	failuresToOpen = 3                // in a row
	timeToOpen     = 4 * time.Second  // from the first of them on
	forgetFailures = 30 * time.Second // after which a failure is no more one of a row
	firstPause     = time.Second      // for which the breaker stays open at first
	longestPause   = 10 * time.Second
)

// breaker tells whether upstream is out of order: then nothing is sent but, after a pause, one request that finds out.
type breaker struct {
	failures int
	first    time.Time // of the failures in a row
	last     time.Time
	cause    error // of the last of them
	open     bool
	until    time.Time // end of the pause, if open
	pause    time.Duration
	probing  bool // the request that finds out is under way
}

// lets reports whether a request may be sent, and whether it is the one that finds out.
func (b *breaker) lets(now time.Time) (ok, probe bool) {
	if !b.open {
		return true, false
	}
	return !b.probing && !now.Before(b.until), true
}

// retryAfter returns when it is worth trying again.
func (b *breaker) retryAfter(now time.Time) time.Duration { return max(b.until.Sub(now), firstPause) }

// note takes the outcome of a request, nil unless it failed. It reports whether the breaker has opened or closed with it.
func (b *breaker) note(failed error, probe bool, now time.Time) (changed bool) {
	if probe {
		b.probing = false
	}
	switch {
	case failed == nil:
		changed = b.open
		*b = breaker{}
		return changed
	case b.open && !probe:
		return false // it was sent before
	case b.open:
		b.cause = failed
		b.pause = min(2*b.pause, longestPause)
		b.until = now.Add(b.pause)
		return true
	}
	if b.failures == 0 || now.Sub(b.last) > forgetFailures {
		b.failures, b.first = 0, now
	}
	b.failures++
	b.last, b.cause = now, failed
	if b.failures >= failuresToOpen && now.Sub(b.first) >= timeToOpen {
		b.open, b.pause, b.until = true, firstPause, now.Add(firstPause)
	}
	return b.open
}

// budget bounds how many requests are repeated because upstream failed: a fifth of all, and a few.
type budget struct {
	tokens float64
	since  time.Time
}

const (
	budgetShare  = 0.2 // of a repetition that each request earns
	budgetMost   = 20
	budgetRefill = 0.2 // repetitions a second, so that a server with few requests may repeat them
)

func (b *budget) earn() { b.tokens = min(budgetMost, b.tokens+budgetShare) }

func (b *budget) spend(now time.Time) bool {
	b.tokens = min(budgetMost, b.tokens+now.Sub(b.since).Seconds()*budgetRefill)
	b.since = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
