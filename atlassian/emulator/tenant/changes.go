package tenant

import "time"

// The kinds of [Change]. Where public code knows the name of the event that
// Atlassian's audit log has for it, this is the name; the others are ours.
const (
	UserCreated        = "user_created"
	UserUpdated        = "user_updated"
	UserEmailChanged   = "user_email_changed"
	UserDeactivated    = "user_deactivated"
	UserReactivated    = "user_reactivated"
	UserRemoved        = "user_removed" // from the directory; the account stays
	UserSuspended      = "user_access_suspended"
	UserRestored       = "user_access_restored"
	GroupCreated       = "group_created"
	GroupUpdated       = "group_updated"
	GroupDeleted       = "group_deleted"
	MemberAdded        = "group_member_added"
	MemberRemoved      = "group_member_removed"
	GroupRoleGranted   = "group_granted_product_access"
	GroupRoleRevoked   = "group_revoked_product_access"
	ProjectRoleChanged = "project_role_actors_changed"
)

// Change is something that has happened to the data of a tenant: to an account,
// to a group, to the membership of one in the other, or to a role of a project.
type Change struct {
	At      time.Time // set by Record
	Action  string    // one of the constants
	By      Actor
	Account *Account // nil: none
	Group   *Group   // nil: none
	Project *Named   // nil: none
	Role    *Named   // nil: none
}

// Named is a thing that has an id and a name.
type Named struct{ ID, Name string }

// Actor is who made a change: the owner of a key or token, or a system.
type Actor struct {
	ID, Name, Email     string
	TokenID, TokenLabel string // empty for systems
}

// Provisioner is the actor of what the user provisioning API does.
var Provisioner = Actor{ID: "user-provisioning", Name: "User provisioning", Email: "Atlassian app"}

// Administrator is the actor of what the administrator does with a token.
func (t *Tenant) Administrator(tokenLabel string) Actor {
	a := t.Accounts.WithEmail(AdminEmail)
	return Actor{ID: a.ID, Name: a.Name, Email: a.Email, TokenID: "token-" + tokenLabel, TokenLabel: tokenLabel}
}

// Record tells all watchers of a change that has taken place. The caller holds
// the lock for writing.
func (t *Tenant) Record(c Change) {
	c.At = t.Now()
	for _, watch := range t.watchers {
		watch(c)
	}
}

// Watch has watch called with every later change, under the lock for writing.
// Watchers are added before the first request.
func (t *Tenant) Watch(watch func(Change)) { t.watchers = append(t.watchers, watch) }
