package scim_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
)

// A complete server in front of an emulated Atlassian, asked for two attributes of two users.
func ExampleNew() {
	upstream := httptest.NewServer(emulator.New(emulator.DefaultOptions()))
	defer upstream.Close()
	clients := atlassian.Config{OnCall: scim.CountCall} // else X-Upstream-Calls stays 0
	directory, err := atlassian.NewDirectory(clients, upstream.URL+"/scim/directory", emulator.DirectoryID, emulator.DirectoryKey)
	if err != nil {
		panic(err)
	}
	jira, err := atlassian.NewJira(clients, upstream.URL, emulator.AdminEmail, emulator.APIToken)
	if err != nil {
		panic(err)
	}
	// The SHA-256 of the token "secret".
	callers, err := auth.ParseCallers([]byte(`[{"name": "reporting", "rights": {"User": "read"},
		"bearer_sha256": "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"}]`))
	if err != nil {
		panic(err)
	}
	server, err := scim.New(scim.Config{Directory: directory, Jira: jira, Callers: callers})
	if err != nil {
		panic(err)
	}

	request := httptest.NewRequest(http.MethodGet, "/scim/v2/Users?attributes=userName,active&count=2", nil)
	request.Header.Set("Authorization", "Bearer secret")
	answer := httptest.NewRecorder()
	server.ServeHTTP(answer, request)
	fmt.Println(answer.Code, "for", answer.Header().Get("X-Upstream-Calls"), "call")
	fmt.Println(strings.ReplaceAll(answer.Body.String(), `{"schemas"`, "\n"+`{"schemas"`))
	// Output:
	// 200 for 1 call
	//
	// {"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":200,"startIndex":1,"itemsPerPage":2,"Resources":[
	// {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"31acb67e-d1da-44b9-ae65-691acfee817f","userName":"wei.akesson@demo.example","active":true},
	// {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"6d8420f6-eb68-4e30-92af-dcf85a2f78aa","userName":"ines.schmidt@demo.example","active":true}]}
}

// The plans of filters over users, the cheapest first, and of a filter over issues, which becomes JQL. Explain asks
// nobody: the cost of a scan stays unknown, and {configured} stands for the projects.
func ExampleExplain() {
	for _, filter := range []string{
		`userName eq "zoe@demo.example" and active eq true`,
		`userName eq "zoe@demo.example" or externalId eq "7"`,
		`userName sw "a" and active eq true`,
	} {
		plan, err := scim.Explain("/Users", filter)
		if err != nil {
			panic(err)
		}
		fmt.Println(plan)
	}
	plan, err := scim.Explain("/Issues", `project.key eq "OPS" and summary co "vpn"`)
	if err != nil {
		panic(err)
	}
	fmt.Println(plan)
	_, err = scim.Explain("/Users", `shoeSize gt 40`)
	fmt.Println(err)
	// Output:
	// lookup userName="zoe@demo.example" residual=(active eq true) cost=1
	// union(userName="zoe@demo.example", externalId="7") exact cost=2
	// scan residual=(userName sw "a" and active eq true) cost=?
	// jql(project IN {configured} AND project IN ("OPS") ORDER BY key ASC) residual=(project.key eq "OPS" and summary co "vpn") cost=?
	// 400 invalidFilter: User has no attribute "shoeSize" at position 0: see /Schemas for the attributes
}
