package plan

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// reads are what rehearsals have read, each thing once. They are safe for concurrent use.
type reads struct {
	mu  sync.Mutex
	got map[string]*read
}

type read struct {
	once  sync.Once
	found []query.Object
	err   error
}

func newReads() *reads { return &reads{got: map[string]*read{}} }

// of returns what was read under a key, and has it read if it was not.
func (r *reads) of(key string, do func() ([]query.Object, error)) ([]query.Object, error) {
	r.mu.Lock()
	one := r.got[key]
	if one == nil {
		one = &read{}
		r.got[key] = one
	}
	r.mu.Unlock()
	one.once.Do(func() { one.found, one.err = do() })
	return one.found, one.err
}

// Rehearsal lets writes happen in memory, on top of what is there. It is safe for
// concurrent use, but what it tells of writes that depend on each other is the truth
// only if they come one after the other.
type Rehearsal struct {
	reads  *reads
	adopt  bool
	typeAt func(segment string) *resource.Type
	shared sync.Map // what judges keep, see resource.Rehearser

	mu       sync.Mutex
	backends map[*resource.Type]resource.Backend
	things   map[string]query.Object // by type and id; nil: deleted
	made     int
}

func newRehearsal(read *reads, cfg Config) *Rehearsal {
	return &Rehearsal{reads: read, adopt: cfg.Adopt, typeAt: cfg.Bulk.TypeAt, backends: map[*resource.Type]resource.Backend{}, things: map[string]query.Object{}}
}

// Backend returns what stands for the backend of a type.
func (r *Rehearsal) Backend(rt *resource.Type) resource.Backend {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.backends[rt]
	if b == nil {
		b = resource.Rehearse(rt.Backend, &r.shared, func(inner resource.Backend) resource.Backend { return &rehearsed{Backend: inner, rt: rt, r: r} })
		r.backends[rt] = b
	}
	return b
}

// thing is a resource as the writes so far have left it; false: none was about it.
func (r *Rehearsal) thing(rt *resource.Type, id string) (o query.Object, touched bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o, touched = r.things[thingKey(rt, id)]
	return o, touched
}

// set leaves a resource as a write makes it, nil for none.
func (r *Rehearsal) set(rt *resource.Type, id string, o query.Object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.things[thingKey(rt, id)] = o
}

func thingKey(rt *resource.Type, id string) string { return rt.Name + "/" + id }

// newID is a name for what a POST makes: its bulkId, if it has one.
func (r *Rehearsal) newID(ctx context.Context) string {
	if id, ok := ctx.Value(nameKey{}).(string); ok && id != "" {
		return "bulkId:" + id
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.made++
	return "new:" + strconv.Itoa(r.made)
}

// nameKey is of the bulkId that a POST has, in its context.
type nameKey struct{}

// rehearsed is a backend that reads what is there, and writes nothing. The embedded one
// is not written to.
type rehearsed struct {
	resource.Backend
	rt *resource.Type
	r  *Rehearsal
}

// Get implements resource.Backend. The resource is whole.
func (b *rehearsed) Get(ctx context.Context, id string, _ query.Projection) (query.Object, error) {
	if o, touched := b.r.thing(b.rt, id); touched {
		if o == nil {
			return nil, resource.NotFound(b.rt.Name, id)
		}
		return b.withoutDeleted(o), nil
	}
	found, err := b.r.reads.of(thingKey(b.rt, id), func() ([]query.Object, error) {
		o, err := b.Backend.Get(ctx, id, query.Projection{})
		return []query.Object{o}, err
	})
	if err != nil {
		return nil, err
	}
	return b.withoutDeleted(found[0]), nil
}

// withoutDeleted is a resource without its links to what was deleted.
func (b *rehearsed) withoutDeleted(o query.Object) query.Object {
	links := o.Elements(b.rt.Links.Name)
	kept := make([]any, 0, len(links))
	for _, e := range links {
		if !b.deleted(e.Text("value")) {
			kept = append(kept, e)
		}
	}
	if len(kept) == len(links) {
		return o
	}
	o = o.Clone()
	o.Set(b.rt.Links.Name, kept)
	return o
}

// deleted reports whether a write has deleted what a link leads to.
func (b *rehearsed) deleted(id string) bool {
	for _, endpoint := range b.rt.Linked {
		if to := b.r.typeAt(strings.TrimPrefix(endpoint, "/")); to != nil {
			if o, touched := b.r.thing(to, id); touched && o == nil {
				return true
			}
		}
	}
	return false
}

// Create implements resource.Backend.
func (b *rehearsed) Create(ctx context.Context, doc query.Object) (query.Object, error) {
	for _, name := range b.unique() {
		other, err := b.other(ctx, name, "", doc)
		switch {
		case err != nil:
			return nil, err
		case other != nil && name == externalID && b.r.adopt:
			resource.RequestOf(ctx).Existing = true
			return other, nil
		case other != nil:
			return nil, b.taken(name, doc)
		}
	}
	if err := b.checkLinks(ctx, nil, doc); err != nil {
		return nil, err
	}
	o := doc.Clone()
	id := b.r.newID(ctx)
	o.Set("id", id)
	o.Set("meta", query.Texts("resourceType", b.rt.Name))
	b.r.set(b.rt, id, o)
	return o, nil
}

// Update implements resource.Backend.
func (b *rehearsed) Update(ctx context.Context, current, want query.Object) (query.Object, error) {
	id := current.Text("id")
	for _, name := range b.unique() {
		if strings.EqualFold(current.Text(name), want.Text(name)) {
			continue
		}
		other, err := b.other(ctx, name, id, want)
		if err != nil {
			return nil, err
		}
		if other != nil {
			return nil, b.taken(name, want)
		}
	}
	if err := b.checkLinks(ctx, current, want); err != nil {
		return nil, err
	}
	b.r.set(b.rt, id, want)
	return want, nil
}

// checkLinks refuses new links to what does not exist.
func (b *rehearsed) checkLinks(ctx context.Context, before, after query.Object) error {
	if b.rt.Linked == nil || resource.RequestOf(ctx).Policy.IgnoreUnknownMembers {
		return nil
	}
	for _, id := range added(b.rt.Links.Name, before, after) {
		there, err := b.there(ctx, id)
		if err != nil {
			return err
		}
		if !there {
			return resource.InvalidValue("%s: there is no %s.", b.rt.Links.Name, resource.InQuotes(id))
		}
	}
	return nil
}

// there reports whether what a link leads to exists.
func (b *rehearsed) there(ctx context.Context, id string) (bool, error) {
	if b.deleted(id) {
		return false, nil
	}
	for _, endpoint := range b.rt.Linked {
		to := b.r.typeAt(strings.TrimPrefix(endpoint, "/"))
		if to == nil {
			continue
		}
		_, err := b.r.Backend(to).Get(ctx, id, query.Projection{})
		if err == nil || !resource.IsMissing(err) {
			return err == nil, err
		}
	}
	return false, nil
}

// Remove implements resource.Backend.
func (b *rehearsed) Remove(ctx context.Context, id string) error {
	o, err := b.Get(ctx, id, query.Projection{})
	if err != nil {
		return err
	}
	if _, has := o.Get("active"); has && resource.RequestOf(ctx).Policy.DeactivateDeleted {
		o = o.Clone()
		o.Set("active", false)
		b.r.set(b.rt, id, o)
		return nil
	}
	b.r.set(b.rt, id, nil)
	return nil
}

// externalID is unique among issues.
const externalID = "externalId"

// unique names the attributes of which no two resources may have the same value.
func (b *rehearsed) unique() []string {
	var names []string
	for _, a := range b.rt.Core.Attributes {
		if a.Uniqueness == "server" && a.Mutability != "readOnly" && a.Type == "string" {
			names = append(names, a.Name)
		}
	}
	if b.rt.Name == "Issue" {
		names = append(names, externalID)
	}
	return names
}

// other is another resource than id with the value that want has of an attribute, nil if
// there is none.
func (b *rehearsed) other(ctx context.Context, name, id string, want query.Object) (query.Object, error) {
	value := want.Text(name)
	if value == "" {
		return nil, nil
	}
	if o := b.touchedWith(name, id, value); o != nil {
		return o, nil
	}
	text, _ := query.Object{{Name: "v", Value: value}}.MarshalJSON() // of a text
	filter := name + " eq " + string(text[len(`{"v":`):len(text)-1])
	found, err := b.r.reads.of(b.rt.Name+"?"+filter, func() ([]query.Object, error) {
		e, err := query.Parse(b.rt.Schema, filter, resource.FilterLimits)
		if err != nil {
			return nil, nil // it is too long to be there
		}
		list, err := b.Backend.List(ctx, resource.ListQuery{Filter: e, Start: 1, Count: 2})
		if err != nil {
			return nil, err
		}
		if list.Source != nil {
			for i := range list.Source.Len() {
				list.Resources = append(list.Resources, list.Source.Object(i))
			}
		}
		return list.Resources, nil
	})
	for _, o := range found {
		if _, touched := b.r.thing(b.rt, o.Text("id")); !touched && o.Text("id") != id {
			return o, err
		}
	}
	return nil, err
}

// touchedWith is a resource that a write was about and that has a value now.
func (b *rehearsed) touchedWith(name, id, value string) query.Object {
	b.r.mu.Lock()
	defer b.r.mu.Unlock()
	for key, o := range b.r.things {
		if key != thingKey(b.rt, id) && strings.HasPrefix(key, b.rt.Name+"/") && strings.EqualFold(o.Text(name), value) {
			return o
		}
	}
	return nil
}

func (b *rehearsed) taken(name string, doc query.Object) error {
	return resource.Refuse(http.StatusConflict, resource.TypeUniqueness, "%s: %s is the %[1]s of another %[3]s.", name, resource.InQuotes(doc.Text(name)), b.rt.Name)
}

// changed reports whether two states of a resource differ in what writes are about.
func changed(before, after query.Object) bool {
	return !query.Equal(before.Without("meta"), after.Without("meta"))
}

// added lists the values of the elements of a list that the first of two states lacks.
func added(name string, before, after query.Object) (values []string) {
	had := map[string]bool{}
	for _, e := range before.Elements(name) {
		had[e.Text("value")] = true
	}
	for _, e := range after.Elements(name) {
		if v := e.Text("value"); !had[v] {
			values = append(values, v)
		}
	}
	return values
}
