package jql

import (
	"cmp"
	"slices"
	"strings"

	"scim-atlassian/scim/query"
)

// rule is how comparisons of an attribute become JQL.
type rule uint8

const (
	// Choice: one of a catalogue. A filter is decided for every entry here,
	// so that any operator becomes a list of ids.
	Choice rule = iota
	// Account: as choice, but the accountId alone needs no catalogue.
	Account
	// label: equality is Jira's, everything else asks for any label.
	label
	// instant: milliseconds since 1970, widened to whole minutes, since what
	// Jira's index keeps of a second is not documented.
	instant
	// day: widened by a day, since the zone of Jira's midnight is not known.
	day
	// body: Jira's text search is tokenised and stemmed; all that is pushed
	// is that there is a text.
	body
	// Reference: an issue named by id or key, which Jira refuses or, worse,
	// finds nothing for if it does not exist.
	Reference
	// constant: the same for all issues.
	constant
)

// column is a row of the translation table.
type column struct {
	attr     string // SCIM attribute
	field    string // JQL field
	Rule     rule
	Kind     CatalogueKind // of choice and account
	optional bool          // an issue may have none
	multi    bool
}

// columns is the translation table. What is not in it is not pushed down.
var columns = []column{
	{attr: "id", field: "id", Rule: Reference},
	{attr: "key", field: "key", Rule: Reference},
	{attr: "project", field: "project", Kind: ProjectCatalogue},
	{attr: "issueType", field: "issuetype", Kind: TypeCatalogue},
	{attr: "description", field: "description", Rule: body},
	{attr: "status", field: "status", Kind: StatusCatalogue},
	{attr: "priority", field: "priority", Kind: PriorityCatalogue, optional: true},
	{attr: "resolution", field: "resolution", Kind: ResolutionCatalogue, optional: true},
	{attr: "assignee", field: "assignee", Rule: Account, Kind: accountCatalogue, optional: true},
	{attr: "reporter", field: "reporter", Rule: Account, Kind: accountCatalogue, optional: true},
	{attr: "creator", field: "creator", Rule: Account, Kind: accountCatalogue, optional: true},
	{attr: "labels", field: "labels", Rule: label, optional: true, multi: true},
	{attr: "components", field: "component", Kind: ComponentCatalogue, optional: true, multi: true},
	{attr: "fixVersions", field: "fixVersion", Kind: VersionCatalogue, optional: true, multi: true},
	{attr: "parent", field: "parent", Rule: Reference, optional: true},
	{attr: "dueDate", field: "due", Rule: day, optional: true},
	{attr: "created", field: "created", Rule: instant},
	{attr: "meta.created", field: "created", Rule: instant},
	{attr: "updated", field: "updated", Rule: instant},
	{attr: "meta.lastModified", field: "updated", Rule: instant},
	{attr: "resolved", field: "resolved", Rule: instant, optional: true},
	{attr: "externalId", Rule: constant},
	{attr: "meta.resourceType", Rule: constant},
}

// Plan is a filter in JQL. The JQL finds all that match, and nothing else
// if Exact.
type Plan struct {
	JQL      string
	Exact    bool
	Never    bool     // nothing can match; JQL is empty
	Residual string   // what has to be checked afterwards, empty if Exact
	Names    []string // the ids and keys of the issues that alone can match, instead of JQL
	Cost     int      // searches and reads expected, -1 if unknown
}

// Compiler translates filters. Without a catalogue it translates for the
// reader: names stand for ids, and comparisons that depend on the catalogue
// stand in braces.
type Compiler struct {
	Catalogue *Catalogue
	Bound     []Entry              // the projects that may be searched
	Issues    map[IssueName]string // ids of the issues the filter names, as far as they exist
	Strangers map[string]bool      // ids that no account has, as far as that is known
	Order     string               // ORDER BY; empty: any order that is the same on every page
}

// Compile translates a filter in the form that query.Simplify gives it.
func (c Compiler) Compile(e query.Expr) Plan {
	p := c.expr(e)
	if p.verdict == nothing || c.Catalogue != nil && len(c.Bound) == 0 {
		return Plan{Exact: true, Never: true}
	}
	clauses := []string{c.boundary()}
	if p.verdict == pushed {
		clauses = append(clauses, p.jql)
	}
	out := Plan{
		JQL:   strings.Join(clauses, " AND ") + " ORDER BY " + cmp.Or(c.Order, "key ASC"),
		Cost:  -1,
		Exact: p.exact && p.verdict != opaque,
	}
	if !out.Exact {
		out.Residual = e.String()
	}
	return out
}

func (c Compiler) boundary() string {
	if c.Catalogue == nil {
		return "project IN {configured}"
	}
	ids := make([]string, 0, len(c.Bound))
	for _, p := range c.Bound {
		ids = append(ids, p.ID)
	}
	return among("project", "IN", ids)
}

// part is the translation of a part of a filter.
type part struct {
	verdict verdict
	jql     string // of pushed; safe to join with AND and OR
	exact   bool   // otherwise a superset
}

type verdict uint8

const (
	opaque     verdict = iota // JQL cannot say anything about it
	pushed                    // jql says it, exactly or as a superset
	everything                // all issues satisfy it
	nothing                   // none does
)

func exactly(jql string) part  { return part{pushed, jql, true} }
func superset(jql string) part { return part{pushed, jql, false} }

func settled(v bool) part {
	if v {
		return part{verdict: everything, exact: true}
	}
	return part{verdict: nothing, exact: true}
}

func (c Compiler) expr(e query.Expr) part {
	switch e := e.(type) {
	case nil:
		return settled(true)
	case query.Const:
		return settled(bool(e))
	case query.And:
		return c.and(e.Terms)
	case query.Or:
		return c.or(e.Terms)
	}
	return c.leaf(e)
}

// and pushes what it can: each conjunct narrows the search on its own.
func (c Compiler) and(terms []query.Expr) part {
	out := part{verdict: everything, exact: true}
	var clauses []string
	for _, t := range terms {
		p := c.expr(t)
		switch p.verdict {
		case nothing:
			return p
		case opaque:
			out.exact = false
			if out.verdict == everything {
				out.verdict = opaque
			}
		case pushed:
			out.verdict = pushed
			out.exact = out.exact && p.exact
			clauses = append(clauses, p.jql)
		}
	}
	out.jql = strings.Join(clauses, " AND ")
	return out
}

// or pushes all branches or none.
func (c Compiler) or(terms []query.Expr) part {
	exact := true
	var clauses []string
	hidden := false
	for _, t := range terms {
		p := c.expr(t)
		switch p.verdict {
		case everything:
			return p
		case opaque:
			hidden = true
		case pushed:
			exact = exact && p.exact
			clauses = append(clauses, p.jql)
		}
	}
	if hidden {
		return part{}
	}
	if len(clauses) == 0 {
		return settled(false)
	}
	return part{pushed, either(clauses...), exact}
}

// leaf translates a comparison, a presence, a value path or one of these
// negated.
func (c Compiler) leaf(e query.Expr) part {
	inner, negated := e, false
	if n, ok := e.(query.Not); ok {
		inner, negated = n.Term, true
	}
	col, ok := ColumnOf(inner)
	if !ok {
		return part{}
	}
	if IsPresent(inner) && col.Rule != Reference && col.Rule != constant {
		return col.present(negated)
	}
	switch col.Rule {
	case Choice:
		return c.choice(col, e)
	case Account:
		return c.account(col, e)
	case Reference:
		return c.reference(col, e)
	case constant:
		meta := query.Object{{Name: "resourceType", Value: "Issue"}}
		return settled(query.Match(e, query.Object{{Name: "meta", Value: meta}}))
	}
	compare, ok := inner.(query.Compare)
	if !ok {
		return part{}
	}
	switch col.Rule {
	case label:
		return col.label(compare, negated)
	case instant:
		return col.instant(compare, negated)
	case day:
		return col.day(compare, negated)
	}
	return col.someText(compare, negated)
}

func IsPresent(e query.Expr) bool {
	_, ok := e.(query.Present)
	return ok
}

// ColumnOf finds the row of the attribute that a leaf is about.
func ColumnOf(e query.Expr) (column, bool) {
	name := query.PathOf(e)
	if i := slices.IndexFunc(columns, func(c column) bool { return c.attr == name }); i >= 0 {
		return columns[i], true
	}
	return column{}, false
}
