package directory

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian/emulator/tenant"
	"scim-atlassian/atlassian/emulator/tenant/tenanttest"
)

// names returns the displays of a group's members, or of a user's groups.
func names(references any) string {
	var all []string
	list, _ := references.([]any)
	for _, reference := range list {
		all = append(all, tenanttest.At(reference, "display").(string))
	}
	return strings.Join(all, " ")
}

// smallTeam is a tenant with the users a, b and c and a group of a and b.
func smallTeam(t *testing.T, options setup) (s *site, ids map[string]string, group string) {
	t.Helper()
	s = newSite(t, options)
	ids = map[string]string{}
	for _, name := range []string{"a", "b", "c"} {
		ids[name] = s.Create("/Users", fmt.Sprintf(`{"userName":%q,"emails":[{"value":"%[1]s@demo.example","primary":true}]}`, name))["id"].(string)
	}
	body := fmt.Sprintf(`{"displayName":"team","externalId":"x","members":[{"value":"%s"},{"value":"%s"}]}`, ids["a"], ids["b"])
	return s, ids, s.Create("/Groups", body)["id"].(string)
}

func TestCreatedGroup(t *testing.T) {
	s, ids, id := smallTeam(t, setup{})
	got := s.SCIM(200, "GET", "/Groups/"+id, "").JSON(t)
	location := "https://api.atlassian.com" + basePath
	want := map[string]any{
		"schemas": []any{urnGroup}, "id": id, "externalId": "x", "displayName": "team",
		"members": []any{
			map[string]any{"type": "User", "value": ids["a"], "display": "a", "$ref": location + "/Users/" + ids["a"]},
			map[string]any{"type": "User", "value": ids["b"], "display": "b", "$ref": location + "/Users/" + ids["b"]},
		},
		"meta": map[string]any{
			"resourceType": "Group", "location": location + "/Groups/" + id,
			"created": tenanttest.At(got, "meta|created"), "lastModified": tenanttest.At(got, "meta|lastModified"),
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("group (-want +got):\n%s", diff)
	}
	user := s.SCIM(200, "GET", "/Users/"+ids["a"], "").JSON(t)
	wantGroups := []any{map[string]any{"type": "Group", "value": id, "display": "team", "$ref": location + "/Groups/" + id}}
	if diff := cmp.Diff(any(wantGroups), user["groups"]); diff != "" {
		t.Errorf("groups of the user (-want +got):\n%s", diff)
	}
	if empty := s.Create("/Groups", `{"displayName":"empty"}`); len(empty["members"].([]any)) != 0 {
		t.Errorf("empty group: got members %v, want []", empty["members"])
	}
}

func TestRefusedGroups(t *testing.T) {
	s, _, id := smallTeam(t, setup{Directory: Options{OrganizationGroups: []string{"org-admins"}}})
	s.SCIM(400, "POST", "/Groups", `{"externalId":"y"}`)
	s.SCIM(400, "PUT", "/Groups/"+id, `{"members":[]}`)
	for _, name := range []string{"team", "TEAM", "org-admins"} {
		answer := s.SCIM(409, "POST", "/Groups", fmt.Sprintf(`{"displayName":%q}`, name)).JSON(t)
		want := fmt.Sprintf("Resource [GROUP]: with displayName[%s] already exists.", name)
		if answer["detail"] != want || answer["scimType"] != "uniqueness" {
			t.Errorf("got %v, want %s", answer, want)
		}
	}
}

func TestGroupFilter(t *testing.T) {
	s, _, _ := smallTeam(t, setup{})
	for filter, want := range map[string]float64{`displayName+eq+"Team"`: 1, `displayName+eq+"x"`: 0} {
		if got := s.SCIM(200, "GET", "/Groups?filter="+filter, "").JSON(t)["totalResults"]; got != want {
			t.Errorf("%s: got %v groups, want %v", filter, got, want)
		}
	}
	for _, filter := range []string{`externalId+eq+"x"`, `displayName+co+"x"`, `members.value+eq+"x"`} {
		if got := s.SCIM(400, "GET", "/Groups?filter="+filter, "").JSON(t)["scimType"]; got != "invalidFilter" {
			t.Errorf("%s: got scimType %v", filter, got)
		}
	}
}

func TestUnknownMember(t *testing.T) {
	s, ids, id := smallTeam(t, setup{})
	unknown := `{"value":"` + tenant.CloudID + `"}`
	java := s.SCIM(400, "PUT", "/Groups/"+id, `{"displayName":"team","members":[`+unknown+`]}`).JSON(t)
	if java["responseStatus"] != "BAD_REQUEST" || java["stackTrace"] == nil || java["schemas"] != nil {
		t.Errorf("PUT: got %v, want an exception", java)
	}
	if got := s.SCIM(400, "POST", "/Groups", `{"displayName":"other","members":[`+unknown+`]}`).JSON(t)["scimType"]; got != "invalidValue" {
		t.Errorf("POST: got scimType %v", got)
	}
	answer := s.SCIM(404, "PATCH", "/Groups/"+id, `{"Operations":[
		{"op":"add","path":"members","value":[{"value":"`+ids["c"]+`"},`+unknown+`]}]}`).JSON(t)
	if answer["status"] != "404" {
		t.Errorf("PATCH: got %v", answer)
	}
	if got := names(s.SCIM(200, "GET", "/Groups/"+id, "").JSON(t)["members"]); got != "a b" {
		t.Errorf("members after refusals: got %s, want a b", got)
	}
	if got := s.SCIM(200, "GET", "/Groups", "").JSON(t)["totalResults"]; got != 1.0 {
		t.Errorf("got %v groups, want 1", got)
	}
}

func TestRename(t *testing.T) {
	requests := map[string]string{
		"PUT":   `{"displayName":"new","members":[]}`,
		"PATCH": `{"Operations":[{"op":"replace","path":"displayName","value":"new"}]}`,
	}
	for method, body := range requests {
		s, _, id := smallTeam(t, setup{})
		if got := s.SCIM(200, method, "/Groups/"+id, body).JSON(t)["displayName"]; got != "team" {
			t.Errorf("%s: got name %v, want the old one", method, got)
		}
		s, _, id = smallTeam(t, setup{Directory: Options{RenameRefused: true}})
		if got := s.SCIM(400, method, "/Groups/"+id, body).JSON(t)["scimType"]; got != "mutability" {
			t.Errorf("%s: got scimType %v", method, got)
		}
		s.SCIM(200, "PUT", "/Groups/"+id, `{"displayName":"team"}`)
	}
}

func TestReplaceGroup(t *testing.T) {
	s, ids, id := smallTeam(t, setup{})
	before := s.SCIM(200, "GET", "/Groups/"+id, "").JSON(t)
	got := s.SCIM(200, "PUT", "/Groups/"+id, fmt.Sprintf(`{"displayName":"team","members":[{"value":"%s"},{"value":"%s"},{"value":"%[1]s"}]}`, ids["c"], ids["b"])).JSON(t)
	if names(got["members"]) != "b c" || got["externalId"] != nil {
		t.Errorf("got members %s, externalId %v", names(got["members"]), got["externalId"])
	}
	if tenanttest.At(got, "meta|lastModified") == tenanttest.At(before, "meta|lastModified") {
		t.Error("lastModified did not move")
	}
	for name, want := range map[string]string{"a": "", "b": "team", "c": "team"} {
		if groups := names(s.SCIM(200, "GET", "/Users/"+ids[name], "").JSON(t)["groups"]); groups != want {
			t.Errorf("groups of %s: got %q, want %q", name, groups, want)
		}
	}
	if got := s.SCIM(200, "PUT", "/Groups/"+id, `{"displayName":"team"}`).JSON(t); names(got["members"]) != "" {
		t.Errorf("PUT without members left %v", got["members"])
	}
}

func TestDeleteGroup(t *testing.T) {
	s, ids, id := smallTeam(t, setup{})
	s.SCIM(204, "DELETE", "/Groups/"+id, "")
	s.SCIM(404, "GET", "/Groups/"+id, "")
	s.SCIM(404, "DELETE", "/Groups/"+id, "")
	if got := names(s.SCIM(200, "GET", "/Users/"+ids["a"], "").JSON(t)["groups"]); got != "" {
		t.Errorf("the user is still in %s", got)
	}
	if again := s.Create("/Groups", `{"displayName":"team"}`); again["id"] == id {
		t.Error("the new group has the old id")
	}
}

func TestGroupFollowsUsers(t *testing.T) {
	s, ids, id := smallTeam(t, setup{})
	read := func() map[string]any { return s.SCIM(200, "GET", "/Groups/"+id, "").JSON(t) }
	before := read()
	s.SCIM(200, "PATCH", "/Users/"+ids["a"], `{"Operations":[{"op":"replace","path":"userName","value":"a2"}]}`)
	if got := names(read()["members"]); got != "a2 b" {
		t.Errorf("after a change of name: got %s", got)
	}
	s.SCIM(204, "DELETE", "/Users/"+ids["a"], "")
	after := read()
	if got := names(after["members"]); got != "b" || tenanttest.At(after, "meta|lastModified") == tenanttest.At(before, "meta|lastModified") {
		t.Errorf("after DELETE: got %s, modified %v", got, tenanttest.At(after, "meta|lastModified"))
	}
}

func TestOmitMembersInList(t *testing.T) {
	s, _, id := smallTeam(t, setup{Directory: Options{OmitMembersInList: true}})
	if got := tenanttest.At(s.SCIM(200, "GET", "/Groups", "").JSON(t), "Resources|0|members"); got != nil {
		t.Errorf("list: got members %v", got)
	}
	if got := names(s.SCIM(200, "GET", "/Groups/"+id, "").JSON(t)["members"]); got != "a b" {
		t.Errorf("GET: got members %s", got)
	}
}

func TestPatchGroup(t *testing.T) {
	tests := []struct {
		name       string
		operations string // $A and $C stand for ids
		status     int
		want       string // members, or the scimType
	}{
		{"add", `{"op":"Add","path":"members","value":[{"value":"$C"},{"value":"$A"}]}`, 200, "a b c"},
		{"add one object", `{"op":"add","path":"Members","value":{"value":"$C"}}`, 200, "a b c"},
		{"add by urn", `{"op":"add","path":"` + urnGroup + `:members","value":[{"value":"$C"}]}`, 200, "a b c"},
		{"add without path", `{"op":"add","value":{"members":[{"value":"$C"}],"id":"x","other":1}}`, 200, "a b c"},
		{"add nothing", `{"op":"add","path":"members","value":null}`, 400, "invalidValue"},
		{"add no value", `{"op":"add","path":"members"}`, 400, "invalidValue"},
		{"add no id", `{"op":"add","path":"members","value":[{"display":"c"}]}`, 400, "invalidValue"},
		{"replace", `{"op":"replace","path":"members","value":[{"value":"$C"}]}`, 200, "c"},
		{"replace by nothing", `{"op":"replace","path":"members","value":[]}`, 200, ""},
		{"remove by filter", `{"op":"remove","path":"members[value eq \"$A\"]"}`, 200, "b"},
		{"remove by value", `{"op":"remove","path":"members","value":[{"value":"$A"}]}`, 200, "b"},
		{"remove all", `{"op":"remove","path":"members"}`, 200, ""},
		{"remove other", `{"op":"remove","path":"members[value eq \"$C\"]"}`, 200, "a b"},
		{"remove and add", `{"op":"remove","path":"members[value eq \"$A\"]"},{"op":"add","path":"members","value":[{"value":"$A"},{"value":"$C"}]},
			{"op":"remove","path":"members[value eq \"$C\"]"}`, 200, "a b"},
		{"remove without path", `{"op":"remove"}`, 400, "noTarget"},
		{"all or nothing", `{"op":"remove","path":"members"},{"op":"add","path":"wrong","value":1}`, 400, "invalidPath"},
		{"read-only", `{"op":"replace","path":"id","value":"x"}`, 400, "mutability"},
		{"sub-attribute", `{"op":"replace","path":"members[value eq \"$A\"].display","value":"x"}`, 400, "mutability"},
		{"unknown op", `{"op":"move","path":"members"}`, 400, "invalidSyntax"},
		{"other filter", `{"op":"remove","path":"members[display eq \"a\"]"}`, 400, "invalidPath"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, ids, id := smallTeam(t, setup{})
			operations := strings.NewReplacer("$A", ids["a"], "$C", ids["c"]).Replace(test.operations)
			got := s.SCIM(test.status, "PATCH", "/Groups/"+id, `{"operations":[`+operations+`]}`).JSON(t)
			members := names(s.SCIM(200, "GET", "/Groups/"+id, "").JSON(t)["members"])
			switch {
			case test.status == 200 && (names(got["members"]) != test.want || members != test.want):
				t.Errorf("got members %q, then %q, want %q", names(got["members"]), members, test.want)
			case test.status != 200 && (got["scimType"] != test.want || members != "a b"):
				t.Errorf("got scimType %v, members %q, want %q and a b", got["scimType"], members, test.want)
			}
		})
	}
}

func TestLargeGroupStaysInStep(t *testing.T) {
	s := newSite(t, setup{Users: 300, Groups: 1, Seed: 1})
	group := s.groups[0]
	for i, u := range s.users[:40] {
		op := []string{"add", "remove"}[i%2]
		s.SCIM(200, "PATCH", "/Groups/"+group.id, fmt.Sprintf(`{"Operations":[{"op":%q,"path":"members","value":[{"value":%q}]}]}`, op, u.id))
	}
	members := s.SCIM(200, "GET", "/Groups/"+group.id, "").JSON(t)["members"].([]any)
	if len(members) != len(group.members) || len(members) != 280 {
		t.Fatalf("got %d members, the group has %d, want 280", len(members), len(group.members))
	}
	for i, member := range members {
		if tenanttest.At(member, "value") != group.members[i].id {
			t.Fatalf("member %d: got %v, want %s", i, tenanttest.At(member, "value"), group.members[i].id)
		}
	}
}

// discardAnswer is a writer that costs nothing.
type discardAnswer struct {
	header http.Header
	status int
}

func (w *discardAnswer) Header() http.Header         { return w.header }
func (w *discardAnswer) WriteHeader(status int)      { w.status = status }
func (w *discardAnswer) Write(b []byte) (int, error) { return len(b), nil }

func BenchmarkListPage(b *testing.B) {
	s := newSite(b, setup{Users: 10_000, Groups: 20, Seed: 1})
	request := httptest.NewRequest("GET", basePath+"/Users?startIndex=5001&count=100", nil)
	request.Header.Set("Authorization", "Bearer "+tenant.DirectoryKey)
	b.ReportAllocs()
	for b.Loop() {
		w := &discardAnswer{header: http.Header{}}
		s.ServeHTTP(w, request)
		if w.status != http.StatusOK {
			b.Fatal(w.status)
		}
	}
}

func BenchmarkJoinLargeGroup(b *testing.B) {
	s := newSite(b, setup{Users: 20_000, Groups: 1, Seed: 1})
	group := s.groups[0]
	users := s.users
	for i := 0; b.Loop(); i++ {
		op := []string{"add", "remove"}[i%2]
		body := fmt.Sprintf(`{"Operations":[{"op":"%s","path":"members","value":[{"value":"%s"}]}]}`, op, users[i/2%len(users)].id)
		request := httptest.NewRequest("PATCH", basePath+"/Groups/"+group.id, strings.NewReader(body))
		request.Header.Set("Authorization", "Bearer "+tenant.DirectoryKey)
		s.ServeHTTP(&discardAnswer{header: http.Header{}}, request)
	}
}
