// Package changes tells what differs between two states of a resource, and how the log
// of the state keeps that.
package changes

import (
	"slices"
	"time"

	"scim-atlassian/scim/packed"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Change is what differs between two states of a resource.
type Change struct {
	Names        []string // top-level attributes
	Joined, Left []string // values of the links
}

// Between returns what is new in a resource. An old of nil differs in everything;
// links that one of the two lacks are no difference.
func Between(old, o query.Object, links resource.Links) Change {
	if old == nil {
		return Change{Names: []string{"id"}}
	}
	var c Change
	for _, m := range o {
		v, ok := old.Get(m.Name)
		if m.Name == links.Name && links.Missing(old) {
			continue
		}
		if !ok || !query.Equal(query.Object{{Name: m.Name, Value: v}}, query.Object{m}) {
			c.Names = append(c.Names, m.Name)
		}
	}
	for _, m := range old {
		if _, ok := o.Get(m.Name); !ok && !(m.Name == links.Name && links.Missing(o)) {
			c.Names = append(c.Names, m.Name)
		}
	}
	if slices.Contains(c.Names, links.Name) {
		before, after := slices.Collect(links.Of(old)), slices.Collect(links.Of(o))
		c.Joined, c.Left = without(after, before), without(before, after)
	}
	return c
}

// without returns the elements of a that are not in b.
func without(a, b []string) []string {
	in := make(map[string]bool, len(b))
	for _, e := range b {
		in[e] = true
	}
	return slices.DeleteFunc(slices.Clone(a), func(e string) bool { return in[e] })
}

// The members of a resource before a change that are none of its attributes.
const (
	joinedMember = "\x00joined"
	leftMember   = "\x00left"
)

// Encode returns what the log keeps of the resource before the change, with the links
// that the change brought and took.
func (c Change) Encode(before query.Object) []byte {
	if before == nil {
		return nil
	}
	o := slices.Clone(before)
	if len(c.Joined)+len(c.Left) > 0 {
		o.Set(joinedMember, anyTexts(c.Joined))
		o.Set(leftMember, anyTexts(c.Left))
	}
	return packed.Encode(nil, o)
}

func anyTexts(texts []string) []any {
	list := make([]any, 0, len(texts))
	for _, t := range texts {
		list = append(list, t)
	}
	return list
}

// Decode reads what Encode wrote. The Names of the change are not in it.
func Decode(b []byte) (before query.Object, c Change, err error) {
	if b == nil {
		return nil, Change{}, nil
	}
	o, err := packed.Decode(b)
	if err != nil {
		return nil, Change{}, err
	}
	joined, _ := o.Get(joinedMember)
	left, _ := o.Get(leftMember)
	return o.Without(joinedMember, leftMember), Change{Joined: texts(joined), Left: texts(left)}, nil
}

func texts(v any) []string {
	list, _ := v.([]any)
	var all []string
	for _, e := range list {
		if t, ok := e.(string); ok {
			all = append(all, t)
		}
	}
	return all
}

// Modified returns the meta.lastModified of a resource, the zero time if there is none.
func Modified(o query.Object) time.Time {
	v, _ := o.Inner("meta").Get("lastModified")
	t, _ := v.(time.Time)
	return t
}

// Dated returns a resource whose meta.lastModified is not before at.
func Dated(o query.Object, at time.Time) query.Object {
	if meta := o.Inner("meta"); meta != nil && Modified(o).Before(at) {
		meta = slices.Clone(meta)
		meta.Set("lastModified", at.UTC())
		o = slices.Clone(o)
		o.Set("meta", meta)
	}
	return o
}

// CeilMillisecond returns the next full millisecond: clients see no more of an
// instant, and one that asks for what changed after a time must not miss what
// changed later within its millisecond.
func CeilMillisecond(t time.Time) time.Time {
	return t.Truncate(time.Millisecond).Add(time.Millisecond)
}
