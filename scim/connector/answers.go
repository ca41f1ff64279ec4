package connector

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"

	"scim-atlassian/scim/query"
)

// Answers are changes that an operator makes to the answers of the endpoints,
// whose form IDHub does not document. The zero value changes nothing.
type Answers struct {
	Health   MergePatch `json:"health"`
	Test     MergePatch `json:"test"`
	Metadata MergePatch `json:"metadata"`
}

// MergePatch is a JSON merge patch (RFC 7396) for an object. A member of the patch
// replaces the member of the same name, an object member by member, and null
// removes it.
type MergePatch map[string]any

// ParseAnswers reads a JSON object of merge patches for health, test and metadata.
// Its error lists every mistake: a patch for status, which would hide the true
// state of health or test, and a null in a list, which no answer can hold.
func ParseAnswers(b []byte) (Answers, error) {
	var a Answers
	if err := json.Unmarshal(b, &a, json.RejectUnknownMembers(true)); err != nil {
		return Answers{}, fmt.Errorf("not a JSON object of changes to health, test and metadata: %w", err)
	}
	var problems []error
	for _, answer := range []struct {
		name   string
		patch  MergePatch
		status bool // the answer tells a status
	}{{"health", a.Health, true}, {"test", a.Test, true}, {"metadata", a.Metadata, false}} {
		if _, ok := answer.patch["status"]; ok && answer.status {
			problems = append(problems, fmt.Errorf("%s: status cannot be changed, since it tells the true state", answer.name))
		}
		if answer.patch.listsNull() {
			problems = append(problems, fmt.Errorf("%s: null in a list cannot be answered", answer.name))
		}
	}
	return a, errors.Join(problems...)
}

// listsNull reports whether the patch has a list with null in it, which a
// query.Object cannot hold.
func (p MergePatch) listsNull() bool {
	for _, v := range p {
		switch v := v.(type) {
		case map[string]any:
			if MergePatch(v).listsNull() {
				return true
			}
		case []any:
			if slices.ContainsFunc(v, holdsNull) {
				return true
			}
		}
	}
	return false
}

func holdsNull(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case []any:
		return slices.ContainsFunc(v, holdsNull)
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(v)), holdsNull)
	}
	return false
}

// apply returns o with the changes of the patch. It may write to o.
func (p MergePatch) apply(o query.Object) query.Object {
	for _, name := range slices.Sorted(maps.Keys(p)) {
		switch v := p[name].(type) {
		case nil:
			o.Delete(name)
		case map[string]any:
			current, _ := o.Get(name)
			inner, _ := current.(query.Object)
			o.Set(name, MergePatch(v).apply(inner))
		default:
			o.Set(name, plainJSON(v))
		}
	}
	return o
}

// plainJSON converts decoded JSON to the values that an Object may hold.
func plainJSON(v any) any {
	switch v := v.(type) {
	case map[string]any:
		var o query.Object
		for _, name := range slices.Sorted(maps.Keys(v)) {
			o.Set(name, plainJSON(v[name]))
		}
		return o
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = plainJSON(e)
		}
		return list
	}
	return v
}
