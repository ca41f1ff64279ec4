package resource

import (
	"encoding/json"

	"scim-atlassian/schemas"
	"scim-atlassian/scim/query"
)

// Type is a resource type with everything the server needs to serve it.
type Type struct {
	schemas.ResourceType
	Schema     *query.Schema
	Shown      query.Projection // of an answer when the request names no attributes
	Backend    Backend
	Links      Links    // what refers to the other type
	Linked     []string // endpoints of what links lead to
	References bool     // complex values stand for something that exists elsewhere

	View    bool             // the resources are those of other types, seen in another way
	Aliases []string         // URNs that the core schema goes by too
	Cheap   query.Projection // of a view: all but links, which take upstream calls of their own

	// Published is the core schema as /Schemas shows it, nil: as it is embedded.
	Published json.RawMessage
}

// SchemasOf lists the URNs of a resource: the core and the extensions that it
// has data of, RFC 7643 section 3.
func (rt *Type) SchemasOf(o query.Object) []any {
	urns := []any{rt.Core.ID}
	for _, e := range rt.Extensions {
		if _, ok := o.Get(e.ID); ok {
			urns = append(urns, e.ID)
		}
	}
	return urns
}

// SchemaOf turns published schemas into the form that filters, sorting and
// projection work with, with the common attributes of RFC 7643 section 3.1.
func SchemaOf(rt schemas.ResourceType) *query.Schema {
	attributes := append(commonAttributes(rt.Name), queryAttributes(rt.Core.Attributes)...)
	var extensions []query.Extension
	for _, e := range rt.Extensions {
		extensions = append(extensions, query.Extension{URN: e.ID, Attributes: queryAttributes(e.Attributes)})
	}
	return query.NewSchema(rt.Name, rt.Core.ID, attributes, extensions...)
}

func commonAttributes(resourceType string) []*query.Attribute {
	externalID := query.ReadWrite
	if resourceType == "Issue" {
		externalID = query.ReadOnly // Jira has no place for it
	}
	return []*query.Attribute{
		{Name: "schemas", MultiValued: true, Kind: query.Reference, CaseExact: true, Mutability: query.ReadOnly, Returned: query.Always},
		{Name: "id", CaseExact: true, Mutability: query.ReadOnly, Returned: query.Always},
		{Name: "externalId", CaseExact: true, Mutability: externalID},
		{Name: "meta", Kind: query.Complex, Mutability: query.ReadOnly, Sub: []*query.Attribute{
			{Name: "resourceType", CaseExact: true, Mutability: query.ReadOnly},
			{Name: "created", Kind: query.DateTime, Mutability: query.ReadOnly},
			{Name: "lastModified", Kind: query.DateTime, Mutability: query.ReadOnly},
			{Name: "location", Kind: query.Reference, CaseExact: true, Mutability: query.ReadOnly},
			{Name: "version", CaseExact: true, Mutability: query.ReadOnly},
		}},
	}
}

func queryAttributes(attributes []schemas.Attribute) []*query.Attribute {
	out := make([]*query.Attribute, 0, len(attributes))
	for _, a := range attributes {
		out = append(out, &query.Attribute{
			Name: a.Name, Kind: kinds[a.Type], MultiValued: a.MultiValued, CaseExact: a.CaseExact, Required: a.Required,
			Mutability: mutabilities[a.Mutability], Returned: returnedness[a.Returned], Sub: queryAttributes(a.SubAttributes),
		})
	}
	return out
}

var (
	kinds = map[string]query.Kind{
		"string": query.String, "boolean": query.Boolean, "integer": query.Integer, "decimal": query.Decimal,
		"dateTime": query.DateTime, "reference": query.Reference, "binary": query.Binary, "complex": query.Complex,
	}
	mutabilities = map[string]query.Mutability{
		"readWrite": query.ReadWrite, "readOnly": query.ReadOnly, "immutable": query.Immutable, "writeOnly": query.WriteOnly,
	}
	returnedness = map[string]query.Returned{
		"default": query.Default, "always": query.Always, "never": query.Never, "request": query.Request,
	}
)
