package query

import (
	"slices"
	"strings"
	"time"
)

// Object is a SCIM resource or another complex value: the attributes that are
// present, by their canonical names, in the order of the schema. An extension is
// a member named by its URN whose value is an Object. It is a list because a
// resource has so few members that searching them is faster than a map, and
// because its JSON is then the same every time.
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

// Equal reports whether two objects have the same members, in any order, with equal
// values. Lists are equal if they have equal elements in the same order; numbers
// and instants are equal by value, whatever their type or offset.
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

// Elements returns the elements of a multi-valued complex attribute. They are
// shared with o.
func (o Object) Elements(name string) []Object {
	v, _ := o.Get(name)
	list, _ := v.([]any)
	out := make([]Object, 0, len(list))
	for _, e := range list {
		if element, ok := e.(Object); ok {
			out = append(out, element)
		}
	}
	return out
}

// Unique returns the ids without repetition, in the order in which they first
// occur.
func Unique(ids []string) []string {
	var out []string
	for _, id := range ids {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// CompareIDs compares two ids of Jira as numbers, whose order is that in which the
// issues were created. Negative, zero and positive mean less, equal and more.
func CompareIDs(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// Text returns the member of that name, "" if it is absent or no string.
func (o Object) Text(name string) string {
	v, _ := o.Get(name)
	s, _ := v.(string)
	return s
}

// Inner returns the complex member of that name, nil if it is absent or not
// complex.
func (o Object) Inner(name string) Object {
	v, _ := o.Get(name)
	object, _ := v.(Object)
	return object
}

// Refers reports whether the reference given, such as an id, a name or both, means
// actual: it has at least one member, and actual has all of them. Texts are
// compared without regard to case, as Jira does with names and keys.
func Refers(given, actual Object) bool {
	for _, m := range given {
		v, _ := m.Value.(string)
		if !strings.EqualFold(v, actual.Text(m.Name)) {
			return false
		}
	}
	return len(given) > 0
}

// Without returns a copy of o without the members of these names. It shares the
// values with o.
func (o Object) Without(names ...string) Object {
	var out Object
	for _, m := range o {
		if !slices.Contains(names, m.Name) {
			if out == nil {
				out = make(Object, 0, len(o))
			}
			out = append(out, m)
		}
	}
	return out
}

// Texts returns an object made from pairs of name and value. A pair whose value is
// empty is left out.
func Texts(pairs ...string) Object {
	o := make(Object, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			o = append(o, Member{Name: pairs[i], Value: pairs[i+1]})
		}
	}
	return o
}

// At returns the value of the attribute at p, nil if there is none. p must not lead
// through a multi-valued attribute to a sub-attribute.
func (o Object) At(p Path) any {
	if p.Extension != "" {
		o = o.Inner(p.Extension)
	}
	v, _ := o.Get(p.Attr.Name)
	if p.Sub != nil {
		object, _ := v.(Object)
		v, _ = object.Get(p.Sub.Name)
	}
	return v
}
