package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/connector"
)

// A permission of Jira that no caller can have the server use is too much if it is there, and no loss if it is not.
func TestRightsOfTheJiraAccount(t *testing.T) {
	const edit, roles = "permission EDIT_ISSUES", "permission ADMINISTER_PROJECTS"
	for name, test := range map[string]struct {
		right auth.Right
		found connector.Outcome
		want  connector.Outcome // of EDIT_ISSUES
	}{
		"used":       {auth.Write, connector.OutcomeOK, connector.OutcomeOK},
		"missed":     {auth.Write, connector.OutcomeDenied, connector.OutcomeDenied},
		"too much":   {auth.Read, connector.OutcomeOK, connector.OutcomeLimited},
		"partly so":  {auth.Read, connector.OutcomeLimited, connector.OutcomeLimited},
		"not missed": {auth.Read, connector.OutcomeDenied, connector.OutcomeOff},
		"unknown":    {auth.Read, connector.OutcomeFailed, connector.OutcomeFailed},
	} {
		tested := []connector.Finding{{Capability: edit, Outcome: test.found}, {Capability: roles, Outcome: connector.OutcomeDenied}}
		new(config).judgeRights([]auth.Caller{{Name: "okta", Rights: map[string]auth.Right{"Issue": test.right}}}, tested)
		got := []connector.Outcome{tested[0].Outcome, tested[1].Outcome}
		if diff := cmp.Diff([]connector.Outcome{test.want, connector.OutcomeDenied}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	tested := []connector.Finding{{Capability: edit, Outcome: connector.OutcomeOK}}
	if (&config{OIDCIssuer: "https://issuer.example"}).judgeRights(nil, tested); tested[0].Outcome != connector.OutcomeOK {
		t.Error("whoever has a token may write issues, and the permission is too much")
	}
}
