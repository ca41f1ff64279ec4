package idhub

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"scim-atlassian/schemas"
	"scim-atlassian/scim/document"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// This file resolves a mapping of IDHub's connector to attributes of the types
// behind the views.

// Mapping says which attribute of a view shows which value of a user, group or
// role; docs/mapping.md describes its file.
type Mapping = schemas.Mapping

// ParseAccountMapping parses the mapping of accounts, a file of the same form as
// schemas/connector/Account.json. The error has one line for every mistake.
func ParseAccountMapping(b []byte) (Mapping, error) {
	m, err := schemas.ParseMapping("Account", b)
	if err != nil {
		return m, err
	}
	user, err := directoryUserSchema()
	if err != nil {
		return m, err
	}
	_, err = newAccountMap(m, user)
	return m, err
}

// ParseEntitlementMapping parses the mapping of entitlements, a file of the same
// form as schemas/connector/Entitlement.json. The error has one line for every
// mistake.
func ParseEntitlementMapping(b []byte) (Mapping, error) {
	m, err := schemas.ParseMapping("Entitlement", b)
	if err != nil {
		return m, err
	}
	_, err = newEntitlementMap(m)
	return m, err
}

// directoryUserSchema returns the schema of users, whose attributes are the sources
// of an account mapping.
func directoryUserSchema() (*query.Schema, error) {
	types, err := schemas.ResourceTypes()
	if err != nil {
		return nil, err
	}
	return resource.SchemaOf(types[slices.IndexFunc(types, func(rt schemas.ResourceType) bool { return rt.Name == "User" })]), nil
}

// accountMap says which value of a user each attribute of an account shows.
type accountMap struct {
	schemas.Mapping
	core       *schemas.Schema
	attributes []accountAttribute
}

// accountAttribute is an attribute of an account.
type accountAttribute struct {
	schemas.MappedAttribute
	source, fallback *userPath // nil source: the attribute is computed; nil fallback: there is none
}

// userPath names at most one value of a user.
type userPath struct {
	query.Path
	filter query.Expr // selects the element of a list; nil: the attribute is no list
}

// newAccountMap resolves the sources of a mapping to paths of a user. The error has
// one line for every mistake.
func newAccountMap(m schemas.Mapping, user *query.Schema) (*accountMap, error) {
	out := &accountMap{Mapping: m}
	var problems []error
	readOnly, types := map[string]bool{}, map[string]string{}
	for _, a := range m.Attributes {
		mapped := accountAttribute{MappedAttribute: a}
		switch a.Source {
		case schemas.SourceEntitlements:
		case schemas.SourceProvisioned:
			readOnly[a.Name], types[a.Name] = true, "boolean"
		default:
			var err error
			if mapped.source, err = newUserPath(user, a.Source); err != nil {
				problems = append(problems, fmt.Errorf("attribute %s: source: %w", a.Name, err))
				break
			}
			readOnly[a.Name] = mapped.source.leaf().Mutability == query.ReadOnly || mapped.source.Attr.Mutability == query.ReadOnly
			types[a.Name] = mapped.source.leaf().Kind.String()
			if a.Fallback == "" {
				break
			}
			if mapped.fallback, err = newUserPath(user, a.Fallback); err != nil {
				problems = append(problems, fmt.Errorf("attribute %s: fallback: %w", a.Name, err))
			} else if mapped.fallback.leaf().Kind != mapped.source.leaf().Kind {
				problems = append(problems, fmt.Errorf("attribute %s: fallback is of another type than source", a.Name))
			}
		}
		out.attributes = append(out.attributes, mapped)
	}
	if a := m.Attribute("userName"); a == nil || !a.Required {
		problems = append(problems, errors.New("no required attribute has the source userName, which every user needs"))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	out.core = m.Schema(readOnly, types)
	return out, nil
}

// newUserPath resolves a source: the path of an operation on a User that
// means a single value, such as name.formatted or emails[primary eq true].value.
func newUserPath(user *query.Schema, text string) (*userPath, error) {
	p, filter, err := document.ParsePath(user, text, false)
	switch {
	case err != nil:
		return nil, errors.New(resource.AsError(err).Detail)
	case p.Attr.MultiValued != (filter != nil), p.Sub != nil && p.Sub.MultiValued, (&userPath{Path: p}).leaf().Kind == query.Complex, p.Attr.Mutability == query.WriteOnly:
		return nil, fmt.Errorf("%q is not one plain value of a User", text)
	}
	return &userPath{p, filter}, nil
}

// leaf returns the attribute at the end of the path.
func (p *userPath) leaf() *query.Attribute {
	if p.Sub != nil {
		return p.Sub
	}
	return p.Attr
}

// in returns the value that a user has at the path, nil without one.
func (p *userPath) in(user query.Object) any {
	if p == nil {
		return nil
	}
	if p.filter == nil {
		return user.At(p.Path)
	}
	v, _ := user.Get(p.Attr.Name)
	list, _ := v.([]any)
	for _, e := range list {
		if element, ok := e.(query.Object); ok && query.Match(p.filter, element) {
			v, _ := element.Get(p.Sub.Name)
			return v
		}
	}
	return nil
}

// value returns the value that the attribute shows of a user: the value at its
// source, else its stand-in.
func (a *accountAttribute) value(user query.Object) any {
	if v := a.source.in(user); v != nil {
		return v
	}
	return a.standIn(user)
}

// standIn returns the value that the attribute shows of a user without a value at
// its source: the value at the fallback; else, for a required name, the name that
// the user goes by.
func (a *accountAttribute) standIn(user query.Object) any {
	if v := a.fallback.in(user); v != nil || !a.isRequiredName() {
		return v
	}
	return goesBy(user)
}

// isRequiredName reports whether the attribute is a person's name that clients
// rely on, although some users of Atlassian have none.
func (a *accountAttribute) isRequiredName() bool {
	return a.Required && (a.Source == "displayName" || a.Source == "name.formatted")
}

// standsIn reports whether a value that a client sends is only the stand-in that
// the attribute showed in place of a missing value.
func (a *accountAttribute) standsIn(user query.Object, value any) bool {
	return a.source != nil && value != nil && a.source.in(user) == nil && a.standIn(user) == value
}

// mayStandIn reports whether the attribute has a stand-in.
func (a *accountAttribute) mayStandIn() bool { return a.fallback != nil || a.isRequiredName() }

// goesBy returns the name of a user without a formatted name: given and family
// name, or without these the user name.
func goesBy(user query.Object) string {
	name := user.Inner("name")
	called := strings.TrimSpace(name.Text("givenName") + " " + name.Text("familyName"))
	return cmp.Or(called, user.Text("userName"))
}

// operation returns the operation on a user that sets the attribute; a nil value
// removes it.
func (a *accountAttribute) operation(value any) resource.Operation {
	op := resource.Operation{Op: "replace", Path: a.source.Path, Filter: a.source.filter, Value: value}
	if value == nil {
		op.Op = "remove"
	}
	return op
}

// attribute returns the attribute with a name, nil if there is none.
func (m *accountMap) attribute(name string) *accountAttribute {
	for i := range m.attributes {
		if m.attributes[i].Name == name {
			return &m.attributes[i]
		}
	}
	return nil
}

// nameOf returns the name of the attribute with a source, "" if there is none.
func nameOf(m *schemas.Mapping, source string) string {
	if a := m.Attribute(source); a != nil {
		return a.Name
	}
	return ""
}

// complete gives a required attribute that the body leaves out the value of the
// attribute whose source is its fallback.
func (m *accountMap) complete(doc *query.Object) {
	for _, a := range m.attributes {
		if _, given := doc.Get(a.Name); given || !a.Required || a.Fallback == "" {
			continue
		}
		if v, ok := doc.Get(nameOf(&m.Mapping, a.Fallback)); ok {
			doc.Set(a.Name, v)
		}
	}
}

// entitlementMap says which attribute of an entitlement shows which value.
type entitlementMap struct {
	schemas.Mapping
	core                                   *schemas.Schema
	name, kind, description, form, members string // names of attributes, "" if the mapping has none
}

// newEntitlementMap resolves the sources of a mapping. The error has one line for
// every mistake.
func newEntitlementMap(m schemas.Mapping) (*entitlementMap, error) {
	known := []string{schemas.SourceName, schemas.SourceKind, schemas.SourceDescription, schemas.SourceForm, schemas.SourceMembers}
	var problems []error
	for _, a := range m.Attributes {
		if !slices.Contains(known, a.Source) {
			problems = append(problems, fmt.Errorf("attribute %s: source is %q: use one of %q", a.Name, a.Source, known))
		}
		if a.Fallback != "" {
			problems = append(problems, fmt.Errorf("attribute %s: an entitlement's attribute has no fallback", a.Name))
		}
	}
	out := &entitlementMap{
		Mapping: m, name: nameOf(&m, schemas.SourceName), kind: nameOf(&m, schemas.SourceKind),
		description: nameOf(&m, schemas.SourceDescription), form: nameOf(&m, schemas.SourceForm), members: nameOf(&m, schemas.SourceMembers),
	}
	if out.name == "" || out.kind == "" {
		problems = append(problems, fmt.Errorf("attributes with the sources %s and %s are needed", schemas.SourceName, schemas.SourceKind))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	out.core = m.Schema(map[string]bool{out.description: true, out.form: true}, nil)
	return out, nil
}
