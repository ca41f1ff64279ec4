package server

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	elimity "github.com/elimity-com/scim"
	"github.com/elimity-com/scim/optional"
	"github.com/elimity-com/scim/schema"
	"github.com/google/go-cmp/cmp"
	ast "github.com/scim2/filter-parser/v2"
)

var updateLibraries = flag.Bool("update-libraries", false, "rewrite testdata/libraries.txt")

// TestLibraries holds what elimity and filter-parser accept by themselves, without anything of this module before them: an
// update of theirs shows in testdata/libraries.txt what it changes. Each line of the file is an input, and the one below it
// what the library makes of it. -update-libraries rewrites the file, and fails once.
func TestLibraries(t *testing.T) {
	const path = "testdata/libraries.txt"
	was, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var is strings.Builder
	for line := range strings.Lines(string(was)) {
		if strings.HasPrefix(line, "  => ") {
			continue
		}
		is.WriteString(line)
		kind, input, found := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if kind == "#" || !found {
			continue
		}
		fmt.Fprintf(&is, "  => %s\n", verdict(t, kind, input))
	}
	if diff := cmp.Diff(strings.Split(string(was), "\n"), strings.Split(is.String(), "\n")); diff != "" {
		t.Errorf("(-file +library):\n%s", diff)
	}
	if *updateLibraries {
		if err := os.WriteFile(path, []byte(is.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// verdict is what a library makes of an input, in one line.
func verdict(t *testing.T, kind, input string) (result string) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			result = "panic"
		}
	}()
	switch kind {
	case "filter":
		tree, err := ast.ParseFilter([]byte(input))
		return parsed(tree, err)
	case "path":
		tree, err := ast.ParsePath([]byte(input))
		return parsed(tree, err)
	}
	method, endpoint, ok := strings.Cut(kind, ":")
	if !ok {
		t.Fatalf("no kind of input: %s", kind)
	}
	heard := new(hearer)
	server, err := elimity.NewServer(&elimity.ServerArgs{
		ServiceProviderConfig: &elimity.ServiceProviderConfig{},
		ResourceTypes: []elimity.ResourceType{
			{Name: "User", Endpoint: "/Users", Schema: schema.CoreUserSchema(), Handler: heard},
			{Name: "Group", Endpoint: "/Groups", Schema: schema.CoreGroupSchema(), Handler: heard},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	target := "/" + endpoint
	if method != http.MethodPost {
		target += "/1"
	}
	w := httptest.NewRecorder()
	server.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(input)))
	var refusal struct{ ScimType string }
	if w.Code >= 400 {
		_ = json.Unmarshal(w.Body.Bytes(), &refusal) // a refusal without a body has no scimType
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s%s", w.Code, refusal.ScimType, heard.said))
}

// parsed is a tree as the parser prints it, with its type.
func parsed(tree any, err error) string {
	if err != nil {
		return "refused"
	}
	return strings.TrimPrefix(fmt.Sprintf("%T %v", tree, tree), "filter.")
}

// hearer is a resource handler that notes what the library hands over.
type hearer struct{ said string }

func (h *hearer) hear(what any) (elimity.Resource, error) {
	text, err := json.Marshal(what)
	h.said = string(text)
	return elimity.Resource{ID: "1", Attributes: elimity.ResourceAttributes{}}, err
}

func (h *hearer) Create(_ *http.Request, a elimity.ResourceAttributes) (elimity.Resource, error) {
	return h.hear(a)
}

func (h *hearer) Replace(_ *http.Request, _ string, a elimity.ResourceAttributes) (elimity.Resource, error) {
	return h.hear(a)
}

func (h *hearer) Patch(_ *http.Request, _ string, operations []elimity.PatchOperation) (elimity.Resource, error) {
	var all []any
	for _, o := range operations {
		path := ""
		if o.Path != nil {
			path = o.Path.String()
		}
		all = append(all, []any{o.Op, path, o.Value})
	}
	return h.hear(all)
}

func (h *hearer) Get(*http.Request, string) (elimity.Resource, error) {
	return elimity.Resource{ID: "1", ExternalID: optional.String{}}, nil
}

func (h *hearer) GetAll(*http.Request, elimity.ListRequestParams) (elimity.Page, error) {
	return elimity.Page{}, errors.New("nobody lists")
}

func (h *hearer) Delete(*http.Request, string) error { return nil }
