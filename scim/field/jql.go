package field

import "scim-atlassian/scim/jql"

// rules are how conditions on custom fields become JQL. A type without a rule, and a
// field that JQL cannot search, is left to the residual filter.
var rules = map[Type]jql.Rule{
	Text: jql.Body, Paragraph: jql.Body, Number: jql.Number, Date: jql.Day, DateTime: jql.Instant,
	Select: jql.Option, Radio: jql.Option, MultiSelect: jql.Option, Checkbox: jql.Option, Cascading: jql.Body,
	User: jql.Account, Users: jql.Account, Group: jql.Body, Groups: jql.Body, Labels: jql.Label,
	URL: jql.Literal, Version: jql.Choice, Versions: jql.Choice, Team: jql.Body,
}

// Columns returns the rows of the custom fields in the translation of filters to JQL.
func (s Set) Columns() []jql.Column {
	var rows []jql.Column
	for _, c := range s {
		rule, searchable := rules[c.Type]
		if !searchable || c.Hidden {
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
