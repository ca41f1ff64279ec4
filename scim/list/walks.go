package list

import (
	"sync"
	"time"
)

// maxWalks bounds the number of walks that are kept, however small they are.
const maxWalks = 4096

// walks keeps walks between the requests of their clients, each until its client rests longer than lifetime, or until
// its room is needed. It is safe for concurrent use.
type walks struct {
	now      func() time.Time
	lifetime time.Duration // of a walk, from its last page
	room     int64         // bytes of all walks together

	mu    sync.Mutex
	byKey map[string]*walk
	held  map[string]int64 // bytes by caller
}

func newWalks(cfg Config) *walks {
	return &walks{now: cfg.Now, lifetime: cfg.CursorTimeout, room: cfg.KeptResultBytes, byKey: map[string]*walk{}, held: map[string]int64{}}
}

// find returns the walk that is kept under the key and prolongs its life. It returns nil if there is none.
func (s *walks) find(key string) *walk {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.byKey[key]
	if w == nil || s.now().After(w.expires) {
		return nil
	}
	w.expires = s.now().Add(s.lifetime)
	return w
}

// keep keeps a walk under the key, in place of any other, and gives up other walks where room is short. A walk that has
// grown is kept again, so that its size counts. It reports false, and then keeps none under the key, if the walk does
// not fit.
func (s *walks) keep(key string, w *walk) bool {
	size := w.bytes()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(key)
	if s.neverFits(size) {
		return false
	}
	for k, old := range s.byKey {
		if s.now().After(old.expires) {
			s.remove(k)
		}
	}
	for len(s.byKey) >= maxWalks || s.total()+size > s.room {
		s.remove(s.dispensable())
	}
	w.size, w.expires = size, s.now().Add(s.lifetime)
	s.byKey[key] = w
	s.held[w.caller] += size
	return true
}

// neverFits reports whether a walk of this size cannot be kept even if it is the only one.
func (s *walks) neverFits(bytes int64) bool { return bytes > s.room }

// drop forgets the walk that is kept under the key, if any.
func (s *walks) drop(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(key)
}

// remove is drop for a caller that holds the lock.
func (s *walks) remove(key string) {
	w := s.byKey[key]
	if w == nil {
		return
	}
	delete(s.byKey, key)
	if s.held[w.caller] -= w.size; s.held[w.caller] <= 0 {
		delete(s.held, w.caller)
	}
}

// total is the size of all walks.
func (s *walks) total() (bytes int64) {
	for _, held := range s.held {
		bytes += held
	}
	return bytes
}

// dispensable returns the key of the walk to give up when room is short: of the caller whose walks take most room, the
// one that has rested longest. So a caller with many lists loses its own, and not those of others.
func (s *walks) dispensable() string {
	var key string
	var worst *walk
	for k, w := range s.byKey {
		switch {
		case worst == nil, s.held[w.caller] > s.held[worst.caller],
			w.caller == worst.caller && w.expires.Before(worst.expires):
			key, worst = k, w
		}
	}
	return key
}
