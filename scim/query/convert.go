package query

import (
	"encoding/json"
	"math"
	"strings"
	"time"
)

// ObjectOf converts a decoded and validated JSON document. Members get the order
// and the canonical names of the schema, whatever case m spells them in;
// instants become time.Time, numbers int64 or float64; a single value of a
// multi-valued attribute becomes a list of one. Nulls, attributes that s does
// not know and values that do not fit their attribute are left out. An empty
// list stays, since a PUT with an empty list differs from a PUT without the
// attribute.
func ObjectOf(m map[string]any, s *Schema) Object {
	o := objectOf(m, s.Attributes)
	for _, e := range s.Extensions {
		if inner, ok := member(m, e.URN).(map[string]any); ok {
			if ext := objectOf(inner, e.Attributes); len(ext) > 0 {
				o = append(o, Member{e.URN, ext})
			}
		}
	}
	return o
}

func objectOf(m map[string]any, attrs []*Attribute) Object {
	o := make(Object, 0, min(len(m), len(attrs)))
	for _, a := range attrs {
		v := member(m, a.Name)
		if v == nil {
			continue
		}
		if a.MultiValued {
			v = listOf(v, a)
		} else {
			v = valueOf(v, a)
		}
		if v != nil {
			o = append(o, Member{a.Name, v})
		}
	}
	return o
}

// member finds a value by name in any case. If m spells the name in several ways,
// the canonical spelling wins, then the first in the order of texts.
func member(m map[string]any, name string) any {
	if v, ok := m[name]; ok {
		return v
	}
	var found string
	for k := range m {
		if strings.EqualFold(k, name) && (found == "" || k < found) {
			found = k
		}
	}
	return m[found]
}

// listOf converts a value of a multi-valued attribute to a list, a single value
// to a list of one. Elements that do not fit the attribute are left out; a single
// value that does not fit makes no list but nil.
func listOf(v any, a *Attribute) any {
	switch v := v.(type) {
	case []any:
		return listOfAll(v, a)
	case []map[string]any:
		return listOfAll(v, a)
	case []string:
		return listOfAll(v, a)
	}
	one := valueOf(v, a)
	if one == nil {
		return nil
	}
	return []any{one}
}

func listOfAll[T any](values []T, a *Attribute) []any {
	list := make([]any, 0, len(values))
	for _, v := range values {
		if element := valueOf(v, a); element != nil {
			list = append(list, element)
		}
	}
	return list
}

// valueOf converts one value to the type that its attribute asks for. It returns
// nil for a value that does not fit.
func valueOf(v any, a *Attribute) any {
	switch a.Kind {
	case Boolean:
		if b, ok := v.(bool); ok {
			return b
		}
	case Integer, Decimal:
		return numberOf(v)
	case DateTime:
		return instantOf(v)
	case Complex:
		if m, ok := v.(map[string]any); ok {
			if o := objectOf(m, a.Sub); len(o) > 0 {
				return o
			}
		}
	default:
		if s, ok := v.(string); ok {
			return s
		}
	}
	return nil
}

func instantOf(v any) any {
	switch v := v.(type) {
	case time.Time:
		return v
	case string:
		if t, ok := parseInstant(v); ok {
			return t
		}
	}
	return nil
}

// numberOf returns an int64 if that holds the number exactly, else a float64. It
// returns nil for a value that is not a finite number.
func numberOf(v any) any {
	switch v := v.(type) {
	case int:
		return int64(v)
	case int64:
		return v
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		f, err := v.Float64()
		if err != nil {
			return nil
		}
		return numberOf(f)
	case float64:
		switch {
		case math.IsNaN(v) || math.IsInf(v, 0):
			return nil
		case v == math.Trunc(v) && math.Abs(v) < 1<<53:
			return int64(v)
		}
		return v
	}
	return nil
}
