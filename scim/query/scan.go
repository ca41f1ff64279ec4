package query

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits bounds the filters that Parse reads, so that no text can cost much.
type Limits struct {
	Length int  // bytes, default 4096
	Depth  int  // open parentheses and brackets, default 32
	Strict bool // refuse the tolerated forms, see Parse
}

func (l Limits) orDefault() Limits {
	if l.Length <= 0 {
		l.Length = 4096
	}
	if l.Depth <= 0 {
		l.Depth = 32
	}
	return l
}

// Error says why a filter is refused, in words for its author: the fault, its
// place, and the text to write instead.
type Error struct {
	Pos    int    // byte offset into the filter, -1 if there is no text
	Detail string // safe to show
}

func (e *Error) Error() string { return e.Detail }

// fail returns an Error about the text at pos. fault is a format for args, fix the
// advice.
func fail(pos int, fix, fault string, args ...any) *Error {
	detail := fmt.Sprintf(fault, args...)
	if pos >= 0 {
		detail += fmt.Sprintf(" at position %d", pos)
	}
	if fix != "" {
		detail += ": " + fix
	}
	return &Error{Pos: pos, Detail: detail}
}

// quote returns a piece of a client's text as an error shows it.
func quote(s string) string { return strconv.Quote(clip(s)) }

// clip cuts a text to 80 bytes, at the border of a character.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	for s = s[:most]; !utf8.ValidString(s); {
		s = s[:len(s)-1]
	}
	return s + "…"
}

type tokenKind uint8

const (
	word tokenKind = iota // a name, an operator, a number, anything unquoted
	text                  // a quoted string, quotes included
	mark                  // ( ) [ ]
	end
)

// token is a piece of a filter's text.
type token struct {
	kind   tokenKind
	text   string
	pos    int
	spaced bool // there was a space before it
}

func (t token) is(mark string) bool { return t.kind != text && t.text == mark }

func (t token) String() string {
	switch t.kind {
	case end:
		return "the end"
	case text:
		return clip(t.text)
	}
	return quote(t.text)
}

// scan cuts the text into tokens, the last of which is an end. It calls guard
// first, because on text that guard refuses filter-parser can take seconds or end
// the process.
func scan(filter string, lim Limits) ([]token, error) {
	if err := guard(filter, lim); err != nil {
		return nil, err
	}
	var tokens []token
	for i := 0; ; {
		start := i
		for i < len(filter) && filter[i] == ' ' {
			i++
		}
		t := token{kind: end, pos: i, spaced: i > start}
		if i < len(filter) {
			var err error
			if t.kind, t.text, err = next(filter, i); err != nil {
				return nil, err
			}
		}
		tokens = append(tokens, t)
		if t.kind == end {
			return tokens, nil
		}
		i += len(t.text)
	}
}

// next cuts the token that starts at i.
func next(filter string, i int) (tokenKind, string, error) {
	switch filter[i] {
	case '(', ')', '[', ']':
		return mark, filter[i : i+1], nil
	case '"':
		n := quoted(filter[i:])
		if n < 0 {
			return 0, "", fail(i, `close it with a double quote, and write quotes inside as \"`, "string without an end")
		}
		return text, filter[i : i+n], nil
	}
	if n := strings.IndexAny(filter[i:], ` "()[]`); n >= 0 {
		return word, filter[i : i+n], nil
	}
	return word, filter[i:], nil
}

// quoted is the length of the string literal that s starts with, or -1.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// guard refuses text that is too long, too deep or not printable.
func guard(filter string, lim Limits) error {
	if len(filter) > lim.Length {
		return fail(lim.Length, "send a shorter one", "the filter has %d bytes, %d are allowed, it is too long", len(filter), lim.Length)
	}
	var depth int
	var inText, escaped bool
	for i, r := range filter {
		switch {
		case r == utf8.RuneError:
			return fail(i, `send the filter as UTF-8, and U+FFFD itself as the escape \ufffd`, "unreadable character")
		case r < ' ' || r == 0x7f:
			return fail(i, `write it as an escape such as \n`, "control character %U", r)
		case escaped:
			escaped = false
		case inText && r == '\\':
			escaped = true
		case r == '"':
			inText = !inText
		case inText:
		case r == '(' || r == '[':
			if depth++; depth > lim.Depth {
				return fail(i, "simplify the filter", "more than %d parentheses and brackets are open", lim.Depth)
			}
		case r == ')' || r == ']':
			depth--
		}
	}
	return nil
}
