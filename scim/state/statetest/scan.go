package statetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/state"
)

// begin opens a scan of users.
func begin(t *testing.T, s *state.Store) int64 {
	t.Helper()
	return mustCommit(t, s, &state.Commit{Begin: "User"})
}

func finish(t *testing.T, s *state.Store, id int64, total int) {
	t.Helper()
	mustCommit(t, s, &state.Commit{Finish: &state.Scan{Type: "User", ID: id, Total: total}})
}

// put adds pages with numbers to a scan.
func put(t *testing.T, s *state.Store, id int64, numbers ...int) {
	t.Helper()
	c := &state.Commit{}
	for _, no := range numbers {
		c.Pages = append(c.Pages, state.Page{Type: "User", Scan: id, No: no, Docs: []byte(fmt.Sprint(id, no))})
	}
	mustCommit(t, s, c)
}

// pageNumbers are those of a scan's pages.
func pageNumbers(t *testing.T, s *state.Store, id int64) []int {
	t.Helper()
	var all []int
	err := s.Pages(t.Context(), "User", id, func(p state.Page) error {
		all = append(all, p.No)
		return nil
	})
	if err != nil && !errors.Is(err, state.ErrReplaced) {
		t.Fatal(err)
	}
	return all
}

func mustScans(t *testing.T, s *state.Store) (complete, open *state.Scan) {
	t.Helper()
	complete, open, err := s.Scans(t.Context(), "User")
	if err != nil {
		t.Fatal(err)
	}
	return complete, open
}

func scan(t *testing.T, f fixture) {
	clock := newClock()
	s := f.open(t, state.Options{Now: clock.read})
	began := clock.now
	id := begin(t, s)
	clock.advance(time.Minute)
	page := state.Page{Type: "User", Scan: id, No: 2, At: clock.now, Total: 5, Docs: []byte("two")}
	mustCommit(t, s, &state.Commit{Pages: []state.Page{page, {Type: "User", Scan: id, No: 1, At: clock.now, Docs: []byte("one")}}})
	mustCommit(t, s, &state.Commit{Pages: []state.Page{{Type: "User", Scan: id, No: 1, At: clock.now, Total: 4, Docs: []byte("anew")}}})
	var pages []state.Page
	if err := s.Pages(t.Context(), "User", id, func(p state.Page) error { pages = append(pages, p); return nil }); err != nil {
		t.Fatal(err)
	}
	want := []state.Page{{Type: "User", Scan: id, No: 1, At: clock.now, Total: 4, Docs: []byte("anew")}, page}
	if diff := cmp.Diff(want, pages); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	complete, open := mustScans(t, s)
	if diff := cmp.Diff(&state.Scan{Type: "User", ID: id, Began: began, Pages: 2}, open); diff != "" || complete != nil {
		t.Errorf("open (-want +got):\n%s\ncomplete: %v", diff, complete)
	}
	clock.advance(time.Minute)
	finish(t, s, id, 17)
	complete, open = mustScans(t, s)
	if diff := cmp.Diff(&state.Scan{Type: "User", ID: id, Began: began, Ended: clock.now, Complete: true, Total: 17, Pages: 2}, complete); diff != "" || open != nil {
		t.Errorf("complete (-want +got):\n%s\nopen: %v", diff, open)
	}
	if _, err := s.Commit(t.Context(), &state.Commit{Pages: []state.Page{{Type: "User", Scan: id, No: 3}}}); !errors.Is(err, state.ErrReplaced) {
		t.Errorf("a page for a scan that is complete: got %v", err)
	}
	if complete, open, err := s.Scans(t.Context(), "Group"); complete != nil || open != nil || err != nil {
		t.Errorf("scans of another type: %v, %v, %v", complete, open, err)
	}
}

// scanReplaced: the complete scan stays until the next one is complete; an open one
// goes when another begins.
func scanReplaced(t *testing.T, f fixture) {
	s := f.open(t, state.Options{})
	first := begin(t, s)
	put(t, s, first, 1, 2)
	finish(t, s, first, 2)
	left := begin(t, s)
	put(t, s, left, 1)
	second := begin(t, s)
	put(t, s, second, 1)
	if _, err := s.Commit(t.Context(), &state.Commit{Pages: []state.Page{{Type: "User", Scan: left, No: 2}}}); !errors.Is(err, state.ErrReplaced) {
		t.Errorf("a page for the scan that was left: got %v", err)
	}
	if got := [][]int{pageNumbers(t, s, first), pageNumbers(t, s, left), pageNumbers(t, s, second)}; !cmp.Equal(got, [][]int{{1, 2}, nil, {1}}) {
		t.Errorf("pages before the end: %v", got)
	}
	finish(t, s, second, 1)
	if got := [][]int{pageNumbers(t, s, first), pageNumbers(t, s, second)}; !cmp.Equal(got, [][]int{nil, {1}}) {
		t.Errorf("pages after the end: %v", got)
	}
	complete, open := mustScans(t, s)
	if complete == nil || complete.ID != second || open != nil {
		t.Errorf("scans: %v, %v", complete, open)
	}
}

// scanKeepsLaterResources: what was known before a scan began is in its pages; what was
// learnt since may not be.
func scanKeepsLaterResources(t *testing.T, f fixture) {
	s := f.open(t, state.Options{})
	mustCommit(t, s, &state.Commit{Resources: []state.Resource{{Type: "User", ID: "before"}, {Type: "User", ID: "again"}, {Type: "Group", ID: "g"}}})
	id := begin(t, s)
	mustCommit(t, s, &state.Commit{Resources: []state.Resource{{Type: "User", ID: "during"}, {Type: "User", ID: "again"}}})
	mustCommit(t, s, &state.Commit{
		Finish:    &state.Scan{Type: "User", ID: id},
		Resources: []state.Resource{{Type: "User", ID: "with"}},
	})
	var got []string
	for _, r := range append(mustResources(t, s, "User", 0), mustResources(t, s, "Group", 0)...) {
		got = append(got, r.ID)
	}
	if diff := cmp.Diff([]string{"again", "during", "with", "g"}, got); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
}

// pagesWhileReplaced: a reader of pages is told when they go, rather than that they end.
func pagesWhileReplaced(t *testing.T, f fixture) {
	s := f.open(t, state.Options{})
	first := begin(t, s)
	numbers := make([]int, 100)
	for i := range numbers {
		numbers[i] = i
	}
	put(t, s, first, numbers...)
	finish(t, s, first, 100)
	if got := pageNumbers(t, s, first); !slices.Equal(got, numbers) {
		t.Errorf("pages: %v", got)
	}
	second := begin(t, s)
	seen := 0
	err := s.Pages(t.Context(), "User", first, func(state.Page) error {
		if seen++; seen == 3 {
			finish(t, s, second, 0) // a call of the Store within yield
		}
		return nil
	})
	if !errors.Is(err, state.ErrReplaced) {
		t.Errorf("got %v after %d pages, want %v", err, seen, state.ErrReplaced)
	}
	stop := errors.New("stop")
	put(t, s, begin(t, s), 1)
	_, open := mustScans(t, s)
	if err := s.Pages(t.Context(), "User", open.ID, func(state.Page) error { return stop }); err != stop {
		t.Errorf("error of yield: got %v", err)
	}
}

// manyResources: 100,000 in 1,000 pages, and 10,000 changes at once, in a time that leaves
// room for a slow machine.
func manyResources(t *testing.T, f fixture) {
	const pages, changes = 1000 / slow, 10_000 / slow
	s := f.open(t, state.Options{})
	start := time.Now()
	id := begin(t, s)
	docs := make([]byte, 38_000) // 100 users, compressed
	for no := range pages {
		mustCommit(t, s, &state.Commit{Pages: []state.Page{{Type: "User", Scan: id, No: no, Docs: docs}}})
	}
	finish(t, s, id, 100*pages)
	wrote := time.Since(start)
	start = time.Now()
	if got := len(pageNumbers(t, s, id)); got != pages {
		t.Errorf("%d pages, want %d", got, pages)
	}
	read := time.Since(start)
	start = time.Now()
	c := &state.Commit{}
	for i := range changes {
		c.Resources = append(c.Resources, state.Resource{Type: "User", ID: fmt.Sprint(i), Doc: docs[:380]})
		c.Changes = append(c.Changes, state.Change{Type: "User", ID: fmt.Sprint(i), Op: state.Update, Before: docs[:380]})
	}
	mustCommit(t, s, c)
	changed := time.Since(start)
	t.Logf("%d pages written in %s, read in %s; %d changes in %s", pages, wrote, read, changes, changed)
	if wrote > 15*time.Second || read > 3*time.Second || changed > 5*time.Second {
		t.Error("too slow")
	}
}
