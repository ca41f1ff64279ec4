package scim

import (
	"fmt"
	"slices"
	"strings"

	"scim-atlassian/scim/query"
)

// A body reaches the library in one form only: canonical names, typed values,
// nothing that is to be ignored. normaliser makes that form. It tolerates what
// identity clients send beside the RFC's letter (string booleans, one object
// for a list of them, null and "" for no value, several primaries) unless the
// caller is strict, and refuses the rest with the name of the attribute.
type normaliser struct {
	schema *query.Schema
	strict bool
}

// parseResource checks the body of a POST or PUT. The result is a document for
// the library; readOnly attributes and those that the schema does not know are
// left out (RFC 7644 section 3.3).
func (s *Server) parseResource(c *call, body any) (map[string]any, error) {
	rt := c.rt
	object, ok := body.(map[string]any)
	if !ok {
		return nil, invalidSyntax("The body must be a JSON object with the attributes of a %s.", rt.Name)
	}
	n := normaliser{rt.schema, c.caller.Strict}
	doc, err := n.document(object)
	if err != nil {
		return nil, err
	}
	if err := n.checkSchemas(object); err != nil {
		return nil, err
	}
	if rt.Name == "User" {
		if err := s.completeEmails(c, doc); err != nil {
			return nil, err
		}
	}
	if rt.prepare != nil {
		if err := rt.prepare(doc); err != nil {
			return nil, err
		}
	}
	doc["schemas"] = []any{rt.Core.ID}
	return doc, requireAll(rt.schema, doc)
}

// checkSchemas requires the schemas attribute, RFC 7643 section 3. Which URNs it
// lists matters to strict callers only: clients in use send those of SCIM 1.1,
// of other vendors and misspelt ones.
func (n normaliser) checkSchemas(object map[string]any) error {
	value, _ := lookUp(object, "schemas")
	urns, ok := value.([]any)
	if !ok || len(urns) == 0 {
		return invalidSyntax("schemas is missing; send %q.", []string{n.schema.Core})
	}
	if n.strict && !slices.ContainsFunc(urns, func(urn any) bool { text, _ := urn.(string); return n.schema.IsCore(text) }) {
		return invalidSyntax("schemas does not list %s.", n.schema.Core)
	}
	return nil
}

// document normalises the top level: core attributes, extension objects and
// keys with the URN of their schema in front.
func (n normaliser) document(object map[string]any) (map[string]any, error) {
	doc := make(map[string]any, len(object))
	for name, value := range object {
		if urn, inner, ok := n.extension(name, value); ok {
			for name, value := range inner {
				if err := n.assign(doc, urn+":"+name, value); err != nil {
					return nil, err
				}
			}
			continue
		}
		if err := n.assign(doc, name, value); err != nil {
			return nil, err
		}
	}
	return doc, nil
}

// extension recognises the object of a schema, keyed by its URN in any case.
// Some clients wrap the core attributes that way too.
func (n normaliser) extension(name string, value any) (urn string, inner map[string]any, ok bool) {
	if inner, ok = value.(map[string]any); !ok {
		return "", nil, false
	}
	if n.schema.IsCore(name) {
		return n.schema.Core, inner, true
	}
	for _, e := range n.schema.Extensions {
		if strings.EqualFold(name, e.URN) {
			return e.URN, inner, true
		}
	}
	return "", nil, false
}

// assign puts a top-level attribute into doc under its canonical name.
func (n normaliser) assign(doc map[string]any, name string, value any) error {
	if strings.EqualFold(name, "schemas") {
		return nil // checked apart
	}
	p, err := n.schema.Resolve(name)
	if err != nil || p.Sub != nil || p.Attr.Mutability == query.ReadOnly {
		if err != nil && n.strict {
			return invalidSyntax("%s.", err.Error())
		}
		return nil
	}
	v, err := n.value(p, value)
	if err != nil || v == nil {
		return err
	}
	into := doc
	if p.Extension != "" {
		inner, ok := doc[p.Extension].(map[string]any)
		if !ok {
			inner = map[string]any{}
			doc[p.Extension] = inner
		}
		into = inner
	}
	if _, twice := into[p.Attr.Name]; twice {
		return invalidSyntax("%s is there more than once.", p)
	}
	into[p.Attr.Name] = v
	return nil
}

// requireAll refuses a document in which a required attribute is missing.
func requireAll(schema *query.Schema, doc map[string]any) error {
	for _, a := range schema.Attributes {
		if v, ok := doc[a.Name]; a.Required && a.Mutability != query.ReadOnly && (!ok || isEmpty(v)) {
			return invalidValue("%s is required.", a.Name)
		}
	}
	return nil
}

// value normalises the value at p, nil if it is no value (RFC 7643 section 2.5).
func (n normaliser) value(p query.Path, value any) (any, error) {
	if p.Sub != nil {
		return n.one(p.Sub, p.String(), value)
	}
	return n.attribute(p.Attr, p.String(), value)
}

func (n normaliser) attribute(a *query.Attribute, name string, value any) (any, error) {
	if !a.MultiValued {
		return n.one(a, name, value)
	}
	if value == nil {
		return nil, nil
	}
	elements, ok := value.([]any)
	if !ok {
		if n.strict {
			return nil, invalidValue("%s is multi-valued; send an array.", name)
		}
		elements = []any{value}
	}
	list := make([]any, 0, len(elements))
	for i, element := range elements {
		v, err := n.one(a, fmt.Sprintf("%s[%d]", name, i), n.wrap(a, element))
		if err != nil {
			return nil, err
		}
		if v != nil {
			list = append(list, v)
		}
	}
	return n.onePrimary(dropRepeated(list), name)
}

// wrap turns the bare value, or the bare name, of a complex element into the
// element.
func (n normaliser) wrap(a *query.Attribute, element any) any {
	text, ok := element.(string)
	if !ok || a.Kind != query.Complex || n.strict {
		return element
	}
	for _, name := range []string{"value", "name"} {
		if slices.ContainsFunc(a.Sub, func(sub *query.Attribute) bool { return sub.Name == name }) {
			return map[string]any{name: text}
		}
	}
	return element
}

// one normalises a single value: of a simple attribute, or one element.
func (n normaliser) one(a *query.Attribute, name string, value any) (any, error) {
	if value == nil || value == "" && !n.strict {
		return nil, nil
	}
	wrong := invalidValue("%s has the wrong type; it must be a %s.", name, a.Kind)
	switch a.Kind {
	case query.Complex:
		object, ok := value.(map[string]any)
		if !ok {
			return nil, wrong
		}
		return n.complex(a, name, object)
	case query.Boolean:
		if text, ok := value.(string); ok && !n.strict {
			switch strings.ToLower(text) {
			case "true":
				return true, nil
			case "false":
				return false, nil
			}
		}
		if b, ok := value.(bool); ok {
			return b, nil
		}
		return nil, wrong
	case query.Integer, query.Decimal:
		if f, ok := value.(float64); ok {
			return f, nil
		}
		return nil, wrong
	case query.DateTime:
		text, ok := value.(string)
		if !ok || query.ValueOf(text, query.Path{Attr: a}) == nil {
			return nil, wrong
		}
		return text, nil
	default:
		text, ok := value.(string)
		if !ok {
			return nil, wrong
		}
		if text == "" {
			return nil, nil
		}
		return text, nil
	}
}

func (n normaliser) complex(a *query.Attribute, name string, object map[string]any) (any, error) {
	out := make(map[string]any, len(object))
	for key, value := range object {
		i := slices.IndexFunc(a.Sub, func(sub *query.Attribute) bool { return strings.EqualFold(sub.Name, key) })
		if i < 0 && n.strict && key != "$ref" {
			return nil, invalidSyntax("%s has no sub-attribute %q.", name, clip(key))
		}
		if i < 0 || a.Sub[i].Mutability == query.ReadOnly {
			continue
		}
		v, err := n.attribute(a.Sub[i], name+"."+a.Sub[i].Name, value)
		if err != nil {
			return nil, err
		}
		if _, twice := out[a.Sub[i].Name]; twice {
			return nil, invalidSyntax("%s.%s is there more than once.", name, a.Sub[i].Name)
		}
		if v != nil {
			out[a.Sub[i].Name] = v
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

// dropRepeated removes elements whose value and type stand in the list already,
// RFC 7643 section 2.4.
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

// onePrimary leaves the last of several primaries, or refuses them for strict
// callers, RFC 7643 section 2.4.
func (n normaliser) onePrimary(list []any, name string) (any, error) {
	found := false
	for _, element := range slices.Backward(list) {
		object, ok := element.(map[string]any)
		if !ok || object["primary"] != true {
			continue
		}
		if found && n.strict {
			return nil, invalidValue("%s has more than one primary.", name)
		}
		if found {
			object["primary"] = false
		}
		found = true
	}
	return list, nil
}

// lookUp finds a member by name in any case.
func lookUp(object map[string]any, name string) (any, bool) {
	if v, ok := object[name]; ok {
		return v, true
	}
	for key, v := range object {
		if strings.EqualFold(key, name) {
			return v, true
		}
	}
	return nil, false
}

func isEmpty(v any) bool {
	list, ok := v.([]any)
	return v == nil || ok && len(list) == 0
}
