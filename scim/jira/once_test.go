package jira

import (
	"flag"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim/once"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/resource/resourcetest"
)

func (s *issueSite) accessRequest(t testing.TB, more map[string]any) query.Object {
	t.Helper()
	doc := map[string]any{"project": map[string]any{"key": "ACC"}, "issueType": map[string]any{"name": "Access request"}, "summary": "CRM"}
	for name, v := range more {
		doc[name] = v
	}
	return s.doc(doc)
}

func (s *issueSite) faults(t testing.TB, rules string) {
	t.Helper()
	faults, err := emulator.ParseFaults(rules)
	if err != nil {
		t.Fatal(err)
	}
	s.emulator.SetFaults(faults)
}

var creationsUnderChaos = flag.Int("creations", 200, "issues that TestCreationsUnderChaos creates")

// Answers get lost and the index lags, yet every externalId makes one issue, and its
// creator is told which one.
func TestCreationsUnderChaos(t *testing.T) {
	n := *creationsUnderChaos
	options := emulator.Options{Users: 5, Seed: 1}
	options.Jira.IndexLag, options.Jira.FlickeringIndex = 3*time.Second, true
	site := newIssueSite(t, options)
	site.faults(t, "method=POST path=/rest/api/3/issue every=3 reset=after")
	ids := make([]string, n)
	var group sync.WaitGroup
	next := make(chan int)
	for range 8 {
		group.Go(func() {
			for i := range next {
				ids[i] = site.ask(t, fmt.Sprintf("request-%d", i))
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	group.Wait()
	site.faults(t, "")
	distinct := map[string]bool{}
	for _, id := range ids {
		distinct[id] = true
	}
	after, err := site.jira.BulkFetch(t.Context(), keys("ACC", n+100), []string{"project"})
	if err != nil {
		t.Fatal(err)
	}
	if len(distinct) != n || len(after) != n {
		t.Errorf("%d answers named %d issues; there are %d, want %d", n, len(distinct), len(after), n)
	}
}

// ask creates an access request, asks again as long as it gets no clear answer, and
// once more after that. It returns the id that it was told first.
func (s *issueSite) ask(t *testing.T, externalID string) (id string) {
	for range 10 {
		found, err := s.Create(t.Context(), s.accessRequest(t, map[string]any{"externalId": externalID}))
		switch {
		case err == nil && id == "":
			id = found.Text("id")
		case err == nil:
			t.Errorf("%s made a second issue", externalID)
		case resource.AsError(err).Status == http.StatusConflict && id == "":
			t.Errorf("%s: nobody was told of the issue: %v", externalID, err)
			return ""
		case resource.AsError(err).Status == http.StatusConflict:
			return id
		}
	}
	t.Errorf("%s: never a clear answer", externalID)
	return id
}

func keys(project string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%s-%d", project, i+1)
	}
	return list
}

func TestExternalID(t *testing.T) {
	options := smallSite()
	site := newIssueSite(t, options)
	ctx := t.Context()
	made, err := site.Create(ctx, site.accessRequest(t, map[string]any{"externalId": "R-1", "labels": []any{"vpn"}}))
	if err != nil {
		t.Fatal(err)
	}
	if labels, _ := made.Get("labels"); made.Text("externalId") != "R-1" || len(words(labels)) != 1 {
		t.Errorf("made %v", made)
	}
	_, err = site.Create(ctx, site.accessRequest(t, map[string]any{"externalId": "R-1"}))
	wantError(t, err, 409, resource.TypeUniqueness, made.Text("key"), "R-1")
	if _, err := site.patch(ctx, made.Text("id"), []resource.Operation{site.op(t, "replace", "labels", []any{"crm"})}); err != nil {
		t.Fatal(err)
	}
	site.once = once.New(nil, time.Now) // another replica
	_, err = site.Create(ctx, site.accessRequest(t, map[string]any{"externalId": "R-1"}))
	wantError(t, err, 409, resource.TypeUniqueness, made.Text("key"))
	for filter, want := range map[string]int{
		`externalId eq "R-1"`: 1, `externalId eq "r-1"`: 0, `externalId pr`: 1, `externalId sw "R"`: 1, `not (labels pr) and project.key eq "ACC"`: 0,
		`labels eq "crm"`: 1, `project.key eq "ACC" and externalId ne "R-2"`: 1,
	} {
		result, err := site.List(ctx, resource.ListQuery{Filter: resourcetest.Filter(t, site.schema, filter), Start: 1, Count: 10})
		if err != nil || result.Total != want {
			t.Errorf("%s: %v, %v, want %d", filter, result, err, want)
		}
	}
	other, err := site.Create(ctx, site.accessRequest(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	_, err = site.patch(ctx, other.Text("id"), []resource.Operation{site.op(t, "add", "externalId", "R-1")})
	wantError(t, err, 409, resource.TypeUniqueness)
	if got, err := site.patch(ctx, other.Text("id"), []resource.Operation{site.op(t, "add", "externalId", "R-3")}); err != nil || got.Text("externalId") != "R-3" {
		t.Errorf("%v, %v", got, err)
	}
	_, err = site.patch(ctx, other.Text("id"), []resource.Operation{site.op(t, "replace", "externalId", "R-4")})
	wantError(t, err, 400, resource.TypeMutability)
	_, err = site.Create(ctx, site.accessRequest(t, map[string]any{"externalId": strings.Repeat("é", maxExternalID+1)}))
	wantError(t, err, 400, resource.TypeInvalidValue, "externalId must have at most")
	site.adopt = true
	again, err := site.Create(ctx, site.accessRequest(t, map[string]any{"externalId": "R-1"}))
	if err != nil || again.Text("id") != made.Text("id") {
		t.Errorf("adopted %v, %v", again, err)
	}
}

// Without an externalId nothing is repeated, and what is not known is said.
func TestLostCreation(t *testing.T) {
	site := newIssueSite(t, emulator.Options{Users: 5, Seed: 1})
	now := time.Now()
	site.once = once.New(nil, func() time.Time { return now })
	site.faults(t, "method=POST path=/rest/api/3/issue reset=after times=1")
	_, err := site.Create(t.Context(), site.accessRequest(t, nil))
	if err == nil {
		t.Fatal("a lost answer passed for success")
	}
	site.faults(t, "method=POST path=/rest/api/3/issue reset=before times=1")
	_, err = site.Create(t.Context(), site.accessRequest(t, map[string]any{"externalId": "R-2"}))
	wantError(t, err, 504, "", "same externalId")
	site.faults(t, "")
	_, err = site.Create(t.Context(), site.accessRequest(t, map[string]any{"externalId": "R-2"}))
	wantError(t, err, 504, "", "later")
	now = now.Add(once.Settled)
	if _, err := site.Create(t.Context(), site.accessRequest(t, map[string]any{"externalId": "R-2"})); err != nil {
		t.Error(err)
	}
}

// A workflow may change what it likes; only what was asked for must hold.
func TestWorkflowsThatAct(t *testing.T) {
	site := newIssueSite(t, smallSite())
	ctx := t.Context()
	made, err := site.Create(ctx, site.accessRequest(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	request := &resource.Request{}
	if err := site.jira.DoTransition(ctx, made.Text("id"), "31", update(nil)); err != nil {
		t.Fatal(err)
	}
	got, err := site.patch(resource.WithRequest(ctx, request), made.Text("id"), []resource.Operation{site.op(t, "replace", "status.name", "Waiting for approval")})
	if err != nil || got.Inner("status").Text("name") != "Waiting for approval" {
		t.Fatalf("%v, %v", got, err)
	}
	if err := site.jira.DoTransition(ctx, made.Text("id"), "21", update(nil)); err != nil {
		t.Fatal(err)
	}
	got, err = site.patch(resource.WithRequest(ctx, request), made.Text("id"), []resource.Operation{
		site.op(t, "replace", "status.name", "Waiting for approval"), site.op(t, "replace", "summary", "New"),
	})
	if err != nil || got.Text("summary") != "New" {
		t.Fatalf("%v, %v", got, err)
	}
	if len(request.Remarks) == 0 || fmt.Sprint(request.Remarks[0]) != "{sideEffects [resolution]}" {
		t.Errorf("remarks %v", request.Remarks)
	}
}

// What cannot be done of a new issue is refused, or told with the issue.
func TestCreatedButNotMoved(t *testing.T) {
	site := newIssueSite(t, smallSite())
	task := map[string]any{"project": map[string]any{"key": "OPS"}, "issueType": map[string]any{"name": "Task"}, "summary": "x"}
	task["resolution"] = map[string]any{"name": "Done"}
	_, err := site.Create(t.Context(), site.doc(task))
	wantError(t, err, 400, resource.TypeInvalidValue, "resolution")
	task["status"] = map[string]any{"name": "Archived"}
	_, err = site.Create(t.Context(), site.doc(task))
	wantError(t, err, 400, resource.TypeInvalidValue, "Archived")
	task["status"] = map[string]any{"name": "Waiting for approval"}
	_, err = site.Create(t.Context(), site.doc(task))
	if e := resource.AsError(err); err == nil || !e.Partial || e.Made == "" || e.Status != http.StatusBadGateway {
		t.Errorf("got %#v", err)
	}
}
