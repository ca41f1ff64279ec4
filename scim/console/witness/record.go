package witness

import "time"

// Record is an audit line: its members, as a JSON object has them.
type Record map[string]any

// Text is a member that is a text, empty if there is none.
func (r Record) Text(name string) string { return textOf(r[name]) }

// Number is a member that is a whole number, 0 if there is none.
func (r Record) Number(name string) int { return whole(r[name]) }

// When is the time of the line, zero if it has none.
func (r Record) When() time.Time {
	t, _ := time.Parse(time.RFC3339Nano, r.Text("time"))
	return t
}

// Texts is a member that is a list of texts.
func (r Record) Texts(name string) []string {
	switch v := r[name].(type) {
	case []string:
		return v
	case []any:
		all := make([]string, len(v))
		for i := range v {
			all[i] = textOf(v[i])
		}
		return all
	}
	return nil
}

// textOf is a value that is a text.
func textOf(v any) string {
	s, _ := v.(string)
	return s
}

// whole reads a number of a log line.
func whole(v any) int {
	switch v := v.(type) {
	case int64:
		return int(v)
	case int:
		return v
	case float64:
		return int(v)
	}
	return 0
}
