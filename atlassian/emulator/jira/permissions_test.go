package jira

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMyPermissions(t *testing.T) {
	s := newSite(t, setup{Projects: 3, Jira: Options{Withheld: []string{"DELETE_ISSUES:ENG", "EDIT_ISSUES"}}})
	s.want("GET", "/mypermissions", nil, 400, "")
	s.want("GET", "/mypermissions?permissions=FLY", nil, 400, messages("Unrecognized permissions: FLY"))
	s.want("GET", "/mypermissions?permissions=BROWSE_PROJECTS&projectKey=NOPE", nil, 404, messages("No project could be found with key 'NOPE'."))
	has := func(query string) map[string]bool {
		got := map[string]bool{}
		for key, p := range get[struct {
			Permissions map[string]struct{ HavePermission bool }
		}](s, "/mypermissions?permissions=ADMINISTER,BROWSE_PROJECTS,DELETE_ISSUES,EDIT_ISSUES"+query).Permissions {
			got[key] = p.HavePermission
		}
		return got
	}
	anywhere := map[string]bool{"ADMINISTER": true, "BROWSE_PROJECTS": true, "DELETE_ISSUES": true, "EDIT_ISSUES": false}
	if diff := cmp.Diff(anywhere, has("")); diff != "" {
		t.Errorf("in any project (-want +got):\n%s", diff)
	}
	anywhere["DELETE_ISSUES"] = false
	if diff := cmp.Diff(anywhere, has("&projectKey=ENG")); diff != "" {
		t.Errorf("in ENG (-want +got):\n%s", diff)
	}
}

func TestCheckPermissions(t *testing.T) {
	s := newSite(t, setup{Projects: 2, Jira: Options{Withheld: []string{"DELETE_ISSUES:ENG", "EDIT_ISSUES"}}})
	eng, other := s.jira.projects[0], s.jira.projects[1]
	if eng.key != "ENG" {
		t.Fatalf("the first project is %s", eng.key)
	}
	body := fmt.Sprintf(`{"globalPermissions":["ADMINISTER"],"projectPermissions":[{"permissions":["DELETE_ISSUES","EDIT_ISSUES","BROWSE_PROJECTS"],"projects":[%s,%s,7]}]}`, eng.id, other.id)
	s.want("POST", "/permissions/check", body, 200, fmt.Sprintf(
		`{"globalPermissions":["ADMINISTER"],"projectPermissions":[{"issues":[],"permission":"DELETE_ISSUES","projects":[%[2]s]},{"issues":[],"permission":"BROWSE_PROJECTS","projects":[%[1]s,%[2]s]}]}`, eng.id, other.id))
	for _, bad := range []string{`{"projectPermissions":[{"projects":[1]}]}`, `{"projectPermissions":[{"permissions":["FLY"]}]}`, `{"globalPermissions":["FLY"]}`, `{"x":1}`} {
		s.want("POST", "/permissions/check", bad, 400, "")
	}
}
