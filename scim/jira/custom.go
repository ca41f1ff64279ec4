package jira

import (
	"scim-atlassian/scim/field"
	"scim-atlassian/scim/jql"
)

// rules are how conditions on custom fields become JQL. A type without a rule, and a
// field that JQL cannot search, is left to the residual filter.
var rules = map[field.Type]jql.Rule{
	field.Text: jql.Body, field.Paragraph: jql.Body, field.Number: jql.Number, field.Date: jql.Day, field.DateTime: jql.Instant,
	field.Select: jql.Option, field.Radio: jql.Option, field.MultiSelect: jql.Option, field.Checkbox: jql.Option, field.Cascading: jql.Body,
	field.User: jql.Account, field.Users: jql.Account, field.Group: jql.Body, field.Groups: jql.Body, field.Labels: jql.Label,
	field.URL: jql.Literal, field.Version: jql.Choice, field.Versions: jql.Choice, field.Team: jql.Body,
}

// tableOf returns the translation table with the custom fields.
func tableOf(set field.Set) jql.Table {
	var rows []jql.Column
	for _, c := range set {
		rule, searchable := rules[c.Type]
		if !searchable || c.Hidden {
			continue
		}
		row := jql.Column{
			Attr: c.Name, Extension: field.URN, Field: c.Clause(), Rule: rule, Optional: true, Multi: c.Multi(), Known: c.Values,
		}
		switch rule {
		case jql.Choice:
			row.Kind = jql.VersionCatalogue
		case jql.Account:
			row.Kind = jql.AccountCatalogue
		}
		rows = append(rows, row)
	}
	return jql.Table(nil).With(rows...)
}
