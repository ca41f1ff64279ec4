package plain

import "strings"

// kind is the kind of a block. These blocks are all that text can say;
// everything else in a document is turned into them.
type kind uint8

const (
	paragraph kind = iota
	heading
	bulletList
	orderedList
	listItem
	taskList
	task
	codeBlock
	quote
	panel
	rule
)

type block struct {
	kind     kind
	level    int      // heading: 1 to 6; orderedList: the first number
	name     string   // codeBlock: language; panel: type
	code     string   // codeBlock
	done     bool     // task
	text     []inline // paragraph, heading, task
	children []block  // lists: items; taskList: tasks and task lists; listItem, quote, panel: blocks
}

type inlineKind uint8

const (
	plain inlineKind = iota
	code
	link
	mention
	card
	lineBreak
)

type inline struct {
	kind inlineKind
	text string // plain, code, link: the text that is shown; mention: the name without @
	ref  string // link, card: URL; mention: account id
}

// context says which blocks may stand in a place, for the printer as for the
// parser: the printer need not escape text that the parser does not recognise.
type context struct {
	headings, rules, quotes, tasks bool
	depth                          int
}

var (
	document  = context{headings: true, rules: true, quotes: true, tasks: true}
	quoted    = context{depth: 1}
	panelled  = context{headings: true, tasks: true, depth: 1}
	panelType = map[string]bool{"info": true, "note": true, "tip": true, "success": true, "warning": true, "error": true}
)

// inItem is the context of the blocks of a list item that stands in c.
func (c context) inItem() context { return context{depth: c.depth + 1} }

// inTask is the context of a task list below a task that stands in c.
func (c context) inTask() context {
	c.depth++
	return c
}

func (c context) lists() bool { return c.depth < maxDepth }

// appendInline adds in to text. Neighbours that would read as one are merged.
func appendInline(text []inline, in inline) []inline {
	if in.text == "" && (in.kind == plain || in.kind == code || in.kind == link) {
		return text
	}
	if n := len(text); n > 0 && text[n-1].kind == in.kind && text[n-1].ref == in.ref && in.kind <= link {
		merged := in
		merged.text = text[n-1].text + in.text
		return append(text[:n-1], merged)
	}
	return append(text, in)
}

// splitBreaks cuts text into its lines, without white space at their ends.
func splitBreaks(text []inline) [][]inline {
	var lines [][]inline
	start := 0
	for i := 0; i <= len(text); i++ {
		if i == len(text) || text[i].kind == lineBreak {
			lines = append(lines, trimRight(text[start:i]))
			start = i + 1
		}
	}
	return lines
}

func joinBreaks(lines [][]inline) []inline {
	var text []inline
	for i, line := range lines {
		if i > 0 {
			text = append(text, inline{kind: lineBreak})
		}
		text = append(text, line...)
	}
	return text
}

func trimRight(line []inline) []inline {
	n := len(line)
	if n == 0 || line[n-1].kind != plain {
		return line
	}
	last := inline{text: trimLine(line[n-1].text)}
	return appendInline(append([]inline(nil), line[:n-1]...), last)
}

// trimLine removes the white space at the end of a line.
func trimLine(s string) string { return strings.TrimRight(s, " \t") }

// fit makes blocks read from a document fit ctx: a block that may not stand there is
// replaced by its content, empty blocks go, blank lines inside a
// paragraph divide it.
func fit(blocks []block, ctx context) []block {
	var out []block
	for _, b := range blocks {
		out = append(out, fitBlock(b, ctx)...)
	}
	trimAfterLists(out)
	return out
}

// trimAfterLists removes the indentation of paragraphs that follow a list:
// in text it would make them part of the last item.
func trimAfterLists(blocks []block) {
	for i := 1; i < len(blocks); i++ {
		b := &blocks[i]
		if !isList(blocks[i-1].kind) || b.kind != paragraph || b.text[0].kind != plain {
			continue
		}
		first := inline{text: strings.TrimLeft(b.text[0].text, " \t")}
		b.text = append(appendInline(nil, first), b.text[1:]...)
	}
}

func isList(k kind) bool { return k == bulletList || k == orderedList || k == taskList }

func fitBlock(b block, ctx context) []block {
	switch b.kind {
	case paragraph:
		return paragraphs(b.text)
	case heading:
		if !ctx.headings {
			return paragraphs(b.text)
		}
		b.text = trimRight(oneLine(b.text))
		return keepIf(!blank(b.text), b)
	case rule:
		return keepIf(ctx.rules, b)
	case quote, panel:
		return fitQuote(b, ctx)
	case bulletList, orderedList:
		return fitList(b, ctx)
	case taskList:
		return fitTasks(b, ctx)
	case listItem:
		return fit(b.children, ctx)
	}
	return []block{b}
}

func keepIf(ok bool, b block) []block {
	if !ok {
		return nil
	}
	return []block{b}
}

func fitQuote(b block, ctx context) []block {
	if !ctx.quotes {
		return fit(b.children, ctx)
	}
	inner := quoted
	if b.kind == panel {
		inner = panelled
	}
	b.children = fit(b.children, inner)
	return keepIf(b.kind == panel || len(b.children) > 0, b)
}

func fitList(b block, ctx context) []block {
	if !ctx.lists() {
		return fit(b.children, ctx)
	}
	items := make([]block, 0, len(b.children))
	for _, item := range b.children {
		item.children = fit(item.children, ctx.inItem())
		items = append(items, item)
	}
	b.children = items
	return keepIf(len(items) > 0, b)
}

// fitTasks also turns the tasks into items of a bullet list where a task list
// may not stand.
func fitTasks(b block, ctx context) []block {
	if !ctx.tasks {
		return fitList(block{kind: bulletList, children: taskItems(b)}, ctx)
	}
	var tasks []block
	for _, c := range b.children {
		if c.kind == taskList {
			nested := fitTasks(c, ctx.inTask())
			if len(nested) == 1 && (len(tasks) == 0 || !ctx.inTask().lists()) {
				nested = nested[0].children
			}
			tasks = append(tasks, nested...)
			continue
		}
		c.text = joinBreaks(notBlank(splitBreaks(c.text)))
		tasks = append(tasks, c)
	}
	b.children = tasks
	return keepIf(len(tasks) > 0, b)
}

func taskItems(b block) []block {
	var items []block
	for _, c := range b.children {
		if c.kind == taskList {
			items = append(items, taskItems(c)...)
			continue
		}
		items = append(items, block{kind: listItem, children: []block{{kind: paragraph, text: c.text}}})
	}
	return items
}

// paragraphs divides text at blank lines.
func paragraphs(text []inline) []block {
	var out []block
	var lines [][]inline
	flush := func() {
		if len(lines) > 0 {
			out = append(out, block{kind: paragraph, text: joinBreaks(lines)})
		}
		lines = nil
	}
	for _, line := range splitBreaks(text) {
		if blank(line) {
			flush()
			continue
		}
		lines = append(lines, line)
	}
	flush()
	return out
}

func notBlank(lines [][]inline) [][]inline {
	var out [][]inline
	for _, l := range lines {
		if !blank(l) {
			out = append(out, l)
		}
	}
	return out
}

func blank(line []inline) bool { return len(trimRight(line)) == 0 }

// oneLine puts a space where text has line breaks.
func oneLine(text []inline) []inline {
	var out []inline
	for _, in := range text {
		if in.kind == lineBreak {
			in = inline{text: " "}
		}
		out = appendInline(out, in)
	}
	return out
}
