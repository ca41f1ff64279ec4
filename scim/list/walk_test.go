package list

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/table"
)

// stepsOf makes a step of each id in text.
func stepsOf(text string) []step {
	var steps []step
	for _, id := range strings.Fields(text) {
		steps = append(steps, step{at: place{id: id}})
	}
	return steps
}

func idsOf(steps []step) string {
	var ids []string
	for _, s := range steps {
		ids = append(ids, s.at.id)
	}
	return strings.Join(ids, " ")
}

// TestCompleteWith checks that the steps of a window keep their places while the rest of the result joins them.
func TestCompleteWith(t *testing.T) {
	for _, tt := range []struct {
		name, window string
		from         int
		all, want    string
		fixed        int
	}{
		{"from the start", "a b", 0, "a b c d", "a b c d", 2},
		{"from the middle", "c d", 2, "a b c d e", "a b c d e", 4},
		{"created before the window meanwhile", "c d", 2, "a b b2 c d e", "a b c d b2 e", 4},
		{"one deleted and one moved meanwhile", "x c", 1, "a b c d e", "a x c b d e", 3},
		{"all before the window deleted meanwhile", "c d", 2, "c d e", "e c d", 3},
	} {
		w := &walk{steps: stepsOf(tt.window), from: tt.from, total: 5}
		w.completeWith(&walk{steps: stepsOf(tt.all)})
		if diff := cmp.Diff(tt.want, idsOf(w.steps)); diff != "" || w.fixed != tt.fixed || !w.complete {
			t.Errorf("%s: fixed %d, want %d; steps (-want +got):\n%s", tt.name, w.fixed, tt.fixed, diff)
		}
	}
}

// TestForget checks that steps whose resources are gone make way, except in a window that was delivered before.
func TestForget(t *testing.T) {
	for _, tt := range []struct {
		name          string
		fixed, at     int
		present, want string
		remain        int
	}{
		{"all present", 0, 1, "b c", "a b c d", 2},
		{"one gone", 0, 1, "c", "a c d", 1},
		{"both gone", 0, 1, "", "a d", 0},
		{"one gone that was delivered", 3, 1, "c", "a b c d", 2},
	} {
		w := &walk{steps: stepsOf("a b c d"), fixed: tt.fixed}
		remain := w.forget(tt.at, w.steps[tt.at:tt.at+2], stepsOf(tt.present))
		if diff := cmp.Diff(tt.want, idsOf(w.steps)); diff != "" || remain != tt.remain {
			t.Errorf("%s: %d remain, want %d; steps (-want +got):\n%s", tt.name, remain, tt.remain, diff)
		}
	}
}

// TestEvery checks that a walk over a result that is not in objects gives the pages, the cursors and the order of one
// over objects.
func TestEvery(t *testing.T) {
	rows := table.New(resource.Links{})
	for i := range 30 {
		rows.Put(query.Object{{Name: "id", Value: fmt.Sprint(100 + i)}, {Name: "userName", Value: fmt.Sprint("user", i*7%10)}})
	}
	name := query.Path{Attr: &query.Attribute{Name: "userName"}}
	packed := rows.Answer(resource.ListQuery{Start: 1}, "plan")
	objects := make([]query.Object, packed.Every.Len())
	for i := range objects {
		objects[i] = packed.Every.Object(i)
	}
	r := &Request{Types: []*resource.Type{{}, {}}}
	walkOver := func(found *resource.ListResult) *walk {
		w := newWalk(r)
		w.add(0, found)
		return w
	}
	check := func(what string, a, b *walk) {
		t.Helper()
		for _, start := range []int{0, 7, 25, 30, 40} {
			want, err := b.cut(t.Context(), r, start, 10)
			if err != nil {
				t.Fatal(err)
			}
			got, err := a.cut(t.Context(), r, start, 10)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%s: page from %d: %v (-want +got):\n%s", what, start, err, diff)
			}
		}
		got, want := a.cursorAt(cursor{}, 7, true), b.cursorAt(cursor{}, 7, true)
		if got.after != want.after || got.digest != want.digest {
			t.Errorf("%s: cursor %v, want %v", what, got, want)
		}
		if at, err := a.resume(want, true); at != 7 || err != nil {
			t.Errorf("%s: resumes at %d: %v", what, at, err)
		}
	}
	a, b := walkOver(packed), walkOver(&resource.ListResult{All: objects, Plan: "plan"})
	if a.bytes() > b.bytes()/3 {
		t.Errorf("%d bytes, with objects %d", a.bytes(), b.bytes())
	}
	check("as found", a, b)
	if at, err := a.resume(cursor{start: 7, after: place{0, "106"}}, false); at != 7 || err != nil {
		t.Errorf("resumes at %d: %v", at, err)
	}
	for _, w := range []*walk{a, b} {
		w.sort(resource.ListQuery{SortBy: &name})
	}
	check("sorted", a, b)
	a, b = walkOver(packed), walkOver(&resource.ListResult{All: objects})
	for _, w := range []*walk{a, b} {
		w.add(1, &resource.ListResult{All: objects[:3]})
	}
	if diff := cmp.Diff(idsOf(b.window(0, 33)), idsOf(a.window(0, 33))); diff != "" {
		t.Errorf("two types (-want +got):\n%s", diff)
	}
}
