package document

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// statement is what a body says of one attribute: of all of it, of a part, or
// of the elements that a filter selects. POST, PUT and PATCH understand the same
// names: userName, name.familyName, emails[type eq "work"].value, each of them
// with the URN of its schema in front or in the object of that URN.
type statement struct {
	path   query.Path
	filter query.Expr // nil unless the name has one
	value  any        // as decoded from JSON
	absent bool       // the operation has no value, as in a remove of everything
	inside bool       // a member of an object said it, not the path of an operation
}

// statements lists what an object says, in the order of its names, without what
// is passed over. Two statements on the same attribute are refused: which one
// counts would be a guess, and one may be the "active": false of a leaver.
func (n Reader) statements(object map[string]any) ([]statement, error) {
	var all []statement
	if err := n.collect(object, "", &all); err != nil {
		return nil, err
	}
	if err := onceEach(all); err != nil {
		return nil, err
	}
	return joinParts(all), nil
}

// collect appends the statements of an object whose members belong to the schema
// with the URN; "": the object is the resource itself.
func (n Reader) collect(object map[string]any, urn string, all *[]statement) error {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if strings.EqualFold(name, "schemas") {
			continue // checked apart; some SDKs keep an extension as a resource of its own
		}
		value := object[name]
		if of, ok := n.schemaOf(name); ok && urn == "" {
			inner, isObject := value.(map[string]any)
			if !isObject && !n.none(value) {
				return resource.InvalidValue("%s must be an object of attributes.", of)
			}
			if err := n.collect(inner, of, all); err != nil {
				return err
			}
			continue
		}
		if urn != "" {
			name = urn + ":" + name
		}
		s, known, err := n.statement(name, value)
		if err != nil {
			return err
		}
		if s.inside = true; known {
			*all = append(*all, s)
		}
		if len(*all) > maxOperations {
			return resource.InvalidValue("The body names more than %d attributes.", maxOperations)
		}
	}
	return nil
}

// schemaOf recognises the URN of a schema in any case. Some clients wrap the core
// attributes in an object of their URN as well.
func (n Reader) schemaOf(name string) (urn string, ok bool) {
	if n.Type.Schema.IsCore(name) {
		return n.Type.Schema.Core, true
	}
	for _, e := range n.Type.Schema.Extensions {
		if strings.EqualFold(name, e.URN) {
			return e.URN, true
		}
	}
	return "", false
}

// statement reads the name of a member of an object. It reports false for a
// name that is passed over: of a readOnly attribute, or unknown.
func (n Reader) statement(name string, value any) (s statement, known bool, err error) {
	p, filter, err := n.named(name)
	switch {
	case err != nil:
		return s, false, n.unknown(name, value, err)
	case !isReadOnly(p):
		return statement{path: p, filter: filter, value: value}, true, nil
	case p.Attr.Name == "externalId" && value != nil:
		return s, false, resource.Mutability("externalId is readOnly: Jira has no place for it. Leave it out.")
	}
	return s, false, nil
}

func isReadOnly(p query.Path) bool {
	return p.Attr.Mutability == query.ReadOnly || p.Sub != nil && p.Sub.Mutability == query.ReadOnly
}

// unknown decides on a name that means nothing: nil if it is passed over, else
// the refusal. Issues have a schema of our own, of which everything must be
// understood; null says nothing of them either way.
func (n Reader) unknown(name string, value any, err error) error {
	attribute, _, filtered := strings.Cut(name, "[")
	_, missing := n.Type.Schema.Resolve(attribute)
	switch {
	case n.Type.References && value == nil && !n.Strict:
		return nil
	case n.path && !n.ignorable(name), filtered && missing == nil:
		return err
	case n.Strict || n.Type.References:
		return resource.InvalidSyntax("%s", resource.AsError(err).Detail)
	}
	return nil
}

// ignorable reports whether a path that does not resolve is of an attribute
// that SCIM defines and Atlassian does not store, or of another schema.
func (n Reader) ignorable(path string) bool {
	if n.Strict || n.Type.References {
		return false
	}
	name, known := n.belowSchema(path)
	if !known && strings.HasPrefix(strings.ToLower(path), "urn:") {
		return true
	}
	name, _, _ = strings.Cut(name, "[")
	name, _, _ = strings.Cut(name, ".")
	return slices.ContainsFunc(notStored, func(s string) bool { return strings.EqualFold(s, name) })
}

// belowSchema cuts the URN of a schema of the resource off a name. It reports
// false, and the whole name, if none stands in front.
func (n Reader) belowSchema(name string) (rest string, ok bool) {
	for i, c := range name {
		if c != ':' && c != '.' {
			continue
		}
		if _, ok := n.schemaOf(name[:i]); ok {
			return name[i+1:], true
		}
	}
	return name, false
}

// named resolves a name: attr, attr.sub, attr[filter] or attr[filter].sub.
func (n Reader) named(text string) (query.Path, query.Expr, error) {
	if len(text) > maxPath || strings.ContainsRune(text, utf8.RuneError) {
		return query.Path{}, nil, resource.InvalidPath("the path is longer than %d bytes or not plain text.", maxPath)
	}
	return ParsePath(n.Type.Schema, text, n.Strict)
}

// ParsePath resolves the path of an operation against a schema.
func ParsePath(schema *query.Schema, text string, strict bool) (query.Path, query.Expr, error) {
	open := strings.IndexByte(text, '[')
	if open < 0 {
		p, err := schema.Resolve(text)
		if err != nil {
			return p, nil, resource.InvalidPath("%s.", err.Error())
		}
		return p, nil, nil
	}
	shut := strings.LastIndexByte(text, ']')
	p, err := schema.Resolve(text[:open])
	switch {
	case err != nil:
		return p, nil, resource.InvalidPath("%s.", err.Error())
	case shut < open || p.Sub != nil || !p.Attr.MultiValued:
		return p, nil, resource.InvalidPath("%q is no path; a value filter goes as in emails[type eq \"work\"].value.", resource.Clip(text))
	}
	filter, err := query.ParseElement(p.Attr, text[open+1:shut], resource.FilterBounds(strict))
	if err != nil {
		return p, nil, resource.InvalidPath("%s", err.Error())
	}
	if rest := text[shut+1:]; rest != "" {
		if p, err = schema.Resolve(text[:open] + rest); err != nil || p.Sub == nil {
			return p, nil, resource.InvalidPath("%q: there is no such sub-attribute.", resource.Clip(text))
		}
	}
	return p, filter, nil
}

// onceEach refuses two statements of which one says what the other does: two
// spellings of a name, or an attribute as a whole beside a part of it.
func onceEach(all []statement) error {
	const whole, part = 1, 2
	said := make(map[string]int, len(all))
	for _, s := range all {
		names := s.names()
		last := len(names) - 1
		taken := said[names[last]] != 0
		for _, name := range names[:last] {
			taken = taken || said[name]&whole != 0
			said[name] |= part
		}
		if taken {
			return resource.InvalidSyntax("%s is there more than once.", s.path)
		}
		said[names[last]] |= whole
	}
	return nil
}

// names lists what a statement is about, from the attribute to the part.
func (s statement) names() []string {
	names := []string{query.Path{Extension: s.path.Extension, Attr: s.path.Attr}.String()}
	if s.filter != nil {
		names = append(names, names[0]+"["+s.filter.String()+"]")
	}
	if s.path.Sub != nil {
		names = append(names, names[len(names)-1]+"."+s.path.Sub.Name)
	}
	return names
}

// joinParts makes one statement of those on parts of the same single value, such
// as name.familyName and name.givenName.
func joinParts(all []statement) []statement {
	joined := all[:0]
	at := map[*query.Attribute]int{}
	for _, s := range all {
		if s.path.Sub == nil || s.path.Attr.MultiValued {
			joined = append(joined, s)
			continue
		}
		sub := s.path.Sub.Name
		i, begun := at[s.path.Attr]
		if !begun {
			i, at[s.path.Attr] = len(joined), len(joined)
			whole := query.Path{Extension: s.path.Extension, Attr: s.path.Attr}
			joined = append(joined, statement{path: whole, value: map[string]any{}, inside: true})
		}
		joined[i].value.(map[string]any)[sub] = s.value
	}
	return joined
}
