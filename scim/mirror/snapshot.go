package mirror

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// snapshot is all resources of a type as one reading found them, and what own
// writes have told since. The mutex of its store guards it, but for the objects
// handed out, which nobody writes to.
type snapshot struct {
	objects  []query.Object // in upstream's order; applied changes make a new slice
	links    resource.Links
	bare     []string  // ids of those that upstream listed without links
	read     time.Time // when the reading began
	complete time.Time // when it ended

	// Moments of the store's clock.
	began     uint64            // when the reading began
	until     uint64            // from then on own writes are not told to it; 0: they are
	touched   map[string]uint64 // when an own write last concerned a resource
	outdated  map[string]uint64 // since when a resource must be read again
	mentioned map[string]uint64 // when something happened to a resource of the other type that these may show

	changed map[string]query.Object // what resources became, nil if they are gone; not in objects yet
}

func newSnapshot(began uint64, read time.Time, l resource.Links) *snapshot {
	return &snapshot{
		links: l, read: read, began: began,
		touched: map[string]uint64{}, outdated: map[string]uint64{}, mentioned: map[string]uint64{}, changed: map[string]query.Object{},
	}
}

// answers reports whether the snapshot is good enough for a request with such a
// need that began at that moment, and brings objects up to date.
func (s *snapshot) answers(n Need, began uint64) bool {
	if !s.concerns(n, began) {
		return false
	}
	s.apply()
	s.resolve()
	if n.Links && len(s.bare) > 0 {
		return false
	}
	for _, since := range s.outdated {
		if since <= began {
			return false
		}
	}
	return true
}

// concerns reports whether the snapshot, mended, is one for the request.
func (s *snapshot) concerns(n Need, began uint64) bool {
	return s != nil && (s.until == 0 || began < s.until) && (!n.Fresh || s.began > began) && !s.read.Before(n.Since)
}

// missing lists the ids of the resources that must be read for such a need.
func (s *snapshot) missing(n Need) []string {
	ids := slices.Sorted(maps.Keys(s.outdated))
	if n.Links {
		for _, id := range s.bare {
			if _, listed := s.outdated[id]; !listed {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// set puts what was learned of a resource by an operation that began at since
// and ended at now; nil says that it is gone, which is final. If anything else
// touched the resource meanwhile, or the operation began before the snapshot,
// nobody knows which came last.
func (s *snapshot) set(id string, o query.Object, since, now uint64) {
	last := s.touched[id]
	s.touched[id] = now
	if o != nil && (since < s.began || last > since) {
		s.doubt(id, now)
		return
	}
	s.changed[id] = o
	delete(s.outdated, id)
}

// doubt has a resource read again for requests that begin after now.
func (s *snapshot) doubt(id string, now uint64) {
	s.touched[id] = max(s.touched[id], now)
	if since, ok := s.outdated[id]; !ok || now < since {
		s.outdated[id] = now
	}
}

// mend puts resources that were read again from since on. What was touched
// meanwhile is good for requests that began before, and outdated for others.
func (s *snapshot) mend(ids []string, found []query.Object, since uint64) {
	for _, id := range ids {
		s.changed[id] = nil
	}
	for _, o := range found {
		s.changed[o.Text("id")] = o
	}
	for _, id := range ids {
		delete(s.outdated, id)
		if s.touched[id] > since {
			s.outdated[id] = since
		}
	}
	s.apply()
}

// end says that own writes are not told to it from now on, or cannot be known.
func (s *snapshot) end(now uint64) {
	if s.until == 0 {
		s.until = now
	}
}

// apply makes objects of what changed. What is new comes last, as it does
// upstream, whose order is that of creation.
func (s *snapshot) apply() {
	if len(s.changed) == 0 {
		return
	}
	objects := make([]query.Object, 0, len(s.objects)+len(s.changed))
	for _, o := range s.objects {
		id := o.Text("id")
		became, ok := s.changed[id]
		if ok {
			o = became
			delete(s.changed, id)
		}
		if o != nil {
			objects = append(objects, o)
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(s.changed), func(a, b string) int {
		return cmp.Or(cmp.Compare(s.touched[a], s.touched[b]), cmp.Compare(a, b))
	}) {
		if o := s.changed[id]; o != nil {
			objects = append(objects, o)
		}
	}
	clear(s.changed)
	s.replace(objects)
}

func (s *snapshot) replace(objects []query.Object) {
	s.objects, s.bare = objects, nil
	for _, o := range objects {
		if s.links.Missing(o) {
			s.bare = append(s.bare, o.Text("id"))
		}
	}
}

// resolve finds the resources that show one that something happened to.
func (s *snapshot) resolve() {
	if len(s.mentioned) == 0 {
		return
	}
	for _, o := range s.objects {
		for id := range s.links.Of(o) {
			if at, ok := s.mentioned[id]; ok {
				s.doubt(o.Text("id"), at)
			}
		}
	}
	for _, id := range s.bare { // whether they do cannot be seen
		s.doubt(id, slices.Min(slices.Collect(maps.Values(s.mentioned))))
	}
	clear(s.mentioned)
}
