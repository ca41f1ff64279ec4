package bulk

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// runAll starts operations as they become ready, until all are settled or as many have failed as the client allows. At
// most as many run at once as may still fail: else operations already under way could overrun failOnErrors.
func (j *Job) runAll(ctx context.Context) {
	done := make(chan *operation)
	running := 0
	for {
		for len(j.ready) > 0 && running < min(j.parallel(), j.limit-j.errors) {
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

// parallel is how many operations may run at the same time.
func (j *Job) parallel() int {
	if j.cfg.Parallel > 0 {
		return j.cfg.Parallel
	}
	return maxParallel
}

// Steps lists all operations of the request, with their references as the client has sent them.
func (j *Job) Steps() []Step {
	steps := make([]Step, len(j.ops))
	for i, op := range j.ops {
		steps[i] = Step{Index: op.index, Method: op.method, BulkID: op.bulkID, Path: op.path, Version: op.version, Data: op.data}
	}
	return steps
}

// settle records the outcome of an operation. Operations that waited for nothing else become ready; those that refer to
// a failed one by bulkId will fail in turn.
func (j *Job) settle(op *operation, outcome Outcome) {
	op.outcome, op.result, op.settled = outcome, op.describe(outcome), true
	if j.cfg.Settled != nil {
		j.cfg.Settled(op.index, outcome)
	}
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

// enqueue makes an operation ready.
func (j *Job) enqueue(op *operation) {
	at, _ := slices.BinarySearchFunc(j.ready, op, func(a, b *operation) int { return a.index - b.index })
	j.ready = slices.Insert(j.ready, at, op)
}

// step returns an operation with ids in place of its references, ready to be performed.
func (j *Job) step(op *operation) Step {
	step := Step{Index: op.index, Method: op.method, BulkID: op.bulkID, Path: slices.Clone(op.path), Version: op.version, Data: op.data}
	if bulkID, ok := referenceIn(op.target()); ok {
		step.Path[1] = url.PathEscape(j.idOf(bulkID))
	}
	if len(op.refs) > 0 {
		step.Data = resolve(op.data, j.idOf)
	}
	return step
}

// refused is the outcome of an operation that was not performed because of err.
func (j *Job) refused(op *operation, err error) Outcome {
	e := resource.AsError(err)
	out := Outcome{Status: e.Status, Refusal: e}
	if id := op.target(); id != "" {
		if _, open := referenceIn(id); !open {
			out.Location = j.cfg.Locate(op.path)
		}
	}
	return out
}

// failed reports whether an operation that is settled was not done.
func (op *operation) failed() bool { return op.outcome.Refusal != nil }

// describe returns an outcome in the form of a bulk response, RFC 7644 section 3.7.3.
func (op *operation) describe(out Outcome) query.Object {
	result := query.Texts("method", op.method, "bulkId", op.bulkID, "location", out.Location, "version", out.Version, "status", strconv.Itoa(out.Status))
	if out.Refusal != nil {
		result.Set("response", resource.ErrorDocument(out.Refusal))
	}
	return result
}
