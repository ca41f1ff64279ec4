package statetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"scim-atlassian/scim/state"
)

// keysOf are the keys of a kind, as Each gives them.
func keysOf(t *testing.T, s *state.Store, kind string) []string {
	t.Helper()
	var all []string
	if err := s.Each(t.Context(), kind, func(v state.Value) error { all = append(all, v.Key); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

func mustValue(t *testing.T, s *state.Store, kind, key string) state.Value {
	t.Helper()
	v, there, err := s.Value(t.Context(), kind, key)
	if err != nil || !there {
		t.Fatalf("%s %s: there %t, %v", kind, key, there, err)
	}
	return v
}

func values(t *testing.T, f fixture) {
	s := f.open(t, state.Options{})
	ctx := t.Context()
	if _, there, err := s.Value(ctx, "hold", "a"); there || err != nil {
		t.Errorf("before: there %t, %v", there, err)
	}
	if err := s.Put(ctx, "hold", "a", []byte("1"), time.Time{}); err != nil {
		t.Fatal(err)
	}
	first := mustValue(t, s, "hold", "a")
	if diff := cmp.Diff(state.Value{Kind: "hold", Key: "a", Data: []byte("1")}, first, cmpopts.IgnoreFields(state.Value{}, "Version")); diff != "" {
		t.Errorf("value (-want +got):\n%s", diff)
	}
	if added, err := s.Add(ctx, "hold", "a", []byte("2"), time.Time{}); added || err != nil {
		t.Errorf("added what is there: %t, %v", added, err)
	}
	if added, err := s.Add(ctx, "hold", "b", nil, time.Time{}); !added || err != nil {
		t.Errorf("did not add: %t, %v", added, err)
	}
	if swapped, err := s.Swap(ctx, state.Value{Kind: "hold", Key: "a", Version: first.Version, Data: []byte("3")}); !swapped || err != nil {
		t.Errorf("did not swap: %t, %v", swapped, err)
	}
	if swapped, err := s.Swap(ctx, state.Value{Kind: "hold", Key: "a", Version: first.Version, Data: []byte("4")}); swapped || err != nil {
		t.Errorf("swapped what is newer: %t, %v", swapped, err)
	}
	if got := mustValue(t, s, "hold", "a"); string(got.Data) != "3" || got.Version <= first.Version {
		t.Errorf("after the swap: %q, version %d after %d", got.Data, got.Version, first.Version)
	}
	if got := keysOf(t, s, "hold"); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("keys: %v", got)
	}
	if err := s.Remove(ctx, "hold", "a"); err != nil {
		t.Fatal(err)
	}
	if got := keysOf(t, s, "hold"); !slices.Equal(got, []string{"b"}) {
		t.Errorf("keys after the removal: %v", got)
	}
	stop := errors.New("stop")
	if err := s.Each(ctx, "hold", func(state.Value) error { return stop }); err != stop {
		t.Errorf("error of yield: got %v", err)
	}
}

func valuesEnd(t *testing.T, f fixture) {
	clock := newClock()
	s := f.open(t, state.Options{Now: clock.read})
	ctx := t.Context()
	ends := clock.now.Add(time.Minute)
	if added, err := s.Add(ctx, "r", "a", []byte("1"), ends); !added || err != nil {
		t.Fatalf("added %t, %v", added, err)
	}
	clock.advance(time.Minute - time.Microsecond)
	v := mustValue(t, s, "r", "a")
	if !v.Expires.Equal(ends) {
		t.Errorf("ends at %s, want %s", v.Expires, ends)
	}
	clock.advance(time.Microsecond)
	if _, there, err := s.Value(ctx, "r", "a"); there || err != nil || len(keysOf(t, s, "r")) != 0 {
		t.Errorf("there after its end: %t, %v", there, err)
	}
	if swapped, err := s.Swap(ctx, v); swapped || err != nil {
		t.Errorf("swapped after its end: %t, %v", swapped, err)
	}
	if added, err := s.Add(ctx, "r", "a", []byte("2"), time.Time{}); !added || err != nil {
		t.Errorf("not added after its end: %t, %v", added, err)
	}
	if got := mustValue(t, s, "r", "a"); string(got.Data) != "2" || got.Version == v.Version {
		t.Errorf("after another Add: %q, version %d and %d", got.Data, got.Version, v.Version)
	}
}

// valuesRace: of many who add the same one succeeds, and counting by Swap loses nothing.
func valuesRace(t *testing.T, f fixture) {
	s := f.open(t, state.Options{})
	ctx := t.Context()
	if err := s.Put(ctx, "count", "n", nil, time.Time{}); err != nil {
		t.Fatal(err)
	}
	var added atomic.Int64
	var done sync.WaitGroup
	for range 6 {
		done.Go(func() {
			if ok, err := s.Add(ctx, "r", "a", nil, time.Time{}); err != nil {
				t.Error(err)
			} else if ok {
				added.Add(1)
			}
			for n := 0; n < 5; {
				v, _, err := s.Value(ctx, "count", "n")
				if err != nil {
					t.Error(err)
					return
				}
				v.Data = append(v.Data, 'x')
				swapped, err := s.Swap(ctx, v)
				if err != nil {
					t.Error(err)
					return
				}
				if swapped {
					n++
				}
			}
		})
	}
	done.Wait()
	if added.Load() != 1 {
		t.Errorf("%d added the same", added.Load())
	}
	if n := len(mustValue(t, s, "count", "n").Data); n != 30 {
		t.Errorf("counted %d, want 30", n)
	}
}

func valuesInCommit(t *testing.T, f fixture) {
	s := f.open(t, state.Options{})
	c := &state.Commit{}
	for i := range 1200 {
		c.Values = append(c.Values, state.Value{Kind: "k", Key: fmt.Sprintf("%04d", i), Data: []byte{}})
	}
	mustCommit(t, s, c)
	if got := keysOf(t, s, "k"); len(got) != 1200 || !slices.IsSorted(got) {
		t.Errorf("%d keys", len(got))
	}
	mustCommit(t, s, &state.Commit{Values: []state.Value{{Kind: "k", Key: "0000"}, {Kind: "k", Key: "absent"}}})
	if got := keysOf(t, s, "k"); len(got) != 1199 || got[0] != "0001" {
		t.Errorf("%d keys after a removal, first %s", len(got), got[0])
	}
}

// secret: the same for all, made once, of everybody who asks at the same time.
func secret(t *testing.T, f fixture) {
	stores := []*state.Store{f.open(t, state.Options{})}
	if f.where != "memory" {
		stores = append(stores, f.open(t, state.Options{}))
	}
	got := make([][]byte, 8)
	var done sync.WaitGroup
	for i := range got {
		done.Go(func() {
			var err error
			if got[i], err = stores[i%len(stores)].Secret(t.Context(), "cursor", 32); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	for _, g := range got {
		if len(g) != 32 || !bytes.Equal(g, got[0]) {
			t.Fatal("secrets differ")
		}
	}
	other, err := stores[0].Secret(t.Context(), "token", 32)
	if err != nil || bytes.Equal(other, got[0]) {
		t.Errorf("another name: %v", err)
	}
	if _, err := stores[0].Secret(t.Context(), "token", 16); err == nil {
		t.Error("another size was given")
	}
}
