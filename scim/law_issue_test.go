package scim_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"scim-atlassian/atlassian/adf"
	"scim-atlassian/atlassian/emulator"
)

// lawIssues is what the law is about where Jira finds the issues.
var lawIssues = lawCollection{
	endpoint: "/Issues",
	attributes: slices.Concat(
		lawPaths(lawExact, "id", "schemas", "meta.resourceType", "meta.location", "project.id", "issueType.id", "status.id", "priority.id", "resolution.id",
			"assignee.value", "reporter.value", "creator.value", "components.id", "fixVersions.id", "parent.id", "dueDate"),
		lawPaths(lawText, "key", "project.key", "project.name", "issueType.name", "summary", "description", "status.name", "status.category",
			"priority.name", "resolution.name", "assignee.display", "reporter.display", "creator.display", "labels", "components.name",
			"fixVersions.name", "parent.key"),
		lawPaths(lawInstant, "created", "updated", "resolved", "meta.created", "meta.lastModified"),
	),
	complex:     []string{"project", "status", "priority", "resolution", "assignee", "parent", "meta"},
	multiValued: []string{"components", "fixVersions"},
	lookups:     []string{"id", "key"},
}

const lawIssueSchema = "urn:scim-atlassian:params:scim:schemas:jira:2.0:Issue"

// lawClock is a clock that is put forward.
type lawClock struct{ ticks atomic.Int64 }

func (c *lawClock) now() time.Time {
	return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC).Add(time.Duration(c.ticks.Load()))
}

func (c *lawClock) forward(d time.Duration) { c.ticks.Add(int64(d)) }

// laggingSite is a site whose search knows a write only after half a minute, and
// then forgets it again every other time for another half.
func laggingSite(clock *lawClock) emulator.Options {
	return emulator.Options{
		Users: 40, Groups: 3, Projects: 3, Issues: 150, Seed: 7, Now: clock.now,
		Jira: emulator.JiraOptions{IndexLag: 30 * time.Second, FlickeringIndex: true},
	}
}

// TestIssueLaw holds the first promise for issues while they are written through
// the server, over a search that lags behind, flickers, and whose text index is
// tokenised and stemmed: every filter and order is answered as if it did not.
func TestIssueLaw(t *testing.T) {
	t.Parallel()
	clock := &lawClock{}
	l := newLaw(t, lawIssues, laggingSite(clock))
	hits := 0
	for round := range 30 {
		g := newLawGenerator(l, uint64(round))
		for range 3 {
			l.writeIssue(t, g)
			clock.forward(time.Duration(g.IntN(20)) * time.Second)
		}
		l.readIssues(t)
		for range 5 {
			if l.hold(t, g) {
				hits++
			}
		}
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	if hits < 60 {
		t.Errorf("only %d filters match some and not all", hits)
	}
}

// TestIssueLawOfOthers says what is promised where others write to Jira: who was
// not touched while the index may lag is answered exactly, and whoever is in an
// answer matches as he is now. What the index does not know yet may be missing.
func TestIssueLawOfOthers(t *testing.T) {
	t.Parallel()
	clock := &lawClock{}
	l := newLaw(t, lawIssues, laggingSite(clock))
	missing := 0
	for round := range 25 {
		g := newLawGenerator(l, uint64(round)+1000)
		touched := map[string]bool{}
		for range 8 {
			touched[l.touchIssue(t, g)] = true
		}
		clock.forward(time.Duration(g.IntN(40)) * time.Second)
		l.readIssues(t)
		for range 5 {
			f := g.filter(3)
			got, _ := l.list(t, url.Values{"filter": {f.String()}, "attributes": {"id"}})
			want := l.matching(f)
			for _, id := range got {
				if !slices.Contains(want, id) {
					t.Fatalf("round %d, filter %s: %s does not match", round, f, id)
				}
			}
			for _, id := range want {
				switch {
				case slices.Contains(got, id):
				case !touched[id]:
					t.Fatalf("round %d, filter %s: %s is missing, and nobody touched it", round, f, id)
				default:
					missing++
				}
			}
		}
		clock.forward(2 * time.Minute) // the index catches up
	}
	if missing == 0 {
		t.Error("nothing was missing ever: the index does not lag, or more can be promised")
	}
}

// writeIssue creates, changes, moves or deletes an issue through the server.
func (l *law) writeIssue(t *testing.T, g *lawGenerator) {
	document := g.documents[g.IntN(len(g.documents))]
	id := document["id"].(string)
	if l.truth[id] == nil {
		return // gone since
	}
	patch := func(path string, value any) {
		v, _ := json.Marshal(value)
		body := fmt.Sprintf(`{"Operations":[{"op":"replace","path":%q,"value":%s}]}`, path, v)
		bearerRequest(t, http.MethodPatch, l.server+"/"+id, "law", body)
	}
	summary := []string{"It wins", `Winning "again" and again`, "the wins of it", "Ünïcode \\ wins"}[g.IntN(4)]
	switch g.IntN(6) {
	case 0:
		kind := document["issueType"].(map[string]any)
		if strings.HasPrefix(kind["name"].(string), "Sub") {
			return // needs a parent
		}
		bearerRequest(t, http.MethodPost, l.server, "law", fmt.Sprintf(`{"schemas":[%q],"project":{"id":%q},"issueType":{"id":%q},"summary":%s,"labels":["red","blue"]}`,
			lawIssueSchema, document["project"].(map[string]any)["id"], kind["id"], lawLiteral(summary)))
	case 1:
		if !slices.ContainsFunc(slices.Collect(maps.Values(l.truth)), func(o map[string]any) bool {
			parent, _ := o["parent"].(map[string]any)
			return parent["id"] == id
		}) {
			bearerRequest(t, http.MethodDelete, l.server+"/"+id, "law", "")
			delete(l.truth, id)
		}
	case 2:
		patch("labels", []string{"red", "Green"}[:g.IntN(3)])
	case 3:
		patch("priority", map[string]any{"name": []string{"High", "Low"}[g.IntN(2)]})
	case 4:
		patch("dueDate", fmt.Sprintf("2026-%02d-%02d", 1+g.IntN(12), 1+g.IntN(28)))
	case 5:
		patch("summary", summary)
	}
}

// touchIssue changes or deletes an issue behind the server's back, and returns
// its id.
func (l *law) touchIssue(t *testing.T, g *lawGenerator) string {
	id := g.documents[g.IntN(len(g.documents))]["id"].(string)
	if l.truth[id] == nil {
		return id
	}
	fields := []string{`{"labels":["red"]}`, `{"labels":[]}`, `{"priority":{"name":"High"}}`, `{"summary":"changed"}`, `{"duedate":null}`}[g.IntN(5)]
	jiraRequest(t, http.MethodPut, l.upstream+"/"+id, `{"fields":`+fields+`}`)
	return id
}

// readIssues reads all issues there are, by id and not by search.
func (l *law) readIssues(t *testing.T) {
	clear(l.truth)
	for first, found := 10_000, 1; found > 0; first += 100 {
		var ids []string
		for id := range 100 {
			ids = append(ids, fmt.Sprint(first+id))
		}
		body, _ := json.Marshal(map[string]any{"issueIdsOrKeys": ids, "fields": []string{"*all"}})
		var answer struct{ Issues []map[string]any }
		if err := json.Unmarshal(jiraRequest(t, http.MethodPost, l.upstream+"/bulkfetch", string(body)), &answer); err != nil {
			t.Fatal(err)
		}
		for _, issue := range answer.Issues {
			document := l.showIssue(t, issue)
			l.truth[document["id"].(string)] = document
		}
		found = len(answer.Issues)
	}
}

// showIssue makes of Jira's issue the document that the server is to show.
func (l *law) showIssue(t *testing.T, issue map[string]any) map[string]any {
	fields := issue["fields"].(map[string]any)
	document := map[string]any{"id": issue["id"], "key": issue["key"], "schemas": []any{lawIssueSchema}}
	object := func(v any, names ...string) map[string]any {
		raw, _ := v.(map[string]any)
		o := map[string]any{}
		for i := 0; i < len(names); i += 2 {
			if raw[names[i]] != nil {
				o[names[i+1]] = raw[names[i]]
			}
		}
		return o
	}
	set := func(name string, o map[string]any) {
		if len(o) > 0 {
			document[name] = o
		}
	}
	set("project", object(fields["project"], "id", "id", "key", "key", "name", "name"))
	set("issueType", object(fields["issuetype"], "id", "id", "name", "name"))
	status := object(fields["status"], "id", "id", "name", "name")
	status["category"] = fields["status"].(map[string]any)["statusCategory"].(map[string]any)["name"]
	set("status", status)
	set("priority", object(fields["priority"], "id", "id", "name", "name"))
	set("resolution", object(fields["resolution"], "id", "id", "name", "name"))
	set("parent", object(fields["parent"], "id", "id", "key", "key"))
	for _, person := range []string{"assignee", "reporter", "creator"} {
		set(person, object(fields[person], "accountId", "value", "displayName", "display"))
	}
	for _, name := range []string{"components", "fixVersions"} {
		var list []any
		parts, _ := fields[name].([]any)
		for _, part := range parts {
			list = append(list, object(part, "id", "id", "name", "name"))
		}
		if list != nil {
			document[name] = list
		}
	}
	if labels, _ := fields["labels"].([]any); len(labels) > 0 {
		document["labels"] = labels
	}
	for field, name := range map[string]string{"summary": "summary", "duedate": "dueDate"} {
		if text, _ := fields[field].(string); text != "" {
			document[name] = text
		}
	}
	if fields["description"] != nil {
		raw, _ := json.Marshal(fields["description"])
		text, err := adf.Text(raw)
		if err != nil {
			t.Fatal(err)
		}
		if text != "" {
			document["description"] = text
		}
	}
	meta := map[string]any{"resourceType": "Issue", "location": l.server + "/" + issue["id"].(string)}
	for field, name := range map[string]string{"created": "created", "updated": "updated", "resolutiondate": "resolved"} {
		text, _ := fields[field].(string)
		if text == "" {
			continue
		}
		at, err := time.Parse("2006-01-02T15:04:05.000-0700", text)
		if err != nil {
			t.Fatal(err)
		}
		document[name] = at.Format(time.RFC3339Nano)
	}
	meta["created"], meta["lastModified"] = document["created"], document["updated"]
	document["meta"] = meta
	return document
}
