// Package adf holds texts in the Atlassian Document Format against the JSON
// schema that Atlassian publishes, and turns them into plain text and back.
//
// schema.json is the file dist/json-schema/v1/full.json of the npm package
// @atlaskit/adf-schema 57.7.22 (Apache License 2.0), unchanged.
package adf

import (
	_ "embed"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

//go:embed schema.json
var published []byte

// rule is a JSON schema (draft 4) with the words that the published one uses.
type rule struct {
	Ref        string           `json:"$ref"`
	Type       string           `json:"type"`
	Enum       []any            `json:"enum"`
	Properties map[string]*rule `json:"properties"`
	Required   []string         `json:"required"`
	Additional *bool            `json:"additionalProperties"` // only true and false occur
	Items      elements         `json:"items"`
	AnyOf      []*rule          `json:"anyOf"`
	AllOf      []*rule          `json:"allOf"`
	Not        *rule            `json:"not"`
	MinItems   *int             `json:"minItems"`
	MaxItems   *int             `json:"maxItems"`
	MinLength  *int             `json:"minLength"`
	Minimum    *float64         `json:"minimum"`
	Maximum    *float64         `json:"maximum"`
	Pattern    string           `json:"pattern"`

	Definitions map[string]*rule `json:"definitions"`

	to      *rule // what Ref names
	pattern *regexp.Regexp
}

// elements is the word items: one rule for all elements, or one for each.
type elements struct {
	each  *rule
	place []*rule
}

// UnmarshalJSON reads either form.
func (e *elements) UnmarshalJSON(text []byte) error {
	if text[0] == '[' {
		return json.Unmarshal(text, &e.place)
	}
	return json.Unmarshal(text, &e.each)
}

var document = sync.OnceValue(func() *rule {
	var root rule
	if err := json.Unmarshal(published, &root); err != nil {
		panic(err) // the file is part of the program
	}
	root.resolve(root.Definitions)
	return &root
})

// resolve replaces names by the rules that they name.
func (r *rule) resolve(definitions map[string]*rule) {
	if r == nil {
		return
	}
	if r.Ref != "" {
		r.to = definitions[strings.TrimPrefix(r.Ref, "#/definitions/")]
	}
	if r.Pattern != "" {
		r.pattern = regexp.MustCompile(r.Pattern)
	}
	r.Items.each.resolve(definitions)
	r.Not.resolve(definitions)
	for _, list := range [][]*rule{r.AnyOf, r.AllOf, r.Items.place} {
		for _, part := range list {
			part.resolve(definitions)
		}
	}
	for _, children := range []map[string]*rule{r.Properties, r.Definitions} {
		for _, child := range children {
			child.resolve(definitions)
		}
	}
}

// maxDepth bounds the nesting of a document's JSON.
const maxDepth = 250

// Valid reports whether text is a document that Jira stores, that is keeps the
// published schema.
func Valid(text []byte) bool {
	var v any
	if json.Unmarshal(text, &v) != nil || depth(v) > maxDepth {
		return false
	}
	return document().holds(v)
}

func depth(v any) int {
	deepest := 0
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			deepest = max(deepest, depth(e))
		}
	case map[string]any:
		for _, e := range v {
			deepest = max(deepest, depth(e))
		}
	}
	return deepest + 1
}

func (r *rule) holds(v any) bool {
	if r.to != nil {
		return r.to.holds(v)
	}
	if r.Enum != nil && !slices.Contains(r.Enum, v) {
		return false
	}
	if r.AnyOf != nil && !slices.ContainsFunc(r.AnyOf, func(one *rule) bool { return one.holds(v) }) {
		return false
	}
	for _, part := range r.AllOf {
		if !part.holds(v) {
			return false
		}
	}
	return (r.Not == nil || !r.Not.holds(v)) && r.holdsType(v)
}

func (r *rule) holdsType(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return (r.Type == "" || r.Type == "object") && r.holdsObject(v)
	case []any:
		return (r.Type == "" || r.Type == "array") && r.holdsList(v)
	case string:
		return (r.Type == "" || r.Type == "string") && (r.MinLength == nil || utf8.RuneCountInString(v) >= *r.MinLength) &&
			(r.pattern == nil || r.pattern.MatchString(v))
	case float64:
		whole := v == float64(int64(v))
		return (r.Type == "" || r.Type == "number" || r.Type == "integer" && whole) &&
			(r.Minimum == nil || v >= *r.Minimum) && (r.Maximum == nil || v <= *r.Maximum)
	case bool:
		return r.Type == "" || r.Type == "boolean"
	}
	return r.Type == "" || r.Type == "null"
}

// holdsObject looks at the type of a node first, since that decides most
// alternatives.
func (r *rule) holdsObject(object map[string]any) bool {
	if kind := r.Properties["type"]; kind != nil {
		if v, given := object["type"]; given && !kind.holds(v) {
			return false
		}
	}
	for _, name := range r.Required {
		if _, given := object[name]; !given {
			return false
		}
	}
	for name, v := range object {
		switch property := r.Properties[name]; {
		case property != nil && !property.holds(v):
			return false
		case property == nil && r.Additional != nil && !*r.Additional:
			return false
		}
	}
	return true
}

func (r *rule) holdsList(list []any) bool {
	if r.MinItems != nil && len(list) < *r.MinItems || r.MaxItems != nil && len(list) > *r.MaxItems {
		return false
	}
	for i, e := range list {
		one := r.Items.each
		if one == nil && i < len(r.Items.place) {
			one = r.Items.place[i]
		}
		if one != nil && !one.holds(e) {
			return false
		}
	}
	return true
}
