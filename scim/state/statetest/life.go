package statetest

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/state"
)

// trim: the floor follows the clock, only upwards, and only past what there was.
func trim(t *testing.T, f fixture) {
	clock := newClock()
	s := f.open(t, state.Options{Now: clock.read})
	var times []time.Time
	for range 4 {
		times = append(times, clock.now)
		mustCommit(t, s, &state.Commit{Changes: one("u1")})
		clock.advance(time.Hour)
	}
	for _, tt := range []struct {
		before time.Time
		floor  int64
		left   int
	}{
		{times[0], 0, 4}, // what is of that time stays
		{times[2], 2, 2},
		{times[1], 2, 2}, // never down
		{clock.now, 4, 0},
		{clock.now, 4, 0},
	} {
		if err := s.Trim(t.Context(), tt.before); err != nil {
			t.Fatal(err)
		}
		h := mustHead(t, s)
		if left := len(mustChanges(t, s, 0, 99)); h.Floor != tt.floor || left != tt.left || h.Seq != 4 {
			t.Errorf("before %s: floor %d, %d changes, head %d; want %d, %d, 4", tt.before, h.Floor, left, h.Seq, tt.floor, tt.left)
		}
	}
	if seq := mustCommit(t, s, &state.Commit{Changes: one("u1")}); seq != 5 {
		t.Errorf("number after all was forgotten: %d, want 5", seq)
	}
}

// trimKeepsScans: what is current stays, however old; values go with their end.
func trimKeepsScans(t *testing.T, f fixture) {
	clock := newClock()
	s := f.open(t, state.Options{Now: clock.read})
	id := begin(t, s)
	put(t, s, id, 1)
	finish(t, s, id, 1)
	mustCommit(t, s, &state.Commit{
		Resources: []state.Resource{{Type: "User", ID: "u1", Gone: true}},
		Values: []state.Value{
			{Kind: "k", Key: "ends", Data: []byte{1}, Expires: clock.now.Add(time.Minute)},
			{Kind: "k", Key: "stays", Data: []byte{1}},
		},
	})
	clock.advance(1000 * time.Hour)
	if err := s.Trim(t.Context(), clock.now); err != nil {
		t.Fatal(err)
	}
	clock.advance(-1000 * time.Hour)
	if got := keysOf(t, s, "k"); !cmp.Equal(got, []string{"stays"}) {
		t.Errorf("values: %v", got)
	}
	if len(pageNumbers(t, s, id)) != 1 || len(mustResources(t, s, "User", 0)) != 1 {
		t.Error("pages or resources went")
	}
}

func newID(t *testing.T, f fixture) {
	s := f.open(t, state.Options{})
	old := s.ID()
	id, err := s.NewID(t.Context())
	if err != nil || id == old || s.ID() != id {
		t.Errorf("id %s after %s, store says %s, %v", id, old, s.ID(), err)
	}
	if f.where == "memory" {
		return
	}
	if other := f.open(t, state.Options{}); other.ID() != id {
		t.Errorf("opened again: %s, want %s", other.ID(), id)
	}
}

// calls are all methods that ask the database.
func calls(s *state.Store) map[string]func(context.Context) error {
	nothing := func(state.Page) error { return nil }
	return map[string]func(context.Context) error{
		"Head":         func(ctx context.Context) error { _, err := s.Head(ctx); return err },
		"Commit":       func(ctx context.Context) error { _, err := s.Commit(ctx, &state.Commit{Changes: one("x")}); return err },
		"Changes":      func(ctx context.Context) error { _, err := s.Changes(ctx, 0, 9, nil, 9); return err },
		"ChangeAt":     func(ctx context.Context) error { _, _, err := s.ChangeAt(ctx, 1); return err },
		"CountChanges": func(ctx context.Context) error { _, err := s.CountChanges(ctx, 0, 9, nil); return err },
		"NthChange":    func(ctx context.Context) error { _, err := s.NthChange(ctx, 0, 9, nil, 1); return err },
		"LastChange":   func(ctx context.Context) error { _, _, err := s.LastChange(ctx, "User", "u"); return err },
		"Resources":    func(ctx context.Context) error { _, err := s.Resources(ctx, "User", 0); return err },
		"Scans":        func(ctx context.Context) error { _, _, err := s.Scans(ctx, "User"); return err },
		"Pages":        func(ctx context.Context) error { return s.Pages(ctx, "User", 1, nothing) },
		"Trim":         func(ctx context.Context) error { return s.Trim(ctx, time.Now()) },
		"Acquire":      func(ctx context.Context) error { _, err := s.Acquire(ctx, "x", "y", time.Minute); return err },
		"Renew":        func(ctx context.Context) error { return s.Renew(ctx, &state.Lease{Name: "x"}, time.Minute) },
		"Release":      func(ctx context.Context) error { return s.Release(ctx, &state.Lease{Name: "x"}) },
		"Value":        func(ctx context.Context) error { _, _, err := s.Value(ctx, "k", "x"); return err },
		"Put":          func(ctx context.Context) error { return s.Put(ctx, "k", "x", nil, time.Time{}) },
		"Add":          func(ctx context.Context) error { _, err := s.Add(ctx, "k", "x", nil, time.Time{}); return err },
		"Swap":         func(ctx context.Context) error { _, err := s.Swap(ctx, state.Value{Kind: "k", Key: "x"}); return err },
		"Remove":       func(ctx context.Context) error { return s.Remove(ctx, "k", "x") },
		"Each":         func(ctx context.Context) error { return s.Each(ctx, "k", func(state.Value) error { return nil }) },
		"Secret":       func(ctx context.Context) error { _, err := s.Secret(ctx, "s", 8); return err },
		"NewID":        func(ctx context.Context) error { _, err := s.NewID(ctx); return err },
	}
}

func closed(t *testing.T, f fixture) {
	s := f.open(t, state.Options{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, call := range calls(s) {
		if err := call(t.Context()); !errors.Is(err, state.ErrClosed) {
			t.Errorf("%s: got %v, want %v", name, err, state.ErrClosed)
		}
	}
	if err := s.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
}

// cancelled: a call with a context that has ended says so, and spoils nothing for others.
func cancelled(t *testing.T, f fixture) {
	s := f.open(t, state.Options{})
	mustCommit(t, s, &state.Commit{Changes: one("u1")})
	for name, call := range calls(s) {
		if err := call(ended(t)); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want %v", name, err, context.Canceled)
		}
	}
	big := &state.Commit{}
	const many = 20_000 / slow
	for range many {
		big.Changes = append(big.Changes, one("u2")...)
	}
	for _, after := range []time.Duration{100 * time.Microsecond, time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		if _, err := s.Commit(ctx, big); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %s: got %v, want %v", after, err, context.DeadlineExceeded)
		}
		cancel()
	}
	// A commit whose end nobody waited for may still be done, before the next or after it.
	seq := mustCommit(t, s, &state.Commit{Changes: one("u1")})
	if n := int64(len(mustChanges(t, s, 0, seq))); n != seq || (n-2)%many != 0 {
		t.Errorf("%d changes up to number %d", n, seq)
	}
}

func reopened(t *testing.T, f fixture) {
	f.lasting(t)
	s := f.open(t, state.Options{})
	id := begin(t, s)
	put(t, s, id, 1)
	mustCommit(t, s, &state.Commit{Changes: one("u1"), Resources: []state.Resource{{Type: "User", ID: "u1", Doc: []byte("d")}}})
	key, err := s.Secret(t.Context(), "k", 32)
	if err != nil {
		t.Fatal(err)
	}
	head := mustHead(t, s)
	s.Close()
	again := f.open(t, state.Options{})
	if again.ID() != s.ID() {
		t.Error("another id")
	}
	if diff := cmp.Diff(head, mustHead(t, again)); diff != "" {
		t.Errorf("head (-want +got):\n%s", diff)
	}
	if got, err := again.Secret(t.Context(), "k", 32); err != nil || !cmp.Equal(got, key) {
		t.Errorf("another secret, %v", err)
	}
	if len(pageNumbers(t, again, id)) != 1 || len(mustResources(t, again, "User", 0)) != 1 || len(mustChanges(t, again, 0, 9)) != 1 {
		t.Error("something was forgotten")
	}
}

// readOnly: a reader beside the writer sees what it does, and can change nothing.
func readOnly(t *testing.T, f fixture) {
	f.lasting(t)
	if _, err := state.Open(t.Context(), f.where, state.Options{ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before there is any: got %v", err)
	}
	s := f.open(t, state.Options{Exclusive: time.Second})
	r := f.open(t, state.Options{ReadOnly: true})
	seq := mustCommit(t, s, &state.Commit{Changes: one("u1")})
	if h := mustHead(t, r); h.Seq != seq || r.ID() != s.ID() {
		t.Errorf("head %d, id %s; want %d, %s", h.Seq, r.ID(), seq, s.ID())
	}
	if _, err := r.Secret(t.Context(), "none", 8); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a secret that was not made: %v", err)
	}
	for _, name := range []string{"Commit", "Trim", "Acquire", "Put", "Add", "NewID"} {
		if err := calls(r)[name](t.Context()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// twoAtOnce: replicas that start together find one state.
func twoAtOnce(t *testing.T, f fixture) {
	f.lasting(t)
	ids := make([]string, 4)
	var done sync.WaitGroup
	for i := range ids {
		done.Go(func() {
			s, err := state.Open(t.Context(), f.where, state.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			if _, err := s.Commit(t.Context(), &state.Commit{Changes: one("u1")}); err != nil {
				t.Error(err)
			}
			ids[i] = s.ID()
		})
	}
	done.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("ids differ: %v", ids)
		}
	}
	if h := mustHead(t, f.open(t, state.Options{})); h.Seq != int64(len(ids)) {
		t.Errorf("head %d, want %d", h.Seq, len(ids))
	}
}
