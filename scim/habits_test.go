package scim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
)

// This file holds what client libraries rely on without saying so; docs/clients.md
// names them.

// TestListsAreWhole holds that every list has Resources, if empty, and
// totalResults: libraries take what is absent for null, or for the page's size.
func TestListsAreWhole(t *testing.T) {
	f := newFacade(t, emulator.Options{Users: 12, Groups: 3, Projects: 1, Issues: 5, Seed: 1}, scim.Config{})
	endpoints := []string{"/Users", "/Groups", "/Issues", "/Accounts", "/Account", "/Entitlements", "/Entitlement", "/"}
	pages := []string{
		"", "?count=0", "?count=1", "?startIndex=0", "?startIndex=1000", "?startIndex=1000&count=0", "?cursor=", "?cursor=&count=0", "?cursor=&count=1",
		"?filter=id+eq+%22none%22", "?filter=id+eq+%22none%22&count=0", "?filter=id+eq+%22none%22&cursor=", "?filter=id+sw+%22none%22", "?sortBy=id&count=2", "?attributes=id", "?excludedAttributes=id,schemas",
	}
	lists := []string{"/Schemas", "/ResourceTypes", "/Schemas?startIndex=1000", "/ResourceTypes?count=0"}
	for _, endpoint := range endpoints {
		for _, page := range pages {
			lists = append(lists, endpoint+page)
		}
	}
	wholeList := func(a answer, what string) {
		t.Helper()
		var list struct {
			Schemas      []string
			Resources    *[]json.RawMessage
			TotalResults *int
		}
		if err := json.Unmarshal([]byte(a.body), &list); err != nil || list.Resources == nil || list.TotalResults == nil || len(list.Schemas) != 1 {
			t.Errorf("%s: %v in %.300s", what, err, a.body)
		}
	}
	for _, path := range lists {
		wholeList(f.want(200, "GET", path, ""), path)
	}
	for _, endpoint := range endpoints {
		for _, body := range []string{`{}`, `{"count":0}`, `{"startIndex":1000}`, `{"filter":"id eq \"none\""}`, `{"cursor":""}`} {
			path := strings.TrimSuffix(endpoint, "/") + "/.search"
			wholeList(f.want(200, "POST", path, body), path+" "+body)
		}
	}
}

// members lists the members that a document may have, with those of its parts
// behind a dot.
type members []string

// unknown lists the members of a value that are not among those.
func (m members) unknown(at string, v any) []string {
	var found []string
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			found = append(found, m.unknown(at, e)...)
		}
	case map[string]any:
		for name, part := range v {
			path := strings.TrimPrefix(at+"."+name, ".")
			if !slices.Contains(m, path) {
				found = append(found, path)
			} else {
				found = append(found, m.unknown(path, part)...)
			}
		}
	}
	return found
}

// prefixed are the members of a part.
func prefixed(part string, names ...string) members {
	all := members{part}
	for _, name := range names {
		all = append(all, part+"."+name)
	}
	return all
}

// TestTypedDocumentsHaveNoUnknownMember holds the documents that libraries read
// into types of their own to the members that the RFCs give them: some refuse a
// document with any other. The callers have no setting that adds one.
func TestTypedDocumentsHaveNoUnknownMember(t *testing.T) {
	f := newFacade(t, emulator.Options{Users: 12, Groups: 3, Projects: 1, Issues: 5, Seed: 1}, scim.Config{})
	meta := prefixed("meta", "resourceType", "created", "lastModified", "location", "version")
	common := slices.Concat(members{"schemas", "id", "externalId"}, meta)
	attribute := []string{"name", "type", "multiValued", "description", "required", "canonicalValues", "caseExact", "mutability", "returned", "uniqueness", "referenceTypes", "subAttributes"}
	list := members{"schemas", "totalResults", "startIndex", "itemsPerPage", "Resources", "nextCursor", "previousCursor"}
	user := slices.Concat(common,
		members{"userName", "displayName", "nickName", "profileUrl", "title", "userType", "preferredLanguage", "locale", "timezone", "active"},
		prefixed("name", "formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix"),
		prefixed("emails", "value", "display", "type", "primary"), prefixed("phoneNumbers", "value", "display", "type", "primary"),
		prefixed("groups", "value", "$ref", "display", "type"),
		prefixed(enterprise, "organization", "department"), prefixed("urn:scim:schemas:extension:atlassian-external:1.0", "atlassianAccountId"))
	group := slices.Concat(common, members{"displayName"}, prefixed("members", "value", "$ref", "type", "display"))
	schema := slices.Concat(meta, members{"schemas", "id", "name", "description"}, prefixed("attributes", attribute...), prefixed("attributes.subAttributes", attribute...),
		prefixed("attributes.subAttributes.subAttributes", attribute...)) // of the schema of schemas
	resourceType := slices.Concat(meta, members{"schemas", "id", "name", "description", "endpoint", "schema"}, prefixed("schemaExtensions", "schema", "required"))
	config := slices.Concat(meta, members{"schemas", "documentationUri"},
		prefixed("patch", "supported"), prefixed("bulk", "supported", "maxOperations", "maxPayloadSize"), prefixed("filter", "supported", "maxResults"),
		prefixed("changePassword", "supported"), prefixed("sort", "supported"), prefixed("etag", "supported"),
		prefixed("authenticationSchemes", "name", "description", "specUri", "documentationUri", "type", "primary"))
	refusal := members{"schemas", "status", "scimType", "detail"}
	resources := func(of members) members {
		all := slices.Clone(list)
		for _, name := range of {
			all = append(all, "Resources."+name)
		}
		return all
	}
	id := f.want(201, "POST", "/Users", userBody("full@demo.example", `"externalId":"e","displayName":"F","nickName":"F","title":"T","preferredLanguage":"en","timezone":"UTC","phoneNumbers":[{"value":"1","type":"work"}]`,
		`"name":{"formatted":"F F","familyName":"F","givenName":"F","middleName":"M","honorificPrefix":"D","honorificSuffix":"S"}`, `"`+enterprise+`":{"organization":"O","department":"D"}`)).at("id").(string)
	f.group("Full", id)
	for _, tt := range []struct {
		status             int
		method, path, body string
		may                members
	}{
		{200, "GET", "/ServiceProviderConfig", "", config},
		{200, "GET", "/Schemas", "", resources(schema)},
		{200, "GET", "/Schemas/" + coreUser, "", schema},
		{200, "GET", "/ResourceTypes", "", resources(resourceType)},
		{200, "GET", "/ResourceTypes/User", "", resourceType},
		{200, "GET", "/Users/" + id, "", user},
		{200, "GET", "/Users", "", resources(user)},
		{200, "GET", "/Users?cursor=&count=2", "", resources(user)},
		{200, "GET", "/Groups", "", resources(group)},
		{404, "GET", "/Users/none", "", refusal},
		{400, "POST", "/Users", "{}", refusal},
		{200, "POST", "/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[{"method":"DELETE","path":"/Users/none"},{"method":"POST","bulkId":"a","path":"/Users","data":` + userBody("bulk@demo.example") + `}]}`,
			slices.Concat(members{"schemas"}, prefixed("Operations", "location", "method", "bulkId", "version", "status", "response"),
				members{"Operations.response.schemas", "Operations.response.status", "Operations.response.scimType", "Operations.response.detail"})},
	} {
		a := f.want(tt.status, tt.method, tt.path, tt.body)
		if unknown := tt.may.unknown("", a.doc); len(unknown) > 0 {
			t.Errorf("%s %s: unknown members %q", tt.method, tt.path, unknown)
		}
	}
}

// TestLongReadsUnderDeletionsEnd has a client read all users while others are
// deleted, before and behind the place that it has come to. A client that goes on
// until it has passed totalResults, or until there is no next cursor, ends after
// as many pages as there would have been at most, and no page before the last is
// empty.
func TestLongReadsUnderDeletionsEnd(t *testing.T) {
	const users, size, most = 300, 20, 300/20 + 1
	for _, tt := range []struct {
		name  string
		first string
		next  func(a answer, read int) string // empty: the client has all
	}{
		{"by index", fmt.Sprintf("/Users?startIndex=1&count=%d", size), func(a answer, read int) string {
			if total := int(a.at("totalResults").(float64)); read >= total {
				return ""
			}
			return fmt.Sprintf("/Users?startIndex=%d&count=%d", read+1, size)
		}},
		{"by cursor", fmt.Sprintf("/Users?cursor=&count=%d", size), func(a answer, _ int) string {
			cursor, _ := a.at("nextCursor").(string)
			if cursor == "" {
				return ""
			}
			return fmt.Sprintf("/Users?cursor=%s&count=%d", cursor, size)
		}},
		{"filtered", fmt.Sprintf("/Users?filter=userName+pr&startIndex=1&count=%d", size), func(a answer, read int) string {
			if total := int(a.at("totalResults").(float64)); read >= total {
				return ""
			}
			return fmt.Sprintf("/Users?filter=userName+pr&startIndex=%d&count=%d", read+1, size)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFacade(t, emulator.Options{Users: users, Seed: 1}, scim.Config{})
			var ids []string
			for _, user := range f.get("/Users?attributes=id").at("Resources").([]any) {
				ids = append(ids, user.(map[string]any)["id"].(string))
			}
			seen, read, pages := map[string]bool{}, 0, 0
			for path := tt.first; path != ""; pages++ {
				a := f.want(200, "GET", path, "")
				page := a.at("Resources").([]any)
				read += len(page)
				for _, user := range page {
					seen[user.(map[string]any)["id"].(string)] = true
				}
				path = tt.next(a, read)
				if len(page) == 0 && path != "" || pages > most {
					t.Fatalf("page %d has %d of %v users, and %q follows", pages+1, len(page), a.at("totalResults"), path)
				}
				if len(ids) > 8 { // two at the beginning, two in the middle, two at the end
					middle := len(ids) / 2
					gone := []string{ids[0], ids[1], ids[middle], ids[middle+1], ids[len(ids)-2], ids[len(ids)-1]}
					for _, id := range gone {
						f.want(204, "DELETE", "/Users/"+id, "")
					}
					ids = slices.DeleteFunc(ids, func(id string) bool { return slices.Contains(gone, id) })
				}
			}
			for _, id := range ids {
				if !seen[id] {
					t.Errorf("%s was there all the time and was not read", id)
				}
			}
		})
	}
}

// TestRefusedRequestsCostNothing holds that what the server refuses by itself asks
// nothing of Atlassian and says so: some clients repeat it every second.
func TestRefusedRequestsCostNothing(t *testing.T) {
	reader, strict := bearer("reads-groups", auth.Read), bearer("strict", auth.Write)
	reader.Rights = map[string]auth.Right{"Group": auth.Read}
	strict.Strict = true
	f := newFacade(t, emulator.Options{Users: 3, Groups: 1, Projects: 1, Issues: 2, Seed: 1}, scim.Config{Callers: []auth.Caller{reader, strict}})
	user, group := "/Users/"+f.first("/Users", "id"), "/Groups/"+f.first("/Groups", "id")
	patch := func(operation string) string {
		return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + operation + `]}`
	}
	for _, tt := range []struct {
		status                     int
		caller, method, path, body string
		header                     []string
	}{
		{400, "all", "GET", "/Users?filter=userName", "", nil},
		{400, "all", "GET", "/Users?filter=nothing+eq+1", "", nil},
		{400, "all", "GET", "/Users?cursor=forged", "", nil},
		{400, "all", "GET", "/Users?sortBy=nothing", "", nil},
		{400, "all", "GET", "/Issues?filter=status.name+gt+1", "", nil},
		{400, "all", "GET", "/Accounts?filter=(", "", nil},
		{400, "all", "GET", "/Entitlements?startIndex=x", "", nil},
		{400, "all", "POST", "/Users", "{", nil},
		{400, "all", "POST", "/Users", "{}", nil},
		{400, "all", "POST", "/Users", `{"schemas":["` + coreUser + `"],"userName":"a"}`, nil},
		{400, "all", "POST", "/Groups", `{"schemas":["` + coreGroup + `"]}`, nil},
		{400, "all", "PUT", user, `[]`, nil},
		{400, "all", "PATCH", user, patch(`{"op":"drop","path":"title"}`), nil},
		{400, "all", "PATCH", user, patch(`{"op":"replace","path":"nothing","value":"x"}`), nil},
		{400, "all", "PATCH", user, patch(`{"op":"replace","path":"id","value":"x"}`), nil},
		{400, "all", "PATCH", group, patch(`{"op":"add","path":"members","value":1}`), nil},
		{400, "all", "POST", "/Users/.search", `{"filter":1}`, nil},
		{400, "all", "POST", "/Bulk", `{"Operations":{}}`, nil},
		{400, "strict", "PATCH", user, `{}`, nil},
		{401, "nobody", "GET", "/Users", "", nil},
		{401, "nobody", "POST", "/Users", userBody("a@demo.example"), nil},
		{401, "nobody", "DELETE", user, "", nil},
		{401, "nobody", "GET", "/Nothing", "", nil},
		{401, "all", "GET", "/Users", "", []string{"Authorization", ""}},
		{403, "reads-groups", "GET", "/Users", "", nil},
		{403, "reads-groups", "GET", user, "", nil},
		{403, "reads-groups", "DELETE", group, "", nil},
		{403, "reads-groups", "PATCH", group, patch(`{"op":"replace","path":"displayName","value":"x"}`), nil},
		{403, "reads-groups", "POST", "/Users", userBody("a@demo.example"), nil},
		{403, "all", "GET", "/Schemas?filter=id+pr", "", nil},
		{404, "all", "GET", "/Nothing", "", nil},
		{404, "all", "POST", "/Nothing", "{}", nil},
		{404, "all", "GET", user + "/groups", "", nil},
		{404, "all", "GET", "/Schemas/none", "", nil},
		{404, "all", "GET", "/ResourceTypes/none", "", nil},
		{405, "all", "DELETE", "/Users", "", nil},
		{405, "all", "PUT", "/Groups", "{}", nil},
		{405, "all", "POST", user, "{}", nil},
		{405, "all", "POST", "/ServiceProviderConfig", "{}", nil},
		{405, "all", "GET", "/Bulk", "", nil},
		{415, "all", "POST", "/Users", userBody("a@demo.example"), []string{"Content-Type", "text/plain"}},
		{415, "all", "PUT", user, userBody("a@demo.example"), []string{"Content-Type", "application/xml"}},
		{415, "all", "PATCH", group, patch(`{"op":"remove","path":"members"}`), []string{"Content-Type", "application/x-www-form-urlencoded"}},
		{415, "all", "POST", "/Bulk", `{}`, []string{"Content-Type", "text/csv"}},
	} {
		a := f.as(tt.caller).do(tt.method, tt.path, tt.body, tt.header...)
		if a.status != tt.status || len(a.calls) != 0 || a.header.Get("X-Upstream-Calls") != "0" {
			t.Errorf("%s %s %.60s: %d, want %d; X-Upstream-Calls %q, calls %q\n%.300s", tt.method, tt.path, tt.body, a.status, tt.status, a.header.Get("X-Upstream-Calls"), a.calls, a.body)
		}
	}
}

// TestRefusedRequestsDoNotLengthenTheWait has a client ask again and again while
// Atlassian wants quiet: each request of a kind that was refused before is refused
// without asking Atlassian, and told to wait for what is left.
func TestRefusedRequestsDoNotLengthenTheWait(t *testing.T) {
	f := newFacade(t, emulator.Options{Users: 3, Groups: 1, Projects: 1, Issues: 2, Seed: 1}, scim.Config{})
	user := "/Users/" + f.first("/Users", "id")
	faults, err := emulator.ParseFaults("status=429 retry-after=20")
	if err != nil {
		t.Fatal(err)
	}
	f.emulator.SetFaults(faults)
	wait := func(a answer) int {
		t.Helper()
		seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
		if a.status != http.StatusTooManyRequests || err != nil {
			t.Fatalf("%d, Retry-After %q: %s", a.status, a.header.Get("Retry-After"), a.body)
		}
		return seconds
	}
	first := f.do("GET", user, "")
	left := wait(first)
	if left < 19 || left > 21 || len(first.calls) != 1 {
		t.Errorf("told to wait for %d s after %q, want 20 after one", left, first.calls)
	}
	for _, again := range []struct{ method, path, body string }{
		{"GET", user, ""}, {"GET", "/Users?count=1", ""}, {"DELETE", user, ""}, {"GET", "/Groups", ""},
		{"POST", "/Users", userBody("a@demo.example")}, {"PATCH", user, `{"Operations":[{"op":"replace","path":"title","value":"x"}]}`}, {"GET", user, ""},
	} {
		f.do(again.method, again.path, again.body) // Atlassian limits each kind of request by itself
		a := f.do(again.method, again.path, again.body)
		if now := wait(a); now > left || len(a.calls) != 0 {
			t.Errorf("%s %s: told to wait for %d s, %d before; calls %q", again.method, again.path, now, left, a.calls)
		} else {
			left = now
		}
	}
}
