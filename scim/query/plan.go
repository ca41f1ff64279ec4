package query

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Lookup is a search that upstream offers: it finds the resources in which an
// attribute equals a text. It must find all of them, by the case rule of the
// attribute; it may find others too.
type Lookup struct {
	Path  string // canonical name of the attribute: "userName", "members.value"
	Name  string // its name in plans, usually the path
	Exact bool   // it finds no other resources than those that match

	// Cost is how many upstream calls it takes to look a value up, as far as that
	// is known beforehand, -1 if this value cannot be looked up; nil: one.
	Cost func(value string) int
	// Most is how many upstream calls the lookup takes at most, -1 if that is
	// unknown; nil: as many as Cost says.
	Most func(value string) int
}

// probe returns the lookup of a value, at the price that is known now.
func (l Lookup) probe(value string) Probe {
	p := Probe{Name: l.Name, Path: l.Path, Value: value, Exact: l.Exact, Cost: 1}
	if l.Cost != nil {
		p.Cost = l.Cost(value)
	}
	p.Most = p.Cost
	if l.Most != nil {
		p.Most = l.Most(value)
	}
	return p
}

// Table lists the lookups for one resource type, the preferred ones first.
type Table []Lookup

// Stats holds the facts about the resources that a plan depends on.
type Stats struct {
	Scan   int           // upstream calls that it takes to read all, -1 if unknown
	Unsure bool          // it may take more
	Kept   bool          // a snapshot exists, and Scan is the cost of bringing it up to date
	Age    time.Duration // of the snapshot
	// Beside is how many upstream calls the answer takes besides, whichever way its
	// resources are found, -1 if unknown.
	Beside int
}

// PlanKind is the way in which a Plan finds resources.
type PlanKind uint8

// The kinds of plan.
const (
	PlanEmpty  PlanKind = iota // nothing can match, so nothing is called
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
	Cost  int // upstream calls expected
	Most  int // upstream calls at most, -1 if unknown
}

func (p Probe) String() string { return p.Name + "=" + string(appendString(nil, p.Value)) }

// Plan says how to find the resources that a filter matches. Whoever runs it
// matches the whole filter again on the resources found; Residual and Exact say
// whether that can drop any.
type Plan struct {
	Kind     PlanKind
	Lookups  []Probe
	Residual Expr // the part of the filter that the probes do not settle, nil if Exact
	Exact    bool // the resources found are those that match, so upstream's count is the total
	Cost     int  // upstream calls expected, -1 if unknown
	Most     int  // upstream calls at most, -1 if unknown; 0 if Cost is the limit
	Kept     bool // a scan of the snapshot
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
	switch {
	case p.Most < 0 && p.Cost >= 0:
		b.WriteString(" most=?")
	case p.Cost >= 0 && p.Most > p.Cost:
		fmt.Fprintf(&b, " most=%d", p.Most)
	}
	if p.Kept {
		fmt.Fprintf(&b, " snapshot=%s", p.Age.Truncate(time.Second))
	}
	return b.String()
}

// Scan returns the plan that reads all resources. A nil filter matches all of them.
func Scan(e Expr, st Stats) Plan {
	e = Simplify(e)
	p := Plan{Kind: PlanScan, Residual: e, Cost: st.Scan, Kept: st.Kept, Age: st.Age}
	if st.Unsure {
		p.Most = -1
	}
	p.addBeside(st)
	if c, ok := e.(Const); ok && bool(c) {
		p.Residual, p.Exact = nil, true
	}
	return p
}

// Choose returns the cheapest plan for a filter; a nil filter matches everything.
//
// An And is looked up if one of its terms can be, by the cheapest such term; an Or
// if every term can be; a Not only if Simplify removes it. Of equally cheap
// lookups the one that comes first in the table wins, then the one that comes
// first in the filter. Choose returns a scan if the filter cannot be looked up, or
// if the scan is known to be cheaper. But it prefers a lookup that costs one call
// even to a snapshot that costs none: a client that looks up a name is about to
// create or change the resource of that name, and needs it as it is now.
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
	if !ok || a.cost > 1 && st.Scan >= 0 && st.Scan < a.cost {
		return scan
	}
	kind := PlanUnion
	if len(a.probes) == 1 {
		kind = PlanLookup
	}
	p := Plan{Kind: kind, Lookups: a.probes, Residual: a.rest, Exact: a.rest == nil, Cost: a.cost, Most: most(a.probes)}
	p.addBeside(st)
	return p
}

// addBeside adds what the answer costs besides. What is unknown of that counts as one call.
func (p *Plan) addBeside(st Stats) {
	beside := st.Beside
	if beside < 0 {
		beside, p.Most = 1, -1
	}
	if p.Cost >= 0 {
		p.Cost += beside
	}
	if p.Most > 0 {
		p.Most += beside
	}
}

// Priced returns the plan with its lookups, which are of table, at the price that
// is known now: once they were made, that is more than Choose knew. st says what the
// answer costs besides.
func (p Plan) Priced(table Table, st Stats) Plan {
	p.Lookups, p.Cost = slices.Clone(p.Lookups), 0
	for i, probe := range p.Lookups {
		at := slices.IndexFunc(table, func(l Lookup) bool { return l.Path == probe.Path })
		p.Lookups[i] = table[at].probe(probe.Value)
		p.Cost += p.Lookups[i].Cost
	}
	p.Most = most(p.Lookups)
	p.addBeside(st)
	return p
}

// most is how many upstream calls probes take together at most, -1 if that is
// unknown of one.
func most(probes []Probe) int {
	var sum int
	for _, p := range probes {
		if p.Most < 0 {
			return -1
		}
		sum += p.Most
	}
	return sum
}

type chooser struct{ table Table }

// access is a set of probes that together find all that an expression matches.
type access struct {
	probes []Probe
	keys   []string // one for each probe; probes with equal keys find the same
	rest   Expr     // the part that the probes do not settle; nil: they settle all
	cost   int      // upstream calls
	rank   int      // row of the first probe in the table
}

// access returns the cheapest probes that find all that e matches. prefix names the
// attribute in whose value path e stands, with a dot.
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
		probe := l.probe(value)
		if probe.Cost < 0 {
			continue
		}
		a := access{
			probes: []Probe{probe},
			keys:   []string{l.Name + "=" + string(e.folded)},
			cost:   probe.Cost, rank: rank,
		}
		if !l.Exact {
			a.rest = e
		}
		return a, true
	}
	return access{}, false
}

// cheapest looks up one term and leaves the others to be checked.
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

// union looks up every term, equal probes once.
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
