// Package bulk orders the operations of a bulk request (RFC 7644 section 3.7) and runs them.
//
// Parse reads a request into a Job, and Job.Run runs it through Config.Do, a function that performs one operation: so
// the package knows neither HTTP nor a backend. Operations that do not touch each other run at the same time. An
// operation waits for those that it refers to by bulkId, and for earlier ones on the same resource (plan.go). Where
// references go in a circle, a resource is made without one of them, which a PATCH adds afterwards; circles that can
// never be closed are refused before anything is done (circle.go).
package bulk

import (
	"context"
	"net/url"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// maxParallel bounds the operations of one request that run at the same time. The clients of Atlassian have limits of
// their own, common to all requests and lower.
const maxParallel = 16

// Config bounds a bulk request and ties it to the server that performs its operations.
type Config struct {
	MaxOperations        int  // in one request
	Strict               bool // hold the request to the letter of the RFC
	IgnoreUnknownMembers bool // Do passes over members that cannot exist, so they are not refused beforehand
	// TypeAt returns the resource type at the first segment of a path, unescaped; nil if there is none.
	TypeAt func(segment string) *resource.Type
	// Locate returns the URL of a path, in escaped segments, below the base URL.
	Locate   func(path []string) string
	Parallel int // operations at the same time at most; 0: as many as are good
	// Settled is told of an operation that needs nothing more, apart from what closes a
	// circle of references, by its index in the request. It is called one at a time; nil: nobody is told.
	Settled func(index int, outcome Outcome)
	// Do performs one operation and returns when it is done or refused. Run calls it from several goroutines at once.
	Do func(ctx context.Context, step Step) Outcome
}

// Step is an operation that is ready to be performed: ids stand in place of its references. Do may keep it.
type Step struct {
	Index   int      // in the request, from 0
	Method  string   // POST, PUT, PATCH or DELETE
	BulkID  string   // of a POST, "" for none
	Path    []string // escaped segments below the base URL
	Version string   // entity tag for If-Match, "" for none
	Data    any      // the body, as decoded from JSON
}

// Outcome is the answer to a step.
type Outcome struct {
	Status   int             // of HTTP
	ID       string          // of the resource that a POST made
	Location string          // of the resource, "" if it is not known
	Version  string          // entity tag of the resource, "" if it is not known
	Refusal  *resource.Error // why the step was not done; nil: it was
}

// Job is a bulk request to be run once. Only the goroutine of Run writes to it, and to operations that have not started.
type Job struct {
	cfg   Config
	ops   []*operation
	byID  map[string]*operation // the POSTs by bulkId
	limit int                   // the number of errors at which no further operation starts

	ready  []*operation // wait for nothing and have not started, in the order of the request
	errors int
}

// operation is one operation of a bulk request, from its text to its result.
type operation struct {
	index   int // in the request
	method  string
	bulkID  string
	path    []string // escaped segments below the base URL
	version string
	data    any

	fault error           // why it cannot be done, found before it starts
	refs  map[string]bool // the bulkIds that path and data refer to; true: the POST is not settled

	open    int          // how many of refs are not settled
	waiting int          // how often it stands in the next of operations that are not settled; open counts among these
	next    []*operation // operations that wait for this one, once for each reason
	started bool
	settled bool // has an outcome

	without query.Object // attributes that complete adds, since they refer to operations in the same circle
	id      string       // of the resource that a POST has made
	outcome Outcome
	result  query.Object // for the client; nil: the operation was not reached
}

// Run runs the operations. It returns the results of all that were reached, for the client (RFC 7644 section 3.7.3) and
// in the order of the request, and how many of these failed. Operations are not reached after failOnErrors failures; when
// ctx ends, those that have not begun fail with 504. Run returns when every call of Do has. A Job runs once.
func (j *Job) Run(ctx context.Context) (results []any, failed int) {
	j.plan()
	j.runAll(ctx)
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

// target returns the unescaped id in the path of an operation, "" for a POST.
func (op *operation) target() string {
	if len(op.path) < 2 {
		return ""
	}
	id, _ := url.PathUnescape(op.path[1]) // parsePath has checked the escapes
	return id
}

// typeOf returns the resource type that the path of an operation leads to, nil if there is none.
func (j *Job) typeOf(op *operation) *resource.Type {
	if len(op.path) == 0 {
		return nil
	}
	segment, _ := url.PathUnescape(op.path[0]) // parsePath has checked the escapes
	return j.cfg.TypeAt(segment)
}
