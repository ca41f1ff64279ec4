package atlassian_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// stillSent are operations with an end that the clients know, and why.
var stillSent = map[string]string{
	"GET /admin/v2/orgs/{orgId}/directories/-/users": "only with Organization.OldLists, for one release",
	"GET /rest/api/3/priority/search":                "nothing else lists all priorities: its mark of 2024 is about members of the answer that we do not read",
}

// TestNoOperationHasEnded looks up every operation that the clients can send, by the constants of the package, in
// Atlassian's documents.
func TestNoOperationHasEnded(t *testing.T) {
	documented := documentedOperations(t)
	operations := sentOperations(t)
	if len(operations) < 40 {
		t.Fatalf("only %d operations were found: %q", len(operations), operations)
	}
	for _, op := range operations {
		path := op
		if method, rest, _ := strings.Cut(op, " "); !strings.HasPrefix(rest, "/rest/") && !strings.HasPrefix(rest, "/admin/") && !strings.HasPrefix(rest, "/users/") {
			path = method + " /scim/directory/{directoryId}" + rest
		}
		found := bestMatch(documented, path)
		reason, excused := stillSent[op]
		switch {
		case found == nil && strings.Contains(op, " /rest/") && !strings.Contains(op, " /rest/api/"):
			// Of Jira's documents only the platform's is there.
		case found == nil:
			t.Errorf("%s is in no document", op)
		case found.ends != "" && !excused:
			t.Errorf("%s ends on %s", op, found.ends)
		case found.ends == "" && excused:
			t.Errorf("%s has no end, and needs no excuse: %s", op, reason)
		}
	}
	for op := range stillSent {
		if !slices.Contains(operations, op) {
			t.Errorf("%s is not sent, and needs no excuse", op)
		}
	}
}

// documented is an operation of a document.
type documented struct {
	segments []string // of method and path
	ends     string   // a date, or empty
}

// documentedOperations reads all documents.
func documentedOperations(t *testing.T) (list []documented) {
	t.Helper()
	folder, err := contractFolder()
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("Atlassian's OpenAPI documents are not here, set ATLASSIAN_OPENAPI_DIR: %v", err)
	}
	check(t, err)
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	check(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		check(t, err)
		var document struct {
			Paths map[string]map[string]json.RawMessage
		}
		check(t, json.Unmarshal(text, &document))
		for path, item := range document.Paths {
			for method, raw := range item {
				list = append(list, documented{strings.Split(strings.ToUpper(method)+path, "/"), endOf(raw)})
			}
		}
	}
	return list
}

// endOf returns the date at which a deprecated operation ends, or empty.
func endOf(raw json.RawMessage) string {
	var operation struct {
		Deprecated bool
		Ends       string                             `json:"x-ends"`
		Changes    []struct{ Type, Effective string } `json:"x-changes"`
	}
	if json.Unmarshal(raw, &operation) != nil || !operation.Deprecated { // parameters of a path are an array
		return ""
	}
	for _, change := range operation.Changes {
		if change.Type == "removed" {
			return change.Effective
		}
	}
	return operation.Ends
}

// bestMatch returns the documented operation that an operation is: the one with the most segments in common among those
// whose other segments are parameters.
func bestMatch(list []documented, op string) (best *documented) {
	method, path, _ := strings.Cut(op, " ")
	segments, most := strings.Split(method+path, "/"), -1
	for i, d := range list {
		if len(d.segments) != len(segments) {
			continue
		}
		same := 0
		for n, segment := range d.segments {
			switch {
			case segment == segments[n]:
				same++
			case strings.HasPrefix(segment, "{") && strings.HasPrefix(segments[n], "{"):
				same++
			case !strings.HasPrefix(segment, "{"):
				same = -len(segments)
			}
		}
		if same > most {
			most, best = same, &list[i]
		}
	}
	return best
}

// operationText is what an operation looks like among other texts.
var operationText = regexp.MustCompile(`^(GET|POST|PUT|PATCH|DELETE) /[^ ]*$`)

// sentOperations returns the operations among the constants of the package.
func sentOperations(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	check(t, err)
	set := token.NewFileSet()
	var parsed []*ast.File
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
		check(t, err)
		parsed = append(parsed, f)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	config := types.Config{Importer: noImports{}, Error: func(error) {}} // constants need no imports
	config.Check("atlassian", set, parsed, info)
	found := map[string]bool{}
	for _, file := range parsed {
		ast.Inspect(file, func(n ast.Node) bool {
			e, isExpr := n.(ast.Expr)
			value := info.Types[e].Value
			if !isExpr || value == nil || value.Kind() != constant.String {
				return true
			}
			if text := constant.StringVal(value); operationText.MatchString(text) {
				found[text] = true
			}
			return false // a part of a constant is no operation
		})
	}
	var operations []string
	for op := range found {
		operations = append(operations, op)
	}
	slices.Sort(operations)
	return operations
}

// noImports is an importer that finds nothing.
type noImports struct{}

func (noImports) Import(string) (*types.Package, error) { return nil, os.ErrNotExist }
