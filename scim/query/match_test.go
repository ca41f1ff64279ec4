package query

import (
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

func parseUser(t testing.TB, filter string) Expr {
	t.Helper()
	e, err := Parse(userSchema, filter, Limits{})
	if err != nil {
		t.Fatalf("%s: %v", filter, err)
	}
	return e
}

// TestMatch asks about ann, see object_test.go.
func TestMatch(t *testing.T) {
	tests := []struct {
		filter string
		want   bool
	}{
		// case, RFC 7643 section 2.2
		{`userName eq "ann@example.COM"`, true},
		{`userName ne "ann@example.COM"`, false},
		{`id eq "A1"`, true},
		{`id eq "a1"`, false},
		{`name.familyName eq "STRAẞE"`, true},
		{`name.familyName eq "STRASSE"`, false}, // simple folding, not full
		{`name.familyName eq "\u017ftraße"`, true},
		{`name.familyName co "TRAẞ"`, true},
		{`userName sw "ANN@"`, true},
		{`userName ew "Example.com"`, true},
		{`userName ew "x.com "`, false},
		{`externalId sw "x"`, false},
		{`labels eq "blue"`, false},
		{`key eq "AGK="`, false},
		{`userName co ""`, true},

		// order
		{`userName gt "ANM"`, true},
		{`userName lt "Ann@example.con"`, true},
		{`userName ge "ann@example.com"`, true},
		{`userName le "ann@example.com"`, true},
		{`userName gt "_"`, true}, // folded: a is after _, A would be before
		{`externalId lt "_"`, true},
		{`logins gt 2`, true},
		{`logins gt 2.9`, true},
		{`logins lt 3.1`, true},
		{`logins eq 3.0`, true},
		{`score ge 2.5`, true},
		{`score gt 2.5`, false},
		{`logins lt 1e300`, true},

		// instants
		{`meta.lastModified eq "2026-01-02T02:04:05.6Z"`, true},
		{`meta.lastModified eq "2026-01-02T03:04:05.600+01:00"`, true},
		{`meta.lastModified gt "2026-01-02T02:04:05.599"`, true},
		{`meta.lastModified le "2026-01-02"`, false},
		{`meta.lastModified ne "2026-01-02T02:04:05Z"`, true},

		// absence
		{`displayName ne "x"`, true},
		{`displayName eq "x"`, false},
		{`displayName eq ""`, false},
		{`displayName lt "x"`, false},
		{`not (displayName gt "x")`, true},
		{`displayName pr`, false},
		{`displayName eq null`, true},
		{`title pr`, false}, // empty is unassigned, RFC 7643 section 2.5
		{`title eq ""`, true},
		{`userName ne null`, true},
		{`department pr`, true},
		{`active pr`, true},
		{`name pr`, true},
		{`name.formatted pr`, false},
		{`manager.displayName ne "x"`, true},

		// several values
		{`labels eq "red"`, true},
		{`labels ne "red"`, true},
		{`not (labels eq "red")`, false},
		{`labels[value sw "B"]`, true},
		{`emails.type eq "WORK"`, true},
		{`emails.type ne "work"`, true},
		{`emails.primary eq true`, true},
		{`emails.primary ne true`, false}, // the only value there is
		{`emails eq "ann@work.example"`, true},
		{`groups.value eq "g1"`, false},
		{`groups.display pr`, true},
		{`groups.type ne "x"`, true},

		// one element
		{`emails[type eq "work" and value ew "work.example"]`, true},
		{`emails[type eq "work" and value ew "home.example"]`, false},
		{`emails.type eq "work" and emails.value ew "home.example"`, true},
		{`emails[type eq "home" and not (primary pr)]`, true},
		{`emails[primary ne true]`, true},
		{`emails[type eq "home" or primary eq true]`, true},
		{`not (emails[type eq "other"])`, true},
		{`emails[type eq "work"].value eq "ann@work.example"`, true},
		{`name[givenName eq "ann" and familyName sw "s"]`, true},
		{`manager[value eq "B2"]`, true},

		// logic
		{`active eq true and (title pr or logins eq 3)`, true},
		{`active ne false`, true},
		{`not (active eq true) or title pr`, false},
		{`department eq "r&d" and manager eq "B2"`, true},
		{`schemas eq "urn:ietf:params:scim:schemas:core:2.0:User"`, true},
	}
	for _, tt := range tests {
		e := parseUser(t, tt.filter)
		if got := Match(e, ann); got != tt.want {
			t.Errorf("Match(%s) = %t, want %t", tt.filter, got, tt.want)
		}
		if got := Match(Simplify(e), ann); got != tt.want {
			t.Errorf("Match(Simplify(%s) = %s) = %t, want %t", tt.filter, Simplify(e), got, tt.want)
		}
	}
}

func TestMatchNil(t *testing.T) {
	if !Match(nil, ann) {
		t.Error("a nil filter does not match")
	}
}

func TestMatchDoesNotAllocate(t *testing.T) {
	for _, filter := range []string{
		`userName eq "x" or userName sw "Ann" and not (title pr)`,
		`name.familyName co "a rather long text, longer than small buffers"`,
		`emails[type eq "work" and value co "example"]`,
		`meta.lastModified gt "2026-01-01T00:00:00Z" and logins gt 2 and active eq true`,
		`labels[value eq "Blue"] and department ew "d" and groups.value eq "G1"`,
	} {
		e := parseUser(t, filter)
		if n := testing.AllocsPerRun(100, func() { Match(e, ann) }); n != 0 {
			t.Errorf("Match(%s) allocates %v times", filter, n)
		}
	}
}

// TestFoldRune compares folding with strings.EqualFold.
func TestFoldRune(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		folded := foldRune(r)
		if folded != r && !strings.EqualFold(string(folded), string(r)) {
			t.Errorf("%U folds to %U, which differs by more than case", r, folded)
		}
		if next := unicode.SimpleFold(r); foldRune(next) != folded {
			t.Errorf("%U and %U differ by case only and fold to %U and %U", r, next, folded, foldRune(next))
		}
	}
}

func TestFoldIsEqualFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.StringOf(rapid.SampledFrom([]rune("aAkKKsSſßẞıiIİσςΣéÉ😀\ufffd")))
		a, b := texts.Draw(t, "a"), texts.Draw(t, "b")
		if got, want := string(AppendFold(nil, a)) == string(AppendFold(nil, b)), strings.EqualFold(a, b); got != want {
			t.Errorf("%q and %q fold equal: %t, want %t", a, b, got, want)
		}
	})
}
