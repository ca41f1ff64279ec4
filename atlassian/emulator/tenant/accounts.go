package tenant

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// The kinds of Atlassian account, as Jira's accountType spells them.
const (
	KindPerson   = "atlassian"
	KindApp      = "app"
	KindCustomer = "customer"
)

// Account is an Atlassian account, which Jira calls a user. Each user of the
// directory is linked to one; other accounts have no user there. The tenant's
// lock guards it.
type Account struct {
	Number      int    // position among all accounts; Add sets it and it never changes
	ID          string // 24 hexadecimal digits, or "712020:" and a UUID
	Kind        string // KindPerson, KindApp or KindCustomer
	Name        string
	Email       string // empty for apps
	Active      bool
	Deleted     bool // closed for good; Jira lists it as "Former user"
	EmailHidden bool // the person's privacy setting: other users do not see the address
	Suspended   bool // may not use the products, though the account is active
	Outside     bool // in no directory of the organization
	Managed     bool // its e-mail domain is verified, so the organization may change it
	TimeZone    string
	Locale      string
	VisibleFrom time.Time // when the account reaches the products
}

// Visible reports whether the account has reached the products by now.
func (a *Account) Visible(now time.Time) bool { return !now.Before(a.VisibleFrom) }

// Accounts holds every account of the tenant.
type Accounts struct {
	list    []*Account // oldest first
	byID    map[string]*Account
	byEmail map[string]*Account // key: lower case
}

func newAccounts() *Accounts {
	return &Accounts{byID: map[string]*Account{}, byEmail: map[string]*Account{}}
}

// Add stores a new account. Its id and e-mail address must not be taken.
func (s *Accounts) Add(a *Account) {
	a.Number = len(s.list)
	s.list = append(s.list, a)
	s.byID[a.ID] = a
	if a.Email != "" {
		s.byEmail[strings.ToLower(a.Email)] = a
	}
}

// All lists the accounts, oldest first. The caller must not change the list.
func (s *Accounts) All() []*Account { return s.list }

// WithID returns the account with an id, or nil.
func (s *Accounts) WithID(id string) *Account { return s.byID[id] }

// WithEmail returns the account that owns an address, whose case does not
// matter, or nil.
func (s *Accounts) WithEmail(email string) *Account { return s.byEmail[strings.ToLower(email)] }

// SetEmail moves an account to another address, which must be free.
func (s *Accounts) SetEmail(a *Account, email string) {
	delete(s.byEmail, strings.ToLower(a.Email))
	a.Email = email
	s.byEmail[strings.ToLower(email)] = a
}

// NewUUID returns a version 4 UUID.
func NewUUID(ids rand.Source) string {
	a, b := ids.Uint64(), ids.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x",
		a>>32, a>>16&0xffff, a&0xfff, 0x8000|b>>48&0x3fff, b&0xffffffffffff)
}

// NewAccountID returns an account id in the current shape, "712020:UUID".
func NewAccountID(ids rand.Source) string { return "712020:" + NewUUID(ids) }

// OldAccountID returns an account id as it was given until about 2021.
func OldAccountID(ids rand.Source) string {
	return fmt.Sprintf("5f%06x%016x", ids.Uint64()&0xffffff, ids.Uint64())
}

// Random draws from the runtime's generator: ids of data that clients create
// differ between runs, as Atlassian's do. Sample data use a seeded source.
type Random struct{}

// Uint64 makes Random a rand.Source.
func (Random) Uint64() uint64 { return rand.Uint64() }
