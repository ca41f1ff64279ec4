package jira

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// adfNode is a node of an Atlassian Document as requests carry it.
type adfNode struct {
	Type    string                     `json:"type"`
	Version json.Number                `json:"version"`
	Attrs   map[string]json.RawMessage `json:"attrs"`
	Content []adfNode                  `json:"content"`
	Marks   []adfNode                  `json:"marks"`
	Text    *string                    `json:"text"`
}

// adfRule says which content and attributes a node may have.
type adfRule struct {
	content string // groups and types, space separated; "" for a leaf
	filled  bool   // must not be empty
	attrs   string // required attributes
}

// The groups of nodes that rules refer to.
const (
	adfInline = "text hardBreak mention emoji date status inlineCard mediaInline inlineExtension placeholder"
	adfBlock  = "paragraph heading bulletList orderedList blockquote codeBlock rule panel table mediaSingle mediaGroup " +
		"expand nestedExpand taskList decisionList blockCard embedCard extension bodiedExtension"
	adfItem = "paragraph bulletList orderedList taskList codeBlock mediaSingle"
)

var adfRules = map[string]adfRule{
	"doc":          {content: adfBlock},
	"paragraph":    {content: adfInline},
	"heading":      {content: adfInline, attrs: "level"},
	"bulletList":   {content: "listItem", filled: true},
	"orderedList":  {content: "listItem", filled: true},
	"listItem":     {content: adfItem, filled: true},
	"blockquote":   {content: "paragraph bulletList orderedList codeBlock mediaSingle mediaGroup", filled: true},
	"codeBlock":    {content: "text"},
	"rule":         {},
	"panel":        {content: adfBlock, filled: true, attrs: "panelType"},
	"table":        {content: "tableRow", filled: true},
	"tableRow":     {content: "tableCell tableHeader"},
	"tableCell":    {content: adfBlock, filled: true},
	"tableHeader":  {content: adfBlock, filled: true},
	"mediaSingle":  {content: "media caption", filled: true},
	"mediaGroup":   {content: "media", filled: true},
	"media":        {attrs: "type"},
	"caption":      {content: adfInline},
	"expand":       {content: adfBlock, filled: true},
	"nestedExpand": {content: adfBlock, filled: true},
	"taskList":     {content: "taskItem taskList", filled: true, attrs: "localId"},
	"taskItem":     {content: adfInline, attrs: "localId state"},
	"decisionList": {content: "decisionItem", filled: true, attrs: "localId"},
	"decisionItem": {content: adfInline, attrs: "localId state"},
	"blockCard":    {},
	"embedCard":    {attrs: "url layout"},
	"hardBreak":    {},
	"mention":      {attrs: "id"},
	"emoji":        {attrs: "shortName"},
	"date":         {attrs: "timestamp"},
	"status":       {attrs: "text color"},
	"inlineCard":   {},
	"mediaInline":  {attrs: "id collection"},
	"placeholder":  {attrs: "text"},
	"text":         {},

	"extension":       {attrs: "extensionKey extensionType"},
	"inlineExtension": {attrs: "extensionKey extensionType"},
	"bodiedExtension": {content: adfBlock, filled: true, attrs: "extensionKey extensionType"},
}

// adfMarks lists the marks with their required attributes.
var adfMarks = map[string]string{
	"strong": "", "em": "", "strike": "", "underline": "", "code": "", "link": "href", "textColor": "color",
	"backgroundColor": "color", "subsup": "type", "alignment": "align", "indentation": "level", "breakout": "mode",
	"border": "size color", "annotation": "id annotationType", "dataConsumer": "sources", "fragment": "localId",
}

// maxADFDepth bounds the nesting of documents.
const maxADFDepth = 60

// validADF reports whether text is a document that Jira stores. It knows the
// common nodes and marks of the Atlassian Document Format, version 1.
func validADF(text []byte) bool {
	var doc adfNode
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode(&doc) == nil && doc.Type == "doc" && doc.Version == "1" && doc.Content != nil && doc.valid(0)
}

func (n *adfNode) valid(depth int) bool {
	rule, known := adfRules[n.Type]
	if !known || depth > maxADFDepth || !hasAttrs(n.Attrs, rule.attrs) || rule.filled && len(n.Content) == 0 {
		return false
	}
	if (n.Type == "text") != (n.Text != nil) || n.Text != nil && *n.Text == "" || (depth > 0) != (n.Version == "") {
		return false
	}
	if n.Type == "heading" && !slices.Contains([]string{"1", "2", "3", "4", "5", "6"}, string(n.Attrs["level"])) {
		return false
	}
	allowed := strings.Fields(rule.content)
	for i := range n.Content {
		child := &n.Content[i]
		if !slices.Contains(allowed, child.Type) || n.Type == "codeBlock" && len(child.Marks) > 0 || !child.valid(depth+1) {
			return false
		}
	}
	return !slices.ContainsFunc(n.Marks, func(m adfNode) bool { return !m.validMark() })
}

func (n *adfNode) validMark() bool {
	required, known := adfMarks[n.Type]
	return known && n.Content == nil && n.Marks == nil && n.Text == nil && hasAttrs(n.Attrs, required)
}

func hasAttrs(attrs map[string]json.RawMessage, required string) bool {
	for name := range strings.FieldsSeq(required) {
		if v, found := attrs[name]; !found || isNull(v) {
			return false
		}
	}
	return true
}

// adfText returns the text of a document as the text index takes it: blocks, and
// nodes that only have a label, are set apart by spaces.
func adfText(document json.RawMessage) string {
	var doc adfNode
	if len(document) == 0 || json.Unmarshal(document, &doc) != nil {
		return ""
	}
	var text strings.Builder
	doc.appendText(&text)
	return text.String()
}

func (n *adfNode) appendText(to *strings.Builder) {
	if n.Text != nil {
		to.WriteString(*n.Text)
		return
	}
	var label string
	if json.Unmarshal(n.Attrs["text"], &label) == nil {
		to.WriteString(" " + label + " ")
	}
	for i := range n.Content {
		n.Content[i].appendText(to)
	}
	to.WriteByte('\n')
}
