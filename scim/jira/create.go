package jira

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/once"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
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
	release, err := b.claim(ctx, id)
	if err != nil {
		return nil, err
	}
	defer release()
	there, err := b.withExternalID(ctx, id)
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
	resolver := resolver{b, project.ID}
	fields, err := resolver.changes(ctx, nil, doc.Without("status", "resolution", "comments", "watchers", "remoteLinks"))
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(fields, func(_ string, v any) bool { return v == nil })
	if err := b.checkStatus(ctx, resolver, doc, fields); err != nil {
		return nil, err
	}
	if _, err := b.planBeside(ctx, nil, doc); err != nil {
		return nil, err
	}
	created, err := b.send(ctx, project, fields, externalID)
	if err != nil {
		return nil, b.named(err)
	}
	b.recent.add(created.ID)
	found, err := b.finish(ctx, resolver, created.ID, doc)
	if err != nil {
		e := partly(err, "Issue %s (/Issues/%s) was created, but not all that was asked for was done.", created.Key, created.ID)
		e.Made = created.ID
		return nil, e
	}
	return found, nil
}

// send makes an issue. One with an externalId is looked for if the answer is lost.
func (b *issues) send(ctx context.Context, project jql.Entry, fields map[string]any, externalID string) (*atlassian.CreatedIssue, error) {
	if externalID == "" {
		return b.jira.CreateIssue(ctx, fields)
	}
	labels, _ := fields["labels"].([]string)
	fields["labels"] = append(slices.Clone(labels), jql.Marker(externalID))
	return b.once.Send(ctx, b.jira, project.Key, fields, externalID)
}

// finish brings a new issue to the status and the resolution in doc.
func (b *issues) finish(ctx context.Context, r resolver, id string, doc query.Object) (query.Object, error) {
	found, err := b.read(ctx, id, b.allFields())
	if err != nil {
		return nil, err
	}
	want := found.Clone()
	for _, name := range []string{"status", "resolution", "comments", "watchers", "remoteLinks", "links"} {
		if v, ok := doc.Get(name); ok {
			want.Set(name, v)
		}
	}
	if found, err = b.change(ctx, r, found, want); err != nil {
		return nil, err
	}
	if status := doc.Inner("status"); status != nil {
		doc.Set("status", status.Without("transition"))
	}
	return found, unconfirmed(b.changedIn(doc, nil), doc, found)
}

// projectOf returns the project of a new issue, one of the served projects.
func (b *issues) projectOf(ctx context.Context, doc query.Object) (jql.Entry, error) {
	projects, err := b.catalogues.served(ctx, mirror.Need{})
	if err != nil {
		return jql.Entry{}, err
	}
	return pick("project", projects, doc.Inner("project"))
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
		return resource.InvalidValue("status: there is no %s; there are %s.", resource.Describe(given), listing(entries))
	}
	return nil
}

// withExternalID returns the issue with an externalId, nil if there is none.
func (b *issues) withExternalID(ctx context.Context, id string) (query.Object, error) {
	known, err := b.once.Known(ctx, b.jira, id)
	if err != nil {
		return nil, err
	}
	candidates := []string{known}
	if known == "" {
		projects, err := b.catalogues.served(ctx, mirror.Need{})
		if err != nil {
			return nil, err
		}
		if candidates, err = once.Search(ctx, b.jira, projects, id); err != nil || len(candidates) == 0 {
			return nil, err
		}
	}
	found, err := b.jira.BulkFetch(ctx, candidates, b.allFields(), once.Property)
	if err != nil {
		return nil, err
	}
	for _, issue := range found {
		if once.IDOf(issue) == id && b.allows(issue.Fields.Project) {
			return b.object(ctx, issue)
		}
	}
	b.once.Forget(id) // it was deleted meanwhile
	return nil, nil
}
