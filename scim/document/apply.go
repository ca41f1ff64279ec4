package document

import (
	"fmt"
	"slices"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Apply returns the resource with all operations applied, RFC 7644 section
// 3.5.2. It does not write to current. An add or replace on an element that
// does not exist makes it from the filter's equalities; strict callers get
// resource.NoTarget.
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

// CheckWritable refuses what the operations together, or a PUT, must not do: take a
// required value away or change an immutable one. What is readOnly they leave out.
func CheckWritable(rt *resource.Type, current, doc query.Object) error {
	for _, a := range rt.Schema.Attributes {
		if a.Mutability == query.ReadOnly {
			continue
		}
		before, had := current.Get(a.Name)
		after, has := doc.Get(a.Name)
		if a.Required && had && !has {
			return resource.Mutability("%s is required and cannot be removed.", a.Name)
		}
		if a.Mutability == query.Immutable && had && !sameValue(rt, before, after) {
			return resource.Mutability("%s is fixed once the %s exists: Atlassian does not change it from %s to %s. Create another %s instead.",
				a.Name, rt.Name, valueText(before), valueText(after), rt.Name)
		}
	}
	return nil
}

// sameValue reports whether two values of an attribute are the same, or the first
// is what the second refers to.
func sameValue(rt *resource.Type, before, after any) bool {
	is, ok := before.(query.Object)
	given, also := after.(query.Object)
	if ok && also && rt.References {
		return query.Refers(given, is)
	}
	return query.Equal(query.Object{{Value: before}}, query.Object{{Value: after}})
}

// valueText shows a value in a detail.
func valueText(v any) string {
	if o, ok := v.(query.Object); ok {
		return resource.Describe(o)
	}
	return resource.InQuotes(fmt.Sprint(v))
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
func applySingle(rt *resource.Type, o *query.Object, op resource.Operation) {
	name := op.Path.Attr.Name
	switch {
	case op.Path.Attr.Kind == query.Complex:
		setOrDelete(o, name, changedAttribute(rt, (*o).Inner(name), op))
	case op.Op == "remove":
		o.Delete(name)
	default:
		o.Set(name, op.Value)
	}
}

// changedAttribute is a complex value, or the element of a list, after an operation;
// nothing if nothing is left of it. Parts that are given join those there. Not so
// with a reference: the other parts are of what it referred to before.
func changedAttribute(rt *resource.Type, v query.Object, op resource.Operation) query.Object {
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
	case rt.References:
		return given
	}
	v = v.Clone()
	for _, m := range given {
		v.Set(m.Name, m.Value)
	}
	return v
}

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
			return slices.ContainsFunc(given, func(g any) bool { return means(rt, g, e) })
		})
	default:
		list = nil
	}
	setOrDelete(o, name, list)
	return nil
}

// include adds an element, or what it says to the one that it means.
func include(rt *resource.Type, list []any, given any, op resource.Operation) []any {
	at := slices.IndexFunc(list, func(e any) bool { return means(rt, given, e) })
	demote(list, given)
	if at < 0 {
		return append(list, given)
	}
	if element, ok := list[at].(query.Object); ok && !rt.References {
		list[at] = changedAttribute(rt, element, resource.Operation{Op: "add", Path: op.Path, Value: given})
	}
	return list
}

// applyElements changes the elements that the filter selects, or all.
func applyElements(rt *resource.Type, list []any, op resource.Operation, strict bool) ([]any, error) {
	if given, ok := op.Value.([]any); ok && len(given) > 0 {
		op.Value = given[0]
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
	if matched || op.Op == "remove" {
		return kept, nil
	}
	terms, ok := Equalities(op.Filter)
	switch {
	case (strict || !ok) && op.Filter == nil:
		return nil, resource.NoTarget("%s has no element.", op.Path.Attr.Name)
	case strict || !ok:
		return nil, resource.NoTarget("%s has no element that satisfies %s.", op.Path.Attr.Name, op.Filter)
	}
	made := changedElement(rt, terms, op)
	if object, ok := made.(query.Object); ok && subAttribute(op.Path.Attr, "value") != nil && object.Text("value") == "" {
		return nil, resource.NoTarget("%s has no element that satisfies %s, and without a value none can be made.", op.Path.Attr.Name, op.Filter)
	}
	demote(kept, made)
	return append(kept, made), nil
}

// contradicts refuses an operation whose value names another element than its
// filter selects: a remove of it, or an add, which takes no link away.
func contradicts(rt *resource.Type, element any, op resource.Operation) error {
	given := op.Value
	if list, ok := given.([]any); ok && len(list) > 0 {
		given = list[0]
	}
	if given == nil || op.Filter == nil || op.Path.Sub != nil || op.Op == "replace" || op.Op == "add" && op.Path.Attr.Name != rt.Links.Name {
		return nil
	}
	if means(rt, given, element) {
		return nil
	}
	return resource.InvalidValue("%s: the value names another element than the filter selects; leave one of them out.", op.Path)
}

// changedElement is an element after an operation, nil if nothing is left of it:
// without its value it is nothing.
func changedElement(rt *resource.Type, element any, op resource.Operation) any {
	if op.Path.Attr.Kind != query.Complex {
		if op.Op == "remove" {
			return nil
		}
		return op.Value
	}
	object, _ := element.(query.Object)
	changed := changedAttribute(rt, object, op)
	if len(changed) == 0 || op.Op == "remove" && op.Path.Sub.Name == "value" {
		return nil
	}
	return changed
}

// selects reports whether the filter of the operation's path means an element of
// the attribute, be it complex or, as a label, a plain value.
func selects(op resource.Operation, element any) bool {
	name := op.Path.Attr.Name
	return query.Match(query.Has{Path: query.Path{Attr: op.Path.Attr}, Filter: op.Filter}, query.Object{{Name: name, Value: []any{element}}})
}

// Equalities turns a filter that is a conjunction of equalities into the
// element that satisfies it. No filter gives the empty element.
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
func means(rt *resource.Type, given, element any) bool {
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
