package markup

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// special are the bytes before which a backslash means something in rich text: an
// odd number of them makes the character literal. Before others it is a backslash,
// so that paths of Windows stay as they are.
const special = "`*_~[]<@:|!{\xe2"

// meaning tells the bytes that may be more than themselves.
var meaning = func() (t [256]bool) {
	for _, c := range []byte(special + `\`) {
		t[c] = true
	}
	return t
}()

// upTo returns the length of the text before the first byte of s that may be more than itself.
func upTo(s string) int {
	for i := range len(s) {
		if meaning[s[i]] {
			return i
		}
	}
	return len(s)
}

// piece is a part of a line while its emphasis is looked for: a run of delimiters
// that may open or close, or what is final.
type piece struct {
	in          Inline
	delim       byte
	n, length   int
	open, close bool
}

// Parse reads the inline constructs of one line. Emphasis follows CommonMark
// 0.31 section 6.2, strikethrough GFM with two tildes.
func Parse(s string) []Inline {
	if upTo(s) == len(s) {
		return AppendInline(nil, Inline{Text: s})
	}
	return (&scanner{budget: 16*len(s) + 1<<18}).parseSpans(s, 0)
}

// scanner bounds the work of one line: brackets that nest and come to nothing are read
// again and again. Beyond budget, in bytes, all is literal.
type scanner struct{ budget int }

// bracketed is the function of this name, within the budget.
func (sc *scanner) bracketed(s string) (inner string, n int) {
	if sc.budget < 0 || strings.IndexByte(s, ']') < 0 {
		return "", 0
	}
	inner, n = bracketed(s)
	if sc.budget -= n; n == 0 {
		sc.budget -= len(s)
	}
	return inner, n
}

// card is matchCard, within the budget.
func (sc *scanner) card(s string) (in Inline, n int) {
	if sc.budget < 0 || !cardable(s[1:]) {
		return Inline{}, 0
	}
	in, n = matchCard(s)
	if sc.budget -= n; n == 0 {
		sc.budget -= len(s) / 4 // looking for the end is quick
	}
	return in, n
}

// maxSpans is how deep brackets nest in a line.
const maxSpans = 8

// begins are the bytes with which constructs begin, and the backslash.
const begins = "\\*_~`[<@:\xe2"

func (sc *scanner) parseSpans(s string, depth int) []Inline {
	if !strings.ContainsAny(s, begins[:len(begins)-1]) && strings.IndexByte(s, begins[len(begins)-1]) < 0 {
		return AppendInline(nil, Inline{Text: s})
	}
	pieces := make([]piece, 0, likelyPieces(s))
	var literal strings.Builder
	add := func(p piece) {
		if literal.Len() > 0 {
			pieces = append(pieces, piece{in: Inline{Text: literal.String()}})
			literal.Reset()
		}
		pieces = append(pieces, p)
	}
	start := 0
	for i := upTo(s); i < len(s); i += upTo(s[i:]) {
		c := s[i]
		switch {
		case c == '\\':
			k := CountPrefix(s[i:], '\\')
			next := i + k
			if next == len(s) || !isSpecial(s[next:]) {
				i = next
				continue
			}
			literal.WriteString(s[start : i+k/2])
			start, i = next, next
			if k%2 == 1 {
				i += runeLen(s[next:])
			}
		case c == '*' || c == '_' || c == '~':
			k := CountPrefix(s[i:], c)
			literal.WriteString(s[start:i])
			add(delimiters(s, i, k))
			i += k
			start = i
		default:
			in, n := sc.matchSpan(s, i, depth)
			if n == 0 {
				if c == '`' {
					n = CountPrefix(s[i:], '`')
				}
				i += max(n, 1)
				continue
			}
			literal.WriteString(s[start:i])
			for _, part := range in {
				add(piece{in: part})
			}
			i += n
			start = i
		}
	}
	literal.WriteString(s[start:])
	add(piece{})
	emphasise(pieces)
	return join(pieces)
}

func isSpecial(s string) bool {
	return strings.IndexByte(special, s[0]) >= 0 && (s[0] != 0xe2 || strings.HasPrefix(s, TokenOpen))
}

func runeLen(s string) int { _, n := utf8.DecodeRuneInString(s); return n }

// delimiters classifies the run of k delimiters at i.
func delimiters(s string, i, k int) piece {
	p := piece{in: Inline{Text: s[i : i+k]}, delim: s[i], n: k, length: k}
	before, _ := utf8.DecodeLastRuneInString(s[:i])
	after, _ := utf8.DecodeRuneInString(s[i+k:])
	spaceBefore, spaceAfter := i == 0 || unicode.IsSpace(before), i+k == len(s) || unicode.IsSpace(after)
	punctBefore, punctAfter := i > 0 && isPunct(before), i+k < len(s) && isPunct(after)
	left := !spaceAfter && (!punctAfter || spaceBefore || punctBefore)
	right := !spaceBefore && (!punctBefore || spaceAfter || punctAfter)
	p.open, p.close = left, right
	if p.delim == '_' {
		p.open, p.close = left && (!right || punctBefore), right && (!left || punctAfter)
	}
	if p.delim == '~' && k != 2 {
		p.open, p.close = false, false
	}
	return p
}

func isPunct(r rune) bool { return unicode.IsPunct(r) || unicode.IsSymbol(r) }

// likelyPieces returns how many pieces a line has, if all of its runs of delimiters stand between texts.
func likelyPieces(s string) int {
	n := 3
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c == '*' || c == '_' || c == '~') && (i == 0 || s[i-1] != c) {
			n += 2
		}
	}
	return n
}

// emphasise pairs the delimiters, the algorithm of CommonMark's appendix. Its work grows with the line alone: a search
// ends where an earlier one for the same found nothing, and what a pair encloses is looked at no more.
func emphasise(pieces []piece) {
	type key struct {
		delim  byte
		open   bool
		length int
	}
	var bottom map[key]int
	var openers []int
	var marks []mark
	for c := range pieces {
		closer := &pieces[c]
		for closer.close && closer.n > 0 {
			k := key{closer.delim, closer.open, closer.length % 3}
			at := len(openers) - 1
			for at >= 0 && openers[at] >= bottom[k] && !pieces[openers[at]].opens(closer) {
				at--
			}
			if at < 0 || openers[at] < bottom[k] {
				if bottom == nil {
					bottom = map[key]int{}
				}
				bottom[k] = c
				break
			}
			if marks == nil {
				marks = make([]mark, len(pieces))
			}
			pair(pieces, marks, openers[at], c)
			if openers = openers[:at+1]; pieces[openers[at]].n == 0 {
				openers = openers[:at]
			}
		}
		if closer.open && closer.n > 0 {
			openers = append(openers, c)
		}
	}
	var in mark
	for i := range marks {
		in = mark{in.strike + marks[i].strike, in.strong + marks[i].strong, in.em + marks[i].em}
		st := &pieces[i].in.Style
		st.Strike, st.Strong, st.Em = st.Strike || in.strike > 0, st.Strong || in.strong > 0, st.Em || in.em > 0
	}
}

// mark is how many marks of each kind begin at a piece, less those that end there.
type mark struct{ strike, strong, em int }

func (p *piece) opens(closer *piece) bool {
	if p.delim != closer.delim || !p.open || p.n == 0 {
		return false
	}
	third := (p.close || closer.open) && (p.length+closer.length)%3 == 0 && (p.length%3 != 0 || closer.length%3 != 0)
	return p.delim == '~' || !third
}

// pair marks the pieces between the delimiters at o and c, and takes those away.
func pair(pieces []piece, marks []mark, o, c int) {
	use := min(pieces[o].n, pieces[c].n, 2)
	var m mark
	switch {
	case pieces[o].delim == '~':
		m.strike = 1
	case use == 2:
		m.strong = 1
	default:
		m.em = 1
	}
	begin, end := &marks[o+1], &marks[c]
	*begin = mark{begin.strike + m.strike, begin.strong + m.strong, begin.em + m.em}
	*end = mark{end.strike - m.strike, end.strong - m.strong, end.em - m.em}
	pieces[o].n -= use
	pieces[c].n -= use
}

func join(pieces []piece) []Inline {
	out := make([]Inline, 0, len(pieces))
	for i := 0; i < len(pieces); {
		in := pieces[i].final()
		var same strings.Builder // a line of many delimiters is one text
		for ; i < len(pieces); i++ {
			next := pieces[i].final()
			if next.Kind != Plain || in.Kind != Plain || next.Style != in.Style {
				break
			}
			same.WriteString(next.Text)
		}
		if in.Kind == Plain {
			in.Text = same.String()
		} else {
			i++
		}
		out = AppendInline(out, in)
	}
	return out
}

// final is a piece with the delimiters that are left of it as text.
func (p *piece) final() Inline {
	in := p.in
	if p.delim != 0 {
		in.Text = in.Text[:p.n]
	}
	return in
}

// matchSpan reads the construct at s[i:] other than emphasis; n is 0 if there is none.
func (sc *scanner) matchSpan(s string, i, depth int) (in []Inline, n int) {
	rest := s[i:min(len(s), i+maxConstruct)]
	var one Inline
	switch rest[0] {
	case '`':
		one, n = matchSpanCode(rest)
	case '[':
		return sc.matchRichLink(rest, depth)
	case '<':
		if strings.HasPrefix(rest, "<br>") {
			return []Inline{{Kind: LineBreak}}, len("<br>")
		}
		one, n = sc.card(rest)
	case '@':
		one, n = matchMention(rest)
	case ':':
		return sc.matchDirective(rest, i > 0 && wordByte(s[i-1]), depth)
	case TokenOpen[0]:
		var ref, label string
		if ref, label, n = MatchToken(rest); n > 0 && !IsInlineType(ref) {
			n = 0
		}
		one = Inline{Kind: Secret, Ref: ref, Text: label}
	}
	if n == 0 {
		return nil, 0
	}
	return []Inline{one}, n
}

func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf || c == ':'
}

// matchSpanCode reads code between two equal runs of backticks, CommonMark 6.1.
func matchSpanCode(s string) (Inline, int) {
	k := CountPrefix(s, '`')
	for i := k; i < len(s); {
		if s[i] != '`' {
			i++
			continue
		}
		n := CountPrefix(s[i:], '`')
		if n == k {
			text := s[k:i]
			if len(text) > 2 && text[0] == ' ' && text[len(text)-1] == ' ' && strings.Trim(text, " ") != "" {
				text = text[1 : len(text)-1]
			}
			return Inline{Kind: Code, Text: text}, i + n
		}
		i += n
	}
	return Inline{}, 0
}

// bracketed returns the text between the brackets that s begins with, and the
// length with them. Brackets in code and behind a backslash do not count.
func bracketed(s string) (inner string, n int) {
	open := 0
	for i := 0; i < len(s); {
		switch s[i] {
		case '\\':
			k := CountPrefix(s[i:], '\\')
			i += k
			if k%2 == 1 && i < len(s) && isSpecial(s[i:]) {
				i++
			}
			continue
		case '`':
			if _, k := matchSpanCode(s[i:]); k > 0 {
				i += k
				continue
			}
			i += CountPrefix(s[i:], '`')
			continue
		case '[':
			open++
		case ']':
			if open--; open == 0 {
				return s[1:i], i + 1
			}
		}
		i++
	}
	return "", 0
}

func (sc *scanner) matchRichLink(s string, depth int) ([]Inline, int) {
	inner, n := sc.bracketed(s)
	if n == 0 || inner == "" || n == len(s) || s[n] != '(' || depth == maxSpans {
		return nil, 0
	}
	url := s[n+1:][:urlLength(s[n+1:])]
	end := n + 1 + len(url)
	if !Linkable(url) || end == len(s) || s[end] != ')' {
		return nil, 0
	}
	if sc.budget -= len(inner); sc.budget < 0 {
		return nil, 0
	}
	parts := sc.parseSpans(inner, depth+1)
	for i, in := range parts {
		switch {
		case in.Kind == Plain:
			parts[i].Kind, parts[i].Ref = Link, url
		case in.Kind == Code && in.Ref == "":
			parts[i].Ref = url
		default:
			return nil, 0
		}
	}
	return parts, end + 1
}

// styles are the directives that mark text, by name.
var styles = map[string]func(s *Style, arg string) bool{
	"strong":     func(s *Style, arg string) bool { s.Strong = true; return arg == "" },
	"em":         func(s *Style, arg string) bool { s.Em = true; return arg == "" },
	"strike":     func(s *Style, arg string) bool { s.Strike = true; return arg == "" },
	"u":          func(s *Style, arg string) bool { s.Underline = true; return arg == "" },
	"sub":        func(s *Style, arg string) bool { s.Subsup = "sub"; return arg == "" },
	"sup":        func(s *Style, arg string) bool { s.Subsup = "sup"; return arg == "" },
	"color":      func(s *Style, arg string) bool { s.Color = arg; return IsColor(arg) },
	"background": func(s *Style, arg string) bool { s.Background = arg; return IsColor(arg) },
}

// matchDirective reads ":emoji:", which does not follow a word, ":name[text]" and
// ":name[text]{argument}".
func (sc *scanner) matchDirective(s string, follows bool, depth int) ([]Inline, int) {
	name := s[1:]
	if end := strings.IndexFunc(name, func(r rune) bool { return !emojiRune(r) }); end >= 0 {
		name = name[:end]
	}
	n := 1 + len(name)
	if name == "" || n == len(s) {
		return nil, 0
	}
	if s[n] == ':' {
		if follows || n+1 < len(s) && wordByte(s[n+1]) {
			return nil, 0
		}
		return []Inline{{Kind: Emoji, Ref: s[:n+1]}}, n + 1
	}
	inner, k := sc.bracketed(s[n:])
	if k == 0 || inner == "" {
		return nil, 0
	}
	n += k
	arg := ""
	if n < len(s) && s[n] == '{' {
		end := strings.IndexByte(s[n:], '}')
		if end < 0 {
			return nil, 0
		}
		arg = s[n+1 : n+end]
		n += end + 1
	}
	in, ok := sc.directive(name, inner, arg, depth)
	if !ok {
		return nil, 0
	}
	return in, n
}

func (sc *scanner) directive(name, inner, arg string, depth int) ([]Inline, bool) {
	switch name {
	case "status":
		if arg == "" {
			arg = "neutral"
		}
		return []Inline{{Kind: Status, Text: unescape(inner), Ref: arg}}, IsColor(arg)
	case "date":
		_, ok := Timestamp(inner)
		return []Inline{{Kind: Date, Ref: inner}}, ok && arg == ""
	}
	set := styles[name]
	if set == nil || depth == maxSpans {
		return nil, false
	}
	if sc.budget -= len(inner); sc.budget < 0 {
		return nil, false
	}
	parts := sc.parseSpans(inner, depth+1)
	for i := range parts {
		if parts[i].Kind != Plain && parts[i].Kind != Link || !set(&parts[i].Style, arg) {
			return nil, false
		}
	}
	return parts, true
}

func emojiRune(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || r == '+' || r == '-'
}

// IsColor reports whether s is a name or a code of a colour.
func IsColor(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r != '#' && (r > 'z' || !wordByte(byte(r)) || r == ':') }) < 0
}

// unescape is the literal text of the inside of brackets.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		k := CountPrefix(s[i:], '\\')
		i += k
		if i < len(s) && isSpecial(s[i:]) || i == len(s) {
			b.WriteString(strings.Repeat(`\`, k/2))
		} else {
			b.WriteString(strings.Repeat(`\`, k))
		}
		if i < len(s) {
			n := runeLen(s[i:])
			b.WriteString(s[i : i+n])
			i += n
		}
	}
	return b.String()
}
