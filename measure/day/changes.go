package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
)

// change has somebody change something: mostly others, in the tenant itself.
func (d *day) change(ctx context.Context) error {
	if d.rng.IntN(8) == 0 {
		return d.writeThrough(ctx)
	}
	kinds := []struct {
		weight int
		name   string
		do     func() error
	}{
		{6, "create user", d.createUser}, {4, "delete user", d.deleteUser}, {25, "patch user", d.patchUser}, {2, "create group", d.createGroup},
		{1, "delete group", d.deleteGroup}, {25, "member", d.changeMember}, {17, "role", d.changeRole},
		{4, "create issue", d.createIssue}, {3, "delete issue", d.deleteIssue}, {8, "edit issue", d.editIssue}, {5, "transition", d.moveIssue},
	}
	at := d.rng.IntN(100)
	for _, k := range kinds {
		if at -= k.weight; at < 0 {
			d.tally.changes[k.name]++
			return k.do()
		}
	}
	return nil
}

// direct sends a change past the server and takes over what is true of things then.
func (d *day) direct(method, path string, body any, touched ...string) (document, error) {
	doc, _, err := d.tenant.ask(method, path, body)
	if err != nil {
		return nil, err
	}
	return doc, d.look(append(touched, doc.text("id"))...)
}

// look reads users and groups by their ids again.
func (d *day) look(ids ...string) error {
	after := facts{}
	for _, id := range ids {
		if id == "" {
			continue
		}
		for _, kind := range []string{"User", "Group"} {
			if err := d.tenant.read(after, kind, id); err != nil {
				return err
			}
		}
		if err := d.tenant.readIssue(after, id); err != nil {
			return err
		}
	}
	d.replace(after, ids)
	return nil
}

// replace takes over what is true of things now.
func (d *day) replace(after facts, ids []string) {
	before := facts{}
	for fact, value := range d.now {
		if of := subject(fact); slices.ContainsFunc(ids, func(id string) bool { return id != "" && of == kindOf(fact)+" "+id }) {
			before[fact] = value
		}
	}
	d.note(before, after)
	for fact := range before {
		delete(d.now, fact)
	}
	for fact, value := range after {
		d.now[fact] = value
	}
}

func patchOf(op document) document {
	return document{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": []document{op}}
}

func (d *day) name(kind string) string { d.named++; return fmt.Sprintf("%s-%d", kind, d.named) }

func (d *day) newUser() document {
	name := d.name("user") + "@demo.example"
	return document{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": name, "displayName": "New", "emails": []document{{"value": name, "primary": true, "type": "work"}}}
}

func (d *day) createUser() error {
	doc, err := d.direct(http.MethodPost, directoryPath+"/Users", d.newUser())
	d.users = append(d.users, doc.text("id"))
	return err
}

// deleteUser takes him out of groups and roles too.
func (d *day) deleteUser() error {
	at := d.rng.IntN(len(d.users))
	if _, _, err := d.tenant.ask(http.MethodDelete, directoryPath+"/Users/"+d.users[at], nil); err != nil {
		return err
	}
	delete(d.tenant.owners, d.tenant.accounts[d.users[at]]) // the account may go on to hold a role, and is nobody's
	d.users = slices.Delete(d.users, at, at+1)
	return d.reread()
}

// userPatch is a change of one attribute.
func (d *day) userPatch() document {
	switch d.rng.IntN(3) {
	case 0:
		return patchOf(document{"op": "replace", "path": "active", "value": d.rng.IntN(2) == 0})
	case 1:
		return patchOf(document{"op": "replace", "path": "title", "value": d.name("title")})
	}
	return patchOf(document{"op": "replace", "path": "displayName", "value": d.name("name")})
}

func (d *day) pick(ids []string) string { return ids[d.rng.IntN(len(ids))] }

func (d *day) patchUser() error {
	id := d.pick(d.users)
	_, err := d.direct(http.MethodPatch, directoryPath+"/Users/"+id, d.userPatch(), id)
	return err
}

func (d *day) createGroup() error {
	doc, err := d.direct(http.MethodPost, directoryPath+"/Groups", document{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": d.name("group"), "members": []document{{"value": d.pick(d.users)}}})
	d.groups = append(d.groups, doc.text("id"))
	return err
}

func (d *day) deleteGroup() error {
	at := d.rng.IntN(len(d.groups))
	if _, _, err := d.tenant.ask(http.MethodDelete, directoryPath+"/Groups/"+d.groups[at], nil); err != nil {
		return err
	}
	d.groups = slices.Delete(d.groups, at, at+1)
	return d.reread()
}

func (d *day) memberPatch() document {
	user := d.pick(d.users)
	if d.rng.IntN(2) == 0 {
		return patchOf(document{"op": "remove", "path": fmt.Sprintf("members[value eq %q]", user)})
	}
	return patchOf(document{"op": "add", "path": "members", "value": []document{{"value": user}}})
}

func (d *day) changeMember() error {
	id := d.pick(d.groups)
	_, err := d.direct(http.MethodPatch, directoryPath+"/Groups/"+id, d.memberPatch(), id)
	return err
}

// changeRole gives somebody a role, or takes it away.
func (d *day) changeRole() error {
	role := roles[d.rng.IntN(len(roles))]
	id, user, held := "role-"+role[0]+"-"+role[1], d.pick(d.users), facts{}
	if err := d.tenant.readRole(held, role); err != nil {
		return err
	}
	method, query, body := http.MethodPost, "", document{"user": []string{d.tenant.accounts[user]}}
	if _, holds := held["Entitlement "+id+" members "+user]; holds {
		method, query, body = http.MethodDelete, "?user="+d.tenant.accounts[user], nil
	}
	if _, _, err := d.tenant.ask(method, projectPath+role[0]+"/role/"+role[1]+query, body); err != nil {
		return err
	}
	after := facts{}
	if err := d.tenant.readRole(after, role); err != nil {
		return err
	}
	d.replace(after, []string{id})
	return nil
}

func (d *day) createIssue() error {
	doc, err := d.direct(http.MethodPost, issuePath, document{"fields": document{"project": document{"key": "ENG"}, "issuetype": document{"name": "Task"}, "summary": d.name("issue")}})
	d.issues = append(d.issues, doc.text("id"))
	return err
}

// deleteIssue deletes its subtasks too.
func (d *day) deleteIssue() error {
	at := d.rng.IntN(len(d.issues))
	if _, _, err := d.tenant.ask(http.MethodDelete, issuePath+"/"+d.issues[at]+"?deleteSubtasks=true", nil); err != nil {
		return err
	}
	return d.reread()
}

func (d *day) editIssue() error {
	id := d.pick(d.issues)
	_, err := d.direct(http.MethodPut, issuePath+"/"+id, document{"fields": document{"summary": d.name("summary")}}, id)
	return err
}

// moveIssue takes the first transition that asks for nothing.
func (d *day) moveIssue() error {
	id := d.pick(d.issues)
	doc, _, err := d.tenant.ask(http.MethodGet, issuePath+"/"+id+"/transitions", nil)
	if err != nil {
		return err
	}
	for _, move := range doc.list("transitions") {
		if move["hasScreen"] != true {
			_, err = d.direct(http.MethodPost, issuePath+"/"+id+"/transitions", document{"transition": document{"id": move["id"]}}, id)
			break
		}
	}
	return err
}

// writeThrough changes something through the server. That it is refused is no finding: whom others have deleted is not there.
func (d *day) writeThrough(ctx context.Context) error {
	d.tally.changes["through the server"]++
	method, path, body := http.MethodPatch, "/Users/"+d.pick(d.users), d.userPatch()
	switch d.rng.IntN(7) {
	case 4:
		path, body = "/Issues/"+d.pick(d.issues), patchOf(document{"op": "replace", "path": "summary", "value": d.name("summary")})
	case 5:
		method, path, body = http.MethodPost, "/Issues", document{"schemas": []string{"urn:scim-atlassian:params:scim:schemas:jira:2.0:Issue"},
			"project": document{"key": "ENG"}, "issueType": document{"name": "Task"}, "summary": d.name("issue")}
	case 6:
		method, path, body = http.MethodDelete, "/Issues/"+d.pick(d.issues), nil
	case 0:
		path, body = "/Groups/"+d.pick(d.groups), d.memberPatch()
	case 1:
		role := roles[d.rng.IntN(len(roles))]
		path, body = "/Entitlements/role-"+role[0]+"-"+role[1], patchOf(document{"op": "add", "path": "members", "value": []document{{"value": d.pick(d.users)}}})
	case 2:
		method, path, body = http.MethodPost, "/Users", d.newUser()
	}
	doc, err := d.client.send(ctx, method, base+path, body)
	if path == "/Users" && err == nil {
		d.users = append(d.users, doc.text("id"))
	}
	return d.reread()
}
