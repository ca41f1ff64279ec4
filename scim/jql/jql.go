// Package jql translates SCIM filters over issues to JQL, Jira's query language.
//
// A [Compiler] knows the catalogues of a site and turns a filter into a [Plan]:
// JQL that finds every issue that matches, whether it finds others too, and the
// filter that is left to check then. The package asks nothing of Jira. jql.go has
// the table of attributes and puts conditions together, leaf.go translates single
// conditions, text.go writes JQL, plan.go finds filters that need no search.
package jql

import (
	"cmp"
	"slices"
	"strings"

	"scim-atlassian/scim/query"
)

// rule says how comparisons of an attribute become JQL.
type rule uint8

const (
	// Choice: the value is an entry of a catalogue. The filter is evaluated for
	// every entry, so that any operator becomes a list of ids.
	Choice rule = iota
	// Account: as Choice, but comparisons of the account id need no catalogue.
	Account
	// label: eq becomes equality; every other operator asks for issues with any
	// label.
	label
	// instant: milliseconds since 1970, widened to whole minutes, since the
	// precision of Jira's index is not documented.
	instant
	// day: widened by a day, since the zone of Jira's midnight is not known.
	day
	// body: Jira's text search works on tokens and stems, so JQL only asks for
	// issues that have a text.
	body
	// Reference: an issue named by id or key. JQL that names an issue which does
	// not exist is refused or, worse, finds nothing.
	Reference
	// mark: the label of an externalId, see Marker.
	mark
	// constant: the same for all issues.
	constant
)

// column is a row of the translation table.
type column struct {
	attr     string // SCIM attribute
	field    string // JQL field
	Rule     rule
	Kind     CatalogueKind // of Choice and Account
	optional bool          // an issue may have no value
	multi    bool          // an issue may have several values
}

// columns is the translation table. Conditions on other attributes are left to
// the residual filter.
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
	{attr: "externalId", field: "labels", Rule: mark, optional: true},
	{attr: "meta.resourceType", Rule: constant},
}

// Plan says how the issues that match a filter are found: by JQL, or by Names. If
// Exact, every issue that JQL finds matches.
type Plan struct {
	JQL      string
	Exact    bool
	Never    bool     // no issue can match; JQL is empty
	Residual string   // the filter to check on every issue found, empty if Exact
	Names    []string // ids and keys, instead of JQL: no other issue can match
	Cost     int      // expected number of searches and reads, -1 if unknown
}

// Compiler translates filters. Without a catalogue it translates for a human
// reader: names stand for ids, and comparisons that depend on the catalogue
// stand in braces.
type Compiler struct {
	Catalogue *Catalogue
	Bound     []Entry              // the projects to search in
	Issues    map[IssueName]string // ids of the issues that the filter names; without those that do not exist
	Strangers map[string]bool      // ids that are known to belong to no account
	Order     string               // the terms of ORDER BY; empty: by key, an order that is the same on every page
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

// boundary returns the clause that keeps a search within the projects.
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

// part is the translation of a filter, or of one of its terms.
type part struct {
	verdict verdict
	jql     string // of pushed; safe to join with AND and OR
	exact   bool   // else issues that do not match are found too
}

// verdict says which issues a part finds.
type verdict uint8

const (
	opaque     verdict = iota // JQL cannot express the part
	pushed                    // the issues that the part's JQL finds
	everything                // all issues
	nothing                   // no issue
)

func exactly(jql string) part  { return part{pushed, jql, true} }
func superset(jql string) part { return part{pushed, jql, false} }

// settled returns a part that every issue satisfies, or none does.
func settled(satisfied bool) part {
	if satisfied {
		return part{verdict: everything, exact: true}
	}
	return part{verdict: nothing, exact: true}
}

// expr translates a filter.
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

// and joins the terms that JQL can express: each of them narrows the search.
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

// or joins its terms, if JQL can express all of them.
func (c Compiler) or(terms []query.Expr) part {
	exact := true
	var clauses []string
	anyOpaque := false
	for _, t := range terms {
		p := c.expr(t)
		switch p.verdict {
		case everything:
			return p
		case opaque:
			anyOpaque = true
		case pushed:
			exact = exact && p.exact
			clauses = append(clauses, p.jql)
		}
	}
	if anyOpaque {
		return part{}
	}
	if len(clauses) == 0 {
		return settled(false)
	}
	return part{pushed, either(clauses...), exact}
}

// leaf translates a comparison, a presence, a value path, or the negation of one
// of these.
func (c Compiler) leaf(e query.Expr) part {
	inner, negated := e, false
	if n, ok := e.(query.Not); ok {
		inner, negated = n.Term, true
	}
	col, ok := ColumnOf(inner)
	if !ok {
		return part{}
	}
	if col.Rule == mark {
		compare, ok := inner.(query.Compare)
		value, _ := compare.Value.(string)
		return col.marked(value, ok && compare.Op == query.Eq, negated || ok && compare.Op == query.Ne)
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

// IsPresent reports whether a leaf has the operator pr.
func IsPresent(e query.Expr) bool {
	_, ok := e.(query.Present)
	return ok
}

// ColumnOf returns the row of the attribute that a leaf looks at.
func ColumnOf(e query.Expr) (column, bool) {
	name := query.PathOf(e)
	if i := slices.IndexFunc(columns, func(c column) bool { return c.attr == name }); i >= 0 {
		return columns[i], true
	}
	return column{}, false
}
