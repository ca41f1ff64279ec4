package jira

import (
	"encoding/json"
	"slices"
)

// update applies the operations of an update object to one field: add, set
// and remove on arrays, set on all others. A comment can be added; the
// emulated site does not keep it.
func (d *draft) update(name string, operations []json.RawMessage) error {
	f := d.j.field(name)
	if name != "comment" && (f == nil || f.set == nil) {
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
	case name == "comment":
		return comment(verb, value)
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

// comment checks a comment.
func comment(verb string, value json.RawMessage) error {
	var added struct {
		Body json.RawMessage `json:"body"`
	}
	if verb != "add" || json.Unmarshal(value, &added) != nil || len(added.Body) == 0 {
		return denyField("comment", "Comment body can not be empty!")
	}
	_, err := document("comment", added.Body)
	return err
}

// edit adds an element to an array field or takes it out.
func (d *draft) edit(f *issueField, add bool, value json.RawMessage) error {
	before := *d.issue
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
	}
	return nil
}
