package jira

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/catalogue"
	"scim-atlassian/scim/field"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// move is a change of status: a transition, and the fields to send with it.
type move struct {
	transition atlassian.Transition
	fields     map[string]any
}

// planMove returns the move to the status in doc, nil if the issue already has it.
// Fields that the transition's screen takes are moved there from fields: Jira
// accepts some of them, such as the resolution, nowhere else.
func (b *issues) planMove(ctx context.Context, r resolver, current query.Object, doc *query.Object, fields map[string]any) (*move, error) {
	status := doc.Inner("status").Without("category")
	if len(status) == 0 {
		return nil, resource.Mutability("status cannot be removed; an issue always has one.")
	}
	named, target := status.Text("transition"), status.Without("transition")
	if doc.Set("status", target); len(target) == 0 { // wherever the transition leads
		doc.Set("status", current.Inner("status"))
	}
	there := len(target) > 0 && query.Refers(target, current.Inner("status"))
	if there && named == "" {
		return nil, nil
	}
	all, err := b.jira.Transitions(ctx, current.Text("id"))
	if err != nil {
		return nil, err
	}
	t, err := catalogue.PickTransition(all, target, named)
	if err != nil {
		if there {
			return nil, nil // somebody has taken it already
		}
		return nil, err
	}
	screen, err := r.screen(ctx, t, current, *doc, fields)
	if err != nil {
		return nil, err
	}
	for name := range screen {
		delete(fields, name)
	}
	return &move{t, screen}, nil
}

// update is the body of the transition, with comments if it has a screen.
func (m *move) update(ctx context.Context, comments []atlassian.NewComment) atlassian.IssueUpdate {
	u := atlassian.IssueUpdate{Fields: m.fields, HistoryMetadata: history(ctx)}
	if m.transition.HasScreen && len(comments) > 0 {
		var added []any
		for _, c := range comments {
			added = append(added, map[string]any{"add": c})
		}
		u.Update = map[string]any{"comment": added}
	}
	return u
}

// history says in Jira's changelog on whose behalf a change is made.
func history(ctx context.Context) *atlassian.HistoryMetadata {
	r := resource.RequestOf(ctx)
	if r.Caller == "" {
		return nil
	}
	return &atlassian.HistoryMetadata{
		Type: "scim", Description: "Request " + r.ID + " of " + r.Caller, Actor: atlassian.HistoryActor{ID: r.Caller, DisplayName: r.Caller, Type: "scim-caller"},
		Cause: atlassian.HistoryActor{ID: r.ID, Type: "scim-request"}, Generator: atlassian.HistoryActor{ID: "scim-atlassian", Type: "scim-server"},
	}
}

// screen returns the fields to send with a transition: those of fields that are on its screen,
// since it may refuse them before anything is done, and those that it requires, taken from doc.
func (r resolver) screen(ctx context.Context, t atlassian.Transition, current, doc query.Object, fields map[string]any) (map[string]any, error) {
	out := map[string]any{}
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(t.Fields)) {
		on := t.Fields[name]
		if v, ok := fields[name]; ok {
			out[name] = v
			continue
		}
		if !on.Required || on.HasDefaultValue {
			continue
		}
		i := slices.IndexFunc(r.fields, func(f issueField) bool { return f.field == name })
		if i < 0 {
			return nil, resource.InvalidValue("status: the transition %q requires the field %s, which this server cannot set.", t.Name, on.Name)
		}
		if name == "description" {
			i++ // the document, as it is
		}
		v, ok := r.fields[i].of(doc)
		if !ok {
			missing = append(missing, r.fields[i].attr+choices(on))
			continue
		}
		wire, err := r.wire(ctx, r.fields[i], v)
		if err != nil {
			return nil, err
		}
		out[name] = marked(wire, current)
	}
	if missing != nil {
		return nil, resource.InvalidValue("status: the transition %q requires %s; send it with the status.", t.Name, strings.Join(missing, ", "))
	}
	return out, field.Refuse(t.Fields, r.chosen(current, out))
}

// choices names the values that a field may be set to, "" if Jira does not say.
func choices(f atlassian.TransitionField) string {
	var names []string
	for _, v := range f.Choices() {
		if name := v.Name + v.Value; name != "" {
			names = append(names, fmt.Sprintf("%q", name))
		}
	}
	if names == nil {
		return ""
	}
	return " (one of " + strings.Join(names, ", ") + ")"
}
