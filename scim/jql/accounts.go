package jql

import (
	"cmp"
	"slices"

	"scim-atlassian/scim/query"
)

// canBeAccountID reports whether Jira can be asked for an account with the id.
func canBeAccountID(id string) bool {
	const longest = 128
	_, ok := quote(id)
	return ok && id != "" && len(id) <= longest
}

// AccountIDsIn lists the ids that a leaf of a filter, or its negation, names if
// it is about the ids of accounts and nothing else, as in value eq and value ne.
func AccountIDsIn(leaf query.Expr) (ids []string, ok bool) {
	for inner := range query.Leaves(leaf) {
		switch e := inner.(type) {
		case query.Compare:
			id, byID := e.Value.(string)
			at := cmp.Or(e.Path.Sub, e.Path.Attr) // in brackets, names are those of parts
			if !byID || at.Name != "value" || e.Op != query.Eq && e.Op != query.Ne {
				return nil, false
			}
			ids = append(ids, id)
		case query.Has:
			more, byID := AccountIDsIn(e.Filter)
			if !byID {
				return nil, false
			}
			ids = append(ids, more...)
		default:
			return nil, false
		}
	}
	return ids, ids != nil
}

// NamedAccounts lists the ids of accounts that a filter names where they suffice
// to compile it, each once.
func NamedAccounts(filter query.Expr) []string {
	var all []string
	for leaf := range query.Leaves(filter) {
		if col, ok := ColumnOf(leaf); ok && col.Rule == Account {
			ids, _ := AccountIDsIn(leaf)
			all = append(all, ids...)
		}
	}
	return slices.DeleteFunc(query.Unique(all), func(id string) bool { return !canBeAccountID(id) })
}
