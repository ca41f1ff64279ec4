package query

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// unfit says why the operator cannot compare values of the attribute, and which
// operators can; both texts are empty if it can.
func unfit(p Path, op Op) (fault, fix string) {
	switch kind := p.leaf().Kind; kind {
	case Boolean, Binary:
		if op.orders() {
			return fmt.Sprintf("%s is of type %s, which %s cannot order", p, kind, op), "use eq or ne"
		}
		if op.textual() {
			return fmt.Sprintf("%s is of type %s, %s looks inside texts", p, kind, op), "use eq or ne"
		}
	case Integer, Decimal, DateTime:
		if op.textual() {
			return fmt.Sprintf("%s is of type %s, %s looks inside texts", p, kind, op), "use eq, ne, gt, ge, lt or le"
		}
	}
	return "", ""
}

// literal converts a value that filter-parser read to the type that Compare holds
// for an attribute of that kind. If it cannot, fix says how to write a value that
// fits. Unless strict, a text may stand for a boolean.
func literal(kind Kind, v any, strict bool) (value any, fix string) {
	switch kind {
	case Boolean:
		if s, ok := v.(string); ok && !strict {
			v = BooleanOf(s)
		}
		if b, ok := v.(bool); ok {
			return b, ""
		}
		return nil, "write true or false without quotes"
	case Integer, Decimal:
		if n := numberOf(v); n != nil {
			return n, ""
		}
		return nil, "write a number without quotes"
	case DateTime:
		s, _ := v.(string)
		if t, ok := parseInstant(s); ok {
			return t, ""
		}
		return nil, `write it like "2026-01-31T15:04:05Z"`
	}
	if s, ok := v.(string); ok {
		return s, ""
	}
	return nil, "put it in double quotes"
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

// parseInstant reads a date in one of the forms above. It takes a space in the
// place of the zone's plus sign for a plus, which a URL turns into a space unless
// it is escaped. It refuses what is outside the years 0 to 9999 in UTC, since no RFC 3339
// text says it.
func parseInstant(s string) (time.Time, bool) {
	s = strings.ToUpper(s)
	if day, zone, ok := strings.Cut(s, " "); ok && strings.Contains(day, "T") {
		s = day + "+" + zone
	}
	for _, layout := range instantLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			t = t.UTC()
			return t, t.Year() >= 0 && t.Year() <= 9999
		}
	}
	return time.Time{}, false
}
