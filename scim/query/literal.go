package query

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// literal checks that a value from a filter fits the attribute and the operator
// and returns it as Compare holds it. The error's first part is the fault, the
// second the fix.
func literal(a *Attribute, op Op, v any) (value any, fault, fix string) {
	switch {
	case op.orders() && (a.Kind == Boolean || a.Kind == Binary):
		return nil, "a " + a.Kind.String() + " has no order, " + op.String() + " cannot compare it", "use eq or ne"
	case op.textual() && a.Kind != String && a.Kind != Reference && a.Kind != Binary:
		return nil, op.String() + " looks inside texts, the attribute is a " + a.Kind.String(), "use eq, ne, gt, ge, lt or le"
	}
	switch a.Kind {
	case Boolean:
		if b, ok := v.(bool); ok {
			return b, "", ""
		}
		fix = "write true or false without quotes"
	case Integer, Decimal:
		switch v.(type) {
		case json.Number, int, float64:
			if n := numberOf(v); n != nil {
				return n, "", ""
			}
		}
		fix = "write a number without quotes"
	case DateTime:
		s, _ := v.(string)
		if t, ok := parseInstant(s); ok {
			return t, "", ""
		}
		fix = `write it like "2026-01-31T15:04:05Z"`
	default:
		if s, ok := v.(string); ok {
			return s, "", ""
		}
		fix = "put the value in double quotes"
	}
	return nil, "the value is no " + a.Kind.String(), fix
}

// unquote reads a string literal, quotes included, by the rules of JSON (RFC
// 8259 section 7), surrogate pairs included.
func unquote(s string) (string, bool) {
	if !strings.Contains(s, `\`) {
		return s[1 : len(s)-1], true
	}
	b, err := jsontext.AppendUnquote(nil, s)
	return string(b), err == nil
}

// instantLayouts are the forms of a date that clients send: RFC 3339, the same
// with a zone as Jira writes it, without zone (taken for UTC) and the day alone.
// Each takes a fraction of a second of any length.
var instantLayouts = [...]string{
	"2006-01-02T15:04:05Z07:00",
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05",
	"2006-01-02T15:04Z07:00",
	"2006-01-02",
}

// parseInstant reads a date in one of the forms above. A space in the place of
// the zone's plus sign is what a plus becomes in a URL that was not escaped.
func parseInstant(s string) (time.Time, bool) {
	s = strings.ToUpper(s)
	if day, zone, ok := strings.Cut(s, " "); ok && strings.Contains(day, "T") {
		s = day + "+" + zone
	}
	for _, layout := range instantLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// number reports whether an unquoted word can only be meant as a number.
func number(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}
