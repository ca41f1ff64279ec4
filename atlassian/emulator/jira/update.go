package jira

import (
	"encoding/json"
	"slices"
)

// update applies the operations of an update object to one field: add, set
// and remove on arrays, set on all others. A comment can be added.
func (d *draft) update(name string, operations []json.RawMessage) error {
	if name == "comment" {
		added, err := d.commentsIn(operations)
		if err == nil {
			own := d.own()
			own.comments = append(own.comments, added...)
		}
		return err
	}
	f := d.j.field(name)
	if f == nil || !f.settable(d.project) {
		return denyField(name, textOffScreen, name)
	}
	for _, operation := range operations {
		var verbs map[string]json.RawMessage
		if json.Unmarshal(operation, &verbs) != nil || len(verbs) != 1 {
			return errBadPayload
		}
		for verb, value := range verbs {
			if err := d.operate(f, name, verb, value); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *draft) operate(f *issueField, name, verb string, value json.RawMessage) error {
	switch {
	case name == "parent" && verb == "set":
		var none struct {
			None bool `json:"none"`
		}
		if json.Unmarshal(value, &none) == nil && none.None {
			return d.dropParent()
		}
		return f.set(d, value)
	case verb == "set":
		return f.set(d, value)
	case f.kind == "array" && (verb == "add" || verb == "remove"):
		return d.edit(f, verb == "add", value)
	}
	return denyField(name, "Field does not support operation '%s'", verb)
}

// edit adds an element to an array field or takes it out.
func (d *draft) edit(f *issueField, add bool, value json.RawMessage) error {
	before := *d.issue
	if f.custom != nil {
		return d.editCustom(f.custom, add, value)
	}
	if err := f.set(d, json.RawMessage("["+string(value)+"]")); err != nil {
		return err
	}
	splice := func(now, given []string) []string {
		rest := slices.DeleteFunc(slices.Clone(now), func(s string) bool { return slices.Contains(given, s) })
		if add {
			rest = append(rest, given...)
		}
		return rest
	}
	switch f.id {
	case "labels":
		labels := splice(before.labels, d.labels)
		slices.Sort(labels)
		d.setLabels(labels)
	case "components":
		d.components = splice(before.components, d.components)
	case "fixVersions":
		d.versions = splice(before.versions, d.versions)
	case "versions":
		d.own().affects = splice(before.x().affects, d.x().affects)
	}
	return nil
}

// editCustom does the same with a custom field.
func (d *draft) editCustom(f *customField, add bool, value json.RawMessage) error {
	given, err := d.readCustom(f, json.RawMessage("["+string(value)+"]"))
	if err != nil {
		return err
	}
	rest := slices.DeleteFunc(slices.Clone(d.x().custom[f.number]), func(v any) bool {
		return slices.ContainsFunc(given, func(g any) bool { return f.same(v, g) })
	})
	if add {
		rest = append(rest, given...)
	}
	d.own().custom[f.number] = rest
	return nil
}
