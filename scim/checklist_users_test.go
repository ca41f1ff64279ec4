package scim_test

import (
	"fmt"
	"slices"
	"strings"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
)

var userRows = []row{
	{"U1", "POST is 201 with Location, the whole resource and what the server adds", func(f *facade) {
		a := f.want(201, "POST", "/Users", userBody("ann@demo.example", `"externalId":"e1"`))
		id, _ := a.at("id").(string)
		location := f.base + "/Users/" + id
		f.check(id != "" && a.header.Get("Location") == location && a.at("meta", "location") == location && a.at("meta", "resourceType") == "User" &&
			a.at("meta", "created") != nil && a.at("meta", "lastModified") != nil && a.at("userName") == "ann@demo.example" && a.at("externalId") == "e1" && a.at("active") == true, "%s", a.body)
		f.check(f.get(location).body == a.body, "read back: %s", f.get(location).body)
	}},
	{"U2", "a taken userName, in any case, is 409 uniqueness that says already exists", func(f *facade) {
		f.user("ann@demo.example")
		for _, name := range []string{"ann@demo.example", "ANN@demo.example"} {
			detail := f.want(409, "POST", "/Users", userBody(name)).refused(f.T, "uniqueness")
			f.check(strings.Contains(detail, "already exists"), "%s", detail)
		}
	}},
	{"U3", "without userName it is 400, a SCIM error, and so for strict callers without schemas", func(f *facade) {
		for body, scimType := range map[string]string{
			`{"schemas":["` + coreUser + `"],"emails":[{"value":"a@demo.example"}]}`:               "invalidValue",
			`{"schemas":["` + coreUser + `"],"userName":"","emails":[{"value":"a@demo.example"}]}`: "invalidValue",
			`{"schemas":["` + coreUser + `"],"userName":null}`:                                     "invalidValue",
			`{"schemas":"x","userName":5}`:                                                         "invalidValue",
		} {
			a := f.want(400, "POST", "/Users", body)
			a.refused(f.T, scimType)
			f.check(a.at("status") == "400" && a.at("schemas", 0) == "urn:ietf:params:scim:api:messages:2.0:Error" && len(a.calls) == 0, "%s: %s", body, a.body)
		}
		for name, schemas := range map[string]string{"a@demo.example": "", "b@demo.example": `"schemas":[],`, "c@demo.example": `"schemas":null,`} {
			body := `{` + schemas + `"userName":"` + name + `","emails":[{"value":"` + name + `"}]}`
			f.as("strict").want(400, "POST", "/Users", body).refused(f.T, "invalidSyntax")
			a := f.want(201, "POST", "/Users", body)
			f.check(a.at("schemas", 0) == coreUser, "%s: %s", body, a.body)
		}
	}},
	{"U4", "a client's id, meta and groups are passed over, nulls and empty lists are no values, unknown URNs do not matter", func(f *facade) {
		group := f.group("Crew")
		a := f.want(201, "POST", "/Users", `{"schemas":["`+coreUser+`","`+enterprise+`","urn:okta:custom:user:1.0","urn:ietf:params:scim:schemas:core:2.0User"],"id":"mine","meta":{"resourceType":"User","created":"2001-01-01T00:00:00Z"},
			"groups":[{"value":"`+group+`"}],"userName":"ann@demo.example","emails":[{"value":"ann@demo.example","type":null}],"title":null,"phoneNumbers":[],"roles":[],"addresses":null,"name":{"givenName":null,"familyName":"B"},"nickName":"","urn:okta:custom:user:1.0":{"x":1}}`)
		f.check(a.at("id") != "mine" && a.at("groups") == nil && a.at("title") == nil && a.at("phoneNumbers") == nil && a.at("nickName") == nil && a.at("name", "familyName") == "B" && a.at("name", "givenName") == nil, "%s", a.body)
		f.check(!strings.Contains(a.body, "null") && !strings.Contains(a.body, "okta"), "%s", a.body)
		f.check(len(memberSet(f.get("/Groups/"+group))) == 0, "the group got a member")
	}},
	{"U5", "words for booleans, an object for a list and SCIM 1.1's URN are taken, not from strict callers", func(f *facade) {
		body := func(name, schema, active, emails string) string {
			return `{"schemas":["` + schema + `"],"userName":"` + name + `","active":` + active + `,"emails":` + emails + `}`
		}
		list := func(name string) string { return `[{"value":"` + name + `"}]` }
		a := f.want(201, "POST", "/Users", body("a@demo.example", "urn:scim:schemas:core:1.0", `"False"`, `{"value":"a@demo.example"}`))
		f.check(a.at("active") == false && a.at("emails", 0, "value") == "a@demo.example" && a.at("emails", 0, "primary") == true, "%s", a.body)
		f.check(f.want(201, "POST", "/Users", body("b@demo.example", coreUser, `"true"`, `["b@demo.example"]`)).at("active") == true, "active")
		strict := f.as("strict")
		strict.want(400, "POST", "/Users", body("c@demo.example", "urn:scim:schemas:core:1.0", "true", list("c@demo.example"))).refused(f.T, "invalidSyntax")
		strict.want(400, "POST", "/Users", body("c@demo.example", coreUser, `"true"`, list("c@demo.example"))).refused(f.T, "invalidValue")
		strict.want(400, "POST", "/Users", body("c@demo.example", coreUser, "true", `{"value":"c@demo.example"}`)).refused(f.T, "invalidValue")
		strict.want(400, "POST", "/Users", userBody("c@demo.example", `"bogus":1`)).refused(f.T, "invalidSyntax")
		strict.want(201, "POST", "/Users", body("c@demo.example", coreUser, "true", list("c@demo.example")))
	}},
	{"U6", "a password is taken and never shown", func(f *facade) {
		a := f.want(201, "POST", "/Users", userBody("ann@demo.example", `"password":"hunter2"`))
		id := a.at("id").(string)
		for _, a := range []answer{a, f.get("/Users/" + id + "?attributes=password"), f.patch(200, "/Users/"+id, `[{"op":"replace","value":{"password":"hunter3"}}]`), f.get("/Users")} {
			f.check(!strings.Contains(a.body, "hunter") && !strings.Contains(a.body, "password"), "%s", a.body)
		}
		f.want(400, "GET", "/Users?filter=password+sw+%22h%22", "").refused(f.T, "invalidFilter")
		f.check(f.get("/ServiceProviderConfig").at("changePassword", "supported") == false, "changing passwords is announced")
	}},
	{"U7", "extensions are there with data only, and schemas lists exactly those", func(f *facade) {
		plain := f.get("/Users/" + f.user("plain@demo.example"))
		rich := f.get("/Users/" + f.user("rich@demo.example", `"`+enterprise+`":{"department":"Sales"}`))
		for _, a := range []answer{plain, rich} {
			urns, _ := a.at("schemas").([]any)
			f.check(urns[0] == coreUser, "%v", urns)
			for key := range a.doc {
				f.check(!strings.HasPrefix(key, "urn:") || slices.Contains(urns, any(key)), "%s is not in schemas", key)
			}
			for _, urn := range urns[1:] {
				o, _ := a.doc[urn.(string)].(map[string]any)
				f.check(len(o) > 0, "%v without data", urn)
			}
		}
		f.check(plain.at(enterprise) == nil && rich.at(enterprise, "department") == "Sales", "%s", plain.body)
	}},
	{"U8", "PUT replaces; readOnly is passed over, what is left out is cleared but for externalId and active; 400 without userName, 404 if there is none", func(f *facade) {
		id := f.user("ann@demo.example", `"title":"x"`, `"nickName":"n"`, `"externalId":"e1"`, `"active":false`)
		a := f.want(200, "PUT", "/Users/"+id, userBody("ann@demo.example", `"id":"other"`, `"meta":{"version":"x"}`, `"groups":[]`, `"title":"y"`))
		f.check(a.at("id") == id && a.at("title") == "y" && a.at("nickName") == nil && a.at("externalId") == "e1" && a.at("active") == false, "%s", a.body)
		a = f.as("strict").want(200, "PUT", "/Users/"+id, userBody("ann@demo.example"))
		f.check(a.at("title") == nil && a.at("externalId") == nil, "strict: %s", a.body)
		f.want(400, "PUT", "/Users/"+id, `{"schemas":["`+coreUser+`"],"emails":[{"value":"ann@demo.example"}]}`).refused(f.T, "invalidValue")
		f.want(404, "PUT", "/Users/nobody", userBody("new@demo.example")).refused(f.T, "")
		f.finds("/Users", `userName eq "new@demo.example"`)
	}},
	{"U9", "what changes nothing writes nothing and keeps lastModified", func(f *facade) {
		id := f.user("ann@demo.example", `"title":"x"`, `"name":{"givenName":"Ann"}`)
		before := f.get("/Users/" + id)
		for what, a := range map[string]answer{
			"PUT":                 f.want(200, "PUT", "/Users/"+id, before.body),
			"PATCH with a filter": f.patch(200, "/Users/"+id, `[{"op":"replace","path":"emails[type eq \"work\"].value","value":"ann@demo.example"}]`),
			"PATCH, two on one":   f.patch(200, "/Users/"+id, `[{"op":"replace","path":"title","value":"y"},{"op":"replace","path":"title","value":"x"}]`),
			"add again":           f.patch(200, "/Users/"+id, `[{"op":"add","path":"emails","value":[{"value":"ann@demo.example"}]}]`),
		} {
			f.check(a.asked("GET") == 1 && len(a.calls) == 1 && a.body == before.body, "%s: %v %s", what, a.calls, a.body)
		}
		plain := f.patch(200, "/Users/"+id, `[{"op":"replace","path":"title","value":"x"},{"op":"replace","path":"name","value":{"givenName":"Ann"}},{"op":"add","path":"active","value":true}]`)
		f.check(len(plain.calls) == 1 && plain.asked("PATCH") == 1, "plain: %v", plain.calls)
		group := f.group("Crew", id)
		was := f.get("/Groups/" + group)
		a := f.want(200, "PUT", "/Groups/"+group, was.body)
		f.check(len(a.calls) == 1 && a.asked("GET") == 1 && a.body == was.body, "PUT of a group: %v", a.calls)
	}},
	{"U10", "a user is disabled by five shapes", func(f *facade) {
		id := f.user("ann@demo.example")
		for what, disable := range map[string]func(){
			"PUT":             func() { f.want(200, "PUT", "/Users/"+id, userBody("ann@demo.example", `"active":false`)) },
			"path, boolean":   func() { f.patch(200, "/Users/"+id, `[{"op":"replace","path":"active","value":false}]`) },
			"path, word":      func() { f.patch(200, "/Users/"+id, `[{"op":"Replace","path":"active","value":"False"}]`) },
			"no path":         func() { f.patch(200, "/Users/"+id, `[{"op":"replace","value":{"active":false}}]`) },
			"no path and add": func() { f.patch(200, "/Users/"+id, `[{"op":"add","value":{"active":false}}]`) },
		} {
			disable()
			f.check(f.get("/Users/"+id).at("active") == false, "%s", what)
			f.patch(200, "/Users/"+id, `[{"op":"replace","path":"active","value":"True"}]`)
			f.check(f.get("/Users/"+id).at("active") == true, "enable after %s", what)
		}
	}},
	{"U11", "disabled users are still there", func(f *facade) {
		id := f.user("ann@demo.example", `"active":false`)
		f.check(f.get("/Users/"+id).at("active") == false, "GET")
		f.finds("/Users", `userName eq "ann@demo.example"`, "ann@demo.example")
		f.finds("/Users", `active eq false and userName sw "ann"`, "ann@demo.example")
		f.check(f.get("/Users?count=0").at("totalResults") == 13.0, "list")
	}},
	{"U12", "an enabled user has its id and its groups", func(f *facade) {
		id := f.user("ann@demo.example")
		group := f.group("Crew", id)
		f.patch(200, "/Users/"+id, `[{"op":"replace","path":"active","value":false}]`)
		a := f.patch(200, "/Users/"+id, `[{"op":"replace","path":"active","value":true}]`)
		f.check(a.at("id") == id && a.at("groups", 0, "value") == group, "%s", a.body)
		f.check(slices.Equal(memberSet(f.get("/Groups/"+group)), []string{id}), "members")
	}},
	{"U13", "DELETE is 204 without body; then there is nothing", func(f *facade) {
		id := f.user("ann@demo.example")
		group := f.group("Crew", id)
		a := f.want(204, "DELETE", "/Users/"+id, "")
		f.check(a.body == "" && a.header.Get("Content-Type") == "", "%v", a.header)
		f.want(404, "GET", "/Users/"+id, "").refused(f.T, "")
		f.want(404, "PUT", "/Users/"+id, userBody("ann@demo.example")).refused(f.T, "")
		f.patch(404, "/Users/"+id, `[{"op":"replace","path":"active","value":true}]`).refused(f.T, "")
		f.want(404, "DELETE", "/Users/"+id, "").refused(f.T, "")
		f.finds("/Users", `userName eq "ann@demo.example"`)
		f.finds("/Users", `id eq "`+id+`"`)
		f.check(len(memberSet(f.get("/Groups/"+group))) == 0, "still a member")
	}},
	{"U14", "DELETE of what is not there is 404", func(f *facade) {
		for _, path := range []string{"/Users/nobody", "/Groups/nobody", "/Issues/999999"} {
			f.want(404, "DELETE", path, "").refused(f.T, "")
		}
	}},
	{"U15", "a deleted user can be made again", func(f *facade) {
		old := f.user("ann@demo.example")
		f.want(204, "DELETE", "/Users/"+old, "")
		again := f.user("ann@demo.example")
		f.check(f.get("/Users/"+again).at("userName") == "ann@demo.example", "again")
		f.finds("/Users", `userName eq "ann@demo.example"`, "ann@demo.example")
	}},
	{"U16", "userName changes by PUT and PATCH; a taken one is 409", func(f *facade) {
		f.user("taken@demo.example")
		id := f.user("ann@demo.example")
		f.check(f.want(200, "PUT", "/Users/"+id, userBody("anna@demo.example")).at("userName") == "anna@demo.example", "PUT")
		f.check(f.patch(200, "/Users/"+id, `[{"op":"Replace","value":{"userName":"annb@demo.example"}}]`).at("userName") == "annb@demo.example", "PATCH")
		f.want(409, "PUT", "/Users/"+id, userBody("taken@demo.example")).refused(f.T, "uniqueness")
		f.patch(409, "/Users/"+id, `[{"op":"replace","path":"userName","value":"taken@demo.example"}]`).refused(f.T, "uniqueness")
		f.check(f.get("/Users/"+id).at("userName") == "annb@demo.example", "after 409")
	}},
}

// ann creates the user that rows about PATCH work on.
func (f *facade) ann() string {
	f.Helper()
	return "/Users/" + f.user("ann@demo.example", `"title":"Dr"`, `"name":{"givenName":"Ann","familyName":"Berg"}`, `"`+enterprise+`":{"department":"Sales","organization":"X"}`)
}

var patchRows = []row{
	{"P1", "op in any case; another, or none, is 400 invalidSyntax; without Operations nothing happens", func(f *facade) {
		path := f.ann()
		for _, op := range []string{"replace", "Replace", "REPLACE", "Add", "aDD"} {
			f.check(f.patch(200, path, `[{"op":"`+op+`","path":"title","value":"`+op+`"}]`).at("title") == op, "%s", op)
		}
		for _, bad := range []string{`[{"op":"move","path":"title","value":"x"}]`, `[{"path":"title","value":"x"}]`, `[{"op":7,"path":"title","value":"x"}]`, `["x"]`, `[]`, `{}`, `[{"op":"replace","path":7,"value":"x"}]`} {
			f.patch(400, path, bad).refused(f.T, "invalidSyntax")
		}
		before := f.get(path)
		for _, body := range []string{`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}`, `{}`} {
			a := f.want(200, "PATCH", path, body)
			f.check(a.body == before.body && a.asked("PATCH") == 0, "%s: %s", body, a.body)
			f.as("strict").want(400, "PATCH", path, body).refused(f.T, "invalidSyntax")
		}
		f.check(f.want(200, "PATCH", path, `{"operations":[{"OP":"replace","PATH":"title","VALUE":"last"}]}`).at("title") == "last", "names in another case, no schemas")
	}},
	{"P2", "paths dotted, with URN, with filter, in any case", func(f *facade) {
		path := f.ann()
		for _, step := range []struct {
			path, value string
			at          []any
		}{
			{"name.givenName", "A1", []any{"name", "givenName"}}, {"NAME.GIVENNAME", "A2", []any{"name", "givenName"}}, {"Title", "T1", []any{"title"}},
			{coreUser + ":title", "T2", []any{"title"}}, {coreUser + ":name.familyName", "F1", []any{"name", "familyName"}},
			{enterprise + ":department", "D1", []any{enterprise, "department"}}, {strings.ToUpper(enterprise) + ":Department", "D2", []any{enterprise, "department"}},
			{`emails[type eq \"work\"].value`, "w@demo.example", []any{"emails", 0, "value"}}, {`EMAILS[TYPE EQ \"Work\"].VALUE`, "v@demo.example", []any{"emails", 0, "value"}},
			{`emails[type eq \"work\" and primary eq true].value`, "u@demo.example", []any{"emails", 0, "value"}},
		} {
			a := f.patch(200, path, `[{"op":"replace","path":"`+step.path+`","value":"`+step.value+`"}]`)
			f.check(a.at(step.at...) == step.value && f.get(path).body == a.body, "%s: %s", step.path, a.body)
		}
		f.check(f.get(path).at("name", "givenName") == "A2" && f.get(path).at(enterprise, "organization") == "X", "what was not named changed")
		for _, bad := range []string{"bogus", "name.bogus", "emails[bogus eq 1]", "emails[type eq", "title[value eq 1]", enterprise + ":bogus", `emails[type eq \"work\"].bogus`} {
			f.patch(400, path, `[{"op":"replace","path":"`+bad+`","value":"x"}]`).refused(f.T, "invalidPath")
		}
	}},
	{"P3", "without path, keys are plain, dotted, with URN, filtered, or objects by URN", func(f *facade) {
		path := f.ann()
		a := f.patch(200, path, `[{"op":"replace","value":{"title":"T","name.givenName":"G","`+enterprise+`:department":"D","emails[type eq \"work\"].value":"w@demo.example","ACTIVE":"False"}}]`)
		f.check(a.at("title") == "T" && a.at("name", "givenName") == "G" && a.at("name", "familyName") == "Berg" && a.at(enterprise, "department") == "D" &&
			a.at(enterprise, "organization") == "X" && a.at("emails", 0, "value") == "w@demo.example" && a.at("active") == false, "%s", a.body)
		a = f.patch(200, path, `[{"op":"add","value":{"`+enterprise+`":{"department":"D2"},"`+coreUser+`:title":"T2","name":{"familyName":"F2"}}}]`)
		f.check(a.at(enterprise, "department") == "D2" && a.at(enterprise, "organization") == "X" && a.at("title") == "T2" && a.at("name", "familyName") == "F2" && a.at("name", "givenName") == "G", "%s", a.body)
		a = f.patch(200, path, `[{"op":"replace","path":"`+enterprise+`","value":{"department":"D3"}},{"op":"replace","value":[{"title":"T3"}]}]`)
		f.check(a.at(enterprise, "department") == "D3" && a.at("title") == "T3", "%s", a.body)
		f.patch(400, path, `[{"op":"replace","value":{"bogus":"x","title":"no"}}]`).refused(f.T, "invalidPath")
		f.check(f.get(path).at("title") == "T3", "half a PATCH was done")
	}},
	{"P4", "an element that a filter of equalities does not find is made", func(f *facade) {
		path := f.ann()
		f.patch(200, path, `[{"op":"Add","path":"phoneNumbers[type eq \"mobile\"].value","value":"1"}]`)
		f.patch(200, path, `[{"op":"Replace","path":"phoneNumbers[type eq \"work\"].value","value":"2"}]`)
		f.patch(200, path, `[{"op":"replace","path":"phoneNumbers[type eq \"fax\" and primary eq true]","value":{"value":"3"}}]`)
		a := f.patch(200, path, `[{"op":"add","path":"emails[type eq \"home\"].value","value":"h@demo.example"}]`)
		got := map[string]string{}
		for _, e := range a.at("phoneNumbers").([]any) {
			phone := e.(map[string]any)
			got[phone["type"].(string)] = fmt.Sprint(phone["value"], phone["primary"])
		}
		f.check(fmt.Sprint(got) == "map[fax:3true mobile:1false work:2false]" && strings.Contains(a.body, `"h@demo.example"`), "%v %s", got, a.body)
		f.patch(400, path, `[{"op":"replace","path":"phoneNumbers[type ne \"work\" and value sw \"9\"].value","value":"4"}]`).refused(f.T, "noTarget")
		f.patch(400, path, `[{"op":"replace","path":"phoneNumbers[type eq \"fax\"]","value":[{"value":"5"},{"value":"6"}]}]`).refused(f.T, "invalidValue")
	}},
	{"P5", "a strict caller gets noTarget instead", func(f *facade) {
		path := f.ann()
		for _, op := range []string{"add", "replace"} {
			a := f.as("strict").patch(400, path, `[{"op":"`+op+`","path":"phoneNumbers[type eq \"mobile\"].value","value":"1"}]`)
			a.refused(f.T, "noTarget")
			f.check(a.asked("PATCH") == 0, "%v", a.calls)
		}
	}},
	{"P6", "a manager, which Atlassian does not keep, is taken in every form and passed over", func(f *facade) {
		path := f.ann()
		before := f.get(path).body
		for _, op := range []string{
			`{"op":"add","path":"manager","value":"m1"}`, `{"op":"Add","path":"` + enterprise + `:manager","value":{"value":"m1"}}`, `{"op":"Replace","path":"` + enterprise + `:manager","value":[{"$ref":"../Users/m1","value":"m1"}]}`,
			`{"op":"replace","path":"manager","value":""}`, `{"op":"replace","path":"manager","value":null}`, `{"op":"remove","path":"` + enterprise + `:manager"}`, `{"op":"replace","value":{"` + enterprise + `":{"manager":{"value":"m1"}}}}`,
			`{"op":"replace","value":{"` + enterprise + `:manager":"m1","addresses":[{"type":"work"}]}}`, `{"op":"replace","path":"roles[primary eq \"True\"].value","value":"r"}`, `{"op":"add","path":"addresses[type eq \"work\"].streetAddress","value":"s"}`,
		} {
			f.check(f.patch(200, path, `[`+op+`]`).body == before, "%s", op)
			f.as("strict").patch(400, path, `[`+op+`]`)
		}
		f.check(f.patch(200, path, `[{"op":"add","path":"manager","value":"m1"},{"op":"replace","path":"title","value":"T"}]`).at("title") == "T", "what stood beside it was not done")
	}},
	{"P7", "null and empty text clear, parts given leave the others", func(f *facade) {
		path := f.ann()
		for _, value := range []string{"null", `""`} {
			f.patch(200, path, `[{"op":"replace","value":{"title":"T","nickName":"N"}}]`)
			a := f.patch(200, path, `[{"op":"replace","path":"title","value":`+value+`},{"op":"replace","value":{"nickName":`+value+`}}]`)
			f.check(a.at("title") == nil && a.at("nickName") == nil, "%s: %s", value, a.body)
		}
		a := f.patch(200, path, `[{"op":"replace","path":"name","value":{"givenName":"G"}}]`)
		f.check(a.at("name", "givenName") == "G" && a.at("name", "familyName") == "Berg", "%s", a.body)
		a = f.patch(200, path, `[{"op":"replace","path":"name","value":{"familyName":null,"givenName":"H"}}]`)
		f.check(a.at("name", "givenName") == "H" && a.at("name", "familyName") == nil, "%s", a.body)
		a = f.patch(200, path, `[{"op":"replace","path":"active","value":""},{"op":"replace","path":"phoneNumbers","value":[]},{"op":"remove","path":"name"}]`)
		f.check(a.at("name") == nil && a.at("phoneNumbers") == nil, "%s", a.body)
	}},
	{"P8", "remove needs a path; what is required or readOnly is not removed", func(f *facade) {
		path := f.ann()
		f.patch(400, path, `[{"op":"remove"}]`).refused(f.T, "noTarget")
		f.patch(400, path, `[{"op":"remove","value":{"title":"x"}}]`).refused(f.T, "noTarget")
		for _, attribute := range []string{"userName", "emails", "id", "meta", "groups", "meta.created", "schemas"} {
			f.patch(400, path, `[{"op":"remove","path":"`+attribute+`"}]`).refused(f.T, "mutability")
		}
		f.patch(400, path, `[{"op":"replace","path":"userName","value":null}]`).refused(f.T, "mutability")
		f.patch(200, path, `[{"op":"remove","path":"title"}]`)
		f.patch(200, path, `[{"op":"remove","path":"title"}]`)
		f.patch(200, path, `[{"op":"add","path":"emails","value":[{"value":"h@demo.example","type":"home"},{"value":"o@demo.example","type":"other"}]}]`)
		a := f.patch(200, path, `[{"op":"remove","path":"emails","value":[{"value":"h@demo.example"}]}]`)
		list, _ := a.at("emails").([]any)
		f.check(len(list) == 2 && !strings.Contains(a.body, `"h@demo.example"`), "%s", a.body)
	}},
	{"P9", "externalId is a path", func(f *facade) {
		path := f.ann()
		f.check(f.patch(200, path, `[{"op":"add","path":"externalId","value":"e1"}]`).at("externalId") == "e1", "add")
		f.check(f.patch(200, path, `[{"op":"replace","path":"externalId","value":"e2"}]`).at("externalId") == "e2", "replace")
		f.check(f.patch(200, path, `[{"op":"remove","path":"externalId"}]`).at("externalId") == nil, "remove")
		group := "/Groups/" + f.group("Crew")
		a := f.patch(200, group, `[{"op":"replace","path":"externalId","value":"g1"}]`)
		f.check(a.at("externalId") == "g1" && len(a.calls) == 1, "group: %v %s", a.calls, a.body)
	}},
	{"P10", "all operations or none", func(f *facade) {
		path := f.ann()
		before := f.get(path)
		for _, last := range []string{`{"op":"replace","path":"bogus","value":1}`, `{"op":"replace","path":"active","value":"maybe"}`, `{"op":"remove","path":"userName"}`, `{"op":"replace","path":"id","value":"x"}`, `{"op":"replace","path":"emails[type ne \"x\" and value eq \"no\"].value","value":"x"}`} {
			a := f.patch(400, path, `[{"op":"replace","path":"title","value":"T"},{"op":"add","path":"phoneNumbers","value":[{"value":"1"}]},`+last+`]`)
			f.check(a.asked("PATCH") == 0 && f.get(path).body == before.body, "%s: %v", last, a.calls)
		}
		group := "/Groups/" + f.group("Crew", strings.TrimPrefix(path, "/Users/"))
		was := f.get(group)
		f.patch(400, group, `[{"op":"remove","path":"members"},{"op":"add","path":"members","value":[{"value":"nobody"}]}]`).refused(f.T, "invalidValue")
		f.check(f.get(group).body == was.body, "half a PATCH of a group was done: %s", f.get(group).body)
	}},
	{"P11", "a new primary takes the place of the old one; of two the last counts", func(f *facade) {
		path := f.ann()
		a := f.patch(200, path, `[{"op":"add","path":"emails","value":[{"value":"h@demo.example","type":"home","primary":true}]}]`)
		f.check(primary(a) == "h@demo.example", "%s", a.body)
		a = f.patch(200, path, `[{"op":"replace","path":"emails[type eq \"work\"].primary","value":"True"}]`)
		f.check(primary(a) == "ann@demo.example", "%s", a.body)
		a = f.want(200, "PUT", path, `{"schemas":["`+coreUser+`"],"userName":"ann@demo.example","emails":[{"value":"1@demo.example","primary":true},{"value":"2@demo.example","primary":true}]}`)
		f.check(primary(a) == "2@demo.example", "%s", a.body)
		f.as("strict").patch(400, path, `[{"op":"add","path":"emails","value":[{"value":"3@demo.example","primary":true},{"value":"4@demo.example","primary":true}]}]`).refused(f.T, "invalidValue")
	}},
	{"P12", "PATCH is answered with the resource, a large group with 204", func(f *facade) {
		a := f.patch(200, f.ann(), `[{"op":"replace","path":"title","value":"x"}]`)
		f.check(a.at("userName") == "ann@demo.example" && a.at("meta", "lastModified") != nil, "%s", a.body)
		id := f.first("/Users", "id")
		a = f.patch(200, "/Groups/"+f.group("Crew"), `[{"op":"add","path":"members","value":[{"value":"`+id+`"}]}]`)
		f.check(a.at("members", 0, "value") == id, "%s", a.body)
		large := largeGroup(f)
		a = large.patch(204, "/Groups/"+large.first("/Groups", "id"), `[{"op":"add","path":"members","value":[{"value":"`+large.user("new@demo.example")+`"}]}]`)
		f.check(a.body == "", "%s", a.body)
	}},
	{"P13", "readOnly by path is mutability, in a value without path passed over", func(f *facade) {
		path := f.ann()
		for _, op := range []string{`{"op":"replace","path":"id","value":"x"}`, `{"op":"add","path":"groups","value":[{"value":"g"}]}`, `{"op":"replace","path":"meta.lastModified","value":"2001-01-01T00:00:00Z"}`, `{"op":"remove","path":"groups[value eq \"g\"]"}`, `{"op":"replace","path":"urn:scim:schemas:extension:atlassian-external:1.0:atlassianAccountId","value":"x"}`} {
			f.patch(400, path, `[`+op+`]`).refused(f.T, "mutability")
		}
		a := f.patch(200, path, `[{"op":"replace","value":{"id":"x","meta":{"version":"v"},"groups":[{"value":"g"}],"schemas":["x"],"title":"T"}}]`)
		f.check("/Users/"+a.at("id").(string) == path && a.at("title") == "T" && a.at("groups") == nil, "%s", a.body)
	}},
	{"P14", "PUT of a group without members keeps or clears them, as the caller is set; an empty list clears", func(f *facade) {
		id := f.first("/Users", "id")
		without := `{"schemas":["` + coreGroup + `"],"displayName":"Crew"}`
		group := "/Groups/" + f.group("Crew", id)
		f.check(slices.Equal(memberSet(f.want(200, "PUT", group, without)), []string{id}), "kept")
		f.check(len(memberSet(f.as("clears").want(200, "PUT", group, without))) == 0, "cleared")
		f.want(200, "PUT", group, groupBody("Crew", id))
		f.check(len(memberSet(f.as("strict").want(200, "PUT", group, without))) == 0, "strict clears")
		for _, empty := range []string{"[]", "null"} {
			f.want(200, "PUT", group, groupBody("Crew", id))
			got := memberSet(f.want(200, "PUT", group, `{"schemas":["`+coreGroup+`"],"displayName":"Crew","members":`+empty+`}`))
			f.check(len(got) == 0 == (empty == "[]"), "%s leaves %v", empty, got)
		}
	}},
}

func primary(a answer) string {
	list, _ := a.at("emails").([]any)
	var all []string
	for _, e := range list {
		if email := e.(map[string]any); email["primary"] == true {
			all = append(all, email["value"].(string))
		}
	}
	return strings.Join(all, " and ")
}

// largeGroup is a site with one group of more members than are shown after a
// PATCH.
func largeGroup(f *facade) *facade {
	large := newFacade(f.T, emulator.Options{Users: 1100, Seed: 1}, scim.Config{})
	var members []string
	for start := 1; start <= 1100; start += 100 {
		list, _ := large.get(fmt.Sprintf("/Users?startIndex=%d&count=100&attributes=id", start)).at("Resources").([]any)
		for _, e := range list {
			members = append(members, e.(map[string]any)["id"].(string))
		}
	}
	large.want(201, "POST", "/Groups", groupBody("Everybody", members...))
	return large
}
