package jira

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian/emulator/tenant"
)

// request creates an access request and returns its key.
func (s *site) request(fields map[string]any) string {
	s.t.Helper()
	all := map[string]any{"project": map[string]any{"key": "ACC"}, "issuetype": map[string]any{"name": "access request"}, "summary": "CRM"}
	for name, v := range fields {
		all[name] = v
	}
	a := s.do("POST", "/issue", map[string]any{"fields": all})
	if a.status != http.StatusCreated {
		s.t.Fatalf("create %v: %d %s", all, a.status, a.body)
	}
	return decode[issueSeen](s.t, a).Key
}

// field returns one field of an issue as JSON.
func (s *site) field(key, name string) string {
	s.t.Helper()
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(get[issueSeen](s, "/issue/"+key+"?fields="+name).Fields, &fields); err != nil {
		s.t.Fatal(err)
	}
	return string(fields[name])
}

func TestCustomFields(t *testing.T) {
	s := smallSite(t)
	person := get[[]userJSON](s, "/users/search")[0].AccountID
	group := "jira-users-demo"
	tests := []struct {
		field        string
		value        any
		query, wrong string // JQL that finds the issue, and one that does not
		bad          any    // a refused value
		refusal      string
	}{
		{"10201", map[string]any{"accountId": person}, `Approver = "` + person + `"`, `cf[10201] IS EMPTY`, map[string]any{"accountId": "x"}, "User 'x' was not found in the system."},
		{"10202", doc("because of audits"), `cf[10202] ~ "audit"`, `Justification ~ "nothing"`, "text", "Operation value must be an Atlassian Document (see the Atlassian Document Format)"},
		{"10203", "2026-12-31", `"Valid until" <= "2026-12-31"`, `cf[10203] > "2026-12-31"`, "soon", "Error parsing date string: soon"},
		{"10204", map[string]any{"value": "High"}, `Risk = High AND cf[10204] = 10302`, `Risk IN (Low, Medium)`, map[string]any{"value": "Huge"}, "Option value 'Huge' is not valid"},
		{"10205", []any{map[string]any{"value": "CRM"}, map[string]any{"id": "10311"}}, `Systems IN (CRM) AND Systems = ERP`, `Systems = Wiki`, "CRM", "data was not an array"},
		{"10206", "https://a.example/1", `"Request URL" = "https://a.example/1"`, `cf[10206] = "https://a.example/2"`, "no", "no is not a valid URL."},
		{"10207", []any{map[string]any{"accountId": person}}, `Approvers = "` + person + `"`, `Approvers IS EMPTY`, "x", "data was not an array"},
		{"10208", "2026-12-01T10:00:00.000+0100", `"Access starts" >= "2026-12-01 10:00"`, `cf[10208] > "2026-12-01 10:01"`, "x", "Error parsing date string: x"},
		{"10209", map[string]any{"value": "Europe", "child": map[string]any{"value": "Belgium"}}, `Region = Europe AND Region IN cascadeOption("Europe", "Belgium")`, `Region = Germany`, map[string]any{"value": "Asia"}, "Could not find valid 'id' or 'value' in the Parent Option object."},
		{"10210", 12.5, `Cost > 12 AND Cost = 12.5`, `Cost >= 13`, "12", "Operation value must be a number"},
		{"10211", map[string]any{"name": group}, `"Access group" = "` + group + `"`, `"Access group" IS EMPTY`, map[string]any{"name": "x"}, "Group 'x' does not exist."},
		{"10213", []string{"a", "B"}, `Tags = b`, `Tags = c`, []string{"a b"}, "The label 'a b' contains spaces which is invalid."},
		{"10214", map[string]any{"value": "Temporary"}, `"Access kind" = Temporary`, `"Access kind" = Permanent`, map[string]any{"value": "Emergency"}, "Option value 'Emergency' is not valid"},
		{"10216", "ref 1", `cf[10216] ~ "ref"`, `cf[10217] ~ "ref"`, 1, "Operation value must be a string"},
		{"10218", map[string]any{"name": "2026.1"}, `"Found in" < "2026.2"`, `"Found in" = "2026.2"`, map[string]any{"name": "x"}, "Version name 'x' is not valid"},
		{"10220", "t1", `Team = t1`, `Team = t2`, 1, "Operation value must be a string"},
	}
	for _, tt := range tests {
		id := "customfield_" + tt.field
		key := s.request(map[string]any{id: tt.value})
		if got := s.find(tt.query); !strings.Contains(strings.Join(got, ","), key) {
			t.Errorf("%s finds %v, not %s", tt.query, got, key)
		}
		if got := s.find(tt.wrong); strings.Contains(strings.Join(got, ",")+",", key+",") {
			t.Errorf("%s finds %s", tt.wrong, key)
		}
		s.want("PUT", "/issue/"+key, map[string]any{"fields": map[string]any{id: tt.bad}}, 400, fieldErrors(id, tt.refusal))
		if shown := s.field(key, id); shown == "null" {
			t.Errorf("%s is empty", id)
		}
		s.want("PUT", "/issue/"+key, map[string]any{"fields": map[string]any{id: nil}}, 204, "")
		if shown := s.field(key, id); shown != "null" {
			t.Errorf("%s cleared is %s", id, shown)
		}
	}
	key := s.request(nil)
	for _, id := range []string{"customfield_10221", "customfield_10223", "customfield_99"} {
		s.want("PUT", "/issue/"+key, map[string]any{"fields": map[string]any{id: "x"}}, 400,
			fieldErrors(id, "Field '"+id+"' cannot be set. It is not on the appropriate screen, or unknown."))
	}
	s.want("PUT", "/issue/ENG-1", `{"fields":{"customfield_10206":"https://a"}}`, 400,
		fieldErrors("customfield_10206", "Field 'customfield_10206' cannot be set. It is not on the appropriate screen, or unknown."))
	if got := s.find(`cf[10222] ~ x`); got != nil {
		t.Errorf("a field without a searcher finds %v", got)
	}
}

// TestAccessWorkflow walks through the workflow of ACC and reads its changelog.
func TestAccessWorkflow(t *testing.T) {
	s := smallSite(t)
	key := s.request(nil)
	path := "/issue/" + key + "/transitions"
	move := func(id, more string, status int) answer {
		t.Helper()
		a := s.do("POST", path, `{"transition":{"id":"`+id+`"}`+more+`}`)
		if a.status != status {
			t.Fatalf("transition %s: %d %s", id, a.status, a.body)
		}
		return a
	}
	const comment = `,"update":{"comment":[{"add":{"body":{"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":"no"}]}]}}}]}`
	if a := move("41", "", 400); a.body != fieldErrors("comment", "Field Comment is required.") {
		t.Error(a.body)
	}
	move("41", comment, 204)
	move("51", comment, 204) // the comment is lost: no screen
	move("21", `,"historyMetadata":{"actor":{"id":"x"}}`, 204)
	got := s.fields(key)
	if got.Status.Name != "Approved" || got.Assignee == nil || got.Assignee.AccountID != got.Reporter.AccountID || got.Resolution.Name != "Done" || got.ResolutionDate == "" {
		t.Errorf("approved: %+v", got)
	}
	move("51", "", 204)
	if got := s.fields(key); got.Resolution != nil || got.Status.Name != "Waiting for approval" {
		t.Errorf("reopened: %+v", got)
	}
	type log struct {
		Total  int
		Values []struct {
			HistoryMetadata json.RawMessage
			Items           []struct{ FieldID, From, To string }
		}
	}
	changes := get[log](s, "/issue/"+key+"/changelog")
	if changes.Total != 4 || string(changes.Values[2].HistoryMetadata) != `{"actor":{"id":"x"}}` || len(changes.Values[2].Items) != 3 {
		t.Errorf("changelog %+v", changes)
	}
	comments := get[struct{ Total int }](s, "/issue/"+key+"/comment")
	if comments.Total != 1 {
		t.Errorf("%d comments", comments.Total)
	}
	for query, want := range map[string][]string{
		`status WAS "Approved"`: {key}, `status CHANGED TO Rejected`: {key}, `project = ACC AND status WAS NOT Rejected`: nil,
		`status CHANGED FROM Approved TO "Waiting for approval" AFTER startOfDay("-1d")`: {key},
		`status CHANGED BEFORE "2020-01-01"`:                                             nil, `project = ACC AND resolution = Unresolved`: {key},
	} {
		if diff := cmp.Diff(want, s.find(query)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

func TestAroundIssues(t *testing.T) {
	s := smallSite(t)
	a, b := s.request(nil), s.request(nil)
	person := get[[]userJSON](s, "/users/search")[0].AccountID
	s.want("POST", "/issue/"+a+"/watchers", `"`+person+`"`, 204, "")
	s.want("POST", "/issue/"+a+"/watchers", `"nobody"`, 404, "")
	if got := s.find(`watcher = "` + person + `"`); len(got) != 1 {
		t.Errorf("watched: %v", got)
	}
	const remote = `{"globalId":"g","object":{"url":"https://a","title":"t"}}`
	s.want("POST", "/issue/"+a+"/remotelink", remote, 201, "")
	s.want("POST", "/issue/"+a+"/remotelink", remote, 200, "")
	s.want("POST", "/issue/"+a+"/remotelink", `{"object":{"url":"https://a"}}`, 400, "")
	s.want("POST", "/issueLink", `{"type":{"name":"Blocks"},"inwardIssue":{"key":"`+a+`"},"outwardIssue":{"key":"`+b+`"}}`, 201, "")
	if from, to := s.field(a, "issuelinks"), s.field(b, "issuelinks"); !strings.Contains(from, `"outwardIssue"`) || !strings.Contains(to, `"inwardIssue"`) {
		t.Errorf("links %s and %s", from, to)
	}
	s.want("PUT", "/issue/"+a+"/properties/p", `{"x":1}`, 201, "")
	if got := s.do("GET", "/issue/"+a+"?fields=key&properties=p", nil); !strings.Contains(got.body, `"properties":{"p":{"x":1}}`) {
		t.Error(got.body)
	}
	s.want("PUT", "/issue/"+a, `{"fields":{"security":{"name":"sealed"}}}`, 204, "")
	s.want("GET", "/issue/"+a, nil, 404, messages(textNoIssue))
	s.want("PUT", "/issue/"+b, `{"fields":{"timetracking":{"originalEstimate":"10h"}}}`, 204, "")
	if got := s.field(b, "timetracking"); got != `{"originalEstimate":"1d 2h","originalEstimateSeconds":36000}` {
		t.Error(got)
	}
	long := doc(strings.Repeat("ä", 32768))
	s.want("PUT", "/issue/"+b, map[string]any{"fields": map[string]any{"description": long}}, 400, fieldErrors("description", textTooLong))
	s.want("PUT", "/issue/"+b, `{"fields":{"description":{"type":"doc","version":1,"content":[{"type":"paragraph","attrs":{"color":"red"}}]}}}`, 400, messages("INVALID_INPUT"))
}

func TestVersionTwo(t *testing.T) {
	s := smallSite(t)
	key := s.create(nil)
	s.want("PUT", "/rest/api/2/issue/"+key, `{"fields":{"description":"one\ntwo"}}`, 204, "")
	two := get[struct{ Self, Fields json.RawMessage }](s, "/rest/api/2/issue/"+key+"?fields=description")
	if string(two.Fields) != `{"description":"one\ntwo"}` || !strings.Contains(string(two.Self), "/rest/api/2/issue/") {
		t.Errorf("version 2: %s %s", two.Self, two.Fields)
	}
	if three := s.field(key, "description"); !strings.Contains(three, `"hardBreak"`) {
		t.Errorf("version 3: %s", three)
	}
	s.want("GET", "/rest/api/2/search?jql=x", nil, 410, messages(textRemoved))
	s.want("GET", "/rest/api/2/nothing", nil, 404, "")
}

func TestServiceDesk(t *testing.T) {
	s := newSite(t, setup{Users: 5, Projects: 1, Seed: 1, Jira: Options{ServiceDesk: true}})
	people := get[[]userJSON](s, "/users/search")
	approver := people[1]
	const root = "/rest/servicedeskapi"
	made := s.do("POST", root+"/request", map[string]any{"serviceDeskId": "10", "requestTypeId": "25", "raiseOnBehalfOf": people[2].AccountID,
		"requestFieldValues": map[string]any{"summary": "CRM", "description": "text", "customfield_10207": []any{map[string]any{"accountId": approver.AccountID}}}})
	if made.status != 201 {
		t.Fatal(made.body)
	}
	key := decode[struct{ IssueKey string }](t, made).IssueKey
	if edges := s.do("GET", "/issue/"+key+"/transitions", nil); strings.Contains(edges.body, `"901"`) {
		t.Error("the workflow is open during the approval")
	}
	s.want("POST", root+"/request/"+key+"/approval/1", `{"decision":"approve"}`, 403, "")
	asApprover := func(r *http.Request) { r.SetBasicAuth(approver.EmailAddress, UserToken) }
	if a := s.do("POST", root+"/request/"+key+"/approval/1", `{"decision":"approve"}`, asApprover); a.status != 200 || !strings.Contains(a.body, `"finalDecision":"approved"`) {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if got := s.fields(key); got.Status.Name != "In Progress" || got.Reporter.AccountID != people[2].AccountID {
		t.Errorf("approved: %+v", got)
	}
	s.want("GET", root+"/request/ENG-1/approval", nil, 404, "")
	s.want("GET", root+"/request/"+s.request(nil)+"/approval", nil, 403, "")
	plain := smallSite(t)
	plain.want("GET", root+"/servicedesk", nil, 404, `{"errorMessage":"Jira Service Management is not available on this site.","i18nErrorMessage":{"i18nKey":"sd.error","parameters":[]}}`)
}

func TestRequiredFields(t *testing.T) {
	s := newSite(t, setup{Jira: Options{Required: []string{"ACC:Justification", "ACC:Risk"}}})
	s.want("POST", "/issue", `{"fields":{"project":{"key":"ACC"},"issuetype":{"name":"Access request"},"summary":"x"}}`, 400,
		fieldErrors("customfield_10202", "Justification is required.", "customfield_10204", "Risk is required."))
	meta := s.do("GET", "/issue/createmeta/ACC/issuetypes/10005", nil)
	if strings.Count(meta.body, `"required":true`) != 5 {
		t.Error(meta.body)
	}
}

// The project ACC and the custom fields leave the other sample data as they are.
func TestAccessRequestsLeaveOthersAlone(t *testing.T) {
	j := newJira(setup{Users: 12, Projects: 3, Issues: 60, Seed: 1, Now: func() time.Time { return tenant.Epoch }})
	for _, i := range j.issues {
		if i.project.custom || i.more != nil {
			t.Fatalf("%s is not what it was", i.key)
		}
	}
}
