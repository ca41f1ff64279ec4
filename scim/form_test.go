package scim_test

import (
	"net/http"
	"strings"
	"testing"

	"scim-atlassian/scim"
	"scim-atlassian/scim/field"
)

// mappedFields are custom fields of the emulated project ACC.
var mappedFields = field.Set{
	{Name: "approver", Number: 10201, Label: "Approver", Type: field.User}, {Name: "justification", Number: 10202, Label: "Justification", Type: field.Paragraph},
	{Name: "risk", Number: 10204, Label: "Risk", Type: field.Select, Values: []string{"Low", "Medium", "High"}},
}

func TestForms(t *testing.T) {
	options := smallTenant
	options.Jira.Required = []string{"ACC:Justification", "ACC:Cost"}
	f := newFacade(t, options, scim.Config{IssueFields: mappedFields})
	form := f.want(http.StatusOK, http.MethodGet, "/Issues/.form?project=acc&issueType=access%20request", "")
	for _, want := range []string{
		`"schemas":["urn:scim-atlassian:params:scim:api:messages:jira:2.0:Form"]`, `{"attribute":"summary","required":true,"type":"string"}`,
		`{"attribute":"` + field.URN + `:justification","required":true,"type":"paragraph"}`,
		`{"attribute":"` + field.URN + `:risk","required":false,"type":"select","canonicalValues":["Low","Medium","High"]}`,
		`{"attribute":"customfield_10210","required":true,"type":"number"}`,
	} {
		if !strings.Contains(form.body, want) {
			t.Errorf("the form lacks %s:\n%s", want, form.body)
		}
	}
	f.want(http.StatusBadRequest, http.MethodGet, "/Issues/.form?project=NONE&issueType=Task", "")
	f.want(http.StatusBadRequest, http.MethodGet, "/Issues/.form", "")
	f.want(http.StatusNotFound, http.MethodGet, "/Users/x/.form", "")
	f.want(http.StatusMethodNotAllowed, http.MethodPost, "/Issues/.form", "{}")
	edit := f.want(http.StatusOK, http.MethodGet, "/Issues/ENG-1/.form", "")
	if !strings.Contains(edit.body, `"edit":[`) || !strings.Contains(edit.body, `{"attribute":"resolution","required":true,"type":"resolution","canonicalValues":["Done"`) {
		t.Errorf("the form of an issue: %s", edit.body)
	}
	f.want(http.StatusNotFound, http.MethodGet, "/Issues/ENG-99999/.form", "")
}

// A request as a governance tool makes it: people by userName, a field of its own, and
// one clear error for all that Jira misses.
func TestAccessRequest(t *testing.T) {
	options := smallTenant
	options.Jira.Required = []string{"ACC:Justification", "ACC:Risk"}
	f := newFacade(t, options, scim.Config{IssueFields: mappedFields})
	user := f.want(http.StatusOK, http.MethodGet, "/Users?count=1&filter=active+eq+true", "")
	userName, _ := user.at("Resources", 0, "userName").(string)
	location, _ := user.at("Resources", 0, "meta", "location").(string)
	body := func(more string) string {
		return `{"project":"ACC","issueType":"Access request","summary":"CRM"` + more + `}`
	}
	refused := f.want(http.StatusBadRequest, http.MethodPost, "/Issues", body(""))
	if d, _ := refused.at("detail").(string); !strings.Contains(d, "justification: Justification is required.") || !strings.Contains(d, "risk: Risk is required.") {
		t.Error(refused.body)
	}
	f.want(http.StatusBadRequest, http.MethodPost, "/Issues", body(`,"assignee":{"userName":"nobody@demo.example"}`))
	for _, person := range []string{`"` + userName + `"`, `{"userName":"` + userName + `"}`, `{"email":"` + userName + `"}`, `{"$ref":"` + location + `"}`} {
		made := f.want(http.StatusCreated, http.MethodPost, "/Issues", body(`,"`+field.URN+`":{"justification":"Needed","risk":"Low","approver":`+person+`},"reporter":`+person))
		if made.at("reporter", "value") == nil || made.at("reporter", "value") != made.at(field.URN, "approver", "value") {
			t.Errorf("%s: %s", person, made.body)
		}
	}
	found := f.want(http.StatusOK, http.MethodGet, "/Issues?filter=reporter.userName+eq+%22"+strings.ReplaceAll(userName, "+", "%2B")+"%22+and+project.key+eq+%22ACC%22", "")
	if found.at("totalResults") != 4.0 {
		t.Errorf("by userName: %s", found.body)
	}
	id, _ := found.at("Resources", 0, "id").(string)
	tag := f.want(http.StatusOK, http.MethodGet, "/Issues/"+id, "").at("meta", "version")
	patch := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"comments","value":[{"body":"Seen"}]},{"op":"replace","path":"summary","value":"ERP"}]}`
	f.want(http.StatusOK, http.MethodPatch, "/Issues/"+id, patch)
	for _, path := range []string{"/Issues/" + id + "?attributes=comments,changes,meta", "/Issues?attributes=comments,changes,meta&filter=id+eq+%22" + id + "%22"} {
		seen := f.want(http.StatusOK, http.MethodGet, path, "")
		if !strings.Contains(seen.body, `"body":"Seen"`) || !strings.Contains(seen.body, `"attribute":"summary","from":"CRM","to":"ERP"`) || strings.Contains(seen.body, tag.(string)) {
			t.Errorf("%s: %s", path, seen.body)
		}
	}
	whole := f.want(http.StatusOK, http.MethodGet, "/Issues/"+id, "")
	if part := f.want(http.StatusOK, http.MethodGet, "/Issues/"+id+"?attributes=comments,meta", ""); part.at("meta", "version") != whole.at("meta", "version") {
		t.Errorf("versions %v and %v of one state", part.at("meta", "version"), whole.at("meta", "version"))
	}
}
