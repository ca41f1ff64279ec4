package jira

import (
	"context"
	"slices"
	"strings"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/adf"
	"scim-atlassian/scim/around"
	"scim-atlassian/scim/catalogue"
	"scim-atlassian/scim/field"
	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/once"
	"scim-atlassian/scim/person"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/richtext"
)

// form says how a field of Jira holds the value of an attribute.
type form uint8

const (
	textForm     form = iota // a string
	bodyForm                 // an Atlassian document, as text
	adfForm                  // an Atlassian document, as JSON in a string
	wordsForm                // a list of strings, whose order means nothing
	choiceForm               // an object with an id
	manyForm                 // a list of objects with ids
	personForm               // an object with an accountId
	parentForm               // an object with id or key
	timeForm                 // read only
	linksForm                // links to other issues, which are no part of an edit
	namedForm                // an object with id and name, which Jira looks up
	estimateForm             // a member of the time tracking, called as the attribute is
	customForm               // as package field has it
)

// environment is an attribute that is rich text, too.
const environment = "environment"

// issueField is a row of the mapping between attributes and Jira's fields.
type issueField struct {
	attr  string
	field string
	form  form
	kind  jql.CatalogueKind // of choiceForm and manyForm
	kept  bool              // a PUT that leaves it out does not clear it, since Jira or the workflow sets it

	custom field.Custom // of customForm
}

// of returns the value of the attribute in a resource.
func (f issueField) of(o query.Object) (any, bool) {
	if f.form == customForm {
		return o.Inner(field.URN).Get(f.custom.Name)
	}
	return o.Get(f.attr)
}

// put sets the value of the attribute in a resource, which nobody else has.
func (f issueField) put(o *query.Object, v any) {
	if f.form != customForm {
		o.Set(f.attr, v)
		return
	}
	extension := o.Inner(field.URN).Clone()
	extension.Set(f.custom.Name, v)
	o.Set(field.URN, extension)
}

// withCustom returns the mapping with the custom fields of a set.
func withCustom(set field.Set) []issueField {
	all := slices.Clone(issueFields)
	for _, c := range set {
		all = append(all, issueField{attr: c.Path(), field: c.ID(), form: customForm, custom: c})
	}
	return all
}

// issueFields is the mapping, in the order of the schema.
var issueFields = []issueField{
	{attr: "project", field: "project", form: choiceForm, kind: jql.ProjectCatalogue, kept: true},
	{attr: "issueType", field: "issuetype", form: choiceForm, kind: jql.TypeCatalogue, kept: true},
	{attr: "summary", field: "summary", form: textForm, kept: true},
	{attr: richtext.Text, field: "description", form: bodyForm},
	{attr: richtext.ADF, field: "description", form: adfForm, kept: true},
	{attr: "status", field: "status", form: choiceForm, kind: jql.StatusCatalogue, kept: true},
	{attr: "priority", field: "priority", form: choiceForm, kind: jql.PriorityCatalogue, kept: true},
	{attr: "resolution", field: "resolution", form: choiceForm, kind: jql.ResolutionCatalogue, kept: true},
	{attr: "assignee", field: "assignee", form: personForm},
	{attr: "reporter", field: "reporter", form: personForm, kept: true},
	{attr: "creator", field: "creator", form: personForm, kept: true},
	{attr: "labels", field: "labels", form: wordsForm},
	{attr: "components", field: "components", form: manyForm, kind: jql.ComponentCatalogue},
	{attr: "fixVersions", field: "fixVersions", form: manyForm, kind: jql.VersionCatalogue},
	{attr: "parent", field: "parent", form: parentForm},
	{attr: "dueDate", field: "duedate", form: textForm},
	{attr: environment, field: "environment", form: bodyForm},
	{attr: "affectsVersions", field: "versions", form: manyForm, kind: jql.VersionCatalogue},
	{attr: "securityLevel", field: "security", form: namedForm, kept: true},
	{attr: "originalEstimate", field: "timetracking", form: estimateForm},
	{attr: "remainingEstimate", field: "timetracking", form: estimateForm},
	{attr: "links", field: "issuelinks", form: linksForm},
	{attr: "created", field: "created", form: timeForm},
	{attr: "updated", field: "updated", form: timeForm},
	{attr: "resolved", field: "resolutiondate", form: timeForm},
}

// fieldFor returns the field that an attribute is read from. It reports false for
// an attribute without one.
func (b *issues) fieldFor(attr string) (string, bool) {
	switch attr {
	case "meta.created":
		return "created", true
	case "meta.lastModified":
		return "updated", true
	}
	i := slices.IndexFunc(b.fields, func(f issueField) bool { return f.attr == attr })
	if i < 0 {
		return "", false
	}
	return b.fields[i].field, true
}

// neededFields returns the fields to fetch for an answer, in a stable order. The
// project is always among them, since it decides whether the issue is served.
func (b *issues) neededFields(want query.Projection, filter query.Expr, sortBy *query.Path) []string {
	if want == (query.Projection{}) {
		return b.everything
	}
	named := query.AttributesOf(filter)
	if sortBy != nil {
		named = append(named, query.PathOf(query.Present{Path: *sortBy}))
	}
	if want.Wants("meta.version") || slices.Contains(named, "meta.version") || slices.Contains(named, "meta") {
		return b.everything // the version is computed from all attributes
	}
	return b.fieldsOf(func(name string) bool {
		return want.Wants(name) || slices.Contains(named, name[strings.LastIndexByte(name, ':')+1:])
	})
}

// fieldsOf returns the fields of the project and of those attributes that are needed.
func (b *issues) fieldsOf(needed func(attribute string) bool) []string {
	names := []string{"meta.created", "meta.lastModified"}
	for _, f := range b.fields {
		names = append(names, f.attr)
	}
	var fields []string
	for _, name := range names {
		field, _ := b.fieldFor(name)
		if (name == "project" || needed(name)) && !slices.Contains(fields, field) {
			fields = append(fields, field)
		}
	}
	return slices.Clip(fields)
}

// object returns an issue as a SCIM resource, with the attributes whose fields were
// fetched.
func (b *issues) object(ctx context.Context, i *atlassian.Issue) (query.Object, error) {
	f := i.Fields
	description, err := b.texts.Of(ctx, f.Description)
	if err != nil {
		return nil, &resource.Error{Status: 502, Detail: "The description of " + i.Key + " cannot be read.", Err: err}
	}
	surroundings, err := adf.Text(f.Environment)
	if err != nil {
		return nil, &resource.Error{Status: 502, Detail: "The environment of " + i.Key + " cannot be read.", Err: err}
	}
	var o objectBuilder
	o.add("id", i.ID)
	o.add("externalId", once.IDOf(i))
	o.addObject("meta", func(o *objectBuilder) {
		o.add("resourceType", "Issue")
		o.addTime("created", f.Created.Time)
		o.addTime("lastModified", f.Updated.Time)
	})
	o.add("key", i.Key)
	addEntry(&o, "project", f.Project, func(p atlassian.Project) jql.Entry { return jql.Entry{ID: p.ID, Key: p.Key, Name: p.Name} })
	addEntry(&o, "issueType", f.IssueType, func(t atlassian.IssueType) jql.Entry { return jql.Entry{ID: t.ID, Name: t.Name} })
	o.add("summary", f.Summary)
	o.add(richtext.Text, description)
	if string(f.Description) != "null" {
		o.add(richtext.ADF, string(f.Description))
	}
	addEntry(&o, "status", f.Status, func(s atlassian.Status) jql.Entry {
		return jql.Entry{ID: s.ID, Name: s.Name, Category: s.Category.Name}
	})
	addEntry(&o, "priority", f.Priority, catalogue.Named)
	addEntry(&o, "resolution", f.Resolution, catalogue.Named)
	o.addPerson("assignee", f.Assignee, b.people)
	o.addPerson("reporter", f.Reporter, b.people)
	o.addPerson("creator", f.Creator, b.people)
	addAll(&o, "labels", withoutMarkers(f.Labels), func(s string) any { return s })
	addAll(&o, "components", f.Components, func(n atlassian.Named) any { return catalogue.Named(n).Object() })
	addAll(&o, "fixVersions", f.FixVersions, func(n atlassian.Named) any { return catalogue.Named(n).Object() })
	if p := f.Parent; p != nil {
		o.addObject("parent", func(o *objectBuilder) { o.add("id", p.ID); o.add("key", p.Key) })
	}
	o.add("dueDate", f.DueDate)
	o.add(environment, surroundings)
	addAll(&o, "affectsVersions", f.Versions, func(n atlassian.Named) any { return catalogue.Named(n).Object() })
	addEntry(&o, "securityLevel", f.Security, catalogue.Named)
	addAll(&o, "links", around.Links(f.Links), func(v any) any { return v })
	o.add("originalEstimate", f.TimeTracking.OriginalEstimate)
	o.add("remainingEstimate", f.TimeTracking.RemainingEstimate)
	o.addTime("created", f.Created.Time)
	o.addTime("updated", f.Updated.Time)
	o.addTime("resolved", f.ResolutionDate.Time)
	extension, err := b.customOf(i)
	if len(extension) > 0 {
		o.set(field.URN, extension)
	}
	return o.Object, err
}

// customOf returns the custom fields of an issue that were fetched.
func (b *issues) customOf(i *atlassian.Issue) (query.Object, error) {
	var o objectBuilder
	for _, f := range b.fields {
		raw, fetched := i.Fields.Custom[f.field]
		if f.form != customForm || !fetched {
			continue
		}
		v, err := f.custom.Read(raw)
		if err != nil {
			return nil, err
		}
		if f.isPerson() {
			v = b.people.Show(v)
		}
		if v != nil {
			o.set(f.custom.Name, v)
		}
	}
	return o.Object, nil
}

// withoutMarkers returns the labels that people have set.
func withoutMarkers(labels []string) []string {
	if !slices.ContainsFunc(labels, jql.IsMarker) {
		return labels
	}
	return slices.DeleteFunc(slices.Clone(labels), jql.IsMarker)
}

// objectBuilder builds a resource and leaves out attributes without a value.
type objectBuilder struct{ query.Object }

func (o *objectBuilder) set(name string, v any) {
	o.Object = append(o.Object, query.Member{Name: name, Value: v})
}

func (o *objectBuilder) add(name, value string) {
	if value != "" {
		o.set(name, value)
	}
}

func (o *objectBuilder) addTime(name string, t time.Time) {
	if !t.IsZero() {
		o.set(name, t)
	}
}

func (o *objectBuilder) addObject(name string, build func(*objectBuilder)) {
	var inner objectBuilder
	build(&inner)
	o.set(name, inner.Object)
}

func addEntry[T any](o *objectBuilder, name string, v *T, entry func(T) jql.Entry) {
	if v != nil {
		o.set(name, entry(*v).Object())
	}
}

func (o *objectBuilder) addPerson(name string, a *atlassian.Account, people person.Directory) {
	if a != nil {
		o.set(name, people.Show(jql.Entry{ID: a.AccountID, Name: a.DisplayName, Active: a.Active}.Person()))
	}
}

func addAll[T any](o *objectBuilder, name string, all []T, value func(T) any) {
	if len(all) == 0 {
		return
	}
	list := make([]any, 0, len(all))
	for _, v := range all {
		list = append(list, value(v))
	}
	o.set(name, list)
}
