package jira

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/catalogue"
	"scim-atlassian/scim/jql"
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
	t, err := leading(all, target, named)
	if err != nil {
		if there {
			return nil, nil // somebody has taken it already
		}
		return nil, err
	}
	screen, err := r.screen(ctx, t, *doc, fields)
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

// leading returns the transition to the target, a status by id or name; one with the id
// or name named, unless that is empty. Of several statuses with the same name, only one
// may be in reach; that status is meant. Of several transitions one must be named.
func leading(all []atlassian.Transition, target query.Object, named string) (atlassian.Transition, error) {
	var found []atlassian.Transition
	var reachable, ambiguous []jql.Entry
	for _, t := range all {
		to := jql.Entry{ID: t.To.ID, Name: t.To.Name}
		if !slices.Contains(reachable, to) {
			reachable = append(reachable, to)
		}
		if len(target) > 0 && !query.Refers(target, to.Object()) || named != "" && t.ID != named && !strings.EqualFold(t.Name, named) {
			continue
		}
		found = append(found, t)
		if !slices.Contains(ambiguous, to) {
			ambiguous = append(ambiguous, to)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) == 0 && named != "":
		return atlassian.Transition{}, resource.InvalidValue("status.transition: %s is not possible from here%s; possible are %s.", resource.InQuotes(named), towards(target), edges(all))
	case len(found) == 0:
		return atlassian.Transition{}, resource.InvalidValue("status: no transition leads to %s; from here one leads to %s.", resource.Describe(target), catalogue.Listing(reachable))
	case len(ambiguous) > 1:
		return atlassian.Transition{}, resource.InvalidValue("status: %s is ambiguous; give the id of one of %s.", resource.Describe(target), catalogue.Listing(ambiguous))
	}
	return atlassian.Transition{}, resource.InvalidValue("status: several transitions lead to %s; name one of them in status.transition: %s.", found[0].To.Name, edges(found))
}

func towards(target query.Object) string {
	if len(target) == 0 {
		return ""
	}
	return " to " + resource.Describe(target)
}

// edges names transitions for a message.
func edges(all []atlassian.Transition) string {
	if len(all) == 0 {
		return "none"
	}
	var parts []string
	for _, t := range all {
		text := fmt.Sprintf("%q (id %s)", t.Name, t.ID)
		if t.HasScreen {
			text += " with a screen"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

// screen returns the fields to send with a transition: the resolution, if fields
// has it, and the fields that the transition requires, taken from doc.
func (r resolver) screen(ctx context.Context, t atlassian.Transition, doc query.Object, fields map[string]any) (map[string]any, error) {
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(t.Fields)) {
		on := t.Fields[name]
		if v, ok := fields[name]; ok && (name == "resolution" || name == "description") {
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
			return nil, resource.InvalidValue("status: the transition %q requires %s%s; send it with the status.", t.Name, r.fields[i].attr, choices(on))
		}
		wire, err := r.wire(ctx, r.fields[i], v)
		if err != nil {
			return nil, err
		}
		out[name] = wire
	}
	return out, nil
}

// choices names the values that a field may be set to, "" if Jira does not say.
func choices(f atlassian.TransitionField) string {
	var names []string
	for _, v := range f.AllowedValues {
		if v.Name != "" {
			names = append(names, fmt.Sprintf("%q", v.Name))
		}
	}
	if names == nil {
		return ""
	}
	return " (one of " + strings.Join(names, ", ") + ")"
}
