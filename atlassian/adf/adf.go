// Package adf reads documents of the Atlassian Document Format as text, and writes what
// became of the text back without losing what it does not say.
//
// The text is a small, strict dialect of Markdown. Blocks are separated by one
// blank line:
//
//	# heading            one to six signs
//	- item, 1. item      lists; what belongs to an item is indented below it
//	- [ ] task           task lists, [x] when done
//	> quoted             block quotes; a first line "> [!info]" makes it a panel,
//	                     "> [!expand] Title" an expand
//	```go … ```          code blocks
//	| a | b |            tables, with a row of dashes below the first row; "| ! a |" is a
//	                     header in another row, <br> a line end
//	---                  a rule
//	<!-- -->             between two lists that would be one
//
// and inside a line
//
//	**strong** *em* ~~strike~~ `code` [text](url) <https://card> :emoji:
//	@[Name](accountid:ID) :status[Text]{blue} :date[2026-12-31]
//	:u[underlined] :sub[2] :sup[2] :color[x]{#ff0000} :background[x]{#00ff00}
//	:strong[x] :em[x] :strike[x] where asterisks and tildes cannot say it
//
// A line end inside a paragraph is a hard break, a line of one backslash an empty
// line. Text that only looks like markup is written with a backslash before it; a
// backslash before anything else is a backslash, so Windows paths stay as they are.
//
// A node that cannot be said exactly is a token, ⟦adf:mediaSingle:5d41402abc4b plan.png⟧:
// its type, a hash of what it is, and a label that means nothing. White space at the end
// of lines and blank paragraphs are not shown; these, the ids of nodes, alignment, the
// looks of tables and the like stay with their block.
//
// The format: https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
package adf

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
)

const (
	// maxSize bounds the documents that are read. Jira's own limit for a text
	// field is 32,767 characters.
	maxSize = 4 << 20

	// maxNodeDepth bounds how deep nodes of a document may nest.
	maxNodeDepth = 200

	// maxDepth is how deep lists nest in text; deeper lists are tokens
	// when read from a document and taken literally when read from text.
	maxDepth = 16
)

// Errors of Text. Other errors wrap those of the JSON decoder.
var (
	ErrTooLarge    = errors.New("adf: document too large")
	ErrTooDeep     = errors.New("adf: document nested too deeply")
	ErrNotDocument = errors.New(`adf: not a document: the outer node has no type "doc"`)
)

// node is a node of the Atlassian Document Format.
type node struct {
	Version int            `json:"version,omitzero"`
	Type    string         `json:"type"`
	Attrs   map[string]any `json:"attrs,omitzero"`
	Content []node         `json:"content,omitzero"`
	Marks   []mark         `json:"marks,omitzero"`
	Text    string         `json:"text,omitzero"`
	Rest    map[string]any `json:",embed"` // members that the format does not have
}

type mark struct {
	Type  string         `json:"type"`
	Attrs map[string]any `json:"attrs,omitzero"`
	Rest  map[string]any `json:",embed"`
}

// decode reads a document, nil for an absent one.
func decode(doc []byte) (*node, error) {
	if len(doc) == 0 || string(doc) == "null" {
		return nil, nil
	}
	if len(doc) > maxSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(doc), maxSize)
	}
	var root node
	if err := json.Unmarshal(doc, &root); err != nil {
		return nil, fmt.Errorf("adf: read document: %w", err)
	}
	if root.Type != "doc" {
		return nil, ErrNotDocument
	}
	if deeper(root, maxNodeDepth) {
		return nil, ErrTooDeep
	}
	return &root, nil
}

// splitLines splits at the three usual line ends: LF, CR LF and CR.
func splitLines(s string) []string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Split(strings.ReplaceAll(s, "\r", "\n"), "\n")
}

func deeper(n node, limit int) bool {
	if limit == 0 {
		return true
	}
	for _, c := range n.Content {
		if deeper(c, limit-1) {
			return true
		}
	}
	return false
}
