package directory

import (
	"net/http"
	"strings"
	"unicode"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// emailsRequired refuses a user without e-mail address, in a request with the
// method. Only for a new user does userName stand in.
func (b *Users) emailsRequired(method string) error {
	if method == http.MethodPut {
		return resource.InvalidValue("emails is required: Atlassian links a user to an account by the primary e-mail address. Send emails.")
	}
	return resource.InvalidValue("emails is required, since userName is no e-mail address, and Atlassian links a user to an account by one. Send emails%s.",
		b.emailDomainSetting.Advice(", or set %s to complete userName with a domain"))
}

// DeriveEmail gives a user the e-mail address that userName is or, for a bare name,
// becomes in the configured domain. It reports false, and changes nothing, if
// userName is neither an address nor a bare name that the configuration completes.
func (b *Users) DeriveEmail(user *query.Object) bool {
	address := (*user).Text("userName")
	if address != "" && b.emailDomain != "" && !strings.Contains(address, "@") {
		address += "@" + b.emailDomain
	}
	if !isAddress(address) {
		return false
	}
	user.Set("emails", []any{query.Object{{Name: "value", Value: address}, {Name: "type", Value: "work"}, {Name: "primary", Value: true}}})
	return true
}

// isAddress reports whether a text has the form of an e-mail address: a name, "@"
// and a domain, without space. Whether it can be delivered to is Atlassian's matter.
func isAddress(text string) bool {
	name, domain, ok := strings.Cut(text, "@")
	return ok && name != "" && domain != "" && !strings.Contains(domain, "@") &&
		!strings.ContainsFunc(text, unicode.IsSpace)
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
