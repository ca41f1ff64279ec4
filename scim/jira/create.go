package jira

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/catalogue"
	"scim-atlassian/scim/desk"
	"scim-atlassian/scim/field"
	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/once"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/upstream"
)

// Create implements resource.Backend. Jira creates an issue in the first status of
// its workflow; another status, and a resolution, are set in a second step. If that
// step fails, the issue exists, and the error names it.
//
// An issue with an externalId is created once, however often it is asked for: see
// once.go.
func (b *issues) Create(ctx context.Context, doc query.Object) (query.Object, error) {
	id := doc.Text("externalId")
	if id == "" {
		return b.create(ctx, doc, "")
	}
	release, err := b.claimed(ctx, id)
	if err != nil {
		return nil, err
	}
	defer release()
	there, err := b.withExternalID(ctx, id, "")
	switch {
	case err != nil:
		return nil, err
	case there != nil && b.adopt:
		resource.RequestOf(ctx).Existing = true
		return there, nil
	case there != nil:
		return nil, taken(there, id)
	}
	return b.create(ctx, doc, id)
}

// maxExternalID is the length of an externalId, in characters, that always fits into a property of
// Jira.
const maxExternalID = 5000

// claimed is claim for an externalId that Jira can keep.
func (b *issues) claimed(ctx context.Context, id string) (release func(), err error) {
	if utf8.RuneCountInString(id) > maxExternalID {
		return nil, resource.InvalidValue("externalId must have at most %d characters.", maxExternalID)
	}
	return b.claim(ctx, id)
}

// taken refuses an externalId that an issue has.
func taken(there query.Object, id string) error {
	return resource.Refuse(http.StatusConflict, resource.TypeUniqueness, "The issue %s (id %s) has the externalId %q already.",
		there.Text("key"), there.Text("id"), resource.Clip(id))
}

// create makes an issue, with a new externalId unless that is empty.
func (b *issues) create(ctx context.Context, doc query.Object, externalID string) (query.Object, error) {
	project, err := b.projectOf(ctx, doc)
	if err != nil {
		return nil, err
	}
	if doc, err = b.withAccounts(ctx, doc, nil); err != nil {
		return nil, err
	}
	doc.Set("project", project.Object())
	n := newIssue{resolver: resolver{b, project.ID}, project: project, externalID: externalID}
	if err := n.plan(ctx, &doc); err != nil {
		return nil, err
	}
	created, err := n.send(ctx)
	if created == nil {
		return nil, b.named(err)
	}
	b.recent.Add(created.ID)
	var found query.Object
	if err == nil {
		found, err = n.finish(ctx, created.ID, doc)
	}
	if err != nil {
		e := upstream.Partial(b.named(err))
		e.Made = created.ID
		e.Detail = fmt.Sprintf("Issue %s (/Issues/%s) was created, but not all that was asked for was done. %s", created.Key, created.ID, e.Detail)
		return nil, e
	}
	return found, nil
}

// newIssue is an issue to be made.
type newIssue struct {
	resolver
	project    jql.Entry
	externalID string
	fields     map[string]any
	form       *desk.Form // of a customer request; nil: it is none
	beside     beside
}

// plan checks a document, with the project, as far as that can be known before the issue
// exists. It completes the issueType of a customer request.
func (n *newIssue) plan(ctx context.Context, doc *query.Object) (err error) {
	if err := desk.CheckNew(*doc); err != nil {
		return err
	}
	if given := doc.Inner("requestType"); given != nil {
		if n.form, err = n.desks.Form(ctx, doc.Inner("project"), given); err != nil {
			return err
		}
		if doc.Inner("issueType") == nil {
			doc.Set("issueType", query.Texts("id", n.form.IssueType))
		}
	}
	if doc.Inner("issueType") == nil {
		return resource.InvalidValue("issueType is required.")
	}
	after := []string{"status", "resolution", "comments", "watchers", "remoteLinks"}
	if n.fields, err = n.changes(ctx, nil, doc.Without(after...)); err != nil {
		return err
	}
	maps.DeleteFunc(n.fields, func(_ string, v any) bool { return v == nil })
	if err := n.checkStatus(ctx, n.resolver, *doc, n.fields); err != nil {
		return err
	}
	kind, _ := n.fields["issuetype"].(map[string]any)
	id, _ := kind["id"].(string)
	if err := n.choices.CheckNew(ctx, field.Place{Project: n.project.ID, Type: id}, n.chosen(nil, n.fields)); err != nil {
		return err
	}
	if n.beside, err = n.planBeside(ctx, nil, *doc); err != nil {
		return err
	}
	if joining := n.beside.request.Joining(); len(joining) > 0 {
		list := make([]any, len(joining))
		for i, id := range joining {
			list[i] = query.Texts("value", id)
		}
		doc.Set("participants", list)
	}
	return n.checkForm()
}

// checkForm refuses fields that do not go with the form of a customer request.
func (n *newIssue) checkForm() error {
	if n.form == nil {
		return nil
	}
	if kind, _ := n.fields["issuetype"].(map[string]any); kind["id"] != n.form.IssueType {
		return resource.InvalidValue("issueType: requests of this requestType have the issueType with the id %s; leave issueType out.", n.form.IssueType)
	}
	var missing []string
	for _, f := range n.form.Missing(n.fields) {
		name := n.attributeOf(f.FieldID)
		if name == f.FieldID {
			name = resource.InQuotes(f.Name) + " (" + f.FieldID + "), which is no attribute yet"
		}
		missing = append(missing, name)
	}
	if missing != nil {
		return resource.InvalidValue("The requestType asks for %s; send it.", strings.Join(missing, ", "))
	}
	return nil
}

// send makes the issue. One with an externalId is looked for if the answer is lost. With
// an error it may return the issue, which then exists without its externalId.
func (n *newIssue) send(ctx context.Context) (*atlassian.CreatedIssue, error) {
	create := func(ctx context.Context) (*atlassian.CreatedIssue, error) { return n.jira.CreateIssue(ctx, n.fields) }
	what := once.Making{Project: n.project.Key}
	switch {
	case n.form != nil: // which may take neither labels nor properties
		create = func(ctx context.Context) (*atlassian.CreatedIssue, error) {
			return n.form.Create(ctx, n.fields, n.beside.request.Joining(), n.isRich)
		}
		reporter, _ := n.fields["reporter"].(map[string]any)
		what.Unmarked = true
		what.Reporter, _ = reporter["accountId"].(string)
		what.Summary, _ = n.fields["summary"].(string)
	case n.externalID != "":
		labels, _ := n.fields["labels"].([]string)
		n.fields["labels"] = append(slices.Clone(labels), jql.Marker(n.externalID))
		create = func(ctx context.Context) (*atlassian.CreatedIssue, error) {
			return n.jira.CreateIssue(ctx, n.fields, once.Properties(n.externalID)...)
		}
	}
	if n.externalID == "" {
		return create(ctx)
	}
	return n.once.Send(ctx, n.jira, what, n.externalID, create)
}

// isRich reports whether a field holds a document.
func (n *newIssue) isRich(id string) bool {
	return slices.ContainsFunc(n.issues.fields, func(f issueField) bool {
		return f.field == id && (f.form == adfForm || f.isText())
	})
}

// finish brings the new issue to what could not be said when it was made.
func (n *newIssue) finish(ctx context.Context, id string, doc query.Object) (query.Object, error) {
	read := func() (query.Object, error) { return n.read(ctx, id, n.everything) }
	if n.form != nil {
		read = func() (query.Object, error) { return n.Get(ctx, id, query.Projection{}) }
	}
	found, err := read()
	if err != nil {
		return nil, err
	}
	want := found.Clone()
	for _, name := range []string{"status", "resolution", "comments", "watchers", "remoteLinks", "links", "participants", "organization"} {
		if v, ok := doc.Get(name); ok {
			want.Set(name, v)
		}
	}
	if n.form != nil { // a form takes some fields only
		for _, f := range n.issues.fields {
			if v, ok := f.of(doc); ok && !f.readOnly() && f.attr != "project" {
				f.put(&want, v)
			}
		}
	}
	if found, err = n.change(ctx, n.resolver, found, want); err != nil {
		return nil, err
	}
	if status := doc.Inner("status"); status != nil {
		doc.Set("status", status.Without("transition"))
	}
	return found, unconfirmed(n.changedIn(doc, nil), doc, found)
}

// projectOf returns the project of a new issue, one of the served projects.
func (b *issues) projectOf(ctx context.Context, doc query.Object) (jql.Entry, error) {
	projects, err := b.catalogues.Served(ctx, mirror.Need{})
	if err != nil {
		return jql.Entry{}, err
	}
	return catalogue.Pick("project", projects, doc.Inner("project"))
}

// checkStatus refuses a status that the workflow of the new issue does not have, and
// a resolution without a status: no screen for new issues has it. Whether the
// workflow leads to the status from the first one is known only when the issue
// exists.
func (b *issues) checkStatus(ctx context.Context, r resolver, doc query.Object, fields map[string]any) error {
	given := doc.Inner("status").Without("category", "transition")
	if len(given) == 0 {
		if len(doc.Inner("resolution")) > 0 {
			return resource.InvalidValue("resolution: a new issue is open; set the resolution together with the status that asks for it.")
		}
		return nil
	}
	kind, _ := fields["issuetype"].(map[string]any)
	byType, err := b.jira.ProjectStatuses(ctx, r.project)
	if err != nil {
		return err
	}
	var entries []jql.Entry
	for _, t := range byType {
		if t.ID == kind["id"] {
			for _, s := range t.Statuses {
				entries = append(entries, jql.Entry{ID: s.ID, Name: s.Name})
			}
		}
	}
	if !slices.ContainsFunc(entries, func(e jql.Entry) bool { return query.Refers(given, e.Object()) }) {
		return resource.InvalidValue("status: there is no %s; there are %s.", resource.Describe(given), catalogue.Listing(entries))
	}
	return nil
}

// withExternalID returns the issue with an externalId, nil if there is none. The issue self, if
// that is not empty, is to get it.
func (b *issues) withExternalID(ctx context.Context, id, self string) (query.Object, error) {
	known, err := b.once.Known(ctx, b.jira, id, self)
	if err != nil {
		return nil, err
	}
	candidates := []string{known}
	if known == "" {
		projects, err := b.catalogues.Served(ctx, mirror.Need{})
		if err != nil {
			return nil, err
		}
		if candidates, err = once.Search(ctx, b.jira, projects, id); err != nil || len(candidates) == 0 {
			return nil, err
		}
	}
	found, err := b.jira.BulkFetch(ctx, candidates, b.everything, once.Property)
	if err != nil {
		return nil, err
	}
	for _, issue := range found {
		if once.IDOf(issue) == id && b.allows(issue.Fields.Project) {
			return b.object(ctx, issue)
		}
	}
	return nil, b.once.Forget(ctx, id) // it was deleted meanwhile
}
