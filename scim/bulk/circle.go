package bulk

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"golang.org/x/sync/errgroup"

	"scim-atlassian/scim/resource"
)

// refuseImpossible refuses the POSTs whose references can never hold, before anything is done: a group as a member of a
// group, and issues that are their own ancestors. A circle of such references cannot be closed, and the resources made
// without them would be left behind.
func (j *Job) refuseImpossible() {
	parents := map[*operation]*operation{}
	for _, op := range j.ops {
		rt := j.typeOf(op)
		if op.fault != nil || op.method != http.MethodPost || rt == nil {
			continue
		}
		object, _ := op.data.(map[string]any)
		for _, to := range j.postsIn(rt, object, "parent") {
			parents[op] = to
		}
		if j.cfg.IgnoreUnknownMembers || rt.Linked == nil {
			continue
		}
		for _, to := range j.postsIn(rt, object, rt.Links.Name) {
			if made := j.typeOf(to); made != nil && !slices.Contains(rt.Linked, made.Endpoint) {
				op.fault = resource.InvalidValue("%[1]s: %[2]s stands for a new resource of %[3]s, which cannot be among the %[1]s of a %[4]s in Atlassian; nothing was changed.",
					rt.Links.Name, resource.InQuotes(referencePrefix+to.bulkID), made.Endpoint, rt.Name)
			}
		}
	}
	for op, to := range parents {
		if isAncestor(op, to, parents) {
			op.fault = resource.InvalidValue("parent: %s makes the issue its own ancestor; nothing was changed.", resource.InQuotes(referencePrefix+to.bulkID))
		}
	}
}

// isAncestor reports whether op is from or one of its ancestors. It takes as many steps up as there are parents, so it
// also ends in a circle that op is not part of.
func isAncestor(op, from *operation, parents map[*operation]*operation) bool {
	for range len(parents) {
		if from == nil || from == op {
			break
		}
		from = parents[from]
	}
	return from == op
}

// postsIn lists the POSTs that an attribute of object refers to. object is the data of an operation on rt.
func (j *Job) postsIn(rt *resource.Type, object map[string]any, attribute string) []*operation {
	var found []*operation
	for name, v := range object {
		if wrapped, ok := v.(map[string]any); ok && rt.Schema.IsCore(name) {
			found = append(found, j.postsIn(rt, wrapped, attribute)...)
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

// breakCircle makes an operation ready when all that are left wait for each other: a POST that waits for itself, without
// the attributes that refer to resources that do not exist yet. It reports false if no operation waits.
func (j *Job) breakCircle() bool {
	var first *operation
	for _, op := range j.ops {
		if op.started {
			continue
		}
		if first == nil && op.open == 0 {
			first = op
		}
		if op.method == http.MethodPost && op.open > 0 && op.waitsForItself() {
			op.withhold(j.idOf)
			j.enqueue(op)
			return true
		}
	}
	if first != nil {
		j.enqueue(first) // no reference holds it back: it waits for an earlier operation that refers to it
	}
	return first != nil
}

// waitsForItself reports whether one of the operations that wait for op, directly or by way of others, is op.
func (op *operation) waitsForItself() bool {
	seen := map[*operation]bool{}
	stack := slices.Clone(op.next)
	for len(stack) > 0 {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if at == op {
			return true
		}
		if !seen[at] && !at.started {
			seen[at] = true
			stack = append(stack, at.next...)
		}
	}
	return false
}

// withhold moves the attributes that refer to a bulkId without id from data to op.without.
func (op *operation) withhold(idOf func(bulkID string) string) {
	object, _ := op.data.(map[string]any)
	kept := make(map[string]any, len(object))
	for name, v := range object {
		if slices.ContainsFunc(texts(v), func(text string) bool {
			bulkID, ok := referenceIn(text)
			return ok && idOf(bulkID) == ""
		}) {
			op.without.Set(name, v)
		} else {
			kept[name] = v
		}
	}
	op.data = kept
}

// complete adds to the resources that were made without some attributes those attributes.
func (j *Job) complete(ctx context.Context) {
	var group errgroup.Group
	group.SetLimit(maxParallel)
	for _, op := range j.ops {
		if op.without == nil || op.id == "" {
			continue
		}
		group.Go(func() error {
			j.completeOne(ctx, op)
			return nil
		})
	}
	_ = group.Wait() // nil: errors are in the results
}

// completeOne adds the withheld attributes to the resource that op made. If that fails, the result says that the
// resource exists nevertheless.
func (j *Job) completeOne(ctx context.Context, op *operation) {
	value := map[string]any{}
	for _, m := range op.without {
		value[m.Name] = resolve(m.Value, j.idOf)
	}
	data := map[string]any{"schemas": []any{resource.URNPatchOp}, "Operations": []any{map[string]any{"op": "add", "value": value}}}
	var outcome Outcome
	if bulkID := j.unresolved(op); bulkID != "" {
		outcome = j.refused(op, resource.Refuse(http.StatusConflict, "", "The circle of references cannot be resolved, since the bulkId %q failed.", resource.Clip(bulkID)))
	} else {
		outcome = j.cfg.Do(ctx, Step{Index: op.index, Method: http.MethodPatch, Path: []string{op.path[0], url.PathEscape(op.id)}, Data: data})
	}
	made := op.outcome
	made.Version = outcome.Version
	if outcome.Refusal != nil {
		e := *outcome.Refusal
		e.Detail = "The resource was created, but not all that was asked for was done. " + e.Detail
		made.Version, made.Status, made.Refusal = "", outcome.Status, &e
	}
	op.outcome, op.result = made, op.describe(made)
}
