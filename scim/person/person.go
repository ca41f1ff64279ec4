// Package person names the people of issues as the directory does.
//
// Jira knows people by the ids of their accounts. Clients may name them by userName,
// e-mail address or location, too, in values and in filters, and see their userName.
package person

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Directory is what the directory knows of people. The zero Directory knows nobody.
type Directory struct {
	// AccountOf returns the account id of the User whose attribute ("id", "userName" or
	// "email") has a value, and how many Users have it: not one means that there is no
	// account, or that there are several.
	AccountOf func(ctx context.Context, attribute, value string) (accountID string, users int, err error)

	// UserName returns the userName of the User with an account, "" if none is known. It
	// makes no call.
	UserName func(accountID string) string
}

// accountID is the form of the ids of accounts, old and new ones.
var accountID = regexp.MustCompile(`^[0-9a-f]{24}$|^[0-9A-Za-z]+:`)

// ways are the parts by which a person can be named besides the account id.
var ways = []string{"userName", "email", "$ref"}

// ID returns the account id of the person that an attribute names, "" if o names nobody.
// A person may be given by id, or by userName, e-mail address or $ref of a User, also by
// two of them that agree; a bare text is any of the first three.
func (d Directory) ID(ctx context.Context, attribute string, o query.Object) (string, error) {
	value, from := o.Text("value"), "value"
	if value != "" && !accountID.MatchString(value) {
		id, err := d.ofText(ctx, attribute, value)
		if err != nil {
			return "", err
		}
		value = id
	}
	for _, way := range ways {
		given := o.Text(way)
		if given == "" {
			continue
		}
		id, err := d.by(ctx, attribute, way, given)
		if err != nil {
			return "", err
		}
		if value != "" && value != id {
			return "", resource.InvalidValue("%s: %s and %s name different people; give one of them.", attribute, from, way)
		}
		value, from = id, way
	}
	return value, nil
}

// ofText returns the account id of the person that a bare text names.
func (d Directory) ofText(ctx context.Context, attribute, text string) (string, error) {
	if strings.Contains(text, "@") {
		id, users, err := d.lookUp(ctx, "userName", text)
		if err != nil || users == 1 && id != "" {
			return id, err
		}
		return d.by(ctx, attribute, "email", text)
	}
	return d.by(ctx, attribute, "userName", text)
}

func (d Directory) by(ctx context.Context, attribute, way, value string) (string, error) {
	if way != "$ref" {
		return d.account(ctx, attribute, way, value)
	}
	at := strings.LastIndexByte(value, '/')
	id, err := url.PathUnescape(value[at+1:])
	if err != nil || !strings.Contains(strings.ToLower(value[:max(at, 0)]), "users") {
		return "", resource.InvalidValue("%s: $ref %s is no location of a User.", attribute, resource.InQuotes(value))
	}
	return d.account(ctx, attribute, "id", id)
}

func (d Directory) lookUp(ctx context.Context, attribute, value string) (string, int, error) {
	if d.AccountOf == nil {
		return "", 0, nil
	}
	return d.AccountOf(ctx, attribute, value)
}

// account returns the account id of the only User with a value, or refuses it.
func (d Directory) account(ctx context.Context, attribute, by, value string) (string, error) {
	const how = "name a person by value (account id), userName, email or $ref"
	id, users, err := d.lookUp(ctx, by, value)
	switch {
	case err != nil:
		return "", err
	case users == 0:
		return "", resource.InvalidValue("%s: no User has the %s %s; %s.", attribute, by, resource.InQuotes(value), how)
	case users > 1:
		return "", resource.InvalidValue("%s: %d Users have the %s %s; %s.", attribute, users, by, resource.InQuotes(value), how)
	case id == "":
		return "", resource.InvalidValue("%s: the User with the %s %s has no Atlassian account yet; %s.", attribute, by, resource.InQuotes(value), how)
	}
	return id, nil
}

// IDs returns the value of an attribute, one person or a list, with every person by
// account id alone. have is the value that the issue has: a person that is there as
// given needs no look-up, and of one person the parts that differ count, since whoever
// edits one part and sends back the others means that part.
func (d Directory) IDs(ctx context.Context, attribute string, v, have any) (any, error) {
	if list, ok := v.([]any); ok {
		had, _ := have.([]any)
		out := make([]any, len(list))
		for i, e := range list {
			given, _ := e.(query.Object)
			at := slices.IndexFunc(had, func(h any) bool { return isThere(given, h) })
			var there any
			if at >= 0 {
				there = had[at]
			}
			var err error
			if out[i], err = d.IDs(ctx, attribute, given, there); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	o, _ := v.(query.Object)
	if had, ok := have.(query.Object); ok && isThere(o, had) {
		o = query.Texts("value", had.Text("value"))
	} else if ok {
		o = changed(o, had)
	}
	id, err := d.ID(ctx, attribute, o)
	if err != nil || id == "" {
		return v, err
	}
	return query.Object{{Name: "value", Value: id}}, nil
}

// isThere reports whether a person is given as the issue has it.
func isThere(given query.Object, have any) bool {
	had, _ := have.(query.Object)
	return query.Refers(given.Without("display", "active"), had)
}

// changed returns the parts of a person that differ from what was there.
func changed(given, had query.Object) query.Object {
	var parts query.Object
	for _, m := range given {
		if v, there := had.Get(m.Name); !there || v != m.Value {
			parts = append(parts, m)
		}
	}
	return parts
}

// Show returns the value of an attribute, one person or a list, with the userName of
// everybody whom the directory knows. It does not write to v.
func (d Directory) Show(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = d.Show(e)
		}
		return out
	case query.Object:
		if d.UserName == nil {
			return v
		}
		if name := d.UserName(v.Text("value")); name != "" {
			return append(v[:len(v):len(v)], query.Member{Name: "userName", Value: name})
		}
		return v
	}
	return v
}

// Hide returns what Show got.
func Hide(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = Hide(e)
		}
		return out
	case query.Object:
		if _, there := v.Get("userName"); there {
			return v.Without("userName")
		}
	}
	return v
}
