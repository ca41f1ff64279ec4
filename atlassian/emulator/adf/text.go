package adf

import (
	"encoding/json"
	"strings"
)

type node struct {
	Type    string         `json:"type"`
	Version int            `json:"version,omitempty"`
	Attrs   map[string]any `json:"attrs,omitempty"`
	Content []node         `json:"content,omitempty"`
	Text    string         `json:"text,omitempty"`
}

// Text returns the text of a document as the text index takes it: blocks, and
// nodes that only have a label, are set apart by white space.
func Text(document []byte) string {
	var doc node
	if len(document) == 0 || json.Unmarshal(document, &doc) != nil {
		return ""
	}
	var text strings.Builder
	doc.appendText(&text)
	return text.String()
}

func (n *node) appendText(to *strings.Builder) {
	if n.Type == "text" {
		to.WriteString(n.Text)
		return
	}
	if label, ok := n.Attrs["text"].(string); ok {
		to.WriteString(" " + label + " ")
	}
	for i := range n.Content {
		n.Content[i].appendText(to)
	}
	to.WriteByte('\n')
}

// Plain returns the text of a document as version 2 of the REST API shows it:
// paragraphs apart by an empty line, the markup left out.
func Plain(document []byte) string {
	var doc node
	if len(document) == 0 || json.Unmarshal(document, &doc) != nil {
		return ""
	}
	blocks := make([]string, len(doc.Content))
	for i := range doc.Content {
		var text strings.Builder
		doc.Content[i].appendText(&text)
		blocks[i] = strings.TrimRight(text.String(), "\n")
	}
	return strings.Join(blocks, "\n\n")
}

// FromPlain returns the document that version 2 of the REST API stores for a
// text, nil for an empty one. It knows paragraphs and lines.
func FromPlain(text string) []byte {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	if text == "" {
		return nil
	}
	doc := node{Type: "doc", Version: 1}
	for block := range strings.SplitSeq(text, "\n\n") {
		paragraph := node{Type: "paragraph"}
		for n, line := range strings.Split(strings.Trim(block, "\n"), "\n") {
			if n > 0 {
				paragraph.Content = append(paragraph.Content, node{Type: "hardBreak"})
			}
			if line != "" {
				paragraph.Content = append(paragraph.Content, node{Type: "text", Text: line})
			}
		}
		doc.Content = append(doc.Content, paragraph)
	}
	encoded, err := json.Marshal(doc)
	if err != nil {
		panic(err) // strings always encode
	}
	return encoded
}
