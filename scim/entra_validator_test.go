package scim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEntraValidator has the tests of Microsoft's SCIM Validator, in its order,
// with bodies like those that it makes from the schemas. What it asks for and
// Atlassian does not do, the rename of a group, must be refused.
func TestEntraValidator(t *testing.T) {
	v := &validator{p: newPlayer(t)}
	t.Run("User", v.users)
	t.Run("Group", v.groups)
	t.Run("every attribute of the schema comes back", v.roundTrip)
}

type validator struct{ p *player }

const patchOp = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[%s]}`

func (v *validator) users(t *testing.T) {
	const path = "/Users"
	create := func(t *testing.T, name string) string {
		doc := v.ask(t, 201, "POST", path, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],`+
			`"userName":"`+name+`@demo.example","active":true,"displayName":"XYZ","externalId":"`+name+`","name":{"formatted":"Q W","familyName":"W","givenName":"Q"},`+
			`"emails":[{"type":"work","value":"`+name+`@demo.example","primary":true}],"addresses":[{"type":"work","country":"Gibraltar","formatted":"nonsense"}],`+
			`"phoneNumbers":[{"type":"work","value":"38-770-4213"}],"locale":"LSXBPBEPWZCH","timezone":"America/Nowhere","roles":[{"primary":"True","display":"r","value":"r","type":"r"}]}`)
		return doc["id"].(string)
	}
	id := create(t, "validator")
	one := path + "/" + id

	t.Run("create: strings come back as they were sent", func(t *testing.T) {
		doc := v.ask(t, 200, "GET", one, "")
		wants(t, doc, map[string]any{"userName": "validator@demo.example", "active": true, "phoneNumbers[0].value": "38-770-4213", "timezone": "America/Nowhere"})
	})
	t.Run("create a duplicate", func(t *testing.T) {
		wants(t, v.ask(t, 409, "POST", path, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"Validator@demo.example","emails":[{"value":"validator@demo.example"}]}`), map[string]any{"scimType": "uniqueness"})
	})
	v.filters(t, path, "userName", "validator@demo.example", id)
	t.Run("patch: replace attributes", func(t *testing.T) {
		v.patch(t, one, `{"op":"Replace","path":"emails[type eq \"work\"].value","value":"other@demo.example"},{"op":"Replace","path":"phoneNumbers[type eq \"mobile\"].value","value":"12-345-6789"},`+
			`{"op":"Replace","path":"addresses[type eq \"work\"].country","value":"Gibraltar"},{"op":"Replace","path":"roles[primary eq \"True\"].value","value":"s"},`+
			`{"op":"Replace","value":{"displayName":"ABC","name.familyName":"V","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department":"D"}}`)
		doc := v.ask(t, 200, "GET", one, "")
		wants(t, doc, map[string]any{"emails[0].value": "other@demo.example", "phoneNumbers[1].value": "12-345-6789", "phoneNumbers[1].type": "mobile", "displayName": "ABC", "name.familyName": "V", "name.givenName": "Q"})
		if got := doc["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]; !cmp.Equal(got, map[string]any{"department": "D"}) {
			t.Errorf("enterprise extension is %v", got)
		}
	})
	t.Run("patch: userName", func(t *testing.T) {
		v.patch(t, one, `{"op":"Replace","value":{"userName":"renamed@demo.example"}}`)
		wants(t, v.ask(t, 200, "GET", one, ""), map[string]any{"userName": "renamed@demo.example", "id": id})
	})
	t.Run("patch: disable", func(t *testing.T) {
		v.patch(t, one, `{"op":"Replace","path":"active","value":"False"}`)
		wants(t, v.ask(t, 200, "GET", one, ""), map[string]any{"active": false})
	})
	t.Run("patch: add attributes", func(t *testing.T) {
		v.patch(t, one, `{"op":"Add","path":"title","value":"T"},{"op":"Add","path":"emails[type eq \"home\"].value","value":"home@demo.example"},{"op":"Add","path":"name.middleName","value":"M"}`)
		wants(t, v.ask(t, 200, "GET", one, ""), map[string]any{"title": "T", "emails[1].value": "home@demo.example", "emails[1].type": "home", "name.middleName": "M"})
	})
	for _, manager := range []struct{ name, operation string }{
		{"add manager", `{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":"` + id + `"}`},
		{"replace manager", `{"op":"Replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":{"value":"` + id + `"}}`},
		{"remove manager", `{"op":"Replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":""}`},
		{"remove manager by remove", `{"op":"Remove","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"}`},
	} {
		t.Run("patch: "+manager.name+", which is not stored", func(t *testing.T) {
			before := v.ask(t, 200, "GET", one, "")
			v.patch(t, one, manager.operation)
			if diff := cmp.Diff(before, v.ask(t, 200, "GET", one, "")); diff != "" {
				t.Errorf("the user changed (-before +after):\n%s", diff)
			}
		})
	}
	t.Run("patch: several operations on different attributes", func(t *testing.T) {
		v.patch(t, one, `{"op":"Remove","path":"title"},{"op":"Add","path":"nickName","value":"N"},{"op":"Replace","path":"displayName","value":"DEF"}`)
		wants(t, v.ask(t, 200, "GET", one, ""), map[string]any{"title": nil, "nickName": "N", "displayName": "DEF"})
	})
	t.Run("patch: several operations on one attribute", func(t *testing.T) {
		v.patch(t, one, `{"op":"Remove","path":"displayName"},{"op":"Add","path":"displayName","value":"GHI"},{"op":"Replace","path":"displayName","value":"JKL"}`)
		wants(t, v.ask(t, 200, "GET", one, ""), map[string]any{"displayName": "JKL"})
	})
	v.deletes(t, path, id)
}

func (v *validator) groups(t *testing.T) {
	const path = "/Groups"
	member := v.ask(t, 201, "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"member@demo.example","emails":[{"value":"member@demo.example"}]}`)["id"].(string)
	other := v.ask(t, 201, "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"other.member@demo.example","emails":[{"value":"other.member@demo.example"}]}`)["id"].(string)
	id := v.ask(t, 201, "POST", path, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"SQNXJMEKD","externalId":"g-1","members":[{"value":"`+other+`"}]}`)["id"].(string)
	one := path + "/" + id
	members := func(t *testing.T) []string {
		t.Helper()
		var ids []string
		list, _ := v.ask(t, 200, "GET", one, "")["members"].([]any)
		for _, m := range list {
			ids = append(ids, m.(map[string]any)["value"].(string))
		}
		return ids
	}

	t.Run("create a duplicate", func(t *testing.T) {
		wants(t, v.ask(t, 409, "POST", path, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"SQNXJMEKD"}`), map[string]any{"scimType": "uniqueness"})
	})
	v.filters(t, path, "displayName", "SQNXJMEKD", id)
	t.Run("get without members", func(t *testing.T) {
		wants(t, v.ask(t, 200, "GET", one+"?excludedAttributes=members", ""), map[string]any{"displayName": "SQNXJMEKD", "members": nil})
	})
	t.Run("filter without members", func(t *testing.T) {
		wants(t, v.ask(t, 200, "GET", path+"?excludedAttributes=members&filter=displayName+eq+%22SQNXJMEKD%22", ""), map[string]any{"Resources[0].id": id, "Resources[0].members": nil})
	})
	t.Run("patch: replace attributes without path, the same name", func(t *testing.T) {
		v.patch(t, one, `{"op":"Replace","value":{"displayName":"SQNXJMEKD","externalId":"g-2"}}`)
		wants(t, v.ask(t, 200, "GET", one, ""), map[string]any{"displayName": "SQNXJMEKD", "externalId": "g-2"})
	})
	t.Run("patch: update displayName is refused", func(t *testing.T) {
		wants(t, v.ask(t, 400, "PATCH", one, fmt.Sprintf(patchOp, `{"op":"Replace","path":"displayName","value":"OTHER"}`)), map[string]any{"scimType": "mutability"})
		wants(t, v.ask(t, 200, "GET", one, ""), map[string]any{"displayName": "SQNXJMEKD"})
	})
	t.Run("patch: add a member", func(t *testing.T) {
		v.patch(t, one, `{"op":"Add","path":"members","value":[{"$ref":null,"value":"`+member+`"}]}`)
		if got, want := members(t), []string{other, member}; !cmp.Equal(got, want) {
			t.Errorf("members %v, want %v", got, want)
		}
	})
	t.Run("patch: remove that member", func(t *testing.T) {
		v.patch(t, one, `{"op":"Remove","path":"members","value":[{"$ref":null,"value":"`+member+`"}]}`)
		if got, want := members(t), []string{other}; !cmp.Equal(got, want) {
			t.Errorf("members %v, want %v", got, want)
		}
	})
	v.deletes(t, path, id)
}

// filters asks for the one resource that has the value, in three ways.
func (v *validator) filters(t *testing.T, path, attribute, value, id string) {
	query := func(value string) string { return path + "?filter=" + attribute + "+eq+%22" + value + "%22" }
	t.Run("filter: existing", func(t *testing.T) {
		wants(t, v.ask(t, 200, "GET", query(value), ""), map[string]any{"totalResults": 1.0, "Resources[0].id": id})
	})
	t.Run("filter: different case", func(t *testing.T) {
		wants(t, v.ask(t, 200, "GET", query(strings.ToUpper(value)), ""), map[string]any{"totalResults": 1.0, "Resources[0].id": id})
		wants(t, v.ask(t, 200, "GET", query(strings.ToLower(value)), ""), map[string]any{"totalResults": 1.0, "Resources[0].id": id})
	})
	t.Run("filter: non-existing", func(t *testing.T) {
		doc := v.ask(t, 200, "GET", query("none-of-them"), "")
		wants(t, doc, map[string]any{"totalResults": 0.0, "schemas[0]": "urn:ietf:params:scim:api:messages:2.0:ListResponse"})
		if _, ok := doc["Resources"].([]any); !ok {
			t.Errorf("Resources is %v, want a list", doc["Resources"])
		}
	})
}

func (v *validator) deletes(t *testing.T, path, id string) {
	t.Run("delete", func(t *testing.T) {
		v.ask(t, 204, "DELETE", path+"/"+id, "")
		v.ask(t, 404, "GET", path+"/"+id, "")
	})
	t.Run("delete twice", func(t *testing.T) { v.ask(t, 404, "DELETE", path+"/"+id, "") })
	t.Run("delete what never was", func(t *testing.T) { v.ask(t, 404, "DELETE", path+"/0d0a2c2e-0000-4000-8000-00000000dead", "") })
}

// roundTrip writes a value of its type to every attribute that /Schemas lets a
// client write, and reads them back: the schemas promise nothing that is not kept.
func (v *validator) roundTrip(t *testing.T) {
	body := map[string]any{"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"}, "externalId": "round-trip"}
	for _, urn := range []string{"urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"} {
		into := body
		if strings.Contains(urn, "extension") {
			into = map[string]any{}
			body[urn] = into
		}
		attributes, _ := v.ask(t, 200, "GET", "/Schemas/"+urn, "")["attributes"].([]any)
		for _, a := range attributes {
			fillAttribute(into, a.(map[string]any))
		}
	}
	body["userName"] = "round.trip@demo.example"
	body["emails"].([]any)[0].(map[string]any)["value"] = "round.trip@demo.example"
	if len(body) < 12 {
		t.Fatalf("/Schemas lets write only %v", body)
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	id := v.ask(t, 201, "POST", "/Users", string(text))["id"].(string)
	got := v.ask(t, 200, "GET", "/Users/"+id, "")
	for name, want := range body {
		if name == "schemas" {
			continue
		}
		if diff := cmp.Diff(want, got[name]); diff != "" {
			t.Errorf("%s (-sent +kept):\n%s", name, diff)
		}
	}
}

// fillAttribute gives an attribute of a schema, if a client may write it, a
// value of its type that means nothing.
func fillAttribute(into, attribute map[string]any) {
	name := attribute["name"].(string)
	if attribute["mutability"] == "readOnly" || attribute["mutability"] == "writeOnly" {
		return
	}
	var value any = "nonsense of " + name
	canonical, _ := attribute["canonicalValues"].([]any)
	switch {
	case attribute["type"] == "boolean":
		value = true
	case attribute["type"] == "complex":
		parts := map[string]any{}
		subs, _ := attribute["subAttributes"].([]any)
		for _, sub := range subs {
			fillAttribute(parts, sub.(map[string]any))
		}
		value = parts
	case len(canonical) > 0:
		value = canonical[0]
	}
	if attribute["multiValued"] == true {
		value = []any{value}
	}
	into[name] = value
}

// patch sends the operations; both answers that Microsoft takes are right.
func (v *validator) patch(t *testing.T, path, operations string) {
	t.Helper()
	resp, body := v.send(t, "PATCH", path, fmt.Sprintf(patchOp, operations))
	if !slices.Contains([]int{200, 204}, resp.StatusCode) {
		t.Fatalf("PATCH %s: status %d, %s", path, resp.StatusCode, body)
	}
}

// ask makes a request and returns the answer, if the status is as wanted.
func (v *validator) ask(t *testing.T, want int, method, path, body string) map[string]any {
	t.Helper()
	resp, answer := v.send(t, method, path, body)
	if resp.StatusCode != want {
		t.Fatalf("%s %s: status %d, want %d: %s", method, path, resp.StatusCode, want, answer)
	}
	if media := resp.Header.Get("Content-Type"); len(answer) > 0 && media != "application/scim+json" {
		t.Errorf("%s %s: Content-Type %q", method, path, media)
	}
	return decodeAnswer(t, answer)
}

func (v *validator) send(t *testing.T, method, path, body string) (*http.Response, []byte) {
	t.Helper()
	return v.p.send(t, method, v.p.server.URL+"/scim/v2"+path, body, http.Header{
		"Authorization": {"Bearer all"}, "Content-Type": {"application/scim+json; charset=utf-8"},
	})
}

// wants fails unless the document has the values at the paths; nil means that
// there is none.
func wants(t *testing.T, doc map[string]any, values map[string]any) {
	t.Helper()
	for path, want := range values {
		if got := property(doc, path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
}
