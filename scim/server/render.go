package server

import (
	"fmt"
	"math"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"scim-atlassian/scim/condition"
	"scim-atlassian/scim/document"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// The media types of an answer, RFC 7644 section 8.1.
const (
	mediaSCIM = "application/scim+json"
	mediaJSON = "application/json"
)

// render writes the outcome in c: an error, 204, one document or a list.
func (s *Server) render(c *call, w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Request-Id", c.id)
	h.Set("X-Upstream-Calls", strconv.FormatInt(c.Upstream.Load(), 10))
	h.Set("Content-Type", contentType(c, r))
	h.Set("Cache-Control", "no-store")
	defer c.release()
	switch {
	case c.err == condition.ErrNotModified:
		h.Set("ETag", query.Version(c.rt.Lasting(c.found)))
		h.Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
	case c.err != nil:
		if c.refusal.Made != "" {
			h.Set("Location", c.base+c.rt.Endpoint+"/"+url.PathEscape(c.refusal.Made))
		}
		renderError(w, c.refusal)
	case c.list != nil:
		if c.explain {
			h.Set("X-Query-Plan", headerText(fmt.Sprintf("%s; calls=%d", c.list.Plan, c.Upstream.Load())))
		}
		setInstant(h, "X-As-Of", c.list.AsOf)
		setInstant(h, "X-Proven-As-Of", c.list.Proven)
		renderList(c, w)
	case c.plain != nil:
		h.Set("Content-Type", mediaJSON)
		writeJSON(w, c.plain.status, c.plain.body.AppendJSON(nil))
	case c.static != nil:
		setInstant(h, "X-As-Of", c.position.AsOf)
		setInstant(h, "X-Proven-As-Of", c.position.Proven)
		writeJSON(w, http.StatusOK, c.static.AppendJSON(nil))
	case c.found != nil, c.source != nil:
		renderDocument(c, w)
	default:
		if c.allow != "" {
			h.Set("Allow", c.allow)
		}
		h.Del("Content-Type")
		w.WriteHeader(http.StatusNoContent)
	}
}

// setInstant sets a header to a time, unless there is none.
func setInstant(h http.Header, name string, t time.Time) {
	if !t.IsZero() {
		h.Set(name, t.UTC().Format("2006-01-02T15:04:05.000Z"))
	}
}

// contentType is the media type of the answer: the one that Accept names, else
// that of the request's own body, else SCIM's. Some clients read only
// application/json and some only application/scim+json.
func contentType(c *call, r *http.Request) string {
	if c.caller != nil && c.caller.ContentType != "" {
		return c.caller.ContentType
	}
	accept := strings.ToLower(strings.Join(r.Header.Values("Accept"), ","))
	switch {
	case strings.Contains(accept, mediaSCIM):
		return mediaSCIM
	case strings.Contains(accept, mediaJSON):
		return mediaJSON
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && document.IsJSON(media) {
		return media
	}
	return mediaSCIM
}

// renderError writes a SCIM error, RFC 7644 section 3.12.
func renderError(w http.ResponseWriter, e *resource.Error) {
	h := w.Header()
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	if e.Allow != "" {
		h.Set("Allow", e.Allow)
	}
	if e.Challenge != "" {
		h.Set("WWW-Authenticate", e.Challenge)
	}
	if e.Codings != "" {
		h.Set("Accept-Encoding", e.Codings)
	}
	writeJSON(w, e.Status, resource.ErrorDocument(e).AppendJSON(nil))
}

// status is that of the answer to a request that is no query.
func (c *call) status() int {
	switch {
	case c.err != nil:
		return c.refusal.Status
	case c.found == nil && c.source == nil:
		return http.StatusNoContent
	case c.Method == http.MethodPost && !c.Existing:
		return http.StatusCreated
	}
	return http.StatusOK
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that went away needs no answer
}

// release gives back what backends have lent for the answer.
func (c *call) release() {
	resource.Release(c.source)
	if c.list != nil {
		resource.Release(c.list.Source)
	}
}

// bodies are buffers for answers, to be used again. Larger ones than mostKept are not.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

const mostKept = 1 << 20

// withBuffer calls write with a buffer, which write returns with what it has appended.
func withBuffer(write func(b []byte) []byte) {
	buffer := bodies.Get().(*[]byte)
	b := write((*buffer)[:0])
	if *buffer = b; cap(b) <= mostKept {
		bodies.Put(buffer)
	}
}

// renderDocument writes the resource in c.found, which Location names, RFC 7644
// sections 3.3 and 3.4.1.
func renderDocument(c *call, w http.ResponseWriter) {
	c.versioned = true
	if c.source != nil {
		shown := false
		withBuffer(func(b []byte) []byte {
			if b, shown = c.source.Append(b, 0, c.view()); shown {
				w.Header().Set("ETag", c.source.Version(0))
				w.Header().Set("Location", c.base+c.rt.Endpoint+"/"+url.PathEscape(c.source.ID(0)))
				writeJSON(w, c.status(), b)
			}
			return b
		})
		if shown {
			return
		}
		c.found = c.source.Object(0)
	}
	doc := c.complete(c.rt, c.found)
	if tag := doc.Inner("meta").Text("version"); tag != "" {
		w.Header().Set("ETag", tag)
	}
	doc = c.cut(doc)
	w.Header().Set("Location", c.location(c.rt, c.found))
	withBuffer(func(b []byte) []byte {
		b = doc.AppendJSON(b)
		writeJSON(w, c.status(), b)
		return b
	})
}

// A list is gathered up to listFlush bytes before it is sent: a list of so many is
// streamed, and a shorter one has a Content-Length.
const listFlush = 128 << 10

// renderList writes a ListResponse, RFC 7644 section 3.4.2. Resources comes
// last, so that clients that stream know the totals first.
func renderList(c *call, w http.ResponseWriter) {
	withBuffer(func(b []byte) []byte {
		b, sent := appendList(b, c, w)
		if !sent {
			writeJSON(w, http.StatusOK, b)
		} else {
			_, _ = w.Write(b) // a client that went away needs no answer
		}
		return b
	})
}

// appendList appends a list to b. It reports whether it has sent parts of it already,
// so that b has only the rest.
func appendList(b []byte, c *call, w http.ResponseWriter) (_ []byte, sent bool) {
	l := c.list
	b = append(b, `{"schemas":["`+urnListResponse+`"],"totalResults":`...)
	b = strconv.AppendInt(b, int64(l.Total), 10)
	if c.query.Cursor == nil {
		b = append(b, `,"startIndex":`...)
		b = strconv.AppendInt(b, int64(c.query.Start), 10)
	}
	b = append(b, `,"itemsPerPage":`...)
	b = strconv.AppendInt(b, int64(l.Len()), 10)
	b = appendCursor(b, "previousCursor", l.Previous)
	b = appendCursor(b, "nextCursor", l.Next)
	b = append(b, `,"Resources":[`...)
	view := c.view()
	for i := range l.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		b = c.appendListed(b, i, &view)
		if len(b) >= listFlush {
			if !sent {
				w.WriteHeader(http.StatusOK)
				sent = true
			}
			if _, err := w.Write(b); err != nil {
				return b[:0], true // the client went away
			}
			b = b[:0]
		}
	}
	return append(b, "]}"...), sent
}

// appendListed appends a resource of the list: from upstream's bytes where they
// will do, else from its object.
func (c *call) appendListed(b []byte, i int, view *resource.View) []byte {
	if s := c.list.Source; s != nil {
		if b, ok := s.Append(b, i, *view); ok {
			return b
		}
	}
	return c.present(c.list.Object(i)).AppendJSON(b)
}

// view says how the answer shows resources of the type that the request is about.
func (c *call) view() resource.View {
	return resource.View{
		Type: c.rt, Collection: c.base + c.rt.Endpoint, Want: c.query.Want, Versioned: c.versioned,
		References: c.caller.MemberRef, EmailType: c.caller.UntypedEmail,
	}
}

// appendCursor writes a member that is there only if there is such a page. A
// cursor needs no escapes.
func appendCursor(b []byte, name, cursor string) []byte {
	if cursor == "" {
		return b
	}
	return append(append(append(b, `,"`+name+`":"`...), cursor...), '"')
}

// present makes the document that the client gets of a resource: complete, cut
// to the attributes asked for.
func (c *call) present(o query.Object) query.Object {
	return c.cut(c.complete(c.rt, o))
}

// cut reduces a complete resource to the attributes asked for. Of the extensions,
// schemas then names those whose attributes are left, RFC 7643 section 3; filters
// see all that the resource has. It does not write to doc.
func (c *call) cut(doc query.Object) query.Object {
	cut := c.query.Want.With(c.Touched).Apply(doc)
	if want, ok := c.wants[doc.Inner("meta").Text("resourceType")]; ok {
		cut = want.Apply(cut)
	}
	if len(cut) == len(doc) {
		return cut
	}
	v, _ := cut.Get("schemas")
	urns, _ := v.([]any)
	kept := make([]any, 0, len(urns))
	for i, urn := range urns {
		name, _ := urn.(string)
		if _, there := cut.Get(name); there || i == 0 { // the first is the core
			kept = append(kept, urn)
		}
	}
	cut.Set("schemas", kept)
	return cut
}

// complete adds the attributes that the server knows and the backend does not:
// schemas, first, and location and version in meta. A resource that upstream listed
// in part has no version. complete does not write to o.
func (c *call) complete(rt *resource.Type, o query.Object) query.Object {
	if _, done := o.Get("schemas"); done {
		return o
	}
	doc := make(query.Object, 0, len(o)+1)
	doc = append(doc, query.Member{Name: "schemas", Value: rt.SchemasOf(o)})
	for _, m := range o {
		if meta, ok := m.Value.(query.Object); ok && m.Name == "meta" {
			meta = append(meta[:len(meta):len(meta)], query.Member{Name: "location", Value: c.location(rt, o)})
			if c.versioned && !rt.Links.Missing(o) {
				meta = append(meta, query.Member{Name: "version", Value: query.Version(rt.Lasting(o))})
			}
			m.Value = meta
		}
		if c.caller.MemberRef && (m.Name == "members" || m.Name == "groups") {
			m.Value = c.withReferences(m)
		}
		if m.Name == "emails" && rt.Name == "User" {
			m.Value = emailsWithTypes(c.caller, m.Value)
		}
		doc = append(doc, m)
	}
	return doc
}

// withReferences adds $ref, the location here, to members and to groups of a user.
func (c *call) withReferences(m query.Member) []any {
	endpoint := map[string]string{"members": "/Users/", "groups": "/Groups/"}[m.Name]
	list, _ := m.Value.([]any)
	out := make([]any, 0, len(list))
	for _, e := range list {
		element, _ := e.(query.Object)
		ref := query.Member{Name: "$ref", Value: c.base + endpoint + url.PathEscape(element.Text("value"))}
		out = append(out, append(element[:len(element):len(element)], ref))
	}
	return out
}

// completer completes resources of one type.
func (c *call) completer(rt *resource.Type) func(query.Object) query.Object {
	return func(o query.Object) query.Object { return c.complete(rt, o) }
}

// location is the URI of a resource, RFC 7643 section 3.1.
func (c *call) location(rt *resource.Type, o query.Object) string {
	id, _ := o.Get("id")
	text, _ := id.(string)
	return c.base + rt.Endpoint + "/" + url.PathEscape(text)
}

// headerText makes text fit for a header: what is not printable ASCII is written
// as \u escapes.
func headerText(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r >= ' ' && r <= '~' {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "\\u%04x", r)
		}
	}
	return b.String()
}
