package atlassian

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// gate admits the attempts of one client. It limits how many run at a time and how many begin in a second, and admits
// none while upstream wants quiet. All attempts share the quiet, so that one 429 stops parallel requests too.
type gate struct {
	slots chan struct{}
	rate  *rate.Limiter // nil: unlimited

	mu    sync.Mutex
	quiet time.Time // end of the quiet; no attempt begins before
}

func newGate(concurrent int, perSecond float64) *gate {
	g := &gate{slots: make(chan struct{}, max(concurrent, 1))}
	if perSecond > 0 {
		g.rate = rate.NewLimiter(rate.Limit(perSecond), int(math.Ceil(perSecond)))
	}
	return g
}

// enter waits until the attempt may begin. After success the caller must call leave. waited is the part of patience
// that a quiet has used up; a quiet that outlasts patience is an error of the kind RateLimited.
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

// pause makes a quiet of duration d from now on. It never shortens one.
func (g *gate) pause(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := time.Now().Add(d); until.After(g.quiet) {
		g.quiet = until
	}
}

// remaining returns how long the quiet lasts; it is over if that is not positive.
func (g *gate) remaining() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Until(g.quiet)
}

// await waits for the end of the quiet, see enter.
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

// admissionError returns the error of ctx, or its deadline as the error if the limiter foresaw that it would pass.
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
