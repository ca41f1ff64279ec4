package jira

import (
	"net/http"
	"slices"
	"strconv"

	"scim-atlassian/atlassian/emulator/tenant"
)

func roleRoutes() []endpoint {
	return []endpoint{
		{"GET /role", reads, (*call).listRoles},
		{"GET /project/{project}/role", reads, (*call).projectRoles},
		{"GET /project/{project}/role/{role}", reads, (*call).getRole},
		{"POST /project/{project}/role/{role}", writes, (*call).addActors},
		{"PUT /project/{project}/role/{role}", writes, (*call).setActors},
		{"DELETE /project/{project}/role/{role}", writes, (*call).removeActors},
	}
}

func (c *call) listRoles() (reply, error) {
	return ok(renderAll(c.j.roles, func(r *role) any {
		return map[string]any{
			"self": c.show.self("role/" + strconv.Itoa(r.id)), "id": r.id, "name": r.name, "description": r.description, "actors": []any{},
		}
	}))
}

// roleLinks maps the names of roles to addresses. The addresses end in the ids,
// which occur nowhere else.
func (c *call) roleLinks(p *project) map[string]string {
	links := map[string]string{}
	for _, r := range c.j.roles {
		links[r.name] = c.show.self("project/" + p.id + "/role/" + strconv.Itoa(r.id))
	}
	return links
}

func (c *call) projectRoles() (reply, error) {
	p, err := c.pathProject()
	if err != nil {
		return reply{}, err
	}
	return ok(c.roleLinks(p))
}

// pathRole finds project, role and its holders.
func (c *call) pathRole() (*project, *role, *actors, error) {
	p, err := c.pathProject()
	if err != nil {
		return nil, nil, nil, err
	}
	id, err := strconv.Atoi(c.PathValue("role"))
	if err != nil {
		return nil, nil, nil, errNoEndpoint
	}
	for _, r := range c.j.roles {
		if r.id == id {
			return p, r, p.roles[r], nil
		}
	}
	return nil, nil, nil, deny(http.StatusNotFound, "Can not retrieve a role actor for a null project role.")
}

func (c *call) getRole() (reply, error) {
	p, r, held, err := c.pathRole()
	if err != nil {
		return reply{}, err
	}
	return ok(c.roleObject(p, r, held))
}

func (c *call) roleObject(p *project, r *role, held *actors) any {
	list := []any{}
	for n, a := range held.accounts {
		if c.flag("excludeInactiveUsers") && !a.Active {
			continue
		}
		list = append(list, map[string]any{
			"id": 10*r.id + n, "displayName": a.Name, "type": "atlassian-user-role-actor",
			"actorUser": map[string]string{"accountId": a.ID},
		})
	}
	groups := c.groups()
	for n, id := range held.groups {
		at := slices.IndexFunc(groups, func(g tenant.Group) bool { return g.ID == id })
		if at < 0 {
			continue
		}
		name := groups[at].Name
		list = append(list, map[string]any{
			"id": 100*r.id + n, "displayName": name, "name": name, "type": "atlassian-group-role-actor",
			"actorGroup": map[string]string{"name": name, "displayName": name, "groupId": id},
		})
	}
	object := map[string]any{
		"self": c.show.self("project/" + p.id + "/role/" + strconv.Itoa(r.id)), "id": r.id, "name": r.name,
		"description": r.description, "actors": list,
	}
	if p.team {
		c.show.withScope(p, object)
	}
	return object
}

// checkPlan refuses to change roles on a free plan.
func (c *call) checkPlan() error {
	if c.j.options.FreePlan {
		return deny(http.StatusBadRequest, "You can't change project role actors on the Jira Software Free plan.")
	}
	return nil
}

// addActors is POST: it adds people or groups to the role.
func (c *call) addActors() (reply, error) {
	p, r, held, err := c.pathRole()
	if err != nil {
		return reply{}, err
	}
	var body struct {
		User    []string `json:"user"`
		Group   []string `json:"group"`
		GroupID []string `json:"groupId"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	if err := c.checkPlan(); err != nil {
		return reply{}, err
	}
	if len(body.Group) > 0 && len(body.GroupID) > 0 || len(body.User)+len(body.Group)+len(body.GroupID) == 0 {
		return reply{}, deny(http.StatusBadRequest, "Specify users, or groups by either name or id.")
	}
	added, err := c.actors(body.User, body.GroupID, body.Group)
	if err != nil {
		return reply{}, err
	}
	if err := held.join(added); err != nil {
		return reply{}, err
	}
	c.tellRole(p, r)
	return ok(c.roleObject(p, r, held))
}

// setActors is PUT: it replaces everyone in the role.
func (c *call) setActors() (reply, error) {
	p, r, _, err := c.pathRole()
	if err != nil {
		return reply{}, err
	}
	var body struct {
		ID          any                 `json:"id"`
		Categorised map[string][]string `json:"categorisedActors"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	if err := c.checkPlan(); err != nil {
		return reply{}, err
	}
	set, err := c.actors(body.Categorised["atlassian-user-role-actor"],
		body.Categorised["atlassian-group-role-actor-id"], body.Categorised["atlassian-group-role-actor"])
	if err != nil {
		return reply{}, err
	}
	p.roles[r] = set
	c.tellRole(p, r)
	return ok(c.roleObject(p, r, set))
}

// actors finds people and groups. Unknown ones, and inactive people, are refused.
func (c *call) actors(users, groupIDs, groupNames []string) (*actors, error) {
	var found actors
	for _, id := range users {
		a, err := c.account(id)
		if err != nil || !a.Active || a.Deleted {
			return nil, deny(http.StatusNotFound, "We can't find '%s' in any accessible user directory. Check they're still active and available, and try again.", id)
		}
		found.accounts = append(found.accounts, a)
	}
	for n, text := range slices.Concat(groupIDs, groupNames) {
		id, name := text, ""
		if n >= len(groupIDs) {
			id, name = "", text
		}
		g, err := c.group(id, name)
		if err != nil {
			return nil, err
		}
		found.groups = append(found.groups, g.ID)
	}
	return &found, nil
}

// join adds others. It refuses all of them if one is there already.
func (s *actors) join(others *actors) error {
	for _, a := range others.accounts {
		if slices.Contains(s.accounts, a) {
			return deny(http.StatusBadRequest, "'%s' is already a member of the project role.", a.ID)
		}
	}
	for _, id := range others.groups {
		if slices.Contains(s.groups, id) {
			return deny(http.StatusBadRequest, "'%s' is already a member of the project role.", id)
		}
	}
	s.accounts = append(s.accounts, others.accounts...)
	s.groups = append(s.groups, others.groups...)
	return nil
}

// tellRole records that the holders of a role have changed.
func (c *call) tellRole(p *project, r *role) {
	c.j.tenant.Record(tenant.Change{
		Action: tenant.ProjectRoleChanged, By: c.j.tenant.Administrator("jira"),
		Project: &tenant.Named{ID: p.id, Name: p.name}, Role: &tenant.Named{ID: strconv.Itoa(r.id), Name: r.name},
	})
}

// removeActors is DELETE: it takes the role from one user or group. It is no
// error if they do not have it.
func (c *call) removeActors() (reply, error) {
	p, r, held, err := c.pathRole()
	if err != nil {
		return reply{}, err
	}
	if err := c.checkPlan(); err != nil {
		return reply{}, err
	}
	before := len(held.accounts) + len(held.groups)
	user, id, name := c.query.Get("user"), c.query.Get("groupId"), c.query.Get("group")
	switch {
	case user != "":
		held.accounts = slices.DeleteFunc(held.accounts, func(a *tenant.Account) bool { return a.ID == user })
	case id != "" || name != "":
		g, err := c.group(id, name)
		if err != nil {
			return reply{}, err
		}
		held.groups = slices.DeleteFunc(held.groups, func(have string) bool { return have == g.ID })
	default:
		return reply{}, deny(http.StatusBadRequest, "Specify a user or a group.")
	}
	if len(held.accounts)+len(held.groups) < before {
		c.tellRole(p, r)
	}
	return noContent()
}
