// Package tenant has what the emulated APIs of one tenant share: the lock, the
// clock and the accounts, credentials and identifiers, and how answers are
// written and sample data are drawn.
//
// The directory, Jira and the organization know this package and not one
// another. What one of them tells another goes through an account, a [Group] or a
// [Change].
package tenant

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// The credentials and identifiers are constant, so that any client can be
// pointed at an emulator without asking it anything.
const (
	DirectoryID     = "0d1ec701-0000-4000-8000-000000000001" // of the one SCIM directory
	DirectoryKey    = "demo-directory-key"                   // bearer token of the directory
	AdminEmail      = "admin@demo.example"                   // Jira user name, Basic authentication
	APIToken        = "demo-api-token"                       // Jira password, Basic authentication
	OrganizationID  = "0a6a0000-0000-4000-8000-000000000001"
	OrganizationKey = "demo-organization-key" // bearer token of the organization, without scopes
	ScopedKey       = "demo-organization-scoped-key"
	CloudID         = "c10d0000-0000-4000-8000-000000000001"
)

// Options say how a Tenant behaves.
type Options struct {
	Now             func() time.Time // the clock
	VerifiedDomains []string         // e-mail domains of managed accounts; empty: every domain
}

// Tenant is the data that the APIs of one tenant share. The lock guards the
// accounts and everything that an API keeps: a handler holds it while it looks
// at data, and releases it before it writes to the network.
type Tenant struct {
	sync.RWMutex
	Accounts *Accounts

	options  Options
	local    []*LocalGroup
	sources  []func() []Group
	watchers []func(Change)
}

// New returns a tenant with one account, the administrator's, and the groups that
// every site has. The id of the account is drawn from ids.
func New(options Options, ids rand.Source) *Tenant {
	t := &Tenant{Accounts: newAccounts(), options: options}
	t.Accounts.Add(&Account{
		ID: OldAccountID(ids), Kind: KindPerson, Name: "Ada Administrator", Email: AdminEmail,
		Active: true, Managed: true, TimeZone: "Europe/Berlin", Locale: "en_US",
	})
	t.addLocalGroups()
	return t
}

// Now is the tenant's clock, in UTC.
func (t *Tenant) Now() time.Time { return t.options.Now().UTC() }

// Verified reports whether the domain of an address belongs to the organization.
func (t *Tenant) Verified(email string) bool {
	domains := t.options.VerifiedDomains
	domain := email[strings.LastIndexByte(email, '@')+1:]
	return len(domains) == 0 || slices.ContainsFunc(domains, func(verified string) bool {
		return strings.EqualFold(domain, verified)
	})
}
