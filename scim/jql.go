package scim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"scim-atlassian/scim/query"
)

// rule is how comparisons of an attribute become JQL.
type rule uint8

const (
	// choice: one of a catalogue. A filter is decided for every entry here,
	// so that any operator becomes a list of ids.
	choice rule = iota
	// account: as choice, but the accountId alone needs no catalogue.
	account
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
	// reference: an issue named by id or key, which Jira refuses or, worse,
	// finds nothing for if it does not exist.
	reference
	// constant: the same for all issues.
	constant
)

// column is a row of the translation table.
type column struct {
	attr     string // SCIM attribute
	field    string // JQL field
	rule     rule
	kind     catalogueKind // of choice and account
	optional bool          // an issue may have none
	multi    bool
}

// columns is the translation table. What is not in it is not pushed down.
var columns = []column{
	{attr: "id", field: "id", rule: reference},
	{attr: "key", field: "key", rule: reference},
	{attr: "project", field: "project", kind: projectCatalogue},
	{attr: "issueType", field: "issuetype", kind: typeCatalogue},
	{attr: "description", field: "description", rule: body},
	{attr: "status", field: "status", kind: statusCatalogue},
	{attr: "priority", field: "priority", kind: priorityCatalogue, optional: true},
	{attr: "resolution", field: "resolution", kind: resolutionCatalogue, optional: true},
	{attr: "assignee", field: "assignee", rule: account, kind: accountCatalogue, optional: true},
	{attr: "reporter", field: "reporter", rule: account, kind: accountCatalogue, optional: true},
	{attr: "creator", field: "creator", rule: account, kind: accountCatalogue, optional: true},
	{attr: "labels", field: "labels", rule: label, optional: true, multi: true},
	{attr: "components", field: "component", kind: componentCatalogue, optional: true, multi: true},
	{attr: "fixVersions", field: "fixVersion", kind: versionCatalogue, optional: true, multi: true},
	{attr: "parent", field: "parent", rule: reference, optional: true},
	{attr: "dueDate", field: "due", rule: day, optional: true},
	{attr: "created", field: "created", rule: instant},
	{attr: "meta.created", field: "created", rule: instant},
	{attr: "updated", field: "updated", rule: instant},
	{attr: "meta.lastModified", field: "updated", rule: instant},
	{attr: "resolved", field: "resolved", rule: instant, optional: true},
	{attr: "externalId", rule: constant},
	{attr: "meta.resourceType", rule: constant},
}

// compiled is a filter in JQL. The JQL finds all that match, and nothing else
// if Exact.
type compiled struct {
	JQL      string
	Exact    bool
	Never    bool   // nothing can match; JQL is empty
	Residual string // what has to be checked afterwards, empty if Exact
}

// compiler translates filters. Without a catalogue it translates for the
// reader: names stand for ids, and comparisons that depend on the catalogue
// stand in braces.
type compiler struct {
	catalogue *catalogue
	bound     []entry              // the projects that may be searched
	issues    map[issueName]string // ids of the issues the filter names, as far as they exist
}

// compile translates a filter in the form that query.Simplify gives it.
func (c compiler) compile(e query.Expr) compiled {
	p := c.expr(e)
	if p.verdict == nothing || c.catalogue != nil && len(c.bound) == 0 {
		return compiled{Exact: true, Never: true}
	}
	clauses := []string{c.boundary()}
	if p.verdict == pushed {
		clauses = append(clauses, p.jql)
	}
	out := compiled{
		JQL:   strings.Join(clauses, " AND ") + " ORDER BY key ASC",
		Exact: p.exact && p.verdict != opaque,
	}
	if !out.Exact {
		out.Residual = e.String()
	}
	return out
}

func (c compiler) boundary() string {
	if c.catalogue == nil {
		return "project IN {configured}"
	}
	ids := make([]string, 0, len(c.bound))
	for _, p := range c.bound {
		ids = append(ids, p.id)
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

func (c compiler) expr(e query.Expr) part {
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
func (c compiler) and(terms []query.Expr) part {
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
func (c compiler) or(terms []query.Expr) part {
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
func (c compiler) leaf(e query.Expr) part {
	inner, negated := e, false
	if n, ok := e.(query.Not); ok {
		inner, negated = n.Term, true
	}
	col, ok := columnOf(inner)
	if !ok {
		return part{}
	}
	if isPresent(inner) && col.rule != reference && col.rule != constant {
		return col.present(negated)
	}
	switch col.rule {
	case choice:
		return c.choice(col, e)
	case account:
		return c.account(col, e, inner, negated)
	case reference:
		return c.reference(col, e)
	case constant:
		meta := query.Object{{Name: "resourceType", Value: "Issue"}}
		return settled(query.Match(e, query.Object{{Name: "meta", Value: meta}}))
	}
	compare, ok := inner.(query.Compare)
	if !ok {
		return part{}
	}
	switch col.rule {
	case label:
		return col.label(compare, negated)
	case instant:
		return col.instant(compare, negated)
	case day:
		return col.day(compare, negated)
	}
	return col.someText(compare, negated)
}

func isPresent(e query.Expr) bool {
	_, ok := e.(query.Present)
	return ok
}

// columnOf finds the row of the attribute that a leaf is about.
func columnOf(e query.Expr) (column, bool) {
	name := pathOf(e)
	if i := slices.IndexFunc(columns, func(c column) bool { return c.attr == name }); i >= 0 {
		return columns[i], true
	}
	return column{}, false
}

// pathOf names the attribute of a leaf: the whole path below meta, whose
// sub-attributes have nothing in common, otherwise the attribute alone.
func pathOf(e query.Expr) string {
	var p query.Path
	switch e := e.(type) {
	case query.Compare:
		p = e.Path
	case query.Present:
		p = e.Path
	case query.Has:
		p = e.Path
	default:
		return ""
	}
	if p.Attr.Name == "meta" {
		return p.String()
	}
	return p.Attr.Name
}

// present translates pr. Whatever refers to something has all its members.
func (col column) present(negated bool) part {
	switch {
	case !col.optional && col.rule != body:
		return settled(!negated)
	case col.rule == body && negated:
		return part{} // an empty document is a value for Jira
	case col.rule == body:
		return superset(col.field + " IS NOT EMPTY")
	case negated:
		return exactly(col.field + " IS EMPTY")
	}
	return exactly(col.field + " IS NOT EMPTY")
}

// someText narrows to the issues that have a text at all.
func (col column) someText(e query.Compare, negated bool) part {
	if negated || e.Op == query.Ne {
		return part{}
	}
	return superset(col.field + " IS NOT EMPTY")
}

func (col column) label(e query.Compare, negated bool) part {
	// Jira folds labels in a way of its own; about ASCII there is no doubt.
	value, ok := quote(e.Value.(string))
	ok = ok && isASCII(value)
	switch {
	case e.Op == query.Eq && ok && negated:
		return exactly(either(col.field+" != "+value, col.field+" IS EMPTY"))
	case e.Op == query.Eq && ok:
		return exactly(col.field + " = " + value)
	}
	return col.someText(e, negated)
}

// instant translates to a superset in whole minutes.
func (col column) instant(e query.Compare, negated bool) part {
	op := e.Op
	if negated {
		op = opposite(op)
	}
	minute := e.Value.(time.Time).Truncate(time.Minute)
	from := fmt.Sprintf("%s >= %d", col.field, minute.UnixMilli())
	before := fmt.Sprintf("%s < %d", col.field, minute.Add(time.Minute).UnixMilli())
	return col.within(op, negated, from, before)
}

// day translates to a superset in whole days. Days are text in SCIM; a literal
// that is none is left to the residual.
func (col column) day(e query.Compare, negated bool) part {
	date, err := time.Parse(time.DateOnly, e.Value.(string))
	if err != nil || date.Year() < 1 || date.Year() > 9998 {
		return col.someText(e, negated)
	}
	op := e.Op
	if negated {
		op = opposite(op)
	}
	from := fmt.Sprintf(`%s >= "%s"`, col.field, date.AddDate(0, 0, -1).Format(time.DateOnly))
	before := fmt.Sprintf(`%s <= "%s"`, col.field, date.AddDate(0, 0, 1).Format(time.DateOnly))
	return col.within(op, negated, from, before)
}

// within says op by the clauses for "not before" and "not after". A negated
// comparison holds for issues without a value too.
func (col column) within(op query.Op, negated bool, from, before string) part {
	var jql string
	switch op {
	case query.Eq:
		jql = from + " AND " + before
	case query.Gt, query.Ge:
		jql = from
	case query.Lt, query.Le:
		jql = before
	default:
		return part{}
	}
	if negated && col.optional {
		jql = either(jql, col.field+" IS EMPTY")
	}
	return superset(jql)
}

// opposite is the operator that holds for a value exactly if op does not. For
// those that have none it is Ne, which is never pushed.
func opposite(op query.Op) query.Op {
	switch op {
	case query.Gt:
		return query.Le
	case query.Ge:
		return query.Lt
	case query.Lt:
		return query.Ge
	case query.Le:
		return query.Gt
	case query.Ne:
		return query.Eq
	}
	return query.Ne
}

// choice decides e for every entry of the catalogue.
func (c compiler) choice(col column, e query.Expr) part {
	if c.catalogue == nil {
		return col.outline(e)
	}
	entries := c.catalogue[col.kind]
	if col.multi {
		return col.anyOf(entries, e)
	}
	return col.oneOf(entries, e)
}

// oneOf translates a filter on a single-valued choice. Whether the list of ids
// is of those that satisfy it or of those that do not depends on what e says
// of a value that is in no catalogue.
func (col column) oneOf(entries []entry, e query.Expr) part {
	empty := col.optional && query.Match(e, nil)
	excludes := query.Match(e, col.holding(entry{id: "-1", key: "\uFFFD", name: "\uFFFD"}))
	var ids []string
	for _, entry := range entries {
		if query.Match(e, col.holding(entry)) != excludes {
			ids = append(ids, entry.id)
		}
	}
	if len(ids) > maxListed {
		return part{}
	}
	var clauses []string
	switch {
	case len(ids) > 0 && excludes:
		clauses = append(clauses, among(col.field, "NOT IN", ids))
	case len(ids) > 0:
		clauses = append(clauses, among(col.field, "IN", ids))
	case excludes && (empty || !col.optional):
		return settled(true)
	case excludes:
		return exactly(col.field + " IS NOT EMPTY")
	}
	if empty {
		clauses = append(clauses, col.field+" IS EMPTY")
	}
	if len(clauses) == 0 {
		return settled(false)
	}
	return exactly(either(clauses...))
}

// anyOf translates a filter on a multi-valued choice: true if one element
// satisfies it, or negated, if none does.
func (col column) anyOf(entries []entry, e query.Expr) part {
	inner, negated := e, false
	if n, ok := e.(query.Not); ok {
		inner, negated = n.Term, true
	}
	if query.Match(inner, nil) {
		return part{} // ne: another value or none, which JQL has no word for
	}
	var ids []string
	for _, entry := range entries {
		if query.Match(inner, col.holding(entry)) {
			ids = append(ids, entry.id)
		}
	}
	switch {
	case len(ids) > maxListed:
		return part{}
	case len(ids) == 0:
		return settled(negated)
	case negated:
		return exactly(either(among(col.field, "NOT IN", ids), col.field+" IS EMPTY"))
	}
	return exactly(among(col.field, "IN", ids))
}

// holding is an issue that has the entry at the column.
func (col column) holding(e entry) query.Object {
	value := any(e.object(col.rule == account))
	if col.multi {
		value = []any{value}
	}
	return query.Object{{Name: col.attr, Value: value}}
}

// account needs no catalogue for an accountId. What an issue shows as display
// may be newer than the catalogue, so that names give a superset only.
func (c compiler) account(col column, e, inner query.Expr, negated bool) part {
	if compare, ok := accountID(inner); ok && !negated && (c.catalogue == nil || c.catalogue[accountCatalogue] == nil) {
		value, ok := quote(compare.Value.(string))
		switch {
		case !ok:
			return part{}
		case compare.Op == query.Ne:
			return exactly(either(col.field+" != "+value, col.field+" IS EMPTY"))
		}
		return exactly(col.field + " = " + value)
	}
	p := c.choice(col, e)
	p.exact = p.verdict != pushed && p.verdict != opaque
	return p
}

// accountID recognises value eq and value ne.
func accountID(e query.Expr) (query.Compare, bool) {
	c, ok := e.(query.Compare)
	return c, ok && c.Path.Sub != nil && c.Path.Sub.Name == "value" && (c.Op == query.Eq || c.Op == query.Ne)
}

func (c compiler) reference(col column, e query.Expr) part {
	if isPresent(e) && !col.optional {
		return settled(true)
	}
	compare, ok := e.(query.Compare)
	if !ok {
		return part{}
	}
	value := compare.Value.(string)
	if col.attr == "key" && compare.Op == query.Sw {
		return c.keyPrefix(value)
	}
	if compare.Op != query.Eq && (compare.Op != query.Ne || col.optional) {
		return part{}
	}
	id, exists := c.issues[nameIn(compare)]
	if c.catalogue == nil {
		id, exists = quote(value)
	}
	switch {
	case !exists:
		return settled(compare.Op == query.Ne)
	case col.optional:
		return exactly("parent = " + id)
	case compare.Op == query.Ne:
		return exactly("id != " + id)
	}
	return exactly("id = " + id)
}

// issueName is an id or a key as a filter names it.
type issueName struct {
	byKey bool
	name  string // keys in upper case
}

// nameIn returns the issue that a comparison of a reference names.
func nameIn(c query.Compare) issueName {
	attr := c.Path.Attr
	if c.Path.Sub != nil {
		attr = c.Path.Sub
	}
	value := c.Value.(string)
	if attr.Name == "key" {
		return issueName{true, strings.ToUpper(value)}
	}
	return issueName{false, value}
}

// keyPrefix narrows "key sw" to the projects whose keys can begin so.
func (c compiler) keyPrefix(prefix string) part {
	var ids []string
	for _, p := range c.bound {
		start := strings.ToLower(p.key + "-")
		lower := strings.ToLower(prefix)
		if strings.HasPrefix(start, lower) || strings.HasPrefix(lower, start) {
			ids = append(ids, p.id)
		}
	}
	if c.catalogue == nil {
		return superset(fmt.Sprintf("project IN {key sw %q}", prefix))
	}
	if len(ids) == 0 {
		return settled(false)
	}
	return superset(among("project", "IN", ids))
}

// outline is the translation for the reader, without a catalogue.
func (col column) outline(e query.Expr) part {
	c, ok := e.(query.Compare)
	if ok && c.Path.Sub != nil && c.Path.Sub.Name != "category" && (c.Op == query.Eq || c.Op == query.Ne && !col.multi) {
		value, _ := quote(c.Value.(string))
		switch {
		case c.Op == query.Eq:
			return exactly(among(col.field, "IN", []string{value}))
		case col.optional:
			return exactly(either(among(col.field, "NOT IN", []string{value}), col.field+" IS EMPTY"))
		}
		return exactly(among(col.field, "NOT IN", []string{value}))
	}
	if col.multi && ok && c.Op == query.Ne {
		return part{}
	}
	return exactly(col.field + " IN {" + e.String() + "}")
}
