package query

import (
	"sync"

	ast "github.com/scim2/filter-parser/v2"
)

// Bounds of trees: what clients repeat is short and of few shapes.
const (
	treesKept   = 256
	treeOutline = 256 // bytes
)

// trees remembers what filter-parser made of outlines. An outline has the shape
// of a filter without its names and texts, so that "userName eq" costs the
// parser, which takes 0.1 ms for it, once and not once a user. It is safe for
// concurrent use; nobody writes to a tree.
type trees struct {
	mu        sync.Mutex
	byOutline map[string]ast.Expression
}

func (t *trees) parse(outline string) (ast.Expression, error) {
	t.mu.Lock()
	tree, ok := t.byOutline[outline]
	t.mu.Unlock()
	if ok {
		return tree, nil
	}
	tree, err := ast.ParseFilterNumber([]byte(outline))
	if err != nil || len(outline) > treeOutline {
		return tree, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.byOutline) >= treesKept {
		clear(t.byOutline)
	}
	t.byOutline[outline] = tree
	return tree, nil
}
