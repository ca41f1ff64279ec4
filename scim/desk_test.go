package scim_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/atlassian/emulator/jira"
	"scim-atlassian/scim"
	"scim-atlassian/scim/field"
)

// deskTenant has the service project SD.
var deskTenant = func() emulator.Options {
	options := smallTenant
	options.Jira.ServiceDesk = true
	return options
}()

// deskFields are custom fields of its forms.
var deskFields = field.Set{
	{Name: "approvers", Number: 10207, Label: "Approvers", Type: field.Users}, {Name: "risk", Number: 10204, Label: "Risk", Type: field.Select},
}

// newDesk serves the tenant with a service desk, and returns two people that Jira knows.
func newDesk(t *testing.T, options emulator.Options) (f *facade, accounts, userNames []string) {
	t.Helper()
	f = newFacade(t, options, scim.Config{IssueFields: deskFields})
	found := f.want(http.StatusOK, http.MethodGet, "/Users?count=2&filter=active+eq+true", "")
	for i := range 2 {
		accounts = append(accounts, found.at("Resources", i, atlassian.ExternalSchema, "atlassianAccountId").(string))
		userNames = append(userNames, found.at("Resources", i, "userName").(string))
	}
	return f, accounts, userNames
}

// deskRequest is the body of a customer request.
func deskRequest(approver string, more string) string {
	return `{"project":"SD","requestType":"Get access","summary":"CRM","description":"For the **audit**.",` +
		`"` + field.URN + `":{"approvers":["` + approver + `"],"risk":"High"}` + more + `}`
}

// TestCustomerRequest makes a request whose approver decides in Jira: it appears with its
// type and participants, the workflow waits, and the approval is evidence afterwards.
func TestCustomerRequest(t *testing.T) {
	f, accounts, names := newDesk(t, deskTenant)
	made := f.want(http.StatusCreated, http.MethodPost, "/Issues", deskRequest(names[0],
		`,"reporter":"`+names[1]+`","participants":["`+names[0]+`"],"organization":"Partners","priority":"High","externalId":"R-1","comments":[{"body":"Risk was looked at.","internal":true}]`))
	for _, want := range []struct {
		path []any
		is   any
	}{
		{[]any{"requestType", "id"}, "25"}, {[]any{"requestType", "name"}, "Get access"}, {[]any{"participants", 0, "value"}, accounts[0]},
		{[]any{"organization", "name"}, "Partners"}, {[]any{"reporter", "value"}, accounts[1]}, {[]any{"priority", "name"}, "High"},
		{[]any{"issueType", "name"}, "Service request"}, {[]any{"externalId"}, "R-1"}, {[]any{"description"}, "For the **audit**."},
		{[]any{field.URN, "risk"}, "High"}, {[]any{"status", "name"}, "Waiting for approval"},
	} {
		if got := made.at(want.path...); got != want.is {
			t.Errorf("%v of the request: %v, want %v", want.path, got, want.is)
		}
	}
	id := made.at("id").(string)
	if n := count(made.calls, "POST /rest/servicedeskapi/request"); n != 1 || slices.Contains(made.calls, "POST /rest/api/3/issue") {
		t.Errorf("%d requests were made: %q", n, made.calls)
	}
	again := f.want(http.StatusConflict, http.MethodPost, "/Issues", deskRequest(names[0], `,"externalId":"R-1"`))
	if count(again.calls, "POST /rest/servicedeskapi/request") != 0 {
		t.Errorf("a second request with one externalId: %q", again.calls)
	}
	seen := f.want(http.StatusOK, http.MethodGet, "/Issues/"+id+"?attributes=comments,approvals", "")
	if seen.at("comments", 0, "internal") != true || seen.at("approvals", 0, "decision") != "pending" || seen.at("approvals", 0, "canAnswer") != false ||
		seen.at("approvals", 0, "approvers", 0, "value") != accounts[0] {
		t.Errorf("before the decision: %s", seen.body)
	}
	refused := f.patch(http.StatusBadRequest, "/Issues/"+id, `[{"op":"replace","path":"approvals[id eq \"1\"].decision","value":"approved"}]`).refused(t, "invalidValue")
	if !strings.Contains(refused, "from its approvers themselves") {
		t.Error(refused)
	}
	approve(t, f, names[0], id)
	want := `approvals.decision eq "approved" and key sw "SD"`
	found := f.want(http.StatusOK, http.MethodGet, "/Issues?attributes=status,approvals,requestType&filter="+url.QueryEscape(want), "")
	if found.at("totalResults") != 1.0 || found.at("Resources", 0, "status", "name") != "In Progress" || found.at("Resources", 0, "approvals", 0, "completed") == nil ||
		found.at("Resources", 0, "requestType", "name") != "Get access" {
		t.Errorf("after the decision: %s", found.body)
	}
}

// approve decides as the approver with a userName, past the server.
func approve(t *testing.T, f *facade, userName, issue string) {
	t.Helper()
	j, err := atlassian.NewJira(atlassian.Config{}, f.upstream, userName, jira.UserToken)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Decide(context.Background(), issue, "1", true); err != nil {
		t.Fatal(err)
	}
}

// TestAnsweredApproval answers an approval whose approver is the server's own account,
// and changes who takes part.
func TestAnsweredApproval(t *testing.T) {
	for decision, status := range map[string]string{"approved": "In Progress", "declined": "Rejected"} {
		f, accounts, names := newDesk(t, deskTenant)
		admin := f.want(http.StatusCreated, http.MethodPost, "/Issues", `{"project":"ENG","issueType":"Task","summary":"x"}`).at("creator", "value").(string)
		id := f.want(http.StatusCreated, http.MethodPost, "/Issues", deskRequest(admin, "")).at("id").(string)
		got := f.patch(http.StatusOK, "/Issues/"+id, `[{"op":"replace","path":"approvals[id eq \"1\"].decision","value":"`+decision+`"}]`)
		if got.at("status", "name") != status || got.at("approvals", 0, "decision") != decision || got.at("approvals", 0, "approvers", 0, "decision") != decision {
			t.Errorf("%s: %s", decision, got.body)
		}
		f.patch(http.StatusBadRequest, "/Issues/"+id, `[{"op":"replace","path":"approvals[id eq \"1\"].decision","value":"pending"}]`).refused(t, "invalidValue")
		f.patch(http.StatusBadRequest, "/Issues/"+id, `[{"op":"remove","path":"approvals"}]`).refused(t, "mutability")
		got = f.patch(http.StatusOK, "/Issues/"+id, `[{"op":"add","path":"participants","value":[{"userName":"`+names[0]+`"},{"value":"`+accounts[1]+`"}]},{"op":"replace","path":"organization","value":{"id":"2"}}]`)
		if got.at("participants", 1, "value") == nil || got.at("organization", "name") != "Suppliers" {
			t.Errorf("participants: %s", got.body)
		}
		got = f.patch(http.StatusOK, "/Issues/"+id, `[{"op":"remove","path":"participants[value eq \"`+accounts[0]+`\"]"},{"op":"remove","path":"organization"}]`)
		if got.at("participants", 0, "value") != accounts[1] || got.at("participants", 1) != nil || got.at("organization") != nil {
			t.Errorf("fewer participants: %s", got.body)
		}
		f.patch(http.StatusBadRequest, "/Issues/"+id, `[{"op":"replace","path":"requestType","value":{"name":"Remove access"}}]`).refused(t, "mutability")
		f.patch(http.StatusBadRequest, "/Issues/"+id, `[{"op":"replace","path":"organization","value":{"name":"Nobody"}}]`).refused(t, "invalidValue")
		put := f.want(http.StatusOK, http.MethodPut, "/Issues/"+id+"?attributes=participants,approvals", `{"project":"SD","summary":"ERP"}`)
		if put.at("participants", 0, "value") != accounts[1] || put.at("approvals", 0, "decision") != decision {
			t.Errorf("a PUT without them: %s", put.body)
		}
	}
}

// TestNoDesk refuses what only requests have: where the site has no service desk, where
// the project is none, and where the account is no agent.
func TestNoDesk(t *testing.T) {
	withheld := deskTenant
	withheld.Jira.Withheld = []string{"SERVICEDESK_AGENT"}
	for name, tt := range map[string]struct {
		options emulator.Options
		project string
		says    string
	}{
		"no desk":  {smallTenant, "ENG", "no Jira Service Management"},
		"ordinary": {deskTenant, "ENG", "is no service project"},
		"no agent": {withheld, "SD", "is no agent of the service project SD"},
	} {
		t.Run(name, func(t *testing.T) {
			f, _, names := newDesk(t, tt.options)
			for _, body := range []string{
				`{"project":"` + tt.project + `","requestType":"Get access","summary":"x"}`,
				`{"project":"` + tt.project + `","issueType":"` + map[string]string{"ENG": "Task", "SD": "Service request"}[tt.project] + `","summary":"x","comments":[{"body":"x","internal":true}]}`,
			} {
				refused := f.want(http.StatusBadRequest, http.MethodPost, "/Issues", body)
				if detail := refused.refused(t, "invalidValue"); !strings.Contains(detail, tt.says) {
					t.Errorf("%s: %s", body, detail)
				}
				for _, call := range refused.calls {
					if strings.HasPrefix(call, "POST") && call != "POST /rest/api/3/permissions/check" {
						t.Errorf("%s was sent", call)
					}
				}
			}
			f.want(http.StatusBadRequest, http.MethodPost, "/Issues", `{"project":"`+tt.project+`","issueType":"Task","summary":"x","participants":["`+names[0]+`"]}`).refused(t, "invalidValue")
			if tt.project != "ENG" {
				return
			}
			plain := f.want(http.StatusOK, http.MethodGet, "/Issues/ENG-1?attributes=key,approvals,requestType,participants,organization", "")
			if diff := cmp.Diff([]any{"ENG-1", nil, nil}, []any{plain.at("key"), plain.at("approvals"), plain.at("requestType")}); diff != "" {
				t.Error(diff)
			}
			f.patch(http.StatusBadRequest, "/Issues/ENG-1", `[{"op":"add","path":"participants","value":["`+names[0]+`"]}]`).refused(t, "invalidValue")
		})
	}
}

// TestFormsOfDesks shows what a form refuses before anything is written.
func TestFormsOfDesks(t *testing.T) {
	f, _, names := newDesk(t, deskTenant)
	for body, says := range map[string]string{
		`{"project":"SD","requestType":"Get access","summary":"x"}`:                                                field.URN + ":approvers",
		`{"project":"SD","requestType":"Fly","summary":"x"}`:                                                       `there are "Get access" (id 25)`,
		`{"project":"SD","summary":"x"}`:                                                                           "issueType is required",
		`{"project":"SD","requestType":"27","issueType":"Service request","summary":"x","approvals":[{"id":"1"}]}`: "approvals",
		deskRequest(names[0], `,"issueType":"Task"`):                                                               "issueType",
		deskRequest(names[0], `,"participants":["nobody@demo.example"]`):                                           "participants",
	} {
		refused := f.want(http.StatusBadRequest, http.MethodPost, "/Issues", body)
		if detail := refused.refused(t, "invalidValue"); !strings.Contains(detail, says) {
			t.Errorf("%s: %s", body, detail)
		}
		if count(refused.calls, "POST /rest/servicedeskapi/request") != 0 {
			t.Errorf("%s was sent", body)
		}
	}
}

// TestRequestIsMadeOnce loses the answer to the creation of a request with an externalId:
// the request is found, gets its externalId, and is not made again.
func TestRequestIsMadeOnce(t *testing.T) {
	for name, rule := range map[string]string{
		"made": "method=POST path=/rest/servicedeskapi/request times=1 reset=after", "marked": "method=PUT path=/rest/api/3/issue times=1 status=500",
	} {
		t.Run(name, func(t *testing.T) {
			f, _, names := newDesk(t, deskTenant)
			faults, err := emulator.ParseFaults(rule)
			if err != nil {
				t.Fatal(err)
			}
			f.emulator.SetFaults(faults)
			f.do(http.MethodPost, "/Issues", deskRequest(names[0], `,"externalId":"R-2"`))
			f.want(http.StatusConflict, http.MethodPost, "/Issues", deskRequest(names[0], `,"externalId":"R-2"`))
			found := f.want(http.StatusOK, http.MethodGet, "/Issues?filter="+url.QueryEscape(`project.key eq "SD"`), "")
			if found.at("totalResults") != 1.0 || found.at("Resources", 0, "externalId") != "R-2" {
				t.Errorf("requests: %s", found.body)
			}
		})
	}
}
