package query

// ValueOf converts one decoded JSON value as ObjectOf does for the attribute at
// p: a list for a multi-valued attribute, nil for null and for what does not
// fit.
func ValueOf(v any, p Path) any {
	a := p.leaf()
	switch {
	case v == nil:
		return nil
	case a.MultiValued:
		return listOf(v, a)
	}
	return valueOf(v, a)
}
