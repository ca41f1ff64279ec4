package jql

import (
	"slices"
	"strings"
)

// A Change is one change of a field in the history of an issue.
type Change struct {
	At       int64  // milliseconds since the epoch
	By       string // account id
	From, To string // ids, "" when empty
}

// stay is a value that a field had for a while.
type stay struct {
	value    string
	from, to int64 // milliseconds; from Never: since the beginning, to Always: until now
	by       string
}

// always is later than every change.
const always = -(Never + 1)

// condition narrows a change or a stay.
type condition struct {
	by       map[string]bool // nil: anybody
	from, to map[string]bool // values of CHANGED FROM and TO; nil: any
	after    int64           // Never: not narrowed
	before   int64
}

// history compiles WAS and CHANGED.
func (c *compiler[I]) history(f *Field[I], t *Terminal, negate bool) func(I) bool {
	if f.History == nil {
		c.found.errorf("History searches do not support the '%s' field.", f.Name)
		return never
	}
	within, ok := c.conditions(f, t.Predicates)
	if !ok {
		return never
	}
	if t.Operator == Changed {
		return func(i I) bool { return slices.ContainsFunc(f.History(i), within.holdsChange) != negate }
	}
	wanted, ok := c.idSet(f, t.Operand)
	if !ok {
		return never
	}
	not := t.Operator == WasNot || t.Operator == WasNotIn
	return func(i I) bool {
		had := slices.ContainsFunc(f.stays(i), func(s stay) bool { return wanted[s.value] && within.holdsStay(s) })
		return had != (not != negate)
	}
}

// idSet lists the ids that an operand names.
func (c *compiler[I]) idSet(f *Field[I], o Operand) (map[string]bool, bool) {
	literals, empty, ok := c.literals(f, o)
	set := map[string]bool{}
	if empty {
		set[""] = true
	}
	for _, v := range literals {
		found := f.Resolve(v)
		if len(found) == 0 && ok {
			c.unknown(f, v)
			ok = false
		}
		for _, id := range found {
			set[id] = true
		}
	}
	return set, ok
}

// stays lists the values that a field has had, oldest first.
func (f *Field[I]) stays(i I) []stay {
	changes := f.History(i)
	if len(changes) == 0 {
		var list []stay
		for _, id := range f.ids(i) {
			list = append(list, stay{value: id, from: Never, to: always})
		}
		return list
	}
	list := []stay{{value: changes[0].From, from: Never, to: changes[0].At}}
	for n, change := range changes {
		s := stay{value: change.To, from: change.At, to: always, by: change.By}
		if n+1 < len(changes) {
			s.to = changes[n+1].At
		}
		list = append(list, s)
	}
	return list
}

// ids lists the present values, "" for none.
func (f *Field[I]) ids(i I) []string {
	if f.Many == nil {
		return []string{f.One(i)}
	}
	if many := f.Many(i); len(many) > 0 {
		return many
	}
	return []string{""}
}

func (c condition) holdsChange(change Change) bool {
	return (c.by == nil || c.by[change.By]) && (c.from == nil || c.from[change.From]) && (c.to == nil || c.to[change.To]) &&
		change.At >= c.after && change.At < c.before
}

func (c condition) holdsStay(s stay) bool {
	return (c.by == nil || c.by[s.by]) && s.to > c.after && s.from < c.before
}

// conditions reads the predicates of a history search.
func (c *compiler[I]) conditions(f *Field[I], predicates []Predicate) (condition, bool) {
	within, ok := condition{after: Never, before: always}, true
	for _, p := range predicates {
		var good bool
		switch p.Word {
		case "FROM":
			within.from, good = c.idSet(f, p.Operand)
		case "TO":
			within.to, good = c.idSet(f, p.Operand)
		case "BY":
			within.by, good = c.accounts(p.Operand)
		default:
			good = c.period(&within, f, p)
		}
		ok = ok && good
	}
	return within, ok
}

// accounts reads the operand of BY: the people of the field assignee.
func (c *compiler[I]) accounts(o Operand) (map[string]bool, bool) {
	people := c.schema.fields["assignee"]
	if people == nil {
		return nil, false
	}
	return c.idSet(people, o)
}

// period narrows a condition by AFTER, BEFORE, ON or DURING.
func (c *compiler[I]) period(within *condition, f *Field[I], p Predicate) bool {
	operands := List{p.Operand}
	if list, ok := p.Operand.(List); ok {
		operands = list
	}
	var spans []span
	for _, o := range operands {
		v, ok := o.(Value)
		if call, isCall := o.(Call); isCall {
			at, known := clock(call, c.env)
			v, ok = millis(at), known
		}
		s, valid := parseDate(v, c.env)
		if !ok || !valid {
			c.found.errorf("Date value '%s' for predicate '%s' is invalid.", o, strings.ToLower(p.Word))
			return false
		}
		spans = append(spans, s)
	}
	switch {
	case p.Word == "AFTER":
		within.after = spans[0].from.UnixMilli()
	case p.Word == "BEFORE":
		within.before = spans[0].from.UnixMilli()
	case p.Word == "ON":
		within.after, within.before = spans[0].from.UnixMilli(), spans[0].to.UnixMilli()
	case len(spans) == 2:
		within.after, within.before = spans[0].from.UnixMilli(), spans[1].to.UnixMilli()
	default:
		c.found.errorf("DURING needs two dates.")
		return false
	}
	return true
}
