package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"scim-atlassian/atlassian/emulator"
)

// truth is what the tenant holds, read past server and weather.
type truth struct {
	users, groups map[string][]document // by name
	issues        map[string][]document // by summary
	holders       map[string]bool       // ids of the accounts that hold the role
}

// ask sends a request to the tenant itself.
func ask(e *emulator.Emulator, method, path, body string) (document, error) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if r.Header.Set("Authorization", "Bearer "+emulator.DirectoryKey); !strings.HasPrefix(path, "/scim/") {
		r.SetBasicAuth(emulator.AdminEmail, emulator.APIToken)
	}
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	b, err := io.ReadAll(w.Body)
	if err != nil {
		return nil, err
	}
	if w.Code >= 300 {
		return nil, fmt.Errorf("%s %s: %d %s", method, path, w.Code, b)
	}
	var doc document
	if len(b) > 0 {
		err = json.Unmarshal(b, &doc)
	}
	return doc, err
}

// ownLabels begin the labels by which the server finds an issue by its externalId.
const ownLabels = "scim-id-"

const directoryPath = "/scim/directory/" + emulator.DirectoryID

// readTruth reads everything that the clients might have written.
func readTruth(e *emulator.Emulator) (t *truth, err error) {
	t = &truth{holders: map[string]bool{}}
	if t.users, err = listAll(e, "/Users", "userName"); err != nil {
		return nil, err
	}
	if t.groups, err = listAll(e, "/Groups", "displayName"); err != nil {
		return nil, err
	}
	if t.issues, err = searchAll(e); err != nil {
		return nil, err
	}
	role, err := ask(e, http.MethodGet, "/rest/api/3/project/"+roleProject+"/role/"+roleNumber, "")
	if err != nil {
		return nil, err
	}
	for _, actor := range role.list("actors") {
		if user, ok := actor["actorUser"].(map[string]any); ok {
			t.holders[document(user).text("accountId")] = true
		}
	}
	return t, nil
}

// listAll reads all resources of the directory, and each group by itself, since lists leave out members.
func listAll(e *emulator.Emulator, path, name string) (map[string][]document, error) {
	all := map[string][]document{}
	for start := 1; ; {
		page, err := ask(e, http.MethodGet, fmt.Sprintf("%s%s?startIndex=%d&count=100", directoryPath, path, start), "")
		if err != nil {
			return nil, err
		}
		found := page.list("Resources")
		for _, doc := range found {
			if path == "/Groups" {
				if doc, err = ask(e, http.MethodGet, directoryPath+path+"/"+doc.text("id"), ""); err != nil {
					return nil, err
				}
			}
			all[doc.text(name)] = append(all[doc.text(name)], doc)
		}
		if start += len(found); len(found) == 0 {
			return all, nil
		}
	}
}

func searchAll(e *emulator.Emulator) (map[string][]document, error) {
	all := map[string][]document{}
	for token := ""; ; {
		body, err := json.Marshal(document{"jql": "project = ENG ORDER BY id", "fields": []string{"summary", "labels"}, "maxResults": 100, "nextPageToken": token})
		if err != nil {
			return nil, err
		}
		page, err := ask(e, http.MethodPost, "/rest/api/3/search/jql", strings.Replace(string(body), `,"nextPageToken":""`, "", 1))
		if err != nil {
			return nil, err
		}
		for _, issue := range page.list("issues") {
			fields, _ := issue["fields"].(map[string]any)
			summary := document(fields).text("summary")
			all[summary] = append(all[summary], fields)
		}
		if token = page.text("nextPageToken"); token == "" {
			return all, nil
		}
	}
}

// compare judges everything that a client has written.
func (t *truth) compare(c *client) {
	r := reply{id: "at the end"}
	for fact := range c.model {
		words := strings.Fields(fact)
		var value string
		switch kind, name := words[0], words[1]; {
		case kind == "member":
			value = t.member(name, words[2])
			if !c.judgeable("group "+name) || !c.judgeable("user "+words[2]) {
				continue
			}
		case kind == "role":
			if value = t.role(name); !c.judgeable("user " + name) {
				continue
			}
		case len(words) == 2:
			found := t.of(kind)[name]
			if len(found) > 1 {
				c.report.find(duplicated, "%d times %s", len(found), fact)
			}
			value = absent
			if len(found) > 0 {
				value = present
			}
		default:
			if value = t.attribute(kind, name, words[2]); !c.judgeable(kind + " " + name) {
				continue
			}
		}
		c.judge(c.model.atTheEnd, r, fact, value)
	}
}

// judgeable reports whether the parts of a thing can be judged: it is there for sure.
func (c *client) judgeable(fact string) bool { return c.model.surely(fact, present) }

func (t *truth) of(kind string) map[string][]document {
	return map[string]map[string][]document{"user": t.users, "group": t.groups, "issue": t.issues}[kind]
}

func (t *truth) attribute(kind, name, attribute string) string {
	found := t.of(kind)[name]
	switch {
	case len(found) == 0:
		return absent
	case attribute == "label":
		labels, _ := found[0]["labels"].([]any)
		return labelOf(slices.DeleteFunc(slices.Clone(labels), func(l any) bool { return strings.HasPrefix(fmt.Sprint(l), ownLabels) }))
	}
	return fmt.Sprint(found[0][attribute])
}

func (t *truth) member(group, user string) string {
	for _, g := range t.groups[group] {
		for _, m := range g.list("members") {
			for _, u := range t.users[user] {
				if m.text("value") == u.text("id") {
					return present
				}
			}
		}
	}
	return absent
}

func (t *truth) role(user string) string {
	for _, u := range t.users[user] {
		extension, _ := u["urn:scim:schemas:extension:atlassian-external:1.0"].(map[string]any)
		if t.holders[document(extension).text("atlassianAccountId")] {
			return present
		}
	}
	return absent
}

// strangers looks for things with the name of a client that no client has asked for.
func (t *truth) strangers(clients []*client, r *report) {
	asked := map[string]bool{}
	for _, c := range clients {
		for fact := range c.model {
			asked[fact] = true
		}
	}
	for _, kind := range []string{"user", "group", "issue"} {
		for name := range t.of(kind) {
			if len(name) > 4 && name[0] == 'c' && name[3] == '-' && !asked[kind+" "+name] {
				r.find(phantom, "%s %s, which no client has asked for", kind, name)
			}
		}
	}
}
