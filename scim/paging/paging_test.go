package paging

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// restless is a list that changes before every page.
type restless struct {
	mu    sync.Mutex
	ids   []string
	made  int
	calls int
}

func (l *restless) create() {
	l.made++
	l.ids = append(l.ids, strconv.Itoa(l.made))
}

func (l *restless) page(start, count int) ([]string, int) {
	l.calls++
	from := min(start-1, len(l.ids))
	return slices.Clone(l.ids[from:min(from+count, len(l.ids))]), len(l.ids)
}

// TestNothingIsMissing reads lists that lose resources anywhere and gain some at their
// end before every page. Whatever is there from the first call to the last is found,
// once, in its order.
func TestNothingIsMissing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &restless{}
		for range rapid.IntRange(0, 900).Draw(t, "resources") {
			l.create()
		}
		before := slices.Clone(l.ids)
		deletions := rapid.IntRange(0, 4).Draw(t, "deletions before a page")
		creations := rapid.IntRange(0, 4).Draw(t, "creations before a page")
		seed := rapid.SliceOfN(rapid.IntRange(0, 1<<20), 64, 64).Draw(t, "where")
		r := Reader[string]{Name: "User", ID: func(id string) string { return id }, Whole: true}
		r.Page = func(_ context.Context, start, count int) ([]string, int, error) {
			l.mu.Lock() // pages are asked for in parallel, and each is one moment
			defer l.mu.Unlock()
			for i := range deletions {
				if at := seed[(l.calls*5+i)%len(seed)]; len(l.ids) > 0 && (at+l.calls)%3 > 0 {
					l.ids = slices.Delete(l.ids, at%len(l.ids), at%len(l.ids)+1)
				}
			}
			for range creations {
				l.create()
			}
			page, total := l.page(start, count)
			return page, total, nil
		}
		found, _, err := r.Read(t.Context(), 1, Everything)
		if err != nil {
			return // it says that it cannot tell
		}
		at := map[string]int{}
		for i, id := range found {
			if _, twice := at[id]; twice {
				t.Fatalf("%s is there twice", id)
			}
			at[id] = i
		}
		last := -1
		for _, id := range before {
			if !slices.Contains(l.ids, id) {
				continue
			}
			i, ok := at[id]
			if !ok || i < last {
				t.Fatalf("%s, which was there all the time, is at %d after %d (found: %t)", id, i, last, ok)
			}
			last = i
		}
	})
}
