package scim

import (
	"fmt"
	"slices"

	"scim-atlassian/scim/query"
)

// apply returns the resource with all operations applied, RFC 7644 section
// 3.5.2. It does not write to current. An add or replace on an element that
// does not exist makes it from the filter's equalities; strict callers get
// noTarget.
func apply(rt *resourceType, current query.Object, ops []operation, strict bool) (query.Object, error) {
	doc := current.Clone()
	for _, op := range ops {
		parent := &doc
		if op.path.Extension != "" {
			extension := doc.Inner(op.path.Extension)
			parent = &extension
		}
		var err error
		if op.path.Attr.MultiValued {
			err = applyMulti(rt, parent, op, strict)
		} else {
			applySingle(rt, parent, op)
		}
		if err != nil {
			return nil, err
		}
		if op.path.Extension != "" {
			setOrDelete(&doc, op.path.Extension, *parent)
		}
	}
	return doc, unwritable(rt, current, doc)
}

// unwritable refuses what the operations together, or a PUT, must not do: take a
// required value away or change an immutable one. What is readOnly they leave out.
func unwritable(rt *resourceType, current, doc query.Object) error {
	for _, a := range rt.schema.Attributes {
		if a.Mutability == query.ReadOnly {
			continue
		}
		before, had := current.Get(a.Name)
		after, has := doc.Get(a.Name)
		if a.Required && had && !has {
			return mutability("%s is required and cannot be removed.", a.Name)
		}
		if a.Mutability == query.Immutable && had && !sameValue(rt, before, after) {
			return mutability("%s is fixed once the %s exists: Atlassian does not change it from %s to %s. Create another %s instead.",
				a.Name, rt.Name, valueText(before), valueText(after), rt.Name)
		}
	}
	return nil
}

// sameValue reports whether two values of an attribute are the same, or the first
// is what the second refers to.
func sameValue(rt *resourceType, before, after any) bool {
	is, ok := before.(query.Object)
	given, also := after.(query.Object)
	if ok && also && rt.references {
		return query.Refers(given, is)
	}
	return query.Equal(query.Object{{Value: before}}, query.Object{{Value: after}})
}

// valueText shows a value in a detail.
func valueText(v any) string {
	if o, ok := v.(query.Object); ok {
		return describe(o)
	}
	return inQuotes(fmt.Sprint(v))
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
func applySingle(rt *resourceType, o *query.Object, op operation) {
	name := op.path.Attr.Name
	switch {
	case op.path.Attr.Kind == query.Complex:
		setOrDelete(o, name, changedAttribute(rt, (*o).Inner(name), op))
	case op.op == "remove":
		o.Delete(name)
	default:
		o.Set(name, op.value)
	}
}

// changedAttribute is a complex value, or the element of a list, after an operation;
// nothing if nothing is left of it. Parts that are given join those there. Not so
// with a reference: the other parts are of what it referred to before.
func changedAttribute(rt *resourceType, v query.Object, op operation) query.Object {
	given, _ := op.value.(query.Object)
	if op.path.Sub != nil && op.op != "remove" {
		given = query.Object{{Name: op.path.Sub.Name, Value: op.value}}
	}
	switch {
	case op.op == "remove" && (op.path.Sub == nil || rt.references):
		return nil
	case op.op == "remove":
		v = v.Clone()
		v.Delete(op.path.Sub.Name)
		return v
	case rt.references:
		return given
	}
	v = v.Clone()
	for _, m := range given {
		v.Set(m.Name, m.Value)
	}
	return v
}

func applyMulti(rt *resourceType, o *query.Object, op operation, strict bool) error {
	name := op.path.Attr.Name
	v, _ := o.Get(name)
	list, _ := v.([]any)
	list = slices.Clone(list)
	given, _ := op.value.([]any)
	switch {
	case rt.references && op.filter == nil && op.path.Sub != nil:
		return invalidPath("%s: say which element is meant, as in %s[%s eq \"1\"].", op.path, name, op.path.Attr.Sub[0].Name)
	case op.filter != nil || op.path.Sub != nil:
		var err error
		if list, err = applyElements(rt, list, op, strict); err != nil {
			return err
		}
	case op.op == "add":
		for _, g := range given {
			list = include(rt, list, g, op)
		}
	case op.op == "replace":
		list = given
	case given != nil:
		list = slices.DeleteFunc(list, func(e any) bool {
			return slices.ContainsFunc(given, func(g any) bool { return means(rt, g, e) })
		})
	default:
		list = nil
	}
	setOrDelete(o, name, list)
	return nil
}

// include adds an element, or what it says to the one that it means.
func include(rt *resourceType, list []any, given any, op operation) []any {
	at := slices.IndexFunc(list, func(e any) bool { return means(rt, given, e) })
	demote(list, given)
	if at < 0 {
		return append(list, given)
	}
	if element, ok := list[at].(query.Object); ok && !rt.references {
		list[at] = changedAttribute(rt, element, operation{op: "add", path: op.path, value: given})
	}
	return list
}

// applyElements changes the elements that the filter selects, or all.
func applyElements(rt *resourceType, list []any, op operation, strict bool) ([]any, error) {
	if given, ok := op.value.([]any); ok && len(given) > 0 {
		op.value = given[0]
	}
	matched := false
	kept := list[:0]
	for i, e := range list {
		if op.filter != nil && !selects(op, e) {
			kept = append(kept, e)
			continue
		}
		matched = true
		if err := contradicts(rt, e, op); err != nil {
			return nil, err
		}
		changed := changedElement(rt, e, op)
		if changed == nil {
			continue
		}
		if !isPrimary(e) {
			demote(kept, changed)
			demote(list[i+1:], changed)
		}
		kept = append(kept, changed)
	}
	if matched || op.op == "remove" {
		return kept, nil
	}
	terms, ok := equalities(op.filter)
	switch {
	case (strict || !ok) && op.filter == nil:
		return nil, noTarget("%s has no element.", op.path.Attr.Name)
	case strict || !ok:
		return nil, noTarget("%s has no element that satisfies %s.", op.path.Attr.Name, op.filter)
	}
	made := changedElement(rt, terms, op)
	if object, ok := made.(query.Object); ok && subAttribute(op.path.Attr, "value") != nil && object.Text("value") == "" {
		return nil, noTarget("%s has no element that satisfies %s, and without a value none can be made.", op.path.Attr.Name, op.filter)
	}
	demote(kept, made)
	return append(kept, made), nil
}

// contradicts refuses an operation whose value names another element than its
// filter selects: a remove of it, or an add, which takes no link away.
func contradicts(rt *resourceType, element any, op operation) error {
	given := op.value
	if list, ok := given.([]any); ok && len(list) > 0 {
		given = list[0]
	}
	if given == nil || op.filter == nil || op.path.Sub != nil || op.op == "replace" || op.op == "add" && op.path.Attr.Name != rt.links.name {
		return nil
	}
	if means(rt, given, element) {
		return nil
	}
	return invalidValue("%s: the value names another element than the filter selects; leave one of them out.", op.path)
}

// changedElement is an element after an operation, nil if nothing is left of it:
// without its value it is nothing.
func changedElement(rt *resourceType, element any, op operation) any {
	if op.path.Attr.Kind != query.Complex {
		if op.op == "remove" {
			return nil
		}
		return op.value
	}
	object, _ := element.(query.Object)
	changed := changedAttribute(rt, object, op)
	if len(changed) == 0 || op.op == "remove" && op.path.Sub.Name == "value" {
		return nil
	}
	return changed
}

// selects reports whether the filter of the operation's path means an element of
// the attribute, be it complex or, as a label, a plain value.
func selects(op operation, element any) bool {
	name := op.path.Attr.Name
	return query.Match(query.Has{Path: query.Path{Attr: op.path.Attr}, Filter: op.filter}, query.Object{{Name: name, Value: []any{element}}})
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
	if !isPrimary(added) {
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

func isPrimary(element any) bool {
	object, _ := element.(query.Object)
	v, _ := object.Get("primary")
	return v == true
}

// means reports whether what a client gave names the element: by all it says
// where elements are references, else by value, and by type where it gives one.
func means(rt *resourceType, given, element any) bool {
	g, ok := given.(query.Object)
	e, also := element.(query.Object)
	if !ok || !also {
		return given == element
	}
	if rt.references {
		return query.Refers(g, e)
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
