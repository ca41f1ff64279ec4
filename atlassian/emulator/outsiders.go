package emulator

import (
	"math/rand/v2"
	"strings"

	"scim-atlassian/atlassian/emulator/tenant"
)

// addStrangers adds accounts that every site has although no directory knows
// them: apps, customers of a service desk, and a person who has left for good.
func addStrangers(t *tenant.Tenant, rng *rand.Rand) {
	for _, a := range []tenant.Account{
		{Kind: tenant.KindApp, Name: "Automation for Jira", Active: true},
		{Kind: tenant.KindApp, Name: "Slack", Active: true},
		{Kind: tenant.KindCustomer, Name: "Wanda Customer", Email: "wanda@customer.example", Active: true, EmailHidden: true},
		{Kind: tenant.KindPerson, Name: "Former user", Deleted: true},
	} {
		a.ID = tenant.NewAccountID(rng)
		a.TimeZone, a.Locale = "Etc/GMT", "en_US"
		t.Accounts.Add(&a)
	}
}

// addOutsiders adds people who use the site although no directory provisions
// them, and returns their accounts. The ids come from a source of their own, so
// that the rest of the sample data does not depend on them.
func addOutsiders(t *tenant.Tenant, seed uint64) []*tenant.Account {
	rng := rand.New(rand.NewPCG(seed, 0x0475))
	var people []*tenant.Account
	for _, a := range []tenant.Account{
		{Name: "Bridget Local", Email: "bridget.local@demo.example", Active: true},
		{Name: "Noah Leaver", Email: "noah.leaver@demo.example"},
		{Name: "Sven Suspended", Email: "sven.suspended@demo.example", Active: true, Suspended: true},
		{Name: "Ines Partner", Email: "ines@partner.example", Active: true},
		{Name: "Olu Freelance", Email: "olu@freelance.example", Active: true, EmailHidden: true},
	} {
		a.ID, a.Kind, a.TimeZone, a.Locale = tenant.NewAccountID(rng), tenant.KindPerson, "Etc/GMT", "en_US"
		a.Managed = strings.HasSuffix(a.Email, "@demo.example") && t.Verified(a.Email)
		t.Accounts.Add(&a)
		people = append(people, &a)
	}
	return people
}
