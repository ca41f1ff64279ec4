package query

import (
	"encoding/binary"
	"math"
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
		return string(AppendFold(nil, s))
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

// AppendSortKey appends the value that Sort orders a resource by, as bytes: two
// resources are ordered as bytes.Compare orders their keys, and stand at the same
// place if those are equal.
func AppendSortKey(b []byte, by Path, o Object) []byte {
	if p, err := by.Comparable(); err == nil {
		by = p
	}
	switch v := sortKey(by, o, true).(type) {
	case string:
		b = append(b, 0)
		if by.leaf().exact() {
			return append(b, v...)
		}
		return AppendFold(b, v)
	case bool:
		if v {
			return append(b, 0, 1)
		}
		return append(b, 0, 0)
	case time.Time:
		b = append(b, 0)
		b = binary.BigEndian.AppendUint64(b, uint64(v.Unix())^1<<63)
		return binary.BigEndian.AppendUint32(b, uint32(v.Nanosecond()))
	case int64:
		return appendNumberKey(append(b, 0), v, 0)
	case float64:
		switch whole := math.Floor(v); {
		case whole < -1<<63:
			return binary.BigEndian.AppendUint64(append(b, 0, 0), ^math.Float64bits(v))
		case whole >= 1<<63:
			return binary.BigEndian.AppendUint64(append(b, 0, 2), math.Float64bits(v))
		default:
			return appendNumberKey(append(b, 0), int64(whole), v-whole)
		}
	}
	return append(b, 1)
}

// appendNumberKey appends a number between those that no int64 can hold: its whole
// part and what is left, at least 0 and less than 1.
func appendNumberKey(b []byte, whole int64, rest float64) []byte {
	b = binary.BigEndian.AppendUint64(append(b, 1), uint64(whole)^1<<63)
	return binary.BigEndian.AppendUint64(b, math.Float64bits(rest))
}
