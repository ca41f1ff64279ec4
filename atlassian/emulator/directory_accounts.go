package emulator

import "time"

// linkAccount gives a new user the account that owns its e-mail address, or a
// new account if none does. An account that exists is linked without a
// conflict, and keeps its id: a re-created user meets its old account again.
func (d *directory) linkAccount(u *user, now time.Time) {
	u.linked = now.Add(d.options.PropagationDelay)
	email := u.attrs.primaryEmail()
	if existing := d.accounts.withEmail(email); existing != nil {
		u.account = existing
		if existing.active || !d.options.NoReactivateOnRecreate {
			d.updateAccount(u)
		}
		return
	}
	u.account = &account{
		id: newAccountID(runtimeRandom{}), kind: kindPerson, email: email, managed: d.tenant.verified(email),
		active: u.attrs.isActive(), timeZone: u.attrs.Timezone, locale: u.attrs.PreferredLanguage,
		name: u.attrs.fullName(), visibleFrom: u.linked,
	}
	d.accounts.add(u.account)
}

// updateAccount carries a user's attributes over to its account. Accounts
// that the organization does not manage stay as their owners want them.
func (d *directory) updateAccount(u *user) {
	a := u.account
	if !a.managed {
		return
	}
	if email := u.attrs.primaryEmail(); email != a.email {
		d.accounts.setEmail(a, email)
	}
	a.name = u.attrs.fullName()
	a.active = u.attrs.isActive() && !a.deleted
	if u.attrs.Timezone != "" {
		a.timeZone = u.attrs.Timezone
	}
	if u.attrs.PreferredLanguage != "" {
		a.locale = u.attrs.PreferredLanguage
	}
}

// fullName is the name of the account: the display name, or the best that
// stands in for it.
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
