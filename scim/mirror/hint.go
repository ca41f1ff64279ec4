package mirror

import (
	"context"
	"slices"
	"time"

	"scim-atlassian/scim/paging"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Copied returns the resources of the copy that match a filter, however old it is. It
// makes no call. Nobody may write to them.
func (m *Mirror) Copied(filter query.Expr) []query.Object {
	return resource.Decoded(m.store.rows.Answer(resource.ListQuery{Filter: filter, Start: 1}, "").Every)
}

// Reread reads resources again that somebody else may have changed, one call each, or
// everything where that is cheaper. One that upstream does not have any more is
// taken for deleted. Ids that are not known are passed over. When Reread returns
// nil, the copy and the state have them, and the copy has what other processes wrote
// to the state before.
func (m *Mirror) Reread(ctx context.Context, ids ...string) error {
	s := m.store
	if err := s.settle(); err != nil {
		return err
	}
	s.tell(func(now uint64) {
		for _, id := range ids {
			if s.rows.Has(id) {
				s.doubt(id, now)
			}
		}
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting := func(id string) bool { _, is := s.outdated[id]; return is }
	for s.base != nil && slices.ContainsFunc(ids, waiting) {
		r := s.reading
		if r == nil {
			r = s.start(ctx, s.base, Need{}, s.tick())
		}
		if err := s.wait(ctx, r); err != nil {
			return err
		}
		if r.err != nil {
			return r.err
		}
	}
	return nil
}

// Newcomers reads the end of the list, where new resources usually are, and reports
// whether the copy then has as many as upstream has. Before the first reading of
// everything it does nothing, since that will bring them.
func (m *Mirror) Newcomers(ctx context.Context) (complete bool, err error) {
	const overlap = 10
	s := m.store
	if m.Stats().Proven.IsZero() {
		return true, nil
	}
	for grown := true; grown && !complete && err == nil; {
		moment, total, page := s.moment(), 0, []query.Object(nil)
		if page, total, err = m.page(ctx, max(1, s.rows.Len()-overlap+1), paging.PageSize); err == nil {
			grown = s.welcome(moment, page)
			complete, err = s.rows.Len() == total, s.settle()
		}
	}
	return complete, err
}

// welcome takes over those of a page, asked for after the moment, that are new, and
// reports whether there are any.
func (s *store) welcome(moment uint64, page []query.Object) (grown bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range page {
		if id := o.Text("id"); !s.rows.Has(id) && s.touched[id].moment <= moment {
			s.put(foundByRead, o)
			grown = true
		}
	}
	return grown
}

// Trust has the copy count as young as the time that fed returns first, where that is
// later than the last reading of everything, by most at most: of a feed that has told
// of every change since the second time. It must be set before the first request.
func (m *Mirror) Trust(fed func() (upTo, since time.Time), most time.Duration) {
	m.store.fed, m.store.fedMost = fed, most
}

// fedAt returns the time up to which hints have told of every change, the zero time
// if nobody can say that. The mutex is held.
func (s *store) fedAt() time.Time {
	if s.fed == nil || s.base == nil {
		return time.Time{}
	}
	upTo, since := s.fed()
	if last := s.base.complete.Add(s.fedMost); upTo.After(last) {
		upTo = last
	}
	if !s.base.read.After(since) {
		return time.Time{}
	}
	return upTo
}
