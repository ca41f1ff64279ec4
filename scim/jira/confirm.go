package jira

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/field"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// This file compares an issue after a write with what was asked for.

// changedIn lists the attributes in which doc differs from current, in the order
// of the schema. With a nil current these are all that doc has.
func (b *issues) changedIn(doc, current query.Object) []issueField {
	var changed []issueField
	for _, f := range b.fields {
		want, given := f.of(doc)
		have, had := f.of(current)
		if f.readOnly() || !given && !had || given && had && f.agrees(want, have) {
			continue
		}
		changed = append(changed, f)
	}
	return changed
}

// readOnly reports whether clients cannot write the attribute.
func (f issueField) readOnly() bool {
	return f.form == timeForm || f.attr == "creator" || f.form == customForm && f.custom.Type == field.Unknown
}

// unconfirmed returns an error that names those of the changed attributes which are
// not as doc has them, nil if there are none: Jira may ignore a value without an
// error, and a workflow may set another. More attributes may be known to be so.
func unconfirmed(changed []issueField, doc, found query.Object, not ...string) error {
	var done []string
	for _, f := range changed {
		want, given := f.of(doc)
		got, there := f.of(found)
		if given && !f.agrees(want, got) || !given && there {
			not = append(not, f.attr)
		} else {
			done = append(done, f.attr)
		}
	}
	if not == nil {
		return nil
	}
	e := resource.Refuse(http.StatusBadGateway, "", "Jira accepted the request, but these attributes of %s are not what was asked for: %s.",
		found.Text("key"), strings.Join(not, ", "))
	if done != nil {
		e.Detail += " Done: " + strings.Join(done, ", ") + "."
	}
	e.Partial = true
	return e
}

// remarkSideEffects tells the audit which attributes changed though the write did
// not mean them.
func (b *issues) remarkSideEffects(ctx context.Context, changed []issueField, before, found query.Object) {
	var names []string
	for _, f := range b.changedIn(found, before) {
		if !slices.ContainsFunc(changed, func(c issueField) bool { return c.field == f.field }) {
			names = append(names, f.attr)
		}
	}
	if names != nil {
		resource.RequestOf(ctx).Remark("sideEffects", names)
	}
}

// attributesOf names the attributes whose fields a write sets.
func (b *issues) attributesOf(fields map[string]any) []string {
	names := slices.Collect(maps.Keys(fields))
	for i, name := range names {
		names[i] = b.attributeOf(name)
	}
	slices.Sort(names)
	return names
}

// attributeOf returns the attribute that a field of Jira is, or the field's own name.
func (b *issues) attributeOf(id string) string {
	if id == "comment" {
		return "comments"
	}
	for _, f := range b.fields {
		if f.field == id {
			return f.attr
		}
	}
	return id
}

// named returns an error of Jira about fields with the names of the attributes in
// place of theirs. It names every field that Jira complains about.
func (b *issues) named(err error) error {
	var e *atlassian.Error
	if !errors.As(err, &e) || len(e.Fields) == 0 || e.Kind != atlassian.Invalid {
		return err
	}
	var parts []string
	for _, id := range slices.Sorted(maps.Keys(e.Fields)) {
		parts = append(parts, b.attributeOf(id)+": "+e.Fields[id])
	}
	refusal := resource.InvalidValue("Jira refused the request. %s", strings.Join(parts, " "))
	refusal.Err = err
	return refusal
}
