package query

// Simplify returns an expression that matches the same resources of e's schema, in
// a form that planners can take apart:
//
//   - a Not stands before a leaf only, and only if the leaf cannot absorb it;
//   - And and Or are flat and repeat no term;
//   - a value path around one plain comparison becomes that comparison;
//   - an equality replaces all other terms of its And about the same single-valued
//     attribute, or makes the And false;
//   - a Const occurs only as the whole expression.
//
// A nil expression, which everything satisfies, becomes Const(true).
func Simplify(e Expr) Expr { return simplify(e, false) }

// simplify simplifies e, or its negation.
func simplify(e Expr, negated bool) Expr {
	switch e := e.(type) {
	case nil:
		return Const(!negated)
	case Const:
		return Const(bool(e) != negated)
	case Not:
		return simplify(e.Term, !negated)
	case And:
		return combine(e.Terms, negated, !negated)
	case Or:
		return combine(e.Terms, negated, negated)
	case Compare:
		return simplifyCompare(e, negated)
	case Has:
		return simplifyHas(e, negated)
	}
	return negate(e, negated)
}

func negate(e Expr, negated bool) Expr {
	if negated {
		return Not{e}
	}
	return e
}

// simplifyCompare turns a negated eq into ne, and ne into eq, if a resource has at
// most one value at the path: then the two are opposites, absence included.
func simplifyCompare(e Compare, negated bool) Expr {
	if negated && e.Path.Single() {
		switch e.Op {
		case Eq:
			e.Op = Ne
			return e
		case Ne:
			e.Op = Eq
			return e
		}
	}
	return negate(e, negated)
}

func simplifyHas(e Has, negated bool) Expr {
	switch inner := simplify(e.Filter, false).(type) {
	case Const:
		if !inner {
			return Const(negated)
		}
		return negate(e, negated) // some element, even an empty one: not "pr"
	case Or: // some element satisfies a or b: some satisfies a, or some b
		terms := make([]Expr, len(inner.Terms))
		for i, t := range inner.Terms {
			terms[i] = Has{e.Path, t}
		}
		return combine(terms, negated, negated)
	case Compare:
		// "ne" differs: an element without the value satisfies it in brackets.
		if p, ok := e.inside(inner.Path); ok && inner.Op != Ne {
			inner.Path = p
			return simplifyCompare(inner, negated)
		}
		return negate(Has{e.Path, inner}, negated)
	case Present:
		if p, ok := e.inside(inner.Path); ok {
			return negate(Present{p}, negated)
		}
		return negate(Has{e.Path, inner}, negated)
	default:
		return negate(Has{e.Path, inner}, negated)
	}
}

// inside converts a path relative to e's elements to a path of the resource; false
// if there is no such path.
func (e Has) inside(p Path) (Path, bool) {
	switch {
	case e.Path.Sub != nil || p.Sub != nil:
		return Path{}, false
	case e.Path.Attr.Kind != Complex:
		return e.Path, true
	}
	return Path{e.Path.Extension, e.Path.Attr, p.Attr}, true
}

// combine simplifies the terms, or their negations, and joins them by "and" or by
// "or".
func combine(terms []Expr, negated, and bool) Expr {
	flat := make([]Expr, 0, len(terms))
	seen := make(map[string]bool, len(terms))
	add := func(e Expr) {
		if key := e.String(); !seen[key] {
			seen[key] = true
			flat = append(flat, e)
		}
	}
	for _, t := range terms {
		t = simplify(t, negated)
		if c, ok := t.(Const); ok {
			if bool(c) != and {
				return c
			}
			continue
		}
		for _, e := range operands(t, and) {
			add(e)
		}
	}
	if and {
		var possible bool
		if flat, possible = settle(flat); !possible {
			return Const(false)
		}
	}
	switch {
	case len(flat) == 0:
		return Const(and)
	case len(flat) == 1:
		return flat[0]
	case and:
		return And{flat}
	}
	return Or{flat}
}

// operands returns the terms of e if it is an And, or with and false an Or; any
// other e is its own only operand.
func operands(e Expr, and bool) []Expr {
	if a, ok := e.(And); ok && and {
		return a.Terms
	}
	if o, ok := e.(Or); ok && !and {
		return o.Terms
	}
	return []Expr{e}
}

// settle removes conjuncts that follow from an equality on the same
// single-valued attribute. possible is false if one contradicts it.
func settle(terms []Expr) (rest []Expr, possible bool) {
	known := map[Path]Compare{}
	for _, t := range terms {
		if c, ok := t.(Compare); ok && c.Op == Eq && c.Path.Single() {
			if _, again := known[c.Path]; !again {
				known[c.Path] = c
			}
		}
	}
	if len(known) == 0 {
		return terms, true
	}
	used := map[Path]bool{}
	for _, t := range terms {
		p, ok := about(t)
		eq, fixed := known[p]
		if !ok || !fixed {
			rest = append(rest, t)
			continue
		}
		if !holdsOf(t, eq.Value) {
			return nil, false
		}
		if !used[p] {
			used[p] = true
			rest = append(rest, eq)
		}
	}
	return rest, true
}

// about returns the path of a leaf or of its negation; false for a Has.
func about(e Expr) (Path, bool) {
	switch e := e.(type) {
	case Compare:
		return e.Path, true
	case Present:
		return e.Path, true
	case Not:
		return about(e.Term)
	}
	return Path{}, false
}

// holdsOf evaluates a leaf where the attribute's only value is known.
func holdsOf(leaf Expr, v any) bool {
	switch e := leaf.(type) {
	case Compare:
		return e.satisfied(v)
	case Present:
		return present(v, nil)
	case Not:
		return !holdsOf(e.Term, v)
	}
	return false
}
