package organization

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"scim-atlassian/atlassian/emulator/tenant"
)

// groupObject is the form in which the admin API shows a group.
type groupObject struct {
	ID               string          `json:"id"`
	Name             string          `json:"name"`
	Description      string          `json:"description,omitempty"`
	DirectoryID      string          `json:"directoryId,omitempty"`
	ManagementAccess map[string]bool `json:"managementAccess,omitempty"`
	ExternalSynced   bool            `json:"externalSynced"`
	ManagedBy        string          `json:"managedBy,omitempty"`
	Counts           map[string]int  `json:"counts,omitempty"`
	Links            map[string]any  `json:"links,omitempty"`
	Unknown          any             `json:"futureMember,omitempty"` // odd answers have it
}

func (o *Organization) newGroup(g tenant.Group) groupObject {
	object := groupObject{
		ID: g.ID, Name: g.Name, Description: g.Description, DirectoryID: DirectoryID, ExternalSynced: g.Synced, ManagedBy: "admins",
		ManagementAccess: map[string]bool{"readable": true, "modifiable": !g.Synced, "deletable": !g.Synced},
	}
	if g.Synced {
		object.ManagedBy = "external"
	}
	if o.options.Odd {
		object.Unknown, object.Links = []any{1, "two"}, map[string]any{"self": nil}
		if !g.Synced {
			object.ManagedBy, object.ManagementAccess = "nobody-yet", nil
		}
	}
	return object
}

// groups lists the groups that a search in a directory finds, oldest first. The
// caller looks at the index.
func (o *Organization) groups(s search, directory string, now time.Time) []*entry {
	ids, names, term := set(s.GroupIDs, false), set(s.GroupNames, true), strings.ToLower(s.SearchTerm)
	byRole := len(s.ResourceIDs)+len(s.RoleIDs)+len(s.Owners) > 0
	granting := o.granting(s, nil)
	joined := o.joinedBy(s.AccountIDs, now)
	elsewhere := directory == SecondDirectoryID || len(s.DirectoryIDs) > 0 && !slices.Contains(s.DirectoryIDs, DirectoryID)
	return slices.DeleteFunc(o.index.shown(now), func(g *entry) bool {
		return elsewhere || len(ids) > 0 && !ids[g.ID] || len(names) > 0 && !names[strings.ToLower(g.Name)] ||
			byRole && !granting[g.ID] || len(s.AccountIDs) > 0 && !joined[g] ||
			term != "" && !strings.Contains(strings.ToLower(g.Name), term)
	})
}

// joinedBy returns the groups of some people.
func (o *Organization) joinedBy(accountIDs []string, now time.Time) map[*entry]bool {
	joined := map[*entry]bool{}
	for _, id := range accountIDs {
		if p := o.index.byID[id]; p != nil && isMember(p.account, now) {
			for _, g := range o.index.groupsOf(p, now) {
				joined[g] = true
			}
		}
	}
	return joined
}

// searchGroups is POST /admin/v2/orgs/{org}/directories/{directory}/groups/search.
func (o *Organization) searchGroups(w http.ResponseWriter, r *http.Request) {
	s, limit, err := o.readSearch(r, 20, "name")
	if err == nil {
		var page any
		if page, err = o.groupResults(s, limit, r.PathValue("directory")); err == nil {
			tenant.WriteJSON(w, http.StatusOK, "application/json", page)
			return
		}
	}
	writeRefusal(w, err)
}

func (o *Organization) groupResults(s search, limit int, directory string) (page resultPage[groupObject], err error) {
	o.tenant.RLock()
	defer o.tenant.RUnlock()
	now := o.tenant.Now()
	o.index.view(now, func() {
		found := o.groups(s, directory, now)
		order := results[*entry]{rows: found, key: func(g *entry) (string, string) { return strings.ToLower(g.Name), g.ID }}
		var rows []*entry
		if rows, page.Links, err = order.page(s, limit, o.options); err != nil {
			return
		}
		page.Data = make([]groupObject, len(rows))
		for i, g := range rows {
			page.Data[i] = o.newGroup(g.Group)
			page.Data[i].Counts = o.counts(g, s.Expand, now)
		}
	})
	return page, err
}

// counts are the numbers of a group that a search asks for.
func (o *Organization) counts(g *entry, expand []string, now time.Time) map[string]int {
	counts := map[string]int{}
	if slices.Contains(expand, "counts.users") {
		counts["users"] = o.index.sizeOf(g)
	}
	if slices.Contains(expand, "counts.resources") {
		counts["resources"] = len(o.rolesOf(g.ID))
	}
	return counts
}

// listGroups is GET /admin/v2/orgs/{org}/directories/{directory}/groups, until the
// end of June 2027.
func (o *Organization) listGroups(w http.ResponseWriter, r *http.Request) {
	if o.ended(w) {
		return
	}
	after, limit, ok := oldWindow(w, r)
	if !ok {
		return
	}
	var s search
	if r.URL.Query().Get("cursor") == "" {
		s = searchOf(r.URL.Query())
	}
	s.Expand = []string{"counts.users", "counts.resources"}
	if after >= 0 {
		s.Cursor = searchCursor(after, "")
	}
	page, _ := o.groupResults(s, limit, r.PathValue("directory"))
	if _, more := page.Links["next"]; more {
		page.Links["next"] = oldCursor(max(after, 0)+limit, limit)
	}
	tenant.WriteJSON(w, http.StatusOK, "application/json", page)
}

// countGroups is GET /admin/v2/orgs/{org}/directories/{directory}/groups/count.
func (o *Organization) countGroups(w http.ResponseWriter, r *http.Request) {
	o.writeCount(w, func(now time.Time) int {
		return len(o.groups(searchOf(r.URL.Query()), r.PathValue("directory"), now))
	})
}

// getGroup is GET /admin/v2/orgs/{org}/directories/{directory}/groups/{group}. It
// sees writes at once.
func (o *Organization) getGroup(w http.ResponseWriter, r *http.Request) {
	if g, found := o.groupDetails(r); found {
		tenant.WriteJSON(w, http.StatusOK, "application/json", map[string]any{"data": g})
		return
	}
	writeNoGroup(w)
}

func writeNoGroup(w http.ResponseWriter) {
	writeAdminError(w, "404", "ADMIN-UAM-404-3", "Not Found", "Group not found")
}

func (o *Organization) groupDetails(r *http.Request) (groupObject, bool) {
	o.tenant.RLock()
	defer o.tenant.RUnlock()
	g, found := o.group(r)
	if !found {
		return groupObject{}, false
	}
	object := o.newGroup(g)
	object.Counts = map[string]int{"users": len(g.Members()), "resources": len(o.rolesOf(g.ID))}
	return object, true
}

// group returns the group that a path names.
func (o *Organization) group(r *http.Request) (tenant.Group, bool) {
	if r.PathValue("directory") == SecondDirectoryID {
		return tenant.Group{}, false
	}
	groups := o.tenant.GroupsAt(o.tenant.Now())
	i := slices.IndexFunc(groups, func(g tenant.Group) bool { return g.ID == r.PathValue("group") })
	if i < 0 {
		return tenant.Group{}, false
	}
	return groups[i], true
}
