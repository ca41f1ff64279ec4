package adf

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"scim-atlassian/atlassian/adf/markup"
)

// MaxText is the number of characters of text that Jira takes in a document.
const MaxText = 32767

// Errors of Update and Check.
var (
	// ErrTooLong is that a document shows more than MaxText characters.
	ErrTooLong = errors.New("adf: too much text")
	// ErrToken is that a text has a token which stands for no node of the document.
	ErrToken = errors.New("adf: unknown token")
)

// LossError is that a text leaves out nodes of the document which no text can say.
type LossError struct {
	Nodes []string // their types with what they show, in the order of the document
}

func (e *LossError) Error() string {
	return "adf: these nodes would be lost: " + strings.Join(e.Nodes, ", ")
}

// Text returns the text of a document: all that it says and, for each node that
// has no text form, a token. An absent document is the empty string. Errors are those
// above, or of the JSON decoder.
func Text(doc []byte) (string, error) {
	blocks, r, err := readRich(doc)
	lines := r.lines
	if lines == nil {
		lines = printBlocks(blocks, document)
	}
	return strings.Join(lines, "\n"), err
}

func readRich(doc []byte) ([]block, *reader, error) {
	r := &reader{tokens: map[string]node{}}
	root, err := decode(doc)
	if err != nil || root == nil {
		return nil, r, err
	}
	return r.richBlocks(root.Content), r, nil
}

// Update returns the document that says text, made of current, which may be absent.
// Blocks whose text is as before are taken from current as they are; a block that
// changed keeps what no text says about it, such as its alignment or the widths of
// its columns. A blank text has no document: nil.
//
// A token must stand for a node of current, else the error is ErrToken. Without lossy,
// a token of current that the text does not have any more is a LossError. More than
// MaxText characters are ErrTooLong.
func Update(current []byte, text string, lossy bool) ([]byte, error) {
	old, r, err := readRich(current)
	if err != nil {
		return nil, err
	}
	blocks := parseRichText(text)
	if equalBlocks(old, blocks) {
		return current, nil
	}
	if unknown := unknownTokens(blocks, r); unknown != "" {
		return nil, fmt.Errorf("%w: %s", ErrToken, unknown)
	}
	if lost := lostTokens(old, blocks); lost != nil && !lossy {
		return nil, &LossError{lost}
	}
	if len(blocks) == 0 {
		return nil, nil
	}
	root, err := decode(current)
	if err != nil {
		return nil, err
	}
	if root == nil {
		root = &node{Version: 1, Type: "doc"}
	}
	w := newWriter(r, root)
	root.Content = w.content(old, blocks, document)
	return encodeRoot(*root)
}

func encodeRoot(root node) ([]byte, error) {
	if n := utf8.RuneCountInString(visible(root)); n > MaxText {
		return nil, fmt.Errorf("%w: %d characters, at most %d", ErrTooLong, n, MaxText)
	}
	return json.Marshal(root, json.Deterministic(true))
}

// SameText reports whether two rich texts say the same document.
func SameText(a, b string) bool {
	return a == b || equalBlocks(parseRichText(a), parseRichText(b))
}

func parseRichText(s string) []block {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return parseBlocks(splitLines(s), document)
}

// eachToken calls f for each token in blocks, in their order.
func eachToken(blocks []block, f func(ref, label string)) {
	for _, b := range blocks {
		if b.kind == opaque {
			f(b.name, b.code)
		}
		for _, in := range b.text {
			if in.Kind == markup.Secret {
				f(in.Ref, in.Text)
			}
		}
		eachToken(b.children, f)
	}
}

func unknownTokens(blocks []block, r *reader) string {
	var unknown []string
	eachToken(blocks, func(ref, _ string) {
		if _, ok := r.tokens[ref]; !ok && !slices.Contains(unknown, ref) {
			unknown = append(unknown, ref)
		}
	})
	return strings.Join(unknown, ", ")
}

// lostTokens names the tokens of old that blocks have fewer times.
func lostTokens(old, blocks []block) []string {
	left := map[string]int{}
	eachToken(blocks, func(ref, _ string) { left[ref]++ })
	var lost []string
	eachToken(old, func(ref, label string) {
		if left[ref]--; left[ref] < 0 {
			lost = append(lost, markup.PrintToken(ref, label))
		}
	})
	return lost
}
