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

// This file turns a mapping of IDHub's connector into what accounts are read
// and written by.

// Mapping says how a resource type of IDHub's connector shows what Atlassian
// has; docs/mapping.md describes its file. Of a running server, Config.Account
// and Config.Entitlement are in force.
type Mapping = schemas.Mapping

// ParseAccountMapping reads the mapping of accounts, a file in the shape of
// schemas/connector/Account.json, and lists all that is wrong with it, a line
// each. Config.Account takes it.
func ParseAccountMapping(b []byte) (Mapping, error) {
	m, err := schemas.ParseMapping("Account", b)
	if err != nil {
		return m, err
	}
	user, err := directoryUserSchema()
	if err != nil {
		return m, err
	}
	_, err = NewAccountMap(m, user)
	return m, err
}

// ParseEntitlementMapping does the same for entitlements.
func ParseEntitlementMapping(b []byte) (Mapping, error) {
	m, err := schemas.ParseMapping("Entitlement", b)
	if err != nil {
		return m, err
	}
	_, err = NewEntitlementMap(m)
	return m, err
}

// directoryUserSchema is of the resources that sources of accounts are attributes of.
func directoryUserSchema() (*query.Schema, error) {
	types, err := schemas.ResourceTypes()
	if err != nil {
		return nil, err
	}
	return resource.SchemaOf(types[slices.IndexFunc(types, func(rt schemas.ResourceType) bool { return rt.Name == "User" })]), nil
}

// accountMap says which value of a user each attribute of an account is.
type accountMap struct {
	schemas.Mapping
	Core       *schemas.Schema
	attributes []accountAttribute
}

// accountAttribute is an attribute of an account. One without source is
// computed.
type accountAttribute struct {
	schemas.MappedAttribute
	source, fallback *userPath
}

// userPath names at most one value of a user.
type userPath struct {
	query.Path
	filter query.Expr // of an element, nil: the attribute is no list
}

func NewAccountMap(m schemas.Mapping, user *query.Schema) (*accountMap, error) {
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
	var err error
	out.Core, err = m.Schema(readOnly, types)
	return out, err
}

// newUserPath resolves a source: the path of an operation on a User that
// means a single value, such as name.formatted or emails[primary eq true].value.
func newUserPath(user *query.Schema, text string) (*userPath, error) {
	p, filter, err := document.ParsePath(user, text, false)
	switch {
	case err != nil:
		return nil, errors.New(resource.AsError(err).Detail)
	case p.Attr.MultiValued != (filter != nil), p.Sub != nil && p.Sub.MultiValued, (&userPath{Path: p}).leaf().Kind == query.Complex:
		return nil, fmt.Errorf("%q is not one plain value of a User", text)
	}
	return &userPath{p, filter}, nil
}

func (p *userPath) leaf() *query.Attribute {
	if p.Sub != nil {
		return p.Sub
	}
	return p.Attr
}

// in is the value that a user has at the path, nil if none.
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

// value is what the attribute shows of a user: what its source has, else what
// stands in for it.
func (a *accountAttribute) value(user query.Object) any {
	if v := a.source.in(user); v != nil {
		return v
	}
	return a.standIn(user)
}

// standIn is what the attribute shows of a user whose source has no value: the
// fallback, and as a name that is required, what the user goes by.
func (a *accountAttribute) standIn(user query.Object) any {
	if v := a.fallback.in(user); v != nil || !a.isRequiredName() {
		return v
	}
	return goesBy(user)
}

// isRequiredName reports whether the attribute is the name of a person and
// clients rely on it, although Atlassian has users without any.
func (a *accountAttribute) isRequiredName() bool {
	return a.Required && (a.Source == "displayName" || a.Source == "name.formatted")
}

// standsIn reports whether a value that a client sends is no value of the user
// but what the attribute showed in place of one.
func (a *accountAttribute) standsIn(user query.Object, value any) bool {
	return a.source != nil && value != nil && a.source.in(user) == nil && a.standIn(user) == value
}

// mayStandIn reports whether the attribute may show what its source does not have.
func (a *accountAttribute) mayStandIn() bool { return a.fallback != nil || a.isRequiredName() }

// goesBy is what a user without a formatted name is called: by given and family
// name, or without them by the user name.
func goesBy(user query.Object) string {
	name := user.Inner("name")
	called := strings.TrimSpace(name.Text("givenName") + " " + name.Text("familyName"))
	return cmp.Or(called, user.Text("userName"))
}

// operation is the change of a user that a change of the attribute is. A nil
// value removes.
func (a *accountAttribute) operation(value any) resource.Operation {
	op := resource.Operation{Op: "replace", Path: a.source.Path, Filter: a.source.filter, Value: value}
	if value == nil {
		op.Op = "remove"
	}
	return op
}

// named finds an attribute by its name in the schema.
func (m *accountMap) named(name string) *accountAttribute {
	for i := range m.attributes {
		if m.attributes[i].Name == name {
			return &m.attributes[i]
		}
	}
	return nil
}

// NameOf is the account's name of what a source holds, "" if nothing shows it.
func NameOf(m *schemas.Mapping, source string) string {
	if a := m.Attribute(source); a != nil {
		return a.Name
	}
	return ""
}

// complete lets one of two attributes that stand for each other do for both: a
// required attribute that is missing from the body takes the value of the one
// that its fallback is the source of.
func (m *accountMap) complete(doc *query.Object) error {
	for _, a := range m.attributes {
		if _, given := doc.Get(a.Name); given || !a.Required || a.Fallback == "" {
			continue
		}
		if v, ok := doc.Get(NameOf(&m.Mapping, a.Fallback)); ok {
			doc.Set(a.Name, v)
		}
	}
	return nil
}

// entitlementMap says which attribute shows what of an entitlement.
type entitlementMap struct {
	schemas.Mapping
	Core                                  *schemas.Schema
	name, kind, description, form, Member string // attributes, "" if it has none
}

func NewEntitlementMap(m schemas.Mapping) (*entitlementMap, error) {
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
		Mapping: m, name: NameOf(&m, schemas.SourceName), kind: NameOf(&m, schemas.SourceKind),
		description: NameOf(&m, schemas.SourceDescription), form: NameOf(&m, schemas.SourceForm), Member: NameOf(&m, schemas.SourceMembers),
	}
	if out.name == "" || out.kind == "" {
		problems = append(problems, fmt.Errorf("attributes with the sources %s and %s are needed", schemas.SourceName, schemas.SourceKind))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	var err error
	out.Core, err = m.Schema(map[string]bool{out.description: true, out.form: true}, nil)
	return out, err
}
