package scim

import (
	"slices"

	"scim-atlassian/scim/query"
)

// apply returns the resource with all operations applied, RFC 7644 section
// 3.5.2. It does not write to current. An add or replace on an element that
// does not exist makes it from the filter's equalities; strict callers get
// noTarget.
func apply(schema *query.Schema, current query.Object, ops []operation, strict bool) (query.Object, error) {
	doc := current.Clone()
	for _, op := range ops {
		parent := &doc
		if op.path.Extension != "" {
			inner, _ := doc.Get(op.path.Extension)
			extension, _ := inner.(query.Object)
			parent = &extension
		}
		var err error
		if op.path.Attr.MultiValued {
			err = applyMulti(parent, op, strict)
		} else {
			applySingle(parent, op)
		}
		if err != nil {
			return nil, err
		}
		if op.path.Extension != "" {
			setOrDelete(&doc, op.path.Extension, *parent)
		}
	}
	return doc, unwritable(schema, current, doc)
}

// unwritable refuses what the operations together must not do: take a required
// value away or change an immutable one.
func unwritable(schema *query.Schema, current, doc query.Object) error {
	for _, a := range schema.Attributes {
		before, had := current.Get(a.Name)
		after, has := doc.Get(a.Name)
		if a.Required && had && !has {
			return mutability("%s is required and cannot be removed.", a.Name)
		}
		if a.Mutability == query.Immutable && had && !query.Equal(query.Object{{Name: a.Name, Value: before}}, query.Object{{Name: a.Name, Value: after}}) {
			return mutability("%s is fixed once the %s exists; it cannot become %q.", a.Name, schema.ResourceType, after)
		}
	}
	return nil
}

func setOrDelete(o *query.Object, name string, v any) {
	switch v := v.(type) {
	case nil:
		o.Delete(name)
	case query.Object:
		if len(v) == 0 {
			o.Delete(name)
			return
		}
		o.Set(name, v)
	case []any:
		if len(v) == 0 {
			o.Delete(name)
			return
		}
		o.Set(name, v)
	default:
		o.Set(name, v)
	}
}

// applySingle changes a single-valued attribute. A complex value is merged into
// the one there, RFC 7644 section 3.5.2.3.
func applySingle(o *query.Object, op operation) {
	name := op.path.Attr.Name
	v, _ := o.Get(name)
	complex, _ := v.(query.Object)
	given, isComplex := op.value.(query.Object)
	switch {
	case op.path.Sub != nil:
		if op.op == "remove" {
			complex.Delete(op.path.Sub.Name)
		} else {
			complex.Set(op.path.Sub.Name, op.value)
		}
		setOrDelete(o, name, complex)
	case op.op == "remove":
		o.Delete(name)
	case isComplex:
		for _, m := range given {
			complex.Set(m.Name, m.Value)
		}
		o.Set(name, complex)
	default:
		o.Set(name, op.value)
	}
}

func applyMulti(o *query.Object, op operation, strict bool) error {
	name := op.path.Attr.Name
	v, _ := o.Get(name)
	list, _ := v.([]any)
	list = slices.Clone(list)
	given, _ := op.value.([]any)
	switch {
	case op.filter != nil || op.path.Sub != nil:
		var err error
		if list, err = applyElements(list, op, strict); err != nil {
			return err
		}
	case op.op == "add":
		for _, g := range given {
			at := slices.IndexFunc(list, func(e any) bool { return sameValue(g, e) })
			demote(list, g)
			if at < 0 {
				list = append(list, g)
			} else if object, ok := g.(query.Object); ok {
				list[at] = changeElement(list[at].(query.Object), operation{op: "add", value: []any{object}})
			}
		}
	case op.op == "replace":
		list = given
	case given != nil:
		list = slices.DeleteFunc(list, func(e any) bool {
			return slices.ContainsFunc(given, func(g any) bool { return sameValue(g, e) })
		})
	default:
		list = nil
	}
	setOrDelete(o, name, list)
	return nil
}

// applyElements changes the elements that the filter selects, or all.
func applyElements(list []any, op operation, strict bool) ([]any, error) {
	matched := false
	kept := list[:0]
	for i, e := range list {
		element, _ := e.(query.Object)
		if op.filter != nil && !op.selects(e) {
			kept = append(kept, e)
			continue
		}
		matched = true
		if op.op == "remove" && op.path.Sub == nil {
			continue
		}
		changed := changeElement(element, op)
		if op.op == "remove" && op.path.Sub.Name == "value" || len(changed) == 0 {
			continue // nothing is left of an element without its value
		}
		if was, _ := element.Get("primary"); was != true {
			demote(kept, changed)
			demote(list[i+1:], changed)
		}
		kept = append(kept, changed)
	}
	if !matched && op.op != "remove" {
		terms, ok := equalities(op.filter)
		if (strict || !ok) && op.filter == nil {
			return nil, noTarget("%s has no element.", op.path.Attr.Name)
		}
		if strict || !ok {
			return nil, noTarget("%s has no element that satisfies %s.", op.path.Attr.Name, op.filter)
		}
		made := changeElement(terms, op)
		demote(kept, made)
		kept = append(kept, made)
	}
	return kept, nil
}

// selects reports whether the filter of the operation's path means an element of
// the attribute, be it complex or, as a label, a plain value.
func (op operation) selects(element any) bool {
	name := op.path.Attr.Name
	return query.Match(query.Has{Path: query.Path{Attr: op.path.Attr}, Filter: op.filter}, query.Object{{Name: name, Value: []any{element}}})
}

func changeElement(element query.Object, op operation) query.Object {
	element = element.Clone()
	switch {
	case op.path.Sub != nil && op.op == "remove":
		element.Delete(op.path.Sub.Name)
	case op.path.Sub != nil:
		element.Set(op.path.Sub.Name, op.value)
	default:
		given, _ := op.value.([]any)
		for _, g := range given {
			object, _ := g.(query.Object)
			for _, m := range object {
				element.Set(m.Name, m.Value)
			}
		}
	}
	return element
}

// equalities turns a filter that is a conjunction of equalities into the
// element that satisfies it. No filter gives the empty element.
func equalities(filter query.Expr) (query.Object, bool) {
	switch f := filter.(type) {
	case nil:
		return nil, true
	case query.Compare:
		if f.Op != query.Eq {
			return nil, false
		}
		return query.Object{{Name: f.Path.Attr.Name, Value: f.Value}}, true
	case query.And:
		var all query.Object
		for _, term := range f.Terms {
			o, ok := equalities(term)
			if !ok {
				return nil, false
			}
			for _, m := range o {
				all.Set(m.Name, m.Value)
			}
		}
		return all, true
	}
	return nil, false
}

// demote makes way for a new primary element, RFC 7643 section 2.4.
func demote(list []any, added any) {
	object, _ := added.(query.Object)
	if v, _ := object.Get("primary"); v != true {
		return
	}
	for i, e := range list {
		if element, ok := e.(query.Object); ok {
			element = element.Clone()
			element.Delete("primary")
			list[i] = element
		}
	}
}

// sameValue reports whether what a client gave names the element: by value, and
// by type where it gives one.
func sameValue(given, element any) bool {
	g, ok := given.(query.Object)
	e, also := element.(query.Object)
	if !ok || !also {
		return given == element
	}
	for _, name := range []string{"value", "type"} {
		want, asked := g.Get(name)
		if got, _ := e.Get(name); asked && got != want {
			return false
		}
	}
	_, asked := g.Get("value")
	return asked
}
