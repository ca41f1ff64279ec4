// Package admission decides when a request may be sent to an upstream API. A [Gate] keeps within the limits of the API,
// those that are known and those that it learns from the answers; it shares them fairly between the callers, lets go
// first what somebody waits for, and sends nothing while the API is out of order.
//
// A request enters with an [Ask] and leaves with a [Result]. Time is that of package time.
package admission

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"sync"
	"time"
)

// Class says how soon a request is wanted. A request of a class is let go before all of the classes after it; one of
// every eight goes to whoever has waited longest, so that no class but the last waits for ever.
type Class uint8

// The classes, the first first.
const (
	Urgent     Class = iota // somebody looks at one thing, or takes a right away
	Normal                  // other writes, and what finds a few things
	Batch                   // lists, and the operations of bulk requests
	Background              // nobody waits for it
)

// Config has the limits of one API. The zero value of a field is no limit.
type Config struct {
	Concurrent int     // requests in flight; at least 1
	PerSecond  float64 // of all requests
	// Documented returns how many requests a second upstream allows for a route, 0 if it does not say; nil: it never does.
	Documented func(route string) float64
	// ItemPerSecond and ItemBurst are the limit for each item.
	ItemPerSecond, ItemBurst float64
	// Shared says that routes which tell the same limit and the same end of its period have one limit together.
	Shared bool
}

// Ask describes a request that is to be sent.
type Ask struct {
	Route    string // method and route template: upstream limits each by itself
	Item     string // what the request changes, if upstream limits that too; empty: nothing
	Class    Class
	Caller   string        // on whose behalf; callers get equal shares
	Patience time.Duration // how long it may wait for a limit that upstream has told, or for the end of an outage
	Outlast  bool          // it waits for the end of an outage rather than fail at once
	Repeat   bool          // it was sent before
}

// Result says what came of a request.
type Result struct {
	Status int         // 0: there was no answer
	Header http.Header // of the answer
	Quiet  time.Duration
	Scope  Scope // of Quiet
	Failed error // upstream is out of order, as far as this request tells; nil: it is not, or the client gave up
	Gone   bool  // it tells nothing: the client gave up
}

// Scope says for what upstream wants quiet.
type Scope uint8

// The scopes.
const (
	Route Scope = iota
	Item
	Everything
)

// Refusal is the error of a request that was not sent.
type Refusal struct {
	Outage     bool // upstream is out of order; else it asked to wait for longer than the request may
	RetryAfter time.Duration
}

func (r *Refusal) Error() string {
	if r.Outage {
		return fmt.Sprintf("upstream is out of order; again in %v", r.RetryAfter)
	}
	return fmt.Sprintf("upstream asked to wait for %v", r.RetryAfter)
}

// Gate admits the requests to one API. It is safe for concurrent use.
type Gate struct {
	cfg Config

	mu       sync.Mutex
	whole    *bucket
	routes   map[string]*bucket
	items    map[string]*bucket
	breaker  breaker
	budget   budget
	waiting  []*waiter
	timer    *time.Timer // for the next moment at which somebody may be let go
	inFlight [Background + 1]int
	served   map[string]float64 // virtual time of the callers that were served of late
	clock    float64            // virtual time
	admitted uint64
	pressed  time.Time // when something more urgent than Batch last began
}

// waiter is a request at the gate.
type waiter struct {
	Ask
	buckets []*bucket // that it takes from: of the API, the route and the item
	since   time.Time
	place   int // among all requests of the route
	probe   bool
	err     error
	ready   chan struct{} // closed when it was admitted, or refused with err
}

// New returns the gate of an API.
func New(cfg Config) *Gate {
	cfg.Concurrent = max(cfg.Concurrent, 1)
	now := time.Now()
	g := &Gate{cfg: cfg, routes: map[string]*bucket{}, items: map[string]*bucket{}, served: map[string]float64{}, budget: budget{budgetMost, now}}
	g.whole = newBucket(cfg.PerSecond, math.Ceil(cfg.PerSecond), now)
	return g
}

// Pass is the permission to send one request. Leave must be called once, when it is over.
type Pass struct {
	gate *Gate
	w    *waiter
}

// Enter waits until a request may be sent. waited is the part of its patience that was used up. It fails with the error
// of ctx, or with a *Refusal.
func (g *Gate) Enter(ctx context.Context, ask Ask) (pass *Pass, waited time.Duration, err error) {
	if ctx.Err() != nil {
		return nil, 0, ctx.Err()
	}
	patience := ask.Patience
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(patience, time.Until(deadline))
	}
	w, quiet := g.queue(ask, patience)
	timer := time.NewTimer(max(patience, 0))
	defer timer.Stop()
	for expired := timer.C; ; {
		select {
		case <-w.ready:
			if w.err != nil {
				return nil, min(time.Since(w.since), quiet), w.err
			}
			return &Pass{g, w}, min(time.Since(w.since), quiet), nil
		case <-expired:
			expired = nil
			g.impatient(w)
		case <-ctx.Done():
			if g.abandon(w) {
				return nil, min(time.Since(w.since), quiet), ctx.Err()
			}
		}
	}
}

// queue puts a request into the queue, and returns how long upstream wants it to wait.
func (g *Gate) queue(ask Ask, patience time.Duration) (w *waiter, quiet time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	w = &waiter{Ask: ask, since: now, ready: make(chan struct{})}
	w.buckets = g.bucketsOf(ask, now)
	if !ask.Repeat {
		g.budget.earn()
	}
	if ok, _ := g.breaker.lets(now); !ok && !ask.Outlast {
		w.refuse(&Refusal{true, g.breaker.retryAfter(now)})
		return w, 0
	}
	quiet = g.wait(w, now)
	if quiet > patience {
		w.refuse(&Refusal{false, quiet})
		return w, 0
	}
	g.waiting = append(g.waiting, w)
	g.dispatch(now)
	return w, quiet
}

// wait estimates how long a request has to wait for upstream's limits, those before it in the queue considered.
func (g *Gate) wait(w *waiter, now time.Time) time.Duration {
	var longest time.Duration
	for _, b := range w.buckets {
		longest = max(longest, b.quiet.Sub(now))
		if !b.told() {
			continue // a limit of our own, or that of a document, is no matter of patience
		}
		before := 0
		for _, other := range g.waiting {
			if other.Class <= w.Class && other.takesFrom(b) {
				before++
			}
		}
		queue := time.Duration((float64(before) - b.tokens) / b.rate * float64(time.Second))
		longest = max(longest, b.readyAt(now, 0).Sub(now), queue)
	}
	return longest
}

func (w *waiter) takesFrom(b *bucket) bool {
	for _, own := range w.buckets {
		if own == b {
			return true
		}
	}
	return false
}

func (w *waiter) refuse(err error) {
	w.err = err
	close(w.ready)
}

// maxItems bounds the items whose limits are remembered.
const maxItems = 4096

func (g *Gate) bucketsOf(ask Ask, now time.Time) []*bucket {
	route := g.routes[ask.Route]
	if route == nil {
		var rate float64
		if g.cfg.Documented != nil {
			rate = g.cfg.Documented(ask.Route)
		}
		route = newBucket(rate, max(1, rate), now)
		if rate == 0 {
			route.guess(g.told(), now)
		}
		g.routes[ask.Route] = route
	}
	buckets := []*bucket{g.whole, route}
	if ask.Item == "" || g.cfg.ItemPerSecond == 0 {
		return buckets
	}
	item := g.items[ask.Item]
	if item == nil {
		if len(g.items) >= maxItems {
			g.forgetItems(now)
		}
		item = newBucket(g.cfg.ItemPerSecond, g.cfg.ItemBurst, now)
		g.items[ask.Item] = item
	}
	return append(buckets, item)
}

// told is the route whose limit, as upstream has told it, is the least; nil if none is known.
func (g *Gate) told() *bucket {
	var least *bucket
	for _, b := range g.routes {
		if b.limit > 0 && (least == nil || b.rate < least.rate) {
			least = b
		}
	}
	return least
}

// forgetItems drops the items whose limit is far away, or all if there are none.
func (g *Gate) forgetItems(now time.Time) {
	for name, b := range g.items {
		if b.refill(now); b.inFlight == 0 && b.tokens >= b.burst && !b.quiet.After(now) {
			delete(g.items, name)
		}
	}
	if len(g.items) >= maxItems {
		clear(g.items)
	}
}

// impatient refuses a request that waits for upstream alone, and no longer may.
func (g *Gate) impatient(w *waiter) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if open, _ := g.breaker.lets(now); !open && g.remove(w) {
		w.refuse(&Refusal{true, g.breaker.retryAfter(now)})
	}
}

// abandon takes a request out of the queue. It reports false if it has been let go or refused meanwhile.
func (g *Gate) abandon(w *waiter) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.remove(w)
}

func (g *Gate) remove(w *waiter) bool {
	for i, other := range g.waiting {
		if other == w {
			g.waiting = append(g.waiting[:i], g.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// MayRepeat reports whether a request that failed because upstream did may be sent again. It takes from the budget.
func (g *Gate) MayRepeat(outlast bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return (outlast || !g.breaker.open) && g.budget.spend(time.Now())
}

// Outage is the state of an API that does nothing but fail, so that requests to it are refused.
type Outage struct {
	Since time.Time // when the first of the requests in a row failed
	Retry time.Time // from then on one request is let through, to find out; the gate makes none of its own
	Cause error     // the Failed of the last one
}

// Outage returns what is known of an outage, nil while requests are let through.
func (g *Gate) Outage() *Outage {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.breaker.open {
		return nil
	}
	return &Outage{Since: g.breaker.first, Retry: g.breaker.until, Cause: g.breaker.cause}
}

// Leave ends a request.
func (p *Pass) Leave(r Result) {
	g, w := p.gate, p.w
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.inFlight[w.Class]--
	for _, b := range w.buckets {
		b.inFlight--
	}
	if r.Status != 0 {
		g.learn(w, r, now)
	}
	if r.Gone && w.probe {
		g.breaker.probing = false
	} else if !r.Gone && g.breaker.note(r.Failed, w.probe, now) {
		g.turnAway(now)
	}
	g.dispatch(now)
}

// learn takes the limits and the quiet from an answer.
func (g *Gate) learn(w *waiter, r Result, now time.Time) {
	route := w.buckets[1]
	route.learn(r, w.place, now)
	if g.cfg.Shared && route.limit > 0 {
		for _, b := range g.routes {
			if b != route && b.limit == route.limit && b.reset.Equal(route.reset) {
				b.left = min(b.left, route.left)
			}
		}
	}
	b := route
	switch {
	case r.Scope == Item && len(w.buckets) > 2:
		b = w.buckets[2]
	case r.Scope == Item:
		return
	case r.Scope == Everything:
		b = g.whole
	}
	if until := now.Add(r.Quiet); r.Quiet > 0 && until.After(b.quiet) {
		b.quiet = until
		g.turnAway(now)
	}
}

// turnAway refuses those in the queue that would have to wait for longer than they may.
func (g *Gate) turnAway(now time.Time) {
	closed, _ := g.breaker.lets(now)
	kept := g.waiting[:0]
	for _, w := range g.waiting {
		rest := w.Patience - now.Sub(w.since)
		switch {
		case !closed && !w.Outlast:
			w.refuse(&Refusal{true, g.breaker.retryAfter(now)})
			continue
		case w.quiet(now) > rest:
			w.refuse(&Refusal{false, w.quiet(now)})
			continue
		}
		kept = append(kept, w)
	}
	clear(g.waiting[len(kept):])
	g.waiting = kept
}

// quiet returns how long upstream wants a request to wait.
func (w *waiter) quiet(now time.Time) (longest time.Duration) {
	for _, b := range w.buckets {
		longest = max(longest, b.quiet.Sub(now))
	}
	return longest
}
