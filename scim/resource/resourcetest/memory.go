// Package resourcetest has a backend in memory, and the tests that every backend
// passes.
//
// Package resource is the contract. [Memory] keeps it in the plainest way there is: it
// serves tests of the packages that work with backends, and is a model for the author
// of one. [Test] holds a backend to the contract.
package resourcetest

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"scim-atlassian/schemas"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Memory is a backend that keeps resources of any type in memory, as it was given
// them. It is safe for concurrent use.
//
// Ids are numbers in the order of creation, which is the order of lists too. Text
// attributes that the published schema calls unique are, as it regards their case.
// Memory gives no attribute a value but id and meta: links are stored like any other
// attribute, and the resources on the other side do not show them.
type Memory struct {
	rt     *resource.Type
	unique []query.Path
	now    func() time.Time

	mu     sync.Mutex
	last   int            // the newest id
	stored []query.Object // in order of id
	writes int
}

// NewMemory makes an empty backend for the resources of rt, and puts it there. now
// is the clock of meta.created and meta.lastModified; nil: time.Now.
func NewMemory(rt *resource.Type, now func() time.Time) *Memory {
	if now == nil {
		now = time.Now
	}
	m := &Memory{rt: rt, now: now}
	for _, a := range rt.Core.Attributes {
		if p, err := rt.Schema.Resolve(a.Name); err == nil && a.Uniqueness == "server" {
			m.unique = append(m.unique, p)
		}
	}
	rt.Backend = m
	return m
}

// Types returns the published resource types User, Group and Issue, each over a
// Memory of its own. Groups link to users by members, and users to groups by groups.
func Types(now func() time.Time) ([]*resource.Type, error) {
	published, err := schemas.ResourceTypes()
	if err != nil {
		return nil, err
	}
	types := make([]*resource.Type, len(published))
	for i, rt := range published {
		t := resource.NewType(rt)
		switch rt.Name {
		case "User":
			t.Links = resource.Links{Name: "groups"}
		case "Group":
			t.Links, t.Linked = resource.Links{Name: "members"}, []string{"/Users"}
		case "Issue":
			t.References = true
		}
		NewMemory(t, now)
		types[i] = t
	}
	return types, nil
}

// Writes counts the resources that were created, changed or removed so far.
func (m *Memory) Writes() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.writes
}

// Get implements resource.Backend. All attributes cost the same here, so that want
// does not matter.
func (m *Memory) Get(ctx context.Context, id string, _ query.Projection) (query.Object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, err := m.find(ctx, id)
	if err != nil {
		return nil, err
	}
	return m.stored[at], nil
}

// find returns the place of a resource. The caller holds the mutex.
func (m *Memory) find(ctx context.Context, id string) (at int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	at = slices.IndexFunc(m.stored, func(o query.Object) bool { return o.Text("id") == id })
	if at < 0 {
		return 0, resource.NotFound(m.rt.Name, resource.Clip(id))
	}
	return at, nil
}

// Create implements resource.Backend.
func (m *Memory) Create(ctx context.Context, doc query.Object) (query.Object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := m.clash(doc, ""); err != nil {
		return nil, err
	}
	m.last++
	m.writes++
	now := m.now()
	o := append(query.Object{{Name: "id", Value: strconv.Itoa(m.last)}}, doc.Without("schemas", "id", "meta")...)
	o.Set("meta", query.Object{{Name: "resourceType", Value: m.rt.Name}, {Name: "created", Value: now}, {Name: "lastModified", Value: now}})
	m.stored = append(m.stored, o)
	return o, nil
}

// clash refuses a document that has a unique value of a resource other than the one
// called id. The caller holds the mutex.
func (m *Memory) clash(doc query.Object, id string) error {
	for _, p := range m.unique {
		value, ok := doc.At(p).(string)
		if !ok {
			continue
		}
		same := query.NewCompare(p, query.Eq, value)
		if slices.ContainsFunc(m.stored, func(o query.Object) bool { return o.Text("id") != id && query.Match(same, o) }) {
			return resource.Refuse(http.StatusConflict, resource.TypeUniqueness, "Another %s has the %s %s.", strings.ToLower(m.rt.Name), p, resource.InQuotes(value))
		}
	}
	return nil
}

// Update implements resource.Backend.
func (m *Memory) Update(ctx context.Context, current, want query.Object) (query.Object, error) {
	names := m.differences(current, want)
	if len(names) == 0 {
		return current, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	at, err := m.find(ctx, current.Text("id"))
	if err != nil {
		return nil, err
	}
	o := m.stored[at].Without(names...)
	for _, name := range names {
		if v, ok := want.Get(name); ok {
			o.Set(name, v)
		}
	}
	if err := m.clash(o, o.Text("id")); err != nil {
		return nil, err
	}
	meta := o.Inner("meta").Clone()
	meta.Set("lastModified", m.now())
	o.Set("meta", meta)
	m.stored[at] = o
	m.writes++
	return o, nil
}

// differences lists the attributes and extensions that differ and that clients can
// write.
func (m *Memory) differences(current, want query.Object) []string {
	var names []string
	compare := func(name string) {
		before, had := current.Get(name)
		after, has := want.Get(name)
		if had != has || !query.Equal(query.Object{{Name: name, Value: before}}, query.Object{{Name: name, Value: after}}) {
			names = append(names, name)
		}
	}
	for _, a := range m.rt.Schema.Attributes {
		if a.Mutability != query.ReadOnly {
			compare(a.Name)
		}
	}
	for _, e := range m.rt.Schema.Extensions {
		compare(e.URN)
	}
	return names
}

// Kept implements resource.Backend: nobody is activated or locked out by a PUT that
// does not say so, and the policy may keep links.
func (m *Memory) Kept(p resource.Policy) []string {
	var names []string
	for _, a := range m.rt.Schema.Attributes {
		if a.Kind == query.Boolean && a.Mutability == query.ReadWrite {
			names = append(names, a.Name)
		}
	}
	if p.KeepMembers && m.rt.Links.Name != "" {
		names = append(names, m.rt.Links.Name)
	}
	return names
}

// Remove implements resource.Backend.
func (m *Memory) Remove(ctx context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, err := m.find(ctx, id)
	if err != nil {
		return err
	}
	resource.RequestOf(ctx).Remember(m.stored[at])
	m.stored = slices.Delete(m.stored, at, at+1)
	m.writes++
	return nil
}

// List implements resource.Backend. It looks at everything, at no cost.
func (m *Memory) List(ctx context.Context, q resource.ListQuery) (*resource.ListResult, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	all := slices.Clone(m.stored)
	m.mu.Unlock()
	return q.Finish(all, m.Explain(q.Filter)), nil
}

// Explain implements resource.Backend.
func (m *Memory) Explain(filter query.Expr) string {
	return query.Choose(filter, nil, query.Stats{}).String()
}
