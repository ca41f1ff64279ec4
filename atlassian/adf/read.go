package adf

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"scim-atlassian/atlassian/adf/markup"
)

// reader turns nodes into blocks that text says exactly, and the rest into tokens.
type reader struct {
	tokens   map[string]node // by type and hash
	lines    []string        // that say the whole document; nil: they are still to be printed
	trusting bool            // lines are not held against their text one by one, since the whole document will be
}

// richBlocks returns the blocks of a document such that their text reads as they are.
func (r *reader) richBlocks(nodes []node) []block {
	for _, r.trusting = range []bool{true, false} {
		blocks := r.blocks(nodes, document, false)
		if lines := printBlocks(blocks, document); equalBlocks(blocks, parseBlocks(lines, document)) {
			r.lines = lines
			return blocks
		}
	}
	blocks := r.blocks(nodes, document, true)
	for i := range blocks {
		if !reads(blocks[max(0, i-1) : i+1]) {
			r.hide(&blocks[i])
		}
	}
	if !reads(blocks) {
		for i := range blocks {
			r.hide(&blocks[i])
		}
	}
	return blocks
}

// reads reports whether the text of blocks, which make a document, reads as them.
func reads(blocks []block) bool { return readsIn(blocks, document) }

func readsIn(blocks []block, ctx context) bool {
	return equalBlocks(blocks, parseBlocks(printBlocks(blocks, ctx), ctx))
}

// hide makes a token of a block.
func (r *reader) hide(b *block) {
	ref := r.keep(*b.src)
	*b = block{kind: opaque, name: ref, code: label(*b.src), src: b.src, before: b.before, after: b.after}
}

// keep remembers a node that a token stands for.
func (r *reader) keep(n node) string {
	ref := n.Type + ":" + hashOf(n)
	r.tokens[ref] = n
	return ref
}

// hashOf is the identity of a node, without the ids that Jira may change on its own.
func hashOf(n node) string {
	b, err := json.Marshal(withoutIDs(n), json.Deterministic(true))
	if err != nil {
		panic(fmt.Sprintf("adf: a node that was read cannot fail to encode: %v", err))
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])[:markup.HashLength]
}

func withoutIDs(n node) node {
	n.Attrs = maps.Clone(n.Attrs)
	delete(n.Attrs, "localId")
	if len(n.Attrs) == 0 {
		n.Attrs = nil
	}
	content := n.Content
	n.Content = nil
	for _, c := range content {
		n.Content = append(n.Content, withoutIDs(c))
	}
	return n
}

// label says in a few words what a token stands for.
func label(n node) string {
	words := strings.Fields(firstOf(named(n), visible(n)))
	s := strings.Map(func(c rune) rune {
		if strings.ContainsRune(markup.TokenOpen+markup.TokenClose+"`[]|\\", c) || c < ' ' || c == utf8.RuneError {
			return '.'
		}
		return c
	}, strings.Join(words, " "))
	if runes := []rune(s); len(runes) > 40 {
		s = strings.TrimSpace(string(runes[:39])) + "…"
	}
	return s
}

// named is the first name that a node or one inside of it has.
func named(n node) string {
	if s := firstOf(n.str("alt"), n.str("title"), n.str("url"), n.str("extensionKey")); s != "" {
		return s
	}
	for _, c := range n.Content {
		if s := named(c); s != "" {
			return s
		}
	}
	return ""
}

// blocks reads nodes that stand in ctx. With verify each block is held against the
// text it makes, from the inside out.
func (r *reader) blocks(nodes []node, ctx context, verify bool) []block {
	var out []block
	var unseen []node
	for i := range nodes {
		n := &nodes[i]
		if isBlank(*n) {
			unseen = append(unseen, *n)
			continue
		}
		b, ok := r.block(n, ctx, verify)
		b.src = n
		if !ok || verify && !readsIn([]block{b}, ctx) {
			r.hide(&b)
		}
		if len(out) > 0 {
			out[len(out)-1].after = unseen
		} else {
			b.before = unseen
		}
		unseen = nil
		out = append(out, b)
	}
	if len(out) > 0 {
		out[len(out)-1].after = unseen
	}
	return out
}

// isBlank reports whether a node is a paragraph of nothing but white space, which text
// does not show.
func isBlank(n node) bool {
	return n.Type == "paragraph" && n.Rest == nil && !slices.ContainsFunc(n.Content, func(c node) bool {
		return c.Type != "text" || markup.TrimLine(c.Text) != ""
	})
}

// carried are the attributes that text does not say and that stay with a block as
// long as it is there.
var carried = map[string]string{
	"paragraph": "localId", "heading": "localId level", "bulletList": "localId", "orderedList": "localId order", "listItem": "localId",
	"taskList": "localId", "taskItem": "localId state", "blockquote": "localId", "rule": "localId",
	"codeBlock": "localId uniqueId language wrap hideLineNumbers", "panel": "localId panelType panelIcon panelIconId panelIconText panelColor",
	"expand": "localId title", "nestedExpand": "localId title", "table": "localId isNumberColumnEnabled layout width displayMode",
	"tableRow": "localId", "tableCell": "localId colwidth background valign", "tableHeader": "localId colwidth background valign",
	"hardBreak": "localId text", "mention": "localId id text accessLevel userType", "emoji": "localId id text shortName",
	"date": "localId timestamp", "status": "localId text color style", "inlineCard": "localId url",
}

// plainly reports whether a node has nothing but what text says and what is carried.
func (n *node) plainly() bool {
	allowed, known := carried[n.Type]
	if !known || n.Rest != nil || n.Text != "" {
		return false
	}
	names := strings.Fields(allowed)
	for name, v := range n.Attrs {
		one := (name == "colspan" || name == "rowspan") && v == 1.0
		if !one && !slices.Contains(names, name) {
			return false
		}
	}
	return true
}

func (r *reader) block(n *node, ctx context, verify bool) (b block, ok bool) {
	if !n.plainly() {
		return b, false
	}
	switch n.Type {
	case "paragraph":
		b.text, ok = r.text(n.Content)
	case "heading":
		b.kind = heading
		b.level = n.number("level", 0)
		b.text, ok = r.text(n.Content)
		ok = ok && ctx.headings
	case "bulletList", "orderedList":
		b, ok = r.list(n, ctx, verify)
	case "taskList":
		b.kind = taskList
		b.children, ok = r.tasks(n.Content, ctx)
		ok = ok && ctx.tasks
	case "codeBlock":
		b, ok = readCode(n)
	case "blockquote":
		b.kind, ok = quote, ctx.quotes
		b.children = r.blocks(n.Content, ctx.inQuote(quote), verify)
	case "panel":
		b.kind, b.name, ok = panel, n.str("panelType"), ctx.quotes
		b.children = r.blocks(n.Content, ctx.inQuote(panel), verify)
	case "rule":
		b.kind, ok = rule, ctx.rules
	case "expand", "nestedExpand":
		b.kind, b.name, ok = expand, n.str("title"), ctx.expand == n.Type
		if ok {
			b.children = r.blocks(n.Content, ctx.inQuote(expand), verify)
		}
	case "table":
		b, ok = r.table(n)
		ok = ok && ctx.tables
	}
	return b, ok && len(n.Marks) == 0 || ok && marksCarried(n.Marks)
}

// marksCarried reports whether the marks of a block stay with it unsaid.
func marksCarried(marks []mark) bool {
	return !slices.ContainsFunc(marks, func(m mark) bool {
		return !slices.Contains([]string{"alignment", "indentation", "breakout", "fontSize"}, m.Type)
	})
}

func (r *reader) list(n *node, ctx context, verify bool) (block, bool) {
	b := block{kind: bulletList}
	if n.Type == "orderedList" {
		b.kind, b.level = orderedList, n.number("order", 1)
	}
	for i := range n.Content {
		item := &n.Content[i]
		if item.Type != "listItem" || !item.plainly() || len(item.Marks) > 0 {
			return b, false
		}
		b.children = append(b.children, block{kind: listItem, src: item, children: r.blocks(item.Content, ctx.inItem(), verify)})
	}
	return b, ctx.lists() && len(b.children) > 0
}

func (r *reader) tasks(nodes []node, ctx context) ([]block, bool) {
	var out []block
	for i := range nodes {
		n := &nodes[i]
		b := block{kind: task, done: n.str("state") == "DONE", src: n}
		ok := n.plainly() && len(n.Marks) == 0
		switch {
		case ok && n.Type == "taskItem":
			b.text, ok = r.text(n.Content)
		case ok && n.Type == "taskList":
			b.kind, b.done = taskList, false
			b.children, ok = r.tasks(n.Content, ctx)
		default:
			ok = false
		}
		if !ok {
			return nil, false
		}
		out = append(out, b)
	}
	return out, len(out) > 0
}

func readCode(n *node) (block, bool) {
	b := block{kind: codeBlock, name: n.str("language")}
	for _, c := range n.Content {
		if c.Type != "text" || len(c.Marks) > 0 || c.Attrs != nil || c.Rest != nil {
			return b, false
		}
		b.code += c.Text
	}
	return b, languageName(b.name) == b.name && !strings.Contains(b.code, "\r")
}

func (r *reader) table(n *node) (block, bool) {
	t := block{kind: table}
	for i := range n.Content {
		row := &n.Content[i]
		if row.Type != "tableRow" || !row.plainly() || len(row.Marks) > 0 || len(row.Content) == 0 || len(row.Content) != len(n.Content[0].Content) {
			return t, false
		}
		b := block{kind: tableRow, src: row}
		for j := range row.Content {
			b.children = append(b.children, r.cell(&row.Content[j]))
		}
		t.children = append(t.children, b)
	}
	return t, len(t.children) > 0
}

// cell reads a cell. One that holds more than a paragraph is a token.
func (r *reader) cell(n *node) block {
	b := block{kind: tableCell, src: n}
	if n.Type == "tableHeader" {
		b.kind = tableHeader
	}
	ok := (n.Type == "tableCell" || n.Type == "tableHeader") && n.plainly() && len(n.Marks) == 0 && len(n.Content) == 1
	if ok {
		p := &n.Content[0]
		ok = p.Type == "paragraph" && p.plainly() && marksCarried(p.Marks)
		if ok {
			b.text, ok = r.text(p.Content)
		}
	}
	if !ok || !equalBlocks([]block{b}, []block{parseCell(strings.ReplaceAll(printCell(b), `\|`, "|"), b.kind)}) {
		b.text = nil
		r.hide(&b)
	}
	return b
}

// text reads inline nodes. It reports false for one that has no place in a line.
// White space at the end of a line does not count.
func (r *reader) text(nodes []node) ([]markup.Inline, bool) {
	var out []markup.Inline
	for i := range nodes {
		n := nodes[i]
		if !markup.InlineTypes[n.Type] {
			return nil, false
		}
		in, ok := readInline(&n)
		if !ok || !r.trusting && !sayable(in) {
			in = r.secret(n)
		}
		out = markup.AppendInline(out, in)
	}
	lines := markup.SplitBreaks(out)
	var places map[markup.Inline]int
	for i, line := range lines {
		if r.trusting {
			break
		}
		if _, exact := markup.PrintExactly(line); exact {
			continue
		}
		if places == nil {
			places = styled(nodes)
		}
		lines[i] = r.hideStyled(nodes, line, places)
	}
	return markup.JoinBreaks(lines), true
}

// sayable reports whether a piece has a text form by itself. What is left of plain text is looked at in its line.
func sayable(in markup.Inline) bool {
	if in.Kind == markup.Plain || in.Kind == markup.LineBreak {
		return true
	}
	_, exact := markup.PrintExactly([]markup.Inline{in})
	return exact
}

// secret keeps a node, and returns the token that stands for it.
func (r *reader) secret(n node) markup.Inline {
	return markup.Inline{Kind: markup.Secret, Ref: r.keep(n), Text: label(n)}
}

// styled returns the places of styled nodes, by what these are in a line, and at its end. The first of equal ones counts.
func styled(nodes []node) map[markup.Inline]int {
	all := map[markup.Inline]int{}
	for i := range nodes {
		at, ok := readInline(&nodes[i])
		if !ok || at.Style == (markup.Style{}) {
			continue
		}
		trimmed := at
		trimmed.Text = markup.TrimLine(at.Text)
		for _, key := range []markup.Inline{at, trimmed} {
			if _, known := all[key]; !known {
				all[key] = i
			}
		}
	}
	return all
}

// hideStyled is the last resort for a line whose marks cannot be written. places are those of styled nodes.
func (r *reader) hideStyled(nodes []node, line []markup.Inline, places map[markup.Inline]int) []markup.Inline {
	var out []markup.Inline
	for _, in := range line {
		if i, ok := places[in]; ok {
			in = r.secret(nodes[i])
		}
		out = markup.AppendInline(out, in)
	}
	return out
}

func readInline(n *node) (markup.Inline, bool) {
	if n.Type == "text" {
		return readStyled(n)
	}
	if !n.plainly() || len(n.Marks) > 0 || n.Content != nil {
		return markup.Inline{}, false
	}
	switch n.Type {
	case "hardBreak":
		return markup.Inline{Kind: markup.LineBreak}, true
	case "mention":
		return markup.Inline{Kind: markup.Mention, Text: strings.TrimPrefix(n.str("text"), "@"), Ref: n.str("id")}, true
	case "emoji":
		return markup.Inline{Kind: markup.Emoji, Ref: n.str("shortName")}, true
	case "status":
		return markup.Inline{Kind: markup.Status, Text: n.str("text"), Ref: n.str("color")}, true
	case "date":
		day := n.date()
		ms, ok := markup.Timestamp(day)
		return markup.Inline{Kind: markup.Date, Ref: day}, ok && ms == n.str("timestamp")
	case "inlineCard":
		return markup.Inline{Kind: markup.Card, Ref: n.str("url")}, true
	}
	return markup.Inline{}, false
}

func readStyled(n *node) (markup.Inline, bool) {
	in := markup.Inline{Text: n.Text}
	ok := n.Attrs == nil && n.Rest == nil && !strings.ContainsAny(n.Text, "\r\n")
	for _, m := range n.Marks {
		value, plainly := soleAttr(m)
		ok = ok && plainly
		switch m.Type {
		case "strong":
			in.Style.Strong = true
		case "em":
			in.Style.Em = true
		case "strike":
			in.Style.Strike = true
		case "underline":
			in.Style.Underline = true
		case "subsup":
			in.Style.Subsup = value
			ok = ok && (value == "sub" || value == "sup")
		case "textColor":
			in.Style.Color = value
			ok = ok && markup.IsColor(value)
		case "backgroundColor":
			in.Style.Background = value
			ok = ok && markup.IsColor(value)
		case "code":
			in.Kind = markup.Code
		case "link":
			in.Ref = value
			ok = ok && markup.Linkable(value) && markup.EscapeURL(value) == value
		default:
			ok = false
		}
	}
	if in.Kind == markup.Plain && in.Ref != "" {
		in.Kind = markup.Link
	}
	return in, ok && (in.Kind != markup.Code || in.Style == (markup.Style{}))
}

// soleAttr is the attribute of a mark that has the one it needs, or none.
func soleAttr(m mark) (string, bool) {
	name := map[string]string{"subsup": "type", "textColor": "color", "backgroundColor": "color", "link": "href"}[m.Type]
	if m.Rest != nil || name == "" {
		return "", m.Rest == nil && len(m.Attrs) == 0
	}
	s, ok := m.Attrs[name].(string)
	return s, ok && len(m.Attrs) == 1
}

// visible is the text that a node shows.
func visible(n node) string {
	var b strings.Builder
	var walk func(n node)
	walk = func(n node) {
		b.WriteString(n.Text)
		switch n.Type {
		case "mention", "status", "emoji", "placeholder", "extension", "inlineExtension":
			b.WriteString(firstOf(n.str("text"), n.str("shortName")))
		case "hardBreak":
			b.WriteByte('\n')
		}
		for i, c := range n.Content {
			if i > 0 && !markup.InlineTypes[c.Type] {
				b.WriteByte('\n')
			}
			walk(c)
		}
	}
	walk(n)
	return b.String()
}
