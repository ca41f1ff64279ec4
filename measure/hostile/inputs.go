//go:build linux

package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// input is a request.
type input struct {
	name, method, path, body string
	header                   map[string]string
}

// inputs are what is sent: each is at, or a little beyond, what a parser, a limit or a search has to bound.
func inputs(s *site) []input {
	return slices.Concat(filters(), bodies(), patches(s), bulks(), parameters(s), texts())
}

func repeat(n int, between string, part func(i int) string) string {
	var all []string
	for i := range n {
		all = append(all, part(i))
	}
	return strings.Join(all, between)
}

// filters are searched with, over all users, in the body of a request, where they may be longest.
func filters() (all []input) {
	add := func(name, filter string) {
		body := fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"count":1,"filter":%q}`, filter)
		all = append(all, input{name: "filter: " + name, method: http.MethodPost, path: "/Users/.search", body: body})
	}
	add("1,000 parentheses", strings.Repeat("(", 1000)+`userName eq "a"`+strings.Repeat(")", 1000))
	add("120,000 open parentheses", strings.Repeat("(", 120_000))
	add("1,000 nots", strings.Repeat("not (", 1000)+`userName eq "a"`+strings.Repeat(")", 1000))
	add("20 nots", strings.Repeat("not (", 20)+`userName co "a"`+strings.Repeat(")", 20))
	add("1,000 equalities", repeat(1000, " or ", func(i int) string { return fmt.Sprintf(`userName eq "u%d"`, i) }))
	add("100 substrings", repeat(100, " or ", func(i int) string { return fmt.Sprintf(`displayName co "zq%dx"`, i) }))
	add("100 suffixes and presences", repeat(50, " or ", func(i int) string { return fmt.Sprintf(`displayName ew "zq%dx" and title pr`, i) }))
	add("100 value paths", repeat(100, " or ", func(i int) string { return fmt.Sprintf(`emails[type eq "work" and value co "zq%dx"]`, i) }))
	add("100 value paths of groups", repeat(100, " or ", func(i int) string { return fmt.Sprintf(`groups[value eq "zq%dx"]`, i) }))
	add("100 comparisons of times", repeat(100, " or ", func(i int) string { return fmt.Sprintf(`meta.created lt "19%02d-01-01T00:00:00Z"`, i) }))
	add("and of ors", repeat(12, " and ", func(i int) string {
		return fmt.Sprintf(`(userName co "a%d" or userName co "b%[1]d" or nickName co "c%[1]d")`, i)
	}))
	add("nots around ors", repeat(12, " and ", func(i int) string { return fmt.Sprintf(`not (userName co "a%d" or not (nickName co "c%[1]d"))`, i) }))
	add("a text of 900 KB", `userName co "`+strings.Repeat("a", 900_000)+`"`)
	add("a text of letters that fold", `displayName co "`+strings.Repeat("İßſK", 2000)+`"`)
	add("900 KB of spaces", `userName`+strings.Repeat(" ", 900_000)+`eq "a"`)
	add("900 KB of backslashes", `userName eq "`+strings.Repeat(`\\`, 400_000)+`"`)
	add("a number of 100,000 digits", `userName eq `+strings.Repeat("9", 100_000))
	add("a number beyond all", `userName eq 1e999999999`)
	add("a path of 100,000 parts", strings.Repeat("name.", 100_000)+`givenName eq "a"`)
	add("a URN of 100,000 colons", strings.Repeat("urn:", 100_000)+`userName eq "a"`)
	return all
}

const userSchema = `"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]`

// bodies are of new users, none of which is made.
func bodies() (all []input) {
	add := func(name, body string) {
		all = append(all, input{name: "body: " + name, method: http.MethodPost, path: "/Users", body: body})
	}
	add("500,000 arrays", strings.Repeat("[", 500_000))
	add("100,000 objects", strings.Repeat(`{"a":`, 100_000))
	add("100,000 arrays within a name", `{`+userSchema+`,"name":`+strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)+`}`)
	add("60,000 members", `{`+userSchema+`,`+repeat(60_000, ",", func(i int) string { return fmt.Sprintf(`"m%d":1`, i) })+`}`)
	add("60,000 times one member", `{`+userSchema+`,`+repeat(60_000, ",", func(int) string { return `"userName":1` })+`}`)
	add("60,000 spellings", `{`+userSchema+`,`+repeat(60_000, ",", func(i int) string { return fmt.Sprintf(`"userName%s":1`, strings.Repeat(" ", i%7)) })+`}`)
	add("20,000 addresses", `{`+userSchema+`,"userName":1,"emails":[`+repeat(20_000, ",", func(i int) string { return fmt.Sprintf(`{"value":"a%d@example.com"}`, i) })+`]}`)
	add("20,000 primary addresses", `{`+userSchema+`,"userName":"a@example.com","emails":[`+repeat(20_000, ",", func(i int) string { return fmt.Sprintf(`{"value":"a%d@example.com","primary":true}`, i) })+`]}`)
	add("20,000 equal addresses", `{`+userSchema+`,"userName":1,"emails":[`+repeat(20_000, ",", func(int) string { return `{"value":"a@example.com","type":"work"}` })+`]}`)
	add("50,000 schemas", `{"schemas":[`+repeat(50_000, ",", func(i int) string { return fmt.Sprintf(`"urn:x:%d"`, i) })+`]}`)
	add("a number of 900 KB", `{`+userSchema+`,"userName":`+strings.Repeat("9", 900_000)+`}`)
	add("a number beyond all", `{`+userSchema+`,"userName":1e999999999}`)
	add("a text of 900 KB", `{`+userSchema+`,"userName":["`+strings.Repeat("a", 900_000)+`"]}`)
	add("a text of 900 KB of escapes", `{`+userSchema+`,"userName":["`+strings.Repeat(`\u0000`, 150_000)+`"]}`)
	add("bytes that are no text", `{`+userSchema+`,"userName":"`+strings.Repeat("\xff", 900_000)+`"}`)
	add("1 MB of spaces", strings.Repeat(" ", 1_000_000))
	return all
}

// patches change nothing: each has a fault at its end.
func patches(s *site) (all []input) {
	add := func(name, path, operations string) {
		body := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + operations + `]}`
		all = append(all, input{name: "patch: " + name, method: http.MethodPatch, path: path, body: body})
	}
	const fault = `,{"op":"replace","path":"id","value":"x"}`
	user, group := "/Users/"+s.user, "/Groups/"+s.group
	add("999 operations", user, repeat(999, ",", func(i int) string { return fmt.Sprintf(`{"op":"replace","path":"title","value":"t%d"}`, i) })+fault)
	add("999 value paths", user, repeat(999, ",", func(i int) string {
		return fmt.Sprintf(`{"op":"replace","path":"emails[type eq \"t%d\" or value co \"v%[1]d\"].display","value":"d"}`, i)
	})+fault)
	add("100 value paths over 10,000 elements", user, `{"op":"add","path":"phoneNumbers","value":[`+repeat(10_000, ",", func(i int) string { return fmt.Sprintf(`{"value":"%d"}`, i) })+`]},`+
		repeat(100, ",", func(i int) string {
			return fmt.Sprintf(`{"op":"replace","path":"phoneNumbers[value eq \"x%d\"].display","value":"d"}`, i)
		})+fault)
	add("999 removals of members", group, repeat(999, ",", func(i int) string { return fmt.Sprintf(`{"op":"remove","path":"members[value eq \"x%d\"]"}`, i) })+fault)
	add("20,000 members", group, `{"op":"add","path":"members","value":[`+repeat(20_000, ",", func(i int) string { return fmt.Sprintf(`{"value":"x%d"}`, i) })+`]}`+fault)
	add("a path of 900 KB", user, `{"op":"replace","path":"`+strings.Repeat("a", 900_000)+`","value":1}`)
	add("a path of 100,000 brackets", user, `{"op":"replace","path":"emails`+strings.Repeat("[", 100_000)+`","value":1}`)
	add("a value of 100,000 arrays", user, `{"op":"replace","path":"emails","value":`+strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)+`}`)
	add("20,000 operations", user, repeat(20_000, ",", func(int) string { return `{"op":"remove"}` }))
	return all
}

// bulks are of operations that are refused one by one, or all.
func bulks() (all []input) {
	add := func(name, operations string) {
		body := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[` + operations + `]}`
		all = append(all, input{name: "bulk: " + name, method: http.MethodPost, path: "/Bulk", body: body})
	}
	group := func(i int, refersTo string) string {
		return fmt.Sprintf(`{"method":"POST","path":"/Groups","bulkId":"b%d","data":{"displayName":1,"members":[%s]}}`, i, refersTo)
	}
	add("a circle of 1,000", repeat(1000, ",", func(i int) string { return group(i, fmt.Sprintf(`{"value":"bulkId:b%d"}`, (i+1)%1000)) }))
	add("a chain of 1,000", repeat(1000, ",", func(i int) string { return group(i, fmt.Sprintf(`{"value":"bulkId:b%d"}`, i+1)) }))
	add("all refer to all of 100", repeat(100, ",", func(i int) string {
		return group(i, repeat(100, ",", func(j int) string { return fmt.Sprintf(`{"value":"bulkId:b%d"}`, j) }))
	}))
	add("one bulkId 1,000 times", repeat(1000, ",", func(int) string { return group(1, "") }))
	add("20,000 operations", repeat(20_000, ",", func(i int) string { return group(i, "") }))
	add("1,000 unknown paths", repeat(1000, ",", func(i int) string { return fmt.Sprintf(`{"method":"DELETE","path":"/Nowhere/%d"}`, i) }))
	return all
}

// parameters are of lists and headers.
func parameters(s *site) (all []input) {
	get := func(name, path string, header map[string]string) {
		all = append(all, input{name: "request: " + name, method: http.MethodGet, path: path, header: header})
	}
	long := strings.Repeat("a", 100_000)
	get("count beyond all", "/Users?count=999999999999999999999999", nil)
	get("startIndex beyond all", "/Users?startIndex=9223372036854775807&count=1", nil)
	get("20,000 attributes", "/Users?count=1&attributes="+repeat(20_000, ",", func(i int) string { return fmt.Sprintf("a%d", i) }), nil)
	get("20,000 times an attribute", "/Users?count=1&attributes="+repeat(20_000, ",", func(int) string { return "name" }), nil)
	get("sortBy of 100 KB", "/Users?count=1&sortBy="+long, nil)
	get("sorted by what differs most", "/Users?count=1&sortBy=emails.value", nil)
	get("a cursor of 100 KB", "/Users?cursor="+long, nil)
	get("20,000 parameters", "/Users?count=1&"+repeat(20_000, "&", func(i int) string { return fmt.Sprintf("p%d=1", i) }), nil)
	get("an id of 100 KB", "/Users/"+long, nil)
	get("an id of 30,000 escapes", "/Users/"+strings.Repeat("%2F", 30_000), nil)
	get("100,000 slashes", strings.Repeat("/", 100_000)+"?count=1", nil)
	get("20,000 entity tags", "/Users/"+s.user, map[string]string{"If-None-Match": repeat(20_000, ", ", func(i int) string { return fmt.Sprintf(`"%d"`, i) })})
	get("20,000 media types", "/Users?count=1", map[string]string{"Accept": repeat(20_000, ", ", func(i int) string { return fmt.Sprintf("a/b%d;q=0.1", i) })})
	get("a token of 100 KB", "/Users?count=1", map[string]string{"Authorization": "Bearer ey" + strings.Repeat("a.", 50_000)})
	get("20,000 hops", "/Users?count=1", map[string]string{"X-Forwarded-For": repeat(20_000, ", ", func(int) string { return "10.0.0.1" })})
	get("an unknown filter in the URL", "/Users?filter="+url.QueryEscape(strings.Repeat("(", 50_000)), nil)
	return all
}

// texts are rich text of issues.
func texts() (all []input) {
	add := func(name, text string) {
		body := fmt.Sprintf(`{"schemas":["urn:scim-atlassian:params:scim:schemas:jira:2.0:Issue"],"description":"%s","project":{"key":"ENG"},"issueType":{"name":"Task"},"summary":"s"}`, text)
		all = append(all, input{name: "text: 30 KB of " + name, method: http.MethodPost, path: "/Issues", body: body})
	}
	add("emphasis that nests", strings.Repeat("*a ", 5_000)+strings.Repeat("a* ", 5_000))
	add("emphasis that nests, of three kinds", strings.Repeat("*a **b ~~c ", 1_300)+strings.Repeat("c~~ b** a* ", 1_300))
	for name, part := range map[string]string{"stars": "*", "cards": "<", "cards with a colon": "<a:", "directives": ":u[", "directives with arguments": ":u[a]{", "brackets that close": "[]", "brackets around": "[a", "emphasis that opens": "*a ", "emphasis of three kinds": "*a _b ~~c ", "emphasis that closes": "a* ", "mixed emphasis": "*_a_ ** b", "tables": `|a|\n`, "code of several lengths": "` `` ``` ", "secrets": "⟦", "brackets": "[", "pipes": "|", "backticks": "`", "quotes": "> ", "lists": "- ", "underscores": "_ ", "links": "[a](", "escapes": `\\`, "lines": `\n`, "mentions": "@[", "headings": "# "} {
		add(name, strings.Repeat(part, 30_000/len(part)))
	}
	return all
}
