package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "scim-atlassian"

// place is what the packages that one package imports may be. Patterns are those of path.Match.
type place struct {
	ours   []string // packages of this module
	theirs []string // packages of other modules
	pure   bool     // nothing of the standard library that does I/O, waits, or differs from run to run
}

// places is the whole import graph, from the ground up; docs/architecture.md draws it. A package that is not in it is
// refused: it has to find its place first.
var places = map[string]place{
	// What is known of resources without asking.
	"schemas":    {theirs: []string{jsonv2}},
	"scim/query": {theirs: []string{"github.com/scim2/filter-parser/v2", jsonText, "github.com/cespare/xxhash/v2"}, pure: true},
	"scim/jql":   {ours: []string{"scim/query"}, pure: true},
	// What is remembered, as bytes.
	"scim/state":           {theirs: []string{"github.com/jackc/pgx/v5", "github.com/jackc/pgx/v5/*", "modernc.org/sqlite"}},
	"scim/state/statetest": {ours: []string{"scim/state"}, theirs: []string{"github.com/google/go-cmp/cmp", "github.com/google/go-cmp/cmp/cmpopts", "github.com/jackc/pgx/v5/stdlib"}},
	// The contract between the protocol and the backends.
	"scim/resource":              {ours: []string{"scim/query", "schemas"}},
	"scim/resource/resourcetest": {ours: []string{"scim/resource", "scim/query", "scim/state", "schemas"}},
	// The protocol, which knows no Atlassian.
	"scim/document":  {ours: []string{"scim/resource", "scim/query"}, theirs: []string{jsonv2, jsonText}},
	"scim/audit":     {ours: []string{"scim/state", "scim/document", "scim/resource", "scim/query"}, theirs: []string{jsonv2, "go.uber.org/zap", "go.uber.org/zap/zapcore"}},
	"scim/origin":    {},
	"scim/coding":    {theirs: []string{"github.com/klauspost/compress/*"}},
	"scim/tracing":   {ours: []string{"atlassian"}, theirs: []string{"go.opentelemetry.io/otel", "go.opentelemetry.io/otel/*", "go.opentelemetry.io/otel/sdk/*", "go.opentelemetry.io/otel/semconv/*", "go.opentelemetry.io/otel/exporters/otlp/otlptrace/*", "golang.org/x/net/http/httpguts"}},
	"scim/edge":      {ours: []string{"scim/resource"}, theirs: []string{"go.uber.org/zap"}},
	"scim/condition": {ours: []string{"scim/resource", "scim/query"}},
	"scim/plan":      {ours: []string{"scim/state", "scim/bulk", "scim/auth", "scim/document", "scim/resource", "scim/query"}, theirs: []string{jsonv2, jsonText}},
	"scim/crowd":     {ours: []string{"scim/resource"}},
	"scim/bulk":      {ours: []string{"scim/document", "scim/resource", "scim/query"}, theirs: []string{"golang.org/x/sync/errgroup"}},
	"scim/list":      {ours: []string{"scim/resource", "scim/query", "schemas"}},
	"scim/delta":     {ours: []string{"scim/state", "scim/resource", "scim/query"}},
	"scim/discovery": {ours: []string{"scim/resource", "scim/query", "schemas"}},
	"scim/auth": {ours: []string{"scim/origin", "scim/resource"}, theirs: []string{"github.com/coreos/go-oidc/v3/oidc", jsonv2, jsonText, "golang.org/x/crypto/bcrypt",
		"golang.org/x/sync/singleflight", "golang.org/x/time/rate"}},
	"scim/alarm": {ours: []string{"scim/state"}},
	"scim/guard": {ours: []string{"scim/alarm", "scim/state", "scim/auth", "scim/resource", "scim/query"}, theirs: []string{jsonv2, "go.uber.org/zap"}},
	"scim/server": {ours: []string{"scim/audit", "scim/condition", "scim/plan", "scim/crowd", "scim/document", "scim/bulk", "scim/list", "scim/delta", "scim/discovery", "scim/auth", "scim/origin", "scim/resource", "scim/query", "schemas"},
		theirs: []string{"github.com/elimity-com/*", "github.com/elimity-com/*/*", jsonv2, jsonText, "go.uber.org/zap", "go.uber.org/zap/zapcore"}},
	// Engines: what was read, and what went wrong.
	"scim/packed":     {ours: []string{"scim/query"}, theirs: []string{"github.com/klauspost/compress/zstd"}},
	"scim/table":      {ours: []string{"scim/packed", "scim/resource", "scim/query"}},
	"scim/memo":       {},
	"scim/paging":     {ours: []string{"scim/resource"}, theirs: []string{"golang.org/x/sync/errgroup"}},
	"scim/changes":    {ours: []string{"scim/packed", "scim/resource", "scim/query"}},
	"scim/sent":       {ours: []string{"scim/paging", "scim/resource", "scim/query"}},
	"scim/tell":       {ours: []string{"scim/query", "atlassian/wire"}, theirs: []string{jsonText}},
	"scim/collection": {ours: []string{"scim/paging", "scim/table", "scim/resource", "scim/query"}, theirs: []string{"golang.org/x/sync/errgroup"}},
	"scim/mirror":     {ours: []string{"scim/alarm", "scim/collection", "scim/changes", "scim/paging", "scim/sent", "scim/table", "scim/packed", "scim/resource", "scim/query", "scim/state"}, theirs: []string{"golang.org/x/sync/errgroup"}},
	"scim/upstream":   {ours: []string{"scim/resource", "atlassian"}},
	"scim/health":     {ours: []string{"atlassian"}, theirs: []string{"go.uber.org/zap"}},
	"scim/feed":       {ours: []string{"scim/state", "atlassian"}, theirs: []string{"go.uber.org/zap"}},
	// Backends: directory and jira do not know each other.
	"scim/directory":    {ours: []string{"scim/operations", "scim/changes", "scim/mirror", "scim/sent", "scim/tell", "scim/state", "scim/upstream", "scim/resource", "scim/query", "atlassian", "atlassian/wire"}},
	"scim/jira":         {ours: []string{"scim/catalogue", "scim/searches", "scim/person", "scim/richtext", "scim/around", "scim/desk", "scim/field", "scim/once", "scim/state", "scim/jql", "scim/mirror", "scim/upstream", "scim/resource", "scim/query", "atlassian", "atlassian/adf", "atlassian/adf/plain"}},
	"scim/issuelog":     {ours: []string{"scim/jira", "scim/changes", "scim/state", "scim/jql", "scim/mirror", "scim/resource", "scim/query", "atlassian"}},
	"scim/operations":   {ours: []string{"scim/query", "atlassian"}},
	"scim/around":       {ours: []string{"scim/resource", "scim/query", "atlassian", "atlassian/adf"}},
	"scim/catalogue":    {ours: []string{"scim/memo", "scim/jql", "scim/mirror", "scim/resource", "scim/query", "atlassian"}},
	"scim/searches":     {ours: []string{"atlassian"}},
	"scim/richtext":     {ours: []string{"scim/resource", "scim/query", "atlassian/adf", "atlassian/adf/plain"}},
	"scim/person":       {ours: []string{"scim/resource", "scim/query"}},
	"scim/desk":         {ours: []string{"scim/around", "scim/memo", "scim/resource", "scim/query", "atlassian"}},
	"scim/field":        {ours: []string{"scim/memo", "scim/jql", "scim/resource", "scim/query", "schemas", "atlassian", "atlassian/adf"}, theirs: []string{"github.com/go-json-experiment/json/*", "golang.org/x/sync/errgroup"}},
	"scim/once":         {ours: []string{"scim/state", "scim/jql", "scim/mirror", "scim/upstream", "scim/resource", "atlassian"}},
	"scim/organization": {ours: []string{"scim/changes", "scim/state", "scim/mirror", "scim/upstream", "scim/resource", "scim/query", "atlassian"}},
	"scim/roles":        {ours: []string{"scim/memo", "scim/jql", "scim/changes", "scim/state", "scim/mirror", "scim/upstream", "scim/resource", "scim/query", "atlassian"}},
	"scim/idhub": {ours: []string{"scim/memo", "scim/changes", "scim/directory", "scim/organization", "scim/roles", "scim/document", "scim/mirror", "scim/upstream", "scim/resource", "scim/query", "schemas", "atlassian"},
		theirs: []string{"golang.org/x/sync/errgroup"}},
	"scim/connector": {ours: []string{"scim/auth", "scim/health", "scim/upstream", "scim/resource", "scim/query", "schemas", "atlassian"},
		theirs: []string{jsonv2, "golang.org/x/sync/singleflight"}},
	// The face, and what is built on it.
	"scim":                 {ours: []string{"scim/*", "schemas", "atlassian"}, theirs: []string{"go.uber.org/zap", "go.uber.org/zap/zapcore"}},
	"scim/console":         {ours: []string{"scim/console/*", "scim/auth", "scim/resource", "scim/query"}, theirs: []string{jsonv2, jsonText, "go.uber.org/zap", "go.uber.org/zap/zapcore"}},
	"scim/console/sheet":   {theirs: []string{jsonv2}},
	"scim/console/plot":    {ours: []string{"scim/console/sheet", "scim/console/witness"}},
	"scim/console/witness": {theirs: []string{jsonv2, "go.uber.org/zap/zapcore"}},
	"scim/reconcile":       {ours: []string{"scim", "scim/server", "scim/resource", "atlassian"}, theirs: []string{jsonv2, jsonText}},
	"cmd/scim-atlassian":   {ours: []string{"scim", "scim/alarm", "scim/audit", "scim/auth", "scim/connector", "scim/console", "scim/console/witness", "scim/edge", "scim/feed", "scim/field", "scim/guard", "scim/health", "scim/idhub", "scim/mirror", "scim/origin", "scim/reconcile", "scim/resource", "scim/server", "scim/state", "scim/tracing", "atlassian", "atlassian/emulator"}, theirs: anything},
	// Clients of Atlassian.
	"atlassian":            {ours: []string{"atlassian/admission", "atlassian/doubt", "atlassian/report", "atlassian/wire"}, theirs: anything},
	"atlassian/report":     {theirs: []string{jsonv2, jsonText}},
	"atlassian/doubt":      {},
	"atlassian/wire":       {theirs: []string{jsonText}},
	"atlassian/admission":  {},
	"atlassian/adf":        {ours: []string{"atlassian/adf/markup"}, theirs: []string{jsonv2, jsonText}},
	"atlassian/adf/markup": {},
	"atlassian/adf/plain":  {theirs: []string{jsonv2, jsonText}},
	// The emulator, a stranger.
	"atlassian/emulator":                   {ours: []string{"atlassian/emulator/directory", "atlassian/emulator/jira", "atlassian/emulator/organization", "atlassian/emulator/tenant"}},
	"atlassian/emulator/jira":              {ours: []string{"atlassian/emulator/adf", "atlassian/emulator/jql", "atlassian/emulator/tenant"}},
	"atlassian/emulator/adf":               {},
	"atlassian/emulator/directory":         {ours: []string{"atlassian/emulator/tenant"}},
	"atlassian/emulator/organization":      {ours: []string{"atlassian/emulator/tenant"}},
	"atlassian/emulator/tenant":            {},
	"atlassian/emulator/tenant/tenanttest": {ours: []string{"atlassian/emulator/tenant"}},
	"atlassian/emulator/jql":               {},
	// Measurements.
	"measure/bench":    {theirs: []string{"golang.org/x/sync/errgroup"}},
	"measure/kill":     {},
	"measure/loopback": {},
	"measure/day":      {ours: []string{"measure/loopback", "scim", "scim/auth", "scim/mirror", "scim/server", "scim/state", "atlassian", "atlassian/emulator"}},
	"measure/hostile":  {ours: []string{"measure/loopback", "scim", "scim/auth", "scim/server", "atlassian", "atlassian/emulator"}},
	"measure/limits":   {ours: []string{"measure/loopback", "scim", "scim/auth", "scim/server", "atlassian", "atlassian/emulator"}},
	"measure/chaos":    {ours: []string{"measure/loopback", "scim", "scim/auth", "scim/server", "atlassian", "atlassian/emulator"}, theirs: []string{"go.uber.org/zap", "go.uber.org/zap/zapcore"}},
}

// The two packages of the JSON library.
const (
	jsonv2   = "github.com/go-json-experiment/json"
	jsonText = "github.com/go-json-experiment/json/jsontext"
)

// anything matches the import paths of up to six elements.
var anything = []string{"*/*", "*/*/*", "*/*/*/*", "*/*/*/*/*", "*/*/*/*/*/*"}

// impure are packages of the standard library that pure code has no use for.
var impure = []string{
	"context", "crypto/rand", "database/sql", "embed", "io/fs", "io/ioutil", "log", "log/*", "math/rand", "math/rand/v2",
	"net", "net/*", "os", "os/*", "plugin", "runtime/*", "sync", "sync/*", "syscall", "testing", "testing/*", "unsafe",
}

type listedPackage struct {
	ImportPath string
	Dir        string
	Imports    []string // of what is built, without tests
	GoFiles    []string // without tests
}

// name is the import path within the module.
func (p listedPackage) name() string { return strings.TrimPrefix(p.ImportPath, module+"/") }

// files parses the files of a package, tests aside, and gives them by path within the module.
func (p listedPackage) files(t *testing.T) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files[p.name()+"/"+name] = file
	}
	return files
}

// listPackages asks the Go command for the packages of the module that hold more than tests.
func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,Imports,GoFiles", module+"/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var packages []listedPackage
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listedPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) > 0 {
			packages = append(packages, p)
		}
	}
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, _ := path.Match(pattern, name) // the patterns above are well formed
		return ok
	})
}

// refuses says why a package in this place may not import name, or nothing if it may.
func (p place) refuses(name string) string {
	first, _, _ := strings.Cut(name, "/")
	switch {
	case first == module:
		if !matchesAny(p.ours, strings.TrimPrefix(name, module+"/")) {
			return "the arrow points the wrong way"
		}
	case strings.Contains(first, "."):
		if !matchesAny(p.theirs, name) {
			return "this module does not belong here"
		}
	case p.pure && matchesAny(impure, name):
		return "this package is pure"
	}
	return ""
}

func TestImports(t *testing.T) {
	for _, p := range listPackages(t) {
		name := p.name()
		place, ok := places[name]
		if !ok {
			t.Errorf("%s has no place in the architecture", name)
		}
		for _, imported := range p.Imports {
			if why := place.refuses(imported); ok && why != "" {
				t.Errorf("%s imports %s: %s", name, imported, why)
			}
		}
	}
}

// The SCIM library has one door: whoever replaces it changes one file.
func TestLibraryIsImportedOnce(t *testing.T) {
	var importers []string
	for _, p := range listPackages(t) {
		for path, file := range p.files(t) {
			if slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool { return strings.HasPrefix(i.Path.Value, `"github.com/elimity-com/`) }) {
				importers = append(importers, path)
			}
		}
	}
	if diff := cmp.Diff([]string{"scim/server/library.go"}, importers); diff != "" {
		t.Errorf("files that import the SCIM library (-want +got):\n%s", diff)
	}
}

// mostLines returns the number of lines that a package may have, tests aside: a larger one is divided, since nobody
// reads it in one go. query is pure, and the emulator's jira is a program of its own.
func mostLines(name string) int {
	switch name {
	case "scim/query":
		return 3500
	case "scim/idhub": // two views of three types, and what changes of them
		return 3000
	case "atlassian", "atlassian/emulator/directory": // lists of operations, each understood by itself
		return 4000
	case "atlassian/emulator/jira":
		return 7500
	}
	return 2500
}

func TestPackageSizes(t *testing.T) {
	for _, p := range listPackages(t) {
		if !strings.HasPrefix(p.name(), "scim") && !strings.HasPrefix(p.name(), "atlassian") {
			continue
		}
		lines := 0
		for _, name := range p.GoFiles {
			b, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			lines += bytes.Count(b, []byte("\n"))
		}
		if most := mostLines(p.name()); lines > most {
			t.Errorf("%s has %d lines, more than %d: divide it", p.name(), lines, most)
		}
	}
}

// ofTheProgram matches the packages that may name environment variables.
var ofTheProgram = []string{"cmd/*", "measure/*"}

// The library names no environment variable: the program gives it the names that messages need, see scim.Settings.
func TestVariablesAreNamedByTheProgram(t *testing.T) {
	known := settingNames()
	for _, p := range listPackages(t) {
		if matchesAny(ofTheProgram, p.name()) {
			continue
		}
		for path, file := range p.files(t) {
			for _, text := range texts(t, file) {
				if name := namedSetting(text, known); name != "" {
					t.Errorf("%s: %q names the environment variable %s; the name comes from scim.Settings", path, text, name)
				}
			}
		}
	}
}

// texts returns the values of the string literals of a file.
func texts(t *testing.T, file *ast.File) []string {
	t.Helper()
	var all []string
	for n := range ast.Preorder(file) {
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			continue
		}
		text, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
	return all
}

// namedSetting returns the environment variable of the program that is a word of the text, "" if there is none.
func namedSetting(text string, known []string) string {
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r != '_' && (r < 'A' || r > 'Z') }) {
		if strings.HasPrefix(word, settingPrefix) || slices.Contains(known, word) {
			return word
		}
	}
	return ""
}

func TestNamedSetting(t *testing.T) {
	known := settingNames()
	for _, tt := range []struct{ text, want string }{
		{"Send emails, or set SCIM_ATLASSIAN_DERIVE_EMAIL_DOMAIN to derive it.", "SCIM_ATLASSIAN_DERIVE_EMAIL_DOMAIN"},
		{"set SCIM_ATLASSIAN_NOT_A_SETTING", "SCIM_ATLASSIAN_NOT_A_SETTING"},
		{"SITE_URL, ADMIN_EMAIL: %w", "SITE_URL"},
		{"the name of PROJECT_ROLE~Administrators", ""},
		{"Send emails%s.", ""},
	} {
		if got := namedSetting(tt.text, known); got != tt.want {
			t.Errorf("setting in %q: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

// The settings that messages offer are settings that the program has.
func TestSettingsInMessagesExist(t *testing.T) {
	known := settingNames()
	v := reflect.ValueOf(settingsInMessages)
	for i := range v.NumField() {
		if name := v.Field(i).String(); !slices.Contains(known, name) {
			t.Errorf("%s: %q is no setting", v.Type().Field(i).Name, name)
		}
	}
}

func TestPlaceRefuses(t *testing.T) {
	tests := []struct {
		name, imported string
		refused        bool
	}{
		{"scim/query", "strings", false},
		{"scim/query", "net/http", true},
		{"scim/query", "context", true},
		{"scim/query", "go.uber.org/zap", true},
		{"scim/query", module + "/atlassian", true},
		{"atlassian", module + "/scim", true},
		{"atlassian", module + "/scim/query", true},
		{"atlassian", "github.com/hashicorp/go-retryablehttp", false},
		{"atlassian/emulator", module + "/atlassian", true},
		{"atlassian/emulator", "github.com/go-json-experiment/json", true},
		{"atlassian/emulator", "net/http", false},
		{"atlassian/emulator/jira", module + "/atlassian/emulator/directory", true},
		{"scim/server", module + "/atlassian", true},
		{"scim/server", module + "/scim/mirror", true},
		{"scim/server", "github.com/elimity-com/scim/optional", false},
		{"scim/document", "github.com/elimity-com/scim", true},
		{"scim/jira", module + "/scim/directory", true},
		{"scim/directory", module + "/scim/jira", true},
		{"scim/resource", module + "/scim/auth", true},
		{"scim", module + "/cmd/scim-atlassian", true},
		{"scim", module + "/atlassian/emulator", true},
		{"cmd/scim-atlassian", module + "/scim", false},
	}
	for _, tt := range tests {
		if got := places[tt.name].refuses(tt.imported); (got != "") != tt.refused {
			t.Errorf("%s importing %s: got %q, want refused=%v", tt.name, tt.imported, got, tt.refused)
		}
	}
}
