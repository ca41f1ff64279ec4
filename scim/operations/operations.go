// Package operations writes the difference between two states of a user or group as
// operations for Atlassian's directory, and tells which of them it ignored.
package operations

import (
	"maps"
	"slices"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/query"
)

// Between returns the operations that turn current into want. Complex
// attributes and extensions are changed part by part, so that parts which our
// schema does not have stay.
func Between(schema *query.Schema, current, want query.Object) []atlassian.PatchOperation {
	ops := changedAttributes("", schema.Attributes, current, want)
	for _, e := range schema.Extensions {
		before, _ := current.Get(e.URN)
		after, _ := want.Get(e.URN)
		b, _ := before.(query.Object)
		a, _ := after.(query.Object)
		ops = append(ops, changedAttributes(e.URN+":", e.Attributes, b, a)...)
	}
	return ops
}

// changedAttributes does the same for the attributes of one level, whose paths
// begin with prefix.
func changedAttributes(prefix string, attributes []*query.Attribute, current, want query.Object) []atlassian.PatchOperation {
	var ops []atlassian.PatchOperation
	for _, a := range attributes {
		if a.Mutability == query.ReadOnly || a.Mutability == query.WriteOnly {
			continue // a writeOnly attribute never comes back, so that nothing could confirm it
		}
		before, had := current.Get(a.Name)
		after, has := want.Get(a.Name)
		switch {
		case had == has && query.Equal(query.Object{{Name: a.Name, Value: before}}, query.Object{{Name: a.Name, Value: after}}):
		case a.Kind == query.Complex && !a.MultiValued:
			b, _ := before.(query.Object)
			w, _ := after.(query.Object)
			ops = append(ops, changedAttributes(prefix+a.Name+".", a.Sub, b, w)...)
		case !has:
			ops = append(ops, atlassian.PatchOperation{Op: "remove", Path: prefix + a.Name})
		default:
			ops = append(ops, atlassian.PatchOperation{Op: "replace", Path: prefix + a.Name, Value: after})
		}
	}
	return ops
}

// Ignored names the attributes that upstream accepted operations on and
// left as they were: found is the resource afterwards. The last operation on an
// attribute counts. Text is compared without case and surrounding space, which
// upstream may change.
func Ignored(schema *query.Schema, ops []atlassian.PatchOperation, found query.Object) []string {
	last := make(map[string]atlassian.PatchOperation, len(ops))
	for _, op := range ops {
		last[op.Path] = op
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(last)) {
		p, err := schema.Resolve(name)
		if err != nil || p.Attr.Name == "members" {
			continue // who are too many to be compared as a list
		}
		if !holds(last[name], found.At(p)) {
			names = append(names, name)
		}
	}
	return names
}

// holds reports whether an attribute has the value that the operation gave it.
func holds(op atlassian.PatchOperation, value any) bool {
	list, _ := value.([]any)
	switch {
	case op.Op == "remove" && op.Path == "active":
		return true // without a value, the directory shows true
	case op.Op == "remove":
		return value == nil
	}
	given, isList := op.Value.([]any)
	if text, ok := op.Value.(string); ok && value == text { // as nearly all are
		return true
	}
	if !isList {
		return query.Folded(op.Value) == query.Folded(value)
	}
	kept := map[any]bool{}
	for _, e := range list {
		kept[valueOf(e)] = true
	}
	return len(given) == len(list) && !slices.ContainsFunc(given, func(g any) bool { return !kept[valueOf(g)] })
}

// valueOf returns the "value" of a list's element, to compare it by.
func valueOf(element any) any {
	object, _ := element.(query.Object)
	v, _ := object.Get("value")
	return query.Folded(v)
}
