package plain

import (
	"strings"
	"time"
)

// decodeBlocks turns nodes into blocks. Inline nodes that stand among blocks,
// as in unknown nodes and task items, make a paragraph.
func decodeBlocks(nodes []node) []block {
	var out []block
	var text []inline
	flush := func() {
		if len(text) > 0 {
			out = append(out, block{kind: paragraph, text: text})
		}
		text = nil
	}
	for _, n := range nodes {
		if in, ok := decodeInline(n); ok {
			for _, part := range in {
				text = appendInline(text, part)
			}
			continue
		}
		flush()
		out = append(out, decodeBlock(n)...)
	}
	flush()
	return out
}

// decodeBlock returns the blocks of a node. The default serves layouts,
// bodied extensions and what Atlassian invents next: what is inside counts.
func decodeBlock(n node) []block {
	switch n.Type {
	case "paragraph":
		return []block{{kind: paragraph, text: decodeText(n.Content)}}
	case "heading":
		return []block{{kind: heading, level: min(max(n.number("level", 1), 1), 6), text: decodeText(n.Content)}}
	case "bulletList", "decisionList":
		return []block{{kind: bulletList, children: decodeItems(n.Content)}}
	case "orderedList":
		return []block{{kind: orderedList, level: min(max(n.number("order", 1), 0), 1e8), children: decodeItems(n.Content)}}
	case "taskList":
		return []block{{kind: taskList, children: decodeTasks(n.Content)}}
	case "codeBlock":
		return []block{decodeCode(n)}
	case "blockquote":
		return []block{{kind: quote, children: decodeBlocks(n.Content)}}
	case "panel":
		return []block{{kind: panel, name: panelName(n.str("panelType")), children: decodeBlocks(n.Content)}}
	case "rule":
		return []block{{kind: rule}}
	case "expand", "nestedExpand":
		title := block{kind: paragraph, text: textOf(n.str("title"))}
		return append([]block{title}, decodeBlocks(n.Content)...)
	case "table":
		return []block{decodeTable(n)}
	}
	return decodeBlocks(n.Content)
}

// panelName maps the types that text cannot say, such as custom, to info.
func panelName(name string) string {
	if !panelType[name] {
		return "info"
	}
	return name
}

func decodeItems(nodes []node) []block {
	items := make([]block, 0, len(nodes))
	for _, n := range nodes {
		items = append(items, block{kind: listItem, children: decodeBlocks(n.Content)})
	}
	return items
}

func decodeTasks(nodes []node) []block {
	var out []block
	for _, n := range nodes {
		if n.Type == "taskList" {
			out = append(out, block{kind: taskList, children: decodeTasks(n.Content)})
			continue
		}
		text := flatten(decodeBlocks(n.Content))
		out = append(out, block{kind: task, done: n.str("state") == "DONE", text: text})
	}
	return out
}

func decodeCode(n node) block {
	var b strings.Builder
	for _, c := range n.Content {
		b.WriteString(c.Text)
	}
	code := strings.Join(splitLines(b.String()), "\n")
	return block{kind: codeBlock, name: languageName(n.str("language")), code: code}
}

// languageName keeps the language out of the way of the fence.
func languageName(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == '`' }), "-")
}

// decodeTable makes a paragraph of a table, a line for each row.
func decodeTable(n node) block {
	var rows [][]inline
	for _, row := range n.Content {
		line := []inline{{text: "|"}}
		for _, cell := range row.Content {
			line = appendInline(line, inline{text: " "})
			for _, in := range oneLine(flatten(decodeBlocks(cell.Content))) {
				line = appendInline(line, in)
			}
			line = appendInline(line, inline{text: " |"})
		}
		rows = append(rows, line)
	}
	return block{kind: paragraph, text: joinBreaks(rows)}
}

// flatten is the text of blocks where no blocks can be, a line for each.
func flatten(blocks []block) []inline {
	var out []inline
	add := func(text []inline) {
		if len(out) > 0 && len(text) > 0 {
			out = append(out, inline{kind: lineBreak})
		}
		out = append(out, text...)
	}
	for _, b := range blocks {
		add(b.text)
		if b.code != "" {
			add(textOf(b.code))
		}
		add(flatten(b.children))
	}
	return out
}

func decodeText(nodes []node) []inline { return flatten(decodeBlocks(nodes)) }

// decodeInline returns the inline parts of a node, and whether it is an
// inline node at all.
func decodeInline(n node) ([]inline, bool) {
	switch n.Type {
	case "text":
		return decodeMarks(n), true
	case "hardBreak":
		return []inline{{kind: lineBreak}}, true
	case "mention":
		name := strings.TrimPrefix(strings.Join(splitLines(n.str("text")), " "), "@")
		return []inline{{kind: mention, text: name, ref: n.str("id")}}, true
	case "inlineCard", "blockCard", "embedCard":
		return []inline{{kind: card, ref: n.cardURL()}}, n.cardURL() != ""
	case "date":
		return textOf(n.date()), true
	case "media", "mediaInline":
		return textOf("[" + firstOf(n.str("alt"), n.str("__fileName"), "attachment") + "]"), true
	}
	if len(n.Content) > 0 {
		return nil, false
	}
	// Emoji, status, placeholder and extensions, known or not, say what
	// they show in text.
	shown := firstOf(n.str("text"), n.str("shortName"))
	return textOf(shown), shown != ""
}

func decodeMarks(n node) []inline {
	as := inline{}
	for _, m := range n.Marks {
		switch href, _ := m.Attrs["href"].(string); {
		case m.Type == "link" && href != "":
			as = inline{kind: link, ref: href}
		case m.Type == "code" && as.kind == plain:
			as = inline{kind: code}
		}
	}
	var out []inline
	for i, line := range splitLines(n.Text) {
		if i > 0 {
			out = append(out, inline{kind: lineBreak})
		}
		as.text = line
		out = appendInline(out, as)
	}
	return out
}

// textOf is plain text with its line ends as line breaks.
func textOf(s string) []inline { return decodeMarks(node{Text: s}) }

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func (n node) str(name string) string {
	s, _ := n.Attrs[name].(string)
	return s
}

func (n node) number(name string, absent int) int {
	if f, ok := n.Attrs[name].(float64); ok {
		return int(min(max(f, -1e9), 1e9))
	}
	return absent
}

// cardURL is the URL of a card, which may be given as JSON-LD instead.
func (n node) cardURL() string {
	data, _ := n.Attrs["data"].(map[string]any)
	url, _ := data["url"].(string)
	return firstOf(n.str("url"), url)
}

// date is the day of a date node, whose timestamp is in milliseconds since
// 1970, as a string.
func (n node) date() string {
	ms, err := time.ParseDuration(n.str("timestamp") + "ms")
	if err != nil {
		return n.str("timestamp")
	}
	return time.Unix(0, 0).Add(ms).UTC().Format(time.DateOnly)
}
