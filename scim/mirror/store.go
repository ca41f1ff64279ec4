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

// store keeps the last complete reading of one type, a snapshot, for the queries
// of all callers. At most one reading is under way; every request that needs it
// waits, and when the last one gives up the reading ends. A store is safe for
// concurrent use.
//
// Own writes are told to the snapshot and to the reading under way (see Write),
// so that a request sees every write that was confirmed before the request began.
// For that the store counts moments: every request and every write is one. The
// answer to a write is believed if nothing else touched the resource since the
// moment the write began. Otherwise, and where an answer does not tell all, the
// resource is in doubt and is read again when a request next needs it. Nothing is
// guessed.
type store struct {
	ttl time.Duration // age at which a snapshot is dropped; 0: none is kept
	now func() time.Time
	// scan reads all resources, each once. It fails with errLonger, after one call
	// at most, if there are more than most; 0 sets no limit.
	scan func(ctx context.Context, most int) ([]query.Object, error)
	// reread reads resources by id, with their links, and leaves out those that
	// are gone.
	reread func(ctx context.Context, ids []string) ([]query.Object, error)
	price  func(total int) int // upstream calls of a scan of that many resources
	links  resource.Links

	mu      sync.Mutex // guards the fields below, and every snapshot
	clock   uint64     // the present moment
	kept    *snapshot  // the last complete reading; nil: there is none
	reading *reading   // the one under way; nil: there is none
	counts  storeCounts
}

// storeCounts counts what a store has done since it was made, see Stats.
type storeCounts struct{ hits, scans, mends, failures uint64 }

// Need says which readings are good enough for a request. The zero Need accepts
// any snapshot that is kept.
type Need struct {
	Fresh bool      // only a reading that began after the request did
	Since time.Time // only a reading that began at this time or later; zero: any
	Links bool      // the links too, which upstream may leave out of its list
	most  int       // the request fails with errLonger if there are more resources; 0: no limit
}

// View is all resources of a type as one request sees them.
type View struct {
	Objects []query.Object // in upstream's order; shared, nobody may write to it
	Kept    bool           // the reading began before the request did
	age     time.Duration  // since the reading began
}

// reading is a scan, or the mending of a snapshot, that is under way.
type reading struct {
	began   uint64
	into    *snapshot          // the snapshot that it fills or mends
	waiting int                // requests that wait for it; at 0 it is canceled
	cancel  context.CancelFunc // ends its upstream calls
	done    chan struct{}      // closed when it has ended
	err     error              // why it failed; read it after done
}

// all returns all resources, from a reading as n asks for, with every own write
// that was confirmed before. If the reading fails, so does every request that
// waited for it; a request that could not have used its result, because the
// reading began too early or had a lower limit, waits for another one. When ctx
// ends first, the error is of the kind Timeout or Canceled.
func (s *store) all(ctx context.Context, n Need) (View, error) {
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

// peek returns all resources if no upstream call is needed for that.
func (s *store) peek(n Need) (View, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.living()
	if n.Fresh || !found.answers(n, s.tick()) {
		return View{}, false
	}
	s.counts.hits++
	return View{found.objects, true, s.now().Sub(found.read)}, true
}

// outlook returns the age of the snapshot and an estimate of the upstream calls
// that all would make to bring it up to date. ok is false if all would read
// everything anew.
func (s *store) outlook(n Need) (age time.Duration, calls int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, began := s.living(), s.tick()
	if !found.concerns(n, began) {
		return 0, 0, false
	}
	return s.now().Sub(found.read), len(found.missing(n)) + len(found.touchedLinks), s.mendable(found)
}

// stats describes the store; its Type is empty.
func (s *store) stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := Stats{Hits: s.counts.hits, Scans: s.counts.scans, Mends: s.counts.mends, Failures: s.counts.failures}
	if found := s.living(); found != nil {
		stats.Kept, stats.Resources, stats.Age = true, len(found.objects), s.now().Sub(found.read)
	}
	return stats
}

// known returns a resource of the snapshot, or nil.
func (s *store) known(id string) query.Object {
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

// living returns the snapshot, or nil if there is none that is young enough.
func (s *store) living() *snapshot {
	if s.kept != nil && !s.now().Before(s.kept.complete.Add(s.ttl)) {
		s.release()
	}
	return s.kept
}

// release drops the snapshot. Requests that wait for its mending still get it.
func (s *store) release() {
	if s.kept != nil {
		s.kept.end(s.tick())
		s.kept = nil
	}
}

// tick returns a new moment, later than all before.
func (s *store) tick() uint64 {
	s.clock++
	return s.clock
}

// start begins a reading for a request that began at that moment. It mends base
// where that is enough and cheaper, else it reads everything. The calls count for
// the request of ctx, but the reading goes on when ctx ends, for others may wait.
func (s *store) start(ctx context.Context, base *snapshot, n Need, began uint64) *reading {
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

// mendable reports whether reading the outdated resources one by one is cheaper
// than a scan. Resources without links do not count, since after a scan they
// would be read one by one too.
func (s *store) mendable(base *snapshot) bool {
	return len(base.outdated) <= s.price(len(base.objects))
}

// run makes the upstream calls of a reading without holding the mutex, and then
// ends the reading: the error is set, the snapshot complete and the next reading
// possible before done is closed, all within one hold of the mutex. No request
// can see a part of that.
func (s *store) run(r *reading, read func() ([]query.Object, error), finish func([]query.Object)) {
	found, err := recovered(read)
	r.cancel() // releases its context; there are no calls left to end
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finish(r, found, err, finish)
	close(r.done)
}

func (s *store) finish(r *reading, found []query.Object, err error, apply func([]query.Object)) {
	r.err = err
	if err != nil && !errors.Is(err, errLonger) {
		s.counts.failures++
	}
	if s.reading != r {
		return // canceled: no request waits, and own writes were not told to it
	}
	s.reading = nil
	if err == nil {
		apply(found)
	}
}

// recovered calls read and returns a panic as an error. read runs in a goroutine
// of its own, where a panic would end the program.
func recovered(read func() ([]query.Object, error)) (found []query.Object, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("scim: panic while reading: %v\n%s", p, debug.Stack())
		}
	}()
	return read()
}

// keep completes a snapshot and keeps it for the requests to come, unless a write
// of unknown outcome came meanwhile. The timer only gives memory back when no
// request comes any more; living alone decides, by the clock now, whether a
// snapshot is too old.
func (s *store) keep(done *snapshot, found []query.Object) {
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

// expire drops the snapshot if it is too old.
func (s *store) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.living()
}

// wait returns when r is done, or with an error when ctx ends first. It releases
// the mutex, which the caller holds, for that time.
func (s *store) wait(ctx context.Context, r *reading) error {
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

// leave takes a request that has given up from those that wait for r, and ends r
// if it was the last one. The next request begins a reading anew.
func (s *store) leave(r *reading) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.waiting--; r.waiting == 0 {
		r.cancel()
		if s.reading == r {
			s.reading = nil
		}
	}
}

// begin returns the news of a write that begins now.
func (s *store) begin() Write {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Write{s, s.tick()}
}

// listens reports whether news is of use: there is a snapshot or a reading under
// way. A reading that begins later sees a finished write anyway.
func (s *store) listens() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept != nil || s.reading != nil
}

// tell hands news to the snapshot and to the reading under way.
func (s *store) tell(news func(told *snapshot, now uint64)) {
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

// drop makes the snapshot useless to later requests, and the reading under way too.
func (s *store) drop() {
	s.tell(func(told *snapshot, now uint64) { told.end(now) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release()
}
