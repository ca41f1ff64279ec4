package jql

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"scim-atlassian/scim/query"
)

// This file translates the single conditions of a filter; jql.go joins them.

// present translates pr. A reference always has all its parts, so a part is
// present where the attribute is.
func (col Column) present(negated bool) part {
	switch {
	case !col.Optional && col.Rule != Body:
		return settled(!negated)
	case col.Rule == Body && negated:
		return part{} // Jira counts an empty document as a value
	case col.Attr == "labels" && negated:
		return part{} // a marker is a label for Jira
	case col.Rule == Body, col.Attr == "labels":
		return superset(col.Field + " IS NOT EMPTY")
	case negated:
		return exactly(col.Field + " IS EMPTY")
	}
	return exactly(col.Field + " IS NOT EMPTY")
}

// someText narrows to the issues with any text.
func (col Column) someText(e query.Compare, negated bool) part {
	if negated || e.Op == query.Ne {
		return part{}
	}
	return superset(col.Field + " IS NOT EMPTY")
}

// label translates a comparison of a label.
func (col Column) label(e query.Compare, negated bool) part {
	// Jira may fold the case of labels by other rules than SCIM, except for ASCII.
	value, ok := quote(e.Value.(string))
	ok = ok && isASCII(value)
	switch {
	case IsMarker(e.Value.(string)):
	case e.Op == query.Eq && ok && negated:
		return exactly(either(col.Field+" != "+value, col.Field+" IS EMPTY"))
	case e.Op == query.Eq && ok:
		return exactly(col.Field + " = " + value)
	}
	return col.someText(e, negated)
}

// instant translates a comparison of a time, widened to whole minutes.
func (col Column) instant(e query.Compare, negated bool) part {
	op := e.Op
	if negated {
		op = opposite(op)
	}
	minute := e.Value.(time.Time).Truncate(time.Minute)
	from := fmt.Sprintf("%s >= %d", col.Field, minute.UnixMilli())
	before := fmt.Sprintf("%s < %d", col.Field, minute.Add(time.Minute).UnixMilli())
	return col.within(op, negated, from, before)
}

// day translates a comparison of a day, widened by a day on both sides. SCIM has
// days as text; a text that is no day is left to the residual filter.
func (col Column) day(e query.Compare, negated bool) part {
	date, err := time.Parse(time.DateOnly, e.Value.(string))
	if err != nil || date.Year() < 1 || date.Year() > 9998 {
		return col.someText(e, negated)
	}
	op := e.Op
	if negated {
		op = opposite(op)
	}
	from := fmt.Sprintf(`%s >= "%s"`, col.Field, date.AddDate(0, 0, -1).Format(time.DateOnly))
	before := fmt.Sprintf(`%s <= "%s"`, col.Field, date.AddDate(0, 0, 1).Format(time.DateOnly))
	return col.within(op, negated, from, before)
}

// number translates a comparison of a number.
func (col Column) number(e query.Compare, negated bool) part {
	encoded, err := json.Marshal(e.Value)
	if err != nil {
		return part{}
	}
	text, _ := quote(string(encoded)) // bare, JQL does not know 1e+21
	op := e.Op
	if negated {
		op = opposite(op)
		if e.Op == query.Ne {
			return exactly(col.Field + " = " + text)
		}
	}
	sign, ok := map[query.Op]string{query.Eq: "=", query.Ne: "!=", query.Gt: ">", query.Ge: ">=", query.Lt: "<", query.Le: "<="}[op]
	switch clause := col.Field + " " + sign + " " + text; {
	case !ok:
		return part{}
	case negated || op == query.Ne: // true of issues without a number, too
		return exactly(either(clause, col.Field+" IS EMPTY"))
	default:
		return exactly(clause)
	}
}

// literalText translates a comparison of a text that JQL can name.
func (col Column) literalText(e query.Compare, negated, careful bool) part {
	text, _ := e.Value.(string)
	literal, ok := quote(text)
	known := col.Rule == Literal || !careful && slices.Contains(col.Known, text)
	if e.Op == query.Eq && !negated && ok && known && text != "" {
		return superset(col.Field + " = " + literal)
	}
	return col.someText(e, negated)
}

// within builds a comparison from the clauses for "not before" and "not after" the
// value. A negated comparison is also true of issues without a value.
func (col Column) within(op query.Op, negated bool, from, before string) part {
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
	if negated && col.Optional {
		jql = either(jql, col.Field+" IS EMPTY")
	}
	return superset(jql)
}

// opposite returns the operator that is true of a value exactly if op is not. For
// an operator without an opposite it returns Ne, which is never translated.
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

// choice translates a condition by evaluating it for every entry of the catalogue.
func (c Compiler) choice(col Column, e query.Expr) part {
	if c.Catalogue == nil {
		return col.outline(e)
	}
	entries := c.Catalogue[col.Kind]
	if col.Multi {
		return col.anyOf(entries, e)
	}
	return col.oneOf(entries, e)
}

// oneOf translates a condition on an attribute with one value. If a value outside
// the catalogue would satisfy the condition, it lists the ids that do not satisfy
// it, with NOT IN; else the ids that do.
func (col Column) oneOf(entries []Entry, e query.Expr) part {
	empty := col.Optional && query.Match(e, nil)
	unknown := strings.Repeat("\uFFFD", len(e.String())) // longer than e itself, so no value in e equals it
	excludes := query.Match(e, col.holding(Entry{ID: unknown, Key: unknown, Name: unknown}))
	var ids []string
	for _, entry := range entries {
		if query.Match(e, col.holding(entry)) != excludes {
			ids = append(ids, col.literal(entry))
		}
	}
	if len(ids) > maxListed {
		return part{}
	}
	var clauses []string
	switch {
	case len(ids) > 0 && excludes:
		clauses = append(clauses, among(col.Field, "NOT IN", ids))
	case len(ids) > 0:
		clauses = append(clauses, among(col.Field, "IN", ids))
	case excludes && (empty || !col.Optional):
		return settled(true)
	case excludes:
		return exactly(col.Field + " IS NOT EMPTY")
	}
	if empty {
		clauses = append(clauses, col.Field+" IS EMPTY")
	}
	if len(clauses) == 0 {
		return settled(false)
	}
	return exactly(either(clauses...))
}

// literal returns the id of an entry as JQL writes it: the id of an account, which
// may come from the filter, as a text; every other id as a number.
func (col Column) literal(e Entry) string {
	if col.Rule != Account {
		return e.ID
	}
	quoted, _ := quote(e.ID)
	return quoted
}

// anyOf translates a condition on an attribute with several values: true if one
// value satisfies it; negated, if no value does.
func (col Column) anyOf(entries []Entry, e query.Expr) part {
	inner, negated := e, false
	if n, ok := e.(query.Not); ok {
		inner, negated = n.Term, true
	}
	if query.Match(inner, nil) {
		return part{} // ne: another value or no value, which JQL cannot express
	}
	var ids []string
	for _, entry := range entries {
		if query.Match(inner, col.holding(entry)) {
			ids = append(ids, col.literal(entry))
		}
	}
	switch {
	case len(ids) > maxListed:
		return part{}
	case len(ids) == 0:
		return settled(negated)
	case negated:
		return exactly(either(among(col.Field, "NOT IN", ids), col.Field+" IS EMPTY"))
	}
	return exactly(among(col.Field, "IN", ids))
}

// holding returns an issue with the entry as the attribute's value.
func (col Column) holding(e Entry) query.Object {
	value := any(e.Object())
	if col.Rule == Account {
		value = e.Person()
	}
	if col.Multi {
		value = []any{value}
	}
	o := query.Object{{Name: col.Attr, Value: value}}
	if col.Extension != "" {
		return query.Object{{Name: col.Extension, Value: o}}
	}
	return o
}

// account translates a condition on an account. Comparisons of the id need no
// catalogue: all accounts that the filter does not name are alike. Comparisons of
// the name find too much, since issues may show a newer name than the catalogue.
func (c Compiler) account(col Column, e query.Expr) part {
	if ids, ok := AccountIDsIn(e); ok && col.Multi {
		return col.anyOf(c.accounts(ids), e)
	} else if ok {
		return col.oneOf(c.accounts(ids), e)
	}
	p := c.choice(col, e)
	p.exact = p.verdict != pushed && p.verdict != opaque
	return p
}

// accounts returns entries for the ids that JQL may name.
func (c Compiler) accounts(ids []string) []Entry {
	var entries []Entry
	for _, id := range query.Unique(ids) {
		if canBeAccountID(id) && !c.Strangers[id] {
			entries = append(entries, Entry{ID: id})
		}
	}
	return entries
}

// reference translates a comparison of an issue's id, key or parent.
func (c Compiler) reference(col Column, e query.Expr) part {
	if IsPresent(e) && !col.Optional {
		return settled(true)
	}
	compare, ok := e.(query.Compare)
	if !ok {
		return part{}
	}
	value := compare.Value.(string)
	if col.Attr == "key" && compare.Op == query.Sw {
		return c.keyPrefix(value)
	}
	if compare.Op != query.Eq && (compare.Op != query.Ne || col.Optional) {
		return part{}
	}
	id, exists := c.Issues[nameIn(compare)]
	if c.Catalogue == nil {
		id, exists = quote(value)
	}
	switch {
	case !exists:
		return settled(compare.Op == query.Ne)
	case col.Optional:
		return exactly("parent = " + id)
	case compare.Op == query.Ne:
		return exactly("id != " + id)
	}
	return exactly("id = " + id)
}

// IssueName is the id or the key by which a filter names an issue.
type IssueName struct {
	ByKey bool
	Name  string // keys in upper case
}

// nameIn returns the name of an issue in a comparison.
func nameIn(c query.Compare) IssueName {
	attr := c.Path.Attr
	if c.Path.Sub != nil {
		attr = c.Path.Sub
	}
	value := c.Value.(string)
	if attr.Name == "key" {
		return IssueName{true, strings.ToUpper(value)}
	}
	return IssueName{false, value}
}

// keyPrefix translates key sw to the projects that can have issues with such keys.
func (c Compiler) keyPrefix(prefix string) part {
	var ids []string
	for _, p := range c.Bound {
		start := strings.ToLower(p.Key + "-")
		lower := strings.ToLower(prefix)
		if strings.HasPrefix(start, lower) || strings.HasPrefix(lower, start) {
			ids = append(ids, p.ID)
		}
	}
	if c.Catalogue == nil {
		return superset(fmt.Sprintf("project IN {key sw %q}", prefix))
	}
	if len(ids) == 0 {
		return settled(false)
	}
	return superset(among("project", "IN", ids))
}

// outline translates a condition for a human reader, without a catalogue.
func (col Column) outline(e query.Expr) part {
	c, ok := e.(query.Compare)
	text, isText := c.Value.(string)
	if ok && isText && c.Path.Sub != nil && c.Path.Sub.Name != "category" && (c.Op == query.Eq || c.Op == query.Ne && !col.Multi) {
		value, _ := quote(text)
		switch {
		case c.Op == query.Eq:
			return exactly(among(col.Field, "IN", []string{value}))
		case col.Optional:
			return exactly(either(among(col.Field, "NOT IN", []string{value}), col.Field+" IS EMPTY"))
		}
		return exactly(among(col.Field, "NOT IN", []string{value}))
	}
	if col.Multi && ok && c.Op == query.Ne {
		return part{}
	}
	return exactly(col.Field + " IN {" + e.String() + "}")
}
