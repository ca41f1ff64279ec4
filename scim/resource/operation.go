package resource

import "scim-atlassian/scim/query"

// URNPatchOp is the schema of a PATCH body, RFC 7644 section 3.5.2.
const URNPatchOp = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

// Operation is one step of a PATCH, RFC 7644 section 3.5.2, checked against the
// schema: the attribute exists, clients may write it, and Value has its type.
// Nobody writes to the values in it.
type Operation struct {
	Op     string     // "add", "replace" or "remove"
	Path   query.Path // the attribute or sub-attribute; an operation on a whole resource comes as several
	Filter query.Expr // of path[filter], over the elements of Path.Attr; nil: there is none
	Value  any        // as query.Member holds it; nil: a remove of all that Path and Filter mean
}

// Settles reports whether the operation alone decides the values of its multi-valued
// attribute, without regard to the present ones.
func (op Operation) Settles() bool {
	return op.Path.Sub == nil && (op.Op == "replace" || op.Op == "remove" && op.Value == nil)
}

// Touches reports whether two operations are on the same attribute, or one is on a
// part of the other's.
func (op Operation) Touches(other Operation) bool {
	return op.Path.Extension == other.Path.Extension && op.Path.Attr == other.Path.Attr &&
		(op.Path.Sub == nil || other.Path.Sub == nil || op.Path.Sub == other.Path.Sub)
}
