package console

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"scim-atlassian/scim/console/sheet"
	"scim-atlassian/scim/resource"
)

// answer is what came of a SCIM request.
type answer struct {
	status int
	header http.Header
	body   map[string]any
}

// passedOn are the headers of the browser's request that tell who asks.
var passedOn = []string{"Authorization", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"}

// ask makes a SCIM request as the caller who looks at the page: with its credentials, from its address, over the
// connection that it came by. A refusal is no error; one that is not an answer of SCIM is.
func (c *Console) ask(v *visit, method, path string, parameters url.Values, body string) (*answer, error) {
	r := v.Clone(v.Context())
	r.Method, r.Header, r.Form, r.PostForm, r.RequestURI = method, http.Header{"Accept": {"application/json"}}, nil, nil, ""
	for _, name := range passedOn {
		if values := v.Header.Values(name); values != nil {
			r.Header[name] = values
		}
	}
	r.URL = &url.URL{Path: c.cfg.BasePath + path, RawQuery: parameters.Encode()}
	r.Body, r.ContentLength = http.NoBody, 0
	if body != "" {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		r.Header.Set("Content-Type", "application/json")
	}
	w := &memory{header: http.Header{}, status: http.StatusOK}
	c.cfg.SCIM.ServeHTTP(w, r)
	if err := v.Context().Err(); err != nil {
		return nil, refuse(http.StatusGatewayTimeout, "This took longer than %v, and was given up.", longest)
	}
	a := &answer{status: w.status, header: w.header}
	if err := json.Unmarshal(w.body.Bytes(), &a.body); err != nil {
		return nil, err
	}
	calls, _ := strconv.Atoi(w.header.Get("X-Upstream-Calls"))
	v.calls += calls
	return a, nil
}

// refusal is the error that an answer is, nil if it is none.
func (a *answer) refusal() *resource.Error {
	if a.status < http.StatusBadRequest {
		return nil
	}
	kind, _ := a.body["scimType"].(string)
	return &resource.Error{Status: a.status, Type: kind, Detail: sheet.Words(a.body["detail"])}
}

// resources are those of a list.
func (a *answer) resources() []map[string]any { return objects(a.body["Resources"]) }

// objects are the elements of a list that are objects.
func objects(list any) []map[string]any {
	var all []map[string]any
	elements, _ := list.([]any)
	for _, e := range elements {
		if o, ok := e.(map[string]any); ok {
			all = append(all, o)
		}
	}
	return all
}

// number reads a member that is a number.
func number(v any) int {
	f, _ := v.(float64)
	return int(f)
}

// memory is the writer of an answer that stays in the process.
type memory struct {
	header http.Header
	status int
	body   bytes.Buffer
	wrote  bool
}

func (w *memory) Header() http.Header { return w.header }

func (w *memory) WriteHeader(status int) {
	if !w.wrote {
		w.status, w.wrote = status, true
	}
}

func (w *memory) Write(b []byte) (int, error) {
	w.wrote = true
	return w.body.Write(b)
}
