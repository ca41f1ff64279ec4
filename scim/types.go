package scim

import (
	"fmt"
	"net/http"
	"strings"

	"scim-atlassian/schemas"
	"scim-atlassian/scim/directory"
	"scim-atlassian/scim/idhub"
	"scim-atlassian/scim/jira"
	"scim-atlassian/scim/list"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// newResourceTypes loads the published schemas and puts a backend behind each.
func newResourceTypes(cfg Config) ([]*resource.Type, error) {
	loaded, err := schemas.ResourceTypes()
	if err != nil {
		return nil, err
	}
	types := make(map[string]*resource.Type, len(loaded))
	var out []*resource.Type
	for _, rt := range loaded {
		t := &resource.Type{ResourceType: rt, Schema: resource.SchemaOf(rt)}
		if t.Shown, err = t.Schema.Project(nil, nil); err != nil {
			return nil, err
		}
		types[rt.Name] = t
		out = append(out, t)
	}
	users, groups := directory.New(cfg.Directory, mirror.Config{Ttl: cfg.SnapshotTTL, Budget: cfg.ScanBudget, Now: cfg.Now}, cfg.DeriveEmailDomain, types["User"].Schema, types["Group"].Schema)
	types["User"].Backend, types["Group"].Backend = users, groups
	types["User"].Links, types["Group"].Links = users.Reader.Links, groups.Reader.Links
	types["Group"].Linked = []string{"/Users", "/Accounts"}
	catalogues := jira.NewCatalogues(cfg.Jira, cfg.Projects, jira.CatalogueTTL, cfg.Now)
	types["Issue"].References = true
	types["Issue"].Backend = jira.NewIssues(cfg.jira(), types["Issue"].Schema, catalogues)
	account, entitlement, err := newViews(cfg, types["User"], types["Group"], catalogues)
	return append(out, account, entitlement), err
}

// newViews makes the types that show users, groups and project roles as IDHub's
// connector does.
func newViews(cfg Config, user, group *resource.Type, c *jira.Catalogues) (account, entitlement *resource.Type, err error) {
	am, err := idhub.NewAccountMap(cfg.Account, user.Schema)
	if err != nil {
		return nil, nil, fmt.Errorf("mapping of accounts: %w", err)
	}
	em, err := idhub.NewEntitlementMap(cfg.Entitlement)
	if err != nil {
		return nil, nil, fmt.Errorf("mapping of entitlements: %w", err)
	}
	if account, err = newView(cfg, cfg.Account, am.Core, idhub.NameOf(&cfg.Account, schemas.SourceEntitlements)); err != nil {
		return nil, nil, err
	}
	if entitlement, err = newView(cfg, cfg.Entitlement, em.Core, em.Member); err != nil {
		return nil, nil, err
	}
	roles := jira.NewRoles(cfg.jira(), group.Backend.(*directory.Groups).IDNamed, c)
	accounts := idhub.NewAccounts(cfg.accounts(), am, user, group.Backend.(*directory.Groups), roles)
	account.Backend = accounts
	entitlement.Backend = idhub.NewEntitlements(cfg.ScanBudget, em, group, accounts)
	account.Linked, entitlement.Linked = []string{"/Entitlements", "/Groups"}, []string{"/Accounts", "/Users"}
	return account, entitlement, nil
}

func newView(cfg Config, m schemas.Mapping, core *schemas.Schema, dear string) (*resource.Type, error) {
	rt := &resource.Type{
		ResourceType: schemas.ResourceType{Name: m.Name, Endpoint: "/" + m.Name + "s", Description: m.Description, Core: core},
		View:         true, Aliases: m.Aliases, Links: resource.Links{Name: dear, Optional: dear != ""},
	}
	rt.Schema = resource.SchemaOf(rt.ResourceType).WithAliases(m.Aliases...)
	var err error
	if rt.Shown, err = rt.Schema.Project(nil, nil); err != nil {
		return nil, err
	}
	if rt.Cheap, err = rt.Schema.Project(nil, []string{dear}); err != nil {
		return nil, err
	}
	rt.Published, err = m.Published(core, cfg.TrustedSource)
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
	root := list.NewRoot(types)
	known := []string{"/"}
	for _, rt := range append(types, root.Type) {
		if strings.EqualFold(rt.Endpoint, "/"+strings.TrimPrefix(endpoint, "/")) {
			e, err := query.Parse(rt.Schema, filter, resource.FilterLimits)
			switch {
			case err != nil:
				return "", resource.AsError(err)
			case rt == root.Type:
				return root.Explain(e), nil
			}
			return rt.Backend.Explain(e), nil
		}
		known = append(known, strings.TrimPrefix(rt.Endpoint, "/"))
	}
	return "", resource.Refuse(http.StatusNotFound, "", "There is no %s; there are %s.", endpoint, strings.Join(known[:len(types)+1], ", "))
}
