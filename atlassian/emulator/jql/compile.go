package jql

import (
	"slices"
	"strings"
)

// A compiler turns clauses into functions and collects the findings about them.
type compiler[I any] struct {
	schema *Schema[I]
	env    Env
	found  Findings
	cuts   []Cut
}

func never[I any](I) bool { return false }

// clause compiles c, inverted if negate: NOT is pushed down to the operators, as Jira does.
func (c *compiler[I]) clause(clause Clause, negate bool) func(I) bool {
	switch clause := clause.(type) {
	case Not:
		return c.clause(clause.Clause, !negate)
	case And:
		return c.join(clause, negate, negate)
	case Or:
		return c.join(clause, negate, !negate)
	}
	return c.terminal(clause.(*Terminal), negate)
}

// join compiles a chain of clauses: any of them must hold, or all.
func (c *compiler[I]) join(clauses []Clause, negate, anyOf bool) func(I) bool {
	terms := make([]func(I) bool, len(clauses))
	for i, clause := range clauses {
		terms[i] = c.clause(clause, negate)
	}
	return func(issue I) bool {
		for _, term := range terms {
			if term(issue) == anyOf {
				return anyOf
			}
		}
		return !anyOf
	}
}

func (c *compiler[I]) terminal(t *Terminal, negate bool) func(I) bool {
	f := c.schema.fields[strings.ToLower(t.Field.Name)]
	switch {
	case f == nil || t.Field.Properties != nil:
		c.found.errorf("Field '%s' does not exist or you do not have permission to view it.", t.Field.Name)
		return never
	case t.Operator >= Was:
		return c.history(f, t, negate)
	}
	if !c.checkOperand(f, t) {
		return never
	}
	op := t.Operator
	if negate {
		op = op.inverse()
	}
	if _, empty := t.Operand.(Empty); empty {
		return f.empty(op == Equal || op == Is || op == Like)
	}
	switch {
	case op == Like || op == NotLike:
		return c.text(f, op, t.Operand)
	case f.Kind == Number:
		return c.numbers(f, op, t.Operand)
	case f.Kind == Moment || f.Kind == Day:
		return c.times(f, op, t.Operand)
	}
	return c.values(f, op, t.Operand)
}

// checkOperand reports an operator that the field does not take, and an operand that does
// not go with the operator.
func (c *compiler[I]) checkOperand(f *Field[I], t *Terminal) bool {
	_, empty := t.Operand.(Empty)
	_, list := t.Operand.(List)
	_, call := t.Operand.(Call)
	switch op := t.Operator; {
	case (op == In || op == NotIn) && !list && !call:
		c.found.errorf("Operator '%s' does not support the non-list value '%s' for field '%s'.", op, t.Operand, f.Name)
	case !slices.Contains(operators[f.Kind], op), f.NoEmpty && (op == Is || op == IsNot):
		c.found.errorf("The operator '%s' is not supported by the '%s' field.", op, f.Name)
	case (op == Is || op == IsNot) && !empty:
		c.found.errorf("Operator '%s' does not support the value '%s' for field '%s'.", op, t.Operand, f.Name)
	case f.NoEmpty && empty:
		c.found.errorf("The field '%s' does not support searching for an empty value.", f.Name)
	default:
		return true
	}
	return false
}

// empty tests for a field without a value, or for one with a value.
func (f *Field[I]) empty(want bool) func(I) bool {
	switch {
	case f.Number != nil:
		return func(i I) bool { _, has := f.Number(i); return has != want }
	case f.Time != nil:
		return func(i I) bool { return (f.Time(i) == Never) == want }
	case f.Many != nil:
		return func(i I) bool { return (len(f.Many(i)) == 0) == want }
	case f.One != nil:
		return func(i I) bool { return (f.One(i) == "") == want }
	}
	return func(i I) bool { return (f.Words(i) == nil) == want }
}

// literals flattens an operand into values, EMPTY apart. Functions are evaluated; ok is
// false after a finding.
func (c *compiler[I]) literals(f *Field[I], o Operand) (values []Value, empty, ok bool) {
	switch o := o.(type) {
	case Value:
		if f.Unset != "" && strings.EqualFold(o.Text, f.Unset) {
			return nil, true, true
		}
		return []Value{o}, false, true
	case Empty:
		if f.NoEmpty {
			c.found.errorf("The field '%s' does not support searching for an empty value.", f.Name)
		}
		return nil, true, !f.NoEmpty
	case Call:
		v, known := c.call(f, o)
		return []Value{v}, false, known
	}
	ok = true
	for _, e := range o.(List) {
		v, isEmpty, good := c.literals(f, e)
		values = append(values, v...)
		empty = empty || isEmpty
		ok = ok && good
	}
	if limit := c.env.MaxList; limit > 0 && len(values) > limit {
		c.cuts = append(c.cuts, Cut{f.Name, limit, len(values)})
		values = values[:limit]
	}
	return values, empty, ok
}

// call evaluates a function. The emulated site knows currentUser(), the functions of the
// clock and those of single fields; anything else is unknown to it.
func (c *compiler[I]) call(f *Field[I], call Call) (Value, bool) {
	if strings.EqualFold(call.Name, "currentUser") && len(call.Arguments) == 0 && f.Kind == Choice {
		return Value{Text: c.env.Account}, true
	}
	if f.Call != nil {
		if id, ok := f.Call(call.Name, call.Arguments); ok {
			return Value{Text: id, Number: true}, true
		}
	}
	if f.Kind == Moment || f.Kind == Day {
		if at, ok := clock(call, c.env); ok {
			return millis(at), true
		}
	}
	c.found.errorf("Unable to find JQL function '%s'.", call)
	return Value{}, false
}

// values compiles an operator on a field of ids.
func (c *compiler[I]) values(f *Field[I], op Operator, o Operand) func(I) bool {
	literals, empty, ok := c.literals(f, o)
	var ids []string
	for _, v := range literals {
		found := f.Resolve(v)
		if len(found) == 0 && ok {
			c.unknown(f, v)
			ok = false
		}
		ids = append(ids, found...)
	}
	switch {
	case !ok:
		return never
	case op == Equal || op == In:
		return f.member(ids, empty)
	case op == NotEqual || op == NotIn:
		member, isEmpty := f.member(ids, empty), f.empty(true)
		return func(i I) bool { return !isEmpty(i) && !member(i) }
	}
	return f.ranked(op, ids)
}

// unknown reports a value that does not exist.
func (c *compiler[I]) unknown(f *Field[I], v Value) {
	switch {
	case f.Kind == Key && !v.Number:
		c.found.warnf("An issue with key '%s' does not exist for field '%s'.", v.Text, f.Name)
	case v.Number:
		c.found.warnf("A value with ID '%s' does not exist for the field '%s'.", v.Text, f.Name)
	default:
		c.found.warnf("The value '%s' does not exist for the field '%s'.", v.Text, f.Name)
	}
}

// member tests whether the field has one of the ids, or is empty if empty counts.
func (f *Field[I]) member(ids []string, empty bool) func(I) bool {
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	if f.Many != nil {
		return func(i I) bool {
			have := f.Many(i)
			return empty && len(have) == 0 || slices.ContainsFunc(have, func(id string) bool { return wanted[id] })
		}
	}
	if empty {
		wanted[""] = true
	}
	if len(wanted) == 1 && len(ids) > 0 {
		return func(i I) bool { return f.One(i) == ids[0] }
	}
	return func(i I) bool { return wanted[f.One(i)] }
}

// ranked compares by rank with any of the ids, since several values may share a name.
func (f *Field[I]) ranked(op Operator, ids []string) func(I) bool {
	holds := func(id string) bool {
		scale, rank := f.Rank(id)
		return slices.ContainsFunc(ids, func(other string) bool {
			otherScale, otherRank := f.Rank(other)
			return scale == otherScale && compares(op, int64(rank), int64(otherRank))
		})
	}
	if f.Many != nil {
		return func(i I) bool { return slices.ContainsFunc(f.Many(i), holds) }
	}
	return func(i I) bool { id := f.One(i); return id != "" && holds(id) }
}

func compares(op Operator, a, b int64) bool {
	switch op {
	case Less:
		return a < b
	case LessEqual:
		return a <= b
	case Greater:
		return a > b
	}
	return a >= b
}
