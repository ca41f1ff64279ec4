package organization

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"

	"scim-atlassian/atlassian/emulator/tenant"
)

// refusal is why a write is not done; nil: it is.
type refusal struct {
	status              int
	code, title, detail string
}

var (
	errNoUser  = &refusal{404, "ADMIN-UAM-404-3", "Not Found", "User not found"}
	errNoGroup = &refusal{404, "ADMIN-UAM-404-3", "Not Found", "Group not found"}
	errBody    = &refusal{400, "ADMIN-UAM-400-3", "Bad Request", "Invalid request body"}
	errNoSeats = &refusal{409, "ADMIN-UAM-409-3", "Conflict", "Product License Limit Exceeded: the user limit has been reached"}
)

// writer does a write under the tenant's lock.
type writer func(r *http.Request, body []byte) *refusal

// write returns the handler of a write that is answered with a status and no body.
func (o *Organization) write(status int, do writer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		refused := errBody
		if err == nil {
			refused = o.locked(r, body, do)
		}
		if refused != nil {
			writeAdminError(w, refused.status, refused.code, refused.title, refused.detail)
			return
		}
		w.WriteHeader(status)
	}
}

func (o *Organization) locked(r *http.Request, body []byte, do writer) *refusal {
	o.tenant.Lock()
	defer o.tenant.Unlock()
	return do(r, body)
}

func (o *Organization) writes() []endpoint {
	const in = "/admin/v2/orgs/{org}/directories/{directory}"
	list := []endpoint{
		{"POST " + in + "/groups", "", o.write(http.StatusCreated, o.createGroup)},
		{"DELETE " + in + "/groups/{group}", "", o.write(http.StatusNoContent, o.deleteGroup)},
		{"POST " + in + "/groups/{group}/memberships", "", o.write(http.StatusNoContent, o.addMember)},
		{"DELETE " + in + "/groups/{group}/memberships/{account}", "", o.write(http.StatusNoContent, o.removeMember)},
		{"POST " + in + "/groups/{group}/role-assignments/{action}", "", o.write(http.StatusNoContent, o.changeRole)},
		{"POST " + in + "/users/{account}/suspend", "", o.write(http.StatusNoContent, o.suspend(true))},
		{"POST " + in + "/users/{account}/restore", "", o.write(http.StatusNoContent, o.suspend(false))},
		{"DELETE " + in + "/users/{account}", "", o.write(http.StatusNoContent, o.removeUser)},
	}
	if o.options.Rename {
		list = append(list, endpoint{"PATCH " + in + "/groups/{group}", "", o.write(http.StatusOK, o.renameGroup)})
	}
	return list
}

type groupBody struct {
	Name        string  `json:"name"`
	Description *string `json:"description"`
}

// createGroup is POST …/groups. The answer does not tell the id.
func (o *Organization) createGroup(r *http.Request, body []byte) *refusal {
	var given groupBody
	if json.Unmarshal(body, &given) != nil || strings.TrimSpace(given.Name) == "" {
		return errBody
	}
	if o.nameTaken(given.Name) {
		return &refusal{409, "ADMIN-UAM-409-2", "Conflict", "A group with this name already exists"}
	}
	g := &tenant.LocalGroup{ID: tenant.NewUUID(tenant.Random{}), Name: given.Name}
	if given.Description != nil {
		g.Description = *given.Description
	}
	o.tenant.AddLocalGroup(g)
	o.tell(r, tenant.GroupCreated, g, nil)
	return nil
}

func (o *Organization) nameTaken(name string) bool {
	return slices.ContainsFunc(o.tenant.Groups(), func(g tenant.Group) bool { return strings.EqualFold(g.Name, name) })
}

// tell records a change of a group, or of the membership of an account in it.
func (o *Organization) tell(r *http.Request, action string, g *tenant.LocalGroup, a *tenant.Account) {
	group := g.Group(o.tenant)
	o.tenant.Record(tenant.Change{Action: action, By: o.actor(r), Group: &group, Account: a})
}

// writableGroup returns the group of a path, if it may be changed here.
func (o *Organization) writableGroup(r *http.Request) (*tenant.LocalGroup, *refusal) {
	g, found := o.group(r)
	switch {
	case !found:
		return nil, errNoGroup
	case g.Synced:
		return nil, &refusal{o.options.SyncedStatus, "ADMIN-UAM-400-1", "Bad Request", "The group is synced from an identity provider"}
	}
	return o.tenant.LocalGroup(g.ID), nil
}

// deleteGroup is DELETE …/groups/{group}, which takes from the members what the
// group gave them.
func (o *Organization) deleteGroup(r *http.Request, _ []byte) *refusal {
	g, refused := o.writableGroup(r)
	if refused != nil {
		return refused
	}
	o.tenant.RemoveLocalGroup(g)
	o.roles = slices.DeleteFunc(o.roles, func(a roleAssignment) bool { return a.group == g.ID })
	o.tell(r, tenant.GroupDeleted, g, nil)
	return nil
}

// renameGroup is PATCH …/groups/{group}: how Atlassian's call for it looks is not
// known.
func (o *Organization) renameGroup(r *http.Request, body []byte) *refusal {
	g, refused := o.writableGroup(r)
	var given groupBody
	switch {
	case refused != nil:
		return refused
	case json.Unmarshal(body, &given) != nil:
		return errBody
	case given.Name != "" && !strings.EqualFold(given.Name, g.Name) && o.nameTaken(given.Name):
		return &refusal{409, "ADMIN-UAM-409-2", "Conflict", "A group with this name already exists"}
	}
	g.Name = cmp.Or(given.Name, g.Name)
	if given.Description != nil {
		g.Description = *given.Description
	}
	o.tell(r, tenant.GroupUpdated, g, nil)
	return nil
}

// addMember is POST …/groups/{group}/memberships.
func (o *Organization) addMember(r *http.Request, body []byte) *refusal {
	var given struct {
		AccountID string `json:"accountId"`
	}
	g, refused := o.writableGroup(r)
	if refused != nil {
		return refused
	}
	if json.Unmarshal(body, &given) != nil || given.AccountID == "" {
		return errBody
	}
	a := o.tenant.Accounts.WithID(given.AccountID)
	switch {
	case a == nil || !isMember(a, o.tenant.Now()):
		return errNoUser
	case strings.EqualFold(g.Name, "org-admin"):
		return &refusal{400, "ADMIN-UAM-400-1", "Bad Request", "The group org-admin gives no rights any more; assign the role instead"}
	case g.Everyone || slices.Contains(g.Members, a):
		return &refusal{409, "ADMIN-UAM-409-2", "Conflict", "The user is already a member of the group"}
	case o.options.NoSeats && len(o.rolesOf(g.ID)) > 0:
		return errNoSeats
	}
	g.Members = append(g.Members, a)
	o.tell(r, tenant.MemberAdded, g, a)
	return nil
}

// removeMember is DELETE …/groups/{group}/memberships/{account}.
func (o *Organization) removeMember(r *http.Request, _ []byte) *refusal {
	g, refused := o.writableGroup(r)
	if refused != nil {
		return refused
	}
	a := o.tenant.Accounts.WithID(r.PathValue("account"))
	i := slices.Index(g.Members, a)
	if a == nil || i < 0 {
		return errNoUser
	}
	g.Members = slices.Delete(slices.Clone(g.Members), i, i+1)
	o.tell(r, tenant.MemberRemoved, g, a)
	return nil
}

// changeRole is POST …/groups/{group}/role-assignments/assign and revoke. A
// resource is named by its ARI; the form of the answer to another name depends on
// how wrong it is. Both show after Options.RoleLag.
func (o *Organization) changeRole(r *http.Request, body []byte) *refusal {
	g, found := o.group(r)
	var given struct{ ResourceID, RoleID string }
	action := r.PathValue("action")
	switch {
	case action != "assign" && action != "revoke":
		return &refusal{404, "ADMIN-UAM-404-1", "Not Found", "No such operation"}
	case !found:
		return errNoGroup
	case json.Unmarshal(body, &given) != nil, given.RoleID == "", !strings.HasPrefix(given.ResourceID, "ari:"):
		return errBody
	case resourceOwners[given.ResourceID] == "":
		return &refusal{404, "ADMIN-UAM-404-1", "Not Found", "Unknown Resource"}
	case action == "assign" && o.options.NoSeats:
		return errNoSeats
	}
	due := o.tenant.Now().Add(max(o.options.RoleLag, 0))
	held := slices.IndexFunc(o.roles, func(a roleAssignment) bool {
		return a.group == g.ID && a.resource == given.ResourceID && a.role == given.RoleID && a.until.IsZero()
	})
	change := tenant.Change{By: o.actor(r), Group: &g}
	switch {
	case action == "assign" && held < 0:
		o.roles = append(o.roles, roleAssignment{group: g.ID, resource: given.ResourceID, role: given.RoleID, from: due})
		change.Action = tenant.GroupRoleGranted
	case action == "revoke" && held >= 0:
		o.roles[held].until = due
		change.Action = tenant.GroupRoleRevoked
	default:
		return nil
	}
	o.tenant.Record(change)
	return nil
}

// suspend is POST …/users/{account}/suspend and restore: the products are closed to
// the person, who keeps all roles and groups. In one of two directories it changes
// nothing that the person is shown with, but for the roles there.
func (o *Organization) suspend(suspended bool) writer {
	return func(r *http.Request, _ []byte) *refusal {
		a := o.account(r)
		switch {
		case a == nil:
			return errNoUser
		case a.Email == tenant.AdminEmail:
			return &refusal{400, "ADMIN-UAM-400-1", "Bad Request", "Access of an organization admin cannot be changed"}
		case !o.setSuspended(a, r.PathValue("directory"), suspended):
			return nil
		}
		change := tenant.Change{Action: tenant.UserRestored, By: o.actor(r), Account: a}
		if suspended {
			change.Action = tenant.UserSuspended
		}
		o.tenant.Record(change)
		return nil
	}
}

// setSuspended says whether a person is suspended in a directory, or in all of its
// own if that is "-", and reports whether that is new.
func (o *Organization) setSuspended(a *tenant.Account, directory string, suspended bool) (changed bool) {
	everywhere := true
	for _, d := range o.directoriesOf(a) {
		now := o.isSuspended(a, d)
		if directory == "-" || directory == d {
			changed = changed || now != suspended
			now = suspended
		}
		o.suspended[d+" "+a.ID] = now
		everywhere = everywhere && now
	}
	a.Suspended = everywhere
	return changed
}

// isSuspended reports whether a person is suspended in a directory.
func (o *Organization) isSuspended(a *tenant.Account, directory string) bool {
	if suspended, told := o.suspended[directory+" "+a.ID]; told {
		return suspended
	}
	return a.Suspended
}

// removeUser is DELETE …/users/{account}: the account is in no directory any more
// and loses its groups, those from a directory excepted. If the organization
// manages it, it is still counted.
func (o *Organization) removeUser(r *http.Request, _ []byte) *refusal {
	a := o.account(r)
	switch {
	case a == nil:
		return errNoUser
	case a.Email == tenant.AdminEmail:
		return &refusal{400, "ADMIN-UAM-400-1", "Bad Request", "An organization admin cannot be removed"}
	}
	for _, g := range o.tenant.LocalGroups() {
		if i := slices.Index(g.Members, a); i >= 0 {
			g.Members = slices.Delete(slices.Clone(g.Members), i, i+1)
			o.tell(r, tenant.MemberRemoved, g, a)
		}
	}
	a.Outside = true
	o.tenant.Record(tenant.Change{Action: tenant.UserRemoved, By: o.actor(r), Account: a})
	return nil
}
