package directory

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"scim-atlassian/atlassian/emulator/tenant"
)

// seedSpan is how long people went on joining after the tenant began.
const seedSpan = 4 * 365 * 24 * time.Hour

// bigGroup is the size of the largest group, if there are enough users.
const bigGroup = 5000

// Seed fills the directory with groups and with users, who get accounts. Nobody
// else may use the tenant yet.
func (d *Directory) Seed(rng *rand.Rand, users, groups int) {
	s := &peopleSeeder{directory: d, rng: rng, names: tenant.NewNames(rng)}
	for i := range users {
		s.addUser(i, users)
	}
	for i := range groups {
		s.addGroup(i, groups)
	}
}

// peopleSeeder makes up people and groups.
type peopleSeeder struct {
	directory *Directory
	rng       *rand.Rand
	names     *tenant.Names
}

// chance reports true in one of n cases.
func (s *peopleSeeder) chance(n int) bool { return s.rng.IntN(n) == 0 }

// joinTime returns when the ith of n joined: they come at random times, one in
// each nth part of the span.
func (s *peopleSeeder) joinTime(i, n int) time.Time {
	step := int64(seedSpan) / int64(n)
	return tenant.Epoch.Add(time.Duration(int64(i)*step + s.rng.Int64N(step))).Truncate(time.Microsecond)
}

// addUser adds the ith of all users, with an account that shows at once.
func (s *peopleSeeder) addUser(i, all int) {
	given, family := s.names.Person(i)
	email := s.names.Address(given, family)
	created := s.joinTime(i, all)
	u := &user{id: tenant.NewUUID(s.rng), created: created, modified: created}
	if s.chance(2) {
		u.modified = created.Add(time.Duration(s.rng.Int64N(int64(90 * 24 * time.Hour)))).Truncate(time.Microsecond)
	}
	active := looseBool(!s.chance(20))
	u.attrs = userAttributes{UserName: email, Active: &active, Emails: []contact{{Value: email, Type: "work", Primary: true}}}
	if !s.chance(7) {
		u.attrs.ExternalID = fmt.Sprintf("00u%016x", s.rng.Uint64())
	}
	if !s.chance(25) { // a few have the required attributes alone
		s.describe(&u.attrs, given, family)
	}
	u.account = s.account(&u.attrs)
	s.directory.accounts.Add(u.account)
	s.directory.addUser(u)
}

// describe fills in the attributes that most people have.
func (s *peopleSeeder) describe(a *userAttributes, given, family string) {
	full := given + " " + family
	a.Name = &personName{Formatted: full, GivenName: given, FamilyName: family}
	a.DisplayName = full
	if s.chance(12) {
		a.DisplayName = family + ", " + given
	}
	if s.chance(10) {
		a.NickName = string([]rune(given)[:1]) + strings.ToLower(tenant.ASCII(family))
	}
	if s.chance(15) {
		a.Name.HonorificPrefix = "Dr."
	}
	a.Department = tenant.Pick(s.rng, departments)
	a.Title = tenant.Pick(s.rng, titles)
	a.Organization = tenant.Pick(s.rng, organizations)
	if s.chance(2) {
		a.Enterprise = &enterprise{Organization: a.Organization, Department: a.Department}
	}
	place := tenant.Pick(s.rng, places)
	a.Timezone, a.PreferredLanguage = place.timeZone, place.language
	if !s.chance(4) {
		number := fmt.Sprintf("%s-555-%04d", place.dialing, s.rng.IntN(10000))
		a.PhoneNumbers = []contact{{Value: number, Type: "work", Primary: true}}
	}
}

// account returns the account of a new user. A third have an id of the old form.
func (s *peopleSeeder) account(a *userAttributes) *tenant.Account {
	id := tenant.NewAccountID(s.rng)
	if s.chance(3) {
		id = tenant.OldAccountID(s.rng)
	}
	email := a.primaryEmail()
	managed := s.directory.tenant.Verified(email)
	return &tenant.Account{
		ID: id, Kind: tenant.KindPerson, Name: a.fullName(), Email: email, EmailHidden: s.chance(6),
		Active: a.isActive() || !managed, Managed: managed,
		TimeZone: a.Timezone, Locale: strings.ReplaceAll(a.PreferredLanguage, "-", "_"),
	}
}

// addGroup adds the ith of all groups. The first is the largest, every eighth is
// empty.
func (s *peopleSeeder) addGroup(i, all int) {
	created := s.joinTime(i, all)
	g := &group{
		id: tenant.NewUUID(s.rng), jiraID: tenant.NewUUID(s.rng), displayName: groupName(i), created: created, modified: created,
	}
	if !s.chance(5) {
		g.externalID = tenant.NewUUID(s.rng)
	}
	s.directory.addGroup(g)
	switch {
	case i == 0:
		s.directory.setMembers(g, nil, s.someUsers(bigGroup), created)
	case i%8 != 7:
		s.directory.setMembers(g, nil, s.someUsers(1+s.rng.IntN(60)), created)
	}
}

// groupName returns the name of the ith group.
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

// someUsers returns n different users, or all if there are fewer: at equal
// distances in the list, from a random one on.
func (s *peopleSeeder) someUsers(n int) []*user {
	all := s.directory.users
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
