package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
)

// benchCase is one row of the table: a kind of request, of which every number
// makes another.
type benchCase struct {
	name     string
	requests int // of one run
	request  func(number int) request
	ofJira   func(number int) request // what the proxy is asked of Jira; nil: the same
}

// request is what is sent to server and proxy alike.
type request struct{ method, path, body string }

// patchBody is a PATCH of the operations.
func patchBody(operations string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + operations + `]}`
}

// newUser is a user as identity providers send them.
func newUser(number int) string {
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],`+
		`"userName":"bench%[1]d@demo.example","externalId":"bench-%[1]d","active":true,"displayName":"Benedikt Bench %[1]d",`+
		`"name":{"givenName":"Benedikt","familyName":"Bench %[1]d","formatted":"Benedikt Bench %[1]d"},`+
		`"emails":[{"value":"bench%[1]d@demo.example","type":"work","primary":true}],`+
		`"phoneNumbers":[{"value":"+49 30 555%[1]d","type":"work","primary":true}],`+
		`"title":"Engineer","preferredLanguage":"en-US","timezone":"Europe/Berlin",`+
		`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Research","organization":"Demo"}}`, number)
}

// smallCases are the requests about single users, and a page of them.
func smallCases(ctx context.Context, t *trio, users int) ([]benchCase, error) {
	all, err := t.viaProxy.everyUser(ctx)
	if err != nil {
		return nil, err
	}
	one := func(number int) user { return all[number%len(all)] }
	return []benchCase{
		{name: "GET one user", requests: 6_000, request: func(n int) request {
			return request{"GET", "/Users/" + one(n).ID, ""}
		}},
		{name: "userName eq", requests: 6_000, request: func(n int) request {
			return request{"GET", "/Users?" + url.Values{"filter": {fmt.Sprintf("userName eq %q", one(n).UserName)}}.Encode(), ""}
		}},
		{name: "page of 100 users", requests: 1_500, request: func(n int) request {
			start := 1 + rand.New(rand.NewPCG(1, uint64(n))).IntN(users-100)
			return request{"GET", fmt.Sprintf("/Users?startIndex=%d&count=100", start), ""}
		}},
		{name: "PATCH, 2 operations", requests: 5_000, request: func(n int) request {
			return request{"PATCH", "/Users/" + one(n).ID, patchBody(fmt.Sprintf(
				`{"op":"replace","path":"active","value":%t},{"op":"replace","path":"name.familyName","value":"Family %d"}`, n%2 == 0, n))}
		}},
		{name: "POST a user", requests: 5_000, request: func(n int) request {
			return request{"POST", "/Users", newUser(n)}
		}},
	}, nil
}

// issueCases are the requests about issues, beside what Jira itself is asked for them. The client
// paces them as Atlassian's limits want it, so that the server is idle between them.
func issueCases(ctx context.Context, t *trio, _ int) ([]benchCase, error) {
	const jql = `{"jql":"project = OPS ORDER BY key","maxResults":100,"fields":["id"]}`
	answer, err := t.jira.send(ctx, request{"POST", "/search/jql", jql})
	if err != nil {
		return nil, err
	}
	var page struct{ Issues []struct{ ID string } }
	if err := json.Unmarshal(answer.body, &page); err != nil {
		return nil, err
	}
	ids := make([]string, len(page.Issues))
	for i, issue := range page.Issues {
		ids[i] = fmt.Sprintf("%q", issue.ID)
	}
	one := func(number int) string { return page.Issues[number%len(page.Issues)].ID }
	everything := fmt.Sprintf(`{"issueIdsOrKeys":[%s],"fields":["*navigable"]}`, strings.Join(ids, ","))
	project := url.Values{"filter": {`project.key eq "OPS"`}, "count": {"100"}}
	return []benchCase{
		{"GET one issue", 600, func(n int) request { return request{"GET", "/Issues/" + one(n), ""} },
			func(n int) request { return request{"GET", "/issue/" + one(n), ""} }},
		{"page of 100 issues", 150, func(int) request { return request{"GET", "/Issues?" + project.Encode(), ""} },
			func(int) request { return request{"POST", "/issue/bulkfetch", everything} }},
		{"POST an issue", 300, func(n int) request {
			return request{"POST", "/Issues", fmt.Sprintf(`{"project":"OPS","issueType":"Task","summary":"Bench %d","description":"As text."}`, n)}
		}, func(n int) request {
			return request{"POST", "/issue", fmt.Sprintf(`{"fields":{"project":{"key":"OPS"},"issuetype":{"name":"Task"},"summary":"Bench %d"}}`, n)}
		}},
	}, nil
}

// guests is how many users are not in the large group at first. Each pair of runs and what goes
// before it adds some of them by either way.
const guests = 250

// groupCases are the requests about one group of all users but some guests.
func groupCases(ctx context.Context, t *trio, users int) ([]benchCase, error) {
	s := t.viaProxy
	all, err := s.everyUser(ctx)
	if err != nil {
		return nil, err
	}
	members := make([]string, len(all)-guests)
	for i := range members {
		members[i] = fmt.Sprintf(`{"value":%q}`, all[i].ID)
	}
	answer, err := s.send(ctx, request{"POST", "/Groups", fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Large","members":[%s]}`, strings.Join(members, ","))})
	var group user
	if err == nil {
		err = json.Unmarshal(answer.body, &group)
	}
	add := func(guest int) request {
		return request{"PATCH", "/Groups/" + group.ID, patchBody(fmt.Sprintf(`{"op":"add","path":"members","value":[{"value":%q}]}`, all[len(members)+guest%guests].ID))}
	}
	name := fmt.Sprintf("group of %d: ", len(members))
	return []benchCase{
		{name: name + "PATCH, add one", requests: 24, request: add},
		{name: name + "PATCH, add the same", requests: 24, request: func(int) request { return add(0) }},
		{name: name + "GET, no members", requests: 24, request: func(int) request {
			return request{"GET", "/Groups/" + group.ID + "?excludedAttributes=members", ""}
		}},
	}, err
}

// user is a resource as far as the cases look at it.
type user struct{ ID, UserName string }

// everyUser reads all users, page by page.
func (s site) everyUser(ctx context.Context) ([]user, error) {
	var all []user
	for {
		answer, err := s.send(ctx, request{"GET", fmt.Sprintf("/Users?count=100&startIndex=%d", len(all)+1), ""})
		if err != nil {
			return nil, err
		}
		var page struct {
			TotalResults int
			Resources    []user
		}
		if err := json.Unmarshal(answer.body, &page); err != nil {
			return nil, err
		}
		if all = append(all, page.Resources...); len(page.Resources) == 0 || len(all) >= page.TotalResults {
			return all, nil
		}
	}
}
