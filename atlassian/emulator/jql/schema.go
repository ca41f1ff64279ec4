package jql

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// A Kind decides which operators and which values a field takes.
type Kind uint8

const (
	// Key is the issue itself. Order is by number inside a project.
	Key Kind = iota
	// Text is searched by words.
	Text
	// Choice is one or several of a set without an order: statuses, people, labels.
	Choice
	// Ranked is a choice with an order of its own: priorities, versions.
	Ranked
	// Moment is a point in time. The index knows seconds.
	Moment
	// Day is a calendar day.
	Day
	// Number is a number, compared by its value.
	Number
)

// operators lists the operators that each kind of field takes.
var operators = [...][]Operator{
	Key:    {Equal, NotEqual, Less, Greater, LessEqual, GreaterEqual, Like, NotLike, In, NotIn},
	Text:   {Like, NotLike, Is, IsNot},
	Choice: {Equal, NotEqual, Is, IsNot, In, NotIn},
	Ranked: {Equal, NotEqual, Less, Greater, LessEqual, GreaterEqual, Is, IsNot, In, NotIn},
	Moment: {Equal, NotEqual, Less, Greater, LessEqual, GreaterEqual, Is, IsNot, In, NotIn},
	Day:    {Equal, NotEqual, Less, Greater, LessEqual, GreaterEqual, Is, IsNot, In, NotIn},
	Number: {Equal, NotEqual, Less, Greater, LessEqual, GreaterEqual, Is, IsNot, In, NotIn},
}

// Never is the time of an empty Moment or Day.
const Never = math.MinInt64

// A Field is one field of issues of type I: its names and how to read it.
type Field[I any] struct {
	Name    string   // as messages print it
	Aliases []string // names and aliases match in any case
	Kind    Kind
	NoEmpty bool // the field refuses EMPTY

	// One gives the id of the value of a Key, Choice or Ranked field, "" when empty.
	One func(I) string
	// Many takes the place of One in a field with several values.
	Many func(I) []string
	// Words gives the words of a Text field, cut by [Words]; Key fields may have them too.
	// nil is an empty field.
	Words func(I) []string
	// Time gives milliseconds of a Moment and days of a Day since the epoch, or [Never].
	Time func(I) int64

	// Number gives the value of a Number field; false when empty.
	Number func(I) (float64, bool)
	// History gives the changes of the field, oldest first; nil: WAS and CHANGED do not
	// take the field.
	History func(I) []Change
	// Call evaluates a function of the field's own into an id; nil: there are none.
	Call func(name string, arguments []string) (id string, ok bool)
	// Unset is a name for the empty value, in lower case, or "".
	Unset string

	// Resolve gives the ids that a literal names; none means that no such value exists.
	Resolve func(Value) []string
	// Rank gives the place of a Key or Ranked value. Values of different scales (issues of
	// two projects) do not compare.
	Rank func(id string) (scale string, rank int)
	// Compare orders issues; a field without it cannot be sorted by.
	Compare func(a, b I) int
}

// A Schema is the set of fields of a site. It is safe for concurrent use if the functions
// of its fields are.
type Schema[I any] struct{ fields map[string]*Field[I] }

// NewSchema indexes fields by their names. Of several fields with one name, the first
// has it.
func NewSchema[I any](fields ...Field[I]) *Schema[I] {
	s := &Schema[I]{fields: make(map[string]*Field[I])}
	for i := range fields {
		for _, name := range append(fields[i].Aliases, fields[i].Name) {
			if key := strings.ToLower(name); s.fields[key] == nil {
				s.fields[key] = &fields[i]
			}
		}
	}
	return s
}

// All gives the fields, each once, in the order of their names.
func (s *Schema[I]) All() []*Field[I] {
	var all []*Field[I]
	for _, f := range s.fields {
		if !slices.Contains(all, f) {
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b *Field[I]) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Operators lists the operators that the field takes.
func (f *Field[I]) Operators() []Operator {
	all := operators[f.Kind]
	if f.NoEmpty {
		all = slices.DeleteFunc(slices.Clone(all), func(o Operator) bool { return o == Is || o == IsNot })
	}
	if f.History != nil {
		all = append(slices.Clone(all), Was, WasNot, WasIn, WasNotIn, Changed)
	}
	return all
}

// Env has the facts besides the site on which the meaning of a query depends.
type Env struct {
	Now     time.Time
	Zone    *time.Location // of the caller: dates in a query are local to it
	Account string         // currentUser()
	MaxList int            // values of a list that count; 0: all
}

// A Cut tells that a list was longer than Env.MaxList and that only its first values
// counted.
type Cut struct {
	Field         string
	Limit, Actual int
}

// Findings are the faults of a query that parses.
type Findings struct {
	Errors   []string // unknown fields, wrong operators, malformed values
	Warnings []string // values that do not exist
}

// Any tells whether there is anything wrong.
func (f Findings) Any() bool { return len(f.Errors)+len(f.Warnings) > 0 }

func (f *Findings) errorf(format string, args ...any) {
	f.Errors = append(f.Errors, fmt.Sprintf(format, args...))
}

func (f *Findings) warnf(format string, args ...any) {
	f.Warnings = append(f.Warnings, fmt.Sprintf(format, args...))
}

// A Program decides about issues. It is safe for concurrent use.
type Program[I any] struct {
	match   func(I) bool
	compare func(a, b I) int
	cuts    []Cut
}

// Match tells whether the query finds the issue.
func (p *Program[I]) Match(issue I) bool { return p.match(issue) }

// Compare gives the order that ORDER BY asks for, nil when it asks for none.
func (p *Program[I]) Compare() func(a, b I) int { return p.compare }

// Cuts tells which lists were too long.
func (p *Program[I]) Cuts() []Cut { return p.cuts }

// Compile resolves the names of a query. A clause with a finding matches nothing, also
// below NOT. Fields of ORDER BY that do not exist are reported in unsorted, not in
// Findings, because a search ignores them.
func (s *Schema[I]) Compile(q *Query, env Env) (p *Program[I], found Findings, unsorted []string) {
	c := &compiler[I]{schema: s, env: env}
	p = &Program[I]{match: func(I) bool { return true }}
	if q.Where != nil {
		p.match = c.clause(q.Where, false)
	}
	p.cuts = c.cuts
	p.compare, unsorted = s.order(q.Order)
	return p, c.found, unsorted
}

func (s *Schema[I]) order(sorts []Sort) (compare func(a, b I) int, unsorted []string) {
	var by []func(a, b I) int
	for _, o := range sorts {
		f := s.fields[strings.ToLower(o.Field.Name)]
		switch {
		case f == nil || f.Compare == nil || o.Field.Properties != nil:
			unsorted = append(unsorted, fmt.Sprintf("Not able to sort using field '%s'.", o.Field.Name))
		case o.Descending:
			by = append(by, func(a, b I) int { return f.Compare(b, a) })
		default:
			by = append(by, f.Compare)
		}
	}
	if by == nil {
		return nil, unsorted
	}
	return func(a, b I) int {
		for _, compare := range by {
			if c := compare(a, b); c != 0 {
				return c
			}
		}
		return 0
	}, unsorted
}
