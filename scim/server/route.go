package server

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/discovery"
	"scim-atlassian/scim/resource"
)

// The discovery endpoints, RFC 7644 section 4.
const (
	endpointServiceProviderConfig = discovery.ServiceProviderConfig
	endpointSchemas               = discovery.Schemas
	endpointResourceTypes         = discovery.ResourceTypes
)

// The other endpoints of RFC 7644 section 3.2 that are no resource type's.
const (
	endpointMe   = "Me"
	endpointBulk = "Bulk"

	// These are at the root, and below a resource type's endpoint. The last two are of
	// draft-sehgal-scim-delta-query-02.
	endpointSearch     = ".search"
	endpointDelta      = ".delta"
	endpointDeltaToken = ".deltaToken"
	endpointForm       = ".form" // also below a resource; of types whose backend is a resource.Former
)

var endpointsOfProtocol = []string{endpointServiceProviderConfig, endpointSchemas, endpointResourceTypes, endpointMe, endpointBulk}

var endpointsBelow = []string{endpointSearch, endpointDelta, endpointDeltaToken}

// maxID bounds an id in a path, in bytes. Atlassian's are 36 and shorter.
const maxID = 256

// route says what a method and a path mean. At most one of discovery, mounted
// and rt is set; none is for an endpoint of the protocol that is not offered.
type route struct {
	discovery string         // one of the discovery endpoints
	mounted   *Endpoint      // an endpoint besides those of SCIM
	rt        *resource.Type // Users, Groups, Issues, or the root of all
	id        string         // the resource, or the document at a discovery endpoint
	below     string         // one of endpointsBelow
	bulk      bool           // POST /Bulk
	options   string         // of an OPTIONS request: the methods there are
	otherCase bool           // the path does not spell an endpoint as it is announced; see check
}

// endpoint names where the route leads.
func (to route) endpoint() string {
	switch {
	case to.rt != nil:
		return to.rt.Name
	case to.bulk:
		return endpointBulk
	case to.mounted != nil:
		return to.mounted.Path
	}
	return to.discovery
}

var methods = struct{ read, collection, resource, post []string }{
	read:       []string{http.MethodGet, http.MethodHead},
	collection: []string{http.MethodGet, http.MethodHead, http.MethodPost},
	resource:   []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPatch, http.MethodDelete},
	post:       []string{http.MethodPost},
}

// route resolves the request's path. Empty segments are passed over, since
// clients double slashes and end paths with one; an id is unescaped once. It
// accepts endpoints in any case, since the caller is not known yet; check decides.
func (s *Server) route(r *http.Request) (route, error) {
	given, err := pathSegments(r.URL.EscapedPath(), s.mounts)
	if err != nil {
		return route{}, err
	}
	segments := s.canonical(given)
	to, err := s.destination(segments, r.Method)
	to.otherCase = !slices.Equal(segments, given)
	return to, err
}

// check returns the error of a route, err, as it is for the caller: for a strict
// one there is no endpoint at a path in another case.
func (to route) check(caller *auth.Caller, err error) error {
	if to.otherCase && caller.Strict {
		return noEndpoint()
	}
	return err
}

// canonical returns the segments of a path with the names of SCIM's endpoints in
// the case that this server announces. Mounted endpoints have one spelling only.
func (s *Server) canonical(segments []string) []string {
	out := slices.Clone(segments)
	if len(out) > 0 && strings.EqualFold(out[0], endpointServiceProviderConfig+"s") { // of SCIM 1.1
		out[0] = endpointServiceProviderConfig
	}
	if len(out) == 1 {
		if at := strings.LastIndexByte(out[0], '.'); at > 0 && spelled(endpointsBelow, out[0][at:]) != "" { // Users.search
			out = []string{out[0][:at], out[0][at:]}
		}
	}
	for i := range out {
		name := spelled(endpointsBelow, out[i])
		if i == 0 {
			name = cmp.Or(spelled(endpointsOfProtocol, out[0]), name, s.typeName(out[0]))
		}
		out[i] = cmp.Or(name, out[i])
	}
	return out
}

// spelled returns the one of names that the segment is in any case, "" if it is none.
func spelled(names []string, segment string) string {
	for _, name := range names {
		if strings.EqualFold(name, segment) {
			return name
		}
	}
	return ""
}

// typeName is spelled for the names of all types' endpoints.
func (s *Server) typeName(segment string) string {
	for _, rt := range s.types {
		name := strings.TrimPrefix(rt.Endpoint, "/")
		if strings.EqualFold(name, segment) {
			return name
		}
		if singular := strings.TrimSuffix(name, "s"); rt.View && strings.EqualFold(singular, segment) { // IDHub documents two
			return singular
		}
	}
	return ""
}

// destination says where segments from canonical lead with a method.
func (s *Server) destination(segments []string, method string) (to route, err error) {
	allowed := methods.read
	switch {
	case len(segments) == 0:
		to.rt = s.root.Type
	case slices.Contains(endpointsBelow, segments[0]) && len(segments) == 1:
		to.rt, to.below, allowed = s.root.Type, segments[0], methodsBelow(segments[0])
	case s.isForm(segments):
		to.rt, to.below = s.typeAt(segments[0]), endpointForm
		if len(segments) == 3 {
			to.id = segments[1]
		}
	case len(segments) > 2 && !s.mounts(segments[0]):
		return route{}, noEndpoint()
	case slices.Contains([]string{endpointServiceProviderConfig, endpointSchemas, endpointResourceTypes}, segments[0]):
		to.discovery = segments[0]
		if len(segments) == 2 {
			to.id = segments[1]
		}
	case s.mounts(segments[0]):
		if to.mounted, to.id = s.endpointAt(segments); to.mounted == nil {
			return route{}, noEndpoint()
		}
		allowed = to.mounted.Methods
	case segments[0] == endpointBulk && len(segments) == 1:
		to.bulk, allowed = true, methods.post
	case segments[0] == endpointMe:
		return route{}, nil
	default:
		if to.rt = s.typeAt(segments[0]); to.rt == nil {
			return route{}, noEndpoint()
		}
		allowed = methods.collection
		if len(segments) == 2 {
			if slices.Contains(endpointsBelow, segments[1]) {
				to.below, allowed = segments[1], methodsBelow(segments[1])
			} else {
				to.id, allowed = segments[1], methods.resource
			}
		}
	}
	if method == http.MethodOptions {
		return route{options: strings.Join(append(slices.Clone(allowed), http.MethodOptions), ", ")}, nil
	}
	if !slices.Contains(allowed, method) {
		e := resource.Refuse(http.StatusMethodNotAllowed, "", "%s is not allowed here; %s are.", method, strings.Join(allowed, ", "))
		e.Allow = strings.Join(allowed, ", ")
		return route{}, e
	}
	return to, nil
}

// methodsBelow are the methods of one of endpointsBelow.
func methodsBelow(name string) []string {
	if name == endpointDeltaToken {
		return methods.read
	}
	return methods.post
}

// isForm reports whether a path is Type/.form or Type/{id}/.form, for a type with forms.
func (s *Server) isForm(segments []string) bool {
	if n := len(segments); n < 2 || n > 3 || segments[n-1] != endpointForm {
		return false
	}
	rt := s.typeAt(segments[0])
	if rt == nil {
		return false
	}
	_, ok := rt.Backend.(resource.Former)
	return ok
}

// errMe refuses RFC 7644 section 3.11.
var errMe = resource.Refuse(http.StatusNotImplemented, "", "/Me stands for the user who calls, and the callers of this server are applications; ask for /Users/{id}.")

func noEndpoint() error {
	return resource.Refuse(http.StatusNotFound, "", "There is no endpoint at this path; %s/ResourceTypes lists them.", BasePath)
}

// typeAt returns the type with the endpoint, spelled as typeName has it.
func (s *Server) typeAt(endpoint string) *resource.Type {
	for _, rt := range s.types {
		name := strings.TrimPrefix(rt.Endpoint, "/")
		if name == endpoint || rt.View && strings.TrimSuffix(name, "s") == endpoint {
			return rt
		}
	}
	return nil
}

// unversioned is BasePath without the version, which clients may leave out (RFC
// 7644 section 3.13).
const unversioned = "/scim"

// pathSegments cuts an escaped path below BasePath, or one whose first segment is
// of a mounted endpoint, into its unescaped non-empty segments. No segment can
// reach another path upstream: dot segments, slashes and control characters are
// refused here already.
func pathSegments(escaped string, mounted func(segment string) bool) ([]string, error) {
	missing := resource.Refuse(http.StatusNotFound, "", "There is no endpoint at this path; the SCIM endpoints are below %s.", BasePath)
	parts := strings.FieldsFunc(escaped, func(c rune) bool { return c == '/' }) // none is empty
	rest, ok := strings.CutPrefix("/"+strings.Join(parts, "/"), BasePath)
	if !ok {
		rest, ok = strings.CutPrefix(rest, unversioned)
	}
	if ok = ok || len(parts) > 1 && mounted(parts[0]); !ok || rest != "" && rest[0] != '/' {
		return nil, missing
	}
	var segments []string
	for part := range strings.SplitSeq(rest, "/") {
		if part == "" {
			continue
		}
		segment, err := url.PathUnescape(part)
		if err != nil || len(segment) > maxID || !utf8.ValidString(segment) || segment == "." || segment == ".." ||
			strings.ContainsFunc(segment, func(c rune) bool { return c == '/' || c == '\\' || unicode.IsControl(c) }) {
			return nil, resource.Refuse(http.StatusNotFound, "", "No resource can have the id in this path.")
		}
		segments = append(segments, segment)
	}
	return segments, nil
}

// BasePath is where the SCIM endpoints are, below the server's root.
const BasePath = "/scim/v2"
