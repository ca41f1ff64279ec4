package memo_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scim-atlassian/scim/memo"
)

// TestMemoSharesFailure has eleven requests wait for one reading that fails: all fail with it, and none tries anew.
func TestMemoSharesFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := memo.New[int](time.Minute, time.Now)
		down := errors.New("down")
		reads := 0
		read := func(context.Context) (int, error) {
			reads++
			time.Sleep(5 * time.Second)
			return 0, down
		}
		start := time.Now()
		var waiting sync.WaitGroup
		for range 11 {
			waiting.Go(func() {
				if _, err := m.Get(t.Context(), false, read); !errors.Is(err, down) {
					t.Errorf("got %v", err)
				}
			})
		}
		waiting.Wait()
		if took := time.Since(start); reads != 1 || took != 5*time.Second {
			t.Errorf("%d readings in %v, want 1 in 5s", reads, took)
		}
	})
}

// TestMemoGivenUp has the request that reads give up, which says nothing to the others.
func TestMemoGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := memo.New[int](time.Minute, time.Now)
		ctx, cancel := context.WithCancel(t.Context())
		go m.Get(ctx, false, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		})
		synctest.Wait()
		time.AfterFunc(time.Second, cancel)
		value, err := m.Get(t.Context(), false, func(context.Context) (int, error) { return 7, nil })
		if value != 7 || err != nil {
			t.Errorf("got %d, %v", value, err)
		}
	})
}
