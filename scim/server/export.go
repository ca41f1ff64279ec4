package server

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/resource"
)

// exporter is the caller that Export asks as: it may read everything, and no
// request can authenticate as it.
var exporter = &auth.Caller{Name: "export", Rights: map[string]auth.Right{auth.AnyType: auth.Read}}

// ExportOptions is a list request that comes from within the process, with the
// parameters of RFC 7644 section 3.4.2.
type ExportOptions struct {
	Resource   string // name or endpoint of the resource type, in any case
	Filter     string // empty: everything
	StartIndex int    // from 1; 0: 1
	Count      int    // resources at most, as far as Config.MaxResults allows; 0: none
	Fresh      bool   // take nothing that was read for an earlier request
	// Follows is the time at which the page before this one was asked for with
	// Fresh; zero: there was none. The server then reads this page alone where it
	// can and takes no list that was read before. Other data, such as project
	// roles, may be of the time of that page.
	Follows time.Time
}

// ExportedPage is the answer to a list request.
type ExportedPage struct {
	Total int // resources that match, on all pages
	Count int // resources on this one
	// Resources yields their JSON, each on one line as in the Resources of a
	// ListResponse. The bytes are good until the next one.
	Resources     iter.Seq[[]byte]
	Whole         bool // to find it, the server found everything that matches
	UpstreamCalls int  // requests to Atlassian that it took, also if it failed
	Plan          string
}

// Export answers a list request without HTTP: the same steps as for one that
// came in by ServeHTTP, from the guards to the renderer, for a caller that may
// read everything. Like that, it is complete or an error, which is an *Error. The
// page holds all its resources in memory until it is dropped. Locations begin
// with Config.PublicURL. It is safe for concurrent use.
func (s *Server) Export(ctx context.Context, o ExportOptions) (ExportedPage, error) {
	rt, err := s.Type(o.Resource)
	if err != nil {
		return ExportedPage{}, err
	}
	parameters := url.Values{"startIndex": {strconv.Itoa(max(1, o.StartIndex))}, "count": {strconv.Itoa(o.Count)}}
	if o.Filter != "" {
		parameters.Set("filter", o.Filter)
	}
	r := exportRequest(http.MethodGet, rt.Endpoint, o.Fresh)
	r.URL.RawQuery = parameters.Encode()
	c := s.newExport(r)
	c.rt, c.query.Since = rt, o.Follows
	if err := s.export(ctx, c, r, route{rt: rt}); err != nil {
		return ExportedPage{UpstreamCalls: int(c.Upstream.Load())}, err
	}
	page := ExportedPage{UpstreamCalls: int(c.Upstream.Load())}
	page.Total, page.Count, page.Plan = c.list.Total, c.list.Len(), c.list.Plan
	page.Whole = c.list.Whole()
	page.Resources = func(yield func([]byte) bool) {
		var b []byte
		view := c.view()
		for i := range c.list.Len() {
			b = c.appendListed(b[:0], i, &view)
			if !yield(b) {
				return
			}
		}
	}
	return page, nil
}

// exportRequest is a request of the exporter.
func exportRequest(method, path string, fresh bool) *http.Request {
	r := &http.Request{Method: method, URL: &url.URL{Path: BasePath + path}, Header: http.Header{"Content-Type": {mediaSCIM}}, Body: http.NoBody}
	if fresh {
		r.Header.Set("Cache-Control", "no-cache")
	}
	return r
}

func (s *Server) newExport(r *http.Request) *call {
	c := newCall(r, s.cfg.PublicURL+BasePath, s.cfg.Now())
	c.caller = exporter
	return c
}

// export brings a request of the exporter to its outcome. Its error is the *Error of
// the answer.
func (s *Server) export(ctx context.Context, c *call, r *http.Request, to route) error {
	within, cancel := context.WithTimeout(withCall(ctx, c), s.cfg.RequestTimeout)
	defer cancel()
	s.conclude(c, s.exported(c, r.WithContext(within), to))
	switch {
	case c.err == nil:
		s.record(c, http.StatusOK)
		return nil
	case ctx.Err() == nil: // to be given up is no failure
		s.record(c, c.refusal.Status)
	}
	return c.refusal
}

func (s *Server) exported(c *call, r *http.Request, to route) (err error) {
	defer s.recoverPanic(c, &err)
	return s.serve(c, r, to)
}

// Type finds a resource type by its name or endpoint, in any case. An error is an
// *Error that lists those there are.
func (s *Server) Type(name string) (*resource.Type, error) {
	var known []string
	for _, rt := range s.types {
		endpoint := strings.TrimPrefix(rt.Endpoint, "/")
		if strings.EqualFold(name, endpoint) || strings.EqualFold(name, rt.Name) {
			return rt, nil
		}
		known = append(known, endpoint)
	}
	return nil, resource.Refuse(http.StatusNotFound, "", "There are no %s; there are %s.", name, strings.Join(known, ", "))
}
