package reconcile_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/reconcile"
	"scim-atlassian/scim/server"
)

// tenant is an emulator, a server in front of it and a folder for the files.
type tenant struct {
	*testing.T
	emulator *emulator.Emulator
	server   *scim.Server
	out      string

	reached map[int]int       // by number of resources: how often a page ended with that many read
	after   map[string]func() // by number#time: a change that a test makes then, such as "200#1"
}

func newTenant(t *testing.T, options emulator.Options, config scim.Config) *tenant {
	t.Helper()
	s := &tenant{T: t, emulator: emulator.New(options), out: filepath.Join(t.TempDir(), "out.ndjson"), reached: map[int]int{}, after: map[string]func(){}}
	upstream := httptest.NewServer(s.emulator)
	t.Cleanup(upstream.Close)
	cfg := atlassian.Config{MaxRetries: -1, OnCall: scim.CountCall}
	var err error
	if config.Directory, err = atlassian.NewDirectory(cfg, upstream.URL+"/scim/directory", emulator.DirectoryID, emulator.DirectoryKey); err != nil {
		t.Fatal(err)
	}
	if config.Jira, err = atlassian.NewJira(cfg, upstream.URL, emulator.AdminEmail, emulator.APIToken); err != nil {
		t.Fatal(err)
	}
	config.MaxResults = 1 << 30
	if s.server, err = scim.New(config); err != nil {
		t.Fatal(err)
	}
	return s
}

// between makes the change that a test wants after a page.
func (s *tenant) between(p reconcile.Progress) {
	s.reached[p.Read]++
	now := fmt.Sprintf("%d#%d", p.Read, s.reached[p.Read])
	if happens := s.after[now]; happens != nil {
		delete(s.after, now)
		happens()
	}
}

// upstream makes a request to the directory itself.
func (s *tenant) upstream(method, path, body string) map[string]any {
	s.Helper()
	r := httptest.NewRequest(method, "/scim/directory/"+emulator.DirectoryID+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+emulator.DirectoryKey)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.emulator.ServeHTTP(w, r)
	if w.Code >= 300 {
		s.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	var document map[string]any
	_ = json.Unmarshal(w.Body.Bytes(), &document) // 204 has none
	return document
}

// id is that of the user at a position, from 1, in the directory's order.
func (s *tenant) id(position int) string {
	s.Helper()
	page := s.upstream("GET", fmt.Sprintf("/Users?startIndex=%d&count=1", position), "")
	return page["Resources"].([]any)[0].(map[string]any)["id"].(string)
}

func (s *tenant) remove(position int) { s.upstream("DELETE", "/Users/"+s.id(position), "") }

func (s *tenant) create(name string) string {
	address := name + "@demo.example"
	return s.upstream("POST", "/Users", fmt.Sprintf(`{"userName":%q,"emails":[{"value":%[1]q,"primary":true}]}`, address))["id"].(string)
}

// run runs a job on the users, changed by edit.
func (s *tenant) run(ctx context.Context, edit func(*reconcile.Job)) (*reconcile.Report, error) {
	s.Helper()
	job := reconcile.Job{Resource: "Users", Out: s.out, Source: "demo", Progress: s.between}
	job.SetSizes(200, 1000)
	if edit != nil {
		edit(&job)
	}
	return reconcile.Run(ctx, s.server, job)
}

func resume(job *reconcile.Job) { job.Resume = true }

// lines are the documents in the file.
func (s *tenant) lines() []map[string]any {
	s.Helper()
	text, err := os.ReadFile(s.out)
	if err != nil {
		s.Fatal(err)
	}
	var all []map[string]any
	for line := range bytes.Lines(text) {
		var document map[string]any
		if err := json.Unmarshal(line, &document); err != nil {
			s.Fatalf("%v in %.200s", err, line)
		}
		all = append(all, document)
	}
	return all
}

// truth lists the ids that the directory has.
func (s *tenant) truth() []string {
	s.Helper()
	var ids []string
	for start := 1; ; start += 100 {
		page := s.upstream("GET", fmt.Sprintf("/Users?startIndex=%d&count=100", start), "")["Resources"].([]any)
		if len(page) == 0 {
			slices.Sort(ids)
			return ids
		}
		for _, user := range page {
			ids = append(ids, user.(map[string]any)["id"].(string))
		}
	}
}

func (s *tenant) ids() []string {
	var ids []string
	for _, document := range s.lines() {
		ids = append(ids, document["id"].(string))
	}
	slices.Sort(ids)
	return ids
}

// files lists the files in the folder.
func (s *tenant) files() []string {
	s.Helper()
	entries, err := os.ReadDir(filepath.Dir(s.out))
	if err != nil {
		s.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, strings.TrimPrefix(entry.Name(), "out.ndjson"))
	}
	return names
}

// complete fails unless the file is complete and the report says so.
func (s *tenant) complete(report *reconcile.Report, err error) {
	s.Helper()
	if err != nil || !report.Complete || report.Reason != "" {
		s.Fatalf("%v, report %+v", err, report)
	}
	if diff := cmp.Diff(s.truth(), s.ids()); diff != "" {
		s.Errorf("ids (-directory +file):\n%s", diff)
	}
	if n := len(s.ids()); report.Read != n || report.Matched != n {
		s.Errorf("read %d, matched %d, want %d", report.Read, report.Matched, n)
	}
	if diff := cmp.Diff([]string{"", ".report.json"}, s.files()); diff != "" {
		s.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestFull(t *testing.T) {
	s := newTenant(t, emulator.Options{Users: 500, Seed: 1}, scim.Config{})
	var seen []reconcile.Progress
	report, err := s.run(t.Context(), func(job *reconcile.Job) {
		job.Progress = func(p reconcile.Progress) {
			p.UpstreamCalls = 0
			seen = append(seen, p)
		}
	})
	const least = 2 + 3 + 2 // pages upstream; the server may ask for a few more to be sure
	if calls := report.UpstreamCalls; report.Pages != 3 || calls < least || calls > least+3*2 || calls != len(s.emulator.Log()) {
		t.Errorf("%d pages, %d calls of %d, want 3 and some more than %d", report.Pages, calls, len(s.emulator.Log()), least)
	}
	s.complete(report, err)
	want := []reconcile.Progress{{Read: 200, Matched: 500}, {Read: 400, Matched: 500}, {Read: 500, Matched: 500}}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}

	text, err := os.ReadFile(s.out)
	if err != nil {
		t.Fatal(err)
	}
	var digests []string
	for line := range bytes.Lines(text) {
		digest := sha256.Sum256(bytes.TrimSuffix(line, []byte("\n")))
		digests = append(digests, string(digest[:]))
	}
	slices.Sort(digests)
	if want := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(strings.Join(digests, "")))); report.ContentHash != want {
		t.Errorf("content hash %s, want %s", report.ContentHash, want)
	}
	var beside reconcile.Report
	text, err = os.ReadFile(s.out + ".report.json")
	if err == nil {
		err = json.Unmarshal(text, &beside)
	}
	if diff := cmp.Diff(report, &beside, cmp.Comparer(time.Time.Equal)); err != nil || diff != "" {
		t.Errorf("the report beside the file: %v (-returned +file):\n%s", err, diff)
	}
}

// TestChanges has others at work between two pages.
func TestChanges(t *testing.T) {
	tests := []struct {
		name        string
		after       map[string]func(*tenant)
		startedOver int
		because     string
	}{
		{"somebody new", map[string]func(*tenant){"200#1": func(s *tenant) { s.create("new") }}, 0, ""},
		{"somebody new during the last page", map[string]func(*tenant){"400#1": func(s *tenant) { s.create("new") }}, 0, ""},
		{"somebody gone who was not read yet", map[string]func(*tenant){"200#1": func(s *tenant) { s.remove(440) }}, 0, ""},
		{"somebody gone who was read", map[string]func(*tenant){"200#1": func(s *tenant) { s.remove(10) }}, 1, "where "},
		{"somebody gone and somebody new", map[string]func(*tenant){"400#1": func(s *tenant) { s.remove(200); s.create("new") }}, 1, "where "},
		{"the last one read is gone", map[string]func(*tenant){"200#1": func(s *tenant) { s.remove(200) }}, 1, "where "},
		{"almost everybody gone", map[string]func(*tenant){"200#1": func(s *tenant) {
			for _, id := range s.truth()[20:] {
				s.upstream("DELETE", "/Users/"+id, "")
			}
		}}, 1, "it ended before "},
		{"twice", map[string]func(*tenant){"200#1": func(s *tenant) { s.remove(10) }, "200#2": func(s *tenant) { s.remove(10) }}, 2, "where "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newTenant(t, emulator.Options{Users: 450, Seed: 1}, scim.Config{})
			for now, do := range test.after {
				s.after[now] = func() { do(s) }
			}
			report, err := s.run(t.Context(), nil)
			s.complete(report, err)
			if report.StartedOver != test.startedOver || !strings.HasPrefix(report.StartedOverBecause, test.because) {
				t.Errorf("started over %d times because %q, want %d, %q", report.StartedOver, report.StartedOverBecause, test.startedOver, test.because)
			}
			if len(s.after) > 0 {
				t.Errorf("never happened: %v", slices.Collect(maps.Keys(s.after)))
			}
		})
	}
}

func TestChangesAllTheTime(t *testing.T) {
	s := newTenant(t, emulator.Options{Users: 250, Seed: 1}, scim.Config{})
	for _, page := range []string{"200#1", "200#2", "200#3"} {
		s.after[page] = func() { s.remove(10) }
	}
	report, err := s.run(t.Context(), nil)
	if err == nil || report.Complete || !strings.Contains(report.Reason, "changed while it was read") || !strings.HasSuffix(report.Reason, "3 times in a row") {
		t.Errorf("%v, report %+v", err, report)
	}
	if files := s.files(); len(files) > 0 {
		t.Errorf("files %q, want none: they are of no use", files)
	}
}

// interrupted runs a job until the third page, of 500 users.
func interrupted(t *testing.T, config scim.Config) *tenant {
	t.Helper()
	s := newTenant(t, emulator.Options{Users: 500, Seed: 1}, config)
	ctx, cancel := context.WithCancel(t.Context())
	s.after["400#1"] = cancel
	report, err := s.run(ctx, nil)
	if !errors.Is(err, reconcile.ErrInterrupted) || report.Complete || report.Reason != "interrupted" || report.Read != 400 || report.ContentHash != "" {
		t.Fatalf("%v, report %+v", err, report)
	}
	if diff := cmp.Diff([]string{".partial", ".state"}, s.files()); diff != "" {
		t.Fatalf("files (-want +got):\n%s", diff)
	}
	s.emulator.ClearLog()
	return s
}

func TestResume(t *testing.T) {
	s := interrupted(t, scim.Config{})
	var first reconcile.Progress
	report, err := s.run(t.Context(), func(job *reconcile.Job) {
		job.Resume = true
		job.Progress = func(p reconcile.Progress) { first = p }
	})
	if calls := len(s.emulator.Log()); calls > 4 { // two pages upstream, and the overlap
		t.Errorf("%d calls for what was left: %+v", calls, s.emulator.Log())
	}
	s.complete(report, err)
	if report.Resumed != 1 || report.StartedOver != 0 || first.Before != 400 {
		t.Errorf("report %+v, progress %+v", report, first)
	}
	hash := report.ContentHash
	report, err = s.run(t.Context(), resume) // nothing to go on with
	s.complete(report, err)
	if report.Resumed != 0 || report.ContentHash != hash {
		t.Errorf("from the beginning: %+v, want %s", report, hash)
	}
}

// TestAccounts reads accounts, whose project roles cost more than a page of users:
// roles are read once by a run, and users in pages, the missing ones by a run that
// goes on.
func TestAccounts(t *testing.T) {
	s := newTenant(t, emulator.Options{Users: 2000, Groups: 4, Projects: 4, Seed: 1}, scim.Config{SnapshotTTL: time.Minute})
	accounts := func(job *reconcile.Job) { job.Resource = "Accounts" }
	count := func(prefix string) (n int) {
		for _, call := range s.emulator.Log() {
			if strings.HasPrefix(call.Path, prefix) {
				n++
			}
		}
		return n
	}
	const users, roles = "/scim/directory/" + emulator.DirectoryID + "/Users", "/rest/api/3/project/"
	for range 2 { // the second time, the list of projects is known
		s.emulator.ClearLog()
		if _, err := s.server.Export(t.Context(), server.ExportOptions{Resource: "Accounts", Count: 1, Fresh: true}); err != nil {
			t.Fatal(err)
		}
	}
	once := count(roles)
	ctx, cancel := context.WithCancel(t.Context())
	s.after["1600#1"] = cancel
	for _, run := range []struct {
		name  string
		ctx   context.Context
		read  int
		users int // calls: pages of 200 with 100 read before, but for the first, in steps of 99
	}{
		{"interrupted", ctx, 1600, 3 + 7*4},
		{"resumed", t.Context(), 2000, 2 * 4},
		{"in one go", t.Context(), 2000, 3 + 9*4},
	} {
		s.emulator.ClearLog()
		report, err := s.run(run.ctx, func(job *reconcile.Job) { accounts(job); job.Resume = true })
		if report.Read != run.read || run.name == "interrupted" != errors.Is(err, reconcile.ErrInterrupted) {
			t.Fatalf("%s: %v, report %+v", run.name, err, report)
		}
		if got := count(users); got != run.users || once == 0 || count(roles) != once {
			t.Errorf("%s: %d calls for users, want %d; %d for roles, want %d", run.name, got, run.users, count(roles), once)
		}
		if err == nil {
			s.complete(report, err)
		}
	}
}

// TestResumeAfterChanges goes on after the directory has changed.
func TestResumeAfterChanges(t *testing.T) {
	tests := []struct {
		name        string
		change      func(*tenant)
		startedOver int
	}{
		{"somebody new", func(s *tenant) { s.create("new") }, 0},
		{"somebody gone who was not read yet", func(s *tenant) { s.remove(480) }, 0},
		{"somebody gone who was read", func(s *tenant) { s.remove(5) }, 1},
		{"one gone, one new", func(s *tenant) { s.remove(5); s.create("new") }, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := interrupted(t, scim.Config{})
			test.change(s)
			report, err := s.run(t.Context(), resume)
			s.complete(report, err)
			if report.Resumed != 1 || report.StartedOver != test.startedOver {
				t.Errorf("report %+v, want started over %d times", report, test.startedOver)
			}
		})
	}
}

// TestResumeSpoilt has leftovers that a run cannot go on with as they are.
func TestResumeSpoilt(t *testing.T) {
	cut := func(name string, bytes int64) func(*tenant) {
		return func(s *tenant) {
			if err := os.Truncate(s.out+name, bytes); err != nil {
				s.Fatal(err)
			}
		}
	}
	tests := []struct {
		name  string
		spoil func(*tenant)
		edit  func(*reconcile.Job)
		want  string // in the reason; empty: it goes on
	}{
		{"half a line behind", func(s *tenant) {
			f, err := os.OpenFile(s.out+".partial", os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				s.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteString(`{"id":"half`); err != nil {
				s.Fatal(err)
			}
		}, resume, ""},
		{"lines gone", cut(".partial", 1000), resume, "cannot resume"},
		{"state gone bad", cut(".state", 20), resume, "cannot resume"},
		{"another filter", func(*tenant) {}, func(job *reconcile.Job) { job.Resume, job.Filter = true, "active eq true" }, "other settings"},
		{"another tenant", func(*tenant) {}, func(job *reconcile.Job) { job.Resume, job.Source = true, "other" }, "other settings"},
		{"another key", func(*tenant) {}, func(job *reconcile.Job) { job.Resume, job.Key = true, "userName" }, "other settings"},
		{"without resume", cut(".state", 20), nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := interrupted(t, scim.Config{})
			test.spoil(s)
			report, err := s.run(t.Context(), test.edit)
			if test.want == "" {
				s.complete(report, err)
			} else if err == nil || report.Complete || !strings.Contains(report.Reason, test.want) {
				t.Errorf("%v, report %+v, want %q", err, report, test.want)
			}
		})
	}
}

// TestLimited reads filtered lists that take more than one page.
func TestLimited(t *testing.T) {
	tests := []struct {
		name   string
		config scim.Config
		pages  int
		scans  int // of all users, a little over twelve requests each
	}{
		{"kept by the server", scim.Config{}, 6, 1},
		{"too large to be kept", scim.Config{KeptResultBytes: 1}, 3, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newTenant(t, emulator.Options{Users: 1200, Seed: 1}, test.config)
			report, err := s.run(t.Context(), func(job *reconcile.Job) {
				job.Filter = "active eq true"
				job.SetSizes(200, 150)
			})
			if err != nil || !report.Complete || report.Mode != "limited" || report.UpstreamCalls/12 != test.scans || report.Pages != test.pages {
				t.Fatalf("%v, report %+v, want %d pages, %d scans", err, report, test.pages, test.scans)
			}
			inactive := 0
			for start := 1; start <= 1200; start += 100 {
				for _, user := range s.upstream("GET", fmt.Sprintf("/Users?startIndex=%d&count=100", start), "")["Resources"].([]any) {
					if user.(map[string]any)["active"] == false {
						inactive++
					}
				}
			}
			if got := len(s.ids()); got != 1200-inactive {
				t.Errorf("%d users, want %d", got, 1200-inactive)
			}
		})
	}
}

func TestKeys(t *testing.T) {
	s := newTenant(t, emulator.Options{Users: 300, Seed: 1}, scim.Config{})
	report, err := s.run(t.Context(), func(job *reconcile.Job) { job.Key = "displayname" })
	s.complete(report, err)
	byName, empty := map[string][]string{}, []string{}
	for _, document := range s.lines() {
		id := document["id"].(string)
		if name, _ := document["displayName"].(string); name != "" {
			byName[strings.ToLower(name)] = append(byName[strings.ToLower(name)], id)
		} else {
			empty = append(empty, id)
		}
	}
	want := &reconcile.Keys{Attribute: "displayName", Distinct: len(byName), Empty: empty, Duplicates: []reconcile.Duplicate{}}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if ids := byName[name]; len(ids) > 1 {
			want.Duplicates = append(want.Duplicates, reconcile.Duplicate{IDs: ids})
		}
	}
	if len(want.Empty) == 0 || len(want.Duplicates) == 0 {
		t.Fatal("the data has no empty or no duplicate names")
	}
	ignoreValue := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Value" }, cmp.Ignore())
	if diff := cmp.Diff(want, report.Keys, ignoreValue); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	for _, duplicate := range report.Keys.Duplicates {
		if len(byName[strings.ToLower(duplicate.Value)]) != len(duplicate.IDs) {
			t.Errorf("%q has %q", duplicate.Value, duplicate.IDs)
		}
	}

	report, err = s.run(t.Context(), nil)
	if err != nil || report.Keys == nil || report.Keys.Attribute != "emails.value" || report.Keys.Distinct != 300 {
		t.Errorf("by default: %v, %+v", err, report.Keys)
	}
	report, err = s.run(t.Context(), func(job *reconcile.Job) { job.Resource = "Groups" })
	if err != nil || !report.Complete || report.Keys != nil {
		t.Errorf("groups: %v, %+v", err, report)
	}
	report, err = s.run(t.Context(), func(job *reconcile.Job) { job.Key = "shoeSize" })
	if err == nil || !strings.Contains(report.Reason, "shoeSize") {
		t.Errorf("unknown key: %v, %+v", err, report)
	}
}

func TestCompare(t *testing.T) {
	s := newTenant(t, emulator.Options{Users: 150, Groups: 2, Seed: 1}, scim.Config{})
	s.complete(s.run(t.Context(), nil))
	titled, renamed, gone := s.id(20), s.id(30), s.id(40)
	address := s.upstream("GET", "/Users/"+gone, "")["userName"]
	s.upstream("PATCH", "/Users/"+titled, `{"Operations":[{"op":"replace","path":"title","value":"Chief Tester"}]}`)
	s.upstream("PATCH", "/Users/"+renamed, `{"Operations":[{"op":"replace","path":"name.familyName","value":"Testa"},{"op":"replace","path":"displayName","value":"T. Testa"}]}`)
	s.upstream("DELETE", "/Users/"+gone, "")
	added := s.create("added")

	var changes []reconcile.Change
	compare := func(job *reconcile.Job) {
		job.Compare = s.out // which the new file replaces
		job.Changed = func(c reconcile.Change) error { changes = append(changes, c); return nil }
	}
	report, err := s.run(t.Context(), compare)
	s.complete(report, err)
	key := func(id string) string { return s.upstream("GET", "/Users/"+id, "")["userName"].(string) }
	want := []reconcile.Change{
		{Change: "changed", ID: titled, Key: key(titled), Attributes: []string{"meta.lastModified", "meta.version", "title"}},
		{Change: "changed", ID: renamed, Key: key(renamed), Attributes: []string{"displayName", "meta.lastModified", "meta.version", "name.familyName"}},
		{Change: "created", ID: added, Key: "added@demo.example"},
		{Change: "deleted", ID: gone, Key: address.(string)},
	}
	if diff := cmp.Diff(want, changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	counts := &reconcile.Comparison{Previous: s.out, Created: 1, Changed: 2, Deleted: 1, Unchanged: 147}
	if diff := cmp.Diff(counts, report.Comparison); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	changes = nil
	report, err = s.run(t.Context(), compare)
	s.complete(report, err)
	if len(changes) > 0 || report.Comparison.Unchanged != 150 {
		t.Errorf("nothing changed, and yet %+v, %+v", changes, report.Comparison)
	}
}

// TestCompareOrder holds that the order of values and of lines is no difference.
func TestCompareOrder(t *testing.T) {
	s := newTenant(t, emulator.Options{Users: 3, Groups: 1, Seed: 1}, scim.Config{})
	groups := func(job *reconcile.Job) { job.Resource = "Groups" }
	if _, err := s.run(t.Context(), groups); err != nil {
		t.Fatal(err)
	}
	group := s.lines()[0]
	members := group["members"].([]any)
	if len(members) != 3 {
		t.Fatalf("%d members", len(members))
	}
	slices.Reverse(members)
	text, err := json.Marshal(group)
	if err != nil {
		t.Fatal(err)
	}
	previous := filepath.Join(t.TempDir(), "previous.ndjson")
	if err := os.WriteFile(previous, append(text, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	report, err := s.run(t.Context(), func(job *reconcile.Job) {
		groups(job)
		job.Compare, job.Changed = previous, func(c reconcile.Change) error { t.Errorf("%+v", c); return nil }
	})
	if err != nil || report.Comparison.Unchanged != 1 {
		t.Errorf("%v, %+v", err, report.Comparison)
	}
}

// TestCompareRefused looks at the earlier file before anything is asked of upstream.
func TestCompareRefused(t *testing.T) {
	s := newTenant(t, emulator.Options{Users: 3, Seed: 1}, scim.Config{})
	for name, content := range map[string]string{
		"not JSON": "id,name\n", "without id": "{}\n", "twice": "{\"id\":\"1\"}\n{\"id\":\"1\"}\n", "cut": `{"id":"1"}`, "not there": "",
	} {
		previous := filepath.Join(t.TempDir(), "previous")
		if content != "" {
			if err := os.WriteFile(previous, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		report, err := s.run(t.Context(), func(job *reconcile.Job) { job.Compare = previous })
		if err == nil || !strings.Contains(report.Reason, "cannot compare") || len(s.emulator.Log()) > 0 || len(s.files()) > 0 {
			t.Errorf("%s: %v, %+v, %d calls", name, err, report, len(s.emulator.Log()))
		}
	}
}

// TestCompareEndless holds that a file of one line without an end is refused
// before it fills the memory, and before anything is asked of upstream.
func TestCompareEndless(t *testing.T) {
	s := newTenant(t, emulator.Options{Users: 3, Seed: 1}, scim.Config{})
	endless := filepath.Join(t.TempDir(), "endless")
	if err := os.WriteFile(endless, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const size = 16 << 30 // of zeros that take no room on the disk
	if err := os.Truncate(endless, size); err != nil {
		t.Fatal(err)
	}
	report, err := s.run(t.Context(), func(job *reconcile.Job) { job.Compare = endless })
	if err == nil {
		t.Error("got no error, want one")
	}
	type outcome struct {
		Complete bool
		Reason   string
		Calls    int
	}
	want := outcome{Reason: "cannot compare: " + endless + ": a line is longer than 67108864 bytes"}
	if diff := cmp.Diff(want, outcome{report.Complete, report.Reason, len(s.emulator.Log())}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTrouble has upstream fail in the middle.
func TestTrouble(t *testing.T) {
	tests := []struct {
		name, faults string
		want         string // in the reason; empty: complete
	}{
		{"unavailable for a moment", "path=/scim/ times=1 status=503", ""},
		{"cut for a moment", "path=/scim/ times=1 reset=before", ""},
		{"half an answer", "path=/scim/ times=1 body=truncated", ""},
		{"a key that was revoked", "path=/scim/ status=401", "credentials"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newTenant(t, emulator.Options{Users: 300, Seed: 1}, scim.Config{})
			rules, err := emulator.ParseFaults(test.faults)
			if err != nil {
				t.Fatal(err)
			}
			s.after["200#1"] = func() { s.emulator.SetFaults(rules) }
			report, err := s.run(t.Context(), nil)
			if test.want == "" {
				s.complete(report, err)
				return
			}
			if err == nil || report.Complete || !strings.Contains(report.Reason, test.want) || report.Read != 200 {
				t.Errorf("%v, report %+v", err, report)
			}
			s.emulator.SetFaults(nil)
			report, err = s.run(t.Context(), resume)
			s.complete(report, err)
		})
	}
}

func TestEmpty(t *testing.T) {
	s := newTenant(t, emulator.Options{}, scim.Config{})
	report, err := s.run(t.Context(), nil)
	s.complete(report, err)
	if report.Read != 0 || report.Pages != 1 {
		t.Errorf("report %+v", report)
	}
}
