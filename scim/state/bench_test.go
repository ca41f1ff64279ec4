package state_test

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"scim-atlassian/scim/state"
	"scim-atlassian/scim/state/statetest"
)

// benchmarked runs a benchmark on every engine.
func benchmarked(b *testing.B, run func(b *testing.B, s *state.Store)) {
	for name, place := range map[string]func() string{
		"memory":   func() string { return "memory" },
		"SQLite":   func() string { return "file:" + filepath.Join(b.TempDir(), "s.db") },
		"Postgres": func() string { return statetest.SharedPostgres(b).Database(b) },
	} {
		b.Run(name, func(b *testing.B) {
			s, err := state.Open(b.Context(), place(), state.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			b.ResetTimer()
			run(b, s)
		})
	}
}

// A write of one resource with its change, by eight writers at once.
func BenchmarkCommit(b *testing.B) {
	benchmarked(b, func(b *testing.B, s *state.Store) {
		var n atomic.Int64
		doc := make([]byte, 400)
		b.SetParallelism(4)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				id := fmt.Sprint(n.Add(1) % 10_000)
				if _, err := s.Commit(b.Context(), &state.Commit{
					Resources: []state.Resource{{Type: "User", ID: id, Doc: doc}},
					Changes:   []state.Change{{Type: "User", ID: id, Op: state.Update, Source: "own", Names: []string{"active"}, Before: doc}},
				}); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// A page of 100 users, compressed, of a scan.
func BenchmarkPage(b *testing.B) {
	benchmarked(b, func(b *testing.B, s *state.Store) {
		scan, err := s.Commit(b.Context(), &state.Commit{Begin: "User"})
		if err != nil {
			b.Fatal(err)
		}
		docs := make([]byte, 38_000)
		for no := 0; b.Loop(); no++ {
			if _, err := s.Commit(b.Context(), &state.Commit{Pages: []state.Page{{Type: "User", Scan: scan, No: no, Docs: docs}}}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// What every replica asks again and again.
func BenchmarkHead(b *testing.B) {
	benchmarked(b, func(b *testing.B, s *state.Store) {
		for b.Loop() {
			if _, err := s.Head(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
