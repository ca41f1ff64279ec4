package query

import (
	"slices"
	"time"
)

// Object is a SCIM resource or another complex value: the attributes that are
// present, by their canonical names, in the order of the schema. An extension is
// a member named by its URN whose value is an Object. A resource has few enough
// members that a list beats a map, and its JSON is the same every time.
type Object []Member

// Member is one attribute of an Object. Value is a string, bool, int64, float64,
// time.Time or Object, or for a multi-valued attribute []any of those, never nil.
type Member struct {
	Name  string
	Value any
}

// Get returns the value of the member with that canonical name.
func (o Object) Get(name string) (any, bool) {
	for i := range o {
		if o[i].Name == name {
			return o[i].Value, true
		}
	}
	return nil, false
}

// Set replaces the value of the member, or appends it as the last one.
func (o *Object) Set(name string, v any) {
	for i := range *o {
		if (*o)[i].Name == name {
			(*o)[i].Value = v
			return
		}
	}
	*o = append(*o, Member{name, v})
}

// Delete removes the member if there is one. It writes to o's own array.
func (o *Object) Delete(name string) {
	*o = slices.DeleteFunc(*o, func(m Member) bool { return m.Name == name })
}

// Clone returns a copy that shares nothing writable with o.
func (o Object) Clone() Object {
	if o == nil {
		return nil
	}
	c := make(Object, len(o))
	for i, m := range o {
		c[i] = Member{m.Name, clone(m.Value)}
	}
	return c
}

func clone(v any) any {
	switch v := v.(type) {
	case Object:
		return v.Clone()
	case []any:
		c := make([]any, len(v))
		for i := range v {
			c[i] = clone(v[i])
		}
		return c
	}
	return v
}

// Equal reports whether two objects say the same: the same members in any order,
// the same elements in the same order, equal instants, equal numbers.
func Equal(a, b Object) bool {
	if len(a) != len(b) {
		return false
	}
	for _, m := range a {
		v, ok := b.Get(m.Name)
		if !ok || !equal(m.Value, v) {
			return false
		}
	}
	return true
}

func equal(a, b any) bool {
	switch a := a.(type) {
	case Object:
		b, ok := b.(Object)
		return ok && Equal(a, b)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equal)
	case time.Time:
		b, ok := b.(time.Time)
		return ok && a.Equal(b)
	case int64, float64:
		order, ok := compareNumbers(a, b)
		return ok && order == 0
	}
	return a == b
}
