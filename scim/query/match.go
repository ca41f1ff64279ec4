package query

import (
	"bytes"
	"iter"
	"math"
	"strings"
	"time"
)

// Match reports whether a resource satisfies a filter; every resource satisfies a
// nil filter. It is the one evaluator: lists, value paths of PATCH and the tests of
// plans all go by the rules below. The resource must have the shape of the schema
// that the filter was parsed with; no comparison matches a value of another type.
// Match does not write and, on texts of ordinary length, does not allocate.
//
//   - A path has one value in a single-valued attribute, and one for every
//     element of a multi-valued attribute: the element, or its sub-attribute. A comparison is true if one of them
//     satisfies it (RFC 7644 section 3.4.2.2, "multi-valued attributes").
//   - "ne" is also true if the path has no value, since an absent value is
//     certainly not equal; every other comparison is false then. So on a
//     multi-valued attribute "ne" means "another value, or none", while
//     not(x eq v) means "no such value".
//   - "pr" is false for an empty string, list or complex value: RFC 7643
//     section 2.5 holds these for unassigned. "eq null" parses as not "pr".
//   - Text is compared as caseExact says (RFC 7643 sections 2.2, 7): byte by
//     byte, or after Unicode simple case folding, as strings.EqualFold does.
//     Binary values and references are always case exact (sections 2.3.6,
//     2.3.7). Texts order by the code points of that same form, not by locale.
//     There is no Unicode normalisation.
//   - Numbers compare by value, instants as points in time whatever their
//     offset (RFC 7644 section 3.4.2.2, "gt"). Booleans are equal or not.
//   - path[filter] is true if one element satisfies the whole filter (RFC 7644
//     section 3.4.2.2, "complex attribute filter grouping"); the element is
//     matched as a resource of its own. A single complex value is one element.
func Match(e Expr, o Object) bool {
	switch e := e.(type) {
	case nil:
		return true
	case And:
		for _, t := range e.Terms {
			if !Match(t, o) {
				return false
			}
		}
		return true
	case Or:
		for _, t := range e.Terms {
			if Match(t, o) {
				return true
			}
		}
		return false
	case Not:
		return !Match(e.Term, o)
	case Compare:
		return e.match(o)
	case Present:
		v, ok := attribute(e.Path, o)
		return ok && present(v, e.Path.Sub)
	case Has:
		return e.match(o)
	case Const:
		return bool(e)
	}
	return false
}

// attribute returns the value of p's attribute, leaving Sub to the caller.
func attribute(p Path, o Object) (any, bool) {
	if p.Extension != "" {
		v, _ := o.Get(p.Extension)
		o, _ = v.(Object)
	}
	return o.Get(p.Attr.Name)
}

// present reports whether v, or its sub-attribute sub if that is not nil, has a
// value that is not empty. In a list one element is enough.
func present(v any, sub *Attribute) bool {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if present(e, sub) {
				return true
			}
		}
		return false
	case Object:
		if sub == nil {
			for i := range v {
				if present(v[i].Value, nil) {
					return true
				}
			}
			return false
		}
		inner, ok := v.Get(sub.Name)
		return ok && present(inner, nil)
	case string:
		return v != ""
	}
	return v != nil
}

func (e Has) match(o Object) bool {
	v, ok := attribute(e.Path, o)
	if ok && e.Path.Sub != nil {
		inner, _ := v.(Object)
		v, ok = inner.Get(e.Path.Sub.Name)
	}
	if !ok {
		return false
	}
	list, ok := v.([]any)
	if !ok {
		return matchElement(e.Filter, v)
	}
	for i := range list {
		if matchElement(e.Filter, list[i]) {
			return true
		}
	}
	return false
}

// matchElement matches one element of a list. A simple element is an object with
// the one member "value".
func matchElement(filter Expr, v any) bool {
	if o, ok := v.(Object); ok {
		return Match(filter, o)
	}
	return Match(filter, Object{{"value", v}})
}

func (e *Compare) match(o Object) bool {
	v, ok := attribute(e.Path, o)
	if !ok {
		return e.Op == Ne
	}
	found, matched := e.any(v, e.Path.Sub)
	return matched || !found && e.Op == Ne
}

// any looks at all values in v: found reports whether there is one, matched whether
// one satisfies the comparison.
func (e *Compare) any(v any, sub *Attribute) (found, matched bool) {
	switch v := v.(type) {
	case []any:
		for i := range v {
			f, m := e.any(v[i], sub)
			if m {
				return true, true
			}
			found = found || f
		}
		return found, false
	case Object:
		if sub == nil {
			return true, false
		}
		if inner, ok := v.Get(sub.Name); ok {
			return e.any(inner, nil)
		}
		return false, false
	}
	return true, e.satisfied(v)
}

// Values yields the values at p that Match compares, in order. A complex value that p
// does not lead into is one of them, though it satisfies no comparison.
func (p Path) Values(o Object) iter.Seq[any] {
	return func(yield func(any) bool) {
		if v, ok := attribute(p, o); ok {
			values(v, p.Sub, yield)
		}
	}
}

// values is Values within one value; it reports whether yield wants more.
func values(v any, sub *Attribute, yield func(any) bool) bool {
	switch v := v.(type) {
	case []any:
		for i := range v {
			if !values(v[i], sub, yield) {
				return false
			}
		}
		return true
	case Object:
		if sub == nil {
			return yield(v)
		}
		if inner, ok := v.Get(sub.Name); ok {
			return values(inner, nil, yield)
		}
		return true
	}
	return yield(v)
}

// satisfied compares one value with the literal.
func (e *Compare) satisfied(v any) bool {
	switch v := v.(type) {
	case string:
		return e.satisfiedText(v)
	case bool:
		want, ok := e.Value.(bool)
		return ok && (v == want) == (e.Op == Eq)
	case time.Time:
		want, ok := e.Value.(time.Time)
		return ok && holds(e.Op, v.Truncate(time.Millisecond).Compare(want)) // as AppendJSON shows it
	}
	order, ok := compareNumbers(v, e.Value)
	return ok && holds(e.Op, order)
}

func (e *Compare) satisfiedText(v string) bool {
	want, ok := e.Value.(string)
	switch {
	case !ok:
		return false
	case e.Path.leaf().exact():
		return satisfiedExact(e.Op, v, want)
	case e.Op == Eq:
		return strings.EqualFold(v, want)
	case e.Op == Ne:
		return !strings.EqualFold(v, want)
	}
	var stack [256]byte
	text := AppendFold(stack[:0], v)
	switch e.Op {
	case Co:
		return bytes.Contains(text, e.folded)
	case Sw:
		return bytes.HasPrefix(text, e.folded)
	case Ew:
		return bytes.HasSuffix(text, e.folded)
	}
	return holds(e.Op, bytes.Compare(text, e.folded))
}

func satisfiedExact(op Op, v, want string) bool {
	switch op {
	case Co:
		return strings.Contains(v, want)
	case Sw:
		return strings.HasPrefix(v, want)
	case Ew:
		return strings.HasSuffix(v, want)
	}
	return holds(op, strings.Compare(v, want))
}

// holds reports whether the operator is true of two values that compare as order
// says: negative, zero or positive.
func holds(op Op, order int) bool {
	switch op {
	case Eq:
		return order == 0
	case Ne:
		return order != 0
	case Gt:
		return order > 0
	case Ge:
		return order >= 0
	case Lt:
		return order < 0
	case Le:
		return order <= 0
	}
	return false
}

// compareNumbers orders two int64 or float64 exactly, without the loss that
// converting a large int64 to float64 would bring. ok is false unless both are
// numbers.
func compareNumbers(a, b any) (order int, ok bool) {
	switch a := a.(type) {
	case int64:
		switch b := b.(type) {
		case int64:
			return compare(a, b), true
		case float64:
			return compareMixed(a, b), true
		}
	case float64:
		switch b := b.(type) {
		case int64:
			return -compareMixed(b, a), true
		case float64:
			return compare(a, b), true
		}
	}
	return 0, false
}

func compareMixed(i int64, f float64) int {
	switch {
	case f >= 1<<63:
		return -1
	case f < -1<<63:
		return 1
	}
	whole := math.Trunc(f)
	if order := compare(i, int64(whole)); order != 0 {
		return order
	}
	return compare(whole, f)
}

func compare[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
