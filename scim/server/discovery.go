package server

import (
	"net/http"

	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// describe finds the document or the list. Paging does not apply here, and a
// filter is refused (RFC 7644 section 4).
func (s *Server) describe(c *call, r *http.Request, to route) error {
	if to.discovery == endpointServiceProviderConfig {
		if to.id != "" {
			return noEndpoint()
		}
		c.static = c.withLocation(s.discovery.Config(s.paginates(c.caller)), "/"+endpointServiceProviderConfig)
		return nil
	}
	if to.id != "" {
		doc, err := s.discovery.Find(to.discovery, to.id)
		if err != nil {
			return err
		}
		c.static = c.withLocation(doc, "/"+to.discovery+"/"+doc.Text("id"))
		return nil
	}
	if r.URL.Query().Has("filter") {
		return resource.Refuse(http.StatusForbidden, "", "%s cannot be filtered.", to.discovery)
	}
	documents := s.discovery.All(to.discovery)
	all := make([]any, 0, len(documents))
	for _, doc := range documents {
		all = append(all, c.withLocation(doc, "/"+to.discovery+"/"+doc.Text("id")))
	}
	c.static = query.Object{
		{Name: "schemas", Value: []any{urnListResponse}}, {Name: "totalResults", Value: int64(len(all))},
		{Name: "startIndex", Value: int64(1)}, {Name: "itemsPerPage", Value: int64(len(all))}, {Name: "Resources", Value: all},
	}
	return nil
}

// paginates reports whether a caller is told of pagination; nil: nobody knows who calls.
func (s *Server) paginates(caller *auth.Caller) bool {
	if caller != nil && caller.AnnouncePagination != nil {
		return *caller.AnnouncePagination
	}
	return s.cfg.ShowPagination
}

// withLocation returns a copy of a document with its location in meta.
func (c *call) withLocation(doc query.Object, path string) query.Object {
	doc = doc.Clone()
	meta := doc.Inner("meta")
	doc.Set("meta", append(meta, query.Member{Name: "location", Value: c.base + path}))
	return doc
}
