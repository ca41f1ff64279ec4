package reconcile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
)

// The kinds of difference.
const (
	Created = "created"
	Changed = "changed"
	Deleted = "deleted"
)

// Change is a difference to an earlier file.
type Change struct {
	Change     string   `json:"change"`
	ID         string   `json:"id"`
	Key        string   `json:"key,omitzero"`        // recon key, of a deleted resource the one it had
	Attributes []string `json:"attributes,omitzero"` // that differ, of a changed resource
}

// Comparison counts the differences.
type Comparison struct {
	Previous  string `json:"previous"` // path
	Created   int    `json:"created"`
	Changed   int    `json:"changed"`
	Deleted   int    `json:"deleted"`
	Unchanged int    `json:"unchanged"`
}

// compare reports the differences between two files, resources being the same if
// their ids are.
func compare(before, after *index, report func(Change) error) (*Comparison, error) {
	counts := &Comparison{Previous: before.file.Name()}
	for _, id := range after.order {
		change := Change{Change: Created, ID: id, Key: after.byID[id].key}
		if before.has(id) {
			attributes, err := differing(before, after, id)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", id, err)
			}
			if len(attributes) == 0 {
				counts.Unchanged++
				continue
			}
			change.Change, change.Attributes = Changed, attributes
		}
		if err := counts.add(change, report); err != nil {
			return nil, err
		}
	}
	for _, id := range before.order {
		if after.has(id) {
			continue
		}
		if err := counts.add(Change{Change: Deleted, ID: id, Key: before.byID[id].key}, report); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

func (c *Comparison) add(change Change, report func(Change) error) error {
	switch change.Change {
	case Created:
		c.Created++
	case Changed:
		c.Changed++
	case Deleted:
		c.Deleted++
	}
	return report(change)
}

// differing names the attributes of a resource that differ.
func differing(before, after *index, id string) ([]string, error) {
	if before.byID[id].digest == after.byID[id].digest {
		return nil, nil
	}
	was, err := before.document(id)
	if err != nil {
		return nil, err
	}
	is, err := after.document(id)
	if err != nil {
		return nil, err
	}
	var names []string
	collect(&names, "", was, is)
	return names, nil
}

// collect appends the names of the members that differ, a level below objects.
func collect(names *[]string, prefix string, before, after map[string]any) {
	all := maps.Clone(before)
	maps.Copy(all, after)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		b, bothObjects := before[name].(map[string]any)
		a, ok := after[name].(map[string]any)
		switch {
		case canonical(before[name]) == canonical(after[name]):
		case bothObjects && ok && prefix == "":
			collect(names, name+".", b, a)
		default:
			*names = append(*names, prefix+name)
		}
	}
}

// canonical is a text that is the same for the same value. The order of a
// multi-valued attribute means nothing (RFC 7643 section 2.4).
func canonical(v any) string {
	if list, ok := v.([]any); ok {
		texts := make([]string, len(list))
		for i, e := range list {
			texts[i] = canonical(e)
		}
		slices.SortFunc(texts, cmp.Compare[string])
		v = texts
	}
	text, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		panic(err) // what was read as JSON can be written as such
	}
	return string(text)
}
