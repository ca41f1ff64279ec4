package tell

import (
	"time"

	"scim-atlassian/atlassian/wire"
	"scim-atlassian/scim/query"
)

// Hash adds up the hash of a resource. It begins with the zero Hash.
type Hash struct {
	open [4]query.Hash // of what was begun and has not ended
	name [4]*Name
	last int // the innermost
}

// Text implements Teller.
func (t *Hash) Text(n *Name, v []byte) {
	if len(v) > 0 {
		t.open[t.last].Text(n.hash, wire.Text(v))
	}
}

// Fixed implements Teller.
func (t *Hash) Fixed(n *Name, v string) { t.open[t.last].String(n.hash, v) }

// Flag implements Teller.
func (t *Hash) Flag(n *Name, v bool) { t.open[t.last].Bool(n.hash, v) }

// Instant implements Teller.
func (t *Hash) Instant(n *Name, v time.Time) {
	if !v.IsZero() {
		t.open[t.last].Instant(n.hash, v)
	}
}

// Begin implements Teller.
func (t *Hash) Begin(n *Name) {
	t.last++
	t.open[t.last], t.name[t.last] = query.Hash{}, n
}

// List implements Teller.
func (t *Hash) List(n *Name, _ int) { t.Begin(n) }

// Element implements Teller.
func (t *Hash) Element() { t.Begin(nil) }

// End implements Teller.
func (t *Hash) End() {
	done, n := t.open[t.last], t.name[t.last]
	t.last--
	switch {
	case n == nil:
		t.open[t.last].Element(done)
	case done != query.Hash{}:
		t.open[t.last].Inner(n.hash, done)
	}
}

// AppendTag appends the entity tag of what was told: query.Version of its object, if the
// members of meta were told as members of the resource, without location and version.
func (t *Hash) AppendTag(b []byte) []byte { return t.open[0].AppendTag(b) }
