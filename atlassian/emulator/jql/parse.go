package jql

import (
	"fmt"
	"strings"
)

const (
	// maxLength bounds a query in bytes, maxDepth its nesting.
	maxLength = 128 << 10
	maxDepth  = 200
	// maxSorts is how many fields Jira sorts by.
	maxSorts = 7
)

// Parse reads a query. The error is a [*SyntaxError]. A query that names unknown fields
// or values, or uses an operator on the wrong field, parses.
//
// Two forms that Atlassian's editor refuses and the server accepts do parse: IN with a
// single value and IS with a value. [Schema.Compile] reports them.
func Parse(query string) (*Query, error) {
	p := &parser{lex: lexer{src: query, line: 1, column: 1}}
	if len(query) > maxLength {
		return nil, p.errorf(token{line: 1, column: 1}, "The query is longer than %d characters.", maxLength)
	}
	p.advance()
	return p.query()
}

// A parser looks at one token. It is a recursive descent over Atlassian's grammar.
type parser struct {
	lex   lexer
	tok   token
	depth int
}

func (p *parser) advance() { p.tok = p.lex.next() }

// accept consumes the token if it is the given one.
func (p *parser) accept(kind tokenKind, text string) bool {
	if !p.tok.is(kind, text) {
		return false
	}
	p.advance()
	return true
}

func (p *parser) keyword(word string) bool  { return p.accept(tokenKeyword, word) }
func (p *parser) symbol(symbol string) bool { return p.accept(tokenSymbol, symbol) }

func (p *parser) errorf(t token, format string, args ...any) error {
	return &SyntaxError{Line: t.line, Column: t.column, Detail: fmt.Sprintf(format, args...)}
}

// unexpected reports the token at hand. A lexical error speaks for itself; suffix is
// added to "Expecting … but got …".
func (p *parser) unexpected(want, suffix string) error {
	switch p.tok.kind {
	case tokenError:
		return p.errorf(p.tok, "%s", p.tok.text)
	case tokenEnd:
		return p.errorf(p.tok, "Expecting %s before the end of the query.%s", want, suffix)
	}
	return p.errorf(p.tok, "Expecting %s but got '%s'.%s", want, p.tok.raw, suffix)
}

// enter counts nesting, so that hostile input cannot exhaust the stack.
func (p *parser) enter() error {
	if p.depth++; p.depth > maxDepth {
		return p.errorf(p.tok, "The query is nested deeper than %d levels.", maxDepth)
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

func (p *parser) query() (*Query, error) {
	q := &Query{}
	var err error
	if p.tok.kind != tokenEnd && !p.tok.is(tokenKeyword, "ORDER") {
		if q.Where, err = p.or(); err != nil {
			return nil, err
		}
	}
	if p.keyword("ORDER") {
		if q.Order, err = p.orderBy(); err != nil {
			return nil, err
		}
		if p.tok.kind != tokenEnd {
			return nil, p.unexpected("either ',' or the end of the query", "")
		}
	}
	if p.tok.kind != tokenEnd {
		return nil, p.unexpected("either 'OR' or 'AND'", "")
	}
	return q, nil
}

func (p *parser) or() (Clause, error) {
	clauses, err := p.chain("OR", p.and)
	if err != nil || len(clauses) > 1 {
		return Or(clauses), err
	}
	return clauses[0], nil
}

func (p *parser) and() (Clause, error) {
	clauses, err := p.chain("AND", p.not)
	if err != nil || len(clauses) > 1 {
		return And(clauses), err
	}
	return clauses[0], nil
}

func (p *parser) chain(word string, operand func() (Clause, error)) ([]Clause, error) {
	var clauses []Clause
	for {
		c, err := operand()
		if err != nil {
			return nil, err
		}
		clauses = append(clauses, c)
		if !p.keyword(word) {
			return clauses, nil
		}
	}
}

func (p *parser) not() (Clause, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	switch {
	case p.keyword("NOT"):
		c, err := p.not()
		return Not{c}, err
	case p.symbol("("):
		c, err := p.or()
		if err == nil && !p.symbol(")") {
			err = p.unexpected("')'", "")
		}
		return c, err
	}
	return p.terminal()
}

func (p *parser) terminal() (Clause, error) {
	field, err := p.reference()
	if err != nil {
		return nil, err
	}
	t := &Terminal{Field: field}
	if t.Operator, err = p.operator(); err != nil {
		return nil, err
	}
	if t.Operator != Changed {
		if t.Operand, err = p.operandOf(t.Operator); err != nil {
			return nil, err
		}
	}
	if t.Operator >= Was {
		t.Predicates, err = p.predicates(t.Operator == Changed)
	}
	return t, err
}

// reference = number | ( text | "cf" "[" number "]" ) { "[" text "]" { text } }
func (p *parser) reference() (Reference, error) {
	t := p.tok
	switch {
	case t.is(tokenKeyword, "CF"):
		return p.customField()
	case !t.isText():
		suffix := ""
		if t.kind == tokenKeyword {
			suffix = fmt.Sprintf(" You must surround '%s' in quotation marks to use it as a field name.", t.raw)
		}
		return Reference{}, p.unexpected("a field name", suffix)
	}
	p.advance()
	ref := Reference{Name: t.text}
	if t.kind == tokenNumber {
		return ref, nil
	}
	return ref, p.properties(&ref)
}

func (p *parser) customField() (Reference, error) {
	p.advance()
	if !p.symbol("[") {
		return Reference{}, p.unexpected("'['", "")
	}
	n := p.tok
	if n.kind != tokenNumber || strings.HasPrefix(n.text, "-") {
		return Reference{}, p.unexpected("the number of a custom field", "")
	}
	p.advance()
	if !p.symbol("]") {
		return Reference{}, p.unexpected("']'", "")
	}
	ref := Reference{Name: "cf[" + n.text + "]"}
	return ref, p.properties(&ref)
}

func (p *parser) properties(ref *Reference) error {
	for p.symbol("[") {
		if !p.tok.isText() {
			return p.unexpected("a property name", "")
		}
		ref.Properties = append(ref.Properties, p.tok.text)
		p.advance()
		if !p.symbol("]") {
			return p.unexpected("']'", "")
		}
		for p.tok.isText() {
			ref.Properties = append(ref.Properties, p.tok.text)
			p.advance()
		}
	}
	return nil
}

var comparisons = map[string]Operator{"=": Equal, "!=": NotEqual, "<": Less, ">": Greater,
	"<=": LessEqual, ">=": GreaterEqual, "~": Like, "!~": NotLike}

func (p *parser) operator() (Operator, error) {
	if op, ok := comparisons[p.tok.text]; ok && p.tok.kind == tokenSymbol {
		p.advance()
		return op, nil
	}
	switch {
	case p.keyword("IN"):
		return In, nil
	case p.keyword("CHANGED"):
		return Changed, nil
	case p.keyword("IS"):
		if p.word("NOT") {
			return IsNot, nil
		}
		return Is, nil
	case p.keyword("WAS"):
		return p.was(), nil
	case p.word("NOT"):
		if !p.keyword("IN") {
			return 0, p.unexpected("'IN'", "")
		}
		return NotIn, nil
	}
	return 0, p.unexpected("operator",
		" The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'.")
}

// word accepts a keyword that has a sign of the same meaning, but not the sign.
func (p *parser) word(keyword string) bool {
	return strings.EqualFold(p.tok.raw, keyword) && p.keyword(keyword)
}

func (p *parser) was() Operator {
	not := p.word("NOT")
	in := p.keyword("IN")
	switch {
	case not && in:
		return WasNotIn
	case in:
		return WasIn
	case not:
		return WasNot
	}
	return Was
}

// operandOf reads an operand and refuses one that the grammar does not allow after op.
func (p *parser) operandOf(op Operator) (Operand, error) {
	start := p.tok
	o, err := p.operand()
	if err != nil {
		return nil, err
	}
	_, isList := o.(List)
	_, isEmpty := o.(Empty)
	switch op {
	case In, NotIn:
		if isEmpty {
			return nil, p.errorf(start, "Expecting either a list or function but got '%s'.", start.raw)
		}
	case WasIn, WasNotIn:
		if _, isCall := o.(Call); !isList && !isCall {
			return nil, p.errorf(start, "Expecting either a list or function but got '%s'.", start.raw)
		}
	case Less, Greater, LessEqual, GreaterEqual:
		if isEmpty || isList {
			return nil, p.errorf(start, "Expecting either a value or function but got '%s'.", start.raw)
		}
	default:
		if isList {
			return nil, p.errorf(start, "Expecting either a value or function but got '%s'.", start.raw)
		}
	}
	return o, nil
}

// operand = EMPTY | value | function | list
func (p *parser) operand() (Operand, error) {
	t := p.tok
	switch {
	case p.keyword("EMPTY"):
		return Empty{}, nil
	case p.symbol("("):
		return p.list()
	case !t.isText():
		suffix := ""
		if t.kind == tokenKeyword {
			suffix = fmt.Sprintf(" You must surround '%s' in quotation marks to use it as a value.", t.raw)
		}
		return nil, p.unexpected("either a value, list or function", suffix)
	}
	p.advance()
	if p.symbol("(") {
		return p.call(t.text)
	}
	return Value{Text: t.text, Number: t.kind == tokenNumber}, nil
}

func (p *parser) list() (Operand, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	var l List
	for {
		o, err := p.operand()
		if err != nil {
			return nil, err
		}
		l = append(l, o)
		if p.symbol(")") {
			return l, nil
		}
		if !p.symbol(",") {
			return nil, p.unexpected("either ',' or ')'", "")
		}
	}
}

func (p *parser) call(name string) (Operand, error) {
	c := Call{Name: name}
	if p.symbol(")") {
		return c, nil
	}
	for {
		if !p.tok.isText() {
			return nil, p.unexpected("an argument or ')'", "")
		}
		c.Arguments = append(c.Arguments, p.tok.text)
		p.advance()
		if p.symbol(")") {
			return c, nil
		}
		if !p.symbol(",") {
			return nil, p.unexpected("either ',' or ')'", "")
		}
	}
}

func (p *parser) predicates(changed bool) ([]Predicate, error) {
	var ps []Predicate
	for p.tok.kind == tokenKeyword {
		word := p.tok.text
		switch word {
		case "AFTER", "BEFORE", "ON", "DURING", "BY":
		case "FROM", "TO":
			if !changed {
				return ps, nil
			}
		default:
			return ps, nil
		}
		p.advance()
		o, err := p.operand()
		if err != nil {
			return nil, err
		}
		ps = append(ps, Predicate{Word: word, Operand: o})
	}
	return ps, nil
}

func (p *parser) orderBy() ([]Sort, error) {
	if !p.keyword("BY") {
		return nil, p.unexpected("'BY'", "")
	}
	var sorts []Sort
	for {
		start := p.tok
		ref, err := p.reference()
		if err != nil {
			return nil, err
		}
		if len(sorts) == maxSorts {
			return nil, p.errorf(start, "A query can be ordered by at most %d fields.", maxSorts)
		}
		desc := p.keyword("DESC")
		if !desc {
			p.keyword("ASC")
		}
		sorts = append(sorts, Sort{Field: ref, Descending: desc})
		if !p.symbol(",") {
			return sorts, nil
		}
	}
}
