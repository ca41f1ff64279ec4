// Package discovery has the documents in which a server describes itself: its
// configuration, its schemas and its resource types (RFC 7644 section 4). They are
// made once, and nobody writes to them.
package discovery

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"scim-atlassian/schemas"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// The endpoints of RFC 7644 section 4.
const (
	ServiceProviderConfig = "ServiceProviderConfig"
	Schemas               = "Schemas"
	ResourceTypes         = "ResourceTypes"
)

// Config is what a server says about its bounds.
type Config struct {
	MaxResults        int           // resources in one answer
	BulkMaxOperations int           // in one bulk request
	BulkMaxPayload    int64         // bytes of a bulk request
	CursorTimeout     time.Duration // between two pages of a list
	Delta             query.Object  // DeltaQuery; nil: it is not announced
}

// Documents are the documents of a server. It is safe for concurrent use.
type Documents struct {
	config    query.Object
	paginated query.Object               // config with pagination
	documents map[string][]query.Object  // by endpoint, in the order they are listed
	aliases   map[string]string          // other URNs of schemas, in lower case
	pending   map[string]*resource.Error // by URN of a schema that is not known yet
}

// New makes the documents. An error means that a schema document is not one.
func New(cfg Config, types []*resource.Type) (*Documents, error) {
	var more query.Object
	if cfg.Delta != nil {
		more = query.Object{{Name: "DeltaQuery", Value: cfg.Delta}}
	}
	d := &Documents{
		config:    serviceProviderConfig(cfg, more...),
		paginated: serviceProviderConfig(cfg, append(query.Object{{Name: "pagination", Value: pagination(cfg)}}, more...)...),
		documents: map[string][]query.Object{}, aliases: map[string]string{}, pending: map[string]*resource.Error{},
	}
	published, err := schemas.Published()
	if err != nil {
		return nil, err
	}
	for _, rt := range types {
		if rt.Pending != nil {
			d.pending[rt.Core.ID] = rt.Pending
			for _, e := range rt.Extensions {
				d.pending[e.ID] = rt.Pending
			}
		}
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
		d.documents[Schemas] = append(d.documents[Schemas], withMeta(doc, "Schema"))
	}
	for _, rt := range types {
		d.documents[ResourceTypes] = append(d.documents[ResourceTypes], resourceTypeDocument(rt))
	}
	return d, nil
}

// Config is the ServiceProviderConfig, with the pagination of RFC 9865 or without.
func (d *Documents) Config(paginated bool) query.Object {
	if paginated {
		return d.paginated
	}
	return d.config
}

// All are the documents at an endpoint, Schemas or ResourceTypes, without the schemas of
// types that are pending.
func (d *Documents) All(endpoint string) []query.Object {
	return slices.DeleteFunc(slices.Clone(d.documents[endpoint]), func(doc query.Object) bool { return d.pending[doc.Text("id")] != nil })
}

// Find is the document at an endpoint with an id; that there is none is a 404. A schema
// is found by its name too, as IDHub's connector looks for it. Instead of the schema of
// a type that is pending, it returns why.
func (d *Documents) Find(endpoint, id string) (query.Object, error) {
	id = cmp.Or(d.aliases[strings.ToLower(id)], id)
	for _, doc := range d.documents[endpoint] {
		if strings.EqualFold(doc.Text("id"), id) || strings.EqualFold(doc.Text("name"), id) {
			if why := d.pending[doc.Text("id")]; why != nil {
				return nil, why
			}
			return doc, nil
		}
	}
	for urn, why := range d.pending {
		if endpoint == Schemas && strings.EqualFold(urn, id) {
			return nil, why
		}
	}
	return nil, resource.Refuse(http.StatusNotFound, "", "%s has no %q.", endpoint, resource.Clip(id))
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
