package server

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"scim-atlassian/schemas"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// discovery answers the three endpoints of RFC 7644 section 4 with documents
// built once, since the library's own leave much out and cannot be completed.
type discovery struct {
	config    query.Object
	paginated query.Object              // config with pagination
	announce  bool                      // paginated is for callers without a setting of their own, and for unknown ones
	documents map[string][]query.Object // by endpoint, in the order they are listed
	aliases   map[string]string         // other URNs of schemas, in lower case
}

func newDiscovery(cfg Config, types []*resource.Type) (*discovery, error) {
	d := &discovery{
		config: serviceProviderConfig(cfg), paginated: serviceProviderConfig(cfg, query.Member{Name: "pagination", Value: pagination(cfg)}),
		announce: cfg.ShowPagination, documents: map[string][]query.Object{}, aliases: map[string]string{},
	}
	published, err := schemas.Published()
	if err != nil {
		return nil, err
	}
	for _, rt := range types {
		if rt.Published != nil {
			published = append(published, rt.Published)
		}
		if rt.Extension != nil {
			published = append(published, rt.Extension)
		}
		for _, urn := range rt.Aliases {
			d.aliases[strings.ToLower(urn)] = rt.Core.ID
		}
	}
	for _, raw := range published {
		var fields map[string]any
		if err := json.Unmarshal(raw, &fields); err != nil {
			return nil, fmt.Errorf("schema document: %w", err)
		}
		doc := query.Object{{Name: "schemas", Value: []any{"urn:ietf:params:scim:schemas:core:2.0:Schema"}}}
		for _, name := range []string{"id", "name", "description", "attributes"} {
			doc.Set(name, plainValue(fields[name]))
		}
		d.documents[endpointSchemas] = append(d.documents[endpointSchemas], withMeta(doc, "Schema"))
	}
	for _, rt := range types {
		d.documents[endpointResourceTypes] = append(d.documents[endpointResourceTypes], resourceTypeDocument(rt))
	}
	return d, nil
}

func resourceTypeDocument(rt *resource.Type) query.Object {
	doc := query.Object{
		{Name: "schemas", Value: []any{"urn:ietf:params:scim:schemas:core:2.0:ResourceType"}},
		{Name: "id", Value: rt.Name}, {Name: "name", Value: rt.Name}, {Name: "description", Value: rt.Description},
		{Name: "endpoint", Value: rt.Endpoint}, {Name: "schema", Value: rt.Core.ID},
	}
	extensions := make([]any, 0, len(rt.Extensions))
	for _, e := range rt.Extensions {
		extensions = append(extensions, query.Object{{Name: "schema", Value: e.ID}, {Name: "required", Value: false}})
	}
	doc.Set("schemaExtensions", extensions)
	return withMeta(doc, "ResourceType")
}

func withMeta(doc query.Object, resourceType string) query.Object {
	return append(doc, query.Member{Name: "meta", Value: query.Object{{Name: "resourceType", Value: resourceType}}})
}

// serviceProviderConfig says what the server offers, RFC 7643 section 5, and more.
func serviceProviderConfig(cfg Config, more ...query.Member) query.Object {
	supported := func(yes bool, more ...query.Member) query.Object {
		return append(query.Object{{Name: "supported", Value: yes}}, more...)
	}
	scheme := func(kind, name, description string) query.Object {
		return query.Object{{Name: "type", Value: kind}, {Name: "name", Value: name}, {Name: "description", Value: description}}
	}
	doc := query.Object{
		{Name: "schemas", Value: []any{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"}},
		{Name: "patch", Value: supported(true)},
		{Name: "bulk", Value: supported(true,
			query.Member{Name: "maxOperations", Value: int64(cfg.BulkMaxOperations)}, query.Member{Name: "maxPayloadSize", Value: cfg.BulkMaxPayload})},
		{Name: "filter", Value: supported(true, query.Member{Name: "maxResults", Value: int64(cfg.MaxResults)})},
		{Name: "changePassword", Value: supported(false)},
		{Name: "sort", Value: supported(true)},
		{Name: "etag", Value: supported(true)},
		{Name: "authenticationSchemes", Value: []any{
			scheme("httpbasic", "HTTP Basic", "User name and password, RFC 7617"),
			scheme("oauthbearertoken", "Bearer token", "A token in the Authorization header, RFC 6750"),
		}},
	}
	return withMeta(append(doc, more...), "ServiceProviderConfig")
}

// pagination says how lists are paged, RFC 9865 section 4.
func pagination(cfg Config) query.Object {
	return query.Object{
		{Name: "cursor", Value: true}, {Name: "index", Value: true}, {Name: "defaultPaginationMethod", Value: "index"},
		{Name: "defaultPageSize", Value: int64(cfg.MaxResults)}, {Name: "maxPageSize", Value: int64(cfg.MaxResults)},
		{Name: "cursorTimeout", Value: int64(cfg.CursorTimeout / time.Second)},
	}
}

// characteristics lists the characteristics of an attribute in the order of RFC
// 7643 section 7, with the defaults of those that a schema document leaves out.
var characteristics = query.Object{
	{Name: "name"}, {Name: "type", Value: "string"}, {Name: "subAttributes"}, {Name: "multiValued", Value: false}, {Name: "description"},
	{Name: "required", Value: false}, {Name: "canonicalValues"}, {Name: "caseExact", Value: false}, {Name: "mutability", Value: "readWrite"},
	{Name: "returned", Value: "default"}, {Name: "uniqueness", Value: "none"}, {Name: "referenceTypes"},
}

// plainValue turns decoded JSON into the values of an Object, and attribute
// definitions into such with every characteristic.
func plainValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		var o query.Object
		for _, c := range characteristics {
			if value, ok := v[c.Name]; ok {
				c.Value = plainValue(value)
			}
			if c.Value != nil {
				o = append(o, c)
			}
		}
		return o
	case []any:
		list := make([]any, 0, len(v))
		for _, e := range v {
			list = append(list, plainValue(e))
		}
		return list
	}
	return v
}

// answer finds the document or the list. Paging does not apply here, and a
// filter is refused (RFC 7644 section 4).
func (d *discovery) answer(c *call, r *http.Request, to route) error {
	if to.discovery == endpointServiceProviderConfig {
		if to.id != "" {
			return noEndpoint()
		}
		c.static = c.withLocation(d.configFor(c.caller), "/"+endpointServiceProviderConfig)
		return nil
	}
	documents := d.documents[to.discovery]
	if to.id != "" {
		id := cmp.Or(d.aliases[strings.ToLower(to.id)], to.id)
		for _, doc := range documents {
			// IDHub's connector finds a schema by its name.
			if strings.EqualFold(doc.Text("id"), id) || strings.EqualFold(doc.Text("name"), id) {
				c.static = c.withLocation(doc, "/"+to.discovery+"/"+doc.Text("id"))
				return nil
			}
		}
		return resource.Refuse(http.StatusNotFound, "", "%s has no %q.", to.discovery, resource.Clip(to.id))
	}
	if r.URL.Query().Has("filter") {
		return resource.Refuse(http.StatusForbidden, "", "%s cannot be filtered.", to.discovery)
	}
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

// configFor returns the ServiceProviderConfig for a caller, nil if nobody knows who calls.
func (d *discovery) configFor(caller *auth.Caller) query.Object {
	announce := d.announce
	if caller != nil && caller.AnnouncePagination != nil {
		announce = *caller.AnnouncePagination
	}
	if announce {
		return d.paginated
	}
	return d.config
}

// withLocation returns a copy of a document with its location in meta.
func (c *call) withLocation(doc query.Object, path string) query.Object {
	doc = doc.Clone()
	meta := doc.Inner("meta")
	doc.Set("meta", append(meta, query.Member{Name: "location", Value: c.base + path}))
	return doc
}
