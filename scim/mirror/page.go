package mirror

import (
	"context"
	"time"

	"scim-atlassian/scim/paging"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/sent"
)

// SawPage tells what upstream sent after the moment, as Saw does, and has the page show
// the times of change that are shown.
func (m *Mirror) SawPage(moment uint64, p sent.Page) {
	s := m.store
	if s.journal == nil {
		return
	}
	l := sent.Of(p)
	s.mu.Lock()
	for i := range l.Len() {
		modified, same := s.same(l, i)
		if !same {
			taken := s.base != nil && s.saw(moment, l.Object(i)) // without rows no object is needed
			if modified = s.modified(l.ID(i)); taken {
				s.rows.Mark(l.ID(i), l.Bytes(i), modified)
			}
		}
		p.Date(i, modified)
	}
	s.mu.Unlock()
	_ = s.settle() // lists say so if it fails
}

// same reports whether the row of a resource is what upstream sent, so that nothing is
// to be done about it, and returns the row's meta.lastModified then. The caller holds the
// mutex.
func (s *store) same(l *sent.Listing, i int) (modified time.Time, ok bool) {
	if l.Bytes(i) == nil || len(s.linked) > 0 {
		return time.Time{}, false
	}
	if _, outdated := s.outdated[l.ID(i)]; outdated || s.journal != nil && s.journal.doubted[l.ID(i)] {
		return time.Time{}, false
	}
	return s.rows.Marked(l.ID(i), l.Bytes(i))
}

// sent reads a window of the list in upstream's bytes.
func (m *Mirror) sent(ctx context.Context, start, count int) (resource.Source, int, error) {
	moment := m.Moment()
	return sent.Read(ctx, paging.Reader[sent.Item]{Name: m.source.Name, Budget: m.pager.Budget}, start, count, m.sentPage,
		func(p sent.Page) { m.SawPage(moment, p) })
}

// sentPage reads one page in upstream's bytes and remembers the length of the list.
func (m *Mirror) sentPage(ctx context.Context, start, count int) (sent.Page, int, error) {
	p, total, err := m.source.Sent(ctx, start, count)
	if err == nil {
		m.total.Store(int64(total))
	}
	return p, total, err
}

// listing reads a window of the list, in bytes where the source has them. The caller
// releases it.
func (m *Mirror) listing(ctx context.Context, start, count int) (*sent.Listing, int, error) {
	if m.source.Sent == nil {
		objects, total, err := m.page(ctx, start, count)
		return sent.Objects(objects), total, err
	}
	p, total, err := m.sentPage(ctx, start, count)
	return sent.Of(p), total, err
}
