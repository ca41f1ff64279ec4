package markup

import (
	"strings"
	"testing"
)

// TestCommonMark: emphasis and code as the examples of CommonMark 0.31, sections 6.1
// and 6.2, have them. A run shows its marks before its text.
func TestCommonMark(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"*foo bar*", "em:foo bar"},
		{"a * foo bar*", "a * foo bar*"},
		{`a*"foo"*`, `a*"foo"*`},
		{"foo*bar*", "foo|em:bar"},
		{"_foo bar_", "em:foo bar"},
		{"foo_bar_", "foo_bar_"},
		{"foo-_(bar)_", "foo-|em:(bar)"},
		{"**foo bar**", "strong:foo bar"},
		{"** foo bar**", "** foo bar**"},
		{"foo**bar**", "foo|strong:bar"},
		{"foo__bar__", "foo__bar__"},
		{"*(**foo**)*", "em:(|em:strong:foo|em:)"},
		{"*foo**bar**baz*", "em:foo|em:strong:bar|em:baz"},
		{"***foo** bar*", "em:strong:foo|em: bar"},
		{"*foo **bar***", "em:foo |em:strong:bar"},
		{"foo***bar***baz", "foo|em:strong:bar|baz"},
		{"**foo*", "*|em:foo"},
		{"*foo**", "em:foo|*"},
		{"***foo**", "*|strong:foo"},
		{"****foo*", "***|em:foo"},
		{"****foo****", "strong:foo"},
		{"*foo _bar* baz_", "em:foo _bar| baz_"},
		{"**foo **bar baz**", "**foo |strong:bar baz"},
		{`\*not emphasized*`, "*not emphasized*"},
		{`\\*emphasis*`, `\|em:emphasis`},
		{"~~Hi~~ there", "strike:Hi| there"},
		{"``foo ` bar``", "code:foo ` bar"},
		{"`` ` ``", "code:`"},
		{"`foo", "`foo"},
		{"`foo``bar``", "`foo|code:bar"},
		{"*foo`*`", "*foo|code:*"},
		{"*a *b c* d*", "em:a b c d"},
		{"*a **b ~~c d~~ e** f*", "em:a |em:strong:b |em:strong:strike:c d|em:strong: e|em: f"},
	} {
		var runs []string
		for _, in := range Parse(tt.text) {
			s := in.Text
			for _, m := range []struct {
				on   bool
				name string
			}{{in.Kind == Code, "code"}, {in.Style.Strike, "strike"}, {in.Style.Strong, "strong"}, {in.Style.Em, "em"}} {
				if m.on {
					s = m.name + ":" + s
				}
			}
			runs = append(runs, s)
		}
		if got := strings.Join(runs, "|"); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.text, got, tt.want)
		}
	}
}

// BenchmarkHostile measures lines that are all beginnings and no ends, as long as Jira
// takes them.
func BenchmarkHostile(b *testing.B) {
	for _, piece := range []string{"[", "`", "` ``", "\\", "*a ", "*a**b ", "_a*b~~c ", ":u[", ":u[:u[:u[:u[:u[:u[:u[:u[a]]]]]]]]{x}", "@[", "<http://", "[x](http://a(", "⟦adf:"} {
		b.Run(piece, func(b *testing.B) {
			line := strings.Repeat(piece, 32767/len(piece))
			for b.Loop() {
				Print(Parse(line))
			}
		})
	}
}
