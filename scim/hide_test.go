package scim_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/server"
)

// TestHideIsChecked holds New to refusing a setting hide that hides nothing, with
// the name of the caller and the fix.
func TestHideIsChecked(t *testing.T) {
	for _, tt := range []struct {
		name string
		hide []string
		want string // empty: accepted
	}{
		{"attributes", []string{"Group.members", "User.groups", "Account.entitlements", "Issue.labels"}, ""},
		{"part", []string{"User.name.formatted"}, ""},
		{"attribute of an extension", []string{"User.urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"}, ""},
		{"no attribute", []string{"Group"}, `caller 1 (sync): hide: "Group" has no attribute: write TYPE.ATTRIBUTE, such as Group.members`},
		{"unknown type", []string{"Groups.members"}, `caller 1 (sync): hide: "Groups.members" is of no resource type: use User, Group, Issue, Account, Entitlement`},
		{"unknown attribute", []string{"Group.member"}, `caller 1 (sync): hide: "Group.member" is no attribute: Group has no attribute "member"`},
		{"unknown part", []string{"Group.members.name"}, `caller 1 (sync): hide: "Group.members.name" is no attribute: attribute members has no sub-attribute "name"`},
		{"always returned", []string{"User.id"}, `caller 1 (sync): hide: "User.id" is in every answer (returned: always) and cannot be hidden`},
		{"schemas", []string{"User.schemas"}, `"User.schemas" is in every answer`},
		{"the second", []string{"Group.members", "User.Groups", "User.x"}, `hide: "User.x"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			caller := bearer("sync", auth.Write)
			caller.Hide = tt.hide
			_, err := scim.New(scim.Config{Directory: new(atlassian.Directory), Jira: new(atlassian.Jira), Callers: []auth.Caller{caller}})
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("got %v, want no error", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// TestHiddenMembersAreNotRead has a directory whose lists leave members out, so
// that members cost a call for each group. A caller from whom they are hidden
// pays only where they are looked at.
func TestHiddenMembersAreNotRead(t *testing.T) {
	options := emulator.Options{Users: 20, Groups: 7, Seed: 2}
	options.Directory.OmitMembersInList = true
	upstream := serve(t, emulator.New(options))
	hides := bearer("hides", auth.Write)
	hides.Hide = []string{"Group.members"}
	facade := httptest.NewServer(serverOver(t, upstream, atlassian.Config{}, scim.Config{Callers: []auth.Caller{bearer("sees", auth.Write), hides}}))
	t.Cleanup(facade.Close)
	for _, tt := range []struct{ caller, target, calls string }{
		{"sees", "/Groups", "8"},
		{"hides", "/Groups", "1"},
		{"hides", "/Groups?attributes=members", "8"},
		{"hides", "/Groups?attributes=meta.version", "8"},
		{"hides", "/Groups?excludedAttributes=displayName", "1"},
		{"hides", "/Groups?sortBy=displayName", "1"},
		{"hides", "/Groups?filter=externalId+pr", "1"},
		{"hides", "/Groups?filter=members+pr", "8"},
		{"sees", "/?filter=meta.resourceType+eq+%22Group%22", "8"},
		{"hides", "/?filter=meta.resourceType+eq+%22Group%22", "1"},
		{"hides", "/?filter=meta.resourceType+eq+%22Group%22&attributes=members", "8"},
	} {
		body, header := bearerRequest(t, http.MethodGet, facade.URL+server.BasePath+tt.target, tt.caller, "")
		if got := header.Get("X-Upstream-Calls"); got != tt.calls {
			t.Errorf("%s, %s: %s calls, want %s", tt.caller, tt.target, got, tt.calls)
		}
		if got, want := strings.Contains(string(body), `"members":[`), tt.caller == "sees" || strings.Contains(tt.target, "attributes=members"); got != want {
			t.Errorf("%s, %s: members are shown: %v, want %v", tt.caller, tt.target, got, want)
		}
	}
}
