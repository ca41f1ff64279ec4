package query

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// userTable has the lookups of the Atlassian directory, in small.
var userTable = Table{
	{Name: "id", Path: "id", Exact: true},
	{Name: "userName", Path: "userName", Exact: true},
	{Name: "externalId", Path: "externalId"}, // superset: upstream ignores case
	{Name: "groups.value", Path: "groups.value", Exact: true, Cost: func(group string) int {
		if group == "g9" {
			return 100
		}
		return 4
	}},
}

// TestChoosePlans has 10,000 users in pages of 100 to scan.
func TestChoosePlans(t *testing.T) {
	golden(t, "plans", func(filter string) string {
		return Choose(parseUser(t, filter), userTable, Stats{Scan: 100}).String()
	})
}

// TestChooseByCost has groups of a known size: g1 takes 4 calls to look up, g9 a
// hundred.
func TestChooseByCost(t *testing.T) {
	many := `userName eq "a" or userName eq "b" or id eq "c"`
	kept := Stats{Kept: true, Age: 1500 * time.Millisecond}
	tests := []struct {
		filter string
		stats  Stats
		want   string
	}{
		{"", Stats{Scan: -1}, `scan exact cost=?`},
		{"", Stats{Scan: 2}, `scan exact cost=2`},
		{"", kept, `scan exact cost=0 snapshot=1s`},
		{`title pr`, Stats{Scan: 3}, `scan residual=(title pr) cost=3`},
		{`title pr`, kept, `scan residual=(title pr) cost=0 snapshot=1s`},
		{many, Stats{Scan: -1}, `union(userName="a", userName="b", id="c") exact cost=3`},
		{many, Stats{Scan: 3}, `union(userName="a", userName="b", id="c") exact cost=3`},
		{many, Stats{Scan: 2}, `scan residual=(` + many + `) cost=2`},
		{many, kept, `scan residual=(` + many + `) cost=0 snapshot=1s`},
		{`groups.value eq "g1"`, Stats{Scan: -1}, `lookup groups.value="g1" exact cost=4`},
		{`groups.value eq "g1"`, Stats{Scan: 3}, `scan residual=(groups.value eq "g1") cost=3`},
		{`groups.value eq "g1"`, Stats{Scan: 3, Kept: true}, `scan residual=(groups.value eq "g1") cost=3 snapshot=0s`},

		// One call is made whatever is kept; the cheapest conjunct is taken.
		{`userName eq "a"`, kept, `lookup userName="a" exact cost=1`},
		{`title pr and externalId eq "a"`, kept, `lookup externalId="a" residual=(title pr and externalId eq "a") cost=1`},
		{`groups.value eq "g1" and userName eq "a"`, kept, `lookup userName="a" residual=(groups.value eq "g1") cost=1`},
		{`groups.value eq "g9" and groups.value eq "g1"`, Stats{Scan: -1}, `lookup groups.value="g1" residual=(groups.value eq "g9") cost=4`},
		{`groups.value eq "g9" and (userName eq "a" or userName eq "b")`, Stats{Scan: 100}, `union(userName="a", userName="b") residual=(groups.value eq "g9") cost=2`},
		{`groups.value eq "g9" and (groups.value eq "g1" or userName eq "b")`, Stats{Scan: 100}, `union(groups.value="g1", userName="b") residual=(groups.value eq "g9") cost=5`},
		{`groups.value eq "g9"`, Stats{Scan: 99}, `scan residual=(groups.value eq "g9") cost=99`},
		{`groups.value eq "g9"`, Stats{Scan: 100}, `lookup groups.value="g9" exact cost=100`},
		{`id eq "a" and userName eq "a"`, Stats{Scan: 100}, `lookup id="a" residual=(userName eq "a") cost=1`},
		{`userName eq "a" and id eq "a"`, Stats{Scan: 100}, `lookup id="a" residual=(userName eq "a") cost=1`},
		{`userName eq "a" and (userName eq "b" and title pr)`, kept, `empty exact cost=0`},
	}
	for _, tt := range tests {
		var e Expr
		if tt.filter != "" {
			e = parseUser(t, tt.filter)
		}
		if got := Choose(e, userTable, tt.stats).String(); got != tt.want {
			t.Errorf("Choose(%s, %+v)\n got %s\nwant %s", tt.filter, tt.stats, got, tt.want)
		}
	}
}

// run makes a plan's lookups by brute force on all resources, as an upstream
// with userTable would answer them.
func run(p Plan, all []Object) []Object {
	switch p.Kind {
	case PlanEmpty:
		return nil
	case PlanScan:
		return all
	}
	var found []Object
	for _, o := range all {
		if slices.ContainsFunc(p.Lookups, func(probe Probe) bool { return answers(probe, o) }) {
			found = append(found, o)
		}
	}
	return found
}

func answers(p Probe, o Object) bool {
	path, err := userSchema.Resolve(p.Path)
	if err != nil {
		panic(err)
	}
	if !p.Exact {
		path.Attr = &Attribute{Name: path.Attr.Name} // without regard to case
	}
	return Match(NewCompare(path, Eq, p.Value), o)
}

// checkLaw holds the law of plans: running one and matching again is matching
// everything, and an exact one needs no matching.
func checkLaw(t interface{ Fatalf(string, ...any) }, e Expr, all []Object, st Stats) {
	p := Choose(e, userTable, st)
	found := run(p, all)
	var want, got, left int
	for _, o := range all {
		if Match(e, o) {
			want++
		}
	}
	for _, o := range found {
		if Match(e, o) {
			got++
		}
		if p.Exact || Match(p.Residual, o) {
			left++
		}
	}
	if got != want {
		t.Fatalf("%s\nplan %s\nfinds %d of %d", e, p, got, want)
	}
	if left != want {
		t.Fatalf("%s\nplan %s\nleaves %d, want %d", e, p, left, want)
	}
}

func TestPlansFindWhatMatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := make([]Object, rapid.IntRange(1, 8).Draw(t, "users"))
		for i := range all {
			all[i] = drawResource(t, userSchema)
		}
		e := drawFilter(t, userSchema)
		if rapid.Bool().Draw(t, "pushable") {
			key := rapid.SampledFrom([]string{"id", "userName", "externalId", "groups.value"}).Draw(t, "key")
			p, _ := userSchema.Resolve(key)
			e = And{[]Expr{NewCompare(p, Eq, someTexts.Draw(t, "value")), e}}
		}
		checkLaw(t, e, all, Stats{Scan: rapid.IntRange(-1, 5).Draw(t, "scan")})
	})
}
