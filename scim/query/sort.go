package query

import (
	"slices"
	"strings"
	"time"
)

// Sort orders resources by the values at a path, RFC 7644 section 3.4.2.3.
// Ascending, resources without a value come last; descending, first. Of a
// multi-valued attribute the primary element counts, or else the first; a
// complex attribute sorts by its "value". Values order as Match compares them.
// The sort is stable in both directions: equal resources keep their order.
func Sort(objs []Object, by Path, descending bool) {
	SortFunc(objs, func(o Object) Object { return o }, by, descending)
}

// SortFunc sorts items as Sort sorts the resources that object returns for them.
func SortFunc[T any](items []T, object func(T) Object, by Path, descending bool) {
	if p, err := by.Comparable(); err == nil {
		by = p
	}
	exact := by.leaf().exact()
	rows := make([]sortRow[T], len(items))
	for i, item := range items {
		rows[i] = sortRow[T]{sortKey(by, object(item), exact), item}
	}
	slices.SortStableFunc(rows, func(a, b sortRow[T]) int {
		order := compareKeys(a.key, b.key)
		if descending {
			return -order
		}
		return order
	})
	for i := range rows {
		items[i] = rows[i].item
	}
}

type sortRow[T any] struct {
	key  any // nil: no value
	item T
}

// sortKey is the value that a resource is sorted by, folded once.
func sortKey(by Path, o Object, exact bool) any {
	v, _ := attribute(by, o)
	v = representative(v)
	if by.Sub != nil {
		inner, _ := v.(Object)
		v, _ = inner.Get(by.Sub.Name)
		v = representative(v)
	}
	if s, ok := v.(string); ok && !exact {
		return string(appendFold(nil, s))
	}
	return v
}

// representative is the element that stands for a list: the primary, or the
// first, RFC 7644 section 3.4.2.3.
func representative(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	for _, e := range list {
		if o, ok := e.(Object); ok {
			if p, _ := o.Get("primary"); p == true {
				return e
			}
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

// compareKeys orders values of one attribute, nil after everything else.
func compareKeys(a, b any) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	switch a := a.(type) {
	case string:
		b, _ := b.(string)
		return strings.Compare(a, b)
	case time.Time:
		b, _ := b.(time.Time)
		return a.Compare(b)
	case bool:
		if a == b {
			return 0
		}
		if a {
			return 1
		}
		return -1
	}
	order, _ := compareNumbers(a, b)
	return order
}
