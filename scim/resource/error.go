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

// The values of scimType, RFC 7644 section 3.12.
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

	TypeInvalidDeltaToken = "invalidDeltaToken" // these two are no standard's
	TypeExpiredDeltaToken = "expiredDeltaToken"
)

// Error is an answer other than success. Backend says which of them its methods
// give when. An Error may be shared: nobody writes to it after it was returned.
type Error struct {
	Status     int           // HTTP status, 400 to 599
	Type       string        // scimType, RFC 7644 section 3.12; empty: none fits
	Detail     string        // a sentence for the client, which names the attribute or parameter and the fix
	RetryAfter time.Duration // value of the Retry-After header, rounded up to seconds; 0: none
	Err        error         // the private cause, which the log has and the client never sees; may be nil

	// What a write that failed has done.
	Partial bool   // a part of the request was carried out nevertheless; Detail names it
	Unknown bool   // the write was sent, and whether it took effect cannot be told
	Made    string // id of the resource that a POST made nevertheless, empty: none

	// Headers that the server's own refusals have; backends have no use for them.
	Allow     string // Allow, of a 405
	Challenge string // WWW-Authenticate, of a 401
	Codings   string // Accept-Encoding, of a 415 about a content coding
}

// Error returns status, scimType, detail and cause on one line, for logs.
func (e *Error) Error() string {
	s := fmt.Sprintf("%d", e.Status)
	if e.Type != "" {
		s += " " + e.Type
	}
	if e.Err == nil {
		return s + ": " + e.Detail
	}
	return s + ": " + strings.TrimSuffix(e.Detail, ".") + ": " + e.Err.Error()
}

// Unwrap returns the private cause.
func (e *Error) Unwrap() error { return e.Err }

// Refuse makes an Error. scimType is one of the constants above or empty; format and
// args make the detail, as in fmt.Sprintf.
func Refuse(status int, scimType, format string, args ...any) *Error {
	return &Error{Status: status, Type: scimType, Detail: fmt.Sprintf(format, args...)}
}

// InvalidValue makes a 400 for a value that an attribute or parameter cannot have.
func InvalidValue(format string, args ...any) *Error {
	return Refuse(http.StatusBadRequest, TypeInvalidValue, format, args...)
}

// InvalidSyntax makes a 400 for a body that has not the form of a SCIM message.
func InvalidSyntax(format string, args ...any) *Error {
	return Refuse(http.StatusBadRequest, TypeInvalidSyntax, format, args...)
}

// InvalidPath makes a 400 for an attribute that does not exist.
func InvalidPath(format string, args ...any) *Error {
	return Refuse(http.StatusBadRequest, typeInvalidPath, format, args...)
}

// InvalidFilter makes a 400 for a filter that cannot be understood.
func InvalidFilter(format string, args ...any) *Error {
	return Refuse(http.StatusBadRequest, typeInvalidFilter, format, args...)
}

// Mutability makes a 400 for a change of an attribute that cannot be changed so.
func Mutability(format string, args ...any) *Error {
	return Refuse(http.StatusBadRequest, TypeMutability, format, args...)
}

// NoTarget makes a 400 for a PATCH path that leads to no value of the resource.
func NoTarget(format string, args ...any) *Error {
	return Refuse(http.StatusBadRequest, typeNoTarget, format, args...)
}

// TooMany makes a 400 for a query that costs more than it may, or finds more than
// an answer can have.
func TooMany(format string, args ...any) *Error {
	return Refuse(http.StatusBadRequest, TypeTooMany, format, args...)
}

// NotFound makes the 404 for a resource that does not exist. resourceType is the
// name of its type ("User").
func NotFound(resourceType, id string) *Error {
	return Refuse(http.StatusNotFound, "", "%s %q does not exist.", resourceType, id)
}

// IsMissing reports whether err is a 404. A nil err is none.
func IsMissing(err error) bool { return err != nil && AsError(err).Status == http.StatusNotFound }

// AsError turns an error into the answer that the client gets: the *Error that it
// wraps, 400 invalidFilter for a *query.Error, 504 for a deadline that has passed.
// Any other error is a 500 with one fixed sentence, and its text stays private.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	var qe *query.Error
	if errors.As(err, &qe) {
		return InvalidFilter("%s", qe.Error())
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &Error{Status: http.StatusGatewayTimeout, Detail: "The request could not be completed in its time limit.", Err: err}
	}
	return &Error{Status: http.StatusInternalServerError, Detail: "Internal error; the server's log has the cause under this request's id.", Err: err}
}

// InQuotes prepares text from a client for a detail: shortened, and quoted as Go does.
func InQuotes(s string) string { return strconv.Quote(Clip(s)) }

// Describe lists the sub-attributes of a reference that a client sent, for details:
// name "Done" with id "3".
func Describe(o query.Object) string {
	var parts []string
	for _, m := range o {
		parts = append(parts, fmt.Sprintf("%s %q", m.Name, Clip(fmt.Sprint(m.Value))))
	}
	return strings.Join(parts, " with ")
}

// ErrorDocument is the SCIM message about an error, RFC 7644 section 3.12.
func ErrorDocument(e *Error) query.Object {
	body := query.Object{{Name: "schemas", Value: []any{urnError}}, {Name: "status", Value: strconv.Itoa(e.Status)}}
	if e.Type != "" {
		body.Set("scimType", e.Type)
	}
	body.Set("detail", e.Detail)
	return body
}

const urnError = "urn:ietf:params:scim:api:messages:2.0:Error"

// Clip shortens text from a client to 60 characters, for details.
func Clip(s string) string {
	const most = 60
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most]) + "…"
}
