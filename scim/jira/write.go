package jira

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/adf"
	"scim-atlassian/atlassian/adf/plain"
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
	if len(fields) == 0 && move == nil && newID == "" && beside.nothing() {
		return current, nil
	}
	id := current.Text("id")
	b.recent.Add(id)
	if move != nil {
		if err := b.jira.DoTransition(ctx, id, move.transition.ID, move.update(ctx, beside.comments)); err != nil {
			return nil, b.named(err)
		}
	}
	if err := b.edit(ctx, id, current, fields, newID); err != nil {
		if move != nil {
			err = partly(b.named(err), "Issue %s went through the transition %q, but the rest was not done: %s.",
				current.Text("key"), move.transition.Name, b.attributesOf(fields))
		}
		return nil, b.named(err)
	}
	if done, left, err := b.doBeside(ctx, id, beside, move); err != nil {
		if move != nil {
			done = append([]string{"status"}, done...)
		}
		if len(fields) > 0 {
			done = append([]string{b.attributesOf(fields)}, done...)
		}
		if done != nil {
			err = partly(err, "Issue %s was changed: %s. Not done, or not all of it: %s.", current.Text("key"), strings.Join(done, ", "), strings.Join(left, ", "))
		}
		return nil, err
	}
	found, err := b.Get(ctx, id, query.Projection{})
	if err != nil {
		return nil, partly(err, "Issue %s was changed, but could not be read afterwards.", current.Text("key"))
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

// edit changes fields of an issue, but not its status, and gives it an externalId
// unless that is empty.
func (b *issues) edit(ctx context.Context, id string, current query.Object, fields map[string]any, externalID string) error {
	update := atlassian.IssueUpdate{Fields: fields, Update: map[string]any{}, HistoryMetadata: history(ctx)}
	if externalID != "" {
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
	if len(fields) == 0 && len(update.Update) == 0 {
		return nil
	}
	return b.jira.EditIssue(ctx, id, update)
}

// partly returns the error of a write of several steps, marked as partial: its detail
// begins with the steps that are done.
func partly(err error, format string, args ...any) *resource.Error {
	e := *upstream.AsError(err)
	e.Partial = true
	e.Detail = fmt.Sprintf(format, args...) + " " + e.Detail
	if e.Status < http.StatusInternalServerError && e.Status != http.StatusTooManyRequests {
		e.Status, e.Type = http.StatusBadGateway, "" // a 4xx would say that nothing was done
	}
	return &e
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
		return sameMembers(want, got)
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

// sameMembers reports whether the references in want mean the elements of got, all
// of them, in any order.
func sameMembers(want, got any) bool {
	wants, _ := want.([]any)
	gots, _ := got.([]any)
	referred := map[string]bool{}
	for _, w := range wants {
		given, _ := w.(query.Object)
		i := slices.IndexFunc(gots, func(g any) bool {
			actual, _ := g.(query.Object)
			return query.Refers(given, actual)
		})
		if i < 0 {
			return false
		}
		actual, _ := gots[i].(query.Object)
		referred[actual.Text("id")] = true
	}
	return len(referred) == len(gots)
}
