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
		attributes, excluded string
		path                 string
		want                 bool
	}{
		{"", "", "members", true},
		{"", "", "members.display", true},
		{"", "", "nosuch", false},
		{"displayName", "", "members", false},
		{"displayName", "", "id", true},
		{"MEMBERS.value", "", "members", true},
		{"members.value", "", "members.display", false},
		{"members.value", "", "MEMBERS.VALUE", true},
		{"", "members", "members", false},
		{"", "members", "members.value", false},
		{"", "members.display", "members", true},
		{"", "members.display", "members.display", false},
		{"", "members.display", "members.value", true},
	}
	for _, tt := range tests {
		p, err := groupSchema.Project(names(tt.attributes), names(tt.excluded))
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Wants(tt.path); got != tt.want {
			t.Errorf("attributes=%q excludedAttributes=%q: Wants(%s) = %t, want %t", tt.attributes, tt.excluded, tt.path, got, tt.want)
		}
	}
	p, _ := userSchema.Project(nil, names(enterpriseURN))
	if p.Wants(enterpriseURN) || p.Wants("department") || !p.Wants(atlassianURN) {
		t.Error("Wants of an excluded extension")
	}
	if p, _ := userSchema.Project(nil, nil); p.Wants("password") || p.Wants("history") || !p.Wants("department") {
		t.Error("Wants without parameters disregards what is returned")
	}
	if !(Projection{}).Wants("anything") {
		t.Error("the zero Projection does not want everything")
	}
}
