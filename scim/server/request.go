package server

import (
	"net/http"
	"slices"
	"strings"

	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/document"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// urnListResponse is the message schema of lists, RFC 7644 section 8.2.
const urnListResponse = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

// understand reads the parameters and the body of a request for a resource
// type into c, refusing what no step behind it should see.
func (s *Server) understand(c *call, r *http.Request, to route) error {
	p, err := document.ParseParameters(r.URL.RawQuery)
	if err != nil {
		return err
	}
	var body any
	switch {
	case c.operation > 0:
		body = c.data
	case r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch:
		if body, err = document.ReadBody(r, s.cfg.MaxBodyBytes); err != nil {
			return err
		}
	}
	if to.below != "" {
		if p, err = document.ParseSearchRequest(body); err != nil {
			return err
		}
	}
	if to.below == endpointDelta {
		if err := c.delta.ParseBody(body); err != nil {
			return err
		}
	}
	fresh, since := c.caller.Wants(r, c.began)
	if c.query.Fresh = fresh; since.After(c.query.Since) && (p.StartIndex == nil || *p.StartIndex <= 1) { // later pages follow the first
		c.query.Since = since
	}
	if err := c.understandAttributes(p); err != nil {
		return err
	}
	switch {
	case to.below != "" || to.id == "" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		return s.understandList(c, p)
	case r.Method == http.MethodPatch:
		err = s.understandPatch(c, body)
	case r.Method == http.MethodPost, r.Method == http.MethodPut:
		reader := document.Reader{Type: c.rt, Policy: c.Policy, Base: c.base}
		c.body, c.cleared, err = reader.Resource(body, func(doc *query.Object) (err error) {
			if b, ok := c.rt.Backend.(resource.Completer); ok {
				c.standIn, err = b.Complete(r.Context(), c.Method, doc)
			}
			return err
		})
	}
	return err
}

// understandPatch reads the operations of a PATCH into c. A caller who changes groups
// by their users needs the right to write groups; to send them back as they are, not.
func (s *Server) understandPatch(c *call, body any) (err error) {
	reader := document.Reader{Type: c.rt, Policy: c.Policy, Base: c.base, MaxOperations: s.cfg.BulkMaxOperations}
	if c.Policy.GroupsByUser && c.rt.Linking != nil {
		reader.Type = c.rt.Linking
	}
	if c.patch, err = reader.Patch(body); err != nil {
		return err
	}
	if slices.ContainsFunc(c.patch, c.changesLinking) {
		c.mayNotLink = c.mustWrite(s.typeAt(strings.TrimPrefix(reader.Type.Linked[0], "/")))
	}
	return nil
}

// changesLinking reports whether an operation is on the attribute that only the
// Linking of the type can write.
func (c *call) changesLinking(op resource.Operation) bool {
	return c.rt.Linking != nil && op.Path.Attr.Name == c.rt.Linking.Links.Name
}

// understandAttributes says what the answer shows. A request that names no
// attributes sees neither those that it excludes nor those hidden from the caller.
func (c *call) understandAttributes(p document.Parameters) (err error) {
	c.query.Want = c.rt.Shown
	if err := c.caller.MayName(p.Attributes...); err != nil {
		return err
	}
	if len(p.Attributes)+len(p.ExcludeAttributes) > 0 {
		if c.query.Want, err = c.rt.Schema.Project(p.Attributes, p.ExcludeAttributes); err != nil {
			return resource.InvalidValue("%s.", err.Error())
		}
		c.query.Named = len(p.Attributes) > 0
		c.query.Shown = strings.Join(p.Attributes, ",") + "\x00" + strings.Join(p.ExcludeAttributes, ",")
	}
	if !c.caller.Hides() || len(p.Attributes) > 0 {
		return nil
	}
	c.wants = make(map[string]query.Projection, len(c.types))
	for _, rt := range c.types {
		if c.wants[rt.Name], err = rt.Schema.Project(nil, slices.Concat(p.ExcludeAttributes, c.caller.Hidden(rt.Name))); err != nil {
			return err
		}
	}
	if c.root == nil {
		c.query.Want = c.wants[c.rt.Name]
	}
	return nil
}

// wantOf returns the attributes of a type that the answer shows. In a query on
// the root, the answer shows no attribute of them that c.query.Want leaves out.
func (c *call) wantOf(rt *resource.Type) query.Projection {
	if want, ok := c.wants[rt.Name]; ok {
		return want
	}
	return c.query.Want
}

// understandList completes c.query with filter, sort and page.
func (s *Server) understandList(c *call, p document.Parameters) error {
	c.explain = p.Explain
	q := &c.query
	q.Start, q.Count = 1, s.cfg.MaxResults
	if p.StartIndex != nil {
		q.Start = max(1, *p.StartIndex)
	}
	if p.Count != nil {
		q.Count = min(max(0, *p.Count), s.cfg.MaxResults)
	}
	if err := s.understandCursor(q, p); err != nil {
		return err
	}
	if p.Filter != nil {
		e, err := query.Parse(c.rt.Schema, *p.Filter, resource.FilterBounds(c.caller.Strict))
		if err != nil {
			return err
		}
		q.Filter = e
	}
	if err := s.understandSort(c, p); err != nil {
		return err
	}
	if slices.ContainsFunc(q.Attributes(), func(name string) bool { return isCompleted(c.caller, name) }) {
		q.Complete = c.completer(c.rt)
	}
	c.versioned = q.Want.Wants("meta.version") || q.Complete != nil
	return c.caller.MayName(q.Attributes()...)
}

// understandCursor reads the parameters of RFC 9865. The cursor itself is checked
// later, since its signature covers the whole query.
func (s *Server) understandCursor(q *resource.ListQuery, p document.Parameters) error {
	q.Cursor, q.Counted = p.Cursor, p.Count != nil
	switch {
	case p.Cursor == nil:
		return nil
	case p.StartIndex != nil:
		return resource.InvalidValue("startIndex and cursor exclude each other: send one of them.")
	case p.Count != nil && *p.Count > s.cfg.MaxResults:
		return resource.Refuse(http.StatusBadRequest, resource.TypeInvalidCount, "count is %d; with a cursor it is at most %d.", *p.Count, s.cfg.MaxResults)
	}
	return nil
}

// isCompleted reports whether the server adds an attribute to what backends return,
// or shows it to the caller in another form.
func isCompleted(c *auth.Caller, name string) bool {
	switch name {
	case "schemas", "meta", "meta.location", "meta.version":
		return true
	}
	return c.UntypedEmail != "" && (name == "emails" || strings.HasPrefix(name, "emails."))
}

func (s *Server) understandSort(c *call, p document.Parameters) error {
	if p.SortOrder != nil {
		switch strings.ToLower(*p.SortOrder) {
		case "descending":
			c.query.Descending = true
		case "ascending", "":
		default:
			return resource.InvalidValue("sortOrder is %q; use ascending or descending.", resource.Clip(*p.SortOrder))
		}
	}
	if p.SortBy == nil || *p.SortBy == "" {
		return nil
	}
	path, err := c.rt.Schema.Resolve(*p.SortBy)
	if err == nil {
		path, err = path.Comparable()
	}
	if err != nil {
		return resource.InvalidPath("sortBy: %s.", err.Error())
	}
	c.query.SortBy = &path
	return nil
}
