package scim_test

import (
	"net/http"

	"scim-atlassian/atlassian"
)

// operations is the body of a PATCH.
func operations(all string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + all + `]}`
}

func (f *facade) make(path, body string) string {
	f.Helper()
	return f.want(http.StatusCreated, http.MethodPost, path, body).at("id").(string)
}

// people returns the ids of two users of the tenant, and those of their accounts.
func people(f *facade) ids {
	found := f.want(http.StatusOK, http.MethodGet, "/Users?count=2&filter=active+eq+true", "")
	text := func(path ...any) string { return found.at(path...).(string) }
	return ids{
		"u": text("Resources", 0, "id"), "v": text("Resources", 1, "id"), "mail": text("Resources", 0, "userName"),
		"a": text("Resources", 0, atlassian.ExternalSchema, "atlassianAccountId"), "b": text("Resources", 1, atlassian.ExternalSchema, "atlassianAccountId"),
	}
}

// withGroups adds two groups, of which the user u is in the second.
func withGroups(f *facade) ids {
	known := people(f)
	known["g"], known["h"] = f.group("first"), f.group("second", known["u"])
	return known
}

const (
	aRole  = "role-10000-10002"
	bRole  = viewerRole
	grant  = `{"op":"add","path":"entitlements","value":[{"value":"` + bRole + `"},{"value":"{g}"}]}`
	revoke = `,{"op":"remove","path":"entitlements[value eq \"` + aRole + `\"]"},{"op":"remove","path":"entitlements[value eq \"{h}\"]"}`
)

// withRoles adds an account that is active, in the second group and has a role.
func withRoles(f *facade) ids {
	known := withGroups(f)
	f.patch(http.StatusOK, "/Accounts/"+known["u"]+"?attributes=id", `[{"op":"add","path":"entitlements","value":[{"value":"`+aRole+`"}]}]`)
	return known
}

// withIssue adds an issue in ENG with a parent, and another to link it to.
func withIssue(f *facade) ids {
	known := people(f)
	known["epic"] = f.make("/Issues", `{"project":"ENG","issueType":"Epic","summary":"epic"}`)
	known["other"] = f.make("/Issues", `{"project":"ENG","issueType":"Task","summary":"other"}`)
	known["i"] = f.make("/Issues", `{"project":"ENG","issueType":"Task","summary":"before","parent":"`+f.get("/Issues/"+known["epic"]).at("key").(string)+`"}`)
	return known
}

func withRequest(f *facade) ids {
	known := people(f)
	admin := f.want(http.StatusCreated, http.MethodPost, "/Issues", `{"project":"ENG","issueType":"Task","summary":"x"}`).at("creator", "value").(string)
	known["i"] = f.make("/Issues", deskRequest(admin, ""))
	return known
}

const (
	aside = `"comments":[{"body":"commented"},{"body":"again"}],"watchers":["{mail}"],"remoteLinks":[{"url":"https://idhub.example/1","title":"remote"}],"links":[{"type":"Blocks","direction":"outward","value":"{other}"}]`
	asked = `{"op":"add","path":"comments","value":[{"body":"commented"},{"body":"again"}]},{"op":"add","path":"watchers","value":["{mail}"]},` +
		`{"op":"add","path":"remoteLinks","value":[{"url":"https://idhub.example/1","title":"remote"}]},{"op":"add","path":"links","value":[{"type":"Blocks","direction":"outward","value":"{other}"}]}`
)

var besides = map[string]string{"comments": `"text":"commented"`, "watchers": `"watchCount":1`, "remoteLinks": `idhub.example`, "links": `"inwardIssue":{`}

func parts(more ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, m := range more {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}

// halfways are the kinds of writes.
var halfways = []halfway{
	{name: "a new user", method: http.MethodPost, path: "/Users", body: userBody("zoe@demo.example")},
	{name: "a changed user", prepare: people, method: http.MethodPatch, path: "/Users/{u}", body: operations(`{"op":"replace","path":"title","value":"Chief"},{"op":"replace","path":"active","value":false}`)},
	{name: "a user by PUT", prepare: people, method: http.MethodPut, path: "/Users/{u}", body: userBody("{mail}", `"title":"Chief"`)},
	{name: "a deleted user", prepare: people, method: http.MethodDelete, path: "/Users/{u}"},
	{name: "groups of a user", prepare: withGroups, method: http.MethodPatch, path: "/Users/{u}",
		body: operations(`{"op":"replace","path":"title","value":"Chief"},{"op":"add","path":"groups","value":[{"value":"{g}"}]},{"op":"remove","path":"groups[value eq \"{h}\"]"}`)},
	{name: "a new group", prepare: people, method: http.MethodPost, path: "/Groups", body: `{"displayName":"third","members":[{"value":"{u}"}]}`},
	{name: "members of a group", prepare: withGroups, method: http.MethodPatch, path: "/Groups/{h}",
		body: operations(`{"op":"add","path":"members","value":[{"value":"{v}"}]},{"op":"remove","path":"members[value eq \"{u}\"]"}`)},
	{name: "a group by PUT", prepare: withGroups, method: http.MethodPut, path: "/Groups/{h}", body: `{"displayName":"second","members":[{"value":"{v}"}]}`},
	{name: "a deleted group", prepare: withGroups, method: http.MethodDelete, path: "/Groups/{h}"},
	{name: "a new account", prepare: withGroups, method: http.MethodPost, path: "/Accounts", body: newAccount("zoe@demo.example", "{g}", aRole, bRole)},
	{name: "an account", prepare: withRoles, method: http.MethodPatch, path: "/Accounts/{u}", body: operations(`{"op":"replace","path":"title","value":"Chief"},` + grant + revoke)},
	{name: "groups of an account", prepare: withRoles, method: http.MethodPatch, path: "/Accounts/{u}", body: operations(`{"op":"add","path":"entitlements","value":[{"value":"{g}"}]}`)},
	{name: "roles of an account", prepare: withRoles, method: http.MethodPatch, path: "/Accounts/{u}?attributes=entitlements", body: operations(`{"op":"add","path":"entitlements","value":[{"value":"` + bRole + `"}]}`)},
	{name: "a deleted account", prepare: withRoles, method: http.MethodDelete, path: "/Accounts/{u}"},
	{name: "members of a role", prepare: withRoles, method: http.MethodPatch, path: "/Entitlements/" + aRole,
		body: operations(`{"op":"add","path":"members","value":[{"value":"{v}"}]},{"op":"remove","path":"members[value eq \"{u}\"]"}`)},
	{name: "members of an entitlement", prepare: withRoles, method: http.MethodPatch, path: "/Entitlements/{h}",
		body: operations(`{"op":"add","path":"members","value":[{"value":"{v}"}]},{"op":"remove","path":"members[value eq \"{u}\"]"}`)},
	{name: "a new entitlement", prepare: withGroups, method: http.MethodPost, path: "/Entitlements", body: `{"displayName":"GROUP~third","type":"GROUP","members":[{"value":"{u}"}]}`},
	{name: "a new issue", prepare: withIssue, method: http.MethodPost, path: "/Issues", parts: parts(besides, map[string]string{"was created": `"summary":"new"`}),
		body: `{"project":"ENG","issueType":"Task","summary":"new","externalId":"R-1","status":"In Progress",` + aside + `}`},
	{name: "an issue", prepare: withIssue, method: http.MethodPatch, path: "/Issues/{i}", parts: parts(besides, map[string]string{"externalId": "scim-id-", "summary": `"summary":"after"`}),
		body: operations(`{"op":"replace","path":"summary","value":"after"},{"op":"replace","path":"externalId","value":"R-1"},{"op":"replace","path":"status","value":{"name":"In Progress"}},` + asked)},
	{name: "the externalId of an issue", prepare: withIssue, method: http.MethodPatch, path: "/Issues/{i}", parts: map[string]string{"externalId": "scim-id-", "comments": `"text":"commented"`},
		body: operations(`{"op":"replace","path":"externalId","value":"R-1"},{"op":"add","path":"comments","value":[{"body":"commented"}]}`)},
	{name: "the parent of an issue", prepare: withIssue, method: http.MethodPatch, path: "/Issues/{i}", parts: map[string]string{"comments": `"text":"commented"`},
		body: operations(`{"op":"remove","path":"parent"},{"op":"add","path":"comments","value":[{"body":"commented"}]}`)},
	{name: "a deleted issue", prepare: withIssue, method: http.MethodDelete, path: "/Issues/{i}"},
	{name: "a new request", prepare: people, method: http.MethodPost, path: "/Issues", parts: map[string]string{"was created": `"summary":"CRM"`},
		body: deskRequest("{mail}", `,"externalId":"R-1","organization":"Partners","participants":["{mail}"],"priority":"High","comments":[{"body":"commented","internal":true}]`)},
	{name: "a request", prepare: withRequest, method: http.MethodPatch, path: "/Issues/{i}", parts: map[string]string{"summary": `"summary":"after"`, "comments": `"text":"commented"`},
		body: operations(`{"op":"replace","path":"summary","value":"after"},{"op":"add","path":"comments","value":[{"body":"commented"}]},{"op":"replace","path":"organization","value":{"id":"2"}},` +
			`{"op":"add","path":"participants","value":[{"userName":"{mail}"}]},{"op":"replace","path":"approvals[id eq \"1\"].decision","value":"approved"}`)},
}
