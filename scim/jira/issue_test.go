package jira

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim/document"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/resource/resourcetest"
)

// issueSite is the backend in front of an emulated site.
type issueSite struct {
	*issues
	emulator *emulator.Emulator
	calls    atomic.Int64
}

func newIssueSite(t testing.TB, options emulator.Options, projects ...string) *issueSite {
	t.Helper()
	site := &issueSite{emulator: emulator.New(options)}
	server := httptest.NewServer(site.emulator)
	t.Cleanup(server.Close)
	jira, err := atlassian.NewJira(atlassian.Config{
		OnCall: func(context.Context, atlassian.Call) { site.calls.Add(1) },
	}, server.URL, emulator.AdminEmail, emulator.APIToken)
	if err != nil {
		t.Fatal(err)
	}
	backend := New(Config{Jira: jira, Schema: issueSchema(t), Projects: projects, ScanBudget: 100, Now: time.Now})
	site.issues = backend.issues
	return site
}

func smallSite() emulator.Options {
	return emulator.Options{Users: 15, Groups: 2, Projects: 3, Issues: 120, Seed: 1}
}

// issueType returns the resource type of the site's issues.
func (s *issueSite) issueType() *resource.Type {
	rt := &resource.Type{Schema: s.schema, Backend: s.issues, References: true}
	rt.Name = "Issue"
	return rt
}

// patch runs a PATCH as the server does.
func (s *issueSite) patch(ctx context.Context, id string, ops []resource.Operation) (query.Object, error) {
	current, err := s.Get(ctx, id, query.Projection{})
	if err != nil {
		return nil, err
	}
	want, err := document.Apply(s.issueType(), current, ops, false)
	if err != nil {
		return nil, err
	}
	return s.Update(ctx, current, want)
}

// replace runs a PUT as the server does.
func (s *issueSite) replace(ctx context.Context, id string, doc query.Object) (query.Object, error) {
	current, err := s.Get(ctx, id, query.Projection{})
	if err != nil {
		return nil, err
	}
	doc = doc.Clone()
	for _, name := range s.Kept(resource.Policy{}) {
		if v, had := current.Get(name); had {
			if _, given := doc.Get(name); !given {
				doc.Set(name, v)
			}
		}
	}
	if err := document.CheckWritable(s.issueType(), current, doc); err != nil {
		return nil, err
	}
	return s.Update(ctx, current, doc)
}

// all reads every issue of the site.
func (s *issueSite) all(t testing.TB) []query.Object {
	t.Helper()
	result, err := s.List(t.Context(), resource.ListQuery{Start: 1, Count: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	return result.Resources
}

// firstIn returns an issue of a project.
func (s *issueSite) firstIn(t testing.TB, project, filter string) query.Object {
	t.Helper()
	e := resourcetest.Filter(t, s.schema, fmt.Sprintf("project.key eq %q and (%s)", project, filter))
	for _, o := range s.all(t) {
		if query.Match(e, o) {
			return o
		}
	}
	t.Fatalf("no issue in %s with %s", project, filter)
	return nil
}

func (s *issueSite) doc(json map[string]any) query.Object { return query.ObjectOf(json, s.schema) }

func (s *issueSite) op(t testing.TB, op, path string, value any) resource.Operation {
	t.Helper()
	p, err := s.schema.Resolve(path)
	if err != nil {
		t.Fatal(err)
	}
	return resource.Operation{Op: op, Path: p, Value: query.ValueOf(value, p)}
}

func wantError(t *testing.T, err error, status int, scimType string, words ...string) {
	t.Helper()
	e := &resource.Error{}
	if err != nil {
		e = resource.AsError(err)
	}
	if e.Status != status || e.Type != scimType {
		t.Errorf("got %v, want %d %s", err, status, scimType)
	}
	for _, w := range words {
		if !strings.Contains(e.Detail, w) {
			t.Errorf("detail %q does not say %q", e.Detail, w)
		}
	}
}

func TestIssueLife(t *testing.T) {
	site := newIssueSite(t, smallSite())
	ctx := t.Context()
	created, err := site.Create(ctx, site.doc(map[string]any{
		"project": map[string]any{"key": "ENG"}, "issueType": map[string]any{"name": "Task"}, "summary": "Replace the disk",
		"description": "Steps:\n\n- order `disk`\n- ask @[Ann](accountid:5b10)", "labels": []any{"b", "a"},
		"priority": map[string]any{"name": "high"}, "dueDate": "2026-12-24",
	}))
	if err != nil {
		t.Fatal(err)
	}
	id := created.Text("id")
	if got := created.Inner("priority").Text("name"); got != "High" {
		t.Errorf("priority %q, want High", got)
	}
	byKey, err := site.Get(ctx, strings.ToLower(created.Text("key")), query.Projection{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(created, byKey); diff != "" {
		t.Error(diff)
	}
	patched, err := site.patch(ctx, id, []resource.Operation{
		site.op(t, "replace", "summary", "Replace both disks"),
		site.op(t, "add", "labels", []any{"c"}),
		site.op(t, "remove", "dueDate", nil),
		site.op(t, "replace", "priority.name", "Low"),
	})
	if err != nil {
		t.Fatal(err)
	}
	labels, _ := patched.Get("labels")
	if patched.Text("summary") != "Replace both disks" || patched.Text("dueDate") != "" || len(words(labels)) != 3 {
		t.Errorf("patched: %v", patched)
	}
	before := site.calls.Load()
	if _, err := site.patch(ctx, id, []resource.Operation{site.op(t, "replace", "summary", "Replace both disks")}); err != nil {
		t.Fatal(err)
	}
	if got := site.calls.Load() - before; got != 1 {
		t.Errorf("a patch that changes nothing cost %d calls, want 1", got)
	}
	if err := site.Remove(ctx, id); err != nil {
		t.Fatal(err)
	}
	_, err = site.Get(ctx, id, query.Projection{})
	wantError(t, err, 404, "")
	wantError(t, site.Remove(ctx, id), 404, "")
}

func TestReplaceClearsWhatIsNotNamed(t *testing.T) {
	site := newIssueSite(t, smallSite())
	issue := site.firstIn(t, "ENG", `assignee pr and description pr and status.category eq "To Do"`)
	got, err := site.replace(t.Context(), issue.Text("id"), site.doc(map[string]any{
		"project": map[string]any{"key": "ENG"}, "issueType": map[string]any{"name": issue.Inner("issueType").Text("name")}, "summary": "New",
	}))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"assignee", "description", "labels", "dueDate"} {
		if v, ok := got.Get(name); ok {
			t.Errorf("%s is still %v", name, v)
		}
	}
	if got.Inner("status") == nil || got.Inner("reporter") == nil || got.Text("summary") != "New" {
		t.Errorf("got %v", got)
	}
	_, err = site.replace(t.Context(), issue.Text("id"), site.doc(map[string]any{"project": map[string]any{"key": "OPS"}, "summary": "New"}))
	wantError(t, err, 400, resource.TypeMutability, "ENG")
}

func TestStatusIsReachedByTransition(t *testing.T) {
	site := newIssueSite(t, smallSite())
	ctx := t.Context()
	issue := site.firstIn(t, "ENG", `status.name eq "To Do"`)
	got, err := site.patch(ctx, issue.Text("id"), []resource.Operation{site.op(t, "replace", "status.name", "In Progress")})
	if err != nil {
		t.Fatal(err)
	}
	if name := got.Inner("status").Text("name"); name != "In Progress" {
		t.Errorf("status %q", name)
	}
	_, err = site.patch(ctx, issue.Text("id"), []resource.Operation{site.op(t, "replace", "status.name", "Nowhere")})
	wantError(t, err, 400, resource.TypeInvalidValue, `"Nowhere"`, `"Done" (id `)
	_, err = site.patch(ctx, issue.Text("id"), []resource.Operation{site.op(t, "remove", "status", nil)})
	wantError(t, err, 400, resource.TypeMutability)
}

func TestTransitionAsksForItsFields(t *testing.T) {
	site := newIssueSite(t, smallSite())
	ctx := t.Context()
	asked := 0
	for _, o := range site.all(t) {
		ts, err := site.jira.Transitions(ctx, o.Text("id"))
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(ts, func(tr atlassian.Transition) bool { return tr.Fields["resolution"].Required })
		if i < 0 || o.Inner("resolution") != nil {
			continue
		}
		asked++
		status := map[string]any{"id": ts[i].To.ID}
		_, err = site.patch(ctx, o.Text("id"), []resource.Operation{site.op(t, "replace", "status", status)})
		wantError(t, err, 400, resource.TypeInvalidValue, "resolution", ts[i].Fields["resolution"].AllowedValues[0].Name)
		got, err := site.patch(ctx, o.Text("id"), []resource.Operation{
			site.op(t, "replace", "status", status),
			site.op(t, "replace", "resolution", map[string]any{"name": ts[i].Fields["resolution"].AllowedValues[0].Name}),
		})
		if err != nil {
			t.Fatal(err)
		}
		if got.Inner("status").Text("id") != ts[i].To.ID || got.Inner("resolution") == nil {
			t.Errorf("got %v", got)
		}
		break
	}
	if asked == 0 {
		t.Fatal("no transition of the sample data requires a resolution")
	}
}

func TestCreateRefuses(t *testing.T) {
	site := newIssueSite(t, smallSite(), "ENG", "OPS")
	task := map[string]any{"name": "Task"}
	for _, tt := range []struct {
		name string
		doc  map[string]any
		says string
	}{
		{"foreign project", map[string]any{"project": map[string]any{"key": "HR"}, "issueType": task, "summary": "x"}, "ENG"},
		{"unknown type", map[string]any{"project": map[string]any{"key": "ENG"}, "issueType": map[string]any{"name": "Wish"}, "summary": "x"}, "Wish"},
		{"unknown status", map[string]any{"project": map[string]any{"key": "ENG"}, "issueType": task, "summary": "x", "status": map[string]any{"name": "Nowhere"}}, "Nowhere"},
		{"ambiguous name", map[string]any{"project": map[string]any{"key": "ENG"}, "issueType": task, "summary": "x", "priority": map[string]any{"name": "Huge"}}, "Highest"},
		{"long summary", map[string]any{"project": map[string]any{"key": "ENG"}, "issueType": task, "summary": strings.Repeat("é", 256)}, "255"},
		{"no day", map[string]any{"project": map[string]any{"key": "ENG"}, "issueType": task, "summary": "x", "dueDate": "24.12.2026"}, "YYYY-MM-DD"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := len(site.all(t))
			_, err := site.Create(t.Context(), site.doc(tt.doc))
			wantError(t, err, 400, resource.TypeInvalidValue, tt.says)
			if after := len(site.all(t)); after != before {
				t.Errorf("%d issues, before %d", after, before)
			}
		})
	}
}

func TestCreateInAStatus(t *testing.T) {
	site := newIssueSite(t, smallSite())
	doc := map[string]any{"project": map[string]any{"key": "ENG"}, "issueType": map[string]any{"name": "Task"}, "summary": "x", "status": map[string]any{"name": "In Progress"}}
	got, err := site.Create(t.Context(), site.doc(doc))
	if err != nil {
		t.Fatal(err)
	}
	if name := got.Inner("status").Text("name"); name != "In Progress" {
		t.Errorf("status %q", name)
	}
}

func TestIssuesElsewhereDoNotExist(t *testing.T) {
	everywhere := newIssueSite(t, smallSite())
	foreign := everywhere.firstIn(t, "HR", "id pr")
	site := newIssueSite(t, smallSite(), "ENG")
	ctx := t.Context()
	for _, id := range []string{foreign.Text("id"), foreign.Text("key"), "..%2f", "x", "999999999"} {
		_, err := site.Get(ctx, id, query.Projection{})
		wantError(t, err, 404, "")
		wantError(t, site.Remove(ctx, id), 404, "")
	}
	e := resourcetest.Filter(t, site.schema, fmt.Sprintf("id eq %q", foreign.Text("id")))
	result, err := site.List(ctx, resource.ListQuery{Filter: e, Start: 1, Count: 10})
	if err != nil || result.Total != 0 {
		t.Errorf("got %v, %v", result, err)
	}
}

func TestListCost(t *testing.T) {
	site := newIssueSite(t, smallSite())
	site.all(t) // warm the catalogue of projects
	for _, tt := range []struct {
		filter string
		count  int
		calls  int64
	}{
		{`status.name eq "Done"`, 5, 4}, // statuses, parse, search, fetch
		{`status.name eq "Done"`, 5, 2},
		{`status.name eq "Done"`, 0, 1},
		{`status.name eq "Nowhere"`, 5, 0},
		{`key eq "ENG-1"`, 5, 1},
		{`assignee.value eq "nobody"`, 5, 2}, // parse refuses; the account that is named, nothing to search
	} {
		before := site.calls.Load()
		e := resourcetest.Filter(t, site.schema, tt.filter)
		if _, err := site.List(t.Context(), resource.ListQuery{Filter: e, Start: 1, Count: tt.count}); err != nil {
			t.Fatal(err)
		}
		if got := site.calls.Load() - before; got != tt.calls {
			t.Errorf("%s, count %d: %d calls, want %d", tt.filter, tt.count, got, tt.calls)
		}
	}
}

func TestListBudget(t *testing.T) {
	site := newIssueSite(t, smallSite())
	site.budget = 1
	_, err := site.List(t.Context(), resource.ListQuery{Start: 1, Count: 100})
	wantError(t, err, 400, resource.TypeTooMany)
}

func TestListSeesOwnWrites(t *testing.T) {
	options := smallSite()
	options.Jira.IndexLag, options.Jira.FlickeringIndex = time.Hour, true
	site := newIssueSite(t, options)
	ctx := t.Context()
	created, err := site.Create(ctx, site.doc(map[string]any{
		"project": map[string]any{"key": "ENG"}, "issueType": map[string]any{"name": "Task"}, "summary": "fresh", "labels": []any{"brandnew"},
	}))
	if err != nil {
		t.Fatal(err)
	}
	find := func(filter string) int {
		t.Helper()
		result, err := site.List(ctx, resource.ListQuery{Filter: resourcetest.Filter(t, site.schema, filter), Start: 1, Count: 10})
		if err != nil {
			t.Fatal(err)
		}
		return result.Total
	}
	if got := find(`labels eq "brandnew"`); got != 1 {
		t.Errorf("%d found after create, want 1", got)
	}
	if _, err := site.patch(ctx, created.Text("id"), []resource.Operation{site.op(t, "remove", "labels", nil)}); err != nil {
		t.Fatal(err)
	}
	if got := find(`labels eq "brandnew"`); got != 0 {
		t.Errorf("%d found after the label was removed, want 0", got)
	}
	if err := site.Remove(ctx, created.Text("id")); err != nil {
		t.Fatal(err)
	}
	if got := find(`summary eq "fresh"`); got != 0 {
		t.Errorf("%d found after delete, want 0", got)
	}
}

func TestDeadCredentialsAreNoEmptySite(t *testing.T) {
	site := newIssueSite(t, smallSite())
	server := httptest.NewServer(site.emulator)
	t.Cleanup(server.Close)
	jira, err := atlassian.NewJira(atlassian.Config{}, server.URL, emulator.AdminEmail, "expired")
	if err != nil {
		t.Fatal(err)
	}
	site.jira = jira
	_, err = site.List(t.Context(), resource.ListQuery{Filter: query.Const(true), Start: 1, Count: 10})
	var upstream *atlassian.Error
	if !errors.As(err, &upstream) || upstream.Kind != atlassian.Unauthenticated {
		t.Errorf("got %v, want the credentials refused", err)
	}
}

// Whatever part of a filter becomes JQL, the list has exactly the issues that the
// filter matches.
func TestListIsExact(t *testing.T) {
	site := newIssueSite(t, smallSite())
	all := site.all(t)
	if len(all) < 100 {
		t.Fatalf("%d issues", len(all))
	}
	leafs := leafTexts(all)
	rapid.Check(t, func(rt *rapid.T) {
		filter := drawIssueFilter(rt, leafs, 3)
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

// leafTexts returns comparisons with values that the issues have.
func leafTexts(all []query.Object) []string {
	leafs := []string{`status.name eq "Nowhere"`, `key eq "ENG-99999"`, `parent.key ne "ENG-99999"`, `assignee.value eq "nobody"`, `externalId pr`}
	add := func(path string, value any) {
		b := string(query.Object{{Name: "v", Value: value}}.AppendJSON(nil))
		literal := strings.TrimSuffix(strings.TrimPrefix(b, `{"v":`), "}")
		ops := []string{"eq", "ne", "gt", "ge", "lt", "le"}
		if _, ok := value.(bool); ok {
			ops = ops[:2]
		}
		if _, ok := value.(string); ok && len(literal) > 4 && !strings.Contains(literal, `\`) {
			ops = append(ops, "co", "sw", "ew")
			if mid := []rune(strings.Trim(literal, `"`)); len(mid) > 3 {
				leafs = append(leafs, fmt.Sprintf("%s co %q", path, string(mid[1:len(mid)-1])), fmt.Sprintf("%s sw %q", path, string(mid[:2])))
			}
		}
		for _, op := range ops {
			leafs = append(leafs, path+" "+op+" "+literal)
		}
		leafs = append(leafs, path+" pr")
	}
	for i := 0; i < len(all); i += 17 {
		for _, m := range all[i] {
			addLeafs(m.Name, m.Value, add)
		}
	}
	return leafs
}

func addLeafs(path string, value any, add func(string, any)) {
	switch v := value.(type) {
	case query.Object:
		for _, m := range v {
			addLeafs(path+"."+m.Name, m.Value, add)
		}
	case []any:
		for _, e := range v {
			addLeafs(path, e, add)
		}
	default:
		add(path, v)
	}
}

func drawIssueFilter(t *rapid.T, leafs []string, depth int) string {
	kind := "leaf"
	if depth > 0 {
		kind = rapid.SampledFrom([]string{"leaf", "leaf", "not", "and", "or"}).Draw(t, "kind")
	}
	switch kind {
	case "not":
		return "not (" + drawIssueFilter(t, leafs, depth-1) + ")"
	case "and", "or":
		return "(" + drawIssueFilter(t, leafs, depth-1) + ") " + kind + " (" + drawIssueFilter(t, leafs, depth-1) + ")"
	}
	return rapid.SampledFrom(leafs).Draw(t, "leaf")
}

func TestExplain(t *testing.T) {
	schema := issueSchema(t)
	for _, tt := range []struct{ filter, want string }{
		{"", `jql(project IN {configured} ORDER BY key ASC) exact cost=?`},
		{`status.name eq "Done" and summary co "x"`, `jql(project IN {configured} AND status IN ("Done") ORDER BY key ASC) residual=(status.name eq "Done" and summary co "x") cost=?`},
		{`assignee.display sw "A"`, `jql(project IN {configured} AND assignee IN {assignee.display sw "A"} ORDER BY key ASC) residual=(assignee.display sw "A") cost=?`},
		{`key eq "OPS-1"`, `fetch("OPS-1") residual=(key eq "OPS-1") cost=1`},
		{`externalId pr`, `jql(project IN {configured} AND labels IS NOT EMPTY ORDER BY key ASC) residual=(externalId pr) cost=?`},
	} {
		if got := (&issues{}).Explain(resourcetest.Filter(t, schema, tt.filter)); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.filter, got, tt.want)
		}
	}
}
