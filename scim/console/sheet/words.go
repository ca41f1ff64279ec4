package sheet

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

// Words is a value of JSON on one line.
func Words(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = Words(e)
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		for _, name := range []string{"display", "displayName", "formatted", "value", "name", "key"} {
			if s := Words(v[name]); s != "" {
				return s
			}
		}
	}
	b, _ := json.Marshal(v, json.Deterministic(true)) // it came from JSON
	return string(b)
}

// Few writes a value, and of a long list its beginning.
func Few(v any) string {
	const most = 3
	if elements, ok := v.([]any); ok && len(elements) > most {
		return Words(elements[:most]) + " and " + Thousands(len(elements)-most) + " more"
	}
	s := Words(v)
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}
