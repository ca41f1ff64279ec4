package scim_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
)

// row is what a SCIM server must do so that identity clients work with it: one
// line of the checklist that was drawn from their documentation and code.
type row struct {
	name  string
	what  string
	check func(*facade)
}

// TestChecklist holds every row against a server of its own.
func TestChecklist(t *testing.T) {
	for _, rows := range [][]row{connectionRows, listRows, userRows, patchRows, groupRows, discoveryRows} {
		for _, r := range rows {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				t.Log(r.what)
				r.check(checklistFacade(t))
			})
		}
	}
}

func checklistFacade(t *testing.T) *facade {
	return newFacade(t, emulator.Options{Users: 12, Groups: 3, Projects: 1, Issues: 5, Seed: 1}, checklistConfig())
}

// checklistConfig has a caller for each setting that callers may have.
func checklistConfig() scim.Config {
	strict, plain, clears, ignores, refs, reads := bearer("strict", auth.Write), bearer("json", auth.Write), bearer("clears", auth.Write),
		bearer("ignores", auth.Write), bearer("refs", auth.Write), bearer("reads", auth.Read)
	strict.Strict = true
	plain.ContentType = "application/json"
	clears.PutWithoutMembers = auth.Clear
	ignores.UnknownMembers = auth.Ignore
	refs.MemberRef = true
	return scim.Config{Callers: []auth.Caller{strict, plain, clears, ignores, refs, reads}, MaxResults: 50}
}

// as is the facade for another caller.
func (f *facade) as(caller string) *facade {
	other := *f
	other.caller = caller
	return &other
}

// TestPublicDiscovery holds that the setting opens one endpoint, by its own name:
// by another one it is there for callers that are known not to be strict.
func TestPublicDiscovery(t *testing.T) {
	config := checklistConfig()
	config.PublicDiscovery = true
	f := newFacade(t, emulator.Options{}, config)
	for caller, want := range map[string][2]int{"unknown": {200, 401}, "all": {200, 200}, "strict": {200, 404}} {
		f.as(caller).want(want[0], "GET", "/ServiceProviderConfig", "")
		f.as(caller).want(want[1], "GET", "/serviceproviderconfig", "")
	}
	f.as("unknown").want(401, "GET", "/Schemas", "")
}

// check reports a failed claim.
func (f *facade) check(ok bool, format string, args ...any) {
	f.Helper()
	if !ok {
		f.Errorf(format, args...)
	}
}

// find lists the userNames, or the displayNames, that a filter finds.
func (f *facade) find(endpoint, filter string, more ...string) []string {
	f.Helper()
	a := f.want(200, "GET", endpoint+"?filter="+url.QueryEscape(filter)+strings.Join(more, ""), "")
	list, ok := a.at("Resources").([]any)
	if !ok || a.at("totalResults") != float64(len(list)) || a.at("itemsPerPage") != float64(len(list)) {
		f.Errorf("%s: %s", filter, a.body)
	}
	var names []string
	for _, e := range list {
		o, _ := e.(map[string]any)
		name, _ := o["userName"].(string)
		if name == "" {
			name, _ = o["displayName"].(string)
		}
		names = append(names, name)
	}
	return names
}

// finds requires what a filter finds.
func (f *facade) finds(endpoint, filter string, want ...string) {
	f.Helper()
	if got := f.find(endpoint, filter); !slices.Equal(sorted(got...), sorted(want...)) {
		f.Errorf("%s finds %v, want %v", filter, got, want)
	}
}

// get reads a resource.
func (f *facade) get(path string) answer {
	f.Helper()
	return f.want(200, "GET", path, "")
}

// asked is how many requests Atlassian got for an answer.
func (a answer) asked(method string) int {
	n := 0
	for _, call := range a.calls {
		if strings.HasPrefix(call, method+" ") {
			n++
		}
	}
	return n
}

const (
	scimJSON  = "application/scim+json"
	plainJSON = "application/json"
)

var connectionRows = []row{
	{"C1", "every answer is application/scim+json without charset", func(f *facade) {
		id := f.user("ann@demo.example")
		for _, a := range []answer{
			f.get("/Users?count=1"), f.get("/Users/" + id), f.want(201, "POST", "/Users", userBody("bob@demo.example")),
			f.patch(200, "/Users/"+id, `[{"op":"add","path":"title","value":"x"}]`), f.want(404, "GET", "/Users/nobody", ""),
			f.want(400, "POST", "/Users", "{"), f.get("/ServiceProviderConfig"), f.get("/Schemas"), f.bulk(200, ""),
			f.want(404, "GET", "/Nothing", ""), f.want(405, "DELETE", "/Users", ""), f.as("nobody").want(401, "GET", "/Users", ""),
		} {
			f.check(a.header.Get("Content-Type") == scimJSON, "%d: %s", a.status, a.header.Get("Content-Type"))
		}
	}},
	{"C2", "Accept: application/json is answered with application/json, errors too", func(f *facade) {
		for accept, want := range map[string]string{
			plainJSON: plainJSON, "application/json, text/plain, */*": plainJSON, scimJSON + ", " + plainJSON: scimJSON, plainJSON + ";q=0.5, " + scimJSON: scimJSON,
			"*/*": scimJSON, "": scimJSON, "text/html": scimJSON, scimJSON: scimJSON,
		} {
			for _, a := range []answer{
				f.want(200, "GET", "/Users?count=1", "", "Accept", accept), f.want(404, "GET", "/Users/nobody", "", "Accept", accept),
				f.want(200, "GET", "/Schemas", "", "Accept", accept), f.want(409, "POST", "/Users", userBody(f.first("/Users", "userName")), "Accept", accept),
				f.as("nobody").want(401, "GET", "/Users", "", "Accept", accept), f.want(405, "PUT", "/Users", "{}", "Accept", accept),
			} {
				f.check(a.header.Get("Content-Type") == want, "Accept %q: %d %s, want %s", accept, a.status, a.header.Get("Content-Type"), want)
			}
		}
	}},
	{"C3", "a caller can be answered with application/json always", func(f *facade) {
		for _, a := range []answer{f.as("json").want(200, "GET", "/Users?count=1", "", "Accept", scimJSON), f.as("json").want(404, "GET", "/Users/nobody", "", "Accept", scimJSON)} {
			f.check(a.header.Get("Content-Type") == plainJSON, "%d %s", a.status, a.header.Get("Content-Type"))
		}
	}},
	{"C4", "JSON by any name is taken, what is no JSON is 400 invalidSyntax, other types are 415", func(f *facade) {
		for i, media := range []string{scimJSON, plainJSON, scimJSON + "; charset=utf-8", "application/json;charset=UTF-8", "text/json", "Application/SCIM+JSON", ""} {
			f.want(201, "POST", "/Users", userBody(fmt.Sprintf("c4-%d@demo.example", i)), "Content-Type", media)
		}
		for _, body := range []string{"", "{", "userName=ann", `{"schemas":[]} trailing`, "\xff", `"text"`, "[]"} {
			f.want(400, "POST", "/Users", body, "Content-Type", scimJSON).refused(f.T, "invalidSyntax")
		}
		for _, media := range []string{"text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data"} {
			f.want(415, "POST", "/Users", userBody("x@demo.example"), "Content-Type", media).refused(f.T, "")
		}
	}},
	{"C5", "slashes at the end and doubled, and parameters of a client's own, are passed over", func(f *facade) {
		id, name := f.first("/Users", "id"), f.first("/Users", "userName")
		filter := "filter=" + url.QueryEscape(`userName eq "`+name+`"`)
		for _, path := range []string{"/Users/" + id, "/Users/" + id + "/", "//Users/" + id, "/Users//" + id, "/Users/" + id + "?aadOptscim062020", "/Users/" + id + "?aadOptscim062020=true&x=y"} {
			f.check(f.get(path).at("id") == id, "%s", path)
		}
		for _, path := range []string{"/Users?" + filter, "/Users/?" + filter, "//Users//?" + filter, "/Users?aadOptscim062020&" + filter, "/Users?" + strings.ReplaceAll(filter, "%20", "+") + "&aadOptscim062020=true", "/Users?foo=bar&" + filter} {
			a := f.get(path)
			f.check(a.at("totalResults") == 1.0 && a.at("Resources", 0, "id") == id, "%s: %s", path, a.body)
		}
		f.patch(200, "/Users/"+id+"/?aadOptscim062020", `[{"op":"replace","value":{"title":"x"}}]`)
		f.want(405, "DELETE", "/Users/", "")
	}},
	{"C6", "who is not known gets 401 with WWW-Authenticate and a SCIM error, before anything else is looked at", func(f *facade) {
		for _, header := range [][]string{
			{"Authorization", ""}, {"Authorization", "Bearer wrong"}, {"Authorization", "Bearer"}, {"Authorization", "Basic " + "YTpi"}, {"Authorization", "Digest x"}, {"Authorization", "Basic ???"},
		} {
			for _, request := range [][3]string{{"GET", "/Users", ""}, {"POST", "/Users", "{"}, {"GET", "/Nothing", ""}, {"GET", "/ServiceProviderConfig", ""}, {"POST", "/Bulk", "{"}, {"OPTIONS", "/Users", ""}} {
				a := f.want(401, request[0], request[1], request[2], header...)
				f.check(a.refused(f.T, "") != "" && a.header.Get("WWW-Authenticate") != "" && a.at("status") == "401" && len(a.calls) == 0, "%v: %s", request, a.body)
			}
		}
	}},
	{"C7", "the version in the path may be left out; endpoints have any case, what is above them has its own", func(f *facade) {
		id := f.first("/Users", "id")
		root := strings.TrimSuffix(f.base, "/v2")
		for _, path := range []string{f.base + "/Users/" + id, root + "/Users/" + id, root + "/v2/Users/" + id} {
			a := f.get(path)
			f.check(a.at("id") == id && a.at("meta", "location") == f.base+"/Users/"+id, "%s: %s", path, a.body)
		}
		f.get(root + "/ServiceProviderConfig")
		for _, path := range []string{"/users", "/USERS/" + id, "/serviceproviderconfig", "/resourceTypes/User", "/schemas", "/issues", "/accounts", "/entitlements", "/entitlement"} {
			f.get(path)
			a := f.as("strict").want(404, "GET", path, "")
			a.refused(f.T, "")
			f.check(len(a.calls) == 0, "%s: %v", path, a.calls)
		}
		for _, path := range []string{root + "/V2/Users", root + "/v1/Users", strings.TrimSuffix(root, "/scim") + "/SCIM/v2/Users", strings.TrimSuffix(root, "/scim") + "/Users"} {
			f.want(404, "GET", path, "").refused(f.T, "")
		}
	}},
}

// first is an attribute of the first resource.
func (f *facade) first(endpoint, name string) string {
	f.Helper()
	v, _ := f.get(endpoint+"?count=1").at("Resources", 0, name).(string)
	return v
}

var listRows = []row{
	{"L1", "a filter that finds nothing is 200 with an empty Resources", func(f *facade) {
		for _, path := range []string{"/Users?filter=" + url.QueryEscape(`userName eq "0b7f5a2e"`), "/Groups?filter=" + url.QueryEscape(`displayName eq "0b7f5a2e"`), "/Issues?filter=" + url.QueryEscape(`summary eq "0b7f5a2e"`), "/Users?startIndex=1000"} {
			a := f.get(path)
			list, ok := a.at("Resources").([]any)
			f.check(ok && len(list) == 0 && a.at("itemsPerPage") == 0.0 && (strings.Contains(path, "startIndex") || a.at("totalResults") == 0.0), "%s: %s", path, a.body)
		}
	}},
	{"L2", "userName eq regards no case, in value, name or operator", func(f *facade) {
		f.user("Ann.L2@demo.example")
		for _, filter := range []string{`userName eq "ann.l2@demo.example"`, `USERNAME Eq "ANN.L2@DEMO.EXAMPLE"`, `username EQ "Ann.L2@demo.example"`, `urn:ietf:params:scim:schemas:core:2.0:User:userName eq "ann.L2@demo.example"`} {
			got := f.find("/Users", filter)
			f.check(len(got) == 1 && strings.EqualFold(got[0], "ann.l2@demo.example"), "%s finds %v", filter, got)
		}
	}},
	{"L3", "externalId eq of users and groups regards case", func(f *facade) {
		f.user("ann@demo.example", `"externalId":"Key-1"`)
		f.want(201, "POST", "/Groups", `{"schemas":["`+coreGroup+`"],"displayName":"Crew","externalId":"Key-2"}`)
		f.finds("/Users", `externalId eq "Key-1"`, "ann@demo.example")
		f.finds("/Users", `externalId eq "key-1"`)
		f.finds("/Groups", `externalId eq "Key-2"`, "Crew")
		f.finds("/Groups", `externalId eq "KEY-2"`)
	}},
	{"L4", "displayName eq of groups, without members", func(f *facade) {
		f.group("Crew", f.first("/Users", "id"))
		a := f.get("/Groups?excludedAttributes=members&filter=" + url.QueryEscape(`displayName eq "crew"`))
		f.check(a.at("totalResults") == 1.0 && a.at("Resources", 0, "displayName") == "Crew" && a.at("Resources", 0, "members") == nil, "%s", a.body)
	}},
	{"L5", "an e-mail address is found by every form of filter", func(f *facade) {
		f.user("ann@demo.example")
		f.user("bob@demo.example", `"phoneNumbers":[{"value":"1","type":"work"}]`)
		for _, filter := range []string{
			`emails.value eq "ann@demo.example"`, `emails[type eq "work" and value eq "ann@demo.example"]`, `emails[type eq "work"].value eq "ANN@demo.example"`,
			`emails eq "ann@demo.example"`, `emails eq ann@demo.example`, `emails[type eq "work"] eq "ann@demo.example"`, `emails[value eq "ann@demo.example"]`,
			`userName eq "ann@demo.example" or emails[type eq "work"].value eq "ann@demo.example"`,
		} {
			f.finds("/Users", filter, "ann@demo.example")
		}
		f.finds("/Users", `emails[type eq "home" and value eq "ann@demo.example"]`)
	}},
	{"L6", "whether a user is a member is asked by filter", func(f *facade) {
		in, out := f.user("in@demo.example"), f.user("out@demo.example")
		id := f.group("Crew", in)
		for _, form := range []string{`id eq "%s" and members[value eq "%s"]`, `id eq "%s" and members eq "%s"`, `id eq "%s" and members.value eq "%s"`} {
			f.finds("/Groups", fmt.Sprintf(form, id, in), "Crew")
			f.finds("/Groups", fmt.Sprintf(form, id, out))
		}
		a := f.get("/Groups?attributes=id&filter=" + url.QueryEscape(fmt.Sprintf(`id eq "%s" and members eq "%s"`, id, in)))
		f.check(a.at("Resources", 0, "id") == id && a.at("Resources", 0, "members") == nil, "%s", a.body)
	}},
	{"L7", "meta.lastModified compares, with other conditions, in every notation of time", func(f *facade) {
		id := f.user("ann@demo.example")
		at := f.get("/Users/"+id).at("meta", "lastModified").(string)
		for _, filter := range []string{`meta.lastModified ge "%s"`, `META.LASTMODIFIED le "%s"`, `meta.lastModified eq "%s"`, `meta.lastModified ge "%s" and active eq true`} {
			f.finds("/Users", fmt.Sprintf(filter, at)+` and userName eq "ann@demo.example"`, "ann@demo.example")
		}
		for _, filter := range []string{`meta.lastModified gt "%s"`, `meta.lastModified lt "%s"`, `meta.lastModified ne "%s"`} {
			f.finds("/Users", fmt.Sprintf(filter, at)+` and userName eq "ann@demo.example"`)
		}
		for _, past := range []string{"2001-01-01T00:00:00Z", "2001-01-01T00:00:00.000Z", "2001-01-01T02:00:00+02:00", "2001-01-01T00:00:00", "2001-01-01"} {
			f.finds("/Users", `meta.lastModified gt "`+past+`" and userName sw "ann@"`, "ann@demo.example")
			f.finds("/Groups", `meta.lastModified lt "`+past+`"`)
		}
		before := f.want(200, "GET", "/Groups?count=1", "")
		group := before.at("Resources", 0, "id").(string)
		old := before.at("Resources", 0, "meta", "lastModified").(string)
		f.patch(200, "/Groups/"+group, `[{"op":"add","path":"members","value":[{"value":"`+id+`"}]}]`)
		f.check(len(f.find("/Groups", `meta.lastModified gt "`+old+`" and id eq "`+group+`"`)) == 1, "another member leaves lastModified at %s", old)
	}},
	{"L8", "all operators, grouping, precedence, escapes and any text", func(f *facade) {
		f.user("l8.a@demo.example", `"title":"Chief \"Pilot\" + Cook"`, `"displayName":"Zoë Ø"`)
		f.user("l8.b@demo.example", `"title":"Chief Engineer"`)
		f.user("l8.c@demo.example")
		for filter, want := range map[string]string{
			`title sw "chief"`: "ab", `title ew "COOK"`: "a", `title co "\"Pilot\""`: "a", `title eq "Chief \"Pilot\" + Cook"`: "a", `title ne "Chief Engineer"`: "ac",
			`title pr`: "ab", `not (title pr)`: "c", `title gt "Chief D"`: "b", `title ge "chief engineer"`: "b", `title lt "Chief D"`: "a", `title le "Chief Engineer"`: "ab",
			`displayName eq "zoë ø"`: "a", `displayName eq "zo\u00eb \u00d8"`: "a", `title co "+"`: "a",
			`title pr and displayName pr or title eq "Chief Engineer"`: "ab", `title pr and (displayName pr or title eq "Chief Engineer")`: "ab",
			`displayName pr or title pr and title ew "Engineer"`: "ab", `(displayName pr or title pr) and title ew "Engineer"`: "b",
			`not (title pr and displayName pr)`: "bc", `emails[type eq "work" and (value sw "l8.a" or value sw "l8.c")]`: "ac",
		} {
			var names []string
			for _, c := range want {
				names = append(names, "l8."+string(c)+"@demo.example")
			}
			f.finds("/Users", `userName sw "l8." and (`+filter+`)`, names...)
		}
	}},
	{"L9", "what is no filter is 400 invalidFilter", func(f *facade) {
		for _, filter := range []string{"JANE", "userName", "userName eq", "userName like \"x\"", `userName eq "x`, `userName eq "x" and`, `(userName eq "x"`, `active gt true`, `active co "t"`, `userName eq "x" "y"`, " ", `not not userName eq "x"`, `not emails[type eq "work"]`, `emails[type eq "work"`, `userName eq 'x'`} {
			a := f.want(400, "GET", "/Users?filter="+url.QueryEscape(filter), "")
			a.refused(f.T, "invalidFilter")
			f.check(len(a.calls) == 0, "%s: %v", filter, a.calls)
		}
		for _, filter := range []string{`externalId eq jyoung`, `externalId sw jyoung`, `externalId eq "jyoung" and active eq "True"`, `externalId eq "jyoung" and not active eq false`} {
			f.as("strict").want(400, "GET", "/Users?filter="+url.QueryEscape(filter), "").refused(f.T, "invalidFilter")
			f.finds("/Users", filter)
		}
	}},
	{"L10", "a filter on what no schema knows never gives everything", func(f *facade) {
		for _, filter := range []string{`bogus eq "x"`, `emails.bogus eq "x"`, `emails[bogus eq "x"]`, `urn:example:x:userName eq "x"`, `not (bogus eq "x")`, `userName pr or bogus pr`} {
			f.want(400, "GET", "/Users?filter="+url.QueryEscape(filter), "").refused(f.T, "invalidFilter")
		}
	}},
	{"L11", "the numbers of a page are numbers, and right", func(f *facade) {
		for _, page := range [][2]int{{1, 5}, {6, 5}, {11, 5}, {12, 1}, {13, 5}} {
			a := f.get(fmt.Sprintf("/Users?startIndex=%d&count=%d", page[0], page[1]))
			list, _ := a.at("Resources").([]any)
			want := max(0, min(page[1], 12-page[0]+1))
			f.check(a.at("startIndex") == float64(page[0]) && a.at("itemsPerPage") == float64(len(list)) && len(list) == want && a.at("totalResults") == 12.0, "page %v: %s", page, a.body)
		}
	}},
	{"L12", "pages neither repeat nor miss anything", func(f *facade) {
		for _, query := range []string{"", "&sortBy=userName", "&filter=" + url.QueryEscape(`userName co "@"`)} {
			var ids []string
			for start := 1; start <= 12; start += 5 {
				list, _ := f.get(fmt.Sprintf("/Users?startIndex=%d&count=5%s", start, query)).at("Resources").([]any)
				for _, e := range list {
					ids = append(ids, e.(map[string]any)["id"].(string))
				}
			}
			f.check(len(ids) == 12 && len(slices.Compact(sorted(ids...))) == 12, "%s: %d ids, %d distinct", query, len(ids), len(slices.Compact(sorted(ids...))))
		}
	}},
	{"L13", "odd pages: startIndex below 1 is 1, a negative count 0, 0 only counts, too much is cut", func(f *facade) {
		for query, want := range map[string][2]int{"startIndex=0&count=3": {1, 3}, "startIndex=-7&count=3": {1, 3}, "count=-1": {1, 0}, "count=0": {1, 0}, "count=100000": {1, 12}} {
			a := f.get("/Users?" + query)
			list, ok := a.at("Resources").([]any)
			f.check(ok && a.at("startIndex") == float64(want[0]) && len(list) == want[1] && a.at("totalResults") == 12.0, "%s: %s", query, a.body)
		}
		small := newFacade(f.T, emulator.Options{Users: 9, Seed: 1}, scim.Config{MaxResults: 4})
		list, _ := small.get("/Users?count=9").at("Resources").([]any)
		f.check(len(list) == 4, "more than the maximum: %d", len(list))
	}},
	{"L14", "a page in words is 400 invalidValue", func(f *facade) {
		for _, query := range []string{"startIndex=one", "count=many", "count=1.5", "startIndex=1e2", "count=99999999999999999999"} {
			f.want(400, "GET", "/Users?"+query, "").refused(f.T, "invalidValue")
		}
		f.want(400, "POST", "/Users/.search", `{"count":"many"}`).refused(f.T, "invalidValue")
	}},
	{"L15", "attributes and excludedAttributes work on every answer; id and schemas are always there", func(f *facade) {
		id := f.user("ann@demo.example", `"title":"x"`)
		one := "/Users/" + id
		for what, v := range map[string]any{
			"GET one": f.get(one + "?attributes=userName").doc, "list": f.get("/Users?attributes=userName&filter="+url.QueryEscape(`id eq "`+id+`"`)).at("Resources", 0),
			"POST":    f.want(201, "POST", "/Users?attributes=userName", userBody("new@demo.example")).doc,
			"PUT":     f.want(200, "PUT", one+"?attributes=userName", userBody("ann@demo.example", `"title":"y"`)).doc,
			"PATCH":   f.patch(200, one+"?attributes=userName", `[{"op":"replace","path":"title","value":"z"}]`).doc,
			".search": f.want(200, "POST", "/Users/.search", `{"attributes":["userName"],"filter":"id eq \"`+id+`\""}`).at("Resources", 0),
		} {
			doc, _ := v.(map[string]any)
			f.check(doc["id"] != nil && doc["schemas"] != nil && doc["userName"] != nil && doc["title"] == nil && doc["meta"] == nil && doc["emails"] == nil, "%s: %v", what, doc)
		}
		for what, v := range map[string]any{
			"GET one": f.get(one + "?excludedAttributes=title,id,schemas").doc, "PATCH": f.patch(200, one+"?excludedAttributes=title", `[{"op":"replace","path":"title","value":"z"}]`).doc,
			".search": f.want(200, "POST", "/Users/.search", `{"excludedAttributes":["title"],"filter":"id eq \"`+id+`\""}`).at("Resources", 0),
		} {
			doc, _ := v.(map[string]any)
			f.check(doc["id"] != nil && doc["schemas"] != nil && doc["userName"] != nil && doc["title"] == nil && doc["meta"] != nil, "%s: %v", what, doc)
		}
		f.want(400, "GET", one+"?attributes=userName&excludedAttributes=title", "").refused(f.T, "invalidValue")
	}},
	{"L16", "attributes are named dotted, with URN, in any case; unknown ones are passed over", func(f *facade) {
		id := f.user("ann@demo.example", `"name":{"givenName":"Ann","familyName":"B"}`, `"`+enterprise+`":{"department":"Sales"}`)
		doc := f.get("/Users/" + id + "?attributes=" + url.QueryEscape("NAME.givenname,bogus, "+coreUser+":userName,"+enterprise+":department")).doc
		name, _ := doc["name"].(map[string]any)
		extension, _ := doc[enterprise].(map[string]any)
		f.check(name["givenName"] == "Ann" && name["familyName"] == nil && doc["userName"] != nil && extension["department"] == "Sales" && doc["emails"] == nil, "%v", doc)
		doc = f.get("/Users/" + id + "?attributes=department").doc
		f.check(doc[enterprise] != nil && doc["userName"] == nil, "%v", doc)
	}},
	{"L17", "searches by POST, of a type and of all, keep schemas in each resource", func(f *facade) {
		for path, total := range map[string]float64{"/Users/.search": 12, "/Groups/.search": 3, "/Issues/.search": 5} {
			a := f.want(200, "POST", path, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"startIndex":1,"count":2,"attributes":["id"]}`)
			f.check(a.at("totalResults") == total && a.at("Resources", 1, "schemas", 0) != nil && a.at("Resources", 1, "id") != nil && a.at("schemas", 0) == "urn:ietf:params:scim:api:messages:2.0:ListResponse", "%s: %s", path, a.body)
		}
		name := f.first("/Groups", "displayName")
		a := f.want(200, "POST", "/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":"displayName eq `+strings.ReplaceAll(jsonText(name), `"`, `\"`)+`"}`)
		f.check(a.at("totalResults").(float64) >= 1 && strings.Contains(a.body, coreGroup), "%s", a.body)
	}},
	{"L18", "sorting is announced and done", func(f *facade) {
		f.check(f.get("/ServiceProviderConfig").at("sort", "supported") == true, "not announced")
		var up, down []string
		for order, names := range map[string]*[]string{"": &up, "&sortOrder=descending": &down} {
			list, _ := f.get("/Users?sortBy=userName" + order).at("Resources").([]any)
			for _, e := range list {
				*names = append(*names, strings.ToLower(e.(map[string]any)["userName"].(string)))
			}
		}
		f.check(len(up) == 12 && slices.IsSorted(up), "%v", up)
		slices.Reverse(down)
		f.check(slices.Equal(up, down), "%v, then %v", up, down)
		f.want(400, "GET", "/Users?sortBy=bogus", "").refused(f.T, "invalidPath")
	}},
}

func decoded(text string) any {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		panic(err) // the text is our own
	}
	return v
}

func jsonText(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string is always fit
	}
	return string(b)
}
