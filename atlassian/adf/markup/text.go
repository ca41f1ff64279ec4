// Package markup reads and writes a line of the text form of Atlassian documents:
// emphasis, links, code, and what else stands among words. The blocks that lines make
// are the matter of package adf, which describes the form.
package markup

import "slices"

// InlineKind is what an Inline is.
type InlineKind uint8

// The kinds of pieces. Secret is a token for a node that text cannot say.
const (
	Plain InlineKind = iota
	Code
	Link
	Mention
	Card
	LineBreak
	Status
	Date
	Emoji
	Secret
)

// Inline is a piece of a line.
type Inline struct {
	Kind InlineKind
	Text string // plain, code, link: the text that is shown; mention: the name without @; status: its text; secret: label
	Ref  string // link, card: URL; code: URL of a link around it; mention: account id; status: colour; date: day; emoji: short name; secret: type and hash

	Style Style
}

// Style is the marks of a piece of text. Colours are as the document has them.
type Style struct {
	Strong, Em, Strike, Underline bool
	Subsup, Color, Background     string
}

// AppendInline adds in to text. Neighbours that would read as one are merged.
func AppendInline(text []Inline, in Inline) []Inline {
	if in.Text == "" && (in.Kind == Plain || in.Kind == Code || in.Kind == Link) {
		return text
	}
	if n := len(text); n > 0 && text[n-1].Kind == in.Kind && text[n-1].Ref == in.Ref && text[n-1].Style == in.Style && in.Kind <= Link {
		merged := in
		merged.Text = text[n-1].Text + in.Text
		return append(text[:n-1], merged)
	}
	return append(text, in)
}

// SplitBreaks cuts text into its lines, without white space at their ends.
func SplitBreaks(text []Inline) [][]Inline {
	var lines [][]Inline
	start := 0
	for i := 0; i <= len(text); i++ {
		if i == len(text) || text[i].Kind == LineBreak {
			lines = append(lines, TrimRight(text[start:i]))
			start = i + 1
		}
	}
	return lines
}

func JoinBreaks(lines [][]Inline) []Inline {
	n := len(lines)
	for _, line := range lines {
		n += len(line)
	}
	text := make([]Inline, 0, n)
	for i, line := range lines {
		if i > 0 {
			text = append(text, Inline{Kind: LineBreak})
		}
		text = append(text, line...)
	}
	return text
}

func TrimRight(line []Inline) []Inline {
	n := len(line)
	if n == 0 || line[n-1].Kind != Plain {
		return line
	}
	last := line[n-1]
	trimmed := TrimLine(last.Text)
	if trimmed == last.Text && trimmed != "" {
		return line
	}
	if last.Text = trimmed; last.Text == "" {
		return TrimRight(line[:n-1])
	}
	return AppendInline(append([]Inline(nil), line[:n-1]...), last)
}

// TrimLine removes the white space at the end of a line.
func TrimLine(s string) string {
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

func EqualText(a, b []Inline) bool { return slices.Equal(a, b) }

// ParseTrimmed reads the constructs of a line.
func ParseTrimmed(line string) []Inline { return TrimRight(Parse(line)) }
