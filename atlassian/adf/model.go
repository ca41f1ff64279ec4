package adf

import (
	"strings"

	"scim-atlassian/atlassian/adf/markup"
)

// kind is the kind of a block. These blocks are all that text can say; a token
// stands for everything else in a document.
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
	expand
	table
	tableRow
	tableCell
	tableHeader
	opaque
)

type block struct {
	kind     kind
	level    int             // heading: 1 to 6; orderedList: the first number
	name     string          // codeBlock: language; panel: type; expand: title; opaque: type and hash
	code     string          // codeBlock; opaque: label
	done     bool            // task
	text     []markup.Inline // paragraph, heading, task, cells of a table
	children []block         // lists: items; taskList: tasks and task lists; table: rows; tableRow: cells; others: blocks

	src    *node  // the node that this was read from; nil for a block of a text
	before []node // nodes before and after src that text does not show
	after  []node
}

// context says which blocks may stand in a place, for the printer as for the
// parser: the printer need not escape text that the parser does not recognise.
type context struct {
	headings, rules, quotes, tasks bool
	tables                         bool
	expand                         string // the type of the nodes that "[!expand]" makes; "": none
	depth                          int
}

var (
	quoted    = context{depth: 1}
	panelled  = context{headings: true, rules: true, tasks: true, depth: 1}
	panelType = map[string]bool{"info": true, "note": true, "tip": true, "success": true, "warning": true, "error": true}
)

// inItem is the context of the blocks of a list item that stands in c.
func (c context) inItem() context { return context{tasks: true, depth: c.depth + 1} }

// inTask is the context of a task list below a task that stands in c.
func (c context) inTask() context {
	c.depth++
	return c
}

// inQuote is the context of the blocks of a quote, a panel or an expand in c.
func (c context) inQuote(k kind) context {
	inner := quoted
	switch k {
	case panel:
		inner = panelled
	case expand:
		inner = document
		inner.tables = c.expand == "expand"
		if inner.tables {
			inner.expand = "nestedExpand"
		}
	}
	inner.depth = 1
	if c.depth > 0 || c.expand == "nestedExpand" {
		inner.depth = c.depth + 1
	}
	return inner
}

func (c context) lists() bool { return c.depth < maxDepth }

// trimAfterLists removes the indentation of paragraphs that follow a list:
// in text it would make them part of the last item.
func trimAfterLists(blocks []block) {
	for i := 1; i < len(blocks); i++ {
		b := &blocks[i]
		if !isList(blocks[i-1].kind) || b.kind != paragraph || len(b.text) == 0 || b.text[0].Kind != markup.Plain {
			continue
		}
		first := b.text[0]
		first.Text = strings.TrimLeft(first.Text, " \t")
		b.text = append(markup.AppendInline(nil, first), b.text[1:]...)
	}
}

func isList(k kind) bool { return k == bulletList || k == orderedList || k == taskList }

func notBlank(lines [][]markup.Inline) [][]markup.Inline {
	var out [][]markup.Inline
	for _, l := range lines {
		if !blank(l) {
			out = append(out, l)
		}
	}
	return out
}

func blank(line []markup.Inline) bool { return len(markup.TrimRight(line)) == 0 }
