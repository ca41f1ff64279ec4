package console

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"scim-atlassian/scim/console/sheet"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// personData is what the page shows besides its tables.
type personData struct {
	Query   string
	ID      string
	Name    string
	Sides   []side
	Changes string // URL of everything about this person
}

// side is what one system knows of a person.
type side struct {
	Title, Note string
	Facts       []named
	Missing     string // why there are none
}

const mostFound = 25 // people that a search lists

// person shows one person as the directory, the organization and Jira know them.
func (c *Console) person(v *visit) (*view, error) {
	q := v.URL.Query()
	data := &personData{Query: strings.TrimSpace(q.Get("q")), ID: q.Get("id")}
	found := &view{Data: data}
	switch {
	case !v.caller.May("User", false) && !v.caller.May("Account", false):
		found.Lead, found.Tone = "This caller may read neither users nor accounts.", sheet.Doubt
		return found, nil
	case data.ID == "" && data.Query == "":
		found.Lead = "Whom do you look for? A user name, an e-mail address, an id, or a part of the name."
		return found, nil
	case data.ID == "":
		people, err := c.search(v, data.Query)
		if err != nil {
			return nil, err
		}
		if len(people) != 1 {
			found.Tables = []*sheet.Table{peopleTable(people)}
			found.Lead = sheet.Plural(len(people), "person matches", "people match") + "."
			if len(people) == mostFound {
				found.Lead = "The first " + sheet.Thousands(mostFound) + " people who match."
			}
			return found, nil
		}
		data.ID = sheet.Words(people[0]["id"])
	}
	return found, c.describe(v, data, found)
}

// search finds people, first by what is theirs alone, then by parts of names.
func (c *Console) search(v *visit, words string) ([]map[string]any, error) {
	for _, try := range []struct {
		kind, op string
		names    []string
	}{
		{"User", "eq", []string{"userName", "emails.value", "externalId", "id"}},
		{"Account", "eq", []string{"id", "accountId"}},
		{"User", "co", []string{"userName", "displayName", "emails.value"}},
		{"Account", "co", []string{"userName", "displayName", "email"}},
	} {
		rt := c.typeFor(v, try.kind)
		if rt == nil {
			continue
		}
		var terms []string
		for _, name := range try.names {
			if _, err := rt.Schema.Resolve(name); err == nil && v.caller.MayName(name) == nil {
				terms = append(terms, name+" "+try.op+" "+quoted(words))
			}
		}
		if len(terms) == 0 {
			continue
		}
		a, err := c.ask(v, http.MethodGet, rt.Endpoint, url.Values{"filter": {strings.Join(terms, " or ")}, "count": {"25"}}, "")
		if err != nil {
			return nil, err
		}
		if e := a.refusal(); e != nil {
			return nil, e
		}
		if people := a.resources(); len(people) > 0 {
			return people, nil
		}
	}
	return nil, nil
}

// typeFor returns a type that the caller may read, nil if it may not.
func (c *Console) typeFor(v *visit, name string) *resource.Type {
	for _, rt := range c.reads(v.caller) {
		if rt.Name == name {
			return rt
		}
	}
	return nil
}

func peopleTable(people []map[string]any) *sheet.Table {
	t := &sheet.Table{Name: "people", Title: "People", Columns: sheet.Columns("name=~Name", "userName=~User name", "active=Active", "id=Id"), Empty: "Nobody is found. Is it the user name, as the directory has it?"}
	for _, p := range people {
		id := sheet.Words(p["id"])
		t.Rows = append(t.Rows, []sheet.Cell{{Text: cmp.Or(sheet.Words(p["displayName"]), id), Link: Path + "/person?" + url.Values{"id": {id}}.Encode()}, sheet.Text(sheet.Words(p["userName"])), sheet.Text(sheet.Words(p["active"])), sheet.Code(id)})
	}
	return t
}

// describe reads everything about a person.
func (c *Console) describe(v *visit, data *personData, found *view) error {
	user, inDirectory, err := c.record(v, "User", data.ID, "Directory")
	if err != nil {
		return err
	}
	account, inOrganization, err := c.record(v, "Account", data.ID, "Organization and account")
	if err != nil {
		return err
	}
	if user == nil && account == nil {
		return refuse(http.StatusNotFound, "There is nobody with the id %s that the caller %s may read.", resource.InQuotes(data.ID), v.caller.Name)
	}
	accountID := cmp.Or(sheet.Words(account["accountId"]), sheet.Words(member(user, "atlassianAccountId")))
	issues, inJira, err := c.issues(v, accountID)
	if err != nil {
		return err
	}
	data.Sides = []side{inDirectory, inOrganization, inJira}
	data.Name = cmp.Or(sheet.Words(user["displayName"]), sheet.Words(account["displayName"]), sheet.Words(user["userName"]), data.ID)
	about := url.Values{"about": slices.DeleteFunc([]string{data.ID, cmp.Or(sheet.Words(user["userName"]), sheet.Words(account["userName"])), accountID}, func(s string) bool { return s == "" })}
	data.Changes = Path + "/changes?" + about.Encode()
	access := c.access(v, user, account)
	found.Lead = data.Name + " " + active(user, account) + ", and " + sheet.Plural(len(access.Rows), "thing is", "things are") + " granted."
	found.Tables = append(found.Tables, access)
	if issues != nil {
		found.Tables = append(found.Tables, issues)
	}
	return nil
}

func active(user, account map[string]any) string {
	for _, record := range []map[string]any{user, account} {
		switch record["active"] {
		case true:
			return "is active"
		case false:
			return "is deactivated"
		}
	}
	return "is known"
}

// record reads a resource, and lists its attributes. It is nil if there is none, or none that the caller may read.
func (c *Console) record(v *visit, kind, id, title string) (map[string]any, side, error) {
	s := side{Title: title}
	rt := c.typeFor(v, kind)
	if rt == nil {
		s.Missing = "The caller " + v.caller.Name + " may not read this."
		return nil, s, nil
	}
	s.Note = rt.Endpoint + "/" + id
	a, err := c.ask(v, http.MethodGet, rt.Endpoint+"/"+url.PathEscape(id), nil, "")
	if err != nil {
		return nil, s, err
	}
	if e := a.refusal(); e != nil {
		s.Missing = e.Detail
		if e.Status == http.StatusNotFound {
			s.Missing = "Not there."
		}
		return nil, s, nil
	}
	s.Facts = facts(rt.Schema, a.body, rt.Links.Name)
	return a.body, s, nil
}

// facts lists the attributes of a resource in the order of its schema, apart from its links.
func facts(s *query.Schema, o map[string]any, links string) []named {
	var all []named
	add := func(attributes []*query.Attribute, o map[string]any) {
		for _, a := range attributes {
			if a.Name == "schemas" || a.Name == "meta" || a.Name == links {
				continue
			}
			if value := sheet.Few(o[a.Name]); value != "" {
				all = append(all, named{a.Name, value})
			}
		}
	}
	add(s.Attributes, o)
	for _, e := range s.Extensions {
		inner, _ := o[e.URN].(map[string]any)
		add(e.Attributes, inner)
	}
	meta, _ := o["meta"].(map[string]any)
	for _, name := range []string{"created", "lastModified"} {
		if value := sheet.Words(meta[name]); value != "" {
			all = append(all, named{name, value})
		}
	}
	return all
}

// access lists what a person has got, and how.
func (c *Console) access(v *visit, user, account map[string]any) *sheet.Table {
	t := &sheet.Table{Name: "access", Title: "Access", Columns: sheet.Columns("access=~Access", "kind=Kind", "granted=~How it was granted", "id=Id"), Empty: "Nothing was granted."}
	var given []map[string]any
	if rt := c.typeFor(v, "Account"); rt != nil && account != nil {
		given = objects(account[rt.Links.Name])
	} else if user != nil {
		given = objects(user["groups"])
		t.Note = "Groups alone: the caller " + v.caller.Name + " may not read accounts, which show project roles too."
	}
	for _, g := range given {
		name := sheet.Words(g["display"])
		if _, bare, ok := strings.Cut(name, "~"); ok {
			name = bare
		}
		how := "directly"
		if through := list(g["through"]); len(through) > 0 {
			how = "through " + strings.Join(through, ", ")
			if g["direct"] == true {
				how = "directly, and " + how
			}
		}
		kind := strings.ToLower(strings.ReplaceAll(sheet.Words(g["type"]), "_", " "))
		if kind == "direct" {
			kind = "group"
		}
		t.Rows = append(t.Rows, []sheet.Cell{sheet.Text(name), sheet.Text(kind), sheet.Text(how), sheet.Code(sheet.Words(g["value"]))})
	}
	return t
}

// issues lists the latest issues that a person has to do with, and how many there are.
func (c *Console) issues(v *visit, accountID string) (*sheet.Table, side, error) {
	s := side{Title: "Jira"}
	rt := c.typeFor(v, "Issue")
	switch {
	case rt == nil:
		s.Missing = "The caller " + v.caller.Name + " may not read issues."
		return nil, s, nil
	case accountID == "":
		s.Missing = "There is no account yet."
		return nil, s, nil
	}
	s.Facts = []named{{"account", accountID}}
	t := &sheet.Table{Name: "issues", Title: "Latest issues", Columns: sheet.Columns("key=Key", "summary=~Summary", "status=Status", "created=Created (UTC)"), Empty: "No issue names this person as its assignee or reporter."}
	for _, role := range []struct{ attribute, words string }{{"assignee.value", "assigned"}, {"reporter.value", "reported"}} {
		a, err := c.ask(v, http.MethodGet, rt.Endpoint, url.Values{"filter": {role.attribute + " eq " + quoted(accountID)}, "count": {"0"}}, "")
		if err != nil {
			return nil, s, err
		}
		if e := a.refusal(); e != nil {
			s.Missing = e.Detail
			return nil, s, nil
		}
		s.Facts = append(s.Facts, named{role.words, sheet.Thousands(number(a.body["totalResults"]))})
	}
	either := "assignee.value eq " + quoted(accountID) + " or reporter.value eq " + quoted(accountID)
	a, err := c.ask(v, http.MethodGet, rt.Endpoint, url.Values{"filter": {either}, "count": {"10"}, "sortBy": {"created"}, "sortOrder": {"descending"}}, "")
	if err != nil {
		return nil, s, err
	}
	if e := a.refusal(); e != nil {
		s.Missing = e.Detail
		return nil, s, nil
	}
	for _, i := range a.resources() {
		status, _ := i["status"].(map[string]any)
		t.Rows = append(t.Rows, []sheet.Cell{sheet.Text(sheet.Words(i["key"])), sheet.Text(sheet.Few(i["summary"])), sheet.Text(sheet.Words(status["name"])), parsed(i["created"])})
	}
	return t, s, nil
}
