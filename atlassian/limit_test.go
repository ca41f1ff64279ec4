package atlassian_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
)

func TestMaxConcurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var now, most int
		enter := func(n int) {
			mu.Lock()
			defer mu.Unlock()
			now += n
			most = max(most, now)
		}
		busy := func(w http.ResponseWriter, r *http.Request) {
			enter(1)
			time.Sleep(time.Second)
			enter(-1)
			oneUser(w, r)
		}
		d := directoryAt(t, "http://localhost", atlassian.Config{Transport: newPipe(t, http.HandlerFunc(busy)), MaxConcurrent: 3})
		start := time.Now()
		readInParallel(t, d, 12)
		if most != 3 || time.Since(start) != 4*time.Second {
			t.Errorf("%d at a time took %v, want 3 and 4s", most, time.Since(start))
		}
	})
}

func TestRequestsPerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := directoryAt(t, "http://localhost", atlassian.Config{Transport: newPipe(t, oneUser), RequestsPerSecond: 2})
		start := time.Now()
		readInParallel(t, d, 12) // 2 at once, then 10 in 5 s
		if took := time.Since(start).Round(time.Millisecond); took != 5*time.Second {
			t.Errorf("12 requests took %v, want 5s", took)
		}
	})
}

// TestSharedPause has one request limited; those that come after it must wait although they were not.
func TestSharedPause(t *testing.T) {
	tests := []struct {
		name   string
		header []string
		quiet  time.Duration
	}{
		{"for all", []string{"Retry-After", "5", "RateLimit-Reason", "jira-burst-based"}, 5 * time.Second},
		{"for one issue", []string{"Retry-After", "5", "RateLimit-Reason", "jira-per-issue-on-write"}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				upstream := &script{steps: []http.HandlerFunc{answer(429, `{}`, test.header...), oneUser}}
				d := directoryAt(t, "http://localhost", atlassian.Config{Transport: newPipe(t, upstream)})
				go d.User(t.Context(), "1")
				synctest.Wait()
				start := time.Now()
				readInParallel(t, d, 3)
				if waited := time.Since(start); waited != test.quiet {
					t.Errorf("waited %v, want %v", waited, test.quiet)
				}
				time.Sleep(5 * time.Second) // the first one's turn
			})
		})
	}
}

func TestLongPauseIsRefusedWithoutACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		upstream := &script{steps: []http.HandlerFunc{answer(429, `{}`, "Retry-After", "60"), oneUser}}
		d := directoryAt(t, "http://localhost", atlassian.Config{Transport: newPipe(t, upstream)})
		d.User(t.Context(), "1")
		time.Sleep(20 * time.Second)
		_, err := d.User(t.Context(), "2")
		e := asError(t, err)
		if e.Kind != atlassian.RateLimited || e.RetryAfter != 40*time.Second || e.Ambiguous || e.Op != "GET /Users/{id}" {
			t.Errorf("got %+v", e)
		}
		if upstream.calls() != 1 {
			t.Errorf("%d calls, want 1", upstream.calls())
		}
		if _, err := d.CreateUser(t.Context(), &atlassian.User{UserName: "ann@example.com"}); err != nil {
			t.Errorf("another route has to wait too: %v", err)
		}
		time.Sleep(26 * time.Second) // 14 s are left, less than an operation may wait
		if _, err := d.User(t.Context(), "1"); err != nil {
			t.Error(err)
		}
	})
}

func readInParallel(t *testing.T, d *atlassian.Directory, n int) {
	t.Helper()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if _, err := d.User(t.Context(), "1"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestBackgroundCalls has a mirror's own reading told apart from what requests cost.
func TestBackgroundCalls(t *testing.T) {
	upstream := &script{steps: []http.HandlerFunc{oneUser}}
	var marks []bool
	d := newDirectory(t, upstream, atlassian.Config{OnCall: func(_ context.Context, c atlassian.Call) { marks = append(marks, c.Background) }})
	for _, ctx := range []context.Context{t.Context(), atlassian.Background(t.Context())} {
		if _, err := d.User(ctx, "1"); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]bool{false, true}, marks); diff != "" {
		t.Error(diff)
	}
}
