package jira

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/adf"
	"scim-atlassian/atlassian/adf/plain"
	"scim-atlassian/scim/around"
	"scim-atlassian/scim/field"
	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/once"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/upstream"
)

// Kept implements resource.Backend. Attributes that an issue must have, or that
// Jira or the workflow sets, stay.
func (b *issues) Kept(resource.Policy) []string {
	names := append([]string{"externalId"}, onRequest...)
	for _, f := range b.fields {
		if f.kept {
			names = append(names, f.attr)
		}
	}
	return names
}

// Update implements resource.Backend.
func (b *issues) Update(ctx context.Context, current, want query.Object) (query.Object, error) {
	doc, err := b.withAccounts(ctx, want, current)
	if err != nil {
		return nil, err
	}
	for _, f := range b.fields {
		v, _ := f.of(doc)
		if given, ok := v.(query.Object); ok && f.refers() && given.Text("transition") == "" {
			had, _ := f.of(current)
			before, _ := had.(query.Object)
			f.put(&doc, changedParts(given, before))
		}
	}
	return b.change(ctx, resolver{b, current.Inner("project").Text("id")}, current, doc)
}

// refers reports whether the value is one reference to something else.
func (f issueField) refers() bool {
	switch f.form {
	case choiceForm, personForm, parentForm, namedForm:
		return true
	case customForm:
		return slices.Contains([]field.Type{field.User, field.Group, field.Version, field.Team}, f.custom.Type)
	}
	return false
}

// changedParts returns the parts of a reference that the client changed: whoever
// edits the name and sends back the old id means the new name.
func changedParts(given, current query.Object) query.Object {
	var changed query.Object
	for _, m := range given {
		if v, _ := current.Get(m.Name); v != m.Value {
			changed = append(changed, m)
		}
	}
	if changed == nil {
		return current
	}
	return changed
}

// change brings an issue to the state in doc and returns it as read afterwards. It
// checks as much as possible before the first change. A transition goes first, since
// it is what a workflow may refuse. It fails if an attribute that doc changes is not
// as doc says at the end; all others may be what a workflow, or somebody else, made
// of them meanwhile.
func (b *issues) change(ctx context.Context, r resolver, current, doc query.Object) (query.Object, error) {
	fields, err := r.changes(ctx, current, doc.Without("project", "status"))
	if err != nil {
		return nil, err
	}
	move, err := b.planMove(ctx, r, current, &doc, fields)
	if err != nil {
		return nil, err
	}
	if err := r.checkEdit(ctx, current, move, fields); err != nil {
		return nil, err
	}
	beside, err := b.planBeside(ctx, current, doc)
	if err != nil {
		return nil, err
	}
	newID, release, err := b.newExternalID(ctx, current, doc)
	if err != nil {
		return nil, err
	}
	defer release()
	id := current.Text("id")
	steps, err := b.stepsBeside(ctx, id, beside, move)
	if err != nil {
		return nil, err
	}
	if len(fields) > 0 || newID != "" {
		steps = slices.Insert(steps, 0, b.edit(ctx, id, fields, newID))
	}
	if move != nil {
		steps = slices.Insert(steps, 0, b.transition(ctx, id, move, beside.comments))
	}
	if len(steps) == 0 {
		return current, nil
	}
	b.recent.Add(id)
	for i, step := range steps {
		if err := step.Do(ctx); err != nil {
			return nil, b.stopped(err, current, steps[:i], steps[i:])
		}
	}
	found, err := b.Get(ctx, id, query.Projection{})
	if err != nil {
		return nil, upstream.Unread(fmt.Sprintf("Issue %s was changed: %s", current.Text("key"), attributes(steps)), err)
	}
	changed := b.changedIn(doc, current)
	b.remarkSideEffects(ctx, changed, current, found)
	return found, unconfirmed(changed, doc, found, beside.request.Unconfirmed(found)...)
}

// newExternalID returns the externalId that an issue without one is to get, or "".
// No other issue may have it; until release nobody else gives it to one.
func (b *issues) newExternalID(ctx context.Context, current, doc query.Object) (id string, release func(), err error) {
	id = doc.Text("externalId")
	if id == "" || id == current.Text("externalId") {
		return "", func() {}, nil
	}
	if release, err = b.claimed(ctx, id); err != nil {
		return "", nil, err
	}
	there, err := b.withExternalID(ctx, id, current.Text("id"))
	if err == nil && there != nil {
		err = taken(there, id)
	}
	if err != nil {
		release()
		return "", nil, err
	}
	return id, release, nil
}

// transition returns the step that moves an issue.
func (b *issues) transition(ctx context.Context, id string, m *move, comments []atlassian.NewComment) around.Step {
	return around.Step{
		Attribute: strings.Join(append([]string{"status"}, b.attributesOf(m.fields)...), ", "),
		Do: func(ctx context.Context) error {
			return upstream.Missing(b.jira.DoTransition(ctx, id, m.transition.ID, m.update(ctx, comments)), "Issue", id)
		},
	}
}

// edit returns the step that changes fields of an issue, but not its status, and gives it an
// externalId unless that is empty.
func (b *issues) edit(ctx context.Context, id string, fields map[string]any, externalID string) around.Step {
	update := atlassian.IssueUpdate{Fields: fields, Update: map[string]any{}, HistoryMetadata: history(ctx)}
	names := b.attributesOf(fields)
	if externalID != "" {
		names = append(names, "externalId")
		marked := once.Mark(externalID)
		if labels, given := fields["labels"].([]string); given {
			fields["labels"], marked.Update = append(labels, jql.Marker(externalID)), nil
		}
		maps.Copy(update.Update, marked.Update)
		update.Properties = marked.Properties
	}
	if parent, ok := fields["parent"]; ok && parent == nil {
		delete(fields, "parent")
		update.Update["parent"] = []any{map[string]any{"set": map[string]any{"none": true}}}
	}
	return around.Step{
		Attribute: strings.Join(names, ", "),
		Do: func(ctx context.Context) error {
			return upstream.Missing(b.jira.EditIssue(ctx, id, update), "Issue", id)
		},
	}
}

// stopped returns the error of a write that failed after the steps done, in the first of
// left. It names the attributes of both.
func (b *issues) stopped(err error, issue query.Object, done, left []around.Step) error {
	err = b.named(err)
	e := *upstream.AsError(err)
	var said []string
	if names := attributes(done); names != "" {
		e = *upstream.Partial(err)
		said = append(said, fmt.Sprintf("Issue %s was changed: %s.", issue.Text("key"), names))
	}
	if e.Unknown && len(left) > 1 {
		said = append(said, fmt.Sprintf("Perhaps done: %s.", left[0].Attribute))
		left = left[1:]
	}
	if said == nil {
		return err
	}
	e.Detail = fmt.Sprintf("%s Not done, or not all of it: %s. %s", strings.Join(said, " "), attributes(left), e.Detail)
	return &e
}

// attributes names those that steps are a part of, each once.
func attributes(steps []around.Step) string {
	var names []string
	for _, s := range steps {
		if s.Attribute != "" && !slices.Contains(names, s.Attribute) {
			names = append(names, s.Attribute)
		}
	}
	return strings.Join(names, ", ")
}

// agrees reports whether the value that was read back is the value asked for.
func (f issueField) agrees(want, got any) bool {
	switch f.form {
	case textForm, estimateForm:
		w, _ := want.(string)
		g, _ := got.(string)
		return strings.TrimSpace(w) == strings.TrimSpace(g)
	case bodyForm:
		w, _ := want.(string)
		g, _ := got.(string)
		return adf.SameText(w, g) || plain.Normalize(w) == plain.Normalize(g)
	case adfForm:
		w, _ := want.(string)
		g, _ := got.(string)
		return adf.SameDocument([]byte(w), []byte(g))
	case wordsForm:
		return slices.Equal(words(want), words(got))
	case manyForm, linksForm:
		return field.SameReferences(want, got)
	case customForm:
		return f.custom.Agrees(want, got)
	}
	w, _ := want.(query.Object)
	g, _ := got.(query.Object)
	return len(w) == 0 && len(g) == 0 || query.Refers(w, g)
}

// words returns a list of strings sorted and without repetitions, to be compared.
func words(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, e := range list {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
