package searches

import (
	"strconv"
	"testing"
	"time"
)

// No client can fill the memory with unknown ids.
func TestStrangersAreBounded(t *testing.T) {
	s := NewStrangers(nil, time.Minute, time.Now)
	for round := range 3 {
		ids := map[string]bool{}
		for i := range maxStrangers/2 + 1 {
			ids[strconv.Itoa(round*maxStrangers+i)] = true
		}
		s.remember(ids, time.Now())
		var list []string
		for id := range ids {
			list = append(list, id)
		}
		if got := len(s.Among(list)); got != len(ids) || len(s.asked) > maxStrangers {
			t.Errorf("%d of %d ids are remembered, %d in all", got, len(ids), len(s.asked))
		}
	}
}
