package scim_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
)

var smallTenant = emulator.Options{Users: 120, Groups: 5, Projects: 3, Issues: 10, Seed: 1}

const viewerRole = "role-10000-10004" // in the project Engineering

func newAccount(userName string, entitlements ...string) string {
	var values []string
	for _, id := range entitlements {
		values = append(values, fmt.Sprintf(`{"value":%q}`, id))
	}
	return fmt.Sprintf(`{"schemas":[%q],"userName":%[2]q,"email":%[2]q,"displayName":"Z","entitlements":[%s]}`, accountURN, userName, strings.Join(values, ","))
}

// TestViewsShareReadings lists accounts and entitlements after users and groups:
// only roles are read, once, and own writes are seen at once.
func TestViewsShareReadings(t *testing.T) {
	f := newFacade(t, smallTenant, scim.Config{SnapshotTTL: time.Hour})
	f.do(http.MethodGet, "/Users?filter=title+pr", "")
	f.do(http.MethodGet, "/Groups?filter=members+pr", "")
	if a := f.do(http.MethodGet, "/Accounts?filter=title+pr&attributes=userName", ""); len(a.calls) != 0 {
		t.Errorf("accounts after users: %v", a.calls)
	}
	for _, path := range []string{"/Accounts", "/Entitlements"} {
		a := f.want(http.StatusOK, http.MethodGet, path, "")
		scans := func(call string) bool { return strings.HasPrefix(call, "GET /Users") || call == "GET /Groups/" }
		if slices.ContainsFunc(a.calls, scans) {
			t.Errorf("%s after users and groups: %v", path, a.calls)
		}
		if a := f.do(http.MethodGet, path, ""); len(a.calls) != 0 {
			t.Errorf("%s once more: %v", path, a.calls)
		}
	}
	id := f.want(http.StatusCreated, http.MethodPost, "/Accounts", newAccount("zoe@demo.example", viewerRole)).at("id").(string)
	held := `filter=entitlements.value+eq+"` + viewerRole + `"+and+id+eq+"` + id + `"&attributes=userName`
	for _, step := range []struct {
		operations string
		total      float64
	}{
		{`[{"op":"remove","path":"entitlements[value eq \"` + viewerRole + `\"]"}]`, 0},
		{`[{"op":"add","path":"entitlements","value":[{"value":"` + viewerRole + `"}]}]`, 1},
	} {
		f.patch(http.StatusOK, "/Accounts/"+id, step.operations)
		a := f.do(http.MethodGet, "/Accounts?"+strings.ReplaceAll(held, `"`, "%22"), "")
		if a.at("totalResults") != step.total {
			t.Errorf("after %s: %s", step.operations, a.body)
		}
		if slices.ContainsFunc(a.calls, func(call string) bool { return strings.Contains(call, "/rest/") }) {
			t.Errorf("after %s roles were read again: %v", step.operations, a.calls)
		}
	}
	f.patch(http.StatusNoContent, "/Entitlements/"+viewerRole, `[{"op":"remove","path":"members[value eq \"`+id+`\"]"}]`)
	if a := f.do(http.MethodGet, "/Accounts?"+strings.ReplaceAll(held, `"`, "%22"), ""); a.at("totalResults") != 0.0 {
		t.Errorf("after a removal through the role: %s", a.body)
	}
}

// TestRoleOfUnknownOutcome drops what is kept of roles after a write that may
// have happened: the connection was cut after the effect, and so was the look at
// what became of it.
func TestRoleOfUnknownOutcome(t *testing.T) {
	f := newFacade(t, smallTenant, scim.Config{SnapshotTTL: time.Hour})
	id := f.want(http.StatusCreated, http.MethodPost, "/Accounts", newAccount("zoe@demo.example")).at("id").(string)
	faults, err := emulator.ParseFaults("method=POST path=/rest/api/3/project/ reset=after\nafter=1 method=GET path=/rest/api/3/project/ reset=before")
	if err != nil {
		t.Fatal(err)
	}
	f.emulator.SetFaults(faults)
	f.patch(http.StatusGatewayTimeout, "/Accounts/"+id, `[{"op":"add","path":"entitlements","value":[{"value":"`+viewerRole+`"}]}]`)
	f.emulator.SetFaults(nil)
	a := f.do(http.MethodGet, "/Accounts/"+id, "")
	if a.at("entitlements", 0, "value") != viewerRole {
		t.Errorf("the role that was given is not shown: %s", a.body)
	}
}

// TestRoleOfNewAccount gives a role to an account that takes a second to be
// linked and to reach Jira, and to one that takes longer than it may.
func TestRoleOfNewAccount(t *testing.T) {
	options := smallTenant
	options.Directory.PropagationDelay = time.Second
	f := newFacade(t, options, scim.Config{})
	a := f.want(http.StatusCreated, http.MethodPost, "/Accounts?attributes=entitlements", newAccount("zoe@demo.example", viewerRole))
	if a.at("entitlements", 0, "value") != viewerRole {
		t.Errorf("no role: %s", a.body)
	}
	hasty := newFacade(t, options, scim.Config{ProvisioningWait: time.Millisecond})
	a = hasty.want(http.StatusServiceUnavailable, http.MethodPost, "/Accounts", newAccount("zoe@demo.example", viewerRole))
	if a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "was created") || !strings.Contains(a.body, "Viewer in Engineering") {
		t.Errorf("%v %s", a.header, a.body)
	}
}

// TestPartialAssignment fails at the second of three parts.
func TestPartialAssignment(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	f := newFacade(t, smallTenant, scim.Config{Logger: zap.New(core)})
	group := f.want(http.StatusCreated, http.MethodPost, "/Entitlements", `{"schemas":["`+entitlementURN+`"],"displayName":"GROUP~Night shift","type":"GROUP"}`).at("id").(string)
	faults, err := emulator.ParseFaults("method=POST path=/rest/api/3/project/ status=503")
	if err != nil {
		t.Fatal(err)
	}
	f.emulator.SetFaults(faults)
	a := f.want(http.StatusGatewayTimeout, http.MethodPost, "/Accounts", newAccount("zoe@demo.example", group, viewerRole, "role-10000-10003"))
	detail := a.refused(t, "")
	for _, said := range []string{
		"PROJECT_ROLE~Viewer in Engineering project: Atlassian is not available", "was created; assigned GROUP~Night shift.",
		"Whether the change was made is not known", "Not done: PROJECT_ROLE~Member in Engineering project.",
	} {
		if !strings.Contains(detail, said) {
			t.Errorf("the detail lacks %q: %s", said, detail)
		}
	}
	audit := logs.FilterMessage("audit").All()
	last := audit[len(audit)-1].ContextMap()
	if last["outcome"] != "unknown" || fmt.Sprint(last["assigned"]) != "["+group+"]" {
		t.Errorf("audit: %v", last)
	}
	f.emulator.SetFaults(nil)
	a = f.do(http.MethodGet, "/Accounts?filter=userName+eq+%22zoe@demo.example%22", "")
	if a.at("Resources", 0, "entitlements", 0, "value") != group {
		t.Errorf("what was done is not there: %s", a.body)
	}
}

// TestUnsyncedIsLogged passes over what does not flow, and says so in the log.
func TestUnsyncedIsLogged(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	f := newFacade(t, smallTenant, scim.Config{Logger: zap.New(core), TrustedSource: true, IgnoreUnsynced: true})
	id := f.do(http.MethodGet, "/Users?count=1", "").at("Resources", 0, "id").(string)
	f.patch(http.StatusOK, "/Accounts/"+id+"?attributes=title", `[{"op":"replace","path":"title","value":"X"}]`)
	audit := logs.FilterMessage("audit").All()
	if got := fmt.Sprint(audit[len(audit)-1].ContextMap()["unsynced"]); got != "[title]" {
		t.Errorf("audit says %s", got)
	}
}

// TestRoleCost counts the requests that shown entitlements cost.
func TestRoleCost(t *testing.T) {
	f := newFacade(t, smallTenant, scim.Config{})
	for path, want := range map[string]int{
		"/Accounts?count=10&attributes=userName":                                    1,
		"/Accounts?count=10&excludedAttributes=entitlements":                        1,
		"/Accounts?count=10&filter=externalId+eq+%22nobody%22":                      1,
		"/Entitlements?filter=displayName+eq+%22nothing%22":                         0,
		"/Entitlements?filter=displayName+eq+%22GROUP~All+employees%22":             1,
		"/Entitlements?attributes=displayName&filter=type+eq+%22GROUP%22":           1,
		"/Entitlements?attributes=displayName&filter=type+eq+%22PROJECT_ROLE%22":    5,
		"/Accounts?attributes=userName&filter=entitlements.value+eq+%22no-group%22": 1,
	} {
		f.do(http.MethodGet, "/Accounts?count=0&attributes=id&filter=entitlements.value+eq+%22"+viewerRole+"%22", "") // projects are known from here on
		got := len(f.want(http.StatusOK, http.MethodGet, path, "").calls)
		if strings.Contains(path, "PROJECT_ROLE") {
			got++ // of them, the catalogue of projects was read before
		}
		if got != want {
			t.Errorf("%s: %d calls, want %d", path, got, want)
		}
	}
}
