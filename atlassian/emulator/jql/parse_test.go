package jql

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	compare := func(field string, op Operator, o Operand) *Terminal {
		return &Terminal{Field: Reference{Name: field}, Operator: op, Operand: o}
	}
	one := compare("a", Equal, Value{Text: "1", Number: true})
	tests := []struct {
		query string
		want  *Query
	}{
		{``, &Query{}},
		{`a = 1`, &Query{Where: one}},
		{"a\n=\r\t1", &Query{Where: one}},
		{`a=1 AND a=1 and a=1`, &Query{Where: And{one, one, one}}},
		{`a=1 or a=1&&a=1|a=1`, &Query{Where: Or{one, And{one, one}, one}}},
		{`not !(a=1 or a=1)`, &Query{Where: Not{Not{Or{one, one}}}}},
		{`a != -5`, &Query{Where: compare("a", NotEqual, Value{Text: "-5", Number: true})}},
		{`a ~ 1.5`, &Query{Where: compare("a", Like, Value{Text: "1.5"})}},
		{`a !~ -4w`, &Query{Where: compare("a", NotLike, Value{Text: "-4w"})}},
		{`a = "EMPTY"`, &Query{Where: compare("a", Equal, Value{Text: "EMPTY"})}},
		{`a = null`, &Query{Where: compare("a", Equal, Empty{})}},
		{`"Epic Link" = 'it''`, nil},
		{`"Epic Link" = 'it\'s "it"'`, &Query{Where: compare("Epic Link", Equal, Value{Text: `it's "it"`})}},
		{`a = \u0041\ b\n`, &Query{Where: compare("a", Equal, Value{Text: "A b\n"})}},
		{`a = 712020:e1-a9.x_y`, &Query{Where: compare("a", Equal, Value{Text: "712020:e1-a9.x_y"})}},
		{"a = x\u00a0y", &Query{Where: compare("a", Equal, Value{Text: "x\u00a0y"})}},
		{`a = ⻥🙂`, &Query{Where: compare("a", Equal, Value{Text: "⻥🙂"})}},
		{`cf[10001] = 1`, &Query{Where: compare("cf[10001]", Equal, Value{Text: "1", Number: true})}},
		{`a NOT  In (b, (c), empty, f())`, &Query{Where: compare("a", NotIn,
			List{Value{Text: "b"}, List{Value{Text: "c"}}, Empty{}, Call{Name: "f"}})}},
		{`a in f(x, 1)`, &Query{Where: compare("a", In, Call{Name: "f", Arguments: []string{"x", "1"}})}},
		{`a in b`, &Query{Where: compare("a", In, Value{Text: "b"})}},
		{`this is not jql`, &Query{Where: compare("this", IsNot, Value{Text: "jql"})}},
		{`a is not b`, &Query{Where: compare("a", IsNot, Value{Text: "b"})}},
		{`a[b].c = 1`, &Query{Where: &Terminal{Field: Reference{Name: "a", Properties: []string{"b", ".c"}},
			Operator: Equal, Operand: Value{Text: "1", Number: true}}}},
		{`a was not in (b) by c`, &Query{Where: &Terminal{Field: Reference{Name: "a"}, Operator: WasNotIn,
			Operand: List{Value{Text: "b"}}, Predicates: []Predicate{{"BY", Value{Text: "c"}}}}}},
		{`a changed from b to c`, &Query{Where: &Terminal{Field: Reference{Name: "a"}, Operator: Changed,
			Predicates: []Predicate{{"FROM", Value{Text: "b"}}, {"TO", Value{Text: "c"}}}}}},
		{`order by a, "b c" desc, d asc`, &Query{Order: []Sort{{Field: Reference{Name: "a"}},
			{Reference{Name: "b c"}, true}, {Field: Reference{Name: "d"}}}}},
	}
	for _, tt := range tests {
		got, err := Parse(tt.query)
		if (err != nil) != (tt.want == nil) {
			t.Errorf("Parse(%q): error %v", tt.query, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("Parse(%q) (-want +got):\n%s", tt.query, diff)
		}
	}
}

func TestParseErrors(t *testing.T) {
	const operators = " The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'."
	tests := []struct {
		query, detail string
		line, column  int
	}{
		{`project = 'unclosed`, `The quoted string 'unclosed' has not been completed.`, 1, 11},
		{`invalid query`, `Expecting operator but got 'query'.` + operators, 1, 9},
		{`a is not`, `Expecting either a value, list or function before the end of the query.`, 1, 9},
		{`a`, `Expecting operator before the end of the query.` + operators, 1, 2},
		{`a = @b`, `The character '@' is a reserved JQL character. You must enclose it in a string or use the escape '\u0040' instead.`, 1, 5},
		{`status = date`, `'date' is a reserved JQL word. You must surround it in quotation marks to use it in a query.`, 1, 10},
		{`a = "x` + "\t" + `"`, `The character '<U+0009>' is not allowed in a string. You may use the escape '\u0009' instead.`, 1, 7},
		{"a =\n \"\x7f\"", `The character '<U+007F>' is not allowed in a string. You may use the escape '\u007f' instead.`, 2, 3},
		{`a = "a\qb"`, `'\q' is an illegal JQL escape sequence. The valid escape sequences are \', \", \t, \n, \r, \\, '\ ' and \uXXXX.`, 1, 7},
		{`a = 1 b = 2`, `Expecting either 'OR' or 'AND' but got 'b'.`, 1, 7},
		{`a = 1 and`, `Expecting a field name before the end of the query.`, 1, 10},
		{`and a = 1`, `Expecting a field name but got 'and'. You must surround 'and' in quotation marks to use it as a field name.`, 1, 1},
		{`(a = 1`, `Expecting ')' before the end of the query.`, 1, 7},
		{`a in ()`, `Expecting either a value, list or function but got ')'.`, 1, 7},
		{`a in (1,)`, `Expecting either a value, list or function but got ')'.`, 1, 9},
		{`a > empty`, `Expecting either a value or function but got 'empty'.`, 1, 5},
		{`a = (1)`, `Expecting either a value or function but got '('.`, 1, 5},
		{`a not b`, `Expecting 'IN' but got 'b'.`, 1, 7},
		{`order by`, `Expecting a field name before the end of the query.`, 1, 9},
		{`order a`, `Expecting 'BY' but got 'a'.`, 1, 7},
		{`order by a,b,c,d,e,f,g,h`, `A query can be ordered by at most 7 fields.`, 1, 24},
		{`project = JQL order by issuetype = Bug`, `Expecting either ',' or the end of the query but got '='.`, 1, 34},
		{`cf [ 1 2 ] = value`, `Expecting ']' but got '2'.`, 1, 8},
	}
	for _, tt := range tests {
		_, err := Parse(tt.query)
		var got *SyntaxError
		if !errors.As(err, &got) {
			t.Errorf("Parse(%q): error %v", tt.query, err)
			continue
		}
		want := &SyntaxError{Line: tt.line, Column: tt.column, Detail: tt.detail}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Parse(%q) (-want +got):\n%s", tt.query, diff)
		}
	}
}

func TestSyntaxErrorText(t *testing.T) {
	_, err := Parse(`project = 'unclosed`)
	want := `Error in the JQL Query: The quoted string 'unclosed' has not been completed. (line 1, character 11)`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestParseGivesUp holds that Parse stops at the limits of length and nesting: the column of the error tells how far it
// has read of a query of 120,000 characters.
func TestParseGivesUp(t *testing.T) {
	const long = 120_000
	nested := fmt.Sprintf("The query is nested deeper than %d levels.", maxDepth)
	tests := []struct {
		name, query string
		want        SyntaxError
	}{
		{"parentheses", strings.Repeat("(", long), SyntaxError{Line: 1, Column: 201, Detail: nested}},
		{"negations", strings.Repeat("!", long), SyntaxError{Line: 1, Column: 201, Detail: nested}},
		{"lists", "a in " + strings.Repeat("(", long), SyntaxError{Line: 1, Column: 206, Detail: nested}},
		{"length", "a = " + strings.Repeat("x", maxLength), SyntaxError{Line: 1, Column: 1, Detail: fmt.Sprintf("The query is longer than %d characters.", maxLength)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(tt.query)
			var got *SyntaxError
			if !errors.As(err, &got) {
				t.Fatalf("got error %v, want a *SyntaxError", err)
			}
			if diff := cmp.Diff(tt.want, *got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseNests(t *testing.T) {
	if _, err := Parse(strings.Repeat("(", 90) + "a = 1" + strings.Repeat(")", 90)); err != nil {
		t.Errorf("ninety parentheses: got error %v, want none", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, query := range []string{
		`project = "A" and status in (1, 2) and not labels = x order by created desc`,
		`a was not in (b, f(1)) after "2026/01/01" by (c)`, `cf[1] ~ "a \"b c\" d*"`, `due >= -5d or due is empty`,
		`a = "\u00e9\\" && b !~ 'x'`, `(((`, "\xff", `a[b].c = 1`, `created < 1767225600000`,
	} {
		f.Add(query)
	}
	schema := testSchema()
	f.Fuzz(func(t *testing.T, query string) {
		q, err := Parse(query)
		if err != nil {
			if !utf8.ValidString(query) {
				return
			}
			if e := new(SyntaxError); !errors.As(err, &e) || e.Line < 1 || e.Column < 1 {
				t.Fatalf("Parse(%q): %#v", query, err)
			}
			return
		}
		p, found, _ := schema.Compile(q, testEnv)
		for i := range testIssues {
			if p.Match(&testIssues[i]) && q.Where == nil && found.Any() {
				t.Fatalf("Compile(%q): findings %v without a clause", query, found)
			}
		}
	})
}
