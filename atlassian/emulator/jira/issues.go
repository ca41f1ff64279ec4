package jira

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
)

func issueRoutes() []endpoint {
	return []endpoint{
		{"POST /issue", writes, (*call).createIssue},
		{"POST /issue/bulkfetch", reads, (*call).bulkFetch},
		{"GET /issue/{issue}", reads, (*call).getIssue},
		{"PUT /issue/{issue}", writes, (*call).editIssue},
		{"DELETE /issue/{issue}", writes, (*call).deleteIssue},
		{"GET /issue/{issue}/transitions", reads, (*call).listTransitions},
		{"POST /issue/{issue}/transitions", writes, (*call).doTransition},
		{"GET /issue/createmeta/{project}/issuetypes", reads, (*call).createMetaTypes},
		{"GET /issue/createmeta/{project}/issuetypes/{type}", reads, (*call).createMetaFields},
	}
}

// issueBody is the body of create, edit and transition requests.
type issueBody struct {
	Fields          map[string]json.RawMessage   `json:"fields"`
	Update          map[string][]json.RawMessage `json:"update"`
	Transition      json.RawMessage              `json:"transition"`
	Properties      json.RawMessage              `json:"properties"`
	HistoryMetadata json.RawMessage              `json:"historyMetadata"`
}

// decodeIssue reads an issue body. The message empty refuses a request without
// a body.
func (c *call) decodeIssue(empty string) (issueBody, error) {
	var body issueBody
	if len(c.body) == 0 {
		return body, deny(http.StatusBadRequest, "%s", empty)
	}
	if err := c.decode(&body); err != nil {
		return body, err
	}
	for name := range body.Update {
		if _, both := body.Fields[name]; both {
			return body, denyField(name, "Field '%s' cannot appear in both 'fields' and 'update'", name)
		}
	}
	return body, nil
}

func (c *call) pathIssue() (*issue, error) {
	if i := c.j.issue(c.PathValue("issue")); i != nil {
		return i, nil
	}
	return nil, errNoIssue
}

func (c *call) getIssue() (reply, error) {
	i, err := c.pathIssue()
	if err != nil {
		return reply{}, err
	}
	names := c.list("fields")
	if len(names) == 0 {
		names = []string{"*all"}
	}
	wanted := c.j.selectFields(names)
	wanted.key = true
	return ok(json.RawMessage(c.show.appendIssue(nil, i, wanted)))
}

const maxBulkFetch = 100

func (c *call) bulkFetch() (reply, error) {
	var body struct {
		IssueIDsOrKeys []string `json:"issueIdsOrKeys"`
		Fields         []string `json:"fields"`
		FieldsByKeys   bool     `json:"fieldsByKeys"`
		Expand         []string `json:"expand"`
		Properties     []string `json:"properties"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	if n := len(body.IssueIDsOrKeys); n == 0 || n > maxBulkFetch {
		return reply{}, deny(http.StatusBadRequest, "The number of issue IDs or keys must be between 1 and %d.", maxBulkFetch)
	}
	if len(body.Fields) == 0 {
		body.Fields = []string{"*navigable"}
	}
	var found []*issue
	for _, name := range body.IssueIDsOrKeys {
		if i := c.j.issue(name); i != nil && !slices.Contains(found, i) {
			found = append(found, i)
		}
	}
	slices.SortFunc(found, func(a, b *issue) int { return int(a.id - b.id) })
	wanted := c.j.selectFields(body.Fields)
	wanted.key = true
	b := []byte(`{"expand":"schema,names","issues":[`)
	for n, i := range found {
		if n > 0 {
			b = append(b, ',')
		}
		b = c.show.appendIssue(b, i, wanted)
	}
	return ok(json.RawMessage(append(b, `],"issueErrors":[]}`...)))
}

// write applies the fields and updates of a request to a draft. Every field is
// tried, so that all mistakes are reported at once. Only a wrong project or type
// ends it, since the other fields depend on these.
func (d *draft) write(body issueBody) error {
	problems := &apiError{status: http.StatusBadRequest, fields: map[string]string{}}
	for _, f := range d.j.fields {
		value, written := body.Fields[f.id]
		if !written && f.required && d.creating {
			value, written = json.RawMessage("null"), true
		}
		if !written {
			continue
		}
		err := denyField(f.id, textOffScreen, f.id)
		if f.set != nil {
			err = f.set(d, value)
		}
		if err != nil && (f.id == "project" || f.id == "issuetype") {
			return err
		}
		problems.add(err)
	}
	for name := range body.Fields {
		if d.j.field(name) == nil {
			problems.add(denyField(name, textOffScreen, name))
		}
	}
	for name, operations := range body.Update {
		problems.add(d.update(name, operations))
	}
	if len(problems.messages)+len(problems.fields) > 0 {
		return problems
	}
	return nil
}

func (c *call) createIssue() (reply, error) {
	body, err := c.decodeIssue("No Issue Create payload supplied")
	if err != nil {
		return reply{}, err
	}
	if body.Fields == nil {
		body.Fields = map[string]json.RawMessage{}
	}
	now := c.j.tenant.Now()
	d := &draft{j: c.j, creating: true, issue: &issue{
		reporter: c.caller, creator: c.caller, created: now, updated: now, priority: c.j.priorities[len(c.j.priorities)/2],
	}}
	if err := d.write(body); err != nil {
		return reply{}, err
	}
	if d.kind.level < 0 && d.parent == nil {
		return reply{}, d.dropParent()
	}
	d.status = d.workflow().statuses[0]
	created := map[string]any{}
	if body.Transition != nil && !isNull(body.Transition) {
		t, err := d.transition(body.Transition)
		if err != nil {
			return reply{}, err
		}
		d.perform(t, nil)
		created["transition"] = map[string]any{"status": http.StatusOK, "errorCollection": (&apiError{}).envelope()}
	}
	c.j.addIssue(d.issue)
	d.fresh = now.Add(c.j.options.IndexLag)
	created["id"], created["key"], created["self"] = d.idText, d.key, c.show.self("issue/"+d.idText)
	return reply{http.StatusCreated, created}, nil
}

func (c *call) editIssue() (reply, error) {
	i, err := c.pathIssue()
	if err != nil {
		return reply{}, err
	}
	body, err := c.decodeIssue("No Issue Update payload supplied")
	if err != nil {
		return reply{}, err
	}
	changed := *i
	if err := (&draft{issue: &changed, j: c.j}).write(body); err != nil {
		return reply{}, err
	}
	c.j.change(i, &changed)
	if c.flag("returnIssue") {
		all := c.j.selectFields([]string{"*all"})
		all.key = true
		return ok(json.RawMessage(c.show.appendIssue(nil, i, all)))
	}
	return noContent()
}

func (c *call) deleteIssue() (reply, error) {
	i, err := c.pathIssue()
	if err != nil {
		return reply{}, err
	}
	if len(i.children()) > 0 && !c.flag("deleteSubtasks") {
		return reply{}, deny(http.StatusBadRequest, "The issue '%s' has subtasks.  You must specify the 'deleteSubtasks' "+
			"parameter to delete this issue and all its subtasks.", i.key)
	}
	c.j.removeIssue(i)
	return noContent()
}

// pathProject finds the project of the path.
func (c *call) pathProject() (*project, error) {
	name := c.PathValue("project")
	if p := c.j.project(name); p != nil {
		return p, nil
	}
	if _, err := strconv.Atoi(name); err == nil {
		return nil, deny(http.StatusNotFound, "No project could be found with id '%s'.", name)
	}
	return nil, deny(http.StatusNotFound, "No project could be found with key '%s'.", name)
}

func (c *call) createMetaTypes() (reply, error) {
	p, err := c.pathProject()
	if err != nil {
		return reply{}, err
	}
	start, size, err := c.window(50, 200)
	if err != nil {
		return reply{}, err
	}
	return ok(map[string]any{
		"issueTypes": renderAll(slice(p.types, start, size), c.show.issueType), "startAt": start, "maxResults": size, "total": len(p.types),
	})
}

func (c *call) createMetaFields() (reply, error) {
	p, err := c.pathProject()
	if err != nil {
		return reply{}, err
	}
	at := slices.IndexFunc(p.types, func(t *issueType) bool { return t.id == c.PathValue("type") })
	if at < 0 {
		return reply{}, deny(http.StatusNotFound, "The issue type does not exist in the project.")
	}
	start, size, err := c.window(50, 200)
	if err != nil {
		return reply{}, err
	}
	var fields []any
	for _, f := range c.j.fields {
		if f.set != nil {
			required := f.required || f.id == "parent" && p.types[at].level < 0
			fields = append(fields, c.show.fieldMeta(f, p, required))
		}
	}
	return ok(map[string]any{"fields": slice(fields, start, size), "startAt": start, "maxResults": size, "total": len(fields)})
}

// fieldMeta describes a field on a screen.
func (r *renderer) fieldMeta(f *issueField, p *project, required bool) map[string]any {
	operations := []string{"set"}
	if f.kind == "array" {
		operations = []string{"add", "set", "remove"}
	}
	meta := map[string]any{
		"fieldId": f.id, "key": f.id, "name": f.name, "required": required, "schema": f.jsonType(),
		"hasDefaultValue": f.id == "priority", "operations": operations,
	}
	if f.values != nil {
		meta["allowedValues"] = f.values(r, p)
	}
	return meta
}

// jsonType is a field's schema as Jira describes it.
func (f *issueField) jsonType() map[string]string {
	t := map[string]string{"type": f.kind, "system": f.id}
	if f.items != "" {
		t["items"] = f.items
	}
	return t
}
