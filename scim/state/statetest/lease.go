package statetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/state"
)

// mustAcquire returns the lease, or nil if another has it.
func mustAcquire(t *testing.T, s *state.Store, owner string, d time.Duration) *state.Lease {
	t.Helper()
	l, err := s.Acquire(t.Context(), "scan", owner, d)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func lease(t *testing.T, f fixture) {
	clock := newClock()
	s := f.open(t, state.Options{Now: clock.read})
	a := mustAcquire(t, s, "a", time.Minute)
	if diff := cmp.Diff(&state.Lease{Name: "scan", Owner: "a", Fence: 1, Until: clock.now.Add(time.Minute)}, a); diff != "" {
		t.Errorf("first (-want +got):\n%s", diff)
	}
	if l := mustAcquire(t, s, "b", time.Minute); l != nil {
		t.Errorf("b has it too: %v", l)
	}
	clock.advance(59 * time.Second)
	if err := s.Renew(t.Context(), a, time.Minute); err != nil || !a.Until.Equal(clock.now.Add(time.Minute)) {
		t.Errorf("renewed until %s, %v", a.Until, err)
	}
	clock.advance(59 * time.Second)
	if l := mustAcquire(t, s, "b", time.Minute); l != nil {
		t.Errorf("b has a renewed one: %v", l)
	}
	if l := mustAcquire(t, s, "a", time.Minute); l == nil || l.Fence != 1 {
		t.Errorf("a again: %v", l)
	}
	clock.advance(time.Minute)
	b := mustAcquire(t, s, "b", time.Minute)
	if b == nil || b.Fence != 2 {
		t.Fatalf("b after the end: %v", b)
	}
	if err := s.Renew(t.Context(), a, time.Minute); !errors.Is(err, state.ErrFenced) {
		t.Errorf("a renews what is b's: %v", err)
	}
	if err := s.Release(t.Context(), a); err != nil {
		t.Error(err)
	}
	if l := mustAcquire(t, s, "a", time.Minute); l != nil {
		t.Errorf("a released what is b's: %v", l)
	}
	if err := s.Release(t.Context(), b); err != nil {
		t.Error(err)
	}
	if l := mustAcquire(t, s, "b", time.Minute); l == nil || l.Fence != 3 {
		t.Errorf("after a release: %v", l)
	}
}

// leaseIsExclusive: many want it, and each term has a fence of its own.
func leaseIsExclusive(t *testing.T, f fixture) {
	s := f.open(t, state.Options{})
	var held sync.Mutex
	var fences sync.Map
	var done sync.WaitGroup
	for w := range 8 {
		done.Go(func() {
			for term := 0; term < 3; {
				l, err := s.Acquire(t.Context(), "scan", fmt.Sprint(w, " ", term), time.Minute)
				if err != nil {
					t.Error(err)
					return
				}
				if l == nil {
					time.Sleep(time.Millisecond)
					continue
				}
				if !held.TryLock() {
					t.Error("two have it")
					return
				}
				if _, again := fences.LoadOrStore(l.Fence, true); again {
					t.Errorf("fence %d came twice", l.Fence)
				}
				term++
				held.Unlock()
				if err := s.Release(t.Context(), l); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done.Wait()
	if l := mustAcquire(t, s, "last", time.Minute); l == nil || l.Fence != 25 {
		t.Errorf("after 24 terms: %v", l)
	}
}

// pausedHolder: who slept through the end of its lease can write nothing.
func pausedHolder(t *testing.T, f fixture) {
	clock := newClock()
	s := f.open(t, state.Options{Now: clock.read})
	a := mustAcquire(t, s, "a", time.Minute)
	scan := mustCommit(t, s, &state.Commit{Guard: a, Begin: "User"})
	clock.advance(time.Hour)
	mustCommit(t, s, &state.Commit{Guard: a, Pages: []state.Page{{Type: "User", Scan: scan, No: 1}}}) // nobody else took it
	b := mustAcquire(t, s, "b", time.Minute)
	for name, c := range map[string]*state.Commit{
		"page":     {Pages: []state.Page{{Type: "User", Scan: scan, No: 2}}},
		"finish":   {Finish: &state.Scan{Type: "User", ID: scan}},
		"resource": {Resources: []state.Resource{{Type: "User", ID: "u1", Gone: true}}},
		"value":    {Values: []state.Value{{Kind: "k", Key: "a", Data: []byte{1}}}},
	} {
		c.Guard = a
		if _, err := s.Commit(t.Context(), c); !errors.Is(err, state.ErrFenced) {
			t.Errorf("%s: got %v, want %v", name, err, state.ErrFenced)
		}
	}
	mustCommit(t, s, &state.Commit{Guard: b, Finish: &state.Scan{Type: "User", ID: scan}})
	if got := pageNumbers(t, s, scan); !cmp.Equal(got, []int{1}) {
		t.Errorf("pages: %v", got)
	}
	if err := s.Release(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Commit(t.Context(), &state.Commit{Guard: b, Changes: one("u1")}); !errors.Is(err, state.ErrFenced) {
		t.Errorf("after its own release: got %v, want %v", err, state.ErrFenced)
	}
}

// guardHolds: no commit of a former owner becomes visible after the first of the next.
func guardHolds(t *testing.T, f fixture) {
	s := f.open(t, state.Options{})
	const name = "term"
	var done sync.WaitGroup
	for w := range 4 {
		done.Go(func() {
			for i := range 15 {
				l, err := s.Acquire(t.Context(), name, fmt.Sprint(w, " ", i), -time.Second) // over at once: anybody may take it
				if err != nil || l == nil {
					t.Errorf("acquire: %v, %v", l, err)
					return
				}
				_, err = s.Commit(t.Context(), &state.Commit{Guard: l, Changes: []state.Change{{Type: name, ID: fmt.Sprint(l.Fence), Op: state.Update}}})
				if err != nil && !errors.Is(err, state.ErrFenced) {
					t.Error(err)
				}
			}
		})
	}
	done.Wait()
	last := 0
	for _, c := range mustChanges(t, s, 0, 1<<62) {
		var fence int
		fmt.Sscan(c.ID, &fence)
		if fence <= last {
			t.Errorf("term %d wrote after term %d", fence, last)
		}
		last = fence
	}
}
