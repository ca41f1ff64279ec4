package jira

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"scim-atlassian/atlassian/emulator/tenant"
)

func peopleRoutes() []endpoint {
	return []endpoint{
		{"GET /myself", reads, (*call).myself},
		{"GET /users", reads, (*call).listUsers},
		{"GET /users/search", reads, (*call).listUsers},
		{"GET /user", reads, (*call).getUser},
		{"GET /user/bulk", reads, (*call).usersByID},
		{"GET /user/search", reads, (*call).searchUsers},
		{"GET /user/assignable/search", reads, (*call).searchAssignable},
		{"GET /user/groups", reads, (*call).userGroups},
		{"GET /group/bulk", reads, (*call).listGroups},
		{"GET /group/member", reads, (*call).listMembers},
	}
}

// groups lists the groups that have reached the site, by name.
func (c *call) groups() []tenant.Group { return c.j.siteGroups(c.show.now) }

func (j *Jira) siteGroups(now time.Time) []tenant.Group {
	groups := j.tenant.GroupsAt(now)
	slices.SortFunc(groups, func(a, b tenant.Group) int { return strings.Compare(a.Name, b.Name) })
	return groups
}

// group finds a group by id, or by name if the id is empty.
func (c *call) group(id, name string) (tenant.Group, error) {
	for _, g := range c.groups() {
		if g.ID == id || id == "" && name != "" && g.Name == name {
			return g, nil
		}
	}
	if id != "" {
		return tenant.Group{}, deny(http.StatusNotFound, "The group with id '%s' does not exist.", id)
	}
	return tenant.Group{}, deny(http.StatusNotFound, "The group named '%s' does not exist.", name)
}

// visible lists the accounts that have reached the site.
func (c *call) visible() []*tenant.Account { return c.j.visible(c.show.now) }

func (j *Jira) visible(now time.Time) []*tenant.Account {
	list := make([]*tenant.Account, 0, len(j.accounts.All()))
	for _, a := range j.accounts.All() {
		if a.Visible(now) {
			list = append(list, a)
		}
	}
	return list
}

// account finds a visible account.
func (c *call) account(id string) (*tenant.Account, error) {
	if a := c.j.accounts.WithID(id); a != nil && a.Visible(c.show.now) {
		return a, nil
	}
	return nil, deny(http.StatusNotFound, "Specified user does not exist or you do not have required permissions")
}

// fullUser is the long form of an account, with the parts that expand asks for.
func (c *call) fullUser(a *tenant.Account) userJSON {
	u := c.show.user(a)
	u.Expand, u.Locale = "groups,applicationRoles", a.Locale
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

func (c *call) groupsOf(a *tenant.Account) []any {
	list := []any{}
	for _, g := range c.groups() {
		if slices.Contains(g.Members(), a) {
			list = append(list, map[string]any{"name": g.Name, "groupId": g.ID, "self": c.show.self("group?groupId=" + g.ID)})
		}
	}
	return list
}

func (c *call) myself() (reply, error) { return ok(c.fullUser(c.caller)) }

// listUsers answers with a plain array of accounts: people, apps and customers,
// active or not. Behind the last account, pages are empty.
func (c *call) listUsers() (reply, error) {
	start, size, err := c.window(50, 1000)
	if err != nil {
		return reply{}, err
	}
	return ok(renderAll(slice(c.visible(), start, size), c.show.person))
}

func (c *call) getUser() (reply, error) {
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
func (c *call) usersByID() (reply, error) {
	ids := c.query["accountId"]
	if len(ids) == 0 {
		return reply{}, deny(http.StatusBadRequest, "The query parameter 'accountId' is required.")
	}
	found := slices.DeleteFunc(c.visible(), func(a *tenant.Account) bool { return !slices.Contains(ids, a.ID) })
	return page(c, found, 10, 100, c.show.person)
}

// searchable bounds how many accounts a user search looks through.
const searchable = 1000

func (c *call) searchUsers() (reply, error) {
	query, id := c.query.Get("query"), c.query.Get("accountId")
	if !c.query.Has("query") && id == "" {
		return reply{}, deny(http.StatusBadRequest, "Either the 'query' or the 'accountId' query parameter has to be provided.")
	}
	return c.usersLike(query, id)
}

// usersLike lists active accounts that match the query. If an id is given, it
// lists the account with that id alone.
func (c *call) usersLike(query, id string) (reply, error) {
	start, size, err := c.window(50, searchable)
	if err != nil {
		return reply{}, err
	}
	var found []*tenant.Account
	for _, a := range c.visible() {
		if id != "" && a.ID != id || !a.Active || a.Deleted || !matches(a, strings.ToLower(query)) {
			continue
		}
		if found = append(found, a); len(found) == searchable {
			break
		}
	}
	return ok(renderAll(slice(found, start, size), c.show.person))
}

// matches reports whether a word of an account's name, or the address that
// others see, begins with prefix.
func matches(a *tenant.Account, prefix string) bool {
	name := strings.ToLower(a.Name)
	return strings.HasPrefix(name, prefix) || strings.Contains(name, " "+prefix) ||
		!a.EmailHidden && strings.HasPrefix(strings.ToLower(a.Email), prefix)
}

func (c *call) searchAssignable() (reply, error) {
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
	people := slices.DeleteFunc(c.visible(), func(a *tenant.Account) bool {
		return !assignable(a) || only != "" && a.ID != only || !matches(a, query)
	})
	return ok(renderAll(slice(people[:min(len(people), searchable)], start, size), c.show.person))
}

func (c *call) userGroups() (reply, error) {
	a, err := c.account(c.query.Get("accountId"))
	if err != nil {
		return reply{}, err
	}
	return ok(c.groupsOf(a))
}

func (c *call) listGroups() (reply, error) {
	ids, names := c.list("groupId"), c.query["groupName"]
	found := slices.DeleteFunc(c.groups(), func(g tenant.Group) bool {
		return len(ids)+len(names) > 0 && !slices.Contains(ids, g.ID) && !slices.Contains(names, g.Name)
	})
	return page(c, found, 50, 50, func(g tenant.Group) any { return map[string]string{"name": g.Name, "groupId": g.ID} })
}

func (c *call) listMembers() (reply, error) {
	id, name := c.query.Get("groupId"), c.query.Get("groupname")
	if id == "" && name == "" {
		return reply{}, deny(http.StatusBadRequest, "Either 'groupId' or 'groupname' must be provided.")
	}
	g, err := c.group(id, name)
	if err != nil {
		return reply{}, err
	}
	members := g.Members()
	if !c.flag("includeInactiveUsers") {
		members = slices.DeleteFunc(slices.Clone(members), func(a *tenant.Account) bool { return !a.Active || a.Deleted })
	}
	return page(c, members, 50, 50, c.show.person)
}
