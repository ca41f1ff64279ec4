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

// Rule says how comparisons of an attribute become JQL.
type Rule uint8

const (
	// Choice: the value is an entry of a catalogue. The filter is evaluated for
	// every entry, so that any operator becomes a list of ids.
	Choice Rule = iota
	// Account: as Choice, but comparisons of the account id need no catalogue.
	Account
	// Label: eq becomes equality; every other operator asks for issues with any
	// label.
	Label
	// Instant: milliseconds since 1970, widened to whole minutes, since the
	// precision of Jira's index is not documented.
	Instant
	// Day: widened by a day, since the zone of Jira's midnight is not known.
	Day
	// Body: Jira's text search works on tokens and stems, so JQL only asks for
	// issues that have a text. So it does for values that JQL that names an
	// unknown one would refuse.
	Body
	// Number: compared as numbers.
	Number
	// Literal: eq of a text becomes equality, which may find other cases of it too.
	Literal
	// Option: as Literal for the known values, since JQL refuses others; see
	// Column.Known.
	Option
	// Reference: an issue named by id or key. JQL that names an issue which does
	// not exist is refused or, worse, finds nothing.
	Reference
	// mark: the label of an externalId, see Marker.
	mark
	// constant: the same for all issues.
	constant
)

// Column is a row of the translation table.
type Column struct {
	Attr      string // SCIM attribute
	Extension string // URN of the schema extension that it is in; empty: none
	Field     string // JQL field
	Rule      Rule
	Kind      CatalogueKind // of Choice and Account
	Optional  bool          // an issue may have no value
	Multi     bool          // an issue may have several values
	Known     []string      // of Option
}

// columns is the translation table of the attributes that every issue has. Conditions on
// attributes without a row are left to the residual filter.
var columns = Table{
	{Attr: "id", Field: "id", Rule: Reference},
	{Attr: "key", Field: "key", Rule: Reference},
	{Attr: "project", Field: "project", Kind: ProjectCatalogue},
	{Attr: "issueType", Field: "issuetype", Kind: TypeCatalogue},
	{Attr: "description", Field: "description", Rule: Body},
	{Attr: "environment", Field: "environment", Rule: Body, Optional: true},
	{Attr: "status", Field: "status", Kind: StatusCatalogue},
	{Attr: "priority", Field: "priority", Kind: PriorityCatalogue, Optional: true},
	{Attr: "resolution", Field: "resolution", Kind: ResolutionCatalogue, Optional: true},
	{Attr: "assignee", Field: "assignee", Rule: Account, Kind: AccountCatalogue, Optional: true},
	{Attr: "reporter", Field: "reporter", Rule: Account, Kind: AccountCatalogue, Optional: true},
	{Attr: "creator", Field: "creator", Rule: Account, Kind: AccountCatalogue, Optional: true},
	{Attr: "labels", Field: "labels", Rule: Label, Optional: true, Multi: true},
	{Attr: "components", Field: "component", Kind: ComponentCatalogue, Optional: true, Multi: true},
	{Attr: "fixVersions", Field: "fixVersion", Kind: VersionCatalogue, Optional: true, Multi: true},
	{Attr: "affectsVersions", Field: "affectedVersion", Kind: VersionCatalogue, Optional: true, Multi: true},
	{Attr: "securityLevel", Field: "level", Rule: Body, Optional: true},
	{Attr: "parent", Field: "parent", Rule: Reference, Optional: true},
	{Attr: "dueDate", Field: "due", Rule: Day, Optional: true},
	{Attr: "created", Field: "created", Rule: Instant},
	{Attr: "meta.created", Field: "created", Rule: Instant},
	{Attr: "updated", Field: "updated", Rule: Instant},
	{Attr: "meta.lastModified", Field: "updated", Rule: Instant},
	{Attr: "resolved", Field: "resolved", Rule: Instant, Optional: true},
	{Attr: "externalId", Field: "labels", Rule: mark, Optional: true},
	{Attr: "meta.resourceType", Rule: constant},
}

// Table is a translation table. nil is the one of the attributes that every issue has.
type Table []Column

// With returns the table with the rows of more attributes.
func (t Table) With(more ...Column) Table {
	if t == nil {
		t = columns
	}
	return append(t[:len(t):len(t)], more...)
}

// Of returns the row of the attribute that a leaf looks at.
func (t Table) Of(e query.Expr) (Column, bool) {
	if t == nil {
		t = columns
	}
	name := query.PathOf(e)
	if i := slices.IndexFunc(t, func(c Column) bool { return c.Attr == name }); i >= 0 {
		return t[i], true
	}
	return Column{}, false
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
	Table     Table                // of the attributes
	Careful   bool                 // name no value of an Option: Jira does not know one of them
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
	col, ok := c.Table.Of(inner)
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
	case Label:
		return col.label(compare, negated)
	case Instant:
		return col.instant(compare, negated)
	case Day:
		return col.day(compare, negated)
	case Number:
		return col.number(compare, negated)
	case Literal, Option:
		return col.literalText(compare, negated, c.Careful)
	}
	return col.someText(compare, negated)
}

// IsPresent reports whether a leaf has the operator pr.
func IsPresent(e query.Expr) bool {
	_, ok := e.(query.Present)
	return ok
}
