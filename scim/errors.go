package scim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"scim-atlassian/scim/query"
)

// The scimType keywords of RFC 7644 section 3.12.
const (
	typeInvalidFilter = "invalidFilter"
	typeInvalidPath   = "invalidPath"
	typeInvalidSyntax = "invalidSyntax"
	typeInvalidValue  = "invalidValue"
	typeMutability    = "mutability"
	typeNoTarget      = "noTarget"
	typeTooMany       = "tooMany"
	typeUniqueness    = "uniqueness"

	typeInvalidCursor = "invalidCursor" // these three: RFC 9865 section 3
	typeExpiredCursor = "expiredCursor"
	typeInvalidCount  = "invalidCount"
)

// Error is an answer other than success: what the client is told (Status,
// Type, Detail, RetryAfter) and, apart from it, the private cause that only the
// log sees (Err).
type Error struct {
	Status     int           // HTTP status, 400 to 599
	Type       string        // scimType, RFC 7644 section 3.12, or ""
	Detail     string        // names the attribute or parameter and the fix
	RetryAfter time.Duration // 0: no Retry-After header
	Allow      string        // value of the Allow header of a 405
	Challenge  string        // value of the WWW-Authenticate header of a 401
	Codings    string        // value of the Accept-Encoding header of a 415 about a content coding
	Partial    bool          // some of what was asked for is done nevertheless
	Unknown    bool          // a write was sent, and whether it took effect cannot be told
	Err        error         // private cause, never shown
}

// Error gives the public text and the cause, for logs.
func (e *Error) Error() string {
	s := fmt.Sprintf("%d", e.Status)
	if e.Type != "" {
		s += " " + e.Type
	}
	s += ": " + e.Detail
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the private cause.
func (e *Error) Unwrap() error { return e.Err }

func refuse(status int, scimType, format string, args ...any) *Error {
	return &Error{Status: status, Type: scimType, Detail: fmt.Sprintf(format, args...)}
}

func invalidValue(format string, args ...any) *Error {
	return refuse(http.StatusBadRequest, typeInvalidValue, format, args...)
}

func invalidSyntax(format string, args ...any) *Error {
	return refuse(http.StatusBadRequest, typeInvalidSyntax, format, args...)
}

func invalidPath(format string, args ...any) *Error {
	return refuse(http.StatusBadRequest, typeInvalidPath, format, args...)
}

func invalidFilter(format string, args ...any) *Error {
	return refuse(http.StatusBadRequest, typeInvalidFilter, format, args...)
}

func mutability(format string, args ...any) *Error {
	return refuse(http.StatusBadRequest, typeMutability, format, args...)
}

func noTarget(format string, args ...any) *Error {
	return refuse(http.StatusBadRequest, typeNoTarget, format, args...)
}

func tooMany(format string, args ...any) *Error {
	return refuse(http.StatusBadRequest, typeTooMany, format, args...)
}

func notFound(resourceType, id string) *Error {
	return refuse(http.StatusNotFound, "", "%s %q does not exist.", resourceType, id)
}

// isMissing reports whether err says that a resource does not exist.
func isMissing(err error) bool { return err != nil && asError(err).Status == http.StatusNotFound }

// asError turns any error into the answer the client gets. An error that
// nobody classified is a 500 with one fixed sentence; its text stays private.
func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	var qe *query.Error
	if errors.As(err, &qe) {
		return invalidFilter("%s", qe.Error())
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &Error{Status: http.StatusGatewayTimeout, Detail: "The request could not be completed in its time limit.", Err: err}
	}
	return &Error{Status: http.StatusInternalServerError, Detail: "Internal error; the server's log has the cause under this request's id.", Err: err}
}
