package scim

import (
	"bytes"
	"io"
	"net/http"
	"net/url"

	elimity "github.com/elimity-com/scim"
	"github.com/go-json-experiment/json"

	"scim-atlassian/scim/query"
)

// handler is the one elimity.ResourceHandler of all resource types. What it
// finds goes into the request's call; elimity gets a stub, since its own
// rendering knows neither our errors nor projection, and writes into the maps
// it is given.
type handler struct {
	rt    *resourceType
	walks *walks
}

// stub is answered to the library in place of the resource.
func stub() elimity.Resource {
	return elimity.Resource{ID: "-", Attributes: elimity.ResourceAttributes{"-": true}}
}

// Create implements elimity.ResourceHandler.
func (h handler) Create(r *http.Request, attributes elimity.ResourceAttributes) (elimity.Resource, error) {
	c := callFrom(r.Context())
	c.found, c.err = h.rt.backend.create(r.Context(), query.ObjectOf(attributes, h.rt.schema))
	if id, ok := c.found.Get("id"); ok {
		c.target, _ = id.(string)
	}
	c.answered = true
	return stub(), nil
}

// Get implements elimity.ResourceHandler.
func (h handler) Get(r *http.Request, id string) (elimity.Resource, error) {
	c := callFrom(r.Context())
	c.found, c.err = h.rt.backend.get(r.Context(), id, c.query.want)
	c.answered = true
	return stub(), nil
}

// GetAll implements elimity.ResourceHandler.
func (h handler) GetAll(r *http.Request, _ elimity.ListRequestParams) (elimity.Page, error) {
	c := callFrom(r.Context())
	c.answered = true
	key := c.query.key(c)
	if c.list = h.walks.next(key, c.query); c.list != nil {
		return elimity.Page{}, nil
	}
	if c.list, c.err = h.rt.backend.list(r.Context(), c.query); c.err == nil {
		h.walks.keep(key, c.query, c.list)
	}
	return elimity.Page{}, nil
}

// Replace implements elimity.ResourceHandler.
func (h handler) Replace(r *http.Request, id string, attributes elimity.ResourceAttributes) (elimity.Resource, error) {
	c := callFrom(r.Context())
	c.found, c.err = h.rt.backend.replace(r.Context(), id, query.ObjectOf(attributes, h.rt.schema))
	c.answered = true
	return stub(), nil
}

// Delete implements elimity.ResourceHandler.
func (h handler) Delete(r *http.Request, id string) error {
	c := callFrom(r.Context())
	c.err = h.rt.backend.remove(r.Context(), id)
	c.answered = true
	return nil
}

// Patch implements elimity.ResourceHandler. The library validated one operation
// for each of ours and hands over the values in its canonical form.
func (h handler) Patch(r *http.Request, id string, operations []elimity.PatchOperation) (elimity.Resource, error) {
	c := callFrom(r.Context())
	for i := range c.patch {
		c.patch[i].value = query.ValueOf(operations[i].Value, c.patch[i].path)
	}
	c.found, c.err = h.rt.backend.patch(r.Context(), id, c.patch)
	c.answered = true
	return stub(), nil
}

// dispatch sends the request through the library to the handler. The library
// sees a path of our making and a body that has been put into its form, never
// the query string.
func (s *Server) dispatch(c *call, r *http.Request, to route) error {
	method, path := r.Method, c.rt.Endpoint
	if to.id != "" {
		path += "/" + url.PathEscape(to.id)
	}
	if method == http.MethodHead || to.search {
		method = http.MethodGet
	}
	if method == http.MethodPatch && len(c.patch) == 0 {
		method = http.MethodGet // nothing in it concerns us; the answer is the resource as it is
	}
	body, err := c.libraryBody()
	if err != nil {
		return err
	}
	inner := &http.Request{Method: method, URL: &url.URL{Path: path}, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body))}
	refusal := &refusal{header: http.Header{}}
	s.library.ServeHTTP(refusal, inner.WithContext(r.Context()))
	if c.answered {
		return c.err
	}
	return refusal.error()
}

// refusal takes the library's own answer. It matters only when no handler ran.
type refusal struct {
	header http.Header
	status int
	body   []byte
}

func (w *refusal) Header() http.Header         { return w.header }
func (w *refusal) WriteHeader(status int)      { w.status = status }
func (w *refusal) Write(b []byte) (int, error) { w.body = append(w.body, b...); return len(b), nil }

func (w *refusal) error() error {
	var said struct {
		ScimType string `json:"scimType"`
		Detail   string `json:"detail"`
	}
	if err := json.Unmarshal(w.body, &said); err != nil || w.status < 400 || w.status >= 500 {
		return &Error{Status: http.StatusInternalServerError, Detail: "Internal error; the server's log has the cause under this request's id.", Err: err}
	}
	return refuse(w.status, said.ScimType, "%s", said.Detail)
}
