package main

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"
)

const settingsPage = "../../docs/settings.md"

// settingRow is a row of the tables in docs/settings.md: a variable, its form, its default, and what it means.
var settingRow = regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|[^|\n]*\\|[^|\n]*\\| (.+) \\|$")

// The page has one row for every setting. With -update its form and its default are written as the code has them; what a
// setting means, and which group it belongs to, is written by hand.
func TestSettings(t *testing.T) {
	text, err := os.ReadFile(settingsPage)
	if err != nil {
		t.Fatal(err)
	}
	cells := settingCells()
	seen := map[string]bool{}
	got := settingRow.ReplaceAllStringFunc(string(text), func(row string) string {
		column := settingRow.FindStringSubmatch(row)
		cell, ok := cells[column[1]]
		if !ok || seen[column[1]] {
			t.Errorf("docs/settings.md has a row for %s, which is no setting, or has another row: delete it", column[1])
			return row
		}
		seen[column[1]] = true
		return fmt.Sprintf("| `%s` |%s| %s |", column[1], cell, column[2])
	})
	for _, name := range settingNames() {
		if _, ok := cells[name]; ok && !seen[name] {
			t.Errorf("docs/settings.md lacks %[1]s: add the row\n| `%[1]s` | | | what it means |\nto the group that it belongs to; -update fills in the rest", name)
		}
	}
	checkDocument(t, settingsPage, string(text), got)
}

// settingCells are the columns form and default of every setting.
func settingCells() map[string]string {
	cells := map[string]string{}
	for field, value := range reflect.ValueOf(defaultConfig()).Elem().Fields() {
		initial := " "
		if !value.IsZero() || field.Type.Kind() != reflect.String && field.Type.Kind() != reflect.Slice {
			initial = fmt.Sprintf(" `%v` ", value)
		}
		cells[field.Tag.Get("env")] = fmt.Sprintf(" %s |%s", formOf(field.Type), initial)
	}
	return cells
}

// formOf names what the values of a setting look like, in a word or two.
func formOf(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[secret]():
		return "secret"
	case t == reflect.TypeFor[time.Duration]():
		return "duration"
	case t == reflect.TypeFor[zapcore.Level]():
		return "level"
	case t.Kind() == reflect.Bool:
		return "`true`, `false`"
	case t.Kind() == reflect.Slice:
		return "comma list"
	case t.Kind() == reflect.String:
		return "text"
	default:
		return "number"
	}
}

// The settings that it takes come first, and the examples of every group are settings that work.
func TestSettingsExamples(t *testing.T) {
	text, err := os.ReadFile(settingsPage)
	if err != nil {
		t.Fatal(err)
	}
	groups := strings.Split(string(text), "\n## ")[1:]
	var required []string
	for problem := range strings.SplitSeq(fmt.Sprint(defaultConfig().Validate()), "\n") {
		if name, _, missing := strings.Cut(problem, " is missing:"); missing {
			required = append(required, name)
		}
	}
	var first []string
	for _, row := range settingRow.FindAllStringSubmatch(groups[0], -1) {
		first = append(first, row[1])
	}
	if slices.Sort(first); !slices.Equal(first, slices.Sorted(slices.Values(required))) {
		t.Errorf("the first group has %v; what must be set is %v", first, required)
	}

	path := write(t, "secret", "s")
	example := regexp.MustCompile("(?s)```sh\n(.*?)```")
	for _, group := range groups {
		title, _, _ := strings.Cut(group, "\n")
		block := example.FindStringSubmatch(group)
		if block == nil {
			t.Errorf("%s has no example", title)
			continue
		}
		given := strings.Fields(regexp.MustCompile(`/run/secrets/\S+`).ReplaceAllLiteralString(block[1], path))
		environ := slices.DeleteFunc(complete(""), func(pair string) bool {
			name, _, _ := strings.Cut(pair, "=")
			return slices.ContainsFunc(given, func(g string) bool { return strings.HasPrefix(g, name+"=") || strings.HasPrefix(g, name+"_FILE=") })
		})
		if _, doubts, err := loadConfig(append(environ, given...), ""); err != nil || doubts != nil {
			t.Errorf("the example of %s: %v %v", title, err, doubts)
		}
	}
}
