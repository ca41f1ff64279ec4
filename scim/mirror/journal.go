package mirror

import (
	"context"
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

	turn     sync.Mutex              // held while the state is written to; taken before the mutex of the store
	pages    []state.Page            // of the scan, read and not yet in the state
	pending  []news                  // what the state does not have yet, in order
	away     error                   // why the state could not be written to; nil: it could
	scan     int64                   // id of the scan whose pages are written; 0: none is
	before   *table.Table            // the rows that have links, as they were when a list without links came over them
	resumed  map[int]stretch[string] // by position: the pages that an earlier process has read of the open scan
	resuming *state.Scan             // that scan; nil: there is none
}

// news is a row that changed.
type news struct {
	resource state.Resource
	change   *state.Change // nil: nothing that a client sees
}

// stateTimeout bounds one use of the state.
const stateTimeout = 10 * time.Second

func stateContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), stateTimeout)
}

// enter is put for a store with a journal: it takes over one resource, and notes
// what changed. The resource gets the time of the change as meta.lastModified, if
// that is later than upstream's.
func (s *store) enter(source string, o query.Object) {
	j, id := s.journal, o.Text("id")
	bare := j.links.Missing(o)
	if s.rows.Holds(o) {
		return
	}
	old := s.rows.Get(id)
	if s.base == nil { // nothing is known yet that could have changed
		s.rows.Put(o)
		return
	}
	known := old
	if known != nil && j.links.Missing(known) {
		if full := j.before.Get(id); full != nil {
			known = withLinks(known, full, j.links.Name)
		}
	}
	o = changes.Dated(o, changes.Modified(old))
	what := changes.Between(known, o, j.links)
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
		return
	}
	s.rows.Put(o)
	if bare && known != nil && len(what.Names) == 0 {
		return // what is stored is as true as it was
	}
	n := news{resource: state.Resource{Type: j.typ, ID: id}}
	if j.state.Durable() {
		n.resource.Doc = packed.Encode(nil, s.stored(o))
	}
	if len(what.Names) > 0 {
		n.change = &state.Change{Type: j.typ, ID: id, Op: state.Update, Source: source, Names: what.Names, Before: what.Encode(known)}
		if known == nil {
			n.change.Op, n.change.Names, n.change.Before = state.Create, nil, nil
		}
		s.count(source)
	}
	j.pending = append(j.pending, n)
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
	j := s.journal
	if _, stale := o.Get(staleLinks); !stale {
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
	if old == nil {
		return
	}
	s.rows.Delete(id)
	j.before.Delete(id)
	n := news{resource: state.Resource{Type: j.typ, ID: id, Gone: true}}
	if s.base != nil {
		n.change = &state.Change{Type: j.typ, ID: id, Op: state.Delete, Source: source, Before: packed.Encode(nil, old)}
		s.count(source)
	}
	j.pending = append(j.pending, n)
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
	away := j.away
	s.mu.Unlock()
	if c == nil && len(batch) == 0 && len(pages) == 0 && away == nil {
		return 0, nil
	}
	all := state.Commit{}
	if c != nil {
		all = *c
	}
	all.Pages = pages
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
	if j.away = err; errors.Is(err, state.ErrReplaced) {
		j.away = nil // by a scan of another process
	}
	return seq, err
}

// beginScan opens a scan in the state, or goes on with one that an earlier process
// has begun, which it returns.
func (s *store) beginScan(r *reading) map[int]stretch[string] {
	j := s.journal
	if j == nil {
		return nil
	}
	s.mu.Lock()
	resuming, pages := j.resuming, j.resumed
	j.resuming, j.resumed = nil, nil
	if resuming != nil && s.now().Sub(resuming.Began) < resumable {
		j.scan, r.base.read = resuming.ID, resuming.Began
		s.mu.Unlock()
		return pages
	}
	s.mu.Unlock()
	var seq int64
	var err error
	if j.state.Durable() {
		seq, err = s.flush(&state.Commit{Begin: j.typ})
	}
	if err != nil {
		seq = 0 // the scan goes on, and is not stored
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	j.scan = seq
	return nil
}

// resumable is how old a scan may be that another process goes on with.
const resumable = 24 * time.Hour

// keepPage stores a page of the scan with the changes that it brought. The position
// in the list is its number. Pages that are read at the same time go in one commit.
func (s *store) keepPage(position, total int, page []query.Object) {
	j := s.journal
	if j == nil {
		return
	}
	s.mu.Lock()
	scan := j.scan
	stored := make([]query.Object, len(page))
	for i, o := range page {
		stored[i] = s.stored(changes.Dated(o, changes.Modified(s.rows.Get(o.Text("id"))))) // the rows have it already
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
	s.mu.Lock()
	scan := j.scan
	j.scan = 0
	s.mu.Unlock()
	var c *state.Commit
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
	if !behind {
		return nil
	}
	if _, err := s.flush(nil); err != nil {
		return &resource.Error{Status: http.StatusServiceUnavailable, RetryAfter: scanRetryAfter, Err: err,
			Detail: "The state of this server cannot be written to, so that no list can be answered; its log says why."}
	}
	return nil
}

// load reads what an earlier process has left: the rows, and the pages of a scan
// that was not finished.
func (s *store) load(ctx context.Context) error {
	j := s.journal
	complete, open, err := j.state.Scans(ctx, j.typ)
	if err != nil {
		return err
	}
	if complete != nil {
		if err := s.loadPages(ctx, complete.ID, nil); err != nil {
			return err
		}
		if err := s.loadResources(ctx); err != nil {
			return err
		}
		s.base = &base{began: s.tick(), read: complete.Began, complete: complete.Ended}
	}
	if open == nil {
		return nil
	}
	j.resuming, j.resumed = open, map[int]stretch[string]{}
	return s.loadPages(ctx, open.ID, j.resumed)
}

// loadPages restores the pages of a scan, and notes in read which they are. Of a
// scan that was not finished, the rows that its pages changed are stored besides.
func (s *store) loadPages(ctx context.Context, scan int64, read map[int]stretch[string]) error {
	return s.journal.state.Pages(ctx, s.journal.typ, scan, func(p state.Page) error {
		objects, err := packed.DecodePage(p.Docs)
		if err != nil {
			return err
		}
		ids := make([]string, len(objects))
		for i, o := range objects {
			ids[i] = o.Text("id")
			if s.base == nil || read == nil {
				s.restore(o)
			}
		}
		if read != nil {
			read[p.No] = stretch[string]{ids, p.Total}
		}
		return nil
	})
}

func (s *store) loadResources(ctx context.Context) error {
	all, err := s.journal.state.Resources(ctx, s.journal.typ, 0)
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.Gone {
			s.rows.Delete(r.ID)
			s.journal.before.Delete(r.ID)
			continue
		}
		o, err := packed.Decode(r.Doc)
		if err != nil {
			return fmt.Errorf("%s %s: %w", s.journal.typ, r.ID, err)
		}
		s.journal.before.Delete(r.ID)
		s.restore(o)
	}
	return nil
}
