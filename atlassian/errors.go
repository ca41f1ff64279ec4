package atlassian

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"scim-atlassian/atlassian/admission"
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

// errorBody is the union of the documents in which upstream reports errors: the SCIM error, the directory's
// Failure and exception dump, Jira's error collection and the message of its service desk, RFC 9457 problem details, and those of the organization APIs:
// a list of problems, the gateway's message, and the key and detail of the account lifecycle.
type errorBody struct {
	ScimType      string   `json:"scimType"`
	ScimErrorType string   `json:"scimErrorType"`
	Detail        string   `json:"detail"`
	Error         string   `json:"error"`
	TraceID       string   `json:"traceId"`
	ErrorMessages []string `json:"errorMessages"`
	ErrorMessage  string   `json:"errorMessage"`
	Errors        problems `json:"errors"`
	Message       string   `json:"message"`
	Title         string   `json:"title"`
	Key           string   `json:"key"`
	ErrorDetail   string   `json:"errorDetail"`
	Context       aside    `json:"context"`
}

// aside is the context of a lifecycle error. In a conflict it is an object with a message, else a text of no use.
type aside struct{ message string }

// UnmarshalJSONFrom takes the message, if there is one.
func (a *aside) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != '{' {
		return d.SkipValue()
	}
	var object struct {
		Message string `json:"message"`
	}
	err := json.UnmarshalDecode(d, &object)
	a.message = object.Message
	return err
}

// problems is the value of "errors": Jira's messages by field, or the problems of an organization API.
type problems struct {
	byField map[string]jsontext.Value
	list    []problem
}

// problem also has a status, a number in some answers and a string in others. It is not read: the status of the answer
// counts.
type problem struct {
	Code   string `json:"code"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

// UnmarshalJSONFrom tells the two shapes apart by their first character.
func (p *problems) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '[' {
		return json.UnmarshalDecode(d, &p.list)
	}
	return json.UnmarshalDecode(d, &p.byField)
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
	var body errorBody
	if err := json.Unmarshal(raw, &body); err != nil {
		e.Detail = describe(resp.StatusCode, raw)
		e.Err = fmt.Errorf("decode error body: %w", err)
		if !speaksForItself(e.Kind) {
			e.Kind = Garbled
		}
		return e
	}
	e.ScimType = bounded(cmp.Or(body.ScimType, body.ScimErrorType))
	e.Code = bounded(body.code())
	e.Fields = o.fields(body.Errors.byField)
	e.Detail = bounded(o.redact(body.text(e.Fields)))
	if e.Kind == NotFound && (o.whole || o.gateway && body.fromGateway()) {
		e.Kind = Garbled
	}
	e.TraceID = cmp.Or(bounded(o.redact(body.TraceID)), e.TraceID)
	return e
}

// garbled returns the error for a success whose body is not the announced one. The outcome of a write is unknown then.
func (o *operation) garbled(resp *http.Response, body []byte, cause error) *Error {
	return &Error{
		Kind: Garbled, Op: o.op, Status: resp.StatusCode, Detail: describe(resp.StatusCode, body),
		TraceID: o.traceID(resp), Ambiguous: !o.reads, Err: cause,
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

// fromGateway reports whether a gateway in front of the API has answered: it says no more than an error or a message,
// and a 404 of this form is not about a resource.
func (b *errorBody) fromGateway() bool {
	api := b.Detail != "" || b.ErrorMessage != "" || len(b.ErrorMessages) > 0 || len(b.Errors.byField)+len(b.Errors.list) > 0 || b.Title != "" || b.Key != "" || b.ErrorDetail != ""
	return !api && (b.Error != "" || b.Message != "")
}

func (b *errorBody) code() string {
	if len(b.Errors.list) > 0 {
		return b.Errors.list[0].Code
	}
	return b.Key
}

func (b *errorBody) text(fields map[string]string) string {
	parts := slices.Clone(b.ErrorMessages)
	for _, p := range b.Errors.list {
		parts = append(parts, cmp.Or(p.Detail, p.Title, p.Code))
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		parts = append(parts, name+": "+fields[name])
	}
	if len(parts) > 0 {
		return strings.Join(parts, "; ")
	}
	detail := strings.TrimPrefix(b.ErrorDetail, "Error: ")
	return cmp.Or(b.Detail, b.ErrorMessage, detail, b.Context.message, b.Message, b.Error, b.Title, b.Key) // Error comes late: a gateway puts only the status there
}

// fields keeps the first 50 of Jira's messages by field, so that an error stays small.
func (o *operation) fields(raw map[string]jsontext.Value) map[string]string {
	if len(raw) == 0 {
		return nil
	}
	fields := make(map[string]string, min(len(raw), 50))
	for _, name := range slices.Sorted(maps.Keys(raw))[:min(len(raw), 50)] {
		text := string(raw[name])
		if raw[name].Kind() == '"' {
			unquoted, err := jsontext.AppendUnquote(nil, raw[name])
			if err == nil {
				text = string(unquoted)
			}
		}
		fields[bounded(name)] = bounded(o.redact(text))
	}
	return fields
}

// traceID is upstream's name of the request, empty if it told none.
func (o *operation) traceID(resp *http.Response) string {
	return bounded(o.redact(resp.Header.Get("Atl-Traceid")))
}

// redact removes the client's own credentials from a text of upstream, which might repeat them.
func (c *caller) redact(text string) string {
	for _, secret := range c.secrets {
		text = strings.ReplaceAll(text, secret, "[redacted]")
	}
	return text
}

// bounded returns printable text of at most 500 characters.
func bounded(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if utf8.RuneCountInString(text) <= 500 {
		return text
	}
	return string([]rune(text)[:499]) + "…"
}
