package table

import (
	"testing"
	"time"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// TestMarks holds that a mark is of the bytes and the row for which it was set, and goes
// with either.
func TestMarks(t *testing.T) {
	user := func(id, title string) query.Object { return query.Texts("id", id, "title", title) }
	at := time.Date(2026, 12, 1, 2, 3, 4, 5e6, time.UTC)
	all := New(resource.Links{})
	all.Put(user("a", "x"), user("b", "x"), user("c", "x"))
	want := func(when, id, sent string, modified time.Time, marked bool) {
		t.Helper()
		if got, ok := all.Marked(id, []byte(sent)); ok != marked || !got.Equal(modified) {
			t.Errorf("%s, %s is marked %v, %v; want %v, %v", when, id, ok, got, marked, modified)
		}
	}
	want("before", "a", "bytes of a", time.Time{}, false)
	all.Mark("a", []byte("bytes of a"), at)
	all.Mark("c", []byte("bytes of c"), time.Time{})
	all.Mark("d", []byte("bytes of d"), at)
	all.Mark("b", nil, at)
	want("after", "a", "bytes of a", at, true)
	want("after", "a", "other bytes", time.Time{}, false)
	want("after", "c", "bytes of c", time.Time{}, true)
	want("without a row", "d", "bytes of d", time.Time{}, false)
	want("without bytes", "b", "", time.Time{}, false)

	all.Arrange([]string{"c", "b", "a"})
	want("in another order", "a", "bytes of a", at, true)
	want("in another order", "c", "bytes of c", time.Time{}, true)
	want("in another order", "b", "bytes of c", time.Time{}, false)

	all.Put(user("a", "y"))
	want("of another row", "a", "bytes of a", time.Time{}, false)
	all.Delete("c")
	all.Put(user("c", "x"))
	want("of a new row", "c", "bytes of c", time.Time{}, false)
	all.Mark("a", []byte("bytes of a"), at)
	all.Clear()
	all.Put(user("a", "y"))
	want("after all were removed", "a", "bytes of a", time.Time{}, false)
}
