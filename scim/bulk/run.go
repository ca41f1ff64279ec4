package bulk

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"scim-atlassian/scim/document"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// bulkParallel is how many operations of one request run at the same time. The
// clients of Atlassian keep their own, common limits below it.
const bulkParallel = 16

// bulkJob runs the operations of one request: those that do not touch each other
// at the same time, the others in their order. Its own goroutine alone writes to
// it and to operations that have not been started.
type bulkJob struct {
	cfg   Config
	ops   []*bulkOperation
	byID  map[string]*bulkOperation // POST operations by bulkId
	limit int                       // errors at which no further operation starts

	ready  []*bulkOperation // in the order of the request
	errors int
}

// plan works out what waits for what: for the operations that it refers to, and
// for earlier ones on the same resource, be it that one changes what the other
// names, or that both make one of the same name.
func (j *bulkJob) plan() {
	j.refuseImpossible()
	targets := map[string]bool{}
	for _, op := range j.ops {
		if id := op.target(); id != "" {
			targets[id] = true
		}
	}
	writer := map[string]*bulkOperation{}
	readers := map[string][]*bulkOperation{}
	for _, op := range j.ops {
		if op.fault == nil {
			op.fault = j.refer(op)
		}
		if op.fault != nil {
			continue
		}
		changed := op.target()
		if changed == "" {
			changed = op.name()
		}
		for _, id := range texts(op.data) {
			if targets[id] && id != changed {
				op.waitFor(writer[id])
				readers[id] = append(readers[id], op)
			}
		}
		if changed != "" {
			op.waitFor(writer[changed])
			for _, r := range readers[changed] {
				op.waitFor(r)
			}
			writer[changed], readers[changed] = op, nil
		}
	}
	for _, op := range j.ops {
		if op.waiting == 0 {
			j.ready = append(j.ready, op)
		}
	}
}

// refer finds the operations that op refers to and makes it wait for them.
func (j *bulkJob) refer(op *bulkOperation) error {
	for _, text := range append(texts(op.data), op.target()) {
		bulkID, ok := referenceIn(text)
		if _, known := op.refs[bulkID]; !ok || known {
			continue
		}
		to := j.byID[bulkID]
		if to == nil {
			return resource.InvalidValue("No POST in this request has the bulkId %q.", resource.Clip(bulkID))
		}
		op.refs[bulkID] = true
		op.open++
		op.waiting++
		to.next = append(to.next, op)
	}
	return nil
}

func (op *bulkOperation) waitFor(earlier *bulkOperation) {
	if earlier != nil && earlier != op {
		op.waiting++
		earlier.next = append(earlier.next, op)
	}
}

// name is what no two resources at the operation's endpoint may share.
func (op *bulkOperation) name() string {
	object, _ := op.data.(map[string]any)
	for _, attribute := range []string{"userName", "displayName"} {
		value, _ := document.LookUp(object, attribute)
		if text, ok := value.(string); ok && text != "" {
			return strings.ToLower(op.path[0] + "\x00" + text)
		}
	}
	return ""
}

// Run does the operations and returns the results of those that were done, in the
// order of the request, and how many failed.
func (j *bulkJob) Run(ctx context.Context) (results []any, failed int) {
	j.plan()
	j.start(ctx)
	j.complete(ctx)
	results = []any{}
	for _, op := range j.ops {
		if op.result == nil {
			continue
		}
		results = append(results, op.result)
		if op.failed() {
			failed++
		}
	}
	return results, failed
}

// start starts operations as they become ready until all are settled, or as many
// have failed as the client allows. At most as many run at once as may still
// fail: else operations already under way could overrun failOnErrors.
func (j *bulkJob) start(ctx context.Context) {
	done := make(chan *bulkOperation)
	running := 0
	for {
		for len(j.ready) > 0 && running < min(bulkParallel, j.limit-j.errors) {
			op := j.ready[0]
			j.ready = j.ready[1:]
			op.started = true
			if err := ctx.Err(); err != nil && op.fault == nil {
				op.fault = &resource.Error{Status: http.StatusGatewayTimeout, Detail: "Not done: the time for the whole request was over before it began.", Err: err}
			}
			if op.fault != nil {
				j.settle(op, j.refused(op, op.fault))
				continue
			}
			running++
			step := j.step(op)
			go func() {
				op.outcome = j.cfg.Do(ctx, step)
				done <- op
			}()
		}
		switch {
		case running > 0:
			op := <-done
			running--
			if op.method == http.MethodPost {
				op.id = op.outcome.ID
			}
			j.settle(op, op.outcome)
		case j.errors >= j.limit || !j.breakCircle():
			return
		}
	}
}

// settle takes note of the result of an operation and lets those go on that
// waited for it. What refers to one that failed fails too.
func (j *bulkJob) settle(op *bulkOperation, outcome Outcome) {
	op.outcome, op.result, op.settled = outcome, op.describe(outcome), true
	failed := op.failed()
	if failed {
		j.errors++
	}
	for _, waiter := range op.next {
		referred := j.byID[op.bulkID] == op && waiter.refs[op.bulkID]
		if referred {
			waiter.refs[op.bulkID] = false
			waiter.open--
		}
		if failed && referred && waiter.fault == nil {
			waiter.fault = resource.Refuse(http.StatusPreconditionFailed, "", "Not done: it refers to the bulkId %q, which failed.", resource.Clip(op.bulkID))
		}
		if waiter.waiting--; waiter.waiting == 0 && !waiter.started {
			j.enqueue(waiter)
		}
	}
}

func (j *bulkJob) enqueue(op *bulkOperation) {
	at, _ := slices.BinarySearchFunc(j.ready, op, func(a, b *bulkOperation) int { return a.index - b.index })
	j.ready = slices.Insert(j.ready, at, op)
}

// breakCircle lets an operation start that waits for itself by way of others:
// a POST, without the attributes that refer to what is not there yet. It reports
// false if nothing waits.
func (j *bulkJob) breakCircle() bool {
	var first *bulkOperation
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
		j.enqueue(first) // it waits for an earlier one that refers to it
	}
	return first != nil
}

// unresolved is a bulkId that op refers to and that has no id yet, "" if none is.
func (j *bulkJob) unresolved(op *bulkOperation) string {
	for _, bulkID := range slices.Sorted(maps.Keys(op.refs)) {
		if j.idOf(bulkID) == "" {
			return bulkID
		}
	}
	return ""
}

// waitsForItself follows those that wait for op back to it.
func (op *bulkOperation) waitsForItself() bool {
	seen := map[*bulkOperation]bool{}
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

// withhold takes the attributes out of data that refer to what has no id yet.
func (op *bulkOperation) withhold(known func(string) string) {
	object, _ := op.data.(map[string]any)
	kept := make(map[string]any, len(object))
	for name, v := range object {
		if slices.ContainsFunc(texts(v), func(text string) bool {
			bulkID, ok := referenceIn(text)
			return ok && known(bulkID) == ""
		}) {
			op.without.Set(name, v)
		} else {
			kept[name] = v
		}
	}
	op.data = kept
}

// complete gives what was made without some of its references the rest of them.
func (j *bulkJob) complete(ctx context.Context) {
	var group errgroup.Group
	group.SetLimit(bulkParallel)
	for _, op := range j.ops {
		if op.without == nil || op.id == "" {
			continue
		}
		group.Go(func() error {
			j.completeOne(ctx, op)
			return nil
		})
	}
	_ = group.Wait() // no error but in results
}

// completeOne adds to the resource that op made the attributes it was made
// without. If that fails, the result says that the resource exists.
func (j *bulkJob) completeOne(ctx context.Context, op *bulkOperation) {
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

// idOf is the id of what the POST with that bulkId made, "" if it has not.
func (j *bulkJob) idOf(bulkID string) string {
	if op := j.byID[bulkID]; op != nil && op.settled {
		return op.id
	}
	return ""
}

// step is an operation as it is to be run, with ids in place of references.
func (j *bulkJob) step(op *bulkOperation) Step {
	step := Step{Index: op.index, Method: op.method, Path: slices.Clone(op.path), Version: op.version, Data: op.data}
	if bulkID, ok := referenceIn(op.target()); ok {
		step.Path[1] = url.PathEscape(j.idOf(bulkID))
	}
	if len(op.refs) > 0 {
		step.Data = resolve(op.data, j.idOf)
	}
	return step
}

// refused is the outcome of an operation that was not run.
func (j *bulkJob) refused(op *bulkOperation, err error) Outcome {
	e := resource.AsError(err)
	out := Outcome{Status: e.Status, Refusal: e}
	if id := op.target(); id != "" {
		if _, open := referenceIn(id); !open {
			out.Location = j.cfg.Locate(op.path)
		}
	}
	return out
}

// failed reports whether an operation that was settled was not done.
func (op *bulkOperation) failed() bool { return op.outcome.Refusal != nil }

// describe is an outcome as the client gets it, RFC 7644 section 3.7.3.
func (op *bulkOperation) describe(out Outcome) query.Object {
	result := query.Texts("method", op.method, "bulkId", op.bulkID, "location", out.Location, "version", out.Version, "status", strconv.Itoa(out.Status))
	if out.Refusal != nil {
		result.Set("response", resource.ErrorDocument(out.Refusal))
	}
	return result
}
