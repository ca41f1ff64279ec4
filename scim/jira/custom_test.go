package jira

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/schemas"
	"scim-atlassian/scim/field"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/resource/resourcetest"
)

// everyField maps the custom fields of the emulated project ACC.
const everyField = `{"attributes": [
	{"name": "approver", "field": "Approver"}, {"name": "justification", "field": "Justification"}, {"name": "validUntil", "field": "cf[10203]"},
	{"name": "risk", "field": "Risk", "values": ["Low", "Medium", "High"]}, {"name": "systems", "field": "customfield_10205", "values": ["CRM", "ERP"]},
	{"name": "requestUrl", "field": "Request URL"}, {"name": "approvers", "field": "Approvers"}, {"name": "starts", "field": "Access starts"},
	{"name": "region", "field": "Region"}, {"name": "cost", "field": "Cost"}, {"name": "accessGroup", "field": "Access group"},
	{"name": "accessGroups", "field": "Access groups"}, {"name": "tags", "field": "Tags"}, {"name": "accessKind", "field": "Access kind"},
	{"name": "checks", "field": "Checks"}, {"name": "reference", "field": "customfield_10216"}, {"name": "foundIn", "field": "Found in"},
	{"name": "releases", "field": "Affected releases"}, {"name": "team", "field": "Team"}, {"name": "assessment", "field": "Assessment"},
	{"name": "silent", "field": "Silent note"}
]}`

// newFieldSite is a site whose issues have attributes for custom fields.
func newFieldSite(t testing.TB, options emulator.Options) *issueSite {
	t.Helper()
	site := newIssueSite(t, options)
	mapping, err := field.ParseMapping([]byte(everyField))
	if err != nil {
		t.Fatal(err)
	}
	set, err := field.Resolve(t.Context(), site.jira, mapping)
	if err != nil {
		t.Fatal(err)
	}
	types, err := schemas.ResourceTypes()
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range types {
		if rt.Name == "Issue" {
			rt.Extensions = append(rt.Extensions, set.Schema())
			cfg := Config{Jira: site.jira, Schema: resource.SchemaOf(rt), Fields: set, ScanBudget: 1000, Now: time.Now}
			site.issues = New(cfg).issues
		}
	}
	return site
}

// drawFields draws values for the custom fields.
func (s *issueSite) drawFields(t testing.TB, rng *rand.Rand) map[string]any {
	t.Helper()
	accounts, err := s.jira.Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	person := func() map[string]any { return map[string]any{"value": accounts[rng.IntN(5)].AccountID} }
	one := func(of ...string) string { return of[rng.IntN(len(of))] }
	all := map[string]any{
		"approver": person(), "justification": one("For an audit.", "**Needed** now", "Because"), "validUntil": one("2026-12-31", "2027-01-31"),
		"risk": one("Low", "Medium", "High"), "systems": []any{one("CRM", "ERP"), "Wiki"}, "requestUrl": one("https://a.example/1", "https://a.example/2"),
		"approvers": []any{person()}, "starts": one("2026-12-01T10:00:00Z", "2026-12-01T10:00:30Z"),
		"region": map[string]any{"value": "Europe", "child": one("Belgium", "Germany")}, "cost": []any{1, 2.5, -3}[rng.IntN(3)],
		"accessGroup": map[string]any{"display": "jira-users-demo"}, "accessGroups": []any{map[string]any{"display": one("jira-users-demo", "site-admins")}},
		"tags": []any{one("a", "B"), "c"}, "accessKind": one("Permanent", "Temporary"), "checks": []any{one("Duties", "Licence")},
		"reference": one("R 1", "R 2"), "foundIn": map[string]any{"name": one("2026.1", "2026.2")}, "releases": []any{map[string]any{"name": "2026.1"}},
		"team": map[string]any{"value": "t1"}, "silent": one("x", "y"),
	}
	maps.DeleteFunc(all, func(string, any) bool { return rng.IntN(3) == 0 })
	return all
}

func TestCustomFields(t *testing.T) {
	site := newFieldSite(t, emulator.Options{Users: 10, Seed: 1})
	ctx, rng := t.Context(), rand.New(rand.NewPCG(1, 1))
	for range 20 {
		given := site.drawFields(t, rng)
		made, err := site.Create(ctx, site.accessRequest(t, map[string]any{field.URN: given}))
		if err != nil {
			t.Fatalf("%v: %v", given, err)
		}
		if got := made.Inner(field.URN); len(got) != len(given) {
			t.Errorf("gave %v, got %v", given, got)
		}
		id := made.Text("id")
		changed := site.drawFields(t, rng)
		ops := []resource.Operation{site.op(t, "replace", "summary", "Changed")}
		for name, v := range changed {
			ops = append(ops, site.op(t, "replace", field.URN+":"+name, v))
		}
		got, err := site.patch(ctx, id, ops)
		if err != nil {
			t.Fatalf("%v: %v", changed, err)
		}
		again, err := site.patch(ctx, id, ops)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, again); diff != "" {
			t.Errorf("the same again (-first +second):\n%s", diff)
		}
		for name := range changed {
			if _, err = site.patch(ctx, id, []resource.Operation{site.op(t, "remove", field.URN+":"+name, nil)}); err != nil {
				t.Fatalf("remove %s: %v", name, err)
			}
		}
	}
	_, err := site.Create(ctx, site.accessRequest(t, map[string]any{field.URN: map[string]any{"risk": "Huge", "cost": 1, "requestUrl": "https://a"}}))
	wantError(t, err, 400, resource.TypeInvalidValue, field.URN+`:risk: there is no "Huge" for this issue; there are "Low", "Medium", "High".`)
}

// Choices are judged by the screens of the issue before anything is written; what a screen offers
// is asked for once.
func TestChoices(t *testing.T) {
	site := newFieldSite(t, emulator.Options{Users: 10, Seed: 1})
	ctx := t.Context()
	create := func(fields map[string]any) (query.Object, []string, error) {
		site.emulator.ClearLog()
		made, err := site.Create(ctx, site.accessRequest(t, map[string]any{field.URN: fields}))
		return made, site.requested("createmeta", "POST /rest/api/3/issue"), err
	}
	made, calls, err := create(map[string]any{"risk": "High", "systems": []any{"CRM"}})
	if err != nil || len(calls) != 2 {
		t.Fatalf("%v: %q", err, calls)
	}
	if _, calls, err = create(map[string]any{"risk": "Low", "region": map[string]any{"value": "Europe", "child": "Belgium"}}); err != nil || len(calls) != 1 {
		t.Errorf("a second creation: %v: %q", err, calls)
	}
	_, calls, err = create(map[string]any{"risk": "high", "systems": []any{"CRM", "Mail"}, "region": map[string]any{"value": "Europe", "child": "Brazil"}, "foundIn": map[string]any{"name": "1999"}})
	wantError(t, err, 400, resource.TypeInvalidValue, ":risk: there is no", `"high"`, `:systems: there is no "Mail" for this issue; there are "CRM", "ERP", "Wiki".`,
		`:region: there is no "Europe" with the child "Brazil"`, `"Europe" ("Belgium"`, `:foundIn: there is no "1999"`)
	if len(calls) != 1 {
		t.Errorf("a refusal: %q", calls)
	}

	site.emulator.ClearLog()
	_, err = site.patch(ctx, made.Text("id"), []resource.Operation{site.op(t, "replace", "summary", "New"), site.op(t, "add", field.URN+":systems", []any{"Mail"})})
	wantError(t, err, 400, resource.TypeInvalidValue, `:systems: there is no "Mail"`)
	if calls := site.requested("editmeta", "PUT "); len(calls) != 1 || !strings.HasPrefix(calls[0], "GET ") {
		t.Errorf("a refused edit: %q", calls)
	}
	site.emulator.ClearLog()
	if _, err = site.patch(ctx, made.Text("id"), []resource.Operation{site.op(t, "add", field.URN+":systems", []any{"Wiki"})}); err != nil {
		t.Error(err)
	}
	if calls := site.requested("editmeta", "createmeta", "PUT "); len(calls) != 1 {
		t.Errorf("an edit: %q", calls)
	}
}

// What a transition cannot take and the issue's own screen does not show is refused before the transition.
func TestMoveWithWhatIsOnNoScreen(t *testing.T) {
	site := newFieldSite(t, emulator.Options{Users: 10, Seed: 1})
	ctx := t.Context()
	made, err := site.Create(ctx, site.accessRequest(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	site.emulator.ClearLog()
	_, err = site.patch(ctx, made.Text("id"), []resource.Operation{
		site.op(t, "replace", "status", map[string]any{"transition": "Approve"}), site.op(t, "add", field.URN+":silent", "x"), site.op(t, "add", "resolution", map[string]any{"name": "Done"}),
	})
	wantError(t, err, 400, resource.TypeInvalidValue, "resolution", "neither the screen")
	if calls := site.requested("POST ", "PUT "); len(calls) != 0 {
		t.Errorf("written: %q", calls)
	}
	got, err := site.patch(ctx, made.Text("id"), []resource.Operation{site.op(t, "replace", "status", map[string]any{"transition": "Approve"}), site.op(t, "replace", "summary", "New")})
	if err != nil || got.Text("summary") != "New" || got.Inner("status").Text("name") != "Approved" {
		t.Errorf("%v, %v", got, err)
	}
}

// requested lists the requests that Jira got whose method and path contain one of some texts.
func (s *issueSite) requested(some ...string) []string {
	var found []string
	for _, r := range s.emulator.Log() {
		line := r.Method + " " + r.Path
		if slices.ContainsFunc(some, func(text string) bool { return strings.Contains(line, text) }) {
			found = append(found, line)
		}
	}
	return found
}

func TestURLs(t *testing.T) {
	site := newFieldSite(t, emulator.Options{Users: 2, Seed: 1})
	for _, text := range []string{"://", "https://", "https://a b", "a.example/x", "/x"} {
		_, err := site.Create(t.Context(), site.accessRequest(t, map[string]any{field.URN: map[string]any{"requestUrl": text}}))
		wantError(t, err, 400, resource.TypeInvalidValue, "write a whole URL")
	}
}

// What Jira says of comments is told of the attribute, and what is wrong with one without a word about how it is read.
func TestRefusedComments(t *testing.T) {
	site := newFieldSite(t, emulator.Options{Users: 2, Seed: 1})
	made, err := site.Create(t.Context(), site.accessRequest(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	_, err = site.patch(t.Context(), made.Text("id"), []resource.Operation{site.op(t, "replace", "status", map[string]any{"name": "Rejected"})})
	wantError(t, err, 400, resource.TypeInvalidValue, "comments: Field Comment is required")
	_, err = site.patch(t.Context(), made.Text("id"), []resource.Operation{site.op(t, "add", "comments", []any{map[string]any{"body": strings.Repeat("a", 32_768)}})})
	wantError(t, err, 400, resource.TypeInvalidValue, "comments: too much text: 32768")
}

func TestFieldMapping(t *testing.T) {
	site := newIssueSite(t, emulator.Options{Users: 2, Seed: 1})
	for text, says := range map[string]string{
		`{"attributes":[{"name":"summary","field":"Risk"}]}`:                                         "summary is an attribute of Issue already",
		`{"attributes":[{"name":"r","field":"Risk"},{"name":"R","field":"Cost"}]}`:                   "the name R is there twice",
		`{"attributes":[{"name":"r","field":"Risk","type":"colour"}]}`:                               `no type "colour"`,
		`{"attributes":[{"name":"r","feld":"Risk"}]}`:                                                "feld",
		`{"attributes":[{"name":"r","field":"Reference"}]}`:                                          "customfield_10216, customfield_10217",
		`{"attributes":[{"name":"r","field":"Nothing"}]}`:                                            `is called "Nothing"`,
		`{"attributes":[{"name":"r","field":"Risk","type":"text"},{"name":"x","field":"Nowhere"}]}`:  "is of type select, not text",
		`{"attributes":[{"name":"1","field":"Risk"}]}`:                                               `name "1"`,
		`{"attributes":[{"name":"risk"}]}`:                                                           "field is missing",
		`{"attributes":[{"name":"a","field":"Cost","type":"number"},{"name":"b","field":"Nobody"}]}`: `is called "Nobody"`,
	} {
		mapping, err := field.ParseMapping([]byte(text))
		if err == nil {
			_, err = field.Resolve(t.Context(), site.jira, mapping)
		}
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
}

// Whatever part of a filter over custom fields becomes JQL, the list has exactly the
// issues that the filter matches, also while the index lags.
func TestCustomFiltersAreExact(t *testing.T) {
	options := emulator.Options{Users: 10, Seed: 1}
	options.Jira.IndexLag, options.Jira.FlickeringIndex = 5*time.Second, true
	site := newFieldSite(t, options)
	rng := rand.New(rand.NewPCG(2, 2))
	for i := range 60 {
		if _, err := site.Create(t.Context(), site.accessRequest(t, map[string]any{
			field.URN: site.drawFields(t, rng), "externalId": fmt.Sprint(i), "labels": []any{"l"}[:i%2],
		})); err != nil {
			t.Fatal(err)
		}
	}
	all := site.all(t)
	leafs := append(customLeafs(all), `labels pr`, `externalId eq "7"`, `assignee.active eq false`)
	rapid.Check(t, func(rt *rapid.T) {
		filter := drawIssueFilter(rt, leafs, 2)
		e := resourcetest.Filter(t, site.schema, filter)
		var want []string
		for _, o := range all {
			if query.Match(e, o) {
				want = append(want, o.Text("key"))
			}
		}
		result, err := site.List(t.Context(), resource.ListQuery{Filter: e, Start: 1, Count: 1000})
		if err != nil {
			rt.Fatalf("%s: %v", filter, err)
		}
		var got []string
		for _, o := range result.Resources {
			got = append(got, o.Text("key"))
		}
		if diff := cmp.Diff(want, got); diff != "" || result.Total != len(want) {
			rt.Fatalf("%s\n%s\n%s", filter, result.Plan, diff)
		}
	})
}

// customLeafs are comparisons with values that the custom fields of issues have.
func customLeafs(all []query.Object) []string {
	var leafs []string
	for i := 0; i < len(all); i += 5 {
		for _, m := range all[i].Inner(field.URN) {
			addLeafs(field.URN+":"+m.Name, m.Value, func(path string, value any) {
				literal := strings.TrimSuffix(strings.TrimPrefix(string(query.Object{{Name: "v", Value: value}}.AppendJSON(nil)), `{"v":`), "}")
				ops := []string{"eq", "ne"}
				switch value.(type) {
				case string:
					ops = append(ops, "co", "sw", "ew", "gt", "le")
				case bool:
				default:
					ops = append(ops, "gt", "ge", "lt", "le")
				}
				for _, op := range ops {
					leafs = append(leafs, path+" "+op+" "+literal)
				}
				leafs = append(leafs, path+" pr")
			})
		}
	}
	return append(leafs, `risk eq "Unknown"`, `cost eq 99`, `requestUrl eq "https://a.example/9"`, `approver.value eq "nobody"`, `tags eq "A"`)
}
