package connector

import (
	"slices"

	"scim-atlassian/schemas"
	"scim-atlassian/scim/query"
)

// Owners names the people responsible for the connected application, as IDHub's
// forms ask for them. Either may be empty.
type Owners struct {
	Business string
	IT       string
}

// operationGroups is the table of operations in IDHub's documentation of its JIRA
// connector, each with the request that does it here, and further operations that
// this server offers. An operation on accounts writes the attributes with a
// certain source; it is offered if one of them flows to Atlassian.
var operationGroups = []struct {
	name       string
	operations []operation
}{
	{"User Management", []operation{
		{"Create user", "POST /Accounts", "userName"},
		{"Update user", "PUT or PATCH /Accounts/{id}", anySource},
		{"Delete user", "DELETE /Accounts/{id}", "userName"},
		{"Enable user", "PATCH /Accounts/{id}: active true", "active"},
		{"Disable user", "PATCH /Accounts/{id}: active false", "active"},
		{"Assign entitlement", "PATCH /Accounts/{id}: add to entitlements", schemas.SourceEntitlements},
		{"Revoke entitlement", "PATCH /Accounts/{id}: remove from entitlements", schemas.SourceEntitlements},
	}},
	{"Entitlement Management", []operation{
		{"List groups and project roles", "GET /Entitlements", ""},
		{"Create group", "POST /Entitlements", ""},
		{"Delete group", "DELETE /Entitlements/{id}", ""},
	}},
	{"Issue Management", []operation{
		{"Create issue", "POST /Issues", ""},
		{"Update issue", "PUT or PATCH /Issues/{id}", ""},
		{"Update issue status", "PATCH /Issues/{id}: status", ""},
		{"Delete issue", "DELETE /Issues/{id}", ""},
	}},
	{"Reconciliation", []operation{
		{"Full reconciliation", "GET /Accounts, GET /Entitlements", ""},
		{"Limited reconciliation", "GET /Accounts?filter=, GET /Entitlements?filter=", ""},
	}},
}

type operation struct {
	name, request string
	writes        string // source of the attribute that it writes; empty: it writes no account
}

// anySource marks an operation that writes any attribute but those with an
// operation of their own.
const anySource = "*"

// offers reports whether an attribute that the operation writes flows to Atlassian.
func (n *Connector) offers(o operation) bool {
	return o.writes == "" || slices.ContainsFunc(n.cfg.Account.Attributes, func(a schemas.MappedAttribute) bool {
		own := a.Source != "active" && a.Source != schemas.SourceEntitlements
		return (a.Source == o.writes || o.writes == anySource && own) && a.SyncDirection.In(n.cfg.TrustedSource).ToApp()
	})
}

// metadata returns the facts from which IDHub drafts the application and its
// target system. They are the same for every caller and cost no upstream call.
func (n *Connector) metadata(base string) query.Object {
	return query.Object{
		{Name: "name", Value: "JIRA"},
		{Name: "description", Value: "Atlassian Cloud: accounts, groups, project roles and Jira issues"},
		{Name: "version", Value: n.cfg.Version},
		{Name: "compatibility", Value: compatibility()},
		{Name: "owners", Value: query.Object{{Name: "businessOwner", Value: n.cfg.Owners.Business}, {Name: "itOwner", Value: n.cfg.Owners.IT}}},
		{Name: "trustedSource", Value: n.cfg.TrustedSource},
		{Name: "resources", Value: []any{n.mapped(n.cfg.Account), n.mapped(n.cfg.Entitlement)}},
		{Name: "operations", Value: n.operations()},
		{Name: "endpoints", Value: n.locations(base)},
	}
}

func compatibility() query.Object {
	return query.Object{{Name: "connector", Value: compatibleWith}, {Name: "scim", Value: "2.0"}}
}

func (n *Connector) operations() []any {
	var groups []any
	for _, group := range operationGroups {
		var operations []any
		for _, o := range group.operations {
			operations = append(operations, query.Object{{Name: "name", Value: o.name}, {Name: "supported", Value: n.offers(o)}, {Name: "request", Value: o.request}})
		}
		groups = append(groups, query.Object{{Name: "group", Value: group.name}, {Name: "operations", Value: operations}})
	}
	return groups
}

// locations returns the URLs of all endpoints that IDHub may call, by name.
func (n *Connector) locations(base string) query.Object {
	var o query.Object
	for _, t := range n.cfg.Types {
		o.Set(t.Name, base+t.Endpoint)
	}
	for _, name := range []string{"ServiceProviderConfig", "ResourceTypes", "Schemas", healthPath, testPath, metadataPath} {
		o.Set(name, base+"/"+name)
	}
	return o
}

// mapped describes a resource type of the connector: its schema, IDHub's names for
// the attributes, and which way each attribute flows in this configuration.
func (n *Connector) mapped(m schemas.Mapping) query.Object {
	facts := map[string]schemas.Attribute{}
	for _, t := range n.cfg.Types {
		if t.Name == m.Name {
			for _, a := range t.Core.Attributes {
				facts[a.Name] = a
			}
		}
	}
	aliases := []any{}
	for _, urn := range m.Aliases {
		aliases = append(aliases, urn)
	}
	doc := query.Object{{Name: "name", Value: m.Name}, {Name: "endpoint", Value: "/" + m.Name + "s"}, {Name: "schema", Value: m.ID}, {Name: "aliases", Value: aliases}}
	var attributes []any
	for _, a := range m.Attributes {
		if a.ReconKey {
			doc.Set("reconKey", a.Name)
		}
		if a.AccountName {
			doc.Set("accountName", a.Name)
		}
		attributes = append(attributes, n.attribute(a, facts[a.Name]))
	}
	doc.Set("attributes", attributes)
	return doc
}

func (n *Connector) attribute(a schemas.MappedAttribute, fact schemas.Attribute) query.Object {
	o := query.Object{{Name: "name", Value: a.Name}}
	if a.IDHubFieldName != "" {
		o.Set("idhubFieldName", a.IDHubFieldName)
	}
	direction := a.SyncDirection.In(n.cfg.TrustedSource)
	mutability := fact.Mutability
	if !direction.ToApp() {
		mutability = "readOnly"
	}
	for _, m := range []query.Member{
		{Name: "description", Value: a.Description}, {Name: "type", Value: fact.Type}, {Name: "multiValued", Value: a.MultiValued},
		{Name: "required", Value: a.Required}, {Name: "caseExact", Value: a.CaseExact}, {Name: "returned", Value: a.Returned},
		{Name: "mutability", Value: mutability}, {Name: "uniqueness", Value: fact.Uniqueness}, {Name: "syncDirection", Value: string(direction)},
		{Name: "isVisible", Value: a.Visible()},
	} {
		o.Set(m.Name, m.Value)
	}
	return o
}
