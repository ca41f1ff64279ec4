package jira

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"scim-atlassian/atlassian/emulator/adf"
	"scim-atlassian/atlassian/emulator/tenant"
)

// jira.issueField is one field of issues: how it is described, shown and written.
type issueField struct {
	id, name string
	clauses  []string // names in JQL
	kind     string   // type in schemas
	items    string   // type of the elements of an array
	required bool     // asked for when an issue is created

	// get gives the value, nil for null. A field that is not present is left
	// out of the answer.
	get func(*renderer, *issue) (value any, present bool)
	// set writes JSON into a draft; nil means that no screen has the field.
	set func(*draft, json.RawMessage) error
	// values lists the values to choose from; nil if there are too many.
	values func(*renderer, *project) []any
	// in reports whether the issues of a project have the field; nil: all have.
	in func(*project) bool
	// trace gives the value for the changelog; nil: it is not kept there.
	trace  func(*Jira, *issue) trace
	custom *customField // nil: a field of the system
}

// settable reports whether the screens of a project have the field.
func (f *issueField) settable(p *project) bool {
	return f.set != nil && (f.in == nil || f.in(p))
}

// draft is an issue being created or edited.
type draft struct {
	*issue
	j        *Jira
	by       *tenant.Account
	creating bool
	plain    bool // texts are strings, as in version 2 of the API
	chosen   bool // the request chose the resolution
}

// draft begins a change of an issue.
func (c *call) draft(i *issue) *draft {
	changed := *i
	return &draft{issue: &changed, j: c.j, by: c.caller, plain: c.plain}
}

// always wraps a getter whose field is always present.
func always(get func(*renderer, *issue) any) func(*renderer, *issue) (any, bool) {
	return func(r *renderer, i *issue) (any, bool) { return get(r, i), true }
}

// jira.issueFields lists the fields in the order of answers. They are written in the
// same order, because the values that a field takes depend on project and type.
func issueFields() []*issueField {
	return []*issueField{
		{id: "project", name: "Project", clauses: []string{"project"}, kind: "project", required: true,
			get: always(func(r *renderer, i *issue) any { return r.project(i.project) }), set: (*draft).setProject,
			values: func(r *renderer, p *project) []any { return []any{r.project(p)} }},
		{id: "issuetype", name: "Issue Type", clauses: []string{"issuetype", "type"}, kind: "issuetype", required: true,
			get: always(func(r *renderer, i *issue) any { return r.issueType(i.kind) }), set: (*draft).setType,
			values: func(r *renderer, p *project) []any { return renderAll(p.types, r.issueType) }},
		{id: "parent", name: "Parent", clauses: []string{"parent"}, kind: "issuelink",
			get: func(r *renderer, i *issue) (any, bool) {
				if i.parent == nil {
					return nil, false
				}
				return r.related(i.parent), true
			}, set: (*draft).setParent},
		{id: "summary", name: "Summary", clauses: []string{"summary"}, kind: "string", required: true,
			get: always(func(r *renderer, i *issue) any { return i.summary }), set: (*draft).setSummary},
		{id: "description", name: "Description", clauses: []string{"description"}, kind: "string",
			get: always(func(r *renderer, i *issue) any { return r.document(i.description) }),
			set: func(d *draft, v json.RawMessage) (err error) {
				d.description, err = d.document("description", v)
				return
			}},
		{id: "environment", name: "Environment", clauses: []string{"environment"}, kind: "string",
			get: always(func(r *renderer, i *issue) any { return r.document(i.environment) }),
			set: func(d *draft, v json.RawMessage) (err error) {
				d.environment, err = d.document("environment", v)
				return
			}},
		{id: "status", name: "Status", clauses: []string{"status"}, kind: "status",
			get: always(func(r *renderer, i *issue) any { return r.status(i.status) })},
		{id: "statusCategory", name: "Status Category", clauses: []string{"statusCategory"}, kind: "statusCategory",
			get: always(func(r *renderer, i *issue) any {
				return r.once(i.status.category, func() any { return r.category(i.status.category) })
			})},
		{id: "priority", name: "Priority", clauses: []string{"priority"}, kind: "priority",
			get: always(func(r *renderer, i *issue) any { return r.priority(i.priority) }), set: (*draft).setPriority,
			values: func(r *renderer, _ *project) []any { return renderAll(r.j.priorities, r.priority) }},
		{id: "resolution", name: "Resolution", clauses: []string{"resolution"}, kind: "resolution",
			get:    always(func(r *renderer, i *issue) any { return r.resolution(i.resolution) }),
			values: func(r *renderer, _ *project) []any { return renderAll(r.j.resolutions, r.resolution) }},
		{id: "resolutiondate", name: "Resolved", clauses: []string{"resolutiondate", "resolved"}, kind: "datetime",
			get: always(func(r *renderer, i *issue) any { return r.time(i.resolved) })},
		{id: "assignee", name: "Assignee", clauses: []string{"assignee"}, kind: "user",
			get: always(func(r *renderer, i *issue) any { return r.person(i.assignee) }), set: (*draft).setAssignee},
		{id: "reporter", name: "Reporter", clauses: []string{"reporter"}, kind: "user",
			get: always(func(r *renderer, i *issue) any { return r.person(i.reporter) }), set: (*draft).setReporter},
		{id: "creator", name: "Creator", clauses: []string{"creator"}, kind: "user",
			get: always(func(r *renderer, i *issue) any { return r.person(i.creator) })},
		{id: "labels", name: "Labels", clauses: []string{"labels"}, kind: "array", items: "string",
			get: always(func(r *renderer, i *issue) any { return i.labels }), set: (*draft).setLabelsJSON},
		{id: "components", name: "Components", clauses: []string{"component"}, kind: "array", items: "component",
			get: always(func(r *renderer, i *issue) any { return renderParts(r, i.components, r.component) }),
			set: func(d *draft, v json.RawMessage) (err error) {
				d.components, err = d.parts("components", "Component", d.project.components, v)
				return
			},
			values: func(r *renderer, p *project) []any { return renderAll(p.components, r.component) }},
		{id: "fixVersions", name: "Fix versions", clauses: []string{"fixVersion"}, kind: "array", items: "version",
			get: always(func(r *renderer, i *issue) any { return renderParts(r, i.versions, r.version) }),
			set: func(d *draft, v json.RawMessage) (err error) {
				d.versions, err = d.parts("fixVersions", "Version", d.project.versions, v)
				return
			},
			values: func(r *renderer, p *project) []any { return renderAll(p.versions, r.version) }},
		{id: "duedate", name: "Due date", clauses: []string{"due", "duedate"}, kind: "date",
			get: always(func(r *renderer, i *issue) any {
				if i.due == "" {
					return nil
				}
				return i.due
			}), set: (*draft).setDue},
		{id: "subtasks", name: "Sub-tasks", kind: "array", items: "issuelinks",
			get: always(func(r *renderer, i *issue) any { return renderAll(i.children(), r.related) })},
		{id: "created", name: "Created", clauses: []string{"created", "createdDate"}, kind: "datetime",
			get: always(func(r *renderer, i *issue) any { return r.time(i.created) })},
		{id: "updated", name: "Updated", clauses: []string{"updated", "updatedDate"}, kind: "datetime",
			get: always(func(r *renderer, i *issue) any { return r.time(i.updated) })},
	}
}

// children are the sub-tasks; the issues of an epic are found by search only.
func (i *issue) children() []*issue {
	return slices.DeleteFunc(slices.Clone(i.subtasks), func(c *issue) bool { return c.kind.level >= 0 })
}

func renderAll[T, U any](items []T, render func(T) U) []any {
	list := make([]any, len(items))
	for i, item := range items {
		list[i] = render(item)
	}
	return list
}

func renderParts(r *renderer, ids []string, render func(*part) any) []any {
	return renderAll(ids, func(id string) any { return render(r.j.parts[id]) })
}

func (j *Jira) field(id string) *issueField {
	for _, f := range j.fields {
		if f.id == id {
			return f
		}
	}
	return nil
}

func isNull(v json.RawMessage) bool { return bytes.Equal(bytes.TrimSpace(v), []byte("null")) }

// reference is how a request names an object. Numbers are accepted as ids.
type reference struct{ id, key, name, accountID string }

func (ref *reference) UnmarshalJSON(data []byte) error {
	var members map[string]any
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	for name, to := range map[string]*string{"id": &ref.id, "key": &ref.key, "name": &ref.name, "accountId": &ref.accountID} {
		switch v := members[name].(type) {
		case string:
			*to = v
		case float64:
			*to = strings.TrimSpace(string(tenant.JSON(v)))
		}
	}
	return nil
}

// parseReference reads a reference. It reports false if v is not an object.
func parseReference(v json.RawMessage) (ref reference, ok bool) {
	return ref, !isNull(v) && json.Unmarshal(v, &ref) == nil
}

func (d *draft) setProject(v json.RawMessage) error {
	if !d.creating {
		return denyField("project", textOffScreen, "project")
	}
	ref, _ := parseReference(v)
	for _, name := range []string{ref.id, ref.key} {
		if p := d.j.project(name); p != nil {
			d.project = p
			return nil
		}
	}
	return denyField("project", "Specify a valid project ID or key")
}

func (d *draft) setType(v json.RawMessage) error {
	ref, _ := parseReference(v)
	if ref.id == "" && ref.name == "" {
		return denyField("issuetype", "Specify an issue type")
	}
	for _, t := range d.project.types {
		if t.id != ref.id && (ref.id != "" || !strings.EqualFold(t.name, ref.name)) {
			continue
		}
		if !d.creating && (t.level != d.kind.level || d.project.workflows[t] != d.workflow()) {
			return denyField("issuetype", "The issue type selected is invalid.")
		}
		d.kind = t
		return nil
	}
	return denyField("issuetype", "Specify a valid issue type")
}

const maxSummary = 255

func (d *draft) setSummary(v json.RawMessage) error {
	var text string
	if json.Unmarshal(v, &text) != nil {
		return denyField("summary", "Operation value must be a string")
	}
	switch text = strings.TrimSpace(text); {
	case text == "":
		return denyField("summary", "You must specify a summary of the issue.")
	case utf8.RuneCountInString(text) > maxSummary:
		return denyField("summary", "Summary must be less than 255 characters.")
	case strings.ContainsAny(text, "\r\n"):
		return denyField("summary", "The summary is invalid because it contains newline characters.")
	}
	d.summary = text
	return nil
}

// maxText is how many characters a text may have.
const maxText = 32767

// document reads a text field, which must be an Atlassian Document or null; in
// version 2 of the API, a string.
func (d *draft) document(field string, v json.RawMessage) (json.RawMessage, error) {
	if isNull(v) {
		return nil, nil
	}
	if d.plain {
		var text string
		if json.Unmarshal(v, &text) != nil {
			return nil, denyField(field, "Operation value must be a string")
		}
		if utf8.RuneCountInString(text) > maxText {
			return nil, denyField(field, textTooLong)
		}
		return adf.FromPlain(text), nil
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(v, &object) != nil {
		return nil, denyField(field, "Operation value must be an Atlassian Document (see the Atlassian Document Format)")
	}
	if !adf.Valid(v) {
		return nil, deny(http.StatusBadRequest, "INVALID_INPUT")
	}
	if utf8.RuneCountInString(strings.TrimRight(adf.Text(v), "\n")) > maxText {
		return nil, denyField(field, textTooLong)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, v); err != nil {
		return nil, errBadPayload
	}
	return compact.Bytes(), nil
}

func (d *draft) setParent(v json.RawMessage) error {
	if isNull(v) {
		return d.dropParent()
	}
	ref, _ := parseReference(v)
	parent := d.j.issue(ref.id)
	if parent == nil {
		parent = d.j.issue(ref.key)
	}
	switch {
	case parent == nil:
		return denyField("parent", "Could not find issue by id or key.")
	case parent.kind.level != d.kind.level+1, d.kind.level < 0 && parent.project != d.project:
		return denyField("parent", "Given parent work item does not belong to appropriate hierarchy.")
	}
	d.parent = parent
	return nil
}

func (d *draft) dropParent() error {
	if d.kind.level < 0 {
		return denyField("parent", "Issue type is a sub-task but parent issue key or id not specified.")
	}
	d.parent = nil
	return nil
}

func (d *draft) setPriority(v json.RawMessage) error {
	if isNull(v) {
		d.priority = nil
		return nil
	}
	ref, _ := parseReference(v)
	p := findChoice(d.j.priorities, ref)
	if p == nil {
		return denyField("priority", "The priority selected is invalid.")
	}
	d.priority = p
	return nil
}

// findChoice returns the choice with the id or, without an id, with the name of
// ref. It returns nil if there is none.
func findChoice(list []*choice, ref reference) *choice {
	for _, c := range list {
		if c.id == ref.id || ref.id == "" && ref.name != "" && strings.EqualFold(c.name, ref.name) {
			return c
		}
	}
	return nil
}

// person finds a visible account that a request names.
func (d *draft) person(v json.RawMessage) (a *tenant.Account, id string) {
	ref, _ := parseReference(v)
	if id = ref.accountID; id == "" {
		id = ref.id
	}
	if a = d.j.accounts.WithID(id); a != nil && !a.Visible(d.j.tenant.Now()) {
		a = nil
	}
	return a, id
}

func (d *draft) setAssignee(v json.RawMessage) error {
	a, id := d.person(v)
	switch {
	case isNull(v):
		d.assignee = nil
	case id == "-1":
		d.assignee = nil // the default of every project here is nobody
	case a == nil || !assignable(a):
		return denyField("assignee", "User '%s' cannot be assigned issues.", id)
	default:
		d.assignee = a
	}
	return nil
}

func assignable(a *tenant.Account) bool { return a.Active && !a.Deleted && a.Kind == tenant.KindPerson }

func (d *draft) setReporter(v json.RawMessage) error {
	a, _ := d.person(v)
	switch {
	case isNull(v):
		return denyField("reporter", "Reporter is required.")
	case a == nil:
		return denyField("reporter", "The reporter specified is not a user.")
	}
	d.reporter = a
	return nil
}

func (d *draft) setLabelsJSON(v json.RawMessage) error {
	var labels []string
	if json.Unmarshal(v, &labels) != nil {
		return denyField("labels", "data was not an array")
	}
	kept := []string{}
	for _, l := range labels {
		switch {
		case strings.ContainsAny(l, " \t\n"):
			return denyField("labels", "The label '%s' contains spaces which is invalid.", l)
		case utf8.RuneCountInString(l) > 255:
			return denyField("labels", "The label '%s' exceeds the maximum length for a single label of 255.", l)
		case l != "" && !slices.Contains(kept, l):
			kept = append(kept, l)
		}
	}
	slices.Sort(kept)
	d.setLabels(kept)
	return nil
}

// parts reads a list of components or versions of the project.
func (d *draft) parts(field, what string, from []*part, v json.RawMessage) ([]string, error) {
	var refs []reference
	if !isNull(v) && json.Unmarshal(v, &refs) != nil {
		return nil, denyField(field, "data was not an array")
	}
	var ids []string
	for _, ref := range refs {
		at := slices.IndexFunc(from, func(p *part) bool {
			return p.id == ref.id || ref.id == "" && ref.name != "" && strings.EqualFold(p.name, ref.name)
		})
		switch {
		case at < 0 && ref.id != "":
			return nil, denyField(field, "%s id '%s' is not valid", what, ref.id)
		case at < 0:
			return nil, denyField(field, "%s name '%s' is not valid", what, ref.name)
		case !slices.Contains(ids, from[at].id):
			ids = append(ids, from[at].id)
		}
	}
	return ids, nil
}

func (d *draft) setDue(v json.RawMessage) error {
	var text string
	if !isNull(v) {
		if json.Unmarshal(v, &text) != nil {
			return denyField("duedate", "Operation value must be a string")
		}
		if _, err := time.Parse(time.DateOnly, text); err != nil && text != "" {
			return denyField("duedate", "Error parsing date string: %s", text)
		}
	}
	d.due = text
	return nil
}
