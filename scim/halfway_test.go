package scim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
)

// halfway is a kind of write and its parts, each of which may be done or not.
type halfway struct {
	name, method, path, body string            // with {name} for an id that prepare returns
	prepare                  func(*facade) ids // what the write needs
	parts                    map[string]string // by the words of the answer that name it: a text of the raw state once it is done, not before
}

type ids map[string]string

func (i ids) in(text string) string {
	for name, id := range i {
		text = strings.ReplaceAll(text, "{"+name+"}", id)
	}
	return text
}

// The ways in which a call to Atlassian ends badly; %d is its number. A call that only reads
// does so in fewer.
var (
	badReads = map[string]string{
		"missing":           "after=%d times=1 status=404",
		"garbled":           "after=%d times=1 body=html",
		"away from then on": "after=%d status=503",
	}
	badWrites = map[string]string{
		"missing":             "after=%d times=1 status=404",
		"refused":             "after=%d times=1 status=400",
		"lost":                "after=%d times=1 reset=after",
		"not sent":            "after=%d times=1 reset=before",
		"made, but 500":       "after=%d times=1 status=500 commit=true",
		"away from then on":   "after=%d status=503",
		"lost, and then away": "after=%d times=1 reset=after\nafter=%[1]d status=503",
	}
)

// TestHalfway lets every call of every kind of write end badly in every way, and compares
// what the answer and the audit say with what Atlassian has.
func TestHalfway(t *testing.T) {
	for _, w := range halfways {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			calls, done := w.run(t, "")
			if done.before == done.after || done.status >= 300 {
				t.Fatalf("without a fault: %d %s", done.status, done.body)
			}
			for part, text := range w.parts {
				if !strings.Contains(done.after, text) || strings.Contains(done.before, text) {
					t.Fatalf("%s: %q is not what tells whether it is done\n%s\n%s", part, text, done.before, done.after)
				}
			}
			for n, call := range calls {
				ways := badReads
				if isWrite(call) {
					ways = badWrites
				}
				for way, faults := range ways {
					_, got := w.run(t, fmt.Sprintf(faults, n))
					for _, problem := range w.judge(way == "missing" && !isWrite(call), got, done) {
						t.Errorf("%s (call %d) %s: %s\n%d, %s: %s", call, n+1, way, problem, got.status, got.verdict, got.body)
					}
				}
			}
		})
	}
}

// ending is how a write ended.
type ending struct {
	path                  string
	status                int
	body, detail, verdict string
	location              string
	before, after         string // the raw state
}

// judge returns what is not true of an ending; done is that of the same write without a
// fault. A read that was denied with 404 may have said that what the write takes away is gone.
func (w halfway) judge(deniedRead bool, got, done ending) (problems []string) {
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	changed := got.before != got.after
	switch {
	case got.status < 300:
		if got.after != done.after && !deniedRead {
			say("a success, but the state is not that of one")
		}
		if got.verdict != "done" {
			say("a success that the audit calls %s", got.verdict)
		}
		return problems
	case got.verdict == "refused" || got.verdict == "failed":
		if changed {
			say("something was changed, and nothing says so")
		}
	case got.verdict == "partial":
		if !changed {
			say("nothing was changed")
		}
		if got.status < 500 && got.status != http.StatusTooManyRequests {
			say("a %d, which says that nothing was done", got.status)
		}
	case got.verdict != "unknown":
		say("the audit has no outcome")
	}
	if strings.Contains(got.detail, "nothing was changed") && changed {
		say("something was changed")
	}
	if got.status == http.StatusNotFound && (w.method == http.MethodPost || !strings.Contains(got.detail, path.Base(got.path)+`" does not exist`)) {
		say("a 404 that is not about what was asked for")
	}
	if got.verdict == "partial" && w.method == http.MethodPost && got.location == "" {
		say("nothing tells where what was made is")
	}
	for part, text := range w.parts {
		if got.verdict == "partial" && strings.Contains(got.after, text) && !strings.Contains(got.detail, part) {
			say("%s is done, and the answer does not name it", part)
		}
	}
	return problems
}

// run makes the write with faults in a world of its own. It returns the calls that it cost.
func (w halfway) run(t *testing.T, faults string) (calls []string, end ending) {
	sink := &auditSink{}
	options := deskTenant
	options.Users, options.Groups, options.Projects, options.Issues = 4, 1, 1, 0
	byUser := bearer("by-user", auth.Write)
	byUser.GroupsByUser = true
	f := newFacade(t, options, scim.Config{Audit: sink.core(), Logger: zap.NewNop(), IssueFields: deskFields, Callers: []auth.Caller{byUser}})
	f.caller = "by-user"
	known := ids{}
	if w.prepare != nil {
		known = w.prepare(f)
	}
	sink.take(t)
	end.before = rawState(t, f.emulator)
	rules, err := emulator.ParseFaults(faults)
	if err != nil {
		t.Fatal(err)
	}
	f.emulator.SetFaults(rules)
	end.path = known.in(w.path)
	a := f.do(w.method, end.path, known.in(w.body))
	f.emulator.SetFaults(nil)
	end.after = rawState(t, f.emulator)
	end.status, end.body, end.location = a.status, a.body, a.header.Get("Location")
	end.detail, _ = a.at("detail").(string)
	for _, line := range sink.take(t) {
		if line["msg"] == "audit" {
			end.verdict, _ = line["outcome"].(string)
		}
	}
	return a.calls, end
}

// rawState is all that Atlassian has, without ids and times.
func rawState(t *testing.T, e *emulator.Emulator) string {
	get := func(path string) (body map[string]any) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		switch {
		case strings.HasPrefix(path, "/scim/"):
			r.Header.Set("Authorization", "Bearer "+emulator.DirectoryKey)
		default:
			r.SetBasicAuth(emulator.AdminEmail, emulator.APIToken)
		}
		answer := httptest.NewRecorder()
		e.ServeHTTP(answer, r)
		if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil && answer.Code < 300 {
			list := []any{}
			if err := json.Unmarshal(answer.Body.Bytes(), &list); err != nil {
				t.Fatalf("%s: %d %s", path, answer.Code, answer.Body)
			}
			return map[string]any{"list": list}
		}
		return body
	}
	var lines []string
	add := func(what string, v any) { lines = append(lines, what+" "+bareJSON(v)) }
	directory := "/scim/directory/" + emulator.DirectoryID
	for _, u := range list(get(directory+"/Users?count=100"), "Resources") {
		add("user", u)
	}
	for _, g := range list(get(directory+"/Groups?count=100"), "Resources") {
		id, _ := g.(map[string]any)["id"].(string)
		add("group", get(directory+"/Groups/"+id))
	}
	for _, p := range list(get("/rest/api/3/project/search"), "values") {
		key, _ := p.(map[string]any)["key"].(string)
		for name, address := range get("/rest/api/3/project/" + key + "/role") {
			role := get(address.(string)[strings.Index(address.(string), "/rest/"):])
			add("role "+key+" "+name, role["actors"])
		}
	}
	for _, i := range list(get("/rest/api/3/search/jql?jql=project+is+not+empty&maxResults=100"), "issues") {
		id, _ := i.(map[string]any)["id"].(string)
		path := "/rest/api/3/issue/" + id
		issue := get(path + "?fields=*all&properties=*all")
		delete(issue["fields"].(map[string]any), "votes")
		add("issue", []any{issue["fields"], issue["properties"]})
		for _, more := range []string{path + "/comment", path + "/watchers", path + "/remotelink", "/rest/servicedeskapi/request/" + id + "/participant", "/rest/servicedeskapi/request/" + id + "/approval"} {
			add("  "+strings.TrimPrefix(more, path), get(more))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func list(o map[string]any, name string) []any {
	all, _ := o[name].([]any)
	return all
}

// bareJSON writes a value without ids and times.
func bareJSON(v any) string {
	b, _ := json.Marshal(withoutIDs(v))
	return string(b)
}

func withoutIDs(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, part := range v {
			switch name {
			case "id", "key", "self", "accountId", "created", "updated", "lastModified", "meta", "statuscategorychangedate", "resolutiondate", "updateAuthor", "avatarUrls", "iconUrl",
				"urn:scim:schemas:extension:atlassian-external:1.0", "_links", "createdDate", "completedDate", "value", "$ref", "lastViewed", "workratio", "progress", "aggregateprogress":
				if text, ok := part.(string); name == "value" && ok && !strings.Contains(text, "-") {
					out[name] = part
				}
			default:
				out[name] = withoutIDs(part)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = withoutIDs(e)
		}
		slices.SortFunc(out, func(a, b any) int {
			x, _ := json.Marshal(a)
			y, _ := json.Marshal(b)
			return bytes.Compare(x, y)
		})
		return out
	}
	return v
}
