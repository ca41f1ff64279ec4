package resource

import "scim-atlassian/scim/query"

// Operation is one step of a PATCH, RFC 7644 section 3.5.2, checked against the
// schema: op is add, replace or remove; values are coerced to the attribute's
// type.
type Operation struct {
	Op     string
	Path   query.Path
	Filter query.Expr // of path[filter], nil if none
	Value  any        // nil for a remove without value
}

const URNPatchOp = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

// Settles reports whether an operation says all that is in a list afterwards.
func (op Operation) Settles() bool {
	return op.Path.Sub == nil && (op.Op == "replace" || op.Op == "remove" && op.Value == nil)
}

// Touches reports whether two operations are on the same attribute, or one on a
// part of the other's.
func (op Operation) Touches(other Operation) bool {
	return op.Path.Extension == other.Path.Extension && op.Path.Attr == other.Path.Attr &&
		(op.Path.Sub == nil || other.Path.Sub == nil || op.Path.Sub == other.Path.Sub)
}
