// Package idhub shows users, groups and project roles as IDHub's connector for
// Jira does: users as accounts with the entitlements that they hold, groups and
// roles as entitlements with the accounts that hold them.
//
// Both types are views: they read and write through the backends of users, groups
// and roles, and keep nothing of their own. A mapping (mapping.go, and
// docs/mapping.md for its file) says which attribute shows which value. Accounts
// of the organization without a record in the directory are outsiders.
package idhub

import (
	"fmt"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/schemas"
	"scim-atlassian/scim/directory"
	"scim-atlassian/scim/organization"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/roles"
)

// Config says what the views show, where it comes from and which way it flows.
type Config struct {
	Account, Entitlement Mapping

	User, Group  *resource.Type // the types behind the views
	Users        *directory.Users
	Groups       *directory.Groups
	Roles        *roles.Roles
	Organization *atlassian.Organization // has accounts that the directory does not have; nil: none is configured
	Everyone     *organization.Accounts  // the accounts of Organization; nil: likewise

	TrustedSource         bool             // Jira is where users come from
	IgnoreUnsynced        bool             // values that do not flow to Atlassian are left out and logged, not refused
	IgnoreUnsyncedSetting resource.Setting // the operator's name of IgnoreUnsynced
	EmailDomainSetting    resource.Setting // the operator's name of directory.Config.EmailDomain

	ScanBudget  int           // upstream requests that one query may cost
	SnapshotTTL time.Duration // how long the organization's accounts are kept once read; 0: not at all
	Now         func() time.Time
}

// New makes the resource types of accounts and entitlements. It asks nothing of
// upstream. An error says what is wrong with a mapping.
func New(cfg Config) (account, entitlement *resource.Type, err error) {
	am, err := newAccountMap(cfg.Account, cfg.User.Schema)
	if err != nil {
		return nil, nil, fmt.Errorf("mapping of accounts: %w", err)
	}
	em, err := newEntitlementMap(cfg.Entitlement)
	if err != nil {
		return nil, nil, fmt.Errorf("mapping of entitlements: %w", err)
	}
	if account, err = newView(cfg, cfg.Account, am.core, nameOf(&cfg.Account, schemas.SourceEntitlements)); err != nil {
		return nil, nil, err
	}
	if entitlement, err = newView(cfg, cfg.Entitlement, em.core, em.members); err != nil {
		return nil, nil, err
	}
	accounts := newAccounts(cfg, am)
	account.Backend, entitlement.Backend = accounts, newEntitlements(cfg, em, accounts)
	account.Linked, entitlement.Linked = []string{"/Entitlements", "/Groups"}, []string{"/Accounts", "/Users"}
	return account, entitlement, nil
}

// newView makes the resource type of a mapping. links is the attribute that refers
// to the other type, "" if there is none.
func newView(cfg Config, m Mapping, core *schemas.Schema, links string) (*resource.Type, error) {
	rt := &resource.Type{
		ResourceType: schemas.ResourceType{Name: m.Name, Endpoint: "/" + m.Name + "s", Description: m.Description, Core: core},
		View:         true, Aliases: m.Aliases, Links: resource.Links{Name: links, Optional: links != ""},
	}
	rt.Schema = resource.SchemaOf(rt.ResourceType).WithAliases(m.Aliases...)
	var err error
	if rt.Shown, err = rt.Schema.Project(nil, nil); err != nil {
		return nil, err
	}
	if rt.Cheap, err = rt.Schema.Project(nil, []string{links}); err != nil {
		return nil, err
	}
	rt.Published, err = m.Published(core, cfg.TrustedSource)
	return rt, err
}
