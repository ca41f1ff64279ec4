// Package sheet has the tables that pages show, which are also given as JSON and CSV, and the words for numbers and times
// in them.
package sheet

import (
	"encoding/csv"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Tone says how good something is. It is always said in words too.
type Tone string

// The tones.

const (
	Plain Tone = ""
	Good  Tone = "good"
	Doubt Tone = "doubt"
	Bad   Tone = "bad"
)

// Table is a table of a page, which is shown as HTML, JSON and CSV.
type Table struct {
	Name, Title string
	Columns     []Column
	Rows        [][]Cell
	Note        string // below the title
	Empty       string // in place of the rows, if there are none: what that means, and what to do
	More        string // URL of the rows after these; empty: these are all
	Links       []Link // JSON and CSV
}

// Column is a column of a Table.
type Column struct {
	Name, Head string
	Number     bool // its cells are aligned by their digits
	Long       bool // its cells may be long, and break anywhere
	Quiet      bool // it is in JSON and CSV alone
}

// Cell is a value in a Table.
type Cell struct {
	Text  string
	Under string // a second line
	Value any    // in JSON and CSV; nil: Text
	Link  string // a URL of the console
	Tone  Tone
	Code  bool          // an id or a text of a machine
	Plot  template.HTML // in place of the text, made by plot.go
	Form  *Form         // a button
}

// Link is a link with its name.
type Link struct{ Name, URL string }

// Form is the button that releases a hold.
type Form struct {
	Action, Token, Button, Label string
	Hold                         string // its id
	Minutes                      []int  // to choose from
}

// Columns reads the columns of a table, each as "name=Head": "#Head" is for numbers, "~Head" for long texts, and without a
// head, "name!", it is quiet.
func Columns(specs ...string) []Column {
	var all []Column
	for _, spec := range specs {
		name, head, _ := strings.Cut(spec, "=")
		name, quiet := strings.CutSuffix(name, "!")
		all = append(all, Column{name, strings.TrimLeft(head, "#~"), strings.HasPrefix(head, "#"), strings.HasPrefix(head, "~"), quiet})
	}
	return all
}

// Text is a cell of a text.
func Text(text string) Cell { return Cell{Text: text} }

// Code is a cell of an id or a text of a machine.
func Code(text string) Cell { return Cell{Text: text, Code: true} }

// Count is a cell of a number.
func Count(n int) Cell { return Cell{Text: Thousands(n), Value: n} }

// Moment is a cell of a time; zero: empty.
func Moment(t time.Time) Cell {
	if t.IsZero() {
		return Cell{}
	}
	return Cell{Text: Stamp(t), Value: t.UTC().Format(time.RFC3339Nano)}
}

// Clock is a cell of a time of about today; zero: empty.
func Clock(t time.Time) Cell {
	c := Moment(t)
	if !t.IsZero() {
		c.Text = t.UTC().Format(time.TimeOnly)
	}
	return c
}

// Stamp writes a time as the pages do.
func Stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

// Thousands writes a number in groups of three digits, with a narrow space between them.
func Thousands(n int) string {
	digits := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, digits = "−", digits[1:]
	}
	var groups []string
	for len(digits) > 3 {
		groups = append(groups, digits[len(digits)-3:])
		digits = digits[:len(digits)-3]
	}
	slices.Reverse(groups)
	return sign + strings.Join(append([]string{digits}, groups...), "\u202f")
}

// Span writes a duration with its two largest units.
func Span(d time.Duration) string {
	switch d = d.Abs(); {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return strings.TrimSuffix(fmt.Sprintf("%.3g", d.Seconds()), ".0") + " s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// value is what JSON and CSV have of a cell.
func (c Cell) value() any {
	if c.Value != nil {
		return c.Value
	}
	return c.Text
}

// harmless writes a value so that a spreadsheet takes it for what it is: a text that begins like a formula gets an
// apostrophe.
func harmless(v any) string {
	s, isText := v.(string)
	if !isText {
		return fmt.Sprint(v)
	}
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// Age writes a duration as Span does, to the second.
func Age(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%d s", int(max(0, d).Seconds()))
	}
	return Span(d)
}

// Plural writes a number with the word for one or for many.
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Thousands(n) + " " + many
}

// Objects are the rows of a table as JSON has them, by the names of the columns.
func (t *Table) Objects() []any {
	list := []any{}
	for _, r := range t.Rows {
		row := map[string]any{}
		for i, col := range t.Columns {
			if col.Name != "" {
				row[col.Name] = r[i].value()
			}
		}
		list = append(list, row)
	}
	return list
}

// WriteCSV writes a table, with the names of the columns in the first line.
func (t *Table) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	line := make([]string, 0, len(t.Columns))
	write := func(cells func(int) string) {
		line = line[:0]
		for i, col := range t.Columns {
			if col.Name != "" {
				line = append(line, cells(i))
			}
		}
		_ = out.Write(line) // Flush tells
	}
	write(func(i int) string { return t.Columns[i].Name })
	for _, r := range t.Rows {
		write(func(i int) string { return harmless(r[i].value()) })
	}
	out.Flush()
	return out.Error()
}
