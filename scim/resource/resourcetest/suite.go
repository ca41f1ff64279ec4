package resourcetest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Subject is a backend to be tested, with the facts that the test needs.
type Subject struct {
	// Type has the Backend. There may be resources already; nobody else changes them
	// during the test.
	Type *resource.Type
	// New returns the document of a resource that does not exist yet, another one for
	// every n. Upstream may add attributes. If Unique is set, to create the same document
	// twice is a uniqueness error.
	New    func(n int) query.Object
	Unique bool
	// Change changes an attribute of a resource to a value that depends on n.
	Change func(doc *query.Object, n int)
	// Remains says that a removed resource lives on under another id, as an account does
	// whose record in the directory is deleted.
	Remains bool
	// Unknown is an id of a resource that never existed.
	Unknown string
	// Writes counts the writes that upstream got.
	Writes func() int
	// AsError turns errors of the backend into answers; nil: resource.AsError.
	AsError func(error) *resource.Error
}

// Test holds a backend to the contract in package resource. It removes the resources
// that it creates. Random filters are the same every time.
func Test(t *testing.T, subject Subject) {
	if subject.AsError == nil {
		subject.AsError = resource.AsError
	}
	s := &suite{Subject: subject, backend: subject.Type.Backend, watched: map[*query.Member]watched{}}
	for i := range 3 { // for lists to find, also in an empty backend
		o := s.create(t, i)
		defer func() { s.remove(t, o.Text("id")) }()
	}
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"create", s.testCreate}, {"update", s.testUpdate}, {"patch", s.testPatch}, {"remove", s.testRemove}, {"unknown", s.testUnknown}, {"kept", s.testKept},
		{"projection", s.testProjection}, {"list", s.testList}, {"pages", s.testPages}, {"filters", s.testFilters}, {"sort", s.testSort},
		{"completed", s.testCompleted}, {"cancelled", s.testCancelled}, {"concurrent", s.testConcurrent},
	} {
		t.Run(test.name, test.run)
	}
	t.Run("documents are not written to", s.testUntouched)
}

// suite is a test of one backend.
type suite struct {
	Subject
	backend resource.Backend

	mu      sync.Mutex
	made    int
	watched map[*query.Member]watched // by the first member: a document may come many times
}

// watched is a document that changed hands, and its JSON then.
type watched struct {
	document query.Object
	json     string
}

// watch remembers documents, for testUntouched.
func (s *suite) watch(documents ...query.Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range documents {
		if _, known := s.watched[&o[0]]; !known {
			s.watched[&o[0]] = watched{o, text(o)}
		}
	}
}

// text is a document as failures show it.
func text(o query.Object) string { return string(o.AppendJSON(nil)) }

// next is a number that no document was made from.
func (s *suite) next() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made++
	return 1000 + s.made
}

// request is a context for a request.
func request(t *testing.T, method string) context.Context {
	return resource.WithRequest(context.WithoutCancel(t.Context()), &resource.Request{Method: method})
}

// create makes a resource, which must succeed.
func (s *suite) create(t *testing.T, n int) query.Object {
	t.Helper()
	doc := s.New(n)
	s.watch(doc)
	o, err := s.backend.Create(request(t, http.MethodPost), doc)
	if err != nil {
		t.Fatalf("create %s: %v", text(doc), err)
	}
	s.watch(o)
	return o
}

// temporary makes a resource for the time of a test.
func (s *suite) temporary(t *testing.T) query.Object {
	t.Helper()
	o := s.create(t, s.next())
	t.Cleanup(func() { _ = s.backend.Remove(request(t, http.MethodDelete), o.Text("id")) }) // it may be gone
	return o
}

// get reads a resource whole, which must succeed.
func (s *suite) get(t *testing.T, id string) query.Object {
	t.Helper()
	o, err := s.backend.Get(request(t, http.MethodGet), id, query.Projection{})
	if err != nil {
		t.Fatalf("get %s: %v", id, err)
	}
	s.watch(o)
	return o
}

// update changes a resource, which must succeed, and returns the document that it was
// asked to become.
func (s *suite) update(t *testing.T, current query.Object, n int) query.Object {
	t.Helper()
	want := current.Clone()
	s.Change(&want, n)
	s.watch(want)
	got, err := s.backend.Update(request(t, http.MethodPut), current, want)
	if err != nil {
		t.Fatalf("update to %s: %v", text(want), err)
	}
	if got != nil {
		s.watch(got)
		s.holds(t, got, s.changed(current, want))
	}
	return want
}

// changed returns the attributes of want that current does not have, or not with that
// value.
func (s *suite) changed(current, want query.Object) query.Object {
	var out query.Object
	for _, m := range want {
		before, _ := current.Get(m.Name)
		if !query.Equal(query.Object{{Name: "", Value: m.Value}}, query.Object{{Name: "", Value: before}}) {
			out = append(out, m)
		}
	}
	return out
}

func (s *suite) remove(t *testing.T, id string) {
	t.Helper()
	if err := s.backend.Remove(request(t, http.MethodDelete), id); err != nil {
		t.Errorf("remove %s: %v", id, err)
	}
}

// list answers a query, which must succeed.
func (s *suite) list(t *testing.T, q resource.ListQuery) *resource.ListResult {
	t.Helper()
	r, err := s.backend.List(request(t, http.MethodGet), q)
	if err != nil {
		t.Fatalf("list %v: %v", q.Filter, err)
	}
	if r.Source != nil {
		r.Resources = decode(r.Source)
		for i, o := range r.Resources {
			if r.Source.ID(i) != o.Text("id") || r.Source.Version(i) != query.Version(o) {
				t.Errorf("%s in bytes is %s, %s", o.Text("id"), r.Source.ID(i), r.Source.Version(i))
			}
		}
	}
	s.watch(r.Resources...)
	s.watch(r.All...)
	return r
}

// whole answers a query with everything that matches, in order.
func (s *suite) whole(t *testing.T, q resource.ListQuery) []query.Object {
	t.Helper()
	q.Whole, q.Start, q.Count = true, 1, 0
	r := s.list(t, q)
	if !r.Whole() {
		t.Fatalf("list %v: neither All nor Every nor Read though the whole was asked for", q.Filter)
	}
	all := r.All
	if r.Every != nil {
		if r.All != nil {
			t.Errorf("list %v: All %v beside Every", q.Filter, r.All)
		}
		all = decode(r.Every)
	}
	if r.Read != nil {
		if all != nil || q.SortBy != nil || r.Batch < 1 && len(r.IDs) > 0 {
			t.Errorf("list %v: All %v, Batch %d beside Read", q.Filter, all, r.Batch)
		}
		all = s.readAll(t, r)
	}
	if r.Total != len(all) || r.Plan == "" {
		t.Errorf("list %v: total %d for %d resources, plan %q", q.Filter, r.Total, len(all), r.Plan)
	}
	return all
}

// decode returns the objects of a source.
func decode(s resource.Source) []query.Object {
	all := make([]query.Object, s.Len())
	for i := range all {
		all[i] = s.Object(i)
	}
	return all
}

// readAll reads a result that is known by its ids.
func (s *suite) readAll(t *testing.T, r *resource.ListResult) []query.Object {
	t.Helper()
	found, err := r.Read(request(t, http.MethodGet), r.IDs)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	s.watch(found...)
	byID := map[string]query.Object{}
	for _, o := range found {
		byID[o.Text("id")] = o
	}
	all := make([]query.Object, 0, len(r.IDs))
	for _, id := range r.IDs {
		if byID[id] == nil {
			t.Errorf("read: %s is missing", id)
		}
		all = append(all, byID[id])
	}
	return all
}

// path resolves an attribute of the type.
func (s *suite) path(t *testing.T, name string) query.Path {
	t.Helper()
	p, err := s.Type.Schema.Resolve(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// byID is a filter for one resource.
func (s *suite) byID(t *testing.T, id string) query.Expr {
	t.Helper()
	return query.NewCompare(s.path(t, "id"), query.Eq, id)
}

// refused requires an error with a status and a scimType.
func (s *suite) refused(t *testing.T, doing string, err error, status int, scimType string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error, want %d %s", doing, status, scimType)
		return
	}
	if e := s.AsError(err); e.Status != status || e.Type != scimType || e.Detail == "" {
		t.Errorf("%s: got %v, want %d %s with a detail", doing, e, status, scimType)
	}
}

// remain requires a list to have the same ids as before. Where removed resources live
// on, it may have more.
func (s *suite) remain(t *testing.T, after, before []string) {
	t.Helper()
	if s.Remains {
		after = slices.DeleteFunc(after, func(id string) bool { return !slices.Contains(before, id) })
	}
	if !slices.Equal(after, before) {
		t.Errorf("list %v, want %v", after, before)
	}
}

// same requires two documents to be equal but for the order of lists.
func (s *suite) same(t *testing.T, doing string, got, want query.Object) {
	t.Helper()
	if query.Version(got) != query.Version(want) {
		t.Errorf("%s:\n got %s\nwant %s", doing, text(got), text(want))
	}
}

// holds requires a document to have the values of another one, text in any case.
func (s *suite) holds(t *testing.T, got, want query.Object) {
	t.Helper()
	for _, m := range want {
		v, _ := got.Get(m.Name)
		if !contains(v, m.Value) {
			t.Errorf("%s is %v, want %v in %s", m.Name, v, m.Value, text(got))
		}
	}
}

// contains reports whether got has all values of want; it may have more.
func contains(got, want any) bool {
	switch want := want.(type) {
	case query.Object:
		got, ok := got.(query.Object)
		return ok && !slices.ContainsFunc(want, func(m query.Member) bool {
			v, _ := got.Get(m.Name)
			return !contains(v, m.Value)
		})
	case []any:
		list, _ := got.([]any)
		return !slices.ContainsFunc(want, func(w any) bool {
			return !slices.ContainsFunc(list, func(g any) bool { return contains(g, w) })
		})
	case string:
		got, ok := got.(string)
		return ok && strings.EqualFold(got, want)
	}
	return query.Equal(query.Object{{Name: "", Value: got}}, query.Object{{Name: "", Value: want}})
}

// conforms requires a whole document to have the form that the contract says.
func (s *suite) conforms(t *testing.T, o query.Object) {
	t.Helper()
	known := map[string]*query.Attribute{}
	for _, a := range s.Type.Schema.Attributes {
		known[a.Name] = a
	}
	for _, e := range s.Type.Schema.Extensions {
		known[e.URN] = &query.Attribute{Name: e.URN, Kind: query.Complex, Sub: e.Attributes}
	}
	var wrong []string
	names := map[string]bool{}
	for _, m := range o {
		a := known[m.Name]
		if a == nil || names[m.Name] || m.Name == "schemas" {
			wrong = append(wrong, m.Name)
			continue
		}
		names[m.Name] = true
		wrong = append(wrong, misfits(a, m.Value)...)
	}
	meta := o.Inner("meta")
	_, located := meta.Get("location")
	_, versioned := meta.Get("version")
	if len(wrong) > 0 || o.Text("id") == "" || meta.Text("resourceType") != s.Type.Name || located || versioned {
		t.Errorf("not a document of a %s, see %v: %s", s.Type.Name, wrong, text(o))
	}
}

// misfits names the attributes in a value that the schema does not know or that
// have another type there.
func misfits(a *query.Attribute, v any) []string {
	list, isList := v.([]any)
	if isList != a.MultiValued {
		return []string{a.Name}
	}
	if !isList {
		list = []any{v}
	}
	var wrong []string
	for _, e := range list {
		object, _ := e.(query.Object)
		if !fits(a.Kind, e) {
			wrong = append(wrong, a.Name)
		}
		for _, m := range object {
			at := slices.IndexFunc(a.Sub, func(sub *query.Attribute) bool { return sub.Name == m.Name })
			if at < 0 {
				wrong = append(wrong, fmt.Sprintf("%s.%s", a.Name, m.Name))
				continue
			}
			wrong = append(wrong, misfits(a.Sub[at], m.Value)...)
		}
	}
	return wrong
}

// fits reports whether a value is of the Go type that query.Member has for the kind.
func fits(kind query.Kind, v any) bool {
	var ok bool
	switch kind {
	case query.Boolean:
		_, ok = v.(bool)
	case query.Integer:
		_, ok = v.(int64)
	case query.Decimal:
		_, ok = v.(float64)
	case query.DateTime:
		_, ok = v.(time.Time)
	case query.Complex:
		_, ok = v.(query.Object)
	default:
		_, ok = v.(string)
	}
	return ok
}
