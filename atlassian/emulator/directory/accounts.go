package directory

import (
	"time"

	"scim-atlassian/atlassian/emulator/tenant"
)

// linkAccount links a new user to the account that owns its e-mail address, or
// to a new account if there is none. An existing account keeps its id and is no
// conflict: a user who is created again gets the old account back.
func (d *Directory) linkAccount(u *user, now time.Time) {
	u.linked = now.Add(d.options.PropagationDelay)
	email := u.attrs.primaryEmail()
	if existing := d.accounts.WithEmail(email); existing != nil {
		u.account = existing
		existing.Outside = false
		if existing.Active || !d.options.NoReactivateOnRecreate {
			d.updateAccount(u)
		}
		return
	}
	u.account = &tenant.Account{
		ID: tenant.NewAccountID(tenant.Random{}), Kind: tenant.KindPerson, Email: email, Managed: d.tenant.Verified(email),
		Active: u.attrs.isActive(), TimeZone: u.attrs.Timezone, Locale: u.attrs.PreferredLanguage,
		Name: u.attrs.fullName(), VisibleFrom: u.linked,
	}
	d.accounts.Add(u.account)
}

// updateAccount copies a user's attributes to its account. An account that the
// organization does not manage stays as its owner wants it.
func (d *Directory) updateAccount(u *user) {
	a := u.account
	if !a.Managed {
		return
	}
	if email := u.attrs.primaryEmail(); email != a.Email {
		d.accounts.SetEmail(a, email)
	}
	a.Name = u.attrs.fullName()
	a.Active = u.attrs.isActive() && !a.Deleted
	if u.attrs.Timezone != "" {
		a.TimeZone = u.attrs.Timezone
	}
	if u.attrs.PreferredLanguage != "" {
		a.Locale = u.attrs.PreferredLanguage
	}
}

// fullName returns the name of the account: the display name, or else the best
// substitute.
func (a *userAttributes) fullName() string {
	switch {
	case a.DisplayName != "":
		return a.DisplayName
	case a.Name != nil && a.Name.Formatted != "":
		return a.Name.Formatted
	case a.Name != nil && a.Name.GivenName != "" && a.Name.FamilyName != "":
		return a.Name.GivenName + " " + a.Name.FamilyName
	}
	return a.primaryEmail()
}
