package schemas

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAccountMappingIsTheConnectors holds the shipped mapping to IDHub's JIRA
// connector 1.0: the characteristics that its Account schema prints, IDHub's
// fields, and what is a key of what.
func TestAccountMappingIsTheConnectors(t *testing.T) {
	want := []string{
		"department default -> department",
		"displayName required always -> displayName",
		"fullName required always -> displayName",
		"email caseExact default -> email reconKey",
		"familyName caseExact default -> lastName",
		"givenName caseExact default -> firstName",
		"title caseExact default -> jobTitle",
		"nickName caseExact default",
		"organization default -> organizationName",
		"timezone caseExact default",
		"userName required caseExact default -> login accountName",
	}
	m := AccountMapping()
	var got []string
	for _, a := range m.Attributes[:len(want)] {
		got = append(got, described(a))
		if a.SyncDirection.In(true) != AppToIDHub || a.SyncDirection.In(false) != IDHubToApp || a.MultiValued || a.Description == "" {
			t.Errorf("%s: %+v", a.Name, a)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mapping (-want +got):\n%s", diff)
	}
	if m.ID != "urn:sath:params:scim:api:confluence:1.0:Account" || !slices.Contains(m.Aliases, "urn:sath:params:scim:schemas:core:1.0:Account") {
		t.Errorf("URNs %s %v", m.ID, m.Aliases)
	}
}

func TestEntitlementMappingIsTheConnectors(t *testing.T) {
	var got []string
	for _, a := range EntitlementMapping().Attributes[:4] {
		got = append(got, fmt.Sprintf("%s multiValued=%t", described(a), a.MultiValued))
	}
	want := []string{
		"description required always multiValued=false", "displayName required always reconKey multiValued=false",
		"type required always multiValued=false", "form required always multiValued=true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mapping (-want +got):\n%s", diff)
	}
}

func described(a MappedAttribute) string {
	words := []string{a.Name}
	if a.Required {
		words = append(words, "required")
	}
	if a.CaseExact {
		words = append(words, "caseExact")
	}
	words = append(words, a.Returned)
	if a.IDHubFieldName != "" {
		words = append(words, "-> "+a.IDHubFieldName)
	}
	if a.ReconKey {
		words = append(words, "reconKey")
	}
	if a.AccountName {
		words = append(words, "accountName")
	}
	return strings.Join(words, " ")
}

// TestParseMapping reads the fragment that IDHub's page prints, without sources
// and directions.
func TestParseMapping(t *testing.T) {
	m, err := ParseMapping("Account", []byte(`{"attributes": [
		{"name": "fullName", "description": "The full name.", "required": true, "multiValued": false, "returned": "always", "idhubFieldName": "displayName"},
		{"name": "userName", "required": true, "caseExact": true, "syncDirection": "bi-directional"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	usual := AccountMapping()
	if m.ID != usual.ID || m.Attributes[0].Source != "name.formatted" || m.Attributes[0].SyncDirection.In(true) != AppToIDHub ||
		m.Attributes[1].SyncDirection.In(true) != BiDirectional || !m.Attributes[0].Visible() {
		t.Errorf("%+v", m)
	}
}

func TestParseMappingProblems(t *testing.T) {
	tests := []struct {
		mapping string
		want    []string // one for each line
	}{
		{`[]`, []string{"not a JSON object"}},
		{`{"attribute": []}`, []string{"not a JSON object"}},
		{`{"id": "Account", "name": "User", "attributes": []}`, []string{"name is", `"Account" is no URN`, "attributes is empty"}},
		{`{"attributes": [{"name": "a b", "source": "title"}, {"name": "id", "source": "id"}, {"name": "x"},
			{"name": "email", "multiValued": true, "returned": "often", "syncDirection": "up", "reconKey": true},
			{"name": "Email", "source": "emails.value", "reconKey": true}]}`, []string{
			`attribute "a b"`, "attribute id: every resource has it", "attribute x: source is missing",
			"attribute email: returned", `attribute email: syncDirection is "up"`, `attribute email: syncDirection is "up"`, "attribute email: multiValued must be false",
			"attribute Email: is there twice", "2 attributes are marked reconKey",
		}},
		{`{"attributes": [{"name": "nick", "source": "nickName"}, {"name": "nickName"}]}`, []string{"attribute nickName: has the source of nick"}},
	}
	for _, tt := range tests {
		_, err := ParseMapping("Account", []byte(tt.mapping))
		if err == nil {
			t.Errorf("%s: no error", tt.mapping)
			continue
		}
		lines := strings.Split(err.Error(), "\n")
		if len(lines) != len(tt.want) {
			t.Errorf("%s:\n%s", tt.mapping, err)
			continue
		}
		for i, line := range lines {
			if !strings.HasPrefix(line, tt.want[i]) {
				t.Errorf("%s: line %d is %q, want %q…", tt.mapping, i+1, line, tt.want[i])
			}
		}
	}
}

// TestPublishedDirection holds that an attribute that does not flow to Atlassian is published as readOnly.
func TestPublishedDirection(t *testing.T) {
	m := AccountMapping()
	s := m.Schema(map[string]bool{}, map[string]string{"active": "boolean"})
	for trusted, want := range map[bool]string{false: "readWrite", true: "readOnly"} {
		raw, err := m.Published(s, trusted)
		if err != nil {
			t.Fatal(err)
		}
		var published Schema
		if err := json.Unmarshal(raw, &published); err != nil {
			t.Fatal(err)
		}
		for _, a := range published.Attributes {
			if a.Name == "title" && a.Mutability != want || a.Name == "active" && a.Mutability != "readWrite" {
				t.Errorf("trusted %t: %s is %s", trusted, a.Name, a.Mutability)
			}
		}
	}
}
