package plain

import "strings"

// parseLine reads the inline constructs of one line.
//
// Backslashes mean something only directly before a construct: 2n of them are
// n backslashes and the construct, 2n+1 are n backslashes and its first
// character taken literally.
func parseLine(s string) []inline {
	var out []inline
	literal := 0 // where the literal text not yet added begins
	flush := func(end int) { out = appendInline(out, inline{text: s[literal:end]}) }
	for i := 0; i < len(s); {
		slashes := countPrefix(s[i:], '\\')
		at := i + slashes
		in, n := matchInline(s[at:])
		if n == 0 {
			i = at + 1
			continue
		}
		flush(i + slashes/2)
		if slashes%2 == 1 {
			literal, i = at, at+1
			continue
		}
		out = appendInline(out, in)
		i = at + n
		literal = i
	}
	if literal < len(s) {
		flush(len(s))
	}
	return out
}

// printLine is the inverse of parseLine. It works from the end, since whether
// a character needs a backslash depends on all that follows it.
func printLine(line []inline) string {
	var tail reversed
	for i := len(line) - 1; i >= 0; i-- {
		if line[i].kind == plain {
			tail.prependLiteral(line[i].text)
			continue
		}
		printed := printInline(line[i])
		if _, n := matchInline(printed); n < len(printed) {
			tail.prependLiteral(line[i].unmarked())
			continue
		}
		tail.prepend(printed)
		tail.construct = true
	}
	return tail.String()
}

// reversed builds a line from its end in one buffer.
type reversed struct {
	buf       []byte // the line is buf[at:]
	at        int
	construct bool // the line begins with a construct, escaped or not
}

func (r *reversed) String() string { return string(r.buf[r.at:]) }

func (r *reversed) prepend(s string) {
	if r.at < len(s) {
		grown := make([]byte, 2*len(r.buf)+len(s)+64)
		at := len(grown) - (len(r.buf) - r.at)
		copy(grown[at:], r.buf[r.at:])
		r.buf, r.at = grown, at
	}
	r.at -= len(s)
	copy(r.buf[r.at:], s)
}

func (r *reversed) prependLiteral(s string) {
	for i := len(s) - 1; i >= 0; i-- {
		c := s[i : i+1]
		r.prepend(c)
		if c == `\` {
			if r.construct {
				r.prepend(c)
			}
			continue
		}
		r.construct = false
		if !strings.Contains(openers, c) {
			continue
		}
		window := r.buf[r.at:min(len(r.buf), r.at+maxConstruct)]
		if _, n := matchInline(string(window)); n > 0 {
			r.prepend(`\`)
			r.construct = true
		}
	}
}

// unmarked returns the plain text of an inline node that the text format cannot
// write: a link with an odd URL, a very long span of code.
func (in inline) unmarked() string {
	switch in.kind {
	case link:
		return in.text + " (" + in.ref + ")"
	case card:
		return in.ref
	case mention:
		return "@" + in.text
	}
	return in.text
}

// maxConstruct bounds the bytes of an inline construct, and so the work that
// text full of openers makes.
const maxConstruct = 4096

// openers are the characters a construct can begin with.
const openers = "`[<@"

// matchInline reads the construct at the beginning of s and returns its
// length, 0 if there is none. Only the form that printInline writes counts,
// and what follows it never matters; parseLine and printLine rely on both.
func matchInline(s string) (inline, int) {
	if s == "" {
		return inline{}, 0
	}
	s = s[:min(len(s), maxConstruct)]
	var in inline
	var n int
	switch s[0] {
	case '`':
		in, n = matchCode(s)
	case '[':
		in, n = matchLink(s)
	case '<':
		in, n = matchCard(s)
	case '@':
		in, n = matchMention(s)
	}
	if n == 0 || printInline(in) != s[:n] {
		return inline{}, 0
	}
	return in, n
}

func printInline(in inline) string {
	switch in.kind {
	case code:
		return printCode(in.text)
	case link:
		return "[" + escapeBrackets(in.text) + "](" + escapeURL(in.ref) + ")"
	case card:
		return "<" + escapeURL(in.ref) + ">"
	case mention:
		return "@[" + escapeBrackets(in.text) + "](" + accountScheme + in.ref + ")"
	}
	return in.text
}

// matchCode reads code between two equal runs of backticks. Text that begins
// or ends with a backtick, spaces apart, stands between spaces.
func matchCode(s string) (inline, int) {
	fence := s[:countPrefix(s, '`')]
	end := strings.Index(s[len(fence):], fence)
	if end <= 0 {
		return inline{}, 0
	}
	text := s[len(fence) : len(fence)+end]
	if inner := strings.TrimSuffix(strings.TrimPrefix(text, " "), " "); len(inner) == len(text)-2 && touchesBacktick(inner) {
		text = inner
	}
	return inline{kind: code, text: text}, end + 2*len(fence)
}

func printCode(text string) string {
	fence := strings.Repeat("`", longestRun(text, '`')+1)
	if touchesBacktick(text) {
		text = " " + text + " "
	}
	return fence + text + fence
}

func touchesBacktick(s string) bool {
	s = strings.Trim(s, " ")
	return strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`")
}

func matchLink(s string) (inline, int) {
	text, n := matchBrackets(s)
	if n == 0 || text == "" || n == len(s) || s[n] != '(' {
		return inline{}, 0
	}
	url := s[n+1:][:urlLength(s[n+1:])]
	end := n + 1 + len(url)
	if !linkable(url) || end == len(s) || s[end] != ')' {
		return inline{}, 0
	}
	return inline{kind: link, text: text, ref: url}, end + 1
}

func matchCard(s string) (inline, int) {
	if !cardable(s[1:]) { // before the end is looked for, which may be far
		return inline{}, 0
	}
	end := strings.IndexAny(s, "> ")
	if end < 0 || s[end] != '>' || !cardable(s[1:end]) {
		return inline{}, 0
	}
	return inline{kind: card, ref: s[1:end]}, end + 1
}

const accountScheme = "accountid:"

func matchMention(s string) (inline, int) {
	name, n := matchBrackets(s[1:])
	n++
	if n == 1 || !strings.HasPrefix(s[n:], "("+accountScheme) {
		return inline{}, 0
	}
	n += 1 + len(accountScheme)
	id := s[n:]
	if end := strings.IndexFunc(id, func(r rune) bool { return !accountRune(r) }); end >= 0 {
		id = id[:end]
	}
	n += len(id)
	if id == "" || n == len(s) || s[n] != ')' {
		return inline{}, 0
	}
	return inline{kind: mention, text: name, ref: id}, n + 1
}

// accountRune reports whether r occurs in account ids; both shapes are known,
// 24 hexadecimal digits and "712020:" with a UUID.
func accountRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(":-_.", r)
}

// matchBrackets reads "[text]". Brackets inside text have a backslash, and
// the backslash rule of parseLine holds for them.
func matchBrackets(s string) (text string, n int) {
	if s == "" || s[0] != '[' {
		return "", 0
	}
	var b strings.Builder
	for i := 1; i < len(s); {
		slashes := countPrefix(s[i:], '\\')
		i += slashes
		if i == len(s) {
			return "", 0
		}
		if s[i] != '[' && s[i] != ']' {
			b.WriteString(s[i-slashes : i+1])
			i++
			continue
		}
		b.WriteString(s[i-slashes/2 : i])
		if slashes%2 == 0 {
			if s[i] == '[' {
				return "", 0
			}
			return b.String(), i + 1
		}
		b.WriteByte(s[i])
		i++
	}
	return "", 0
}

func escapeBrackets(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		slashes := countPrefix(s[i:], '\\')
		b.WriteString(s[i : i+slashes])
		i += slashes
		if i == len(s) || s[i] == '[' || s[i] == ']' {
			b.WriteString(strings.Repeat(`\`, slashes))
		}
		if i == len(s) {
			break
		}
		if s[i] == '[' || s[i] == ']' {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}

func countPrefix(s string, c byte) int {
	n := 0
	for n < len(s) && s[n] == c {
		n++
	}
	return n
}

func longestRun(s string, c byte) int {
	longest, run := 0, 0
	for i := range len(s) {
		if s[i] != c {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}
