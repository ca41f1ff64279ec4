package scim

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"scim-atlassian/scim/query"
)

// bulkParallel is how many operations of one request run at the same time. The
// clients of Atlassian keep their own, common limits below it.
const bulkParallel = 16

// bulkJob runs the operations of one request: those that do not touch each other
// at the same time, the others in their order. Its own goroutine alone writes to
// it and to operations that have not been started.
type bulkJob struct {
	server  *Server
	outer   *call
	request *http.Request
	ops     []*bulkOperation
	byID    map[string]*bulkOperation // POST operations by bulkId
	limit   int                       // errors at which no further operation starts

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
			return invalidValue("No POST in this request has the bulkId %q.", clip(bulkID))
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
		value, _ := lookUp(object, attribute)
		if text, ok := value.(string); ok && text != "" {
			return strings.ToLower(op.path[0] + "\x00" + text)
		}
	}
	return ""
}

// run starts operations as they become ready until all are settled, or as many
// have failed as the client allows. It never has more in progress than may still
// fail, so that of independent operations none is done that would not have been
// done one by one.
func (j *bulkJob) run() {
	done := make(chan *bulkOperation)
	running := 0
	for {
		for len(j.ready) > 0 && running < min(bulkParallel, j.limit-j.errors) {
			op := j.ready[0]
			j.ready = j.ready[1:]
			op.started = true
			if err := j.request.Context().Err(); err != nil && op.fault == nil {
				op.fault = &Error{Status: http.StatusGatewayTimeout, Detail: "Not done: the time for the whole request was over before it began.", Err: err}
			}
			if op.fault != nil {
				j.settle(op, j.failed(op, op.fault))
				continue
			}
			running++
			data, path := j.resolved(op)
			go func() {
				op.result = j.perform(op, op.method, path, data)
				done <- op
			}()
		}
		switch {
		case running > 0:
			op := <-done
			running--
			j.settle(op, op.result)
		case j.errors >= j.limit || !j.breakCircle():
			j.complete()
			return
		}
	}
}

// settle takes note of the result of an operation and lets those go on that
// waited for it. What refers to one that failed fails too.
func (j *bulkJob) settle(op *bulkOperation, result query.Object) {
	op.result, op.settled = result, true
	failed := text(result, "status")[0] >= '4'
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
			waiter.fault = refuse(http.StatusPreconditionFailed, "", "Not done: it refers to the bulkId %q, which failed.", clip(op.bulkID))
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
func (j *bulkJob) complete() {
	var group errgroup.Group
	group.SetLimit(bulkParallel)
	for _, op := range j.ops {
		if op.without == nil || op.id == "" {
			continue
		}
		group.Go(func() error {
			op.result = j.completed(op)
			return nil
		})
	}
	_ = group.Wait() // no error but in results
	j.errors = 0
	for _, op := range j.ops {
		if op.result != nil && text(op.result, "status")[0] >= '4' {
			j.errors++
		}
	}
}

// completed adds to the resource that op made the attributes it was made
// without. If that fails, the result says that the resource exists.
func (j *bulkJob) completed(op *bulkOperation) query.Object {
	value := map[string]any{}
	for _, m := range op.without {
		value[m.Name] = resolve(m.Value, j.idOf)
	}
	data := map[string]any{"schemas": []any{urnPatchOp}, "Operations": []any{map[string]any{"op": "add", "value": value}}}
	made := op.result
	var result query.Object
	if bulkID := j.unresolved(op); bulkID != "" {
		result = j.failed(op, refuse(http.StatusConflict, "", "The circle of references cannot be resolved, since the bulkId %q failed.", clip(bulkID)))
	} else {
		result = j.perform(op, http.MethodPatch, []string{op.path[0], url.PathEscape(op.id)}, data)
	}
	status := text(result, "status")
	if status[0] < '4' {
		made.Delete("version")
		if v := text(result, "version"); v != "" {
			made.Set("version", v)
		}
		return made
	}
	response := inner(result, "response").Clone()
	response.Set("detail", fmt.Sprintf("The resource was created, but not all that was asked for was done. %s", text(response, "detail")))
	made.Delete("version")
	made.Set("status", status)
	made.Set("response", response)
	return made
}

// idOf is the id of what the POST with that bulkId made, "" if it has not.
func (j *bulkJob) idOf(bulkID string) string {
	if op := j.byID[bulkID]; op != nil && op.settled {
		return op.id
	}
	return ""
}

// resolved is an operation's data and path with ids in place of references.
func (j *bulkJob) resolved(op *bulkOperation) (data any, path []string) {
	path = slices.Clone(op.path)
	if bulkID, ok := referenceIn(op.target()); ok {
		path[1] = url.PathEscape(j.idOf(bulkID))
	}
	if len(op.refs) == 0 {
		return op.data, path
	}
	return resolve(op.data, j.idOf), path
}

// perform sends one operation through the pipeline and returns its result. It
// writes to nothing but op.id.
func (j *bulkJob) perform(op *bulkOperation, method string, path []string, data any) query.Object {
	header := http.Header{"X-Request-Id": {j.outer.id}, "Content-Type": {mediaSCIM}}
	if op.version != "" && method == op.method {
		header.Set("If-Match", op.version)
	}
	escaped := BasePath + "/" + strings.Join(path, "/")
	unescaped, _ := url.PathUnescape(escaped) // parsePath has tried
	r := &http.Request{Method: method, URL: &url.URL{Path: unescaped, RawPath: escaped}, Header: header, Body: http.NoBody}
	c := newCall(r, j.outer.base, j.server.cfg.Now())
	c.caller, c.data, c.operation = j.outer.caller, data, op.index+1
	r = r.WithContext(withCall(j.request.Context(), c))
	j.server.conclude(c, j.server.perform(c, r))
	j.server.record(c, c.status())
	j.outer.upstream.Add(c.upstream.Load())
	if method == http.MethodPost && c.err == nil {
		op.id = c.target
	}
	return j.result(op, c)
}

// result describes the outcome of an operation, RFC 7644 section 3.7.3.
func (j *bulkJob) result(op *bulkOperation, c *call) query.Object {
	result := op.header()
	if c.rt != nil && c.target != "" {
		result.Set("location", c.base+c.rt.Endpoint+"/"+url.PathEscape(c.target))
	}
	if c.found != nil && c.err == nil {
		result.Set("version", version(c.found))
	}
	result.Set("status", strconv.Itoa(c.status()))
	if c.err != nil {
		result.Set("response", errorObject(c.refusal))
	}
	return result
}

// failed is the result of an operation that was not sent.
func (j *bulkJob) failed(op *bulkOperation, err error) query.Object {
	e := asError(err)
	result := op.header()
	if id := op.target(); id != "" {
		if _, open := referenceIn(id); !open {
			result.Set("location", j.outer.base+"/"+strings.Join(j.server.spelled(op.path), "/"))
		}
	}
	result.Set("status", strconv.Itoa(e.Status))
	result.Set("response", errorObject(e))
	return result
}

func (op *bulkOperation) header() query.Object {
	return textObject("method", op.method, "bulkId", op.bulkID)
}
