package tell

import (
	"strconv"
	"time"

	"scim-atlassian/scim/query"
)

// JSON writes JSON, behind a member that is there already.
type JSON struct {
	b    []byte
	open [4]part // what was begun and has not ended
	last int     // the innermost
}

// part is an object or a list that is being written.
type part struct {
	from    int // where it begins, with its name
	members int
	close   byte
}

// next writes what stands between two members or elements.
func (t *JSON) next() {
	if p := &t.open[t.last]; p.members > 0 || t.last == 0 {
		t.b = append(t.b, ',')
	}
	t.open[t.last].members++
}

func (t *JSON) member(n *Name) {
	t.next()
	t.b = append(t.b, n.json...)
}

// Text implements Teller.
func (t *JSON) Text(n *Name, v []byte) {
	if len(v) > 0 {
		t.member(n)
		t.b = append(append(append(t.b, '"'), v...), '"')
	}
}

// Fixed implements Teller.
func (t *JSON) Fixed(n *Name, v string) {
	t.member(n)
	t.b = append(append(append(t.b, '"'), v...), '"')
}

// Flag implements Teller.
func (t *JSON) Flag(n *Name, v bool) {
	t.member(n)
	t.b = strconv.AppendBool(t.b, v)
}

// Instant implements Teller.
func (t *JSON) Instant(n *Name, v time.Time) {
	if !v.IsZero() {
		t.member(n)
		t.b = append(query.AppendInstant(append(t.b, '"'), v), '"')
	}
}

// Begin implements Teller.
func (t *JSON) Begin(n *Name) {
	from := len(t.b)
	t.member(n)
	t.push(from, '{', '}')
}

// List implements Teller.
func (t *JSON) List(n *Name, _ int) {
	from := len(t.b)
	t.member(n)
	t.push(from, '[', ']')
}

// Element implements Teller.
func (t *JSON) Element() {
	from := len(t.b)
	t.next()
	t.push(from, '{', '}')
}

func (t *JSON) push(from int, open, end byte) {
	t.b = append(t.b, open)
	t.last++
	t.open[t.last] = part{from: from, close: end}
}

// End implements Teller.
func (t *JSON) End() {
	p := t.open[t.last]
	t.last--
	if p.members == 0 && t.open[t.last].close != ']' { // an empty member is none
		t.b = t.b[:p.from]
		t.open[t.last].members--
		return
	}
	t.b = append(t.b, p.close)
}

// Start begins behind b, which JSON keeps until Bytes.
func (t *JSON) Start(b []byte) { *t = JSON{b: b} }

// Quoted writes a member with a text that is not yet in JSON.
func (t *JSON) Quoted(n *Name, v []byte) {
	t.member(n)
	t.b = AppendQuoted(t.b, v)
}

// Bytes ends the JSON, and returns what Start began with and what was written behind.
func (t *JSON) Bytes() []byte {
	b := t.b
	t.b = nil
	return b
}
