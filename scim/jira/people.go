package jira

import (
	"context"
	"slices"

	"scim-atlassian/scim/field"
	"scim-atlassian/scim/person"
	"scim-atlassian/scim/query"
)

// isPerson reports whether the value is an account, or several.
func (f issueField) isPerson() bool {
	return f.form == personForm || f.form == customForm && (f.custom.Type == field.User || f.custom.Type == field.Users)
}

// withAccounts returns doc with every person by account id, where it differs from
// current.
func (b *issues) withAccounts(ctx context.Context, doc, current query.Object) (query.Object, error) {
	doc = doc.Clone()
	for _, f := range b.fields {
		v, given := f.of(doc)
		have, _ := f.of(current)
		if !given || !f.isPerson() || f.readOnly() || query.Equal(query.Object{{Value: v}}, query.Object{{Value: have}}) {
			continue
		}
		named, err := b.people.IDs(ctx, f.attr, v, have)
		if err != nil {
			return nil, err
		}
		f.put(&doc, named)
	}
	return doc, nil
}

// participant returns the account id of a person who takes part in a request.
func (b *issues) participant(ctx context.Context) func(query.Object) (string, error) {
	return func(o query.Object) (string, error) { return b.people.ID(ctx, "participants", o) }
}

// Lasting returns an issue without what the directory says of its people, which is no
// part of the issue.
func (b *Issues) Lasting(o query.Object) query.Object { return b.withPeople(o, person.Hide) }

// Shown returns what Lasting got.
func (b *Issues) Shown(o query.Object) query.Object { return b.withPeople(o, b.people.Show) }

func (b *Issues) withPeople(o query.Object, as func(any) any) query.Object {
	out := slices.Clone(o)
	for _, f := range b.fields {
		if !f.isPerson() {
			continue
		}
		if v, there := f.of(out); there {
			f.put(&out, as(v))
		}
	}
	return out
}
