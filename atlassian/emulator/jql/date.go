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

// clock evaluates now() and the beginnings and ends of day, week (from Sunday), month and
// year. An argument such as "-1d", or "-1" in the unit of the function, moves them.
func clock(call Call, env Env) (time.Time, bool) {
	now := env.Now.In(env.Zone)
	if strings.EqualFold(call.Name, "now") {
		return now, len(call.Arguments) == 0
	}
	unit, isStart := strings.CutPrefix(strings.ToLower(call.Name), "startof")
	unit, isEnd := strings.CutPrefix(unit, "endof")
	if isStart == isEnd || len(call.Arguments) > 1 || !slices.Contains([]string{"day", "week", "month", "year"}, unit) {
		return time.Time{}, false
	}
	start := beginning(unit, now)
	if len(call.Arguments) == 1 {
		var ok bool
		if start, ok = moved(start, unit, call.Arguments[0]); !ok {
			return time.Time{}, false
		}
	}
	if isEnd {
		return after(unit, start, 1).Add(-time.Millisecond), true
	}
	return start, true
}

// beginning returns the first moment of the unit that now is in.
func beginning(unit string, now time.Time) time.Time {
	y, m, d := now.Date()
	switch unit {
	case "week":
		d -= int(now.Weekday())
	case "month":
		d = 1
	case "year":
		m, d = time.January, 1
	}
	return time.Date(y, m, d, 0, 0, 0, 0, now.Location())
}

// after returns the moment n units later.
func after(unit string, t time.Time, n int) time.Time {
	switch unit {
	case "week":
		return t.AddDate(0, 0, 7*n)
	case "month":
		return t.AddDate(0, n, 0)
	case "year":
		return t.AddDate(n, 0, 0)
	}
	return t.AddDate(0, 0, n)
}

var shift = regexp.MustCompile(`^([+-]?\d{1,4})([yMwdhm]?)$`)

// moved applies the argument of a function of the clock. In it, M is a month and m a
// minute.
func moved(t time.Time, unit, argument string) (time.Time, bool) {
	parts := shift.FindStringSubmatch(argument)
	if parts == nil {
		return time.Time{}, false
	}
	n, err := strconv.Atoi(parts[1])
	if err != nil {
		return time.Time{}, false
	}
	switch parts[2] {
	case "y":
		unit = "year"
	case "M":
		unit = "month"
	case "w":
		unit = "week"
	case "d":
		unit = "day"
	case "h":
		return t.Add(time.Duration(n) * time.Hour), true
	case "m":
		return t.Add(time.Duration(n) * time.Minute), true
	}
	return after(unit, t, n), true
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
