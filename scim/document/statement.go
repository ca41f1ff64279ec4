package document

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// statement is the value that a body gives to one attribute, to a part of one, or to the elements that a filter selects.
// POST, PUT and PATCH understand the same names: userName, name.familyName, emails[type eq "work"].value, each of them
// with the URN of its schema in front or in the object of that URN.
type statement struct {
	path   query.Path
	filter query.Expr // of path[filter]; nil: none
	value  any        // as decoded from JSON
	absent bool       // the operation has no member "value", as a remove of the whole attribute
	inside bool       // the name is a member of an object, not the path of an operation
}

// leavesOut reports whether a statement counts as leaving its attribute out: null for the list of links, or for a list
// that is required. So a null takes nobody's access away.
func (r Reader) leavesOut(s statement) bool {
	a := s.path.Attr
	return s.value == nil && s.filter == nil && s.path.Sub == nil && a.MultiValued && (a.Required || r.isLink(a))
}

// isSwitch reports whether a statement is about a boolean of the resource itself, such as active. Unsetting it changes
// nothing: its default could activate a user whom nobody meant to activate.
func isSwitch(s statement) bool {
	return s.path.Sub == nil && s.filter == nil && s.path.Attr.Kind == query.Boolean
}

// statements lists the statements of an object in the order of its names, without those that are passed over. It refuses
// two statements on the same attribute: the choice between them would be a guess, and one may be the "active": false of a
// leaver.
func (r Reader) statements(object map[string]any) ([]statement, error) {
	var all []statement
	if err := r.collect(object, "", &all); err != nil {
		return nil, err
	}
	if err := onceEach(all); err != nil {
		return nil, err
	}
	// The value of an element goes first, so that the other parts find the element there.
	slices.SortStableFunc(all, func(a, b statement) int { return cmp.Compare(a.rank(), b.rank()) })
	all, err := r.withoutWriteOnly(all)
	return joinParts(all), err
}

// withoutWriteOnly drops the statements on writeOnly attributes, such as a password, after a check of their type:
// Atlassian has no place for them, so that their values go no further than here.
func (r Reader) withoutWriteOnly(all []statement) ([]statement, error) {
	rest := all[:0]
	for _, s := range all {
		if s.path.Attr.Mutability != query.WriteOnly {
			rest = append(rest, s)
			continue
		}
		if _, err := r.value(s.path, s.value); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// collect appends the statements of an object. urn is the schema that its members belong to; "" means that the object is
// the resource itself.
func (r Reader) collect(object map[string]any, urn string, all *[]statement) error {
	if len(object)+len(*all) > maxAttributes { // unknown ones too, each of which is looked for
		return resource.InvalidValue("The body names more than %d attributes.", maxAttributes)
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if strings.EqualFold(name, "schemas") {
			continue // checkSchemas reads it; some SDKs also put it into the object of an extension
		}
		value := object[name]
		if of, ok := r.schemaOf(name); ok && urn == "" {
			inner, isObject := value.(map[string]any)
			if !isObject && !r.unassigns(value) {
				return resource.InvalidValue("%s must be an object of attributes.", of)
			}
			if !isObject {
				*all = append(*all, r.unset(of)...)
			}
			if err := r.collect(inner, of, all); err != nil {
				return err
			}
			continue
		}
		if _, qualified := r.belowSchema(name); urn != "" && !qualified {
			name = urn + ":" + name
		}
		s, known, err := r.statement(name, value)
		if err != nil {
			return err
		}
		if s.inside = true; known {
			*all = append(*all, s)
		}
	}
	return nil
}

// unset lists the statements that unset each attribute of an extension, as null for its URN does. There is none for the
// core schema.
func (r Reader) unset(urn string) (all []statement) {
	for _, e := range r.Type.Schema.Extensions {
		for _, a := range e.Attributes {
			if e.URN == urn && a.Mutability != query.ReadOnly {
				all = append(all, statement{path: query.Path{Extension: urn, Attr: a}, inside: true})
			}
		}
	}
	return all
}

// schemaOf returns the URN of the schema that a name spells in any case. It reports false for any other name. The core
// schema counts: some clients put its attributes into an object of its URN.
func (r Reader) schemaOf(name string) (urn string, ok bool) {
	if r.Type.Schema.IsCore(name) {
		return r.Type.Schema.Core, true
	}
	for _, e := range r.Type.Schema.Extensions {
		if strings.EqualFold(name, e.URN) {
			return e.URN, true
		}
	}
	return "", false
}

// statement reads a member of an object. It reports false for a name that is passed over: that of a readOnly attribute,
// or one that no schema has.
func (r Reader) statement(name string, value any) (s statement, known bool, err error) {
	p, filter, err := r.resolve(name)
	switch {
	case err != nil:
		return s, false, r.refuseUnknown(name, value, err)
	case !isReadOnly(p):
		return statement{path: p, filter: filter, value: value}, true, nil
	}
	return s, false, nil
}

// isReadOnly reports whether clients cannot write the attribute or part at p.
func isReadOnly(p query.Path) bool {
	return p.Attr.Mutability == query.ReadOnly || p.Sub != nil && p.Sub.Mutability == query.ReadOnly
}

// refuseUnknown returns the refusal of a name that does not resolve, for the reason err, or nil if the name is passed
// over. The schema of issues is this project's own, so that a name that it does not have is a mistake, even from a
// tolerant caller; only with the value null it does no harm.
func (r Reader) refuseUnknown(name string, value any, err error) error {
	attribute, _, filtered := strings.Cut(name, "[")
	_, missing := r.Type.Schema.Resolve(attribute)
	switch {
	case r.Type.References && value == nil && !r.Policy.Strict:
		return nil
	case r.inPatch && !r.ignorable(name), filtered && missing == nil:
		return err
	case r.Policy.Strict || r.Type.References:
		return resource.InvalidSyntax("%s", resource.AsError(err).Detail)
	}
	return nil
}

// ignorable reports whether a path that does not resolve names an attribute that SCIM defines and Atlassian does not
// store, or one of another schema: a PATCH passes over these.
func (r Reader) ignorable(path string) bool {
	if r.Policy.Strict || r.Type.References {
		return false
	}
	name, known := r.belowSchema(path)
	if !known && strings.HasPrefix(strings.ToLower(path), "urn:") {
		return true
	}
	name, _, _ = strings.Cut(name, "[")
	name, _, _ = strings.Cut(name, ".")
	return slices.ContainsFunc(notStored, func(s string) bool { return strings.EqualFold(s, name) })
}

// notStored lists the attributes of RFC 7643 sections 4.1 and 4.3 that Atlassian does not store. Identity clients map some
// of them by default. An operation on one of them is passed over, as RFC 7644 section 3.3 allows for POST, so that the
// operations beside it succeed.
var notStored = []string{
	"profileUrl", "userType", "locale", "ims", "photos", "addresses", "entitlements", "roles", "x509Certificates",
	"employeeNumber", "costCenter", "division", "manager",
}

// belowSchema cuts the URN of a schema of the resource off a name. If no such URN stands in front, it returns the whole
// name and reports false.
func (r Reader) belowSchema(name string) (rest string, ok bool) {
	for i, c := range name {
		if c != ':' && c != '.' {
			continue
		}
		if _, ok := r.schemaOf(name[:i]); ok {
			return name[i+1:], true
		}
	}
	return name, false
}

// resolve finds the attribute of a name: attr, attr.sub, attr[filter] or attr[filter].sub.
func (r Reader) resolve(text string) (query.Path, query.Expr, error) {
	if len(text) > maxPath || strings.ContainsRune(text, utf8.RuneError) {
		return query.Path{}, nil, resource.InvalidPath("the path is longer than %d bytes or not plain text.", maxPath)
	}
	return ParsePath(r.Type.Schema, text, r.Policy.Strict)
}

// ParsePath resolves a path against a schema: attr, attr.sub, attr[filter] or attr[filter].sub, each with or without the
// URN of its schema. filter is nil for a path without one. A path that the schema does not have, or that is malformed, is
// refused with 400 invalidPath. strict admits only filters by the letter of RFC 7644.
func ParsePath(schema *query.Schema, text string, strict bool) (p query.Path, filter query.Expr, err error) {
	open := strings.IndexByte(text, '[')
	if open < 0 {
		if p, err = schema.Resolve(text); err != nil {
			return p, nil, resource.InvalidPath("%s.", err.Error())
		}
		if p.Sub == nil && p.Attr.MultiValued && p.Attr.Kind != query.Complex && strings.HasSuffix(strings.ToLower(text), ".value") {
			return p, nil, resource.InvalidPath("%s: say which element is meant, as in %s[value eq \"a\"], or leave .value out to mean the list.", resource.Clip(text), p)
		}
		return p, nil, nil
	}
	shut := strings.LastIndexByte(text, ']')
	p, err = schema.Resolve(text[:open])
	switch {
	case err != nil:
		return p, nil, resource.InvalidPath("%s.", err.Error())
	case shut < open || p.Sub != nil || !p.Attr.MultiValued:
		return p, nil, resource.InvalidPath("%q is no path; a value filter goes as in emails[type eq \"work\"].value.", resource.Clip(text))
	}
	if filter, err = query.ParseElement(p.Attr, text[open+1:shut], resource.FilterBounds(strict)); err != nil {
		return p, nil, resource.InvalidPath("%s", err.Error())
	}
	if rest := text[shut+1:]; rest != "" {
		if p, err = schema.Resolve(text[:open] + rest); err != nil || p.Sub == nil {
			return p, nil, resource.InvalidPath("%q: there is no such sub-attribute.", resource.Clip(text))
		}
	}
	return p, filter, nil
}

// onceEach refuses two statements that give values to the same attribute: by two spellings of its name, or one to the
// whole attribute and one to a part.
func onceEach(all []statement) error {
	const whole, part = 1, 2
	given := make(map[string]int, len(all)) // by name: whether the whole or a part was given
	for _, s := range all {
		names := s.names()
		last := len(names) - 1
		taken := given[names[last]] != 0
		for _, name := range names[:last] {
			taken = taken || given[name]&whole != 0
			given[name] |= part
		}
		if taken {
			return resource.InvalidSyntax("%s is there more than once.", s.path)
		}
		given[names[last]] |= whole
	}
	return nil
}

// names lists the names of a statement from the attribute to the part: emails, emails[type eq "work"],
// emails[type eq "work"].value.
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

// rank is 0 for a statement on the value of the element that a filter selects, else 1.
func (s statement) rank() int {
	if s.filter != nil && s.path.Sub != nil && s.path.Sub.Name == "value" {
		return 0
	}
	return 1
}

// joinParts makes one statement of all those on parts of the same single value: of name.familyName and name.givenName one
// of name.
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
