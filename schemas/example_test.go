package schemas_test

import (
	"fmt"

	"scim-atlassian/schemas"
)

// A mapping for a directory whose accounts are found by the employee number; the attributes that it leaves out are not
// shown. docs/mapping.md describes the form.
func ExampleParseMapping() {
	mapping, err := schemas.ParseMapping("Account", []byte(`{
		"id": "urn:example:Account", "name": "Account", "description": "An account",
		"attributes": [
			{"name": "login", "source": "userName", "required": true, "accountName": true, "syncDirection": "idhub-to-app"},
			{"name": "employee", "source": "externalId", "reconKey": true, "syncDirection": {"trusted": "app-to-idhub", "target": "idhub-to-app"}}
		]}`))
	if err != nil {
		panic(err)
	}
	for _, a := range mapping.Attributes {
		fmt.Printf("%s comes from %s; Jira trusted: %s, else: %s\n", a.Name, a.Source, a.SyncDirection.In(true), a.SyncDirection.In(false))
	}
	_, err = schemas.ParseMapping("Account", []byte(`{"id": "urn:example:Account", "name": "Account", "attributes": [{"name": "login", "syncDirection": "no-sync"}]}`))
	fmt.Println(err)
	// Output:
	// login comes from userName; Jira trusted: idhub-to-app, else: idhub-to-app
	// employee comes from externalId; Jira trusted: app-to-idhub, else: idhub-to-app
	// attribute login: source is missing, and there is no usual one of this name
}
