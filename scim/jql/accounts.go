package jql

import (
	"cmp"
	"slices"

	"scim-atlassian/scim/query"
)

// canBeAccountID reports whether Jira accepts the id in a request for an account.
func canBeAccountID(id string) bool {
	const longest = 128
	_, ok := quote(id)
	return ok && id != "" && len(id) <= longest
}

// AccountIDsIn returns the ids of accounts that a leaf of a filter, or its
// negation, compares with by eq or ne. ok is false if the leaf looks at anything
// else.
func AccountIDsIn(leaf query.Expr) (ids []string, ok bool) {
	for inner := range query.Leaves(leaf) {
		switch e := inner.(type) {
		case query.Compare:
			id, byID := e.Value.(string)
			at := cmp.Or(e.Path.Sub, e.Path.Attr) // between brackets, a path is only the part
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

// NamedAccounts returns the ids of accounts that a filter compares with, each
// once, from those leaves that compile without the catalogue of accounts.
func (t Table) NamedAccounts(filter query.Expr) []string {
	var all []string
	for leaf := range query.Leaves(filter) {
		if col, ok := t.Of(leaf); ok && col.Rule == Account {
			ids, _ := AccountIDsIn(leaf)
			all = append(all, ids...)
		}
	}
	return slices.DeleteFunc(query.Unique(all), func(id string) bool { return !canBeAccountID(id) })
}
