package adf

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator makes documents of every node and mark that the published schema has
// (package @atlaskit/adf-schema, full.json), small ones.
type generator struct{ *rand.Rand }

type object = map[string]any

// inside lists what each node contains.
var inside = map[string]string{
	"doc": "paragraph paragraph paragraph heading bulletList orderedList taskList decisionList blockquote codeBlock panel rule table expand " +
		"layoutSection mediaSingle mediaGroup blockCard embedCard extension bodiedExtension syncBlock bodiedSyncBlock",
	"listItem":    "paragraph paragraph bulletList orderedList taskList codeBlock mediaSingle extension",
	"blockquote":  "paragraph paragraph bulletList orderedList codeBlock mediaSingle mediaGroup extension",
	"panel":       "paragraph heading bulletList orderedList taskList decisionList codeBlock rule mediaSingle mediaGroup blockCard extension",
	"cell":        "paragraph paragraph paragraph heading bulletList panel blockquote mediaSingle taskList nestedExpand codeBlock rule",
	"expand":      "paragraph heading bulletList panel table nestedExpand taskList blockquote codeBlock rule mediaSingle",
	"nested":      "paragraph heading bulletList panel taskList blockquote codeBlock rule mediaSingle",
	"layout":      "paragraph heading bulletList panel table expand taskList",
	"bodied":      "paragraph heading bulletList panel table",
	"inline":      "text text text text text text hardBreak mention emoji date status inlineCard placeholder mediaInline inlineExtension",
	"blockTasks":  "paragraph extension",
	"onlyTasks":   "taskItem taskItem taskItem blockTaskItem taskList",
	"decisions":   "decisionItem",
	"onlyMedia":   "media",
	"onlyRows":    "tableRow",
	"onlyColumns": "layoutColumn",
}

func (g generator) document() object {
	return object{"type": "doc", "version": 1, "content": g.some("doc", 0, 3, 2)}
}

func (g generator) maybe() bool { return g.IntN(4) == 0 }

func (g generator) of(names string) string {
	all := strings.Fields(names)
	return all[g.IntN(len(all))]
}

func (g generator) some(in string, least, most, depth int) []any {
	out := []any{}
	for range least + g.IntN(most-least+1) {
		out = append(out, g.node(g.of(inside[in]), depth))
	}
	return out
}

var pieces = []string{
	"a", "word", "two words", " ", "  ", "\\", "`", "*", "**", "_", "~~", "[", "]", "(x)", "](http://x)", "<http://x>", "@[", ":x:", ":u[", "]{red}", "|",
	"- ", "1. ", "# ", "> ", "---", "| --- |", "```", "⟦", "⟧", "⟦adf:x:0123456789ab⟧", "<br>", "<!-- -->", "ä", "😀", "[!info]", "[ ] ", "!", "! ", "\u00a0", "x",
}

func (g generator) words() string {
	var b strings.Builder
	for range 1 + g.IntN(4) {
		b.WriteString(pieces[g.IntN(len(pieces))])
	}
	return b.String()
}

// attrs are attributes of which some are there: name, and what makes the value.
func (g generator) attrs(o object, name string, v any) {
	if !g.maybe() {
		return
	}
	a, _ := o["attrs"].(object)
	if a == nil {
		a = object{}
		o["attrs"] = a
	}
	a[name] = v
}

func (g generator) node(typ string, depth int) object {
	o := object{"type": typ}
	inner := func(in string, least int) {
		if depth <= 0 {
			o["content"] = []any{object{"type": "paragraph", "content": g.line()}}
			return
		}
		o["content"] = g.some(in, least, 3, depth-1)
	}
	g.attrs(o, "localId", fmt.Sprint("id", g.IntN(100)))
	set := func(attrs object) {
		for name, v := range attrs {
			if o["attrs"] == nil {
				o["attrs"] = object{}
			}
			o["attrs"].(object)[name] = v
		}
	}
	switch typ {
	case "paragraph":
		o["content"] = g.line()
		g.blockMarks(o)
		if g.maybe() {
			delete(o, "content")
		}
	case "heading":
		set(object{"level": 1 + g.IntN(6)})
		o["content"] = g.line()
		g.blockMarks(o)
	case "bulletList", "orderedList":
		if typ == "orderedList" {
			g.attrs(o, "order", g.IntN(12))
		}
		var items []any
		for range 1 + g.IntN(3) {
			item := object{"type": "listItem"}
			g.attrs(item, "localId", "i")
			item["content"] = []any{object{"type": "paragraph", "content": g.line()}}
			if depth > 0 {
				item["content"] = g.some("listItem", 1, 2, depth-1)
			}
			items = append(items, item)
		}
		o["content"] = items
	case "taskList":
		set(object{"localId": fmt.Sprint("l", g.IntN(1000))})
		o["content"] = []any{g.node("taskItem", depth-1)}
		if depth > 0 {
			o["content"] = g.some("onlyTasks", 1, 3, depth-1)
		}
	case "taskItem":
		set(object{"localId": fmt.Sprint("t", g.IntN(1000)), "state": g.of("TODO DONE")})
		o["content"] = g.line()
	case "blockTaskItem":
		set(object{"localId": "b", "state": g.of("TODO DONE")})
		inner("blockTasks", 1)
	case "decisionList":
		set(object{"localId": "d"})
		o["content"] = g.some("decisions", 1, 2, depth)
	case "decisionItem":
		set(object{"localId": "e", "state": "DECIDED"})
		o["content"] = g.line()
	case "blockquote":
		inner("blockquote", 1)
	case "codeBlock":
		g.attrs(o, "language", g.of("go c++ objective-c"))
		g.attrs(o, "wrap", true)
		g.attrs(o, "uniqueId", "u")
		o["content"] = []any{object{"type": "text", "text": g.words() + "\n" + g.words()}}
	case "panel":
		set(object{"panelType": g.of("info note tip warning error success custom")})
		g.attrs(o, "panelIcon", ":x:")
		g.attrs(o, "panelColor", "#abcdef")
		inner("panel", 1)
	case "table":
		g.table(o, depth)
	case "expand":
		g.attrs(o, "title", g.words())
		inner("expand", 1)
	case "nestedExpand":
		g.attrs(o, "title", g.words())
		inner("nested", 1)
	case "layoutSection":
		o["content"] = []any{g.node("layoutColumn", depth-1), g.node("layoutColumn", depth-1)}
	case "layoutColumn":
		set(object{"width": 50})
		inner("layout", 1)
	case "mediaSingle":
		set(object{"layout": g.of("center wide align-start")})
		g.attrs(o, "width", 50.5)
		o["content"] = []any{g.node("media", 0)}
		if g.maybe() {
			o["content"] = []any{g.node("media", 0), object{"type": "caption", "content": g.line()}}
		}
	case "mediaGroup":
		o["content"] = g.some("onlyMedia", 1, 2, 0)
	case "media":
		set(object{"type": "file", "id": fmt.Sprint(g.IntN(9)), "collection": ""})
		g.attrs(o, "alt", g.words())
		if g.maybe() {
			o["marks"] = []any{object{"type": "border", "attrs": object{"size": 1, "color": "#000000"}}}
		}
	case "blockCard", "inlineCard":
		set(object{"url": g.of("https://a.example/x https://b.example/(y)")})
		if g.maybe() {
			o["attrs"] = object{"data": object{"url": "https://c.example"}}
		}
	case "embedCard":
		set(object{"url": "https://a.example", "layout": "center"})
	case "extension", "bodiedExtension", "inlineExtension":
		set(object{"extensionType": "t", "extensionKey": "k"})
		g.attrs(o, "parameters", object{"a": 1})
		g.attrs(o, "text", g.words())
		if typ == "bodiedExtension" {
			inner("bodied", 1)
		}
	case "syncBlock", "bodiedSyncBlock":
		set(object{"resourceId": "r", "localId": "s"})
		if typ == "bodiedSyncBlock" {
			inner("bodied", 1)
		}
	}
	return o
}

func (g generator) blockMarks(o object) {
	if g.maybe() {
		o["marks"] = []any{[]object{
			{"type": "alignment", "attrs": object{"align": "center"}}, {"type": "indentation", "attrs": object{"level": 2}},
			{"type": "fontSize", "attrs": object{"fontSize": "small"}}, {"type": "dataConsumer", "attrs": object{"sources": []string{"s"}}},
		}[g.IntN(4)]}
	}
}

func (g generator) table(o object, depth int) {
	g.attrs(o, "layout", "wide")
	g.attrs(o, "isNumberColumnEnabled", false)
	width := 1 + g.IntN(3)
	headed := g.maybe()
	var rows []any
	for r := range 1 + g.IntN(3) {
		var cells []any
		for c := range width {
			cell := object{"type": "tableCell"}
			if r == 0 || headed && c == 0 || g.IntN(20) == 0 {
				cell["type"] = "tableHeader"
			}
			g.attrs(cell, "colwidth", []int{100})
			g.attrs(cell, "colspan", 1+g.IntN(2))
			cell["content"] = []any{object{"type": "paragraph", "content": g.line()}}
			if depth > 0 && g.maybe() {
				cell["content"] = g.some("cell", 1, 2, depth-1)
			}
			cells = append(cells, cell)
		}
		rows = append(rows, object{"type": "tableRow", "content": cells})
	}
	o["content"] = rows
}

func (g generator) line() []any {
	out := []any{}
	for range 1 + g.IntN(4) {
		out = append(out, g.inline(g.of(inside["inline"])))
	}
	return out
}

func (g generator) inline(typ string) object {
	o := object{"type": typ}
	if typ != "text" {
		g.attrs(o, "localId", fmt.Sprint("n", g.IntN(100)))
	}
	set := func(attrs object) {
		if o["attrs"] == nil {
			o["attrs"] = object{}
		}
		for name, v := range attrs {
			o["attrs"].(object)[name] = v
		}
	}
	switch typ {
	case "text":
		o["text"] = g.words()
		g.marks(o)
	case "mention":
		set(object{"id": g.of("5b10 712020:e1-a9"), "text": "@" + g.words()})
		g.attrs(o, "accessLevel", "")
		g.attrs(o, "userType", "DEFAULT")
	case "emoji":
		set(object{"shortName": g.of(":x: :+1: :a b:")})
		g.attrs(o, "id", "1f600")
		g.attrs(o, "text", "😀")
	case "date":
		set(object{"timestamp": g.of("1790000000000 1789948800000 x")})
	case "status":
		set(object{"text": g.words(), "color": g.of("neutral red #ff0000")})
		g.attrs(o, "style", "bold")
	case "placeholder":
		set(object{"text": g.words()})
	case "mediaInline":
		set(object{"id": "1", "collection": ""})
	case "inlineCard", "inlineExtension":
		return g.node(typ, 0)
	}
	return o
}

func (g generator) marks(o object) {
	all := []object{
		{"type": "link", "attrs": object{"href": g.of("https://a.example/x https://b.example/(y) /rel a(b")}},
		{"type": "em"}, {"type": "strong"}, {"type": "strike"}, {"type": "underline"},
		{"type": "subsup", "attrs": object{"type": g.of("sub sup")}},
		{"type": "textColor", "attrs": object{"color": "#ff0000"}},
		{"type": "backgroundColor", "attrs": object{"color": "#00ff00"}},
		{"type": "annotation", "attrs": object{"id": "a", "annotationType": "inlineComment"}},
		{"type": "link", "attrs": object{"href": "https://a.example", "title": "t"}},
	}
	var marks []any
	switch {
	case g.IntN(6) == 0:
		marks = []any{object{"type": "code"}}
		if g.maybe() {
			marks = append(marks, all[0])
		}
	case g.IntN(2) == 0:
		for _, i := range g.Perm(8 + g.IntN(3))[:1+g.IntN(3)] {
			if i == 9 {
				continue
			}
			marks = append(marks, all[i])
		}
	}
	if marks != nil {
		o["marks"] = marks
	}
}
