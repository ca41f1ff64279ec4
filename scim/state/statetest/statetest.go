// Package statetest is what every engine of scim/state is held to, and the
// PostgreSQL server that tests start for it.
package statetest

import (
	"context"
	"testing"
	"time"

	"scim-atlassian/scim/state"
)

// Run runs the suite. place makes a place for a Store that has not been opened yet,
// another one with each call: an argument for state.Open.
func Run(t *testing.T, place func(t *testing.T) string) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, fixture)
	}{
		{"NewStore", newStore},
		{"Commit", commit},
		{"CommitIsWhole", commitIsWhole},
		{"Numbers", numbers},
		{"Changes", changes},
		{"ChangeAt", changeAt},
		{"LogIsReadWhole", logIsReadWhole},
		{"AcknowledgedIsSeen", acknowledgedIsSeen},
		{"Texts", texts},
		{"LargeDocument", largeDocument},
		{"Scan", scan},
		{"ScanReplaced", scanReplaced},
		{"ScanKeepsLaterResources", scanKeepsLaterResources},
		{"PagesWhileReplaced", pagesWhileReplaced},
		{"ManyResources", manyResources},
		{"Lease", lease},
		{"LeaseIsExclusive", leaseIsExclusive},
		{"PausedHolder", pausedHolder},
		{"GuardHolds", guardHolds},
		{"Values", values},
		{"ValuesEnd", valuesEnd},
		{"ValuesRace", valuesRace},
		{"ValuesInCommit", valuesInCommit},
		{"Secret", secret},
		{"Trim", trim},
		{"TrimKeepsScans", trimKeepsScans},
		{"NewID", newID},
		{"Closed", closed},
		{"Cancelled", cancelled},
		{"Reopened", reopened},
		{"ReadOnly", readOnly},
		{"TwoAtOnce", twoAtOnce},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, fixture{place(t)})
		})
	}
}

// fixture is one state, which a test may open as often as it wants.
type fixture struct{ where string }

// open opens the state until the end of the test.
func (f fixture) open(t *testing.T, o state.Options) *state.Store {
	t.Helper()
	s, err := state.Open(t.Context(), f.where, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// lasting leaves out a test that opens the state twice.
func (f fixture) lasting(t *testing.T) {
	t.Helper()
	if f.where == "memory" {
		t.Skip("memory has one Store")
	}
}

// clock is a clock that stands until it is moved. It begins at a full second.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)} }

func (c *clock) read() time.Time         { return c.now }
func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

// mustCommit commits and returns the number.
func mustCommit(t *testing.T, s *state.Store, c *state.Commit) int64 {
	t.Helper()
	seq, err := s.Commit(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

func mustHead(t *testing.T, s *state.Store) state.Head {
	t.Helper()
	h, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func mustChanges(t *testing.T, s *state.Store, after, upto int64) []state.Change {
	t.Helper()
	all, err := s.Changes(t.Context(), after, upto, nil, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func mustResources(t *testing.T, s *state.Store, typ string, after int64) []state.Resource {
	t.Helper()
	all, err := s.Resources(t.Context(), typ, after)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// ended is a context that has ended.
func ended(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// one is a change of a user, by its id.
func one(id string) []state.Change {
	return []state.Change{{Type: "User", ID: id, Op: state.Update}}
}
