package query

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// seed gives a fuzz test the filters of a golden.
func seed(f *testing.F, names ...string) {
	for _, name := range names {
		text, err := os.ReadFile("testdata/" + name + ".txt")
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if line[0] != '\t' && line[0] != '#' {
				f.Add(strings.TrimSuffix(line, "\n"))
			}
		}
	}
}

// FuzzParse holds that no text breaks Parse, that a refusal names a place in the
// text, that an accepted filter survives being printed and simplified, that Strict
// only ever refuses, never what is canonical, and that a bare not negates the
// comparison behind it.
func FuzzParse(f *testing.F) {
	seed(f, "parse", "plans")
	f.Fuzz(func(t *testing.T, filter string) {
		e, err := Parse(userSchema, filter, Limits{})
		if letter, refusal := Parse(userSchema, filter, Limits{Strict: true}); refusal == nil && !reflect.DeepEqual(letter, e) {
			t.Errorf("strictly it means %s, else %v, %v", letter, e, err)
		}
		if err != nil {
			if refused := err.(*Error); refused.Pos < 0 || refused.Pos > len(filter) {
				t.Errorf("position %d of %d: %v", refused.Pos, len(filter), err)
			}
			return
		}
		again, err := Parse(userSchema, e.String(), Limits{Length: 1 << 20, Depth: 100, Strict: true})
		if err != nil {
			t.Fatalf("canonical text %s: %v", e, err)
		}
		if !reflect.DeepEqual(e, again) {
			t.Fatalf("canonical text %s means %s", e, again)
		}
		switch e.(type) {
		case Compare, Present:
			bare, err := Parse(userSchema, "not "+e.String(), Limits{Length: 1 << 20})
			if !reflect.DeepEqual(bare, Expr(Not{e})) {
				t.Errorf("not %s means %v, %v", e, bare, err)
			}
		}
		if got, want := Match(Simplify(e), ann), Match(e, ann); got != want {
			t.Fatalf("simplified to %s it gives %t, want %t", Simplify(e), got, want)
		}
	})
}

// FuzzPlan holds the laws of Simplify and Choose for random users and filters.
func FuzzPlan(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) {
		all := []Object{ann, drawResource(t, userSchema), drawResource(t, userSchema)}
		e := drawFilter(t, userSchema)
		simple := Simplify(e)
		for _, o := range all {
			if got, want := Match(simple, o), Match(e, o); got != want {
				t.Fatalf("%s\nsimplified %s\ngot %t, want %t", e, simple, got, want)
			}
		}
		checkLaw(t, e, all, Stats{Scan: -1})
	}))
}
