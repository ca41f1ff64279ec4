package mirror

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"scim-atlassian/scim/changes"
	"scim-atlassian/scim/paging"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/sent"
	"scim-atlassian/scim/table"
)

// store keeps the rows of one type for the queries of all callers. At most one
// reading is under way, and every request that needs it waits; it goes on to its
// end when they give up, for the next one. A store is safe for concurrent use.
//
// A scan puts each page into the rows as it comes, so that rows are never older
// than the base says, the last scan that reached its end; only the end of a scan
// takes rows away. Own writes are told to the rows (see Write), so that a request
// sees every write that was confirmed before the request began. For that the store
// counts moments: every request, every write and every page is one. The answer to
// a write is believed if nothing else touched the resource since the moment the
// write began. Otherwise, and where an answer does not tell all, the resource is in
// doubt and is read again when a request next needs it. Nothing is guessed.
type store struct {
	ttl time.Duration // age at which a base is too old; 0: none is kept
	now func() time.Time
	// scan reads all resources and returns their ids in upstream's order. It hands each
	// page to the scanner as it comes, and asks upstream for none that this has already.
	// It fails with paging.ErrLonger, after one call at most, if there are more than most; 0
	// sets no limit.
	scan func(ctx context.Context, most int, s scanner) ([]string, error)
	// reread reads resources by id, with their links, and leaves out those that
	// are gone.
	reread func(ctx context.Context, ids []string) ([]query.Object, error)
	price  func(total int) int // upstream calls of a scan of that many resources
	rows   *table.Table
	links  resource.Links
	// fed returns the time up to which hints have told of every change, and since when;
	// nil: there are none that are trusted.
	fed     func() (upTo, since time.Time)
	fedMost time.Duration // for how long after a reading they count
	// gone recognizes the error of a scan which says that there is no such list; nil: none does.
	gone func(error) bool
	// journal writes what happens to the state; nil: nothing outlives the process.
	journal *journal

	mu       sync.Mutex        // guards the fields below
	clock    uint64            // the present moment
	base     *base             // the last complete scan; nil: there was none
	reading  *reading          // the one under way; nil: there is none
	touched  map[string]touch  // by id: an own write last concerned the resource
	linked   map[string]touch  // by id of the other type: that resource changed, and with it those that link to it
	outdated map[string]uint64 // by id: the resource must be read again for requests that begin later
	counts   storeCounts
	version  uint64    // changes with the rows
	alarm    string    // why the last scan was not believed; empty: it was
	alarmed  time.Time // when
	accept   bool      // the next scan is believed
}

// base is a scan that reached its end. Rows are at least as young.
type base struct {
	began    uint64    // the moment at which it began
	read     time.Time // the time of that
	complete time.Time // when it ended; zero: it is under way
	until    uint64    // requests that begin at this moment or later need another one; 0: none does
}

// touch is the last own write that concerned a resource.
type touch struct {
	moment uint64
	told   uint64 // the moment at which the row became what a write had told; 0: none did
	at     time.Time
}

// storeCounts counts what a store has done since it was made, see Stats.
type storeCounts struct{ hits, scans, mends, failures, byProof uint64 }

// reading is a scan, or the mending of rows, that is under way.
type reading struct {
	began uint64
	// resumes says that the scan may go on with one that was not finished before.
	resumes bool
	edges   map[string]uint64 // of a scan, by id: the moment of the newest page with a resource at its edge
	base    *base             // what a scan makes; nil: the reading mends
	done    chan struct{}     // closed when it has ended
	err     error             // why it failed; read it after done
	since   time.Time         // when it began
	sofar   int               // resources that a scan has read since then; guarded by the mutex of the store
	total   int               // resources that there are; likewise
}

func newStore(links resource.Links, ttl time.Duration, now func() time.Time) *store {
	return &store{ttl: ttl, now: now, rows: table.New(links), links: links, touched: map[string]touch{}, linked: map[string]touch{}, outdated: map[string]uint64{}}
}

// all returns all resources, from a reading as n asks for, with every own write
// that was confirmed before. If the reading fails, so does every request that
// waited for it; a request that could not have used its result, because the
// reading began too early or had a lower limit, waits for another one. When ctx
// ends first, the error is a 503 that says when to come again, and the reading goes on.
func (s *store) all(ctx context.Context, n Need) (View, error) {
	if err := s.settle(); err != nil {
		return View{}, err
	}
	n.Fresh = n.Fresh || s.ttl <= 0
	s.mu.Lock()
	defer s.mu.Unlock()
	began, found, waited := s.tick(), s.living(), false
	for !s.answers(found, n, began) {
		r := s.reading
		if r == nil {
			r = s.start(ctx, found, n, began)
		}
		if err := s.wait(ctx, r); err != nil {
			return View{}, err
		}
		waited = true
		if r.base != nil {
			found = r.base
		}
		if errors.Is(r.err, errDoubted) && s.base != nil && !n.Fresh {
			return s.view(s.base, true), nil
		}
		if r.err != nil {
			found = nil
			others := n.Fresh && r.began < began || n.Most == 0 && errors.Is(r.err, paging.ErrLonger)
			if !others {
				return View{}, r.err
			}
		}
	}
	if !waited {
		s.counts.hits++
	}
	return s.view(found, found.began < began), nil
}

// view returns the rows as the base b has them.
func (s *store) view(b *base, kept bool) View {
	v := View{Rows: s.rows, Kept: kept, Version: s.version, Age: s.now().Sub(b.read)}
	if s.journal != nil {
		v.AsOf, v.Proven = s.asOf(b), b.read
	}
	return v
}

// peek returns all resources if no upstream call is needed for that.
func (s *store) peek(n Need) (View, bool) {
	if s.settle() != nil {
		return View{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.living()
	if n.Fresh || !s.answers(found, n, s.tick()) {
		return View{}, false
	}
	s.counts.hits++
	return s.view(found, true), true
}

// answers reports whether the rows are good enough, with b as their base, for a
// request that has the need n and began at that moment. A nil base is not.
func (s *store) answers(b *base, n Need, began uint64) bool {
	if !s.concerns(b, n, began) || n.Links && len(s.rows.Bare()) > 0 {
		return false
	}
	for _, since := range s.outdated {
		if since <= began {
			return false
		}
	}
	return true
}

// concerns reports whether rows with the base b can serve the request once the
// missing resources are read again.
func (s *store) concerns(b *base, n Need, began uint64) bool {
	return b != nil && (b.until == 0 || began < b.until) && (!n.Fresh || b.began > began) && !s.asOf(b).Before(n.Since)
}

// asOf is when the oldest reading began that the rows rest on with the base b, or up to
// when hints have told of every change since.
func (s *store) asOf(b *base) time.Time {
	if fed := s.fedAt(); b == s.base && fed.After(b.read) {
		return fed
	}
	return b.read
}

// missing lists the ids of the resources that must be read again before the rows
// serve a request with the need n.
func (s *store) missing(n Need) []string {
	ids := slices.Sorted(maps.Keys(s.outdated))
	if n.Links {
		for _, id := range s.rows.Bare() {
			if _, listed := s.outdated[id]; !listed {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// outlook returns the age of the base and an estimate of the upstream calls that
// all would make to bring the rows up to date. ok is false if all would read
// everything anew.
func (s *store) outlook(n Need) (age time.Duration, calls int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, began := s.living(), s.tick()
	if !s.concerns(found, n, began) {
		return 0, 0, false
	}
	return s.now().Sub(found.read), len(s.missing(n)), s.mendable()
}

// stats describes the store; its Type is empty.
func (s *store) stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := Stats{Hits: s.counts.hits, Scans: s.counts.scans, Mends: s.counts.mends, Failures: s.counts.failures, OnlyByProof: s.counts.byProof}
	if found := s.living(); found != nil {
		stats.Kept, stats.Resources, stats.Age = true, s.rows.Len(), s.now().Sub(found.read)
	}
	if s.base != nil {
		stats.Resources = s.rows.Len()
		stats.Proven, stats.ProvenAge = s.base.read, s.now().Sub(s.base.read)
		stats.AsOfAge = s.now().Sub(s.asOf(s.base))
	}
	stats.Alarm = s.alarm
	if r := s.reading; r != nil && r.base != nil {
		stats.Reading, stats.Read, stats.Total = true, r.sofar, r.total
	}
	return stats
}

// living returns the base, or nil if there is none that is young enough.
func (s *store) living() *base {
	if s.base == nil || s.base.until != 0 {
		return nil
	}
	since := s.base.complete
	if s.alarm != "" {
		since = s.alarmed
	}
	if fed := s.fedAt(); fed.After(since) {
		since = fed
	}
	if !s.now().Before(since.Add(s.ttl)) {
		return nil
	}
	return s.base
}

// tick returns a new moment, later than all before.
func (s *store) tick() uint64 {
	s.clock++
	return s.clock
}

// moment is tick for a caller that does not hold the mutex.
func (s *store) moment() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tick()
}

// start begins a reading for a request that began at that moment. It mends the
// rows where that is enough and cheaper, else it reads everything. The calls count
// for the request of ctx, but the reading does not end with it.
func (s *store) start(ctx context.Context, found *base, n Need, began uint64) *reading {
	ctx = context.WithoutCancel(ctx)
	r := &reading{began: s.tick(), since: s.now(), resumes: !n.Fresh && n.Since.IsZero() || n.Resume, done: make(chan struct{})}
	s.reading = r
	if s.concerns(found, n, began) && s.mendable() {
		ids := s.missing(n)
		s.counts.mends++
		go s.run(r, func() error { return s.readAgain(ctx, r, ids) })
		return r
	}
	s.counts.scans++
	r.base = &base{began: r.began, read: s.now()}
	go s.run(r, func() error { return s.readAll(ctx, r, n.Most) })
	return r
}

// mendable reports whether reading the outdated resources one by one is cheaper
// than a scan. Resources without links do not count, since after a scan they
// would be read one by one too.
func (s *store) mendable() bool { return len(s.outdated) <= s.price(s.rows.Len()) }

// readAgain is a reading that mends: of the resources with these ids.
func (s *store) readAgain(ctx context.Context, r *reading, ids []string) error {
	found, err := s.reread(ctx, ids)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.mend(ids, found, r.began)
	s.mu.Unlock()
	return s.settle()
}

// retryAfter is the least Retry-After of a request that has to come again.
const retryAfter = 5 * time.Second

// storedPage is a page of a scan that was read before, by whichever process.
type storedPage struct {
	ids   []string
	total int // resources of the whole list, as upstream told with it
}

// scanner is what a scan reports to.
type scanner struct {
	tick func() uint64 // returns the moment before a page is asked for
	// took takes over a page that was asked for after moment, and that stands at a
	// position of a list of so many.
	took func(moment uint64, position, total int, page *sent.Listing)
	// has returns the page at a position that need not be read, once: whoever asks for
	// it again wants to know what is there now.
	has func(position int) (storedPage, bool)
}

// readAll is a scan.
func (s *store) readAll(ctx context.Context, r *reading, most int) error {
	seen := map[string]struct{}{}
	done, release, err := s.takeTurn(ctx, r)
	if done || err != nil {
		return err
	}
	defer release()
	has := s.beginScan(r)
	for _, page := range has {
		for _, id := range page.ids {
			seen[id] = struct{}{}
		}
	}
	ids, err := s.scan(ctx, most, scanner{tick: s.moment, has: s.once(has), took: func(moment uint64, position, total int, page *sent.Listing) {
		s.prepare(page)
		s.mu.Lock()
		r.sofar, r.total = r.sofar+page.Len(), total
		for i := range page.Len() {
			seen[page.ID(i)] = struct{}{}
		}
		s.merge(moment, page, r.newest(moment, page))
		s.mu.Unlock()
		s.keepPage(position, total, page)
	}})
	if err != nil {
		return s.vanished(err)
	}
	s.mu.Lock()
	err = s.close(r, ids, seen)
	s.mu.Unlock()
	if err == nil {
		s.keepScan()
	}
	return err
}

// once returns a function that hands out each of the pages once.
func (s *store) once(pages map[int]storedPage) func(position int) (storedPage, bool) {
	return func(position int) (storedPage, bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		page, ok := pages[position]
		delete(pages, position)
		return page, ok
	}
}

// prepare makes the objects of a page while nobody holds the mutex, where all of them
// will be needed.
func (s *store) prepare(page *sent.Listing) {
	s.mu.Lock()
	all := s.base == nil || s.journal != nil && s.journal.scan != 0
	s.mu.Unlock()
	for i := 0; all && i < page.Len(); i++ {
		page.Object(i)
	}
}

// newest lists the indices of a page that was asked for after moment without those of
// the resources at its edges that a page asked for later has told of already: pages
// share their edges.
func (r *reading) newest(moment uint64, page *sent.Listing) []int {
	if r.edges == nil {
		r.edges = map[string]uint64{}
	}
	kept := make([]int, 0, page.Len())
	for i := range page.Len() {
		if i == 0 || i == page.Len()-1 {
			id := page.ID(i)
			if r.edges[id] > moment {
				continue
			}
			r.edges[id] = moment
		}
		kept = append(kept, i)
	}
	return kept
}

// merge takes over resources of a page of a scan, which was asked for after moment.
// What an own write has told since then is newer than the page.
func (s *store) merge(moment uint64, page *sent.Listing, indices []int) {
	news, from := make([]query.Object, 0, len(indices)), make([]int, 0, len(indices))
	for _, i := range indices {
		id := page.ID(i)
		if s.touched[id].told > moment {
			continue
		}
		if _, same := s.same(page, i); same {
			continue
		}
		if s.touched[id].moment <= moment {
			delete(s.outdated, id)
		}
		news, from = append(news, page.Object(i)), append(from, i)
	}
	if len(news) == 0 {
		return
	}
	s.put(foundByScan, news...)
	for _, i := range from {
		modified := changes.Modified(page.Object(i))
		if s.base != nil {
			modified = s.modified(page.ID(i))
		}
		s.rows.Mark(page.ID(i), page.Bytes(i), modified)
	}
	s.suspect(moment, news...)
}

// close ends a scan that has read everything: what it did not see is gone, unless
// an own write made it meanwhile.
func (s *store) close(r *reading, ids []string, seen map[string]struct{}) error {
	var gone []string
	for _, id := range s.rows.IDs() {
		if _, ok := seen[id]; !ok && s.touched[id].moment <= r.began {
			gone = append(gone, id)
		}
	}
	if err := s.believable(len(gone)); err != nil {
		return err
	}
	for _, id := range gone {
		s.remove(foundByScan, id)
	}
	s.rows.Arrange(ids)
	r.base.complete = s.now()
	if s.ttl <= 0 && r.base.until == 0 {
		r.base.until = s.tick()
	}
	s.base = r.base
	s.forget()
	return nil
}

// The sources of changes, as the log names them.
const (
	foundByScan = "scan"  // a reading of everything
	foundByRead = "read"  // a reading of single resources
	ownWrite    = "write" // of this server
)

// touchedFor is how long a touch is remembered: longer than any request or page
// can take.
const touchedFor = 10 * time.Minute

// forget drops the touches that no write and no page can overlap with any more.
func (s *store) forget() {
	old := s.now().Add(-touchedFor)
	maps.DeleteFunc(s.touched, func(_ string, t touch) bool { return t.at.Before(old) })
	maps.DeleteFunc(s.linked, func(_ string, t touch) bool { return t.at.Before(old) })
}

// put enters resources into the rows. It returns the change of the last one, as far as
// that is known.
func (s *store) put(source string, objects ...query.Object) (change changes.Change) {
	s.version++
	if s.journal == nil || s.base == nil && source != ownWrite { // nothing is known yet that could have changed
		s.rows.Put(objects...)
		return changes.Change{}
	}
	for _, o := range objects {
		change = s.enter(source, o)
	}
	return change
}

// remove takes a resource out of the rows.
func (s *store) remove(source, id string) {
	s.version++
	if s.journal == nil {
		s.rows.Delete(id)
	} else {
		s.leave(source, id)
	}
	delete(s.outdated, id)
}

// set takes over what an operation, begun at since, told of a resource, the only one of
// l; nil says that it is gone, which is final. If another operation touched the
// resource meanwhile, or this one began before the last scan did, the order of the
// two is unknown, and the resource is in doubt. It returns what put does.
func (s *store) set(id string, l *sent.Listing, since, now uint64) (change changes.Change) {
	last := s.touched[id].moment
	s.touch(id, now)
	switch {
	case l == nil:
		s.remove(ownWrite, id)
		s.told(id, now)
	case since < s.scanBegan() || last > since:
		s.doubt(id, now)
	default:
		if _, same := s.same(l, 0); !same {
			change = s.put(ownWrite, l.Object(0))
			s.rows.Mark(id, l.Bytes(0), s.modified(id))
		}
		s.told(id, now)
		delete(s.outdated, id)
		if len(s.linked) > 0 {
			s.suspect(since, l.Object(0))
		}
	}
	return change
}

// scanBegan is the moment at which the last scan began, under way or complete.
func (s *store) scanBegan() uint64 {
	switch {
	case s.reading != nil && s.reading.base != nil:
		return s.reading.began
	case s.base != nil:
		return s.base.began
	}
	return 0
}

func (s *store) touch(id string, moment uint64) {
	t := s.touched[id]
	s.touched[id] = touch{max(t.moment, moment), t.told, s.now()}
}

// told notes that the row of a resource is what an own write told at that moment.
func (s *store) told(id string, moment uint64) {
	t := s.touched[id]
	t.told = moment
	s.touched[id] = t
}

// doubt marks a resource: requests that begin after now need it read again.
func (s *store) doubt(id string, now uint64) {
	s.touch(id, now)
	if since, ok := s.outdated[id]; !ok || now < since {
		s.outdated[id] = now
	}
	s.noteDoubt(id)
}

// touchedLink puts every resource in doubt that links to one of the other type
// which changed: a group that shows the name of a user who was renamed, say.
func (s *store) touchedLink(id string, now uint64) {
	s.linked[id] = touch{moment: now, at: s.now()}
	for _, linking := range s.rows.Linking(id) {
		s.doubt(linking, now)
	}
	for _, bare := range s.rows.Bare() { // their links are unknown
		s.doubt(bare, now)
	}
}

// suspect puts in doubt those of the objects, which were read or written from a moment
// on, that link to a resource which changed after it: they may show it as it was.
func (s *store) suspect(moment uint64, objects ...query.Object) {
	if len(s.linked) == 0 {
		return
	}
	for _, o := range objects {
		for id := range s.links.Of(o) {
			if s.linked[id].moment > moment {
				s.doubt(o.Text("id"), s.tick())
				break
			}
		}
	}
}

// mend takes over the resources with these ids, which were read again from since
// on; those that are not in found are gone. A resource that an own write touched
// meanwhile serves requests that began before since, and is outdated for others.
func (s *store) mend(ids []string, found []query.Object, since uint64) {
	there := make(map[string]bool, len(found))
	for _, o := range found {
		id := o.Text("id")
		there[id] = true
		if s.touched[id].told <= since {
			s.put(foundByRead, o)
		}
	}
	for _, id := range ids {
		if !there[id] {
			s.remove(foundByRead, id)
		}
		delete(s.outdated, id)
		if s.touched[id].moment > since {
			s.outdated[id] = since
		}
	}
	s.suspect(since, found...)
}

// run makes the upstream calls of a reading without holding the mutex, and then
// ends the reading: the error is set and the next reading possible before done is
// closed.
func (s *store) run(r *reading, read func() error) {
	err := recovered(read)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && !errors.Is(err, paging.ErrLonger) {
		s.counts.failures++
	}
	r.err, s.reading = err, nil
	close(r.done)
}

// recovered calls read and returns a panic as an error. read runs in a goroutine
// of its own, where a panic would end the program.
func recovered(read func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("scim: panic while reading: %v\n%s", p, debug.Stack())
		}
	}()
	return read()
}

// wait returns when r is done, or with an error when ctx ends first. It releases
// the mutex, which the caller holds, for that time.
func (s *store) wait(ctx context.Context, r *reading) error {
	s.mu.Unlock()
	defer s.mu.Lock()
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return s.unfinished(r, ctx.Err())
	}
}

// unfinished is the error of a request that has waited for a reading as long as it
// could. It says how long the rest will take at the pace so far.
func (s *store) unfinished(r *reading, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := &resource.Error{Status: http.StatusServiceUnavailable, RetryAfter: retryAfter, Err: err,
		Detail: "Atlassian's list is still being read, and the reading goes on; ask again."}
	if r.sofar > 0 && r.total > r.sofar {
		left := float64(r.total-r.sofar) / float64(r.sofar) * float64(s.now().Sub(r.since))
		e.RetryAfter = max(retryAfter, time.Duration(left))
		e.Detail = fmt.Sprintf("Of Atlassian's list of %d, %d are read so far, and the reading goes on; ask again.", r.total, r.sofar)
	}
	return e
}

// begin returns the news of a write that begins now.
func (s *store) begin() Write { return Write{s, s.moment()} }

// listens reports whether news is of use: there are rows, or a scan is under way.
// A scan that begins later sees a finished write anyway.
func (s *store) listens() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.base != nil || s.reading != nil
}

// tell hands news to the rows, if there are any.
func (s *store) tell(news func(now uint64)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.tick(); s.base != nil || s.reading != nil {
		news(now)
	}
}

// drop makes the base useless to later requests, and the scan under way too.
func (s *store) drop() {
	s.tell(func(now uint64) {
		for _, b := range []*base{s.base, s.scanning()} {
			if b != nil && b.until == 0 {
				b.until = now
			}
		}
		s.noteDrop()
	})
}

// scanning returns the base that the scan under way will make, nil if there is none.
func (s *store) scanning() *base {
	if s.reading == nil {
		return nil
	}
	return s.reading.base
}
