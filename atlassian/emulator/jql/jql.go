// Package jql reads and evaluates the Jira Query Language the way Jira Cloud does.
//
// A query passes three stages, because Jira answers differently at each of them.
// [Parse] knows the grammar only: Jira answers its errors with 400.
// [Schema.Compile] knows the fields, operators and values of a site: POST /jql/parse
// reports its findings, while a search answers a query that has some with no issues.
// [Program.Match] decides about one issue; it cannot fail.
//
// The text operator ~ is imprecise on purpose: it works on stemmed words without stop
// words, so that tests show a caller that takes its answer for a substring match.
package jql

import (
	"strconv"
	"strings"
)

// A Query is a parsed query. Where is nil when the query restricts nothing.
type Query struct {
	Where Clause
	Order []Sort
}

// A Clause is an [And], an [Or], a [Not] or a [*Terminal].
type Clause interface{ clause() }

type (
	// And holds when all of its clauses hold. It has at least two.
	And []Clause
	// Or holds when one of its clauses holds. It has at least two.
	Or []Clause
	// Not inverts a clause. Jira reads it as the inverse operator, so that NOT a = b
	// leaves out issues without a, as a != b does.
	Not struct{ Clause Clause }
)

// A Terminal compares one field.
type Terminal struct {
	Field      Reference
	Operator   Operator
	Operand    Operand // nil for CHANGED
	Predicates []Predicate
}

func (And) clause()       {}
func (Or) clause()        {}
func (Not) clause()       {}
func (*Terminal) clause() {}

// A Reference names a field: by clause name, or by number when written cf[10001].
// Properties are the keys of an entity property, field[key].path.
type Reference struct {
	Name       string
	Properties []string
}

// A Predicate narrows WAS and CHANGED, as in AFTER "2026-01-01".
type Predicate struct {
	Word    string // in upper case
	Operand Operand
}

// A Sort is one field of ORDER BY.
type Sort struct {
	Field      Reference
	Descending bool
}

// An Operand is a [Value], [Empty], [Call] or [List].
type Operand interface {
	operand()
	String() string // as Jira's messages print it
}

type (
	// A Value is a literal. Number tells a bare integer from any other text; Jira looks
	// for an id first then, and takes it for milliseconds where a date is expected.
	Value struct {
		Text   string
		Number bool
	}
	// Empty is bare EMPTY or NULL; in quotation marks they are ordinary text.
	Empty struct{}
	// A Call is a function with its arguments.
	Call struct {
		Name      string
		Arguments []string
	}
	// A List has at least one element and may hold lists.
	List []Operand
)

func (Value) operand() {}
func (Empty) operand() {}
func (Call) operand()  {}
func (List) operand()  {}

func (v Value) String() string {
	if v.Number {
		return v.Text
	}
	return `"` + v.Text + `"`
}

func (Empty) String() string { return "EMPTY" }

func (c Call) String() string {
	return c.Name + "(" + strings.Join(c.Arguments, ", ") + ")"
}

func (l List) String() string {
	parts := make([]string, len(l))
	for i, o := range l {
		parts[i] = o.String()
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// An Operator stands between a field and its operand.
type Operator uint8

const (
	Equal Operator = iota
	NotEqual
	Less
	Greater
	LessEqual
	GreaterEqual
	Like
	NotLike
	In
	NotIn
	Is
	IsNot
	Was
	WasNot
	WasIn
	WasNotIn
	Changed
)

var operatorNames = [...]string{"=", "!=", "<", ">", "<=", ">=", "~", "!~", "in", "not in",
	"is", "is not", "was", "was not", "was in", "was not in", "changed"}

func (o Operator) String() string { return operatorNames[o] }

// inverse maps an operator to its negation. Only operators that [Schema.Compile] can
// evaluate have one.
func (o Operator) inverse() Operator {
	switch o {
	case Less:
		return GreaterEqual
	case GreaterEqual:
		return Less
	case Greater:
		return LessEqual
	case LessEqual:
		return Greater
	}
	return o ^ 1
}

// A SyntaxError is an error for which Jira answers 400.
type SyntaxError struct {
	Line, Column int // of the offending character, both from 1
	Detail       string
}

// Error is Jira's whole sentence.
func (e *SyntaxError) Error() string {
	return "Error in the JQL Query: " + e.Detail +
		" (line " + strconv.Itoa(e.Line) + ", character " + strconv.Itoa(e.Column) + ")"
}
