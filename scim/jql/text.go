package jql

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// listSize is how many values one IN takes. Jira's own limit is not
	// published, and what is beyond it is only a warning in the answer.
	listSize = 100

	// maxListed is how many values a comparison may become before scanning
	// the projects is the better plan.
	maxListed = 1000
)

// among says that a field is one, or with NOT IN none, of values.
func among(field, operator string, values []string) string {
	var clauses []string
	for chunk := range slices.Chunk(values, listSize) {
		clauses = append(clauses, field+" "+operator+" ("+strings.Join(chunk, ", ")+")")
	}
	if operator == "NOT IN" {
		return strings.Join(clauses, " AND ")
	}
	return either(clauses...)
}

// either joins clauses with OR so that the whole may be joined with AND.
func either(clauses ...string) string {
	if len(clauses) == 1 {
		return clauses[0]
	}
	return "(" + strings.Join(clauses, " OR ") + ")"
}

// quote writes a string literal of JQL. Quoting is also what keeps the value
// EMPTY a value. A NUL cannot be written, nor can bytes that are no UTF-8.
func quote(s string) (string, bool) {
	if strings.ContainsRune(s, 0) || !utf8.ValidString(s) {
		return "", false
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '\\' || r == '"':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case illegal(r):
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String(), true
}

// illegal reports whether a string literal may hold r only as an escape.
func illegal(r rune) bool {
	return unicode.IsControl(r) || r >= 0xFDD0 && r <= 0xFDEF || r == 0xFFFE || r == 0xFFFF
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}
