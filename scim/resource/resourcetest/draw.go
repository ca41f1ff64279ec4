package resourcetest

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"scim-atlassian/scim/query"
)

// generator draws filters over the attributes of a schema, with values that the
// resources have. Equal seeds draw equal filters.
type generator struct {
	rng   *rand.Rand
	all   []query.Object
	paths []query.Path // of simple values that backends know
}

func newGenerator(s *query.Schema, all []query.Object) *generator {
	g := &generator{rng: rand.New(rand.NewPCG(7644, 3)), all: all}
	g.add("", s.Attributes)
	for _, e := range s.Extensions {
		g.add(e.URN, e.Attributes)
	}
	return g
}

// add takes the attributes that can be compared, apart from those that the server
// adds, and those that a resource has only if it is asked for them by name.
func (g *generator) add(urn string, attributes []*query.Attribute) {
	for _, a := range attributes {
		if a.Returned == query.Request {
			continue
		}
		for _, sub := range append([]*query.Attribute{nil}, a.Sub...) {
			p := query.Path{Extension: urn, Attr: a, Sub: sub}
			simple, err := p.Comparable()
			if name := p.String(); err == nil && simple == p && name != "schemas" && name != "meta.location" && name != "meta.version" &&
				(sub == nil || sub.Name != "userName") { // of a person in an issue, which is looked up by eq only
				g.paths = append(g.paths, p)
			}
		}
	}
}

// filter draws a filter of a few terms.
func (g *generator) filter(depth int) query.Expr {
	switch shape := g.rng.IntN(6); {
	case depth == 0 || shape < 3:
		return g.term()
	case shape == 3:
		return query.Not{Term: g.filter(depth - 1)}
	case shape == 4:
		return query.And{Terms: []query.Expr{g.filter(depth - 1), g.filter(depth - 1)}}
	}
	return query.Or{Terms: []query.Expr{g.filter(depth - 1), g.filter(depth - 1)}}
}

// term draws a presence, a comparison or a value path.
func (g *generator) term() query.Expr {
	p := g.paths[g.rng.IntN(len(g.paths))]
	if g.rng.IntN(6) == 0 {
		return query.Present{Path: p}
	}
	if p.Attr.MultiValued && p.Sub != nil && g.rng.IntN(2) == 0 {
		element := query.Path{Attr: p.Sub}
		return query.Has{Path: query.Path{Extension: p.Extension, Attr: p.Attr}, Filter: g.comparison(element, p.Sub, g.value(p, p.Sub))}
	}
	leaf := p.Attr
	if p.Sub != nil {
		leaf = p.Sub
	}
	return g.comparison(p, leaf, g.value(p, leaf))
}

// comparison draws a comparison of the attribute leaf at p with a value.
func (g *generator) comparison(p query.Path, leaf *query.Attribute, value any) query.Expr {
	operators := []query.Op{query.Eq, query.Eq, query.Ne}
	switch text, isText := value.(string); {
	case leaf.Kind == query.DateTime || leaf.Kind == query.Integer || leaf.Kind == query.Decimal:
		operators = append(operators, query.Gt, query.Ge, query.Lt, query.Le)
	case leaf.Kind == query.String && isText:
		operators = append(operators, query.Co, query.Sw, query.Ew, query.Gt, query.Le)
		value = g.part(text, leaf.CaseExact)
	}
	return query.NewCompare(p, operators[g.rng.IntN(len(operators))], value)
}

// value draws a value that a resource has at p, or now and then another one.
func (g *generator) value(p query.Path, leaf *query.Attribute) any {
	var values []any
	for _, o := range g.all {
		if p.Extension != "" {
			o = o.Inner(p.Extension)
		}
		v, _ := o.Get(p.Attr.Name)
		values = append(values, leaves(v, p.Sub)...)
	}
	if len(values) > 0 && g.rng.IntN(8) > 0 {
		return values[g.rng.IntN(len(values))]
	}
	switch leaf.Kind {
	case query.Boolean:
		return true
	case query.Integer, query.Decimal:
		return int64(7)
	case query.DateTime:
		return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	}
	return "nothing has this"
}

// leaves lists the simple values in v, or those of the sub-attribute.
func leaves(v any, sub *query.Attribute) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		var all []any
		for _, e := range v {
			all = append(all, leaves(e, sub)...)
		}
		return all
	case query.Object:
		if sub == nil {
			return nil
		}
		inner, _ := v.Get(sub.Name)
		return leaves(inner, nil)
	}
	return []any{v}
}

// part draws the text, its first or second half, or the text in upper case if exact
// is false.
func (g *generator) part(text string, exact bool) string {
	runes := []rune(text)
	switch choice := g.rng.IntN(4); {
	case choice == 0 && len(runes) > 2:
		return string(runes[:len(runes)/2])
	case choice == 1 && len(runes) > 2:
		return string(runes[len(runes)/2:])
	case choice == 2 && !exact:
		return strings.ToUpper(text)
	}
	return string(runes[:min(len(runes), 200)])
}

// ids lists the ids of resources, in order.
func ids(all []query.Object) []string {
	out := make([]string, len(all))
	for i, o := range all {
		out[i] = o.Text("id")
	}
	return out
}

// sortedIDs lists the ids of resources in the order of the alphabet.
func sortedIDs(all []query.Object) []string { return slices.Sorted(slices.Values(ids(all))) }
