package jira

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"scim-atlassian/atlassian/emulator/adf"
	"scim-atlassian/atlassian/emulator/jql"
	"scim-atlassian/atlassian/emulator/tenant"
)

// entry is one change of an issue in its changelog.
type entry struct {
	id     int64
	author *tenant.Account
	at     time.Time
	meta   json.RawMessage // historyMetadata of the request, or nil
	items  []item
}

// item is the change of one field. from and to are ids, or nil where the field
// has none.
type item struct {
	field            *issueField
	from, to         *string
	fromText, toText string
}

// trace is the value of a field as the changelog writes it.
type trace struct{ id, text string }

// cause says who changed an issue.
type cause struct {
	by   *tenant.Account
	meta json.RawMessage
}

// record writes the differences between two states of an issue into the
// changelog of the second.
func (j *Jira) record(before, after *issue, why cause) {
	var items []item
	for _, f := range j.fields {
		if f.trace == nil && f.custom == nil {
			continue
		}
		was, is := f.traced(j, before), f.traced(j, after)
		if was != is {
			items = append(items, item{field: f, from: idOrNil(was.id), to: idOrNil(is.id), fromText: was.text, toText: is.text})
		}
	}
	if items == nil {
		return
	}
	j.lastEntry++
	own := after.own()
	own.history = append(own.history, &entry{id: j.lastEntry, author: why.by, at: j.tenant.Now(), meta: why.meta, items: items})
}

func idOrNil(id string) *string {
	if id == "" {
		return nil
	}
	return &id
}

func (f *issueField) traced(j *Jira, i *issue) trace {
	if f.custom == nil {
		return f.trace(j, i)
	}
	var ids, texts []string
	for _, v := range i.x().custom[f.custom.number] {
		ids, texts = append(ids, f.custom.kind.id(v)), append(texts, f.custom.kind.text(v))
	}
	return trace{strings.Join(ids, ", "), strings.Join(texts, ", ")}
}

// traces are how the changelog writes the fields of the system.
var traces = map[string]func(*Jira, *issue) trace{
	"summary":     func(_ *Jira, i *issue) trace { return trace{text: i.summary} },
	"description": func(_ *Jira, i *issue) trace { return trace{text: adf.Text(i.description)} },
	"environment": func(_ *Jira, i *issue) trace { return trace{text: adf.Text(i.environment)} },
	"status":      func(_ *Jira, i *issue) trace { return trace{i.status.id, i.status.name} },
	"issuetype":   func(_ *Jira, i *issue) trace { return trace{i.kind.id, i.kind.name} },
	"priority":    func(_ *Jira, i *issue) trace { return choiceTrace(i.priority) },
	"resolution":  func(_ *Jira, i *issue) trace { return choiceTrace(i.resolution) },
	"assignee":    func(_ *Jira, i *issue) trace { return personTrace(i.assignee) },
	"reporter":    func(_ *Jira, i *issue) trace { return personTrace(i.reporter) },
	"labels":      func(_ *Jira, i *issue) trace { return trace{text: strings.Join(i.labels, " ")} },
	"components":  func(j *Jira, i *issue) trace { return j.partTrace(i.components) },
	"fixVersions": func(j *Jira, i *issue) trace { return j.partTrace(i.versions) },
	"versions":    func(j *Jira, i *issue) trace { return j.partTrace(i.x().affects) },
	"duedate":     func(_ *Jira, i *issue) trace { return trace{i.due, i.due} },
	"security": func(_ *Jira, i *issue) trace {
		if s := i.x().security; s != nil {
			return trace{s.id, s.name}
		}
		return trace{}
	},
	"parent": func(_ *Jira, i *issue) trace {
		if i.parent == nil {
			return trace{}
		}
		return trace{i.parent.idText, i.parent.key}
	},
}

func choiceTrace(c *choice) trace {
	if c == nil {
		return trace{}
	}
	return trace{c.id, c.name}
}

func personTrace(a *tenant.Account) trace {
	if a == nil {
		return trace{}
	}
	return trace{a.ID, a.Name}
}

func (j *Jira) partTrace(ids []string) trace {
	var names []string
	for _, id := range ids {
		names = append(names, j.parts[id].name)
	}
	return trace{strings.Join(ids, ", "), strings.Join(names, ", ")}
}

// changes returns the history of a field for searches: the changes of its id,
// oldest first.
func changesOf(field string) func(*issue) []jql.Change {
	return func(i *issue) []jql.Change {
		var list []jql.Change
		for _, e := range i.x().history {
			for _, it := range e.items {
				if it.field.id == field {
					list = append(list, jql.Change{At: e.at.UnixMilli(), By: e.author.ID, From: orEmpty(it.from), To: orEmpty(it.to)})
				}
			}
		}
		return list
	}
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func historyRoutes() []endpoint {
	return []endpoint{
		{"GET /issue/{issue}/changelog", reads, (*call).changelog},
		{"POST /issue/{issue}/changelog/list", reads, (*call).changelogByID},
		{"POST /changelog/bulkfetch", reads, (*call).changelogs},
	}
}

func (r *renderer) entry(e *entry) any {
	shown := map[string]any{
		"id": strconv.FormatInt(e.id, 10), "author": r.person(e.author), "created": r.time(e.at), "items": renderAll(e.items, showItem),
	}
	if e.meta != nil {
		shown["historyMetadata"] = e.meta
	}
	return shown
}

func showItem(it item) any {
	text := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	origin := "jira"
	if it.field.custom != nil {
		origin = "custom"
	}
	return map[string]any{
		"field": it.field.name, "fieldtype": origin, "fieldId": it.field.id,
		"from": it.from, "fromString": text(it.fromText), "to": it.to, "toString": text(it.toText),
	}
}

func (c *call) changelog() (reply, error) {
	i, err := c.pathIssue()
	if err != nil {
		return reply{}, err
	}
	return page(c, i.x().history, 100, 100, c.show.entry)
}

func (c *call) changelogByID() (reply, error) {
	i, err := c.pathIssue()
	if err != nil {
		return reply{}, err
	}
	var body struct {
		ChangelogIDs []int64 `json:"changelogIds"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	found := slices.DeleteFunc(slices.Clone(i.x().history), func(e *entry) bool { return !slices.Contains(body.ChangelogIDs, e.id) })
	return ok(map[string]any{
		"histories": renderAll(found, c.show.entry), "startAt": 0, "maxResults": len(found), "total": len(found),
	})
}

// changelogs reads the changes of many issues in order of time. A page counts
// changes, so that an issue may continue on the next.
func (c *call) changelogs() (reply, error) {
	var body struct {
		Issues   []string `json:"issueIdsOrKeys"`
		Fields   []string `json:"fieldIds"`
		Size     *int     `json:"maxResults"`
		NextPage string   `json:"nextPageToken"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	size := 1000
	if body.Size != nil {
		size = *body.Size
	}
	start, _ := strconv.Atoi(body.NextPage)
	if n := len(body.Issues); n == 0 || n > 1000 || len(body.Fields) > 10 || size < 1 || size > 10000 || start < 0 {
		return reply{}, deny(http.StatusBadRequest, "Give 1 to 1000 issues, at most 10 fields and 1 to 10000 results.")
	}
	all := c.j.changesIn(body.Issues, body.Fields)
	answer := map[string]any{"issueChangeLogs": c.byIssue(slice(all, start, size))}
	if start+size < len(all) {
		answer["nextPageToken"] = strconv.Itoa(start + size)
	}
	return ok(answer)
}

type issueEntry struct {
	issue *issue
	entry *entry
}

// changesIn lists the changes of issues, by date and then by issue, that touch
// one of the fields, or any if there are none.
func (j *Jira) changesIn(issues, fields []string) []issueEntry {
	var all []issueEntry
	for _, name := range issues {
		i := j.issue(name)
		if i == nil {
			continue
		}
		for _, e := range i.x().history {
			if len(fields) == 0 || slices.ContainsFunc(e.items, func(it item) bool { return slices.Contains(fields, it.field.id) }) {
				all = append(all, issueEntry{i, e})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b issueEntry) int {
		if c := a.entry.at.Compare(b.entry.at); c != 0 {
			return c
		}
		return int(a.issue.id - b.issue.id)
	})
	return all
}

func (c *call) byIssue(list []issueEntry) []any {
	var order []*issue
	entries := map[*issue][]any{}
	for _, one := range list {
		if entries[one.issue] == nil {
			order = append(order, one.issue)
		}
		entries[one.issue] = append(entries[one.issue], c.show.entry(one.entry))
	}
	return renderAll(order, func(i *issue) any {
		return map[string]any{"issueId": i.idText, "changeHistories": entries[i]}
	})
}
