package adf

import (
	"fmt"
	"strings"

	"scim-atlassian/atlassian/adf/markup"
)

// printBlocks returns the lines of blocks that fit ctx.
func printBlocks(blocks []block, ctx context) []string {
	var out []string
	for i, b := range blocks {
		if i > 0 {
			out = append(out, "")
		}
		if i > 0 && isList(b.kind) && b.kind == blocks[i-1].kind {
			out = append(out, divider, "")
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
		return []string{strings.Repeat("#", b.level) + " " + markup.Print(b.text)}
	case bulletList, orderedList:
		return printList(b, ctx)
	case taskList:
		return printTasks(b, ctx)
	case codeBlock:
		return printFence(b)
	case quote:
		return printQuote(b, "", ctx)
	case panel:
		return printQuote(b, "[!"+b.name+"]", ctx)
	case expand:
		return printQuote(b, markup.TrimLine("[!expand] "+b.name), ctx)
	case table:
		return printTable(b, ctx)
	case opaque:
		return []string{markup.PrintToken(b.name, b.code)}
	}
	return []string{"---"}
}

// printParagraph puts a backslash before lines that would begin a block.
func printParagraph(text []markup.Inline, ctx context) []string {
	var out []string
	for i, line := range markup.SplitBreaks(text) {
		s := markup.Print(line)
		if s == "" {
			s = emptyLine
		}
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
	out := []string{markup.TrimLine(sign + " " + first)}
	return append(out, prefix(lines, strings.Repeat(" ", len(sign)+1))...)
}

// startsItem reports whether a block begins on the line of the item's sign.
func startsItem(k kind) bool { return k == paragraph || k == codeBlock || k == opaque }

// printItemBlocks is printBlocks for a list item that stands in ctx: a list
// follows a paragraph without a blank line if it can, and the first line
// cannot begin a list of its own.
func printItemBlocks(blocks []block, ctx context) []string {
	var out []string
	for i, b := range blocks {
		if i > 0 && isList(b.kind) && b.kind == blocks[i-1].kind {
			out = append(out, "", divider)
		}
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

func printFirst(text []markup.Inline, ctx context) []string {
	lines := printParagraph(text, ctx.inItem())
	first := markup.Print(markup.SplitBreaks(text)[0])
	if first == "" {
		first = emptyLine
	}
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
		out = append(out, printTask(t, ctx)...)
	}
	return out
}

func printTask(t block, ctx context) []string {
	sign := "- [ ] "
	if t.done {
		sign = "- [x] "
	}
	var out []string
	for i, line := range markup.SplitBreaks(t.text) {
		s := markup.Print(line)
		if i == 0 {
			out = append(out, markup.TrimLine(sign+s))
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
		if markup.TrimLine(l) == fence {
			return true
		}
	}
	return false
}

func printQuote(b block, title string, ctx context) []string {
	var out []string
	if b.kind != quote {
		out = append(out, "> "+title)
	}
	lines := printBlocks(b.children, ctx.inQuote(b.kind))
	if _, _, ok := ctx.quoteTitle(unslash(first(lines))); ok && b.kind == quote {
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
