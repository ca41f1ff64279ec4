package plan

import (
	"context"
	"net/http"
	"strings"
	"sync"

	"scim-atlassian/scim/bulk"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Tried is an operation that was rehearsed.
type Tried struct {
	Method   string
	Type     *resource.Type // nil: the operation was refused before it was known
	ID       string         // of the resource, also of a new one
	Before   query.Object   // nil: there was none, or nobody has read it
	Existing bool           // a POST was answered with a resource that was there
}

// tell says in op what has come of an operation that was not refused, and again of
// one that was done in two steps.
func (r *Rehearsal) tell(op *Operation, t Tried) {
	after, touched := r.thing(t.Type, t.ID)
	if !touched {
		after = t.Before
	}
	op.Type = t.Type.Name
	if op.Before == nil && t.Before != nil && t.Method != http.MethodPost && op.Outcome == "" {
		op.Before = t.Before.AppendJSON(nil)
	}
	if op.After = nil; after != nil {
		op.After = after.AppendJSON(nil)
	}
	switch {
	case t.Method == http.MethodPost && t.Existing:
		op.Outcome = none
	case t.Method == http.MethodPost, op.Outcome == create:
		op.Outcome, op.Calls = create, 1
	case after == nil:
		op.Outcome, op.Calls = remove, 1
	case t.Before == nil || !changed(t.Before, after):
		op.Outcome = none
	default:
		op.Outcome, op.Calls = change, 1
	}
	if links := t.Type.Links.Name; t.Type.View && after != nil { // each is a request of its own
		op.Calls += len(added(links, t.Before, after)) + len(added(links, after, t.Before))
	}
}

// refuse tells in op that an operation is refused.
func (op *Operation) refuse(e *resource.Error) {
	op.Outcome, op.Calls, op.After, op.Refusal = refused, 0, nil, e
	op.Error = resource.ErrorDocument(e).AppendJSON(nil)
}

// Config says how a bulk request is rehearsed.
type Config struct {
	Bulk  bulk.Config // it lacks Do
	Adopt bool        // a POST of an issue whose externalId is taken is answered with that issue
	// Try does one operation in a rehearsal.
	Try func(ctx context.Context, step bulk.Step, r *Rehearsal) (Tried, bulk.Outcome)
}

// Rehearse finds out what would come of a bulk request. It reads what it needs in a first
// pass, many things at a time; in the second the operations come one after the other,
// so that what they say of each other is the same every time.
func Rehearse(ctx context.Context, body any, cfg Config) ([]Operation, error) {
	reads := newReads()
	if _, err := rehearseOnce(ctx, body, cfg, newRehearsal(reads, cfg)); err != nil {
		return nil, err
	}
	cfg.Bulk.Parallel = 1
	return rehearseOnce(ctx, body, cfg, newRehearsal(reads, cfg))
}

func rehearseOnce(ctx context.Context, body any, cfg Config, r *Rehearsal) ([]Operation, error) {
	var ops []Operation
	var mu sync.Mutex
	note := func(index int, t Tried, o bulk.Outcome) {
		mu.Lock()
		defer mu.Unlock()
		if o.Refusal != nil {
			ops[index].refuse(o.Refusal)
		} else if t.Type != nil {
			r.tell(&ops[index], t)
		}
	}
	cfg.Bulk.Do = func(ctx context.Context, step bulk.Step) bulk.Outcome {
		t, o := cfg.Try(context.WithValue(ctx, nameKey{}, step.BulkID), step, r)
		note(step.Index, t, o)
		return o
	}
	cfg.Bulk.Settled = func(index int, o bulk.Outcome) { note(index, Tried{}, o) }
	job, err := bulk.Parse(body, cfg.Bulk)
	if err != nil {
		return nil, err
	}
	for _, step := range job.Steps() {
		ops = append(ops, Operation{Method: step.Method, Path: "/" + strings.Join(step.Path, "/"), BulkID: step.BulkID})
	}
	job.Run(ctx)
	for i := range ops {
		if ops[i].Outcome == "" {
			ops[i].refuse(resource.Refuse(http.StatusPreconditionFailed, "", "Not done: before it as many operations are refused as failOnErrors allows."))
		}
	}
	return ops, ctx.Err()
}
