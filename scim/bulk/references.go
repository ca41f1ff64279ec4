package bulk

import (
	"net/url"
	"regexp"
	"strings"
)

// A reference is "bulkId:" and the bulkId of a POST in the same request, RFC 7644
// section 3.7.2: as the id in a path, as any value in data, and between quotes in
// the path of a PATCH operation, as in members[value eq "bulkId:x"].
const referencePrefix = "bulkId:"

var quoted = regexp.MustCompile(`"([^"\\]*)"`)

// referenceIn returns the bulkId that text refers to, or false.
func referenceIn(text string) (string, bool) {
	if len(text) <= len(referencePrefix) || !strings.EqualFold(text[:len(referencePrefix)], referencePrefix) {
		return "", false
	}
	return text[len(referencePrefix):], true
}

// mapTexts returns a copy of data in which with has had its say on every text:
// on values, and on what is between quotes in the path of a PATCH operation.
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

// resolve returns data with the references replaced by the ids of what was
// created; those that known does not know stay.
func resolve(data any, known func(bulkID string) string) any {
	return mapTexts(data, func(text string) string {
		if bulkID, ok := referenceIn(text); ok {
			if id := known(bulkID); id != "" {
				return id
			}
		}
		return text
	})
}

// texts lists the values in data that mapTexts visits.
func texts(data any) []string {
	var all []string
	mapTexts(data, func(text string) string {
		all = append(all, text)
		return text
	})
	return all
}

// target is the unescaped id in the operation's path, "" for a POST.
func (op *bulkOperation) target() string {
	if len(op.path) < 2 {
		return ""
	}
	id, _ := url.PathUnescape(op.path[1]) // document.ParsePath has tried
	return id
}
