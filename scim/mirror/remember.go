package mirror

import (
	"context"
	"net/http"
	"time"

	"scim-atlassian/scim/changes"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// modified returns the meta.lastModified of a row, the zero time where upstream's
// is shown.
func (s *store) modified(id string) time.Time {
	if s.journal == nil {
		return time.Time{}
	}
	return changes.Modified(s.rows.Pick(id, "meta"))
}

// Moment returns the present moment, for Saw: take it before the call to upstream.
func (m *Mirror) Moment() uint64 { return m.store.moment() }

// Saw tells that upstream had a resource in this state after the moment. Where
// changes are remembered, the rows take it over; it returns the time of change that
// is shown then, the zero time if that is upstream's. Nobody may write to o.
func (m *Mirror) Saw(moment uint64, o query.Object) time.Time {
	s := m.store
	if s.journal == nil {
		return time.Time{}
	}
	s.mu.Lock()
	s.saw(moment, o)
	s.mu.Unlock()
	_ = s.settle() // lists say so if it fails
	return s.modified(o.Text("id"))
}

// saw is Saw for a caller that holds the mutex. It reports whether the rows have taken
// the resource over.
func (s *store) saw(moment uint64, o query.Object) bool {
	id := o.Text("id")
	if s.base == nil || s.touched[id].told > moment || s.links.Missing(o) {
		return false
	}
	s.put(foundByRead, o)
	if s.touched[id].moment <= moment {
		delete(s.outdated, id)
	}
	s.suspect(moment, o)
	return true
}

// Dated returns resources that were found by upstream in this state after the moment,
// with the times of change that are shown, see Saw.
func (m *Mirror) dated(moment uint64, objects []query.Object) []query.Object {
	if m.store.journal == nil {
		return objects
	}
	out := make([]query.Object, len(objects))
	for i, o := range objects {
		out[i] = changes.Dated(o, m.Saw(moment, o))
	}
	return out
}

// Mark is that of resource.Rememberer.
func (m *Mirror) Mark(ctx context.Context, fresh bool) (resource.Mark, error) {
	j := m.store.journal
	if j == nil {
		return resource.Mark{}, resource.Refuse(http.StatusNotImplemented, "", "This server keeps no log of changes, since it has no state (see docs/state.md).")
	}
	v, err := m.store.all(ctx, Need{Fresh: fresh, Links: true})
	if err != nil {
		return resource.Mark{}, err
	}
	head, err := j.state.Head(ctx)
	return resource.Mark{Seq: head.Seq, AsOf: v.AsOf, Proven: v.Proven}, err
}

// Changed is that of resource.Rememberer, for entries of this type.
func (m *Mirror) Changed(entries []resource.LogEntry) ([]resource.Change, error) {
	all := make([]resource.Change, 0, len(entries))
	for _, e := range entries {
		c := resource.Change{Seq: e.Seq, ID: e.ID, Op: e.Op, Names: e.Names, Now: m.store.rows.Get(e.ID)}
		before, what, err := changes.Decode(e.Before)
		if err != nil {
			return nil, err
		}
		c.Before, c.Joined, c.Left = before, what.Joined, what.Left
		all = append(all, c)
	}
	return all, nil
}

// Logged is that of resource.Rememberer.
func (m *Mirror) Logged() []string { return []string{m.source.Name} }

// Prove reads all resources, whatever is known. ctx bounds the wait, and says whom
// the calls count for.
func (m *Mirror) Prove(ctx context.Context) error {
	_, err := m.store.all(ctx, Need{Fresh: true, Links: true})
	return err
}
