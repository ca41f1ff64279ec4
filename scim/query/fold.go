package query

import (
	"unicode"
	"unicode/utf8"
)

// appendFold appends the simple case folding of s to b, which a caller on a hot
// path takes from its stack. Two texts fold to the same one exactly if
// strings.EqualFold calls them equal. UTF-8 keeps the order of code points, so
// folded texts are compared, searched and ordered as bytes.
func appendFold(b []byte, s string) []byte {
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

// foldRune picks one rune to stand for all that differ by case alone: the lower
// case of the least of them if that is one of them, else the least.
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
