package admission

import (
	"slices"
	"strings"
	"time"
)

// Stats are the figures of a gate at one moment.
type Stats struct {
	Concurrent int                 // requests that may be in flight
	InFlight   [Background + 1]int // requests in flight, by class
	Waiting    [Background + 1]int // requests in the queue, by class
	Callers    []CallerStats       // those that wait now, the longest queue first
	Limits     []LimitStats        // of the API as a whole, then those of its routes in the order of their names
	Repeats    float64             // repetitions of failed requests that may be sent at once
	Open       bool                // the breaker is open: the API is out of order, and requests are refused
	Since      time.Time           // of the first failure in a row; zero: the last request did not fail
}

// CallerStats are the requests of one caller in the queue.
type CallerStats struct {
	Caller  string
	Waiting int
	Longest time.Duration // that one of them has waited
}

// LimitStats are the figures of one limit.
type LimitStats struct {
	Route    string    // empty: the limit of the API as a whole
	Rate     float64   // requests a second; 0: no limit is known
	Told     bool      // upstream has made it known; else it is documented, or of the settings
	Limit    int       // requests in a period, as upstream says; 0: it does not
	Left     int       // of them, as far as can be told
	Reset    time.Time // end of the period, if Limit is not 0
	Quiet    time.Time // no request begins before; in the past or zero: there is none
	InFlight int
	Sent     int // requests that began, since the gate was made
}

// Stats returns the figures of now. Limits that no request has met are left out, apart from that of the API as a whole.
func (g *Gate) Stats() Stats {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	s := Stats{Concurrent: g.cfg.Concurrent, InFlight: g.inFlight, Open: g.breaker.open, Since: g.breaker.first, Repeats: g.budget.left(now)}
	s.Limits = append(s.Limits, g.whole.stats("", now))
	for route, b := range g.routes {
		s.Limits = append(s.Limits, b.stats(route, now))
	}
	slices.SortFunc(s.Limits, func(a, b LimitStats) int { return strings.Compare(a.Route, b.Route) })
	for _, w := range g.waiting {
		s.Waiting[w.Class]++
		i := slices.IndexFunc(s.Callers, func(c CallerStats) bool { return c.Caller == w.Caller })
		if i < 0 {
			i = len(s.Callers)
			s.Callers = append(s.Callers, CallerStats{Caller: w.Caller})
		}
		s.Callers[i].Waiting++
		s.Callers[i].Longest = max(s.Callers[i].Longest, now.Sub(w.since))
	}
	slices.SortStableFunc(s.Callers, func(a, b CallerStats) int { return b.Waiting - a.Waiting })
	return s
}

// stats are the figures of a bucket. It counts nothing but what refill would count at the next request.
func (b *bucket) stats(route string, now time.Time) LimitStats {
	b.refill(now)
	s := LimitStats{Route: route, Rate: b.rate, Told: b.told(), Limit: b.limit, Quiet: b.quiet, InFlight: b.inFlight, Sent: b.taken}
	if b.limit > 0 {
		s.Left, s.Reset = max(0, b.left), b.reset
	}
	return s
}

// left is how many repetitions may be sent at once.
func (b *budget) left(now time.Time) float64 {
	return min(budgetMost, b.tokens+now.Sub(b.since).Seconds()*budgetRefill)
}
