package mirror

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"scim-atlassian/scim/changes"
	"scim-atlassian/scim/packed"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/sent"
	"scim-atlassian/scim/state"
	"scim-atlassian/scim/table"
)

// journal writes what becomes of the rows of a store to the state: every change
// with its entry in the log, and every page of a scan. The mutex of the store
// guards its fields.
type journal struct {
	state *state.Store
	typ   string // the rows' type, as the log names it
	links resource.Links

	turn    sync.Mutex      // held while the state is written to; taken before the mutex of the store
	pages   []state.Page    // of the scan, read and not yet in the state
	pending []news          // what the state does not have yet, in order
	away    error           // why the state could not be reached; nil: it could
	failed  time.Time       // when that was, by the machine's clock
	scan    int64           // id of the scan whose pages are written; 0: none is
	before  *table.Table    // the rows that have links, as they were when a list without links came over them
	doubted map[string]bool // by id: the state has the resource in doubt
	seen    int64           // number of the last commit that the rows have
	refused int64           // id of the last scan that was not believed
	base    int64           // id of the last complete scan that the rows have
	owner   string          // of this process among those that share the state
	lease   *state.Lease    // the right to scan, where the state is shared; nil: it is not held
}

func newJournal(s *state.Store, typ string, links resource.Links) *journal {
	return &journal{state: s, typ: typ, links: links, before: table.New(links), doubted: map[string]bool{}, owner: rand.Text()}
}

// news is a row that changed.
type news struct {
	resource state.Resource
	change   *state.Change // nil: nothing that a client sees
}

// stateTimeout bounds one use of the state, and loadTimeout the reading of all rows. After
// a failure the state is left alone for stateRest: many requests fail at once then, and
// do not wait for it one after the other.
const (
	stateTimeout = 5 * time.Second
	loadTimeout  = 5 * time.Minute
	stateRest    = time.Second
)

func stateContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), stateTimeout)
}

// enter is put for a store with a journal: it takes over one resource, and notes
// what changed. The resource gets the time of the change as meta.lastModified, if
// that is later than upstream's.
func (s *store) enter(source string, o query.Object) (what changes.Change) {
	j, id := s.journal, o.Text("id")
	bare := j.links.Missing(o)
	if dated := changes.Dated(o, s.modified(id)); s.rows.Holds(dated) {
		if j.doubted[id] {
			s.note(news{resource: s.resource(dated)})
		}
		return what
	}
	old := s.rows.Get(id)
	if s.base == nil { // what others changed is not known yet, and the pages read so far do not have this
		s.rows.Put(o)
		s.note(news{resource: s.resource(o)})
		return what
	}
	known := old
	if known != nil && j.links.Missing(known) {
		if full := j.before.Get(id); full != nil {
			known = withLinks(known, full, j.links.Name)
		}
	}
	o = changes.Dated(o, changes.Modified(old))
	what = changes.Between(known, o, j.links)
	if len(what.Names) > 0 {
		o = changes.Dated(o, changes.CeilMillisecond(s.now()))
	}
	switch {
	case !bare:
		j.before.Delete(id)
	case known != nil && !j.links.Missing(known):
		j.before.Put(known)
	}
	if old != nil && query.Equal(old, o) {
		return what
	}
	s.rows.Put(o)
	if bare && known != nil && len(what.Names) == 0 && !j.doubted[id] {
		return what // what is stored is as true as it was
	}
	n := news{resource: s.resource(o)}
	if len(what.Names) > 0 {
		n.change = &state.Change{Type: j.typ, ID: id, Op: state.Update, Source: source, Names: what.Names, Before: what.Encode(known)}
		if known == nil {
			n.change.Op, n.change.Names, n.change.Before = state.Create, nil, nil
		}
		s.count(source)
	}
	s.note(n)
	return what
}

// resource returns a row as the state keeps it.
func (s *store) resource(o query.Object) state.Resource {
	r := state.Resource{Type: s.journal.typ, ID: o.Text("id")}
	if s.journal.state.Durable() { // else nobody reads it
		r.Doc = packed.Encode(nil, s.stored(o))
	}
	return r
}

// note has news written by the next flush. The resource is in doubt no more.
func (s *store) note(n news) {
	delete(s.journal.doubted, n.resource.ID)
	s.journal.pending = append(s.journal.pending, n)
}

// The marks of stored resources that are none of their attributes.
const (
	doubtMark  = "\x00doubt" // it must be read again
	droppedRow = "*"         // id of a resource that stands for all: they must be read again
)

// noteDoubt has the state know that a resource must be read again, by this process,
// by another one that shares the state, or after a restart.
func (s *store) noteDoubt(id string) {
	j := s.journal
	if j == nil || j.doubted[id] || !j.state.Durable() {
		return
	}
	o := s.rows.Get(id)
	if o == nil {
		o = query.Object{{Name: "id", Value: id}}
	}
	s.note(news{resource: s.resource(append(slices.Clip(s.stored(o)), query.Member{Name: doubtMark, Value: true}))})
	j.doubted[id] = true
}

// noteDrop has the state know that everything must be read again.
func (s *store) noteDrop() {
	if j := s.journal; j != nil && j.state.Durable() {
		s.note(news{resource: state.Resource{Type: j.typ, ID: droppedRow, Doc: []byte{0}}})
	}
}

// stored returns a resource as it is stored: one that was listed without links
// with those that were known before, and a mark.
func (s *store) stored(o query.Object) query.Object {
	j := s.journal
	if !j.links.Missing(o) {
		return o
	}
	full := j.before.Get(o.Text("id"))
	if full == nil {
		return o
	}
	return append(withLinks(o, full, j.links.Name), query.Member{Name: staleLinks, Value: true})
}

// staleLinks marks a stored resource whose links are of an earlier reading. No
// attribute has such a name.
const staleLinks = "\x00stale"

// restore puts a stored resource back into the rows.
func (s *store) restore(o query.Object) {
	j, id := s.journal, o.Text("id")
	if _, doubt := o.Get(doubtMark); doubt {
		o = o.Without(doubtMark)
		s.outdated[id], j.doubted[id] = s.tick(), true
		if len(o) == 1 {
			return // it was never seen
		}
	} else {
		delete(s.outdated, id)
		delete(j.doubted, id)
	}
	if _, stale := o.Get(staleLinks); !stale {
		j.before.Delete(id)
		s.rows.Put(o)
		return
	}
	o = o.Without(staleLinks)
	j.before.Put(o)
	s.rows.Put(o.Without(j.links.Name))
}

// withLinks returns o with the links of other.
func withLinks(o, other query.Object, links string) query.Object {
	v, ok := other.Get(links)
	if !ok {
		return o
	}
	o = slices.Clone(o)
	o.Set(links, v)
	return o
}

// leave is remove for a store with a journal.
func (s *store) leave(source, id string) {
	j := s.journal
	old := s.rows.Get(id)
	if full := j.before.Get(id); full != nil {
		old = full
	}
	if old == nil && s.base != nil {
		return
	}
	s.rows.Delete(id)
	j.before.Delete(id)
	n := news{resource: state.Resource{Type: j.typ, ID: id, Gone: true}}
	if s.base != nil {
		n.change = &state.Change{Type: j.typ, ID: id, Op: state.Delete, Source: source, Before: packed.Encode(nil, old)}
		s.count(source)
	}
	s.note(n)
}

// count counts a change by what found it.
func (s *store) count(source string) {
	if source == foundByScan {
		s.counts.byProof++
	}
}

// flush writes to the state what it does not have yet, and c with it, which may be
// nil. If that fails, all but c is kept for the next time.
func (s *store) flush(c *state.Commit) (seq int64, err error) {
	j := s.journal
	if j == nil {
		return 0, nil
	}
	j.turn.Lock()
	defer j.turn.Unlock()
	s.mu.Lock()
	batch, pages := j.pending, j.pages
	j.pending, j.pages = nil, nil
	away, lease, resting := j.away, j.lease, j.resting()
	if resting {
		j.pending, j.pages = batch, pages
	}
	s.mu.Unlock()
	if resting {
		return 0, away
	}
	if c == nil && len(batch) == 0 && len(pages) == 0 && away == nil {
		return 0, nil
	}
	all := state.Commit{}
	if c != nil {
		all = *c
	}
	if all.Pages = pages; len(pages) > 0 || all.Finish != nil {
		all.Guard = lease
	}
	for _, n := range batch {
		if j.state.Durable() {
			all.Resources = append(all.Resources, n.resource)
		}
		if n.change != nil {
			all.Changes = append(all.Changes, *n.change)
		}
	}
	ctx, cancel := stateContext()
	defer cancel()
	seq, err = j.state.Commit(ctx, &all)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		j.pending = append(batch, j.pending...)
		if len(pages) > 0 {
			j.scan = 0 // without these pages the scan cannot be restored
		}
	}
	if j.fail(err); errors.Is(err, state.ErrReplaced) || errors.Is(err, state.ErrFenced) {
		j.away, j.scan = nil, 0 // another process scans
	}
	if taken := max(1, int64(len(all.Changes))); err == nil && seq == j.seen+taken {
		j.seen = seq // nobody else has written meanwhile
	}
	return seq, err
}

// resting reports whether the state could not be reached a moment ago.
func (j *journal) resting() bool { return j.away != nil && time.Since(j.failed) < stateRest }

// fail notes whether the state could be reached.
func (j *journal) fail(err error) {
	if j.away = err; err != nil {
		j.failed = time.Now()
	}
}

// beginScan opens a scan in the state. If there is one that was not finished, and r
// may rest on what was read before it began, the scan goes on with that, whose pages
// beginScan returns.
func (s *store) beginScan(r *reading) map[int]storedPage {
	j := s.journal
	if j == nil || !j.state.Durable() {
		return nil
	}
	if pages := s.resume(r); pages != nil {
		return pages
	}
	seq, err := s.flush(&state.Commit{Begin: j.typ})
	if err != nil {
		seq = 0 // the scan goes on, and is not stored
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	j.scan = seq
	return nil
}

// resume has r go on with a scan that was not finished, and returns its pages; nil:
// there is none.
func (s *store) resume(r *reading) map[int]storedPage {
	if !r.resumes {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), loadTimeout)
	defer cancel()
	_, open, err := s.journal.state.Scans(ctx, s.journal.typ)
	if err != nil || open == nil || open.Pages == 0 || s.known() != nil || open.ID == s.journal.refused || s.now().Sub(open.Began) >= resumable {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	pages := map[int]storedPage{}
	if err := s.loadPages(ctx, open.ID, pages); err != nil {
		return nil
	}
	if s.base == nil && s.applySince(ctx, open.ID) != nil {
		return nil
	}
	s.journal.scan, r.base.read = open.ID, open.Began
	return pages
}

// applySince takes over what was written during a scan that has not ended yet, where
// there was none before. It fails if a write of unknown outcome was among that.
func (s *store) applySince(ctx context.Context, scan int64) error {
	all, err := s.journal.state.Resources(ctx, s.journal.typ, scan)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(r state.Resource) bool { return r.ID == droppedRow }) {
		return errDropped
	}
	return s.apply(all)
}

// errDropped says that everything must be read again, since nobody knows what a write did.
var errDropped = errors.New("scim: a write of unknown outcome")

// resumable is how old a scan may be that another process goes on with.
const resumable = 24 * time.Hour

// keepPage stores a page of the scan with the changes that it brought. The position
// in the list is its number. Pages that are read at the same time go in one commit.
func (s *store) keepPage(position, total int, page *sent.Listing) {
	j := s.journal
	if j == nil {
		return
	}
	s.mu.Lock()
	scan := j.scan
	var stored []query.Object
	for i := 0; scan != 0 && i < page.Len(); i++ {
		modified, same := s.same(page, i)
		if !same {
			modified = s.modified(page.ID(i)) // the rows have it already
		}
		stored = append(stored, s.stored(changes.Dated(page.Object(i), modified)))
	}
	s.mu.Unlock()
	if scan != 0 {
		kept := state.Page{Type: j.typ, Scan: scan, No: position, At: s.now(), Total: total, Docs: packed.EncodePage(stored)}
		s.mu.Lock()
		j.pages = append(j.pages, kept)
		s.mu.Unlock()
	}
	_, _ = s.flush(nil) // settle says so if it fails
}

// keepScan stores that the scan has reached its end.
func (s *store) keepScan() {
	j := s.journal
	if j == nil {
		return
	}
	var c *state.Commit
	s.mu.Lock()
	scan := j.scan
	if j.scan = 0; scan != 0 {
		j.base = scan
	}
	s.mu.Unlock()
	if scan != 0 {
		c = &state.Commit{Finish: &state.Scan{Type: j.typ, ID: scan, Total: s.rows.Len()}}
	}
	if _, err := s.flush(c); err != nil && c != nil {
		_, _ = s.flush(nil) // another process may have begun another scan
	}
}

// settle makes sure that the state has all that the rows have. Lists wait for it,
// since what they show must not be lost.
func (s *store) settle() error {
	if s.journal == nil {
		return nil
	}
	s.mu.Lock()
	behind := len(s.journal.pending) > 0 || s.journal.away != nil
	s.mu.Unlock()
	var err error
	if behind {
		_, err = s.flush(nil)
	}
	if err == nil {
		err = s.catchUp()
	}
	if err != nil {
		return &resource.Error{Status: http.StatusServiceUnavailable, RetryAfter: retryAfter, Err: err,
			Detail: "The state of this server cannot be reached, so that no list can be answered; its log says why."}
	}
	return nil
}

// load reads what an earlier process has left.
func (s *store) load(ctx context.Context) error {
	j := s.journal
	head, err := j.state.Head(ctx)
	if err != nil {
		return err
	}
	complete, _, err := j.state.Scans(ctx, j.typ)
	if err != nil {
		return err
	}
	j.seen = head.Seq
	if complete == nil {
		return nil
	}
	return s.loadBase(ctx, complete)
}

// loadBase reads a complete scan, and what changed since.
func (s *store) loadBase(ctx context.Context, scan *state.Scan) error {
	if err := s.loadPages(ctx, scan.ID, nil); err != nil {
		return err
	}
	all, err := s.journal.state.Resources(ctx, s.journal.typ, 0)
	if err != nil {
		return err
	}
	s.base, s.journal.base = &base{began: s.tick(), read: scan.Began, complete: scan.Ended}, scan.ID
	return s.apply(all)
}

// loadPages restores the pages of a scan, and notes in read which they are. Of a
// scan that was not finished, the rows that its pages changed are stored besides. The
// caller holds the mutex, or nobody else uses the store yet. What this process has been
// told is newer.
func (s *store) loadPages(ctx context.Context, scan int64, read map[int]storedPage) error {
	return s.journal.state.Pages(ctx, s.journal.typ, scan, func(p state.Page) error {
		objects, err := packed.DecodePage(p.Docs)
		if err != nil {
			return err
		}
		ids := make([]string, len(objects))
		for i, o := range objects {
			ids[i] = o.Text("id")
			if (s.base == nil || read == nil) && s.touched[ids[i]].told == 0 {
				s.restore(o)
			}
		}
		if read != nil {
			read[p.No] = storedPage{ids, p.Total}
		}
		return nil
	})
}

// apply takes over resources of the state.
func (s *store) apply(all []state.Resource) error {
	j := s.journal
	for _, r := range all {
		if r.ID == droppedRow {
			s.base.until = s.tick()
			continue
		}
		now := s.tick()
		s.touch(r.ID, now)
		s.told(r.ID, now)
		if r.Gone {
			s.rows.Delete(r.ID)
			j.before.Delete(r.ID)
			delete(s.outdated, r.ID)
			delete(j.doubted, r.ID)
			continue
		}
		o, err := packed.Decode(r.Doc)
		if err != nil {
			return fmt.Errorf("%s %s: %w", j.typ, r.ID, err)
		}
		s.restore(o)
	}
	s.version++
	return nil
}

// catchUp takes over what other processes that share the state have written since it
// was last asked.
func (s *store) catchUp() error {
	j := s.journal
	if j == nil || !j.state.Shared() {
		return nil
	}
	j.turn.Lock() // nothing of this process is written meanwhile
	defer j.turn.Unlock()
	s.mu.Lock()
	seen, known, away, resting := j.seen, s.base != nil, j.away, j.resting()
	s.mu.Unlock()
	if resting {
		return away
	}
	short, cancel := stateContext()
	defer cancel()
	head, err := j.state.Head(short)
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		j.fail(err)
		return err
	}
	if head.Seq == seen {
		return nil
	}
	ctx, end := context.WithTimeout(context.Background(), loadTimeout)
	defer end()
	complete, _, err := j.state.Scans(ctx, j.typ)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !known && complete != nil:
		err = s.loadBase(ctx, complete)
	case known:
		err = s.follow(ctx, complete, seen)
	}
	if err == nil {
		j.seen = head.Seq
	}
	return err
}

// follow takes over what was written after a number: a scan of another process, and
// single resources. What this process has yet to write is newer.
func (s *store) follow(ctx context.Context, complete *state.Scan, seen int64) error {
	j := s.journal
	all, err := j.state.Resources(ctx, j.typ, seen)
	if err != nil {
		return err
	}
	if complete != nil && complete.ID > j.base {
		s.base, j.base = &base{began: s.tick(), read: complete.Began, complete: complete.Ended}, complete.ID
	}
	mine := make(map[string]bool, len(j.pending))
	for _, n := range j.pending {
		mine[n.resource.ID] = true
	}
	return s.apply(slices.DeleteFunc(all, func(r state.Resource) bool { return mine[r.ID] }))
}
