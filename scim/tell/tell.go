// Package tell makes resources of what upstream sent, which is told member by member:
// an object, a hash and JSON, so that all of them are the same resource.
package tell

import (
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"scim-atlassian/scim/query"
)

// Teller is told what a resource consists of, member by member in the order of the
// schema. A text that is empty is told too and is no member, and neither is an object
// or a list without members or elements.
type Teller interface {
	Text(n *Name, v []byte)  // with its escapes
	Fixed(n *Name, v string) // never empty, without escapes, and not of Atlassian
	Flag(n *Name, v bool)
	Instant(n *Name, v time.Time)
	Begin(n *Name) // an object: its members follow, then End
	End()
	List(n *Name, length int) // that many elements follow, each within Element and End, then End
	Element()
}

// Name is the name of a member in the forms that tellers need.
type Name struct {
	name string
	json string // quoted, with the colon
	hash query.Name
}

// Named returns the name of a member.
func Named(name string) *Name {
	return &Name{name, string(AppendQuoted(nil, name)) + ":", query.NameOf(name)}
}

// AppendQuoted appends a text in JSON. What is no valid UTF-8 is replaced.
func AppendQuoted[T string | []byte](b []byte, text T) []byte {
	b, _ = jsontext.AppendQuote(b, text)
	return b
}

// Tellers are one of each, to be used again: what is told through an interface does not
// stay on the stack.
type Tellers struct {
	Object Object
	Hash   Hash
	JSON   JSON
}

var pool = sync.Pool{New: func() any { return new(Tellers) }}

// Borrow returns Tellers that nobody else uses until they are given back.
func Borrow() *Tellers { return pool.Get().(*Tellers) }

// GiveBack ends the use of Tellers.
func (t *Tellers) GiveBack() { pool.Put(t) }
