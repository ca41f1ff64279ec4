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
		{"GET /issue/{issue}/editmeta", reads, (*call).editMeta},
	}
}

// createMetaPath is where the routes of createMetaRoutes are.
const createMetaPath = "/issue/createmeta/"

// createMetaRoutes have a router of their own, because the paths of issues match
// theirs too.
func createMetaRoutes() []endpoint {
	return []endpoint{
		{"GET /issue/createmeta/{project}/issuetypes", reads, (*call).createMetaTypes},
		{"GET /issue/createmeta/{project}/issuetypes/{type}", reads, (*call).createMetaFields},
	}
}

// issueBody is the body of create, edit and transition requests.
type issueBody struct {
	Fields          map[string]json.RawMessage   `json:"fields"`
	Update          map[string][]json.RawMessage `json:"update"`
	Transition      json.RawMessage              `json:"transition"`
	Properties      []property                   `json:"properties"`
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
	wanted.properties, wanted.expand = c.list("properties"), c.list("expand")
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
	wanted.properties, wanted.expand = body.Properties, body.Expand
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
		if f.set != nil && (f.in == nil || d.project != nil && f.in(d.project)) {
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
	for _, name := range sortedKeys(body.Update) {
		problems.add(d.update(name, body.Update[name]))
	}
	if d.creating {
		problems.add(d.required(body))
	}
	problems.add(d.writeProperties(body.Properties))
	return problems.orNil()
}

// required refuses to create an issue without the fields that the switches ask
// for.
func (d *draft) required(body issueBody) error {
	problems := &apiError{status: http.StatusBadRequest, fields: map[string]string{}}
	for _, f := range d.j.fields {
		if d.j.requires(f, d.project) && !written(body, f.id) {
			problems.add(denyField(f.id, "%s is required.", f.name))
		}
	}
	return problems.orNil()
}

// requires reports whether the switches ask for a field in a project.
func (j *Jira) requires(f *issueField, p *project) bool {
	return p != nil && f.settable(p) && slices.Contains(j.options.Required, p.key+":"+f.name)
}

// writeProperties sets the entity properties that a request carries.
func (d *draft) writeProperties(list []property) error {
	for _, p := range list {
		if err := p.check(); err != nil {
			return err
		}
		d.own().properties[p.Key] = p.Value
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
	d := &draft{j: c.j, by: c.caller, creating: true, plain: c.plain, issue: &issue{
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
		d.perform(t)
		created["transition"] = map[string]any{"status": http.StatusOK, "errorCollection": (&apiError{}).envelope()}
	}
	if ask := d.workflow().approval; ask != nil && d.status == ask.status {
		d.askForApproval(ask)
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
	d := c.draft(i)
	if err := d.write(body); err != nil {
		return reply{}, err
	}
	c.j.change(i, d.issue, cause{c.caller, body.HistoryMetadata})
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
		if f.settable(p) {
			required := f.required || f.id == "parent" && p.types[at].level < 0 || c.j.requires(f, p)
			fields = append(fields, c.show.fieldMeta(f, p, required))
		}
	}
	return ok(map[string]any{"fields": slice(fields, start, size), "startAt": start, "maxResults": size, "total": len(fields)})
}

// editMeta describes the fields of the edit screen.
func (c *call) editMeta() (reply, error) {
	i, err := c.pathIssue()
	if err != nil {
		return reply{}, err
	}
	fields := map[string]any{}
	for _, f := range c.j.fields {
		if f.settable(i.project) && f.id != "project" {
			fields[f.id] = c.show.fieldMeta(f, i.project, f.required || c.j.requires(f, i.project))
		}
	}
	return ok(map[string]any{"fields": fields})
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
func (f *issueField) jsonType() map[string]any {
	t := map[string]any{"type": f.kind}
	if f.items != "" {
		t["items"] = f.items
	}
	if f.custom != nil {
		t["custom"], t["customId"] = f.custom.kind.key, f.custom.number
	} else {
		t["system"] = f.id
	}
	return t
}
