package query

import (
	"fmt"
	"strings"
	"time"
)

// Lookup is a row of the table of what an upstream can find without looking at
// everything: the resources where an attribute equals a text. It must answer
// completely by the attribute's case rule; it may answer more.
type Lookup struct {
	Path  string // canonical name of the attribute: "userName", "members.value"
	Name  string // what plans call it, usually the path
	Exact bool   // it answers nothing but what matches

	// Cost is how many upstream calls it takes to look a value up, as far as that
	// is known beforehand; nil: one.
	Cost func(value string) int
}

// Table is what one resource type's upstream can look up, the preferred first.
type Table []Lookup

// Stats is what is known about the resources when a plan is made.
type Stats struct {
	Scan int           // upstream calls it takes to read all, -1 if unknown
	Kept bool          // all were read before, and only what has changed since costs calls
	Age  time.Duration // since then
}

// PlanKind names how a Plan gets at resources.
type PlanKind uint8

// The kinds of plan.
const (
	PlanEmpty  PlanKind = iota // nothing can match, nothing is called
	PlanLookup                 // one lookup
	PlanUnion                  // all Lookups together, each resource once
	PlanScan                   // everything there is
)

var planNames = [...]string{"empty", "lookup", "union", "scan"}

func (k PlanKind) String() string { return planNames[k] }

// Probe is one lookup to be made.
type Probe struct {
	Name  string // of the Lookup
	Path  string // of the Lookup
	Value string // as the filter wrote it
	Exact bool
	Cost  int
}

func (p Probe) String() string { return p.Name + "=" + string(appendString(nil, p.Value)) }

// Plan says where the resources that a filter asks for are found. Whoever runs
// it matches the whole filter again on what comes back; Residual and Exact say
// whether that can change anything.
type Plan struct {
	Kind     PlanKind
	Lookups  []Probe
	Residual Expr // what the probes leave to check, nil if Exact
	Exact    bool // what comes back is what matches, so upstream's count is the total
	Cost     int  // upstream calls expected, -1 if unknown
	Kept     bool // a scan of what was read before
	Age      time.Duration
}

// String is the plan on one line, always the same for the same plan.
func (p Plan) String() string {
	var b strings.Builder
	b.WriteString(p.Kind.String())
	switch p.Kind {
	case PlanLookup:
		fmt.Fprintf(&b, " %s", p.Lookups[0])
	case PlanUnion:
		b.WriteByte('(')
		for i, probe := range p.Lookups {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(probe.String())
		}
		b.WriteByte(')')
	}
	if p.Exact {
		b.WriteString(" exact")
	} else {
		fmt.Fprintf(&b, " residual=(%s)", p.Residual)
	}
	if p.Cost < 0 {
		b.WriteString(" cost=?")
	} else {
		fmt.Fprintf(&b, " cost=%d", p.Cost)
	}
	if p.Kept {
		fmt.Fprintf(&b, " snapshot=%s", p.Age.Truncate(time.Second))
	}
	return b.String()
}

// Scan is the plan that reads everything, for whatever filter, nil standing for
// none.
func Scan(e Expr, st Stats) Plan {
	e = Simplify(e)
	p := Plan{Kind: PlanScan, Residual: e, Cost: st.Scan, Kept: st.Kept, Age: st.Age}
	if c, ok := e.(Const); ok && bool(c) {
		p.Residual, p.Exact = nil, true
	}
	return p
}

// Choose finds the cheapest plan for a filter, nil standing for everything. Of a
// conjunction one term that can be looked up is enough, and the cheapest is
// taken; a disjunction is looked up if every branch can be; what follows from
// not is what Simplify makes of it. Of equally cheap plans the one whose lookup
// comes first in the table wins, then the one written first. A scan is chosen
// where nothing can be looked up, or where it is known to be cheaper; but one
// call is never too dear for an answer of now, even if all that was read before
// costs nothing: who looks up a name is about to create or change what has it.
func Choose(e Expr, table Table, st Stats) Plan {
	scan := Scan(e, st)
	e = Simplify(e)
	if c, ok := e.(Const); ok {
		if !c {
			return Plan{Kind: PlanEmpty, Exact: true}
		}
		return scan
	}
	a, ok := chooser{table}.access(e, "")
	if !ok || a.cost > 1 && scan.Cost >= 0 && scan.Cost < a.cost {
		return scan
	}
	kind := PlanUnion
	if len(a.probes) == 1 {
		kind = PlanLookup
	}
	return Plan{Kind: kind, Lookups: a.probes, Residual: a.rest, Exact: a.rest == nil, Cost: a.cost}
}

type chooser struct{ table Table }

// access is a set of probes that together find all that an expression matches.
type access struct {
	probes []Probe
	keys   []string // of the probes: equal ones find the same
	rest   Expr     // what is left to check, nil for nothing
	cost   int
	rank   int // of the first probe in the table
}

// access finds the cheapest way to what e matches. prefix is the attribute in
// whose value path e stands, with a dot.
func (c chooser) access(e Expr, prefix string) (access, bool) {
	switch e := e.(type) {
	case Compare:
		return c.lookup(e, prefix)
	case And:
		return c.cheapest(e, prefix)
	case Or:
		return c.union(e, prefix)
	case Has:
		a, ok := c.access(e.Filter, prefix+e.Path.String()+".")
		a.rest = e
		return a, ok
	}
	return access{}, false
}

func (c chooser) lookup(e Compare, prefix string) (access, bool) {
	value, ok := e.Value.(string)
	if !ok || e.Op != Eq {
		return access{}, false
	}
	path := prefix + e.Path.String()
	for rank, l := range c.table {
		if l.Path != path {
			continue
		}
		cost := 1
		if l.Cost != nil {
			cost = l.Cost(value)
		}
		a := access{
			probes: []Probe{{l.Name, l.Path, value, l.Exact, cost}},
			keys:   []string{l.Name + "=" + string(e.folded)},
			cost:   cost, rank: rank,
		}
		if !l.Exact {
			a.rest = e
		}
		return a, true
	}
	return access{}, false
}

// cheapest takes one conjunct and leaves the others to be checked.
func (c chooser) cheapest(e And, prefix string) (best access, found bool) {
	var taken int
	for i, t := range e.Terms {
		a, ok := c.access(t, prefix)
		if ok && (!found || a.cost < best.cost || a.cost == best.cost && a.rank < best.rank) {
			best, found, taken = a, true, i
		}
	}
	if !found {
		return access{}, false
	}
	var rest []Expr
	for i, t := range e.Terms {
		if i != taken {
			rest = append(rest, t)
		} else if best.rest != nil {
			rest = append(rest, best.rest)
		}
	}
	best.rest = And{rest}
	if len(rest) == 1 {
		best.rest = rest[0]
	}
	return best, true
}

// union takes every branch, each distinct probe once.
func (c chooser) union(e Or, prefix string) (access, bool) {
	var all access
	seen := map[string]bool{}
	for i, t := range e.Terms {
		a, ok := c.access(t, prefix)
		if !ok {
			return access{}, false
		}
		if i == 0 {
			all.rank = a.rank
		}
		if a.rest != nil {
			all.rest = e
		}
		for j, probe := range a.probes {
			if key := a.keys[j]; !seen[key] {
				seen[key] = true
				all.probes = append(all.probes, probe)
				all.keys = append(all.keys, key)
				all.cost += probe.Cost
			}
		}
	}
	return all, true
}
