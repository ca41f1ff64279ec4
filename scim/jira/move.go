package jira

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"scim-atlassian/atlassian"
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
func (b *issues) planMove(ctx context.Context, r resolver, current, doc query.Object, fields map[string]any) (*move, error) {
	target := doc.Inner("status").Without("category")
	if len(target) == 0 {
		return nil, resource.Mutability("status cannot be removed; an issue always has one.")
	}
	if query.Refers(target, current.Inner("status")) {
		return nil, nil
	}
	all, err := b.jira.Transitions(ctx, current.Text("id"))
	if err != nil {
		return nil, err
	}
	candidates, err := leading(all, target)
	if err != nil {
		return nil, err
	}
	var refusal error
	for _, t := range candidates {
		screen, err := r.screen(ctx, t, doc, fields)
		if err == nil {
			for name := range screen {
				delete(fields, name)
			}
			return &move{t, screen}, nil
		}
		if refusal == nil {
			refusal = err
		}
	}
	return nil, refusal
}

// leading returns the transitions to the target, a status by id or name. Of several
// statuses with the same name, only one may be in reach; that status is meant.
func leading(all []atlassian.Transition, target query.Object) ([]atlassian.Transition, error) {
	var found []atlassian.Transition
	var reachable, ambiguous []jql.Entry
	for _, t := range all {
		to := jql.Entry{ID: t.To.ID, Name: t.To.Name}
		if !slices.Contains(reachable, to) {
			reachable = append(reachable, to)
		}
		if !query.Refers(target, to.Object()) {
			continue
		}
		found = append(found, t)
		if !slices.Contains(ambiguous, to) {
			ambiguous = append(ambiguous, to)
		}
	}
	switch {
	case len(found) == 0:
		return nil, resource.InvalidValue("status: no transition leads to %s; from here one leads to %s.", resource.Describe(target), listing(reachable))
	case len(ambiguous) > 1:
		return nil, resource.InvalidValue("status: %s is ambiguous; give the id of one of %s.", resource.Describe(target), listing(ambiguous))
	}
	return found, nil
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
