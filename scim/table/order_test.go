package table

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// TestOrderIsKeptUp has an order that stays right while rows with few values come,
// change and go.
func TestOrderIsKeptUp(t *testing.T) {
	name, err := testSchema.Resolve("userName")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		table, m := New(resource.Links{}), model{}
		put := func() {
			o := query.Object{{Name: "id", Value: fmt.Sprint(rapid.IntRange(0, 20).Draw(t, "id"))}}
			if v := rapid.SampledFrom([]string{"", "a", "A", "b", "c"}).Draw(t, "name"); v != "" {
				o.Set("userName", v)
			}
			table.Put(o)
			m.put(o)
		}
		for range 15 {
			put()
		}
		q := resource.ListQuery{SortBy: &name, Start: 1, ByID: rapid.Bool().Draw(t, "by id")}
		for range 20 {
			for range rapid.IntRange(0, 4).Draw(t, "changes") {
				put()
			}
			if rapid.Bool().Draw(t, "delete") && len(m) > 1 {
				at := rapid.IntRange(0, len(m)-1).Draw(t, "place")
				table.Delete(m[at].Text("id"))
				m = slices.Delete(m, at, at+1)
			}
			q.Descending = rapid.Bool().Draw(t, "descending")
			got, want := texts(objectsOf(table.Answer(q, "").Every)), texts(q.Finish(m, "").All)
			if !slices.Equal(got, want) {
				t.Fatalf("descending %t, by id %t:\ngot  %v\nwant %v", q.Descending, q.ByID, got, want)
			}
		}
	})
}
