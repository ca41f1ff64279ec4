package scim

import (
	"slices"

	"scim-atlassian/scim/query"
)

// applyToIssue returns the issue with the operations applied, RFC 7644 section
// 3.5.2. It does not write to current.
func applyToIssue(current query.Object, ops []operation) (query.Object, error) {
	doc := current.Clone()
	for _, op := range ops {
		if _, ok := fieldFor(op.path.Attr.Name); !ok {
			return nil, mutability("%s cannot be changed; Jira does not keep it.", op.path)
		}
		var err error
		if op.path.Attr.MultiValued {
			err = applyToList(&doc, op)
		} else {
			applyToOne(&doc, op)
		}
		if err != nil {
			return nil, err
		}
	}
	return doc, nil
}

// applyToOne changes a single value. A sub-attribute of a reference replaces
// the reference: the other members are of what it referred to before.
func applyToOne(doc *query.Object, op operation) {
	name := op.path.Attr.Name
	if op.op == "remove" || op.value == nil {
		doc.Delete(name)
		return
	}
	if op.path.Sub == nil {
		doc.Set(name, op.value)
		return
	}
	doc.Set(name, query.Object{{Name: op.path.Sub.Name, Value: op.value}})
}

func applyToList(doc *query.Object, op operation) error {
	name := op.path.Attr.Name
	v, _ := doc.Get(name)
	list, _ := v.([]any)
	given, _ := op.value.([]any)
	if op.value != nil && given == nil {
		given = []any{op.value}
	}
	switch {
	case op.filter != nil:
		var err error
		if list, err = applyToMatching(list, op, given); err != nil {
			return err
		}
	case op.path.Sub != nil:
		return invalidPath("%s: say which element is meant, as in %s[id eq \"1\"].", op.path, name)
	case op.op == "add":
		list = slices.Clone(list)
		for _, g := range given {
			if !slices.ContainsFunc(list, func(e any) bool { return sameElement(g, e) }) {
				list = append(list, g)
			}
		}
	case op.op == "replace":
		list = given
	case given != nil: // remove with values, as some clients send it
		list = slices.DeleteFunc(slices.Clone(list), func(e any) bool {
			return slices.ContainsFunc(given, func(g any) bool { return sameElement(g, e) })
		})
	default:
		list = nil
	}
	if len(list) == 0 {
		doc.Delete(name)
		return nil
	}
	doc.Set(name, list)
	return nil
}

func applyToMatching(list []any, op operation, given []any) ([]any, error) {
	matches := func(e any) bool { return op.selects(e) }
	if !slices.ContainsFunc(list, matches) {
		if op.op == "remove" {
			return list, nil
		}
		return nil, noTarget("%s has no element that satisfies %s.", op.path.Attr.Name, op.filter)
	}
	kept := slices.DeleteFunc(slices.Clone(list), matches)
	if op.op == "remove" {
		return kept, nil
	}
	if op.path.Sub != nil {
		given = []any{query.Object{{Name: op.path.Sub.Name, Value: op.value}}}
	}
	return append(kept, given...), nil
}

// sameElement reports whether given refers to an element of a list.
func sameElement(given, element any) bool {
	g, ok := given.(query.Object)
	e, also := element.(query.Object)
	if ok && also {
		return refers(g, e)
	}
	return given == element
}
