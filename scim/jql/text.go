package jql

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// listSize is the number of values in one IN. Jira's own limit is not
	// published, and a longer list only causes a warning in the answer.
	listSize = 100

	// maxListed is the number of values in a comparison beyond which scanning the
	// projects is the better plan.
	maxListed = 1000
)

// among returns the clauses that a field has one of values, or with the operator
// NOT IN none of them.
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

// either joins clauses with OR, in parentheses if there are several.
func either(clauses ...string) string {
	if len(clauses) == 1 {
		return clauses[0]
	}
	return "(" + strings.Join(clauses, " OR ") + ")"
}

// quote returns a string literal of JQL. In quotes, even EMPTY is a plain value.
// It reports false for a text that JQL cannot write: with a NUL, or not UTF-8.
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

// illegal reports whether a string literal must escape r.
func illegal(r rune) bool {
	return unicode.IsControl(r) || r >= 0xFDD0 && r <= 0xFDEF || r == 0xFFFE || r == 0xFFFF
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}
