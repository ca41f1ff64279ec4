package adf

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"scim-atlassian/atlassian/adf/markup"
)

// TestRichText: the text form of each construct, and that a document made from it
// reads so again.
func TestRichText(t *testing.T) {
	for _, s := range []string{
		"**bold** and *emphasis*, ~~gone~~ and `code`",
		"***both*** and **bold *and more***",
		":u[under] H:sub[2]O x:sup[n]",
		"[**a** link](https://a.example/x) and [`code`](https://a.example)",
		":status[In review]{blue} until :date[2026-12-31] :+1:",
		":color[red]{#ff0000} and :background[**marked**]{#00ff00}",
		"ask @[Ann](accountid:5b10), see <https://a.example>",
		"| Group | Until |\n| --- | --- |\n| **jira** | :date[2026-12-31] |\n| a \\| b | two<br>lines |",
		"|  |  |\n| --- | --- |\n| ! Group | jira |",
		"> [!info]\n> # Title\n>\n> text\n>\n> ---",
		"> [!expand] More\n> inside\n>\n> | a |\n> | --- |\n> | b |\n>\n> > [!warning]\n> > hot",
		"> [!expand]\n> > [!expand] nested\n> > inside",
		"- a\n- b\n\n<!-- -->\n\n- c",
		"- a\n  - [ ] task\n  - [x] **done**",
		"one\n\\\n\\\ntwo",
		"C:\\Users\\me, 2 * 3, a_b_c, 10:30:45, [1] and (2), urn:ietf:params, jane@example.com",
		"\\*\\*no bold\\*\\* and \\~\\~no strike\\~\\~",
		"| a | b |\n| 1 | 2 |",
	} {
		doc, err := Update(nil, s, false)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		if got, err := Text(doc); err != nil || got != s {
			t.Errorf("%q\nreads %q, %v\n%s", s, got, err, doc)
		}
	}
}

// TestMeaning: what a text is in Jira.
func TestMeaning(t *testing.T) {
	styled := func(s, mark string) string {
		return `{"type":"text","text":"` + s + `","marks":[{"type":` + mark + `}]}`
	}
	for _, tt := range []struct{ text, want string }{
		{"**a**", styled("a", `"strong"`)},
		{"*a*", styled("a", `"em"`)},
		{"~~a~~", styled("a", `"strike"`)},
		{"`a`", styled("a", `"code"`)},
		{":u[a]", styled("a", `"underline"`)},
		{"H:sub[2]O", text("H") + "," + styled("2", `"subsup","attrs":{"type":"sub"}`) + "," + text("O")},
		{":color[a]{#ff0000}", styled("a", `"textColor","attrs":{"color":"#ff0000"}`)},
		{":background[a]{#ff0000}", styled("a", `"backgroundColor","attrs":{"color":"#ff0000"}`)},
		{"[a](https://b)", styled("a", `"link","attrs":{"href":"https://b"}`)},
		{":status[a b]{red}", `{"type":"status","attrs":{"text":"a b","color":"red"}}`},
		{":date[2026-12-31]", `{"type":"date","attrs":{"timestamp":"1798675200000"}}`},
		{":+1:", `{"type":"emoji","attrs":{"shortName":":+1:"}}`},
		{"@[Ann](accountid:5b10)", `{"type":"mention","attrs":{"id":"5b10","text":"@Ann"}}`},
		{"<https://b>", `{"type":"inlineCard","attrs":{"url":"https://b"}}`},
		{"a\n\\\nb", text("a") + `,{"type":"hardBreak"},{"type":"hardBreak"},` + text("b")},
		{"\\*a\\*", text("*a*")},
	} {
		got, err := Update(nil, tt.text, false)
		if want := canonical(t, []byte(doc(el("paragraph", tt.want)))); err != nil || canonical(t, got) != want {
			t.Errorf("%q\n got %s, %v\nwant %s", tt.text, canonical(t, got), err, want)
		}
	}
}

// TestMarkdown: what people and programs write in Markdown's ways.
func TestMarkdown(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"__bold__ _em_ snake_case_name", "**bold** *em* snake_case_name"},
		{"- **group**: jira-reviewers\n- **until**: 2026-12-31", "- **group**: jira-reviewers\n- **until**: 2026-12-31"},
		{"a * b * c", "a * b * c"},
		{"**a", "\\*\\*a"},
		{"*a **b***", "*a **b***"},
	} {
		doc, err := Update(nil, tt.text, false)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := Text(doc); got != tt.want {
			t.Errorf("%q reads %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestUpdateRefuses(t *testing.T) {
	media := `{"type":"mediaSingle","attrs":{"layout":"center"},"content":[{"type":"media","attrs":{"id":"1","type":"file","collection":"","alt":"plan.png"}}]}`
	current := []byte(doc(el("paragraph", text("a")), media))
	read, err := Text(current)
	if err != nil || !strings.Contains(read, "plan.png") {
		t.Fatal(read, err)
	}
	var loss *LossError
	if _, err := Update(current, "b", false); !errors.As(err, &loss) || len(loss.Nodes) != 1 || !strings.Contains(loss.Nodes[0], "mediaSingle") {
		t.Errorf("loss: %v", err)
	}
	if _, err := Update(current, "", false); !errors.As(err, &loss) {
		t.Errorf("clear: %v", err)
	}
	if got, err := Update(current, "b", true); err != nil || strings.Contains(string(got), "media") {
		t.Errorf("accepted: %s, %v", got, err)
	}
	if _, err := Update(nil, read, true); !errors.Is(err, ErrToken) {
		t.Errorf("unknown token: %v", err)
	}
	if _, err := Update(nil, strings.Repeat("ä", MaxText), false); err != nil {
		t.Error(err)
	}
	if _, err := Update(nil, strings.Repeat("ä", MaxText)+"b", false); !errors.Is(err, ErrTooLong) {
		t.Errorf("too long: %v", err)
	}
}

// TestUnsaidStays: what text does not say of a block stays when the block changes.
func TestUnsaidStays(t *testing.T) {
	current := doc(
		`{"type":"paragraph","content":[`+text("a ")+`,{"type":"emoji","attrs":{"shortName":":x:","id":"7","text":"X"}}],"marks":[{"type":"alignment","attrs":{"align":"center"}}]}`,
		el("paragraph"),
		`{"type":"table","attrs":{"layout":"wide","localId":"t"},"content":[{"type":"tableRow","content":[{"type":"tableHeader","attrs":{"colwidth":[100]},"content":[`+el("paragraph", text("h"))+`]}]},{"type":"tableRow","content":[{"type":"tableCell","attrs":{"colwidth":[100]},"content":[`+el("paragraph", text("c"))+`]}]}]}`)
	read, _ := Text([]byte(current))
	if want := "a :x:\n\n| h |\n| --- |\n| c |"; read != want {
		t.Fatalf("%q", read)
	}
	got, err := Update([]byte(current), "b :x:\n\n| h |\n| --- |\n| d |", false)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer(`"a "`, `"b "`, `"c"`, `"d"`).Replace(current)
	if canonical(t, got) != canonical(t, []byte(want)) {
		t.Errorf("\n got %s\nwant %s", canonical(t, got), canonical(t, []byte(want)))
	}
}

func text(s string) string {
	b, _ := json.Marshal(map[string]any{"type": "text", "text": s})
	return string(b)
}

func el(typ string, content ...string) string {
	return `{"type":"` + typ + `","content":[` + strings.Join(content, ",") + `]}`
}

func doc(content ...string) string {
	return `{"version":1,"type":"doc","content":[` + strings.Join(content, ",") + `]}`
}

// fragments are the pieces random texts are made of: all that means something, and
// some that does not.
var fragments = []string{
	"a", "word", " ", "  ", "    ", "\t", "\n", "\n\n", "\r\n", "\\", "\\\\", "`", "``", "```", "```go", "#", "# ", "## ", "- ", "-", "---",
	"1. ", "1.", "2. ", "10. ", "> ", ">", "[!info]", "[ ] ", "- [ ] ", "- [x] ", "[", "]", "(", ")", "[t](http://x)", "](", "<https://x>", "<", "@",
	"@[N](accountid:1:a-b)", "](accountid:1)", "http://x", "é", "|", "*", "\x00", "\xff",
}

func canonical(t testing.TB, doc []byte) string {
	var v any
	if err := json.Unmarshal(doc, &v); err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// documents is how many documents TestNothingIsLost makes.
const documents = 10_000

// TestNothingIsLost: for documents of the whole published schema, the text that was
// read writes the document that there was, and a change of one block leaves all
// others as they are, byte for byte.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	const seed = 15
	var blocks, opaques int
	for i := range documents {
		g := generator{rand.New(rand.NewPCG(seed, uint64(i)))}
		current, _ := json.Marshal(g.document())
		old, _, err := readRich(current)
		if err != nil {
			t.Fatal(err)
		}
		read := strings.Join(printBlocks(old, document), "\n") // what Text returns
		got, err := Update(current, read, false)
		if err != nil || canonical(t, got) != canonical(t, current) {
			t.Fatalf("document %d\n%s\nreads\n%s\nwrites, %v\n%s", i, current, read, err, got)
		}
		blocks += len(old)
		for _, b := range old {
			if b.kind == opaque {
				opaques++
			}
		}
		editOne(t, g, current, old)
	}
	t.Logf("%d blocks, %d of them tokens", blocks, opaques)
}

// editOne puts a paragraph in the place of one block and looks at the others.
func editOne(t *testing.T, g generator, current []byte, old []block) {
	if len(old) == 0 {
		return
	}
	k := g.IntN(len(old))
	edited := slices.Clone(old)
	edited[k] = block{kind: paragraph, text: []markup.Inline{{Text: "edited here"}}}
	text := strings.Join(printBlocks(edited, document), "\n")
	got, err := Update(current, text, true)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	var was, is struct{ Content []json.RawMessage }
	if json.Unmarshal(current, &was) != nil || json.Unmarshal(got, &is) != nil || len(is.Content) < len(old)-1 {
		t.Fatalf("%s\n%s", current, got)
	}
	differ := 0
	left := map[string]int{}
	for _, n := range is.Content {
		left[canonical(t, n)]++
	}
	for _, n := range was.Content {
		if c := canonical(t, n); left[c] > 0 {
			left[c]--
		} else if c != `{"type":"paragraph"}` {
			differ++
		}
	}
	if differ > 1 {
		t.Fatalf("block %d of\n%s\nas\n%s\nmakes\n%s", k, current, text, got)
	}
}

// TestMadeAnew: every block that is no token can be made anew from its text alone.
func TestMadeAnew(t *testing.T) {
	t.Parallel()
	for i := range 1_000 {
		g := generator{rand.New(rand.NewPCG(16, uint64(i)))}
		current, _ := json.Marshal(g.document())
		old, r, err := readRich(current)
		if err != nil {
			t.Fatal(err)
		}
		w := newWriter(r, &node{})
		again, err := encodeRoot(node{Version: 1, Type: "doc", Content: w.nodes(old, document)})
		if err != nil {
			t.Fatal(err)
		}
		want, _ := Text(current)
		if got, err := Text(again); err != nil || got != want {
			t.Fatalf("%s\nis made anew as\n%s\nwhich reads\n%s\nnot\n%s, %v", current, again, got, want, err)
		}
	}
}

func FuzzRichText(f *testing.F) {
	for _, s := range append(fragments, "**", "*", "_", "~~", ":u[", ":date[2026-12-31]", "]{red}", ":x:", "| a |\n| --- |\n| b |", "⟦adf:x:0123456789ab⟧", "<br>", "<!-- -->", "> [!expand] t", "⟦") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkRich(t, s) })
}

// checkRich: whatever text is written, what is read back is the same document, and
// stays it.
func checkRich(t *testing.T, s string) {
	doc, err := Update(nil, s, true)
	if errors.Is(err, ErrToken) {
		return
	}
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	first, err := Text(doc)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Update(doc, first, false)
	if err != nil {
		t.Fatalf("%q reads %q: %v", s, first, err)
	}
	if second, err := Text(again); err != nil || second != first || !bytes.Equal(doc, again) {
		t.Fatalf("%q reads %q, and of that %q, %v\n%s\n%s", s, first, second, err, doc, again)
	}
}

func TestRichTextStable(t *testing.T) {
	t.Parallel()
	pieces := append(slices.Clone(fragments), "**", "*", "_", "~~", ":u[", ":date[2026-12-31]", "]{red}", ":x:", "| a |\n| --- |\n", "| b |", "<br>", "<!-- -->", "> [!expand] t\n", "⟦", "\\\n", "! ")
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		var b strings.Builder
		for range rng.IntN(20) {
			b.WriteString(pieces[rng.IntN(len(pieces))])
		}
		checkRich(t, b.String())
	}
}
