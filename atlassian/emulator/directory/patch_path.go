package directory

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// shape describes an attribute as far as PATCH must know it. Types of values are
// checked when the result is decoded.
type shape struct {
	name     string
	multi    bool
	readOnly bool
	subs     []string // nil: a simple attribute
}

// shapes are the attributes of a resource type, or of an extension.
type shapes struct {
	urn        string // of the schema
	attributes []shape
	extension  *shapes // nil: none
}

func userShapes() *shapes {
	contactSubs := []string{"value", "type", "primary"}
	return &shapes{
		urn: urnUser,
		attributes: []shape{
			{name: "userName"}, {name: "externalId"}, {name: "displayName"}, {name: "nickName"}, {name: "title"},
			{name: "preferredLanguage"}, {name: "timezone"}, {name: "department"}, {name: "organization"},
			{name: "active"},
			{name: "name", subs: []string{"formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix"}},
			{name: "emails", multi: true, subs: contactSubs},
			{name: "phoneNumbers", multi: true, subs: contactSubs},
			{name: "id", readOnly: true}, {name: "schemas", readOnly: true},
			{name: "meta", readOnly: true}, {name: "groups", readOnly: true},
		},
		extension: &shapes{
			urn:        urnEnterprise,
			attributes: []shape{{name: "organization"}, {name: "department"}},
		},
	}
}

func groupShapes() *shapes {
	return &shapes{
		urn: urnGroup,
		attributes: []shape{
			{name: "displayName"}, {name: "externalId"},
			{name: "members", multi: true, subs: []string{"value", "type", "display", "$ref"}},
			{name: "id", readOnly: true}, {name: "schemas", readOnly: true}, {name: "meta", readOnly: true},
		},
	}
}

// patchPath is the target of an operation: RFC 7644 section 3.5.2, figure 7.
type patchPath struct {
	text       string
	extension  string // the extension's URN, empty for the core schema
	attribute  shape  // without a name: the whole extension
	conditions []condition
	sub        string
}

// condition is one comparison of a value filter, attribute eq literal.
type condition struct {
	sub   string
	value any // string, bool, float64 or nil
}

// document.ParsePath reads a path in any case. Names come back as the schema spells them.
func (s *shapes) parsePath(text string) (patchPath, error) {
	p := patchPath{text: text}
	if ext := s.extension; ext != nil && hasPrefixFold(text, ext.urn) {
		p.extension = ext.urn
		rest := text[len(ext.urn):]
		if rest == "" {
			return p, nil
		}
		s, text = ext, rest[1:]
	} else if hasPrefixFold(text, s.urn+":") {
		text = text[len(s.urn)+1:]
	}
	name, filter, rest, ok := splitPath(text)
	if !ok {
		return p, refuse("invalidPath", "Path [%s] is not valid.", p.text)
	}
	i := slices.IndexFunc(s.attributes, func(a shape) bool { return strings.EqualFold(a.name, name) })
	if i < 0 {
		return p, refuse("invalidPath", "Path [%s] does not name a known attribute.", p.text)
	}
	p.attribute = s.attributes[i]
	if filter != "" && !p.attribute.multi {
		return p, refuse("invalidPath", "Path [%s] filters an attribute that has one value.", p.text)
	}
	var err error
	if rest != "" {
		if p.sub, err = p.attribute.subName(rest); err != nil {
			return p, err
		}
	}
	if filter != "" {
		p.conditions, err = p.attribute.parseConditions(filter)
	}
	return p, err
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// splitPath takes name[filter].sub apart, if text has that form.
func splitPath(text string) (name, filter, sub string, ok bool) {
	open := strings.IndexByte(text, '[')
	if open < 0 {
		name, sub, _ = strings.Cut(text, ".")
		return name, "", sub, true
	}
	end := strings.LastIndexByte(text, ']')
	if end < open {
		return "", "", "", false
	}
	filter = strings.TrimSpace(text[open+1 : end])
	sub, dotted := strings.CutPrefix(text[end+1:], ".")
	return text[:open], filter, sub, filter != "" && dotted == (sub != "")
}

// subName returns the proper spelling of a sub-attribute.
func (a shape) subName(name string) (string, error) {
	for _, sub := range a.subs {
		if strings.EqualFold(sub, name) {
			return sub, nil
		}
	}
	return "", refuse("invalidPath", "Attribute [%s] has no sub-attribute [%s].", a.name, name)
}

// parseConditions reads comparisons joined by and.
func (a shape) parseConditions(text string) ([]condition, error) {
	var conditions []condition
	for {
		name, rest, _ := strings.Cut(text, " ")
		operator, literal, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
		sub, err := a.subName(name)
		if err != nil || !strings.EqualFold(operator, "eq") {
			return nil, refuse("invalidFilter", "Filter [%s] of attribute [%s] is not supported.", text, a.name)
		}
		c := condition{sub: sub}
		decoder := json.NewDecoder(strings.NewReader(literal))
		if err := decoder.Decode(&c.value); err != nil {
			return nil, refuse("invalidFilter", "Filter [%s] of attribute [%s] is not valid.", text, a.name)
		}
		conditions = append(conditions, c)
		text = strings.TrimSpace(literal[decoder.InputOffset():])
		if text == "" {
			return conditions, nil
		}
		if !hasPrefixFold(text, "and ") {
			return nil, refuse("invalidFilter", "Filter of attribute [%s] is not supported at [%s].", a.name, text)
		}
		text = strings.TrimLeft(text[len("and "):], " ")
	}
}

// matches reports whether an element of a multi-valued attribute fulfils all
// conditions. Strings are compared in any case.
func (p *patchPath) matches(element map[string]any) bool {
	for _, c := range p.conditions {
		got := element[c.sub]
		if c.sub == "primary" && got == nil {
			got = false
		}
		text, isText := c.value.(string)
		gotText, gotIsText := got.(string)
		if isText && gotIsText && strings.EqualFold(text, gotText) {
			continue
		}
		if got != c.value {
			return false
		}
	}
	return true
}

// elements returns the objects of a value that is one object or a list of
// them, their keys in the spelling of the schema. Unknown keys are dropped.
func (a shape) elements(value any) ([]any, error) {
	list, isList := value.([]any)
	if !isList {
		list = []any{value}
	}
	elements := make([]any, 0, len(list))
	for _, item := range list {
		element, err := a.object(item)
		if err != nil {
			return nil, err
		}
		elements = append(elements, element)
	}
	return elements, nil
}

// object returns a complex value with its keys in the spelling of the schema.
func (a shape) object(value any) (map[string]any, error) {
	given, ok := value.(map[string]any)
	if !ok {
		return nil, refuse("invalidValue", "Attribute [%s] has a value of the wrong type.", a.name)
	}
	object := make(map[string]any, len(given))
	for key, v := range given {
		if sub, err := a.subName(key); err == nil {
			object[sub] = v
		}
	}
	return object, nil
}

// decodeValue returns the value of an operation, nil if it has none.
func decodeValue(raw json.RawMessage) (any, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, nil
	}
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return nil, invalidBody(err)
	}
	return value, nil
}
