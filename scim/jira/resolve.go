package jira

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/catalogue"
	"scim-atlassian/scim/field"
	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/richtext"
)

// resolver turns values of attributes into values of Jira's fields, for issues of
// one project.
type resolver struct {
	*issues
	project string // id
}

// changes returns the fields in which doc differs from current. A nil value clears
// a field. A reference by name is resolved to an id.
func (r resolver) changes(ctx context.Context, current, doc query.Object) (map[string]any, error) {
	fields := map[string]any{}
	document, changed, err := richtext.Describe(ctx, current, doc)
	if err != nil {
		return nil, err
	}
	if changed {
		fields["description"] = document
	}
	for _, f := range r.fields {
		want, given := f.of(doc)
		have, had := f.of(current)
		if f.readOnly() || f.attr == "status" || f.form == linksForm || !given && (!had || f.attr == "project") {
			continue
		}
		if f.field == "description" || had && given && f.agrees(want, have) {
			continue
		}
		value, err := r.wireChange(ctx, f, want, current, doc)
		if err != nil {
			return nil, err
		}
		value = marked(value, current)
		if estimate, ok := value.(map[string]any); ok && f.form == estimateForm {
			if other, ok := fields[f.field].(map[string]any); ok {
				maps.Copy(estimate, other)
			}
		}
		fields[f.field] = value
	}
	return fields, nil
}

// marked returns a value of a field, labels with that by which the externalId of current is found.
func marked(value any, current query.Object) any {
	if labels, ok := value.([]string); ok && current.Text("externalId") != "" {
		return append(labels, jql.Marker(current.Text("externalId")))
	}
	return value
}

// checkEdit refuses fields of an edit that the issue cannot have. Of an edit that follows a move it
// also refuses those that the screen does not show: the move could not be taken back.
func (r resolver) checkEdit(ctx context.Context, current query.Object, m *move, fields map[string]any) error {
	place, chosen := field.Place{Project: r.project, Type: current.Inner("issueType").Text("id")}, r.chosen(current, fields)
	if kind, ok := fields["issuetype"].(map[string]any); ok {
		place.Type, _ = kind["id"].(string)
		return r.choices.CheckNew(ctx, place, chosen)
	}
	if m == nil || len(fields) == 0 {
		return r.choices.CheckEdit(ctx, place, current.Text("id"), chosen)
	}
	screen, err := r.jira.EditFields(ctx, current.Text("id"))
	if err != nil {
		return err
	}
	off := maps.Clone(fields)
	maps.DeleteFunc(off, func(id string, _ any) bool { _, shown := screen[id]; return shown || id == "parent" })
	if len(screen) > 0 && len(off) > 0 { // an issue that cannot be edited before the move has no screen
		return resource.InvalidValue("%s: neither the screen of the transition %q nor that for edits shows it, so that Jira would refuse it after the transition.",
			strings.Join(r.attributesOf(off), ", "), m.transition.Name)
	}
	return field.Refuse(screen, chosen)
}

// chosen lists those values of a write that are chosen from lists of the issue's own, and that
// current does not have.
func (r resolver) chosen(current query.Object, fields map[string]any) []field.Choice {
	var all []field.Choice
	for _, f := range r.fields {
		value, given := fields[f.field]
		if !given || f.attr != "securityLevel" && (f.form != customForm || !f.custom.Chosen()) {
			continue
		}
		var had any
		if have, there := f.of(current); there && f.form == customForm {
			had, _ = f.custom.Wire(have)
		}
		for _, one := range elements(value) {
			if !slices.ContainsFunc(elements(had), func(h any) bool { return reflect.DeepEqual(h, one) }) {
				all = append(all, field.Choice{Attribute: f.attr, Field: f.field, Value: one})
			}
		}
	}
	return all
}

// elements lists the values of a field that is written: none, one or several.
func elements(value any) []any {
	switch v := value.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{value}
}

// wireChange returns the value of a field that is to change. A paragraph is read as it
// is now, since its blocks stay that do not change.
func (r resolver) wireChange(ctx context.Context, f issueField, want any, current, doc query.Object) (any, error) {
	if !f.isText() {
		return r.wire(ctx, f, want)
	}
	var present []byte
	if _, had := f.of(current); had {
		issue, err := r.jira.Issue(ctx, current.Text("id"), []string{f.field})
		if err != nil {
			return nil, err
		}
		if present = issue.Fields.Custom[f.field]; f.attr == environment {
			present = issue.Fields.Environment
		}
	}
	text, _ := want.(string)
	return richtext.Update(f.attr[strings.LastIndexByte(f.attr, ':')+1:], present, text, doc)
}

// isText reports whether the field holds rich text, other than the description.
func (f issueField) isText() bool {
	return f.attr == environment || f.form == customForm && f.custom.Type == field.Paragraph
}

// wire returns the value of a field for Jira, nil or an empty list to clear it.
func (r resolver) wire(ctx context.Context, f issueField, v any) (any, error) {
	object, _ := v.(query.Object)
	switch f.form {
	case textForm:
		return wireText(f, v)
	case adfForm:
		s, _ := v.(string)
		return richtext.Document([]byte(s)), nil
	case wordsForm:
		return slices.DeleteFunc(append([]string{}, words(v)...), jql.IsMarker), nil
	case manyForm:
		return r.wireMany(ctx, f, v)
	case estimateForm:
		s, _ := v.(string)
		return map[string]any{f.attr: s}, nil
	case bodyForm:
		return r.wireChange(ctx, f, v, nil, nil)
	case customForm:
		if f.isText() {
			return r.wireChange(ctx, f, v, nil, nil)
		}
		return f.custom.Wire(v)
	}
	if len(object) == 0 {
		return nil, nil
	}
	switch f.form {
	case personForm:
		return map[string]any{"accountId": object.Text("value")}, nil
	case parentForm:
		return wireParent(object)
	case namedForm:
		if id := object.Text("id"); id != "" {
			return map[string]any{"id": id}, nil
		}
		return map[string]any{"name": object.Text("name")}, nil
	}
	id, err := r.idOf(ctx, f, object)
	return map[string]any{"id": id}, err
}

// maxSummary is the length of a summary, in characters, that Jira accepts.
const maxSummary = 255

func wireText(f issueField, v any) (any, error) {
	s, _ := v.(string)
	if s == "" {
		return nil, nil
	}
	if f.attr == "summary" && (utf8.RuneCountInString(s) > maxSummary || strings.ContainsAny(s, "\r\n")) {
		return nil, resource.InvalidValue("summary must be one line of at most %d characters.", maxSummary)
	}
	if f.attr == "dueDate" {
		if _, err := time.Parse(time.DateOnly, s); err != nil {
			return nil, resource.InvalidValue("dueDate is %q; write a day as YYYY-MM-DD.", resource.Clip(s))
		}
	}
	return s, nil
}

func wireParent(o query.Object) (any, error) {
	if id := o.Text("id"); id != "" {
		return map[string]any{"id": id}, nil
	}
	if key := o.Text("key"); key != "" {
		return map[string]any{"key": key}, nil
	}
	return nil, resource.InvalidValue("parent needs an id or a key.")
}

func (r resolver) wireMany(ctx context.Context, f issueField, v any) (any, error) {
	list, _ := v.([]any)
	out := make([]any, 0, len(list))
	for _, e := range list {
		object, _ := e.(query.Object)
		id, err := r.idOf(ctx, f, object)
		if err != nil {
			return nil, err
		}
		out = append(out, map[string]any{"id": id})
	}
	return out, nil
}

// idOf returns the id that a reference means, by the catalogue of the field. A
// reference by id alone is not looked up: Jira refuses an unknown id.
func (r resolver) idOf(ctx context.Context, f issueField, given query.Object) (string, error) {
	if id := given.Text("id"); id != "" && len(given) == 1 {
		return id, nil
	}
	entries, err := r.entries(ctx, f.kind)
	if err != nil {
		return "", err
	}
	e, err := catalogue.Pick(f.attr, entries, given)
	return e.ID, err
}

// entries returns the entries that an issue of the project may have.
func (r resolver) entries(ctx context.Context, kind jql.CatalogueKind) ([]jql.Entry, error) {
	switch kind {
	case jql.ComponentCatalogue:
		return r.catalogues.Components(ctx, r.project)
	case jql.VersionCatalogue:
		return r.catalogues.Versions(ctx, r.project)
	}
	all, err := r.catalogues.Entries(ctx, mirror.Need{}, kind)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(all), func(e jql.Entry) bool {
		return e.Project != "" && e.Project != r.project
	}), nil
}

// typeNamed returns the id of the type of a project with an id or name.
func typeNamed(types []atlassian.TypeStatuses, name string) (string, error) {
	var entries []jql.Entry
	for _, t := range types {
		entries = append(entries, jql.Entry{ID: t.ID, Name: t.Name})
	}
	return catalogue.PickNamed("issueType", entries, name)
}
