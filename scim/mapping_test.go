package scim_test

import (
	"net/http"
	"strings"
	"testing"

	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/idhub"
)

func TestParseMappingSources(t *testing.T) {
	const required = `{"name": "userName", "required": true}`
	tests := []struct {
		attributes string
		want       []string // the beginning of each line; none: it is good
	}{
		{required, nil},
		{required + `, {"name": "phone", "source": "phoneNumbers[type eq \"work\"].value"}, {"name": "changed", "source": "meta.lastModified"}`, nil},
		{`{"name": "title"}`, []string{"no required attribute has the source userName"}},
		{`{"name": "userName"}`, []string{"no required attribute has the source userName"}},
		{required + `, {"name": "a", "source": "nosuch"}, {"name": "b", "source": "emails"}, {"name": "c", "source": "emails[nosuch eq 1].value"}, {"name": "d", "source": "name"},
			{"name": "e", "source": "title", "fallback": "active"}, {"name": "f", "source": "nickName", "fallback": "nosuch"}`, []string{
			"attribute a: source: User has no attribute", `attribute b: source: "emails" is not one plain value`, "attribute c: source: ",
			`attribute d: source: "name" is not one plain value`, "attribute e: fallback is of another type", "attribute f: fallback: User has no attribute",
		}},
	}
	for _, tt := range tests {
		_, err := idhub.ParseAccountMapping([]byte(`{"attributes": [` + tt.attributes + `]}`))
		checkLines(t, tt.attributes, err, tt.want)
	}
	_, err := idhub.ParseEntitlementMapping([]byte(`{"attributes": [{"name": "displayName"}, {"name": "x", "source": "title", "fallback": "y"}]}`))
	checkLines(t, "entitlement", err, []string{`attribute x: source is "title"`, "attribute x: an entitlement's attribute has no fallback", "attributes with the sources"})
}

func checkLines(t *testing.T, of string, err error, want []string) {
	t.Helper()
	var lines []string
	if err != nil {
		lines = strings.Split(err.Error(), "\n")
	}
	if len(lines) != len(want) {
		t.Errorf("%s: %v", of, err)
		return
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, want[i]) {
			t.Errorf("%s: %q, want %q…", of, line, want[i])
		}
	}
}

// TestMappingOfItsOwn serves a mapping with other names, another URN and
// attributes of its own, and without entitlements.
func TestMappingOfItsOwn(t *testing.T) {
	account, err := idhub.ParseAccountMapping([]byte(`{"id": "urn:example:Account", "attributes": [
		{"name": "login", "source": "userName", "required": true, "accountName": true},
		{"name": "mail", "source": "emails[primary eq true].value", "caseExact": true},
		{"name": "phone", "source": "phoneNumbers[type eq \"work\"].value"},
		{"name": "enabled", "source": "active"},
		{"name": "changed", "source": "meta.lastModified", "syncDirection": "app-to-idhub"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	f := newFacade(t, smallTenant, scim.Config{Account: account})
	a := f.want(http.StatusCreated, http.MethodPost, "/Accounts", `{"schemas":["urn:example:Account"],"login":"zoe@demo.example","mail":"zoe@demo.example","phone":"1"}`)
	if len(a.calls) != 1 || a.at("phone") != "1" || a.at("schemas", 0) != "urn:example:Account" || a.at("changed") == nil || a.at("entitlements") != nil || a.header.Get("ETag") == "" {
		t.Errorf("%v %s", a.calls, a.body)
	}
	id := a.at("id").(string)
	f.patch(http.StatusOK, "/Accounts/"+id, `[{"op":"replace","path":"urn:example:Account:phone","value":"2"},{"op":"replace","path":"enabled","value":false}]`)
	a = f.do(http.MethodGet, "/Users/"+id, "")
	if a.at("phoneNumbers", 0, "value") != "2" || a.at("phoneNumbers", 0, "type") != "work" || a.at("active") != false {
		t.Errorf("the user: %s", a.body)
	}
	f.patch(http.StatusBadRequest, "/Accounts/"+id, `[{"op":"replace","path":"changed","value":"2026-01-01T00:00:00Z"}]`)
	if a := f.do(http.MethodGet, "/Accounts?filter=login+eq+%22ZOE@demo.example%22", ""); a.at("totalResults") != 1.0 || len(a.calls) != 1 {
		t.Errorf("by login: %v %s", a.calls, a.body)
	}
	f.want(http.StatusOK, http.MethodGet, "/Schemas/urn:example:Account", "")
	f.want(http.StatusNotFound, http.MethodGet, "/Schemas/urn:sath:params:scim:schemas:core:1.0:Account", "")
}

// TestSchemasByEitherURN finds the schemas of the views by both URNs and by name.
func TestSchemasByEitherURN(t *testing.T) {
	f := newFacade(t, smallTenant, scim.Config{})
	for _, name := range []string{"Account", "Entitlement"} {
		published := "urn:sath:params:scim:api:confluence:1.0:" + name
		for _, id := range []string{published, "URN:sath:params:scim:schemas:core:1.0:" + name, name} {
			if a := f.want(http.StatusOK, http.MethodGet, "/Schemas/"+id, ""); a.at("id") != published {
				t.Errorf("%s: %s", id, a.body)
			}
		}
		if a := f.want(http.StatusOK, http.MethodGet, "/ResourceTypes/"+name, ""); a.at("endpoint") != "/"+name+"s" || a.at("schema") != published {
			t.Errorf("%s", a.body)
		}
		f.want(http.StatusOK, http.MethodGet, "/"+name+"?count=1", "")
	}
	strict := bearer("strict", auth.Write)
	strict.Strict = true
	s := newFacade(t, smallTenant, scim.Config{Callers: []auth.Caller{strict}})
	s.caller = "strict"
	for urn, status := range map[string]int{
		accountURN: http.StatusCreated, "urn:sath:params:scim:schemas:core:1.0:Account": http.StatusCreated, "urn:other": http.StatusBadRequest,
	} {
		name := strings.ReplaceAll(urn, ":", "-") + "@demo.example"
		s.want(status, http.MethodPost, "/Accounts", strings.Replace(newAccount(name), accountURN, urn, 1))
	}
}
