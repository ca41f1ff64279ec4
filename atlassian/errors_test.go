package atlassian_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"scim-atlassian/atlassian"
)

func TestClassify(t *testing.T) {
	const op = "GET /Users/{id}"
	long := strings.Repeat("é", 600)
	tests := []struct {
		name   string
		status int
		body   string
		header []string
		want   atlassian.Error
	}{
		{
			"a directory error", 409,
			`{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"409","scimType":"uniqueness","detail":"Resource [USER] exists."}`, nil,
			atlassian.Error{Kind: atlassian.Conflict, ScimType: "uniqueness", Detail: "Resource [USER] exists."},
		},
		{
			"a failure of the directory", 401, `{"error":"Unauthorized","traceId":"7f"}`, nil,
			atlassian.Error{Kind: atlassian.Unauthenticated, Detail: "Unauthorized", TraceID: "7f"},
		},
		{
			"an exception of the directory", 400,
			`{"cause":null,"stackTrace":[],"responseStatus":"BAD_REQUEST","scimErrorType":"invalidValue","message":"no such member"}`, nil,
			atlassian.Error{Kind: atlassian.Invalid, ScimType: "invalidValue", Detail: "no such member"},
		},
		{
			"an error collection of Jira", 400, `{"errorMessages":["Sorry."],"errors":{"summary":"Too long.","priority":"Unknown."},"status":400}`,
			[]string{"Atl-Traceid", "ab"},
			atlassian.Error{
				Kind: atlassian.Invalid, Detail: "Sorry.; priority: Unknown.; summary: Too long.", TraceID: "ab",
				Fields: map[string]string{"summary": "Too long.", "priority": "Unknown."},
			},
		},
		{
			"an error collection with odd values", 400, `{"errors":{"a":["x"],"b":null}}`, nil,
			atlassian.Error{Kind: atlassian.Invalid, Detail: `a: ["x"]; b: null`, Fields: map[string]string{"a": `["x"]`, "b": "null"}},
		},
		{
			"a problem document", 404, `{"type":"about:blank","title":"Not Found","status":404,"detail":"No endpoint."}`, nil,
			atlassian.Error{Kind: atlassian.NotFound, Detail: "No endpoint."},
		},
		{"an object without words", 404, `{}`, nil, atlassian.Error{Kind: atlassian.NotFound}},
		{"a removed endpoint", 410, `{"errorMessages":["Removed."]}`, nil, atlassian.Error{Kind: atlassian.NotFound, Detail: "Removed."}},
		{"too large", 413, "", nil, atlassian.Error{Kind: atlassian.TooLarge, Detail: "upstream answered 413 with an empty body"}},
		{"unprocessable", 422, `{"errorMessages":["No."]}`, nil, atlassian.Error{Kind: atlassian.Invalid, Detail: "No."}},
		{"a teapot", 418, `{}`, nil, atlassian.Error{Kind: atlassian.Other}},
		{"a redirect", 302, "", []string{"Location", "http://elsewhere.example/"}, atlassian.Error{Kind: atlassian.Other, Detail: "upstream answered 302 with an empty body"}},
		{"text for 401", 401, "Client must be authenticated to access this resource.", nil, atlassian.Error{Kind: atlassian.Unauthenticated, Detail: "upstream answered 401 with something other than the announced JSON"}},
		{"a page for 503", 503, "\n<html>", nil, atlassian.Error{Kind: atlassian.Unavailable, Detail: "upstream answered 503 with a web page instead of JSON"}},
		{"a page for 404", 404, "<html>", nil, atlassian.Error{Kind: atlassian.Garbled, Detail: "upstream answered 404 with a web page instead of JSON"}},
		{"nothing for 400", 400, "", nil, atlassian.Error{Kind: atlassian.Garbled, Detail: "upstream answered 400 with an empty body"}},
		{"nothing for 200", 200, "", nil, atlassian.Error{Kind: atlassian.Garbled, Detail: "upstream answered 200 with an empty body"}},
		{"half a document", 200, `{"id":"1","userNa`, nil, atlassian.Error{Kind: atlassian.Garbled, Detail: "upstream answered 200 with something other than the announced JSON"}},
		{"another document", 200, `{"ok":true}`, nil, atlassian.Error{Kind: atlassian.Garbled, Detail: "upstream answered 200 with something other than the announced JSON"}},
		{"a document of another type", 200, `{"id":7}`, nil, atlassian.Error{Kind: atlassian.Garbled, Detail: "upstream answered 200 with something other than the announced JSON"}},
		{"no content where content was announced", 204, "", nil, atlassian.Error{Kind: atlassian.Garbled, Detail: "upstream answered 204 with an empty body"}},
		{"too many words", 400, `{"detail":"` + long + `"}`, nil, atlassian.Error{Kind: atlassian.Invalid, Detail: long[:2*499] + "…"}},
		{"unprintable words", 400, `{"detail":"a\u0000b\r\nc"}`, nil, atlassian.Error{Kind: atlassian.Invalid, Detail: "a b  c"}},
		{"our credential", 403, `{"error":"Bearer ` + testKey + ` may not"}`, nil, atlassian.Error{Kind: atlassian.Forbidden, Detail: "Bearer [redacted] may not"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newDirectory(t, &script{steps: []http.HandlerFunc{answer(test.status, test.body, test.header...)}}, atlassian.Config{MaxRetries: -1})
			_, err := d.User(t.Context(), "1")
			test.want.Op, test.want.Status = op, test.status
			got := asError(t, err)
			if diff := cmp.Diff(&test.want, got, cmpopts.IgnoreFields(atlassian.Error{}, "Err")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if strings.Contains(err.Error(), testKey) {
				t.Errorf("the credential is in %q", err)
			}
		})
	}
}

func TestOversize(t *testing.T) {
	d := newDirectory(t, answer(200, `{"id":"`+strings.Repeat("x", 100)+`"}`), atlassian.Config{MaxResponseBytes: 100})
	_, err := d.User(t.Context(), "1")
	if e := asError(t, err); e.Kind != atlassian.Garbled || e.Detail != "upstream's answer is too large" {
		t.Errorf("got %+v", e)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	var elsewhere script
	elsewhere.steps = []http.HandlerFunc{oneUser}
	other := newServer(t, &elsewhere)
	d := newDirectory(t, http.RedirectHandler(other, http.StatusTemporaryRedirect), atlassian.Config{})
	if _, err := d.User(t.Context(), "1"); err == nil {
		t.Error("the redirect was taken for an answer")
	}
	if n := elsewhere.calls(); n != 0 {
		t.Errorf("%d calls elsewhere", n)
	}
}

// TestCausedByAnother gives up a request because another one failed, as a group of them does. The other's error, which
// net/http returns as the cause of the context, stays as it is.
func TestCausedByAnother(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	other := &atlassian.Error{Kind: atlassian.Unavailable, Op: "GET /Other"}
	d := newDirectory(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel(other)
		<-r.Context().Done()
	}), atlassian.Config{})
	_, err := d.User(ctx, "1")
	if got := asError(t, err); got == other || got.Kind != atlassian.Canceled || got.Op != "GET /Users/{id}" {
		t.Errorf("got %+v", got)
	}
	if other.Op != "GET /Other" || other.Ambiguous {
		t.Errorf("the other error is now %+v", other)
	}
}

func TestKindOf(t *testing.T) {
	wrapped := fmt.Errorf("scan: %w", &atlassian.Error{Kind: atlassian.Conflict})
	tests := []struct {
		err  error
		want atlassian.Kind
	}{
		{wrapped, atlassian.Conflict},
		{fmt.Errorf("wait: %w", context.Canceled), atlassian.Canceled},
		{context.DeadlineExceeded, atlassian.Timeout},
		{errors.New("disk full"), atlassian.Other},
		{nil, atlassian.Other},
	}
	for _, test := range tests {
		if got := atlassian.KindOf(test.err); got != test.want {
			t.Errorf("KindOf(%v) = %v, want %v", test.err, got, test.want)
		}
	}
}

func TestErrorText(t *testing.T) {
	err := &atlassian.Error{
		Kind: atlassian.NotFound, Op: "GET /Users/{id}", Status: 404, Detail: "no such user", TraceID: "7f", Err: errors.New("cause"),
	}
	want := "GET /Users/{id}: not found (404): no such user [trace 7f]: cause"
	if got := err.Error(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := atlassian.Kind(99).String(); got != "kind 99" {
		t.Errorf("got %q", got)
	}
}
