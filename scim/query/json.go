package query

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// MarshalJSON implements json.Marshaler with AppendJSON.
func (o Object) MarshalJSON() ([]byte, error) { return o.AppendJSON(nil), nil }

// AppendJSON appends o as JSON: members in their order, instants in UTC (RFC
// 3339) cut to milliseconds and always with their three digits, invalid UTF-8
// replaced by U+FFFD, numbers that JSON cannot express as null. It panics on a
// value that is none of Member's types.
func (o Object) AppendJSON(b []byte) []byte { return o.appendTo(b, milliseconds) }

// The forms of an instant: as clients get it, and exact.
const (
	milliseconds = "2006-01-02T15:04:05.000Z07:00"
	nanoseconds  = time.RFC3339Nano
)

// appendTo is AppendJSON with instants in a form.
func (o Object) appendTo(b []byte, instants string) []byte {
	b = append(b, '{')
	for i := range o {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, o[i].Name)
		b = append(b, ':')
		b = appendValue(b, o[i].Value, instants)
	}
	return append(b, '}')
}

// AppendValue appends the value of a member as AppendJSON does.
func AppendValue(b []byte, v any) []byte { return appendValue(b, v, milliseconds) }

// AppendText is AppendValue of a text.
func AppendText(b []byte, s string) []byte { return appendString(b, s) }

func appendValue(b []byte, v any, instants string) []byte {
	switch v := v.(type) {
	case string:
		return appendString(b, v)
	case bool:
		return strconv.AppendBool(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return appendFloat(b, v)
	case time.Time:
		b = append(b, '"')
		if instants == milliseconds {
			b = AppendInstant(b, v)
		} else {
			b = v.UTC().AppendFormat(b, instants)
		}
		return append(b, '"')
	case Object:
		return v.appendTo(b, instants)
	case []any:
		b = append(b, '[')
		for i := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendValue(b, v[i], instants)
		}
		return append(b, ']')
	}
	panic(fmt.Sprintf("query: a member cannot hold a %T", v))
}

// AppendInstant appends a time as AppendJSON does, without quotes.
func AppendInstant(b []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return t.AppendFormat(b, milliseconds)
	}
	hour, minute, second := t.Clock()
	b = appendDigits(appendDigits(b, year/100, 2), year%100, 2)
	b = appendDigits(append(b, '-'), int(month), 2)
	b = appendDigits(append(b, '-'), day, 2)
	b = appendDigits(append(b, 'T'), hour, 2)
	b = appendDigits(append(b, ':'), minute, 2)
	b = appendDigits(append(b, ':'), second, 2)
	b = appendDigits(append(b, '.'), t.Nanosecond()/1e6, 3)
	return append(b, 'Z')
}

// appendDigits appends two or three digits.
func appendDigits(b []byte, n, digits int) []byte {
	if digits == 3 {
		b = append(b, '0'+byte(n/100))
	}
	return append(b, '0'+byte(n/10%10), '0'+byte(n%10))
}

func appendString(b []byte, s string) []byte {
	// The error only repeats that invalid UTF-8 was replaced.
	b, _ = jsontext.AppendQuote(b, s)
	return b
}

// appendFloat writes the shortest number that reads back as f. From 2^53 on it
// has an exponent: padded with zeros, the shortest digits of such a float would
// look like an integer, but a slightly different one.
func appendFloat(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(b, "null"...)
	}
	if size := math.Abs(f); size != 0 && (size < 1e-6 || size >= 1<<53) {
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}
