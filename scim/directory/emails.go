package directory

import (
	"strings"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// emailsRequired refuses a user without e-mail address.
func (b *Users) emailsRequired() error {
	return resource.InvalidValue("emails is required: Atlassian links a user to an account by the primary e-mail address. Send emails%s.",
		b.emailDomainSetting.Advice(", or set %s to derive it from userName"))
}

// DeriveEmail gives a user the e-mail address that the configuration derives from
// userName: userName itself if it is an address, else userName in the configured
// domain. It reports false, and changes nothing, without such a domain.
func (b *Users) DeriveEmail(user *query.Object) bool {
	address := (*user).Text("userName")
	if b.emailDomain == "" || address == "" {
		return false
	}
	if !strings.Contains(address, "@") {
		address += "@" + b.emailDomain
	}
	user.Set("emails", []any{query.Object{{Name: "value", Value: address}, {Name: "type", Value: "work"}, {Name: "primary", Value: true}}})
	return true
}

// completeList gives a list of addresses or numbers the form in which the
// directory keeps it: every element has primary, and one address is primary.
func completeList(name string, list []any) []any {
	if name == "emails" {
		list = withPrimary(list)
	}
	return withPrimaryFlags(list)
}

// withPrimary marks the first address as primary if no other is.
func withPrimary(emails []any) []any {
	for _, e := range emails {
		if element, _ := e.(query.Object); element != nil {
			if v, _ := element.Get("primary"); v == true {
				return emails
			}
		}
	}
	out := append([]any(nil), emails...)
	if first, ok := out[0].(query.Object); ok {
		first = first.Clone()
		first.Set("primary", true)
		out[0] = first
	}
	return out
}

// withPrimaryFlags sets primary to false where an element lacks it.
func withPrimaryFlags(list []any) []any {
	out := make([]any, 0, len(list))
	for _, e := range list {
		element, _ := e.(query.Object)
		element = element.Clone()
		if _, ok := element.Get("primary"); !ok {
			element.Set("primary", false)
		}
		out = append(out, element)
	}
	return out
}
