package bulk

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"scim-atlassian/scim/document"
	"scim-atlassian/scim/resource"
)

// urnBulkRequest is the schema of a bulk request, RFC 7644 section 3.7.
const urnBulkRequest = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"

// methods lists the methods that an operation may have.
var methods = []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// Parse reads the body of a bulk request, as decoded from JSON. It refuses a body that is malformed as a whole, or too
// large, with a *resource.Error. A fault of one operation becomes the result of that operation instead. The Job keeps
// body, and does not write to it.
func Parse(body any, cfg Config) (*Job, error) {
	object, ok := body.(map[string]any)
	if !ok {
		return nil, resource.InvalidSyntax("The body of a bulk request is an object with schemas [%q] and Operations.", urnBulkRequest)
	}
	if err := document.CheckMembers(object, "schemas", "Operations", "failOnErrors"); err != nil {
		return nil, err
	}
	if urns, _ := document.LookUp(object, "schemas"); cfg.Strict && !slices.Equal(document.Array(urns), []any{urnBulkRequest}) {
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
	job := &Job{cfg: cfg, limit: len(list) + 1, byID: map[string]*operation{}} // a limit that no request reaches
	failOnErrors, err := parseFailOnErrors(object)
	if err != nil {
		return nil, err
	}
	if failOnErrors > 0 {
		job.limit = failOnErrors
	}
	for i, element := range list {
		op := parseOperation(element, cfg.Strict)
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

// parseFailOnErrors returns the number of errors at which the client wants to stop, 0 if it does not say.
func parseFailOnErrors(request map[string]any) (int, error) {
	value, _ := document.LookUp(request, "failOnErrors")
	n, err := document.OptionalNumber("failOnErrors", value)
	switch {
	case err != nil || n == nil:
		return 0, err
	case *n < 0:
		return 0, resource.InvalidValue("failOnErrors is %d; it must be at least 1.", *n)
	}
	return *n, nil
}

// parseOperation reads one operation. If it is malformed, the refusal becomes its fault.
func parseOperation(element any, strict bool) *operation {
	op := &operation{refs: map[string]bool{}}
	object, ok := element.(map[string]any)
	if !ok {
		op.fault = resource.InvalidSyntax("An operation is an object with method, path and data.")
		return op
	}
	op.fault = document.CheckMembers(object, "method", "path", "bulkId", "version", "data")
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

// parsePath reads the path of an operation, of which both segments must be escaped as in a URL.
func (op *operation) parsePath(path string) error {
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

// check refuses an operation whose path, bulkId or data is not what RFC 7644 section 3.7 requires for its method.
func (op *operation) check(strict bool) error {
	_, isObject := op.data.(map[string]any)
	switch {
	case !slices.Contains(methods, op.method):
		return resource.InvalidSyntax("method is %q; it must be one of %s.", resource.Clip(op.method), strings.Join(methods, ", "))
	case op.method == http.MethodPost && len(op.path) != 1, op.method != http.MethodPost && len(op.path) != 2:
		return resource.InvalidSyntax("path must be an endpoint such as /Users for POST, and that of a resource such as /Users/{id} for PUT, PATCH and DELETE.")
	case op.method == http.MethodPost && op.bulkID == "" && strict:
		return resource.InvalidValue("bulkId is required for POST.")
	case op.method != http.MethodDelete && !isObject:
		return resource.InvalidValue("data is required for %s, and must be an object.", op.method)
	}
	return nil
}
