package table

import (
	"testing"
	"time"

	"scim-atlassian/scim/query"
)

// TestInstantColumn compares instants at and between milliseconds.
func TestInstantColumn(t *testing.T) {
	at := query.Path{Attr: &query.Attribute{Name: "at", Kind: query.DateTime}}
	objects := []query.Object{{}}
	for _, nanoseconds := range []int64{-2e6, -1e6 - 1, -1e6, -1, 0, 1, 1e6 - 1, 1e6, 1e6 + 1, 2e6} {
		objects = append(objects, query.Object{{Name: "at", Value: time.Unix(1_800_000_000, nanoseconds).UTC()}})
	}
	c, within := &instantColumn{path: at}, set{1<<len(objects) - 1}
	for slot, o := range objects {
		c.put(uint32(slot), o)
	}
	for _, o := range objects[1:] {
		v, _ := o.Get("at")
		for _, op := range []query.Op{query.Eq, query.Ne, query.Gt, query.Ge, query.Lt, query.Le} {
			e := query.NewCompare(at, op, v)
			sure, maybe, ok := c.match(e, within)
			for slot, o := range objects {
				if want := query.Match(e, o); !ok || sure.has(uint32(slot)) != want || maybe.has(uint32(slot)) != want {
					t.Errorf("%s: %t, want %t, of %v", e, sure.has(uint32(slot)), want, o)
				}
			}
		}
	}
}
