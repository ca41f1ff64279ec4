package server

import (
	"slices"
	"strings"

	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// This file shows e-mail addresses without type to the callers that find an
// address by its type alone (Caller.UntypedEmail). Filters and PATCH paths see
// what the caller is shown; entity tags and Atlassian see what is stored.

// typedEmails returns the e-mail addresses of a user as the caller is shown them. It
// does not write to emails.
func typedEmails(c *auth.Caller, emails any) any {
	list, ok := emails.([]any)
	if c.UntypedEmail == "" || !ok {
		return emails
	}
	out := make([]any, len(list))
	for i, e := range list {
		if element, ok := e.(query.Object); ok && element.Text("type") == "" {
			e = append(element[:len(element):len(element)], query.Member{Name: "type", Value: c.UntypedEmail})
		}
		out[i] = e
	}
	return out
}

// shown is a user as the caller is shown it, other resources as they are.
func (h handler) shown(c *call, o query.Object) query.Object {
	emails, ok := o.Get("emails")
	if c.caller.UntypedEmail == "" || h.rt.Name != "User" || !ok {
		return o
	}
	o = o.Clone()
	o.Set("emails", typedEmails(c.caller, emails))
	return o
}

// stored is shown the other way around: an address that current has without type
// keeps none if want has it with the type that the caller was shown.
func (h handler) stored(c *call, current, want query.Object) query.Object {
	v, _ := want.Get("emails")
	list, ok := v.([]any)
	if c.caller.UntypedEmail == "" || h.rt.Name != "User" || !ok {
		return want
	}
	had, _ := current.Get("emails")
	before, _ := had.([]any)
	out := make([]any, len(list))
	for i, e := range list {
		element, _ := e.(query.Object)
		untyped := func(b any) bool {
			o, _ := b.(query.Object)
			return o.Text("type") == "" && strings.EqualFold(o.Text("value"), element.Text("value"))
		}
		if strings.EqualFold(element.Text("type"), c.caller.UntypedEmail) && slices.ContainsFunc(before, untyped) {
			e = element.Without("type")
		}
		out[i] = e
	}
	want = want.Clone()
	want.Set("emails", out)
	return want
}

// seesTypes reports whether a PATCH is about e-mail addresses of a caller that is
// shown them otherwise than they are stored.
func (h handler) seesTypes(c *call) bool {
	return c.caller.UntypedEmail != "" && h.rt.Name == "User" &&
		slices.ContainsFunc(c.patch, func(op resource.Operation) bool { return op.Path.Attr.Name == "emails" })
}
