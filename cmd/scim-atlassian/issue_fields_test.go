package main

import (
	"strings"
	"testing"
)

// check tells of each mapped field what clients can do with it, and of each that is not there that it is not.
func TestCheckProvesFields(t *testing.T) {
	t.Parallel()
	environ := startEmulator(t, "--service-desk")
	mapping := write(t, "issues.json", `{"attributes": [{"name": "approver", "field": "Approver"}, {"name": "risk", "field": "Risk"}, {"name": "note", "field": "Internal note"},
		{"name": "silent", "field": "Silent note"}, {"name": "assessment", "field": "customfield_10223"}]}`)
	p := start(t, append(environ[:len(environ):len(environ)], "SCIM_ATLASSIAN_ISSUE_FILE="+mapping), "check")
	if code := p.wait(t); code != exitOK {
		t.Errorf("exit code %d: %s", code, p.stdout.String())
	}
	for _, want := range []string{
		"ok    issue field (SCIM_ATLASSIAN_ISSUE_FILE): approver is customfield_10201 (user), on the screens of ACC: Access request, SD: Service request\n",
		"part  issue field (SCIM_ATLASSIAN_ISSUE_FILE): note is customfield_10221 (text); no screen for new issues of the served projects has it",
		"part  issue field (SCIM_ATLASSIAN_ISSUE_FILE): silent is customfield_10222 (text), on the screens of ACC: Access request, SD: Service request; JQL does not narrow",
		"part  issue field (SCIM_ATLASSIAN_ISSUE_FILE): assessment is customfield_10223 (unknown)",
	} {
		if !strings.Contains(p.stdout.String(), want) {
			t.Errorf("no %s in\n%s", want, p.stdout.String())
		}
	}
	wrong := write(t, "wrong.json", `{"attributes": [{"name": "a", "field": "No such field"}, {"name": "b", "field": "Reference"}, {"name": "c", "field": "Risk", "type": "text"}]}`)
	p = start(t, append(environ[:len(environ):len(environ)], "SCIM_ATLASSIAN_ISSUE_FILE="+wrong), "check")
	if code := p.wait(t); code != exitFailed {
		t.Errorf("exit code %d: %s", code, p.stdout.String())
	}
	for _, want := range []string{`no custom field of Jira is called "No such field"`, `2 custom fields are called "Reference"; give the id of one of`, `the field "Risk" is of type select, not text`} {
		if !strings.Contains(p.stdout.String(), want) {
			t.Errorf("no %s in\n%s", want, p.stdout.String())
		}
	}
}

// The schema names the options of all projects, though one of them has others; a write is judged by the screen of its issue.
func TestOptionsOfAllContexts(t *testing.T) {
	t.Parallel()
	environ := startEmulator(t, "--service-desk")
	mapping := write(t, "issues.json", `{"attributes": [{"name": "risk", "field": "Risk"}]}`)
	p := start(t, append(environ, "SCIM_ATLASSIAN_ISSUE_FILE="+mapping), "serve", "--listen", "127.0.0.1:0", "--state", "memory")
	base := "http://" + p.stderr.await(t, `"msg":"listening".*"address":"([^"]+)"`)
	_, _, body := get(t, base+"/scim/v2/Schemas/urn:scim-atlassian:params:scim:schemas:extension:jira:2.0:Issue", "ann", "secret")
	if !strings.Contains(string(body), `"canonicalValues":["Low","Medium","High","Critical"]`) {
		t.Errorf("options: %s", body)
	}
	if status, _, body := get(t, base+"/scim/v2/Issues?filter=urn:scim-atlassian:params:scim:schemas:extension:jira:2.0:Issue:risk+eq+%22Critical%22", "ann", "secret"); status != 200 {
		t.Errorf("a filter by an option of one project: %d %s", status, body)
	}
	p.leave()
	p.wait(t)
}
