package scim_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/field"
	"scim-atlassian/scim/state"
	"scim-atlassian/scim/state/statetest"
)

// issueCopy is a server that keeps a copy of the issues of two projects, of three that there are, on
// one clock with Jira.
type issueCopy struct {
	*remembering
	projects []string // that are served
	off      bool     // no copy is kept
	pending  bool     // the custom fields are not known yet
}

func newIssueCopy(t *testing.T, options emulator.Options) *issueCopy {
	t.Helper()
	options.Projects, options.Seed = 3, cmp.Or(options.Seed, 1)
	c := &issueCopy{remembering: &remembering{kept: newKept(t, options, atlassian.Config{MaxConcurrent: 1}), place: "file:" + filepath.Join(t.TempDir(), "state.db")}, projects: []string{"ENG", "OPS"}}
	c.start(t)
	return c
}

// start ends the process, so to say, and begins another one.
func (c *issueCopy) start(t *testing.T) {
	t.Helper()
	if c.store != nil {
		if err := c.store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if c.store, err = state.Open(t.Context(), c.place, state.Options{Exclusive: time.Second, Now: c.emulator.Now}); err != nil {
		t.Fatal(err)
	}
	store := c.store
	t.Cleanup(func() { store.Close() })
	c.serve(t, scim.Config{Callers: []auth.Caller{bearer("kept", auth.Write)}, SnapshotTTL: time.Minute, State: c.store, PublicURL: "https://facade.example",
		Projects: c.projects, MirrorIssues: !c.off, FieldsPending: c.pending, Now: c.emulator.Now})
}

// direct changes Jira past the server.
func (c *issueCopy) direct(t *testing.T, method, path, body string) map[string]any {
	t.Helper()
	req := newRequest(t, method, c.root+"/rest/api/3"+path, body)
	req.SetBasicAuth(emulator.AdminEmail, emulator.APIToken)
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= 300 {
		t.Fatalf("%s %s: %d %v: %s", method, path, answer.StatusCode, err, text)
	}
	var doc map[string]any
	if len(text) > 0 {
		err = json.Unmarshal(text, &doc)
	}
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// token takes a token.
func (c *issueCopy) token(t *testing.T, path string) string {
	t.Helper()
	doc, _ := c.do(t, http.MethodGet, path+"/.deltaToken", "")
	return doc["value"].(string)
}

// churn makes a random change of an issue, through the server or past it.
func (c *issueCopy) churn(t *testing.T, rng *rand.Rand, ids *[]string) {
	t.Helper()
	c.emulator.Advance(time.Duration(rng.IntN(5000)) * time.Millisecond)
	at, past := rng.IntN(len(*ids)), rng.IntN(3) > 0
	id, text := (*ids)[at], fmt.Sprintf("Summary %d", rng.IntN(9))
	drop := func() { *ids = append((*ids)[:at], (*ids)[at+1:]...) }
	switch n := rng.IntN(10); {
	case n < 2 && past:
		doc := c.direct(t, http.MethodPost, "/issue", `{"fields":{"project":{"key":"ENG"},"issuetype":{"name":"Task"},"summary":"`+text+`"}}`)
		*ids = append(*ids, doc["id"].(string))
	case n < 2:
		doc, _ := c.do(t, http.MethodPost, "/Issues", `{"schemas":["urn:scim-atlassian:params:scim:schemas:jira:2.0:Issue"],"project":{"key":"OPS"},"issueType":{"name":"Task"},"summary":"`+text+`"}`)
		*ids = append(*ids, doc["id"].(string))
	case n == 2 && len(*ids) > 8:
		if drop(); past {
			c.direct(t, http.MethodDelete, "/issue/"+id+"?deleteSubtasks=true", "")
		} else {
			c.send(t.Context(), http.MethodDelete, "/Issues/"+id, "") // refused with subtasks
		}
	case n == 3 && len(*ids) > 8:
		if drop(); c.emulator.MoveIssue(id, "HR") != nil {
			*ids = append(*ids, id) // it has subtasks
		}
	case n == 4:
		moves := c.direct(t, http.MethodGet, "/issue/"+id+"/transitions", "")["transitions"].([]any)
		for _, m := range moves {
			if m := m.(map[string]any); m["hasScreen"] != true {
				c.direct(t, http.MethodPost, "/issue/"+id+"/transitions", fmt.Sprintf(`{"transition":{"id":%q}}`, m["id"]))
				break
			}
		}
	case past:
		c.direct(t, http.MethodPut, "/issue/"+id, `{"fields":{"summary":"`+text+`"}}`)
	default:
		c.do(t, http.MethodPatch, "/Issues/"+id, patchBody("replace", "summary", `"`+text+`"`))
	}
}

// there returns those of the ids whose issues are there: others may have been deleted with them.
func (c *issueCopy) there(t *testing.T, ids []string) []string {
	t.Helper()
	var left []string
	for _, id := range ids {
		if c.send(t.Context(), http.MethodGet, "/Issues/"+id, "").status == http.StatusOK {
			left = append(left, id)
		}
	}
	return left
}

// truth reads every issue that there may be by itself, which no index stands before.
func (c *issueCopy) truth(t *testing.T) copied {
	t.Helper()
	all := copied{}
	for n := 10000; n < 10150; n++ {
		path := fmt.Sprint("/Issues/", n)
		if c.send(t.Context(), http.MethodGet, path, "").status == http.StatusOK {
			o, _ := c.do(t, http.MethodGet, path, "")
			all["Issue "+o["id"].(string)] = o
		}
	}
	return all
}

// TestIssueDeltaIsTheTruth has a consumer follow the deltas of issues while they are created, edited,
// moved through their workflows and out of the projects, and deleted, through the server and past it, and the index of Jira's
// searches lags behind. The server starts again on the way. Once the index has caught up, the
// consumer knows exactly the issues of the projects, and all that it was told was so.
func TestIssueDeltaIsTheTruth(t *testing.T) {
	for seed := range uint64(8) {
		lag := []time.Duration{0, 20 * time.Second, 3 * time.Minute, 14 * time.Minute}[seed%4]
		t.Run(fmt.Sprint("seed ", seed, " lag ", lag), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, 0x155))
			options := emulator.Options{Users: 5, Issues: 30, Seed: seed + 1}
			options.Jira.IndexLag, options.Jira.FlickeringIndex = lag, seed%8 > 4
			c := newIssueCopy(t, options)
			c.emulator.Advance(24 * time.Hour) // the index has the sample data
			path := []string{"/Issues", ""}[seed/4%2]
			token := c.token(t, path)
			known := c.readAll(t, []string{"Issues"})
			var ids []string
			for key := range known {
				ids = append(ids, strings.TrimPrefix(key, "Issue "))
			}
			for round := range 8 {
				for range rng.IntN(10) {
					before := len(ids)
					if c.churn(t, rng, &ids); len(ids) < before {
						ids = c.there(t, ids)
					}
				}
				c.emulator.Advance(time.Duration(rng.IntN(120)) * time.Second)
				if round == 4 {
					c.start(t)
				}
				token = c.follow(t, path, known, token, 1+rng.IntN(6), func(int) {})
			}
			c.emulator.Advance(2*lag + 2*time.Minute)
			c.follow(t, path, known, token, 100, func(int) {})
			if diff := gocmp.Diff(c.truth(t), known.onlyIssues()); diff != "" {
				t.Errorf("copy (-truth +copy):\n%s", diff)
			}
		})
	}
}

// onlyIssues drops what is told of other types on the server root.
func (c copied) onlyIssues() copied {
	for key := range c {
		if !strings.HasPrefix(key, "Issue ") {
			delete(c, key)
		}
	}
	return c
}

// delta asks for all changes since a token, and returns a line for each, and the next token.
func (c *issueCopy) delta(t *testing.T, path, token, more string) (changes []string, next string, calls int) {
	t.Helper()
	doc, calls := c.do(t, http.MethodPost, path+"/.delta", `{"deltaToken":"`+token+`","count":1000,"cursor":""`+more+`}`)
	for _, change := range doc["Resources"].([]any) {
		change := change.(map[string]any)
		line := fmt.Sprint(change["resourceType"], " ", change["changedResourceId"], " ", change["changeType"])
		ops, _ := change["operations"].([]any)
		for _, op := range ops {
			line += fmt.Sprint(" ", op.(map[string]any)["path"])
		}
		changes = append(changes, line)
	}
	return changes, doc["nextDeltaToken"].(map[string]any)["value"].(string), calls
}

// TestIssueDelta tells of each sort of change once, for the calls that it is worth.
func TestIssueDelta(t *testing.T) {
	c := newIssueCopy(t, emulator.Options{Users: 5, Issues: 240})
	c.emulator.Advance(24 * time.Hour)
	token := c.token(t, "/Issues")
	steps := []struct {
		name   string
		do     func()
		query  string // more members of it
		want   []string
		most   int           // calls
		before time.Duration // what passes first; a search is good for a minute
	}{
		{"nothing", func() {}, "", nil, 0, 0},
		{"nothing, a minute later", func() {}, "", nil, 5, time.Minute}, // what was updated, and what there is, which projects, and whether Jira understands that
		{"somebody edits", func() { c.direct(t, http.MethodPut, "/issue/10000", `{"fields":{"summary":"New"}}`) }, "", []string{"Issue 10000 Update summary updated meta"}, 6, time.Minute},
		{"the same, looked at again", func() {}, "", nil, 5, time.Minute},
		{"an own edit, at once", func() { c.do(t, http.MethodPatch, "/Issues/10000", patchBody("replace", "summary", `"Own"`)) }, "", []string{"Issue 10000 Update summary updated meta"}, 0, 0},
		{"an own issue, at once", func() {
			c.do(t, http.MethodPost, "/Issues", `{"schemas":["urn:scim-atlassian:params:scim:schemas:jira:2.0:Issue"],"project":{"key":"OPS"},"issueType":{"name":"Task"},"summary":"Mine"}`)
		}, "", []string{"Issue 10240 Create"}, 0, 0},
		{"an own deletion, at once", func() { c.do(t, http.MethodDelete, "/Issues/10240", "") }, "", []string{"Issue 10240 Delete"}, 0, 0},
		{"somebody creates", func() {
			c.direct(t, http.MethodPost, "/issue", `{"fields":{"project":{"key":"ENG"},"issuetype":{"name":"Task"},"summary":"x"}}`)
		}, "", []string{"Issue 10241 Create"}, 7, time.Minute},
		{"somebody deletes", func() { c.direct(t, http.MethodDelete, "/issue/10241", "") }, "", []string{"Issue 10241 Delete"}, 6, time.Minute},
		{"somebody deletes what a filter looks at", func() { c.direct(t, http.MethodDelete, "/issue/10000?deleteSubtasks=true", "") },
			`,"filter":"summary eq \"Own\"","removedByFilter":true`, []string{"Issue 10000 Delete"}, 9, time.Minute},
	}
	for _, step := range steps {
		c.emulator.Advance(step.before)
		step.do()
		var changes []string
		var calls int
		changes, token, calls = c.delta(t, "/Issues", token, step.query)
		if diff := gocmp.Diff(step.want, changes); diff != "" || calls > step.most {
			t.Errorf("%s: %d calls, want %d at most; changes (-want +got):\n%s", step.name, calls, step.most, diff)
		}
	}
	c.start(t)
	if changes, _, calls := c.delta(t, "/Issues", token, ""); changes != nil || calls != 0 {
		t.Errorf("after a restart: %v, %d calls", changes, calls)
	}
}

// An index that does not know an issue for hours takes it from nobody, not even when all issues are read.
func TestIssueDeltaBehindTheIndex(t *testing.T) {
	options := emulator.Options{Users: 5, Issues: 30}
	options.Jira.IndexLag = 10 * time.Hour
	c := newIssueCopy(t, options)
	c.emulator.Advance(24 * time.Hour)
	token := c.token(t, "/Issues")
	doc, _ := c.do(t, http.MethodPost, "/Issues", `{"schemas":["urn:scim-atlassian:params:scim:schemas:jira:2.0:Issue"],"project":{"key":"OPS"},"issueType":{"name":"Task"},"summary":"Mine"}`)
	changes, token, _ := c.delta(t, "/Issues", token, "")
	if diff := gocmp.Diff([]string{fmt.Sprint("Issue ", doc["id"], " Create")}, changes); diff != "" {
		t.Error(diff)
	}
	for _, header := range [][]string{nil, {"Cache-Control", "no-cache"}} {
		c.emulator.Advance(10 * time.Minute)
		if r := c.send(t.Context(), http.MethodPost, "/Issues/.delta", `{"deltaToken":"`+token+`","count":10,"cursor":""}`, header...); r.status != http.StatusOK || r.total != 0 {
			t.Errorf("%v: status %d, %d changes", header, r.status, r.total)
		}
	}
}

// Projects that are not served any more are not taken for deleted, until somebody says so.
func TestIssueDeltaAlarm(t *testing.T) {
	c := newIssueCopy(t, emulator.Options{Users: 5, Issues: 400})
	c.emulator.Advance(24 * time.Hour)
	token := c.token(t, "/Issues")
	c.projects = []string{"HR"}
	c.start(t)
	c.emulator.Advance(time.Minute)
	for range 2 {
		c.emulator.Advance(time.Minute)
		if changes, _, _ := c.delta(t, "/Issues", token, ""); len(changes) > 150 { // HR's are new
			t.Errorf("%d changes, before anybody has accepted that", len(changes))
		}
	}
	c.accept(t)
	c.emulator.Advance(2 * time.Hour)
	if changes, _, _ := c.delta(t, "/Issues", token, ""); len(changes) < 390 {
		t.Errorf("%d changes, once that was accepted", len(changes))
	}
}

// Without the setting there is nothing, as tokens of the server root know.
func TestIssueDeltaIsAChoice(t *testing.T) {
	c := newIssueCopy(t, emulator.Options{Users: 5, Issues: 30})
	token := c.token(t, "")
	if changes, next, _ := c.delta(t, "", token, ""); changes != nil || next == token {
		t.Errorf("changes: %v", changes)
	}
	c.off = true
	c.start(t)
	for path, want := range map[string]int{"/Issues/.deltaToken": http.StatusNotImplemented, "/.deltaToken": http.StatusOK} {
		if r := c.send(t.Context(), http.MethodGet, path, ""); r.status != want {
			t.Errorf("%s: %d, want %d", path, r.status, want)
		}
	}
	_, token, _ = c.delta(t, "", token, "") // good for users and groups
	c.off = false
	c.start(t)
	if r := c.send(t.Context(), http.MethodPost, "/.delta", `{"deltaToken":"`+token+`"}`); r.status != http.StatusBadRequest {
		t.Errorf("a token from a time without a copy of the issues: %d, and its owner misses what happened to them", r.status)
	}
}

// While the attributes of issues are not known, deltas that would pass over them wait.
func TestIssueDeltaPending(t *testing.T) {
	c := newIssueCopy(t, emulator.Options{Users: 5, Issues: 30})
	token := c.token(t, "")
	c.pending = true
	c.start(t)
	for _, path := range []string{"", "/Issues"} {
		if r := c.send(t.Context(), http.MethodPost, path+"/.delta", `{"deltaToken":"`+token+`"}`); r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
			t.Errorf("%s/.delta: %d", path, r.status)
		}
	}
	if err := c.server.SetIssueFields(field.Set{}); err != nil {
		t.Fatal(err)
	}
	c.direct(t, http.MethodPut, "/issue/10000", `{"fields":{"summary":"New"}}`)
	c.emulator.Advance(time.Minute)
	if changes, _, _ := c.delta(t, "", token, ""); len(changes) != 1 {
		t.Errorf("changes: %v", changes)
	}
}

// Two servers with one state tell of each other's writes, and search in turns.
func TestIssueDeltaReplicas(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { testIssueReplicas(t, "file:"+filepath.Join(t.TempDir(), "shared.db")) })
	t.Run("PostgreSQL", func(t *testing.T) { testIssueReplicas(t, statetest.StartPostgres(t).Database(t)) })
}

func testIssueReplicas(t *testing.T, place string) {
	c := newIssueCopy(t, emulator.Options{Users: 5, Issues: 40})
	c.emulator.Advance(24 * time.Hour)
	replica := func() *issueCopy {
		store, err := state.Open(t.Context(), place, state.Options{Now: c.emulator.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		k := &kept{emulator: c.emulator, root: c.root, clients: c.clients, upstream: c.upstream}
		k.serve(t, scim.Config{Callers: []auth.Caller{bearer("kept", auth.Write)}, SnapshotTTL: time.Minute, State: store, PublicURL: "https://facade.example",
			Projects: c.projects, MirrorIssues: true, Now: c.emulator.Now})
		return &issueCopy{remembering: &remembering{kept: k}}
	}
	one, other := replica(), replica()
	token := one.token(t, "/Issues")
	if _, calls := other.do(t, http.MethodGet, "/Issues/.deltaToken", ""); calls != 0 {
		t.Errorf("what one has read costs the other %d calls", calls)
	}
	other.do(t, http.MethodPatch, "/Issues/10000", patchBody("replace", "summary", `"Other"`))
	one.do(t, http.MethodPatch, "/Issues/10001", patchBody("replace", "summary", `"One"`))
	want := []string{"Issue 10000 Update summary updated meta", "Issue 10001 Update summary updated meta"}
	for name, k := range map[string]*issueCopy{"one": one, "other": other} {
		changes, _, calls := k.delta(t, "/Issues", token, "")
		if diff := gocmp.Diff(want, changes); diff != "" || calls != 0 {
			t.Errorf("%s: %d calls; changes (-want +got):\n%s", name, calls, diff)
		}
	}
	c.direct(t, http.MethodPut, "/issue/10003", `{"fields":{"summary":"Somebody's"}}`)
	c.emulator.Advance(time.Minute)
	one.token(t, "/Issues")
	changes, _, calls := other.delta(t, "/Issues", token, "")
	if diff := gocmp.Diff(append(want, "Issue 10003 Update summary updated meta"), changes); diff != "" || calls != 0 {
		t.Errorf("what one has searched: %d calls; changes (-want +got):\n%s", calls, diff)
	}
}

// A write to which no answer came is told, if it was done, by the process that sent it and by the next.
func TestIssueDeltaOfLostAnswers(t *testing.T) {
	const created = `{"schemas":["urn:scim-atlassian:params:scim:schemas:jira:2.0:Issue"],"project":{"key":"OPS"},"issueType":{"name":"Task"},"summary":"Mine"}`
	writes := []struct{ fault, method, path, body, want string }{
		{"method=PUT path=/rest/api/3/issue/", http.MethodPatch, "/Issues/10000", patchBody("replace", "summary", `"Lost"`), "Issue 10000 Update summary updated meta"},
		{"method=DELETE path=/rest/api/3/issue/", http.MethodDelete, "/Issues/10039", "", "Issue 10039 Delete"},
		{"method=POST path=/rest/api/3/issue", http.MethodPost, "/Issues", created, "Issue 10040 Create"},
	}
	for i := range 2 * len(writes) {
		write, restart := writes[i/2], i%2 == 1
		t.Run(fmt.Sprint(write.method, " restart ", restart), func(t *testing.T) {
			t.Parallel()
			c := newIssueCopy(t, emulator.Options{Users: 5, Issues: 40})
			c.emulator.Advance(24 * time.Hour)
			token := c.token(t, "/Issues")
			c.find(t, "/Issues", "", "count", "1")
			faults, err := emulator.ParseFaults(write.fault + " reset=after times=1\nmethod=GET path=/rest/api/3/issue/ reset=before times=2")
			if err != nil {
				t.Fatal(err)
			}
			c.emulator.SetFaults(faults)
			t.Logf("the write is answered %d", c.send(t.Context(), write.method, write.path, write.body).status)
			c.emulator.SetFaults(nil)
			if restart {
				c.start(t)
				c.emulator.Advance(time.Minute) // what is new is searched for
			}
			changes, _, _ := c.delta(t, "/Issues", token, "")
			if diff := gocmp.Diff([]string{write.want}, changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}
