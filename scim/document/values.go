package document

import (
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Values is the document of the values that operations set. It reports false if
// they do anything else, or set an attribute twice.
func Values(ops []resource.Operation) (doc query.Object, ok bool) {
	for _, op := range ops {
		if op.Op == "remove" || op.Filter != nil || op.Path.Sub != nil && op.Path.Attr.MultiValued {
			return nil, false
		}
		into := &doc
		if op.Path.Extension != "" {
			extension := doc.Inner(op.Path.Extension)
			into = &extension
		}
		value := op.Value
		_, taken := into.Get(op.Path.Attr.Name)
		if op.Path.Sub != nil {
			whole := into.Inner(op.Path.Attr.Name)
			_, taken = whole.Get(op.Path.Sub.Name)
			value = append(whole, query.Member{Name: op.Path.Sub.Name, Value: value})
		}
		if taken {
			return nil, false
		}
		into.Set(op.Path.Attr.Name, value)
		if op.Path.Extension != "" {
			doc.Set(op.Path.Extension, *into)
		}
	}
	return doc, true
}
