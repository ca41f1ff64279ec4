package plain

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func text(s string, marks ...string) string {
	n := map[string]any{"type": "text", "text": s}
	var ms []any
	for _, m := range marks {
		switch {
		case m == "code" || m == "strong":
			ms = append(ms, map[string]any{"type": m})
		default:
			ms = append(ms, map[string]any{"type": "link", "attrs": map[string]any{"href": m}})
		}
	}
	if ms != nil {
		n["marks"] = ms
	}
	b, _ := json.Marshal(n)
	return string(b)
}

func el(typ string, content ...string) string {
	return `{"type":"` + typ + `","content":[` + strings.Join(content, ",") + `]}`
}

func doc(content ...string) string {
	return `{"version":1,"type":"doc","content":[` + strings.Join(content, ",") + `]}`
}

func TestToText(t *testing.T) {
	para := func(s string) string { return el("paragraph", text(s)) }
	for _, tt := range []struct{ name, doc, want string }{
		{"absent", "", ""},
		{"null", "null", ""},
		{"empty", doc(), ""},
		{"empty paragraphs", doc(el("paragraph"), para("a"), el("paragraph"), para("b")), "a\n\nb"},
		{"marks", doc(el("paragraph", text("bold", "strong"), text(" "), text("x", "code"), text(" "), text("here", "https://a.example", "strong"))), "bold `x` [here](https://a.example)"},
		{"break", doc(el("paragraph", text("a"), `{"type":"hardBreak"}`, text("b"))), "a\nb"},
		{"mention", doc(el("paragraph", text("ask "), `{"type":"mention","attrs":{"id":"712020:e1-a9","text":"@Zoë [x]","accessLevel":""}}`)), `ask @[Zoë \[x\]](accountid:712020:e1-a9)`},
		{"emoji", doc(el("paragraph", `{"type":"emoji","attrs":{"shortName":":smile:","text":"😄"}}`, `{"type":"emoji","attrs":{"shortName":":custom:"}}`)), "😄:custom:"},
		{"cards", doc(el("paragraph", `{"type":"inlineCard","attrs":{"url":"https://a.example/x"}}`), `{"type":"blockCard","attrs":{"url":"https://b.example"}}`), "<https://a.example/x>\n\n<https://b.example>"},
		{"date and status", doc(el("paragraph", `{"type":"date","attrs":{"timestamp":"1790000000000"}}`, text(" "), `{"type":"status","attrs":{"text":"LATE","color":"red"}}`)), "2026-09-21 LATE"},
		{"lists", doc(el("bulletList", el("listItem", para("a"), el("orderedList", el("listItem", para("b")), el("listItem", para("c"), para("d")))), el("listItem", para("e")))), "- a\n  1. b\n  2. c\n\n     d\n- e"},
		{"ordered from 9", doc(`{"type":"orderedList","attrs":{"order":9},"content":[` + el("listItem", para("a")) + "," + el("listItem", para("b\nc")) + "]}"), "9. a\n10. b\n    c"},
		{"tasks", doc(`{"type":"taskList","attrs":{"localId":"l"},"content":[{"type":"taskItem","attrs":{"localId":"a","state":"DONE"},"content":[` + text("a") + `]},{"type":"taskList","attrs":{"localId":"m"},"content":[{"type":"taskItem","attrs":{"localId":"b","state":"TODO"}}]}]}`), "- [x] a\n  - [ ]"},
		{"decisions", doc(el("decisionList", el("decisionItem", text("go")))), "- go"},
		{"code", doc(`{"type":"codeBlock","attrs":{"language":"go"},"content":[` + text("a\n```\n\nb") + `]}`), "````go\na\n```\n\nb\n````"},
		{"quote", doc(el("blockquote", para("a"), para("b"))), "> a\n>\n> b"},
		{"panel", doc(`{"type":"panel","attrs":{"panelType":"warning"},"content":[` + para("hot") + `]}`), "> [!warning]\n> hot"},
		{"rule", doc(para("a"), `{"type":"rule"}`, para("b")), "a\n\n---\n\nb"},
		{"table", doc(el("table", el("tableRow", el("tableHeader", para("k")), el("tableHeader", para("v"))), el("tableRow", el("tableCell", para("a"), para("b")), el("tableCell", el("paragraph", text("x", "code")))))), "| k | v |\n| a b | `x` |"},
		{"media", doc(el("mediaSingle", `{"type":"media","attrs":{"id":"1","type":"file","alt":"plan.png"}}`)), "[plan.png]"},
		{"expand", doc(`{"type":"expand","attrs":{"title":"More"},"content":[` + para("inside") + `]}`), "More\n\ninside"},
		{"unknown", doc(el("layoutSection", el("layoutColumn", para("left")), el("layoutColumn", para("right"))), `{"type":"novelty","attrs":{"text":"new"}}`), "left\n\nright\n\nnew"},
		{"looks like markup", doc(para("- a"), para("1. b"), para("# c"), para("> d"), para("```x"), para("---"), para("see [a](http://b) `c` <http://d>")),
			"\\- a\n\n\\1. b\n\n\\# c\n\n\\> d\n\n\\```x\n\n\\---\n\nsee \\[a](http://b) \\`c` \\<http://d>"},
		{"backslashes before markup", doc(el("paragraph", text(`\`), text("c", "code"), text(` \x`))), "\\\\`c` \\x"},
		{"odd links", doc(el("paragraph", text("a", "page.html"), text(" "), text("b", "https://x/(a"), text(" "), text("c", "https://x/a[0] b"))), "a (page.html) [b](https://x/%28a) [c](https://x/a%5B0%5D%20b)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ToText([]byte(tt.doc))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			again, err := ToText(FromText(got))
			if err != nil || again != got {
				t.Errorf("a second time: %q, %v", again, err)
			}
		})
	}
}

func TestFromText(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"a\nb", doc(el("paragraph", text("a"), `{"type":"hardBreak"}`, text("b")))},
		{"Steps:\n- a\n- b", doc(el("paragraph", text("Steps:")), el("bulletList", el("listItem", el("paragraph", text("a"))), el("listItem", el("paragraph", text("b")))))},
		{"-\n  - a", doc(el("bulletList", el("listItem", `{"type":"paragraph"}`, el("bulletList", el("listItem", el("paragraph", text("a")))))))},
		{"> [!note]", doc(`{"type":"panel","attrs":{"panelType":"note"},"content":[{"type":"paragraph"}]}`)},
		{"- [x] a", doc(`{"type":"taskList","attrs":{"localId":"list-1"},"content":[{"type":"taskItem","attrs":{"localId":"task-2","state":"DONE"},"content":[` + text("a") + `]}]}`)},
		{"@[Ann](accountid:5b10)", doc(el("paragraph", `{"type":"mention","attrs":{"id":"5b10","text":"@Ann"}}`))},
		{"```\n```", doc(`{"type":"codeBlock"}`)},
		{"```\nopen", doc(el("paragraph", text("```"), `{"type":"hardBreak"}`, text("open")))},
	} {
		var got, want any
		if err := json.Unmarshal(FromText(tt.text), &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("FromText(%q): %s", tt.text, diff)
		}
	}
	for _, blank := range []string{"", " \n\t\r\n"} {
		if got := FromText(blank); got != nil {
			t.Errorf("FromText(%q) = %s, want none", blank, got)
		}
	}
}

// TestDocumentsSurvive: what text can say, a document keeps, whatever its
// texts look like.
func TestDocumentsSurvive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		blocks := fit(drawBlocks(t, 3), document)
		want := encodeBlocks(blocks, new(int))
		printed := strings.Join(printBlocks(blocks, document), "\n")
		got := encodeBlocks(parseText(printed), new(int))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q: %s", printed, diff)
		}
	})
}

func drawBlocks(t *rapid.T, depth int) []block {
	n := rapid.IntRange(1, 3).Draw(t, "blocks")
	var out []block
	for range n {
		out = append(out, drawBlock(t, depth))
	}
	return out
}

func drawBlock(t *rapid.T, depth int) block {
	kinds := []kind{paragraph, paragraph, heading, codeBlock, rule}
	if depth > 0 {
		kinds = append(kinds, bulletList, orderedList, quote, panel)
	}
	b := block{kind: rapid.SampledFrom(kinds).Draw(t, "kind")}
	switch b.kind {
	case heading:
		b.level = rapid.IntRange(1, 6).Draw(t, "level")
		b.text = drawInlines(t)
	case paragraph:
		b.text = drawInlines(t)
	case codeBlock:
		b.code = strings.Join(splitLines(strings.ToValidUTF8(drawText(t), "")), "\n")
	case bulletList, orderedList:
		b.level = int(b.kind-bulletList) * rapid.IntRange(0, 12).Draw(t, "first")
		for range rapid.IntRange(1, 3).Draw(t, "items") {
			b.children = append(b.children, block{kind: listItem, children: drawBlocks(t, depth-1)})
		}
	case quote:
		b.children = drawBlocks(t, depth-1)
	case panel:
		b.name, b.children = "info", drawBlocks(t, depth-1)
	}
	return b
}

func drawInlines(t *rapid.T) []inline {
	refs := []string{"https://a.example/x", "https://a.example/(y)?z=1"}
	var out []inline
	for range rapid.IntRange(1, 5).Draw(t, "inlines") {
		in := inline{kind: inlineKind(rapid.IntRange(0, int(lineBreak)).Draw(t, "inline kind"))}
		switch in.kind {
		case plain, code, link:
			in.text = strings.Map(func(r rune) rune {
				if r == '\n' || r == '\r' || r == 0xFFFD {
					return -1
				}
				return r
			}, drawText(t))
		case mention:
			in.text = rapid.SampledFrom([]string{"", "Ann", `a]\`}).Draw(t, "name")
		}
		switch in.kind {
		case link, card:
			in.ref = rapid.SampledFrom(refs).Draw(t, "url")
		case mention:
			in.ref = "712020:e1-a9"
		}
		out = appendInline(out, in)
	}
	return out
}

func TestToTextRefuses(t *testing.T) {
	deep := strings.Repeat(`{"type":"a","content":[`, 300) + strings.Repeat("]}", 300)
	for _, tt := range []struct {
		name, doc string
		want      error
	}{
		{"too deep", doc(deep), ErrTooDeep},
		{"too large", doc(el("paragraph", text(strings.Repeat("a", maxSize)))), ErrTooLarge},
		{"no document", `{"type":"paragraph"}`, ErrNotDocument},
	} {
		if _, err := ToText([]byte(tt.doc)); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
	for _, bad := range []string{`"text"`, `{`, `{"type":"doc","content":{}}`} {
		if _, err := ToText([]byte(bad)); err == nil {
			t.Errorf("ToText(%s): no error", bad)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, s := range fragments {
		f.Add(s)
	}
	f.Add("- a\n  1. b\n\n> [!info]\n> # c\n\n```\nd\n```")
	f.Fuzz(func(t *testing.T, s string) {
		n := Normalize(s)
		if again := Normalize(n); again != n {
			t.Fatalf("Normalize(%q) = %q, and of that %q", s, n, again)
		}
		d := FromText(s)
		checkDoc(t, d)
		if got, err := ToText(d); err != nil || got != n {
			t.Fatalf("ToText(FromText(%q)) = %q, %v; want %q", s, got, err, n)
		}
	})
}

// BenchmarkHostile measures text that is all beginnings and no ends, as long as
// Jira takes it.
func BenchmarkHostile(b *testing.B) {
	const size = 32767
	for _, piece := range []string{"[", "`", "` ``", "\\", "[a", "@[", "<http://", "[x](http://a(", "> ", "- ", "- [ ] ", "```a\n", "  - a\n", "\n", "1. a\n", "# a\n"} {
		b.Run(strconv.Quote(piece), func(b *testing.B) {
			text := strings.Repeat(piece, size/len(piece))
			for b.Loop() {
				Normalize(text)
			}
		})
	}
}
