package jql

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// dateLayouts are the forms of a date in quotation marks, in the caller's time zone, and
// how long the named instant lasts.
var dateLayouts = []struct {
	layout string
	length time.Duration
}{
	{"2006-1-2 15:04", time.Minute}, {"2006/1/2 15:04", time.Minute},
	{"2006-1-2", 24 * time.Hour}, {"2006/1/2", 24 * time.Hour},
}

var period = regexp.MustCompile(`^[+-]?(\s*\d+[wdhm])+$`)

// A span is the meaning of a date operand: the instant at which it starts, and the instant it ends
// before. "= 2026-01-01" is true for the whole day, while "<= 2026-01-01" ends at its
// first midnight.
type span struct{ from, to time.Time }

// parseDate reads a literal: epoch milliseconds when it is a bare number, otherwise a
// date, or a period from now. A quoted number is a period in minutes.
func parseDate(v Value, env Env) (span, bool) {
	if v.Number {
		ms, err := strconv.ParseInt(v.Text, 10, 64)
		at := time.UnixMilli(ms)
		return span{at, at.Add(time.Second)}, err == nil
	}
	text := strings.TrimSpace(v.Text)
	for _, l := range dateLayouts {
		if at, err := time.ParseInLocation(l.layout, text, env.Zone); err == nil {
			to := at.Add(l.length)
			if l.length > time.Minute {
				to = at.AddDate(0, 0, 1)
			}
			return span{at, to}, true
		}
	}
	if isInteger(text) {
		text += "m"
	}
	if !period.MatchString(text) {
		return span{}, false
	}
	d, ok := parsePeriod(text)
	at := env.Now.Add(d)
	return span{at, at.Add(time.Second)}, ok
}

var units = map[byte]time.Duration{'w': 7 * 24 * time.Hour, 'd': 24 * time.Hour, 'h': time.Hour, 'm': time.Minute}

// maxPeriod keeps sums of periods inside time.Duration.
const maxPeriod = 100 * 365 * 24 * time.Hour

// parsePeriod adds up "-4w 2d"; the sign is of the whole.
func parsePeriod(text string) (time.Duration, bool) {
	var sum time.Duration
	unsigned := strings.TrimLeft(text, "+-")
	for part := range strings.FieldsSeq(strings.NewReplacer("w", "w ", "d", "d ", "h", "h ", "m", "m ").Replace(unsigned)) {
		last := len(part) - 1
		n, err := strconv.Atoi(part[:last])
		if err != nil || n > int(maxPeriod/units[part[last]]) {
			return 0, false
		}
		if sum += time.Duration(n) * units[part[last]]; sum > maxPeriod {
			return 0, false
		}
	}
	if strings.HasPrefix(text, "-") {
		sum = -sum
	}
	return sum, true
}

// clock evaluates now() and the beginnings of day, week (Sunday), month and year.
func clock(call Call, env Env) (time.Time, bool) {
	if len(call.Arguments) > 0 {
		return time.Time{}, false
	}
	now := env.Now.In(env.Zone)
	y, m, d := now.Date()
	switch strings.ToLower(call.Name) {
	case "now":
		return now, true
	case "startofday":
	case "startofweek":
		d -= int(now.Weekday())
	case "startofmonth":
		d = 1
	case "startofyear":
		m, d = time.January, 1
	default:
		return time.Time{}, false
	}
	return time.Date(y, m, d, 0, 0, 0, 0, env.Zone), true
}

func millis(t time.Time) Value {
	return Value{Text: strconv.FormatInt(t.UnixMilli(), 10), Number: true}
}

// times compiles an operator on a Moment or Day.
func (c *compiler[I]) times(f *Field[I], op Operator, o Operand) func(I) bool {
	literals, empty, ok := c.literals(f, o)
	spans := make([][2]int64, 0, len(literals))
	for _, v := range literals {
		s, valid := parseDate(v, c.env)
		if !valid && ok {
			c.found.errorf("Date value '%s' for field '%s' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', "+
				"'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.", v.Text, f.Name)
			ok = false
		}
		spans = append(spans, f.units(s, c.env.Zone))
	}
	if !ok {
		return never
	}
	read := f.read()
	inSpan := func(at int64) bool {
		return slices.ContainsFunc(spans, func(s [2]int64) bool { return s[0] <= at && at < s[1] })
	}
	switch op {
	case Equal, In:
		return func(i I) bool { at := read(i); return at != Never && inSpan(at) || empty && at == Never }
	case NotEqual, NotIn:
		return func(i I) bool { at := read(i); return at != Never && !inSpan(at) }
	}
	return func(i I) bool { at := read(i); return at != Never && compares(op, at, spans[0][0]) }
}

// units measures a span as the index does: in seconds for a Moment, in the caller's days
// for a Day.
func (f *Field[I]) units(s span, zone *time.Location) [2]int64 {
	if f.Kind == Day {
		day := days(s.from.In(zone))
		return [2]int64{day, day + 1}
	}
	return [2]int64{s.from.Unix(), s.to.Unix()}
}

// read gives the field in the units of the index.
func (f *Field[I]) read() func(I) int64 {
	if f.Kind == Day {
		return f.Time
	}
	return func(i I) int64 {
		ms := f.Time(i)
		if ms == Never {
			return Never
		}
		return time.UnixMilli(ms).Unix()
	}
}

// days counts from the epoch to the date that t shows.
func days(t time.Time) int64 {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400
}
