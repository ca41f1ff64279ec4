package admission_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"scim-atlassian/atlassian/admission"
)

// upstream counts requests in fixed periods, as an API does that tells its limit, and takes some time for each.
type upstream struct {
	limit         int
	period, takes time.Duration
	silent        bool // it tells nothing

	mu                         sync.Mutex
	start                      time.Time
	used, total, refused, most int
	inFlight                   int
}

func (u *upstream) answer() admission.Result {
	u.mu.Lock()
	u.total++
	u.inFlight++
	u.most = max(u.most, u.inFlight)
	if p := time.Now().Truncate(u.period); !p.Equal(u.start) {
		u.start, u.used = p, 0
	}
	u.used++
	left, reset := u.limit-u.used, u.start.Add(u.period)
	u.mu.Unlock()
	time.Sleep(u.takes)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.inFlight--
	r := admission.Result{Status: 200, Header: http.Header{}}
	if !u.silent {
		r.Header.Set("X-RateLimit-Limit", strconv.Itoa(u.limit))
		r.Header.Set("X-RateLimit-Remaining", strconv.Itoa(max(left, 0)))
		r.Header.Set("X-RateLimit-Reset", reset.UTC().Format(time.RFC3339))
	}
	if left < 0 {
		u.refused++
		r.Status, r.Quiet = 429, time.Second
	}
	return r
}

// work sends so many requests through the gate, each until it is not refused by upstream.
func (u *upstream) work(ctx context.Context, t *testing.T, g *admission.Gate, ask admission.Ask, n int) {
	for range n {
		for {
			pass, _, err := g.Enter(ctx, ask)
			if err != nil {
				t.Errorf("%s: %v", ask.Caller, err)
				return
			}
			r := u.answer()
			pass.Leave(r)
			if r.Status == 200 {
				break
			}
		}
	}
}

// TestLimitIsUsed has 32 clients share a limit that upstream tells: it is used whole, and hardly any request is refused.
func TestLimitIsUsed(t *testing.T) {
	for _, test := range []struct {
		limit, requests int
		period          time.Duration
	}{{50, 1600, time.Second}, {5, 320, time.Second}, {50, 320, time.Minute}} {
		t.Run(fmt.Sprintf("%d in %v", test.limit, test.period), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := &upstream{limit: test.limit, period: test.period, takes: 20 * time.Millisecond}
				g := admission.New(admission.Config{Concurrent: 16})
				start := time.Now()
				var clients sync.WaitGroup
				for i := range 32 {
					clients.Go(func() {
						u.work(t.Context(), t, g, admission.Ask{Route: "GET /x", Caller: fmt.Sprint(i), Patience: time.Hour}, test.requests/32)
					})
				}
				clients.Wait()
				least := time.Duration(test.requests) * test.period / time.Duration(test.limit)
				took := time.Since(start)
				t.Logf("%v of %v, %d refused, %d in flight", took, least, u.refused, u.most)
				if took > least*105/100 {
					t.Errorf("took %v, at least %v are needed", took, least)
				}
				if share := float64(u.refused) / float64(u.total); share > 0.05 {
					t.Errorf("%d of %d were refused", u.refused, u.total)
				}
				if u.most > 16 {
					t.Errorf("%d in flight", u.most)
				}
			})
		})
	}
}

// TestSilentLimit has upstream refuse without a word of its limit.
func TestSilentLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{limit: 20, period: time.Second, takes: 10 * time.Millisecond, silent: true}
		g := admission.New(admission.Config{Concurrent: 16})
		var clients sync.WaitGroup
		for range 32 {
			clients.Go(func() { u.work(t.Context(), t, g, admission.Ask{Route: "GET /x", Patience: time.Hour}, 60) })
		}
		clients.Wait()
		if share := float64(u.refused) / float64(u.total); share > 0.1 {
			t.Errorf("%d of %d were refused", u.refused, u.total)
		}
	})
}

// TestFairness has one caller send a lot and another a little: the latter need not wait for the former, least of all where
// it looks at one thing.
func TestFairness(t *testing.T) {
	for class, slots := range map[admission.Class]int{admission.Urgent: 1, admission.Normal: 3} {
		t.Run(fmt.Sprint(class), func(t *testing.T) { beside(t, class, slots) })
	}
}

// beside holds how many slots of upstream's limit a person waits beside a batch, in 19 of 20 cases.
func beside(t *testing.T, class admission.Class, slots int) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{limit: 10, period: time.Second, takes: 10 * time.Millisecond}
		g := admission.New(admission.Config{Concurrent: 16})
		ctx, cancel := context.WithCancel(t.Context())
		var batch sync.WaitGroup
		for range 32 {
			batch.Go(func() {
				for ctx.Err() == nil {
					u.work(t.Context(), t, g, admission.Ask{Route: "GET /x", Class: admission.Normal, Caller: "batch", Patience: time.Hour}, 1)
				}
			})
		}
		time.Sleep(5 * time.Second)
		var waits []time.Duration
		for range 100 {
			start := time.Now()
			u.work(t.Context(), t, g, admission.Ask{Route: "GET /x", Class: class, Caller: "person", Patience: time.Hour}, 1)
			waits = append(waits, time.Since(start))
			time.Sleep(330 * time.Millisecond)
		}
		cancel()
		batch.Wait()
		slices.Sort(waits)
		if slot := 100 * time.Millisecond; waits[95] > 2*u.takes+time.Duration(slots)*slot {
			t.Errorf("a person waits %v beside a batch, %v at most", waits[95], waits[99])
		}
	})
}

// TestClasses holds that what is urgent goes first, that nothing but Background waits for ever, and that Background is
// hardly ever refused.
func TestClasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{limit: 20, period: time.Second, takes: 10 * time.Millisecond}
		g := admission.New(admission.Config{Concurrent: 16})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		var counts [4]int
		var mu sync.Mutex
		var all sync.WaitGroup
		for class := admission.Urgent; class <= admission.Batch; class++ {
			for range 8 {
				all.Go(func() {
					for ctx.Err() == nil {
						u.work(t.Context(), t, g, admission.Ask{Route: "GET /x", Class: class, Patience: time.Hour}, 1)
						mu.Lock()
						counts[class]++
						mu.Unlock()
					}
				})
			}
		}
		all.Wait()
		if counts[admission.Urgent] < 3*counts[admission.Batch] || counts[admission.Batch] < 5 { // it has its turn, if a rare one
			t.Errorf("by class: %v", counts)
		}
	})
}

// TestBackground has a mirror read beside clients.
func TestBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{limit: 20, period: time.Second, takes: 10 * time.Millisecond}
		g := admission.New(admission.Config{Concurrent: 16})
		refused, sent := 0, 0
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var all sync.WaitGroup
		for i := range 3 {
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			all.Go(func() {
				for ctx.Err() == nil {
					time.Sleep(time.Duration(rng.IntN(400)) * time.Millisecond)
					u.work(t.Context(), t, g, admission.Ask{Route: "GET /x", Patience: time.Hour}, 1)
				}
			})
		}
		for ctx.Err() == nil {
			pass, _, err := g.Enter(ctx, admission.Ask{Route: "GET /x", Class: admission.Background, Patience: time.Hour})
			if err != nil {
				break
			}
			r := u.answer()
			pass.Leave(r)
			sent++
			if r.Status != 200 {
				refused++
			}
		}
		all.Wait()
		if sent < 100 || refused*50 > sent {
			t.Errorf("%d of %d were refused", refused, sent)
		}
	})
}

// TestQuiet holds that a Retry-After stops its route and no other, and that it is not waited for longer than a caller
// wants.
func TestQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := admission.New(admission.Config{Concurrent: 4})
		enter := func(route string, patience time.Duration) (time.Duration, error) {
			start := time.Now()
			pass, _, err := g.Enter(t.Context(), admission.Ask{Route: route, Patience: patience})
			if err == nil {
				pass.Leave(admission.Result{Status: 200})
			}
			return time.Since(start), err
		}
		pass, _, err := g.Enter(t.Context(), admission.Ask{Route: "GET /a", Patience: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		waiting := make(chan error)
		go func() {
			_, err := enter("GET /a", time.Second)
			waiting <- err
		}()
		pass.Leave(admission.Result{Status: 429, Quiet: 30 * time.Second})
		<-waiting
		var refused *admission.Refusal
		if took, err := enter("GET /a", 5*time.Second); took != 0 || !errors.As(err, &refused) || refused.Outage || refused.RetryAfter != 30*time.Second {
			t.Errorf("an impatient one: %v after %v", err, took)
		}
		if took, err := enter("GET /b", 5*time.Second); took != 0 || err != nil {
			t.Errorf("another route: %v after %v", err, took)
		}
		if took, err := enter("GET /a", time.Minute); took != 30*time.Second || err != nil {
			t.Errorf("a patient one: %v after %v", err, took)
		}
	})
}

// TestItems holds the limit for each item.
func TestItems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := admission.New(admission.Config{Concurrent: 4, ItemPerSecond: 2, ItemBurst: 3})
		start := time.Now()
		for _, item := range []string{"1", "1", "1", "2", "1"} {
			pass, _, err := g.Enter(t.Context(), admission.Ask{Route: "PUT /x", Item: item, Patience: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			pass.Leave(admission.Result{Status: 204})
		}
		if took := time.Since(start).Round(time.Millisecond); took != 500*time.Millisecond {
			t.Errorf("took %v, want 500ms", took)
		}
	})
}

// TestBreaker has upstream be away for a minute. After the first seconds each request costs hardly a call, is answered at
// once, and a deletion waits for the end of it; then all is as before.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := admission.New(admission.Config{Concurrent: 16})
		back := time.Now().Add(time.Minute)
		requests, calls, longest := 0, 0, time.Duration(0)
		deleted := make(chan time.Time, 1)
		time.AfterFunc(50*time.Second, func() {
			pass, _, err := g.Enter(t.Context(), admission.Ask{Route: "DELETE /x", Patience: time.Minute, Outlast: true})
			for err == nil && time.Now().Before(back) {
				pass.Leave(admission.Result{Failed: errDown})
				pass, _, err = g.Enter(t.Context(), admission.Ask{Route: "DELETE /x", Patience: time.Minute, Outlast: true})
			}
			if err != nil {
				t.Errorf("a deletion: %v", err)
			} else {
				pass.Leave(admission.Result{Status: 204})
			}
			deleted <- time.Now()
		})
		for start := time.Now(); time.Now().Before(back); time.Sleep(100 * time.Millisecond) {
			before, sent := time.Now(), 0
			for attempt := 0; ; attempt++ {
				pass, _, err := g.Enter(t.Context(), admission.Ask{Route: "GET /x", Patience: 15 * time.Second, Repeat: attempt > 0})
				if err != nil {
					break
				}
				sent++
				pass.Leave(admission.Result{Failed: errDown})
				if attempt == 4 || !g.MayRepeat(false) {
					break
				}
				time.Sleep(time.Second)
			}
			if time.Since(start) > 5*time.Second {
				requests, calls = requests+1, calls+sent
				longest = max(longest, time.Since(before))
			}
		}
		if perRequest := float64(calls) / float64(requests); perRequest > 1.2 || longest > time.Second {
			t.Errorf("%.2f calls a request, %v at most", perRequest, longest)
		}
		if at := <-deleted; at.Sub(back) > 11*time.Second {
			t.Errorf("deleted %v after the end", at.Sub(back))
		}
		if o := g.Outage(); o != nil {
			t.Errorf("still open: %+v", o)
		}
	})
}

// TestOutage has requests fail every two seconds until the gate closes, and one succeed when it may.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := admission.New(admission.Config{Concurrent: 1})
		begun := time.Now()
		send := func(failed error) {
			t.Helper()
			pass, _, err := g.Enter(t.Context(), admission.Ask{Route: "GET /Users"})
			if err != nil {
				t.Fatal(err)
			}
			pass.Leave(admission.Result{Failed: failed})
		}
		for i := range 3 {
			if o := g.Outage(); o != nil {
				t.Fatalf("after %d failures: %+v", i, o)
			}
			send(errDown)
			time.Sleep(2 * time.Second)
		}
		want := &admission.Outage{Since: begun, Retry: begun.Add(5 * time.Second), Cause: errDown}
		if diff := cmp.Diff(want, g.Outage(), cmpopts.EquateErrors()); diff != "" {
			t.Error(diff)
		}
		other := errors.New("still down")
		send(other)
		if o := g.Outage(); o == nil || o.Since != begun || o.Cause != other || !o.Retry.After(time.Now()) {
			t.Errorf("after the request that was to find out: %+v", o)
		}
		time.Sleep(time.Until(g.Outage().Retry))
		send(nil)
		if o := g.Outage(); o != nil {
			t.Errorf("after success: %+v", o)
		}
	})
}

var errDown = errors.New("upstream is down")

// TestRetryBudget has one of two requests fail: no more than a fifth of them is repeated.
func TestRetryBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := admission.New(admission.Config{Concurrent: 16})
		repeated := 0
		const requests = 2000
		for i := range requests {
			pass, _, err := g.Enter(t.Context(), admission.Ask{Route: "GET /x", Patience: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			result := admission.Result{Status: 200}
			if i%2 == 0 {
				result.Failed = errDown
			}
			pass.Leave(result)
			if i%2 == 0 && g.MayRepeat(false) {
				repeated++
			}
			time.Sleep(10 * time.Millisecond)
		}
		if repeated > requests/5+30 || repeated < requests/6 {
			t.Errorf("%d of %d were repeated", repeated, requests)
		}
	})
}

// TestGateProperties sends random requests with random outcomes, and holds what must always be true: not too many in
// flight, everybody gets an answer, an end of the context is kept to, and nobody is left in the queue.
func TestGateProperties(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			const most = 5
			g := admission.New(admission.Config{Concurrent: most, PerSecond: float64(rng.IntN(2) * 20), ItemPerSecond: 1, ItemBurst: 2,
				Documented: func(string) float64 { return 30 }, Shared: seed%2 == 0})
			var mu sync.Mutex
			inFlight := 0
			var all sync.WaitGroup
			for range 200 {
				ask := admission.Ask{
					Route: fmt.Sprint("r", rng.IntN(3)), Item: []string{"", "a", "b"}[rng.IntN(3)], Class: admission.Class(rng.IntN(4)),
					Caller: fmt.Sprint(rng.IntN(3)), Patience: time.Duration(rng.IntN(20)) * time.Second, Outlast: rng.IntN(4) == 0,
				}
				begin, takes, limit := time.Duration(rng.IntN(20000))*time.Millisecond, time.Duration(rng.IntN(500))*time.Millisecond, time.Duration(rng.IntN(30)+1)*time.Second
				result := admission.Result{Status: 200}
				switch rng.IntN(8) {
				case 0:
					result = admission.Result{Status: 429, Quiet: time.Duration(rng.IntN(5)) * time.Second, Scope: admission.Scope(rng.IntN(3))}
				case 1:
					result = admission.Result{Failed: errDown}
				case 2:
					result = admission.Result{Gone: true}
				}
				all.Go(func() {
					time.Sleep(begin)
					ctx, cancel := context.WithTimeout(t.Context(), limit)
					defer cancel()
					start := time.Now()
					pass, waited, err := g.Enter(ctx, ask)
					if took := time.Since(start); took > limit || waited > took {
						t.Errorf("took %v of %v, waited %v", took, limit, waited)
					}
					if err != nil {
						return
					}
					mu.Lock()
					if inFlight++; inFlight > most {
						t.Errorf("%d in flight", inFlight)
					}
					mu.Unlock()
					time.Sleep(takes)
					mu.Lock()
					inFlight--
					mu.Unlock()
					pass.Leave(result)
				})
			}
			all.Wait()
		})
	}
}
