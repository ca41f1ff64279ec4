package table

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"scim-atlassian/scim/query"
)

// TestTextColumn has a column that finds what query.Match finds, in texts of all lengths
// and with bytes that look like lengths.
func TestTextColumn(t *testing.T) {
	letters := rapid.SampledFrom([]string{"a", "b", "B", "\x00", "\x02", "\x03", "C", strings.Repeat("a", 60), strings.Repeat("b", 125), "é"})
	text := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(letters, 0, 4).Draw(t, "letters"), "")
	})
	rapid.Check(t, func(t *rapid.T) {
		attribute := &query.Attribute{Name: "a", MultiValued: rapid.Bool().Draw(t, "several"), CaseExact: rapid.Bool().Draw(t, "exact")}
		c := newTextColumn(query.Path{Attr: attribute})
		objects := make([]query.Object, rapid.IntRange(1, 150).Draw(t, "rows"))
		put := func(slot int) {
			texts := rapid.SliceOfN(text, 0, 2).Draw(t, "texts")
			objects[slot] = query.Object{}
			for _, s := range texts {
				if !attribute.MultiValued {
					objects[slot].Set("a", s)
					continue
				}
				list, _ := objects[slot].Get("a")
				all, _ := list.([]any)
				objects[slot].Set("a", append(all, s))
			}
			c.put(uint32(slot), objects[slot])
		}
		within := make(set, (len(objects)+63)/64)
		for slot := range objects {
			put(slot)
			within.put(uint32(slot), rapid.IntRange(0, 9).Draw(t, "within") > 0)
		}
		for range rapid.IntRange(0, 20).Draw(t, "changes") {
			put(rapid.IntRange(0, len(objects)-1).Draw(t, "slot"))
		}
		for op := query.Eq; op <= query.Le; op++ {
			e := query.NewCompare(c.path, op, text.Draw(t, "wanted"))
			sure, maybe, ok := c.match(e, within)
			if !ok {
				t.Fatal("the column cannot tell")
			}
			for slot, o := range objects {
				want := within.has(uint32(slot)) && query.Match(e, o)
				if sure.has(uint32(slot)) != want || maybe.has(uint32(slot)) != want {
					t.Fatalf("%s: %t, want %t, of %s", e, sure.has(uint32(slot)), want, o.AppendJSON(nil))
				}
			}
		}
	})
}
