package adf

import (
	"maps"
	"slices"
	"strings"

	"scim-atlassian/atlassian/adf/markup"
)

// writer makes the nodes of changed blocks.
type writer struct {
	tokens map[string]node
	atoms  map[string][]node // inline nodes of the current document by their text
	ids    int
	taken  map[string]bool // local ids of the current document
}

func newWriter(r *reader, root *node) *writer {
	w := &writer{tokens: r.tokens, atoms: map[string][]node{}, taken: map[string]bool{}}
	w.learn(*root)
	return w
}

func (w *writer) learn(n node) {
	if id := n.str("localId"); id != "" {
		w.taken[id] = true
	}
	if in, ok := readInline(&n); ok && markup.InlineTypes[n.Type] && n.Type != "text" {
		s := markup.Print([]markup.Inline{in})
		w.atoms[s] = append(w.atoms[s], n)
	}
	for _, c := range n.Content {
		w.learn(c)
	}
}

// content returns the nodes of blocks that stand in ctx where those of old stood.
func (w *writer) content(old, blocks []block, ctx context) []node {
	from := align(textsOf(old, ctx), textsOf(blocks, ctx))
	same := slices.Clone(from)
	pairUp(old, blocks, from, func(o, b block) bool { return o.kind == b.kind && o.kind != opaque })
	place := slices.Clone(from)
	pairUp(old, blocks, place, func(_, _ block) bool { return true })
	var out []node
	for i, b := range blocks {
		var o block // whose place b has; its blank paragraphs stay
		if place[i] >= 0 {
			o = old[place[i]]
		}
		n := o.src
		switch {
		case from[i] < 0:
			fresh := w.node(b, ctx)
			n = &fresh
		case same[i] < 0:
			merged := w.merge(o, b, ctx)
			n = &merged
		}
		out = append(append(append(out, o.before...), *n), o.after...)
	}
	return out
}

func textsOf(blocks []block, ctx context) []string {
	out := make([]string, len(blocks))
	for i, b := range blocks {
		out[i] = string(rune('a'+b.kind)) + strings.Join(printAny(b, ctx), "\n")
	}
	return out
}

// printAny is printBlock for the parts of lists and tables too.
func printAny(b block, ctx context) []string {
	switch b.kind {
	case listItem:
		return printItem("-", b, ctx)
	case task:
		return printTask(b, ctx)
	case tableRow:
		return []string{printRow(b, true)}
	case tableCell, tableHeader:
		return []string{printCell(b)}
	}
	return printBlock(b, ctx)
}

// maxAlign bounds the work of align, as the product of two lengths.
const maxAlign = 1 << 20

// align returns for each of news the index of the same text in olds, -1 for none:
// the longest common subsequence, and what moved besides.
func align(olds, news []string) []int {
	from := make([]int, len(news))
	for i := range from {
		from[i] = -1
	}
	head, tail := 0, 0
	for head < min(len(olds), len(news)) && olds[head] == news[head] {
		from[head] = head
		head++
	}
	for tail < min(len(olds), len(news))-head && olds[len(olds)-1-tail] == news[len(news)-1-tail] {
		tail++
		from[len(news)-tail] = len(olds) - tail
	}
	o, n := olds[head:len(olds)-tail], news[head:len(news)-tail]
	if len(o)*len(n) <= maxAlign {
		common(o, n, from[head:], head)
	}
	moved(olds, news, from)
	return from
}

// common fills from for the longest common subsequence of o and n.
func common(o, n []string, from []int, offset int) {
	length := make([][]int, len(o)+1)
	for i := range length {
		length[i] = make([]int, len(n)+1)
	}
	for i := len(o) - 1; i >= 0; i-- {
		for j := len(n) - 1; j >= 0; j-- {
			if o[i] == n[j] {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(o) && j < len(n); {
		switch {
		case o[i] == n[j]:
			from[j] = offset + i
			i, j = i+1, j+1
		case length[i+1][j] >= length[i][j+1]:
			i++
		default:
			j++
		}
	}
}

// moved finds the texts that stand elsewhere now.
func moved(olds, news []string, from []int) {
	free := map[string][]int{}
	for i, s := range olds {
		if !slices.Contains(from, i) {
			free[s] = append(free[s], i)
		}
	}
	for j, s := range news {
		if from[j] < 0 && len(free[s]) > 0 {
			from[j], free[s] = free[s][0], free[s][1:]
		}
	}
}

// pairUp gives each changed block the block that it was: the first that fits, between
// its neighbours', and that no other has.
func pairUp(old, blocks []block, from []int, fits func(o, b block) bool) {
	used := map[int]bool{}
	for _, i := range from {
		used[i] = true
	}
	last := -1
	for j := range blocks {
		if from[j] >= 0 {
			last = max(last, from[j])
			continue
		}
		next := len(old)
		for _, i := range from[j+1:] {
			if i > last {
				next = i
				break
			}
		}
		for i := last + 1; i < next; i++ {
			if !used[i] && fits(old[i], blocks[j]) {
				from[j], last = i, i
				used[i] = true
				break
			}
		}
	}
}

// merge returns the node of o, changed to say b.
func (w *writer) merge(o, b block, ctx context) node {
	n := *o.src
	fresh := b
	fresh.children = nil
	shell := w.node(fresh, ctx)
	n.Attrs = mergeAttrs(n, shell, o, b)
	switch b.kind {
	case paragraph, heading, task:
		n.Content = w.inlines(b.text, atomsOf(o.src.Content))
	case tableCell, tableHeader:
		p := o.src.Content[0]
		p.Content = w.inlines(b.text, atomsOf(p.Content))
		n.Content = []node{p}
	case codeBlock:
		n.Content = shell.Content
	case rule:
	default:
		if n.Content = w.content(o.children, b.children, inner(b.kind, ctx)); len(n.Content) == 0 {
			n.Content = shell.Content
		}
	}
	return n
}

// mergeAttrs are the attributes of n with those that text says as in shell.
func mergeAttrs(n, shell node, o, b block) map[string]any {
	attrs := maps.Clone(n.Attrs)
	if o.level == b.level && o.name == b.name && o.done == b.done {
		return attrs
	}
	for _, name := range []string{"level", "order", "language", "panelType", "title", "state"} {
		v, ok := shell.Attrs[name]
		if _, had := attrs[name]; !ok && had {
			delete(attrs, name)
		}
		if ok {
			if attrs == nil {
				attrs = map[string]any{}
			}
			attrs[name] = v
		}
	}
	return attrs
}

// inner is the context of what a block in ctx contains.
func inner(k kind, ctx context) context {
	switch k {
	case quote, panel, expand:
		return ctx.inQuote(k)
	case listItem:
		return ctx.inItem()
	case taskList:
		return ctx.inTask()
	}
	return ctx
}

// node returns the node of a block that was not there.
func (w *writer) node(b block, ctx context) node {
	switch b.kind {
	case opaque:
		return w.tokens[b.name]
	case expand:
		n := node{Type: ctx.expand, Content: w.filled(b, ctx)}
		if b.name != "" {
			n.Attrs = map[string]any{"title": b.name}
		}
		return n
	case paragraph:
		return node{Type: "paragraph", Content: w.inlines(b.text, nil)}
	case heading:
		return node{Type: "heading", Attrs: map[string]any{"level": b.level}, Content: w.inlines(b.text, nil)}
	case task:
		n := encodeTask(b.done, w.newID("task"))
		n.Content = w.inlines(b.text, nil)
		return n
	case taskList:
		return node{Type: "taskList", Attrs: map[string]any{"localId": w.newID("list")}, Content: w.nodes(b.children, ctx.inTask())}
	case codeBlock:
		return encodeCode(b)
	case rule:
		return node{Type: "rule"}
	case bulletList:
		return node{Type: "bulletList", Content: w.nodes(b.children, ctx)}
	case orderedList:
		n := encodeOrdered(b.level)
		n.Content = w.nodes(b.children, ctx)
		return n
	case listItem:
		n := node{Type: "listItem", Content: w.filled(b, ctx)}
		if len(b.children) > 0 && !startsItem(b.children[0].kind) {
			n.Content = append([]node{{Type: "paragraph"}}, n.Content...)
		}
		return n
	case quote:
		return node{Type: "blockquote", Content: w.filled(b, ctx)}
	case panel:
		return node{Type: "panel", Attrs: map[string]any{"panelType": b.name}, Content: w.filled(b, ctx)}
	}
	return w.tableNode(b, ctx)
}

func (w *writer) tableNode(b block, ctx context) node {
	switch b.kind {
	case table:
		return node{Type: "table", Content: w.nodes(b.children, ctx)}
	case tableRow:
		return node{Type: "tableRow", Content: w.nodes(b.children, ctx)}
	}
	n := node{Type: "tableCell", Content: []node{{Type: "paragraph", Content: w.inlines(b.text, nil)}}}
	if b.kind == tableHeader {
		n.Type = "tableHeader"
	}
	return n
}

func (w *writer) nodes(blocks []block, ctx context) []node {
	var out []node
	for _, b := range blocks {
		out = append(out, w.node(b, ctx))
	}
	return out
}

// filled are the nodes of what b contains, at least a paragraph.
func (w *writer) filled(b block, ctx context) []node {
	if out := w.nodes(b.children, inner(b.kind, ctx)); out != nil {
		return out
	}
	return []node{{Type: "paragraph"}}
}

func (w *writer) newID(prefix string) string {
	for {
		w.ids++
		id := localID(prefix, w.ids)
		if !w.taken[id] {
			return id
		}
	}
}

// atomsOf are the nodes of a line by their text, which a changed line takes over
// with all that no text says about them.
func atomsOf(nodes []node) map[string][]node {
	atoms := map[string][]node{}
	for _, n := range nodes {
		if in, ok := readInline(&n); ok && n.Type != "text" {
			s := markup.Print([]markup.Inline{in})
			atoms[s] = append(atoms[s], n)
		}
	}
	return atoms
}

func (w *writer) inlines(text []markup.Inline, near map[string][]node) []node {
	var out []node
	for _, in := range text {
		out = append(out, w.inline(in, near))
	}
	return out
}

func (w *writer) inline(in markup.Inline, near map[string][]node) node {
	switch in.Kind {
	case markup.Secret:
		return w.tokens[in.Ref]
	case markup.Plain, markup.Link, markup.Code:
		return node{Type: "text", Text: in.Text, Marks: marksOf(in)}
	}
	s := markup.Print([]markup.Inline{in})
	for _, atoms := range []map[string][]node{near, w.atoms} {
		if found := atoms[s]; len(found) > 0 {
			if len(found) > 1 {
				atoms[s] = found[1:]
			}
			return found[0]
		}
	}
	return encodeAtom(in)
}

func marksOf(in markup.Inline) []mark {
	var out []mark
	add := func(on bool, name string) {
		if on {
			out = append(out, mark{Type: name})
		}
	}
	with := func(value, name, attr string) {
		if value != "" {
			out = append(out, mark{Type: name, Attrs: map[string]any{attr: value}})
		}
	}
	with(markup.UrlOf(in), "link", "href")
	add(in.Kind == markup.Code, "code")
	add(in.Style.Em, "em")
	add(in.Style.Strong, "strong")
	add(in.Style.Strike, "strike")
	with(in.Style.Subsup, "subsup", "type")
	add(in.Style.Underline, "underline")
	with(in.Style.Color, "textColor", "color")
	with(in.Style.Background, "backgroundColor", "color")
	return out
}
