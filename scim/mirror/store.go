package mirror

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Store reads all resources of one type and keeps them for a while, for every
// query of every caller. There is one reading at a time; whoever needs it waits
// for it, and it goes on as long as somebody does. It is safe for concurrent use.
//
// It is told of own writes, so that a request sees every write that was
// confirmed before it began, also if the reading was under way then. To that end
// a clock ticks with every request and every write: what a write answered
// counts if nothing else touched the resource since the write began. A resource
// of which that does not tell what it is now is read again when it is next
// needed. Nothing is guessed.
type Store struct {
	ttl time.Duration // how long a complete reading is kept, 0: not at all
	now func() time.Time
	// scan reads everything, each resource once, or fails; with errLonger, after
	// a call at most, if there is more than most, which is 0 for no limit.
	scan func(ctx context.Context, most int) ([]query.Object, error)
	// reread reads resources by id, complete; those that are gone are left out.
	reread func(ctx context.Context, ids []string) ([]query.Object, error)
	price  func(total int) int // upstream calls of a scan
	links  resource.Links

	mu      sync.Mutex
	clock   uint64
	kept    *snapshot // the last complete reading, nil if none
	reading *reading  // nil if none
	counts  storeCounts
}

// storeCounts are what a store did since it was made.
type storeCounts struct{ hits, scans, mends, failures uint64 }

// Need is what a request asks of a reading.
type Need struct {
	Fresh bool      // nothing read before the request began
	Since time.Time // nothing read before that; zero: no matter
	Links bool      // the attribute that upstream's list may leave out
	most  int       // the request fails with errLonger if there are more resources; 0: however many there are
}

// View is all resources of a type.
type View struct {
	Objects []query.Object // in upstream's order; shared, nobody writes to it
	Kept    bool           // their reading began before the request
	age     time.Duration  // since their reading began
}

// reading is a scan, or the mending of a snapshot, under way.
type reading struct {
	began   uint64
	into    *snapshot
	waiting int // requests; at none it is given up
	cancel  context.CancelFunc
	done    chan struct{}
	err     error // once done
}

// all returns all resources as they were no longer ago than the time to live,
// every confirmed own write included. If reading them fails, it fails for all
// that waited, but for those that would have had to read anew anyway. When ctx
// ends first, the error is of the kind Timeout or Canceled; errLonger is as n has
// it.
func (s *Store) all(ctx context.Context, n Need) (View, error) {
	n.Fresh = n.Fresh || s.ttl <= 0
	s.mu.Lock()
	defer s.mu.Unlock()
	began, found, waited := s.tick(), s.living(), false
	for !found.answers(n, began) {
		r := s.reading
		if r == nil {
			r = s.start(ctx, found, n, began)
		}
		if err := s.wait(ctx, r); err != nil {
			return View{}, err
		}
		found, waited = r.into, true
		if r.err != nil {
			found = nil
			others := n.Fresh && r.began < began || n.most == 0 && errors.Is(r.err, errLonger)
			if !others {
				return View{}, r.err
			}
		}
	}
	if !waited {
		s.counts.hits++
	}
	return View{found.objects, found.began < began, s.now().Sub(found.read)}, nil
}

// peek returns all resources if they can be had without an upstream call.
func (s *Store) peek(n Need) (View, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.living()
	if n.Fresh || !found.answers(n, s.tick()) {
		return View{}, false
	}
	s.counts.hits++
	return View{found.objects, true, s.now().Sub(found.read)}, true
}

// outlook is how old the kept reading is, and how many upstream calls it would
// take to bring it up to date, as far as that is known without looking at every
// resource. ok is false if all would read everything.
func (s *Store) outlook(n Need) (age time.Duration, calls int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, began := s.living(), s.tick()
	if !found.concerns(n, began) {
		return 0, 0, false
	}
	return s.now().Sub(found.read), len(found.missing(n)) + len(found.mentioned), s.mendable(found)
}

// Stats describes the store for metrics.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := Stats{Hits: s.counts.hits, Scans: s.counts.scans, Mends: s.counts.mends, Failures: s.counts.failures}
	if found := s.living(); found != nil {
		stats.Kept, stats.Resources, stats.Age = true, len(found.objects), s.now().Sub(found.read)
	}
	return stats
}

// Known returns a resource as the kept reading has it, or nil. It may be out of
// date: it is good for calling the resource by its name, and costs nothing.
func (s *Store) Known(id string) query.Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.living()
	if kept == nil {
		return nil
	}
	kept.apply()
	for _, o := range kept.objects {
		if o.Text("id") == id {
			return o
		}
	}
	return nil
}

// living returns the kept snapshot if its time is not over.
func (s *Store) living() *snapshot {
	if s.kept != nil && !s.now().Before(s.kept.complete.Add(s.ttl)) {
		s.release()
	}
	return s.kept
}

// release keeps nothing any longer.
func (s *Store) release() {
	if s.kept != nil {
		s.kept.end(s.tick())
		s.kept = nil
	}
}

func (s *Store) tick() uint64 {
	s.clock++
	return s.clock
}

// start begins a reading for the request of ctx, which is charged for it but
// does not end it: it mends base where that will do and is less work, or reads
// everything.
func (s *Store) start(ctx context.Context, base *snapshot, n Need, began uint64) *reading {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &reading{began: s.tick(), into: base, cancel: cancel, done: make(chan struct{})}
	s.reading = r
	if base.concerns(n, began) && s.mendable(base) {
		ids := base.missing(n)
		s.counts.mends++
		go s.run(r, func() ([]query.Object, error) { return s.reread(ctx, ids) }, func(found []query.Object) { base.mend(ids, found, r.began) })
		return r
	}
	s.counts.scans++
	r.into = newSnapshot(r.began, s.now(), s.links)
	go s.run(r, func() ([]query.Object, error) { return s.scan(ctx, n.most) }, func(found []query.Object) { s.keep(r.into, found) })
	return r
}

// mendable reports whether reading again what is outdated is cheaper than a
// scan. What a scan leaves bare is read one by one in any case.
func (s *Store) mendable(base *snapshot) bool {
	return len(base.outdated) <= s.price(len(base.objects))
}

func (s *Store) run(r *reading, read func() ([]query.Object, error), finish func([]query.Object)) {
	defer r.cancel()
	found, err := guarded(read)
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(r.done)
	r.err = err
	if err != nil && !errors.Is(err, errLonger) {
		s.counts.failures++
	}
	if s.reading != r {
		return // given up: nobody waits, and own writes were not told to it
	}
	s.reading = nil
	if err == nil {
		finish(found)
	}
}

// guarded makes an error of a panic: the goroutine is not the one that serves a
// request, and the program must not end with it.
func guarded(read func() ([]query.Object, error)) (found []query.Object, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("scim: panic while reading: %v\n%s", p, debug.Stack())
		}
	}()
	return read()
}

// keep completes a snapshot and makes it the one for requests to come, unless
// an own write of unknown outcome has spoilt it meanwhile.
func (s *Store) keep(done *snapshot, found []query.Object) {
	done.complete = s.now()
	done.replace(found)
	s.release()
	if s.ttl <= 0 {
		done.end(s.tick())
	}
	if done.until == 0 {
		s.kept = done
		time.AfterFunc(s.ttl, s.expire)
	}
}

// expire gives the memory back when nobody asks any more.
func (s *Store) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.living()
}

// wait unlocks the store until r is done, or until ctx ends.
func (s *Store) wait(ctx context.Context, r *reading) error {
	r.waiting++
	s.mu.Unlock()
	defer s.mu.Lock()
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		s.leave(r)
		return &resource.Error{Status: http.StatusGatewayTimeout, Detail: "Atlassian did not answer in time.", Err: ctx.Err()}
	}
}

func (s *Store) leave(r *reading) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.waiting--; r.waiting == 0 {
		r.cancel()
		if s.reading == r {
			s.reading = nil // whoever comes next begins anew
		}
	}
}

// Begin returns the moment that a write begins, for note.
func (s *Store) Begin() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tick()
}

// Listens reports whether anybody needs to be told of a write that is done. A
// reading that begins later sees it.
func (s *Store) Listens() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept != nil || s.reading != nil
}

// Note tells what a write that began at since made of a resource. A nil object
// says that it is gone.
func (s *Store) Note(id string, o query.Object, since uint64) {
	s.tell(func(told *snapshot, now uint64) { told.set(id, o, since, now) })
}

// Doubt tells that resources have changed in a way that only upstream knows.
func (s *Store) Doubt(ids ...string) {
	s.tell(func(told *snapshot, now uint64) {
		for _, id := range ids {
			told.doubt(id, now)
		}
	})
}

// Mention tells that something happened to a resource of the other type, which
// is seen in those that link to it.
func (s *Store) Mention(id string) {
	s.tell(func(told *snapshot, now uint64) {
		if _, ok := told.mentioned[id]; !ok {
			told.mentioned[id] = now
		}
	})
}

// Drop tells that anything may have changed.
func (s *Store) Drop() {
	s.tell(func(told *snapshot, now uint64) { told.end(now) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release()
}

// tell gives news to the snapshot that is kept and to the one being read.
func (s *Store) tell(news func(told *snapshot, now uint64)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.tick()
	if s.kept != nil {
		news(s.kept, now)
	}
	if s.reading != nil && s.reading.into != s.kept {
		news(s.reading.into, now)
	}
}
