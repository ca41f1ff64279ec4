package emulator

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// seedEpoch is when the tenant began. Everything seeded is dated from it, so
// that the same seed gives the same dates.
var seedEpoch = time.Date(2021, time.February, 16, 15, 5, 41, 185473000, time.UTC)

// seedSpan is how long people went on joining after that.
const seedSpan = 4 * 365 * 24 * time.Hour

// bigGroup is the size of the largest group, if there are so many users.
const bigGroup = 5000

// seedDirectory fills accounts and directory. Emulator.mu is held.
func seedDirectory(e *Emulator, rng *rand.Rand) {
	s := &peopleSeeder{e: e, rng: rng, taken: map[string]int{}}
	e.accounts.add(&account{
		id: oldAccountID(rng), kind: kindPerson, name: "Ada Administrator", email: AdminEmail,
		active: true, managed: true, timeZone: "Europe/Berlin", locale: "en_US",
	})
	for i := range e.options.Users {
		s.addUser(i)
	}
	for i := range e.options.Groups {
		s.addGroup(i)
	}
	if e.options.Users > 0 {
		s.addStrangers()
	}
}

// peopleSeeder makes up people and groups.
type peopleSeeder struct {
	e     *Emulator
	rng   *rand.Rand
	taken map[string]int // how often a local part of an address was wanted
	last  [2]string      // the name of the latest person
}

// chance is true in one of n cases.
func (s *peopleSeeder) chance(n int) bool { return s.rng.IntN(n) == 0 }

// joined returns a time within the part i of n of the span, to the microsecond.
func (s *peopleSeeder) joined(i, n int) time.Time {
	step := int64(seedSpan) / int64(n)
	return seedEpoch.Add(time.Duration(int64(i)*step + s.rng.Int64N(step))).Truncate(time.Microsecond)
}

// addUser adds the person number i, with an account that is linked already.
func (s *peopleSeeder) addUser(i int) {
	given, family := s.name(i)
	email := s.address(given, family)
	created := s.joined(i, s.e.options.Users)
	u := &user{id: newUUID(s.rng), created: created, modified: created}
	if s.chance(2) {
		u.modified = created.Add(time.Duration(s.rng.Int64N(int64(90 * 24 * time.Hour)))).Truncate(time.Microsecond)
	}
	active := looseBool(!s.chance(20))
	u.attrs = userAttributes{UserName: email, Active: &active, Emails: []contact{{Value: email, Type: "work", Primary: true}}}
	if !s.chance(7) {
		u.attrs.ExternalID = fmt.Sprintf("00u%016x", s.rng.Uint64())
	}
	if !s.chance(25) { // a few have nothing beyond what is required
		s.describe(&u.attrs, given, family)
	}
	u.account = s.account(&u.attrs)
	s.e.accounts.add(u.account)
	s.e.directory.addUser(u)
}

// name returns a given and a family name. Now and then two people in a row
// have the same.
func (s *peopleSeeder) name(i int) (given, family string) {
	if i%25 != 24 {
		s.last = [2]string{pick(s.rng, givenNames), pick(s.rng, familyNames)}
	}
	return s.last[0], s.last[1]
}

// asciiLetters spells the names of the seed as mail addresses do.
var asciiLetters = strings.NewReplacer(
	"á", "a", "ä", "ae", "å", "a", "ç", "c", "é", "e", "è", "e", "ë", "e", "ễ", "e", "í", "i", "ı", "i",
	"ł", "l", "ñ", "n", "ó", "o", "ö", "oe", "ø", "o", "ã", "a", "ř", "r", "ß", "ss", "š", "s", "ü", "ue", "ž", "z",
	" ", "",
)

// address returns an address that nobody else has, in any case.
func (s *peopleSeeder) address(given, family string) string {
	local := asciiLetters.Replace(strings.ToLower(given + "." + family))
	s.taken[local]++
	if n := s.taken[local]; n > 1 {
		local = fmt.Sprintf("%s%d", local, n)
	}
	switch s.rng.IntN(30) {
	case 0:
		local += "+contractor"
	case 1:
		local = strings.ToUpper(local[:1]) + local[1:]
	}
	domain := "demo.example"
	if s.chance(4) {
		domain = "corp.example"
	}
	return local + "@" + domain
}

// describe fills in what most people have.
func (s *peopleSeeder) describe(a *userAttributes, given, family string) {
	full := given + " " + family
	a.Name = &personName{Formatted: full, GivenName: given, FamilyName: family}
	a.DisplayName = full
	if s.chance(12) {
		a.DisplayName = family + ", " + given
	}
	if s.chance(10) {
		a.NickName = string([]rune(given)[:1]) + strings.ToLower(asciiLetters.Replace(family))
	}
	if s.chance(15) {
		a.Name.HonorificPrefix = "Dr."
	}
	a.Department = pick(s.rng, departments)
	a.Title = pick(s.rng, titles)
	a.Organization = pick(s.rng, organizations)
	if s.chance(2) {
		a.Enterprise = &enterprise{Organization: a.Organization, Department: a.Department}
	}
	place := pick(s.rng, places)
	a.Timezone, a.PreferredLanguage = place.timeZone, place.language
	if !s.chance(4) {
		number := fmt.Sprintf("%s-555-%04d", place.dialing, s.rng.IntN(10000))
		a.PhoneNumbers = []contact{{Value: number, Type: "work", Primary: true}}
	}
}

// account returns the account of a seeded user; a third were made long ago.
func (s *peopleSeeder) account(a *userAttributes) *account {
	id := newAccountID(s.rng)
	if s.chance(3) {
		id = oldAccountID(s.rng)
	}
	email := a.primaryEmail()
	managed := s.e.directory.verified(email)
	return &account{
		id: id, kind: kindPerson, name: a.fullName(), email: email, emailHidden: s.chance(6),
		active: a.isActive() || !managed, managed: managed,
		timeZone: a.Timezone, locale: strings.ReplaceAll(a.PreferredLanguage, "-", "_"),
	}
}

// addGroup adds the group number i: the first is the largest, each eighth is
// empty.
func (s *peopleSeeder) addGroup(i int) {
	d := s.e.directory
	created := s.joined(i, s.e.options.Groups)
	g := &group{
		id: newUUID(s.rng), jiraID: newUUID(s.rng), displayName: groupName(i), created: created, modified: created,
	}
	if !s.chance(5) {
		g.externalID = newUUID(s.rng)
	}
	d.addGroup(g)
	switch {
	case i == 0:
		d.setMembers(g, nil, s.someUsers(bigGroup), created)
	case i%8 != 7:
		d.setMembers(g, nil, s.someUsers(1+s.rng.IntN(60)), created)
	}
}

// groupName returns the name of the group number i.
func groupName(i int) string {
	if i == 0 {
		return "All employees"
	}
	name := groupNames[(i-1)%len(groupNames)]
	if round := (i - 1) / len(groupNames); round > 0 {
		return fmt.Sprintf("%s %d", name, round+1)
	}
	return name
}

// someUsers returns n different users, or all if there are fewer: every so
// manieth, from a random one on.
func (s *peopleSeeder) someUsers(n int) []*user {
	all := s.e.directory.users
	if len(all) == 0 {
		return nil
	}
	n = min(n, len(all))
	step, start := len(all)/n, s.rng.IntN(len(all))
	chosen := make([]*user, n)
	for i := range chosen {
		chosen[i] = all[(start+i*step)%len(all)]
	}
	return chosen
}

// addStrangers adds accounts that no directory knows but every site has: apps,
// customers of a service desk, and somebody whose account is closed.
func (s *peopleSeeder) addStrangers() {
	for _, a := range []account{
		{kind: kindApp, name: "Automation for Jira", active: true},
		{kind: kindApp, name: "Slack", active: true},
		{kind: kindCustomer, name: "Wanda Customer", email: "wanda@customer.example", active: true, emailHidden: true},
		{kind: kindPerson, name: "Former user", deleted: true},
	} {
		a.id = newAccountID(s.rng)
		a.timeZone, a.locale = "Etc/GMT", "en_US"
		s.e.accounts.add(&a)
	}
}

// seedOutsiders adds people who use the site though no directory provisions
// them, and gives project roles to them and to groups. It draws from a source
// of its own, so that the rest of the data does not depend on it. Emulator.mu
// is held.
func seedOutsiders(e *Emulator) {
	if e.options.Users == 0 {
		return
	}
	rng := rand.New(rand.NewPCG(e.options.Seed, 0x0475))
	var people []*account
	for _, a := range []account{
		{name: "Bridget Local", email: "bridget.local@demo.example", active: true},
		{name: "Noah Leaver", email: "noah.leaver@demo.example"},
		{name: "Sven Suspended", email: "sven.suspended@demo.example", active: true, suspended: true},
		{name: "Ines Partner", email: "ines@partner.example", active: true},
		{name: "Olu Freelance", email: "olu@freelance.example", active: true, emailHidden: true},
	} {
		a.id, a.kind, a.timeZone, a.locale = newAccountID(rng), kindPerson, "Etc/GMT", "en_US"
		a.managed = strings.HasSuffix(a.email, "@demo.example") && e.directory.verified(a.email)
		e.accounts.add(&a)
		people = append(people, &a)
	}
	for n, p := range e.jira.projects {
		member, viewer := p.roles[e.jira.roles[1]], p.roles[e.jira.roles[2]]
		viewer.join(&actors{accounts: []*account{people[n%len(people)]}})
		if groups := e.directory.groups; len(groups) > 0 {
			member.join(&actors{groups: []string{groups[n%len(groups)].jiraID}})
			viewer.join(&actors{groups: []string{groups[(n+1)%len(groups)].jiraID}})
		}
	}
}
