package markup

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// manner is how much a line of rich text is made safe: the first that reads as it
// was meant is taken.
type manner struct {
	escapeAll  bool // a backslash before whatever might mean something
	directives bool // ":strong[x]" for "**x**"
}

var manners = []manner{{}, {escapeAll: true}, {escapeAll: true, directives: true}}

// Print is the inverse of Parse, as far as there is a way to write line: PrintExactly reports whether there is.
func Print(line []Inline) string {
	s, _ := PrintExactly(line)
	return s
}

// PrintExactly is Print, and reports whether what it writes reads as line.
func PrintExactly(line []Inline) (s string, exact bool) {
	if isBare(line) {
		return line[0].Text, true
	}
	for _, m := range manners {
		s = m.print(line, Style{}, "", false)
		if EqualText(ParseTrimmed(s), line) {
			return s, true
		}
	}
	return s, false
}

// isBare reports whether a line is text in which nothing means anything.
func isBare(line []Inline) bool {
	if len(line) != 1 || line[0].Kind != Plain || line[0].Style != (Style{}) || line[0].Ref != "" {
		return false
	}
	text := line[0].Text
	return text != "" && upTo(text) == len(text) && TrimLine(text) == text
}

// mark is one of the marks around a piece of text: how to see it and how to write it.
type span struct {
	value func(Inline) string // "" if the piece is without it
	done  func(s *Style)
	delim string
	name  string
}

var spans = []span{
	{func(in Inline) string { return in.Style.Color }, func(s *Style) { s.Color = "-" }, "", "color"},
	{func(in Inline) string { return in.Style.Background }, func(s *Style) { s.Background = "-" }, "", "background"},
	{func(in Inline) string { return yes(in.Style.Underline, "u") }, func(s *Style) { s.Underline = true }, "", "u"},
	{func(in Inline) string { return in.Style.Subsup }, func(s *Style) { s.Subsup = "-" }, "", "sub"},
	{func(in Inline) string { return yes(in.Style.Strike, "s") }, func(s *Style) { s.Strike = true }, "~~", "strike"},
	{func(in Inline) string { return yes(in.Style.Strong, "b") }, func(s *Style) { s.Strong = true }, "**", "strong"},
	{func(in Inline) string { return yes(in.Style.Em, "i") }, func(s *Style) { s.Em = true }, "*", "em"},
}

func yes(b bool, s string) string {
	if b {
		return s
	}
	return ""
}

func UrlOf(in Inline) string {
	if in.Kind == Link || in.Kind == Code {
		return in.Ref
	}
	return ""
}

// Print writes pieces that stand inside of the spans in done and of a link to url.
func (m manner) print(line []Inline, done Style, url string, inside bool) string {
	var b strings.Builder
	for i := 0; i < len(line); {
		n, open := 0, -1
		if url == "" && UrlOf(line[i]) != "" {
			n, open = extent(line[i:], UrlOf), len(spans)
		}
		for k, sp := range spans {
			if sp.value(line[i]) != "" && !isDone(done, k) {
				if e := extent(line[i:], sp.value); e > n {
					n, open = e, k
				}
			}
		}
		switch {
		case open < 0:
			m.piece(&b, line[i], inside, i+1 < len(line))
			n = 1
		case open == len(spans):
			ref := UrlOf(line[i])
			b.WriteString("[" + m.print(line[i:i+n], done, ref, true) + "](" + EscapeURL(ref) + ")")
		default:
			m.span(&b, line[i:i+n], spans[open], done, url, inside)
		}
		i += n
	}
	return b.String()
}

func (m manner) span(b *strings.Builder, line []Inline, sp span, done Style, url string, inside bool) {
	value := sp.value(line[0])
	sp.done(&done)
	if sp.delim != "" && !m.directives {
		b.WriteString(sp.delim + m.print(line, done, url, inside) + sp.delim)
		return
	}
	name := sp.name
	if name == "sub" {
		name = value
	}
	b.WriteString(":" + name + "[" + m.print(line, done, url, true) + "]")
	if name == "color" || name == "background" {
		b.WriteString("{" + value + "}")
	}
}

// isDone reports whether the k-th span is written already.
func isDone(done Style, k int) bool {
	return []bool{done.Color != "", done.Background != "", done.Underline, done.Subsup != "", done.Strike, done.Strong, done.Em}[k]
}

func extent(line []Inline, value func(Inline) string) int {
	n := slices.IndexFunc(line, func(in Inline) bool { return value(in) != value(line[0]) })
	if n < 0 {
		return len(line)
	}
	return n
}

func (m manner) piece(b *strings.Builder, in Inline, inside, more bool) {
	switch in.Kind {
	case Plain, Link:
		m.literal(b, in.Text, inside, more)
	case Code:
		b.WriteString(printSpanCode(in.Text))
	case LineBreak:
		b.WriteString("<br>")
	case Status:
		b.WriteString(":status[")
		manner{escapeAll: true}.literal(b, in.Text, true, true)
		b.WriteString("]{" + in.Ref + "}")
	case Date:
		b.WriteString(":date[" + in.Ref + "]")
	case Emoji:
		b.WriteString(in.Ref)
	case Secret:
		b.WriteString(PrintToken(in.Ref, in.Text))
	default:
		b.WriteString(printInline(in))
	}
}

// printSpanCode pads with spaces where CommonMark would take one away or a
// backtick would join the fence.
func printSpanCode(text string) string {
	fence := "`"
	for slices.Contains(runs(text, '`'), len(fence)) {
		fence += "`"
	}
	spaced := strings.HasPrefix(text, " ") && strings.HasSuffix(text, " ") && strings.Trim(text, " ") != ""
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") || spaced {
		text = " " + text + " "
	}
	return fence + text + fence
}

// runs returns the lengths of the runs of c in s.
func runs(s string, c byte) []int {
	var out []int
	for i := 0; i < len(s); i++ {
		if n := CountPrefix(s[i:], c); n > 0 {
			out = append(out, n)
			i += n
		}
	}
	return out
}

// literal writes text with backslashes before what would mean something. inside
// says that it stands in brackets, more that something follows it.
func (m manner) literal(b *strings.Builder, text string, inside, more bool) {
	lastLink := strings.LastIndex(text, "](")
	for i := 0; i < len(text); {
		if k := CountPrefix(text[i:], '\\'); k > 0 {
			i += k
			if i < len(text) && isSpecial(text[i:]) || i == len(text) && (inside || more) {
				k *= 2
			}
			b.WriteString(strings.Repeat(`\`, k))
			continue
		}
		if isSpecial(text[i:]) && text[i] != '|' && (m.escapeAll && text[i] != '!' || means(text, i, inside, lastLink)) {
			b.WriteByte('\\')
		}
		n := runeLen(text[i:])
		n += upTo(text[i+n:])
		b.WriteString(text[i : i+n])
		i += n
	}
}

// means reports whether the character at i is likely to begin or end something. lastLink is the place of the last "](", at
// which a link may end.
func means(text string, i int, inside bool, lastLink int) bool {
	rest := text[i:]
	before, _ := utf8.DecodeLastRuneInString(text[:i])
	after, _ := utf8.DecodeRuneInString(rest[1:])
	switch rest[0] {
	case '`', TokenOpen[0]:
		return true
	case '*':
		return !spaceAt(before, i == 0) || !spaceAt(after, len(rest) == 1)
	case '_':
		return !(unicode.IsLetter(before) || unicode.IsDigit(before)) || !(unicode.IsLetter(after) || unicode.IsDigit(after) || after == '_')
	case '~':
		return before == '~' || after == '~'
	case '[':
		return inside || i <= lastLink
	case ']':
		return inside
	case '<':
		return strings.HasPrefix(rest, "<http") || strings.HasPrefix(rest, "<br>")
	case '@':
		return strings.HasPrefix(rest, "@[")
	case ':':
		_, n := (&scanner{budget: maxConstruct}).matchDirective(rest[:min(len(rest), maxConstruct)], i > 0 && wordByte(text[i-1]), 0)
		return n > 0
	}
	return false
}

func spaceAt(r rune, edge bool) bool { return edge || unicode.IsSpace(r) }
