package emulator

import (
	"math/rand/v2"
	"strings"
)

// addStrangers adds accounts that no directory knows but every site has: apps,
// customers of a service desk, and somebody whose account is closed.
func addStrangers(t *Tenant, rng *rand.Rand) {
	for _, a := range []account{
		{kind: kindApp, name: "Automation for Jira", active: true},
		{kind: kindApp, name: "Slack", active: true},
		{kind: kindCustomer, name: "Wanda Customer", email: "wanda@customer.example", active: true, emailHidden: true},
		{kind: kindPerson, name: "Former user", deleted: true},
	} {
		a.id = newAccountID(rng)
		a.timeZone, a.locale = "Etc/GMT", "en_US"
		t.accounts.add(&a)
	}
}

// addOutsiders adds people who use the site though no directory provisions
// them, and returns them. They are drawn from a source of their own, so that
// the rest of the data does not depend on them.
func addOutsiders(t *Tenant, seed uint64) []*account {
	rng := rand.New(rand.NewPCG(seed, 0x0475))
	var people []*account
	for _, a := range []account{
		{name: "Bridget Local", email: "bridget.local@demo.example", active: true},
		{name: "Noah Leaver", email: "noah.leaver@demo.example"},
		{name: "Sven Suspended", email: "sven.suspended@demo.example", active: true, suspended: true},
		{name: "Ines Partner", email: "ines@partner.example", active: true},
		{name: "Olu Freelance", email: "olu@freelance.example", active: true, emailHidden: true},
	} {
		a.id, a.kind, a.timeZone, a.locale = newAccountID(rng), kindPerson, "Etc/GMT", "en_US"
		a.managed = strings.HasSuffix(a.email, "@demo.example") && t.verified(a.email)
		t.accounts.add(&a)
		people = append(people, &a)
	}
	return people
}
