package server

import (
	"testing"
	"time"

	"scim-atlassian/scim/query"
)

// TestVersionIsStable holds the version over processes and releases, since
// clients keep it for long, and that no order changes it.
func TestVersionIsStable(t *testing.T) {
	element := func(value string, primary bool) query.Object {
		return query.Object{{Name: "value", Value: value}, {Name: "primary", Value: primary}}
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC)
	o := query.Object{
		{Name: "id", Value: "1"}, {Name: "active", Value: true}, {Name: "emails", Value: []any{element("a", true), element("b", false)}},
		{Name: "count", Value: int64(3)}, {Name: "part", Value: 0.5}, {Name: "meta", Value: query.Object{{Name: "created", Value: at}}},
	}
	const want = `W/"35n22gsa3uzau"`
	if got := query.Version(o); got != want {
		t.Errorf("the version is %s, want %s", got, want)
	}
	turned := query.Object{
		{Name: "schemas", Value: []any{"urn:x"}},
		{Name: "meta", Value: query.Object{{Name: "created", Value: at.In(time.FixedZone("", 3600))}, {Name: "location", Value: "https://x"}, {Name: "version", Value: "v"}}},
		{Name: "part", Value: 0.5}, {Name: "count", Value: int64(3)}, {Name: "emails", Value: []any{element("b", false), element("a", true)}},
		{Name: "active", Value: true}, {Name: "id", Value: "1"},
	}
	if got := query.Version(turned); got != want {
		t.Errorf("in another order the version is %s, want %s", got, want)
	}
	for name, change := range map[string]func(query.Object){
		"a value moves to another element": func(o query.Object) { o[2].Value = []any{element("a", false), element("b", true)} },
		"an element twice":                 func(o query.Object) { o[2].Value = []any{element("a", true), element("b", false), element("b", false)} },
		"values change places":             func(o query.Object) { o[3].Value, o[4].Value = 0.5, int64(3) },
		"false":                            func(o query.Object) { o[1].Value = false },
		"a millisecond":                    func(o query.Object) { o[5].Value = query.Object{{Name: "created", Value: at.Add(time.Millisecond)}} },
	} {
		other := o.Clone()
		change(other)
		if query.Version(other) == want {
			t.Errorf("%s: the version is the same", name)
		}
	}
}

func BenchmarkVersion(b *testing.B) {
	members := make([]any, 50_000)
	for i := range members {
		members[i] = query.Object{{Name: "value", Value: "0d1ec701-0000-4000-8000-000000000001"}, {Name: "display", Value: "Ann Example"}, {Name: "type", Value: "User"}}
	}
	emails := []any{query.Object{{Name: "value", Value: "ann@demo.example"}, {Name: "type", Value: "work"}, {Name: "primary", Value: true}}}
	groups := members[:10]
	user := query.Object{
		{Name: "id", Value: "0d1ec701-0000-4000-8000-000000000001"}, {Name: "externalId", Value: "ann"}, {Name: "userName", Value: "ann@demo.example"},
		{Name: "name", Value: query.Object{{Name: "givenName", Value: "Ann"}, {Name: "familyName", Value: "Example"}}}, {Name: "displayName", Value: "Ann Example"},
		{Name: "active", Value: true}, {Name: "emails", Value: emails}, {Name: "groups", Value: groups},
		{Name: "meta", Value: query.Object{{Name: "resourceType", Value: "User"}, {Name: "created", Value: time.Now()}, {Name: "lastModified", Value: time.Now()}}},
	}
	group := query.Object{{Name: "id", Value: "g"}, {Name: "members", Value: members}}
	for name, o := range map[string]query.Object{"user": user, "group50000": group} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				query.Version(o)
			}
		})
	}
}
