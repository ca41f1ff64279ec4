package field

import (
	"slices"

	"scim-atlassian/scim/query"
)

// SameReferences reports whether the references in want, a list, mean the elements of got,
// all of them, in any order.
func SameReferences(want, got any) bool {
	wants, _ := want.([]any)
	gots, _ := got.([]any)
	referred := map[string]bool{}
	for _, w := range wants {
		given, _ := w.(query.Object)
		i := slices.IndexFunc(gots, func(g any) bool {
			actual, _ := g.(query.Object)
			return query.Refers(given, actual)
		})
		if i < 0 {
			return false
		}
		actual, _ := gots[i].(query.Object)
		referred[actual.Text("id")] = true
	}
	return len(referred) == len(gots)
}
