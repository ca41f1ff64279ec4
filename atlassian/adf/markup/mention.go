package markup

import "strings"

// maxConstruct bounds the bytes of an inline construct, and so the work that
// text full of openers makes.
const maxConstruct = 4096

// printInline writes a card or a mention.
func printInline(in Inline) string {
	switch in.Kind {
	case Card:
		return "<" + EscapeURL(in.Ref) + ">"
	case Mention:
		return "@[" + escapeBrackets(in.Text) + "](" + accountScheme + in.Ref + ")"
	}
	return in.Text
}

func matchCard(s string) (Inline, int) {
	end := strings.IndexAny(s, "> ")
	if end < 0 || s[end] != '>' || !cardable(s[1:end]) {
		return Inline{}, 0
	}
	return Inline{Kind: Card, Ref: s[1:end]}, end + 1
}

const accountScheme = "accountid:"

func matchMention(s string) (Inline, int) {
	name, n := matchBrackets(s[1:])
	n++
	if n == 1 || !strings.HasPrefix(s[n:], "("+accountScheme) {
		return Inline{}, 0
	}
	n += 1 + len(accountScheme)
	id := s[n:]
	if end := strings.IndexFunc(id, func(r rune) bool { return !accountRune(r) }); end >= 0 {
		id = id[:end]
	}
	n += len(id)
	if id == "" || n == len(s) || s[n] != ')' {
		return Inline{}, 0
	}
	return Inline{Kind: Mention, Text: name, Ref: id}, n + 1
}

// accountRune reports whether r occurs in account ids; both shapes are known,
// 24 hexadecimal digits and "712020:" with a UUID.
func accountRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(":-_.", r)
}

// matchBrackets reads "[text]". Brackets inside text have a backslash, and
// a backslash before anything else is one for them.
func matchBrackets(s string) (text string, n int) {
	if s == "" || s[0] != '[' {
		return "", 0
	}
	var b strings.Builder
	for i := 1; i < len(s); {
		slashes := CountPrefix(s[i:], '\\')
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
		slashes := CountPrefix(s[i:], '\\')
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

func CountPrefix(s string, c byte) int {
	n := 0
	for n < len(s) && s[n] == c {
		n++
	}
	return n
}
