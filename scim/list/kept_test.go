package list

import (
	"fmt"
	"testing"
	"time"

	"scim-atlassian/scim/query"
)

// keptWalk keeps a walk of a caller with so many resources of some hundred bytes.
func keptWalk(s *walks, caller, key string, resources int) bool {
	w := &walk{caller: caller, complete: true}
	for i := range resources {
		w.steps = append(w.steps, step{Place{0, fmt.Sprint(i)}, query.Object{{Name: "id", Value: fmt.Sprint(i)}}})
	}
	return s.keep(key, w)
}

// TestWalksMakeRoom holds that who fills the room loses his own walks first, the
// one longest unused, and that nobody fills it with small ones.
func TestWalksMakeRoom(t *testing.T) {
	now := time.Now()
	s := newWalks(Config{KeptResultBytes: 100_000, CursorTimeout: 10 * time.Minute, Now: func() time.Time { return now }})
	keptWalk(s, "modest", "modest", 10)
	for n := range 20 {
		now = now.Add(time.Second)
		if !keptWalk(s, "greedy", fmt.Sprint("greedy ", n), 100) {
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
	if keptWalk(s, "greedy", "all", 10_000) || s.find("modest") == nil {
		t.Error("a walk larger than the room was kept, or cost others")
	}
	for n := range 2 * maxWalks {
		keptWalk(s, "many", fmt.Sprint("many ", n), 0)
	}
	if len(s.byKey) > maxWalks {
		t.Errorf("%d walks are kept", len(s.byKey))
	}
	now = now.Add(time.Hour)
	keptWalk(s, "modest", "new", 1)
	if len(s.byKey) != 1 || len(s.held) != 1 {
		t.Errorf("after an hour %d walks of %d callers are kept", len(s.byKey), len(s.held))
	}
}
