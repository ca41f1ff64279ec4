package admission

import (
	"net/http"
	"testing"
	"time"
)

// A new route begins with the limit that upstream has told of another, until it answers on the new one.
func TestLimitOfANewRouteIsGuessed(t *testing.T) {
	now := time.Now()
	told := newBucket(0, 1, now)
	told.know(5, now)
	told.left = 2
	for name, tt := range map[string]struct {
		header http.Header
		limit  int
	}{
		"no limit":      {http.Header{}, 0},
		"the same":      {http.Header{"X-Ratelimit-Limit": {"5"}}, 5},
		"a limit of it": {http.Header{"X-Ratelimit-Limit": {"100"}}, 100},
	} {
		b := newBucket(0, 1, now)
		b.guess(told, now)
		b.take(now)
		if at := b.readyAt(now, 0); !at.After(now) {
			t.Errorf("%s: before there is an answer the second request begins at once", name)
		}
		b.learn(Result{Status: http.StatusOK, Header: tt.header}, 1, now)
		if b.limit != tt.limit || b.guessed {
			t.Errorf("%s: limit %d, want %d", name, b.limit, tt.limit)
		}
		if at := b.readyAt(now, 0); (tt.limit == 0) != at.Equal(now) {
			t.Errorf("%s: the next begins at %s", name, at.Sub(now))
		}
	}
	b := newBucket(0, 1, now)
	if b.guess(nil, now); b.limit != 0 {
		t.Errorf("a limit of %d from nowhere", b.limit)
	}
}

// A batch leaves a part of each period to others, however small the limit is, until there is no time left to use it.
func TestPartOfAPeriodIsLeft(t *testing.T) {
	now := time.Now()
	for limit, keeps := range map[int]int{5: 1, 50: 5, 100: 10} {
		b := newBucket(0, 1, now)
		b.know(limit, now)
		b.left = keeps
		end := time.Duration(keeps) * time.Second / time.Duration(limit)
		for share, want := range map[float64]time.Duration{0: 0, batchShare: time.Second - end} {
			b.tokens = b.burst
			if got := b.readyAt(now, share).Sub(now); got != want {
				t.Errorf("%d of %d left, share %v: ready in %v, want %v", keeps, limit, share, got, want)
			}
		}
		b.left = 0
		if got := b.readyAt(now, 0).Sub(now); got != time.Second {
			t.Errorf("nothing left of %d: ready in %v", limit, got)
		}
	}
}
