package auth_test

import (
	"fmt"

	"scim-atlassian/scim/auth"
)

// All problems of a callers file come at once, one a line.
func ExampleParseCallers() {
	callers, err := auth.ParseCallers([]byte(`[{
		"name": "idhub",
		"bearer_sha256": "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
		"rights": {"*": "read", "Groups": "write"}
	}]`))
	if err != nil {
		panic(err)
	}
	idhub := &callers[0]
	fmt.Println("may read users:", idhub.May("User", false))
	fmt.Println("may change users:", idhub.May("User", true))
	fmt.Println("may change groups:", idhub.May("Group", true))

	_, err = auth.ParseCallers([]byte(`[
		{"name": "okta", "bearer_sha256": "secret", "rights": {"User": "read"}},
		{"name": "okta", "username": "okta", "rights": {"Usr": "all"}}
	]`))
	fmt.Println(err)
	// Output:
	// may read users: true
	// may change users: false
	// may change groups: true
	// caller 1 (okta), line 2: bearer_sha256 must be 64 hexadecimal digits: printf %s TOKEN | sha256sum
	// caller 2 (okta), line 3: needs bearer_sha256, or username with basic_bcrypt, or client_cert_sha256, or realm_role, client_role or scope
	// caller 2 (okta), line 3: username and basic_bcrypt belong together
	// caller 2 (okta), line 3: rights: "Usr" is no resource type: use User, Group, Issue, Account, Entitlement, Entitlement:GROUP, Entitlement:PROJECT_ROLE or *
	// caller 2 (okta), line 3: rights: Usr is "all": use read or write
	// caller 2 (okta), line 3: has the name of caller 1
}
