package scim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	elimity "github.com/elimity-com/scim"
	"github.com/elimity-com/scim/optional"

	"scim-atlassian/schemas"
	"scim-atlassian/scim/query"
)

// resourceType is a resource type with everything the server needs to serve it.
type resourceType struct {
	schemas.ResourceType
	schema     *query.Schema
	shown      query.Projection // of an answer when the request names no attributes
	backend    backend
	links      links    // what refers to the other type
	linked     []string // endpoints of what links lead to
	references bool     // complex values stand for something that exists elsewhere

	view    bool             // the resources are those of other types, seen in another way
	aliases []string         // URNs that the core schema goes by too
	cheap   query.Projection // of a view: all but links, which take upstream calls of their own

	// published is the core schema as /Schemas shows it, nil: as it is embedded.
	published json.RawMessage
}

// newResourceTypes loads the published schemas and puts a backend behind each.
func newResourceTypes(cfg Config) ([]*resourceType, error) {
	loaded, err := schemas.ResourceTypes()
	if err != nil {
		return nil, err
	}
	types := make(map[string]*resourceType, len(loaded))
	var out []*resourceType
	for _, rt := range loaded {
		t := &resourceType{ResourceType: rt, schema: querySchema(rt)}
		if t.shown, err = t.schema.Project(nil, nil); err != nil {
			return nil, err
		}
		types[rt.Name] = t
		out = append(out, t)
	}
	users, groups := newDirectoryBackends(cfg.Directory, readerConfig{ttl: cfg.SnapshotTTL, budget: cfg.ScanBudget, now: cfg.Now}, cfg.DeriveEmailDomain, types["User"].schema, types["Group"].schema)
	types["User"].backend, types["Group"].backend = users, groups
	types["User"].links, types["Group"].links = users.reader.links, groups.reader.links
	types["Group"].linked = []string{"/Users", "/Accounts"}
	catalogues := newCatalogues(cfg.Jira, cfg.Projects, catalogueTTL, cfg.Now)
	types["Issue"].references = true
	types["Issue"].backend = newIssues(cfg.jira(), types["Issue"].schema, catalogues)
	account, entitlement, err := newViews(cfg, types["User"], types["Group"], catalogues)
	return append(out, account, entitlement), err
}

// newViews makes the types that show users, groups and project roles as IDHub's
// connector does.
func newViews(cfg Config, user, group *resourceType, c *catalogues) (account, entitlement *resourceType, err error) {
	am, err := newAccountMap(cfg.Account, user.schema)
	if err != nil {
		return nil, nil, fmt.Errorf("mapping of accounts: %w", err)
	}
	em, err := newEntitlementMap(cfg.Entitlement)
	if err != nil {
		return nil, nil, fmt.Errorf("mapping of entitlements: %w", err)
	}
	if account, err = newView(cfg, cfg.Account, am.schema, nameOf(&cfg.Account, schemas.SourceEntitlements)); err != nil {
		return nil, nil, err
	}
	if entitlement, err = newView(cfg, cfg.Entitlement, em.schema, em.member); err != nil {
		return nil, nil, err
	}
	roles := newRoles(cfg.jira(), group.backend.(*groups).idNamed, c)
	accounts := newAccounts(cfg.accounts(), am, user, group.backend.(*groups), roles)
	account.backend = accounts
	entitlement.backend = newEntitlements(cfg.ScanBudget, em, group, accounts)
	account.linked, entitlement.linked = []string{"/Entitlements", "/Groups"}, []string{"/Accounts", "/Users"}
	return account, entitlement, nil
}

func newView(cfg Config, m schemas.Mapping, core *schemas.Schema, dear string) (*resourceType, error) {
	rt := &resourceType{
		ResourceType: schemas.ResourceType{Name: m.Name, Endpoint: "/" + m.Name + "s", Description: m.Description, Core: core},
		view:         true, aliases: m.Aliases, links: links{name: dear, optional: dear != ""},
	}
	rt.schema = querySchema(rt.ResourceType).WithAliases(m.Aliases...)
	var err error
	if rt.shown, err = rt.schema.Project(nil, nil); err != nil {
		return nil, err
	}
	if rt.cheap, err = rt.schema.Project(nil, []string{dear}); err != nil {
		return nil, err
	}
	rt.published, err = m.Published(core, cfg.TrustedSource)
	return rt, err
}

// Explain returns the plan of a filter over the resources at an endpoint, such
// as "/Users", or "/" for all of them, on one line. It asks nothing of upstream, so
// names in a filter over issues are not resolved to ids. Errors are *Error.
func Explain(endpoint, filter string) (string, error) {
	types, err := newResourceTypes(Config{}.withDefaults())
	if err != nil {
		return "", err
	}
	root, err := newRoot(types)
	if err != nil {
		return "", err
	}
	known := []string{"/"}
	for _, rt := range append(types, root.Type) {
		if strings.EqualFold(rt.Endpoint, "/"+strings.TrimPrefix(endpoint, "/")) {
			e, err := query.Parse(rt.schema, filter, filterLimits)
			switch {
			case err != nil:
				return "", asError(err)
			case rt == root.Type:
				return root.Explain(e), nil
			}
			return rt.backend.explain(e), nil
		}
		known = append(known, strings.TrimPrefix(rt.Endpoint, "/"))
	}
	return "", refuse(http.StatusNotFound, "", "There is no %s; there are %s.", endpoint, strings.Join(known[:len(types)+1], ", "))
}

// schemasOf lists the URNs of a resource: the core and the extensions that it
// has data of, RFC 7643 section 3.
func (rt *resourceType) schemasOf(o query.Object) []any {
	urns := []any{rt.Core.ID}
	for _, e := range rt.Extensions {
		if _, ok := o.Get(e.ID); ok {
			urns = append(urns, e.ID)
		}
	}
	return urns
}

// querySchema turns published schemas into the form that filters, sorting and
// projection work with, with the common attributes of RFC 7643 section 3.1.
func querySchema(rt schemas.ResourceType) *query.Schema {
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

// newLibrary makes the elimity server that dispatches to our handler and
// validates bodies against the published schemas.
func newLibrary(types []*resourceType, l *lists) (http.Handler, error) {
	args := elimity.ServerArgs{ServiceProviderConfig: &elimity.ServiceProviderConfig{}}
	for _, t := range types {
		core, err := t.Core.Elimity()
		if err != nil {
			return nil, err
		}
		rt := elimity.ResourceType{
			ID: optional.NewString(t.Name), Name: t.Name, Endpoint: t.Endpoint,
			Description: optional.NewString(t.Description), Schema: core, Handler: handler{t, l},
		}
		for _, e := range t.Extensions {
			extension, err := e.Elimity()
			if err != nil {
				return nil, err
			}
			rt.SchemaExtensions = append(rt.SchemaExtensions, elimity.SchemaExtension{Schema: extension})
		}
		args.ResourceTypes = append(args.ResourceTypes, rt)
	}
	server, err := elimity.NewServer(&args)
	if err != nil {
		return nil, fmt.Errorf("elimity: %w", err)
	}
	return server, nil
}
