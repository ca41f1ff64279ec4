package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/measure/loopback"
)

// document is a JSON object.
type document map[string]any

func (d document) text(name string) string { s, _ := d[name].(string); return s }

func (d document) inner(name string) document { o, _ := d[name].(map[string]any); return o }

func (d document) list(name string) []document {
	values, _ := d[name].([]any)
	var all []document
	for _, v := range values {
		if o, ok := v.(map[string]any); ok {
			all = append(all, o)
		}
	}
	return all
}

// tenant is the emulated Atlassian as the server meets it over HTTP, and as it really is.
type tenant struct {
	*emulator.Emulator
	fates   fates
	seed    uint64
	address string
	stop    func()
	busy    sync.WaitGroup // requests of the server

	accounts map[string]string // ids of accounts, by that of the user
	owners   map[string]string // the other way round
	mu       sync.Mutex
	calls    int // of the server
	drawn    map[string]int
	records  map[string]bool // of Jira's audit, whose fate was drawn
}

func newTenant(o options) (*tenant, error) {
	options := emulator.Options{Users: o.users, Groups: max(3, o.users/15), Projects: 2, Issues: o.users, Seed: o.seed}
	options.Jira.IndexLag = indexLag
	options.Organization.Events.Faults = emulator.EventFaults{Drop: o.fates.drop, Late: o.fates.late, LateBy: lateBy, Double: o.fates.double}
	t := &tenant{Emulator: emulator.New(options), fates: o.fates, seed: o.seed, accounts: map[string]string{}, owners: map[string]string{}, drawn: map[string]int{}, records: map[string]bool{}}
	t.Advance(proofs) // the sample data is of yesterday
	var err error
	t.address, t.stop, err = loopback.Serve(&http.Server{Handler: t})
	return t, err
}

// ServeHTTP implements http.Handler.
func (t *tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.busy.Add(1)
	defer t.busy.Done()
	t.mu.Lock()
	t.calls++
	t.mu.Unlock()
	for _, name := range []string{"X-RateLimit-Limit", "X-RateLimit-Remaining"} { // a day takes a minute, and 50 polls a minute would be the limit
		w.Header().Set(name, "100000")
	}
	if r.URL.Path != "/rest/api/3/auditing/record" {
		t.Emulator.ServeHTTP(w, r)
		return
	}
	answer := httptest.NewRecorder()
	t.Emulator.ServeHTTP(answer, r)
	maps.Copy(w.Header(), answer.Header())
	w.Header().Del("Content-Length")
	w.WriteHeader(answer.Code)
	_, _ = w.Write(t.spoilt(answer.Body.Bytes())) // whoever asked may be gone
}

// spoilt leaves some of Jira's audit records out, for an hour or for ever, and doubles some, as the emulator does by itself
// with the events of the organization.
func (t *tenant) spoilt(body []byte) []byte {
	var page document
	if json.Unmarshal(body, &page) != nil {
		return body
	}
	kept := []any{}
	for _, record := range page.list("records") {
		id := fmt.Sprint(record["id"])
		created, _ := time.Parse("2006-01-02T15:04:05.000-0700", record.text("created"))
		sum := fnv.New64a()
		fmt.Fprint(sum, t.seed, " ", id)
		fate := "in time"
		switch share := float64(sum.Sum64()%1000) / 1000; {
		case share < t.fates.drop:
			fate = "dropped"
		case share < t.fates.drop+t.fates.late:
			fate = "late"
		case share < t.fates.drop+t.fates.late+t.fates.double:
			fate = "doubled"
			kept = append(kept, record)
		}
		t.mu.Lock()
		if !t.records[id] {
			t.records[id] = true
			t.drawn[fate]++
		}
		t.mu.Unlock()
		if fate == "dropped" || fate == "late" && t.Now().Before(created.Add(lateBy)) {
			continue
		}
		kept = append(kept, record)
	}
	page["records"] = kept
	spoilt, err := json.Marshal(page)
	if err != nil {
		return body
	}
	return spoilt
}

// ask sends a request to the tenant itself, as others do.
func (t *tenant) ask(method, path string, body any) (document, int, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, 0, err
	}
	r := httptest.NewRequest(method, path, bytes.NewReader(encoded))
	if r.Header.Set("Authorization", "Bearer "+emulator.DirectoryKey); !strings.HasPrefix(path, "/scim/") {
		r.SetBasicAuth(emulator.AdminEmail, emulator.APIToken)
	}
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	t.Emulator.ServeHTTP(w, r)
	answer, err := io.ReadAll(w.Body)
	if err != nil {
		return nil, 0, err
	}
	if w.Code >= 300 && w.Code != http.StatusNotFound {
		return nil, w.Code, fmt.Errorf("%s %s: %d %s", method, path, w.Code, answer)
	}
	var doc document
	if len(answer) > 0 {
		err = json.Unmarshal(answer, &doc)
	}
	return doc, w.Code, err
}

const (
	directoryPath = "/scim/directory/" + emulator.DirectoryID
	projectPath   = "/rest/api/3/project/"
	issuePath     = "/rest/api/3/issue"
)

// roles are those whose holders change: project and number.
var roles = [][2]string{{"10000", "10002"}, {"10000", "10003"}, {"10001", "10002"}, {"10001", "10004"}}

// facts are what is true: an existing thing, or one of its values, and the text that it has.
type facts map[string]string

const there = "there"

// truth reads everything from the tenant itself.
func (t *tenant) truth() (facts, error) {
	all := facts{}
	for _, kind := range []string{"User", "Group"} {
		for start := 1; ; {
			page, _, err := t.ask(http.MethodGet, fmt.Sprintf("%s/%ss?startIndex=%d&count=100", directoryPath, kind, start), nil)
			if err != nil {
				return nil, err
			}
			found := page.list("Resources")
			for _, o := range found {
				if err := t.read(all, kind, o.text("id")); err != nil {
					return nil, err
				}
			}
			if start += len(found); len(found) == 0 {
				break
			}
		}
	}
	for _, role := range roles {
		if err := t.readRole(all, role); err != nil {
			return nil, err
		}
	}
	return all, t.readIssues(all)
}

// readIssues adds what is true of all issues, by ids one after another, since the index of searches lags.
func (t *tenant) readIssues(all facts) error {
	for id, missed := 10000, 0; missed < 200; id++ {
		before := len(all)
		if err := t.readIssue(all, fmt.Sprint(id)); err != nil {
			return err
		}
		if missed++; len(all) > before {
			missed = 0
		}
	}
	return nil
}

// readIssue adds what is true of an issue.
func (t *tenant) readIssue(all facts, id string) error {
	o, status, err := t.ask(http.MethodGet, issuePath+"/"+id, nil)
	if err != nil || status == http.StatusNotFound {
		return err
	}
	fields := o.inner("fields")
	all.add("Issue", document{"id": id, "summary": fields["summary"], "status": fields["status"]})
	return nil
}

// read adds what is true of a user or group.
func (t *tenant) read(all facts, kind, id string) error {
	o, status, err := t.ask(http.MethodGet, directoryPath+"/"+kind+"s/"+id, nil)
	if err != nil || status == http.StatusNotFound {
		return err
	}
	if kind == "User" {
		account := o.inner("urn:scim:schemas:extension:atlassian-external:1.0").text("atlassianAccountId")
		t.accounts[id], t.owners[account] = account, id
	}
	all.add(kind, o)
	return nil
}

// readRole adds who holds a role by himself.
func (t *tenant) readRole(all facts, role [2]string) error {
	o, _, err := t.ask(http.MethodGet, projectPath+role[0]+"/role/"+role[1], nil)
	if err != nil {
		return err
	}
	id := "role-" + role[0] + "-" + role[1]
	all["Entitlement "+id] = there
	for _, actor := range o.list("actors") {
		if user := t.owners[actor.inner("actorUser").text("accountId")]; user != "" {
			all["Entitlement "+id+" members "+user] = there
		}
	}
	return nil
}

// shown are the attributes that are compared.
var shown = []string{"userName", "displayName", "title", "active", "summary"}

// add adds the facts of a resource.
func (f facts) add(kind string, o document) {
	key := kind + " " + o.text("id")
	f[key] = there
	for _, name := range shown {
		if v, has := o[name]; has && kind != "Entitlement" {
			f[key+" "+name] = fmt.Sprint(v)
		}
	}
	if status := o.inner("status").text("name"); status != "" {
		f[key+" status"] = status
	}
	for _, m := range o.list("members") {
		if direct, isRole := m["direct"].(bool); !isRole || direct {
			f[key+" members "+m.text("value")] = there
		}
	}
}

// drop takes away what is known of a thing.
func (f facts) drop(key string) {
	maps.DeleteFunc(f, func(fact, _ string) bool { return fact == key || strings.HasPrefix(fact, key+" ") })
}
