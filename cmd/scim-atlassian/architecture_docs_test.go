package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

const architecture = "../../docs/architecture.md"

// packageRow is a row of the map in docs/architecture.md: a package, a sentence, what it may import, and its lines.
var packageRow = regexp.MustCompile("(?m)^\\| \\[`([^`]+)`\\]\\([^)]*\\) \\| (.*?) \\| ([^|]*) \\| ([0-9,]+) \\|$")

// The map names every package once, with what the import graph allows it, and its size to within a sixth. With -update
// the last two columns are written anew.
func TestMap(t *testing.T) {
	text, err := os.ReadFile(architecture)
	if err != nil {
		t.Fatal(err)
	}
	var mapped []string
	got := packageRow.ReplaceAllStringFunc(string(text), func(row string) string {
		column := packageRow.FindStringSubmatch(row)
		mapped = append(mapped, column[1])
		return fmt.Sprintf("| [`%s`](../%[1]s) | %s | %s | %s |", column[1], column[2], mayImport(column[1]), size(t, column[1], column[4]))
	})
	var packages []string
	for _, p := range listPackages(t) {
		packages = append(packages, strings.TrimPrefix(p.ImportPath, module+"/"))
	}
	slices.Sort(mapped)
	if diff := cmp.Diff(packages, mapped); diff != "" {
		t.Errorf("packages (-there +on the map):\n%s", diff)
	}
	checkDocument(t, architecture, string(text), got)
}

// mayImport lists what a package may import of this module; a sibling goes by its last name.
func mayImport(name string) string {
	ours := slices.Clone(places[name].ours)
	for i := range ours {
		ours[i] = strings.TrimPrefix(ours[i], filepath.Dir(name)+"/")
	}
	if len(ours) == 0 {
		return "nothing"
	}
	return strings.Join(ours, ", ")
}

// size is the number of lines of a package without its tests, rounded, or as it was if that is still about right.
func size(t *testing.T, name, was string) string {
	files, err := filepath.Glob(filepath.Join("../..", name, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for _, file := range files {
		if text, err := os.ReadFile(file); err != nil {
			t.Error(err)
		} else if !strings.HasSuffix(file, "_test.go") {
			lines += bytes.Count(text, []byte("\n"))
		}
	}
	if before, err := strconv.Atoi(strings.ReplaceAll(was, ",", "")); err == nil && before > 0 && max(before-lines, lines-before) <= 50+lines/6 {
		return was
	}
	rounded := (lines + 5) / 10 * 10
	if rounded < 1000 {
		return strconv.Itoa(rounded)
	}
	return fmt.Sprintf("%d,%03d", rounded/1000, rounded%1000)
}

// checkDocument compares a document with what it should be, or with -update makes it so.
func checkDocument(t *testing.T, path, is, want string) {
	t.Helper()
	if *updateDocs && is != want {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(strings.Split(is, "\n"), strings.Split(want, "\n")); diff != "" {
		t.Errorf("%s is stale; go test ./cmd/scim-atlassian -run %s -update mends it (-says +should say):\n%s", path, t.Name(), diff)
	}
}

// documentLink is a link from a document to a place in the repository: its text, the path, empty for the document itself,
// and the heading, if any.
var documentLink = regexp.MustCompile(`\[([^\]]+)\]\(([^):#]*)(?:#([^)]*))?\)`)

// Every link of the documents leads to a file that there is, and to a heading in it if it says one; a name that is linked
// to a Go file is declared there.
func TestDocumentLinks(t *testing.T) {
	documents, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, document := range append(documents, "../../README.md", "../../CONTRIBUTING.md", "../../SECURITY.md", "../../CHANGELOG.md") {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range documentLink.FindAllStringSubmatch(string(text), -1) {
			target := document
			if link[2] != "" {
				target = filepath.Join(filepath.Dir(document), link[2])
			}
			if link[3] != "" && !slices.Contains(anchors(t, target), link[3]) {
				t.Errorf("%s: %s: %s has no such heading", document, link[0], target)
			}
			name, isName := strings.CutPrefix(strings.TrimSuffix(link[1], "`"), "`")
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %s: %v", document, link[0], err)
			} else if isName && filepath.Ext(target) == ".go" && filepath.Ext(name) != ".go" {
				checked++
				if !slices.Contains(declarations(t, target), name) {
					t.Errorf("%s: %s declares no %s", document, link[2], name)
				}
			}
		}
	}
	if checked < 50 {
		t.Errorf("%d names were looked up, which is too few to be all", checked)
	}
}

// anchors lists the headings of a document as links name them: in lower case, with hyphens for spaces and without marks.
func anchors(t *testing.T, path string) []string {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	var all []string
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(string(text), -1) {
		kept := strings.Map(func(r rune) rune {
			if r == ' ' {
				return '-'
			}
			if r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) {
				return unicode.ToLower(r)
			}
			return -1
		}, heading[1])
		all = append(all, kept)
	}
	return all
}

// declarations lists what a Go file declares: names, methods as Type.Method, fields as Type.Field.
func declarations(t *testing.T, path string) []string {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			all = append(all, receiver(d)+d.Name.Name)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				all = append(all, declared(spec)...)
			}
		}
	}
	return all
}

// receiver is the type of a method with a dot, or nothing.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	of := d.Recv.List[0].Type
	if pointer, ok := of.(*ast.StarExpr); ok {
		of = pointer.X
	}
	name, _ := of.(*ast.Ident) // generic types have no methods in the documents
	return fmt.Sprint(name) + "."
}

func declared(spec ast.Spec) []string {
	var all []string
	switch s := spec.(type) {
	case *ast.ValueSpec:
		for _, name := range s.Names {
			all = append(all, name.Name)
		}
	case *ast.TypeSpec:
		all = append(all, s.Name.Name)
		members := new(ast.FieldList)
		switch of := s.Type.(type) {
		case *ast.StructType:
			members = of.Fields
		case *ast.InterfaceType:
			members = of.Methods
		}
		for _, member := range members.List {
			for _, name := range member.Names {
				all = append(all, s.Name.Name+"."+name.Name)
			}
		}
	}
	return all
}
