package directory

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian/emulator/tenant/tenanttest"
)

// patchedUser is what the cases of TestPatchUser start from.
const patchedUser = `{"userName":"a","displayName":"A","title":"T","name":{"givenName":"G","familyName":"F"},
	"emails":[{"value":"a@demo.example","type":"work","primary":true},{"value":"h@demo.example","type":"home","primary":false}],
	"` + urnEnterprise + `":{"department":"D","organization":"O"},"active":true}`

func TestPatchUser(t *testing.T) {
	tests := []struct {
		name       string
		operations string
		want       string // what differs afterwards, as JSON; null: gone
	}{
		{"replace", `{"op":"replace","path":"displayName","value":"B"}`, `{"displayName":"B"}`},
		{"any case", `{"op":"REPLACE","path":"DisplayName","value":"B"}`, `{"displayName":"B"}`},
		{"add", `{"op":"add","path":"nickName","value":"N"}`, `{"nickName":"N"}`},
		{"remove", `{"op":"remove","path":"title"}`, `{"title":null}`},
		{"remove what is not there", `{"op":"remove","path":"nickName"}`, `{}`},
		{"null removes", `{"op":"replace","path":"title","value":null}`, `{"title":null}`},
		{"urn", `{"op":"replace","path":"` + urnUser + `:title","value":"U"}`, `{"title":"U"}`},
		{"active as text", `{"op":"Replace","path":"active","value":"False"}`, `{"active":false}`},
		{"sub-attribute", `{"op":"replace","path":"name.givenName","value":"H"}`, `{"name":{"givenName":"H","familyName":"F"}}`},
		{"complex merges", `{"op":"replace","path":"name","value":{"middleName":"M","FAMILYNAME":"E"}}`,
			`{"name":{"givenName":"G","middleName":"M","familyName":"E"}}`},
		{"complex goes", `{"op":"remove","path":"name"}`, `{"name":null}`},
		{"extension attribute", `{"op":"add","path":"` + urnEnterprise + `:department","value":"E"}`,
			`{"` + urnEnterprise + `":{"department":"E","organization":"O"}}`},
		{"extension", `{"op":"replace","path":"` + urnEnterprise + `","value":{"Department":"E"}}`,
			`{"` + urnEnterprise + `":{"department":"E","organization":"O"}}`},
		{"extension goes", `{"op":"remove","path":"` + urnEnterprise + `"}`, `{"` + urnEnterprise + `":null}`},
		{"value filter", `{"op":"replace","path":"emails[type eq \"work\"].value","value":"n@demo.example"}`,
			`{"emails":[{"value":"n@demo.example","type":"work","primary":true},{"value":"h@demo.example","type":"home","primary":false}]}`},
		{"value filter with and", `{"op":"remove","path":"emails[Type eq \"HOME\" and primary eq false]"}`,
			`{"emails":[{"value":"a@demo.example","type":"work","primary":true}]}`},
		{"primary moves", `{"op":"replace","path":"emails[type eq \"home\"].primary","value":true}`,
			`{"emails":[{"value":"a@demo.example","type":"work","primary":false},{"value":"h@demo.example","type":"home","primary":true}]}`},
		{"added primary", `{"op":"add","path":"emails","value":[{"value":"n@demo.example","type":"other","primary":true}]}`,
			`{"emails":[{"value":"a@demo.example","type":"work","primary":false},{"value":"h@demo.example","type":"home","primary":false},
			{"value":"n@demo.example","type":"other","primary":true}]}`},
		{"added twice", `{"op":"add","path":"emails","value":{"value":"h@demo.example","type":"home","primary":false}}`, `{}`},
		{"replaced list", `{"op":"replace","path":"emails","value":[{"value":"n@demo.example","primary":true}]}`,
			`{"emails":[{"value":"n@demo.example","primary":true}]}`},
		{"first phone", `{"op":"add","path":"phoneNumbers","value":[{"value":"1","type":"work"}]}`,
			`{"phoneNumbers":[{"value":"1","type":"work","primary":false}]}`},
		{"no path", `{"op":"replace","value":{"title":"U","name":{"givenName":"H"},"id":"x","meta":{},"unknown":1}}`,
			`{"title":"U","name":{"givenName":"H","familyName":"F"}}`},
		{"no path, keys are paths", `{"op":"add","value":{"name.givenName":"H","` + urnEnterprise + `:department":"E",
			"emails[type eq \"home\"].value":"i@demo.example"}}`,
			`{"name":{"givenName":"H","familyName":"F"},"` + urnEnterprise + `":{"department":"E","organization":"O"},
			"emails":[{"value":"a@demo.example","type":"work","primary":true},{"value":"i@demo.example","type":"home","primary":false}]}`},
		{"no path, extension", `{"op":"replace","value":{"` + urnEnterprise + `":{"department":"E"}}}`,
			`{"` + urnEnterprise + `":{"department":"E","organization":"O"}}`},
		{"in sequence", `{"op":"replace","path":"title","value":"U"},{"op":"remove","path":"title"},{"op":"add","path":"title","value":"V"}`,
			`{"title":"V"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t, setup{})
			want := s.Create("/Users", patchedUser)
			var differs map[string]any
			if err := json.Unmarshal([]byte(test.want), &differs); err != nil {
				t.Fatal(err)
			}
			for name, value := range differs {
				if want[name] = value; value == nil {
					delete(want, name)
				}
			}
			got := s.SCIM(200, "PATCH", "/Users/"+want["id"].(string), `{"Operations":[`+test.operations+`]}`).JSON(t)
			if moved := tenanttest.At(got, "meta|lastModified") != tenanttest.At(want, "meta|lastModified"); moved != (len(differs) > 0) {
				t.Errorf("lastModified moved: %v", moved)
			}
			delete(got, "meta")
			delete(want, "meta")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("user (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPatchUserRefusals(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"no match", `{"Operations":[{"op":"replace","path":"emails[type eq \"other\"].value","value":"x@demo.example"}]}`, "noTarget"},
		{"no element", `{"Operations":[{"op":"add","path":"phoneNumbers[type eq \"work\"].value","value":"1"}]}`, "noTarget"},
		{"unknown attribute", `{"Operations":[{"op":"add","path":"addresses","value":[]}]}`, "invalidPath"},
		{"unknown sub-attribute", `{"Operations":[{"op":"add","path":"name.nick","value":"x"}]}`, "invalidPath"},
		{"unknown urn", `{"Operations":[{"op":"add","path":"urn:x:title","value":"x"}]}`, "invalidPath"},
		{"open bracket", `{"Operations":[{"op":"remove","path":"emails[type eq \"work\""}]}`, "invalidPath"},
		{"empty filter", `{"Operations":[{"op":"remove","path":"emails[]"}]}`, "invalidPath"},
		{"filter on one value", `{"Operations":[{"op":"remove","path":"name[givenName eq \"G\"]"}]}`, "invalidPath"},
		{"other operator", `{"Operations":[{"op":"remove","path":"emails[type sw \"w\"]"}]}`, "invalidFilter"},
		{"broken literal", `{"Operations":[{"op":"remove","path":"emails[type eq work]"}]}`, "invalidFilter"},
		{"or", `{"Operations":[{"op":"remove","path":"emails[type eq \"work\" or type eq \"home\"]"}]}`, "invalidFilter"},
		{"read-only", `{"Operations":[{"op":"replace","path":"groups","value":[]}]}`, "mutability"},
		{"wrong type", `{"Operations":[{"op":"replace","path":"title","value":5}]}`, "invalidValue"},
		{"list wanted", `{"Operations":[{"op":"replace","path":"emails","value":"x@demo.example"}]}`, "invalidValue"},
		{"object wanted", `{"Operations":[{"op":"replace","path":"name","value":"x"}]}`, "invalidValue"},
		{"no value", `{"Operations":[{"op":"replace","path":"title"}]}`, "invalidValue"},
		{"no path, no object", `{"Operations":[{"op":"replace","value":"x"}]}`, "invalidValue"},
		{"required", `{"Operations":[{"op":"remove","path":"emails"}]}`, "invalidValue"},
		{"primary lost", `{"Operations":[{"op":"remove","path":"emails[primary eq true]"}]}`, "invalidValue"},
		{"no operations", `{"Operations":[]}`, "invalidSyntax"},
		{"no list", `{"schemas":[]}`, "invalidSyntax"},
		{"broken", `{"Operations":[`, "invalidSyntax"},
	}
	s := newSite(t, setup{})
	before := s.Create("/Users", patchedUser)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s.T = t
			body := strings.Replace(test.body, `[{"op"`, `[{"op":"replace","path":"displayName","value":"half"},{"op"`, 1)
			if got := s.SCIM(400, "PATCH", "/Users/"+before["id"].(string), body).JSON(t)["scimType"]; got != test.want {
				t.Errorf("got scimType %v, want %s", got, test.want)
			}
			after := s.SCIM(200, "GET", "/Users/"+before["id"].(string), "").JSON(t)
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("the refused PATCH left traces:\n%s", diff)
			}
		})
	}
	s.T = t
	s.SCIM(404, "PATCH", "/Users/none", `{"Operations":[{"op":"remove","path":"title"}]}`)
}
