package table

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"scim-atlassian/scim/query"
)

const extensionURN = "urn:example:Extension"

// testSchema has attributes of every kind.
var testSchema = query.NewSchema("User", "urn:example:User", []*query.Attribute{
	{Name: "schemas", MultiValued: true, Kind: query.Reference, CaseExact: true},
	{Name: "id", CaseExact: true},
	{Name: "meta", Kind: query.Complex, Sub: []*query.Attribute{{Name: "created", Kind: query.DateTime}, {Name: "location", Kind: query.Reference}}},
	{Name: "userName"},
	{Name: "name", Kind: query.Complex, Sub: []*query.Attribute{{Name: "givenName"}, {Name: "familyName"}}},
	{Name: "active", Kind: query.Boolean},
	{Name: "logins", Kind: query.Integer},
	{Name: "score", Kind: query.Decimal},
	{Name: "key", Kind: query.Binary},
	{Name: "labels", MultiValued: true, CaseExact: true},
	{Name: "dates", MultiValued: true, Kind: query.DateTime},
	{Name: "emails", Kind: query.Complex, MultiValued: true, Sub: []*query.Attribute{
		{Name: "value"}, {Name: "type"}, {Name: "primary", Kind: query.Boolean}, {Name: "since", Kind: query.DateTime},
	}},
	{Name: "groups", Kind: query.Complex, MultiValued: true, Sub: []*query.Attribute{{Name: "value", CaseExact: true}, {Name: "display"}}},
}, query.Extension{URN: extensionURN, Attributes: []*query.Attribute{
	{Name: "department"}, {Name: "manager", Kind: query.Complex, Sub: []*query.Attribute{{Name: "value", CaseExact: true}}},
}})

var (
	someTexts = rapid.SampledFrom([]string{"", "a", "A", "b", "ab", "Ab", "abc", "ABC", "ß", "ẞ", "ſ", "s", "a_b", "é", "Engineer", "engineer",
		"0f8fad5b-d9cb-469f-a165-70867728950e", "0F8FAD5B-d9cb-469f-a165-70867728950e", "\xff", fmt.Sprintf("%0200d", 7)})
	someInts     = rapid.SampledFrom([]int64{-1, 0, 1, 2, 1 << 60})
	someFloats   = rapid.SampledFrom([]float64{-1, 0, 0.5, 1, 1 << 60})
	someInstants = rapid.SampledFrom([]time.Time{
		time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 1, 1, 0, 0, 0, 500, time.UTC),
		time.Date(2026, 1, 1, 0, 0, 0, 1e6, time.UTC),
		time.Date(2026, 1, 2, 0, 0, 0, 0, time.FixedZone("", 3600)),
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
	})
)

// drawValue draws a value of the attribute's kind.
func drawValue(t *rapid.T, a *query.Attribute) any {
	switch a.Kind {
	case query.Boolean:
		return rapid.Bool().Draw(t, a.Name)
	case query.Integer:
		return someInts.Draw(t, a.Name)
	case query.Decimal:
		return someFloats.Draw(t, a.Name)
	case query.DateTime:
		return someInstants.Draw(t, a.Name)
	case query.Complex:
		return drawObject(t, a.Sub)
	}
	return someTexts.Draw(t, a.Name)
}

// drawObject draws an object that has each attribute, or not.
func drawObject(t *rapid.T, attrs []*query.Attribute) query.Object {
	o := query.Object{}
	for _, a := range attrs {
		switch {
		case !rapid.Bool().Draw(t, "has "+a.Name):
		case a.MultiValued:
			list := []any{}
			for range rapid.IntRange(0, 3).Draw(t, "elements") {
				list = append(list, drawValue(t, a))
			}
			o = append(o, query.Member{Name: a.Name, Value: list})
		default:
			o = append(o, query.Member{Name: a.Name, Value: drawValue(t, a)})
		}
	}
	return o
}

// drawResource draws a resource with an id out of a few.
func drawResource(t *rapid.T, ids *rapid.Generator[string]) query.Object {
	o := drawObject(t, testSchema.Attributes).Without("id", "schemas")
	o = append(query.Object{{Name: "id", Value: ids.Draw(t, "id")}}, o...)
	if v, ok := o.Get("labels"); ok && rapid.Bool().Draw(t, "odd") { // which no backend should have
		o.Set("labels", append(v.([]any), true, query.Object{{Name: "value", Value: "a"}}))
	}
	if ext := drawObject(t, testSchema.Extensions[0].Attributes); len(ext) > 0 {
		o = append(o, query.Member{Name: extensionURN, Value: ext})
	}
	return o
}

// testPaths are all paths of simple values.
var testPaths = func() (paths []query.Path) {
	add := func(urn string, attributes []*query.Attribute) {
		for _, a := range attributes {
			for _, sub := range append([]*query.Attribute{nil}, a.Sub...) {
				p := query.Path{Extension: urn, Attr: a, Sub: sub}
				if simple, err := p.Comparable(); err == nil && simple == p {
					paths = append(paths, p)
				}
			}
		}
	}
	add("", testSchema.Attributes)
	add(extensionURN, testSchema.Extensions[0].Attributes)
	return paths
}()

// drawFilter draws a filter as query.Parse could make it.
func drawFilter(t *rapid.T, paths []query.Path, depth int) query.Expr {
	shape := rapid.IntRange(0, 5).Draw(t, "shape")
	if depth == 0 {
		shape = 0
	}
	switch shape {
	case 1, 2:
		terms := make([]query.Expr, rapid.IntRange(2, 3).Draw(t, "terms"))
		for i := range terms {
			terms[i] = drawFilter(t, paths, depth-1)
		}
		if shape == 1 {
			return query.And{Terms: terms}
		}
		return query.Or{Terms: terms}
	case 3:
		return query.Not{Term: drawFilter(t, paths, depth-1)}
	}
	return drawLeaf(t, paths, depth)
}

func drawLeaf(t *rapid.T, paths []query.Path, depth int) query.Expr {
	p := rapid.SampledFrom(paths).Draw(t, "path")
	if depth > 0 && p.Sub != nil && rapid.Bool().Draw(t, "brackets") {
		inner := []query.Path{}
		for _, sub := range p.Attr.Sub {
			inner = append(inner, query.Path{Attr: sub})
		}
		return query.Has{Path: query.Path{Extension: p.Extension, Attr: p.Attr}, Filter: drawFilter(t, inner, depth-1)}
	}
	if rapid.IntRange(0, 4).Draw(t, "present") == 0 {
		return query.Present{Path: p}
	}
	operators := []query.Op{query.Eq, query.Ne}
	switch p.Kind() {
	case query.Boolean:
	case query.Integer, query.Decimal, query.DateTime:
		operators = append(operators, query.Gt, query.Ge, query.Lt, query.Le)
	default:
		operators = append(operators, query.Co, query.Sw, query.Ew, query.Gt, query.Ge, query.Lt, query.Le)
	}
	leaf := p.Attr
	if p.Sub != nil {
		leaf = p.Sub
	}
	return query.NewCompare(p, rapid.SampledFrom(operators).Draw(t, "operator"), drawValue(t, leaf))
}
