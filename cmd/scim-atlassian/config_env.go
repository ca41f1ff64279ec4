package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/joho/godotenv"
)

// variablesFile is a file of NAME=value lines, such as .env.
type variablesFile struct {
	name      string
	text      string
	variables map[string]string
}

// readVariablesFile reads the file at path; an empty path stands for ".env", which may be absent. Its errors never quote
// the file, which is full of secrets.
func readVariablesFile(path string) (*variablesFile, error) {
	name := cmp.Or(path, ".env")
	text, err := os.ReadFile(name)
	if err != nil && (path != "" || !errors.Is(err, fs.ErrNotExist)) {
		return nil, fmt.Errorf("cannot read the environment file: %w", err)
	}
	variables, err := godotenv.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s is not a file of NAME=value lines; quote values that hold spaces, $ or #", name)
	}
	return &variablesFile{name: name, text: string(text), variables: variables}, nil
}

// under returns the variables of the environment ("NAME=value") and, where it has none, those of the file. An empty value
// counts as none, except for ADMIN_LISTEN, where it means off.
func (f *variablesFile) under(environ []string) map[string]string {
	variables := maps.Clone(f.variables)
	for _, pair := range environ {
		if name, value, _ := strings.Cut(pair, "="); value != "" || name == adminListen {
			variables[name] = value
		}
	}
	maps.DeleteFunc(variables, func(name, value string) bool { return value == "" && name != adminListen })
	return variables
}

// assignment matches a name and its value as they stand in a file of variables; a quoted value comes with the first of
// its quotes.
var assignment = regexp.MustCompile(`(?m)^[ \t]*(?:export[ \t]+)?(\w+)[ \t]*[=:][ \t]*('(?:[^'\\]|\\.)*|"(?:[^"\\]|\\.)*|[^\r\n]*)`)

// cutSecrets names the secrets that lose a part when the file is read: the reader takes a # after a space for the
// beginning of a comment, and a $ for the beginning of another variable's name.
func (f *variablesFile) cutSecrets() []error {
	secrets := secretNames()
	var doubts []error
	for _, match := range assignment.FindAllStringSubmatch(f.text, -1) {
		name, value := match[1], match[2]
		switch {
		case !slices.Contains(secrets, name) || strings.HasPrefix(value, "'"):
		case !strings.HasPrefix(value, `"`) && strings.Contains(strings.ReplaceAll(value, "\t", " "), " #"):
			doubts = append(doubts, fmt.Errorf("%s in %s looks cut short: it ends before a #; put the value in single quotes, or the comment on a line of its own", name, f.name))
		case f.losesReference(value):
			doubts = append(doubts, fmt.Errorf("%s in %s looks cut short: a $ stands there for the value of another variable, and there is none; put the value in single quotes", name, f.name))
		}
	}
	return doubts
}

// reference matches a text that the reader of the file replaces by the value of the variable in it. With a backslash
// before it, it stays.
var reference = regexp.MustCompile(`(\\)?\$\(?\{?([A-Z0-9_]+)\}?`)

// losesReference reports whether value refers to a variable that the file does not have.
func (f *variablesFile) losesReference(value string) bool {
	return slices.ContainsFunc(reference.FindAllStringSubmatch(value, -1), func(match []string) bool {
		return match[1] == "" && f.variables[match[2]] == ""
	})
}
