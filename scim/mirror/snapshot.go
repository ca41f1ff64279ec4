package mirror

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// snapshot holds all resources of a type as one reading found them, and the news
// of own writes since. The mutex of its store guards it. The slice of objects is
// handed out, so nobody writes to it: apply makes a new one.
type snapshot struct {
	objects  []query.Object // in upstream's order
	links    resource.Links
	bare     []string  // ids of the resources that upstream listed without links
	read     time.Time // when the reading began
	complete time.Time // when it ended

	// Moments count the requests and writes of the store, see store.
	began        uint64            // the reading began
	until        uint64            // no news after this moment reaches the snapshot; 0: all does
	touched      map[string]uint64 // by id: an own write last concerned the resource
	outdated     map[string]uint64 // by id: the resource must be read again for requests that begin later
	touchedLinks map[string]uint64 // by id of the other type: that resource changed, and with it those that link to it

	changed map[string]query.Object // by id: news that is not in objects yet; nil: the resource is gone
}

func newSnapshot(began uint64, read time.Time, l resource.Links) *snapshot {
	return &snapshot{
		links: l, read: read, began: began,
		touched: map[string]uint64{}, outdated: map[string]uint64{}, touchedLinks: map[string]uint64{}, changed: map[string]query.Object{},
	}
}

// answers brings objects up to date and reports whether they are good enough for
// a request that has the need n and began at that moment. A nil snapshot is not.
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

// concerns reports whether the snapshot can serve the request once the missing
// resources are read again.
func (s *snapshot) concerns(n Need, began uint64) bool {
	return s != nil && (s.until == 0 || began < s.until) && (!n.Fresh || s.began > began) && !s.read.Before(n.Since)
}

// missing lists the ids of the resources that must be read again before the
// snapshot serves a request with the need n.
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

// set takes over what an operation, begun at since and ended now, told of a
// resource; a nil object says that it is gone, which is final. If another
// operation touched the resource meanwhile, or this one began before the
// reading, the order of the two is unknown, and the resource is in doubt.
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

// doubt marks a resource: requests that begin after now need it read again.
func (s *snapshot) doubt(id string, now uint64) {
	s.touched[id] = max(s.touched[id], now)
	if since, ok := s.outdated[id]; !ok || now < since {
		s.outdated[id] = now
	}
}

// mend takes over the resources with these ids, which were read again from since
// on; those that are not in found are gone. A resource that an own write touched
// meanwhile serves requests that began before since, and is outdated for others.
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

// end marks the snapshot as ignorant of all that happens after now. It goes on to
// serve the requests that began before.
func (s *snapshot) end(now uint64) {
	if s.until == 0 {
		s.until = now
	}
}

// apply works the changes into objects. New resources come last, as they do
// upstream, which lists by time of creation.
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

// replace sets objects and notes which of them lack links.
func (s *snapshot) replace(objects []query.Object) {
	s.objects, s.bare = objects, nil
	for _, o := range objects {
		if s.links.Missing(o) {
			s.bare = append(s.bare, o.Text("id"))
		}
	}
}

// resolve puts every resource in doubt that links to a touched one: a group
// that shows the name of a user who was renamed, say.
func (s *snapshot) resolve() {
	if len(s.touchedLinks) == 0 {
		return
	}
	for _, o := range s.objects {
		for id := range s.links.Of(o) {
			if at, ok := s.touchedLinks[id]; ok {
				s.doubt(o.Text("id"), at)
			}
		}
	}
	for _, id := range s.bare { // their links are unknown
		s.doubt(id, slices.Min(slices.Collect(maps.Values(s.touchedLinks))))
	}
	clear(s.touchedLinks)
}
