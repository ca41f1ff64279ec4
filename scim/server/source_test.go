package server_test

import (
	"context"
	"encoding/json"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/resource/resourcetest"
	"scim-atlassian/scim/server"
)

// bytesBackend answers reads in bytes that it holds of each resource.
type bytesBackend struct {
	*resourcetest.Memory
	appended *atomic.Int64 // resources that were answered from bytes
}

func (b bytesBackend) List(ctx context.Context, q resource.ListQuery) (*resource.ListResult, error) {
	r, err := b.Memory.List(ctx, q)
	if err != nil || q.Whole || q.Filter != nil || q.SortBy != nil {
		return r, err
	}
	return &resource.ListResult{Total: r.Total, Source: newBytes(r.Resources, b.appended), Plan: r.Plan}, nil
}

func (b bytesBackend) GetSource(ctx context.Context, id string, want query.Projection) (resource.Source, error) {
	o, err := b.Memory.Get(ctx, id, want)
	if err != nil {
		return nil, err
	}
	return newBytes([]query.Object{o}, b.appended), nil
}

// bytesSource has the JSON of each resource: its members but meta, without braces,
// and meta without its closing brace.
type bytesSource struct {
	objects       []query.Object
	members, meta [][]byte
	appended      *atomic.Int64
}

func newBytes(objects []query.Object, appended *atomic.Int64) *bytesSource {
	s := &bytesSource{objects: objects, appended: appended}
	for _, o := range objects {
		rest := o.Clone()
		rest.Delete("meta")
		meta := o.Inner("meta").AppendJSON(nil)
		all := rest.AppendJSON(nil)
		s.members, s.meta = append(s.members, all[1:len(all)-1]), append(s.meta, meta[:len(meta)-1])
	}
	return s
}

func (s *bytesSource) Len() int                  { return len(s.objects) }
func (s *bytesSource) ID(i int) string           { return s.objects[i].Text("id") }
func (s *bytesSource) Object(i int) query.Object { return s.objects[i] }
func (s *bytesSource) Version(i int) string      { return query.Version(s.objects[i]) }

// Append shows whole resources only.
func (s *bytesSource) Append(b []byte, i int, v resource.View) ([]byte, bool) {
	if !v.Want.Wants("emails") || !v.Want.Wants("title") || !v.Want.Wants("meta.created") || v.References || v.EmailType != "" {
		return b, false
	}
	s.appended.Add(1)
	b = append(b, `{"schemas":["`+v.Type.Core.ID+`"],`...)
	b = append(append(append(b, s.members[i]...), `,"meta":`...), s.meta[i]...)
	b = append(b, `,"location":`+strconv.Quote(v.Collection+"/"+s.ID(i))...)
	if v.Versioned {
		b = append(b, `,"version":`+strconv.Quote(s.Version(i))...)
	}
	return append(b, "}}"...), true
}

// TestSource holds that answers from a backend's own bytes are those from its
// objects, and that they are used where they can be.
func TestSource(t *testing.T) {
	var appended atomic.Int64
	plain := newSite(t, nil)
	sourced := newSite(t, func(cfg *server.Config) {
		users := cfg.Types[0]
		users.Backend = bytesBackend{users.Backend.(*resourcetest.Memory), &appended}
	})
	for _, name := range []string{"ann", "bob", "cyd", "dan", "eve"} {
		plain.user(name, `"title":"Boss"`)
		sourced.user(name, `"title":"Boss"`)
	}
	for _, test := range []struct {
		path      string
		fromBytes int64
	}{
		{"/Users/2", 1},
		{"/Users/2?attributes=userName", 0},
		{"/Users/99", 0},
		{"/Users?count=2", 2},
		{"/Users?startIndex=3&count=2", 0}, // continues the page before: from the kept result
		{"/Users?startIndex=2&count=3&excludedAttributes=title", 0},
		{"/Users?attributes=userName&count=2", 0},
		{"/Users?count=0", 0},
		{`/Users?filter=userName%20eq%20%22bob%22`, 0},
		{"/Users?sortBy=userName&sortOrder=descending", 0},
		{"/Users?cursor=&count=2", 0},
	} {
		before := appended.Load()
		got, want := sourced.do("GET", test.path, ""), plain.do("GET", test.path, "")
		var g, w any
		if err := json.Unmarshal([]byte(got.body), &g); err != nil {
			t.Errorf("%s: %v in %s", test.path, err, got.body)
		}
		if err := json.Unmarshal([]byte(want.body), &w); err != nil {
			t.Fatal(err)
		}
		if list, ok := w.(map[string]any); ok { // cursors are sealed anew each time
			delete(list, "nextCursor")
			delete(g.(map[string]any), "nextCursor")
		}
		if diff := cmp.Diff(w, g); diff != "" || got.status != want.status {
			t.Errorf("%s: %d, want %d (-want +got):\n%s", test.path, got.status, want.status, diff)
		}
		for _, name := range []string{"ETag", "Location", "Content-Type"} {
			if got.header.Get(name) != want.header.Get(name) {
				t.Errorf("%s: %s is %q, want %q", test.path, name, got.header.Get(name), want.header.Get(name))
			}
		}
		if n := appended.Load() - before; n != test.fromBytes {
			t.Errorf("%s: %d resources from bytes, want %d", test.path, n, test.fromBytes)
		}
	}
}

// TestEveryRequestIsDispatched holds that the SCIM library dispatches every request for
// resources of a type, however it is answered.
func TestEveryRequestIsDispatched(t *testing.T) {
	var appended atomic.Int64
	s := newSite(t, func(cfg *server.Config) {
		users := cfg.Types[0]
		users.Backend = bytesBackend{users.Backend.(*resourcetest.Memory), &appended}
	})
	dispatched := s.server.CountDispatched()
	for _, test := range []struct{ method, path, body string }{
		{"POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ann","emails":[{"value":"a@x.example"}]}`},
		{"GET", "/Users/1", ""},
		{"HEAD", "/Users/1", ""},
		{"GET", "/Users/1?attributes=userName", ""},
		{"GET", "/Users", ""},
		{"GET", "/Users?startIndex=1&count=100", ""},
		{"GET", `/Users?filter=userName%20eq%20%22ann%22`, ""},
		{"GET", "/Users?cursor=&count=1", ""},
		{"POST", "/Users/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"count":1}`},
		{"PATCH", "/Users/1", `{"Operations":[{"op":"replace","path":"title","value":"Boss"}]}`},
		{"PATCH", "/Users/1", `{"Operations":[{"op":"remove","path":"title"}]}`},
		{"PUT", "/Users/1", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ann","emails":[{"value":"a@x.example"}]}`},
		{"DELETE", "/Users/1", ""},
	} {
		before := dispatched.Load()
		got := s.do(test.method, test.path, test.body)
		if n := dispatched.Load() - before; n != 1 || got.status >= 300 {
			t.Errorf("%s %s: dispatched %d times: %d %s", test.method, test.path, n, got.status, got.body)
		}
	}
	if appended.Load() == 0 {
		t.Error("nothing was answered from bytes")
	}
}
