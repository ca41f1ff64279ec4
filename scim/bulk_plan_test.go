package scim_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/guard"
	"scim-atlassian/scim/state"
)

// bulkPlan is a plan as a client reads it.
type bulkPlan struct {
	ID         string
	State      string
	Operations []plannedOperation
	Counts     map[string]int
}

type plannedOperation struct {
	Method, Path, BulkID, Outcome string
	Before, After                 map[string]any
	Calls                         int
	Error                         struct{ Status, ScimType, Detail string }
}

func newPlanner(t *testing.T, change func(*scim.Config)) *facade {
	t.Helper()
	store, err := state.Open(t.Context(), "memory", state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	reader, hidden, users := bearer("reader", auth.Read), bearer("hidden", auth.Write), bearer("users", auth.Write)
	hidden.Hide = []string{"User.title"}
	users.Rights = map[string]auth.Right{"User": auth.Write, "Group": auth.Read}
	cfg := scim.Config{State: store, SnapshotTTL: time.Hour, Callers: []auth.Caller{reader, hidden, users}}
	if change != nil {
		change(&cfg)
	}
	return newFacade(t, emulator.Options{Users: 12, Groups: 4, Projects: 1, Issues: 6, Seed: 1}, cfg)
}

func bulkOf(operations ...string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[` + strings.Join(operations, ",") + `]}`
}

func patchOf(path, operations string) string {
	return fmt.Sprintf(`{"method":"PATCH","path":%q,"data":{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":%s}}`, path, operations)
}

func userOf(name, bulkID string) string {
	return fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":%[2]q,"data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"%[1]s@demo.example","password":"hunter2","emails":[{"value":"%[1]s@demo.example"}]}}`, name, bulkID)
}

func groupOf(name, bulkID, members string) string {
	return fmt.Sprintf(`{"method":"POST","path":"/Groups","bulkId":%q,"data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":%q,"members":%s}}`, bulkID, name, members)
}

// plan makes a plan and holds that nothing was changed for it.
func (f *facade) plan(body string) bulkPlan {
	f.Helper()
	a := f.want(201, http.MethodPost, "/Plans", body)
	asks := func(call string) bool { return strings.Contains(call, "/jql") || strings.HasSuffix(call, "/bulkfetch") } // by POST
	if writes := slices.DeleteFunc(a.writes(), asks); len(writes) > 0 {
		f.Errorf("Atlassian was asked to change something for a plan: %v", writes)
	}
	var p bulkPlan
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		f.Fatal(err)
	}
	return p
}

func (p bulkPlan) outcomes() (all []string) {
	for _, op := range p.Operations {
		text := op.Outcome
		if op.Error.Status != "" {
			text += " " + op.Error.Status + op.Error.ScimType
		}
		all = append(all, text)
	}
	return all
}

// TestBulkPlan holds what a plan tells of each kind of operation, that operations see those
// before them, and that applying it does exactly that, once.
func TestBulkPlan(t *testing.T) {
	f := newPlanner(t, nil)
	users, groups := f.ids("/Users?count=3"), f.ids("/Groups?count=1")
	p := f.plan(bulkOf(
		userOf("zoe", "z"),
		groupOf("new", "g", `[{"value":"bulkId:z"}]`),
		patchOf("/Users/"+users[0], `[{"op":"replace","path":"title","value":"Chief"}]`),
		patchOf("/Users/"+users[0], `[{"op":"replace","path":"title","value":"Chief"}]`),
		`{"method":"DELETE","path":"/Users/`+users[1]+`"}`,
		`{"method":"DELETE","path":"/Users/`+users[1]+`"}`,
		userOf("ZOE", "y"),
		patchOf("/Users/bulkId:y", `[{"op":"replace","path":"title","value":"Chief"}]`),
		patchOf("/Groups/"+groups[0], `[{"op":"add","path":"members","value":[{"value":"nobody"}]}]`),
		patchOf("/Users/"+users[2], `[{"op":"replace","path":"nonsense","value":1}]`),
		`{"method":"PUT","path":"/Users"}`,
	))
	want := []string{"create", "create", "change", "none", "delete", "refused 404", "refused 409uniqueness", "refused 412", "refused 400invalidValue", "refused 400invalidPath", "refused 400"}
	got := p.outcomes()
	got[10] = got[10][:len("refused 400")]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("outcomes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"create": 2, "change": 1, "none": 1, "delete": 1, "refused": 6}, p.Counts); diff != "" || p.State != "planned" {
		t.Errorf("%s; counts (-want +got):\n%s", p.State, diff)
	}
	if op := p.Operations[2]; op.Before["title"] == "Chief" || op.After["title"] != "Chief" || op.Calls != 1 {
		t.Errorf("change: got %+v", op)
	}
	if op := p.Operations[4]; op.Before["id"] != users[1] || op.After != nil {
		t.Errorf("delete: got %+v", op)
	}
	if members := fmt.Sprint(p.Operations[1].After["members"]); !strings.Contains(members, "bulkId:z") {
		t.Errorf("members of the new group: %s", members)
	}
	shown := f.want(200, http.MethodGet, "/Plans/"+p.ID, "")
	if strings.Contains(shown.body, "hunter2") || len(shown.calls) > 0 {
		t.Errorf("%v: %s", shown.calls, shown.body)
	}
	answer := f.want(200, http.MethodPost, "/Plans/"+p.ID+"/apply", "")
	var statuses []string
	for _, op := range answer.doc["Operations"].([]any) {
		statuses = append(statuses, op.(map[string]any)["status"].(string))
	}
	if diff := cmp.Diff([]string{"201", "201", "200", "200", "204", "404", "409", "412", "400", "400", "400"}, statuses); diff != "" {
		t.Errorf("applied (-want +got):\n%s", diff)
	}
	if title := f.want(200, http.MethodGet, "/Users/"+users[0], "").doc["title"]; title != "Chief" {
		t.Errorf("title is %v", title)
	}
	if again := f.want(409, http.MethodPost, "/Plans/"+p.ID+"/apply", ""); len(again.calls) > 0 {
		t.Errorf("the second time: %v", again.calls)
	}
	if list := f.want(200, http.MethodGet, "/Plans", "").body; !strings.Contains(list, `"state":"applied"`) {
		t.Errorf("list: %s", list)
	}
}

// TestBulkPlanIsStale holds that nothing of a plan is done when an object that it changes, or
// one that it depends on, is not what it was.
func TestBulkPlanIsStale(t *testing.T) {
	for name, change := range map[string]func(f *facade, user string){
		"changed": func(f *facade, user string) {
			f.patch(200, "/Users/"+user, `[{"op":"replace","path":"timezone","value":"Europe/Paris"}]`)
		},
		"deleted":        func(f *facade, user string) { f.want(204, http.MethodDelete, "/Users/"+user, "") },
		"taken meantime": func(f *facade, _ string) { f.want(200, http.MethodPost, "/Bulk", bulkOf(userOf("zoe", "z"))) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newPlanner(t, nil)
			user := f.ids("/Users?count=1")[0]
			p := f.plan(bulkOf(userOf("zoe", "z"), patchOf("/Users/"+user, `[{"op":"replace","path":"title","value":"Chief"}]`)))
			change(f, user)
			for range 2 {
				if a := f.want(412, http.MethodPost, "/Plans/"+p.ID+"/apply", ""); len(a.writes()) > 0 {
					t.Errorf("Atlassian was asked to change something: %v", a.writes())
				}
			}
			if shown := f.want(200, http.MethodGet, "/Plans/"+p.ID, ""); shown.doc["state"] != "stale" {
				t.Errorf("state %v", shown.doc["state"])
			}
		})
	}
}

// TestBulkPlanRights holds who may make, see and apply a plan.
func TestBulkPlanRights(t *testing.T) {
	f := newPlanner(t, nil)
	body := bulkOf(userOf("zoe", "z"), groupOf("new", "g", `[]`))
	as := func(caller string, status int, method, path, body string) answer {
		t.Helper()
		f.caller = caller
		defer func() { f.caller = "all" }()
		return f.want(status, method, path, body)
	}
	as("reader", 403, http.MethodPost, "/Plans", body)
	as("hidden", 403, http.MethodPost, "/Plans", body)
	p := f.plan(body)
	as("reader", 200, http.MethodGet, "/Plans/"+p.ID, "")
	as("hidden", 403, http.MethodGet, "/Plans/"+p.ID, "")
	if list := as("hidden", 200, http.MethodGet, "/Plans", ""); list.doc["totalResults"] != 0.0 {
		t.Errorf("hidden sees %s", list.body)
	}
	as("reader", 403, http.MethodPost, "/Plans/"+p.ID+"/apply", "")
	as("users", 403, http.MethodPost, "/Plans/"+p.ID+"/apply", "")
	as("users", 404, http.MethodGet, "/Plans/nothing", "")
	narrow := as("users", 201, http.MethodPost, "/Plans", body)
	var own bulkPlan
	if err := json.Unmarshal([]byte(narrow.body), &own); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"create", "refused 403"}, own.outcomes()); diff != "" {
		t.Errorf("of users (-want +got):\n%s", diff)
	}
	// What others may do more is not what the plan said.
	f.want(412, http.MethodPost, "/Plans/"+own.ID+"/apply", "")
}

// TestBulkPlanIsJudged holds that a plan shows what the change budget and the protection
// refuse, and spends nothing of the budget until it is applied.
func TestBulkPlanIsJudged(t *testing.T) {
	protected, err := guard.ParsePatterns("Group:admins")
	if err != nil {
		t.Fatal(err)
	}
	f := newPlanner(t, func(c *scim.Config) {
		c.ChangeBudget, c.Protected = guard.Budget{Percent: 20, Window: time.Hour, Floor: 3}, protected
	})
	admins := f.want(201, http.MethodPost, "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"admins"}`).doc["id"].(string)
	var ops []string
	for _, id := range f.ids("/Users?count=5") {
		ops = append(ops, `{"method":"DELETE","path":"/Users/`+id+`"}`)
	}
	ops = append(ops, `{"method":"DELETE","path":"/Groups/`+admins+`"}`)
	want := []string{"delete", "delete", "delete", "refused 403changeBudget", "refused 403changeBudget", "refused 403protected"}
	var p bulkPlan
	for range 3 { // it costs nothing
		p = f.plan(bulkOf(ops...))
		if diff := cmp.Diff(want, p.outcomes()); diff != "" {
			t.Fatalf("outcomes (-want +got):\n%s", diff)
		}
	}
	if holds := f.want(200, http.MethodGet, "/Holds", ""); holds.doc["totalResults"] != 0.0 {
		t.Errorf("a plan is held: %s", holds.body)
	}
	a := f.want(200, http.MethodPost, "/Plans/"+p.ID+"/apply", "")
	if writes := a.writes(); len(writes) != 3 {
		t.Errorf("applied: %v", writes)
	}
	if diff := cmp.Diff([]string{"refused 404", "refused 404", "refused 404", "refused 403changeBudget", "refused 403changeBudget", "refused 403protected"}, f.plan(bulkOf(ops...)).outcomes()); diff != "" {
		t.Errorf("once it is applied (-want +got):\n%s", diff)
	}
}

// TestBulkPlansAreShared holds that replicas on one state share plans, without secrets, and
// that the oldest make room.
func TestBulkPlansAreShared(t *testing.T) {
	store, err := state.Open(t.Context(), "file:"+filepath.Join(t.TempDir(), "state.db"), state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	shared := func(c *scim.Config) { c.State = store }
	one := newPlanner(t, shared)
	p := one.plan(bulkOf(userOf("zoe", "z"), patchOf("/Users/bulkId:z", `[{"op":"replace","path":"password","value":"hunter3"},{"op":"replace","path":"title","value":"Chief"}]`)))
	for _, kind := range []string{"plan", "plan-body"} {
		err := store.Each(t.Context(), kind, func(v state.Value) error {
			if strings.Contains(string(v.Data), "hunter") {
				t.Errorf("the state has a secret: %s", v.Data)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	two := newPlanner(t, shared)
	if shown := two.want(200, http.MethodGet, "/Plans/"+p.ID, ""); shown.doc["state"] != "planned" {
		t.Errorf("got %s", shown.body)
	}
	two.want(200, http.MethodPost, "/Plans/"+p.ID+"/apply", "")
	one.want(409, http.MethodPost, "/Plans/"+p.ID+"/apply", "")
	for range 101 {
		one.plan(bulkOf(userOf("zoe", "z")))
	}
	if list := one.want(200, http.MethodGet, "/Plans", ""); list.doc["totalResults"] != 100.0 {
		t.Errorf("%v plans, want 100", list.doc["totalResults"])
	}
}

// TestBulkPlansExpire holds that a plan is gone after a day, and its secrets-free body with it.
func TestBulkPlansExpire(t *testing.T) {
	var passed atomic.Int64
	begun := time.Now()
	now := func() time.Time { return begun.Add(time.Duration(passed.Load())) }
	store, err := state.Open(t.Context(), "memory", state.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	f := newPlanner(t, func(c *scim.Config) { c.State, c.Now = store, now })
	p := f.plan(bulkOf(userOf("zoe", "z")))
	for _, step := range []struct {
		after         time.Duration
		status, total int
	}{{24*time.Hour - time.Minute, 200, 1}, {2 * time.Minute, 404, 0}} {
		passed.Add(int64(step.after))
		f.want(step.status, http.MethodGet, "/Plans/"+p.ID, "")
		if list := f.want(200, http.MethodGet, "/Plans", ""); list.doc["totalResults"] != float64(step.total) {
			t.Errorf("%v plans, want %d", list.doc["totalResults"], step.total)
		}
	}
	if a := f.want(404, http.MethodPost, "/Plans/"+p.ID+"/apply", ""); len(a.calls) > 0 {
		t.Errorf("asked Atlassian %v", a.calls)
	}
}

// TestBulkPlanLaw holds for random bulk requests that applying a plan gives what the plan said:
// each operation comes out as it was planned, and each resource is left as its last
// operation said.
func TestBulkPlanLaw(t *testing.T) {
	for seed := range uint64(18) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			f := newPlanner(t, nil)
			g := generator{Rand: rand.New(rand.NewPCG(seed, 0)), users: f.ids("/Users?count=8"), groups: f.ids("/Groups?count=4"), issues: f.ids("/Issues?count=4"), kinds: planKinds[seed%3]}
			p := f.plan(bulkOf(g.operations(30)...))
			a := f.want(200, http.MethodPost, "/Plans/"+p.ID+"/apply", "")
			made := map[string]string{}
			results := a.doc["Operations"].([]any)
			for i, op := range p.Operations {
				result := results[i].(map[string]any)
				status := result["status"].(string)
				wanted := map[string]string{"create": "201", "change": "200", "none": "200", "delete": "204", "refused": op.Error.Status}[op.Outcome]
				quiet := status == "204" && op.Method == http.MethodPatch && op.Outcome != "refused" // roles are not read for an answer
				if status != wanted && !quiet {
					t.Errorf("operation %d, %s %s: planned %s %s, applied %s: %v", i, op.Method, op.Path, op.Outcome, op.Error.Status, status, result["response"])
				}
				if location, _ := result["location"].(string); op.Outcome == "create" {
					made["bulkId:"+op.BulkID] = location[strings.LastIndex(location, "/")+1:]
				}
			}
			last := map[string]plannedOperation{}
			g.deleted = map[string]bool{}
			for _, op := range p.Operations {
				path := op.Path
				if op.Method == http.MethodPost {
					path += "/bulkId:" + op.BulkID
				}
				if op.Outcome == "delete" {
					g.deleted[path[strings.LastIndex(path, "/")+1:]] = true
				}
				switch {
				case op.Outcome == "refused":
				case strings.HasPrefix(path, "/Accounts/"), strings.HasPrefix(path, "/Entitlements/"):
					g.holders(op)
				default:
					last[path] = op
				}
			}
			g.compareHolders(f)
			for path, op := range last {
				g.compare(f, path, op, made)
			}
		})
	}
}

// generator makes random operations.
type generator struct {
	*rand.Rand
	users, groups, issues []string
	kinds                 []int
	made                  int
	deleted               map[string]bool // ids: whoever is deleted later is in no group in the end
	holds                 map[string]bool // by ids of users: whether they hold the role, as the last operation that tells it says
}

// planRole is the project role that operations give and take.
const planRole = "role-10000-10002"

// planKinds are kinds of operations that may be in one plan: users and groups; accounts with their roles; roles with their
// holders. A plan does not tell an account, or a role, what becomes of its user in another operation.
var planKinds = [][]int{{0, 1, 2, 3, 4, 5, 6, 7, 8, 13, 14, 15}, {0, 1, 2, 3, 4, 6, 7, 9, 9, 10, 10, 13, 14, 15}, {0, 1, 2, 3, 4, 6, 7, 8, 11, 11, 12, 12, 13, 14, 15}}

func (g *generator) operations(n int) (ops []string) {
	for range n {
		user, group := g.users[g.IntN(len(g.users))], g.groups[g.IntN(len(g.groups))]
		issue := g.issues[g.IntN(len(g.issues))]
		switch g.kinds[g.IntN(len(g.kinds))] {
		case 0:
			id := fmt.Sprintf("u%d", g.made)
			g.made++
			ops = append(ops, userOf(fmt.Sprintf("new%d", g.IntN(8)), id))
			if g.IntN(2) == 0 {
				ops = append(ops, patchOf("/Users/bulkId:"+id, `[{"op":"replace","path":"displayName","value":"New"}]`))
			}
		case 1:
			id := fmt.Sprintf("g%d", g.made)
			g.made++
			ops = append(ops, groupOf(fmt.Sprintf("group%d", g.IntN(4)), id, fmt.Sprintf(`[{"value":%q}]`, user)))
		case 2:
			ops = append(ops, `{"method":"DELETE","path":"/Groups/`+group+`"}`)
		case 3, 4:
			ops = append(ops, patchOf("/Users/"+user, fmt.Sprintf(`[{"op":"replace","path":"title","value":"T%d"}]`, g.IntN(2))))
		case 5:
			ops = append(ops, patchOf("/Users/"+user, fmt.Sprintf(`[{"op":"replace","path":"active","value":%t}]`, g.IntN(2) == 0)))
		case 6:
			ops = append(ops, patchOf("/Groups/"+group, fmt.Sprintf(`[{"op":"add","path":"members","value":[{"value":%q}]}]`, user)))
		case 8:
			ops = append(ops, `{"method":"DELETE","path":"/Users/`+user+`"}`)
		case 9:
			ops = append(ops, patchOf("/Accounts/"+user, `[{"op":"add","path":"entitlements","value":[{"value":"`+planRole+`"}]}]`))
		case 10:
			ops = append(ops, patchOf("/Accounts/"+user, `[{"op":"remove","path":"entitlements[value eq \"`+planRole+`\"]"}]`))
		case 11:
			ops = append(ops, patchOf("/Entitlements/"+planRole, fmt.Sprintf(`[{"op":"add","path":"members","value":[{"value":%q}]}]`, user)))
		case 12:
			ops = append(ops, patchOf("/Entitlements/"+planRole, fmt.Sprintf(`[{"op":"remove","path":"members[value eq \"%s\"]"}]`, user)))
		case 13:
			ops = append(ops, patchOf("/Issues/"+issue, fmt.Sprintf(`[{"op":"replace","path":"summary","value":"S%d"}]`, g.IntN(2))))
		case 14:
			ops = append(ops, patchOf("/Issues/"+issue, fmt.Sprintf(`[{"op":"replace","path":"labels","value":["l%d"]}]`, g.IntN(2))))
		case 15:
			id := fmt.Sprintf("i%d", g.made)
			g.made++
			ops = append(ops, fmt.Sprintf(`{"method":"POST","path":"/Issues","bulkId":%q,"data":{"schemas":["urn:scim-atlassian:params:scim:schemas:jira:2.0:Issue"],"externalId":"x%d","project":{"key":"ENG"},"issueType":{"name":"Task"},"summary":"New"}}`, id, g.IntN(4)))
			if g.IntN(2) == 0 {
				ops = append(ops, `{"method":"DELETE","path":"/Issues/`+issue+`"}`)
			}
		case 7:
			ops = append(ops, patchOf("/Groups/"+group, fmt.Sprintf(`[{"op":"remove","path":"members[value eq \"%s\"]"}]`, user)))
		}
	}
	return ops
}

// holders notes what an operation on an account, or on the role, says of who holds the role then.
func (g *generator) holders(op plannedOperation) {
	if g.holds == nil {
		g.holds = map[string]bool{}
	}
	if id, ok := strings.CutPrefix(op.Path, "/Accounts/"); ok {
		g.holds[id] = slices.Contains(valuesOf(op.After["entitlements"]), planRole)
		return
	}
	members := valuesOf(op.After["members"])
	for _, id := range g.users {
		g.holds[id] = slices.Contains(members, id)
	}
}

// compareHolders holds that the users who are still there hold the role, or do not, as operations were to leave it.
func (g *generator) compareHolders(f *facade) {
	f.Helper()
	members := valuesOf(f.want(200, http.MethodGet, "/Entitlements/"+planRole, "").doc["members"])
	for id, holds := range g.holds {
		if is := slices.Contains(members, id); is != holds && !g.deleted[id] {
			f.Errorf("%s holds the role: %t, planned %t", id, is, holds)
		}
	}
}

// valuesOf returns the values of a list's elements.
func valuesOf(list any) (all []string) {
	elements, _ := list.([]any)
	for _, e := range elements {
		all = append(all, e.(map[string]any)["value"].(string))
	}
	return all
}

// compare holds a resource against what the last operation on it was to leave.
func (g *generator) compare(f *facade, path string, op plannedOperation, made map[string]string) {
	f.Helper()
	for name, id := range made {
		path = strings.Replace(path, "/"+name, "/"+id, 1)
	}
	if op.Outcome == "delete" {
		f.want(404, http.MethodGet, path, "")
		return
	}
	is := f.want(200, http.MethodGet, path, "").doc
	tell := func(doc map[string]any) string {
		var members []string
		list, _ := doc["members"].([]any)
		for _, m := range list {
			id := m.(map[string]any)["value"].(string)
			if to, ok := made[id]; ok {
				id = to
			}
			if !g.deleted[id] {
				members = append(members, id)
			}
		}
		slices.Sort(members)
		return fmt.Sprint(doc["userName"], doc["displayName"], doc["title"], doc["active"] != false, members, doc["summary"], doc["labels"])
	}
	if diff := cmp.Diff(tell(op.After), tell(is)); diff != "" {
		f.Errorf("%s (-planned +is):\n%s", path, diff)
	}
}
