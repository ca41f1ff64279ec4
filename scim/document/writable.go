package document

import (
	"fmt"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// CheckWritable refuses a write that would turn current into doc if it takes a required value away or changes an
// immutable one (RFC 7643 section 2.2), with 400 mutability. Neither object is written to. readOnly attributes are not
// compared: bodies are read without them.
func CheckWritable(rt *resource.Type, current, doc query.Object) error {
	for _, a := range rt.Schema.Attributes {
		if a.Mutability == query.ReadOnly {
			continue
		}
		before, had := current.Get(a.Name)
		after, has := doc.Get(a.Name)
		if a.Required && had && !has {
			return resource.Mutability("%s is required and cannot be removed.", a.Name)
		}
		if a.Mutability == query.Immutable && had && !sameValue(rt, before, after) {
			return resource.Mutability("%s is fixed once the %s exists: Atlassian does not change it from %s to %s. Create another %s instead.",
				a.Name, rt.Name, valueText(before), valueText(after), rt.Name)
		}
	}
	return nil
}

// sameValue reports whether two values of an attribute are equal. A reference also equals the value that it refers to:
// {"key": "ENG"} the project {"id": "10000", "key": "ENG", "name": "Engineering"}.
func sameValue(rt *resource.Type, before, after any) bool {
	is, ok := before.(query.Object)
	given, also := after.(query.Object)
	if ok && also && rt.References {
		return query.Refers(given, is)
	}
	return query.Equal(query.Object{{Value: before}}, query.Object{{Value: after}})
}

// valueText writes a value, nil for none, for the detail of an error.
func valueText(v any) string {
	if v == nil {
		return "none"
	}
	if o, ok := v.(query.Object); ok {
		return resource.Describe(o)
	}
	return resource.InQuotes(fmt.Sprint(v))
}
