package table

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

var testLinks = resource.Links{Name: "groups", Optional: true}

// model is what a table is held to: its objects in order.
type model []query.Object

func (m model) place(id string) int {
	return slices.IndexFunc(m, func(o query.Object) bool { return o.Text("id") == id })
}

func (m *model) put(o query.Object) {
	if at := m.place(o.Text("id")); at >= 0 {
		(*m)[at] = o
	} else {
		*m = append(*m, o)
	}
}

func (m *model) arrange(ids []string) {
	rank := func(o query.Object) int {
		if at := slices.Index(ids, o.Text("id")); at >= 0 {
			return at
		}
		return len(ids)
	}
	slices.SortStableFunc(*m, func(a, b query.Object) int { return rank(a) - rank(b) })
}

// texts are the objects as JSON, whole and with every nanosecond.
func texts(objects []query.Object) []string {
	out := make([]string, len(objects))
	for i, o := range objects {
		out[i] = string(o.AppendJSON(nil)) + query.Version(o)
	}
	return out
}

func objectsOf(s resource.Source) []query.Object {
	out := make([]query.Object, s.Len())
	for i := range out {
		out[i] = s.Object(i)
	}
	return out
}

// handedOut is a result, and what it was when the table gave it.
type handedOut struct {
	source resource.Source
	texts  []string
}

// TestTable holds a table under random changes to the model, and its answers to
// ListQuery.Finish. What was handed out stays what it was.
func TestTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table, m, results := New(testLinks), model{}, []handedOut{}
		var few []string
		for i := range rapid.SampledFrom([]int{3, 20, 50}).Draw(t, "ids") {
			few = append(few, fmt.Sprint(i*7), fmt.Sprintf("0f8fad5b-d9cb-469f-a165-70867728%04x", i))
		}
		ids := rapid.SampledFrom(few)
		paths := rapid.SliceOfNDistinct(rapid.SampledFrom(testPaths), 3, 3, query.Path.String).Draw(t, "paths")
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				var all []query.Object
				for range rapid.SampledFrom([]int{0, 1, 1, 1, 3, 20}).Draw(t, "objects") {
					o := drawResource(t, ids)
					all = append(all, o)
					m.put(o)
				}
				table.Put(all...)
			},
			"delete": func(t *rapid.T) {
				id := ids.Draw(t, "id")
				at := m.place(id)
				if got := table.Delete(id); got != (at >= 0) {
					t.Fatalf("Delete(%s) = %t", id, got)
				}
				if at >= 0 {
					m = slices.Delete(m, at, at+1)
				}
			},
			"arrange": func(t *rapid.T) {
				named := rapid.SliceOfDistinct(ids, func(id string) string { return id }).Draw(t, "named")
				m.arrange(named)
				table.Arrange(named)
			},
			"clear": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "clear") == 0 {
					m = nil
					table.Clear()
				}
			},
			"link": func(t *rapid.T) {
				id := someTexts.Draw(t, "link")
				var want []string
				for _, o := range m {
					if slices.Contains(slices.Collect(testLinks.Of(o)), id) {
						want = append(want, o.Text("id"))
					}
				}
				if got := table.Linking(id); !slices.Equal(got, want) {
					t.Fatalf("Linking(%q) = %v, want %v", id, got, want)
				}
			},
			"answer": func(t *rapid.T) {
				results = append(results, checkAnswer(t, table, m, paths))
			},
			"": func(t *rapid.T) {
				checkRows(t, table, m, ids.Draw(t, "one"))
				for _, r := range results {
					if got := texts(objectsOf(r.source)); !slices.Equal(got, r.texts) {
						t.Fatalf("a result has changed (-was +is):\n%s", cmp.Diff(r.texts, got))
					}
				}
			},
		})
	})
}

func checkRows(t *rapid.T, table *Table, m model, one string) {
	rows := table.Rows()
	if got, want := texts(objectsOf(rows)), texts(m); !slices.Equal(got, want) {
		t.Fatalf("rows as JSON (-want +got):\n%s", cmp.Diff(want, got))
	}
	var ids, bare []string
	for i, o := range m {
		ids = append(ids, o.Text("id"))
		if testLinks.Missing(o) {
			bare = append(bare, o.Text("id"))
		}
		if ids[i] != one {
			continue
		}
		if got, want := rows.Version(i), query.Version(o); got != want {
			t.Fatalf("version %s, want %s", got, want)
		}
		if !table.Holds(o) || table.Holds(append(o[:len(o):len(o)], query.Member{Name: "other", Value: true})) {
			t.Fatalf("Holds is wrong about %s", o.AppendJSON(nil))
		}
	}
	if got := table.IDs(); !slices.Equal(got, ids) || table.Len() != len(m) {
		t.Fatalf("%d ids %v, want %v", table.Len(), got, ids)
	}
	if got := table.Bare(); !slices.Equal(got, bare) {
		t.Fatalf("bare %v, want %v", got, bare)
	}
	at := m.place(one)
	if got := table.Get(one); table.Has(one) != (at >= 0) || (got != nil) != (at >= 0) || at >= 0 && !query.Equal(got, m[at]) {
		t.Fatalf("Get(%s) = %v", one, got)
	}
}

func checkAnswer(t *rapid.T, table *Table, m model, paths []query.Path) handedOut {
	q := resource.ListQuery{
		Start: rapid.IntRange(1, 5).Draw(t, "start"), Count: rapid.IntRange(0, 100).Draw(t, "count"),
		ByID: rapid.Bool().Draw(t, "by id"), Descending: rapid.Bool().Draw(t, "descending"),
	}
	if rapid.IntRange(0, 4).Draw(t, "filtered") > 0 {
		q.Filter = drawFilter(t, paths, 2)
	}
	if rapid.Bool().Draw(t, "sorted") {
		p := rapid.SampledFrom(paths).Draw(t, "by")
		if p.Attr.Name != "labels" { // values of several types have no order
			q.SortBy = &p
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "completed") == 0 {
		q.Complete = complete
	}
	want := q.Finish(m, "plan")
	got := table.Answer(q, "plan")
	if got.All != nil || got.Total != want.Total || got.Plan != want.Plan {
		t.Fatalf("%v: total %d, want %d", q.Filter, got.Total, want.Total)
	}
	if a, b := texts(got.Resources), texts(want.Resources); !slices.Equal(a, b) {
		t.Fatalf("%v: page (-want +got):\n%s", q.Filter, cmp.Diff(b, a))
	}
	every := texts(objectsOf(got.Every))
	if all := texts(want.All); !slices.Equal(every, all) {
		t.Fatalf("%v: every (-want +got):\n%s", q.Filter, cmp.Diff(all, every))
	}
	for i, o := range want.All {
		if got.Every.ID(i) != o.Text("id") {
			t.Fatalf("id %s, want %s", got.Every.ID(i), o.Text("id"))
		}
	}
	return handedOut{got.Every, every}
}

// complete adds what a server adds.
func complete(o query.Object) query.Object {
	meta := o.Inner("meta")
	out := o.Without("meta", "emails")
	out = append(out, query.Member{Name: "meta", Value: append(meta[:len(meta):len(meta)], query.Member{Name: "location", Value: "https://" + strings.ToUpper(o.Text("id"))})})
	if v, ok := o.Get("emails"); ok {
		var list []any
		for _, e := range v.([]any) {
			e := e.(query.Object)
			if e.Text("type") == "" {
				e = append(e.Without("type"), query.Member{Name: "type", Value: "ab"})
			}
			list = append(list, e)
		}
		out = append(out, query.Member{Name: "emails", Value: append([]any{}, list...)})
	}
	return out
}

// TestReadersBesideWriters has readers that find the rows of one moment each: those of
// an even number of changes, since every Put changes two rows alike.
func TestReadersBesideWriters(t *testing.T) {
	const rows = 300
	user := func(i, version int) query.Object {
		text := fmt.Sprint("version ", version)
		return query.Object{
			{Name: "id", Value: fmt.Sprint(i)}, {Name: "userName", Value: text}, {Name: "active", Value: version%2 == 0},
			{Name: "groups", Value: []any{query.Object{{Name: "value", Value: text}}}},
		}
	}
	table := New(testLinks)
	for i := range rows {
		table.Put(user(i, 0))
	}
	name, err := testSchema.Resolve("userName")
	if err != nil {
		t.Fatal(err)
	}
	active, err := testSchema.Resolve("active")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for reader := range 3 {
		readers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				version := fmt.Sprint("version ", i%50)
				q := resource.ListQuery{Start: 1, Count: 10, SortBy: &name, Descending: i%2 == 0, ByID: i%3 == 0, Filter: query.NewCompare(name, query.Eq, version)}
				switch reader {
				case 1:
					q.Filter = query.And{Terms: []query.Expr{query.Not{Term: query.NewCompare(active, query.Ne, i%2 == 0)}, query.NewCompare(name, query.Co, "version")}}
				case 2:
					table.Linking(version)
					table.Holds(user(i%rows, i%50))
					q.Filter = nil
				}
				r := table.Answer(q, "")
				counts := map[string]int{}
				for _, o := range objectsOf(r.Every) {
					counts[o.Text("userName")]++
				}
				for text, n := range counts {
					if n%2 != 0 {
						t.Errorf("%d rows of %s, filter %v", n, text, q.Filter)
						return
					}
				}
			}
		})
	}
	for version := range 400 {
		i := version * 7 % (rows - 1)
		i -= i % 2
		table.Put(user(i, version%50), user(i+1, version%50))
		switch version % 100 {
		case 30:
			table.Arrange([]string{"5", "3", fmt.Sprint(version % rows)})
		case 60:
			table.Delete("none")
			table.Bare()
		}
	}
	close(done)
	readers.Wait()
}
