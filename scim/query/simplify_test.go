package query

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func TestSimplify(t *testing.T) {
	golden(t, "simplify", func(filter string) string {
		e := parseUser(t, filter)
		got := Simplify(e)
		if again := Simplify(got); !reflect.DeepEqual(got, again) {
			t.Errorf("%s: simplified twice %s, once %s", filter, again, got)
		}
		return got.String()
	})
}

// TestSimplifyKeepsMeaning is Simplify's contract.
func TestSimplifyKeepsMeaning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawFilter(t, userSchema)
		simple := Simplify(e)
		for range 4 {
			o := drawResource(t, userSchema)
			if got, want := Match(simple, o), Match(e, o); got != want {
				t.Fatalf("%s\nsimplified %s\nof %s\ngot %t, want %t", e, simple, o.AppendJSON(nil), got, want)
			}
		}
	})
}

// TestCanonicalText holds that Parse reads back the text that String writes.
func TestCanonicalText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawFilter(t, userSchema)
		lim := Limits{Length: 1 << 20, Depth: 100}
		again, err := Parse(userSchema, e.String(), lim)
		if err != nil {
			t.Fatalf("%s: %v", e, err)
		}
		if third, err := Parse(userSchema, again.String(), lim); err != nil || !reflect.DeepEqual(again, third) {
			t.Fatalf("read back\n %s, %v\nwant\n %s", third, err, again)
		}
		for range 2 {
			o := drawResource(t, userSchema)
			if Match(again, o) != Match(e, o) {
				t.Fatalf("%s read back means something else", e)
			}
		}
	})
}
