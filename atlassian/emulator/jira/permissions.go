package jira

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func permissionRoutes() []endpoint {
	return []endpoint{
		{"GET /mypermissions", reads, (*call).myPermissions},
		{"POST /permissions/check", reads, (*call).checkPermissions},
	}
}

var (
	globalPermissions  = strings.Fields("ADMINISTER SYSTEM_ADMIN USER_PICKER BULK_CHANGE")
	projectPermissions = strings.Fields(`ADMINISTER_PROJECTS ASSIGNABLE_USER ASSIGN_ISSUES BROWSE_PROJECTS CLOSE_ISSUES CREATE_ISSUES
		DELETE_ISSUES EDIT_ISSUES MODIFY_REPORTER MOVE_ISSUES RESOLVE_ISSUES SCHEDULE_ISSUES TRANSITION_ISSUES ADD_COMMENTS LINK_ISSUES`)
)

// isProjectPermission reports whether the site knows a permission in projects; that
// of agents comes with Jira Service Management.
func (j *Jira) isProjectPermission(name string) bool {
	return slices.Contains(projectPermissions, name) || j.options.ServiceDesk && name == agentPermission
}

// holds reports whether the administrator has a permission in a project: they
// have all but those withheld.
func (j *Jira) holds(permission string, p *project) bool {
	return !slices.Contains(j.options.Withheld, permission) && !slices.Contains(j.options.Withheld, permission+":"+p.key)
}

// myPermissions answers for one project, or without one, for any project.
func (c *call) myPermissions() (reply, error) {
	keys := c.list("permissions")
	if len(keys) == 0 {
		return reply{}, deny(http.StatusBadRequest, "The 'permissions' query parameter is required.")
	}
	projects := c.j.projects
	for _, name := range []string{"projectKey", "projectId"} {
		if given := c.query.Get(name); given != "" {
			p := c.j.project(given)
			if p == nil {
				return reply{}, deny(http.StatusNotFound, "No project could be found with key '%s'.", given)
			}
			projects = []*project{p}
		}
	}
	granted := map[string]any{}
	for n, key := range keys {
		kind, has := "GLOBAL", true
		if c.j.isProjectPermission(key) {
			kind, has = "PROJECT", slices.ContainsFunc(projects, func(p *project) bool { return c.j.holds(key, p) })
		} else if !slices.Contains(globalPermissions, key) {
			return reply{}, deny(http.StatusBadRequest, "Unrecognized permissions: %s", key)
		}
		granted[key] = map[string]any{
			"id": strconv.Itoa(n), "key": key, "name": strings.ReplaceAll(key, "_", " "), "type": kind, "description": "", "havePermission": has,
		}
	}
	return ok(map[string]any{"permissions": granted})
}

// checkPermissions tells which of the given permissions the caller has in which
// of the given projects and issues. Unknown projects are passed over.
func (c *call) checkPermissions() (reply, error) {
	type request struct {
		Permissions []string `json:"permissions"`
		Projects    []int64  `json:"projects"`
		Issues      []int64  `json:"issues"`
	}
	var body struct {
		AccountID string    `json:"accountId"`
		Global    []string  `json:"globalPermissions"`
		Project   []request `json:"projectPermissions"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	if body.AccountID != "" && body.AccountID != c.caller.ID {
		return reply{}, deny(http.StatusNotImplemented, "The emulator checks the caller's own permissions only.")
	}
	for _, permission := range body.Global {
		if !slices.Contains(globalPermissions, permission) {
			return reply{}, denyField(permission, "Unrecognized permission")
		}
	}
	grants := []any{}
	for _, r := range body.Project {
		granted, err := c.grants(r.Permissions, r.Projects, r.Issues)
		if err != nil {
			return reply{}, err
		}
		grants = append(grants, granted...)
	}
	return ok(map[string]any{"globalPermissions": append([]string{}, body.Global...), "projectPermissions": grants})
}

// grants makes an entry for each permission, with the projects and issues in
// which the caller has it. Empty entries are left out.
func (c *call) grants(permissions []string, projects, issues []int64) ([]any, error) {
	const most = 1000
	if len(permissions) == 0 || len(projects) > most || len(issues) > most {
		return nil, deny(http.StatusBadRequest, "Give permissions, and no more than %d projects or issues.", most)
	}
	var grants []any
	for _, permission := range permissions {
		if !c.j.isProjectPermission(permission) {
			return nil, denyField(permission, "Unrecognized permission")
		}
		in, on := []int64{}, []int64{}
		for _, id := range projects {
			if p := c.j.project(strconv.FormatInt(id, 10)); p != nil && c.j.holds(permission, p) && (permission != agentPermission || p.desk != nil) {
				in = append(in, id)
			}
		}
		for _, id := range issues {
			if i := c.j.issueByID[strconv.FormatInt(id, 10)]; i != nil && c.j.holds(permission, i.project) {
				on = append(on, id)
			}
		}
		if len(in)+len(on) > 0 {
			grants = append(grants, map[string]any{"permission": permission, "projects": in, "issues": on})
		}
	}
	return grants, nil
}
