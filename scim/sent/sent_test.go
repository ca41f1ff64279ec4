package sent

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"scim-atlassian/scim/paging"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// numbers is a page of resources that are numbers.
type numbers struct {
	resource.Objects
	released *atomic.Int64
}

func newNumbers(first, count int, released *atomic.Int64) numbers {
	p := numbers{released: released}
	for i := range count {
		p.Objects = append(p.Objects, query.Texts("id", fmt.Sprint(first+i)))
	}
	return p
}

func (p numbers) Append(b []byte, i int, _ resource.View) ([]byte, bool) {
	return append(b, p.ID(i)...), true
}
func (p numbers) Bytes(i int) []byte      { return []byte(p.ID(i)) }
func (p numbers) Date(_ int, _ time.Time) {}
func (p numbers) Release()                { p.released.Add(1) }

// TestRead holds that a window is a part of the list however many pages it is made of,
// that all pages are told of, and that each is released once, also if reading fails.
func TestRead(t *testing.T) {
	const total = 1000
	broken := errors.New("broken")
	for _, test := range []struct{ start, count, length, breaks int }{
		{1, 10, 10, 0}, {1, 100, 100, 0}, {951, 100, 50, 0}, {1001, 5, 0, 0}, {5, 0, 0, 0}, {50, 350, 350, 0}, {1, 5000, 1000, 0}, {1, 1000, 0, 500},
	} {
		var read, saw, released atomic.Int64
		source, n, err := Read(t.Context(), paging.Reader[Item]{Name: "number"}, test.start, test.count, func(_ context.Context, start, count int) (Page, int, error) {
			if test.breaks > 0 && start > test.breaks {
				return nil, 0, broken
			}
			read.Add(1)
			return newNumbers(start, max(0, min(count, total-start+1)), &released), total, nil
		}, func(Page) { saw.Add(1) })
		if test.breaks > 0 {
			if !errors.Is(err, broken) || released.Load() != read.Load() {
				t.Errorf("%+v: %v, %d of %d pages released", test, err, released.Load(), read.Load())
			}
			continue
		}
		if err != nil || n != total || source.Len() != test.length || saw.Load() != read.Load() {
			t.Errorf("%+v: %v, %d of %d, saw %d of %d pages", test, err, source.Len(), n, saw.Load(), read.Load())
			continue
		}
		for i := range source.Len() {
			want := fmt.Sprint(test.start + i)
			body, ok := source.Append(nil, i, resource.View{})
			if source.ID(i) != want || source.Object(i).Text("id") != want || string(body) != want || !ok || source.Version(i) != query.Version(source.Object(i)) {
				t.Fatalf("%+v: number %d is %s, %v, %s", test, i, source.ID(i), source.Object(i), body)
			}
		}
		resource.Release(source)
		if released.Load() != read.Load() {
			t.Errorf("%+v: %d of %d pages released", test, released.Load(), read.Load())
		}
	}
}

// counted counts the objects that are made of a page.
type counted struct {
	numbers
	made *atomic.Int64
}

func (p counted) Object(i int) query.Object {
	p.made.Add(1)
	return p.numbers.Object(i)
}

// TestListing holds that an object is made once, and not before it is needed.
func TestListing(t *testing.T) {
	var released, made atomic.Int64
	l := Of(counted{newNumbers(1, 3, &released), &made})
	if l.Len() != 3 || l.ID(2) != "3" || string(l.Bytes(1)) != "2" || made.Load() != 0 {
		t.Errorf("%d, %s, %s, %d objects made", l.Len(), l.ID(2), l.Bytes(1), made.Load())
	}
	if l.Object(1).Text("id") != "2" || l.Object(1) == nil || len(l.All()) != 3 || made.Load() != 3 {
		t.Errorf("%v, %d objects made", l.All(), made.Load())
	}
	if l.Release(); released.Load() != 1 || Of(nil).Len() != 0 {
		t.Errorf("released %d times", released.Load())
	}
	of := Objects([]query.Object{query.Texts("id", "7")})
	if of.Len() != 1 || of.ID(0) != "7" || of.Bytes(0) != nil {
		t.Errorf("of objects: %d, %s, %s", of.Len(), of.ID(0), of.Bytes(0))
	}
	of.Release()
}
