package emulator

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// The kinds of Atlassian account, as Jira's accountType spells them.
const (
	kindPerson   = "atlassian"
	kindApp      = "app"
	kindCustomer = "customer"
)

// account is an Atlassian account: what Jira calls a user. A provisioned user
// of the directory is linked to one; accounts exist without the directory too.
// The tenant's lock guards it.
type account struct {
	number      int    // position among all accounts, which never changes
	id          string // 24 hexadecimal digits, or "712020:" and a UUID
	kind        string
	name        string
	email       string // empty for apps
	active      bool
	deleted     bool // closed for good; Jira lists it as "Former user"
	emailHidden bool // the person's privacy setting: other users do not see the address
	suspended   bool // may not use the products, though the account is active
	managed     bool // its e-mail domain is verified, so the organization may change it
	timeZone    string
	locale      string
	visibleFrom time.Time // Jira does not know the account before
}

// visible reports whether a provisioned account has reached the products.
func (a *account) visible(now time.Time) bool { return !now.Before(a.visibleFrom) }

// accounts holds every account of the tenant, oldest first.
type accounts struct {
	all     []*account
	byID    map[string]*account
	byEmail map[string]*account // key: lower case
}

func newAccounts() *accounts {
	return &accounts{byID: map[string]*account{}, byEmail: map[string]*account{}}
}

// add stores a new account. Its id and e-mail address must not be taken.
func (s *accounts) add(a *account) {
	a.number = len(s.all)
	s.all = append(s.all, a)
	s.byID[a.id] = a
	if a.email != "" {
		s.byEmail[strings.ToLower(a.email)] = a
	}
}

// withEmail returns the account that owns an address in any case, or nil.
func (s *accounts) withEmail(email string) *account {
	return s.byEmail[strings.ToLower(email)]
}

// setEmail moves an account to another address, which must be free.
func (s *accounts) setEmail(a *account, email string) {
	delete(s.byEmail, strings.ToLower(a.email))
	a.email = email
	s.byEmail[strings.ToLower(email)] = a
}

// newUUID returns a version 4 UUID.
func newUUID(ids rand.Source) string {
	a, b := ids.Uint64(), ids.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x",
		a>>32, a>>16&0xffff, a&0xfff, 0x8000|b>>48&0x3fff, b&0xffffffffffff)
}

// newAccountID returns an account id in the current shape, "712020:UUID".
func newAccountID(ids rand.Source) string { return "712020:" + newUUID(ids) }

// oldAccountID returns an account id as it was given until about 2021.
func oldAccountID(ids rand.Source) string {
	return fmt.Sprintf("5f%06x%016x", ids.Uint64()&0xffffff, ids.Uint64())
}

// runtimeRandom is the runtime's generator: ids made after seeding differ
// between runs, as Atlassian's do.
type runtimeRandom struct{}

func (runtimeRandom) Uint64() uint64 { return rand.Uint64() }
