package jql

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenSymbol
	tokenKeyword // text is in upper case
	tokenWord
	tokenQuoted
	tokenNumber
	tokenError // text is the message
)

// A token is a piece of a query. raw is its spelling, text its meaning.
type token struct {
	kind         tokenKind
	text, raw    string
	line, column int
}

func (t token) is(kind tokenKind, text string) bool { return t.kind == kind && t.text == text }

// isText tells whether the token may name a field, a value or a function.
func (t token) isText() bool {
	return t.kind == tokenWord || t.kind == tokenQuoted || t.kind == tokenNumber
}

// A lexer cuts a query into tokens. Errors are tokens too, so that the first mistake in
// reading order is reported, whether it is lexical or grammatical.
type lexer struct {
	src          string
	pos          int
	line, column int
}

func (l *lexer) next() token {
	l.skipSpace()
	t := token{line: l.line, column: l.column}
	if l.pos == len(l.src) {
		return t
	}
	start := l.pos
	switch c := l.src[l.pos]; {
	case c == '"' || c == '\'':
		l.quoted(&t, c)
	case strings.IndexByte("()[],=<>~!&|", c) >= 0:
		l.symbol(&t)
	default:
		l.word(&t)
	}
	t.raw = l.src[start:l.pos]
	return t
}

func (l *lexer) skipSpace() {
	for l.pos < len(l.src) && strings.IndexByte(" \t\n\r", l.src[l.pos]) >= 0 {
		l.read()
	}
}

// read consumes one character; an invalid byte counts as one.
func (l *lexer) read() rune {
	r, n := utf8.DecodeRuneInString(l.src[l.pos:])
	l.pos += n
	l.column++
	if r == '\n' {
		l.line++
		l.column = 1
	}
	return r
}

var symbols = map[string]token{
	"&&": {kind: tokenKeyword, text: "AND"}, "&": {kind: tokenKeyword, text: "AND"},
	"||": {kind: tokenKeyword, text: "OR"}, "|": {kind: tokenKeyword, text: "OR"},
	"!": {kind: tokenKeyword, text: "NOT"},
}

func (l *lexer) symbol(t *token) {
	n := 1
	if l.pos+1 < len(l.src) {
		switch l.src[l.pos : l.pos+2] {
		case "!=", "!~", "<=", ">=", "&&", "||":
			n = 2
		}
	}
	t.kind, t.text = tokenSymbol, l.src[l.pos:l.pos+n]
	if k, ok := symbols[t.text]; ok {
		t.kind, t.text = k.kind, k.text
	}
	l.pos += n
	l.column += n
}

func (l *lexer) quoted(t *token, quote byte) {
	l.read()
	start := l.pos
	var text strings.Builder
	for l.pos < len(l.src) {
		at := *l
		switch r := l.read(); {
		case r == rune(quote):
			t.kind, t.text = tokenQuoted, text.String()
			return
		case r == '\\':
			if !l.escape(t, &text, at) {
				return
			}
		case illegal(r):
			t.fail(at, "The character '%s' is not allowed in a string. You may use the escape '\\u%04x' instead.", name(r), r)
			return
		default:
			text.WriteRune(r)
		}
	}
	t.kind = tokenError
	t.text = fmt.Sprintf("The quoted string '%s' has not been completed.", l.src[start:])
}

// escape reads the characters after a backslash, which stands at at.
func (l *lexer) escape(t *token, text *strings.Builder, at lexer) bool {
	if l.pos == len(l.src) {
		t.fail(at, `Unfinished escape sequence '\'. The valid escape sequences are \', \", \t, \n, \r, \\, '\ ' and \uXXXX.`)
		return false
	}
	r := l.read()
	if i := strings.IndexRune(`tnr"'\ `, r); i >= 0 {
		text.WriteByte("\t\n\r\"'\\ "[i])
		return true
	}
	if r == 'u' && l.pos+4 <= len(l.src) {
		if n, err := strconv.ParseUint(l.src[l.pos:l.pos+4], 16, 16); err == nil {
			l.pos += 4
			l.column += 4
			text.WriteRune(rune(n))
			return true
		}
	}
	t.fail(at, `'%s' is an illegal JQL escape sequence. The valid escape sequences are \', \", \t, \n, \r, \\, '\ ' and \uXXXX.`,
		l.src[at.pos:l.pos])
	return false
}

func (l *lexer) word(t *token) {
	start := l.pos
	var text strings.Builder
	for l.pos < len(l.src) && strings.IndexByte(" \t\n\r\"'=!<>()~,[]|&", l.src[l.pos]) < 0 {
		at := *l
		switch r := l.read(); {
		case r == '\\':
			if !l.escape(t, &text, at) {
				return
			}
		case strings.ContainsRune("{}*/%+^$#@?;", r):
			t.fail(at, "The character '%c' is a reserved JQL character. You must enclose it in a string or use the escape '\\u%04x' instead.", r, r)
			return
		case illegal(r):
			t.fail(at, "The character '%s' is not allowed in a query. You may use the escape '\\u%04x' instead.", name(r), r)
			return
		default:
			text.WriteRune(r)
		}
	}
	t.classify(text.String(), l.src[start:l.pos])
}

// classify tells words, numbers, operator words and reserved words apart. A word with an
// escape in it is never an operator.
func (t *token) classify(text, raw string) {
	t.kind, t.text = tokenWord, text
	switch upper := strings.ToUpper(text); {
	case text != raw:
	case isInteger(text):
		t.kind = tokenNumber
	case upper == "NULL":
		t.kind, t.text = tokenKeyword, "EMPTY"
	case keywords[upper]:
		t.kind, t.text = tokenKeyword, upper
	case reserved[upper]:
		t.kind = tokenError
		t.text = fmt.Sprintf("'%s' is a reserved JQL word. You must surround it in quotation marks to use it in a query.", text)
	}
}

// fail turns the token into an error at the given place.
func (t *token) fail(at lexer, format string, args ...any) {
	t.kind, t.text = tokenError, fmt.Sprintf(format, args...)
	t.line, t.column = at.line, at.column
}

func isInteger(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	return digits != "" && strings.Trim(digits, "0123456789") == ""
}

// illegal tells the characters that may appear in an escape only. Line feed and carriage
// return are legal between quotation marks.
func illegal(r rune) bool {
	switch {
	case r == '\n' || r == '\r':
		return false
	case r < 0x20, r >= 0x7f && r <= 0x9f, r >= 0xfdd0 && r <= 0xfdef, r == 0xfffe, r == 0xffff:
		return true
	}
	return false
}

func name(r rune) string { return fmt.Sprintf("<U+%04X>", r) }
