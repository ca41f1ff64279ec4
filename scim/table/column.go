package table

import (
	"sync"
	"time"

	"scim-atlassian/scim/query"
)

// column tells of each row what a leaf of a filter asks for. It is changed by those
// alone who hold the lock of the table.
type column interface {
	// put tells what becomes of a slot: an object with the attribute of the column, if
	// it has one; nil: there is no row any more.
	put(slot uint32, o query.Object)
	// match returns the rows within a set that satisfy a leaf, and those that may. ok is
	// false if the column cannot tell.
	match(leaf query.Expr, within set) (sure, maybe set, ok bool)
}

// columnName says which column a leaf needs.
type columnName struct {
	path    string
	kind    query.Kind
	exact   bool
	present bool // for Present
}

// maxColumns and maxOrders bound what is derived from the rows. Beyond them, what has
// rested longest goes.
const (
	maxColumns = 24
	maxOrders  = 8
)

// derived is what was made of the rows for queries, and is kept up. Whoever makes or
// looks for something holds the read lock of the table and the mutex; who holds the lock
// of the table needs no mutex.
type derived struct {
	mutex   sync.Mutex
	uses    uint64 // counts what was asked for
	columns map[columnName]*made[column]
	orders  map[orderName]*made[*order]
}

// made is a column or an order that is made once. Those who find it wait for that.
type made[T any] struct {
	once  sync.Once
	used  uint64 // when it was asked for last
	value T
}

// forget drops everything.
func (d *derived) forget() {
	d.columns, d.orders = map[columnName]*made[column]{}, map[orderName]*made[*order]{}
}

// update tells everything what becomes of a slot, as column.put does.
func (d *derived) update(slot uint32, o query.Object) {
	for _, m := range d.columns {
		m.value.put(slot, o)
	}
	for _, m := range d.orders {
		m.value.change(slot)
	}
}

// find returns the entry with a name, a new one if there is none; then the one that
// has rested longest goes if there are more than most.
func find[K comparable, T any](d *derived, all map[K]*made[T], name K, most int) *made[T] {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.uses++
	m := all[name]
	if m == nil {
		if len(all) >= most {
			delete(all, oldest(all))
		}
		m = &made[T]{}
		all[name] = m
	}
	m.used = d.uses
	return m
}

func oldest[K comparable, T any](all map[K]*made[T]) (name K) {
	least := ^uint64(0)
	for k, m := range all {
		if m.used < least {
			name, least = k, m.used
		}
	}
	return name
}

// column returns the column for a leaf, nil if there is none for such a leaf. The
// caller holds the read lock.
func (t *Table) column(leaf query.Expr) column {
	name, path := columnFor(leaf)
	if name.path == "" {
		return nil
	}
	m := find(&t.derived, t.columns, name, maxColumns)
	m.once.Do(func() { m.value = t.makeColumn(name, path) })
	return m.value
}

// columnFor names the column for a leaf; its path is empty if there is none.
func columnFor(leaf query.Expr) (columnName, query.Path) {
	switch e := leaf.(type) {
	case query.Present:
		return columnName{path: e.Path.String(), present: true}, e.Path
	case query.Compare:
		kind := e.Path.Kind()
		if kind != query.Integer && kind != query.Decimal && kind != query.Complex {
			return columnName{path: e.Path.String(), kind: kind, exact: e.Path.Exact()}, e.Path
		}
	}
	return columnName{}, query.Path{}
}

// makeColumn reads all rows.
func (t *Table) makeColumn(name columnName, path query.Path) column {
	var c column
	switch {
	case name.present:
		c = &presentColumn{leaf: query.Present{Path: path}}
	case name.kind == query.Boolean:
		c = &boolColumn{path: path}
	case name.kind == query.DateTime:
		c = &instantColumn{path: path}
	default:
		c = newTextColumn(path)
	}
	s := t.state()
	pick := s.Picker(memberOf(path))
	for i, b := range s.blocks {
		for at := range min(blockRows, t.slots-i*blockRows) {
			var o query.Object
			if b.live>>at&1 != 0 {
				o = pick.Pick(b.row(at))
			}
			c.put(uint32(i*blockRows+at), o)
		}
	}
	return c
}

// memberOf is the member of a resource that a path leads through.
func memberOf(p query.Path) string {
	if p.Extension != "" {
		return p.Extension
	}
	return p.Attr.Name
}

// presentColumn has the rows of which Present is true.
type presentColumn struct {
	leaf query.Present
	yes  set
}

func (c *presentColumn) put(slot uint32, o query.Object) {
	c.yes.put(slot, o != nil && query.Match(c.leaf, o))
}

func (c *presentColumn) match(_ query.Expr, within set) (sure, maybe set, ok bool) {
	sure = within.and(c.yes)
	return sure, sure, true
}

// boolColumn has the rows that have the value true, false, or another one, which no
// column can tell anything of.
type boolColumn struct {
	path          query.Path
	yes, no, more set
}

func (c *boolColumn) put(slot uint32, o query.Object) {
	var yes, no, more bool
	for v := range c.path.Values(o) {
		switch v {
		case true:
			yes = true
		case false:
			no = true
		default:
			more = true
		}
	}
	c.yes.put(slot, yes)
	c.no.put(slot, no)
	c.more.put(slot, more)
}

func (c *boolColumn) match(leaf query.Expr, within set) (sure, maybe set, ok bool) {
	e := leaf.(query.Compare)
	want, ok := e.Value.(bool)
	if !ok {
		return nil, nil, false
	}
	has, other := c.yes, c.no
	if !want {
		has, other = c.no, c.yes
	}
	switch e.Op {
	case query.Eq:
		sure = within.and(has)
	case query.Ne: // another value, or none
		sure = within.and(other).or(within.without(has))
	default:
		return nil, nil, false
	}
	return sure.without(c.more), sure.or(within.and(c.more)), true
}

// instantColumn has the instants of an attribute, in milliseconds, as Match compares
// them.
type instantColumn struct {
	path  query.Path
	times []int64 // by slot
	has   set
	more  set // rows with several values or others than instants
}

func (c *instantColumn) put(slot uint32, o query.Object) {
	for int(slot) >= len(c.times) {
		c.times = append(c.times, 0)
	}
	has, more := false, false
	for v := range c.path.Values(o) {
		at, ok := v.(time.Time)
		more = more || has || !ok
		has = true
		if ok {
			c.times[slot] = at.Truncate(time.Millisecond).UnixMilli()
		}
	}
	c.has.put(slot, has && !more)
	c.more.put(slot, more)
}

func (c *instantColumn) match(leaf query.Expr, within set) (sure, maybe set, ok bool) {
	e := leaf.(query.Compare)
	want, ok := e.Value.(time.Time)
	if !ok {
		return nil, nil, false
	}
	least, most, inside := interval(e.Op, want)
	sure = make(set, len(within))
	for i, word := range within {
		word &= c.has.word(i)
		for rest := word; rest != 0; rest &= rest - 1 {
			at := lowest(rest)
			if v := c.times[i*64+at]; (least <= v && v <= most) == inside {
				sure[i] |= 1 << at
			}
		}
	}
	if e.Op == query.Ne {
		sure = sure.or(within.without(c.has))
	}
	return sure.without(c.more), sure.or(within.and(c.more)), true
}
