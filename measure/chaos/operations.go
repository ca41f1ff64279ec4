package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

func (c *client) createUser(ctx context.Context) {
	t := c.again(c.users, &thing{kind: "user", name: c.nameOf("u") + "@demo.example"})
	if !slices.Contains(c.users, t) {
		c.users = append(c.users, t)
	}
	c.create(ctx, t, "/Users", userOf(t.name, "One"), map[string]string{t.fact() + " displayName": "One", t.fact() + " active": "true"})
}

// again returns a thing whose creation was in doubt or failed, to be tried again, or the new one.
func (c *client) again(things []*thing, other *thing) *thing {
	for _, t := range things {
		if t.id == "" && c.rng.IntN(2) == 0 {
			return t
		}
	}
	return other
}

func (c *client) readUser(ctx context.Context) {
	if t := c.pick(c.users); t != nil {
		if r, doc := c.read(ctx, t, "/Users/"+t.id); doc != nil {
			c.judgeUser(r, t, doc)
		}
	}
}

// judgeUser judges the attributes of a user that was read.
func (c *client) judgeUser(r reply, t *thing, doc document) {
	c.judge(c.model.whenRead, r, t.fact()+" displayName", doc.text("displayName"))
	c.judge(c.model.whenRead, r, t.fact()+" active", fmt.Sprint(doc["active"]))
}

// findUser looks a user up by its name, and learns its id.
func (c *client) findUser(ctx context.Context) {
	if len(c.users) == 0 {
		return
	}
	t := c.users[c.rng.IntN(len(c.users))]
	r := c.send(ctx, "find user", http.MethodGet, query("/Users", "filter", fmt.Sprintf("userName eq %q", t.name)), nil)
	if r.status != http.StatusOK {
		return
	}
	found := r.doc.list("Resources")
	switch len(found) {
	case 0:
		c.judge(c.model.whenRead, r, t.fact(), absent)
	case 1:
		c.judge(c.model.whenRead, r, t.fact(), present)
		t.id = found[0].text("id")
		c.judgeUser(r, t, found[0])
	default:
		c.report.find(duplicated, "%s: %d users with the name %s", r.id, len(found), t.name)
	}
}

func (c *client) patchUser(ctx context.Context) {
	t := c.pick(c.users)
	if t == nil {
		return
	}
	attribute, value := "displayName", any(c.nameOf("d"))
	if c.rng.IntN(2) == 0 {
		attribute, value = "active", c.rng.IntN(2) == 0
	}
	c.change(ctx, t, http.MethodPatch, "/Users/"+t.id, patchOf(document{"op": "replace", "path": attribute, "value": value}),
		map[string]string{t.fact() + " " + attribute: fmt.Sprint(value)})
}

func (c *client) putUser(ctx context.Context) {
	if t := c.pick(c.users); t != nil {
		display := c.nameOf("p")
		c.change(ctx, t, http.MethodPut, "/Users/"+t.id, userOf(t.name, display), map[string]string{t.fact() + " displayName": display})
	}
}

func (c *client) deleteUser(ctx context.Context) {
	t := c.pick(c.users)
	if t == nil {
		return
	}
	c.remove(ctx, t, "/Users/"+t.id, " "+t.name)
	c.users = slices.DeleteFunc(c.users, func(u *thing) bool { return u == t && c.model.surely(t.fact(), absent) })
}

// remove deletes a thing, and with it the facts about members that end or begin with what touches says.
func (c *client) remove(ctx context.Context, t *thing, path, touches string) {
	facts := map[string]string{t.fact(): absent}
	for fact := range c.model {
		if strings.HasPrefix(fact, "member ") && strings.Contains(fact+" ", touches+" ") {
			facts[fact] = absent
		}
		if fact == "role "+t.name {
			facts[fact] = absent
		}
	}
	if c.change(ctx, t, http.MethodDelete, path, nil, facts) == done {
		c.model.forget(t.fact())
	}
}

func (c *client) createGroup(ctx context.Context) {
	t := &thing{kind: "group", name: c.nameOf("g")}
	body := document{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": t.name}
	facts := map[string]string{}
	if u := c.pick(c.users); u != nil && c.model.surely(u.fact(), present) {
		body["members"] = []document{{"value": u.id}}
		facts["member "+t.name+" "+u.name] = present
	}
	c.groups = append(c.groups, t)
	c.create(ctx, t, "/Groups", body, facts)
}

func (c *client) readGroup(ctx context.Context) {
	t := c.pick(c.groups)
	if t == nil {
		return
	}
	if r, doc := c.read(ctx, t, "/Groups/"+t.id); doc != nil {
		c.judgeMembers(c.model.whenRead, r, t, doc)
	}
}

// judgeMembers judges who is in a group that was read.
func (c *client) judgeMembers(by func(fact, value string) (verdict, bool), r reply, t *thing, doc document) {
	in := map[string]bool{}
	for _, m := range doc.list("members") {
		in[m.text("value")] = true
	}
	for _, u := range c.users {
		value := absent
		if in[u.id] {
			value = present
		}
		if u.id != "" && c.model.may(u.fact(), present) && (value == present || c.model.surely(u.fact(), present)) {
			c.judge(by, r, "member "+t.name+" "+u.name, value)
		}
	}
}

func (c *client) changeMember(ctx context.Context) {
	t, u := c.pick(c.groups), c.pick(c.users)
	if t == nil || u == nil || !c.model.surely(u.fact(), present) {
		return
	}
	op, value := document{"op": "add", "path": "members", "value": []document{{"value": u.id}}}, present
	if c.rng.IntN(2) == 0 {
		op, value = document{"op": "remove", "path": fmt.Sprintf("members[value eq %q]", u.id)}, absent
	}
	c.change(ctx, t, http.MethodPatch, "/Groups/"+t.id, patchOf(op), map[string]string{"member " + t.name + " " + u.name: value})
}

func (c *client) deleteGroup(ctx context.Context) {
	t := c.pick(c.groups)
	if t == nil {
		return
	}
	c.remove(ctx, t, "/Groups/"+t.id, "member "+t.name)
	c.groups = slices.DeleteFunc(c.groups, func(g *thing) bool { return g == t && c.model.surely(t.fact(), absent) })
}

// listUsers lists the client's users, by a filter that Atlassian cannot answer.
func (c *client) listUsers(ctx context.Context) {
	r := c.send(ctx, "list users", http.MethodGet, query("/Users", "filter", fmt.Sprintf("userName sw %q", c.name+"-"), "count", "1000"), nil)
	if r.status == http.StatusOK {
		found := map[string][]document{}
		for _, doc := range r.doc.list("Resources") {
			found[doc.text("userName")] = append(found[doc.text("userName")], doc)
		}
		c.judgeList(r, c.users, found)
	}
}

// judgeList judges a list of all things of a kind.
func (c *client) judgeList(r reply, things []*thing, found map[string][]document) {
	for _, t := range things {
		switch docs := found[t.name]; len(docs) {
		case 0:
			c.judge(c.model.whenRead, r, t.fact(), absent)
		case 1:
			c.judge(c.model.whenRead, r, t.fact(), present)
			if t.kind == "user" {
				c.judgeUser(r, t, docs[0])
			}
		default:
			c.report.find(duplicated, "%s: %d times %s", r.id, len(docs), t.fact())
		}
	}
}

// pageGroups reads all groups, page by page.
func (c *client) pageGroups(ctx context.Context) {
	found := map[string][]document{}
	for cursor := ""; ; {
		r := c.send(ctx, "page groups", http.MethodGet, query("/Groups", "cursor", cursor, "count", "40", "sortBy", "displayName", "attributes", "displayName"), nil)
		if r.status != http.StatusOK {
			return
		}
		for _, doc := range r.doc.list("Resources") {
			found[doc.text("displayName")] = append(found[doc.text("displayName")], doc)
		}
		if cursor = r.doc.text("nextCursor"); cursor == "" {
			c.judgeList(r, c.groups, found)
			return
		}
	}
}

// bulk creates two users and a group of them in one request.
func (c *client) bulk(ctx context.Context) {
	a, b := &thing{kind: "user", name: c.nameOf("u") + "@demo.example"}, &thing{kind: "user", name: c.nameOf("u") + "@demo.example"}
	g := &thing{kind: "group", name: c.nameOf("g")}
	things := []*thing{a, b, g}
	r := c.send(ctx, "bulk", http.MethodPost, "/Bulk", document{
		"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:BulkRequest"},
		"Operations": []document{
			{"method": "POST", "path": "/Users", "bulkId": "a", "data": userOf(a.name, "One")},
			{"method": "POST", "path": "/Users", "bulkId": "b", "data": userOf(b.name, "One")},
			{"method": "POST", "path": "/Groups", "bulkId": "g", "data": document{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group"},
				"displayName": g.name, "members": []document{{"value": "bulkId:a"}, {"value": "bulkId:b"}}}},
		},
	})
	results := r.doc.list("Operations")
	if r.status == http.StatusOK && len(results) != len(things) {
		c.report.find(malformed, "%s: %d results for %d operations", r.id, len(results), len(things))
		return
	}
	for i, t := range things {
		o := refused
		if r.status == http.StatusOK {
			o = c.bulkOutcome(r, results[i], i+1)
			if _, id, ok := strings.Cut(results[i].text("location"), t.path()); ok && o == done {
				t.id = id
			}
		} else if r.status == 0 {
			o = doubtful
		}
		facts := map[string]string{t.fact(): present}
		if t.kind == "user" {
			facts[t.fact()+" displayName"], facts[t.fact()+" active"] = "One", "true"
		} else {
			facts["member "+g.name+" "+a.name], facts["member "+g.name+" "+b.name] = present, present
		}
		c.model.wrote(o, facts)
	}
	c.users, c.groups = append(c.users, a, b), append(c.groups, g)
}

func (t *thing) path() string {
	return map[string]string{"user": "/Users/", "group": "/Groups/", "issue": "/Issues/"}[t.kind]
}

// bulkOutcome is the outcome of one operation; number counts from 1.
func (c *client) bulkOutcome(r reply, result document, number int) outcome {
	status := result.text("status")
	c.report.count("bulk operation", status)
	if strings.HasPrefix(status, "2") {
		return done
	}
	return c.audits.outcome(fmt.Sprintf("%s/%d", r.id, number))
}

// role is the project role that clients give to their users and take from them.
const (
	roleProject, roleNumber = "10000", "10002"
	role                    = "role-" + roleProject + "-" + roleNumber
)

func (c *client) changeRole(ctx context.Context) {
	u := c.pick(c.users)
	if u == nil || !c.model.surely(u.fact(), present) || !c.model.surely(u.fact()+" active", "true") {
		return
	}
	op, value := document{"op": "add", "path": "entitlements", "value": []document{{"value": role}}}, present
	if c.rng.IntN(2) == 0 {
		op, value = document{"op": "remove", "path": fmt.Sprintf("entitlements[value eq %q]", role)}, absent
	}
	c.change(ctx, u, http.MethodPatch, "/Accounts/"+u.id, patchOf(op), map[string]string{"role " + u.name: value})
	r := c.send(ctx, "read account", http.MethodGet, query("/Accounts/"+u.id, "attributes", "entitlements"), nil)
	if r.status == http.StatusOK {
		seen := absent
		for _, e := range r.doc.list("entitlements") {
			if e.text("value") == role {
				seen = present
			}
		}
		if v, found := c.model.whenRead("role "+u.name, seen); found && v == false404 {
			c.report.find(stale, "%s: the role of %s is %s, not %s", r.id, u.name, seen, c.model.expected("role "+u.name))
		} else if found {
			c.report.find(v, "%s: the role of %s is %s, not %s", r.id, u.name, seen, c.model.expected("role "+u.name))
		}
	}
}

func (c *client) createIssue(ctx context.Context) {
	t := c.again(c.issues, &thing{kind: "issue", name: c.nameOf("i")})
	if !slices.Contains(c.issues, t) {
		c.issues = append(c.issues, t)
	}
	c.create(ctx, t, "/Issues", document{"externalId": t.name, "schemas": []string{"urn:scim-atlassian:params:scim:schemas:jira:2.0:Issue"}, "project": document{"key": "ENG"},
		"issueType": document{"name": "Task"}, "summary": t.name, "labels": []string{"chaos"}}, map[string]string{t.fact() + " label": "chaos"})
}

func (c *client) readIssue(ctx context.Context) {
	if t := c.pick(c.issues); t != nil {
		if r, doc := c.read(ctx, t, "/Issues/"+t.id); doc != nil {
			c.judge(c.model.whenRead, r, t.fact()+" label", labelOf(doc["labels"]))
		}
	}
}

// findIssue looks an issue up by its externalId, or by the label that it was given last, which is nobody else's.
func (c *client) findIssue(ctx context.Context) {
	t := c.pick(c.issues)
	if t == nil {
		return
	}
	filter := fmt.Sprintf("externalId eq %q", t.name)
	if label := c.model.expected(t.fact() + " label"); c.model.surely(t.fact()+" label", label) && label != "chaos" && c.rng.IntN(2) == 0 {
		filter = fmt.Sprintf("project.key eq \"ENG\" and labels eq %q", label)
	}
	r := c.send(ctx, "find issue", http.MethodGet, query("/Issues", "filter", filter), nil)
	if r.status != http.StatusOK {
		return
	}
	switch found := r.doc.list("Resources"); len(found) {
	case 0:
		c.judge(c.model.whenRead, r, t.fact(), absent)
	case 1:
		c.judge(c.model.whenRead, r, t.fact(), present)
		c.judge(c.model.whenRead, r, t.fact()+" label", labelOf(found[0]["labels"]))
	default:
		c.report.find(duplicated, "%s: %d issues by %s", r.id, len(found), filter)
	}
}

// labelOf returns the one label of an issue: a text, or an element's value.
func labelOf(labels any) string {
	list, _ := labels.([]any)
	if len(list) != 1 {
		return fmt.Sprint(labels)
	}
	if text, ok := list[0].(string); ok {
		return text
	}
	element, _ := list[0].(map[string]any)
	return document(element).text("value")
}

func (c *client) patchIssue(ctx context.Context) {
	if t := c.pick(c.issues); t != nil {
		label := c.nameOf("l")
		c.change(ctx, t, http.MethodPatch, "/Issues/"+t.id, patchOf(document{"op": "replace", "path": "labels", "value": []string{label}}),
			map[string]string{t.fact() + " label": label})
	}
}

func (c *client) deleteIssue(ctx context.Context) {
	t := c.pick(c.issues)
	if t == nil {
		return
	}
	c.remove(ctx, t, "/Issues/"+t.id, "\x00")
	c.issues = slices.DeleteFunc(c.issues, func(i *thing) bool { return i == t && c.model.surely(t.fact(), absent) })
}
