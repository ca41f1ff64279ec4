package query

import (
	"errors"
	"strings"
)

// Projection says which attributes an answer shows, RFC 7644 sections 3.4.2.5
// and 3.9. The zero Projection shows everything. It is safe for concurrent use.
type Projection struct {
	schema   *Schema
	shown    *mask
	excluded *selection // nil: attributes were asked for
}

// mask shows the members of an Object that are in sub, each through a mask of its
// own, or all members if sub is nil.
type mask struct{ sub map[string]*mask }

var whole = &mask{}

// Project returns the projection for the parameters "attributes" and
// "excludedAttributes". Without them it shows the attributes that are returned
// "always" or by "default".
//
// attributes shows these only, excluded all that are returned by default but
// these; RFC 7644 section 3.9 allows one of the two, and both are an error. Names
// are resolved as in filters; the URN of a schema stands for all its attributes;
// unknown names are ignored. id, schemas and attributes returned "always" are shown
// in any case, attributes returned "never" in no case, and those returned on
// "request" if attributes names them.
func (s *Schema) Project(attributes, excluded []string) (Projection, error) {
	switch {
	case len(attributes) > 0 && len(excluded) > 0:
		return Projection{}, errors.New("attributes and excludedAttributes exclude each other: send one of them")
	case len(attributes) > 0:
		return Projection{s, s.mask(only(s.selected(attributes))), nil}, nil
	}
	set := s.selected(excluded)
	return Projection{s, s.mask(except(set, nil)), &set}, nil
}

// With returns a projection that shows in addition those of the named attributes that
// are returned on request: a write that is about an attribute asks for it, RFC 7643
// section 7. Where "attributes" were given, these alone count.
func (p Projection) With(named []string) Projection {
	if p.excluded == nil {
		return p
	}
	asked := selection{}
	for _, name := range named {
		if path, err := p.schema.Resolve(name); err == nil && path.Attr.Returned == Request && !p.excluded.covers(path) {
			asked[path.String()] = true
		}
	}
	if len(asked) > 0 {
		p.shown = p.schema.mask(except(*p.excluded, asked))
	}
	return p
}

// selection is a set of paths by canonical name. Schemas, attributes and
// sub-attributes may be in it.
type selection map[string]bool

// selected resolves names and drops unknown ones.
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

// add selects the attributes that a core schema returns by default.
func (set selection) add(core *Schema) {
	for _, a := range core.Attributes {
		if a.Returned == Default {
			set[a.Name] = true
		}
	}
}

// covers reports whether p, its attribute or its schema was selected. A schema
// stands for the attributes that it returns by default.
func (set selection) covers(p Path) bool {
	attr := Path{Extension: p.Extension, Attr: p.Attr}
	return set[p.String()] || set[attr.String()] || set[p.Extension] && p.Attr.Returned == Default
}

// only shows attributes that are always returned or were selected. A selected
// attribute shows the sub-attributes that are returned by default.
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

// except shows attributes that are always returned, those that are returned by
// default and were not selected, and those that were asked for.
func except(set, asked selection) func(Path) bool {
	return func(p Path) bool {
		switch {
		case p.leaf().Returned == Always:
			return true
		case p.leaf().Returned != Default:
			return false
		case p.partOfAlways():
			return !set[p.String()]
		}
		return p.Attr.Returned == Default && !set.covers(p) || asked[Path{Extension: p.Extension, Attr: p.Attr}.String()] && (p.Sub == nil || p.Sub.Returned == Default)
	}
}

// partOfAlways reports whether p is a sub-attribute of an attribute that is always
// returned.
func (p Path) partOfAlways() bool { return p.Sub != nil && p.Attr.Returned == Always }

// mask applies the rule show to every attribute of the schema.
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

// subMask returns the mask of a complex attribute. named reports whether one of its
// sub-attributes was asked for, so that the attribute must be shown.
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

// Apply returns a resource with the attributes of o that the projection shows.
// Complex values of which it shows nothing are left out. The result may share
// values with o, so nobody may write to either of them.
func (p Projection) Apply(o Object) Object {
	if p.shown == nil || p.shown.sub == nil {
		return o
	}
	return p.shown.apply(o)
}

func (m *mask) apply(o Object) Object {
	visible := make(Object, 0, len(o))
	for _, member := range o {
		inner := m.sub[member.Name]
		if inner == nil {
			continue
		}
		if v, ok := inner.value(member.Value); ok {
			visible = append(visible, Member{member.Name, v})
		}
	}
	return visible
}

// value returns the part of v that the mask shows; false: nothing of it.
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

// Wants reports whether the projection shows the attribute or a part of it, so that
// a backend need not fetch the others. The path is a name as Resolve takes it, or
// the URN of an extension; an unknown name is not wanted.
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

// Whole reports whether the projection shows a member of a resource with all that is in it.
func (p Projection) Whole(name string) bool {
	m := p.shown.member(name)
	return p.shown == nil || m != nil && m.sub == nil
}

// member is the mask of one member, nil if it is not shown.
func (m *mask) member(name string) *mask {
	if m == nil || m.sub == nil {
		return m
	}
	return m.sub[name]
}
