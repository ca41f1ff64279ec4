package scim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/resource/resourcetest"
	"scim-atlassian/scim/upstream"
)

// TestBackends holds every backend to the contract in package resource, over the
// emulator: with and without snapshots, and with an organization that has accounts
// which the directory does not know.
func TestBackends(t *testing.T) {
	for _, b := range []struct {
		name         string // of the resource type
		document     string // of a new resource; %d is a number of its own
		unknown      string
		unique       bool
		change       string // the attribute to be changed
		changed      string // its new value; %d is a number
		organization bool
	}{
		{name: "User", document: `{"userName":"new%[1]d@demo.example","name":{"givenName":"Ann","familyName":"Number %[1]d"},"emails":[{"value":"new%[1]d@demo.example","type":"work","primary":true}]}`,
			unknown: "00000000-0000-4000-8000-000000000000", unique: true, change: "title", changed: "Title %d"},
		{name: "Group", document: `{"displayName":"New %d","members":[]}`, unknown: "00000000-0000-4000-8000-000000000000", unique: true, change: "externalId", changed: "key-%d"},
		{name: "Issue", document: `{"project":{"key":"ENG"},"issueType":{"name":"Task"},"summary":"New %d","labels":["a","b"]}`,
			unknown: "999999999", change: "summary", changed: "Newer %d"},
		{name: "Account", document: `{"userName":"new%[1]d@demo.example","email":"new%[1]d@demo.example","displayName":"Number %[1]d","fullName":"Number %[1]d"}`,
			unknown: "00000000-0000-4000-8000-000000000000", unique: true, change: "title", changed: "Title %d"},
		{name: "Account", document: `{"userName":"new%[1]d@demo.example","email":"new%[1]d@demo.example","displayName":"Number %[1]d","fullName":"Number %[1]d"}`,
			unknown: "00000000-0000-4000-8000-000000000000", unique: true, change: "title", changed: "Title %d", organization: true},
		{name: "Entitlement", document: `{"displayName":"GROUP~New %d","type":"GROUP"}`,
			unknown: "00000000-0000-4000-8000-000000000000", unique: true, change: "externalId", changed: "key-%d"},
		{name: "Entitlement", document: `{"displayName":"GROUP~New %d","type":"GROUP"}`,
			unknown: "role-10000-99999", unique: true, change: "externalId", changed: "key-%d", organization: true},
	} {
		for _, ttl := range []time.Duration{0, time.Minute} {
			if b.organization && ttl == 0 {
				continue // costs much and adds nothing
			}
			t.Run(fmt.Sprintf("%s organization=%t kept=%s", b.name, b.organization, ttl), func(t *testing.T) {
				t.Parallel()
				site := emulator.New(emulator.Options{Users: 12, Groups: 3, Projects: 1, Issues: 15, Seed: 1})
				rt := backendOver(t, serve(t, site), b.name, scim.Config{SnapshotTTL: ttl}, b.organization)
				resourcetest.Test(t, resourcetest.Subject{
					Type: rt, Unknown: b.unknown, Unique: b.unique, Remains: b.organization && b.name == "Account", AsError: upstream.AsError,
					New:    func(n int) query.Object { return parsed(t, rt, fmt.Sprintf(b.document, n)) },
					Change: func(doc *query.Object, n int) { doc.Set(b.change, fmt.Sprintf(b.changed, n)) },
					Writes: func() int { return writesIn(site.Log()) },
				})
			})
		}
	}
}

// TestHalfDoneIssue holds that a write which changed something before it failed says
// so: the log must not tell that nothing was changed.
func TestHalfDoneIssue(t *testing.T) {
	site := emulator.New(emulator.Options{Projects: 1, Issues: 5, Seed: 1})
	rt := backendOver(t, serve(t, site), "Issue", scim.Config{}, false)
	refuse := []emulator.Fault{{Method: http.MethodPost, Path: "/rest/api/3/issue/", Status: http.StatusServiceUnavailable}}
	doc := parsed(t, rt, `{"project":{"key":"ENG"},"issueType":{"name":"Task"},"summary":"New","status":{"name":"In Progress"}}`)
	current, err := rt.Backend.Create(t.Context(), doc.Without("status"))
	if err != nil {
		t.Fatal(err)
	}
	want := current.Clone()
	want.Set("summary", "Newer")
	want.Set("status", doc.Inner("status"))
	site.SetFaults([]emulator.Fault{{Method: http.MethodPut, Path: "/rest/api/3/issue/", Status: http.StatusServiceUnavailable}})
	updated := errorOf(rt.Backend.Update(t.Context(), current, want))
	site.SetFaults(refuse)
	for name, err := range map[string]error{
		"create": errorOf(rt.Backend.Create(t.Context(), doc)), "update": updated,
	} {
		if e := upstream.AsError(err); err == nil || !e.Partial || e.Status != http.StatusGatewayTimeout {
			t.Errorf("%s: got %v, want a 504 that is partial", name, err)
		}
	}
}

func errorOf(_ query.Object, err error) error { return err }

// backendOver makes the named type with its backend, as a server has it.
func backendOver(t *testing.T, address, name string, config scim.Config, organization bool) *resource.Type {
	t.Helper()
	client := atlassian.Config{MaxRetries: -1, OnCall: scim.CountCall}
	var err error
	if config.Directory, err = atlassian.NewDirectory(client, address+"/scim/directory", emulator.DirectoryID, emulator.DirectoryKey); err != nil {
		t.Fatal(err)
	}
	if config.Jira, err = atlassian.NewJira(client, address, emulator.AdminEmail, emulator.APIToken); err != nil {
		t.Fatal(err)
	}
	if organization {
		if config.Organization, err = atlassian.NewOrganization(client, address, emulator.OrganizationID, emulator.OrganizationKey); err != nil {
			t.Fatal(err)
		}
	}
	types, err := scim.ResourceTypes(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range types {
		if rt.Name == name {
			return rt
		}
	}
	t.Fatalf("no resource type %s", name)
	return nil
}

// parsed is a document of the type.
func parsed(t *testing.T, rt *resource.Type, document string) query.Object {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(document), &m); err != nil {
		t.Fatalf("%s: %v", document, err)
	}
	return query.ObjectOf(m, rt.Schema)
}

// writesIn counts the requests to Atlassian that change something.
func writesIn(log []emulator.Request) int {
	writes := 0
	for _, r := range log {
		if isWrite(r.Method + " " + r.Path) {
			writes++
		}
	}
	return writes
}

// isWrite reports whether a call to Atlassian changes something. Jira is asked by POST too.
func isWrite(call string) bool {
	method, path, _ := strings.Cut(call, " ")
	return method != http.MethodGet && !strings.HasPrefix(path, "/rest/api/3/jql/") && !strings.HasPrefix(path, "/rest/api/3/search/") &&
		!strings.HasPrefix(path, "/users/") && !strings.HasSuffix(path, "/bulkfetch") && path != "/rest/api/3/permissions/check"
}
