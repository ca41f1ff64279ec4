package query

import (
	"errors"
	"strings"
)

// Projection says which attributes an answer shows, RFC 7644 sections 3.4.2.5
// and 3.9. The zero Projection shows everything. It is safe for concurrent use.
type Projection struct {
	schema *Schema
	shown  *mask
}

// mask is what is shown of an Object: the members in sub, or all if sub is nil.
type mask struct{ sub map[string]*mask }

var whole = &mask{}

// Project builds the projection of the "attributes" and "excludedAttributes"
// parameters; with neither it is what "returned" makes of an ordinary answer.
//
// attributes asks for these only, excluded for all that are returned by default
// but these; RFC 7644 section 3.9 allows one of the two, and both are an error.
// Names are resolved as filters resolve them; the URN of a schema stands for all
// its attributes; unknown names are ignored. id, schemas and whatever is
// returned "always" stay, "never" stays away, "request" comes when asked for.
func (s *Schema) Project(attributes, excluded []string) (Projection, error) {
	switch {
	case len(attributes) > 0 && len(excluded) > 0:
		return Projection{}, errors.New("attributes and excludedAttributes exclude each other: send one of them")
	case len(attributes) > 0:
		return Projection{s, s.mask(only(s.selected(attributes)))}, nil
	}
	return Projection{s, s.mask(except(s.selected(excluded)))}, nil
}

// selection is a set of paths by canonical name. Schemas, attributes and
// sub-attributes may be in it.
type selection map[string]bool

// selected resolves names, dropping those that mean nothing.
func (s *Schema) selected(names []string) selection {
	set := selection{}
	for _, name := range names {
		name = strings.TrimSpace(name)
		for _, one := range s.joined {
			if strings.EqualFold(name, one.Core) {
				set.add(one)
			}
		}
		if urn, ok := s.urns[strings.ToLower(name)]; ok {
			set[urn] = true
		} else if s.IsCore(name) {
			set[""] = true
		} else if p, err := s.Resolve(name); err == nil {
			set[p.String()] = true
		}
	}
	return set
}

// add selects what a core schema returns by default.
func (set selection) add(core *Schema) {
	for _, a := range core.Attributes {
		if a.Returned == Default {
			set[a.Name] = true
		}
	}
}

// covers reports whether p, or a whole that p is part of, was selected. A schema
// stands for what it returns by default.
func (set selection) covers(p Path) bool {
	attr := Path{Extension: p.Extension, Attr: p.Attr}
	return set[p.String()] || set[attr.String()] || set[p.Extension] && p.Attr.Returned == Default
}

// only shows what is always returned and what was selected. A whole attribute
// selected brings its default sub-attributes.
func only(set selection) func(Path) bool {
	return func(p Path) bool {
		switch returned := p.leaf().Returned; {
		case returned == Always:
			return true
		case returned == Never:
			return false
		case set[p.String()]:
			return true
		}
		return p.leaf().Returned == Default && (p.partOfAlways() || set.covers(p))
	}
}

// except shows what is always returned and what is by default and not selected.
func except(set selection) func(Path) bool {
	return func(p Path) bool {
		switch {
		case p.leaf().Returned == Always:
			return true
		case p.leaf().Returned != Default:
			return false
		case p.partOfAlways():
			return !set[p.String()]
		}
		return p.Attr.Returned == Default && !set.covers(p)
	}
}

// partOfAlways reports whether p is a sub-attribute of what is always returned.
func (p Path) partOfAlways() bool { return p.Sub != nil && p.Attr.Returned == Always }

// mask works the rule out for the whole schema.
func (s *Schema) mask(show func(Path) bool) *mask {
	m := s.maskOf("", s.Attributes, show)
	complete := m.complete(s.Attributes)
	for _, e := range s.Extensions {
		inner := s.maskOf(e.URN, e.Attributes, show)
		if inner.complete(e.Attributes) {
			inner = whole
		} else {
			complete = false
		}
		if inner == whole || len(inner.sub) > 0 {
			m.sub[e.URN] = inner
		}
	}
	if complete {
		return whole
	}
	return m
}

func (s *Schema) maskOf(extension string, attrs []*Attribute, show func(Path) bool) *mask {
	m := &mask{sub: map[string]*mask{}}
	for _, a := range attrs {
		p := Path{Extension: extension, Attr: a}
		identity := extension == "" && (a.Name == "id" || a.Name == "schemas")
		inner, named := subMask(p, show)
		if a.Returned != Never && (show(p) || named || identity) {
			m.sub[a.Name] = inner
		}
	}
	return m
}

// subMask is the mask of a complex attribute. named says that one of its
// sub-attributes is shown for its own sake and brings the attribute along.
func subMask(p Path, show func(Path) bool) (m *mask, named bool) {
	if len(p.Attr.Sub) == 0 {
		return whole, false
	}
	m = &mask{sub: map[string]*mask{}}
	for _, sub := range p.Attr.Sub {
		if show(Path{p.Extension, p.Attr, sub}) {
			m.sub[sub.Name] = whole
			named = named || sub.Returned != Always
		}
	}
	if m.complete(p.Attr.Sub) {
		return whole, named
	}
	return m, named
}

// complete reports whether the mask shows every one of the attributes in full.
func (m *mask) complete(attrs []*Attribute) bool {
	for _, a := range attrs {
		if m.sub[a.Name] != whole {
			return false
		}
	}
	return true
}

// Apply returns what the projection shows of o. The result may share values with
// o, neither is written to. Complex values left empty are left out.
func (p Projection) Apply(o Object) Object {
	if p.shown == nil || p.shown.sub == nil {
		return o
	}
	return p.shown.apply(o)
}

func (m *mask) apply(o Object) Object {
	kept := make(Object, 0, len(o))
	for _, member := range o {
		inner := m.sub[member.Name]
		if inner == nil {
			continue
		}
		if v, ok := inner.value(member.Value); ok {
			kept = append(kept, Member{member.Name, v})
		}
	}
	return kept
}

// value is what the mask shows of v, if anything.
func (m *mask) value(v any) (any, bool) {
	if m.sub == nil {
		return v, true
	}
	switch v := v.(type) {
	case Object:
		o := m.apply(v)
		return o, len(o) > 0
	case []any:
		list := make([]any, 0, len(v))
		for _, e := range v {
			if e, ok := m.value(e); ok {
				list = append(list, e)
			}
		}
		return list, len(list) > 0 || len(v) == 0
	}
	return v, true
}

// Wants reports whether the projection shows anything of an attribute, so that
// what nobody asked for need not be fetched. The path is a name as Resolve takes
// it, or the URN of an extension; an unknown one is not wanted.
func (p Projection) Wants(path string) bool {
	if p.schema == nil {
		return true
	}
	if urn, ok := p.schema.urns[strings.ToLower(path)]; ok {
		return p.shown.member(urn) != nil
	}
	at, err := p.schema.Resolve(path)
	if err != nil {
		return false
	}
	m := p.shown
	if at.Extension != "" {
		m = m.member(at.Extension)
	}
	m = m.member(at.Attr.Name)
	if at.Sub != nil {
		m = m.member(at.Sub.Name)
	}
	return m != nil
}

// member is the mask of one member, nil if it is not shown.
func (m *mask) member(name string) *mask {
	if m == nil || m.sub == nil {
		return m
	}
	return m.sub[name]
}
