package resourcetest

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/state"
)

// Remembering is a Memory that logs what changes to a state. It is safe for concurrent
// use. Since nobody changes its resources but through it, it is always up to date.
type Remembering struct {
	*Memory
	state *state.Store

	mu   sync.Mutex // held while a change is made and logged
	past []past     // what the log refers to
}

// past is what a change has made of a resource.
type past struct {
	before       query.Object
	joined, left []string
}

// NewRemembering makes an empty backend for the resources of rt, and puts it there.
// now is as for NewMemory.
func NewRemembering(rt *resource.Type, store *state.Store, now func() time.Time) *Remembering {
	r := &Remembering{Memory: NewMemory(rt, now), state: store}
	rt.Backend = r
	return r
}

// Create implements resource.Backend.
func (r *Remembering) Create(ctx context.Context, doc query.Object) (query.Object, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o, err := r.Memory.Create(ctx, doc)
	if err != nil {
		return nil, err
	}
	return o, r.log(ctx, state.Create, nil, o)
}

// Update implements resource.Backend.
func (r *Remembering) Update(ctx context.Context, current, want query.Object) (query.Object, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before, err := r.Memory.Get(ctx, current.Text("id"), query.Projection{})
	if err != nil {
		return nil, err
	}
	o, err := r.Memory.Update(ctx, current, want)
	if err != nil || query.Equal(before, o) {
		return o, err
	}
	return o, r.log(ctx, state.Update, before, o)
}

// Remove implements resource.Backend.
func (r *Remembering) Remove(ctx context.Context, id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	before, err := r.Memory.Get(ctx, id, query.Projection{})
	if err != nil {
		return err
	}
	if err := r.Memory.Remove(ctx, id); err != nil {
		return err
	}
	return r.log(ctx, state.Delete, before, nil)
}

// log writes an entry. What a resource was before is kept here, and the log refers to
// it. The caller holds the mutex.
func (r *Remembering) log(ctx context.Context, op state.Op, before, after query.Object) error {
	p := past{before: before}
	c := state.Change{Type: r.rt.Name, ID: append(before.Without(), after...).Text("id"), Op: op, Source: "write"}
	if op == state.Update {
		c.Names = changedNames(before, after)
		had, has := slices.Collect(r.rt.Links.Of(before)), slices.Collect(r.rt.Links.Of(after))
		p.joined = slices.DeleteFunc(slices.Clone(has), func(id string) bool { return slices.Contains(had, id) })
		p.left = slices.DeleteFunc(slices.Clone(had), func(id string) bool { return slices.Contains(has, id) })
	}
	if before != nil {
		c.Before = strconv.AppendInt(nil, int64(len(r.past)), 10)
	}
	r.past = append(r.past, p)
	_, err := r.state.Commit(ctx, &state.Commit{Changes: []state.Change{c}})
	return err
}

// changedNames are the members in which two documents differ.
func changedNames(before, after query.Object) []string {
	var names []string
	for _, m := range append(before.Without(), after...) {
		v, _ := before.Get(m.Name)
		w, _ := after.Get(m.Name)
		if !query.Equal(query.Object{{Name: m.Name, Value: v}}, query.Object{{Name: m.Name, Value: w}}) {
			names = append(names, m.Name)
		}
	}
	return query.Unique(names)
}

// Mark implements resource.Rememberer.
func (r *Remembering) Mark(ctx context.Context, _ bool) (resource.Mark, error) {
	now := r.now()
	head, err := r.state.Head(ctx)
	return resource.Mark{Seq: head.Seq, AsOf: now, Proven: now}, err
}

// Logged implements resource.Rememberer.
func (r *Remembering) Logged() []string { return []string{r.rt.Name} }

// Changed implements resource.Rememberer.
func (r *Remembering) Changed(ctx context.Context, entries []resource.LogEntry) ([]resource.Change, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]resource.Change, 0, len(entries))
	for _, e := range entries {
		c := resource.Change{Seq: e.Seq, ID: e.ID, Op: e.Op, Names: e.Names}
		if e.Before != nil {
			at, err := strconv.Atoi(string(e.Before))
			if err != nil || at >= len(r.past) {
				return nil, resource.Refuse(http.StatusInternalServerError, "", "The log is of another backend.")
			}
			c.Before, c.Joined, c.Left = r.past[at].before, r.past[at].joined, r.past[at].left
		}
		now, err := r.Memory.Get(ctx, e.ID, query.Projection{})
		if err != nil && !resource.IsMissing(err) {
			return nil, err
		}
		c.Now = now
		all = append(all, c)
	}
	return all, nil
}
