package atlassian_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
)

// holders are those of the role Viewer of a project.
func holders(t *testing.T, j *atlassian.Jira, project string, role int64) (accounts, groups []string) {
	t.Helper()
	r, err := j.ProjectRole(t.Context(), project, role)
	check(t, err)
	for _, actor := range r.Actors {
		switch {
		case actor.Account != nil:
			accounts = append(accounts, actor.Account.AccountID)
		case actor.Group != nil:
			groups = append(groups, actor.Group.ID)
		}
	}
	return accounts, groups
}

func TestRoles(t *testing.T) {
	_, j := site(t, emulator.Options{Users: 20, Groups: 3, Projects: 3, Seed: 1})
	ctx := t.Context()
	roles, err := j.Roles(ctx)
	check(t, err)
	ids, err := j.ProjectRoles(ctx, "ENG")
	check(t, err)
	if len(roles) != 3 || len(ids) != 3 || ids[roles[2].Name] != roles[2].ID {
		t.Fatalf("roles %+v, of the project %v", roles, ids)
	}
	if scoped, err := j.ProjectRole(ctx, "HR", ids["Viewer"]); err != nil || scoped.Scope == nil || scoped.Scope.Type != "PROJECT" {
		t.Errorf("a role of a team-managed project: %+v, %v", scoped, err)
	}
	accounts, err := j.Accounts(ctx)
	check(t, err)
	person, left := accounts[1].AccountID, accounts[slices.IndexFunc(accounts, func(a *atlassian.Account) bool { return !a.Active })].AccountID
	groups, err := j.SiteGroups(ctx, []string{"site-admins", "no such group"})
	if err != nil || len(groups) != 1 || groups[0].Name != "site-admins" {
		t.Fatalf("groups %+v, %v", groups, err)
	}

	viewer, beforeAccounts, beforeGroups := ids["Viewer"], []string(nil), []string(nil)
	beforeAccounts, beforeGroups = holders(t, j, "ENG", viewer)
	role, err := j.AddActor(ctx, "ENG", viewer, atlassian.ActorID{AccountID: person})
	if err != nil || len(role.Actors) != len(beforeAccounts)+len(beforeGroups)+1 {
		t.Fatalf("after the grant %+v, %v", role, err)
	}
	_, err = j.AddActor(ctx, "ENG", viewer, atlassian.ActorID{AccountID: person})
	refused(t, err, atlassian.Invalid)
	_, err = j.AddActor(ctx, "ENG", viewer, atlassian.ActorID{GroupID: groups[0].ID})
	check(t, err)
	_, err = j.AddActor(ctx, "ENG", viewer, atlassian.ActorID{AccountID: left})
	refused(t, err, atlassian.NotFound)
	_, err = j.AddActor(ctx, "ENG", 1, atlassian.ActorID{AccountID: person})
	refused(t, err, atlassian.NotFound)
	_, err = j.AddActor(ctx, "ENG", viewer, atlassian.ActorID{})
	refused(t, err, atlassian.Invalid)
	refused(t, j.RemoveActor(ctx, "ENG", viewer, atlassian.ActorID{AccountID: person, GroupID: "x"}), atlassian.Invalid)
	gotAccounts, gotGroups := holders(t, j, "ENG", viewer)
	if diff := cmp.Diff(append(beforeAccounts, person), gotAccounts); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(append(beforeGroups, groups[0].ID), gotGroups); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}

	for range 2 { // the second finds nothing to do
		check(t, j.RemoveActor(ctx, "ENG", viewer, atlassian.ActorID{AccountID: person}))
		check(t, j.RemoveActor(ctx, "ENG", viewer, atlassian.ActorID{GroupID: groups[0].ID}))
	}
	gotAccounts, gotGroups = holders(t, j, "ENG", viewer)
	if diff := cmp.Diff([][]string{beforeAccounts, beforeGroups}, [][]string{gotAccounts, gotGroups}); diff != "" {
		t.Errorf("holders in the end (-want +got):\n%s", diff)
	}
}

// TestGrantCut repeats a grant whose answer was lost. The repetition finds it done, and the error says that something
// may have happened.
func TestGrantCut(t *testing.T) {
	e, j := site(t, emulator.Options{Users: 5, Projects: 1, Seed: 1})
	me, err := j.Myself(t.Context())
	check(t, err)
	rules, err := emulator.ParseFaults("method=POST times=1 reset=after")
	check(t, err)
	e.SetFaults(rules)
	_, err = j.AddActor(t.Context(), "ENG", 10004, atlassian.ActorID{AccountID: me.AccountID})
	if got := asError(t, err); got.Kind != atlassian.Invalid || !got.Ambiguous {
		t.Errorf("got %+v", got)
	}
	if accounts, _ := holders(t, j, "ENG", 10004); !slices.Contains(accounts, me.AccountID) {
		t.Error("the role was not granted")
	}
}

func TestFreePlan(t *testing.T) {
	_, j := site(t, emulator.Options{Users: 5, Projects: 1, Seed: 1, Jira: emulator.JiraOptions{FreePlan: true}})
	_, err := j.AddActor(t.Context(), "ENG", 10004, atlassian.ActorID{AccountID: "x"})
	refused(t, err, atlassian.Invalid)
}

func TestMemberships(t *testing.T) {
	_, j := site(t, emulator.Options{Users: 130, Groups: 60, Projects: 1, Seed: 1})
	ctx := t.Context()
	all, err := j.SiteGroups(ctx, nil)
	if err != nil || len(all) != 62 {
		t.Fatalf("%d groups, want 62: %v", len(all), err)
	}
	names := make([]string, len(all))
	for i, g := range all {
		names[i] = g.Name
	}
	some, err := j.SiteGroups(ctx, names)
	if err != nil || len(some) != 62 {
		t.Errorf("%d groups by name, want 62: %v", len(some), err)
	}
	everybody := all[slices.IndexFunc(all, func(g atlassian.SiteGroup) bool { return g.Name == "All employees" })]
	members, err := j.GroupAccounts(ctx, everybody.ID)
	if err != nil || len(members) != 130 {
		t.Fatalf("%d members, want 130: %v", len(members), err)
	}
}

func TestProjectRolesGarbled(t *testing.T) {
	for _, body := range []string{`null`, `{"Viewer":"https://x.example/role/viewer"}`, `{"Viewer":"::"}`, `[]`} {
		j := jiraAt(t, newServer(t, answer(200, body)), atlassian.Config{})
		_, err := j.ProjectRoles(t.Context(), "ENG")
		refused(t, err, atlassian.Garbled)
	}
}
