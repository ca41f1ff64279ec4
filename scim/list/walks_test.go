package list

import (
	"fmt"
	"testing"
	"time"

	"scim-atlassian/scim/query"
)

// keepWalk keeps a walk of a caller with resources of some hundred bytes each.
func keepWalk(s *walks, caller, key string, resources int) bool {
	w := &walk{caller: caller, complete: true}
	for i := range resources {
		w.steps = append(w.steps, step{at: place{0, fmt.Sprint(i)}, object: query.Object{{Name: "id", Value: fmt.Sprint(i)}}})
	}
	return s.keep(key, w)
}

// TestWalksMakeRoom checks that a caller that fills the room loses its own walks first, beginning with the one that has
// rested longest, and that the number of small walks is bounded.
func TestWalksMakeRoom(t *testing.T) {
	now := time.Now()
	s := newWalks(Config{KeptResultBytes: 100_000, CursorTimeout: 10 * time.Minute, Now: func() time.Time { return now }})
	keepWalk(s, "modest", "modest", 10)
	for n := range 20 {
		now = now.Add(time.Second)
		if !keepWalk(s, "greedy", fmt.Sprint("greedy ", n), 100) {
			t.Fatalf("walk %d was not kept", n)
		}
		s.find("greedy 0")
	}
	if s.find("modest") == nil || s.find("greedy 0") == nil || s.find("greedy 19") == nil || s.find("greedy 1") != nil {
		t.Errorf("%d walks are kept, not those in use", len(s.byKey))
	}
	if s.total() > 100_000 {
		t.Errorf("%d bytes are kept", s.total())
	}
	if keepWalk(s, "greedy", "all", 10_000) || s.find("modest") == nil {
		t.Error("a walk larger than the room was kept, or cost others")
	}
	for n := range 2 * maxWalks {
		keepWalk(s, "many", fmt.Sprint("many ", n), 0)
	}
	if len(s.byKey) > maxWalks {
		t.Errorf("%d walks are kept", len(s.byKey))
	}
	now = now.Add(time.Hour)
	keepWalk(s, "modest", "new", 1)
	if len(s.byKey) != 1 || len(s.held) != 1 {
		t.Errorf("after an hour %d walks of %d callers are kept", len(s.byKey), len(s.held))
	}
}
