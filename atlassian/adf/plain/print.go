package plain

import (
	"fmt"
	"strings"
)

// printBlocks returns the lines of blocks that fit ctx.
func printBlocks(blocks []block, ctx context) []string {
	var out []string
	for i, b := range blocks {
		if i > 0 {
			out = append(out, "")
		}
		out = append(out, printBlock(b, ctx)...)
	}
	return out
}

func printBlock(b block, ctx context) []string {
	switch b.kind {
	case paragraph:
		return printParagraph(b.text, ctx)
	case heading:
		return []string{strings.Repeat("#", b.level) + " " + printLine(b.text)}
	case bulletList, orderedList:
		return printList(b, ctx)
	case taskList:
		return printTasks(b, ctx)
	case codeBlock:
		return printFence(b)
	case quote:
		return printQuote(b, "")
	case panel:
		return printQuote(b, "[!"+b.name+"]")
	}
	return []string{"---"}
}

// printParagraph puts a backslash before lines that would begin a block.
func printParagraph(text []inline, ctx context) []string {
	var out []string
	for i, line := range splitBreaks(text) {
		s := printLine(line)
		if m := marker(unslash(s), ctx, i > 0); m != none {
			s = `\` + s
		}
		out = append(out, s)
	}
	return out
}

func printList(b block, ctx context) []string {
	var out []string
	for i, item := range b.children {
		sign := "-"
		if b.kind == orderedList {
			sign = fmt.Sprintf("%d.", b.level+i)
		}
		out = append(out, printItem(sign, item, ctx)...)
	}
	return out
}

func printItem(sign string, item block, ctx context) []string {
	lines := printItemBlocks(item.children, ctx)
	first := ""
	if len(item.children) > 0 && startsItem(item.children[0].kind) {
		first, lines = lines[0], lines[1:]
	}
	out := []string{trimLine(sign + " " + first)}
	return append(out, prefix(lines, strings.Repeat(" ", len(sign)+1))...)
}

// startsItem reports whether a block begins on the line of the item's sign.
func startsItem(k kind) bool { return k == paragraph || k == codeBlock }

// printItemBlocks is printBlocks for a list item that stands in ctx: a list
// follows a paragraph without a blank line if it can, and the first line
// cannot begin a list of its own.
func printItemBlocks(blocks []block, ctx context) []string {
	var out []string
	for i, b := range blocks {
		if i == 0 && b.kind == paragraph {
			out = append(out, printFirst(b.text, ctx)...)
			continue
		}
		lines := printBlock(b, ctx.inItem())
		tight := i > 0 && blocks[i-1].kind == paragraph && isList(b.kind) && marker(lines[0], ctx.inItem(), true) != none
		if i > 0 && !tight {
			out = append(out, "")
		}
		out = append(out, lines...)
	}
	return out
}

func printFirst(text []inline, ctx context) []string {
	lines := printParagraph(text, ctx.inItem())
	first := printLine(splitBreaks(text)[0])
	if m := firstMarker(unslash(first), ctx); m != none {
		first = `\` + first
	}
	lines[0] = first
	return lines
}

func printTasks(b block, ctx context) []string {
	var out []string
	for _, t := range b.children {
		if t.kind == taskList {
			out = append(out, prefix(printTasks(t, ctx.inTask()), "  ")...)
			continue
		}
		out = append(out, printTask(t)...)
	}
	return out
}

func printTask(t block) []string {
	sign := "- [ ] "
	if t.done {
		sign = "- [x] "
	}
	var out []string
	for i, line := range splitBreaks(t.text) {
		s := printLine(line)
		if i == 0 {
			out = append(out, trimLine(sign+s))
			continue
		}
		if _, ok := taskMarker(unslash(s)); ok {
			s = `\` + s
		}
		out = append(out, "  "+s)
	}
	return out
}

// printFence prints a code block in the shortest fence its lines allow.
func printFence(b block) []string {
	lines := splitLines(b.code)
	fence := "```"
	for containsFence(lines, fence) {
		fence += "`"
	}
	out := append([]string{fence + b.name}, lines...)
	if b.code == "" {
		out = out[:1]
	}
	return append(out, fence)
}

func containsFence(lines []string, fence string) bool {
	for _, l := range lines {
		if trimLine(l) == fence {
			return true
		}
	}
	return false
}

func printQuote(b block, title string) []string {
	ctx := quoted
	var out []string
	if b.kind == panel {
		ctx = panelled
		out = append(out, "> "+title)
	}
	lines := printBlocks(b.children, ctx)
	if _, ok := panelTitle(unslash(first(lines))); ok && b.kind == quote {
		lines[0] = `\` + lines[0]
	}
	for _, l := range lines {
		if l != "" {
			l = " " + l
		}
		out = append(out, ">"+l)
	}
	return out
}

func first(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[0]
}

// prefix indents the lines that are not empty.
func prefix(lines []string, indent string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		if l != "" {
			l = indent + l
		}
		out[i] = l
	}
	return out
}

// unslash removes the backslashes a line begins with.
func unslash(line string) string { return strings.TrimLeft(line, `\`) }
