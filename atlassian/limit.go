package atlassian

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// gate admits the attempts of one client: so many at a time, so many per second, and none while upstream asked for
// quiet. The quiet is shared, so that one 429 stops the requests that run in parallel too.
type gate struct {
	slots chan struct{}
	rate  *rate.Limiter // nil: unlimited

	mu    sync.Mutex
	quiet time.Time // no attempt before it
}

func newGate(concurrent int, perSecond float64) *gate {
	g := &gate{slots: make(chan struct{}, max(concurrent, 1))}
	if perSecond > 0 {
		g.rate = rate.NewLimiter(rate.Limit(perSecond), int(math.Ceil(perSecond)))
	}
	return g
}

// enter waits for admission; whoever was admitted must leave. It reports how much of patience a quiet has used up and
// fails with RateLimited when the quiet outlasts patience.
func (g *gate) enter(ctx context.Context, patience time.Duration) (waited time.Duration, err error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	select {
	case g.slots <- struct{}{}:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	defer func() {
		if err != nil {
			g.leave()
		}
	}()
	if g.rate != nil {
		if err := g.rate.Wait(ctx); err != nil {
			return 0, admissionError(ctx, err)
		}
	}
	return g.await(ctx, patience)
}

func (g *gate) leave() { <-g.slots }

// pause asks for d of quiet from now on; the longest request wins.
func (g *gate) pause(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := time.Now().Add(d); until.After(g.quiet) {
		g.quiet = until
	}
}

func (g *gate) remaining() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Until(g.quiet)
}

func (g *gate) await(ctx context.Context, patience time.Duration) (waited time.Duration, err error) {
	for {
		d := g.remaining()
		if d <= 0 {
			return waited, nil
		}
		if d > min(patience-waited, untilDeadline(ctx)) {
			return waited, &Error{Kind: RateLimited, RetryAfter: d, Detail: "upstream asked all requests to wait"}
		}
		timer := time.NewTimer(d)
		select {
		case <-timer.C:
			waited += d
		case <-ctx.Done():
			timer.Stop()
			return waited, ctx.Err()
		}
	}
}

// admissionError says Timeout also when the limiter foresaw that the deadline would pass.
func admissionError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
}

func untilDeadline(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return time.Until(deadline)
	}
	return math.MaxInt64
}
