package atlassian

import (
	"context"
	"net/url"
	"slices"
	"sync/atomic"
)

// UserSearch says which accounts to find; the zero value finds all. The filters hold together.
type UserSearch struct {
	Cursor      string   `json:"cursor,omitzero"`     // of the page before, together with the same filters
	Limit       int      `json:"limit,omitzero"`      // of a page; 0: 50. The most is not documented, 100 is in use
	AccountIDs  []string `json:"accountIds,omitzero"` // how many at most is not documented: see UsersByID
	GroupIDs    []string `json:"groupIds,omitzero"`   // the members of any of these groups
	ResourceIDs []string `json:"resourceIds,omitzero"`
	RoleIDs     []string `json:"roleIds,omitzero"`
	Emails      []string `json:"emails,omitzero"` // whole addresses; not together with SearchTerm
	SearchTerm  string   `json:"searchTerm,omitzero"`
	// Expand asks for more about each account: platformRoles, productAccess, groups, counts.resources.
	Expand []string `json:"expand,omitzero"`
	// SortBy is nick_name, for pages that join whatever comes or goes while they are read. Empty: no order is promised.
	// Rows may then be twice or not at all in pages that are read one after the other: compare with CountUsers.
	SortBy []SortField `json:"sortBy,omitzero"`
}

// SortField is what a search sorts by.
type SortField struct {
	Field     string `json:"field"`
	Direction string `json:"direction,omitzero"` // asc or desc; empty: asc
}

// SearchUsers returns one page of accounts. It calls POST /admin/v2/orgs/{orgId}/directories/-/users/search.
//
// What was written a moment ago may be missing or be found as it was before; User sees it at once. The audit log notes the
// search, so that it raises an event of its own.
func (o *Organization) SearchUsers(ctx context.Context, search UserSearch) (*OrganizationPage, error) {
	page, err := fetch[wireOrganizationPage](ctx, o.caller,
		request{op: "POST " + organizationUsers + "/search", args: []string{o.id}, body: search, reads: true, scans: true})
	if err != nil {
		return nil, err
	}
	return &OrganizationPage{page.Data, page.Links.Next}, nil
}

// learned is a limit that Atlassian does not publish: a guess that refusals make smaller.
type learned struct{ limit atomic.Int32 }

func (l *learned) or(guess int) int {
	if n := l.limit.Load(); n > 0 {
		return int(n)
	}
	return guess
}

func (l *learned) set(limit int) { l.limit.Store(int32(limit)) }

// firstBatch is how many accounts a search names until so many are refused.
const firstBatch = 50

// UsersByID returns the accounts that have one of the ids, in no particular order; unknown ids are passed over. It makes
// one search for every 50 ids, or fewer if Atlassian refuses so many. An account that is missing is not proven to be gone:
// ask User too.
func (o *Organization) UsersByID(ctx context.Context, ids []string, expand ...string) ([]*OrganizationUser, error) {
	var users []*OrganizationUser
	for len(ids) > 0 {
		batch := ids[:min(o.batch.or(firstBatch), len(ids))]
		search := UserSearch{AccountIDs: batch, Limit: len(batch), Expand: expand}
		found, err := o.allPages(ctx, search)
		if KindOf(err) == Invalid && len(batch) > 1 {
			o.batch.set(len(batch) / 2)
			continue
		}
		if err != nil {
			return nil, err
		}
		users, ids = append(users, found...), ids[len(batch):]
	}
	return users, nil
}

// allPages follows a search to its end. It returns an account once, however often the pages show it.
func (o *Organization) allPages(ctx context.Context, search UserSearch) ([]*OrganizationUser, error) {
	seen, cursors := map[string]bool{}, map[string]bool{}
	var users []*OrganizationUser
	for {
		page, err := o.SearchUsers(ctx, search)
		if err != nil {
			return nil, err
		}
		for _, user := range page.Users {
			if !seen[user.AccountID] {
				seen[user.AccountID] = true
				users = append(users, user)
			}
		}
		if search.Cursor = page.Next; page.Next == "" {
			return users, nil
		}
		if cursors[page.Next] {
			return nil, stuck("POST "+organizationUsers+"/search", len(users))
		}
		cursors[page.Next] = true
	}
}

type answeredCount struct {
	Count *int `json:"count"`
}

func (c *answeredCount) accept() bool { return c.Count != nil }

func (o *Organization) count(ctx context.Context, op string) (int, error) {
	count, err := fetch[answeredCount](ctx, o.caller, request{op: op, args: []string{o.id}, reads: true})
	if err != nil {
		return 0, err
	}
	return *count.Count, nil
}

// CountUsers returns the number of accounts, those that are managed but in no directory included. It calls GET
// /admin/v2/orgs/{orgId}/directories/-/users/count.
func (o *Organization) CountUsers(ctx context.Context) (int, error) {
	return o.count(ctx, "GET "+organizationUsers+"/count")
}

// OrganizationGroup is a group of the organization. Its id is Jira's groupId, and not the id of the group in the SCIM
// directory: match those two by name.
type OrganizationGroup struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	DirectoryID string `json:"directoryId"` // of the organization's directory
	Synced      bool   `json:"externalSynced"`
	ManagedBy   string `json:"managedBy"` // external, admins, team-members or open
	Access      *struct {
		Modifiable *bool `json:"modifiable"`
	} `json:"managementAccess"`
	Counts struct {
		Users     *int `json:"users"` // nil: not asked for
		Resources *int `json:"resources"`
	} `json:"counts"`
}

// Writable reports whether the members can be changed here. A group that a directory provisions is changed there alone.
func (g *OrganizationGroup) Writable() bool {
	return !g.Synced && (g.Access == nil || g.Access.Modifiable == nil || *g.Access.Modifiable)
}

// GroupSearch says which groups to find; the zero value finds all. The filters hold together.
type GroupSearch struct {
	Cursor      string      `json:"cursor,omitzero"` // of the page before, together with the same filters
	Limit       int         `json:"limit,omitzero"`  // of a page; 0: 20. The most is not documented
	GroupIDs    []string    `json:"groupIds,omitzero"`
	GroupNames  []string    `json:"groupNames,omitzero"` // whole names, in any case; not together with GroupIDs or SearchTerm
	SearchTerm  string      `json:"searchTerm,omitzero"`
	AccountIDs  []string    `json:"accountIds,omitzero"` // groups of any of these people
	ResourceIDs []string    `json:"resourceIds,omitzero"`
	RoleIDs     []string    `json:"roleIds,omitzero"`
	Expand      []string    `json:"expand,omitzero"` // counts.users, counts.resources
	SortBy      []SortField `json:"sortBy,omitzero"` // by name; see UserSearch
}

// OrganizationGroupPage is a part of the groups. Next is the cursor of the page that follows, empty on the last.
type OrganizationGroupPage struct {
	Groups []*OrganizationGroup
	Next   string
}

type wireGroupPage struct {
	Data  []*OrganizationGroup `json:"data"`
	Links *struct {
		Next string `json:"next"`
	} `json:"links"`
}

func (p *wireGroupPage) accept() bool {
	return p.Data != nil && p.Links != nil &&
		!slices.ContainsFunc(p.Data, func(g *OrganizationGroup) bool { return g == nil || g.ID == "" })
}

const organizationGroups = "/admin/v2/orgs/{orgId}/directories/-/groups"

// SearchGroups returns one page of groups, without their members: SearchUsers finds those by the id of the group. It calls
// POST /admin/v2/orgs/{orgId}/directories/-/groups/search. What was written a moment ago may be missing.
func (o *Organization) SearchGroups(ctx context.Context, search GroupSearch) (*OrganizationGroupPage, error) {
	page, err := fetch[wireGroupPage](ctx, o.caller,
		request{op: "POST " + organizationGroups + "/search", args: []string{o.id}, body: search, reads: true, scans: true})
	if err != nil {
		return nil, err
	}
	return &OrganizationGroupPage{page.Data, page.Links.Next}, nil
}

// CountGroups returns the number of groups. It calls GET /admin/v2/orgs/{orgId}/directories/-/groups/count.
func (o *Organization) CountGroups(ctx context.Context) (int, error) {
	return o.count(ctx, "GET "+organizationGroups+"/count")
}

type wireGroup struct {
	Data *OrganizationGroup `json:"data"`
}

func (w *wireGroup) accept() bool { return w.Data != nil && w.Data.ID != "" }

// Group returns one group with its counts, or fails with NotFound. It calls GET
// /admin/v2/orgs/{orgId}/directories/-/groups/{groupId}, which sees a write at once.
func (o *Organization) Group(ctx context.Context, groupID string) (*OrganizationGroup, error) {
	found, err := fetch[wireGroup](ctx, o.caller,
		request{op: "GET " + organizationGroups + "/{groupId}", args: []string{o.id, groupID}, reads: true})
	if err != nil {
		return nil, err
	}
	return found.Data, nil
}

// GroupRole is what the members of a group may do with a resource.
type GroupRole struct {
	ResourceID    string   `json:"resourceId"` // an ARI
	ResourceOwner string   `json:"resourceOwner"`
	DefaultRole   string   `json:"defaultRole"` // what new members of the resource get; empty: nothing by this group
	Roles         []string `json:"roles"`       // such as atlassian/user; others may come
}

type wireGroupRoles struct {
	Data  []GroupRole `json:"data"`
	Links *struct {
		Next string `json:"next"`
	} `json:"links"`
}

func (w *wireGroupRoles) accept() bool { return w.Data != nil }

// GroupRoleAssignments returns the roles of a group, by resource. It calls GET
// /admin/v2/orgs/{orgId}/directories/-/groups/{groupId}/role-assignments.
func (o *Organization) GroupRoleAssignments(ctx context.Context, groupID string) ([]GroupRole, error) {
	const op = "GET " + organizationGroups + "/{groupId}/role-assignments"
	q, cursors := url.Values{"limit": {"100"}}, map[string]bool{}
	var roles []GroupRole
	for {
		page, err := fetch[wireGroupRoles](ctx, o.caller, request{op: op, args: []string{o.id, groupID}, query: q, reads: true, scans: true})
		if err != nil {
			return nil, err
		}
		roles = append(roles, page.Data...)
		if page.Links == nil || page.Links.Next == "" {
			return roles, nil
		}
		if cursors[page.Links.Next] {
			return nil, stuck(op, len(roles))
		}
		cursors[page.Links.Next] = true
		q.Set("cursor", page.Links.Next)
	}
}
