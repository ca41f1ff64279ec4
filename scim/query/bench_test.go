package query

import "testing"

var benchFilters = []struct{ name, filter string }{
	{"eq", `userName eq "ann@example.com"`},
	{"and", `active eq true and displayName co "ann"`},
	{"valuePath", `emails[type eq "work" and value ew "example"]`},
	{"or", `name.familyName sw "s" or title eq "x" or externalId pr`},
	{"date", `meta.lastModified gt "2026-01-01T00:00:00Z"`},
}

func BenchmarkParse(b *testing.B) {
	for _, f := range benchFilters {
		b.Run(f.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(userSchema, f.filter, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkChoose(b *testing.B) {
	for _, f := range benchFilters {
		e := parseUser(b, f.filter)
		b.Run(f.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Choose(e, userTable, Stats{Scan: 100})
			}
		})
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, f := range benchFilters {
		e := parseUser(b, f.filter)
		b.Run(f.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Match(e, ann)
			}
		})
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	b.ReportAllocs()
	buf := ann.AppendJSON(nil)
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		buf = ann.AppendJSON(buf[:0])
	}
}

func BenchmarkProject(b *testing.B) {
	p, err := userSchema.Project([]string{"userName", "emails.value"}, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		p.Apply(ann)
	}
}

func BenchmarkSort(b *testing.B) {
	all := make([]Object, 10_000)
	for i := range all {
		all[i] = Object{{"userName", string(rune('a'+i*7919%1000)) + "@example.com"}}
	}
	by := resolve(b, userSchema, "userName")
	b.ReportAllocs()
	for b.Loop() {
		Sort(all, by, false)
	}
}
