// Package tenanttest lets tests ask an emulated API over a real connection.
package tenanttest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"scim-atlassian/atlassian/emulator/tenant"
)

// DirectoryPath is the path below which the directory answers.
const DirectoryPath = "/scim/directory/" + tenant.DirectoryID

// Client sends the requests of a test to one server.
type Client struct {
	T   testing.TB // fails when an answer is not the one demanded
	URL string     // of the server, without a path
}

// Serve starts a server that runs until the test ends.
func Serve(t testing.TB, handler http.Handler) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return &Client{T: t, URL: server.URL}
}

// Answer is an answer whose body has been read.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON decodes the body, which must be an object.
func (r Answer) JSON(t testing.TB) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(r.Body, &v); err != nil {
		t.Fatalf("status %d, body %q: %v", r.Status, r.Body, err)
	}
	return v
}

// Send makes a request with the key of the directory; edit may change it before
// it leaves.
func (c *Client) Send(method, path, body string, edit ...func(*http.Request)) (Answer, error) {
	request, err := http.NewRequestWithContext(c.T.Context(), method, c.URL+path, strings.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	request.Header.Set("Authorization", "Bearer "+tenant.DirectoryKey)
	if body != "" {
		request.Header.Set("Content-Type", "application/scim+json")
	}
	for _, change := range edit {
		change(request)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return Answer{response.StatusCode, response.Header, text}, err
}

// SCIM makes a request below DirectoryPath and demands a status.
func (c *Client) SCIM(status int, method, path, body string, edit ...func(*http.Request)) Answer {
	c.T.Helper()
	answer, err := c.Send(method, DirectoryPath+path, body, edit...)
	if err != nil {
		c.T.Fatalf("%s %s: %v", method, path, err)
	}
	if answer.Status != status {
		c.T.Fatalf("%s %s: got status %d, want %d; body %s", method, path, answer.Status, status, answer.Body)
	}
	return answer
}

// NewUser returns the smallest body that creates a user.
func NewUser(email string) string {
	return fmt.Sprintf(`{"userName":%q,"emails":[{"value":%[1]q,"type":"work","primary":true}]}`, email)
}

// Create creates a resource of the directory and returns it.
func (c *Client) Create(path, body string) map[string]any {
	c.T.Helper()
	return c.SCIM(201, "POST", path, body).JSON(c.T)
}

// At follows a path such as Resources|0|id into decoded JSON and returns the
// value there, or nil.
func At(v any, path string) any {
	for name := range strings.SplitSeq(path, "|") {
		switch value := v.(type) {
		case map[string]any:
			v = value[name]
		case []any:
			var i int
			if _, err := fmt.Sscan(name, &i); err != nil || i >= len(value) {
				return nil
			}
			v = value[i]
		default:
			return nil
		}
	}
	return v
}
