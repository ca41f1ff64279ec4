package query

import (
	"time"

	"pgregory.net/rapid"
)

// The values that random resources and random filters draw from: few, so that
// they meet, and of all case classes.
var (
	someTexts    = rapid.SampledFrom([]string{"", "a", "A", "b", "ab", "Ab", "ß", "ẞ", "ſ", "s", "a_b", "é"})
	someInts     = rapid.SampledFrom([]int64{-1, 0, 1, 2, 1 << 60})
	someFloats   = rapid.SampledFrom([]float64{-1, 0, 0.5, 1, 1 << 60})
	someInstants = rapid.SampledFrom([]time.Time{
		time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 1, 1, 0, 0, 0, 500, time.UTC),
		time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC),
	})
)

// drawValue draws a value of the attribute's type.
func drawValue(t *rapid.T, a *Attribute) any {
	switch a.Kind {
	case Boolean:
		return rapid.Bool().Draw(t, a.Name)
	case Integer:
		return someInts.Draw(t, a.Name)
	case Decimal:
		return someFloats.Draw(t, a.Name)
	case DateTime:
		return someInstants.Draw(t, a.Name)
	case Complex:
		return drawObject(t, a.Sub)
	}
	return someTexts.Draw(t, a.Name)
}

// drawObject draws an object that has each attribute, or not.
func drawObject(t *rapid.T, attrs []*Attribute) Object {
	o := Object{}
	for _, a := range attrs {
		switch {
		case !rapid.Bool().Draw(t, "has "+a.Name):
		case a.MultiValued:
			list := []any{}
			for range rapid.IntRange(0, 3).Draw(t, "elements") {
				list = append(list, drawValue(t, a))
			}
			o = append(o, Member{a.Name, list})
		default:
			o = append(o, Member{a.Name, drawValue(t, a)})
		}
	}
	return o
}

func drawResource(t *rapid.T, s *Schema) Object {
	o := drawObject(t, s.Attributes)
	for _, e := range s.Extensions {
		if ext := drawObject(t, e.Attributes); len(ext) > 0 {
			o = append(o, Member{e.URN, ext})
		}
	}
	return o
}

// drawFilter draws a filter as Parse would make it.
func drawFilter(t *rapid.T, s *Schema) Expr {
	var attrs []Path
	for _, a := range s.Attributes {
		attrs = append(attrs, Path{Attr: a})
	}
	for _, e := range s.Extensions {
		for _, a := range e.Attributes {
			attrs = append(attrs, Path{Extension: e.URN, Attr: a})
		}
	}
	return drawExpr(t, attrs, 3)
}

func drawExpr(t *rapid.T, attrs []Path, depth int) Expr {
	shape := rapid.IntRange(0, 5).Draw(t, "shape")
	if depth == 0 {
		shape = 0
	}
	switch shape {
	case 1, 2:
		terms := make([]Expr, rapid.IntRange(2, 3).Draw(t, "terms"))
		for i := range terms {
			terms[i] = drawExpr(t, attrs, depth-1)
		}
		if shape == 1 {
			return And{terms}
		}
		return Or{terms}
	case 3:
		return Not{drawExpr(t, attrs, depth-1)}
	}
	return drawLeaf(t, attrs, depth)
}

func drawLeaf(t *rapid.T, attrs []Path, depth int) Expr {
	p := rapid.SampledFrom(attrs).Draw(t, "attribute")
	if p.Attr.Secret() {
		p = attrs[0]
	}
	if depth > 0 && p.Attr.MultiValued && rapid.Bool().Draw(t, "brackets") {
		inner := []Path{}
		for _, sub := range p.Attr.Sub {
			inner = append(inner, Path{Attr: sub})
		}
		if len(inner) == 0 {
			inner = append(inner, Path{Attr: element(p.Attr, "value")})
		}
		return Has{p, drawExpr(t, inner, depth-1)}
	}
	if rapid.IntRange(0, 4).Draw(t, "present") == 0 {
		return Present{p}
	}
	if p.Attr.Kind == Complex {
		p.Sub = rapid.SampledFrom(p.Attr.Sub).Draw(t, "sub")
	}
	op := Op(rapid.IntRange(int(Eq), int(Le)).Draw(t, "operator"))
	if fault, _ := unfit(p, op); fault != "" || rapid.Bool().Draw(t, "equality") {
		op %= 2
	}
	return NewCompare(p, op, drawValue(t, p.leaf()))
}
