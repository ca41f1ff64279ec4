package jira

import (
	"context"
	"maps"
	"net/url"
	"slices"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/catalogue"
	"scim-atlassian/scim/field"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// urnForm is the message that says what a screen wants.
const urnForm = "urn:scim-atlassian:params:scim:api:messages:jira:2.0:Form"

// Form implements resource.Former. Without an id it tells the attributes that a new
// issue takes in the project and of the issueType that the parameters name; with one,
// those that can be edited now, and the transitions with what their screens take.
func (b *issues) Form(ctx context.Context, id string, parameters url.Values) (query.Object, error) {
	form := query.Object{{Name: "schemas", Value: []any{urnForm}}}
	if id == "" {
		fields, err := b.createForm(ctx, parameters.Get("project"), parameters.Get("issueType"))
		form.Set("create", fields)
		return form, err
	}
	found, err := b.read(ctx, id, []string{"project"})
	if err != nil {
		return nil, err
	}
	id = found.Text("id")
	edit, err := b.jira.EditFields(ctx, id)
	if err != nil {
		return nil, err
	}
	form.Set("edit", b.formFields(edit))
	steps, err := b.jira.Transitions(ctx, id)
	if err != nil {
		return nil, err
	}
	list := make([]any, len(steps))
	for i, t := range steps {
		list[i] = query.Object{{Name: "id", Value: t.ID}, {Name: "name", Value: t.Name}, {Name: "to", Value: t.To.Name}, {Name: "fields", Value: b.formFields(t.Fields)}}
	}
	form.Set("transitions", list)
	return form, nil
}

func (b *issues) createForm(ctx context.Context, project, kind string) (any, error) {
	if project == "" || kind == "" {
		return nil, resource.InvalidValue("Say which project and issueType the form is for: .form?project=ACC&issueType=Access+request.")
	}
	projects, err := b.catalogues.Served(ctx, mirror.Need{})
	if err != nil {
		return nil, err
	}
	p, err := catalogue.PickNamed("project", projects, project)
	if err != nil {
		return nil, err
	}
	types, err := b.jira.ProjectStatuses(ctx, p)
	if err != nil {
		return nil, err
	}
	t, err := typeNamed(types, kind)
	if err != nil {
		return nil, err
	}
	screen, err := b.choices.New(ctx, field.Place{Project: p, Type: t})
	if err != nil {
		return nil, err
	}
	return b.formFields(screen), nil
}

// formFields describes fields of a screen that are attributes, and those that Jira
// requires though they are none, in the order of the schema.
func (b *issues) formFields(on field.Screen) []any {
	list := []any{}
	add := func(attribute, kind string, f atlassian.TransitionField) {
		o := query.Object{{Name: "attribute", Value: attribute}, {Name: "required", Value: f.Required && !f.HasDefaultValue}, {Name: "type", Value: kind}}
		var values []any
		for _, v := range f.Choices() {
			if name := v.Name + v.Value; name != "" {
				values = append(values, name)
			}
		}
		if values != nil {
			o.Set("canonicalValues", values)
		}
		list = append(list, o)
	}
	for _, f := range b.fields {
		screen, there := on[f.field]
		if !there || f.readOnly() {
			continue
		}
		kind := screen.Schema.Type
		if f.form == customForm {
			kind = string(f.custom.Type)
		}
		add(f.attr, kind, screen)
	}
	for _, id := range slices.Sorted(maps.Keys(on)) {
		if f := on[id]; f.Required && !f.HasDefaultValue && b.attributeOf(id) == id && !slices.ContainsFunc(b.fields, func(known issueField) bool { return known.field == id }) {
			add(id, f.Schema.Type, f)
		}
	}
	return list
}
