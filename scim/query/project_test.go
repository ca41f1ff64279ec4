package query

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProject(t *testing.T) {
	doc := ObjectOf(decode(`{"schemas":["u"],"id":"1","externalId":"x","userName":"ann","password":"secret",
		"name":{"givenName":"Ann","familyName":"B"},
		"emails":[{"value":"a@b","type":"work"},{"type":"home"}],
		"history":{"last":"l","first":"f"},
		"meta":{"resourceType":"User","location":"/1"},
		"`+enterpriseURN+`":{"department":"R&D","manager":{"value":"2","displayName":"Bob"}},
		"`+atlassianURN+`":{"atlassianAccountId":"acc"}}`), userSchema)
	const identity = `{"schemas":["u"],"id":"1"`
	tests := []struct{ attributes, excluded, want string }{
		{"", "", `{"schemas":["u"],"id":"1","externalId":"x","meta":{"resourceType":"User","location":"/1"},"userName":"ann","name":{"familyName":"B","givenName":"Ann"},"emails":[{"value":"a@b","type":"work"},{"type":"home"}],"` + enterpriseURN + `":{"department":"R&D","manager":{"value":"2","displayName":"Bob"}},"` + atlassianURN + `":{"atlassianAccountId":"acc"}}`},
		{"userName", "", identity + `,"userName":"ann"}`},
		{"USERNAME, nosuch", "", identity + `,"userName":"ann"}`},
		{"nosuch", "", identity + `}`},
		{userURN + ":name.GIVENNAME", "", identity + `,"name":{"givenName":"Ann"}}`},
		{"name.givenName,name", "", identity + `,"name":{"familyName":"B","givenName":"Ann"}}`},
		{"emails.value", "", identity + `,"emails":[{"value":"a@b"}]}`},
		{"password", "", identity + `}`},
		{"history", "", identity + `,"history":{"last":"l","first":"f"}}`},
		{"history.last", "", identity + `,"history":{"last":"l"}}`},
		{strings.ToUpper(enterpriseURN), "", identity + `,"` + enterpriseURN + `":{"department":"R&D","manager":{"value":"2","displayName":"Bob"}}}`},
		{"department", "", identity + `,"` + enterpriseURN + `":{"department":"R&D"}}`},
		{enterpriseURN + ":manager.value", "", identity + `,"` + enterpriseURN + `":{"manager":{"value":"2"}}}`},
		{"", "name,emails,meta,externalId," + enterpriseURN, identity + `,"userName":"ann","` + atlassianURN + `":{"atlassianAccountId":"acc"}}`},
		{"", userURN, identity + `,"` + enterpriseURN + `":{"department":"R&D","manager":{"value":"2","displayName":"Bob"}},"` + atlassianURN + `":{"atlassianAccountId":"acc"}}`},
		{"", "id,schemas," + userURN + "," + enterpriseURN + "," + atlassianURN, identity + `}`},
		{"", "emails.value,emails.type,name.familyName,manager.displayName,meta,externalId,userName," + atlassianURN, identity + `,"name":{"givenName":"Ann"},"` + enterpriseURN + `":{"department":"R&D","manager":{"value":"2"}}}`},
		{userURN, "", identity + `,"externalId":"x","meta":{"resourceType":"User","location":"/1"},"userName":"ann","name":{"familyName":"B","givenName":"Ann"},"emails":[{"value":"a@b","type":"work"},{"type":"home"}]}`},
	}
	for _, tt := range tests {
		before := doc.Clone()
		p, err := userSchema.Project(names(tt.attributes), names(tt.excluded))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, string(p.Apply(doc).AppendJSON(nil))); diff != "" {
			t.Errorf("attributes=%s excludedAttributes=%s (-want +got):\n%s", tt.attributes, tt.excluded, diff)
		}
		if !Equal(before, doc) {
			t.Fatal("Apply changed the resource")
		}
	}
	if _, err := userSchema.Project([]string{"a"}, []string{"b"}); err == nil {
		t.Error("attributes and excludedAttributes together are accepted")
	}
}

func names(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

func TestWants(t *testing.T) {
	tests := []struct {
		schema               *Schema
		attributes, excluded string
		path                 string
		want                 bool
	}{
		{groupSchema, "", "", "members", true},
		{groupSchema, "", "", "members.display", true},
		{groupSchema, "", "", "nosuch", false},
		{groupSchema, "displayName", "", "members", false},
		{groupSchema, "displayName", "", "id", true},
		{groupSchema, "MEMBERS.value", "", "members", true},
		{groupSchema, "members.value", "", "members.display", false},
		{groupSchema, "members.value", "", "MEMBERS.VALUE", true},
		{groupSchema, "", "members", "members", false},
		{groupSchema, "", "members", "members.value", false},
		{groupSchema, "", "members.display", "members", true},
		{groupSchema, "", "members.display", "members.display", false},
		{groupSchema, "", "members.display", "members.value", true},
		{userSchema, "", "", "password", false}, // never returned
		{userSchema, "", "", "history", false},  // returned on request
		{userSchema, "", "", "department", true},
		{userSchema, "", enterpriseURN, enterpriseURN, false},
		{userSchema, "", enterpriseURN, "department", false},
		{userSchema, "", enterpriseURN, atlassianURN, true},
	}
	for _, tt := range tests {
		p, err := tt.schema.Project(names(tt.attributes), names(tt.excluded))
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Wants(tt.path); got != tt.want {
			t.Errorf("%s: attributes=%q excludedAttributes=%q: Wants(%s) = %t, want %t", tt.schema.ResourceType, tt.attributes, tt.excluded, tt.path, got, tt.want)
		}
	}
}

func TestZeroProjectionWants(t *testing.T) {
	const path = "anything"
	if got := (Projection{}).Wants(path); !got {
		t.Errorf("Projection{}.Wants(%q) = %t, want true: it shows everything", path, got)
	}
}
