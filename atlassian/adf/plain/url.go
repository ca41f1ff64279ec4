package plain

import (
	"fmt"
	"strings"
)

// linkable reports whether a link can have the url in text: it is absolute,
// or relative to the site or the page. Without this bound "f[0](x)" would be
// a link.
func linkable(url string) bool {
	if strings.HasPrefix(url, "/") || strings.HasPrefix(url, "#") {
		return true
	}
	scheme, rest, ok := strings.Cut(url, ":")
	return ok && rest != "" && isScheme(scheme) && scheme+":" != accountScheme
}

// cardable reports whether a card can have the url in text. Other
// schemes would make cards of XML tags with a prefix.
func cardable(url string) bool {
	return strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://")
}

// isScheme reports whether s is a URI scheme, RFC 3986 section 3.1.
func isScheme(s string) bool {
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || !(r >= '0' && r <= '9' || strings.ContainsRune("+-.", r))) {
			return false
		}
	}
	return s != ""
}

// urlLength returns how far the URL at the beginning of s goes: up to a
// character that cannot be in one or a parenthesis that it did not open.
func urlLength(s string) int {
	open := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '(':
			open++
		case c == ')' && open == 0:
			return i
		case c == ')':
			open--
		case !urlByte(c):
			return i
		}
	}
	return len(s)
}

func urlByte(c byte) bool {
	return c > ' ' && c != 0x7f && !strings.ContainsRune("<>[]\\`", rune(c))
}

// escapeURL percent-encodes the characters that would end the URL early.
func escapeURL(url string) string {
	parentheses := parenthesesBalance(url)
	var b strings.Builder
	for i := range len(url) {
		c := url[i]
		if !urlByte(c) || (c == '(' || c == ')') && !parentheses {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

func parenthesesBalance(s string) bool {
	open := 0
	for i := range len(s) {
		switch s[i] {
		case '(':
			open++
		case ')':
			open--
		}
		if open < 0 {
			return false
		}
	}
	return open == 0
}
