package scim_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/server"
)

// TestOutsiderInDoubt disables an account of the organization while answers get lost, and holds what the client is told
// to what is so.
func TestOutsiderInDoubt(t *testing.T) {
	const lifecycle, read = "path=/users/ ", "method=GET path=/admin/v2/orgs/" + emulator.OrganizationID + "/directories/-/users/ "
	for _, test := range []struct {
		name, faults string
		status       int
		detail       string
		disabled     bool
	}{
		{"nothing", "", 200, "", true},
		{"the answer is lost", lifecycle + "times=1 reset=after", 200, "", true},
		{"the answer is garbage", lifecycle + "times=1 reset=after body=html", 200, "", true},
		{"the request is lost", lifecycle + "times=1 reset=before", 504, "Whether the change was made is not known", false},
		{"an error", lifecycle + "times=1 status=503", 504, "Whether the change was made is not known", false},
		{"answer and reading are lost", lifecycle + "times=1 reset=after\n" + read + "after=2 reset=before", 504, "Whether the change was made is not known", true},
		{"only the reading is lost", read + "after=2 reset=before", 504, "Atlassian has set active of the account", true},
		{"refused", lifecycle + "times=1 status=403", 502, "Atlassian refused to enable or disable the account", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			cloud := emulator.New(emulator.Options{Users: 3})
			upstream := serve(t, cloud)
			cfg := atlassian.Config{MaxRetries: -1, Timeout: 5 * time.Second, OnCall: scim.CountCall, Work: scim.WorkOf}
			organization, err := atlassian.NewOrganization(cfg, upstream, emulator.OrganizationID, emulator.OrganizationKey)
			if err != nil {
				t.Fatal(err)
			}
			base := serve(t, serverOver(t, upstream, cfg, scim.Config{Organization: organization, Callers: []auth.Caller{bearer("all", auth.Write)}, SnapshotTTL: time.Minute})) + server.BasePath
			f := &facade{T: t, emulator: cloud, base: base, upstream: upstream, caller: "all"}
			found := f.do(http.MethodGet, `/Accounts?filter=userName%20eq%20%22bridget.local@demo.example%22`, "")
			id, _ := found.doc["Resources"].([]any)[0].(map[string]any)["id"].(string)

			faults, err := emulator.ParseFaults(test.faults)
			if err != nil {
				t.Fatal(err)
			}
			cloud.SetFaults(faults)
			got := f.do(http.MethodPatch, "/Accounts/"+id, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}`)
			detail, _ := got.doc["detail"].(string)
			if got.status != test.status || !strings.Contains(detail, test.detail) || (test.status == 504) != (got.header.Get("Retry-After") != "") {
				t.Errorf("got %d %s, Retry-After %q", got.status, detail, got.header.Get("Retry-After"))
			}
			if test.status == 200 && got.doc["active"] != false {
				t.Errorf("got %s", got.body)
			}
			cloud.SetFaults(nil)
			now, err := organization.User(t.Context(), id)
			if err != nil || (now.AccountStatus == "active") == test.disabled {
				t.Errorf("the account is %+v, %v", now, err)
			}
		})
	}
}
