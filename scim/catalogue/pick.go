package catalogue

import (
	"fmt"
	"slices"
	"strings"

	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Pick returns the only entry that given refers to.
func Pick(attr string, entries []jql.Entry, given query.Object) (jql.Entry, error) {
	if len(given) == 0 {
		return jql.Entry{}, resource.InvalidValue("%s needs an id or a name.", attr)
	}
	var found []jql.Entry
	for _, e := range entries {
		if query.Refers(given.Without("category"), e.Object()) {
			found = append(found, e)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return jql.Entry{}, resource.InvalidValue("%s: there is no %s; there are %s.", attr, resource.Describe(given), Listing(entries))
	}
	return jql.Entry{}, resource.InvalidValue("%s: %s is ambiguous; give the id of one of %s.", attr, resource.Describe(given), Listing(found))
}

// Listing names entries for a message, each with its key or id.
func Listing(entries []jql.Entry) string {
	const most = 20
	var parts []string
	for i, e := range entries {
		if i == most {
			parts = append(parts, fmt.Sprintf("and %d more", len(entries)-most))
			break
		}
		handle := "id " + e.ID
		if e.Key != "" {
			handle = "key " + e.Key
		}
		parts = append(parts, fmt.Sprintf("%q (%s)", resource.Clip(e.Name), handle))
	}
	if parts == nil {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// PickNamed returns the id of the only entry with an id, key or name.
func PickNamed(attr string, entries []jql.Entry, name string) (string, error) {
	for _, way := range []string{"key", "id", "name"} {
		given := query.Object{{Name: way, Value: name}}
		if slices.ContainsFunc(entries, func(e jql.Entry) bool { return query.Refers(given, e.Object()) }) {
			e, err := Pick(attr, entries, given)
			return e.ID, err
		}
	}
	return "", resource.InvalidValue("%s: there is no %s; there are %s.", attr, resource.InQuotes(name), Listing(entries))
}
