package plain

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// fragments are the pieces random texts are made of: all that means
// something, and some that does not.
var fragments = []string{
	"a", "word", " ", "  ", "    ", "\t", "\n", "\n\n", "\r\n", "\\", "\\\\", "`", "``", "```", "```go", "#", "# ", "## ", "- ", "-", "---",
	"1. ", "1.", "2. ", "10. ", "> ", ">", "[!info]", "[ ] ", "- [ ] ", "- [x] ", "[", "]", "(", ")", "[t](http://x)", "](", "<https://x>", "<", "@",
	"@[N](accountid:1:a-b)", "](accountid:1)", "http://x", "é", "|", "*", "\x00", "\xff",
}

func drawText(t *rapid.T) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(fragments), 0, 30).Draw(t, "text"), "")
}

func TestTextSurvives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawText(t)
		doc := FromText(s)
		got, err := ToText(doc)
		if err != nil {
			t.Fatal(err)
		}
		if want := Normalize(s); got != want {
			t.Fatalf("ToText(FromText(%q)) = %q, want %q\n%s", s, got, want, doc)
		}
		if again := Normalize(got); again != got {
			t.Fatalf("Normalize(%q) = %q: not a fixed point; from %q", got, again, s)
		}
		checkDoc(t, doc)
	})
}

type fataler interface{ Fatalf(string, ...any) }

// checkDoc holds what Atlassian's schema demands of the nodes FromText makes.
func checkDoc(t fataler, doc []byte) {
	if doc == nil {
		return
	}
	var root node
	if err := json.Unmarshal(doc, &root); err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	var walk func(parent string, n node)
	walk = func(parent string, n node) {
		if n.Type == "text" && n.Text == "" {
			t.Fatalf("empty text node in %s", doc)
		}
		if allowed, ok := contents[parent]; ok && !strings.Contains(allowed, " "+n.Type+" ") {
			t.Fatalf("%s in %s: %s", n.Type, parent, doc)
		}
		if needsContent[n.Type] && len(n.Content) == 0 {
			t.Fatalf("%s without content: %s", n.Type, doc)
		}
		for _, c := range n.Content {
			walk(n.Type, c)
		}
	}
	walk("", root)
}

var (
	contents = map[string]string{
		"doc":         " paragraph heading bulletList orderedList taskList codeBlock blockquote panel rule ",
		"blockquote":  " paragraph bulletList orderedList codeBlock ",
		"panel":       " paragraph heading bulletList orderedList taskList codeBlock ",
		"listItem":    " paragraph bulletList orderedList codeBlock ",
		"bulletList":  " listItem ",
		"orderedList": " listItem ",
		"taskList":    " taskItem taskList ",
		"taskItem":    " text hardBreak mention inlineCard ",
		"paragraph":   " text hardBreak mention inlineCard ",
		"heading":     " text mention inlineCard ",
		"codeBlock":   " text ",
	}
	needsContent = map[string]bool{"doc": true, "blockquote": true, "panel": true, "listItem": true, "bulletList": true, "orderedList": true, "taskList": true, "heading": true}
)

// TestPlainTextStays: text without markup is not changed at all.
func TestPlainTextStays(t *testing.T) {
	for _, s := range []string{
		"one line",
		"two\nlines",
		"a paragraph\n\nanother",
		`C:\Users\me and \\server\share\`,
		`^\d+\.\[x\]$`,
		"a*b*c _d_ 2 ** 3 ~x~",
		"see [1] and (2), f[0](x), <b>bold</b>, <ns:tag>",
		"mail jane@example.com or @jane",
		"ends on\n2024. A new sentence",
		"a ` lone backtick",
		"-5 degrees, --flag\n#hashtag",
		"| a | b |\n| 1 | 2 |",
		"  indented\n    more",
		"- item\n  continued\n\n  second paragraph\n  - nested\n    1. deep\n- last",
		"3. three\n4. four",
		"> quoted\n>\n> - a\n>\n> ```\n> x\n> ```",
		"> [!warning]\n> careful",
		"# Title\n\n```go\nfunc main() {}\n\n\n```\n\n---\n\nend",
		"````\n```\n````",
		"- [ ] open `x`\n- [x] done\n  - [ ] nested",
		"`code` [text](https://a.example/b_(c)) <https://card.example/> @[Jörg [x\\]](accountid:712020:e1-a9)",
		"\\- no item\n\\# no heading\n\\[no](https://link.example) \\`no code`",
		"`` a`b `` and `` ` ``",
	} {
		if got := Normalize(s); got != s {
			t.Errorf("Normalize(%q)\n     = %q", s, got)
		}
	}
}
