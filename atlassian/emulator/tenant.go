package emulator

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// Tenant is what the APIs of a tenant have in common. Its lock guards the
// accounts, and all data that an API keeps about the tenant: handlers hold it
// while they look at data, and release it before they write to the network.
type Tenant struct {
	sync.RWMutex
	accounts *accounts

	options TenantOptions
}

// TenantOptions say how a Tenant behaves.
type TenantOptions struct {
	Now             func() time.Time // the clock
	VerifiedDomains []string         // e-mail domains of managed accounts; empty: every domain
}

// seedEpoch is when the tenant began. Everything seeded is dated from it, so
// that the same seed gives the same dates.
var seedEpoch = time.Date(2021, time.February, 16, 15, 5, 41, 185473000, time.UTC)

// pick chooses one of a list.
func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

// newTenant returns a tenant that has the administrator's account alone; the
// account's id is drawn from ids.
func newTenant(options TenantOptions, ids rand.Source) *Tenant {
	t := &Tenant{accounts: newAccounts(), options: options}
	t.accounts.add(&account{
		id: oldAccountID(ids), kind: kindPerson, name: "Ada Administrator", email: AdminEmail,
		active: true, managed: true, timeZone: "Europe/Berlin", locale: "en_US",
	})
	return t
}

// now is the tenant's clock, in UTC.
func (t *Tenant) now() time.Time { return t.options.Now().UTC() }

// verified reports whether an address is on a domain of the organization.
func (t *Tenant) verified(email string) bool {
	domains := t.options.VerifiedDomains
	domain := email[strings.LastIndexByte(email, '@')+1:]
	return len(domains) == 0 || slices.ContainsFunc(domains, func(verified string) bool {
		return strings.EqualFold(domain, verified)
	})
}

// Group is a group as Jira sees it.
type Group struct {
	id, name string // the id is Jira's groupId, which SCIM does not show
	members  func() []*account
}
