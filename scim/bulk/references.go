package bulk

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// referencePrefix begins a reference, RFC 7644 section 3.7.2: "bulkId:" and the bulkId of a POST in the same request
// stand for the id of the resource that the POST makes. A reference may be the id in a path, any value in data, or stand
// between quotes in the path of a PATCH operation, as in members[value eq "bulkId:x"].
const referencePrefix = "bulkId:"

// quoted matches the quoted texts in the path of a PATCH operation.
var quoted = regexp.MustCompile(`"([^"\\]*)"`)

// referenceIn returns the bulkId that a text refers to. It reports false if the text is no reference.
func referenceIn(text string) (string, bool) {
	if len(text) <= len(referencePrefix) || !strings.EqualFold(text[:len(referencePrefix)], referencePrefix) {
		return "", false
	}
	return text[len(referencePrefix):], true
}

// canonical spells the prefix of a reference as referencePrefix does, and returns other texts as they are.
func canonical(text string) string {
	if bulkID, ok := referenceIn(text); ok {
		return referencePrefix + bulkID
	}
	return text
}

// mapTexts returns a copy of data with every string s replaced by with(s), also between quotes in a PATCH path. Names of
// members stay.
func mapTexts(data any, with func(string) string) any {
	switch data := data.(type) {
	case string:
		return with(data)
	case []any:
		list := make([]any, len(data))
		for i, v := range data {
			list[i] = mapTexts(v, with)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(data))
		for name, v := range data {
			if text, ok := v.(string); ok && strings.EqualFold(name, "path") {
				object[name] = quoted.ReplaceAllStringFunc(text, func(s string) string { return `"` + with(s[1:len(s)-1]) + `"` })
				continue
			}
			object[name] = mapTexts(v, with)
		}
		return object
	}
	return data
}

// resolve returns data with ids in place of references. idOf returns the id for a bulkId; where it returns "", the
// reference stays.
func resolve(data any, idOf func(bulkID string) string) any {
	return mapTexts(data, func(text string) string {
		if bulkID, ok := referenceIn(text); ok {
			if id := idOf(bulkID); id != "" {
				return id
			}
		}
		return text
	})
}

// texts lists the strings in data that mapTexts replaces.
func texts(data any) []string {
	var all []string
	mapTexts(data, func(text string) string {
		all = append(all, text)
		return text
	})
	return all
}

// idOf returns the id of the resource that the POST with the bulkId made, "" if it did not make one yet.
func (j *Job) idOf(bulkID string) string {
	if op := j.byID[bulkID]; op != nil && op.settled {
		return op.id
	}
	return ""
}

// unresolved returns a bulkId that op refers to and that has no id, "" if there is none.
func (j *Job) unresolved(op *operation) string {
	for _, bulkID := range slices.Sorted(maps.Keys(op.refs)) {
		if j.idOf(bulkID) == "" {
			return bulkID
		}
	}
	return ""
}
