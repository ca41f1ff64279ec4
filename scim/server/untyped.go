package server

import (
	"slices"
	"strings"

	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// This file gives e-mail addresses without type the type that a caller expects
// (Caller.UntypedEmail): some clients find an address by its type alone. Filters
// and PATCH paths of the caller see the type; entity tags and Atlassian do not.

// emailsWithTypes returns the e-mail addresses of a user as the caller is shown them. It
// does not write to emails.
func emailsWithTypes(c *auth.Caller, emails any) any {
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

// withTypes is a user with typed addresses, and any other resource unchanged.
func (h handler) withTypes(c *call, o query.Object) query.Object {
	emails, ok := o.Get("emails")
	if c.caller.UntypedEmail == "" || h.rt.Name != "User" || !ok {
		return o
	}
	o = o.Clone()
	o.Set("emails", emailsWithTypes(c.caller, emails))
	return o
}

// withoutTypes undoes withTypes before a write: an address that current has without
// type stays without one if want has it with the type that the caller saw.
func (h handler) withoutTypes(c *call, current, want query.Object) query.Object {
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

// changesTypes reports whether a PATCH is on e-mail addresses that the caller sees
// with types that are not stored.
func (h handler) changesTypes(c *call) bool {
	return c.caller.UntypedEmail != "" && h.rt.Name == "User" &&
		slices.ContainsFunc(c.patch, func(op resource.Operation) bool { return op.Path.Attr.Name == "emails" })
}
