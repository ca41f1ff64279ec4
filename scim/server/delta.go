package server

import (
	"context"
	"net/http"

	"scim-atlassian/scim/delta"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// deltaToken answers GET /.deltaToken and GET /{Type}/.deltaToken.
func (s *Server) deltaToken(r *http.Request, c *call) error {
	scope := s.scope(c)
	scope.Fresh = wantsFresh(r)
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
