package feed

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"scim-atlassian/atlassian"
)

// round is what one poll has found so far.
type round struct {
	began    time.Time
	before   position // where it began
	next     position // where the next one begins
	overlap  time.Duration
	seen     *seen // of former rounds
	fresh    map[key]time.Time
	hints    hintSet
	changed  time.Time // of the change whose hint came latest
	mentions []mention
	unknown  map[string]int64
}

func (f *Feed) newRound(s *source) *round {
	return &round{began: f.cfg.Now(), before: s.at, next: s.at, overlap: f.cfg.Overlap, seen: &s.seen, fresh: map[key]time.Time{}, unknown: map[string]int64{}}
}

// farAhead is how far an entry may be ahead of this machine's clock and yet move
// the position.
const farAhead = 10 * time.Minute

// takes reports whether an entry is new, and notes that it was seen.
func (r *round) takes(k key, at time.Time) bool {
	if _, twice := r.fresh[k]; twice || r.seen.has(k) {
		return false
	}
	if at.IsZero() || at.After(r.began.Add(farAhead)) {
		at = r.next.Latest
	}
	r.fresh[k] = at
	if at.After(r.next.Latest) {
		r.next.Latest = at
	}
	if at.After(r.next.Living) {
		r.next.Living = at
	}
	return true
}

// add notes what an entry points to, and when that changed.
func (r *round) add(h atlassian.Hint, at time.Time) {
	if r.hints.add(h) && at.After(r.changed) {
		r.changed = at
	}
}

// key tells entries apart.
type key [16]byte

// eventKey is made of the event's id, or of all of an event that has none.
func eventKey(e *atlassian.Event) key {
	text := e.ID
	if text == "" {
		text = fmt.Sprintf("%+v", *e)
	}
	sum := sha256.Sum256([]byte(text))
	return key(sum[:16])
}

func recordKey(r *atlassian.AuditRecord) key {
	var k key
	binary.BigEndian.PutUint64(k[:], uint64(r.ID))
	return k
}

// seen are entries that were acted on, with their times. Those of the overlap come
// again.
type seen struct{ times map[key]time.Time }

// maxSeen bounds the memory. What is forgotten too early is acted on twice.
const maxSeen = 100_000

func (s *seen) has(k key) bool {
	_, has := s.times[k]
	return has
}

// add notes entries, and forgets those from before a time.
func (s *seen) add(fresh map[key]time.Time, before time.Time) {
	if s.times == nil {
		s.times = map[key]time.Time{}
	}
	for k, at := range s.times {
		if at.Before(before) {
			delete(s.times, k)
		}
	}
	for k, at := range fresh {
		if len(s.times) >= maxSeen {
			return
		}
		s.times[k] = at
	}
}
