package delta

import (
	"slices"

	"scim-atlassian/scim/query"
)

// operations are those that bring a client's copy of a resource to the present, in
// the attributes that changed and that the answer shows. They have the form of PATCH
// (RFC 7644 section 3.5.2). now is the resource as the answer shows it.
//
// An attribute that every change found as it is now needs none: a change may touch
// what the answer does not show of it, or be undone by the next one.
func (c collapser) operations(r *run, now query.Object) []any {
	before := make([]query.Object, len(r.changes)) // nil: not known
	for i, change := range r.changes {
		if change.Before != nil {
			before[i] = c.show(r.rt, change.Before)
		}
	}
	var ops []any
	for _, name := range r.names() {
		v, there := now.Get(name)
		switch {
		case !c.Shows(r.rt, name):
		case name == r.rt.Links.Name:
			ops = append(ops, c.linkOperations(r, now)...)
		case slices.IndexFunc(before, func(o query.Object) bool { return o == nil || !same(o, now, name) }) < 0:
		case there:
			ops = append(ops, operation("replace", name, v))
		default:
			ops = append(ops, operation("remove", name, nil))
		}
	}
	return ops
}

// names are the attributes that changed. With any of them, meta and schemas may have.
func (r *run) names() []string {
	names := []string{"schemas"}
	for _, change := range r.changes {
		names = append(names, change.Names...)
	}
	return query.Unique(append(slices.DeleteFunc(names, func(name string) bool { return name == "meta" }), "meta"))
}

// same reports whether two objects agree in one member.
func same(a, b query.Object, name string) bool {
	v, had := a.Get(name)
	w, has := b.Get(name)
	return had == has && (!had || query.Equal(query.Object{{Name: name, Value: v}}, query.Object{{Name: name, Value: w}}))
}

// operation is one of a wrapper; a nil value is none.
func operation(op, path string, value any) query.Object {
	o := query.Object{{Name: "op", Value: op}, {Name: "path", Value: path}}
	if value != nil {
		o.Set("value", value)
	}
	return o
}

// linkOperations are those on the attribute of links, which may be long: they add and
// remove elements. now is the resource as the answer shows it.
func (c collapser) linkOperations(r *run, now query.Object) []any {
	links := r.rt.Links
	elements := map[string]any{} // of now, by value
	for _, e := range now.Elements(links.Name) {
		elements[e.Text("value")] = e
	}
	if !c.byElement(r, elements) {
		if v, there := now.Get(links.Name); there {
			return []any{operation("replace", links.Name, v)}
		}
		return []any{operation("remove", links.Name, nil)}
	}
	var added, ops []any
	for _, value := range r.touched() {
		if element, there := elements[value]; there {
			added = append(added, element)
			continue
		}
		ops = append(ops, operation("remove", elementPath(links.Name, value), nil))
	}
	if added != nil {
		ops = append(ops, operation("add", links.Name, added))
	}
	return ops
}

// byElement reports whether single elements tell what changed: the answer shows
// their value, every change of the attribute made some join or leave, and those that
// stayed are as they were.
func (c collapser) byElement(r *run, elements map[string]any) bool {
	links := r.rt.Links
	if !c.Shows(r.rt, links.Name+".value") {
		return false
	}
	for _, change := range r.changes {
		if !slices.Contains(change.Names, links.Name) {
			continue
		}
		if len(change.Joined)+len(change.Left) == 0 {
			return false
		}
		for _, e := range c.show(r.rt, change.Before).Elements(links.Name) {
			if now, there := elements[e.Text("value")].(query.Object); there && !query.Equal(e, now) {
				return false
			}
		}
	}
	return true
}

// elementPath is the PATCH path of the element of links with a value.
func elementPath(links, value string) string {
	attr := func(name string) query.Path { return query.Path{Attr: &query.Attribute{Name: name}} }
	return query.Has{Path: attr(links), Filter: query.NewCompare(attr("value"), query.Eq, value)}.String()
}

// touched are the values of the links that joined or left.
func (r *run) touched() []string {
	var all []string
	for _, change := range r.changes {
		all = append(append(all, change.Left...), change.Joined...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
