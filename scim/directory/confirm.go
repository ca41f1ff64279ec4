package directory

import (
	"maps"
	"slices"
	"strings"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/query"
)

// changes lists the upstream operations that turn current into want, a level
// below complex attributes and extensions, so that what Atlassian keeps beside
// our schema stays.
func changes(schema *query.Schema, current, want query.Object) []atlassian.PatchOperation {
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

func changedAttributes(prefix string, attributes []*query.Attribute, current, want query.Object) []atlassian.PatchOperation {
	var ops []atlassian.PatchOperation
	for _, a := range attributes {
		if a.Mutability == query.ReadOnly {
			continue
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

// ignored names the attributes that upstream took operations on and does not
// hold afterwards as they say. The last operation on an attribute counts. Text is
// compared as people read it: upstream may trim it or change its case.
func ignored(schema *query.Schema, ops []atlassian.PatchOperation, found query.Object) []string {
	last := make(map[string]atlassian.PatchOperation, len(ops))
	for _, op := range ops {
		last[op.Path] = op
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(last)) {
		p, err := schema.Resolve(name)
		if err != nil || p.Attr.Name == "members" {
			continue // named members are confirmed one by one
		}
		if !kept(last[name], found.At(p)) {
			names = append(names, name)
		}
	}
	return names
}

// kept reports whether an attribute is what the operation made it.
func kept(op atlassian.PatchOperation, value any) bool {
	list, _ := value.([]any)
	switch {
	case op.Op == "remove" && op.Path == "active":
		return true // an absent one is true
	case op.Op == "remove":
		return value == nil
	}
	given, isList := op.Value.([]any)
	if !isList {
		return sameText(op.Value, value)
	}
	return len(given) == len(list) && !slices.ContainsFunc(given, func(g any) bool {
		return !slices.ContainsFunc(list, func(e any) bool { return sameText(valueOf(g), valueOf(e)) })
	})
}

// valueOf is the "value" of an element.
func valueOf(element any) any {
	object, _ := element.(query.Object)
	v, _ := object.Get("value")
	return v
}

func sameText(a, b any) bool {
	x, ok := a.(string)
	y, also := b.(string)
	return ok && also && strings.EqualFold(strings.TrimSpace(x), strings.TrimSpace(y)) || a == b
}
