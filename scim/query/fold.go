package query

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// AppendFold appends the simple case folding of s to b; a caller on a hot path
// passes an array on its stack. Two texts have the same folding exactly if
// strings.EqualFold calls them equal. UTF-8 keeps the order of code points, so
// folded texts are compared, searched and ordered as bytes.
func AppendFold(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			b = append(b, c)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		b = utf8.AppendRune(b, foldRune(r))
		i += n
	}
	return b
}

// Folded returns what a value is compared by: texts that differ in case and surrounding space alone have the same, other
// values are as they are.
func Folded(v any) any {
	if text, ok := v.(string); ok {
		return string(AppendFold(nil, strings.TrimSpace(text)))
	}
	return v
}

// foldRune returns the rune that stands for all runes that differ from r by case
// alone: the lower case of the least one, unless that differs by more than case,
// else the least one itself.
func foldRune(r rune) rune {
	least := r
	for o := unicode.SimpleFold(r); o != r; o = unicode.SimpleFold(o) {
		least = min(least, o)
	}
	lower := unicode.ToLower(least)
	if lower == least {
		return least
	}
	for o := unicode.SimpleFold(least); o != least; o = unicode.SimpleFold(o) {
		if o == lower {
			return lower
		}
	}
	return least
}
