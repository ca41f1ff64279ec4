package connector

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"

	"scim-atlassian/scim/query"
)

// ConnectorAnswers change what the endpoints of IDHub's connector answer, whose
// form IDHub does not document. The zero value changes nothing.
type Answers struct {
	Health   MergePatch `json:"health"`
	Test     MergePatch `json:"test"`
	Metadata MergePatch `json:"metadata"`
}

// MergePatch is a JSON merge patch (RFC 7396) for an object: members that it has
// replace those of the same name, objects member by member; null removes.
type MergePatch map[string]any

// ParseConnectorAnswers reads a JSON object of merge patches for health, test
// and metadata. The status of health and test says what is, and cannot be
// changed.
func ParseAnswers(b []byte) (Answers, error) {
	var a Answers
	if err := json.Unmarshal(b, &a, json.RejectUnknownMembers(true)); err != nil {
		return Answers{}, fmt.Errorf("not a JSON object of changes to health, test and metadata: %w", err)
	}
	var problems []error
	for name, patch := range map[string]MergePatch{"health": a.Health, "test": a.Test} {
		if _, ok := patch["status"]; ok {
			problems = append(problems, fmt.Errorf("%s: status says what is, and cannot be changed", name))
		}
	}
	for name, patch := range map[string]MergePatch{"health": a.Health, "test": a.Test, "metadata": a.Metadata} {
		if patch.listsNull() {
			problems = append(problems, fmt.Errorf("%s: null in a list", name))
		}
	}
	return a, errors.Join(problems...)
}

// listsNull reports whether a list in the patch has null in it, which documents
// of ours cannot hold.
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

// apply returns the patched document; it may write to o.
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

// plainJSON turns decoded JSON into the values of an Object.
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
