package delta

import (
	"context"
	"slices"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/state"
)

// Page is a page of what has changed.
type Page struct {
	Total   int // entries of the log behind the token, when the page was made
	Start   int // place of the first of those that the page covers, from 1
	Covered int // how many it covers: the next page begins at Start+Covered
	// Changes are the wrappers, one for each resource, in the order of the log, but
	// those of types that refer to others behind those of the others.
	Changes []query.Object
	Next    string // cursor of the next page; empty: there is none, or the request had no cursor
	Token   *Token // for the next query; nil: there are more pages
	Position
}

const urnListResponse = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

// Document is the page as a ListResponse.
func (p *Page) Document(byCursor bool) query.Object {
	doc := query.Object{{Name: "schemas", Value: []any{urnListResponse}}, {Name: "totalResults", Value: int64(p.Total)}}
	if !byCursor {
		doc.Set("startIndex", int64(p.Start))
	}
	doc.Set("itemsPerPage", int64(p.Covered))
	if p.Next != "" {
		doc.Set("nextCursor", p.Next)
	}
	if p.Token != nil {
		doc.Set("nextDeltaToken", p.Token.Object())
	}
	changes := make([]any, len(p.Changes))
	for i, c := range p.Changes {
		changes[i] = c
	}
	doc.Set("Resources", changes)
	return doc
}

// Query returns a page of what has changed since a token. Only the first page of a
// query brings what is known of the resources up to date.
//
// Besides the refusals of tokens and cursors, its errors are those of
// resource.Rememberer, and 501 for types without a log.
func (d *Deltas) Query(ctx context.Context, r *Request) (*Page, error) {
	types, err := d.supported(r.Types, r.Scope)
	if err != nil {
		return nil, err
	}
	if err := r.check(types); err != nil {
		return nil, err
	}
	since, err := d.open(ctx, r.Token, types)
	if err != nil {
		return nil, err
	}
	at, err := d.now(ctx, r, types)
	if err != nil {
		return nil, err
	}
	names := logged(types)
	from, err := d.place(ctx, r, since, at.head.Seq, names)
	if err != nil {
		return nil, err
	}
	total, err := d.cfg.State.CountChanges(ctx, since.seq, at.head.Seq, names)
	if err != nil {
		return nil, unreadable(err)
	}
	page := &Page{Total: total, Start: from.start, Position: at}
	c := collapser{Request: r, types: types}
	return page, d.fill(ctx, c, page, from, names, typeNames(types))
}

// now is the position up to which the page of a request reads.
func (d *Deltas) now(ctx context.Context, r *Request, types []*resource.Type) (Position, error) {
	if first := r.List.Start == 1 && (r.List.Cursor == nil || *r.List.Cursor == ""); first {
		return d.mark(ctx, types, r.Fresh)
	}
	head, err := d.cfg.State.Head(ctx)
	return Position{head: head}, unreadable(err)
}

// fill reads entries until the page has changes or the log is empty. Entries may have
// no change to show: a page without any but the last one would look like the end.
func (d *Deltas) fill(ctx context.Context, c collapser, page *Page, from place, names, scope []string) error {
	upto, after := page.head.Seq, from.after
	for len(page.Changes) == 0 && from.count > 0 {
		entries, err := d.cfg.State.Changes(ctx, after, upto, names, from.count)
		if err != nil {
			return unreadable(err)
		}
		if page.Changes, err = c.collapse(ctx, entries); err != nil {
			return err
		}
		page.Covered += len(entries)
		if len(entries) > 0 {
			after = entries[len(entries)-1].Seq
		}
		if len(entries) < from.count {
			break
		}
	}
	return d.conclude(ctx, c.Request, page, place{page.Start + page.Covered, after, from.count}, scope)
}

// conclude adds the way to go on: to the next page, or from the last one to the next
// query. A request for the total alone has neither, unless there is nothing.
func (d *Deltas) conclude(ctx context.Context, r *Request, page *Page, next place, scope []string) error {
	var err error
	switch {
	case next.start > page.Total:
		var t Token
		t, err = d.issue(ctx, page.Position, scope)
		page.Token = &t
	case r.List.Cursor != nil && next.count > 0:
		page.Next, err = d.sealPlace(ctx, r, next)
	}
	return err
}

// collapser makes wrappers of entries.
type collapser struct {
	*Request
	types []*resource.Type
}

// resourceKey names a resource of any type.
type resourceKey struct{ typ, id string }

// run is all that a page has of one resource.
type run struct {
	rt      *resource.Type
	id      string
	changes []resource.Change // in the order of the log, at least one
}

// now is the resource at present, nil if it is gone.
func (r *run) now() query.Object { return r.changes[len(r.changes)-1].Now }

// collapse returns the wrappers of entries.
func (c collapser) collapse(ctx context.Context, entries []state.Change) ([]query.Object, error) {
	runs, err := c.runs(ctx, entries)
	if err != nil {
		return nil, err
	}
	var wrappers []query.Object
	for _, r := range runs {
		w, err := c.wrap(ctx, r)
		if err != nil {
			return nil, err
		}
		if w != nil {
			wrappers = append(wrappers, w)
		}
	}
	return wrappers, nil
}

// runs are what entries changed, by resource, in the order of the first change of each.
// Types that refer to others stand behind those.
func (c collapser) runs(ctx context.Context, entries []state.Change) ([]*run, error) {
	var all []*run
	found := map[resourceKey]*run{}
	for _, rt := range c.types {
		backend := rt.Backend.(resource.Rememberer)
		changes, err := backend.Changed(ctx, entriesOf(entries, backend.Logged()))
		if err != nil {
			return nil, err
		}
		for _, change := range changes {
			key := resourceKey{rt.Name, change.ID}
			if found[key] == nil {
				found[key] = &run{rt: rt, id: change.ID}
				all = append(all, found[key])
			}
			found[key].changes = append(found[key].changes, change)
		}
	}
	slices.SortStableFunc(all, func(a, b *run) int {
		if refers := len(a.rt.Linked) > 0; refers != (len(b.rt.Linked) > 0) {
			if refers {
				return 1
			}
			return -1
		}
		return int(a.changes[0].Seq - b.changes[0].Seq)
	})
	return all, nil
}

// entriesOf are the entries under some types, as backends get them.
func entriesOf(entries []state.Change, types []string) []resource.LogEntry {
	var own []resource.LogEntry
	for _, e := range entries {
		if slices.Contains(types, e.Type) {
			own = append(own, resource.LogEntry{Seq: e.Seq, Type: e.Type, ID: e.ID, Op: resource.LogOp(e.Op), Names: e.Names, Before: e.Before, At: e.At})
		}
	}
	return own
}
