package adf

import (
	"fmt"

	"scim-atlassian/atlassian/adf/markup"
)

func encodeOrdered(first int) node {
	n := node{Type: "orderedList"}
	if first != 1 {
		n.Attrs = map[string]any{"order": first}
	}
	return n
}

func encodeTask(done bool, id string) node {
	state := "TODO"
	if done {
		state = "DONE"
	}
	return node{Type: "taskItem", Attrs: map[string]any{"localId": id, "state": state}}
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

// encodeAtom returns the node of what stands in a line besides text.
func encodeAtom(in markup.Inline) node {
	switch in.Kind {
	case markup.Mention:
		attrs := map[string]any{"id": in.Ref}
		if in.Text != "" {
			attrs["text"] = "@" + in.Text
		}
		return node{Type: "mention", Attrs: attrs}
	case markup.Card:
		return node{Type: "inlineCard", Attrs: map[string]any{"url": in.Ref}}
	case markup.Status:
		return node{Type: "status", Attrs: map[string]any{"text": in.Text, "color": in.Ref}}
	case markup.Date:
		ms, _ := markup.Timestamp(in.Ref)
		return node{Type: "date", Attrs: map[string]any{"timestamp": ms}}
	case markup.Emoji:
		return node{Type: "emoji", Attrs: map[string]any{"shortName": in.Ref}}
	}
	return node{Type: "hardBreak"}
}

// localID is the n-th local id that a new node may have.
func localID(prefix string, n int) string { return fmt.Sprintf("%s-%d", prefix, n) }
