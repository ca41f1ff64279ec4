package server

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"

	"scim-atlassian/scim/delta"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// deltaToken answers GET /.deltaToken and GET /{Type}/.deltaToken.
func (s *Server) deltaToken(r *http.Request, c *call) error {
	scope := s.scope(c)
	scope.Fresh, _ = c.caller.Wants(r, c.began)
	token, position, err := s.cfg.Deltas.Token(r.Context(), scope)
	if err == nil {
		c.static, c.position = token.Document(), position
	}
	return err
}

// delta answers POST /.delta and POST /{Type}/.delta. The parameters are in c.
func (s *Server) delta(ctx context.Context, c *call) error {
	page, err := s.deltaPage(ctx, c)
	if err == nil {
		c.static, c.position = page.Document(c.query.Cursor != nil), page.Position
	}
	return err
}

func (s *Server) deltaPage(ctx context.Context, c *call) (*delta.Page, error) {
	c.delta.Scope, c.delta.List, c.delta.Caller = s.scope(c), c.query, c.caller.Name
	c.delta.Complete = c.complete
	c.delta.Cut = func(_ *resource.Type, o query.Object) query.Object { return c.cut(o) }
	c.delta.Shows = func(rt *resource.Type, name string) bool { return c.query.Want.Wants(name) && c.wantOf(rt).Wants(name) }
	return s.cfg.Deltas.Query(ctx, &c.delta)
}

// scope says what a request about changes is about.
func (s *Server) scope(c *call) delta.Scope {
	scope := delta.Scope{Type: c.rt, Root: c.root != nil, Types: c.types, Fresh: c.query.Fresh}
	for _, rt := range s.types {
		if c.caller.May(rt.Name, false) {
			scope.Readable = append(scope.Readable, rt)
		}
	}
	return scope
}

// DeltaOptions is a delta query that comes from within the process.
type DeltaOptions struct {
	Resource string // name or endpoint of the resource type, in any case
	Token    string // empty: none is asked about, and the answer is the token of now
	Filter   string // empty: all changes; otherwise those that match no longer are told as deleted
	Cursor   string // Next of the page before; empty: the first page
	Count    int    // log entries of a page
	Fresh    bool   // rest on nothing that was read before
}

// ExportedDelta is the answer to a delta query.
type ExportedDelta struct {
	Changes       []query.Object // wrappers
	Next          string         // cursor of the next page; empty: this is the last one
	Token         string         // for the next query, on the last page
	Expiry        time.Time      // of Token
	AsOf, Proven  time.Time      // of the first page, as resource.Mark has them
	UpstreamCalls int            // requests to Atlassian that it took, also if it failed
}

// ExportDelta answers a delta query without HTTP, as Export does a list request.
func (s *Server) ExportDelta(ctx context.Context, o DeltaOptions) (ExportedDelta, error) {
	rt, err := s.Type(o.Resource)
	if err != nil {
		return ExportedDelta{}, err
	}
	to, method := route{rt: rt, below: endpointDeltaToken}, http.MethodGet
	if o.Token != "" {
		to.below, method = endpointDelta, http.MethodPost
	}
	r := exportRequest(method, rt.Endpoint+"/"+to.below, o.Fresh)
	body := query.Object{{Name: "deltaToken", Value: o.Token}, {Name: "cursor", Value: o.Cursor}, {Name: "count", Value: int64(o.Count)}}
	if o.Filter != "" {
		body = append(body, query.Member{Name: "filter", Value: o.Filter}, query.Member{Name: "removedByFilter", Value: true})
	}
	r.Body = io.NopCloser(bytes.NewReader(body.AppendJSON(nil)))
	c := s.newExport(r)
	c.rt = rt
	err = s.export(ctx, c, r, to)
	found := ExportedDelta{UpstreamCalls: int(c.Upstream.Load()), AsOf: c.position.AsOf, Proven: c.position.Proven}
	token := c.static.Inner("nextDeltaToken")
	if o.Token == "" {
		token = c.static
	}
	found.Changes, found.Next, found.Token = c.static.Elements("Resources"), c.static.Text("nextCursor"), token.Text("value")
	if expiry, ok := token.Get("expiry"); ok {
		found.Expiry, _ = expiry.(time.Time)
	}
	return found, err
}
