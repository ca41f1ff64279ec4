package document

import (
	"fmt"
	"slices"
	"strings"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// unassigns reports whether a client's value takes away the one there is, RFC 7643 section 2.5: null, and "" unless the
// caller is strict.
func (r Reader) unassigns(value any) bool {
	return value == nil || value == "" && !r.Policy.Strict
}

// value reads the value of the attribute, or part, at p. It returns nil for a value that unassigns, and for an object
// without a part that can be written.
func (r Reader) value(p query.Path, value any) (any, error) {
	a := p.Attr
	if p.Sub != nil {
		a = p.Sub
	}
	v, err := r.attribute(a, placeOf(p), value)
	return query.ValueOf(v, p), err
}

// place is where a value stands in a body, as refusals name it: members[1].value. Its text is made only for a refusal.
type place struct {
	path  query.Path
	index int    // of the element, -1 outside of a list
	part  string // of the element or the object, "" for the whole
}

func placeOf(p query.Path) place { return place{path: p, index: -1} }

// String is the place as a client reads it.
func (p place) String() string {
	text := p.path.String()
	if p.index >= 0 {
		text = fmt.Sprintf("%s[%d]", text, p.index)
	}
	if p.part != "" {
		text += "." + p.part
	}
	return text
}

// element is the place of an element of the list at p.
func (p place) element(index int) place {
	p.index = index
	return p
}

// sub is the place of a part of the value at p.
func (p place) sub(name string) place {
	p.part = name
	return p
}

// attribute reads the value of a, which stands at a place.
func (r Reader) attribute(a *query.Attribute, at place, value any) (any, error) {
	if a.MultiValued {
		return r.list(a, at, value)
	}
	return r.single(a, at, value)
}

// list reads the value of a multi-valued attribute, nil for null. An element that identifies nothing is refused, even
// beside others. Only an address or a number without value is left out if another element has one, since some SDKs leave
// such elements behind.
func (r Reader) list(a *query.Attribute, at place, value any) (any, error) {
	elements, ok := value.([]any)
	switch {
	case value == nil:
		return nil, nil
	case !ok && r.Policy.Strict:
		return nil, resource.InvalidValue("%s is multi-valued; send an array.", at)
	case !ok && isBlank(value):
		return nil, resource.InvalidValue("%s must be an array; send [] to empty it, or leave it out to keep it.", at)
	case !ok:
		elements = []any{value}
	}
	list := make([]any, 0, len(elements))
	var nothing error
	for i, element := range elements {
		v, err := r.single(a, at.element(i), r.wrap(a, element))
		switch {
		case err != nil:
			return nil, err
		case r.identifies(a, v):
			list = append(list, v)
		case r.Policy.Strict || a.Kind != query.Complex || r.Type.References || r.isLink(a):
			return nil, r.refuseEmpty(a, at.element(i))
		default:
			nothing = r.refuseEmpty(a, at.element(i))
		}
	}
	if len(list) == 0 && nothing != nil {
		return nil, nothing
	}
	return r.onePrimary(dropRepeated(list), at)
}

// identifies reports whether v is enough for an element of a: elements with a part "value" need that part, or in a type
// whose values are references any part that a client can write.
func (r Reader) identifies(a *query.Attribute, v any) bool {
	object, ok := v.(map[string]any)
	if ok && r.Type.References {
		return slices.ContainsFunc(a.Sub, func(sub *query.Attribute) bool { return sub.Mutability != query.ReadOnly && object[sub.Name] != nil })
	}
	if ok && subAttribute(a, "value") != nil {
		return object["value"] != nil
	}
	return v != nil
}

// refuseEmpty is the refusal of a value in which nothing can be used. It names the parts that could be.
func (r Reader) refuseEmpty(a *query.Attribute, at place) error {
	var needs []string
	for _, sub := range a.Sub {
		if sub.Mutability != query.ReadOnly && (sub.Name == "value" || subAttribute(a, "value") == nil || r.Type.References) {
			needs = append(needs, sub.Name)
		}
	}
	if needs == nil {
		return resource.InvalidValue("%s is empty; give it a value or leave it out.", at)
	}
	return resource.InvalidValue("%s holds nothing that can be stored: it needs %s. Complete it or leave it out.", at, strings.Join(needs, " or "))
}

// subAttribute returns the part of a with the name in any case, nil if there is none.
func subAttribute(a *query.Attribute, name string) *query.Attribute {
	i := slices.IndexFunc(a.Sub, func(sub *query.Attribute) bool { return strings.EqualFold(sub.Name, name) })
	if i < 0 {
		return nil
	}
	return a.Sub[i]
}

// wrap turns a bare text for a complex value into the object that it stands for: "ann@x.example" into {"value": …},
// "ENG" into {"key": …}, "10001" into {"id": …}, "High" into {"name": …}, by the parts that the attribute has.
func (r Reader) wrap(a *query.Attribute, element any) any {
	text, ok := element.(string)
	if !ok || text == "" || a.Kind != query.Complex || r.Policy.Strict {
		return element
	}
	for _, name := range []string{"value", "key", "name"} {
		if subAttribute(a, name) == nil {
			continue
		}
		if name == "key" && strings.Trim(text, "0123456789") == "" {
			name = "id"
		}
		return map[string]any{name: text}
	}
	return element
}

// single reads one value: of a single-valued attribute, or an element of a list. It returns nil for a value that
// unassigns.
func (r Reader) single(a *query.Attribute, at place, value any) (any, error) {
	if r.unassigns(value) {
		return nil, nil
	}
	wrong := func() error { return resource.InvalidValue("%s has the wrong type; it must be a %s.", at, a.Kind) }
	switch a.Kind {
	case query.Complex:
		if r.Type.References {
			value = r.wrap(a, value)
		}
		object, ok := value.(map[string]any)
		if !ok {
			return nil, resource.InvalidValue("%s has the wrong type; it must be an object, as in %s.", at, example(a))
		}
		return r.complex(a, at, object)
	case query.Boolean:
		if text, ok := value.(string); ok && !r.Policy.Strict {
			value = query.BooleanOf(text)
		}
		if b, ok := value.(bool); ok {
			return b, nil
		}
		return nil, wrong()
	case query.Integer, query.Decimal:
		if f, ok := value.(float64); ok {
			return f, nil
		}
		return nil, wrong()
	case query.DateTime:
		text, ok := value.(string)
		if !ok || query.ValueOf(text, query.Path{Attr: a}) == nil {
			return nil, wrong()
		}
		return text, nil
	default:
		text, ok := value.(string)
		if !ok {
			return nil, wrong()
		}
		if text == "" {
			return nil, nil
		}
		return text, nil
	}
}

// example shows the form of a complex value by its most telling part.
func example(a *query.Attribute) string {
	for _, name := range []string{"value", "key", "name"} {
		if subAttribute(a, name) != nil {
			return fmt.Sprintf(`{%q: "…"}`, name)
		}
	}
	return fmt.Sprintf(`{%q: "…"}`, a.Sub[0].Name)
}

// complex reads an object, and returns nil if no part of it can be written. A reference without such a part is refused:
// nil would clear the reference.
func (r Reader) complex(a *query.Attribute, at place, object map[string]any) (any, error) {
	out := make(map[string]any, len(object))
	seen := make(map[string]bool, len(object))
	for key, value := range object {
		sub := subAttribute(a, key)
		if sub == nil {
			if err := r.checkPart(at, key, value); err != nil {
				return nil, err
			}
			continue
		}
		if seen[sub.Name] {
			return nil, resource.InvalidSyntax("%s.%s is there more than once.", at, sub.Name)
		}
		seen[sub.Name] = true
		if sub.Mutability == query.ReadOnly {
			continue
		}
		v, err := r.attribute(sub, at.sub(sub.Name), value)
		if err != nil {
			return nil, err
		}
		if v != nil {
			out[sub.Name] = v
		}
	}
	if r.isLink(a) && out["value"] == nil {
		if err := r.followRef(out, at, object); err != nil {
			return nil, err
		}
	}
	switch {
	case len(out) > 0:
		return out, nil
	case r.Type.References:
		return nil, r.refuseEmpty(a, at)
	}
	return nil, nil
}

// checkPart refuses a part of a value that the schema does not have, unless such parts are passed over.
func (r Reader) checkPart(at place, key string, value any) error {
	qualified := strings.ContainsAny(key, ".:[") && value != nil // name.givenName inside of name, where givenName is meant
	if qualified || r.Type.References && value != nil || r.Policy.Strict && key != "$ref" {
		return resource.InvalidSyntax("%s has no sub-attribute %q.", at, resource.Clip(key))
	}
	return nil
}

// dropRepeated removes elements with the same value and type as an earlier one, RFC 7643 section 2.4.
func dropRepeated(list []any) []any {
	type key struct{ value, kind any }
	seen := make(map[key]bool, len(list))
	return slices.DeleteFunc(list, func(element any) bool {
		object, ok := element.(map[string]any)
		if !ok || object["value"] == nil {
			return false
		}
		k := key{object["value"], object["type"]}
		repeated := seen[k]
		seen[k] = true
		return repeated
	})
}

// onePrimary leaves only the last of several primary elements primary; strict callers are refused several (RFC 7643
// section 2.4).
func (r Reader) onePrimary(list []any, at place) (any, error) {
	found := false
	for _, element := range slices.Backward(list) {
		object, ok := element.(map[string]any)
		if !ok || object["primary"] != true {
			continue
		}
		if found && r.Policy.Strict {
			return nil, resource.InvalidValue("%s has more than one primary.", at)
		}
		if found {
			object["primary"] = false
		}
		found = true
	}
	return list, nil
}

// isEmpty reports whether a value of a document is none: nil, a list without elements or an object without members.
func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case []any:
		return len(v) == 0
	case query.Object:
		return len(v) == 0
	}
	return false
}

// isBlank reports whether a client's value is null, "", [] or {}.
func isBlank(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case string:
		return value == ""
	case []any:
		return len(value) == 0
	case map[string]any:
		return len(value) == 0
	}
	return false
}
