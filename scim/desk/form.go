package desk

import (
	"context"
	"maps"
	"slices"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Form is a request type, which asks for some fields of an issue.
type Form struct {
	jira      *atlassian.Jira
	desk      string
	kind      string
	IssueType string // id of the type that its issues have
	fields    []atlassian.RequestField
}

// Form returns the request type of a project that given means by id or name. It costs
// two calls.
func (d *Desks) Form(ctx context.Context, project, given query.Object) (*Form, error) {
	desk, err := d.Need(ctx, "requestType", project)
	if err != nil {
		return nil, err
	}
	types, err := d.jira.RequestTypes(ctx, desk.ID)
	if err != nil {
		return nil, err
	}
	var all []query.Object
	for _, t := range types {
		all = append(all, query.Texts("id", t.ID, "name", t.Name))
	}
	picked, err := pick("requestType", all, given)
	if err != nil {
		return nil, err
	}
	f := &Form{jira: d.jira, desk: desk.ID, kind: picked.Text("id")}
	f.IssueType = types[slices.IndexFunc(types, func(t atlassian.RequestType) bool { return t.ID == f.kind })].IssueTypeID
	f.fields, err = d.jira.RequestFields(ctx, desk.ID, f.kind)
	return f, err
}

// Missing lists the fields that the form requires and fields lacks.
func (f *Form) Missing(fields map[string]any) []atlassian.RequestField {
	var missing []atlassian.RequestField
	for _, on := range f.fields {
		if _, given := fields[on.FieldID]; on.Required && !given {
			missing = append(missing, on)
		}
	}
	return missing
}

// Create makes a request with those of the fields that are on the form, for their
// reporter. isRich tells the fields whose values are documents. After an Ambiguous
// error of the client the request may exist.
func (f *Form) Create(ctx context.Context, fields map[string]any, participants []string, isRich func(field string) bool) (*atlassian.CreatedIssue, error) {
	r := atlassian.NewRequest{ServiceDeskID: f.desk, RequestTypeID: f.kind, Values: maps.Clone(fields), Participants: participants}
	maps.DeleteFunc(r.Values, func(id string, _ any) bool {
		return !slices.ContainsFunc(f.fields, func(on atlassian.RequestField) bool { return on.FieldID == id })
	})
	if reporter, ok := fields["reporter"].(map[string]any); ok {
		r.OnBehalfOf, _ = reporter["accountId"].(string)
		delete(r.Values, "reporter")
	}
	for id := range r.Values {
		r.ADF = r.ADF || isRich(id)
	}
	made, err := f.jira.CreateRequest(ctx, r)
	if err != nil {
		return nil, err
	}
	return &atlassian.CreatedIssue{ID: made.IssueID, Key: made.IssueKey}, nil
}

// CheckNew refuses attributes of requests in the document of a new issue that is no
// request, and approvals in any: a status asks for them.
func CheckNew(doc query.Object) error {
	for _, name := range In(doc) {
		switch {
		case name == "approvals":
			return resource.InvalidValue("approvals: nobody can ask for an approval; a status of the workflow does.")
		case doc.Inner("requestType") == nil:
			return resource.InvalidValue("%s: only a customer request has it; give its requestType.", name)
		}
	}
	return nil
}
