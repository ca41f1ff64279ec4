package field

import (
	"slices"

	"scim-atlassian/scim/jql"
)

// rules are how conditions on custom fields become JQL. A type without a rule, and a
// field that JQL cannot search, is left to the residual filter.
var rules = map[Type]jql.Rule{
	Text: jql.Body, Paragraph: jql.Body, Number: jql.Number, Date: jql.Day, DateTime: jql.Instant,
	Select: jql.Option, Radio: jql.Option, MultiSelect: jql.Option, Checkbox: jql.Option, Cascading: jql.Body,
	User: jql.Account, Users: jql.Account, Group: jql.Body, Groups: jql.Body, Labels: jql.Label,
	URL: jql.Literal, Version: jql.Choice, Versions: jql.Choice, Team: jql.Body,
}

// needed are the operators that conditions of a rule become.
func needed(rule jql.Rule) []string {
	switch rule {
	case jql.Body:
		return []string{"is not"}
	case jql.Number, jql.Day, jql.Instant:
		return []string{"=", "!=", "<", "<=", ">", ">=", "is", "is not"}
	}
	return []string{"=", "!=", "in", "not in", "is", "is not"}
}

// takes reports whether JQL takes the operators of a rule for the field, as far as that
// is known.
func (c Custom) takes(rule jql.Rule) bool {
	return c.Operators == nil || !slices.ContainsFunc(needed(rule), func(o string) bool { return !slices.Contains(c.Operators, o) })
}

// Searchable reports whether JQL narrows conditions on the field. Without it, they are
// decided on the issues themselves.
func (c Custom) Searchable() bool {
	rule, known := rules[c.Type]
	return known && !c.Hidden && c.takes(rule)
}

// Columns returns the rows of the custom fields in the translation of filters to JQL.
func (s Set) Columns() []jql.Column {
	var rows []jql.Column
	for _, c := range s {
		rule := rules[c.Type]
		if !c.Searchable() {
			continue
		}
		row := jql.Column{
			Attr: c.Name, Extension: URN, Field: c.Clause(), Rule: rule, Optional: true, Multi: c.Multi(), Known: c.Values,
		}
		switch rule {
		case jql.Choice:
			row.Kind = jql.VersionCatalogue
		case jql.Account:
			row.Kind = jql.AccountCatalogue
		}
		rows = append(rows, row)
	}
	return rows
}
