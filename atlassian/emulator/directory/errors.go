package directory

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"scim-atlassian/atlassian/emulator/tenant"
)

// scimError is an error answer of the directory: RFC 7644 section 3.12, with
// the status as a string.
type scimError struct {
	status   int
	scimType string // empty: left out
	detail   string
}

func (e *scimError) Error() string { return e.detail }

// refuse returns the error 400 with a scimType.
func refuse(scimType, format string, args ...any) error {
	return &scimError{http.StatusBadRequest, scimType, fmt.Sprintf(format, args...)}
}

func notFound(resource, id string) error {
	return &scimError{status: http.StatusNotFound, detail: fmt.Sprintf("Resource [%s]: with id[%s] is not found.", resource, id)}
}

// conflict has the text that Atlassian's support articles quote.
func conflict(resource, attribute, value string) error {
	return &scimError{http.StatusConflict, "uniqueness",
		fmt.Sprintf("Resource [%s]: with %s[%s] already exists.", resource, attribute, value)}
}

// javaError is the 400 of group writes that name unknown users: not a SCIM
// error but the service's own exception, as the OpenAPI document has it.
type javaError struct{ message string }

func (e *javaError) Error() string { return e.message }

type javaException struct {
	Cause            any         `json:"cause"`
	StackTrace       []javaFrame `json:"stackTrace"`
	ResponseStatus   string      `json:"responseStatus"`
	ScimErrorType    string      `json:"scimErrorType"`
	Message          string      `json:"message"`
	LocalizedMessage string      `json:"localizedMessage"`
	Suppressed       []struct{}  `json:"suppressed"`
}

type javaFrame struct {
	MethodName   string `json:"methodName"`
	FileName     string `json:"fileName"`
	LineNumber   int    `json:"lineNumber"`
	ClassName    string `json:"className"`
	NativeMethod bool   `json:"nativeMethod"`
}

func (e *javaError) body() javaException {
	return javaException{
		StackTrace: []javaFrame{
			{"validateMembers", "GroupService.java", 212, "com.atlassian.scim.service.GroupService", false},
			{"invoke0", "NativeMethodAccessorImpl.java", -2, "sun.reflect.NativeMethodAccessorImpl", true},
		},
		ResponseStatus: "BAD_REQUEST", ScimErrorType: "invalidValue",
		Message: e.message, LocalizedMessage: e.message, Suppressed: []struct{}{},
	}
}

// writeError answers with err.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	var java *javaError
	if errors.As(err, &java) {
		tenant.WriteJSON(w, http.StatusBadRequest, answerType(r), java.body())
		return
	}
	var scim *scimError
	if !errors.As(err, &scim) {
		scim = &scimError{status: http.StatusInternalServerError, detail: err.Error()}
	}
	scim.write(w, answerType(r))
}

func (e *scimError) write(w http.ResponseWriter, contentType string) {
	tenant.WriteJSON(w, e.status, contentType, struct {
		Schemas  []string `json:"schemas"`
		Status   string   `json:"status"`
		ScimType string   `json:"scimType,omitempty"`
		Detail   string   `json:"detail"`
	}{[]string{urnError}, strconv.Itoa(e.status), e.scimType, e.detail})
}

// failure is the body with which the gateway in front of the directory refuses
// a request. It is not a SCIM error.
type failure struct {
	Error   string `json:"error"`
	TraceID string `json:"traceId"`
}

// WriteFailure answers a request that did not get as far as a resource.
func WriteFailure(w http.ResponseWriter, status int) {
	switch status {
	case http.StatusInternalServerError, http.StatusServiceUnavailable:
		failed := scimError{status: status, detail: http.StatusText(status) + ". Please try again."}
		failed.write(w, "application/scim+json")
	case http.StatusTooManyRequests:
		tenant.WriteProxyError(w, status, "Rate limit exceeded")
	default:
		trace := tenant.NewUUID(tenant.Random{})
		tenant.WriteJSON(w, status, "application/json", failure{failureText(status), trace[:8] + trace[9:13] + trace[14:18]})
	}
}

func failureText(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "Missing or invalid authorization header."
	case http.StatusForbidden:
		return "You are not authorized to call the API."
	}
	return http.StatusText(status)
}
