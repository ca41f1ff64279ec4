package scim_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/guard"
	"scim-atlassian/scim/server"
	"scim-atlassian/scim/state"
)

// newGuarded is a facade with a budget of 20 % an hour whose snapshots are warm.
func newGuarded(t *testing.T, options emulator.Options, floor int, protected string) *facade {
	t.Helper()
	patterns, err := guard.ParsePatterns(protected)
	if err != nil {
		t.Fatal(err)
	}
	officer := bearer("officer", auth.Write)
	officer.Release, officer.Protected = true, true
	leaver := bearer("leaver", auth.Write)
	leaver.DeleteUsers = auth.Deactivate
	f := newFacade(t, options, scim.Config{
		Callers: []auth.Caller{officer, leaver, bearer("reader", auth.Read)}, SnapshotTTL: time.Hour,
		ChangeBudget: guard.Budget{Percent: 20, Window: time.Hour, Floor: floor}, Protected: patterns,
	})
	f.want(200, http.MethodGet, "/Users?filter=title+pr", "")
	f.want(200, http.MethodGet, "/Groups?filter=externalId+pr", "")
	return f
}

func (f *facade) ids(path string) []string {
	f.Helper()
	var ids []string
	all, _ := f.want(200, http.MethodGet, path, "").doc["Resources"].([]any)
	for _, r := range all {
		ids = append(ids, r.(map[string]any)["id"].(string))
	}
	return ids
}

// writes are the calls that change something.
func (a answer) writes() []string {
	return slices.DeleteFunc(slices.Clone(a.calls), func(call string) bool { return strings.HasPrefix(call, http.MethodGet) })
}

// TestBudgetInBulk deletes everybody in one bulk request: a fifth goes, the rest is
// refused honestly, and Atlassian sees nothing of it.
func TestBudgetInBulk(t *testing.T) {
	f := newGuarded(t, emulator.Options{Users: 1000, Seed: 1}, 100, "none")
	ids := f.ids("/Users?count=1000")
	total := len(ids)
	var ops []string
	for _, id := range ids[:min(total, 1000)] {
		ops = append(ops, fmt.Sprintf(`{"method":"DELETE","path":"/Users/%s"}`, id))
	}
	a := f.want(200, http.MethodPost, "/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[`+strings.Join(ops, ",")+`]}`)
	got := map[string]int{}
	for _, r := range a.doc["Operations"].([]any) {
		o := r.(map[string]any)
		kind := o["status"].(string)
		if response, ok := o["response"].(map[string]any); ok {
			kind += fmt.Sprint(" ", response["scimType"])
		}
		got[kind]++
	}
	fifth := total / 5
	if got["204"] != fifth || got["403 changeBudget"] != len(ops)-fifth || len(a.writes()) != fifth {
		t.Errorf("got %v and %d writes upstream, of %d users", got, len(a.writes()), total)
	}
	if left := len(f.ids("/Users?count=1000")); left != total-fifth {
		t.Errorf("%d users are left", left)
	}
	holds := f.want(200, http.MethodGet, "/Holds", "")
	if n := holds.at("Resources", 0, "refused"); n != float64(len(ops)-fifth) {
		t.Errorf("held: %v", holds.body)
	}
}

// TestBudgetOfEachWrite holds what counts, by a budget of one, that what is refused
// costs no write, and that the caller's own retry passes after a release.
func TestBudgetOfEachWrite(t *testing.T) {
	tests := []struct {
		name string
		// do takes away one thing, of those with a number
		do func(f *facade, users, groups []string, n int) answer
	}{
		{"delete users", func(f *facade, users, _ []string, n int) answer {
			return f.do(http.MethodDelete, "/Users/"+users[n], "")
		}},
		{"delete accounts", func(f *facade, users, _ []string, n int) answer {
			return f.do(http.MethodDelete, "/Accounts/"+users[n], "")
		}},
		{"deactivate in PATCH", func(f *facade, users, _ []string, n int) answer {
			return f.do(http.MethodPatch, "/Users/"+users[n], patchBody("replace", "active", "false"))
		}},
		{"deactivate an account", func(f *facade, users, _ []string, n int) answer {
			return f.do(http.MethodPatch, "/Accounts/"+users[n], patchBody("replace", "active", "false"))
		}},
		{"deactivate by DELETE", func(f *facade, users, _ []string, n int) answer {
			f.caller = "leaver"
			return f.do(http.MethodDelete, "/Users/"+users[n], "")
		}},
		{"deactivate in PUT", func(f *facade, users, _ []string, n int) answer {
			return f.do(http.MethodPut, "/Users/"+users[n], userBody(fmt.Sprintf("u%d@demo.example", n), `"active":false`))
		}},
		{"remove a member", func(f *facade, users, groups []string, n int) answer {
			return f.do(http.MethodPatch, "/Groups/"+groups[0], removeBody(fmt.Sprintf(`members[value eq \"%s\"]`, users[n])))
		}},
		{"PUT a group", func(f *facade, users, groups []string, n int) answer {
			return f.do(http.MethodPut, "/Groups/"+groups[0], groupBody("G0", users[n+1:]...))
		}},
		{"replace members", func(f *facade, users, groups []string, n int) answer {
			return f.do(http.MethodPatch, "/Groups/"+groups[0], patchBody("replace", "members", memberValues(users[n+1:])))
		}},
		{"revoke an entitlement", func(f *facade, users, groups []string, n int) answer {
			return f.do(http.MethodPatch, "/Accounts/"+users[n], removeBody(fmt.Sprintf(`entitlements[value eq \"%s\"]`, groups[0])))
		}},
		{"delete a group", func(f *facade, _, groups []string, n int) answer {
			return f.do(http.MethodDelete, "/Groups/"+groups[n+1], "")
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newGuarded(t, emulator.Options{Seed: 1}, 1, "none")
			var users, groups []string
			for i := range 4 {
				users = append(users, f.user(fmt.Sprintf("u%d@demo.example", i)))
			}
			groups = append(groups, f.want(201, http.MethodPost, "/Groups", groupBody("G0", users...)).at("id").(string))
			for i := range 4 {
				groups = append(groups, f.want(201, http.MethodPost, "/Groups", groupBody(fmt.Sprint("H", i))).at("id").(string))
			}
			if a := test.do(f, users, groups, 0); a.status >= 300 {
				t.Fatalf("the first: %d %s", a.status, a.body)
			}
			if a := test.do(f, users, groups, 0); a.doc["scimType"] == "changeBudget" {
				t.Fatalf("a repeat: %d %s", a.status, a.body)
			}
			a := test.do(f, users, groups, 1)
			if a.status != 403 || len(a.writes()) > 0 {
				t.Fatalf("the second: %d %v %s", a.status, a.writes(), a.body)
			}
			detail := a.refused(t, "changeBudget")
			caller := f.caller
			id := f.want(200, http.MethodGet, "/Holds", "").at("Resources", 0, "id").(string)
			if !strings.Contains(detail, "/Holds/"+id+"/release") {
				t.Error(detail)
			}
			f.want(403, http.MethodPost, "/Holds/"+id+"/release", "")
			f.caller = "reader"
			f.want(404, http.MethodGet, "/Holds/"+id, "")
			f.caller = "officer"
			if a := f.want(200, http.MethodPost, "/Holds/"+id+"/release", `{"minutes":5}`); len(a.calls) > 0 {
				t.Errorf("a release executes nothing: %v", a.calls)
			}
			f.caller = caller
			if a := test.do(f, users, groups, 1); a.status >= 300 {
				t.Fatalf("released: %d %s", a.status, a.body)
			}
		})
	}
}

func removeBody(path string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"` + path + `"}]}`
}

func memberValues(ids []string) string {
	var values []string
	for _, id := range ids {
		values = append(values, fmt.Sprintf(`{"value":%q}`, id))
	}
	return "[" + strings.Join(values, ",") + "]"
}

// TestProtected holds that what the operator protects is not changed by any way there
// is, but by a caller with the right.
func TestProtected(t *testing.T) {
	f := newGuarded(t, emulator.Options{Seed: 1}, 1000, "Group:site-*,Account:root@demo.example")
	f.caller = "officer"
	root, ann := f.user("root@demo.example"), f.user("ann@demo.example")
	site := f.want(201, http.MethodPost, "/Groups", groupBody("Site-Staff", root)).at("id").(string)
	open := f.want(201, http.MethodPost, "/Groups", groupBody("open", root)).at("id").(string)
	tests := []struct{ method, path, body string }{
		{http.MethodDelete, "/Users/" + root, ""},
		{http.MethodDelete, "/Accounts/" + root, ""},
		{http.MethodPatch, "/Users/" + root, patchBody("replace", "active", "false")},
		{http.MethodPatch, "/Accounts/" + root, patchBody("replace", "active", "false")},
		{http.MethodPut, "/Users/" + root, userBody("other@demo.example")},
		{http.MethodPatch, "/Groups/" + site, patchBody("add", "members", memberValues([]string{ann}))},
		{http.MethodPatch, "/Entitlements/" + site, patchBody("add", "members", memberValues([]string{ann}))},
		{http.MethodPatch, "/Accounts/" + ann, patchBody("add", "entitlements", memberValues([]string{site}))},
		{http.MethodPut, "/Groups/" + site, groupBody("Site-Staff")},
		{http.MethodDelete, "/Groups/" + site, ""},
		{http.MethodDelete, "/Entitlements/" + site, ""},
	}
	for _, test := range tests {
		f.caller = "all"
		a := f.do(test.method, test.path, test.body)
		if a.status != 403 || a.doc["scimType"] != "protected" || len(a.writes()) > 0 {
			t.Errorf("%s %s: %d %v %s", test.method, test.path, a.status, a.writes(), a.body)
		}
	}
	f.want(200, http.MethodPatch, "/Groups/"+open, patchBody("add", "members", memberValues([]string{ann})))
	f.want(200, http.MethodPatch, "/Users/"+ann, patchBody("replace", "title", `"Boss"`))
	f.caller = "officer"
	for _, test := range tests[5:] {
		if a := f.do(test.method, test.path, test.body); a.status >= 300 && a.status != 404 {
			t.Errorf("with the right: %s %s: %d %s", test.method, test.path, a.status, a.body)
		}
	}
}

// TestLastAdministrator holds that nobody takes the last administrator from a project.
func TestLastAdministrator(t *testing.T) {
	f := newGuarded(t, emulator.Options{Projects: 1, Seed: 1}, 1000, "Group:site-admins")
	f.caller = "officer"
	ann, bob := f.user("ann@demo.example"), f.user("bob@demo.example")
	var role string
	all, _ := f.want(200, http.MethodGet, "/Entitlements?count=100&attributes=id,name", "").doc["Resources"].([]any)
	for _, r := range all {
		if o := r.(map[string]any); role == "" && strings.Contains(fmt.Sprint(o), "Administrators in") {
			role = o["id"].(string)
		}
	}
	if role == "" {
		t.Fatal("no role for administrators", all)
	}
	f.want(204, http.MethodPatch, "/Entitlements/"+role, patchBody("add", "members", memberValues([]string{ann, bob})))
	for _, m := range f.want(200, http.MethodGet, "/Entitlements/"+role, "").at("members").([]any) {
		if id := m.(map[string]any)["value"].(string); id != ann && id != bob {
			f.do(http.MethodPatch, "/Entitlements/"+role, removeBody(fmt.Sprintf(`members[value eq \"%s\"]`, id)))
		}
	}
	revoke := func(id string) (string, string) {
		return "/Accounts/" + id, removeBody(fmt.Sprintf(`entitlements[value eq \"%s\"]`, role))
	}
	f.caller = "all"
	path, body := revoke(ann)
	f.want(204, http.MethodPatch, path, body)
	path, body = revoke(bob)
	for _, test := range [][2]string{{path, body}, {"/Entitlements/" + role, removeBody(fmt.Sprintf(`members[value eq \"%s\"]`, bob))}} {
		a := f.want(403, http.MethodPatch, test[0], test[1])
		if a.refused(t, "protected"); len(a.writes()) > 0 {
			t.Error(a.writes())
		}
	}
	f.caller = "officer"
	f.want(204, http.MethodPatch, path, body)
}

// TestKindsOfEntitlements holds callers to the kinds that their rights name, by every
// endpoint that gives or takes entitlements.
func TestKindsOfEntitlements(t *testing.T) {
	named := func(name string, rights map[string]auth.Right) auth.Caller {
		c := bearer(name, auth.Read)
		c.Rights = rights
		return c
	}
	f := newFacade(t, emulator.Options{Projects: 1, Groups: 2, Users: 5, Seed: 1}, scim.Config{Callers: []auth.Caller{
		named("groups", map[string]auth.Right{"Account": auth.Write, "Entitlement:GROUP": auth.Write}),
		named("roles", map[string]auth.Right{auth.AnyType: auth.Write, "Entitlement:GROUP": auth.Read}),
		named("plain", map[string]auth.Right{"Account": auth.Write}),
	}})
	ann := f.user("ann@demo.example")
	group := f.want(201, http.MethodPost, "/Groups", groupBody("crew")).at("id").(string)
	role := f.ids("/Entitlements?filter=type+eq+%22PROJECT_ROLE%22&count=1")[0]
	total := f.want(200, http.MethodGet, "/Entitlements?count=0", "").at("totalResults").(float64)
	groups := f.want(200, http.MethodGet, "/Groups?count=0", "").at("totalResults").(float64)
	for _, test := range []struct {
		caller, method, path, body string
		status                     int
	}{
		{"groups", http.MethodPatch, "/Accounts/" + ann, patchBody("add", "entitlements", memberValues([]string{group})), 200},
		{"groups", http.MethodPatch, "/Accounts/" + ann, patchBody("add", "entitlements", memberValues([]string{role})), 403},
		{"groups", http.MethodPatch, "/Accounts/" + ann, patchBody("replace", "entitlements", memberValues([]string{role})), 403},
		{"groups", http.MethodPatch, "/Accounts/" + ann, patchBody("replace", "title", `"Boss"`), 200},
		{"groups", http.MethodPatch, "/Entitlements/" + role, patchBody("add", "members", memberValues([]string{ann})), 403},
		{"groups", http.MethodPatch, "/Entitlements/" + group, patchBody("add", "members", memberValues([]string{ann})), 200},
		{"groups", http.MethodGet, "/Entitlements/" + role, "", 403},
		{"groups", http.MethodGet, "/Entitlements/" + group, "", 200},
		{"roles", http.MethodPatch, "/Accounts/" + ann, patchBody("add", "entitlements", memberValues([]string{role})), 200},
		{"roles", http.MethodPatch, "/Accounts/" + ann, removeBody(fmt.Sprintf(`entitlements[value eq \"%s\"]`, group)), 403},
		{"roles", http.MethodDelete, "/Entitlements/" + group, "", 403},
		{"roles", http.MethodGet, "/Entitlements/" + group, "", 200},
		{"plain", http.MethodPatch, "/Accounts/" + ann, removeBody(fmt.Sprintf(`entitlements[value eq \"%s\"]`, role)), 200},
	} {
		f.caller = test.caller
		a := f.do(test.method, test.path, test.body)
		if a.status == 204 {
			a.status = 200
		}
		if a.status != test.status || a.status == 403 && len(a.writes()) > 0 {
			t.Errorf("%s: %s %s %s: %d %v, want %d\n%s", test.caller, test.method, test.path, test.body, a.status, a.writes(), test.status, a.body)
		}
	}
	for caller, want := range map[string]float64{"groups": groups, "roles": total} {
		f.caller = caller
		if got := f.want(200, http.MethodGet, "/Entitlements?count=0", "").at("totalResults"); got != want {
			t.Errorf("%s sees %v entitlements, want %v", caller, got, want)
		}
	}
}

// TestLinksHidden holds that a caller does not see, by any way there is, links to what
// it may not read.
func TestLinksHidden(t *testing.T) {
	named := func(name string, rights map[string]auth.Right) auth.Caller {
		c := bearer(name, auth.Read)
		c.Rights, c.Links = rights, auth.HideLinks
		return c
	}
	f := newFacade(t, emulator.Options{Users: 5, Groups: 2, Projects: 1, Seed: 1}, scim.Config{Callers: []auth.Caller{
		named("users", map[string]auth.Right{"User": auth.Write}),
		named("groups", map[string]auth.Right{"Group": auth.Read}),
		named("accounts", map[string]auth.Right{"Account": auth.Read}),
		named("both", map[string]auth.Right{"User": auth.Read, "Group": auth.Read}),
	}})
	ann := f.user("ann@demo.example")
	crew := f.want(201, http.MethodPost, "/Groups", groupBody("crew", ann)).at("id").(string)
	for _, test := range []struct {
		caller, method, path, body string
		status                     int
		shows                      bool // the other end of the link
	}{
		{"users", http.MethodGet, "/Users/" + ann, "", 200, false},
		{"users", http.MethodGet, "/Users", "", 200, false},
		{"users", http.MethodPost, "/Users/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":"groups pr"}`, 403, false},
		{"users", http.MethodGet, "/Users?attributes=userName,Groups", "", 403, false},
		{"users", http.MethodGet, "/Users?attributes=" + coreUser + ":groups.value", "", 403, false},
		{"users", http.MethodGet, "/Users?filter=groups.value+eq+%22" + crew + "%22", "", 403, false},
		{"users", http.MethodGet, "/?filter=groups.value+eq+%22" + crew + "%22", "", 403, false},
		{"users", http.MethodGet, "/?count=100", "", 200, false},
		{"users", http.MethodPatch, "/Users/" + ann, patchBody("replace", "title", `"Boss"`), 200, false},
		{"groups", http.MethodGet, "/Groups/" + crew, "", 200, false},
		{"groups", http.MethodGet, "/Groups?sortBy=members.value", "", 403, false},
		{"accounts", http.MethodGet, "/Accounts/" + ann, "", 200, false},
		{"both", http.MethodGet, "/Users/" + ann, "", 200, true},
		{"both", http.MethodGet, "/Groups?filter=members.value+eq+%22" + ann + "%22", "", 200, true},
	} {
		f.caller = test.caller
		a := f.want(test.status, test.method, test.path, test.body)
		if shows := strings.Contains(a.body, crew) && !strings.Contains(test.path, crew) || strings.Contains(a.body, ann) && strings.Contains(test.path, crew); shows != test.shows {
			t.Errorf("%s: %s %s: %s", test.caller, test.method, test.path, a.body)
		}
	}
}

// TestBudgetAfterRestart holds that what a caller has deleted counts after a restart.
func TestBudgetAfterRestart(t *testing.T) {
	e := emulator.New(emulator.Options{Users: 20, Seed: 1})
	upstream, place := serve(t, e), "file:"+filepath.Join(t.TempDir(), "state.db")
	var deleted []int
	for range 2 {
		store, err := state.Open(t.Context(), place, state.Options{})
		if err != nil {
			t.Fatal(err)
		}
		f := httptest.NewServer(serverOver(t, upstream, atlassian.Config{}, scim.Config{
			Callers: []auth.Caller{bearer("all", auth.Write)}, State: store, ChangeBudget: guard.Budget{Percent: 20, Window: time.Hour, Floor: 3},
		}))
		body, _ := bearerRequest(t, http.MethodGet, f.URL+server.BasePath+"/Users?attributes=id", "all", "")
		for _, r := range decodeAnswer(t, body)["Resources"].([]any)[:3] {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, f.URL+server.BasePath+"/Users/"+r.(map[string]any)["id"].(string), nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer all")
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			deleted = append(deleted, answer.StatusCode)
		}
		f.Close()
		store.Close()
	}
	if want := []int{204, 204, 204}; !slices.Equal(deleted[:3], want) || slices.Contains(deleted[4:], 204) {
		t.Errorf("got %v: 3 or 4 of 20 may go, before and after the restart together", deleted)
	}
}
