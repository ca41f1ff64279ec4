package directory

import (
	"scim-atlassian/atlassian"
	"scim-atlassian/scim/query"
)

// This file maps the fields of the directory's user to SCIM attributes, and back.

// userObject returns a user as a SCIM resource. The directory may keep department
// and organization at its top level only; they are shown in the enterprise
// extension, where RFC 7643 section 4.3 has them.
func userObject(u *atlassian.User) query.Object {
	o := make(query.Object, 0, 18)
	add := func(name, value string) {
		if value != "" {
			o = append(o, query.Member{Name: name, Value: value})
		}
	}
	add("id", u.ID)
	add("externalId", u.ExternalID)
	add("userName", u.UserName)
	if u.Name != nil {
		if name := nameObject(u.Name); len(name) > 0 {
			o = append(o, query.Member{Name: "name", Value: name})
		}
	}
	add("displayName", u.DisplayName)
	add("nickName", u.NickName)
	add("title", u.Title)
	add("preferredLanguage", u.PreferredLanguage)
	add("timezone", u.Timezone)
	if u.Active != nil {
		o = append(o, query.Member{Name: "active", Value: *u.Active})
	}
	addMany(&o, "emails", u.Emails, multiValueObject)
	addMany(&o, "phoneNumbers", u.PhoneNumbers, multiValueObject)
	addMany(&o, "groups", u.Groups, membershipObject)
	if e := enterpriseObject(u); len(e) > 0 {
		o = append(o, query.Member{Name: atlassian.EnterpriseSchema, Value: e})
	}
	if u.Atlassian != nil && u.Atlassian.AtlassianAccountID != "" {
		o = append(o, query.Member{Name: atlassian.ExternalSchema, Value: query.Object{{Name: "atlassianAccountId", Value: u.Atlassian.AtlassianAccountID}}})
	}
	return append(o, MetaMember("User", u.Meta))
}

func nameObject(n *atlassian.Name) query.Object {
	return query.Texts("formatted", n.Formatted, "familyName", n.FamilyName, "givenName", n.GivenName, "middleName", n.MiddleName,
		"honorificPrefix", n.HonorificPrefix, "honorificSuffix", n.HonorificSuffix)
}

func enterpriseObject(u *atlassian.User) query.Object {
	organization, department := u.Organization, u.Department
	if u.Enterprise != nil {
		if u.Enterprise.Organization != "" {
			organization = u.Enterprise.Organization
		}
		if u.Enterprise.Department != "" {
			department = u.Enterprise.Department
		}
	}
	return query.Texts("organization", organization, "department", department)
}

// multiValueObject returns an address or number. It always has primary, as in the
// directory.
func multiValueObject(m atlassian.MultiValue) query.Object {
	return append(query.Texts("value", m.Value, "type", m.Type), query.Member{Name: "primary", Value: m.Primary})
}

func referenceObject(r atlassian.Reference) query.Object {
	return query.Texts("value", r.Value, "display", r.Display, "type", r.Type)
}

// membershipObject returns an element of a user's groups. The directory has no
// nested groups, so every membership is direct (RFC 7643 section 4.1.2).
func membershipObject(r atlassian.Reference) query.Object {
	return query.Texts("value", r.Value, "display", r.Display, "type", "direct")
}

// addMany sets an attribute to a list of objects, unless the list is empty.
func addMany[T any](o *query.Object, name string, all []T, object func(T) query.Object) {
	if len(all) == 0 {
		return
	}
	list := make([]any, 0, len(all))
	for _, v := range all {
		list = append(list, object(v))
	}
	*o = append(*o, query.Member{Name: name, Value: list})
}

// MetaMember returns the meta attribute without location, which the server adds.
func MetaMember(resourceType string, m *atlassian.Meta) query.Member {
	meta := query.Object{{Name: "resourceType", Value: resourceType}}
	if m != nil && !m.Created.IsZero() {
		meta = append(meta, query.Member{Name: "created", Value: m.Created})
	}
	if m != nil && !m.LastModified.IsZero() {
		meta = append(meta, query.Member{Name: "lastModified", Value: m.LastModified})
	}
	return query.Member{Name: "meta", Value: meta}
}

// userOf returns the upstream user with the writable attributes of a resource.
func userOf(o query.Object) *atlassian.User {
	u := &atlassian.User{
		ExternalID: o.Text("externalId"), UserName: o.Text("userName"), DisplayName: o.Text("displayName"), NickName: o.Text("nickName"),
		Title: o.Text("title"), PreferredLanguage: o.Text("preferredLanguage"), Timezone: o.Text("timezone"),
		Emails: multiValues(o, "emails"), PhoneNumbers: multiValues(o, "phoneNumbers"),
	}
	if n := o.Inner("name"); n != nil {
		u.Name = &atlassian.Name{Formatted: n.Text("formatted"), FamilyName: n.Text("familyName"), GivenName: n.Text("givenName"),
			MiddleName: n.Text("middleName"), HonorificPrefix: n.Text("honorificPrefix"), HonorificSuffix: n.Text("honorificSuffix")}
	}
	if v, ok := o.Get("active"); ok {
		active := v == true
		u.Active = &active
	}
	if e := o.Inner(atlassian.EnterpriseSchema); e != nil {
		u.Organization, u.Department = e.Text("organization"), e.Text("department")
		u.Enterprise = &atlassian.Enterprise{Organization: u.Organization, Department: u.Department}
	}
	return u
}

func multiValues(o query.Object, name string) []atlassian.MultiValue {
	v, _ := o.Get(name)
	list, _ := v.([]any)
	var out []atlassian.MultiValue
	for _, e := range list {
		element, _ := e.(query.Object)
		primary, _ := element.Get("primary")
		out = append(out, atlassian.MultiValue{Value: element.Text("value"), Type: element.Text("type"), Primary: primary == true})
	}
	return out
}

// AccountIDOf returns the id of the Atlassian account that a user is linked to,
// "" as long as there is none.
func AccountIDOf(user query.Object) string {
	return user.Inner(atlassian.ExternalSchema).Text("atlassianAccountId")
}
