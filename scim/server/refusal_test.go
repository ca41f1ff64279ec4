package server_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/server"
)

// failing is a backend whose every method fails, or panics without an error.
type failing struct {
	resource.Backend
	err error
}

func (f failing) fail() error {
	if f.err == nil {
		panic("a mistake in the backend")
	}
	return f.err
}

func (f failing) Get(context.Context, string, query.Projection) (query.Object, error) {
	return nil, f.fail()
}

func (f failing) Create(context.Context, query.Object) (query.Object, error) { return nil, f.fail() }
func (f failing) Remove(context.Context, string) error                       { return f.fail() }
func (f failing) List(context.Context, resource.ListQuery) (*resource.ListResult, error) {
	return nil, f.fail()
}

// TestRefusals covers bad requests: the error that the client gets, and that nothing
// was changed.
func TestRefusals(t *testing.T) {
	s := newSite(t, nil)
	s.user("ann")
	for _, test := range []struct {
		method, path, body string
		header             []string
		status             int
		scimType, detail   string // the detail holds the text
	}{
		{"GET", "/Users", "", []string{"Authorization", ""}, 401, "", "Credentials are missing"},
		{"GET", "/Nothing", "", []string{"Authorization", "Bearer wrong"}, 401, "", ""},
		{"POST", "/Users", userBody("bob"), []string{"Authorization", "Bearer reader"}, 403, "", "lacks the right write for User"},
		{"GET", "/Nothing", "", nil, 404, "", "no endpoint"},
		{"GET", "/users", "", []string{"Authorization", "Bearer strict"}, 404, "", "no endpoint"},
		{"GET", "/Users/7", "", nil, 404, "", `User "7" does not exist`},
		{"GET", "/Users/%2e%2e", "", nil, 404, "", "No resource can have the id"},
		{"DELETE", "/Users/7", "", nil, 404, "", `User "7" does not exist`},
		{"PATCH", "/Users/7", `{"Operations":[{"op":"remove","path":"title"}]}`, nil, 404, "", `User "7" does not exist`},
		{"DELETE", "/Users", "", nil, 405, "", "DELETE is not allowed here"},
		{"POST", "/Users", "a=b", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "", "send application/scim+json"},
		{"POST", "/Users", "x", []string{"Content-Encoding", "br"}, 415, "", "send it plain or with gzip"},
		{"POST", "/Users", userBody("bob", `"title":"`+strings.Repeat("x", 4096)+`"`), nil, 413, "", "larger than 4096 bytes"},
		{"GET", "/Me", "", nil, 501, "", "/Users/{id}"},
		{"POST", "/Users", `{"userName":`, nil, 400, "invalidSyntax", "ends within the JSON document"},
		{"POST", "/Users", `[]`, nil, 400, "invalidSyntax", ""},
		{"POST", "/Users", `{"schemas":["` + coreUser + `"],"userName":"bob"}`, nil, 400, "invalidValue", "emails"},
		{"POST", "/Users", userBody("bob", `"active":"perhaps"`), nil, 400, "invalidValue", "active"},
		{"POST", "/Users", userBody("ANN"), nil, 409, "uniqueness", `userName "ANN"`},
		{"PUT", "/Users/1", `{"schemas":["` + coreUser + `"],"title":"x"}`, nil, 400, "invalidValue", "userName"},
		{"GET", "/Users?filter=userName", "", nil, 400, "invalidFilter", ""},
		{"GET", "/Users?filter=nothing+eq+1", "", nil, 400, "invalidFilter", "nothing"},
		{"GET", "/Users?filter=title+eq+%22" + strings.Repeat("x", 5000) + "%22", "", nil, 400, "invalidFilter", ""},
		{"GET", "/Users?filter=" + strings.Repeat("(", 100) + "title+pr" + strings.Repeat(")", 100), "", nil, 400, "invalidFilter", ""},
		{"GET", "/Users?sortBy=nothing", "", nil, 400, "invalidPath", "nothing"},
		{"GET", "/Users?count=many", "", nil, 400, "invalidValue", "count"},
		{"GET", "/Users?attributes=id&excludedAttributes=title", "", nil, 400, "invalidValue", "exclude each other"},
		{"GET", "/Users?filter=%zz", "", nil, 400, "invalidSyntax", "percent-encode"},
	} {
		a := s.do(test.method, test.path, test.body, test.header...)
		e := s.decoded(a)
		scimType, _ := e["scimType"].(string)
		detail, _ := e["detail"].(string)
		name := test.method + " " + resource.Clip(test.path+" "+test.body)
		if a.status != test.status || e["status"] != fmt.Sprint(test.status) || scimType != test.scimType || detail == "" || !strings.Contains(detail, test.detail) {
			t.Errorf("%s: %d %s, want %d %s %q", name, a.status, a.body, test.status, test.scimType, test.detail)
		}
		if got := a.header.Get("Content-Type"); got != "application/scim+json" {
			t.Errorf("%s: Content-Type %s", name, got)
		}
	}
	if all := s.decoded(s.want(200, "GET", "/Users", "")); all["totalResults"] != 1.0 {
		t.Errorf("after refusals: %v", all)
	}
}

// TestBackendErrors covers the answers to errors of a backend.
func TestBackendErrors(t *testing.T) {
	private := errors.New("private: disk 7 is full")
	const internal = "Internal error; the server's log has the cause under this request's id."
	for _, test := range []struct {
		name   string
		err    error
		status int
		want   map[string]any
		header [2]string
	}{
		{"a refusal", resource.Refuse(409, resource.TypeUniqueness, "Another %s.", "one"), 409, map[string]any{"status": "409", "scimType": "uniqueness", "detail": "Another one."}, [2]string{}},
		{"a wrapped one", fmt.Errorf("backend: %w", resource.NotFound("User", "1")), 404, map[string]any{"status": "404", "detail": `User "1" does not exist.`}, [2]string{}},
		{"one to try again", &resource.Error{Status: 429, Detail: "Later.", RetryAfter: 1500 * time.Millisecond, Err: private}, 429, map[string]any{"status": "429", "detail": "Later."}, [2]string{"Retry-After", "2"}},
		{"any error", private, 500, map[string]any{"status": "500", "detail": internal}, [2]string{}},
		{"a deadline", fmt.Errorf("read: %w", context.DeadlineExceeded), 504, map[string]any{"status": "504", "detail": "The request could not be completed in its time limit."}, [2]string{}},
		{"a panic", nil, 500, map[string]any{"status": "500", "detail": internal}, [2]string{}},
	} {
		s := newSite(t, nil)
		s.types["User"].Backend = failing{s.types["User"].Backend, test.err}
		test.want["schemas"] = []any{"urn:ietf:params:scim:api:messages:2.0:Error"}
		for _, request := range [][3]string{
			{"GET", "/Users/1", ""}, {"GET", "/Users", ""}, {"POST", "/Users", userBody("ann")}, {"PUT", "/Users/1", userBody("ann")},
			{"PATCH", "/Users/1", `{"Operations":[{"op":"add","path":"title","value":"x"}]}`}, {"DELETE", "/Users/1", ""}, {"GET", "/?filter=userName+pr", ""},
		} {
			a := s.do(request[0], request[1], request[2])
			if diff := cmp.Diff(test.want, s.decoded(a)); a.status != test.status || diff != "" {
				t.Errorf("%s, %v: %d, want %d (-want +got):\n%s", test.name, request, a.status, test.status, diff)
			}
			if name := test.header[0]; name != "" && a.header.Get(name) != test.header[1] {
				t.Errorf("%s, %v: %s is %q", test.name, request, name, a.header.Get(name))
			}
		}
	}
}

// slow is a backend that answers when the request is over.
type slow struct{ resource.Backend }

func (slow) Get(ctx context.Context, _ string, _ query.Projection) (query.Object, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestTimeLimit ends a request whose backend does not.
func TestTimeLimit(t *testing.T) {
	s := newSite(t, func(c *server.Config) { c.RequestTimeout = time.Millisecond })
	s.types["User"].Backend = slow{s.types["User"].Backend}
	s.want(504, "GET", "/Users/1", "")
}
