package resource

import (
	"encoding/json"
	"iter"
	"slices"

	"scim-atlassian/schemas"
	"scim-atlassian/scim/query"
)

// Type is a resource type with everything that the server needs to serve it. It is
// complete before the first request and does not change afterwards; it is safe for
// concurrent use. Make it with NewType and set the rest.
type Type struct {
	schemas.ResourceType
	Schema  *query.Schema
	Shown   query.Projection // of an answer when the request names no attributes
	Backend Backend

	// Links is the attribute whose elements are resources of another type, and
	// Linked lists the endpoints of the types that may be there ("/Users"). The zero
	// Links and nil stand for none.
	Links  Links
	Linked []string

	// Linking is this type with Links and Linked as they may be written by a caller
	// with Policy.GroupsByUser, in PATCH; nil: there is no such way.
	Linking *Type

	// References says that complex values stand for something that exists elsewhere,
	// as the status of an issue does: a new value replaces the old one whole, and its
	// sub-attributes are ways to name it. Otherwise complex values are merged, RFC
	// 7644 section 3.5.2.
	References bool

	// Lasts returns a resource without attributes that come from elsewhere, and so do not
	// count for its version; nil: it has none.
	Lasts func(query.Object) query.Object

	// Pending is the answer to every request for the type and for its schemas as long as
	// it is not known which attributes it has; nil: that is known.
	Pending *Error

	// View says that the resources show those of other types in another form. Their
	// attribute Links costs upstream calls of its own, so the server asks for it only
	// when a request needs it; Cheap shows everything else.
	View  bool
	Cheap query.Projection

	Aliases   []string        // other URNs that requests may call the core schema by
	Extension json.RawMessage // an extension that package schemas does not have, as /Schemas shows it; nil: none
	Published json.RawMessage // the core schema as /Schemas shows it; nil: as package schemas has it
}

// NewType makes the Type of a published resource type, without Backend and Links.
func NewType(rt schemas.ResourceType) *Type {
	t := &Type{ResourceType: rt, Schema: SchemaOf(rt)}
	t.Shown, _ = t.Schema.Project(nil, nil) // attributes and excludedAttributes do not meet here
	return t
}

// NewLinking makes the Linking of a published resource type: its readOnly attribute
// name becomes a list of links to resources at the endpoints, each by its value.
func NewLinking(rt schemas.ResourceType, name string, endpoints ...string) *Type {
	core := *rt.Core
	core.Attributes = slices.Clone(core.Attributes)
	for i := range core.Attributes {
		a := &core.Attributes[i]
		if a.Name != name {
			continue
		}
		a.Mutability = "readWrite"
		a.SubAttributes = slices.Clone(a.SubAttributes)
		for j := range a.SubAttributes {
			if a.SubAttributes[j].Name == "value" {
				a.SubAttributes[j].Mutability = "immutable"
			}
		}
	}
	rt.Core = &core
	t := NewType(rt)
	t.Links, t.Linked = Links{Name: name}, endpoints
	return t
}

// Links names the multi-valued attribute by which resources of one type refer to
// those of another: members of a group, groups of a user. The value of an element
// is an id.
type Links struct {
	Name     string // canonical name; empty: there is no such attribute
	Optional bool   // a resource may be read without it, to save upstream calls; it is absent then, and else there, if empty
}

// Missing reports whether a resource was read without the attribute.
func (l Links) Missing(o query.Object) bool {
	_, listed := o.Get(l.Name)
	return l.Optional && !listed
}

// Of yields the ids that a resource refers to, in order.
func (l Links) Of(o query.Object) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, element := range o.Elements(l.Name) {
			if !yield(element.Text("value")) {
				return
			}
		}
	}
}

// Lasting returns the attributes of a resource that count for its version: all but those
// that are returned on request, which an answer may lack, and what Lasts leaves out.
func (rt *Type) Lasting(o query.Object) query.Object {
	var onRequest []string
	for _, a := range rt.Schema.Attributes {
		if a.Returned == query.Request {
			onRequest = append(onRequest, a.Name)
		}
	}
	if rt.Lasts != nil {
		o = rt.Lasts(o)
	}
	if onRequest == nil {
		return o
	}
	return o.Without(onRequest...)
}

// SchemasOf lists the URNs of the schemas of a resource: the core, and the
// extensions that it has attributes of, RFC 7643 section 3. The slice is the
// caller's.
func (rt *Type) SchemasOf(o query.Object) []any {
	urns := []any{rt.Core.ID}
	for _, e := range rt.Extensions {
		if _, ok := o.Get(e.ID); ok {
			urns = append(urns, e.ID)
		}
	}
	return urns
}

// SchemaOf returns the schemas of a resource type in the form that filters, sorting
// and projection work with, the common attributes of RFC 7643 section 3.1 included.
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
		externalID = query.Immutable // what it identifies is the request that made the issue
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
