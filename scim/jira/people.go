package jira

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"scim-atlassian/scim/field"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// AccountOf returns the account id of the User whose attribute ("id", "userName" or
// "email") has a value, and how many Users have it: not one means that there is no
// account, or that there are several.
type AccountOf func(ctx context.Context, attribute, value string) (accountID string, users int, err error)

// accountID is the form of the ids of accounts, old and new ones.
var accountID = regexp.MustCompile(`^[0-9a-f]{24}$|^[0-9A-Za-z]+:`)

// isPerson reports whether the value is an account, or several.
func (f issueField) isPerson() bool {
	return f.form == personForm || f.form == customForm && (f.custom.Type == field.User || f.custom.Type == field.Users)
}

// withAccounts returns doc with every person by account id, where it differs from
// current. A person may be given by id, or by userName, e-mail address or $ref of a
// User; a bare text is any of the first three.
func (b *issues) withAccounts(ctx context.Context, doc, current query.Object) (query.Object, error) {
	doc = doc.Clone()
	for _, f := range b.fields {
		v, given := f.of(doc)
		if have, _ := f.of(current); !given || !f.isPerson() || f.readOnly() || query.Equal(query.Object{{Value: v}}, query.Object{{Value: have}}) {
			continue
		}
		named, err := b.accountsIn(ctx, f, v)
		if err != nil {
			return nil, err
		}
		f.put(&doc, named)
	}
	return doc, nil
}

func (b *issues) accountsIn(ctx context.Context, f issueField, v any) (any, error) {
	if list, ok := v.([]any); ok {
		out := make([]any, len(list))
		for i, e := range list {
			var err error
			if out[i], err = b.accountsIn(ctx, f, e); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	o, _ := v.(query.Object)
	id, err := b.personIn(ctx, f, o)
	if err != nil || id == "" {
		return v, err
	}
	return query.Object{{Name: "value", Value: id}}, nil
}

// personIn returns the account id of a person; "" for a value that names nobody.
func (b *issues) personIn(ctx context.Context, f issueField, o query.Object) (string, error) {
	for _, way := range []string{"userName", "email", "$ref"} {
		value := o.Text(way)
		switch {
		case value == "":
			continue
		case o.Text("value") != "":
			return "", resource.InvalidValue("%s: give one of value and %s.", f.attr, way)
		case way == "$ref":
			at := strings.LastIndexByte(value, '/')
			id, err := url.PathUnescape(value[at+1:])
			if err != nil || !strings.Contains(strings.ToLower(value[:max(at, 0)]), "users") {
				return "", resource.InvalidValue("%s: $ref %s is no location of a User.", f.attr, resource.InQuotes(value))
			}
			return b.account(ctx, f, "id", id)
		}
		return b.account(ctx, f, way, value)
	}
	value := o.Text("value")
	if value == "" || accountID.MatchString(value) {
		return value, nil
	}
	if strings.Contains(value, "@") {
		id, users, err := b.lookUpAccount(ctx, "userName", value)
		if err != nil || users == 1 {
			return id, err
		}
		return b.account(ctx, f, "email", value)
	}
	return b.account(ctx, f, "userName", value)
}

func (b *issues) lookUpAccount(ctx context.Context, attribute, value string) (string, int, error) {
	if b.accountOf == nil {
		return "", 0, nil
	}
	return b.accountOf(ctx, attribute, value)
}

// account returns the account id of the only User with a value, or refuses it.
func (b *issues) account(ctx context.Context, f issueField, attribute, value string) (string, error) {
	const ways = "name a person by value (account id), userName, email or $ref"
	id, users, err := b.lookUpAccount(ctx, attribute, value)
	switch {
	case err != nil:
		return "", err
	case users == 0:
		return "", resource.InvalidValue("%s: no User has the %s %s; %s.", f.attr, attribute, resource.InQuotes(value), ways)
	case users > 1:
		return "", resource.InvalidValue("%s: %d Users have the %s %s; %s.", f.attr, users, attribute, resource.InQuotes(value), ways)
	case id == "":
		return "", resource.InvalidValue("%s: the User with the %s %s has no Atlassian account yet; %s.", f.attr, attribute, resource.InQuotes(value), ways)
	}
	return id, nil
}

// withAccountsIn returns a filter in which people are compared by account id where it
// compares them by userName. That takes eq and ne only.
func (b *issues) withAccountsIn(ctx context.Context, e query.Expr) (query.Expr, error) {
	terms := func(list []query.Expr) ([]query.Expr, error) {
		out := slices.Clone(list)
		for i, t := range out {
			var err error
			if out[i], err = b.withAccountsIn(ctx, t); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	switch e := e.(type) {
	case query.And:
		list, err := terms(e.Terms)
		return query.And{Terms: list}, err
	case query.Or:
		list, err := terms(e.Terms)
		return query.Or{Terms: list}, err
	case query.Not:
		inner, err := b.withAccountsIn(ctx, e.Term)
		return query.Not{Term: inner}, err
	case query.Has:
		inner, err := b.withAccountsIn(ctx, e.Filter)
		e.Filter = inner
		return e, err
	case query.Compare:
		return b.byAccount(ctx, e)
	case query.Present:
		if isUserName(e.Path) {
			return nil, resource.Refuse(400, "invalidFilter", "%s: a person's userName can be looked for by eq and ne only.", e.Path)
		}
	}
	return e, nil
}

// isUserName reports whether a path is the userName of a person.
func isUserName(p query.Path) bool {
	return p.Sub != nil && p.Sub.Name == "userName" || p.Sub == nil && p.Attr.Name == "userName"
}

func (b *issues) byAccount(ctx context.Context, e query.Compare) (query.Expr, error) {
	if !isUserName(e.Path) {
		return e, nil
	}
	value, _ := e.Value.(string)
	if e.Op != query.Eq && e.Op != query.Ne {
		return nil, resource.Refuse(400, "invalidFilter", "%s: a person's userName can be looked for by eq and ne only.", e.Path)
	}
	id, users, err := b.lookUpAccount(ctx, "userName", value)
	if err != nil {
		return nil, err
	}
	if users != 1 || id == "" {
		return query.Const(e.Op == query.Ne), nil
	}
	path, err := b.schema.Resolve(strings.TrimSuffix(e.Path.String(), "userName") + "value")
	if e.Path.Sub == nil { // between brackets, a path is only the part
		path, err = b.schema.Resolve("assignee.value")
		path = query.Path{Attr: path.Sub}
	}
	e.Path, e.Value = path, id
	return e, err
}
