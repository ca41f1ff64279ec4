package adf

import (
	"strings"

	"scim-atlassian/atlassian/adf/markup"
)

// document is the context of a whole text.
var document = context{headings: true, rules: true, quotes: true, tasks: true, tables: true, expand: "expand"}

const (
	// divider keeps two lists apart that would be one, as in Markdown.
	divider = "<!-- -->"

	// emptyLine is a line without text inside a paragraph.
	emptyLine = `\`
)

// parseLine is parseText for a line of a paragraph or a task.
func parseLine(line string) []markup.Inline {
	line = markup.TrimLine(line)
	if line == emptyLine {
		return nil
	}
	return markup.ParseTrimmed(line)
}

// richMarker is the part of marker for blocks that Markdown does not have, and tables.
func richMarker(line string, ctx context) marking {
	switch {
	case line == divider:
		return dividerMark
	case ctx.tables && isSeparator(line):
		return tableMark
	}
	if ref, _, n := markup.MatchToken(line); n > 0 && n == len(line) && !markup.IsInlineType(ref) {
		return tokenMark
	}
	return none
}

func (p *parser) token() {
	ref, label, _ := markup.MatchToken(markup.TrimLine(p.lines[p.at]))
	p.add(block{kind: opaque, name: ref, code: label}, 1)
}

// quoteTitle reads the first line of a quote that is a panel or an expand.
func (c context) quoteTitle(line string) (kind, string, bool) {
	if name, ok := panelTitle(line); ok {
		return panel, name, true
	}
	line = markup.TrimLine(line)
	if line == "[!custom]" {
		return panel, "custom", true
	}
	if title, ok := strings.CutPrefix(line, "[!expand]"); ok && c.expand != "" && (title == "" || title[0] == ' ') {
		return expand, strings.TrimPrefix(title, " "), true
	}
	return 0, "", false
}

// beginsTable reports whether line i is the first row of a table: the row of dashes
// is below it.
func (p *parser) beginsTable(i int) bool {
	if !p.ctx.tables || i+1 >= len(p.lines) || !isSeparator(markup.TrimLine(p.lines[i+1])) {
		return false
	}
	head, ok := splitRow(p.lines[i])
	dashes, _ := splitRow(p.lines[i+1])
	return ok && len(head) == len(dashes)
}

// isSeparator reports whether line is the row of dashes of a table.
func isSeparator(line string) bool {
	cells, ok := splitRow(line)
	for _, c := range cells {
		if len(c) < 3 || strings.Trim(c, "-") != "" {
			return false
		}
	}
	return ok && len(cells) > 0
}

// splitRow reads a row of a table, which begins and ends with a pipe.
func splitRow(line string) (cells []string, ok bool) {
	line = markup.TrimLine(line)
	if len(line) < 2 || line[0] != '|' {
		return nil, false
	}
	start, slashes := 1, 0
	for i := 1; i < len(line); i++ {
		switch {
		case line[i] == '\\':
			slashes++
			continue
		case line[i] == '|' && slashes%2 == 0:
			cells = append(cells, strings.ReplaceAll(strings.Trim(line[start:i], " \t"), `\|`, "|"))
			start = i + 1
		}
		slashes = 0
	}
	return cells, start == len(line)
}

// table reads a table: a row of headers, which may all be empty, the row of dashes,
// and the rows until a line is none. A cell that begins with "!" is a header.
func (p *parser) table() {
	head, _ := splitRow(p.lines[p.at])
	t := block{kind: table}
	if strings.Join(head, "") != "" {
		row := block{kind: tableRow}
		for _, cell := range head {
			row.children = append(row.children, parseCell(cell, tableHeader))
		}
		t.children = append(t.children, row)
	}
	for p.at += 2; p.at < len(p.lines); p.at++ {
		cells, ok := splitRow(p.lines[p.at])
		if !ok {
			break
		}
		row := block{kind: tableRow}
		for i := range max(len(cells), len(head)) {
			cell := ""
			if i < len(cells) {
				cell = cells[i]
			}
			text, header := strings.CutPrefix(cell, "! ")
			if k := tableCell; header || cell == "!" {
				k = tableHeader
				row.children = append(row.children, parseCell(strings.TrimPrefix(text, "!"), k))
				continue
			}
			row.children = append(row.children, parseCell(cell, tableCell))
		}
		t.children = append(t.children, row)
	}
	if len(t.children) == 0 {
		t.children = []block{{kind: tableRow, children: []block{}}}
		for range head {
			t.children[0].children = append(t.children[0].children, block{kind: tableHeader})
		}
	}
	p.add(t, 0)
}

func parseCell(s string, k kind) block {
	if ref, label, n := markup.MatchToken(s); n > 0 && n == len(s) && !markup.IsInlineType(ref) {
		return block{kind: opaque, name: ref, code: label}
	}
	return block{kind: k, text: markup.ParseTrimmed(s)}
}

func printTable(t block, ctx context) []string {
	if len(t.children) == 0 || len(t.children[0].children) == 0 {
		return []string{""}
	}
	rows := t.children
	width := len(rows[0].children)
	blank, dashes := "|", "|"
	for range width {
		blank, dashes = blank+"  |", dashes+" --- |"
	}
	out := []string{blank, dashes}
	if headerRow(rows[0]) {
		out[0] = printRow(rows[0], false)
		rows = rows[1:]
	}
	for _, row := range rows {
		out = append(out, printRow(row, true))
	}
	return out
}

// headerRow reports whether a row can be the first of a table in text.
func headerRow(row block) bool {
	shown := false
	for _, c := range row.children {
		if c.kind != tableHeader {
			return false
		}
		shown = shown || len(c.text) > 0
	}
	return shown
}

func printRow(row block, mark bool) string {
	var b strings.Builder
	b.WriteString("|")
	for _, c := range row.children {
		text := printCell(c)
		switch {
		case c.kind == tableHeader && mark:
			text = markup.TrimLine("! " + text)
		case c.kind == tableCell && (text == "!" || strings.HasPrefix(text, "! ")):
			text = `\` + text
		}
		b.WriteString(" " + text + " |")
	}
	return b.String()
}

func printCell(c block) string {
	if c.kind == opaque {
		return strings.ReplaceAll(markup.PrintToken(c.name, c.code), "|", `\|`)
	}
	var lines []string
	for _, line := range markup.SplitBreaks(c.text) {
		lines = append(lines, markup.Print(line))
	}
	return strings.ReplaceAll(strings.Join(lines, "<br>"), "|", `\|`)
}

// equalBlocks reports whether two blocks read the same; where they come from does
// not matter.
func equalBlocks(a, b []block) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, y := &a[i], &b[i]
		if x.kind != y.kind || x.level != y.level || x.name != y.name || x.code != y.code || x.done != y.done {
			return false
		}
		if !markup.EqualText(x.text, y.text) || !equalBlocks(x.children, y.children) {
			return false
		}
	}
	return true
}
