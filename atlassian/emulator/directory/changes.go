package directory

import "scim-atlassian/atlassian/emulator/tenant"

// tell records a change of an account.
func (d *Directory) tell(action string, a *tenant.Account) {
	d.tenant.Record(tenant.Change{Action: action, By: tenant.Provisioner, Account: a})
}

// tellGroup records a change of a group.
func (d *Directory) tellGroup(action string, g *group) {
	group := d.asProvided(g)
	d.tenant.Record(tenant.Change{Action: action, By: tenant.Provisioner, Group: &group})
}

// tellMember records that a user has joined a group or left it.
func (d *Directory) tellMember(action string, g *group, u *user) {
	group := d.asProvided(g)
	d.tenant.Record(tenant.Change{Action: action, By: tenant.Provisioner, Group: &group, Account: u.account})
}

// watchAccount notes how an account is, nil for one that does not exist yet, and
// returns a function that records what has become of it: changed says whether the
// user has changed, whose account it is.
func (d *Directory) watchAccount(a *tenant.Account) func(u *user, changed bool) {
	if a == nil {
		return func(u *user, _ bool) { d.tell(tenant.UserCreated, u.account) }
	}
	before := *a
	return func(u *user, changed bool) {
		moved := false
		say := func(action string, when bool) {
			if when {
				moved = true
				d.tell(action, a)
			}
		}
		say(tenant.UserEmailChanged, a.Email != before.Email)
		say(tenant.UserReactivated, a.Active && !before.Active)
		say(tenant.UserDeactivated, !a.Active && before.Active)
		if !moved && (changed || a.Name != before.Name) {
			d.tell(tenant.UserUpdated, u.account)
		}
	}
}
