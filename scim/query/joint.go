package query

import (
	"slices"
	"strings"
)

// Join returns the schema that parses queries over the resources of several types,
// RFC 7644 section 3.4.2.1. It knows every name that one of the schemas knows. If
// several schemas have an attribute of one name, they must define it alike, and
// the joint schema has one attribute for all of them; a name qualified by the URN
// of a core schema means the attribute of that type alone. None of the schemas may
// be a joint one.
func Join(resourceType string, schemas ...*Schema) *Schema {
	j := NewSchema(resourceType, "", joinAttributes(schemas))
	for _, s := range schemas {
		for name, p := range s.paths {
			if p.Extension == "" && strings.HasPrefix(name, strings.ToLower(s.Core)+":") {
				j.paths[name] = p
			}
		}
		for _, e := range s.Extensions {
			if _, known := j.urns[strings.ToLower(e.URN)]; !known {
				j.extend(e)
			}
		}
	}
	j.joined = schemas
	return j
}

// joinAttributes merges the attributes of the core schemas by name. It copies
// them, so that NarrowPath can tell the attribute of one type from the joint one.
func joinAttributes(schemas []*Schema) []*Attribute {
	var all []*Attribute
	for _, s := range schemas {
		for _, a := range s.Attributes {
			if known := find(all, a.Name); known != nil {
				known.Sub = unite(known.Sub, a.Sub)
				continue
			}
			joint := *a
			all = append(all, &joint)
		}
	}
	return all
}

func unite(a, b []*Attribute) []*Attribute {
	out := slices.Clone(a)
	for _, sub := range b {
		if find(out, sub.Name) == nil {
			out = append(out, sub)
		}
	}
	return out
}

// Narrow rewrites an expression that was parsed with j, a joint schema, for the
// resources of s, one of the schemas joined: the result matches the same ones of
// them. It is simplified, with two facts taken into account: attributes that s
// lacks are absent from all its resources, and their meta.resourceType is known.
func (j *Schema) Narrow(e Expr, s *Schema) Expr {
	if e == nil {
		return Const(true)
	}
	return Simplify(j.narrow(Simplify(e), s))
}

func (j *Schema) narrow(e Expr, s *Schema) Expr {
	switch e := e.(type) {
	case And:
		return And{j.narrowAll(e.Terms, s)}
	case Or:
		return Or{j.narrowAll(e.Terms, s)}
	case Not:
		return Not{j.narrow(e.Term, s)}
	case Compare:
		p, ok := j.NarrowPath(e.Path, s)
		switch {
		case !ok:
			return Const(e.Op == Ne)
		case p.String() == "meta.resourceType":
			return Const(e.satisfied(s.ResourceType))
		}
		return NewCompare(p, e.Op, e.Value)
	case Present:
		p, ok := j.NarrowPath(e.Path, s)
		if !ok {
			return Const(false)
		}
		return Present{p}
	case Has:
		p, ok := j.NarrowPath(e.Path, s)
		if !ok {
			return Const(false)
		}
		return Has{p, e.Filter}
	}
	return e
}

func (j *Schema) narrowAll(terms []Expr, s *Schema) []Expr {
	out := make([]Expr, len(terms))
	for i, t := range terms {
		out[i] = j.narrow(t, s)
	}
	return out
}

// NarrowPath translates p, which was resolved with j, a joint schema, to a path of
// s, one of the schemas joined. ok is false if s has no such attribute.
func (j *Schema) NarrowPath(p Path, s *Schema) (own Path, ok bool) {
	own, ok = s.paths[strings.ToLower(p.String())]
	if !ok {
		return Path{}, false
	}
	qualified := p.Extension == "" && !slices.Contains(j.Attributes, p.Attr)
	return own, !qualified || own.Attr == p.Attr
}
