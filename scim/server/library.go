package server

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"

	elimity "github.com/elimity-com/scim"
	"github.com/elimity-com/scim/optional"
	"github.com/elimity-com/scim/schema"
	"github.com/go-json-experiment/json"

	"scim-atlassian/schemas"
	"scim-atlassian/scim/list"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// handler is the one elimity.ResourceHandler of all resource types. What it
// finds goes into the request's call; elimity gets a stub, since its own
// rendering knows neither our errors nor projection, and writes into the maps
// it is given.
type handler struct {
	rt    *resource.Type
	lists *list.Lists
}

// stub is answered to the library in place of the resource.
func stub() elimity.Resource {
	return elimity.Resource{ID: "-", Attributes: elimity.ResourceAttributes{"-": true}}
}

// Create implements elimity.ResourceHandler.
func (h handler) Create(r *http.Request, _ elimity.ResourceAttributes) (elimity.Resource, error) {
	c := callFrom(r.Context())
	c.found, c.err = h.rt.Backend.Create(r.Context(), c.body)
	if id, ok := c.found.Get("id"); ok {
		c.target, _ = id.(string)
	}
	c.answered = true
	return stub(), nil
}

// Get implements elimity.ResourceHandler.
func (h handler) Get(r *http.Request, id string) (elimity.Resource, error) {
	c := callFrom(r.Context())
	c.answered = true
	var want query.Projection // the entity tag is of the whole resource, whatever of it is asked for
	if h.rt.View && !c.conditions.given() {
		want = c.query.Want // but not at any price
	}
	if c.found, c.err = h.rt.Backend.Get(r.Context(), id, want); c.err == nil {
		c.err = c.conditions.check(c.found)
	}
	return stub(), nil
}

// GetAll implements elimity.ResourceHandler.
func (h handler) GetAll(r *http.Request, _ elimity.ListRequestParams) (elimity.Page, error) {
	c := callFrom(r.Context())
	c.list, c.err = h.lists.Page(r.Context(), c.listed())
	c.answered = true
	return elimity.Page{}, nil
}

// Replace implements elimity.ResourceHandler.
func (h handler) Replace(r *http.Request, id string, _ elimity.ResourceAttributes) (elimity.Resource, error) {
	c := callFrom(r.Context())
	c.found, c.err = h.replace(r.Context(), c, id)
	c.answered = true
	return stub(), nil
}

// Delete implements elimity.ResourceHandler.
func (h handler) Delete(r *http.Request, id string) error {
	c := callFrom(r.Context())
	c.answered = true
	if c.conditions.given() {
		if _, c.err = h.current(r.Context(), c, id); c.err != nil {
			return nil
		}
	}
	c.err = h.rt.Backend.Remove(r.Context(), id)
	return nil
}

// Patch implements elimity.ResourceHandler. The library validated one operation
// for each of ours. Its values are not used: it takes the member id out of every
// object.
func (h handler) Patch(r *http.Request, id string, _ []elimity.PatchOperation) (elimity.Resource, error) {
	c := callFrom(r.Context())
	c.found, c.err = h.patch(r.Context(), c, id)
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
	inner := &http.Request{Method: method, URL: &url.URL{Path: path}, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(c.libraryBody()))}
	refusal := &refusal{header: http.Header{}}
	s.library.ServeHTTP(refusal, inner.WithContext(r.Context()))
	if c.answered {
		return c.err
	}
	return refusal.error()
}

// libraryBody is what the client said as the library reads it, nil if the
// request has no body.
func (c *call) libraryBody() []byte {
	switch {
	case c.body != nil:
		return append(query.Object{{Name: "schemas", Value: []any{c.rt.Core.ID}}}, c.body...).AppendJSON(nil)
	case c.patch != nil:
		return libraryPatch(c.patch).AppendJSON(nil)
	}
	return nil
}

// libraryPatch is a PATCH as the library reads it. It gathers the values of
// operations without a value filter in operations without a path: the library's
// parser of paths takes longer than the rest of the request. Removes need a path.
func libraryPatch(ops []resource.Operation) query.Object {
	var operations []any
	var gathered query.Object
	flush := func() {
		if gathered != nil {
			operations = append(operations, query.Object{{Name: "op", Value: "replace"}, {Name: "value", Value: gathered}})
			gathered = nil
		}
	}
	for _, op := range ops {
		if op.Filter != nil || op.Op == "remove" {
			operations = append(operations, withPath(op))
			continue
		}
		name := query.Path{Extension: op.Path.Extension, Attr: op.Path.Attr}.String()
		value := op.Value
		if op.Path.Sub != nil {
			value = append(gathered.Inner(name).Clone(), query.Member{Name: op.Path.Sub.Name, Value: value})
		}
		if _, twice := gathered.Get(name); twice && (op.Path.Sub == nil || gathered.Inner(name) == nil || hasMember(gathered.Inner(name), op.Path.Sub.Name)) {
			flush()
			if op.Path.Sub != nil {
				value = query.Object{{Name: op.Path.Sub.Name, Value: op.Value}}
			}
		}
		gathered.Set(name, value)
	}
	flush()
	return query.Object{{Name: "schemas", Value: []any{resource.URNPatchOp}}, {Name: "Operations", Value: operations}}
}

func hasMember(o query.Object, name string) bool {
	_, ok := o.Get(name)
	return ok
}

// withPath is an operation as the library reads it, with its path.
func withPath(op resource.Operation) query.Object {
	o := query.Object{{Name: "op", Value: op.Op}, {Name: "path", Value: op.Path.String()}}
	if op.Value != nil {
		o.Set("value", op.Value)
	}
	return o
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
		return &resource.Error{Status: http.StatusInternalServerError, Detail: "Internal error; the server's log has the cause under this request's id.", Err: err}
	}
	return resource.Refuse(w.status, said.ScimType, "%s", said.Detail)
}

// newLibrary makes the elimity server that dispatches to our handler and
// validates bodies against the published schemas.
func newLibrary(types []*resource.Type, l *list.Lists) (http.Handler, error) {
	args := elimity.ServerArgs{ServiceProviderConfig: &elimity.ServiceProviderConfig{}}
	for _, t := range types {
		core, err := librarySchema(t.Core)
		if err != nil {
			return nil, err
		}
		rt := elimity.ResourceType{
			ID: optional.NewString(t.Name), Name: t.Name, Endpoint: t.Endpoint,
			Description: optional.NewString(t.Description), Schema: core, Handler: handler{t, l},
		}
		for _, e := range t.Extensions {
			extension, err := librarySchema(e)
			if err != nil {
				return nil, err
			}
			rt.SchemaExtensions = append(rt.SchemaExtensions, elimity.SchemaExtension{Schema: extension})
		}
		args.ResourceTypes = append(args.ResourceTypes, rt)
	}
	server, err := elimity.NewServer(&args)
	if err != nil {
		return nil, fmt.Errorf("elimity: %w", err)
	}
	return server, nil
}

// librarySchema is a schema as the library validates by it.
func librarySchema(s *schemas.Schema) (schema.Schema, error) {
	var out schema.Schema
	if err := json.Unmarshal(s.Document(), &out); err != nil {
		return schema.Schema{}, fmt.Errorf("elimity: schema %s: %w", s.ID, err)
	}
	return out, nil
}
