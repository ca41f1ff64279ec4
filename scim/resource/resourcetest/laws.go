package resourcetest

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// testCreate: a new resource reads back as it was returned, alone and in lists, and
// the same document cannot be created twice.
func (s *suite) testCreate(t *testing.T) {
	o := s.temporary(t)
	id := o.Text("id")
	s.conforms(t, o)
	s.holds(t, o, s.New(s.made+1000))
	s.same(t, "read back", s.get(t, id), o)
	found := s.whole(t, resource.ListQuery{Filter: s.byID(t, id)})
	if len(found) != 1 {
		t.Fatalf("its id finds %d resources", len(found))
	}
	s.same(t, "found", found[0], o)
	if !slices.Contains(ids(s.whole(t, resource.ListQuery{})), id) {
		t.Error("the list does not have it")
	}
	if !s.Unique {
		return
	}
	before := len(s.whole(t, resource.ListQuery{}))
	_, err := s.backend.Create(request(t, http.MethodPost), s.New(s.made+1000))
	s.refused(t, "create again", err, http.StatusConflict, resource.TypeUniqueness)
	if after := len(s.whole(t, resource.ListQuery{Fresh: true})); after != before {
		t.Errorf("there are %d resources after a refused create, %d before", after, before)
	}
}

// testUpdate: a change reads back; without a difference nothing is written.
func (s *suite) testUpdate(t *testing.T) {
	o := s.temporary(t)
	id := o.Text("id")
	current := s.get(t, id)
	writes := s.Writes()
	got, err := s.backend.Update(request(t, http.MethodPut), current, current.Clone())
	if err != nil {
		t.Fatalf("update without a difference: %v", err)
	}
	s.same(t, "update without a difference", got, current)
	if sent := s.Writes() - writes; sent != 0 {
		t.Errorf("an update without a difference wrote %d times", sent)
	}
	want := s.update(t, current, s.next())
	if s.Writes() == writes {
		t.Error("an update with a difference wrote nothing")
	}
	now := s.get(t, id)
	s.holds(t, now, s.changed(current, want))
	s.conforms(t, now)
	for _, fresh := range []bool{false, true} {
		found := s.whole(t, resource.ListQuery{Filter: s.byID(t, id), Fresh: fresh})
		if len(found) != 1 {
			t.Fatalf("its id finds %d resources", len(found))
		}
		s.same(t, "found", found[0], now)
	}
	s.clear(t, now, s.changed(current, want))
}

// clear updates a resource to one without some attributes, as far as it can do
// without them.
func (s *suite) clear(t *testing.T, current, changed query.Object) {
	t.Helper()
	for _, m := range changed {
		if s.path(t, m.Name).Attr.Required {
			continue
		}
		if _, err := s.backend.Update(request(t, http.MethodPut), current, current.Without(m.Name)); err != nil {
			t.Fatalf("update without %s: %v", m.Name, err)
		}
		if v, ok := s.get(t, current.Text("id")).Get(m.Name); ok {
			t.Errorf("%s was cleared and is %v", m.Name, v)
		}
	}
}

// testPatch: a Patcher has the effect of an Update, or declines and does nothing.
func (s *suite) testPatch(t *testing.T) {
	p, ok := s.backend.(resource.Patcher)
	if !ok {
		return // the server applies operations and calls Update
	}
	o := s.temporary(t)
	id := o.Text("id")
	current := s.get(t, id)
	want := current.Clone()
	s.Change(&want, s.next())
	var ops []resource.Operation
	for _, m := range s.changed(current, want) {
		ops = append(ops, resource.Operation{Op: "replace", Path: s.path(t, m.Name), Value: m.Value})
	}
	writes := s.Writes()
	found, done, err := p.Patch(request(t, http.MethodPatch), id, ops)
	switch now := s.get(t, id); {
	case err != nil:
		t.Fatalf("patch: %v", err)
	case !done && (found != nil || s.Writes() != writes):
		t.Errorf("declined, but wrote %d times and returned %s", s.Writes()-writes, text(found))
	case !done:
		s.same(t, "declined", now, current)
	case found != nil:
		s.holds(t, found, s.changed(current, want))
		fallthrough
	default:
		s.holds(t, now, s.changed(current, want))
	}
	if _, done, err := p.Patch(request(t, http.MethodPatch), s.Unknown, ops); done {
		s.refused(t, "patch of an unknown id", err, http.StatusNotFound, "")
	}
}

// testRemove: a removed resource is a 404 to every method, and in no list.
func (s *suite) testRemove(t *testing.T) {
	o := s.create(t, s.next())
	id := o.Text("id")
	before := s.whole(t, resource.ListQuery{})
	s.remove(t, id)
	_, err := s.backend.Get(request(t, http.MethodGet), id, query.Projection{})
	s.refused(t, "get", err, http.StatusNotFound, "")
	s.refused(t, "remove again", s.backend.Remove(request(t, http.MethodDelete), id), http.StatusNotFound, "")
	want := o.Clone()
	s.Change(&want, s.next())
	_, err = s.backend.Update(request(t, http.MethodPut), o, want)
	s.refused(t, "update", err, http.StatusNotFound, "")
	if found := s.whole(t, resource.ListQuery{Filter: s.byID(t, id)}); len(found) > 0 {
		t.Errorf("its id finds %v", ids(found))
	}
	after := ids(s.whole(t, resource.ListQuery{}))
	if slices.Contains(after, id) {
		t.Errorf("the list still has %s", id)
	}
	s.remain(t, after, slices.DeleteFunc(ids(before), func(one string) bool { return one == id }))
}

// testUnknown: an id that never was is a 404, and finds nothing.
func (s *suite) testUnknown(t *testing.T) {
	for _, id := range []string{s.Unknown, "no such id", "0"} {
		_, err := s.backend.Get(request(t, http.MethodGet), id, query.Projection{})
		s.refused(t, "get "+id, err, http.StatusNotFound, "")
		s.refused(t, "remove "+id, s.backend.Remove(request(t, http.MethodDelete), id), http.StatusNotFound, "")
		r := s.list(t, resource.ListQuery{Filter: s.byID(t, id), Start: 1, Count: 10})
		if r.Total != 0 || len(r.Resources) != 0 {
			t.Errorf("the id %s finds %d: %v", id, r.Total, ids(r.Resources))
		}
	}
}

// testKept: Kept names attributes of the schema.
func (s *suite) testKept(t *testing.T) {
	for _, p := range []resource.Policy{{}, {Strict: true}, {KeepMembers: true}} {
		names := s.backend.Kept(p)
		for _, name := range names {
			if at, err := s.Type.Schema.Resolve(name); err != nil || at.String() != name {
				t.Errorf("%+v keeps %q, which is no canonical name", p, name)
			}
		}
	}
}

// testProjection: a resource has the attributes that were asked for, with the same
// values as the whole resource.
func (s *suite) testProjection(t *testing.T) {
	id := s.temporary(t).Text("id")
	whole := s.get(t, id)
	for _, m := range whole {
		want, err := s.Type.Schema.Project([]string{m.Name}, nil)
		if err != nil {
			t.Fatal(err)
		}
		o, err := s.backend.Get(request(t, http.MethodGet), id, want)
		if err != nil {
			t.Fatalf("get %s: %v", m.Name, err)
		}
		s.same(t, "get "+m.Name, want.Apply(o), want.Apply(whole))
		r := s.list(t, resource.ListQuery{Filter: s.byID(t, id), Start: 1, Count: 1, Want: want, Named: true})
		if len(r.Resources) != 1 {
			t.Fatalf("list %s: %v", m.Name, ids(r.Resources))
		}
		s.same(t, "list "+m.Name, want.Apply(r.Resources[0]), want.Apply(whole))
	}
}

// testList: the list has every resource once, each as Get has it.
func (s *suite) testList(t *testing.T) {
	all := s.whole(t, resource.ListQuery{})
	if len(all) < 3 {
		t.Fatalf("the list has %d resources", len(all))
	}
	for i, o := range all {
		s.conforms(t, o)
		if slices.Contains(ids(all[:i]), o.Text("id")) {
			t.Errorf("%s is there twice", o.Text("id"))
		}
		s.same(t, "listed", o, s.get(t, o.Text("id")))
	}
	for _, fresh := range []bool{true, false} {
		if again := s.whole(t, resource.ListQuery{Fresh: fresh}); !slices.Equal(ids(again), ids(all)) {
			t.Errorf("fresh %t: %v, want %v", fresh, ids(again), ids(all))
		}
	}
	byID := slices.Clone(all)
	slices.SortFunc(byID, func(a, b query.Object) int { return query.CompareIDs(a.Text("id"), b.Text("id")) })
	if got := s.whole(t, resource.ListQuery{ByID: true}); !slices.Equal(ids(got), ids(byID)) {
		t.Errorf("by id: %v, want %v", ids(got), ids(byID))
	}
}

// testPages: a page is a part of the list, also where its bounds are beyond the end.
func (s *suite) testPages(t *testing.T) {
	all := s.whole(t, resource.ListQuery{})
	n := len(all)
	for _, page := range [][2]int{{1, 1}, {1, 2}, {2, 2}, {n, 1}, {n, 5}, {n - 1, 5}, {n + 1, 5}, {n + 100, 5}, {1, n}, {1, 10_000}, {1, 0}, {3, 0}} {
		start, count := page[0], page[1]
		r := s.list(t, resource.ListQuery{Start: start, Count: count})
		from := min(start-1, n)
		want := all[from:min(from+count, n)]
		if r.Total != n || !slices.Equal(ids(r.Resources), ids(want)) {
			t.Errorf("start %d, count %d: total %d, %v; want %d, %v", start, count, r.Total, ids(r.Resources), n, ids(want))
		}
		for i := range min(len(want), len(r.Resources)) {
			s.same(t, "on a page", r.Resources[i], want[i])
		}
	}
}

// testFilters: a filter finds the resources of the whole list that query.Match accepts.
func (s *suite) testFilters(t *testing.T) {
	all := s.whole(t, resource.ListQuery{ByID: true})
	g := newGenerator(s.Type.Schema, all)
	for i := range 40 {
		filter := g.filter(2)
		var want []query.Object
		for _, o := range all {
			if query.Match(filter, o) {
				want = append(want, o)
			}
		}
		if s.backend.Explain(filter) == "" {
			t.Errorf("%s has no explanation", filter)
		}
		if got := s.whole(t, resource.ListQuery{Filter: filter, ByID: true, Fresh: i%2 == 0}); !slices.Equal(ids(got), ids(want)) {
			t.Errorf("%s\nfinds %v\n want %v", filter, ids(got), ids(want))
		}
		r := s.list(t, resource.ListQuery{Filter: filter, ByID: true, Start: 2, Count: 2})
		if page := want[min(1, len(want)):min(3, len(want))]; r.Total != len(want) || !slices.Equal(ids(r.Resources), ids(page)) {
			t.Errorf("%s\npage of %d: %v\n want %d: %v", filter, r.Total, ids(r.Resources), len(want), ids(page))
		}
		if got := s.whole(t, resource.ListQuery{Filter: filter}); !slices.Equal(sortedIDs(got), sortedIDs(want)) {
			t.Errorf("%s\nin its own order %v\n want %v", filter, ids(got), ids(want))
		}
	}
}

// testSort: lists are ordered as query.Sort orders them.
func (s *suite) testSort(t *testing.T) {
	all := s.whole(t, resource.ListQuery{ByID: true})
	for i, p := range newGenerator(s.Type.Schema, nil).paths {
		descending := i%2 == 1
		q := resource.ListQuery{SortBy: &p, Descending: descending, ByID: true, Start: 2, Count: 3}
		want := slices.Clone(all)
		query.Sort(want, p, descending)
		if got := s.whole(t, q); !slices.Equal(ids(got), ids(want)) {
			t.Errorf("by %s, descending %t: %v, want %v", p, descending, ids(got), ids(want))
		}
		want = want[1:min(4, len(want))]
		if got := s.list(t, q); got.Total != len(all) || !slices.Equal(ids(got.Resources), ids(want)) {
			t.Errorf("page by %s, descending %t: %d, %v, want %d, %v", p, descending, got.Total, ids(got.Resources), len(all), ids(want))
		}
		q.ByID = false
		got := s.list(t, q).Resources
		again := slices.Clone(got)
		if query.Sort(again, p, descending); !slices.Equal(ids(got), ids(again)) {
			t.Errorf("page by %s, descending %t, in its own order: %v", p, descending, ids(got))
		}
	}
}

// testCompleted: filter, order and result are of completed resources.
func (s *suite) testCompleted(t *testing.T) {
	all := s.whole(t, resource.ListQuery{})
	location := s.path(t, "meta.location")
	at := func(o query.Object) string { return "https://test.example/" + o.Text("id") }
	q := resource.ListQuery{SortBy: &location, Complete: func(o query.Object) query.Object {
		o = o.Clone()
		o.Set("meta", append(o.Inner("meta"), query.Member{Name: "location", Value: at(o)}))
		return o
	}}
	want := slices.SortedFunc(slices.Values(all), func(a, b query.Object) int {
		if at(a) < at(b) {
			return -1
		}
		return 1
	})
	if got := s.whole(t, q); !slices.Equal(ids(got), ids(want)) {
		t.Errorf("by location: %v, want %v", ids(got), ids(want))
	}
	q.SortBy, q.Filter, q.Start, q.Count = nil, query.NewCompare(location, query.Eq, at(all[1])), 1, 10
	got := s.list(t, q).Resources
	if len(got) != 1 || got[0].Inner("meta").Text("location") != at(all[1]) {
		t.Errorf("%s finds %v", q.Filter, got)
	}
}

// testCancelled: a request that is over ends in an error which is no 404, and
// never in a part of the answer.
func (s *suite) testCancelled(t *testing.T) {
	o := s.temporary(t)
	before := ids(s.whole(t, resource.ListQuery{}))
	ctx, cancel := context.WithCancel(request(t, http.MethodGet))
	cancel()
	doc, want := s.New(s.next()), o.Clone()
	s.Change(&want, s.next())
	for doing, err := range map[string]error{
		"get":    second(s.backend.Get(ctx, o.Text("id"), query.Projection{})),
		"list":   second(s.backend.List(ctx, resource.ListQuery{Start: 1, Count: 10, Fresh: true})),
		"filter": second(s.backend.List(ctx, resource.ListQuery{Filter: s.byID(t, o.Text("id")), Whole: true, Start: 1, Fresh: true})),
		"create": second(s.backend.Create(ctx, doc)),
		"update": second(s.backend.Update(ctx, o, want)),
		"remove": s.backend.Remove(ctx, o.Text("id")),
	} {
		if err == nil || s.AsError(err).Status < 500 {
			t.Errorf("%s: %v, want an error of the server's", doing, err)
		}
	}
	if after := ids(s.whole(t, resource.ListQuery{Fresh: true})); !slices.Equal(after, before) {
		t.Errorf("list %v, want %v", after, before)
	}
	s.same(t, "not changed", s.get(t, o.Text("id")), o)
}

// second is the error of a call with a result.
func second[T any](_ T, err error) error { return err }

// testConcurrent: requests at the same time see their own writes, and lists are
// whole.
func (s *suite) testConcurrent(t *testing.T) {
	before := ids(s.whole(t, resource.ListQuery{}))
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() { s.live(t) })
		group.Go(func() {
			for range 3 {
				r, err := s.backend.List(request(t, http.MethodGet), resource.ListQuery{Whole: true, Start: 1})
				if err != nil {
					t.Errorf("list: %v", err)
				} else if r.Total < len(before) {
					t.Errorf("a list of %d, though %d are there all the time", r.Total, len(before))
				}
			}
		})
	}
	group.Wait()
	s.remain(t, ids(s.whole(t, resource.ListQuery{})), before)
}

// live creates, changes and removes a resource, and looks at it in between.
func (s *suite) live(t *testing.T) {
	created, err := s.backend.Create(request(t, http.MethodPost), s.New(s.next()))
	if err != nil {
		t.Errorf("create: %v", err)
		return
	}
	id := created.Text("id")
	want := created.Clone()
	s.Change(&want, s.next())
	if _, err := s.backend.Update(request(t, http.MethodPut), created, want); err != nil {
		t.Errorf("update: %v", err)
	}
	r, err := s.backend.List(request(t, http.MethodGet), resource.ListQuery{Filter: s.byID(t, id), Start: 1, Count: 10})
	if err != nil || len(r.Resources) != 1 {
		t.Errorf("list: %v, %v", r, err)
	} else {
		s.holds(t, r.Resources[0], s.changed(created, want))
	}
	if err := s.backend.Remove(request(t, http.MethodDelete), id); err != nil {
		t.Errorf("remove: %v", err)
	}
	_, err = s.backend.Get(request(t, http.MethodGet), id, query.Projection{})
	s.refused(t, "get what was removed", err, http.StatusNotFound, "")
}

// testUntouched: no document that went in or out of the backend has changed since.
func (s *suite) testUntouched(t *testing.T) {
	for _, w := range s.watched {
		if now := text(w.document); now != w.json {
			t.Errorf("this document was written to:\n%s\n%s", w.json, now)
		}
	}
}
