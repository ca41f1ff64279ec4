package delta_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/delta"
	"scim-atlassian/scim/list"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/resource/resourcetest"
	"scim-atlassian/scim/state"
)

// world is users and groups that remember, and delta queries over them.
type world struct {
	*testing.T
	deltas *delta.Deltas
	store  *state.Store
	user   *resource.Type
	group  *resource.Type
	issue  *resource.Type // remembers nothing
	root   *list.Root
	clock  time.Time
	made   int
}

const retention = 24 * time.Hour

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, clock: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	now := func() time.Time { return w.clock }
	var err error
	if w.store, err = state.Open(t.Context(), "memory", state.Options{Now: now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.store.Close() })
	types, err := resourcetest.Types(now)
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range types {
		switch rt.Name {
		case "User":
			w.user = rt
			resourcetest.NewRemembering(rt, w.store, now)
		case "Group":
			w.group = rt
			resourcetest.NewRemembering(rt, w.store, now)
		case "Issue":
			w.issue = rt
		}
	}
	w.root = list.NewRoot(types)
	w.deltas = delta.New(delta.Config{State: w.store, Retention: retention, Now: now})
	return w
}

// wait moves the clock.
func (w *world) wait(d time.Duration) { w.clock = w.clock.Add(d) }

func (w *world) scope(rt *resource.Type) delta.Scope {
	if rt == nil {
		return delta.Scope{Type: w.root.Type, Root: true, Types: []*resource.Type{w.user, w.group, w.issue}, Readable: []*resource.Type{w.user, w.group, w.issue}}
	}
	return delta.Scope{Type: rt, Types: []*resource.Type{rt}, Readable: []*resource.Type{w.user, w.group, w.issue}}
}

// token takes a token for a type, or for the root.
func (w *world) token(rt *resource.Type) string {
	w.Helper()
	token, _, err := w.deltas.Token(w.Context(), w.scope(rt))
	if err != nil {
		w.Fatal(err)
	}
	return token.Value
}

// complete is what a server adds.
func complete(rt *resource.Type, o query.Object) query.Object {
	o = append(query.Object{{Name: "schemas", Value: rt.SchemasOf(o)}}, o...)
	o.Set("meta", append(o.Inner("meta").Without(), query.Member{Name: "version", Value: query.Version(o)}))
	return o
}

// request is a delta query; change may be nil.
func (w *world) request(rt *resource.Type, token string, change func(*delta.Request)) *delta.Request {
	w.Helper()
	r := &delta.Request{Scope: w.scope(rt), Token: token, Caller: "test", Complete: complete}
	r.List = resource.ListQuery{Start: 1, Count: 100}
	if change != nil {
		change(r)
	}
	want := r.List.Want
	r.Cut = func(_ *resource.Type, o query.Object) query.Object { return want.Apply(o) }
	r.Shows = func(_ *resource.Type, name string) bool { return want.Wants(name) }
	return r
}

// ask makes a delta query, which must succeed.
func (w *world) ask(rt *resource.Type, token string, change func(*delta.Request)) *delta.Page {
	w.Helper()
	page, err := w.deltas.Query(w.Context(), w.request(rt, token, change))
	if err != nil {
		w.Fatal(err)
	}
	return page
}

// attributes has the answer show these alone.
func attributes(names ...string) func(*delta.Request) {
	return func(r *delta.Request) {
		r.List.Want, _ = r.Type.Schema.Project(names, nil)
		r.List.Shown = strings.Join(names, ",")
	}
}

// filter has the answer tell of the matching ones.
func (w *world) filter(rt *resource.Type, text string) func(*delta.Request) {
	return func(r *delta.Request) {
		r.RemovedByFilter, r.List.Filter = true, resourcetest.Filter(w, rt.Schema, text)
	}
}

func (w *world) create(rt *resource.Type, doc query.Object) string {
	w.Helper()
	o, err := rt.Backend.Create(w.Context(), doc)
	if err != nil {
		w.Fatal(err)
	}
	w.wait(time.Second)
	return o.Text("id")
}

// newUser makes a user with a title.
func (w *world) newUser(title string) string {
	w.Helper()
	w.made++
	return w.create(w.user, query.Object{{Name: "userName", Value: fmt.Sprintf("u%d", w.made)}, {Name: "title", Value: title}})
}

func (w *world) newGroup(members ...string) string {
	w.Helper()
	w.made++
	return w.create(w.group, query.Object{{Name: "displayName", Value: fmt.Sprintf("g%d", w.made)}, {Name: "members", Value: elements(members)}})
}

func elements(ids []string) []any {
	list := make([]any, 0, len(ids))
	for _, id := range ids {
		list = append(list, query.Object{{Name: "value", Value: id}, {Name: "display", Value: "User " + id}})
	}
	return list
}

// set changes one attribute; a nil value takes it away.
func (w *world) set(rt *resource.Type, id, name string, value any) {
	w.Helper()
	o, err := rt.Backend.Get(w.Context(), id, query.Projection{})
	if err != nil {
		w.Fatal(err)
	}
	want := o.Without(name)
	if value != nil {
		want.Set(name, value)
	}
	if _, err := rt.Backend.Update(w.Context(), o, want); err != nil {
		w.Fatal(err)
	}
	w.wait(time.Second)
}

func (w *world) remove(rt *resource.Type, id string) {
	w.Helper()
	if err := rt.Backend.Remove(context.Background(), id); err != nil {
		w.Fatal(err)
	}
	w.wait(time.Second)
}

// told is a page in short: type, change and id of each wrapper, with the operations.
func told(page *delta.Page) string {
	var lines []string
	for _, c := range page.Changes {
		line := c.Text("resourceType") + " " + c.Text("changedResourceId") + " " + c.Text("changeType")
		if data := c.Inner("data"); data != nil {
			line += " " + data.Text("userName") + data.Text("displayName")
		}
		for _, op := range c.Elements("operations") {
			if path := op.Text("path"); path != "meta" {
				v, _ := op.Get("value")
				line += fmt.Sprintf("; %s %s", op.Text("op"), path)
				if v != nil {
					line += " " + strings.TrimSuffix(strings.TrimPrefix(string(query.Object{{Name: "v", Value: v}}.AppendJSON(nil)), `{"v":`), "}")
				}
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// TestWrappers holds what is told of changes.
func TestWrappers(t *testing.T) {
	type step func(w *world)
	all := func(steps ...step) step {
		return func(w *world) {
			for _, s := range steps {
				s(w)
			}
		}
	}
	title := func(value any) step { return func(w *world) { w.set(w.user, "1", "title", value) } }
	members := func(ids ...string) step { return func(w *world) { w.set(w.group, "1", "members", elements(ids)) } }
	removeUser := func(id string) step { return func(w *world) { w.remove(w.user, id) } }
	onRoot := func(*delta.Request) {}
	boss := func(r *delta.Request) {
		r.RemovedByFilter = true
		r.List.Filter, _ = query.Parse(r.Type.Schema, `title eq "Boss"`, query.Limits{})
	}
	// Before the token there are the users 1 (u1, Clerk) and 2 (u2, Boss), and the group 1 with both.
	for _, tt := range []struct {
		name   string
		do     step
		query  func(*delta.Request)
		want   string
		onUser bool
	}{
		{"nothing", all(), onRoot, "", false},
		{"update", title("Boss"), onRoot, `User 1 Update; replace title "Boss"`, false},
		{"updates become one", all(title("Boss"), title("Chief")), onRoot, `User 1 Update; replace title "Chief"`, false},
		{"an update undone is told, since a page between has the other value", all(title("Boss"), title("Clerk")), onRoot, `User 1 Update; replace title "Clerk"`, false},
		{"an attribute that is gone", title(nil), onRoot, "User 1 Update; remove title", false},
		{"create", func(w *world) { w.newUser("New") }, onRoot, "User 3 Create u4", false},
		{"create and update", func(w *world) { w.set(w.user, w.newUser("New"), "title", "Newer") }, onRoot, "User 3 Create u4", false},
		{"create and delete", func(w *world) { w.remove(w.user, w.newUser("New")) }, onRoot, "User 3 Delete", false},
		{"update and delete", all(title("Boss"), removeUser("1")), onRoot, "User 1 Delete", false},
		{"groups come after users", func(w *world) { w.newGroup(w.newUser("New")); w.newUser("Newest") }, onRoot, "User 3 Create u4\nUser 4 Create u6\nGroup 2 Create g5", false},
		{"a member joins", func(w *world) { members("1", "2", w.newUser("New"))(w) }, onRoot, `User 3 Create u4
Group 1 Update; add members [{"value":"3","display":"User 3"}]`, false},
		{"a member leaves", members("2"), onRoot, `Group 1 Update; remove members[value eq "1"]`, false},
		{"all members leave", members(), onRoot, `Group 1 Update; remove members[value eq "1"]; remove members[value eq "2"]`, false},
		{"a member joins and leaves", all(members("1", "2", "3"), members("1", "2")), onRoot, `Group 1 Update; remove members[value eq "3"]`, false},
		{"a member is called otherwise", func(w *world) {
			w.set(w.group, "1", "members", []any{query.Object{{Name: "value", Value: "1"}, {Name: "display", Value: "New"}}})
		}, onRoot, `Group 1 Update; replace members [{"value":"1","display":"New"}]`, false},
		{"attributes that are not asked for", all(title("Boss"), members("1")), attributes("userName"), "", false},
		{"attributes that are asked for", all(title("Boss"), members("1")), attributes("title"), `User 1 Update; replace title "Boss"`, false},
		{"members without their values", members("1"), attributes("members.display"), `Group 1 Update; replace members [{"display":"User 1"}]`, false},
		{"a delete is told whatever is asked for", removeUser("1"), attributes("title"), "User 1 Delete", false},
		{"filter: comes to match", title("Boss"), boss, "User 1 Create u1", true},
		{"filter: ceases to match", func(w *world) { w.set(w.user, "2", "title", "Clerk") }, boss, "User 2 Delete", true},
		{"filter: matched in between", all(title("Boss"), title("Clerk")), boss, "User 1 Delete", true},
		{"filter: matched at first", func(w *world) { w.set(w.user, "2", "title", "Clerk"); w.set(w.user, "2", "title", "Chief") }, boss, "User 2 Delete", true},
		{"filter: did not match in between", func(w *world) { w.set(w.user, "2", "title", "Clerk"); w.set(w.user, "2", "title", "Boss") }, boss, "User 2 Create u2", true},
		{"filter: goes on to match", func(w *world) { w.set(w.user, "2", "nickName", "Nick") }, boss, `User 2 Update; replace nickName "Nick"`, true},
		{"filter: never matched", all(title("Chief"), removeUser("1")), boss, "", true},
		{"filter: was deleted", removeUser("2"), boss, "User 2 Delete", true},
		{"filter: created to match", func(w *world) { w.newUser("Boss"); w.newUser("Clerk") }, boss, "User 3 Create u4", true},
		{"filter on the root", func(w *world) { w.newUser("Boss"); members("1")(w) }, boss, "User 3 Create u4", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.newUser("Clerk")
			w.newUser("Boss")
			w.newGroup("1", "2")
			var rt *resource.Type
			if tt.onUser {
				rt = w.user
			}
			token := w.token(rt)
			w.wait(time.Second)
			tt.do(w)
			page := w.ask(rt, token, tt.query)
			if diff := cmp.Diff(tt.want, told(page)); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			if page.Token == nil {
				t.Fatal("no token for the next query")
			}
			if again := w.ask(rt, page.Token.Value, tt.query); len(again.Changes) > 0 || again.Total != 0 {
				t.Errorf("the next query tells of %d again:\n%s", again.Total, told(again))
			}
		})
	}
}

// TestDocument holds the form of an answer.
func TestDocument(t *testing.T) {
	w := newWorld(t)
	token := w.token(w.user)
	id := w.newUser("Boss")
	w.set(w.user, id, "title", "Chief")
	page := w.ask(w.user, token, attributes("title"))
	got := string(page.Document(false).AppendJSON(nil))
	want := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":2,"startIndex":1,"itemsPerPage":2,` +
		`"nextDeltaToken":{"value":"` + page.Token.Value + `","expiry":"2026-01-03T03:04:07.000Z"},"Resources":[` +
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:delta:response"],"resourceType":"User","changeType":"Create","changedResourceId":"1",` +
		`"data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"1","title":"Chief"}}]}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
	if !regexp.MustCompile(`^[A-Za-z0-9._~-]+$`).MatchString(page.Token.Value) {
		t.Errorf("the token %s has characters that need escapes", page.Token.Value)
	}
}

// refusal is the status and scimType of an error.
func refusal(err error) string {
	if err == nil {
		return ""
	}
	e := resource.AsError(err)
	return strings.TrimSpace(fmt.Sprint(e.Status, " ", e.Type))
}

// TestTokens holds which tokens are good.
// A token of the root that was used for one type knows nothing of what happened to the others meanwhile.
func TestNextTokenIsOfItsQuery(t *testing.T) {
	w := newWorld(t)
	ofRoot := w.token(nil)
	w.newGroup(w.newUser("Boss"))
	next := w.ask(w.user, ofRoot, nil).Token.Value
	w.ask(w.user, next, nil)
	for _, rt := range []*resource.Type{nil, w.group} {
		if _, err := w.deltas.Query(t.Context(), w.request(rt, next, nil)); refusal(err) != "400 invalidDeltaToken" {
			t.Errorf("got %v", err)
		}
	}
}

func TestTokens(t *testing.T) {
	w := newWorld(t)
	w.newUser("Boss")
	other := newWorld(t)
	ofUsers, ofGroups, ofRoot := w.token(w.user), w.token(w.group), w.token(nil)
	flipped := []byte(ofUsers)
	flipped[4] ^= 1
	const invalid, expired = "400 invalidDeltaToken", "400 expiredDeltaToken"
	for _, tt := range []struct {
		name  string
		rt    *resource.Type
		token string
		wait  time.Duration
		want  string
	}{
		{"of the type", w.user, ofUsers, 0, ""},
		{"of the root, on the root", nil, ofRoot, 0, ""},
		{"of the root, on a type", w.group, ofRoot, 0, ""},
		{"of another type", w.user, ofGroups, 0, invalid},
		{"of a type, on the root", nil, ofUsers, 0, invalid},
		{"forged", w.user, string(flipped), 0, invalid},
		{"no token", w.user, "x", 0, invalid},
		{"of another state", w.user, other.token(other.user), 0, invalid},
		{"almost old", w.user, ofUsers, retention - 10*time.Second, ""},
		{"old", w.user, ofUsers, retention, expired},
		{"of the future", w.user, ofUsers, -time.Hour, invalid},
	} {
		w.wait(tt.wait)
		_, err := w.deltas.Query(t.Context(), w.request(tt.rt, tt.token, nil))
		if got := refusal(err); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		w.wait(-tt.wait)
	}
}

// TestOneTextForInvalidTokens holds that a refusal does not tell why.
func TestOneTextForInvalidTokens(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	texts := map[string]bool{}
	for _, token := range []string{"x", w.token(w.group), other.token(other.user)} {
		_, err := w.deltas.Query(t.Context(), w.request(w.user, token, nil))
		texts[resource.AsError(err).Detail] = true
	}
	if len(texts) != 1 {
		t.Errorf("%d texts: %v", len(texts), texts)
	}
}

// TestRestored has a state return to an earlier one with the same id.
func TestRestored(t *testing.T) {
	w := newWorld(t)
	now := func() time.Time { return w.clock }
	path := filepath.Join(t.TempDir(), "state.db")
	var s *state.Store
	open := func() *delta.Deltas {
		var err error
		if s, err = state.Open(t.Context(), "file:"+path, state.Options{Now: now}); err != nil {
			t.Fatal(err)
		}
		for _, rt := range []*resource.Type{w.user, w.group} {
			resourcetest.NewRemembering(rt, s, now)
		}
		return delta.New(delta.Config{State: s, Retention: retention, Now: now})
	}
	ask := func(deltas *delta.Deltas, token, want string) {
		t.Helper()
		_, err := deltas.Query(t.Context(), w.request(w.user, token, nil))
		if got := refusal(err); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	w.deltasToken(open()) // makes the key that signs
	w.newUser("Boss")
	s.Close()
	backup, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	deltas := open()
	w.newUser("Boss")
	w.newUser("Boss")
	token := w.deltasToken(deltas)
	ask(deltas, token, "")
	s.Close()
	if err := os.WriteFile(path, backup, 0o600); err != nil {
		t.Fatal(err)
	}
	deltas = open()
	defer func() { s.Close() }()
	w.newUser("Boss")
	ask(deltas, token, "400 invalidDeltaToken") // the number is not there yet
	for range 5 {
		w.newUser("Boss")
		ask(deltas, token, "400 invalidDeltaToken") // it is, and means another change
	}
	ask(deltas, w.deltasToken(deltas), "")
}

func (w *world) deltasToken(deltas *delta.Deltas) string {
	w.Helper()
	token, _, err := deltas.Token(w.Context(), w.scope(w.user))
	if err != nil {
		w.Fatal(err)
	}
	return token.Value
}

// TestForgotten has entries be forgotten before and behind a token.
func TestForgotten(t *testing.T) {
	w := newWorld(t)
	w.newUser("Boss")
	token := w.token(w.user)
	w.wait(time.Minute)
	for _, want := range []string{"", "400 expiredDeltaToken"} {
		if err := w.store.Trim(t.Context(), w.clock); err != nil {
			t.Fatal(err)
		}
		if _, err := w.deltas.Query(t.Context(), w.request(w.user, token, nil)); refusal(err) != want {
			t.Errorf("%v, want %s", err, want)
		}
		w.newUser("Boss")
	}
}

// TestRefusals holds what delta queries cannot do.
func TestRefusals(t *testing.T) {
	w := newWorld(t)
	token := w.token(nil)
	noState := delta.New(delta.Config{Retention: retention, Now: time.Now})
	sorted := func(r *delta.Request) { p, _ := r.Type.Schema.Resolve("userName"); r.List.SortBy = &p }
	unmarked := func(r *delta.Request) { w.filter(w.user, "title pr")(r); r.RemovedByFilter = false }
	cursor := func(text string) func(*delta.Request) { return func(r *delta.Request) { r.List.Cursor = &text } }
	for _, tt := range []struct {
		name   string
		deltas *delta.Deltas
		rt     *resource.Type
		change func(*delta.Request)
		want   string
	}{
		{"sortBy", w.deltas, w.user, sorted, "400 invalidValue"},
		{"a filter without removedByFilter", w.deltas, w.user, unmarked, "400 invalidFilter"},
		{"a filter on links", w.deltas, w.group, w.filter(w.group, `members.value eq "1"`), "400 invalidFilter"},
		{"a type that remembers nothing", w.deltas, w.issue, nil, "501"},
		{"no state", noState, w.user, nil, "501"},
		{"a forged cursor", w.deltas, w.user, cursor("AgEBAQ"), "400 invalidCursor"},
	} {
		_, err := tt.deltas.Query(t.Context(), w.request(tt.rt, token, tt.change))
		if got := refusal(err); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	if _, _, err := noState.Token(t.Context(), w.scope(w.user)); refusal(err) != "501" {
		t.Errorf("a token without a state: %v", err)
	}
	if _, _, err := w.deltas.Token(t.Context(), w.scope(w.issue)); refusal(err) != "501" {
		t.Errorf("a token of a type that remembers nothing: %v", err)
	}
}

// TestParseBody holds how the members of a body are read.
func TestParseBody(t *testing.T) {
	for body, want := range map[string]string{
		`{"deltaToken":"t","removedByFilter":true}`: "",
		`{"DELTATOKEN":"t","removedByFilter":null}`: "",
		`{}`:               "400 invalidValue",
		`{"deltaToken":7}`: "400 invalidValue",
		`{"deltaToken":"t","removedByFilter":"1"}`: "400 invalidValue",
		`[]`: "400 invalidValue",
	} {
		var decoded any
		if err := json.Unmarshal([]byte(body), &decoded); err != nil {
			t.Fatal(err)
		}
		if got := refusal(new(delta.Request).ParseBody(decoded)); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}

// TestCursorIsBound holds that a cursor is good for its query alone.
func TestCursorIsBound(t *testing.T) {
	w := newWorld(t)
	token := w.token(w.user)
	for range 3 {
		w.newUser("Boss")
	}
	first := func(r *delta.Request) { r.List.Cursor, r.List.Count = new(string), 1 }
	cursor := w.ask(w.user, token, first).Next
	next := func(change func(*delta.Request)) func(*delta.Request) {
		return func(r *delta.Request) {
			r.List.Cursor, r.List.Count = &cursor, 1
			change(r)
		}
	}
	other := w.token(w.user)
	for _, tt := range []struct {
		name   string
		change func(*delta.Request)
		want   string
	}{
		{"the same", func(*delta.Request) {}, ""},
		{"another caller", func(r *delta.Request) { r.Caller = "other" }, "400 invalidCursor"},
		{"another filter", w.filter(w.user, "title pr"), "400 invalidCursor"},
		{"other attributes", attributes("title"), "400 invalidCursor"},
		{"another token", func(r *delta.Request) { r.Token = other }, "400 invalidCursor"},
		{"another count", func(r *delta.Request) { r.List.Counted, r.List.Count = true, 7 }, "400 invalidCount"},
	} {
		_, err := w.deltas.Query(t.Context(), w.request(w.user, token, next(tt.change)))
		if got := refusal(err); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// churn makes a random change.
func (w *world) churn(rng *rand.Rand) {
	w.Helper()
	ids := func(rt *resource.Type) []string {
		found, err := rt.Backend.List(w.Context(), resource.ListQuery{Start: 1, Count: 1000})
		if err != nil {
			w.Fatal(err)
		}
		var all []string
		for _, o := range found.Resources {
			all = append(all, o.Text("id"))
		}
		return all
	}
	pick := func(from []string) string { return from[rng.IntN(len(from))] }
	some := func() []any {
		chosen := slices.DeleteFunc(ids(w.user), func(string) bool { return rng.IntN(2) == 0 })
		return elements(chosen)
	}
	titles := []string{"Boss", "Clerk", "Chief"}
	users, groups := ids(w.user), ids(w.group)
	switch n := rng.IntN(10); {
	case n < 2 && len(users) < 6 || len(users) < 3:
		w.newUser(pick(titles))
	case n == 2:
		w.remove(w.user, pick(users))
	case n < 6:
		w.set(w.user, pick(users), "title", pick(titles))
	case n == 6:
		w.set(w.user, pick(users), "nickName", []any{nil, "Nick", "Nora"}[rng.IntN(3)])
	case len(groups) < 2:
		w.newGroup()
	case n == 7 && rng.IntN(3) == 0:
		w.remove(w.group, pick(groups))
	default:
		w.set(w.group, pick(groups), "members", some())
	}
}

// consumer keeps a copy of what it is told.
type consumer struct {
	w    *world
	copy map[string]map[string]any
}

// decode is a document as a client has it.
func decode(t testing.TB, o query.Object) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(o.AppendJSON(nil), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

var ofElement = regexp.MustCompile(`^(\w+)\[value eq "(.*)"\]$`)

// apply does to the copy what a page says.
func (c *consumer) apply(page *delta.Page) {
	c.w.Helper()
	for _, change := range page.Changes {
		change := decode(c.w, change)
		key := fmt.Sprint(change["resourceType"], " ", change["changedResourceId"])
		switch change["changeType"] {
		case "Create":
			c.copy[key] = change["data"].(map[string]any)
		case "Delete":
			delete(c.copy, key)
		case "Update":
			if c.copy[key] != nil { // else a create follows
				patch(c.copy[key], change["operations"].([]any))
			}
		}
	}
}

// patch applies operations as RFC 7644 section 3.5.2 has them.
func patch(o map[string]any, operations []any) {
	for _, op := range operations {
		op := op.(map[string]any)
		path := op["path"].(string)
		switch m := ofElement.FindStringSubmatch(path); {
		case m != nil:
			o[m[1]] = withoutElement(o[m[1]], m[2])
		case op["op"] == "remove":
			delete(o, path)
		case op["op"] == "replace":
			o[path] = op["value"]
		case op["op"] == "add":
			for _, e := range op["value"].([]any) {
				o[path] = append(withoutElement(o[path], e.(map[string]any)["value"].(string)), e)
			}
		}
	}
}

func withoutElement(list any, value string) []any {
	elements, _ := list.([]any)
	return slices.DeleteFunc(slices.Clone(elements), func(e any) bool { return e.(map[string]any)["value"] == value })
}

// truth is what is there, as the request shows it. Where its members stand in a group means nothing.
func (c *consumer) truth(r *delta.Request, types []*resource.Type) map[string]map[string]any {
	all := map[string]map[string]any{}
	for _, rt := range types {
		found, err := rt.Backend.List(c.w.Context(), resource.ListQuery{Start: 1, Count: 1000})
		if err != nil {
			c.w.Fatal(err)
		}
		for _, o := range found.Resources {
			o = complete(rt, o)
			if r.List.Filter == nil || query.Match(r.List.Filter, o) {
				all[rt.Name+" "+o.Text("id")] = decode(c.w, r.Cut(rt, o))
			}
		}
	}
	return all
}

// normal sorts members, and takes away empty ones.
func normal(all map[string]map[string]any) map[string]map[string]any {
	for _, o := range all {
		list, _ := o["members"].([]any)
		if delete(o, "members"); len(list) > 0 {
			slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
			o["members"] = list
		}
	}
	return all
}

// TestConsumerEndsWithTheTruth has clients take a token, read in full and apply what
// changed, page by page, while there are random writes all the time.
func TestConsumerEndsWithTheTruth(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 9967))
		w := newWorld(t)
		for range 20 {
			w.churn(rng)
		}
		byCursor := seed%2 == 0
		rt, types := (*resource.Type)(nil), []*resource.Type{w.user, w.group}
		change := []func(*delta.Request){func(*delta.Request) {}, attributes("title", "members.value"), attributes("displayName", "meta")}[seed%3]
		if seed%4 == 3 {
			rt, types = w.user, types[:1]
			change = w.filter(w.user, `title eq "Boss" and not (nickName eq "Nora")`)
		}
		count := 1 + rng.IntN(7)
		t.Run(fmt.Sprintf("seed %d, pages of %d", seed, count), func(t *testing.T) {
			w.T = t
			c := &consumer{w: w, copy: map[string]map[string]any{}}
			token := w.token(rt)
			for key := range c.truth(w.request(rt, token, change), types) { // reads them one after the other
				w.churn(rng)
				if now, there := c.truth(w.request(rt, token, change), types)[key]; there {
					c.copy[key] = now
				}
			}
			for range 4 {
				for range rng.IntN(15) {
					w.churn(rng)
				}
				token = c.follow(rng, rt, token, count, byCursor, change)
			}
			c.follow(rand.New(rand.NewPCG(0, 0)), rt, token, 1000, byCursor, change)
			want := normal(c.truth(w.request(rt, token, change), types))
			if diff := cmp.Diff(want, normal(c.copy)); diff != "" {
				t.Errorf("copy (-truth +copy):\n%s", diff)
			}
		})
	}
}

// follow applies all pages since a token, and returns the next token. With pages of
// fewer than 100 there are writes between them.
func (c *consumer) follow(rng *rand.Rand, rt *resource.Type, token string, count int, byCursor bool, change func(*delta.Request)) string {
	c.w.Helper()
	start, cursor := 1, ""
	for page := 0; page < 500; page++ {
		p := c.w.ask(rt, token, func(r *delta.Request) {
			r.List.Start, r.List.Count = start, count
			if byCursor {
				r.List.Start, r.List.Cursor = 1, &cursor
			}
			change(r)
		})
		c.apply(p)
		if p.Token != nil {
			return p.Token.Value
		}
		if len(p.Changes) == 0 || p.Start != start && !byCursor {
			c.w.Fatalf("a page that is not the last: %d changes, start %d", len(p.Changes), p.Start)
		}
		start, cursor = start+p.Covered, p.Next
		if count < 100 && rng.IntN(3) == 0 {
			c.w.churn(rng)
		}
	}
	c.w.Fatal("the pages never end")
	return ""
}
