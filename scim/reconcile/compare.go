package reconcile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
)

// The values of Change.Change.
const (
	Created = "created"
	Changed = "changed"
	Deleted = "deleted"
)

// Change is one difference between an earlier file and the new one.
type Change struct {
	Change     string   `json:"change"` // Created, Changed or Deleted
	ID         string   `json:"id"`
	Key        string   `json:"key,omitzero"`        // the recon key; a deleted resource had it in the earlier file
	Attributes []string `json:"attributes,omitzero"` // of a changed resource: the attributes that differ
}

// Comparison counts the differences to an earlier file.
type Comparison struct {
	Previous  string `json:"previous"` // path of that file
	Created   int    `json:"created"`
	Changed   int    `json:"changed"`
	Deleted   int    `json:"deleted"`
	Unchanged int    `json:"unchanged"`
}

// compare reports the differences between two files. Two resources with the same id
// are the same resource.
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

// add counts a change and reports it.
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

// collect appends the names of the members that differ; of an object it names the
// members inside.
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

// canonical returns a text that is equal for equal values. The order of a
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
		panic(err) // a value decoded from JSON can always be encoded
	}
	return string(text)
}
