package bulk

import (
	"net/http"
	"net/url"
	"slices"

	"scim-atlassian/scim/resource"
)

// refuseImpossible finds the POSTs whose references can never hold, before
// anything is done: a group as a member of a group, and issues that are their own
// ancestors. A circle of such references cannot be closed, and what was made
// without its reference would be left behind.
func (j *bulkJob) refuseImpossible() {
	parents := map[*bulkOperation]*bulkOperation{}
	for _, op := range j.ops {
		rt := j.typeOf(op)
		if op.fault != nil || op.method != http.MethodPost || rt == nil {
			continue
		}
		object, _ := op.data.(map[string]any)
		for _, to := range j.referred(rt, object, "parent") {
			parents[op] = to
		}
		if j.cfg.IgnoreUnknownMembers || rt.Linked == nil {
			continue
		}
		for _, to := range j.referred(rt, object, rt.Links.Name) {
			if made := j.typeOf(to); made != nil && !slices.Contains(rt.Linked, made.Endpoint) {
				op.fault = resource.InvalidValue("%[1]s: %[2]s is made by a POST to %[3]s, and what that makes cannot be among the %[1]s of a %[4]s in Atlassian; nothing was changed.",
					rt.Links.Name, resource.InQuotes(referencePrefix+to.bulkID), made.Endpoint, rt.Name)
			}
		}
	}
	for op, to := range parents {
		if isAncestor(op, to, parents) {
			op.fault = resource.InvalidValue("parent: %s makes the issue an ancestor of its own; nothing was changed.", resource.InQuotes(referencePrefix+to.bulkID))
		}
	}
}

// isAncestor reports whether the way up from an issue leads to op. It ends where
// the way goes round in a circle without op.
func isAncestor(op, from *bulkOperation, parents map[*bulkOperation]*bulkOperation) bool {
	for range len(parents) {
		if from == nil || from == op {
			break
		}
		from = parents[from]
	}
	return from == op
}

// typeOf is the resource type that the path of an operation leads to, nil if none.
func (j *bulkJob) typeOf(op *bulkOperation) *resource.Type {
	if len(op.path) == 0 {
		return nil
	}
	segment, _ := url.PathUnescape(op.path[0]) // document.ParsePath has tried
	return j.cfg.TypeAt(segment)
}

// referred lists the POSTs that an attribute in the data of another one refers to.
func (j *bulkJob) referred(rt *resource.Type, object map[string]any, attribute string) []*bulkOperation {
	var found []*bulkOperation
	for name, v := range object {
		if wrapped, ok := v.(map[string]any); ok && rt.Schema.IsCore(name) {
			found = append(found, j.referred(rt, wrapped, attribute)...)
			continue
		}
		if p, err := rt.Schema.Resolve(name); err != nil || p.Attr.Name != attribute {
			continue
		}
		for _, text := range texts(v) {
			if bulkID, ok := referenceIn(text); ok && j.byID[bulkID] != nil {
				found = append(found, j.byID[bulkID])
			}
		}
	}
	return found
}
