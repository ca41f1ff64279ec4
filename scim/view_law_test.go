package scim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/server"
)

const (
	accountURN     = "urn:sath:params:scim:api:confluence:1.0:Account"
	entitlementURN = "urn:sath:params:scim:api:confluence:1.0:Entitlement"
)

// lawViews are IDHub's resource types. What is true of them is put together by
// the test from what the directory, Jira and the organization hold.
var lawViews = []lawCollection{
	{
		endpoint: "/Accounts",
		attributes: slices.Concat(
			lawPaths(lawExact, "id", "externalId", "schemas", "meta.resourceType", "meta.location", "email", "familyName", "givenName", "title",
				"nickName", "timezone", "userName", "accountId", "entitlements.value"),
			lawPaths(lawText, "department", "displayName", "fullName", "organization", "entitlements.display", "entitlements.type", "entitlements.through"),
			lawPaths(lawBoolean, "active", "provisioned", "entitlements.direct"),
			lawPaths(lawInstant, "meta.created", "meta.lastModified"),
		),
		complex:     []string{"meta"},
		multiValued: []string{"entitlements"},
		lookups:     []string{"id", "userName"},
	},
	{
		endpoint: "/Entitlements",
		attributes: slices.Concat(
			lawPaths(lawExact, "id", "externalId", "schemas", "meta.resourceType", "meta.location", "members.value"),
			lawPaths(lawText, "displayName", "type", "description", "members.display", "members.through", "form.name", "form.value"),
			lawPaths(lawBoolean, "members.direct"),
			lawPaths(lawInstant, "meta.created", "meta.lastModified"),
		),
		complex:     []string{"meta"},
		multiValued: []string{"members", "form"},
		lookups:     []string{"id", "displayName"},
	},
}

// TestViewLaw holds Accounts and Entitlements to the law of filters, with and
// without an organization, with kept readings and without.
func TestViewLaw(t *testing.T) {
	for _, c := range lawViews {
		for _, mode := range []struct {
			name         string
			organization bool
			ttl          time.Duration
		}{{"", false, 0}, {"/organization", true, time.Hour}} {
			t.Run(c.endpoint+mode.name, func(t *testing.T) {
				t.Parallel()
				newViewLaw(t, c, lawViewSite, mode.organization, scim.Config{SnapshotTTL: mode.ttl}).holdAll(t, 3, 200, 60)
			})
		}
	}
}

// TestViewTruth compares whole documents with what upstream holds.
func TestViewTruth(t *testing.T) {
	for _, c := range lawViews {
		t.Run(c.endpoint, func(t *testing.T) {
			t.Parallel()
			l := newViewLaw(t, c, lawViewSite, true, scim.Config{})
			body, _ := bearerRequest(t, http.MethodGet, l.server+"?excludedAttributes=meta.version", "law", "")
			var list struct{ Resources []map[string]any }
			if err := json.Unmarshal(body, &list); err != nil {
				t.Fatal(err)
			}
			got := map[string]map[string]any{}
			for _, document := range list.Resources {
				got[document["id"].(string)] = document
			}
			cutInstants(l.truth)
			cutInstants(got)
			if diff := cmp.Diff(l.truth, got); diff != "" {
				t.Errorf("documents (-want +got):\n%s", diff)
			}
		})
	}
}

// lawViewSite is what the views are of.
var lawViewSite = emulator.Options{Users: 150, Groups: 9, Projects: 3, Issues: 20, Seed: 7}

func newViewLaw(t *testing.T, c lawCollection, site emulator.Options, organization bool, config scim.Config) *law {
	e := emulator.New(site)
	upstream := serve(t, e)
	if organization {
		var err error
		if config.Organization, err = atlassian.NewOrganization(atlassian.Config{OnCall: scim.CountCall}, upstream, emulator.OrganizationID, emulator.OrganizationKey); err != nil {
			t.Fatal(err)
		}
	}
	config.Callers = []auth.Caller{bearer("law", auth.Write)}
	srv := serve(t, serverOver(t, upstream, atlassian.Config{}, config))
	truth := newViewTruth(t, upstream, srv+server.BasePath+c.endpoint, organization)
	l := &law{lawCollection: c, emulator: e, server: srv + server.BasePath + c.endpoint, truth: map[string]map[string]any{}}
	documents := truth.accounts()
	if c.endpoint == "/Entitlements" {
		documents = truth.entitlements()
	}
	for _, document := range documents {
		l.truth[document["id"].(string)] = document
	}
	return l
}

// viewTruth is what upstream holds, read without any code of the server.
type viewTruth struct {
	*testing.T
	upstream, server string
	users, groups    []map[string]any
	outsiders        []map[string]any
	roles            []viewRole
}

type viewRole struct {
	id, title               string
	role, project, key      string
	accounts, names, groups []string
	outside                 map[string][]map[string]any // accounts of groups that are not in the directory
}

func newViewTruth(t *testing.T, upstream, server string, organization bool) *viewTruth {
	v := &viewTruth{T: t, upstream: upstream, server: server}
	for _, c := range lawCollections {
		for _, document := range c.extra {
			bearerRequest(t, http.MethodPost, v.directory()+c.endpoint, emulator.DirectoryKey, document)
		}
	}
	// Nobody has given this user a name.
	bearerRequest(t, http.MethodPost, v.directory()+"/Users", emulator.DirectoryKey, `{"userName":"Nameless@demo.example","emails":[{"value":"nameless@demo.example","primary":true}]}`)
	v.jira(http.MethodPost, "/project/10001/role/10003", `{"groupId":["0000a6e5-0000-4000-8000-000000000001"]}`)
	v.jira(http.MethodPost, "/project/10002/role/10004", `{"groupId":["0000a6e5-0000-4000-8000-000000000002"]}`)
	v.users, v.groups = v.pages("/Users"), v.pages("/Groups")
	v.readRoles()
	if organization {
		v.readOutsiders()
	}
	return v
}

func (v *viewTruth) directory() string {
	return v.upstream + "/scim/directory/" + emulator.DirectoryID
}

func (v *viewTruth) pages(endpoint string) (all []map[string]any) {
	for total := 1; len(all) < total; {
		var page struct {
			TotalResults int
			Resources    []map[string]any
		}
		body, _ := bearerRequest(v.T, http.MethodGet, v.directory()+endpoint+"?startIndex="+strconv.Itoa(len(all)+1), emulator.DirectoryKey, "")
		if err := json.Unmarshal(body, &page); err != nil {
			v.Fatal(err)
		}
		all, total = append(all, page.Resources...), page.TotalResults
	}
	return all
}

// jira makes a request of Jira and returns the answer, which may be an array.
func (v *viewTruth) jira(method, path, body string) (answer any) {
	raw := jiraRequest(v.T, method, v.upstream+"/rest/api/3"+path, body)
	if err := json.Unmarshal(raw, &answer); err != nil {
		v.Fatal(err)
	}
	return answer
}

func (v *viewTruth) readRoles() {
	for _, p := range v.jira(http.MethodGet, "/project/search", "").(map[string]any)["values"].([]any) {
		project := p.(map[string]any)
		base := "/project/" + project["id"].(string) + "/role"
		for name, link := range v.jira(http.MethodGet, base, "").(map[string]any) {
			number := link.(string)[strings.LastIndex(link.(string), "/")+1:]
			r := viewRole{
				id: "role-" + project["id"].(string) + "-" + number, title: name + " in " + project["name"].(string) + " project",
				role: name, project: project["name"].(string), key: project["key"].(string), outside: map[string][]map[string]any{},
			}
			for _, a := range v.jira(http.MethodGet, base+"/"+number, "").(map[string]any)["actors"].([]any) {
				actor := a.(map[string]any)
				if user, ok := actor["actorUser"].(map[string]any); ok {
					r.accounts, r.names = append(r.accounts, user["accountId"].(string)), append(r.names, actor["displayName"].(string))
					continue
				}
				group := actor["actorGroup"].(map[string]any)
				r.groups = append(r.groups, group["name"].(string))
				if !slices.ContainsFunc(v.groups, func(g map[string]any) bool { return g["displayName"] == group["name"] }) {
					r.outside[group["name"].(string)] = v.siteMembers(group["groupId"].(string))
				}
			}
			v.roles = append(v.roles, r)
		}
	}
	slices.SortFunc(v.roles, func(a, b viewRole) int { return strings.Compare(a.key+"\x00"+a.role, b.key+"\x00"+b.role) })
}

func (v *viewTruth) siteMembers(group string) (all []map[string]any) {
	for last := false; !last; {
		page := v.jira(http.MethodGet, "/group/member?includeInactiveUsers=true&groupId="+group+"&startAt="+strconv.Itoa(len(all)), "").(map[string]any)
		for _, m := range page["values"].([]any) {
			all = append(all, m.(map[string]any))
		}
		last = page["isLast"] == true
	}
	return all
}

// readOutsiders keeps of the organization's accounts those that no user is
// linked to.
func (v *viewTruth) readOutsiders() {
	for cursor := ""; ; {
		var page struct {
			Data  []map[string]any
			Links struct{ Next string }
		}
		target := v.upstream + "/admin/v2/orgs/" + emulator.OrganizationID + "/directories/-/users/search"
		body, _ := bearerRequest(v.T, http.MethodPost, target, emulator.OrganizationKey, fmt.Sprintf(`{"limit":100,"cursor":%q}`, cursor))
		if err := json.Unmarshal(body, &page); err != nil {
			v.Fatal(err)
		}
		for _, a := range page.Data {
			if !slices.ContainsFunc(v.users, func(u map[string]any) bool { return linkedAccount(u) == a["accountId"] }) {
				v.outsiders = append(v.outsiders, a)
			}
		}
		if cursor = page.Links.Next; cursor == "" {
			return
		}
	}
}

func linkedAccount(user map[string]any) any {
	extension, _ := user[lawAtlassian].(map[string]any)
	return extension["atlassianAccountId"]
}

// accounts is what /Accounts is to show.
func (v *viewTruth) accounts() (all []map[string]any) {
	for _, u := range v.users {
		name, _ := u["name"].(map[string]any)
		extension, _ := u[lawEnterprise].(map[string]any)
		account := map[string]any{"provisioned": true, "accountId": linkedAccount(u)}
		for to, from := range map[string]any{
			"id": u["id"], "externalId": u["externalId"], "userName": u["userName"], "title": u["title"], "nickName": u["nickName"],
			"timezone": u["timezone"], "active": u["active"], "familyName": name["familyName"], "givenName": name["givenName"],
			"department": first(extension["department"], u["department"]), "organization": first(extension["organization"], u["organization"]),
			"displayName": first(u["displayName"], name["formatted"], called(name), u["userName"]),
			"fullName":    first(name["formatted"], u["displayName"], called(name), u["userName"]),
		} {
			account[to] = from
		}
		for _, e := range u["emails"].([]any) {
			if e.(map[string]any)["primary"] == true {
				account["email"] = e.(map[string]any)["value"]
			}
		}
		meta := u["meta"].(map[string]any)
		account["meta"] = map[string]any{"created": meta["created"], "lastModified": meta["lastModified"]}
		held, names := []any{}, []string{}
		groups, _ := u["groups"].([]any)
		for _, g := range groups {
			g := g.(map[string]any)
			names = append(names, g["display"].(string))
			held = append(held, map[string]any{"value": g["value"], "display": "GROUP~" + g["display"].(string), "type": "GROUP", "direct": true})
		}
		account["entitlements"] = append(held, v.rolesOf(linkedAccount(u), names)...)
		all = append(all, v.shown(account, "Account"))
	}
	for _, a := range v.outsiders {
		account := map[string]any{
			"id": a["accountId"], "accountId": a["accountId"], "provisioned": false, "userName": first(a["email"], a["accountId"]), "email": a["email"],
			"displayName": first(a["name"], a["email"], a["accountId"]), "fullName": first(a["name"], a["email"], a["accountId"]), "nickName": a["nickname"], "active": a["accountStatus"] == "active",
			"meta": map[string]any{"created": a["addedToOrg"]}, "entitlements": append([]any{}, v.rolesOf(a["accountId"], nil)...),
		}
		all = append(all, v.shown(account, "Account"))
	}
	return all
}

// called is a person's given and family name, as far as there are any.
func called(name map[string]any) any {
	given, _ := name["givenName"].(string)
	family, _ := name["familyName"].(string)
	return strings.TrimSpace(given + " " + family)
}

func first(values ...any) any {
	for _, v := range values {
		if v != nil && v != "" {
			return v
		}
	}
	return nil
}

func (v *viewTruth) rolesOf(account any, groups []string) (held []any) {
	for _, r := range v.roles {
		var through []any
		for _, name := range r.groups {
			isMember := func(m map[string]any) bool { return m["accountId"] == account }
			if slices.Contains(groups, name) || slices.ContainsFunc(r.outside[name], isMember) {
				through = append(through, name)
			}
		}
		direct := account != nil && slices.Contains(r.accounts, account.(string))
		if !direct && through == nil {
			continue
		}
		role := map[string]any{"value": r.id, "display": "PROJECT_ROLE~" + r.title, "type": "PROJECT_ROLE", "direct": direct}
		if through != nil {
			role["through"] = through
		}
		held = append(held, role)
	}
	return held
}

// shown completes a document as the server does, and leaves out what is not
// there.
func (v *viewTruth) shown(document map[string]any, resourceType string) map[string]any {
	for name, value := range document {
		if value == nil || value == "" {
			delete(document, name)
		}
	}
	meta, _ := document["meta"].(map[string]any)
	if meta == nil {
		meta = map[string]any{}
		document["meta"] = meta
	}
	meta["resourceType"] = resourceType
	meta["location"] = v.server + "/" + document["id"].(string)
	document["schemas"] = []any{map[string]any{"Account": accountURN, "Entitlement": entitlementURN}[resourceType]}
	return document
}

// entitlements is what /Entitlements is to show.
func (v *viewTruth) entitlements() (all []map[string]any) {
	for _, g := range v.groups {
		members := []any{}
		for _, m := range g["members"].([]any) {
			m := m.(map[string]any)
			members = append(members, map[string]any{"value": m["value"], "display": m["display"], "direct": true})
		}
		meta := g["meta"].(map[string]any)
		all = append(all, v.shown(map[string]any{
			"id": g["id"], "externalId": g["externalId"], "displayName": "GROUP~" + g["displayName"].(string), "type": "GROUP",
			"description": "This is a Jira Group.", "form": []any{map[string]any{"name": "group", "value": g["displayName"]}},
			"members": members, "meta": map[string]any{"created": meta["created"], "lastModified": meta["lastModified"]},
		}, "Entitlement"))
	}
	for _, r := range v.roles {
		all = append(all, v.shown(map[string]any{
			"id": r.id, "displayName": "PROJECT_ROLE~" + r.title, "type": "PROJECT_ROLE", "description": "This is a Jira Project Role.",
			"form":    []any{map[string]any{"name": "role", "value": r.role}, map[string]any{"name": "project", "value": r.project}, map[string]any{"name": "projectKey", "value": r.key}},
			"members": v.membersOf(r),
		}, "Entitlement"))
	}
	return all
}

func (v *viewTruth) membersOf(r viewRole) []any {
	members := []any{}
	byID := map[any]map[string]any{}
	of := func(id, display any) map[string]any {
		if byID[id] == nil {
			byID[id] = map[string]any{"value": id, "display": display, "direct": false}
			members = append(members, byID[id])
		}
		return byID[id]
	}
	ofAccount := func(account, name any) map[string]any {
		for _, u := range v.users {
			if linkedAccount(u) == account {
				return of(u["id"], u["userName"])
			}
		}
		return of(account, name)
	}
	for i, account := range r.accounts {
		ofAccount(account, r.names[i])["direct"] = true
	}
	add := func(m map[string]any, group string) {
		through, _ := m["through"].([]any)
		m["through"] = append(through, group)
	}
	for _, name := range r.groups {
		for _, a := range r.outside[name] {
			add(ofAccount(a["accountId"], a["displayName"]), name)
		}
		for _, g := range v.groups {
			if g["displayName"] == name {
				for _, m := range g["members"].([]any) {
					add(of(m.(map[string]any)["value"], m.(map[string]any)["display"]), name)
				}
			}
		}
	}
	return members
}
