package query

import "strings"

// BooleanOf returns the boolean that a text stands for, "true" or "false" in any
// case, and nil for every other text.
func BooleanOf(text string) any {
	switch strings.ToLower(text) {
	case "true":
		return true
	case "false":
		return false
	}
	return nil
}

// ValueOf converts one decoded JSON value as ObjectOf does for the attribute at p,
// to a list if the attribute is multi-valued. It returns nil for null and for a
// value that does not fit.
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
