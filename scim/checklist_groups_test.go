package scim_test

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"scim-atlassian/atlassian/emulator"
)

var groupRows = []row{
	{"G1", "members are added by list, object or bare id; those there already change nothing", func(f *facade) {
		a, b, c := f.user("a@demo.example"), f.user("b@demo.example"), f.user("c@demo.example")
		group := "/Groups/" + f.group("Crew")
		for _, value := range []string{`[{"value":"` + a + `"}]`, `{"value":"` + b + `","display":"B","$ref":null}`, `"` + c + `"`, `["` + a + `","` + a + `"]`, `[{"value":"` + a + `","type":"User"},{"value":"` + b + `"}]`} {
			got := f.patch(200, group, `[{"op":"Add","path":"members","value":`+value+`}]`)
			f.check(len(got.calls) == 1, "%s: %v", value, got.calls)
		}
		f.patch(200, group, `[{"op":"add","value":{"members":[{"value":"`+a+`"}]}}]`)
		f.check(slices.Equal(memberSet(f.get(group)), sorted(a, b, c)), "%v", memberSet(f.get(group)))
		f.patch(400, group, `[{"op":"add","path":"members","value":[{"value":"nobody"}]}]`).refused(f.T, "invalidValue")
		f.want(400, "POST", "/Groups", groupBody("Other", a, "nobody")).refused(f.T, "invalidValue")
		f.finds("/Groups", `displayName eq "Other"`)

		ignores := f.as("ignores")
		ignores.patch(200, group, `[{"op":"replace","path":"members","value":[{"value":"`+a+`"},{"value":"nobody"}]}]`)
		f.check(slices.Equal(memberSet(f.get(group)), []string{a}), "replaced, unknown ignored: %v", memberSet(f.get(group)))
		ignores.patch(200, group, `[{"op":"add","path":"members","value":[{"value":"`+b+`"},{"value":"nobody"}]}]`)
		ignores.patch(200, group, `[{"op":"add","path":"members","value":[{"value":"nobody"}]}]`)
		ignores.want(200, "PUT", group, groupBody("Crew", a, b, c, "nobody"))
		f.check(slices.Equal(memberSet(f.get(group)), sorted(a, b, c)), "added, unknown ignored: %v", memberSet(f.get(group)))
		made := ignores.want(201, "POST", "/Groups", groupBody("Other", a, "nobody"))
		f.check(slices.Equal(memberSet(made), []string{a}), "made, unknown ignored: %v", memberSet(made))
	}},
	{"G2", "members are removed by filter, list or object, several at once; who is none changes nothing", func(f *facade) {
		a, b, c := f.user("a@demo.example"), f.user("b@demo.example"), f.user("c@demo.example")
		group := "/Groups/" + f.group("Crew", a, b, c)
		for _, op := range []string{
			`{"op":"remove","path":"members[value eq \"` + b + `\"]"}`, `{"op":"Remove","path":"members","value":[{"$ref":null,"value":"` + b + `"}]}`, `{"op":"remove","path":"members","value":{"value":"` + b + `"}}`,
			`{"op":"remove","path":"members","value":"` + b + `"}`, `{"op":"remove","path":"members","value":["` + b + `","nobody"]}`, `{"op":"remove","path":"members[value eq \"` + b + `\"]","value":[{"value":"` + b + `"}]}`,
		} {
			f.patch(200, group, `[`+op+`]`)
			f.check(slices.Equal(memberSet(f.get(group)), sorted(a, c)), "%s leaves %v", op, memberSet(f.get(group)))
			f.patch(200, group, `[`+op+`]`)
			f.check(slices.Equal(memberSet(f.get(group)), sorted(a, c)), "%s again leaves %v", op, memberSet(f.get(group)))
			f.patch(200, group, `[{"op":"add","path":"members","value":"`+b+`"}]`)
		}
		f.patch(200, group, `[{"op":"remove","path":"members[value eq \"`+a+`\"]"},{"op":"remove","path":"members[value eq \"`+b+`\"]"},{"op":"add","path":"members","value":"`+c+`"}]`)
		f.check(slices.Equal(memberSet(f.get(group)), []string{c}), "%v", memberSet(f.get(group)))
		for _, nothing := range []string{`[]`, `""`, `{}`, `[{}]`, `[null]`, `[{"value":""}]`, `[{"value":null}]`} {
			f.do("PATCH", group, `{"Operations":[{"op":"remove","path":"members","value":`+nothing+`}]}`)
			f.check(slices.Equal(memberSet(f.get(group)), []string{c}), "%s emptied the group", nothing)
		}
	}},
	{"G3", "remove members without value, and replace by none, empty the group", func(f *facade) {
		id := f.user("a@demo.example")
		group := "/Groups/" + f.group("Crew", id)
		for _, op := range []string{`{"op":"remove","path":"members"}`, `{"op":"replace","path":"members","value":[]}`, `{"op":"replace","value":{"members":[]}}`} {
			f.patch(200, group, `[{"op":"add","path":"members","value":"`+id+`"}]`)
			got := f.patch(200, group, `[`+op+`]`)
			f.check(len(memberSet(got)) == 0 && len(memberSet(f.get(group))) == 0, "%s: %s", op, got.body)
		}
	}},
	{"G4", "a PATCH that does not name members leaves them alone", func(f *facade) {
		id := f.user("a@demo.example")
		group := "/Groups/" + f.group("Crew", id)
		for _, op := range []string{`{"op":"replace","path":"externalId","value":"x"}`, `{"op":"replace","value":{"displayName":"Crew"}}`, `{"op":"replace","value":{"externalId":"y","urn:okta:custom:group:1.0":{"description":"d"}}}`, `{"op":"add","path":"externalId","value":"z"}`} {
			f.patch(200, group, `[`+op+`]`)
			f.check(slices.Equal(memberSet(f.get(group)), []string{id}), "%s leaves %v", op, memberSet(f.get(group)))
		}
	}},
	{"G5", "a group's own name is no change, by path or without, beside members too; another is 400 mutability", func(f *facade) {
		id := f.user("a@demo.example")
		f.group("Taken")
		group := "/Groups/" + f.group("Crew")
		for _, op := range []string{`{"op":"replace","path":"displayName","value":"Crew"}`, `{"op":"replace","value":{"id":"` + strings.TrimPrefix(group, "/Groups/") + `","displayName":"Crew"}}`} {
			a := f.patch(200, group, `[`+op+`]`)
			f.check(a.asked("PATCH") == 0, "%s: %v", op, a.calls)
			f.patch(200, group, `[`+op+`,{"op":"add","path":"members","value":[{"value":"`+id+`"}]}]`)
			f.check(slices.Equal(memberSet(f.get(group)), []string{id}), "%v", memberSet(f.get(group)))
		}
		for _, name := range []string{"Renamed", "Taken", "CREW"} {
			f.patch(400, group, `[{"op":"replace","path":"displayName","value":"`+name+`"}]`).refused(f.T, "mutability")
			f.patch(400, group, `[{"op":"replace","value":{"displayName":"`+name+`"}}]`).refused(f.T, "mutability")
			f.want(400, "PUT", group, groupBody(name)).refused(f.T, "mutability")
		}
		f.check(f.get(group).at("displayName") == "Crew", "%s", f.get(group).body)
	}},
	{"G6", "a taken displayName is 409", func(f *facade) {
		f.group("Crew")
		f.want(409, "POST", "/Groups", groupBody("Crew")).refused(f.T, "uniqueness")
	}},
	{"G7", "members have value, type and display, and $ref where the caller wants it; an empty list is shown", func(f *facade) {
		id := f.user("a@demo.example", `"displayName":"Ann"`)
		empty, group := f.get("/Groups/"+f.group("Empty")), "/Groups/"+f.group("Crew", id)
		list, ok := empty.at("members").([]any)
		f.check(ok && len(list) == 0, "%s", empty.body)
		member, _ := f.get(group).at("members", 0).(map[string]any)
		f.check(member["value"] == id && member["type"] == "User" && member["display"] != nil && member["$ref"] == nil, "%v", member)
		for _, path := range []string{group, "/Groups?filter=" + url.QueryEscape(`displayName eq "Crew"`)} {
			a := f.as("refs").get(path)
			v := a.at("members", 0, "$ref")
			if v == nil {
				v = a.at("Resources", 0, "members", 0, "$ref")
			}
			f.check(v == f.base+"/Users/"+id, "%s", a.body)
		}
		ref := f.as("refs").get("/Users/"+id).at("groups", 0, "$ref")
		f.check(ref == f.base+group, "%v", ref)
		f.check(f.get(group+"?excludedAttributes=members").at("members") == nil, "excluded")
		f.check(f.as("refs").get(group).header.Get("ETag") == f.get(group).header.Get("ETag"), "the version depends on the caller")
	}},
	{"G8", "one member of a large group costs one call and no long answer", func(f *facade) {
		large := largeGroup(f)
		group := "/Groups/" + large.first("/Groups", "id")
		id := large.user("new@demo.example")
		for _, op := range []string{`{"op":"Add","path":"members","value":[{"$ref":null,"value":"` + id + `"}]}`, `{"op":"Remove","path":"members","value":[{"$ref":null,"value":"` + id + `"}]}`, `{"op":"remove","path":"members[value eq \"` + id + `\"]"}`} {
			a := large.patch(204, group, `[`+op+`]`)
			f.check(len(a.calls) <= 2 && a.body == "", "%s: %v, %d bytes", op, a.calls, len(a.body))
		}
		a := large.get(group + "?excludedAttributes=members")
		f.check(len(a.calls) == 1 && len(a.body) < 1000, "%v, %d bytes", a.calls, len(a.body))
	}},
	{"G9", "a group as a member is 400 invalidValue", func(f *facade) {
		inner, outer := f.group("Inner"), "/Groups/"+f.group("Outer")
		f.patch(400, outer, `[{"op":"add","path":"members","value":[{"value":"`+inner+`","type":"Group"}]}]`).refused(f.T, "invalidValue")
		f.want(400, "PUT", outer, groupBody("Outer", inner)).refused(f.T, "invalidValue")
		f.want(400, "POST", "/Groups", groupBody("Another", inner)).refused(f.T, "invalidValue")
	}},
}

// hollow finds nulls, empty texts and empty objects in a document.
func hollow(v any, path string) []string {
	var found []string
	switch v := v.(type) {
	case nil:
		return []string{path + " is null"}
	case string:
		if v == "" {
			return []string{path + " is empty"}
		}
	case map[string]any:
		if len(v) == 0 {
			return []string{path + " is {}"}
		}
		for name, e := range v {
			found = append(found, hollow(e, path+"."+name)...)
		}
	case []any:
		for i, e := range v {
			found = append(found, hollow(e, fmt.Sprintf("%s[%d]", path, i))...)
		}
	}
	return found
}

var camelCase = regexp.MustCompile(`^[a-z$][A-Za-z]*$`)

// complete reports the characteristics that an attribute definition lacks.
func incomplete(v any, path string) []string {
	var found []string
	attribute, _ := v.(map[string]any)
	for _, name := range []string{"name", "type", "multiValued", "description", "required", "caseExact", "mutability", "returned", "uniqueness"} {
		if _, ok := attribute[name]; !ok {
			found = append(found, fmt.Sprintf("%s.%v lacks %s", path, attribute["name"], name))
		}
	}
	for _, name := range []string{"type", "mutability", "returned", "uniqueness"} {
		if text, _ := attribute[name].(string); !camelCase.MatchString(text) {
			found = append(found, fmt.Sprintf("%s.%v: %s is %q", path, attribute["name"], name, text))
		}
	}
	if (attribute["type"] == "complex") != (attribute["subAttributes"] != nil) || (attribute["type"] == "reference") != (attribute["referenceTypes"] != nil) {
		found = append(found, fmt.Sprintf("%s.%v: parts do not fit the type", path, attribute["name"]))
	}
	subs, _ := attribute["subAttributes"].([]any)
	for _, sub := range subs {
		found = append(found, incomplete(sub, fmt.Sprintf("%s.%v", path, attribute["name"]))...)
	}
	return found
}

var discoveryRows = []row{
	{"D1", "ServiceProviderConfig is complete", func(f *facade) {
		a := f.get("/ServiceProviderConfig")
		for _, name := range []string{"patch", "bulk", "filter", "changePassword", "sort", "etag"} {
			_, ok := a.at(name, "supported").(bool)
			f.check(ok, "%s.supported", name)
		}
		for _, path := range [][]any{{"bulk", "maxOperations"}, {"bulk", "maxPayloadSize"}, {"filter", "maxResults"}} {
			n, _ := a.at(path...).(float64)
			f.check(n > 0, "%v is %v", path, a.at(path...))
		}
		f.check(a.at("authenticationSchemes", 0, "type") != nil && a.at("authenticationSchemes", 0, "name") != nil && a.at("authenticationSchemes", 0, "description") != nil, "%s", a.body)
		f.check(a.at("schemas", 0) == "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig" && a.at("meta", "location") == f.base+"/ServiceProviderConfig" && len(hollow(a.doc, "")) == 0, "%v", hollow(a.doc, ""))
	}},
	{"D2", "Schemas and ResourceTypes are lists whose documents have everything, nothing hollow, and their own address", func(f *facade) {
		for _, endpoint := range []string{"/Schemas", "/ResourceTypes"} {
			a := f.get(endpoint)
			list, _ := a.at("Resources").([]any)
			f.check(a.at("schemas", 0) == "urn:ietf:params:scim:api:messages:2.0:ListResponse" && a.at("totalResults") == float64(len(list)) && a.at("itemsPerPage") == float64(len(list)) && len(list) > 2, "%s", a.body)
			f.check(len(hollow(a.doc, "")) == 0, "%v", hollow(a.doc, ""))
			for _, e := range list {
				doc := e.(map[string]any)
				one := f.get(doc["meta"].(map[string]any)["location"].(string))
				f.check(one.at("id") == doc["id"] && one.doc["schemas"] != nil && f.get(endpoint+"/"+doc["id"].(string)).body == one.body, "%v", doc["id"])
				attributes, _ := doc["attributes"].([]any)
				for _, attribute := range attributes {
					missing := incomplete(attribute, doc["id"].(string))
					f.check(len(missing) == 0, "%v", missing)
				}
			}
			f.want(404, "GET", endpoint+"/urn:nothing", "").refused(f.T, "")
		}
	}},
	{"D3", "each resource type has its endpoint, and schemas that are published", func(f *facade) {
		list, _ := f.get("/ResourceTypes").at("Resources").([]any)
		for _, e := range list {
			rt := e.(map[string]any)
			f.check(rt["id"] != nil && rt["name"] != nil && rt["description"] != nil, "%v", rt)
			endpoint, _ := rt["endpoint"].(string)
			f.check(strings.HasPrefix(endpoint, "/"), "endpoint %q", endpoint)
			f.get(endpoint + "?count=1")
			urns := []any{rt["schema"]}
			extensions, _ := rt["schemaExtensions"].([]any)
			for _, x := range extensions {
				extension := x.(map[string]any)
				_, ok := extension["required"].(bool)
				f.check(ok, "%v", extension)
				urns = append(urns, extension["schema"])
			}
			for _, urn := range urns {
				f.get("/Schemas/" + urn.(string))
			}
		}
		f.get("/ResourceTypes/User")
		f.get("/ResourceTypes/Group")
	}},
	{"D4", "writing to discovery is 405 with Allow, unknown paths 404, each a SCIM error; OPTIONS tells the methods, HEAD is GET", func(f *facade) {
		for _, path := range []string{"/ServiceProviderConfig", "/Schemas", "/ResourceTypes", "/Schemas/" + coreUser, "/ResourceTypes/User"} {
			for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "get", "TRACE"} {
				a := f.want(405, method, path, "test")
				a.refused(f.T, "")
				f.check(a.header.Get("Allow") == "GET, HEAD", "%s: Allow %q", path, a.header.Get("Allow"))
			}
		}
		root := strings.TrimSuffix(f.base, "/scim/v2")
		for _, path := range []string{"/", "/Nothing", "/Users/1/2", "/ServiceProviderConfig/x"} {
			f.check(f.do("DELETE", path, "").status >= 404, "%s", path)
		}
		for _, path := range []string{f.base + "/Nothing", f.base + "/Users/1/2", root + "/", root + "/favicon.ico", root + "/scim/v3/Users", root + "/../etc/passwd", f.base + "/Users/%2e%2e", f.base + "/Users/..%2fGroups", f.base + "/" + strings.Repeat("x", 5000), f.base + "/Users/" + strings.Repeat("x", 5000), f.base + strings.Repeat("/x", 5000)} {
			a := f.want(404, "GET", path, "")
			a.refused(f.T, "")
			f.check(len(a.calls) == 0, "%s: %v", path, a.calls)
		}
		id := f.first("/Users", "id")
		for path, want := range map[string]string{"/Users": "GET, HEAD, POST, OPTIONS", "/Users/" + id: "GET, HEAD, PUT, PATCH, DELETE, OPTIONS", "/Bulk": "POST, OPTIONS", "/Schemas": "GET, HEAD, OPTIONS", "/Users/.search": "POST, OPTIONS"} {
			a := f.want(204, "OPTIONS", path, "")
			f.check(a.header.Get("Allow") == want && len(a.calls) == 0, "%s: Allow %q", path, a.header.Get("Allow"))
		}
		for _, path := range []string{"/Users", "/Users/" + id, "/ServiceProviderConfig", "/Schemas/" + coreUser} {
			head, get := f.want(200, "HEAD", path, ""), f.get(path)
			f.check(head.body == "" && head.header.Get("Content-Type") == get.header.Get("Content-Type") && head.header.Get("ETag") == get.header.Get("ETag"), "%s: %v", path, head.header)
		}
		f.want(404, "HEAD", "/Users/nobody", "")
	}},
	{"D5", "what is announced is done: every writable attribute comes back as it was sent", func(f *facade) {
		id := f.user("ann@demo.example")
		schemas := map[string]string{"": coreUser, enterprise: enterprise}
		for extension, urn := range schemas {
			attributes, _ := f.get("/Schemas/" + urn).at("attributes").([]any)
			for _, e := range attributes {
				attribute := e.(map[string]any)
				name := attribute["name"].(string)
				if attribute["mutability"] == "readOnly" || attribute["mutability"] == "writeOnly" || name == "userName" || name == "emails" {
					continue // proven by other rows
				}
				want := sample(attribute)
				key := name
				if extension != "" {
					key = extension + ":" + name
				}
				f.patch(200, "/Users/"+id, `[{"op":"replace","value":{`+jsonText(key)+`:`+want+`}}]`)
				at := []any{name}
				if extension != "" {
					at = []any{extension, name}
				}
				got := f.get("/Users/" + id).at(at...)
				f.check(covers(got, decoded(want)), "%s: sent %s, got %v", key, want, got)
			}
		}
		f.check(f.get("/ServiceProviderConfig").at("filter", "maxResults") == 50.0, "maxResults")
	}},
	{"D6", "discovery cannot be filtered: 403 for lists, ServiceProviderConfig does not care; paging does not apply", func(f *facade) {
		filter := "?filter=" + url.QueryEscape(`name eq "User"`)
		f.want(403, "GET", "/Schemas"+filter, "").refused(f.T, "")
		f.want(403, "GET", "/ResourceTypes"+filter, "").refused(f.T, "")
		f.want(200, "GET", "/ServiceProviderConfig"+filter, "")
		whole, _ := f.get("/Schemas").at("Resources").([]any)
		list, _ := f.get("/Schemas?startIndex=2&count=1").at("Resources").([]any)
		f.check(len(list) == len(whole), "%d of %d", len(list), len(whole))
	}},
	{"E1", "every error is a SCIM error; upstream's rate limit is passed on, its failures are 502 to 504, and nothing private is told", func(f *facade) {
		id := f.first("/Users", "id")
		patch := `{"Operations":[{"op":"replace","path":"title","value":"x"}]}`
		for _, test := range []struct {
			fault  string
			status int // of a read
		}{
			{"status=500", 503}, {"status=503", 503}, {"status=401", 502}, {"status=403", 502}, {"body=html", 502}, {"body=truncated", 502}, {"body=empty", 502}, {"reset=before", 504},
			{"status=429 retry-after=7", 429}, // the last, since all that follows within seven seconds is refused too
		} {
			faults, err := emulator.ParseFaults("path=/scim/ " + test.fault)
			if err != nil {
				f.Fatal(err)
			}
			f.emulator.SetFaults(faults)
			inDoubt := test.status // of a write, if it may have been made
			if test.status != 429 && !strings.HasPrefix(test.fault, "status=4") {
				inDoubt = 504
			}
			for i, a := range []answer{f.do("GET", "/Users/"+id, ""), f.do("GET", "/Users?count=1", ""), f.do("PATCH", "/Users/"+id, patch), f.do("POST", "/Users", userBody("new@demo.example"))} {
				want := []int{test.status, test.status, inDoubt, inDoubt}[i]
				f.check(a.status == want && a.at("status") == fmt.Sprint(want) && a.at("schemas", 0) == "urn:ietf:params:scim:api:messages:2.0:Error" && a.header.Get("Content-Type") == scimJSON, "%s: %d %s", test.fault, a.status, a.body)
				f.check((a.status != 502) == (a.header.Get("Retry-After") != ""), "%s: Retry-After %q", test.fault, a.header.Get("Retry-After"))
				for _, private := range []string{emulator.DirectoryKey, emulator.DirectoryID, "127.0.0.1", "html", "goroutine"} {
					f.check(!strings.Contains(a.body, private), "%s tells %s: %s", test.fault, private, a.body)
				}
			}
			f.emulator.SetFaults(nil)
		}
		f.as("reads").want(403, "POST", "/Users", userBody("x@demo.example")).refused(f.T, "")
		f.want(413, "POST", "/Users", strings.Repeat(" ", 1<<20)+"{}").refused(f.T, "")
	}},
	{"E2", "versions are weak entity tags; If-Match 412, If-None-Match 304", func(f *facade) {
		path := "/Users/" + f.user("ann@demo.example")
		a := f.get(path)
		tag := a.header.Get("ETag")
		f.check(strings.HasPrefix(tag, `W/"`) && a.at("meta", "version") == tag && f.get("/ServiceProviderConfig").at("etag", "supported") == true, "%s", tag)
		f.want(304, "GET", path, "", "If-None-Match", tag)
		f.patch(412, path, `[{"op":"replace","path":"title","value":"x"}]`, "If-Match", `W/"other"`).refused(f.T, "")
		f.patch(200, path, `[{"op":"replace","path":"title","value":"x"}]`, "If-Match", tag)
		f.want(412, "DELETE", path, "", "If-Match", tag).refused(f.T, "")
	}},
	{"E3", "bulk requests with references between operations", func(f *facade) {
		a := f.bulk(200, `"failOnErrors":1,`, post("u", "/Users", userBody("ann@demo.example")), post("g", "/Groups", groupBody("Crew", "bulkId:u")))
		wantResults(f.T, a, "u 201", "g 201")
		f.check(slices.Equal(memberSet(f.get(a.at("Operations", 1, "location").(string))), []string{a.idIn(0)}), "%s", a.body)
	}},
	{"E4", "/Me is 501", func(f *facade) {
		for _, method := range []string{"GET", "PUT", "PATCH", "DELETE", "POST"} {
			f.want(501, method, "/Me", "").refused(f.T, "")
		}
	}},
}

// sample is a value for an attribute, as JSON.
func sample(attribute map[string]any) string {
	value := func(a map[string]any) string {
		switch a["type"] {
		case "boolean":
			return "true"
		case "complex":
			panic("complex values have no complex parts here")
		}
		if values, _ := a["canonicalValues"].([]any); len(values) > 0 {
			return jsonText(values[0].(string))
		}
		return jsonText("some " + a["name"].(string))
	}
	subs, _ := attribute["subAttributes"].([]any)
	if subs == nil {
		return value(attribute)
	}
	var parts []string
	for _, e := range subs {
		sub := e.(map[string]any)
		if sub["mutability"] != "readOnly" {
			parts = append(parts, jsonText(sub["name"].(string))+":"+value(sub))
		}
	}
	object := "{" + strings.Join(parts, ",") + "}"
	if attribute["multiValued"] == true {
		return "[" + object + "]"
	}
	return object
}

// covers reports whether got has all that want has.
func covers(got, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		object, _ := got.(map[string]any)
		for name := range maps.Keys(want) {
			if !covers(object[name], want[name]) {
				return false
			}
		}
		return true
	case []any:
		list, _ := got.([]any)
		return slices.EqualFunc(list, want, covers)
	}
	return got == want
}
