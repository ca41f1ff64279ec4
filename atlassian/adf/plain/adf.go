// Package plain converts between plain text and the Atlassian Document Format.
//
// The text is a small, strict dialect of Markdown. Blocks are separated by one
// blank line:
//
//	# heading            one to six signs
//	- item, 1. item      lists; what belongs to an item is indented below it
//	- [ ] task           task lists, [x] when done
//	> quoted             block quotes; a first line "> [!info]" makes it a panel
//	```go … ```          code blocks
//	---                  a rule
//
// and inside a line
//
//	`code`   [text](url)   <https://card>   @[Name](accountid:ID)
//
// A line end inside a paragraph is a hard break. Text that only looks like
// markup is written with a backslash before it; a backslash that escapes
// nothing is a backslash, so Windows paths and regular expressions stay as
// they are. Emphasis, colours, alignment and the size of media are dropped.
//
// Text survives: ToText(FromText(s)) is s but for line ends, white space at
// the end of lines, the number of blank lines between blocks and indentation
// that belongs to no list item. Documents survive as far as the constructs
// above go: for those, FromText(ToText(doc)) has the blocks and inline nodes of
// doc. Tables, media, expands and nodes unknown to this package become text.
//
// The format: https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
package plain

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
)

const (
	// maxSize bounds the documents ToText reads. Jira's own limit for a text
	// field is 32,767 characters.
	maxSize = 4 << 20

	// maxNodeDepth bounds how deep nodes of a document may nest.
	maxNodeDepth = 200

	// maxDepth is how deep lists nest in text; deeper lists are flattened
	// when read from a document and taken literally when read from text.
	maxDepth = 16
)

// Errors of ToText. Other errors wrap those of the JSON decoder.
var (
	ErrTooLarge    = errors.New("plain: document too large")
	ErrTooDeep     = errors.New("plain: document nested too deeply")
	ErrNotDocument = errors.New(`adf: not a document: the outer node has no type "doc"`)
)

// node is a node of the Atlassian Document Format.
type node struct {
	Version int            `json:"version,omitzero"`
	Type    string         `json:"type"`
	Attrs   map[string]any `json:"attrs,omitempty"`
	Content []node         `json:"content,omitempty"`
	Marks   []mark         `json:"marks,omitempty"`
	Text    string         `json:"text,omitzero"`
}

type mark struct {
	Type  string         `json:"type"`
	Attrs map[string]any `json:"attrs,omitempty"`
}

// ToText returns the text of a document. An absent document (no bytes, or
// JSON null) and an empty one are the empty string.
func ToText(doc []byte) (string, error) {
	if len(doc) == 0 || string(doc) == "null" {
		return "", nil
	}
	if len(doc) > maxSize {
		return "", fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(doc), maxSize)
	}
	var root node
	if err := json.Unmarshal(doc, &root); err != nil {
		return "", fmt.Errorf("plain: read document: %w", err)
	}
	if root.Type != "doc" {
		return "", ErrNotDocument
	}
	if deeper(root, maxNodeDepth) {
		return "", ErrTooDeep
	}
	blocks := fit(decodeBlocks(root.Content), document)
	return strings.Join(printBlocks(blocks, document), "\n"), nil
}

// FromText returns the document of a text, valid by Atlassian's schema: no
// empty text nodes, every list item and quote with content it may have. A
// blank text has no document: nil, which is how Jira's API clears the field.
func FromText(s string) []byte {
	blocks := parseText(s)
	if len(blocks) == 0 {
		return nil
	}
	doc := node{Version: 1, Type: "doc", Content: encodeBlocks(blocks, new(int))}
	b, err := json.Marshal(doc, json.Deterministic(true))
	if err != nil {
		panic(fmt.Sprintf("plain: a document of strings and numbers cannot fail to encode: %v", err))
	}
	return b
}

// Normalize returns the text that a description set to s reads back as:
// ToText(FromText(s)). Two texts are the same description if their normal
// forms are equal.
func Normalize(s string) string {
	return strings.Join(printBlocks(parseText(s), document), "\n")
}

func parseText(s string) []block {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return parseBlocks(splitLines(s), document)
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
