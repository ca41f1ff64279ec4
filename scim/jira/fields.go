package jira

import (
	"context"
	"slices"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/once"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// form says how a field of Jira holds the value of an attribute.
type form uint8

const (
	textForm   form = iota // a string
	bodyForm               // an Atlassian document, as text
	adfForm                // an Atlassian document, as JSON in a string
	wordsForm              // a list of strings, whose order means nothing
	choiceForm             // an object with an id
	manyForm               // a list of objects with ids
	personForm             // an object with an accountId
	parentForm             // an object with id or key
	timeForm               // read only
)

// issueField is a row of the mapping between attributes and Jira's fields.
type issueField struct {
	attr  string
	field string
	form  form
	kind  jql.CatalogueKind // of choiceForm and manyForm
	kept  bool              // a PUT that leaves it out does not clear it, since Jira or the workflow sets it
}

// issueFields is the mapping, in the order of the schema.
var issueFields = []issueField{
	{attr: "project", field: "project", form: choiceForm, kind: jql.ProjectCatalogue, kept: true},
	{attr: "issueType", field: "issuetype", form: choiceForm, kind: jql.TypeCatalogue, kept: true},
	{attr: "summary", field: "summary", form: textForm, kept: true},
	{attr: textAttr, field: "description", form: bodyForm},
	{attr: adfAttr, field: "description", form: adfForm, kept: true},
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
	{attr: "created", field: "created", form: timeForm},
	{attr: "updated", field: "updated", form: timeForm},
	{attr: "resolved", field: "resolutiondate", form: timeForm},
}

// fieldFor returns the field that an attribute is read from. It reports false for
// an attribute without one.
func fieldFor(attr string) (string, bool) {
	switch attr {
	case "meta.created":
		return "created", true
	case "meta.lastModified":
		return "updated", true
	}
	i := slices.IndexFunc(issueFields, func(f issueField) bool { return f.attr == attr })
	if i < 0 {
		return "", false
	}
	return issueFields[i].field, true
}

// neededFields returns the fields to fetch for an answer, in a stable order. The
// project is always among them, since it decides whether the issue is served.
func neededFields(want query.Projection, filter query.Expr, sortBy *query.Path) []string {
	named := query.AttributesOf(filter)
	if sortBy != nil {
		named = append(named, query.PathOf(query.Present{Path: *sortBy}))
	}
	if want.Wants("meta.version") || slices.Contains(named, "meta.version") || slices.Contains(named, "meta") {
		want = query.Projection{} // the version is computed from all attributes
	}
	names := []string{"meta.created", "meta.lastModified"}
	for _, f := range issueFields {
		names = append(names, f.attr)
	}
	var fields []string
	for _, name := range names {
		field, _ := fieldFor(name)
		needed := name == "project" || want.Wants(name) || slices.Contains(named, name)
		if needed && !slices.Contains(fields, field) {
			fields = append(fields, field)
		}
	}
	return fields
}

// allFields returns the fields of a whole resource.
func allFields() []string { return neededFields(query.Projection{}, nil, nil) }

// issueObject returns an issue as a SCIM resource, with the attributes whose
// fields were fetched.
func issueObject(ctx context.Context, i *atlassian.Issue) (query.Object, error) {
	f := i.Fields
	description, err := textOf(ctx, f.Description)
	if err != nil {
		return nil, &resource.Error{Status: 502, Detail: "The description of " + i.Key + " cannot be read.", Err: err}
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
	o.add(textAttr, description)
	if string(f.Description) != "null" {
		o.add(adfAttr, string(f.Description))
	}
	addEntry(&o, "status", f.Status, func(s atlassian.Status) jql.Entry {
		return jql.Entry{ID: s.ID, Name: s.Name, Category: s.Category.Name}
	})
	addEntry(&o, "priority", f.Priority, namedEntry)
	addEntry(&o, "resolution", f.Resolution, namedEntry)
	o.addPerson("assignee", f.Assignee)
	o.addPerson("reporter", f.Reporter)
	o.addPerson("creator", f.Creator)
	addAll(&o, "labels", withoutMarkers(f.Labels), func(s string) any { return s })
	addAll(&o, "components", f.Components, func(n atlassian.Named) any { return namedEntry(n).Object() })
	addAll(&o, "fixVersions", f.FixVersions, func(n atlassian.Named) any { return namedEntry(n).Object() })
	if p := f.Parent; p != nil {
		o.addObject("parent", func(o *objectBuilder) { o.add("id", p.ID); o.add("key", p.Key) })
	}
	o.add("dueDate", f.DueDate)
	o.addTime("created", f.Created.Time)
	o.addTime("updated", f.Updated.Time)
	o.addTime("resolved", f.ResolutionDate.Time)
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

func (o *objectBuilder) addPerson(name string, a *atlassian.Account) {
	if a != nil {
		o.set(name, jql.Entry{ID: a.AccountID, Name: a.DisplayName}.Person())
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
