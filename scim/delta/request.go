package delta

import (
	"context"
	"encoding/binary"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Request is a delta query. Query does not write to it.
type Request struct {
	Scope
	Token           string // deltaToken of the body
	RemovedByFilter bool   // what no longer matches the filter is told as deleted
	// List has the parameters that delta queries share with lists.
	List   resource.ListQuery
	Caller string // the name of the caller, whom cursors belong to
	// Complete adds to a resource the attributes that the server makes, and Cut takes
	// from a complete one those that the answer does not show. Neither writes to o.
	Complete, Cut func(rt *resource.Type, o query.Object) query.Object
	// Shows reports whether the answer shows the attribute of a type, or a part of it.
	Shows func(rt *resource.Type, name string) bool
}

// ParseBody reads the members of a body that lists do not have. It refuses a body
// without deltaToken.
func (r *Request) ParseBody(body any) error {
	object, _ := body.(map[string]any)
	for name, value := range object {
		ok := true
		switch strings.ToLower(name) {
		case "deltatoken":
			r.Token, ok = value.(string)
		case "removedbyfilter":
			r.RemovedByFilter, ok = value.(bool)
		}
		if !ok && value != nil {
			return resource.InvalidValue("%s has a value of another type: deltaToken is a string, removedByFilter true or false.", name)
		}
	}
	if r.Token == "" {
		return resource.InvalidValue("deltaToken is missing: take one with GET .deltaToken, read in full, and ask for changes later.")
	}
	return nil
}

// check refuses what delta queries cannot do.
func (r *Request) check(types []*resource.Type) error {
	q := &r.List
	switch {
	case q.SortBy != nil:
		return resource.InvalidValue("sortBy is not for delta queries: changes come in the order of the log; leave it out.")
	case q.Filter != nil && !r.RemovedByFilter:
		return resource.InvalidFilter("A filter on a delta query needs \"removedByFilter\": true in the body; resources that no longer match it are told as deleted then.")
	}
	for _, rt := range types {
		for _, name := range q.Attributes() {
			if links := rt.Links.Name; links != "" && (name == links || strings.HasPrefix(name, links+".")) {
				return resource.InvalidFilter("%s of %s cannot be in the filter of a delta query: whether a resource matched before is not known of them.", links, rt.Name)
			}
		}
		if err := r.checkOnRequest(rt); err != nil {
			return err
		}
	}
	return nil
}

// checkOnRequest refuses attributes that are returned on request only: they are read for each
// resource by itself, so that the log does not know them.
func (r *Request) checkOnRequest(rt *resource.Type) error {
	for _, a := range rt.Schema.Attributes {
		switch {
		case a.Returned != query.Request:
		case slices.ContainsFunc(r.List.Attributes(), func(name string) bool { return name == a.Name || strings.HasPrefix(name, a.Name+".") }):
			return resource.InvalidFilter("%s of %s cannot be in the filter of a delta query: it is read for each resource by itself.", a.Name, rt.Name)
		case r.Shows(rt, a.Name):
			return resource.InvalidValue("attributes: %s of %s is not in deltas, since it is read for each resource by itself; ask the resource for it.", a.Name, rt.Name)
		}
	}
	return nil
}

// key names the query that a cursor is bound to: everything but the page.
func (r *Request) key() string {
	parts := []string{r.Caller, r.Token, r.Type.Name, r.List.Shown, ""}
	if r.List.Filter != nil {
		parts[4] = r.List.Filter.String()
	}
	return strings.Join(parts, "\x00")
}

// place is where a page begins.
type place struct {
	start int   // of its first entry among those behind the token, from 1
	after int64 // number of the entry before it
	count int   // entries of a page
}

// sealPlace makes the cursor of a page.
func (d *Deltas) sealPlace(ctx context.Context, r *Request, p place) (string, error) {
	b := []byte{cursorVersion}
	b = binary.AppendUvarint(b, uint64(p.start))
	b = binary.AppendUvarint(b, uint64(p.after))
	b = binary.AppendUvarint(b, uint64(p.count))
	return d.seal(ctx, b, r.key())
}

// place finds where the page of a request begins, by its cursor or its startIndex. A
// cursor of another query is invalidCursor. It lives as long as its token.
func (d *Deltas) place(ctx context.Context, r *Request, m moment, upto int64, types []string) (place, error) {
	p := place{start: 1, after: m.seq, count: r.List.Count}
	switch q := &r.List; {
	case q.Cursor != nil && *q.Cursor != "":
		return d.openPlace(ctx, r)
	case q.Cursor == nil && q.Start > 1:
		before, err := d.cfg.State.NthChange(ctx, m.seq, upto, types, q.Start-1)
		if p.start, p.after = q.Start, before; before == 0 {
			p.after = upto // beyond the end
		}
		return p, unreadable(err)
	}
	return p, nil
}

func (d *Deltas) openPlace(ctx context.Context, r *Request) (place, error) {
	b, err := d.unseal(ctx, *r.List.Cursor, r.key())
	if err != nil {
		return place{}, err
	}
	in := reader{b: slices.Clone(b)}
	if len(b) == 0 || b[0] != cursorVersion {
		return place{}, resource.Refuse(http.StatusBadRequest, resource.TypeInvalidCursor, "The cursor does not belong to this query; begin again with an empty cursor.")
	}
	in.b = in.b[1:]
	p := place{start: int(in.number()), after: in.number(), count: int(in.number())}
	if r.List.Counted && r.List.Count != p.count {
		return place{}, resource.Refuse(http.StatusBadRequest, resource.TypeInvalidCount, "count is %s; the first page was asked for with %d, keep to it or begin again with an empty cursor.", strconv.Itoa(r.List.Count), p.count)
	}
	return p, nil
}
