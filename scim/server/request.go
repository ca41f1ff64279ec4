package server

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/document"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// The message schemas, RFC 7644 section 8.2.
const (
	urnListResponse  = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	urnSearchRequest = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
)

// parameters are the query parameters of RFC 7644 section 3.4.2 and RFC 9865,
// or the members of a SearchRequest (section 3.4.3). A nil pointer is absent.
type parameters struct {
	filter, sortBy, sortOrder     *string
	cursor                        *string // empty: the first page
	startIndex, count             *int
	attributes, excludeAttributes []string
	explain                       bool // tell the plan in X-Query-Plan
}

// understand reads the parameters and the body of a request for a resource
// type into c, refusing what no step behind it should see.
func (s *Server) understand(c *call, r *http.Request, to route) error {
	p, err := parseParameters(r.URL.RawQuery)
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
	if to.search {
		if p, err = parseSearchRequest(body); err != nil {
			return err
		}
	}
	c.query.Fresh = strings.Contains(strings.ToLower(r.Header.Get("Cache-Control")), "no-cache")
	if err := c.understandAttributes(p); err != nil {
		return err
	}
	switch {
	case to.search || to.id == "" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		return s.understandList(c, p)
	case r.Method == http.MethodPatch:
		c.patch, err = document.Reader{Type: c.rt, Policy: c.Policy, Base: c.base}.Patch(body)
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

// understandAttributes says what the answer shows. A request that names no
// attributes sees neither those that it excludes nor those hidden from the caller.
func (c *call) understandAttributes(p parameters) (err error) {
	hidden := c.caller.Hidden(c.rt.Name)
	if len(p.attributes) > 0 {
		hidden = nil
	}
	c.query.Want = c.rt.Shown
	if len(p.attributes)+len(p.excludeAttributes)+len(hidden) > 0 {
		if c.query.Want, err = c.rt.Schema.Project(p.attributes, slices.Concat(p.excludeAttributes, hidden)); err != nil {
			return resource.InvalidValue("%s.", err.Error())
		}
	}
	if len(p.attributes)+len(p.excludeAttributes) > 0 {
		c.query.Named = len(p.attributes) > 0
		c.query.Shown = strings.Join(p.attributes, ",") + "\x00" + strings.Join(p.excludeAttributes, ",")
	}
	if c.root == nil || len(c.caller.Hide) == 0 || len(p.attributes) > 0 {
		return nil
	}
	c.wants = make(map[string]query.Projection, len(c.types))
	for _, rt := range c.types {
		excluded := slices.Concat(p.excludeAttributes, c.caller.Hidden(rt.Name))
		if c.wants[rt.Name], err = rt.Schema.Project(nil, excluded); err != nil {
			return err
		}
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
func (s *Server) understandList(c *call, p parameters) error {
	c.explain = p.explain
	q := &c.query
	q.Start, q.Count = 1, s.cfg.MaxResults
	if p.startIndex != nil {
		q.Start = max(1, *p.startIndex)
	}
	if p.count != nil {
		q.Count = min(max(0, *p.count), s.cfg.MaxResults)
	}
	if err := s.understandCursor(q, p); err != nil {
		return err
	}
	if p.filter != nil {
		e, err := query.Parse(c.rt.Schema, *p.filter, resource.FilterBounds(c.caller.Strict))
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
	return nil
}

// understandCursor reads the parameters of RFC 9865. The cursor itself is checked
// later, since its signature covers the whole query.
func (s *Server) understandCursor(q *resource.ListQuery, p parameters) error {
	q.Cursor, q.Counted = p.cursor, p.count != nil
	switch {
	case p.cursor == nil:
		return nil
	case p.startIndex != nil:
		return resource.InvalidValue("startIndex and cursor exclude each other: send one of them.")
	case p.count != nil && *p.count > s.cfg.MaxResults:
		return resource.Refuse(http.StatusBadRequest, resource.TypeInvalidCount, "count is %d; with a cursor it is at most %d.", *p.count, s.cfg.MaxResults)
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

func (s *Server) understandSort(c *call, p parameters) error {
	if p.sortOrder != nil {
		switch strings.ToLower(*p.sortOrder) {
		case "descending":
			c.query.Descending = true
		case "ascending", "":
		default:
			return resource.InvalidValue("sortOrder is %q; use ascending or descending.", resource.Clip(*p.sortOrder))
		}
	}
	if p.sortBy == nil || *p.sortBy == "" {
		return nil
	}
	path, err := c.rt.Schema.Resolve(*p.sortBy)
	if err == nil {
		path, err = path.Comparable()
	}
	if err != nil {
		return resource.InvalidPath("sortBy: %s.", err.Error())
	}
	c.query.SortBy = &path
	return nil
}

// parseParameters reads a query string. Parameters it does not know are
// ignored, since clients add some of their own to every request; a query string
// that cannot be decoded is refused, since a filter lost with it would turn a
// query into a listing of everything.
func parseParameters(raw string) (parameters, error) {
	var p parameters
	if raw == "" {
		return p, nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return p, resource.InvalidSyntax("The query string cannot be decoded; percent-encode its values.")
	}
	text := map[string]**string{"filter": &p.filter, "sortBy": &p.sortBy, "sortOrder": &p.sortOrder, "cursor": &p.cursor}
	for name, target := range text {
		switch given := values[name]; len(given) {
		case 0:
		case 1:
			*target = &given[0]
		default:
			return p, resource.InvalidValue("The parameter %s is there %d times; give it once.", name, len(given))
		}
	}
	for name, target := range map[string]**int{"startIndex": &p.startIndex, "count": &p.count} {
		if !values.Has(name) || values.Get(name) == "" {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(values.Get(name)))
		if err != nil {
			return p, document.NotANumber(name, values.Get(name))
		}
		*target = &n
	}
	p.explain = values.Get("explain") == "true"
	p.attributes, p.excludeAttributes = nameList(values["attributes"]), nameList(values["excludedAttributes"])
	return p, nil
}

// nameList splits comma lists; a repeated parameter adds to the list.
func nameList(lists []string) []string {
	var names []string
	for _, list := range lists {
		for name := range strings.SplitSeq(list, ",") {
			if name = strings.TrimSpace(name); name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}

// parseSearchRequest reads the body of POST /.search, RFC 7644 section 3.4.3.
func parseSearchRequest(body any) (parameters, error) {
	var p parameters
	object, ok := body.(map[string]any)
	if !ok {
		return p, resource.InvalidSyntax("The body of a search is an object with schemas [%q].", urnSearchRequest)
	}
	for name, value := range object {
		var err error
		switch strings.ToLower(name) {
		case "filter":
			p.filter, err = document.Optional[string](name, "string", value)
		case "sortby":
			p.sortBy, err = document.Optional[string](name, "string", value)
		case "sortorder":
			p.sortOrder, err = document.Optional[string](name, "string", value)
		case "cursor":
			p.cursor, err = document.Optional[string](name, "string", value)
		case "startindex":
			p.startIndex, err = document.OptionalNumber(name, value)
		case "count":
			p.count, err = document.OptionalNumber(name, value)
		case "attributes":
			p.attributes, err = names(name, value)
		case "excludedattributes":
			p.excludeAttributes, err = names(name, value)
		}
		if err != nil {
			return p, err
		}
	}
	return p, nil
}

func names(name string, value any) ([]string, error) {
	if text, ok := value.(string); ok {
		return nameList([]string{text}), nil
	}
	list, ok := value.([]any)
	if !ok && value != nil {
		return nil, resource.InvalidValue("%s must be an array of attribute names.", name)
	}
	var out []string
	for _, v := range list {
		text, ok := v.(string)
		if !ok {
			return nil, resource.InvalidValue("%s must be an array of attribute names.", name)
		}
		out = append(out, text)
	}
	return out, nil
}
