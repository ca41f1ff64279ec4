package query

// AttributesOf lists the attributes a filter looks at.
func AttributesOf(e Expr) []string {
	var names []string
	for leaf := range Leaves(e) {
		names = append(names, PathOf(leaf))
	}
	return names
}

// Leaves yields the comparisons, presences and value paths of a filter.
func Leaves(e Expr) func(func(Expr) bool) {
	return func(yield func(Expr) bool) { walkLeaves(e, yield) }
}

func walkLeaves(e Expr, yield func(Expr) bool) bool {
	var terms []Expr
	switch e := e.(type) {
	case nil, Const:
		return true
	case And:
		terms = e.Terms
	case Or:
		terms = e.Terms
	case Not:
		terms = []Expr{e.Term}
	default:
		return yield(e)
	}
	for _, t := range terms {
		if !walkLeaves(t, yield) {
			return false
		}
	}
	return true
}

// PathOf names the attribute of a leaf: the whole path below meta, whose
// sub-attributes have nothing in common, otherwise the attribute alone.
func PathOf(e Expr) string {
	var p Path
	switch e := e.(type) {
	case Compare:
		p = e.Path
	case Present:
		p = e.Path
	case Has:
		p = e.Path
	default:
		return ""
	}
	if p.Attr.Name == "meta" {
		return p.String()
	}
	return p.Attr.Name
}
