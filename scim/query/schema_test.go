package query

import (
	"strings"
	"testing"
)

const (
	userURN       = "urn:ietf:params:scim:schemas:core:2.0:User"
	enterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	atlassianURN  = "urn:scim:schemas:extension:atlassian-external:1.0"
	groupURN      = "urn:ietf:params:scim:schemas:core:2.0:Group"
)

func str(name string) *Attribute   { return &Attribute{Name: name} }
func exact(name string) *Attribute { return &Attribute{Name: name, CaseExact: true} }

func with(a *Attribute, change func(*Attribute)) *Attribute { change(a); return a }

func always(a *Attribute) *Attribute { a.Returned = Always; return a }

func common() []*Attribute {
	return []*Attribute{
		always(&Attribute{Name: "schemas", Kind: Reference, MultiValued: true}),
		always(exact("id")),
		exact("externalId"),
		{Name: "meta", Kind: Complex, Sub: []*Attribute{
			exact("resourceType"),
			{Name: "created", Kind: DateTime},
			{Name: "lastModified", Kind: DateTime},
			{Name: "location", Kind: Reference},
		}},
	}
}

func references(name string) *Attribute {
	return &Attribute{Name: name, Kind: Complex, MultiValued: true, Sub: []*Attribute{
		exact("value"), str("display"), str("type"), {Name: "$ref", Kind: Reference},
	}}
}

var userSchema = NewSchema("User", userURN, append(common(),
	str("userName"),
	&Attribute{Name: "name", Kind: Complex, Sub: []*Attribute{str("formatted"), str("familyName"), str("givenName")}},
	str("displayName"),
	str("title"),
	&Attribute{Name: "active", Kind: Boolean},
	&Attribute{Name: "logins", Kind: Integer},
	&Attribute{Name: "score", Kind: Decimal},
	&Attribute{Name: "key", Kind: Binary},
	&Attribute{Name: "labels", MultiValued: true, CaseExact: true},
	&Attribute{Name: "emails", Kind: Complex, MultiValued: true, Sub: []*Attribute{
		str("value"), str("type"), {Name: "primary", Kind: Boolean},
	}},
	references("groups"),
	with(str("password"), func(a *Attribute) { a.Returned, a.Mutability = Never, WriteOnly }),
	with(&Attribute{Name: "history", Kind: Complex, Sub: []*Attribute{str("last"), str("first")}}, func(a *Attribute) { a.Returned = Request }),
),
	Extension{enterpriseURN, []*Attribute{
		str("department"),
		str("organization"),
		{Name: "manager", Kind: Complex, Sub: []*Attribute{exact("value"), str("displayName")}},
	}},
	Extension{atlassianURN, []*Attribute{exact("atlassianAccountId"), str("organization")}},
)

var groupSchema = NewSchema("Group", groupURN, append(common(), str("displayName"), references("members")))

func TestResolve(t *testing.T) {
	tests := []struct{ name, want string }{
		{"userName", "userName"},
		{"USERNAME", "userName"},
		{"name.GivenName", "name.givenName"},
		{"meta.lastmodified", "meta.lastModified"},
		{"groups.$REF", "groups.$ref"},
		{"labels.value", "labels"},
		{userURN + ":userName", "userName"},
		{strings.ToUpper(userURN) + ":name.familyName", "name.familyName"},
		{"department", enterpriseURN + ":department"},
		{"manager.value", enterpriseURN + ":manager.value"},
		{strings.ToLower(enterpriseURN) + ":MANAGER.displayname", enterpriseURN + ":manager.displayName"},
		{enterpriseURN + ":organization", enterpriseURN + ":organization"},
		{atlassianURN + ":organization", atlassianURN + ":organization"},
	}
	for _, tt := range tests {
		p, err := userSchema.Resolve(tt.name)
		if err != nil {
			t.Errorf("Resolve(%q): %v", tt.name, err)
		} else if got := p.String(); got != tt.want {
			t.Errorf("Resolve(%q) = %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestResolveErrors(t *testing.T) {
	tests := []struct{ name, want string }{
		{"", `User has no attribute ""`},
		{"nosuch", `User has no attribute "nosuch"`},
		{"name.nosuch", `attribute name has no sub-attribute "nosuch" (one of formatted, familyName, givenName)`},
		{userURN + ":department", `User has no attribute "` + (userURN + ":department") + `"`},
		{"title.value", `attribute title has no sub-attribute "value"`},
		{userURN + ":name.x", `attribute name has no sub-attribute "x" (one of formatted, familyName, givenName)`},
		{"organization", `attribute "organization" is in several schemas, write ` + enterpriseURN + ":organization"},
		{"user\u212Aame", `User has no attribute "user` + "\u212A" + `ame"`},
	}
	for _, tt := range tests {
		_, err := userSchema.Resolve(tt.name)
		if err == nil || err.Error() != tt.want {
			t.Errorf("Resolve(%q): got error %v, want %s", tt.name, err, tt.want)
		}
	}
}

// resolve is Resolve for names that the tests know to exist.
func resolve(t testing.TB, s *Schema, name string) Path {
	t.Helper()
	p, err := s.Resolve(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
