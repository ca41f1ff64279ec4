package jira

import (
	"strings"
	"testing"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/upstream"
)

// see reads an issue with attributes that are returned on request.
func (s *issueSite) see(t testing.TB, id string, attributes ...string) query.Object {
	t.Helper()
	want, err := s.schema.Project(attributes, nil)
	if err != nil {
		t.Fatal(err)
	}
	found, err := s.Get(t.Context(), id, want)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestNamedTransitions(t *testing.T) {
	site := newIssueSite(t, emulator.Options{Users: 5, Seed: 1})
	made, err := site.Create(t.Context(), site.accessRequest(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	id := made.Text("id")
	move := func(status map[string]any, more ...resource.Operation) (query.Object, error) {
		request := &resource.Request{Caller: "idhub", ID: "r1", Touched: []string{"status"}}
		for _, op := range more {
			request.Touched = append(request.Touched, op.Path.Attr.Name)
		}
		return site.patch(resource.WithRequest(t.Context(), request), id, append([]resource.Operation{site.op(t, "replace", "status", status)}, more...))
	}
	_, err = move(map[string]any{"name": "Approved"})
	wantError(t, err, 400, resource.TypeInvalidValue, `"Approve" (id 21)`, `"Approve with conditions" (id 31)`, "status.transition")
	_, err = move(map[string]any{"transition": "Fly"})
	wantError(t, err, 400, resource.TypeInvalidValue, "Fly", `"Reject" (id 41) with a screen`)
	_, err = move(map[string]any{"name": "Rejected"})
	wantError(t, err, 400, resource.TypeInvalidValue, "comments: Field Comment is required.")
	got, err := move(map[string]any{"name": "Rejected"}, site.op(t, "add", "comments", []any{map[string]any{"body": "Not **now**"}}))
	if err != nil || got.Inner("status").Text("name") != "Rejected" {
		t.Fatalf("%v, %v", got, err)
	}
	if _, err = move(map[string]any{"transition": "Reopen"}, site.op(t, "add", "comments", []any{map[string]any{"body": "Again"}})); err != nil {
		t.Fatal(err)
	}
	if got, err = move(map[string]any{"name": "Approved", "transition": "21"}); err != nil || got.Inner("resolution").Text("name") != "Done" {
		t.Fatalf("%v, %v", got, err)
	}
	if _, err = move(map[string]any{"name": "Approved", "transition": "21"}); err != nil {
		t.Errorf("the same again: %v", err)
	}
	seen := site.see(t, id, "comments", "transitions", "changes", "key")
	comments := seen.Elements("comments")
	if len(comments) != 2 || comments[0].Text("body") != "Not **now**" || comments[0].Inner("author") == nil {
		t.Errorf("comments %v", comments)
	}
	if edges := seen.Elements("transitions"); len(edges) != 2 || edges[0].Text("name") != "Reopen" || edges[0].Inner("to").Text("name") != "Waiting for approval" {
		t.Errorf("transitions %v", edges)
	}
	changes := seen.Elements("changes")
	if last := changes[len(changes)-1]; last.Text("actor") != "idhub" || !strings.Contains(" status assignee resolution ", " "+last.Text("attribute")+" ") {
		t.Errorf("changes %v", changes)
	}
	request := &resource.Request{Touched: []string{"comments"}}
	_, err = site.patch(resource.WithRequest(t.Context(), request), id, []resource.Operation{site.op(t, "remove", "comments", nil)})
	wantError(t, err, 400, resource.TypeMutability, "comment")
}

func TestBesideTheFields(t *testing.T) {
	site := newIssueSite(t, emulator.Options{Users: 5, Seed: 1})
	accounts, err := site.jira.Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	made, err := site.Create(t.Context(), site.accessRequest(t, map[string]any{
		"watchers": []any{map[string]any{"value": accounts[1].AccountID}}, "comments": []any{map[string]any{"body": "Hello"}},
		"remoteLinks":   []any{map[string]any{"globalId": "r", "url": "https://idhub.example/r", "title": "Request"}},
		"securityLevel": map[string]any{"name": "Requester and approver"}, "affectsVersions": []any{map[string]any{"name": "2026.1"}},
		"originalEstimate": "2d", "remainingEstimate": "4h", "environment": "On *her* laptop.\n\nAt home.",
	}))
	if err != nil {
		t.Fatal(err)
	}
	id := made.Text("id")
	if made.Text("environment") != "On *her* laptop.\n\nAt home." || made.Text("remainingEstimate") != "4h" || made.Inner("securityLevel").Text("id") != "10100" || len(made.Elements("affectsVersions")) != 1 {
		t.Errorf("made %v", made)
	}
	change := func(ops ...resource.Operation) {
		t.Helper()
		request := &resource.Request{}
		for _, op := range ops {
			request.Touched = append(request.Touched, op.Path.Attr.Name)
		}
		if _, err := site.patch(resource.WithRequest(t.Context(), request), id, ops); err != nil {
			t.Fatal(err)
		}
	}
	change(site.op(t, "replace", "environment", "On *her* laptop.\n\nIn the office."))
	if got := site.see(t, id, "environment").Text("environment"); got != "On *her* laptop.\n\nIn the office." {
		t.Errorf("environment %q", got)
	}
	change(site.op(t, "remove", "environment", nil))
	if got, there := site.see(t, id, "environment").Get("environment"); there {
		t.Errorf("environment %q", got)
	}
	change(site.op(t, "add", "watchers", []any{map[string]any{"value": accounts[2].AccountID}}),
		site.op(t, "add", "remoteLinks", []any{map[string]any{"url": "https://wiki.example"}}), site.op(t, "remove", "originalEstimate", nil))
	seen := site.see(t, id, "watchers", "remoteLinks", "comments", "originalEstimate")
	if len(seen.Elements("watchers")) != 2 || len(seen.Elements("remoteLinks")) != 2 || len(seen.Elements("comments")) != 1 || seen.Text("originalEstimate") != "" {
		t.Errorf("added: %v", seen)
	}
	change(site.op(t, "replace", "watchers", []any{}), site.op(t, "replace", "remoteLinks", []any{map[string]any{"globalId": "r", "url": "https://idhub.example/s"}}))
	if seen = site.see(t, id, "watchers", "remoteLinks"); len(seen.Elements("watchers")) != 0 || len(seen.Elements("remoteLinks")) != 1 {
		t.Errorf("replaced: %v", seen)
	}
	other, err := site.Create(t.Context(), site.accessRequest(t, map[string]any{"links": []any{map[string]any{"type": "Blocks", "direction": "inward", "value": id}}}))
	if err != nil {
		t.Fatal(err)
	}
	links := site.see(t, id, "links").Elements("links")
	if len(links) != 1 || links[0].Text("key") != other.Text("key") || links[0].Text("direction") != "outward" {
		t.Errorf("links %v", links)
	}
	change(site.op(t, "add", "links", []any{map[string]any{"type": "Relates", "direction": "outward", "key": other.Text("key")}}))
	if links = site.see(t, id, "links").Elements("links"); len(links) != 2 {
		t.Errorf("links %v", links)
	}
	change(site.op(t, "replace", "links", []any{}))
	if links = site.see(t, id, "links").Elements("links"); len(links) != 0 {
		t.Errorf("links %v", links)
	}
	_, err = site.Create(t.Context(), site.accessRequest(t, map[string]any{"links": []any{map[string]any{"type": "Blocks", "value": id}}}))
	wantError(t, err, 400, resource.TypeInvalidValue, "links: each needs")
	_, err = site.Create(t.Context(), site.accessRequest(t, map[string]any{"securityLevel": map[string]any{"name": "None such"}}))
	wantError(t, err, 400, resource.TypeInvalidValue, "securityLevel:")
}

// What can be known of links and of people is refused before an issue is made or changed.
func TestLinksAreCheckedFirst(t *testing.T) {
	site := newIssueSite(t, emulator.Options{Users: 5, Seed: 1}, "ACC")
	made, err := site.Create(t.Context(), site.accessRequest(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		link map[string]any
		says []string
	}{
		"an unknown type":         {map[string]any{"type": "Likes", "direction": "outward", "value": made.Text("id")}, []string{`"Likes"`, `"Blocks"`}},
		"an unknown id":           {map[string]any{"type": "Blocks", "direction": "outward", "value": "99999999"}, []string{`id "99999999"`}},
		"an unknown key":          {map[string]any{"type": "Blocks", "direction": "inward", "key": "ACC-99999"}, []string{`key "ACC-99999"`}},
		"an id and another's key": {map[string]any{"type": "Blocks", "direction": "inward", "value": made.Text("id"), "key": "ACC-99999"}, []string{"there is no issue"}},
		"a project not served":    {map[string]any{"type": "Blocks", "direction": "inward", "key": "ENG-1"}, []string{`key "ENG-1"`}},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(site.all(t))
			comment := []any{map[string]any{"body": "With a link."}}
			_, err := site.Create(t.Context(), site.accessRequest(t, map[string]any{"links": []any{c.link}, "comments": comment}))
			wantError(t, err, 400, resource.TypeInvalidValue, append(c.says, "links")...)
			_, err = site.patch(resource.WithRequest(t.Context(), &resource.Request{Touched: []string{"links", "comments"}}), made.Text("id"),
				[]resource.Operation{site.op(t, "add", "links", []any{c.link}), site.op(t, "add", "comments", comment)})
			wantError(t, err, 400, resource.TypeInvalidValue, append(c.says, "links")...)
			if now := len(site.all(t)); now != before {
				t.Errorf("%d issues were made", now-before)
			}
			if seen := site.see(t, made.Text("id"), "comments"); len(seen.Elements("comments")) != 0 {
				t.Errorf("commented: %v", seen)
			}
		})
	}
	_, err = site.patch(t.Context(), made.Text("id"), []resource.Operation{site.op(t, "add", "links",
		[]any{map[string]any{"type": "Blocks", "direction": "outward", "key": made.Text("key")}})})
	wantError(t, err, 400, resource.TypeInvalidValue, "linked to itself")
}

// A write that fails after a part of it was done says which part.
func TestHalfDoneBesideFields(t *testing.T) {
	site := newIssueSite(t, emulator.Options{Users: 5, Seed: 1})
	made, err := site.Create(t.Context(), site.accessRequest(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	patch := func(ops ...resource.Operation) error {
		_, err := site.patch(resource.WithRequest(t.Context(), &resource.Request{Touched: []string{"comments"}}), made.Text("id"), ops)
		return err
	}
	comments := site.op(t, "add", "comments", []any{map[string]any{"body": "One."}, map[string]any{"body": "Two."}})
	link := site.op(t, "add", "remoteLinks", []any{map[string]any{"url": "https://wiki.example"}})
	site.faults(t, "method=POST path=/rest/api/3/issue/"+made.Text("id")+"/remotelink status=403")
	err = patch(comments, link)
	wantError(t, err, 502, "", "was changed: comments.", "Not done, or not all of it: remoteLinks.")
	if !resource.AsError(err).Partial {
		t.Error("the error is not partial")
	}
	if err := patch(link); err == nil || upstream.AsError(err).Partial {
		t.Errorf("nothing was done: %v", err)
	}
	site.faults(t, "method=POST path=/rest/api/3/issue/"+made.Text("id")+"/comment every=2 status=403")
	err = patch(site.op(t, "add", "comments", []any{map[string]any{"body": "Three."}, map[string]any{"body": "Four."}}))
	wantError(t, err, 502, "", "was changed: comments.", "not all of it: comments.")
	site.faults(t, "")
	if seen := site.see(t, made.Text("id"), "comments"); len(seen.Elements("comments")) != 3 {
		t.Errorf("comments %v", seen.Elements("comments"))
	}
}
