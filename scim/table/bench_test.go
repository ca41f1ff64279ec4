package table

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// The benchmarks are over users as a large company has them.
//
//	go test ./scim/table -run '^$' -bench . [-args -large]
var large = flag.Bool("large", false, "benchmarks over 1,000,000 users too")

func sizes() []int {
	if *large {
		return []int{100_000, 1_000_000}
	}
	return []int{100_000}
}

// The schema of users, as far as the benchmarks ask.
var (
	userName    = query.Path{Attr: &query.Attribute{Name: "userName"}}
	displayName = query.Path{Attr: &query.Attribute{Name: "displayName"}}
	title       = query.Path{Attr: &query.Attribute{Name: "title"}}
	active      = query.Path{Attr: &query.Attribute{Name: "active", Kind: query.Boolean}}
	externalID  = query.Path{Attr: &query.Attribute{Name: "externalId", CaseExact: true}}
	emailValue  = query.Path{Attr: &query.Attribute{Name: "emails", Kind: query.Complex, MultiValued: true}, Sub: &query.Attribute{Name: "value"}}
)

// people draws users. Equal seeds draw equal ones.
type people struct {
	rng                                                 *rand.Rand
	given, family, titles, departments, streets, cities []string
	groups                                              []any
}

func newPeople() *people {
	p := &people{rng: rand.New(rand.NewPCG(7643, 7644))}
	p.given, p.family = p.words(1500, 2, ""), p.words(20_000, 3, "")
	p.titles, p.departments = p.words(800, 6, " "), p.words(150, 5, " ")
	p.streets, p.cities = p.words(5000, 4, ""), p.words(900, 3, "")
	for range 400 {
		p.groups = append(p.groups, query.Object{{Name: "value", Value: p.uuid()}, {Name: "display", Value: p.one(p.departments) + " " + p.one(p.cities)}})
	}
	return p
}

// words makes n different words of up to so many syllables.
func (p *people) words(n, syllables int, space string) []string {
	all := make([]string, n)
	for i := range all {
		var b strings.Builder
		for j := range 2 + p.rng.IntN(syllables) {
			if j > 0 && p.rng.IntN(3) == 0 {
				b.WriteString(space)
			}
			b.WriteByte("bcdfghjklmnprstvwz"[p.rng.IntN(18)])
			b.WriteByte("aeiouy"[p.rng.IntN(6)])
		}
		word := b.String()
		all[i] = strings.ToUpper(word[:1]) + word[1:]
	}
	return all
}

func (p *people) one(words []string) string { return words[p.rng.IntN(len(words))] }

func (p *people) uuid() string {
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", p.rng.Uint32(), p.rng.IntN(1<<16), p.rng.IntN(1<<12), p.rng.IntN(1<<12), p.rng.Uint64N(1<<48))
}

// user draws a user with texts of its own, as a decoder would make it.
func (p *people) user(i int) query.Object {
	given, family := p.one(p.given), p.one(p.family)
	address := strings.ToLower(fmt.Sprintf("%s.%s%d@%s.example", given, family, i%97, []string{"corp", "eu.corp", "partners"}[p.rng.IntN(3)]))
	o := query.Object{
		{Name: "id", Value: p.uuid()}, {Name: "externalId", Value: fmt.Sprintf("E%08d-%04x", i, p.rng.IntN(1<<16))}, {Name: "userName", Value: address},
		{Name: "name", Value: query.Object{{Name: "formatted", Value: given + " " + family}, {Name: "familyName", Value: strings.Clone(family)}, {Name: "givenName", Value: strings.Clone(given)}}},
		{Name: "displayName", Value: given + " " + family}, {Name: "title", Value: strings.Clone(p.one(p.titles))},
		{Name: "preferredLanguage", Value: p.one([]string{"en-US", "de-DE", "fr-FR"})}, {Name: "timezone", Value: p.one([]string{"Europe/Berlin", "America/New_York"})},
		{Name: "active", Value: p.rng.IntN(12) > 0},
		{Name: "emails", Value: []any{query.Object{{Name: "value", Value: strings.Clone(address)}, {Name: "type", Value: "work"}, {Name: "primary", Value: true}}}},
		{Name: "phoneNumbers", Value: []any{query.Object{{Name: "value", Value: fmt.Sprintf("+49 %d %d", 30+p.rng.IntN(900), p.rng.IntN(1e8))}, {Name: "type", Value: "work"}, {Name: "primary", Value: false}}}},
		{Name: "addresses", Value: []any{query.Object{{Name: "streetAddress", Value: fmt.Sprintf("%s %d", p.one(p.streets), p.rng.IntN(200))}, {Name: "locality", Value: strings.Clone(p.one(p.cities))}, {Name: "country", Value: "DE"}}}},
	}
	var groups []any
	for range 2 + p.rng.IntN(5) {
		groups = append(groups, p.groups[p.rng.IntN(len(p.groups))].(query.Object).Clone())
	}
	created := time.Unix(1_500_000_000+p.rng.Int64N(250_000_000), p.rng.Int64N(1000)*1e6).UTC()
	return append(o, query.Member{Name: "groups", Value: groups},
		query.Member{Name: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", Value: query.Object{{Name: "organization", Value: "Example"}, {Name: "department", Value: strings.Clone(p.one(p.departments))}}},
		query.Member{Name: "meta", Value: query.Object{{Name: "resourceType", Value: "User"}, {Name: "created", Value: created}, {Name: "lastModified", Value: created.Add(time.Duration(p.rng.Int64N(1e15)) * 10)}}})
}

// filled returns a table with users, put in pages as they are read.
func filled(n int) *Table {
	t, p := New(resource.Links{Name: "groups", Optional: true}), newPeople()
	page := make([]query.Object, 0, 100)
	for i := range n {
		if page = append(page, p.user(i)); len(page) == cap(page) || i+1 == n {
			t.Put(page...)
			page = page[:0]
		}
	}
	return t
}

// processorTime is what the process has used so far. On a busy machine it tells more
// than the clock.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure runs one after the other and reports the processor time of each.
func measure(b *testing.B, one func()) {
	began, n := processorTime(), 0
	for b.Loop() {
		one()
		n++
	}
	b.ReportMetric(float64((processorTime()-began).Nanoseconds())/float64(n), "cpu-ns/op")
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

var benchColumns = []query.Expr{
	query.NewCompare(userName, query.Eq, "x"), query.NewCompare(displayName, query.Eq, "x"), query.NewCompare(emailValue, query.Eq, "x"),
	query.NewCompare(active, query.Eq, true), query.NewCompare(externalID, query.Eq, "x"),
}

func ask(t *Table, filter query.Expr) *resource.ListResult {
	return t.Answer(resource.ListQuery{Filter: filter, Start: 1, Count: 100}, "")
}

// BenchmarkFill measures the filling of a table in pages of 100.
func BenchmarkFill(b *testing.B) {
	p, all := newPeople(), make([]query.Object, 100_000)
	for i := range all {
		all[i] = p.user(i)
	}
	b.ResetTimer()
	measure(b, func() {
		t := New(resource.Links{Name: "groups", Optional: true})
		for page := range slices.Chunk(all, 100) {
			t.Put(page...)
		}
	})
}

// BenchmarkFootprint measures what a table with five columns takes.
func BenchmarkFootprint(b *testing.B) {
	for _, n := range sizes() {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				before := heap()
				t := filled(n)
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				rows := heap()
				for _, e := range benchColumns {
					ask(t, e)
				}
				b.ReportMetric(float64(heap()-before)/1e6, "MB")
				b.ReportMetric(float64(rows-before)/1e6, "MB-rows")
				b.ReportMetric(float64(m.HeapSys-m.HeapReleased)/1e6, "MB-from-system")
				runtime.KeepAlive(t)
			}
		})
	}
}

// BenchmarkFilter measures warm filters with a page of 100.
func BenchmarkFilter(b *testing.B) {
	for _, n := range sizes() {
		t := filled(n)
		someone := t.Rows().Object(n / 2)
		for _, f := range []struct {
			name   string
			filter query.Expr
		}{
			{"eq", query.NewCompare(userName, query.Eq, strings.ToUpper(someone.Text("userName")))},
			{"eqExact", query.NewCompare(externalID, query.Eq, someone.Text("externalId"))},
			{"eqEmail", query.NewCompare(emailValue, query.Eq, someone.Text("userName"))},
			{"active", query.NewCompare(active, query.Eq, true)},
			{"sw", query.NewCompare(displayName, query.Sw, "ba")},
			{"co", query.NewCompare(displayName, query.Co, "ana")},
			{"coEmail", query.NewCompare(emailValue, query.Co, "ana")},
			{"swExternal", query.NewCompare(externalID, query.Sw, "E000001")},
			{"coRare", query.NewCompare(displayName, query.Co, "nanana")},
			{"coMost", query.NewCompare(userName, query.Co, "a")},
			{"ne", query.NewCompare(emailValue, query.Ne, "x")},
			{"le", query.NewCompare(userName, query.Le, "m")},
			{"and", query.And{Terms: []query.Expr{query.NewCompare(userName, query.Sw, "b"), query.NewCompare(active, query.Eq, true), query.NewCompare(displayName, query.Co, "an")}}},
			{"or", query.Or{Terms: []query.Expr{query.NewCompare(userName, query.Sw, "ba"), query.NewCompare(emailValue, query.Co, "ana"), query.NewCompare(externalID, query.Sw, "E000001")}}},
			{"not", query.Not{Term: query.Or{Terms: []query.Expr{query.NewCompare(userName, query.Co, "ana"), query.NewCompare(active, query.Eq, false)}}}},
			{"brackets", query.Has{Path: query.Path{Attr: emailValue.Attr}, Filter: query.NewCompare(query.Path{Attr: emailValue.Sub}, query.Co, "ana.")}},
		} {
			b.Run(fmt.Sprintf("%s/%d", f.name, n), func(b *testing.B) {
				var r *resource.ListResult
				ask(t, f.filter)
				measure(b, func() { r = ask(t, f.filter) })
				b.ReportMetric(float64(r.Total), "rows")
			})
		}
	}
}

// BenchmarkSort measures sorted pages of 100, from an order that is kept.
func BenchmarkSort(b *testing.B) {
	for _, n := range sizes() {
		t := filled(n)
		for _, s := range []struct {
			name  string
			query resource.ListQuery
		}{
			{"name", resource.ListQuery{SortBy: &displayName}},
			{"titleDescending", resource.ListQuery{SortBy: &title, Descending: true}},
			{"filtered", resource.ListQuery{SortBy: &userName, Filter: query.NewCompare(displayName, query.Co, "a")}},
			{"fewFiltered", resource.ListQuery{SortBy: &emailValue, Filter: query.NewCompare(displayName, query.Sw, "bab")}},
			{"byID", resource.ListQuery{ByID: true}},
		} {
			b.Run(fmt.Sprintf("%s/%d", s.name, n), func(b *testing.B) {
				s.query.Start, s.query.Count = 1, 100
				began := time.Now()
				t.Answer(s.query, "")
				cold := time.Since(began)
				measure(b, func() { t.Answer(s.query, "") })
				b.ReportMetric(float64(cold.Milliseconds()), "ms-cold")
			})
		}
	}
}

// BenchmarkPut measures the change of one row while columns, an order and the index of
// links live, and the answer that follows.
func BenchmarkPut(b *testing.B) {
	for _, n := range sizes() {
		t := filled(n)
		for _, e := range benchColumns {
			ask(t, e)
		}
		sorted := resource.ListQuery{SortBy: &displayName, Start: 1, Count: 1}
		t.Answer(sorted, "")
		t.Linking("nobody")
		p, rows := newPeople(), t.Rows()
		changed := make([]query.Object, 4000)
		for i := range changed {
			changed[i] = rows.Object((i / 2 * 7919) % n)
			changed[i].Set("title", p.one(p.titles))
			changed[i].Set("displayName", p.one(p.given)+" "+p.one(p.family))
		}
		i := 0
		b.Run(fmt.Sprintf("alone/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			measure(b, func() {
				t.Put(changed[i%len(changed)])
				i++
			})
		})
		b.Run(fmt.Sprintf("sorted/%d", n), func(b *testing.B) {
			measure(b, func() {
				t.Put(changed[i%len(changed)])
				t.Answer(sorted, "")
				i++
			})
		})
	}
}
