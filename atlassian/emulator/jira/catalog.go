package jira

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func catalogRoutes() []endpoint {
	return []endpoint{
		{"GET /serverInfo", open, (*call).serverInfo},
		{"GET /field", reads, (*call).listFields},
		{"GET /project/search", reads, (*call).searchProjects},
		{"GET /project/{project}", reads, (*call).getProject},
		{"GET /project/{project}/components", reads, (*call).listComponents},
		{"GET /project/{project}/component", reads, (*call).pageComponents},
		{"GET /project/{project}/versions", reads, (*call).listVersions},
		{"GET /project/{project}/version", reads, (*call).pageVersions},
		{"GET /project/{project}/statuses", reads, (*call).projectStatuses},
		{"GET /issuetype", reads, (*call).listTypes},
		{"GET /issuetype/{id}", reads, (*call).getType},
		{"GET /status", reads, (*call).listStatuses},
		{"GET /status/{id}", reads, (*call).getStatus},
		{"GET /statuses/search", reads, (*call).searchStatuses},
		{"GET /priority", reads, (*call).listPriorities},
		{"GET /priority/search", reads, (*call).searchPriorities},
		{"GET /priority/{id}", reads, (*call).getPriority},
		{"GET /resolution", reads, (*call).listResolutions},
		{"GET /resolution/search", reads, (*call).searchResolutions},
		{"GET /resolution/{id}", reads, (*call).getResolution},
		{"GET /label", reads, (*call).listLabels},
	}
}

func (c *call) serverInfo() (reply, error) {
	return ok(map[string]any{
		"baseUrl": c.show.base, "displayUrl": c.show.base, "version": "1001.0.0-SNAPSHOT", "versionNumbers": []int{1001, 0, 0},
		"deploymentType": "Cloud", "buildNumber": 100287, "buildDate": "2026-10-01T00:00:00.000+0000",
		"serverTime": c.show.time(c.show.now), "scmInfo": "emulated", "serverTitle": "Jira", "serverTimeZone": "Etc/UTC",
		"defaultLocale": map[string]string{"locale": "en_US"},
	})
}

func (c *call) listFields() (reply, error) {
	list := []any{map[string]any{
		"id": "issuekey", "key": "issuekey", "name": "Key", "custom": false, "orderable": false, "navigable": true,
		"searchable": false, "clauseNames": []string{"id", "issue", "issuekey", "key"},
	}}
	for _, f := range c.j.fields {
		clauses := f.clauses
		if clauses == nil {
			clauses = []string{}
		}
		list = append(list, map[string]any{
			"id": f.id, "key": f.id, "name": f.name, "custom": f.custom != nil, "orderable": f.set != nil, "navigable": true,
			"searchable": f.clauses != nil, "clauseNames": clauses, "schema": f.jsonType(),
		})
	}
	return ok(list)
}

func (c *call) searchProjects() (reply, error) {
	ids, keys := c.list("id"), c.list("keys")
	if len(ids) > 50 || len(keys) > 50 {
		return reply{}, deny(http.StatusBadRequest, "No more than 50 project ids or keys can be asked for.")
	}
	query := strings.ToLower(c.query.Get("query"))
	live := c.query.Get("status") == "" || slices.Contains(c.list("status"), "live")
	found := slices.DeleteFunc(slices.Clone(c.j.projects), func(p *project) bool {
		return !live || len(ids) > 0 && !slices.Contains(ids, p.id) || len(keys) > 0 && !slices.Contains(keys, p.key) ||
			!strings.Contains(strings.ToLower(p.key+" "+p.name), query)
	})
	slices.SortFunc(found, func(a, b *project) int { return strings.Compare(a.key, b.key) })
	return page(c, found, 50, 100, func(p *project) any { return c.show.project(p) })
}

func (c *call) getProject() (reply, error) {
	p, err := c.pathProject()
	if err != nil {
		return reply{}, err
	}
	object := c.show.projectObject(p)
	object["description"] = ""
	object["assigneeType"] = "UNASSIGNED"
	object["lead"] = c.show.person(p.lead)
	object["issueTypes"] = renderAll(p.types, c.show.issueType)
	object["components"] = renderAll(p.components, c.component)
	object["versions"] = renderAll(p.versions, c.version)
	object["roles"] = c.roleLinks(p)
	return ok(object)
}

// component and version are the long forms of the lists of a project.
func (c *call) component(p *part) map[string]any {
	return map[string]any{
		"self": c.show.self("component/" + p.id), "id": p.id, "name": p.name, "project": p.project.key,
		"projectId": number(p.project.id), "assigneeType": "PROJECT_DEFAULT", "isAssigneeTypeValid": false,
	}
}

func (c *call) version(p *part) map[string]any {
	return map[string]any{
		"self": c.show.self("version/" + p.id), "id": p.id, "name": p.name, "archived": false, "released": p.released,
		"projectId": number(p.project.id),
	}
}

// number converts an id for the places where Jira writes it without quotation
// marks.
func number(id string) int {
	n, _ := strconv.Atoi(id)
	return n
}

func (c *call) listComponents() (reply, error) {
	p, err := c.pathProject()
	if err != nil {
		return reply{}, err
	}
	return ok(renderAll(p.components, c.component))
}

func (c *call) pageComponents() (reply, error) {
	p, err := c.pathProject()
	if err != nil {
		return reply{}, err
	}
	return page(c, p.components, 50, 100, func(p *part) any { return c.component(p) })
}

func (c *call) listVersions() (reply, error) {
	p, err := c.pathProject()
	if err != nil {
		return reply{}, err
	}
	return ok(renderAll(p.versions, c.version))
}

func (c *call) pageVersions() (reply, error) {
	p, err := c.pathProject()
	if err != nil {
		return reply{}, err
	}
	return page(c, p.versions, 50, 100, func(p *part) any { return c.version(p) })
}

func (c *call) projectStatuses() (reply, error) {
	p, err := c.pathProject()
	if err != nil {
		return reply{}, err
	}
	return ok(renderAll(p.types, func(t *issueType) any {
		return map[string]any{
			"self": c.show.self("issuetype/" + t.id), "id": t.id, "name": t.name, "subtask": t.level < 0,
			"statuses": renderAll(p.workflows[t].statuses, c.show.status),
		}
	}))
}

func (c *call) listTypes() (reply, error) { return ok(renderAll(c.j.types, c.show.issueType)) }

func (c *call) getType() (reply, error) {
	for _, t := range c.j.types {
		if t.id == c.PathValue("id") {
			return ok(c.show.issueType(t))
		}
	}
	return reply{}, deny(http.StatusNotFound, "The issue type could not be found, or you do not have permission to view it.")
}

// listStatuses leaves out statuses that no project uses, as Jira does.
func (c *call) listStatuses() (reply, error) {
	used := slices.DeleteFunc(slices.Clone(c.j.statuses), func(s *status) bool { return !c.j.uses(s) })
	return ok(renderAll(used, c.show.status))
}

// uses reports whether a workflow of a project has the status.
func (j *Jira) uses(s *status) bool {
	return slices.ContainsFunc(j.projects, func(p *project) bool { return p.uses(s) })
}

func (p *project) uses(s *status) bool {
	for _, w := range p.workflows {
		if slices.Contains(w.statuses, s) {
			return true
		}
	}
	return false
}

func (c *call) getStatus() (reply, error) {
	wanted := c.PathValue("id")
	for _, s := range c.j.statuses {
		if s.id == wanted || strings.EqualFold(s.name, wanted) {
			return ok(c.show.status(s))
		}
	}
	return reply{}, deny(http.StatusNotFound, "The status could not be found, or you do not have permission to view it.")
}

func (c *call) searchStatuses() (reply, error) {
	text, project, category := strings.ToLower(c.query.Get("searchString")), c.query.Get("projectId"), c.query.Get("statusCategory")
	found := slices.DeleteFunc(slices.Clone(c.j.statuses), func(s *status) bool {
		elsewhere := false
		if p := c.j.project(project); project != "" {
			elsewhere = p == nil || !p.uses(s)
		}
		return elsewhere || !strings.Contains(strings.ToLower(s.name), text) || category != "" && category != s.category.enum
	})
	return page(c, found, 200, 200, func(s *status) any {
		return c.show.withScope(s.scope, map[string]any{"id": s.id, "name": s.name, "description": "", "statusCategory": s.category.enum})
	})
}

// priorityObject is the form of a priority in lists. Issues show less.
func (c *call) priorityObject(p *choice) any {
	return map[string]any{
		"self": c.show.self("priority/" + p.id), "id": p.id, "name": p.name, "description": p.description,
		"statusColor": "#707070", "iconUrl": c.show.base + "/images/icons/priorities/" + p.id + ".svg", "isDefault": false,
	}
}

func (c *call) listPriorities() (reply, error) {
	return ok(renderAll(c.j.priorities, c.priorityObject))
}

func (c *call) searchPriorities() (reply, error) {
	return page(c, c.withIDs(c.j.priorities), 50, 50, c.priorityObject)
}

// withIDs keeps the choices that the parameter id asks for.
func (c *call) withIDs(list []*choice) []*choice {
	ids := c.list("id")
	return slices.DeleteFunc(slices.Clone(list), func(p *choice) bool { return len(ids) > 0 && !slices.Contains(ids, p.id) })
}

func (c *call) getPriority() (reply, error) {
	if p := findChoice(c.j.priorities, reference{id: c.PathValue("id")}); p != nil {
		return ok(c.priorityObject(p))
	}
	return reply{}, deny(http.StatusNotFound, "The priority could not be found, or you do not have permission to view it.")
}

func (c *call) listResolutions() (reply, error) {
	return ok(renderAll(c.j.resolutions, c.show.resolution))
}

func (c *call) searchResolutions() (reply, error) {
	return page(c, c.withIDs(c.j.resolutions), 50, 50, func(r *choice) any {
		object := c.show.resolutionObject(r)
		object["isDefault"] = false
		return object
	})
}

func (c *call) getResolution() (reply, error) {
	if r := findChoice(c.j.resolutions, reference{id: c.PathValue("id")}); r != nil {
		return ok(c.show.resolution(r))
	}
	return reply{}, deny(http.StatusNotFound, "The resolution could not be found, or you do not have permission to view it.")
}

func (c *call) listLabels() (reply, error) {
	seen := map[string]bool{}
	for _, i := range c.j.issues {
		for _, l := range i.labels {
			seen[l] = true
		}
	}
	labels := make([]string, 0, len(seen))
	for l := range seen {
		labels = append(labels, l)
	}
	slices.Sort(labels)
	return page(c, labels, 1000, 1000, func(l string) any { return l })
}
