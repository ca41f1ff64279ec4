package jira

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"scim-atlassian/atlassian/emulator/tenant"
)

// Texts that Jira Cloud is known to answer with.
const (
	textUnauthenticated = "Client must be authenticated to access this resource."
	textNoIssue         = "Issue does not exist or you do not have permission to see it."
	textBadPayload      = "Invalid request payload. Refer to the REST API documentation and try again."
	textTooLong         = "The entered text is too long. It exceeds the allowed limit of 32,767 characters."
	textOffScreen       = "Field '%s' cannot be set. It is not on the appropriate screen, or unknown."
	textRemoved         = "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. " +
		"A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)

// apiError is an answer that is not a success.
type apiError struct {
	status   int
	messages []string
	fields   map[string]string
	bare     bool // the envelope has no errors member
}

func (e *apiError) Error() string {
	return fmt.Sprintf("%d %s %v", e.status, strings.Join(e.messages, "; "), e.fields)
}

// deny returns an error with one message.
func deny(status int, format string, args ...any) error {
	return &apiError{status: status, messages: []string{fmt.Sprintf(format, args...)}}
}

// denyField returns an error about one field.
func denyField(field, format string, args ...any) error {
	return &apiError{status: http.StatusBadRequest, fields: map[string]string{field: fmt.Sprintf(format, args...)}}
}

// add appends the messages of another error, if there is one.
func (e *apiError) add(err error) {
	var other *apiError
	if errors.As(err, &other) {
		e.messages = append(e.messages, other.messages...)
		maps.Copy(e.fields, other.fields)
	}
}

// orNil returns the error if it says anything.
func (e *apiError) orNil() error {
	if len(e.messages)+len(e.fields) == 0 {
		return nil
	}
	return e
}

var (
	errBadPayload = &apiError{status: http.StatusBadRequest, messages: []string{textBadPayload}, bare: true}
	errNoIssue    = &apiError{status: http.StatusNotFound, messages: []string{textNoIssue}}
	// errNoEndpoint stands for a path, method or parameter that no endpoint takes.
	errNoEndpoint = &apiError{status: http.StatusNotFound}
)

// envelope returns the body of the error.
func (e *apiError) envelope() any {
	messages, fields := e.messages, e.fields
	if messages == nil {
		messages = []string{}
	}
	if e.bare {
		return map[string]any{"errorMessages": messages}
	}
	if fields == nil {
		fields = map[string]string{}
	}
	return struct {
		ErrorMessages []string          `json:"errorMessages"`
		Errors        map[string]string `json:"errors"`
	}{messages, fields}
}

// problem returns the body for errNoEndpoint.
func problem(r *http.Request) any {
	return struct {
		Type     string `json:"type"`
		Title    string `json:"title"`
		Status   int    `json:"status"`
		Detail   string `json:"detail"`
		Instance string `json:"instance"`
	}{"about:blank", "Not Found", http.StatusNotFound,
		"No endpoint " + r.Method + " " + r.URL.Path, r.URL.Path}
}

// reply is a success. body nil sends none.
type reply struct {
	status int
	body   any // a json.RawMessage is sent as it is
}

func ok(body any) (reply, error) { return reply{http.StatusOK, body}, nil }

func noContent() (reply, error) { return reply{status: http.StatusNoContent}, nil }

// call is one request to the site. Its handler holds the tenant's lock.
type call struct {
	*http.Request
	j      *Jira
	caller *tenant.Account // nil without valid credentials
	show   *renderer
	body   []byte
	query  url.Values
	api    string // of the API, as addresses spell it
	plain  bool   // texts are strings, as in version 2 of the API
}

// maxBody bounds a request body; Jira's own bound is about that.
const maxBody = 10 << 20

func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = &apiError{status: http.StatusRequestEntityTooLarge, messages: []string{"The request is too large."}}
	}
	return body, err
}

// decode reads the body into v and refuses members that v does not have.
func (c *call) decode(v any) error {
	decoder := json.NewDecoder(bytes.NewReader(c.body))
	decoder.DisallowUnknownFields()
	if decoder.Decode(v) != nil || decoder.More() {
		return errBadPayload
	}
	return nil
}

// integer reads a query parameter.
func (c *call) integer(name string, otherwise int) (int, error) {
	text := c.query.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, errNoEndpoint
	}
	return int(n), nil
}

func (c *call) flag(name string) bool { return strings.EqualFold(c.query.Get(name), "true") }

// list reads a query parameter that may be repeated and hold commas.
func (c *call) list(name string) []string {
	var list []string
	for _, value := range c.query[name] {
		for item := range strings.SplitSeq(value, ",") {
			if item = strings.TrimSpace(item); item != "" {
				list = append(list, item)
			}
		}
	}
	return list
}

// window reads startAt and maxResults. A size above most is reduced to most.
func (c *call) window(usual, most int) (start, size int, err error) {
	if start, err = c.integer("startAt", 0); err != nil {
		return 0, 0, err
	}
	if size, err = c.integer("maxResults", usual); err != nil {
		return 0, 0, err
	}
	if start < 0 || size < 0 {
		return 0, 0, deny(http.StatusBadRequest, "startAt and maxResults must not be negative.")
	}
	return start, min(size, most), nil
}

// slice returns the part of a list that lies in a window.
func slice[T any](list []T, start, size int) []T {
	start = min(start, len(list))
	return list[start:min(start+size, len(list))]
}

// pageBean is Jira's usual page.
type pageBean struct {
	Self       string `json:"self"`
	NextPage   string `json:"nextPage,omitempty"`
	MaxResults int    `json:"maxResults"`
	StartAt    int    `json:"startAt"`
	Total      int    `json:"total"`
	IsLast     bool   `json:"isLast"`
	Values     []any  `json:"values"`
}

// page answers with the window of a list that the query asks for.
func page[T any](c *call, list []T, usual, most int, render func(T) any) (reply, error) {
	start, size, err := c.window(usual, most)
	if err != nil {
		return reply{}, err
	}
	bean := pageBean{Self: c.pageURL(start, size), MaxResults: size, StartAt: start, Total: len(list), Values: []any{}}
	for _, item := range slice(list, start, size) {
		bean.Values = append(bean.Values, render(item))
	}
	if bean.IsLast = start+size >= len(list); !bean.IsLast && size > 0 {
		bean.NextPage = c.pageURL(start+size, size)
	}
	return ok(bean)
}

func (c *call) pageURL(start, size int) string {
	query := url.Values{}
	for name, values := range c.query {
		query[name] = values
	}
	query.Set("startAt", strconv.Itoa(start))
	query.Set("maxResults", strconv.Itoa(size))
	return c.show.base + c.URL.EscapedPath() + "?" + query.Encode()
}
