package adf

import (
	"strings"
	"time"
)

// languageName keeps the language out of the way of the fence.
func languageName(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == '`' }), "-")
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func (n node) str(name string) string {
	s, _ := n.Attrs[name].(string)
	return s
}

func (n node) number(name string, absent int) int {
	if f, ok := n.Attrs[name].(float64); ok {
		return int(min(max(f, -1e9), 1e9))
	}
	return absent
}

// date is the day of a date node, whose timestamp is in milliseconds since
// 1970, as a string.
func (n node) date() string {
	ms, err := time.ParseDuration(n.str("timestamp") + "ms")
	if err != nil {
		return n.str("timestamp")
	}
	return time.Unix(0, 0).Add(ms).UTC().Format(time.DateOnly)
}
