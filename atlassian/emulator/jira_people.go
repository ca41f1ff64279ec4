package emulator

import (
	"net/http"
	"slices"
	"strings"
)

func peopleRoutes() []jiraRoute {
	return []jiraRoute{
		{"GET /myself", reads, (*jiraCall).myself},
		{"GET /users", reads, (*jiraCall).listUsers},
		{"GET /users/search", reads, (*jiraCall).listUsers},
		{"GET /user", reads, (*jiraCall).getUser},
		{"GET /user/bulk", reads, (*jiraCall).usersByID},
		{"GET /user/search", reads, (*jiraCall).searchUsers},
		{"GET /user/assignable/search", reads, (*jiraCall).searchAssignable},
		{"GET /user/groups", reads, (*jiraCall).userGroups},
		{"GET /group/bulk", reads, (*jiraCall).listGroups},
		{"GET /group/member", reads, (*jiraCall).listMembers},
	}
}

// groups lists the groups of the site by name: its own, and those that came
// from the directory.
func (c *jiraCall) groups() []Group {
	groups := []Group{
		{"0000a6e5-0000-4000-8000-000000000001", "site-admins", func() []*account {
			return []*account{c.j.accounts.withEmail(AdminEmail)}
		}},
		{"0000a6e5-0000-4000-8000-000000000002", "jira-users-demo", func() []*account {
			return slices.DeleteFunc(c.visible(), func(a *account) bool { return a.kind != kindPerson || a.deleted })
		}},
	}
	groups = append(groups, c.j.groups(c.show.now)...)
	slices.SortFunc(groups, func(a, b Group) int { return strings.Compare(a.name, b.name) })
	return groups
}

// group finds a group by id, or by name if the id is empty.
func (c *jiraCall) group(id, name string) (Group, error) {
	for _, g := range c.groups() {
		if g.id == id || id == "" && name != "" && g.name == name {
			return g, nil
		}
	}
	if id != "" {
		return Group{}, deny(http.StatusNotFound, "The group with id '%s' does not exist.", id)
	}
	return Group{}, deny(http.StatusNotFound, "The group named '%s' does not exist.", name)
}

// visible lists the accounts that have reached the site.
func (c *jiraCall) visible() []*account {
	list := make([]*account, 0, len(c.j.accounts.all))
	for _, a := range c.j.accounts.all {
		if a.visible(c.show.now) {
			list = append(list, a)
		}
	}
	return list
}

// account finds a visible account.
func (c *jiraCall) account(id string) (*account, error) {
	if a := c.j.accounts.byID[id]; a != nil && a.visible(c.show.now) {
		return a, nil
	}
	return nil, deny(http.StatusNotFound, "Specified user does not exist or you do not have required permissions")
}

// fullUser is an account with what expand asks for.
func (c *jiraCall) fullUser(a *account) userJSON {
	u := c.show.user(a)
	u.Expand, u.Locale = "groups,applicationRoles", a.locale
	u.Groups, u.Roles = listWrapper{Items: []any{}}, listWrapper{Size: 1, Items: []any{}}
	if slices.Contains(c.list("expand"), "groups") {
		groups := c.groupsOf(a)
		u.Groups = listWrapper{len(groups), groups}
	}
	return u
}

type listWrapper struct {
	Size  int   `json:"size"`
	Items []any `json:"items"`
}

func (c *jiraCall) groupsOf(a *account) []any {
	list := []any{}
	for _, g := range c.groups() {
		if slices.Contains(g.members(), a) {
			list = append(list, map[string]any{"name": g.name, "groupId": g.id, "self": c.show.self("group?groupId=" + g.id)})
		}
	}
	return list
}

func (c *jiraCall) myself() (reply, error) { return ok(c.fullUser(c.caller)) }

// listUsers is a plain array of every account: people, apps and customers,
// active or not. It ends where a page is empty.
func (c *jiraCall) listUsers() (reply, error) {
	start, size, err := c.window(50, 1000)
	if err != nil {
		return reply{}, err
	}
	return ok(renderAll(slice(c.visible(), start, size), c.show.person))
}

func (c *jiraCall) getUser() (reply, error) {
	id := c.query.Get("accountId")
	if id == "" {
		return reply{}, deny(http.StatusBadRequest, "The query parameter 'accountId' is required.")
	}
	a, err := c.account(id)
	if err != nil {
		return reply{}, err
	}
	return ok(c.fullUser(a))
}

// usersByID is a page of the accounts with the ids given; unknown ids are
// passed over.
func (c *jiraCall) usersByID() (reply, error) {
	ids := c.query["accountId"]
	if len(ids) == 0 {
		return reply{}, deny(http.StatusBadRequest, "The query parameter 'accountId' is required.")
	}
	found := slices.DeleteFunc(c.visible(), func(a *account) bool { return !slices.Contains(ids, a.id) })
	return page(c, found, 10, 100, c.show.person)
}

// searchable bounds how many accounts a user search looks through.
const searchable = 1000

func (c *jiraCall) searchUsers() (reply, error) {
	query, id := c.query.Get("query"), c.query.Get("accountId")
	if !c.query.Has("query") && id == "" {
		return reply{}, deny(http.StatusBadRequest, "Either the 'query' or the 'accountId' query parameter has to be provided.")
	}
	return c.usersLike(query, id)
}

// usersLike lists active accounts whose name or shown address begins like the
// query, or the one with the id.
func (c *jiraCall) usersLike(query, id string) (reply, error) {
	start, size, err := c.window(50, searchable)
	if err != nil {
		return reply{}, err
	}
	var found []*account
	for _, a := range c.visible() {
		if id != "" && a.id != id || !a.active || a.deleted || !a.matches(strings.ToLower(query)) {
			continue
		}
		if found = append(found, a); len(found) == searchable {
			break
		}
	}
	return ok(renderAll(slice(found, start, size), c.show.person))
}

// matches reports whether a word of the name or the address begins so.
func (a *account) matches(prefix string) bool {
	name := strings.ToLower(a.name)
	return strings.HasPrefix(name, prefix) || strings.Contains(name, " "+prefix) ||
		!a.emailHidden && strings.HasPrefix(strings.ToLower(a.email), prefix)
}

func (c *jiraCall) searchAssignable() (reply, error) {
	project, key, id := c.query.Get("project"), c.query.Get("issueKey"), c.query.Get("issueId")
	switch {
	case project == "" && key == "" && id == "":
		return reply{}, deny(http.StatusBadRequest, "You must specify either project, issueKey or issueId.")
	case project != "" && c.j.project(project) == nil:
		return reply{}, deny(http.StatusNotFound, "No project could be found with key '%s'.", project)
	case project == "" && c.j.issue(key) == nil && c.j.issue(id) == nil:
		return reply{}, errNoIssue
	}
	start, size, err := c.window(50, searchable)
	if err != nil {
		return reply{}, err
	}
	query, only := strings.ToLower(c.query.Get("query")), c.query.Get("accountId")
	people := slices.DeleteFunc(c.visible(), func(a *account) bool {
		return !assignable(a) || only != "" && a.id != only || !a.matches(query)
	})
	return ok(renderAll(slice(people[:min(len(people), searchable)], start, size), c.show.person))
}

func (c *jiraCall) userGroups() (reply, error) {
	a, err := c.account(c.query.Get("accountId"))
	if err != nil {
		return reply{}, err
	}
	return ok(c.groupsOf(a))
}

func (c *jiraCall) listGroups() (reply, error) {
	ids, names := c.list("groupId"), c.query["groupName"]
	found := slices.DeleteFunc(c.groups(), func(g Group) bool {
		return len(ids)+len(names) > 0 && !slices.Contains(ids, g.id) && !slices.Contains(names, g.name)
	})
	return page(c, found, 50, 50, func(g Group) any { return map[string]string{"name": g.name, "groupId": g.id} })
}

func (c *jiraCall) listMembers() (reply, error) {
	id, name := c.query.Get("groupId"), c.query.Get("groupname")
	if id == "" && name == "" {
		return reply{}, deny(http.StatusBadRequest, "Either 'groupId' or 'groupname' must be provided.")
	}
	g, err := c.group(id, name)
	if err != nil {
		return reply{}, err
	}
	members := g.members()
	if !c.flag("includeInactiveUsers") {
		members = slices.DeleteFunc(slices.Clone(members), func(a *account) bool { return !a.active || a.deleted })
	}
	return page(c, members, 50, 50, c.show.person)
}
