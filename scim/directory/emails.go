package directory

import (
	"strings"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

func emailsRequired() error {
	return resource.InvalidValue("emails is required: Atlassian links a user to an account by the primary e-mail address. Send emails, or set SCIM_ATLASSIAN_DERIVE_EMAIL_DOMAIN to derive it from userName.")
}

// primaries says of every address and number whether it is primary, as the
// directory does. It wants one address to be.
func primaries(name string, list []any) []any {
	if name == "emails" {
		list = withPrimary(list)
	}
	return saidPrimary(list)
}

// DerivedEmail is the address of a user without one. ok is false if the
// configuration names no domain.
func DerivedEmail(userName, domain string) (address string, ok bool) {
	if domain == "" || userName == "" {
		return "", false
	}
	if strings.Contains(userName, "@") {
		return userName, true
	}
	return userName + "@" + domain, true
}

// withPrimary marks the first address as primary if none is.
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

// saidPrimary completes elements that do not say whether they are primary.
func saidPrimary(list []any) []any {
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
