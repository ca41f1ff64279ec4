package query

import (
	"strconv"
	"strings"

	ast "github.com/scim2/filter-parser/v2"
)

// Parse reads a filter, RFC 7644 section 3.4.2.2, for the resources of a schema.
// Names are resolved (see Schema.Resolve), literals get the type that their
// attribute asks for, and an error is an *Error. A zero Limits means the
// defaults. Operators, names, true, false and null may be written in upper or lower
// case; the brackets of a value path may hold any filter; an instant may have any
// offset and fraction, or no zone, which means UTC, or be a day alone.
//
// Besides the grammar, Parse accepts forms that clients are known to send:
//
//	emails eq "x"                       emails.value eq "x"
//	emails[type eq "work"].value eq "x" emails[type eq "work" and value eq "x"]
//	emails[type eq "work"] eq "x"       the same
//	title eq null, title ne null        not (title pr), title pr
//
// and unless Limits.Strict:
//
//	userName sw ann, externalId eq 0815 userName sw "ann", externalId eq "0815"
//	active eq "True"                    active eq true
//	not title pr and active eq true     not (title pr) and active eq true
//
// Attributes that are never returned cannot be filtered: matching them would give
// their values away.
func Parse(s *Schema, filter string, lim Limits) (Expr, error) {
	return parse(s, nil, filter, lim.orDefault())
}

// ParseElement reads the filter of a value path, such as the text between the
// brackets of "emails[…]", for the elements of attr. Otherwise it is like Parse.
func ParseElement(attr *Attribute, filter string, lim Limits) (Expr, error) {
	return parse(nil, attr, filter, lim.orDefault())
}

// Resolve converts an expression that filter-parser has read already, such as the
// value filter of a PATCH path, for the elements of attr, or with a nil attr for
// the resources of s. Errors are *Error without a position. filter-parser leaves
// string literals escaped; Resolve unescapes them.
func Resolve(s *Schema, attr *Attribute, e ast.Expression) (Expr, error) {
	p := parser{schema: s, scope: attr}
	return p.build(e)
}

func parse(s *Schema, scope *Attribute, filter string, lim Limits) (Expr, error) {
	tokens, err := scan(filter, lim)
	if err != nil {
		return nil, err
	}
	if tokens[0].kind == end {
		return nil, fail(0, `write one like userName eq "a@b.example"`, "the filter is empty")
	}
	p := parser{schema: s, scope: scope, tokens: tokens, strict: lim.Strict}
	return p.filter("")
}

// parser turns tokens into an expression. It leaves the grammar to filter-parser,
// but hands it an outline of the filter, in which a comparison reads t0 eq "" and a
// value path t1 pr; t0 and t1 are names of terms, which hold the real text and its
// place. So brackets may hold a whole filter, which filter-parser cannot read;
// string literals are read by the rules of JSON; errors know their position; and
// filter-parser, which is slow on long text, reads a short one.
type parser struct {
	schema *Schema
	scope  *Attribute // the filter is for its elements; nil: for resources
	tokens []token
	terms  []term // nil: the tree has the real names, not those of terms

	strict bool // Limits.Strict
}

// within is a parser for the filter in the brackets behind path.
func (p *parser) within(path Path) parser { return parser{scope: path.leaf(), strict: p.strict} }

// term is one comparison as it was written.
type term struct {
	name  token
	inner Expr  // of brackets after the name
	path  Path  // of the name, if inner
	sub   token // after the brackets: the "value" of emails[…].value
	op    token // kind end if there is none
	value token
}

// filter reads up to the closing mark, which it consumes, or with an empty one up
// to the end.
func (p *parser) filter(closing string) (Expr, error) {
	o := outline{parser: p}
	start := p.tokens[0].pos
	if err := o.read(closing); err != nil {
		return nil, err
	}
	tree, err := parseOutline(o.text.String())
	if err != nil {
		return nil, fail(start, "", "the filter cannot be read") // no filter is known to fail here
	}
	return p.build(tree)
}

// build converts a tree of filter-parser to an expression.
func (p *parser) build(e ast.Expression) (Expr, error) {
	switch e := e.(type) {
	case *ast.LogicalExpression:
		return p.logical(e)
	case *ast.NotExpression:
		inner, err := p.build(e.Expression)
		if err != nil {
			return nil, err
		}
		return Not{inner}, nil
	case *ast.AttributeExpression:
		return p.comparison(e)
	case *ast.ValuePath:
		path, err := p.bracketed(nowhere(e.AttributePath.String()))
		if err != nil {
			return nil, err
		}
		in := p.within(path)
		inner, err := in.build(e.ValueFilter)
		if err != nil {
			return nil, err
		}
		return Has{path, inner}, nil
	}
	return nil, fail(-1, "", "the filter cannot be read")
}

// logical returns one flat expression for all operands that the same operator
// joins; filter-parser returns them as a tree of pairs.
func (p *parser) logical(e *ast.LogicalExpression) (Expr, error) {
	var terms []Expr
	for _, x := range joined(nil, e, e.Operator) {
		t, err := p.build(x)
		if err != nil {
			return nil, err
		}
		terms = append(terms, t)
	}
	if e.Operator == ast.AND {
		return And{terms}, nil
	}
	return Or{terms}, nil
}

// joined appends the operands of op in e, from left to right.
func joined(to []ast.Expression, e ast.Expression, op ast.LogicalOperator) []ast.Expression {
	if l, ok := e.(*ast.LogicalExpression); ok && l.Operator == op {
		return joined(joined(to, l.Left, op), l.Right, op)
	}
	return append(to, e)
}

var operators = map[ast.CompareOperator]Op{
	ast.EQ: Eq, ast.NE: Ne, ast.CO: Co, ast.SW: Sw, ast.EW: Ew,
	ast.GT: Gt, ast.GE: Ge, ast.LT: Lt, ast.LE: Le,
}

// comparison returns the expression for one comparison of the outline, which may
// stand for a value path.
func (p *parser) comparison(e *ast.AttributeExpression) (Expr, error) {
	t := p.term(e)
	v := e.CompareValue
	if _, ok := v.(string); ok {
		var err error
		if v, err = t.string(); err != nil {
			return nil, err
		}
	}
	if t.inner != nil {
		return p.valuePath(t, e.Operator, v)
	}
	path, err := p.resolve(t.name)
	if err != nil {
		return nil, err
	}
	return p.compareTo(path, t, e.Operator, v)
}

// term returns the term that e, which filter-parser read, stands for.
func (p *parser) term(e *ast.AttributeExpression) term {
	if p.terms != nil {
		i, _ := strconv.Atoi(e.AttributePath.AttributeName[1:])
		return p.terms[i]
	}
	t := term{name: nowhere(e.AttributePath.String()), op: nowhere(string(e.Operator)), value: nowhere("")}
	if s, ok := e.CompareValue.(string); ok {
		t.value.text = `"` + s + `"` // the parser took the quotes and nothing else
	}
	return t
}

// nowhere is a word whose place in a text is not known.
func nowhere(text string) token { return token{text: text, pos: -1} }

// string is the term's value, read by JSON's rules if it is in quotes.
func (t term) string() (string, error) {
	raw := t.value.text
	if raw[0] != '"' {
		return raw, nil
	}
	s, ok := unquote(raw)
	if !ok {
		return "", fail(t.value.pos, `escapes are those of JSON: \" \\ \/ \b \f \n \r \t \u00e9`, "bad escape in %s", clip(raw))
	}
	return s, nil
}

// bracketed resolves the name before brackets. It refuses an attribute without
// elements.
func (p *parser) bracketed(name token) (Path, error) {
	path, err := p.resolve(name)
	if err != nil {
		return Path{}, err
	}
	attr := path.leaf()
	switch {
	case attr.Secret() || path.Attr.Secret():
		return Path{}, fail(name.pos, "leave it out", "attribute %s is never returned and cannot be filtered", path)
	case attr.Kind != Complex && !attr.MultiValued:
		return Path{}, fail(name.pos, "compare it without brackets", "attribute %s is a single %s and has no elements", path, attr.Kind)
	}
	return path, nil
}

// resolve finds the attribute that a name means where the parser stands.
func (p *parser) resolve(name token) (Path, error) {
	if p.scope == nil {
		path, err := p.schema.Resolve(name.text)
		if err != nil {
			return Path{}, fail(name.pos, "see /Schemas for the attributes", "%s", err)
		}
		return path, nil
	}
	attr, rest, dotted := strings.Cut(name.text, ".")
	a := element(p.scope, attr)
	if a == nil {
		return Path{}, fail(name.pos, "see /Schemas for the attributes", "%s has no sub-attribute %s%s", p.scope.Name, quote(attr), oneOf(p.scope.Sub))
	}
	path := Path{Attr: a}
	if dotted {
		if path.Sub = a.sub(rest); path.Sub == nil {
			return Path{}, fail(name.pos, "see /Schemas for the attributes", "%s has no sub-attribute %s", a.Name, quote(rest))
		}
	}
	return path, nil
}

// element is an attribute of the elements of scope. Those of a simple
// multi-valued attribute are known as "value", RFC 7643 section 2.4.
func element(scope *Attribute, name string) *Attribute {
	if scope.Kind != Complex && strings.EqualFold(name, "value") {
		return &Attribute{Name: "value", Kind: scope.Kind, CaseExact: scope.CaseExact, Mutability: scope.Mutability, Returned: scope.Returned}
	}
	return scope.sub(name)
}

// compareTo returns the expression for "path op v"; with null as the value that is
// a Present or its negation.
func (p *parser) compareTo(path Path, t term, operator ast.CompareOperator, v any) (Expr, error) {
	if path.Attr.Secret() || path.leaf().Secret() {
		return nil, fail(t.name.pos, "leave it out", "attribute %s is never returned and cannot be filtered", path)
	}
	switch {
	case operator == ast.PR:
		return Present{path}, nil
	case v == nil && operator == ast.EQ:
		return Not{Present{path}}, nil
	case v == nil && operator == ast.NE:
		return Present{path}, nil
	case v == nil:
		return nil, fail(t.value.pos, "use eq or ne, or pr", "null has no order and no text")
	}
	path, err := path.Comparable()
	if err != nil {
		return nil, fail(t.name.pos, "", "%s", err)
	}
	op := operators[operator]
	if fault, fix := unfit(path, op); fault != "" {
		return nil, fail(t.op.pos, fix, "%s", fault)
	}
	value, fix := literal(path.leaf().Kind, v, p.strict)
	if fix != "" {
		return nil, fail(t.value.pos, fix, "the value for %s is not of type %s", path, path.leaf().Kind)
	}
	return NewCompare(path, op, value), nil
}

// valuePath returns the expression for a name with brackets: path[inner], or, if a
// comparison follows the brackets, path[inner and sub op v].
func (p *parser) valuePath(t term, operator ast.CompareOperator, v any) (Expr, error) {
	inner := t.inner
	if t.op.kind != end {
		name := t.sub
		if name.text == "" {
			name = token{text: "value", pos: t.name.pos}
		}
		in := p.within(t.path)
		path, err := in.resolve(name)
		if err != nil {
			return nil, err
		}
		compared, err := p.compareTo(path, t, operator, v)
		if err != nil {
			return nil, err
		}
		inner = conjunction(inner, compared)
	}
	return Has{t.path, inner}, nil
}

// conjunction returns "a and b" as one flat And.
func conjunction(a, b Expr) Expr {
	var terms []Expr
	for _, e := range []Expr{a, b} {
		if and, ok := e.(And); ok {
			terms = append(terms, and.Terms...)
		} else {
			terms = append(terms, e)
		}
	}
	return And{terms}
}
