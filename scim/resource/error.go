package resource

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"scim-atlassian/scim/query"
)

// The scimType keywords of RFC 7644 section 3.12.
const (
	typeInvalidFilter = "invalidFilter"
	typeInvalidPath   = "invalidPath"
	TypeInvalidSyntax = "invalidSyntax"
	TypeInvalidValue  = "invalidValue"
	TypeMutability    = "mutability"
	typeNoTarget      = "noTarget"
	TypeTooMany       = "tooMany"
	TypeUniqueness    = "uniqueness"

	TypeInvalidCursor = "invalidCursor" // these three: RFC 9865 section 3
	TypeExpiredCursor = "expiredCursor"
	TypeInvalidCount  = "invalidCount"
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

func Refuse(status int, scimType, format string, args ...any) *Error {
	return &Error{Status: status, Type: scimType, Detail: fmt.Sprintf(format, args...)}
}

func InvalidValue(format string, args ...any) *Error {
	return Refuse(http.StatusBadRequest, TypeInvalidValue, format, args...)
}

func InvalidSyntax(format string, args ...any) *Error {
	return Refuse(http.StatusBadRequest, TypeInvalidSyntax, format, args...)
}

func InvalidPath(format string, args ...any) *Error {
	return Refuse(http.StatusBadRequest, typeInvalidPath, format, args...)
}

func invalidFilter(format string, args ...any) *Error {
	return Refuse(http.StatusBadRequest, typeInvalidFilter, format, args...)
}

func Mutability(format string, args ...any) *Error {
	return Refuse(http.StatusBadRequest, TypeMutability, format, args...)
}

func NoTarget(format string, args ...any) *Error {
	return Refuse(http.StatusBadRequest, typeNoTarget, format, args...)
}

func TooMany(format string, args ...any) *Error {
	return Refuse(http.StatusBadRequest, TypeTooMany, format, args...)
}

func NotFound(resourceType, id string) *Error {
	return Refuse(http.StatusNotFound, "", "%s %q does not exist.", resourceType, id)
}

// IsMissing reports whether err says that a resource does not exist.
func IsMissing(err error) bool { return err != nil && AsError(err).Status == http.StatusNotFound }

// AsError turns any error into the answer the client gets. An error that
// nobody classified is a 500 with one fixed sentence; its text stays private.
func AsError(err error) *Error {
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

func InQuotes(s string) string { return strconv.Quote(Clip(s)) }

// Describe names what a reference says, for error messages.
func Describe(o query.Object) string {
	var parts []string
	for _, m := range o {
		parts = append(parts, fmt.Sprintf("%s %q", m.Name, Clip(fmt.Sprint(m.Value))))
	}
	return strings.Join(parts, " with ")
}

func ErrorDocument(e *Error) query.Object {
	body := query.Object{{Name: "schemas", Value: []any{urnError}}, {Name: "status", Value: strconv.Itoa(e.Status)}}
	if e.Type != "" {
		body.Set("scimType", e.Type)
	}
	body.Set("detail", e.Detail)
	return body
}

const urnError = "urn:ietf:params:scim:api:messages:2.0:Error"

// Clip shortens what a client sent before it is shown in a detail.
func Clip(s string) string {
	const most = 60
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most]) + "…"
}
