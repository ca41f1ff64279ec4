package query

// AttributesOf lists the attributes that a filter looks at, named as by PathOf, one
// for each leaf.
func AttributesOf(e Expr) []string {
	var names []string
	for leaf := range Leaves(e) {
		names = append(names, PathOf(leaf))
	}
	return names
}

// Leaves yields every Compare, Present and Has of a filter, from left to right. It
// does not look inside the brackets of a Has.
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

// PathOf names the attribute of a leaf. Below meta, whose sub-attributes have
// nothing in common, it names the sub-attribute too. For any other expression it
// returns "".
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
