package markup

import (
	"strconv"
	"strings"
	"time"
)

const TokenOpen, TokenClose = "⟦", "⟧"

// PrintToken writes the token that stands for a node without a text form. The label
// helps whoever reads it, and means nothing.
func PrintToken(ref, label string) string {
	if label != "" {
		label = " " + label
	}
	return TokenOpen + "adf:" + ref + label + TokenClose
}

// MatchToken reads a token at the beginning of s: type and hash, and the label.
func MatchToken(s string) (ref, label string, n int) {
	rest, ok := strings.CutPrefix(s, TokenOpen+"adf:")
	end := strings.Index(rest, TokenClose)
	if !ok || end < 0 || end > 400 {
		return "", "", 0
	}
	ref, label, _ = strings.Cut(rest[:end], " ")
	name, hash, ok := strings.Cut(ref, ":")
	if !ok || name == "" || len(hash) != HashLength || strings.Trim(hash, "0123456789abcdef") != "" || strings.ContainsAny(ref, TokenOpen) {
		return "", "", 0
	}
	return ref, label, len(s) - len(rest) + end + len(TokenClose)
}

const HashLength = 12

// IsInlineType reports whether a token stands inside a line.
func IsInlineType(ref string) bool {
	name, _, _ := strings.Cut(ref, ":")
	return InlineTypes[name]
}

var InlineTypes = map[string]bool{
	"text": true, "hardBreak": true, "mention": true, "emoji": true, "date": true, "status": true, "inlineCard": true,
	"mediaInline": true, "inlineExtension": true, "placeholder": true, "unsupportedInline": true,
}

// Timestamp is the day as the milliseconds of a date node.
func Timestamp(day string) (string, bool) {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return "", false
	}
	return strconv.FormatInt(t.UnixMilli(), 10), true
}
