// Package report reads the documents in which Atlassian's APIs report errors, and makes texts of theirs that may be shown:
// short, printable and without secrets.
package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Document is the union of the documents in which upstream reports errors: the SCIM error, the directory's
// Failure and exception dump, Jira's error collection and the message of its service desk, RFC 9457 problem details, and those of the organization APIs:
// a list of problems, the gateway's message, and the key and detail of the account lifecycle.
type Document struct {
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

// Type returns the scimType of a directory error (RFC 7644 section 3.12).
func (b *Document) Type() string { return cmp.Or(b.ScimType, b.ScimErrorType) }

// FromGateway reports whether a gateway in front of the API has answered: it says no more than an error or a message,
// and a 404 of this form is not about a resource.
func (b *Document) FromGateway() bool {
	api := b.Detail != "" || b.ErrorMessage != "" || len(b.ErrorMessages) > 0 || len(b.Errors.byField)+len(b.Errors.list) > 0 || b.Title != "" || b.Key != "" || b.ErrorDetail != ""
	return !api && (b.Error != "" || b.Message != "")
}

// Code returns the code of an organization API's error, such as ADMIN-UAM-404-1 or accountNotFound.
func (b *Document) Code() string {
	if len(b.Errors.list) > 0 {
		return b.Errors.list[0].Code
	}
	return b.Key
}

// Text returns what the document says, in upstream's words.
func (b *Document) Text() string {
	parts := slices.Clone(b.ErrorMessages)
	for _, p := range b.Errors.list {
		parts = append(parts, cmp.Or(p.Detail, p.Title, p.Code))
	}
	for _, name := range b.fields() {
		parts = append(parts, name+": "+plain(b.Errors.byField[name]))
	}
	if len(parts) > 0 {
		return strings.Join(parts, "; ")
	}
	detail := strings.TrimPrefix(b.ErrorDetail, "Error: ")
	return cmp.Or(b.Detail, b.ErrorMessage, detail, b.Context.message, b.Message, b.Error, b.Title, b.Key) // Error comes late: a gateway puts only the status there
}

// ByField returns Jira's messages by field as they are to be shown, nil if there are none.
func (b *Document) ByField(shown func(string) string) map[string]string {
	if len(b.Errors.byField) == 0 {
		return nil
	}
	all := map[string]string{}
	for _, name := range b.fields() {
		all[shown(name)] = shown(plain(b.Errors.byField[name]))
	}
	return all
}

// mostFields is how many fields are told, so that an error stays small.
const mostFields = 50

// fields lists the first fields that there are messages of.
func (b *Document) fields() []string {
	names := slices.Sorted(maps.Keys(b.Errors.byField))
	return names[:min(len(names), mostFields)]
}

// plain is a message as text, or as JSON if it is none.
func plain(message jsontext.Value) string {
	if message.Kind() == '"' {
		if text, err := jsontext.AppendUnquote(nil, message); err == nil {
			return string(text)
		}
	}
	return string(message)
}
