package bulk

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"scim-atlassian/scim/document"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// urnBulkRequest is the message that asks for operations, RFC 7644 section 3.7.
const urnBulkRequest = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"

// bulkMethods are what an operation may do.
var bulkMethods = []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// Config says within which bounds a bulk request runs, and on what.
type Config struct {
	MaxOperations        int
	Strict               bool // the RFC's letter instead of tolerance
	IgnoreUnknownMembers bool // members that cannot be are passed over by who runs the operations
	// TypeAt finds the resource type at the first segment of a path, nil if none.
	TypeAt func(segment string) *resource.Type
	// Locate is the URL of a path below the base URL.
	Locate func(path []string) string
	// Do runs one operation. It is called from several goroutines at the same time.
	Do func(ctx context.Context, step Step) Outcome
}

// Step is an operation as it is to be run: references are ids already.
type Step struct {
	Index   int // in the request, from 0
	Method  string
	Path    []string // escaped segments below the base URL
	Version string   // entity tag for If-Match, "" for none
	Data    any
}

// Outcome is what came of a step.
type Outcome struct {
	Status   int
	ID       string          // of what a POST made
	Location string          // of the resource, "" if it is not known
	Version  string          // entity tag of the resource, "" if it is not known
	Refusal  *resource.Error // nil: it was done
}

// bulkOperation is one operation of a bulk request, from its text to its result.
type bulkOperation struct {
	index   int
	method  string
	bulkID  string
	path    []string // escaped segments below the base URL
	version string
	data    any

	fault error           // why it cannot be done, known before anything was
	refs  map[string]bool // the bulkIds that path and data refer to; true: not settled

	open    int              // how many of refs are not settled
	waiting int              // operations that must settle first, open among them
	next    []*bulkOperation // operations that wait for this one
	started bool
	settled bool

	without query.Object // left to a PATCH: what refers to operations in the same circle
	id      string       // of the resource that a POST has made
	outcome Outcome
	result  query.Object // nil: not done
}

// Parse reads a bulk request. What concerns the whole of it is refused here;
// what is wrong with one operation is that operation's result.
func Parse(body any, cfg Config) (*bulkJob, error) {
	object, ok := body.(map[string]any)
	if !ok {
		return nil, resource.InvalidSyntax("The body of a bulk request is an object with schemas [%q] and Operations.", urnBulkRequest)
	}
	if urns, _ := document.LookUp(object, "schemas"); cfg.Strict && !slices.Equal(document.List(urns), []any{urnBulkRequest}) {
		return nil, resource.InvalidSyntax("schemas must be [%q].", urnBulkRequest)
	}
	given, _ := document.LookUp(object, "Operations")
	list, ok := given.([]any)
	if !ok || len(list) == 0 && cfg.Strict {
		return nil, resource.InvalidSyntax("Operations must be an array of at least one operation.")
	}
	if len(list) > cfg.MaxOperations {
		return nil, resource.Refuse(http.StatusRequestEntityTooLarge, "", "Operations has %d elements; send %d at most.", len(list), cfg.MaxOperations)
	}
	job := &bulkJob{cfg: cfg, limit: len(list) + 1, byID: map[string]*bulkOperation{}}
	value, _ := document.LookUp(object, "failOnErrors")
	failOnErrors, err := document.Number("failOnErrors", value)
	switch {
	case err != nil:
		return nil, err
	case failOnErrors != nil && *failOnErrors < 0:
		return nil, resource.InvalidValue("failOnErrors is %d; it must be at least 1.", *failOnErrors)
	case failOnErrors != nil && *failOnErrors > 0:
		job.limit = *failOnErrors
	}
	for i, element := range list {
		op := parseBulkOperation(element, cfg.Strict)
		op.index = i
		job.ops = append(job.ops, op)
		if op.method != http.MethodPost || op.bulkID == "" {
			continue
		}
		if first, taken := job.byID[op.bulkID]; taken {
			return nil, resource.InvalidValue("Operations[%d] has the bulkId %q of Operations[%d]; nothing was done.", i, resource.Clip(op.bulkID), first.index)
		}
		job.byID[op.bulkID] = op
	}
	return job, nil
}

// parseBulkOperation reads one operation; what is wrong with it becomes its fault.
func parseBulkOperation(element any, strict bool) *bulkOperation {
	op := &bulkOperation{refs: map[string]bool{}}
	object, ok := element.(map[string]any)
	if !ok {
		op.fault = resource.InvalidSyntax("An operation is an object with method, path and data.")
		return op
	}
	var path string
	for name, target := range map[string]*string{"method": &op.method, "bulkId": &op.bulkID, "path": &path, "version": &op.version} {
		value, _ := document.LookUp(object, name)
		if text, ok := value.(string); ok {
			*target = text
		} else if value != nil {
			op.fault = resource.InvalidSyntax("%s must be a string.", name)
		}
	}
	op.data, _ = document.LookUp(object, "data")
	if !strict {
		op.method = strings.ToUpper(op.method)
	}
	if op.fault == nil {
		op.fault = op.parsePath(path)
	}
	if op.fault == nil {
		op.fault = op.check(strict)
	}
	return op
}

func (op *bulkOperation) parsePath(path string) error {
	if path == "" || strings.ContainsAny(path, "?#") || strings.Contains(path, "://") {
		return resource.InvalidSyntax("path is %q; it must be an endpoint below the base URL, such as /Users or /Users/{id}.", resource.Clip(path))
	}
	for segment := range strings.SplitSeq(path, "/") {
		if _, err := url.PathUnescape(segment); err != nil {
			return resource.InvalidSyntax("path is %q; it is not escaped as in a URL.", resource.Clip(path))
		}
		if segment != "" {
			op.path = append(op.path, segment)
		}
	}
	return nil
}

// check requires what RFC 7644 section 3.7 does of each method.
func (op *bulkOperation) check(strict bool) error {
	_, isObject := op.data.(map[string]any)
	switch {
	case !slices.Contains(bulkMethods, op.method):
		return resource.InvalidSyntax("method is %q; it must be one of %s.", resource.Clip(op.method), strings.Join(bulkMethods, ", "))
	case op.method == http.MethodPost && len(op.path) != 1, op.method != http.MethodPost && len(op.path) != 2:
		return resource.InvalidSyntax("path must be an endpoint such as /Users for POST, and that of a resource such as /Users/{id} for PUT, PATCH and DELETE.")
	case op.method == http.MethodPost && op.bulkID == "" && strict:
		return resource.InvalidValue("bulkId is required for POST.")
	case op.method != http.MethodDelete && !isObject:
		return resource.InvalidValue("data is required for %s, and must be an object.", op.method)
	}
	return nil
}
