package document

import (
	"slices"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Apply returns a copy of current with all operations applied, RFC 7644 section 3.5.2, and does not write to current. If
// no element satisfies the filter of an add or replace, one is made from the filter's equalities: emails[type eq "home"]
// makes {"type": "home"}. With strict such an operation is refused with 400 noTarget. A result that CheckWritable refuses
// is an error too.
func Apply(rt *resource.Type, current query.Object, ops []resource.Operation, strict bool) (query.Object, error) {
	doc := current.Clone()
	for _, op := range ops {
		parent := &doc
		if op.Path.Extension != "" {
			extension := doc.Inner(op.Path.Extension)
			parent = &extension
		}
		var err error
		if op.Path.Attr.MultiValued {
			err = applyMulti(rt, parent, op, strict)
		} else {
			applySingle(rt, parent, op)
		}
		if err != nil {
			return nil, err
		}
		if op.Path.Extension != "" {
			setOrDelete(&doc, op.Path.Extension, *parent)
		}
	}
	return doc, CheckWritable(rt, current, doc)
}

// setOrDelete sets a member, or deletes it if v is nil or empty.
func setOrDelete(o *query.Object, name string, v any) {
	if isEmpty(v) {
		o.Delete(name)
		return
	}
	o.Set(name, v)
}

// applySingle applies an operation to a single-valued attribute of o. A complex value is merged into the one there, RFC
// 7644 section 3.5.2.3.
func applySingle(rt *resource.Type, o *query.Object, op resource.Operation) {
	name := op.Path.Attr.Name
	switch {
	case op.Path.Attr.Kind == query.Complex:
		setOrDelete(o, name, changeComplex(rt, (*o).Inner(name), op))
	case op.Op == "remove":
		o.Delete(name)
	default:
		o.Set(name, op.Value)
	}
}

// changeComplex returns a complex value, or an element of a list, after an operation; nil if no part is left. The parts of
// op.Value join those of v. A reference is replaced instead: its old parts belong to the thing that it referred to before.
func changeComplex(rt *resource.Type, v query.Object, op resource.Operation) query.Object {
	given, _ := op.Value.(query.Object)
	if op.Path.Sub != nil && op.Op != "remove" {
		given = query.Object{{Name: op.Path.Sub.Name, Value: op.Value}}
	}
	switch {
	case op.Op == "remove" && (op.Path.Sub == nil || rt.References):
		return nil
	case op.Op == "remove":
		v = v.Clone()
		v.Delete(op.Path.Sub.Name)
		return v
	case rt.References && !isRecord(op.Path.Attr):
		return given
	}
	v = v.Clone()
	for _, m := range given {
		v.Set(m.Name, m.Value)
	}
	return v
}

// isRecord reports whether the elements of an attribute are things of their own, whose ids never change, and no references
// to others.
func isRecord(a *query.Attribute) bool {
	id := subAttribute(a, "id")
	return a.MultiValued && a.Mutability != query.Immutable && id != nil && id.Mutability == query.Immutable
}

// applyMulti applies an operation to a multi-valued attribute of o.
func applyMulti(rt *resource.Type, o *query.Object, op resource.Operation, strict bool) error {
	name := op.Path.Attr.Name
	v, _ := o.Get(name)
	list, _ := v.([]any)
	list = slices.Clone(list)
	given, _ := op.Value.([]any)
	switch {
	case rt.References && op.Filter == nil && op.Path.Sub != nil:
		return resource.InvalidPath("%s: say which element is meant, as in %s[%s eq \"1\"].", op.Path, name, op.Path.Attr.Sub[0].Name)
	case op.Filter != nil || op.Path.Sub != nil:
		var err error
		if list, err = applyElements(rt, list, op, strict); err != nil {
			return err
		}
	case op.Op == "add":
		for _, g := range given {
			list = include(rt, list, g, op)
		}
	case op.Op == "replace":
		list = given
	case given != nil:
		list = slices.DeleteFunc(list, func(e any) bool {
			return slices.ContainsFunc(given, func(g any) bool { return refersTo(rt, g, e) })
		})
	default:
		list = nil
	}
	setOrDelete(o, name, list)
	return nil
}

// include adds an element to a list. If it refers to an element that is there, its parts join those of that one.
func include(rt *resource.Type, list []any, given any, op resource.Operation) []any {
	at := slices.IndexFunc(list, func(e any) bool { return refersTo(rt, given, e) })
	demote(list, given)
	if at < 0 {
		return append(list, given)
	}
	if element, ok := list[at].(query.Object); ok && !rt.References {
		list[at] = changeComplex(rt, element, resource.Operation{Op: "add", Path: op.Path, Value: given})
	}
	return list
}

// applyElements applies an operation to the elements that its filter selects, or to all if it has none.
func applyElements(rt *resource.Type, list []any, op resource.Operation, strict bool) ([]any, error) {
	if given, ok := op.Value.([]any); ok && len(given) > 0 {
		op.Value = given[0]
	}
	if rt.References && op.Op == "remove" && op.Path.Sub != nil {
		return nil, resource.InvalidPath("%s: an element of %s is named by its parts and cannot lose one; remove the element, or replace it by another.",
			op.Path, op.Path.Attr.Name)
	}
	matched := false
	kept := list[:0]
	for i, e := range list {
		if op.Filter != nil && !selects(op, e) {
			kept = append(kept, e)
			continue
		}
		matched = true
		if err := contradicts(rt, e, op); err != nil {
			return nil, err
		}
		changed := changeElement(rt, e, op)
		if changed == nil {
			continue
		}
		if !isPrimary(e) {
			demote(kept, changed)
			demote(list[i+1:], changed)
		}
		kept = append(kept, changed)
	}
	if matched || op.Op == "remove" {
		return kept, nil
	}
	terms, ok := Equalities(op.Filter)
	ok = ok && makesElement(op, terms)
	switch {
	case (strict || !ok) && op.Filter == nil:
		return nil, resource.NoTarget("%s has no element.", op.Path.Attr.Name)
	case strict || !ok:
		return nil, resource.NoTarget("%s has no element that satisfies %s.", op.Path.Attr.Name, op.Filter)
	}
	made := changeElement(rt, terms, op)
	if object, ok := made.(query.Object); ok && subAttribute(op.Path.Attr, "value") != nil && object.Text("value") == "" {
		return nil, resource.NoTarget("%s has no element that satisfies %s, and without a value none can be made.", op.Path.Attr.Name, op.Filter)
	}
	demote(kept, made)
	return append(kept, made), nil
}

// makesElement reports whether an operation whose filter selects nothing says which element is wanted: it gives the value,
// and the filter describes the rest, as in emails[type eq "home"].value. One on another part, such as
// members[value eq "1"].type, or on an element that the filter names by its value, means an element that is there: to make
// it would grant what nobody asked for.
func makesElement(op resource.Operation, terms query.Object) bool {
	if subAttribute(op.Path.Attr, "value") == nil {
		return op.Path.Attr.Kind == query.Complex
	}
	_, named := terms.Get("value")
	return !named && (op.Path.Sub == nil || op.Path.Sub.Name == "value")
}

// contradicts refuses a remove whose value names another element than its filter selects, and such an add to the list of
// links: an add must not take a link away.
func contradicts(rt *resource.Type, element any, op resource.Operation) error {
	given := op.Value
	if list, ok := given.([]any); ok && len(list) > 0 {
		given = list[0]
	}
	if given == nil || op.Filter == nil || op.Path.Sub != nil || op.Op == "replace" || op.Op == "add" && op.Path.Attr.Name != rt.Links.Name {
		return nil
	}
	if refersTo(rt, given, element) {
		return nil
	}
	return resource.InvalidValue("%s: the value names another element than the filter selects; leave one of them out.", op.Path)
}

// changeElement returns an element after an operation; nil if no part is left, or its part "value" was removed.
func changeElement(rt *resource.Type, element any, op resource.Operation) any {
	if op.Path.Attr.Kind != query.Complex {
		if op.Op == "remove" {
			return nil
		}
		return op.Value
	}
	object, _ := element.(query.Object)
	changed := changeComplex(rt, object, op)
	if len(changed) == 0 || op.Op == "remove" && op.Path.Sub.Name == "value" {
		return nil
	}
	return changed
}

// selects reports whether the filter of an operation selects an element of its attribute: an object or, as with labels, a
// plain value.
func selects(op resource.Operation, element any) bool {
	name := op.Path.Attr.Name
	return query.Match(query.Has{Path: query.Path{Attr: op.Path.Attr}, Filter: op.Filter}, query.Object{{Name: name, Value: []any{element}}})
}

// Equalities returns the element that a filter of equalities describes: {"type": "work", "primary": true} for
// type eq "work" and primary eq true, and an empty one for nil. It reports false for a filter with any other operator.
func Equalities(filter query.Expr) (query.Object, bool) {
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
			o, ok := Equalities(term)
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

// demote makes the elements of a list no longer primary if the added one is, since a list has one primary element at most
// (RFC 7643 section 2.4). It replaces elements of list, and does not write to them.
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

// isPrimary reports whether an element is marked as the primary one.
func isPrimary(element any) bool {
	object, _ := element.(query.Object)
	v, _ := object.Get("primary")
	return v == true
}

// refersTo reports whether a client's value refers to an element: by all of its parts if elements are references, else by
// its value, and by its type if it has one.
func refersTo(rt *resource.Type, given, element any) bool {
	g, ok := given.(query.Object)
	e, also := element.(query.Object)
	if !ok || !also {
		return given == element
	}
	if rt.References {
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
