package table

import (
	"math"
	"math/bits"
	"time"

	"scim-atlassian/scim/query"
)

// search finds the rows that satisfy a filter. Its caller holds the read lock of the
// table.
type search struct {
	*Table
	// completed says that rows are matched with what the server adds. Columns tell
	// then only of attributes that it adds nothing to.
	completed bool
}

// find returns the rows within a set that surely satisfy a filter, and those that may;
// the first is a part of the second.
func (s search) find(e query.Expr, within set) (sure, maybe set) {
	switch e := e.(type) {
	case nil:
		return within, within
	case query.Const:
		if e {
			return within, within
		}
		none := make(set, len(within))
		return none, none
	case query.And:
		return s.all(e.Terms, within)
	case query.Or:
		return s.any(e.Terms, within)
	case query.Not:
		sure, maybe = s.find(e.Term, within)
		return within.without(maybe), within.without(sure)
	case query.Has:
		return make(set, len(within)), s.mayHave(e, within)
	}
	return s.leaf(e, within)
}

func (s search) all(terms []query.Expr, within set) (sure, maybe set) {
	sure, maybe = within, within
	for _, t := range terms {
		certain, possible := s.find(t, maybe)
		sure, maybe = sure.and(certain), possible
	}
	return sure, maybe
}

func (s search) any(terms []query.Expr, within set) (sure, maybe set) {
	sure, maybe = make(set, len(within)), make(set, len(within))
	for _, t := range terms {
		certain, possible := s.find(t, within.without(sure))
		sure, maybe = sure.or(certain), maybe.or(possible)
	}
	return sure, maybe
}

func (s search) leaf(e query.Expr, within set) (sure, maybe set) {
	if !s.completed || unaltered(e) {
		if c := s.column(e); c != nil {
			if sure, maybe, ok := c.match(e, within); ok {
				return sure, maybe
			}
		}
	}
	return make(set, len(within)), within
}

// unaltered reports whether a leaf looks at an attribute that completing a resource
// does not change: one with a single simple value.
func unaltered(e query.Expr) bool {
	_, p := columnFor(e)
	return p.Attr != nil && p.Attr.Kind != query.Complex && !p.Attr.MultiValued && p.Attr.Name != "schemas"
}

// mayHave returns rows within a set among which are all that satisfy a value path.
func (s search) mayHave(e query.Has, within set) set {
	outer, ok := outward(e, e.Filter)
	if !ok {
		return within
	}
	_, maybe := s.find(outer, within)
	return maybe
}

// outward turns a filter over elements of e's attribute into one over resources
// that is true of all resources with an element that satisfies it. ok is false if
// there is none but the one that is always true.
func outward(e query.Has, inner query.Expr) (outer query.Expr, ok bool) {
	switch inner := inner.(type) {
	case query.And:
		var terms []query.Expr
		for _, t := range inner.Terms {
			if out, ok := outward(e, t); ok {
				terms = append(terms, out)
			}
		}
		return query.And{Terms: terms}, len(terms) > 0
	case query.Or:
		terms := make([]query.Expr, len(inner.Terms))
		for i, t := range inner.Terms {
			if terms[i], ok = outward(e, t); !ok {
				return nil, false
			}
		}
		return query.Or{Terms: terms}, true
	case query.Present:
		p, ok := outwardPath(e, inner.Path)
		return query.Present{Path: p}, ok
	case query.Compare:
		p, ok := outwardPath(e, inner.Path)
		if !ok || inner.Op == query.Ne { // an element without the value satisfies "ne"
			return nil, false
		}
		return query.NewCompare(p, inner.Op, inner.Value), true
	}
	return nil, false
}

func outwardPath(e query.Has, p query.Path) (query.Path, bool) {
	if e.Path.Sub != nil || p.Sub != nil || e.Path.Attr.Kind != query.Complex {
		return query.Path{}, false
	}
	return query.Path{Extension: e.Path.Extension, Attr: e.Path.Attr, Sub: p.Attr}, true
}

// matching returns the rows that satisfy a filter. Those of which the columns are not
// sure are unpacked and matched.
// scanned is how many of them had to be looked at by themselves.
func (t *Table) matching(e query.Expr, s *state) (found set, scanned int) {
	live := s.live()
	sure, maybe := search{Table: t}.find(e, live)
	pick := s.Picker(membersOf(e)...)
	found = sure.or(nil)
	for i, word := range maybe.without(sure) {
		scanned += bits.OnesCount64(word)
		for ; word != 0; word &= word - 1 {
			at := lowest(word)
			if query.Match(e, pick.Pick(s.blocks[i].row(at))) {
				found[i] |= 1 << at
			}
		}
	}
	return found, scanned
}

// membersOf lists the members of a resource that a filter looks at.
func membersOf(e query.Expr) []string {
	var names []string
	for leaf := range query.Leaves(e) {
		switch leaf := leaf.(type) {
		case query.Compare:
			names = append(names, memberOf(leaf.Path))
		case query.Present:
			names = append(names, memberOf(leaf.Path))
		case query.Has:
			names = append(names, memberOf(leaf.Path))
		}
	}
	return names
}

// lowest is the index of the lowest bit.
func lowest(word uint64) int { return bits.TrailingZeros64(word) }

// interval returns the milliseconds for which a comparison with an instant is true: those
// from least to most, or all others if inside is false.
func interval(op query.Op, want time.Time) (least, most int64, inside bool) {
	at := want.UnixMilli()
	whole := want.Nanosecond()%1e6 == 0
	below, above := at, at+1 // the last that is before want, the first that is after it
	if whole {
		below = at - 1
	}
	switch op {
	case query.Eq, query.Ne:
		if !whole {
			return 1, 0, op == query.Eq // no millisecond is equal
		}
		return at, at, op == query.Eq
	case query.Gt:
		return above, math.MaxInt64, true
	case query.Ge:
		return below + 1, math.MaxInt64, true
	case query.Lt:
		return math.MinInt64, below, true
	case query.Le:
		return math.MinInt64, at, true
	}
	return 1, 0, true // such operators look inside texts
}
