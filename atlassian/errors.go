package atlassian

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"scim-atlassian/atlassian/admission"
	"scim-atlassian/atlassian/report"
)

// Kind is the class of a failure; callers tell failures apart by it.
type Kind uint8

const (
	Other           Kind = iota // none of the below
	Invalid                     // 400 and 422: upstream refuses the content
	Unauthenticated             // 401
	Forbidden                   // 403
	NotFound                    // 404 and 410
	Conflict                    // 409 and 412
	TooLarge                    // 413
	RateLimited                 // 429, or a request held back because of an earlier 429
	Unavailable                 // 5xx
	Garbled                     // an answer that the API does not announce, such as a proxy's page
	Timeout                     // no complete answer in time
	Unreachable                 // no connection, or the connection was cut
	Canceled                    // the caller gave up
)

var kindNames = [...]string{
	Other: "failed", Invalid: "invalid", Unauthenticated: "unauthenticated", Forbidden: "forbidden",
	NotFound: "not found", Conflict: "conflict", TooLarge: "too large", RateLimited: "rate limited",
	Unavailable: "unavailable", Garbled: "garbled answer", Timeout: "timeout", Unreachable: "unreachable",
	Canceled: "canceled",
}

// String returns a few lower-case words for logs.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Error is the error of every operation in this package. Op, Detail and Fields may be shown to anyone. Err, and with
// it the text of Error, is for the log.
type Error struct {
	Kind       Kind
	Op         string            // method and route template, such as "GET /Users/{id}"
	Status     int               // of upstream's answer, 0 if there was none
	ScimType   string            // of a directory error (RFC 7644 section 3.12)
	Code       string            // of an error of the organization APIs, such as ADMIN-UAM-404-1 or accountNotFound
	Detail     string            // upstream's own words or a plain sentence, at most 500 characters
	Fields     map[string]string // Jira's errors by field
	RetryAfter time.Duration     // how long upstream asks to wait, 0 if it does not say
	TraceID    string            // upstream's name of the request
	Ambiguous  bool              // a write that was sent and whose outcome is unknown
	Err        error             // private cause, may be nil
}

// Error returns one line for the log.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", e.Op, e.Kind)
	if e.Status != 0 {
		fmt.Fprintf(&b, " (%d)", e.Status)
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if e.TraceID != "" {
		b.WriteString(" [trace " + e.TraceID + "]")
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the private cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the Kind of the first *Error in err's chain. A bare context error is Canceled or Timeout, anything
// else, nil included, is Other.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.Canceled):
		return Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return Timeout
	}
	return Other
}

func kindOfStatus(status int) Kind {
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return Invalid
	case http.StatusUnauthorized:
		return Unauthenticated
	case http.StatusForbidden:
		return Forbidden
	case http.StatusNotFound, http.StatusGone:
		return NotFound
	case http.StatusConflict, http.StatusPreconditionFailed:
		return Conflict
	case http.StatusRequestEntityTooLarge:
		return TooLarge
	case http.StatusTooManyRequests:
		return RateLimited
	case http.StatusRequestTimeout:
		return Timeout
	}
	if status >= 500 {
		return Unavailable
	}
	return Other
}

// speaksForItself reports whether the status is believed without a proper body, since gateways answer with it on
// Atlassian's behalf. The other kinds make a statement about a resource, so the body must prove that the API made it.
func speaksForItself(kind Kind) bool {
	switch kind {
	case Invalid, NotFound, Conflict:
		return false
	}
	return true
}

// classify returns nil for a 2xx answer, else the error that the answer stands for.
func (o *operation) classify(resp *http.Response) *Error {
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil
	}
	e := &Error{
		Kind:       kindOfStatus(resp.StatusCode),
		Op:         o.op,
		Status:     resp.StatusCode,
		RetryAfter: admission.RetryAfter(resp.Header, time.Now()),
		TraceID:    o.traceID(resp),
		Ambiguous:  o.ambiguous(),
	}
	raw := bytes.TrimSpace(o.body.Bytes())
	var body report.Document
	if err := json.Unmarshal(raw, &body); err != nil {
		e.Detail = describe(resp.StatusCode, raw)
		e.Err = o.hush(fmt.Errorf("decode error body: %w", err))
		if !speaksForItself(e.Kind) {
			e.Kind = Garbled
		}
		return e
	}
	e.ScimType, e.Code, e.Detail = o.shown(body.Type()), o.shown(body.Code()), o.shown(body.Text())
	e.Fields = body.ByField(o.shown)
	if e.Kind == NotFound && (o.whole || o.gateway && body.FromGateway()) {
		e.Kind = Garbled
	}
	e.TraceID = cmp.Or(o.shown(body.TraceID), e.TraceID)
	return e
}

// garbled returns the error for a success whose body is not the announced one. The outcome of a write is unknown then.
func (o *operation) garbled(resp *http.Response, body []byte, cause error) *Error {
	return &Error{
		Kind: Garbled, Op: o.op, Status: resp.StatusCode, Detail: describe(resp.StatusCode, body),
		TraceID: o.traceID(resp), Ambiguous: !o.reads, Err: o.hush(cause),
	}
}

func describe(status int, body []byte) string {
	what := "something other than the announced JSON"
	switch {
	case len(body) == 0:
		what = "an empty body"
	case body[0] == '<':
		what = "a web page instead of JSON"
	}
	return fmt.Sprintf("upstream answered %d with %s", status, what)
}

// traceID is upstream's name of the request, empty if it told none.
func (o *operation) traceID(resp *http.Response) string {
	return o.shown(resp.Header.Get("Atl-Traceid"))
}
