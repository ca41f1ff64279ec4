package plain

import (
	"strconv"
	"strings"
)

// marking describes the block that a line begins.
type marking uint8

const (
	none marking = iota
	fenceMark
	headingMark
	ruleMark
	quoteMark
	itemMark
	taskMark
)

// marker returns the marking of a line in ctx. A line that would interrupt a
// paragraph has to look more like a list: "2024." at the beginning of a line
// is most often the end of a sentence.
func marker(line string, ctx context, interrupts bool) marking {
	line = trimLine(line)
	if line == "" {
		return none
	}
	if _, _, ok := openFence(line); ok {
		return fenceMark
	}
	if ctx.headings && headingLevel(line) > 0 {
		return headingMark
	}
	if ctx.rules && line == "---" {
		return ruleMark
	}
	if ctx.quotes && (line == ">" || strings.HasPrefix(line, "> ")) {
		return quoteMark
	}
	if !ctx.lists() {
		return none
	}
	if _, ok := taskMarker(line); ok && ctx.tasks {
		return taskMark
	}
	if m, ok := openItem(line); ok && (!interrupts || m.interrupts()) {
		return itemMark
	}
	return none
}

// firstMarker is marker for the text behind the sign of an item in ctx.
func firstMarker(line string, ctx context) marking {
	if _, _, ok := openFence(line); ok {
		return fenceMark
	}
	if _, ok := taskMarker("- " + line); ok && ctx.tasks {
		return taskMark
	}
	return none
}

// openFence reads "```language".
func openFence(line string) (fence, language string, ok bool) {
	line = trimLine(line)
	n := countPrefix(line, '`')
	language = line[n:]
	return line[:n], language, n >= 3 && !strings.ContainsAny(language, "` \t")
}

// headingLevel is 0 if line is no heading; a heading has text.
func headingLevel(line string) int {
	n := countPrefix(line, '#')
	if n < 1 || n > 6 || n == len(line) || line[n] != ' ' || trimLine(line[n:]) == "" {
		return 0
	}
	return n
}

// item is the sign of a list item: "-" or a number.
type item struct {
	kind   kind
	number int
	indent int    // of the lines that belong to the item
	text   string // behind the sign
}

func (it item) interrupts() bool {
	return it.text != "" && (it.kind == bulletList || it.number == 1)
}

func openItem(line string) (item, bool) {
	line = trimLine(line)
	if text, ok := strings.CutPrefix(line, "-"); ok {
		return signed(item{kind: bulletList, indent: 2}, text)
	}
	digits, text, ok := strings.Cut(line, ".")
	if !ok || len(digits) > 9 || len(digits) > 1 && digits[0] == '0' {
		return item{}, false
	}
	number, err := strconv.ParseUint(digits, 10, 32)
	if err != nil {
		return item{}, false
	}
	return signed(item{kind: orderedList, number: int(number), indent: len(digits) + 2}, text)
}

func signed(it item, text string) (item, bool) {
	if text != "" && text[0] != ' ' {
		return item{}, false
	}
	it.text = strings.TrimPrefix(text, " ")
	return it, true
}

// taskMarker reads "- [ ] text" and returns whether the task is done.
func taskMarker(line string) (done, ok bool) {
	line = trimLine(line)
	open, done := strings.HasPrefix(line, "- [ ]"), strings.HasPrefix(line, "- [x]")
	return done, (open || done) && (len(line) == len("- [ ]") || line[len("- [ ]")] == ' ')
}

func panelTitle(line string) (name string, ok bool) {
	name, ok = strings.CutPrefix(trimLine(line), "[!")
	if !ok {
		return "", false
	}
	name, ok = strings.CutSuffix(name, "]")
	return name, ok && panelType[name]
}

// parser reads the blocks of one container: the document, a quote, an item.
type parser struct {
	lines []string
	ctx   context
	at    int
	open  map[string]bool // fences that nothing closes
	out   []block
}

func parseBlocks(lines []string, ctx context) []block {
	p := &parser{lines: lines, ctx: ctx, open: map[string]bool{}}
	for p.at < len(p.lines) {
		p.block(p.marker(p.at, false))
	}
	trimAfterLists(p.out)
	return p.out
}

// parseItem reads the blocks of a list item that stands in ctx. Its first
// line cannot begin a list.
func parseItem(lines []string, ctx context) []block {
	p := &parser{lines: lines, ctx: ctx.inItem(), open: map[string]bool{}}
	if m := firstMarker(lines[0], ctx); m == fenceMark && p.fenceEnd(0) > 0 {
		p.block(m)
	} else if trimLine(lines[0]) != "" {
		p.paragraph(firstLine(lines[0], ctx))
	}
	for p.at < len(p.lines) {
		p.block(p.marker(p.at, false))
	}
	trimAfterLists(p.out)
	return p.out
}

// marker returns the marking of line i; a fence that is not closed begins nothing.
func (p *parser) marker(i int, interrupts bool) marking {
	m := marker(p.lines[i], p.ctx, interrupts)
	if m == fenceMark && p.fenceEnd(i) < 0 {
		return none
	}
	return m
}

func (p *parser) block(m marking) {
	switch m {
	case fenceMark:
		p.fence()
	case headingMark:
		p.heading()
	case ruleMark:
		p.add(block{kind: rule}, 1)
	case quoteMark:
		p.quote()
	case itemMark:
		p.list()
	case taskMark:
		p.add(p.tasks(0, p.ctx), 0)
	default:
		p.textOrBlank()
	}
}

func (p *parser) add(b block, lines int) {
	p.out = append(p.out, b)
	p.at += lines
}

// fenceEnd returns the line that closes the fence in line i, -1 if none does.
func (p *parser) fenceEnd(i int) int {
	fence, _, _ := openFence(p.lines[i])
	if p.open[fence] {
		return -1
	}
	for j := i + 1; j < len(p.lines); j++ {
		if trimLine(p.lines[j]) == fence {
			return j
		}
	}
	p.open[fence] = true
	return -1
}

func (p *parser) fence() {
	_, language, _ := openFence(p.lines[p.at])
	end := p.fenceEnd(p.at)
	text := strings.Join(p.lines[p.at+1:end], "\n")
	p.add(block{kind: codeBlock, name: language, code: text}, end-p.at+1)
}

func (p *parser) heading() {
	line := trimLine(p.lines[p.at])
	level := headingLevel(line)
	p.add(block{kind: heading, level: level, text: parseLine(line[level+1:])}, 1)
}

func (p *parser) quote() {
	var inner []string
	for p.at < len(p.lines) && marker(p.lines[p.at], p.ctx, true) == quoteMark {
		inner = append(inner, strings.TrimPrefix(p.lines[p.at][1:], " "))
		p.at++
	}
	if name, ok := panelTitle(inner[0]); ok {
		p.add(block{kind: panel, name: name, children: parseBlocks(inner[1:], panelled)}, 0)
		return
	}
	if _, ok := panelTitle(unslash(inner[0])); ok {
		inner[0] = inner[0][1:]
	}
	if children := parseBlocks(inner, quoted); len(children) > 0 {
		p.add(block{kind: quote, children: children}, 0)
	}
}

func (p *parser) list() {
	first, _ := openItem(p.lines[p.at])
	list := block{kind: first.kind, level: first.number}
	for p.at < len(p.lines) {
		it, ok := openItem(p.lines[p.at])
		if !ok || it.kind != first.kind || it.kind == orderedList && it.number != first.number+len(list.children) ||
			p.marker(p.at, false) != itemMark {
			break
		}
		p.at++
		lines := append([]string{it.text}, p.indented(it.indent)...)
		list.children = append(list.children, block{kind: listItem, children: parseItem(lines, p.ctx)})
	}
	p.add(list, 0)
}

// indented takes the lines that belong to an item, without their indentation:
// those indented so far, and blank ones that such a line follows.
func (p *parser) indented(indent int) []string {
	var out, blanks []string
	for i := p.at; i < len(p.lines); i++ {
		line := p.lines[i]
		if trimLine(line) == "" {
			blanks = append(blanks, line[min(len(line), indent):])
			continue
		}
		if !isIndented(line, indent) {
			break
		}
		out = append(append(out, blanks...), line[indent:])
		blanks = nil
		p.at = i + 1
	}
	return out
}

func isIndented(line string, indent int) bool { return countPrefix(line, ' ') >= indent }

// tasks reads a task list indented so far. Tasks contain lines and task lists
// only, so a blank line ends it.
func (p *parser) tasks(indent int, ctx context) block {
	list := block{kind: taskList}
	for {
		line, ok := p.line(indent)
		if !ok {
			return list
		}
		done, ok := taskMarker(line)
		if !ok {
			return list
		}
		p.at++
		text := p.taskText(line[min(len(line), len("- [ ] ")):], indent+2, ctx)
		list.children = append(list.children, block{kind: task, done: done, text: text})
		if p.taskFollows(indent+2) && ctx.inTask().lists() {
			list.children = append(list.children, p.tasks(indent+2, ctx.inTask()))
		}
	}
}

func (p *parser) taskText(first string, indent int, ctx context) []inline {
	lines := [][]inline{parseLine(trimLine(first))}
	for !p.taskFollows(indent) {
		line, ok := p.line(indent)
		if !ok {
			break
		}
		if _, escaped := taskMarker(unslash(line)); escaped {
			line = line[1:]
		}
		lines = append(lines, parseLine(trimLine(line)))
		p.at++
	}
	return joinBreaks(notBlank(lines))
}

// line returns the present line without indent, unless it is indented less or
// blank.
func (p *parser) line(indent int) (string, bool) {
	if p.at == len(p.lines) || trimLine(p.lines[p.at]) == "" || !isIndented(p.lines[p.at], indent) {
		return "", false
	}
	return p.lines[p.at][indent:], true
}

func (p *parser) taskFollows(indent int) bool {
	line, ok := p.line(indent)
	if !ok {
		return false
	}
	_, ok = taskMarker(line)
	return ok
}

func (p *parser) textOrBlank() {
	if trimLine(p.lines[p.at]) == "" {
		p.at++
		return
	}
	line := p.lines[p.at]
	if marker(unslash(line), p.ctx, false) != none && line[0] == '\\' {
		line = line[1:]
	}
	p.paragraph(line)
}

// paragraph reads a paragraph whose first line, already without its escape,
// is first.
func (p *parser) paragraph(first string) {
	lines := [][]inline{parseLine(trimLine(first))}
	for p.at++; p.at < len(p.lines); p.at++ {
		line := p.lines[p.at]
		if trimLine(line) == "" || p.marker(p.at, true) != none {
			break
		}
		if marker(unslash(line), p.ctx, true) != none && line[0] == '\\' {
			line = line[1:]
		}
		lines = append(lines, parseLine(trimLine(line)))
	}
	p.add(block{kind: paragraph, text: joinBreaks(lines)}, 0)
}

func firstLine(line string, ctx context) string {
	if firstMarker(unslash(line), ctx) != none && line[0] == '\\' {
		return line[1:]
	}
	return line
}
