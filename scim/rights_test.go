package scim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/state"
)

// TestRights makes every kind of request for every type on behalf of callers with a right for one type alone. What the
// right gives is not 403, all else is, and changes nothing.
func TestRights(t *testing.T) {
	types := []string{"User", "Group", "Account", "Entitlement", "Issue"}
	endpoints := map[string]string{"User": "Users", "Group": "Groups", "Account": "Accounts", "Entitlement": "Entitlements", "Issue": "Issues"}
	bodies := map[string]string{
		"User": userBody("zoe@demo.example"), "Group": `{"displayName":"new"}`, "Account": newAccount("yan@demo.example"),
		"Entitlement": `{"displayName":"GROUP~new too","type":"GROUP"}`, "Issue": `{"project":"ENG","issueType":"Task","summary":"new"}`,
	}
	patches := map[string]string{
		"User": "title", "Group": "externalId", "Account": "title", "Entitlement": "externalId", "Issue": "summary",
	}
	callers := []auth.Caller{}
	for _, typ := range types {
		for _, right := range []auth.Right{auth.Read, auth.Write} {
			c := bearer(typ+"-"+string(right), right)
			c.Rights = map[string]auth.Right{typ: right}
			callers = append(callers, c)
		}
	}
	store, err := state.Open(t.Context(), "memory", state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	f := newFacade(t, emulator.Options{Users: 4, Groups: 2, Projects: 1, Issues: 2, Seed: 1}, scim.Config{Callers: callers, State: store})
	made := map[string]string{}
	for _, typ := range types {
		made[typ] = f.first("/"+endpoints[typ], "id")
	}
	const bulk, plan = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[%s]}`, "/Plans"
	cells := 0
	for _, c := range callers {
		f.caller = c.Name
		for _, typ := range types {
			path, id := "/"+endpoints[typ], made[typ]
			change := fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":%q,"value":%q}]}`, patches[typ], c.Name)
			operation := fmt.Sprintf(`{"method":"PATCH","path":"%s/%s","data":%s}`, path, id, change)
			for _, r := range []struct {
				method, path, body string
				write              bool
			}{
				{"GET", path, "", false}, {"GET", path + "/" + id, "", false}, {"HEAD", path + "/" + id, "", false}, {"POST", path + "/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"count":1}`, false},
				{"GET", path + "?count=0", "", false}, {"GET", path + "?cursor&count=1", "", false}, {"GET", path + "?filter=id+pr", "", false},
				{"GET", path + "/.deltaToken", "", false}, {"POST", path + "/.delta", `{}`, false},
				{"POST", path, bodies[typ], true}, {"PUT", path + "/" + id, bodies[typ], true}, {"PATCH", path + "/" + id, change, true}, {"DELETE", path + "/nobody", "", true},
				{"POST", "/Bulk", fmt.Sprintf(bulk, operation), true}, {"POST", plan, fmt.Sprintf(bulk, operation), true},
			} {
				may := c.May(typ, r.write)
				before := ""
				if !may {
					before = rawState(t, f.emulator)
				}
				a := f.do(r.method, r.path, r.body)
				cells++
				refused := a.status == http.StatusForbidden || strings.Contains(a.body, `"status":"403"`) // of an operation
				if refused == may {
					t.Errorf("%s: %s %s: %d, may %t: %.200s", c.Name, r.method, r.path, a.status, may, a.body)
				}
				if !may && rawState(t, f.emulator) != before {
					t.Errorf("%s: %s %s is refused, and changed something", c.Name, r.method, r.path)
				}
			}
		}
		found := f.do(http.MethodGet, "/?count=100", "")
		for i := 0; found.at("Resources", i) != nil; i++ {
			if typ, _ := found.at("Resources", i, "meta", "resourceType").(string); !c.May(typ, false) {
				t.Errorf("%s sees a %s on the root", c.Name, typ)
			}
		}
		f.caller = "all"
		for _, typ := range types { // deletions and changes of those who may
			made[typ] = f.first("/"+endpoints[typ], "id")
		}
	}
	t.Logf("%d requests", cells)
}
