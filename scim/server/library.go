package server

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"

	elimity "github.com/elimity-com/scim"
	"github.com/elimity-com/scim/optional"
	"github.com/elimity-com/scim/schema"
	"github.com/go-json-experiment/json"

	"scim-atlassian/schemas"
	"scim-atlassian/scim/document"
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
	lists *list.Pager
}

// stub is answered to the library in place of the resource.
func stub() elimity.Resource {
	return elimity.Resource{ID: "-", Attributes: elimity.ResourceAttributes{"-": true}}
}

// Create implements elimity.ResourceHandler.
func (h handler) Create(r *http.Request, _ elimity.ResourceAttributes) (elimity.Resource, error) {
	c := callFrom(r.Context())
	c.Touched = c.touched()
	c.found, c.err = h.backend(c).Create(r.Context(), c.body)
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
	if h.rt.View && !c.conditions.Given() {
		want = c.query.Want // but not at any price
	}
	if !c.conditions.Given() && c.rehearsal == nil {
		c.source, c.err = resource.GetSource(r.Context(), h.rt.Backend, id, want)
		return stub(), nil
	}
	if c.found, c.err = h.backend(c).Get(r.Context(), id, want); c.err == nil {
		c.err = c.conditions.Check(c.rt.Lasting(c.found))
	}
	return stub(), nil
}

// GetAll implements elimity.ResourceHandler.
func (h handler) GetAll(r *http.Request, _ elimity.ListRequestParams) (elimity.Page, error) {
	c := callFrom(r.Context())
	c.list, c.err = h.lists.Page(r.Context(), c.listRequest())
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
	if c.conditions.Given() || c.rehearsal != nil {
		if _, c.err = h.current(r.Context(), c, id); c.err != nil {
			return nil
		}
	}
	c.err = h.backend(c).Remove(r.Context(), id)
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

// library is elimity's SCIM server, which dispatches requests to the handler and
// gives a second opinion on bodies: what document let through it accepts, so that
// a refusal of its own is our mistake. It is made once and safe for concurrent use.
type library struct {
	whole http.Handler // validates resources and the operations of a PATCH
	// parts validates resources that lack what is required. A PATCH that only sets
	// values reaches it as a PUT of them, since the library's parser of paths takes
	// longer than all the rest of such a request.
	parts http.Handler
}

// dispatch sends the request through the library to the handler. The library
// sees a path of our making and a body in its own form, never the query string.
func (s *Server) dispatch(c *call, r *http.Request, to route) error {
	method, path, body, serving := r.Method, c.rt.Endpoint, []byte(nil), s.library.whole
	if to.id != "" {
		path += "/" + url.PathEscape(to.id)
	}
	switch {
	case method == http.MethodHead, to.below != "", method == http.MethodPatch && len(c.patch) == 0:
		method = http.MethodGet // a PATCH in which nothing concerns us is answered with the resource as it is
	case method == http.MethodPatch:
		// The library knows attributes that Linking writes as readOnly.
		ops := slices.DeleteFunc(slices.Clone(c.patch), c.changesLinking)
		if values, ok := document.Values(ops); ok {
			method, serving = http.MethodPut, s.library.parts
			body = c.libraryDocument(values)
		} else {
			body = libraryPatch(ops)
		}
	case c.body != nil:
		body = c.libraryDocument(c.body)
	}
	inner := &http.Request{Method: method, URL: &url.URL{Path: path}, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body))}
	refusal := &refusal{header: http.Header{}}
	serving.ServeHTTP(refusal, inner.WithContext(r.Context()))
	if c.answered {
		return c.err
	}
	return refusal.error()
}

// libraryDocument is a resource as the library reads it.
func (c *call) libraryDocument(o query.Object) []byte {
	return append(query.Object{{Name: "schemas", Value: []any{c.rt.Core.ID}}}, o...).AppendJSON(nil)
}

// libraryPatch is the body of a PATCH as the library reads it.
func libraryPatch(ops []resource.Operation) []byte {
	operations := make([]any, 0, len(ops))
	for _, op := range ops {
		o := query.Object{{Name: "op", Value: op.Op}, {Name: "path", Value: op.Path.String()}}
		if op.Value != nil {
			o.Set("value", op.Value)
		}
		operations = append(operations, o)
	}
	return query.Object{{Name: "schemas", Value: []any{resource.URNPatchOp}}, {Name: "Operations", Value: operations}}.AppendJSON(nil)
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

// newLibrary makes the library's servers over the types.
func newLibrary(types []*resource.Type, l *list.Pager) (lib library, err error) {
	whole := func(s schemas.Schema) schemas.Schema { return s }
	if lib.whole, err = newElimity(types, whole, func(h handler) elimity.ResourceHandler { return h }, l); err != nil {
		return lib, err
	}
	lib.parts, err = newElimity(types, requiringNothing, func(h handler) elimity.ResourceHandler { return valueHandler{h} }, l)
	return lib, err
}

// valueHandler takes the values that a PATCH sets.
type valueHandler struct{ handler }

// Replace implements elimity.ResourceHandler for a PATCH.
func (h valueHandler) Replace(r *http.Request, id string, _ elimity.ResourceAttributes) (elimity.Resource, error) {
	return h.Patch(r, id, nil)
}

func requiringNothing(s schemas.Schema) schemas.Schema {
	s.Attributes = slices.Clone(s.Attributes)
	for i := range s.Attributes {
		s.Attributes[i].Required = false
	}
	return s
}

func newElimity(types []*resource.Type, change func(schemas.Schema) schemas.Schema, with func(handler) elimity.ResourceHandler, l *list.Pager) (http.Handler, error) {
	args := elimity.ServerArgs{ServiceProviderConfig: &elimity.ServiceProviderConfig{}}
	for _, t := range types {
		core, err := elimitySchema(change(*t.Core))
		if err != nil {
			return nil, err
		}
		rt := elimity.ResourceType{
			ID: optional.NewString(t.Name), Name: t.Name, Endpoint: t.Endpoint,
			Description: optional.NewString(t.Description), Schema: core, Handler: with(handler{t, l}),
		}
		for _, e := range t.Extensions {
			extension, err := elimitySchema(change(*e))
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

// elimitySchema is a schema as the library validates by it.
func elimitySchema(s schemas.Schema) (out schema.Schema, err error) {
	b, err := json.Marshal(s)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		return schema.Schema{}, fmt.Errorf("elimity: schema %s: %w", s.ID, err)
	}
	return out, nil
}
