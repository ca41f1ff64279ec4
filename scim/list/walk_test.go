package list

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
