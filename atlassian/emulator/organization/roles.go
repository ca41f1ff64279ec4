package organization

import (
	"net/http"
	"slices"
	"time"

	"scim-atlassian/atlassian/emulator/tenant"
)

// The resources that roles are given for.
const (
	jiraSite     = "ari:cloud:jira-software::site/" + tenant.CloudID
	platformSite = "ari:cloud:platform::site/" + tenant.CloudID
	platformOrg  = "ari:cloud:platform::org/" + tenant.OrganizationID
)

var resourceOwners = map[string]string{jiraSite: "jira-software", platformSite: "platform", platformOrg: "platform"}

// roleAssignment is a role that the members of a group have for a resource.
type roleAssignment struct {
	group, resource, role string
	isDefault             bool      // new members of the resource get it
	from, until           time.Time // when it shows; zero: always
}

func (a roleAssignment) shows(now time.Time) bool {
	return !now.Before(a.from) && (a.until.IsZero() || now.Before(a.until))
}

func seededRoles() []roleAssignment {
	return []roleAssignment{
		{group: tenant.JiraUsersGroupID, resource: jiraSite, role: "atlassian/user", isDefault: true},
		{group: tenant.AdminsGroupID, resource: jiraSite, role: "atlassian/admin"},
		{group: tenant.AdminsGroupID, resource: platformSite, role: "atlassian/site-admin"},
	}
}

// rolesOf lists the roles of a group.
func (o *Organization) rolesOf(groupID string) []roleAssignment {
	now := o.tenant.Now()
	return slices.DeleteFunc(slices.Clone(o.roles), func(a roleAssignment) bool { return a.group != groupID || !a.shows(now) })
}

// granting returns the ids of the groups that give what a search names, those in
// among if there are any.
func (o *Organization) granting(s search, among map[string]bool) map[string]bool {
	ids, now := map[string]bool{}, o.tenant.Now()
	for _, a := range o.roles {
		if a.shows(now) && roleFits(s, a.resource, a.role) && (len(among) == 0 || among[a.group]) {
			ids[a.group] = true
		}
	}
	return ids
}

func roleFits(s search, resource, role string) bool {
	fits := func(wanted []string, have string) bool { return len(wanted) == 0 || slices.Contains(wanted, have) }
	return fits(s.ResourceIDs, resource) && fits(s.RoleIDs, role) && fits(s.Owners, resourceOwners[resource])
}

// productsOf lists the products that a person may use, by the groups it is in.
func (o *Organization) productsOf(p *person, now time.Time) []productAccess {
	products := []productAccess{}
	for _, g := range o.index.groupsOf(p, now) {
		for _, a := range o.roles {
			found := productAccess{Key: resourceOwners[a.resource], ID: a.resource}
			if a.group == g.ID && a.shows(now) && found.Key != "platform" && !slices.Contains(products, found) {
				products = append(products, found)
			}
		}
	}
	return products
}

type userRole struct {
	ResourceID    string       `json:"resourceId"`
	ResourceOwner string       `json:"resourceOwner"`
	Roles         []string     `json:"roles"`
	Assignments   []roleMethod `json:"roleAssignments"`
	DirectoryID   *string      `json:"directoryId"`
	Status        *string      `json:"userDirectoryStatus"`
}

type roleMethod struct {
	Role    string   `json:"role"`
	Methods []string `json:"roleAssignmentMethods"`
}

// userRoles is GET /admin/v2/orgs/{org}/directories/{directory}/users/{account}/role-assignments.
func (o *Organization) userRoles(w http.ResponseWriter, r *http.Request) {
	list, found := o.rolesOfUser(r)
	if !found {
		writeAdminError(w, "404", "ADMIN-UAM-404-3", "Not Found", "User not found")
		return
	}
	tenant.WriteJSON(w, http.StatusOK, "application/json", resultPage[*userRole]{list, map[string]any{}})
}

// rolesOfUser lists the resources for which a person has roles, each once for every
// directory of the path that the person is in. Those of the platform belong to none.
func (o *Organization) rolesOfUser(r *http.Request) (list []*userRole, found bool) {
	o.tenant.RLock()
	defer o.tenant.RUnlock()
	a := o.account(r)
	if a == nil {
		return nil, false
	}
	s, list := searchOf(r.URL.Query()), []*userRole{}
	if a.Email == tenant.AdminEmail && roleFits(s, platformOrg, "atlassian/org-admin") {
		list = append(list, newUserRole(platformOrg).with("atlassian/org-admin", "direct"))
	}
	for _, g := range o.tenant.GroupsAt(o.tenant.Now()) {
		for _, assigned := range o.rolesOf(g.ID) {
			if !roleFits(s, assigned.resource, assigned.role) || !slices.Contains(g.Members(), a) {
				continue
			}
			i := slices.IndexFunc(list, func(u *userRole) bool { return u.ResourceID == assigned.resource })
			if i < 0 {
				i, list = len(list), append(list, newUserRole(assigned.resource))
			}
			list[i].with(assigned.role, "group_direct")
		}
	}
	return o.byDirectory(list, a, r.PathValue("directory")), true
}

func (o *Organization) byDirectory(list []*userRole, a *tenant.Account, within string) []*userRole {
	parted := []*userRole{}
	for _, u := range list {
		if u.ResourceOwner == "platform" {
			parted = append(parted, u)
			continue
		}
		for _, directory := range o.directoriesOf(a) {
			if within != "-" && within != directory {
				continue
			}
			there, status := *u, "active"
			if o.isSuspended(a, directory) {
				status = "suspended"
			}
			there.DirectoryID, there.Status = &directory, &status
			parted = append(parted, &there)
		}
	}
	return parted
}

func newUserRole(resource string) *userRole {
	return &userRole{ResourceID: resource, ResourceOwner: resourceOwners[resource]}
}

// with adds a role and how the person came to it.
func (u *userRole) with(role, method string) *userRole {
	u.Roles = append(u.Roles, role)
	u.Assignments = append(u.Assignments, roleMethod{role, []string{method}})
	return u
}

type groupRole struct {
	ResourceID    string   `json:"resourceId"`
	ResourceOwner string   `json:"resourceOwner"`
	DefaultRole   *string  `json:"defaultRole"`
	Roles         []string `json:"roles"`
}

// groupRoles is GET /admin/v2/orgs/{org}/directories/{directory}/groups/{group}/role-assignments.
func (o *Organization) groupRoles(w http.ResponseWriter, r *http.Request) {
	list, found := o.rolesOfGroup(r)
	if !found {
		writeNoGroup(w)
		return
	}
	tenant.WriteJSON(w, http.StatusOK, "application/json", resultPage[*groupRole]{list, map[string]any{}})
}

func (o *Organization) rolesOfGroup(r *http.Request) (list []*groupRole, found bool) {
	o.tenant.RLock()
	defer o.tenant.RUnlock()
	g, found := o.group(r)
	if !found {
		return nil, false
	}
	s, list := searchOf(r.URL.Query()), []*groupRole{}
	for _, a := range o.rolesOf(g.ID) {
		if !roleFits(s, a.resource, a.role) {
			continue
		}
		i := slices.IndexFunc(list, func(have *groupRole) bool { return have.ResourceID == a.resource })
		if i < 0 {
			i, list = len(list), append(list, &groupRole{ResourceID: a.resource, ResourceOwner: resourceOwners[a.resource]})
		}
		list[i].Roles = append(list[i].Roles, a.role)
		if a.isDefault {
			list[i].DefaultRole = &a.role
		}
	}
	return list, true
}
