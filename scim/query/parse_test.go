package query

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ast "github.com/scim2/filter-parser/v2"
)

var update = flag.Bool("update", false, "write the goldens in testdata instead of comparing with them")

// golden reads the filters in testdata/name.txt, one on each unindented line,
// and compares what answer says of them with the indented lines below each.
func golden(t *testing.T, name string, answer func(filter string) string) {
	t.Helper()
	file := "testdata/" + name + ".txt"
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for line := range strings.Lines(string(want)) {
		if strings.HasPrefix(line, "\t") {
			continue
		}
		got.WriteString(line)
		if line = strings.TrimSuffix(line, "\n"); line != "" && line[0] != '#' {
			fmt.Fprintf(&got, "\t%s\n", answer(line))
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// TestParseGolden shows for each filter its canonical text, or the refusal.
func TestParseGolden(t *testing.T) {
	golden(t, "parse", func(filter string) string {
		e, err := Parse(userSchema, filter, Limits{})
		if err != nil {
			var refused *Error
			if !errors.As(err, &refused) || refused.Pos < 0 || refused.Pos > len(filter) {
				t.Errorf("%s: error %#v has no place in the filter", filter, err)
			}
			return "! " + err.Error()
		}
		again, err := Parse(userSchema, e.String(), Limits{})
		if err != nil {
			t.Errorf("%s: canonical text %s: %v", filter, e, err)
		} else if !reflect.DeepEqual(e, again) {
			t.Errorf("%s: canonical text %s means %#v, want %#v", filter, e, again, e)
		}
		return e.String()
	})
}

func TestParseRefusesHostileText(t *testing.T) {
	wide := Limits{Length: 4 << 20, Depth: 32}
	tests := []struct {
		name, filter string
		lim          Limits
	}{
		{"parentheses", strings.Repeat("(", 120_000), Limits{}},
		{"parentheses, no length limit", strings.Repeat("(", 120_000), wide},
		{"nots, no length limit", strings.Repeat("not(", 75_000), wide},
		{"brackets, no length limit", strings.Repeat("emails[", 120_000), wide},
		{"replacement characters", strings.Repeat("\ufffd", 90_000), Limits{}},
		{"replacement characters, no length limit", `userName eq "` + strings.Repeat("\ufffd", 90_000) + `"`, wide},
		{"invalid UTF-8, no length limit", strings.Repeat("\xff", 90_000), wide},
		{"long name", strings.Repeat("a", 1<<20) + " pr", Limits{}},
		{"long name, no length limit", strings.Repeat("a", 1<<20) + " pr", wide},
		{"escaped quotes, no length limit", strings.Repeat(`\"`, 1<<19), wide},
		{"string without an end, no length limit", `userName eq "` + strings.Repeat(`\"`, 1<<19), wide},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := Parse(userSchema, tt.filter, tt.lim)
			var refused *Error
			if !errors.As(err, &refused) {
				t.Fatalf("got %v, %v, want an *Error", e, err)
			}
			if len(refused.Detail) > 400 {
				t.Errorf("detail of %d bytes", len(refused.Detail))
			}
		})
	}
}

func TestParseEmpty(t *testing.T) {
	for _, filter := range []string{"", " ", "   "} {
		_, err := Parse(userSchema, filter, Limits{})
		want := &Error{0, `the filter is empty at position 0: write one like userName eq "a@b.example"`}
		if diff := cmp.Diff(error(want), err); diff != "" {
			t.Errorf("Parse(%q): error (-want +got):\n%s", filter, diff)
		}
	}
}

func TestParseLimits(t *testing.T) {
	deep := strings.Repeat("(", 32) + "title pr" + strings.Repeat(")", 32)
	if _, err := Parse(userSchema, deep, Limits{}); err != nil {
		t.Errorf("32 parentheses: %v", err)
	}
	if _, err := Parse(userSchema, "("+deep+")", Limits{}); err == nil {
		t.Error("33 parentheses are accepted")
	}
	long := `title eq "` + strings.Repeat("(", 4096-len(`title eq ""`)) + `"`
	if _, err := Parse(userSchema, long, Limits{}); err != nil {
		t.Errorf("4096 bytes: %v", err)
	}
	if _, err := Parse(userSchema, long+" ", Limits{}); err == nil {
		t.Error("4097 bytes are accepted")
	}
}

func TestParseElement(t *testing.T) {
	emails := resolve(t, userSchema, "emails").Attr
	labels := resolve(t, userSchema, "labels").Attr
	tests := []struct {
		attr   *Attribute
		filter string
		want   string
	}{
		{emails, `TYPE eq "work" and (primary eq true or value co "x") and not(value pr)`,
			`type eq "work" and (primary eq true or value co "x") and not (value pr)`},
		{labels, `value eq "red"`, `value eq "red"`},
		{emails, `userName eq "x"`, `! emails has no sub-attribute "userName" (one of value, type, primary) at position 0: see /Schemas for the attributes`},
		{labels, `display eq "x"`, `! labels has no sub-attribute "display" at position 0: see /Schemas for the attributes`},
	}
	for _, tt := range tests {
		got := ""
		if e, err := ParseElement(tt.attr, tt.filter, Limits{}); err != nil {
			got = "! " + err.Error()
		} else {
			got = e.String()
		}
		if got != tt.want {
			t.Errorf("ParseElement(%s, %s)\n got %s\nwant %s", tt.attr.Name, tt.filter, got, tt.want)
		}
	}
}

func TestResolveExpression(t *testing.T) {
	tests := []struct{ path, want string }{
		{`emails[type eq "work" and primary eq true]`, `type eq "work" and primary eq true`},
		{`emails[value eq "a\"b\u00E9\\"]`, `value eq "a\"bé\\"`},
		{`emails[not (type eq null)]`, `not (not (type pr))`},
		{`emails[value eq 5]`, `! the value for value is not of type string: put it in double quotes`},
		{`emails[bogus eq 5]`, `! emails has no sub-attribute "bogus" (one of value, type, primary): see /Schemas for the attributes`},
		{`emails[primary gt true]`, `! primary is of type boolean, which gt cannot order: use eq or ne`},
	}
	for _, tt := range tests {
		path, err := ast.ParsePath([]byte(tt.path))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if e, err := Resolve(userSchema, resolve(t, userSchema, "emails").Attr, path.ValueExpression); err != nil {
			got = "! " + err.Error()
		} else {
			got = e.String()
		}
		if got != tt.want {
			t.Errorf("Resolve(%s)\n got %s\nwant %s", tt.path, got, tt.want)
		}
	}
}

func TestResolveFilter(t *testing.T) {
	for _, filter := range []string{
		`userName eq "a" and (emails[type eq "work"] or not (manager.value pr))`,
		`logins gt 5 or active eq true`,
	} {
		tree, err := ast.ParseFilter([]byte(filter))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Resolve(userSchema, nil, tree)
		if err != nil {
			t.Fatal(err)
		}
		if want := parseUser(t, filter); !reflect.DeepEqual(got, want) {
			t.Errorf("Resolve(%s) = %s, want %s", filter, got, want)
		}
	}
}

func TestParseInstant(t *testing.T) {
	tests := []struct{ text, want string }{
		{"2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"},
		{"2026-01-02t03:04:05z", "2026-01-02T03:04:05Z"},
		{"2026-01-02T03:04:05.1234567891234Z", "2026-01-02T03:04:05.123456789Z"},
		{"2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05Z"},
		{"2026-01-02T03:04:05 02:00", "2026-01-02T01:04:05Z"},
		{"2026-01-02T03:04:05.000-0730", "2026-01-02T10:34:05Z"},
		{"2026-01-02T03:04:05.5", "2026-01-02T03:04:05.5Z"},
		{"2026-01-02T03:04Z", "2026-01-02T03:04:00Z"},
		{"2026-01-02", "2026-01-02T00:00:00Z"},
		{"2026-02-30", ""},
		{"2026-01-02 03:04:05", ""},
		{"", ""},
		{"yesterday", ""},
		{"0000-01-01T00:00:00+01:00", ""}, // a year before 0 in UTC
		{"9999-12-31T23:30:00-01:00", ""},
		{"0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"},
	}
	for _, tt := range tests {
		got := ""
		if at, ok := parseInstant(tt.text); ok {
			got = at.Format(time.RFC3339Nano)
		}
		if got != tt.want {
			t.Errorf("parseInstant(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

// TestStrict has the forms that Limits.Strict refuses, and their meaning without it.
func TestStrict(t *testing.T) {
	tests := []struct{ filter, want, refused string }{
		{`userName eq bjensen`, `userName eq "bjensen"`, `value "bjensen" without quotes at position 12: put it in double quotes`},
		{`userName sw a@b.example and title pr`, `userName sw "a@b.example" and title pr`, `value "a@b.example" without quotes at position 12: put it in double quotes`},
		{`emails[type ne work]`, `emails[type ne "work"]`, `value "work" without quotes at position 15: put it in double quotes`},
		{`emails[type eq "work"].value co x`, `emails[type eq "work" and value co "x"]`, `value "x" without quotes at position 32: put it in double quotes`},
		{`meta.created gt 2026-01-02`, `meta.created gt "2026-01-02T00:00:00Z"`, `value "2026-01-02" is no number at position 16: write numbers as in JSON, texts and dates in double quotes`},
		{`active eq "TRUE"`, `active eq true`, `the value for active is not of type boolean at position 10: write true or false without quotes`},
		{`not (active ne "false")`, `not (active ne false)`, `the value for active is not of type boolean at position 15: write true or false without quotes`},
		{`emails[type eq "work" and primary eq "True"]`, `emails[type eq "work" and primary eq true]`, `the value for primary is not of type boolean at position 37: write true or false without quotes`},
		{`emails[type eq "work"].primary eq "True"`, `emails[type eq "work" and primary eq true]`, `the value for primary is not of type boolean at position 34: write true or false without quotes`},
		{`not title pr`, `not (title pr)`, `not without a parenthesis at position 0: put what it applies to in parentheses: not (title pr)`},
		{`title pr or emails[not type eq "work"]`, `title pr or emails[not (type eq "work")]`, `not without a parenthesis at position 19: put what it applies to in parentheses: not (title pr)`},
	}
	for _, tt := range tests {
		if e, err := Parse(userSchema, tt.filter, Limits{}); err != nil || e.String() != tt.want {
			t.Errorf("%s: got %v, %v, want %s", tt.filter, e, err, tt.want)
		}
		if e, err := Parse(userSchema, tt.filter, Limits{Strict: true}); err == nil || err.Error() != tt.refused {
			t.Errorf("%s, strict: got %v, %v, want %s", tt.filter, e, err, tt.refused)
		}
	}
}
