package query

import (
	"strings"
)

// Expr is a filter: one of And, Or, Not, Compare, Present, Has and Const. It is
// never changed once built and safe for concurrent use.
type Expr interface {
	// String is the canonical filter text. Parse turns it back into an equal
	// expression, unless it holds a Const, which SCIM has no syntax for.
	String() string
	expr()
}

// And is true if all of its terms are. Without terms it is true.
type And struct{ Terms []Expr }

// Or is true if one of its terms is. Without terms it is false.
type Or struct{ Terms []Expr }

// Not is true if its term is false.
type Not struct{ Term Expr }

// Compare is a comparison with a literal. Make it with NewCompare; its meaning is
// documented at Match.
type Compare struct {
	Path  Path
	Op    Op
	Value any // string, bool, int64, float64 or time.Time, as the attribute's Kind asks

	folded []byte // Value as Match compares it, if it is a string
}

// Present is the operator "pr": the attribute has a value that is not empty.
type Present struct{ Path Path }

// Has is a value path, path[filter]: one element of the attribute satisfies the
// whole filter, whose paths are relative to the element.
type Has struct {
	Path   Path
	Filter Expr
}

// Const is true, or false, for every resource. Parse never returns one, Simplify
// does.
type Const bool

// Op is a comparison operator, RFC 7644 section 3.4.2.2.
type Op uint8

// The operators; "pr" is Present.
const (
	Eq Op = iota
	Ne
	Co
	Sw
	Ew
	Gt
	Ge
	Lt
	Le
)

var opNames = [...]string{"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"}

func (op Op) String() string { return opNames[op] }

// orders reports whether the operator needs values that have an order.
func (op Op) orders() bool { return op >= Gt }

// textual reports whether the operator looks inside a text.
func (op Op) textual() bool { return op >= Co && op <= Ew }

// NewCompare returns a comparison, whose literal it folds once if the attribute is
// not case exact. The type of the value must fit the attribute.
func NewCompare(p Path, op Op, value any) Compare {
	c := Compare{Path: p, Op: op, Value: value}
	if s, ok := value.(string); ok {
		c.folded = []byte(s)
		if !p.leaf().exact() {
			c.folded = AppendFold(nil, s)
		}
	}
	return c
}

func (And) expr()     {}
func (Or) expr()      {}
func (Not) expr()     {}
func (Compare) expr() {}
func (Present) expr() {}
func (Has) expr()     {}
func (Const) expr()   {}

func (e And) String() string { return join(e.Terms, " and ") }
func (e Or) String() string  { return join(e.Terms, " or ") }

func join(terms []Expr, word string) string {
	var b strings.Builder
	for i, t := range terms {
		if i > 0 {
			b.WriteString(word)
		}
		switch t.(type) {
		case And, Or:
			b.WriteString("(" + t.String() + ")")
		default:
			b.WriteString(t.String())
		}
	}
	return b.String()
}

func (e Not) String() string     { return "not (" + e.Term.String() + ")" }
func (e Present) String() string { return e.Path.String() + " pr" }
func (e Has) String() string     { return e.Path.String() + "[" + e.Filter.String() + "]" }

func (e Compare) String() string {
	b := append([]byte(e.Path.String()), ' ')
	b = append(append(b, e.Op.String()...), ' ')
	return string(appendValue(b, e.Value, nanoseconds))
}

func (e Const) String() string {
	if e {
		return "true"
	}
	return "false"
}
