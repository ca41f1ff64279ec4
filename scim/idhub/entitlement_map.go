package idhub

import (
	"strings"

	"scim-atlassian/schemas"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/roles"
)

// ofGroup returns a group of the directory as an entitlement, with its members if
// need.Links is set.
func (m *entitlementMap) ofGroup(g query.Object, need mirror.Need) query.Object {
	name := g.Text("displayName")
	var list []any
	if need.Links {
		list = []any{}
		for _, e := range g.Elements("members") {
			o := query.Texts("value", e.Text("value"), "display", e.Text("display"))
			list = append(list, append(o, query.Member{Name: "direct", Value: true}))
		}
	}
	return m.object(g.Text("id"), g.Text("externalId"), kindGroup, name, "This is a Jira Group.",
		formOf("group", name), list, metaOf(g, "Entitlement"))
}

// ofRole returns a project role as an entitlement. Without people it lacks members.
func (m *entitlementMap) ofRole(r *roles.Role, people *holders) query.Object {
	var list []any
	if people != nil {
		list = people.membersOf(r)
	}
	return m.object(r.EntitlementID(), "", kindRole, r.Title(), "This is a Jira Project Role.",
		formOf("role", r.Name, "project", r.Project.Name, "projectKey", r.Project.Key), list,
		query.Object{{Name: "resourceType", Value: "Entitlement"}})
}

// formOf returns the form of an entitlement, from pairs of name and value.
func formOf(pairs ...string) []any {
	var form []any
	for i := 0; i < len(pairs); i += 2 {
		form = append(form, query.Texts("name", pairs[i], "value", pairs[i+1]))
	}
	return form
}

// object returns an entitlement by its parts; with nil members it lacks the
// attribute.
func (m *entitlementMap) object(id, externalID, kind, name, description string, form, members []any, meta query.Object) query.Object {
	o := query.Texts("id", id, "externalId", externalID)
	for _, a := range m.Attributes {
		var v any
		switch a.Source {
		case schemas.SourceName:
			v = kind + "~" + name
		case schemas.SourceKind:
			v = kind
		case schemas.SourceDescription:
			v = description
		case schemas.SourceForm:
			v = form
		case schemas.SourceMembers:
			if members == nil {
				continue
			}
			v = members
		}
		o = append(o, query.Member{Name: a.Name, Value: v})
	}
	return append(o, query.Member{Name: "meta", Value: meta})
}

// roleMember is a member of a role, and says how the member holds it.
type roleMember struct {
	id, display string
	direct      bool  // the account itself holds the role
	through     []any // names of the groups through which it holds the role
}

// membersOf returns the members of a role, each once: first the accounts that hold
// it themselves, then those that hold it through a group.
func (h *holders) membersOf(r *roles.Role) []any {
	var all []*roleMember
	byID := map[string]*roleMember{}
	of := func(id, display string) *roleMember {
		if byID[id] == nil {
			byID[id] = &roleMember{id: id, display: display}
			all = append(all, byID[id])
		}
		return byID[id]
	}
	ofAccount := func(a roles.RoleHolder) *roleMember {
		if user := h.users[a.AccountID]; user != nil {
			return of(user.Text("id"), user.Text("userName"))
		}
		return of(a.AccountID, a.Name)
	}
	for _, a := range r.Holders {
		ofAccount(a).direct = true
	}
	for _, g := range r.Groups {
		for _, a := range g.Accounts {
			m := ofAccount(a)
			m.through = append(m.through, g.Name)
		}
		for _, e := range h.groups[g.Directory].Elements("members") {
			m := of(e.Text("value"), e.Text("display"))
			m.through = append(m.through, g.Name)
		}
	}
	list := make([]any, 0, len(all))
	for _, m := range all {
		o := append(query.Texts("value", m.id, "display", m.display), query.Member{Name: "direct", Value: m.direct})
		if m.through != nil {
			o = append(o, query.Member{Name: "through", Value: m.through})
		}
		list = append(list, o)
	}
	return list
}

// bareMembers returns the members of an entitlement in the form in which a group
// takes them: by id alone.
func bareMembers(v any) []any {
	list, _ := v.([]any)
	out := make([]any, 0, len(list))
	for _, e := range list {
		element, _ := e.(query.Object)
		out = append(out, query.Texts("value", element.Text("value")))
	}
	return out
}

// complete completes kind and name of a body: the kind may be given in the name
// alone, and the name without the kind.
func (m *entitlementMap) complete(doc *query.Object) error {
	name, kind := (*doc).Text(m.name), strings.ToUpper((*doc).Text(m.kind))
	prefix, rest, ok := splitName(name)
	switch {
	case kind != "" && kind != kindGroup && kind != kindRole:
		return resource.InvalidValue("%s is %q; it is %s or %s.", m.kind, resource.Clip(kind), kindGroup, kindRole)
	case ok && kind != "" && kind != prefix:
		return resource.InvalidValue("%s is %s, and %s begins with %s.", m.kind, kind, m.name, prefix)
	case ok:
		kind = prefix
	case name != "" && kind == "":
		return resource.InvalidValue("%s is required: %s or %s, or %s begins with it as in %s~Name.", m.kind, kindGroup, kindRole, m.name, kindGroup)
	default:
		rest = name
	}
	if rest != "" {
		doc.Set(m.name, kind+"~"+rest)
		doc.Set(m.kind, kind)
	}
	return nil
}
