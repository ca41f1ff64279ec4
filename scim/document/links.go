package document

import (
	"net/url"
	"slices"
	"strings"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// isLink reports whether an attribute lists members or entitlements.
func (r Reader) isLink(a *query.Attribute) bool { return a.Name == r.Type.Links.Name }

// followRef sets the value of a link to the id in its $ref, if that is the location of a resource of this server (RFC 7643
// section 2.4). It refuses the location of a group among members. object is the link as the client sent it.
func (r Reader) followRef(link map[string]any, at place, object map[string]any) error {
	given, _ := LookUp(object, "$ref")
	ref, _ := given.(string)
	endpoint, id := r.locate(ref)
	switch {
	case id == "":
		return nil
	case slices.Contains(r.Type.Linked, endpoint):
		link["value"] = id
	case endpoint == "/Groups":
		return resource.InvalidValue("%s: its $ref leads to a group, and groups cannot be members in Atlassian. Send the users of the group instead.", at)
	}
	return nil
}

// checkLinks refuses a link of type "Group" where groups cannot be linked, so that no request to Atlassian has to find
// that out. Where unknown members are passed over, the link is left to the backend.
func (r Reader) checkLinks(s statement, v any) error {
	if !r.isLink(s.path.Attr) || r.Policy.IgnoreUnknownMembers || slices.Contains(r.Type.Linked, "/Groups") {
		return nil
	}
	list, _ := v.([]any)
	for i, e := range list {
		link, _ := e.(query.Object)
		if strings.EqualFold(link.Text("type"), "Group") {
			return resource.InvalidValue("%s[%d]: %s is a group, and groups cannot be members in Atlassian. Send the users of the group instead; nothing was changed.",
				s.path, i, resource.InQuotes(link.Text("value")))
		}
	}
	return nil
}

// locate splits the location of a resource of this server, whole or relative, into endpoint and id. Both are empty for
// any other text.
func (r Reader) locate(ref string) (endpoint, id string) {
	base, err := url.Parse(r.Base)
	if err != nil || r.Base == "" {
		return "", ""
	}
	rest, ok := strings.CutPrefix(ref, r.Base+"/")
	switch {
	case ok:
	case strings.HasPrefix(ref, "/"):
		rest = strings.TrimPrefix(strings.TrimPrefix(ref, base.Path), "/")
	case strings.Contains(ref, "://"):
		return "", ""
	default:
		rest = strings.TrimPrefix(ref, "../")
	}
	collection, escaped, ok := strings.Cut(rest, "/")
	id, err = url.PathUnescape(escaped)
	if !ok || err != nil || strings.Contains(escaped, "/") {
		return "", ""
	}
	return "/" + collection, id
}
