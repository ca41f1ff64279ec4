package tell

import (
	"time"

	"scim-atlassian/atlassian/wire"
	"scim-atlassian/scim/query"
)

// Object makes an object. Its texts are parts of one copy of the bytes.
type Object struct {
	copied string
	room   int     // the capacity of the bytes: a part of them that begins later has less
	open   []frame // what was begun and has not ended, the innermost last
}

// elementMembers is how many members an element of a list has at most.
const elementMembers = 3

// frame is an object or a list that is being made.
type frame struct {
	name     *Name // in the frame around it; nil: an element
	object   query.Object
	list     []any
	elements query.Object // room for the members of all elements of the list
}

// Start begins an object with room for so many members. All texts that are told of it
// are parts of raw.
func (t *Object) Start(raw []byte, members int) {
	t.copied, t.room = string(raw), cap(raw)
	t.open = append(t.open[:0], frame{object: make(query.Object, 0, members)})
}

// Made ends the object and returns it.
func (t *Object) Made() query.Object {
	o := t.open[0].object
	t.copied = ""
	clear(t.open[:cap(t.open)])
	return o
}

func (t *Object) add(n *Name, v any) {
	at := &t.open[len(t.open)-1].object
	*at = append(*at, query.Member{Name: n.name, Value: v})
}

// Text implements Teller.
func (t *Object) Text(n *Name, v []byte) {
	if len(v) == 0 {
		return
	}
	text := wire.Text(v)
	if len(text) != len(v) {
		t.add(n, string(text))
		return
	}
	from := t.room - cap(v)
	t.add(n, t.copied[from:from+len(v)])
}

// Fixed implements Teller.
func (t *Object) Fixed(n *Name, v string) { t.add(n, v) }

// Flag implements Teller.
func (t *Object) Flag(n *Name, v bool) { t.add(n, v) }

// Instant implements Teller.
func (t *Object) Instant(n *Name, v time.Time) {
	if !v.IsZero() {
		t.add(n, v)
	}
}

// Begin implements Teller.
func (t *Object) Begin(n *Name) { t.open = append(t.open, frame{name: n}) }

// List implements Teller.
func (t *Object) List(n *Name, length int) {
	f := frame{name: n}
	if length > 0 {
		f.list, f.elements = make([]any, 0, length), make(query.Object, 0, elementMembers*length)
	}
	t.open = append(t.open, f)
}

// Element implements Teller.
func (t *Object) Element() {
	list := &t.open[len(t.open)-1]
	o := list.elements[:0:elementMembers]
	list.elements = list.elements[elementMembers:cap(list.elements)]
	t.open = append(t.open, frame{object: o})
}

// End implements Teller.
func (t *Object) End() {
	f := t.open[len(t.open)-1]
	t.open = t.open[:len(t.open)-1]
	switch {
	case f.name == nil:
		list := &t.open[len(t.open)-1]
		list.list = append(list.list, f.object)
	case f.list != nil:
		t.add(f.name, f.list)
	case len(f.object) > 0:
		t.add(f.name, f.object)
	}
}
