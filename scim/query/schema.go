package query

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is the data type of an attribute, RFC 7643 section 2.3.
type Kind uint8

// The data types of RFC 7643.
const (
	String Kind = iota
	Boolean
	Integer
	Decimal
	DateTime
	Reference
	Binary
	Complex
)

var kindNames = [...]string{"string", "boolean", "integer", "decimal", "dateTime", "reference", "binary", "complex"}

func (k Kind) String() string { return kindNames[k] }

// Mutability says whether and when clients may write an attribute, RFC 7643
// section 2.2.
type Mutability uint8

// The mutabilities of RFC 7643 section 7.
const (
	ReadWrite Mutability = iota
	ReadOnly
	Immutable
	WriteOnly
)

// Returned says when an attribute is part of an answer, RFC 7643 section 7.
type Returned uint8

// The values of the "returned" characteristic.
const (
	Default Returned = iota
	Always
	Never
	Request
)

// Attribute describes one attribute, or one sub-attribute of a complex one.
type Attribute struct {
	Name        string
	Kind        Kind
	MultiValued bool
	CaseExact   bool
	Required    bool
	Mutability  Mutability
	Returned    Returned
	Sub         []*Attribute // of a complex attribute
}

// exact reports whether text of the attribute compares byte by byte. Binary
// values and references are always case exact, RFC 7643 sections 2.3.6, 2.3.7.
func (a *Attribute) exact() bool {
	return a.CaseExact || a.Kind == Binary || a.Kind == Reference
}

// Secret reports whether no client may read the attribute.
func (a *Attribute) Secret() bool {
	return a.Returned == Never || a.Mutability == WriteOnly
}

// sub returns the sub-attribute of that name in any case, or nil.
func (a *Attribute) sub(name string) *Attribute { return find(a.Sub, name) }

func find(attrs []*Attribute, name string) *Attribute {
	for _, a := range attrs {
		if strings.EqualFold(a.Name, name) {
			return a
		}
	}
	return nil
}

// Extension is a schema extension: the attributes below one URN.
type Extension struct {
	URN        string
	Attributes []*Attribute
}

// Schema describes the attributes of one resource type. Make it with NewSchema. It
// never changes afterwards and is safe for concurrent use.
type Schema struct {
	ResourceType string       // "User"
	Core         string       // URN of the core schema
	Attributes   []*Attribute // the core's and the common ones: schemas, id, externalId, meta
	Extensions   []Extension

	aliases   []string            // other URNs of the core schema
	paths     map[string]Path     // by lower-case name, plain and URN-qualified
	ambiguous map[string][]string // unprefixed name -> the extensions that share it
	urns      map[string]string   // lower case -> canonical, extensions only
	joined    []*Schema           // the schemas that Join made it from
}

// NewSchema builds a Schema and the index that Resolve works with. The
// attributes must not be changed afterwards.
func NewSchema(resourceType, core string, attributes []*Attribute, extensions ...Extension) *Schema {
	s := &Schema{
		ResourceType: resourceType, Core: core, Attributes: attributes,
		paths: map[string]Path{}, ambiguous: map[string][]string{}, urns: map[string]string{},
	}
	for _, a := range attributes {
		s.index("", Path{Attr: a})
		s.indexBelow(core, Path{Attr: a})
	}
	for _, e := range extensions {
		s.extend(e)
	}
	return s
}

func (s *Schema) extend(e Extension) {
	s.Extensions = append(s.Extensions, e)
	s.urns[strings.ToLower(e.URN)] = e.URN
	for _, a := range e.Attributes {
		s.indexBelow(e.URN, Path{Extension: e.URN, Attr: a})
		s.indexUnprefixed(Path{Extension: e.URN, Attr: a})
	}
}

// WithAliases gives the core schema further URNs, which may also qualify attribute
// names. Call it right after NewSchema, before anyone else has the schema, which it
// returns.
func (s *Schema) WithAliases(urns ...string) *Schema {
	s.aliases = urns
	for _, urn := range urns {
		for _, a := range s.Attributes {
			s.indexBelow(urn, Path{Attr: a})
		}
	}
	return s
}

// IsCore reports whether the URN, in any case, is that of the core schema or an
// alias.
func (s *Schema) IsCore(urn string) bool {
	return urn != "" && strings.EqualFold(urn, s.Core) || slices.ContainsFunc(s.aliases, func(a string) bool { return strings.EqualFold(urn, a) })
}

// indexBelow enters the path of an attribute with the URN of its schema in front,
// joined by a colon, or by a dot, as some clients write it.
func (s *Schema) indexBelow(urn string, p Path) {
	s.index(urn+":", p)
	s.index(urn+".", p)
}

// index enters the paths of an attribute and its sub-attributes. An element of a
// simple multi-valued attribute also goes by the name "value", RFC 7643 section
// 2.4.
func (s *Schema) index(prefix string, p Path) {
	name := strings.ToLower(prefix + p.Attr.Name)
	s.paths[name] = p
	if p.Attr.MultiValued && p.Attr.Kind != Complex {
		s.paths[name+".value"] = p
	}
	for _, sub := range p.Attr.Sub {
		s.paths[name+"."+strings.ToLower(sub.Name)] = Path{p.Extension, p.Attr, sub}
	}
}

// indexUnprefixed lets an extension's attribute be named without its URN as
// long as nothing else has that name.
func (s *Schema) indexUnprefixed(p Path) {
	name := strings.ToLower(p.Attr.Name)
	other, taken := s.paths[name]
	switch {
	case taken && other.Extension == "":
		return
	case taken:
		for _, known := range append([]*Attribute{nil}, other.Attr.Sub...) {
			delete(s.paths, strings.ToLower(Path{Attr: other.Attr, Sub: known}.String()))
		}
		delete(s.paths, name+".value")
		s.ambiguous[name] = []string{other.Extension, p.Extension}
	case s.ambiguous[name] != nil:
		s.ambiguous[name] = append(s.ambiguous[name], p.Extension)
	default:
		s.index("", p)
	}
}

// Resolve finds the attribute of a name such as "userName" or "name.givenName", in
// any case, with or without the URN of its schema and a colon (or a dot) in front
// (RFC 7644 section 3.10). An attribute of an extension needs its URN only if
// another attribute has the same name. The error explains why the name means
// nothing.
func (s *Schema) Resolve(name string) (Path, error) {
	key := strings.ToLower(name)
	if p, ok := s.paths[key]; ok {
		return p, nil
	}
	colon := strings.LastIndexByte(name, ':') + 1
	attr, sub, dotted := strings.Cut(name[colon:], ".")
	if in := s.ambiguous[strings.ToLower(attr)]; in != nil && colon == 0 {
		return Path{}, fmt.Errorf("attribute %s is in several schemas, write %s:%s", quote(name), in[0], name)
	}
	if p, ok := s.paths[strings.ToLower(name[:colon]+attr)]; ok && dotted {
		return Path{}, fmt.Errorf("attribute %s has no sub-attribute %s%s", p, quote(sub), oneOf(p.Attr.Sub))
	}
	return Path{}, fmt.Errorf("%s has no attribute %s", s.ResourceType, quote(name))
}

// Path is a resolved attribute name. Inside a value path it is relative to one
// element.
type Path struct {
	Extension string // URN, empty for the core schema
	Attr      *Attribute
	Sub       *Attribute // nil for the attribute itself
}

// String is the canonical name, URN-qualified in an extension.
func (p Path) String() string {
	var b strings.Builder
	if p.Extension != "" {
		b.WriteString(p.Extension)
		b.WriteByte(':')
	}
	b.WriteString(p.Attr.Name)
	if p.Sub != nil {
		b.WriteByte('.')
		b.WriteString(p.Sub.Name)
	}
	return b.String()
}

// leaf returns the attribute at the end of the path.
func (p Path) leaf() *Attribute {
	if p.Sub != nil {
		return p.Sub
	}
	return p.Attr
}

// Exact reports whether texts at the path compare byte by byte, see Match.
func (p Path) Exact() bool { return p.leaf().exact() }

// Kind is the type of the values at the path.
func (p Path) Kind() Kind { return p.leaf().Kind }

// Single reports whether a resource has at most one value at the path.
func (p Path) Single() bool { return !p.Attr.MultiValued && (p.Sub == nil || !p.Sub.MultiValued) }

// Comparable returns the path of the values that filters and sortBy compare: p
// itself, or the "value" of a complex attribute, so that "emails" stands for
// "emails.value". It fails for a complex attribute without such a value, and for an
// attribute that no client may read.
func (p Path) Comparable() (Path, error) {
	if p.Attr.Secret() || p.leaf().Secret() {
		return Path{}, fmt.Errorf("attribute %s is never returned and cannot be compared", p)
	}
	if p.leaf().Kind != Complex {
		return p, nil
	}
	value := p.leaf().sub("value")
	if p.Sub != nil || value == nil || value.Kind == Complex {
		return Path{}, fmt.Errorf("attribute %s is complex, name a sub-attribute%s", p, oneOf(p.leaf().Sub))
	}
	return Path{p.Extension, p.Attr, value}.Comparable()
}

// oneOf lists up to six names as the end of an error.
func oneOf(attrs []*Attribute) string {
	var b strings.Builder
	for i, a := range attrs {
		switch {
		case i == 0:
			b.WriteString(" (one of ")
		case i == 6:
			b.WriteString(", …")
		default:
			b.WriteString(", ")
		}
		if i == 6 {
			break
		}
		b.WriteString(a.Name)
	}
	if b.Len() > 0 {
		b.WriteByte(')')
	}
	return b.String()
}
