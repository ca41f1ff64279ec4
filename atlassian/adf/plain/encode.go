package plain

import "fmt"

// encodeBlocks turns blocks into nodes. tasks counts the tasks so far: their
// local ids have to differ within a document.
func encodeBlocks(blocks []block, tasks *int) []node {
	out := make([]node, 0, len(blocks))
	for _, b := range blocks {
		out = append(out, encodeBlock(b, tasks))
	}
	return out
}

func encodeBlock(b block, tasks *int) node {
	switch b.kind {
	case heading:
		return node{Type: "heading", Attrs: map[string]any{"level": b.level}, Content: encodeText(b.text)}
	case bulletList:
		return node{Type: "bulletList", Content: encodeBlocks(b.children, tasks)}
	case orderedList:
		return encodeOrdered(b, tasks)
	case listItem:
		return encodeItem(b, tasks)
	case taskList:
		return node{Type: "taskList", Attrs: localID("list", tasks), Content: encodeBlocks(b.children, tasks)}
	case task:
		return encodeTask(b, tasks)
	case codeBlock:
		return encodeCode(b)
	case quote:
		return node{Type: "blockquote", Content: encodeBlocks(b.children, tasks)}
	case panel:
		return node{Type: "panel", Attrs: map[string]any{"panelType": b.name}, Content: atLeastParagraph(b.children, tasks)}
	case rule:
		return node{Type: "rule"}
	}
	return node{Type: "paragraph", Content: encodeText(b.text)}
}

func encodeOrdered(b block, tasks *int) node {
	n := node{Type: "orderedList", Content: encodeBlocks(b.children, tasks)}
	if b.level != 1 {
		n.Attrs = map[string]any{"order": b.level}
	}
	return n
}

// encodeItem puts an empty paragraph before a block that the schema does not
// allow at the beginning of an item.
func encodeItem(b block, tasks *int) node {
	content := atLeastParagraph(b.children, tasks)
	if len(b.children) > 0 && !startsItem(b.children[0].kind) {
		content = append([]node{{Type: "paragraph"}}, content...)
	}
	return node{Type: "listItem", Content: content}
}

func atLeastParagraph(blocks []block, tasks *int) []node {
	if len(blocks) == 0 {
		return []node{{Type: "paragraph"}}
	}
	return encodeBlocks(blocks, tasks)
}

func encodeTask(b block, tasks *int) node {
	attrs := localID("task", tasks)
	attrs["state"] = "TODO"
	if b.done {
		attrs["state"] = "DONE"
	}
	return node{Type: "taskItem", Attrs: attrs, Content: encodeText(b.text)}
}

func localID(prefix string, count *int) map[string]any {
	*count++
	return map[string]any{"localId": fmt.Sprintf("%s-%d", prefix, *count)}
}

func encodeCode(b block) node {
	n := node{Type: "codeBlock"}
	if b.name != "" {
		n.Attrs = map[string]any{"language": b.name}
	}
	if b.code != "" {
		n.Content = []node{{Type: "text", Text: b.code}}
	}
	return n
}

func encodeText(text []inline) []node {
	var out []node
	for _, in := range text {
		out = append(out, encodeInline(in))
	}
	return out
}

func encodeInline(in inline) node {
	switch in.kind {
	case code:
		return node{Type: "text", Text: in.text, Marks: []mark{{Type: "code"}}}
	case link:
		return node{Type: "text", Text: in.text, Marks: []mark{{Type: "link", Attrs: map[string]any{"href": in.ref}}}}
	case mention:
		attrs := map[string]any{"id": in.ref}
		if in.text != "" {
			attrs["text"] = "@" + in.text
		}
		return node{Type: "mention", Attrs: attrs}
	case card:
		return node{Type: "inlineCard", Attrs: map[string]any{"url": in.ref}}
	case lineBreak:
		return node{Type: "hardBreak"}
	}
	return node{Type: "text", Text: in.text}
}
