package adf

import (
	"fmt"
	"slices"
	"strings"
)

// Groups of nodes that content refers to.
const (
	inlineNodes = "text hardBreak mention emoji date status inlineCard mediaInline inlineExtension placeholder"
	listNodes   = "paragraph bulletList orderedList codeBlock mediaSingle extension"
	panelNodes  = listNodes + " heading taskList decisionList rule mediaGroup blockCard"
	cellNodes   = panelNodes + " panel blockquote embedCard nestedExpand"
	bodyNodes   = cellNodes + " table bodiedExtension"
	columnNodes = bodyNodes + " expand"
)

// contents says what each node contains, from the published schema of documents. A
// node without an entry is unknown.
var contents = map[string]string{
	"doc":       columnNodes + " layoutSection syncBlock bodiedSyncBlock",
	"paragraph": inlineNodes, "heading": inlineNodes, "taskItem": inlineNodes, "decisionItem": inlineNodes, "caption": inlineNodes,
	"bulletList": "listItem", "orderedList": "listItem", "listItem": listNodes + " taskList",
	"taskList": "taskItem blockTaskItem taskList", "blockTaskItem": "paragraph extension", "decisionList": "decisionItem",
	"blockquote": listNodes + " mediaGroup", "codeBlock": "text", "panel": panelNodes, "rule": "",
	"table": "tableRow", "tableRow": "tableCell tableHeader", "tableCell": cellNodes, "tableHeader": cellNodes,
	"expand": bodyNodes, "nestedExpand": cellNodes, "layoutSection": "layoutColumn", "layoutColumn": columnNodes,
	"mediaSingle": "media caption", "mediaGroup": "media", "media": "", "blockCard": "", "embedCard": "",
	"extension": "", "bodiedExtension": bodyNodes, "syncBlock": "", "bodiedSyncBlock": bodyNodes,
	"text": "", "hardBreak": "", "mention": "", "emoji": "", "date": "", "status": "", "inlineCard": "", "mediaInline": "",
	"inlineExtension": "", "placeholder": "",
}

// required are the attributes that a node must have.
var required = map[string]string{
	"heading": "level", "taskList": "localId", "taskItem": "localId state", "decisionList": "localId", "decisionItem": "localId state",
	"panel": "panelType", "mention": "id", "emoji": "shortName", "date": "timestamp", "status": "text color", "embedCard": "url layout",
	"extension": "extensionType extensionKey", "bodiedExtension": "extensionType extensionKey", "inlineExtension": "extensionType extensionKey",
	"media": "type", "mediaInline": "id collection", "placeholder": "text",
}

// Check reports what keeps doc from being a document that Jira takes: nodes that are
// unknown, stand where they may not or lack an attribute, with the path to the first of
// them, and ErrTooLong. It does not know the values that attributes may have. An absent
// document is right.
func Check(doc []byte) error {
	root, err := decode(doc)
	if err != nil || root == nil {
		return err
	}
	if root.Version != 1 || root.Content == nil {
		return fmt.Errorf("%w, or without version 1 or content", ErrNotDocument)
	}
	if err := checkNode(*root, "doc"); err != nil {
		return err
	}
	_, err = encodeRoot(*root)
	return err
}

func checkNode(n node, path string) error {
	for name := range strings.FieldsSeq(required[n.Type]) {
		if n.Attrs[name] == nil {
			return fmt.Errorf("adf: %s: a %s needs the attribute %s", path, n.Type, name)
		}
	}
	if (n.Type == "text") != (n.Text != "") {
		return fmt.Errorf("adf: %s: text that is not empty belongs to a node text, and only there", path)
	}
	for name := range n.Rest {
		return fmt.Errorf("adf: %s: a node has no member %q", path, name)
	}
	allowed := strings.Fields(contents[n.Type])
	for i, c := range n.Content {
		at := fmt.Sprintf("%s.content[%d]", path, i)
		if _, known := contents[c.Type]; !known {
			return fmt.Errorf("adf: %s: there is no node %q", at, c.Type)
		}
		if !slices.Contains(allowed, c.Type) {
			return fmt.Errorf("adf: %s: a %s cannot stand in a %s", at, c.Type, n.Type)
		}
		if err := checkNode(c, at); err != nil {
			return err
		}
	}
	return nil
}

// SameDocument reports whether two documents are the same but for the ids of their
// nodes, which Jira may change. Absent ones are the same; JSON that is no document is
// compared as it is.
func SameDocument(a, b []byte) bool {
	x, errX := decode(a)
	y, errY := decode(b)
	switch {
	case errX != nil || errY != nil:
		return string(a) == string(b)
	case x == nil || y == nil:
		return x == nil && y == nil
	}
	return hashOf(*x) == hashOf(*y)
}
