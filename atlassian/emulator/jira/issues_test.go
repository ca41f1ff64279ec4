package jira

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian/emulator/adf"
	"scim-atlassian/atlassian/emulator/tenant"
)

func doc(text string) map[string]any {
	return map[string]any{"type": "doc", "version": 1, "content": []any{
		map[string]any{"type": "paragraph", "content": []any{map[string]any{"type": "text", "text": text}}},
	}}
}

func TestCreateIssue(t *testing.T) {
	s := smallSite(t)
	people := get[[]userJSON](s, "/users/search")
	key := s.create(map[string]any{
		"summary": " A & B ", "description": doc("x\ty"), "assignee": map[string]any{"id": people[0].AccountID},
		"priority": map[string]any{"name": "high"}, "labels": []string{"b", "a", "b"}, "duedate": "2026-12-24",
		"components": []any{map[string]any{"name": "api"}}, "fixVersions": []any{map[string]any{"name": "1.1"}},
	})
	got := s.fields(strings.ToLower(key))
	if got.Summary != "A & B" || got.Status.Name != "To Do" || got.Assignee.AccountID != people[0].AccountID ||
		got.Priority.Name != "High" || got.DueDate != "2026-12-24" || got.Components[0].Name != "API" ||
		got.FixVersions[0].Name != "1.1" || got.Resolution != nil || got.Reporter == nil {
		t.Errorf("created %+v", got)
	}
	if diff := cmp.Diff([]string{"a", "b"}, got.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if want := string(tenant.JSON(doc("x\ty"))); string(got.Description) != want {
		t.Errorf("description %s, want %s", got.Description, want)
	}
}

func TestCreateIssueRefusals(t *testing.T) {
	s := smallSite(t)
	base := `"project":{"key":"ENG"},"issuetype":{"name":"Task"},"summary":"x"`
	tests := []struct{ name, body, want string }{
		{"nothing", ``, messages("No Issue Create payload supplied")},
		{"no object", `[]`, `{"errorMessages":["` + textBadPayload + `"]}`},
		{"unknown property", `{"field":{}}`, `{"errorMessages":["` + textBadPayload + `"]}`},
		{"no project", `{"fields":{}}`, fieldErrors("project", "Specify a valid project ID or key")},
		{"project key in lower case", `{"fields":{"project":{"key":"eng"}}}`, fieldErrors("project", "Specify a valid project ID or key")},
		{"no type", `{"fields":{"project":{"key":"ENG"}}}`, fieldErrors("issuetype", "Specify an issue type")},
		{"type of another project", `{"fields":{"project":{"key":"OPS"},"issuetype":{"name":"Epic"}}}`,
			fieldErrors("issuetype", "Specify a valid issue type")},
		{"no summary", `{"fields":{"project":{"key":"ENG"},"issuetype":{"name":"Task"}}}`,
			fieldErrors("summary", "You must specify a summary of the issue.")},
		{"long summary", `{"fields":{"project":{"key":"ENG"},"issuetype":{"name":"Task"},"summary":"` + strings.Repeat("ä", 256) + `"}}`,
			fieldErrors("summary", "Summary must be less than 255 characters.")},
		{"several", `{"fields":{` + base + `,"duedate":"soon","nonsense":1,"status":{"id":"3"}}}`, fieldErrors(
			"duedate", "Error parsing date string: soon",
			"nonsense", "Field 'nonsense' cannot be set. It is not on the appropriate screen, or unknown.",
			"status", "Field 'status' cannot be set. It is not on the appropriate screen, or unknown.")},
		{"text as document", `{"fields":{` + base + `,"description":"plain"}}`,
			fieldErrors("description", "Operation value must be an Atlassian Document (see the Atlassian Document Format)")},
		{"malformed document", `{"fields":{` + base + `,"description":{"type":"doc","version":1,"content":[{"type":"text","text":"x"}]}}}`,
			messages("INVALID_INPUT")},
		{"label with space", `{"fields":{` + base + `,"labels":["a b"]}}`, fieldErrors("labels", "The label 'a b' contains spaces which is invalid.")},
		{"unknown component", `{"fields":{` + base + `,"components":[{"name":"Z"}]}}`, fieldErrors("components", "Component name 'Z' is not valid")},
		{"unknown assignee", `{"fields":{` + base + `,"assignee":{"id":"nobody"}}}`, fieldErrors("assignee", "User 'nobody' cannot be assigned issues.")},
		{"sub-task without parent", `{"fields":{"project":{"key":"ENG"},"issuetype":{"name":"Sub-task"},"summary":"x"}}`,
			fieldErrors("parent", "Issue type is a sub-task but parent issue key or id not specified.")},
		{"unknown parent", `{"fields":{` + base + `,"parent":{"key":"ENG-99999"}}}`, fieldErrors("parent", "Could not find issue by id or key.")},
		{"twice", `{"fields":{` + base + `,"labels":[]},"update":{"labels":[{"add":"x"}]}}`,
			fieldErrors("labels", "Field 'labels' cannot appear in both 'fields' and 'update'")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := *s
			site.t = t
			site.want("POST", "/issue", tt.body, http.StatusBadRequest, tt.want)
		})
	}
}

func TestEditIssue(t *testing.T) {
	s := smallSite(t)
	epic := s.create(map[string]any{"issuetype": map[string]any{"name": "Epic"}})
	key := s.create(map[string]any{"labels": []string{"a"}, "parent": map[string]any{"key": epic}, "duedate": "2026-01-01",
		"assignee": map[string]any{"accountId": get[userJSON](s, "/myself").AccountID}})

	s.want("PUT", "/issue/"+key, `{"update":{"labels":[{"add":"c"},{"remove":"a"},{"add":"b"}]}}`, 204, "")
	if diff := cmp.Diff([]string{"b", "c"}, s.fields(key).Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	s.want("PUT", "/issue/"+key, `{"fields":{"labels":[],"duedate":null,"assignee":null,"priority":null},"transition":{"id":"31"}}`, 204, "")
	got := s.fields(key)
	if len(got.Labels) != 0 || got.DueDate != "" || got.Assignee != nil || got.Priority != nil {
		t.Errorf("not cleared: %+v", got)
	}
	if got.Status.Name != "To Do" {
		t.Errorf("PUT obeyed a transition: status %s", got.Status.Name)
	}
	if got.Parent == nil || got.Parent.Key != epic {
		t.Errorf("parent %v, want %s", got.Parent, epic)
	}
	s.want("PUT", "/issue/"+key, `{"update":{"parent":[{"set":{"none":true}}]}}`, 204, "")
	if got := s.fields(key).Parent; got != nil {
		t.Errorf("parent %v is still there", got)
	}

	a := s.do("PUT", "/issue/"+key+"?returnIssue=true", `{"fields":{"summary":"New"}}`)
	if a.status != 200 || !strings.Contains(a.body, `"summary":"New"`) {
		t.Errorf("returnIssue: %d %s", a.status, a.body)
	}
	s.want("PUT", "/issue/"+key, `{"fields":{"resolution":{"name":"Done"}}}`, 400,
		fieldErrors("resolution", "Field 'resolution' cannot be set. It is not on the appropriate screen, or unknown."))
	s.want("PUT", "/issue/"+key, `{"fields":{"summary":"y"},"update":{"summary":[{"set":"x"}]}}`, 400, "")
	s.want("PUT", "/issue/"+key, `{"fields":{"summary":null}}`, 400, fieldErrors("summary", "You must specify a summary of the issue."))
	s.want("PUT", "/issue/ENG-99999", `{"fields":{}}`, 404, messages(textNoIssue))
}

func TestDeleteIssue(t *testing.T) {
	s := smallSite(t)
	key := s.create(nil)
	sub := s.create(map[string]any{"issuetype": map[string]any{"name": "Sub-task"}, "parent": map[string]any{"key": key}})
	if got := s.fields(key).Subtasks; len(got) != 1 || got[0].Key != sub {
		t.Fatalf("sub-tasks %v, want %s", got, sub)
	}
	s.want("DELETE", "/issue/"+key, nil, 400, messages("The issue '"+key+"' has subtasks.  You must specify the 'deleteSubtasks' "+
		"parameter to delete this issue and all its subtasks."))
	s.want("DELETE", "/issue/"+key+"?deleteSubtasks=true", nil, 204, "")
	for _, gone := range []string{key, sub} {
		s.want("GET", "/issue/"+gone, nil, 404, messages(textNoIssue))
		s.want("DELETE", "/issue/"+gone, nil, 404, messages(textNoIssue))
	}
}

func TestTransitions(t *testing.T) {
	s := smallSite(t)
	key := s.create(nil)
	path := "/issue/" + key + "/transitions"
	s.want("POST", path, `{}`, 400, messages("Missing 'transition' identifier"))
	s.want("POST", path, ``, 400, messages("Missing 'transition' identifier"))
	s.want("POST", path, `{"transition":{"id":"999"}}`, 400, messages("Transition id '999' is not valid for this issue."))
	s.want("POST", path, `{"transition":{"id":"41"}}`, 400, fieldErrors("resolution", "Resolution is required."))
	s.want("POST", path, `{"transition":{"id":"41"},"fields":{"summary":"x"}}`, 400, fieldErrors("resolution", "Resolution is required.",
		"summary", "Field 'summary' cannot be set. It is not on the appropriate screen, or unknown."))
	s.want("POST", path, map[string]any{"transition": map[string]any{"id": "41"},
		"fields": map[string]any{"resolution": map[string]any{"name": "Won't Do"}},
		"update": map[string]any{"comment": []any{map[string]any{"add": map[string]any{"body": doc("over")}}}}}, 204, "")
	got := s.fields(key)
	if got.Status.Name != "Done" || got.Status.StatusCategory.Key != "done" || got.Resolution.Name != "Won't Do" || got.ResolutionDate == "" {
		t.Errorf("done: %+v", got)
	}
	s.want("POST", path, `{"transition":{"id":21}}`, 204, "")
	if got = s.fields(key); got.Status.Name != "In Progress" || got.Resolution != nil || got.ResolutionDate != "" {
		t.Errorf("reopened: %+v", got)
	}
	s.want("GET", path+"?transitionId=999", nil, 200, `{"expand":"transitions","transitions":[]}`)

	type transitions struct {
		Transitions []struct {
			ID, Name string
			To       struct{ ID, Name string }
			Fields   map[string]struct {
				Required      bool
				AllowedValues []struct{ Name string }
			}
		}
	}
	list := get[transitions](s, path+"?expand=transitions.fields").Transitions
	if len(list) != 4 || !list[3].Fields["resolution"].Required || list[3].Fields["resolution"].AllowedValues[0].Name != "Done" {
		t.Errorf("transitions of %s: %+v", key, list)
	}

	// In OPS what is open cannot be done at once.
	ops := s.create(map[string]any{"project": map[string]any{"key": "OPS"}})
	var reachable []string
	for _, tr := range get[transitions](s, "/issue/"+ops+"/transitions").Transitions {
		reachable = append(reachable, tr.Name+" -> "+tr.To.Name)
	}
	if diff := cmp.Diff([]string{"Start work -> In Progress", "Close -> Rejected"}, reachable); diff != "" {
		t.Errorf("transitions of an open issue of OPS (-want +got):\n%s", diff)
	}
	s.want("POST", "/issue/"+ops+"/transitions", `{"transition":{"id":"7"}}`, 400, "")
}

func TestCreateWithTransition(t *testing.T) {
	s := smallSite(t)
	a := s.do("POST", "/issue", `{"fields":{"project":{"key":"HR"},"issuetype":{"name":"Task"},"summary":"x"},"transition":{"id":"31"}}`)
	created := decode[struct {
		Key        string
		Transition struct{ Status int }
	}](t, a)
	if a.status != 201 || created.Transition.Status != 200 || s.fields(created.Key).Resolution == nil {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestMovedIssue(t *testing.T) {
	s := newSite(t, setup{Projects: 3, Issues: 600, Seed: 1})
	if len(s.jira.movedKeys) == 0 {
		t.Fatal("no issue was moved")
	}
	for old, i := range s.jira.movedKeys {
		if got := get[issueSeen](s, "/issue/"+old); got.Key != i.key || got.Key == old {
			t.Errorf("%s leads to %s, want %s", old, got.Key, i.key)
		}
		if diff := cmp.Diff([]string{i.key}, s.find(`key = "`+old+`"`)); diff != "" {
			t.Errorf("search for %s (-want +got):\n%s", old, diff)
		}
	}
}

func TestBulkFetch(t *testing.T) {
	s := smallSite(t)
	a := s.do("POST", "/issue/bulkfetch", `{"issueIdsOrKeys":["eng-2","10000","ENG-1","NOPE-1"],"fields":["summary"]}`)
	var keys []string
	for _, i := range decode[searched](t, a).Issues {
		keys = append(keys, i.Key)
	}
	if diff := cmp.Diff([]string{"ENG-1", "ENG-2"}, keys); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	s.want("POST", "/issue/bulkfetch", `{"issueIdsOrKeys":[]}`, 400, "")
	s.want("POST", "/issue/bulkfetch", map[string]any{"issueIdsOrKeys": make([]string, 101)}, 400, "")
}

func TestIssueFieldSelection(t *testing.T) {
	s := smallSite(t)
	names := func(path string) []string {
		var list []string
		var fields map[string]json.RawMessage
		json.Unmarshal(get[issueSeen](s, path).Fields, &fields)
		for _, f := range s.jira.fields {
			if _, found := fields[f.id]; found {
				list = append(list, f.id)
			}
		}
		return list
	}
	if diff := cmp.Diff([]string{"summary", "status"}, names("/issue/ENG-1?fields=summary,nonsense&fields=status")); diff != "" {
		t.Errorf("two fields (-want +got):\n%s", diff)
	}
	all, without := names("/issue/ENG-1"), names("/issue/ENG-1?fields=-created")
	if len(all) < 18 || len(without) != len(all)-1 {
		t.Errorf("all: %v; without created: %v", all, without)
	}
}

func TestSeededIssuesAreValid(t *testing.T) {
	j := newJira(setup{Users: 50, Projects: 9, Issues: 1000, Seed: 3})
	for _, i := range j.issues {
		if i.kind.scope != nil && i.kind.scope != i.project || !slices.Contains(i.workflow().statuses, i.status) {
			t.Errorf("%s: type %s or status %s is foreign", i.key, i.kind.id, i.status.id)
		}
		if i.kind.level < 0 != (i.parent != nil && i.parent.kind.level == 0) {
			t.Errorf("%s: a %s with parent %v", i.key, i.kind.name, i.parent)
		}
		if i.description != nil && !adf.Valid(i.description) {
			t.Fatalf("%s: %s", i.key, i.description)
		}
	}
}
