package query

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// outline writes the text that filter-parser reads in the place of the filter, see
// parser.
type outline struct {
	*parser
	text  strings.Builder
	depth int // open parentheses
}

// emit writes a token as it is, or other text in its place.
func (o *outline) emit(t token, as string) {
	if t.spaced && o.text.Len() > 0 {
		o.text.WriteByte(' ')
	}
	o.text.WriteString(as)
}

func (o *outline) peek() token { return o.tokens[0] }

func (o *outline) take() token {
	t := o.tokens[0]
	if t.kind != end {
		o.tokens = o.tokens[1:]
	}
	return t
}

// read writes operands and the words between them up to the closing mark.
func (o *outline) read(closing string) error {
	opened := o.peek()
	for {
		if err := o.operand(); err != nil {
			return err
		}
		for o.depth > 0 && o.peek().is(")") {
			o.emit(o.take(), ")")
			o.depth--
		}
		t := o.take()
		switch {
		case t.is(closing) && o.depth == 0:
			return nil
		case t.joins():
			if err := apart(t, o.peek()); err != nil {
				return err
			}
			o.emit(t, t.text)
		case t.kind == end && closing != "" && o.depth == 0:
			return fail(opened.pos, "close it with ]", "value path without an end")
		case t.kind == end:
			return fail(t.pos, "close every ( with )", "parenthesis without an end")
		case t.kind == mark:
			return fail(t.pos, "remove it or open it before", "unexpected %s", t)
		default:
			return fail(t.pos, "join conditions with and or or", "unexpected %s", t)
		}
	}
}

// operand writes one comparison or the start of a group.
func (o *outline) operand() error {
	for {
		t := o.take()
		switch {
		case t.is("("):
			o.depth++
			o.emit(t, "(")
		case t.negates() && o.peek().is("("):
			o.emit(t, t.text)
		case t.negates() && o.peek().kind == word && !o.peek().negates() && !o.strict:
			return o.bareNot(t)
		case t.kind == word:
			return o.comparison(t)
		default:
			return fail(t.pos, `write a condition such as userName eq "a@b.example"`, "%s where an attribute is expected", t)
		}
	}
}

// bareNot writes a not without parentheses and the one comparison behind it. The not
// applies to nothing else: in RFC 7644 section 3.4.2.2 it binds more tightly than
// "and" and "or". Before a value path it is refused, because clients do not agree
// on its meaning there.
func (o *outline) bareNot(not token) error {
	name := o.take()
	if o.peek().is("[") {
		return failNot(not)
	}
	o.emit(not, "not (")
	if err := o.comparison(name); err != nil {
		return err
	}
	o.text.WriteByte(')')
	return nil
}

// failNot refuses a not that could apply to more than one thing.
func failNot(not token) *Error {
	return fail(not.pos, "put what it applies to in parentheses: not (title pr)", "not without a parenthesis")
}

// comparison keeps one comparison of the filter as a term and writes the stand-in
// for that term, such as t0 eq "".
func (o *outline) comparison(name token) error {
	t := term{name: name, op: token{kind: end}}
	if o.peek().is("[") {
		if err := o.brackets(&t); err != nil {
			return err
		}
	}
	o.emit(name, "t"+strconv.Itoa(len(o.terms)))
	if t.inner != nil && t.sub.text == "" && !o.operatorFollows() {
		o.text.WriteString(" pr")
		o.terms = append(o.terms, t)
		return nil
	}
	t.op = o.take()
	if err := t.checkOperator(); err != nil {
		return err
	}
	if err := apart(t.op); err != nil {
		return err
	}
	o.emit(t.op, t.op.text)
	if !strings.EqualFold(t.op.text, "pr") {
		t.value = o.take()
		standIn, err := t.literal(o.strict)
		if err != nil {
			return err
		}
		if err := apart(t.value); err != nil {
			return err
		}
		o.emit(t.value, standIn)
	}
	o.terms = append(o.terms, t)
	return nil
}

// brackets reads the filter of a value path, and the sub-attribute that may follow
// the closing bracket.
func (o *outline) brackets(t *term) error {
	var err error
	if t.path, err = o.bracketed(t.name); err != nil {
		return err
	}
	o.take()
	in := o.within(t.path)
	in.tokens = o.tokens
	if t.inner, err = in.filter("]"); err != nil {
		return err
	}
	o.tokens = in.tokens
	if next := o.peek(); next.kind == word && !next.spaced && strings.HasPrefix(next.text, ".") {
		t.sub = o.take()
		t.sub.text = t.sub.text[1:]
		t.sub.pos++
	}
	return nil
}

// operatorFollows reports whether an operator comes next, so that the value path
// before it is the left side of a comparison.
func (o *outline) operatorFollows() bool {
	t := o.peek()
	return t.kind == word && !t.joins()
}

// joins reports whether the token is "and" or "or".
func (t token) joins() bool {
	return t.kind == word && (strings.EqualFold(t.text, "and") || strings.EqualFold(t.text, "or"))
}

// negates reports whether the token is "not".
func (t token) negates() bool { return t.kind == word && strings.EqualFold(t.text, "not") }

// apart refuses a token that no space separates from the one before it.
func apart(tokens ...token) error {
	for _, t := range tokens {
		if !t.spaced && t.kind != end {
			return fail(t.pos, "put a space before it", "%s follows without a space", t)
		}
	}
	return nil
}

func (t term) checkOperator() error {
	const fix = "use eq, ne, co, sw, ew, gt, ge, lt, le or pr"
	switch {
	case t.name.negates():
		return failNot(t.name)
	case t.op.kind == end || t.op.joins():
		return fail(t.name.pos, fix, "attribute %s without an operator", quote(t.name.text))
	case t.op.kind != word:
		return fail(t.op.pos, fix, "%s where an operator is expected", t.op)
	case strings.EqualFold(t.op.text, "pr"):
		return nil
	}
	for _, name := range opNames {
		if strings.EqualFold(name, t.op.text) {
			return nil
		}
	}
	return fail(t.op.pos, fix, "unknown operator %s", t.op)
}

// literal returns the stand-in for the term's value in the outline: an empty string
// for any text; numbers, true, false and null stand for themselves. Unless strict,
// a text may be without quotes.
func (t term) literal(strict bool) (string, error) {
	v := t.value
	switch {
	case v.kind == text:
		return `""`, nil
	case v.kind != word:
		return "", fail(v.pos, "write a value after "+t.op.text, "%s where a value is expected", v)
	case strings.EqualFold(v.text, "true"), strings.EqualFold(v.text, "false"), strings.EqualFold(v.text, "null"):
		return v.text, nil
	case jsontext.Value(v.text).IsValid(): // a number, since nothing else goes without quotes
		return v.text, nil
	case !strict && v.text[0] != '\'' && !v.joins():
		return `""`, nil
	}
	if strings.Contains("+-.0123456789", v.text[:1]) {
		return "", fail(v.pos, "write numbers as in JSON, texts and dates in double quotes", "value %s is no number", v)
	}
	return "", fail(v.pos, "put it in double quotes", "value %s without quotes", v)
}
