package jira

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian/emulator/tenant"
)

// setup says what a test begins with.
type setup struct {
	Users, Projects, Issues int
	Seed                    uint64
	Now                     func() time.Time // nil: time.Now
	Groups                  []tenant.Group   // of the directory
	Jira                    Options
}

// newJira returns the site of a tenant, which nobody has asked yet.
func newJira(s setup) *Jira {
	if s.Now == nil {
		s.Now = time.Now
	}
	rng := rand.New(rand.NewPCG(s.Seed, 0x5c1d))
	t := tenant.New(tenant.Options{Now: s.Now}, rng)
	names := tenant.NewNames(rng)
	for n := range s.Users {
		given, family := names.Person(n)
		t.Accounts.Add(&tenant.Account{
			ID: tenant.NewAccountID(rng), Kind: tenant.KindPerson, Name: given + " " + family,
			Email: names.Address(given, family), Active: n%20 != 19, TimeZone: "Etc/GMT", Locale: "en_US",
		})
	}
	t.ProvideGroups(func() []tenant.Group { return s.Groups })
	j := New(t, s.Jira)
	j.Seed(rng, s.Projects, s.Issues)
	return j
}

// site is a Jira site behind a listener, asked as the administrator.
type site struct {
	jira *Jira
	t    *testing.T
	base string
}

func newSite(t *testing.T, s setup) *site {
	t.Helper()
	j := newJira(s)
	mux := http.NewServeMux()
	j.Register(mux)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return &site{jira: j, t: t, base: server.URL}
}

// jira.smallSite has three projects: ENG (any status from any), OPS (step by step)
// and HR (team-managed).
func smallSite(t *testing.T) *site {
	return newSite(t, setup{Users: 12, Projects: 3, Issues: 60, Seed: 1})
}

type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request; body may be a string, or anything for JSON.
func (s *site) do(method, path string, body any, change ...func(*http.Request)) answer {
	s.t.Helper()
	var reader io.Reader = http.NoBody
	switch body := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(body)
	default:
		reader = bytes.NewReader(tenant.JSON(body))
	}
	if strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "/rest") && !strings.HasPrefix(path, "/ex") {
		path = "/rest/api/3" + path
	}
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, reader)
	if err != nil {
		s.t.Fatal(err)
	}
	r.SetBasicAuth(tenant.AdminEmail, tenant.APIToken)
	r.Header.Set("Content-Type", "application/json")
	for _, c := range change {
		c(r)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

// get decodes the body of a GET that must succeed.
func get[T any](s *site, path string) T {
	s.t.Helper()
	a := s.do("GET", path, nil)
	if a.status != http.StatusOK {
		s.t.Fatalf("GET %s: %d %s", path, a.status, a.body)
	}
	return decode[T](s.t, a)
}

func decode[T any](t *testing.T, a answer) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	return v
}

// want compares a whole answer; body "" stands for any.
func (s *site) want(method, path string, request any, status int, body string) {
	s.t.Helper()
	a := s.do(method, path, request)
	if a.status != status {
		s.t.Errorf("%s %s: status %d, want %d: %.300s", method, path, a.status, status, a.body)
	} else if diff := cmp.Diff(body, a.body); body != "" && diff != "" {
		s.t.Errorf("%s %s (-want +got):\n%s", method, path, diff)
	}
}

func messages(texts ...string) string {
	return string(tenant.JSON((&apiError{messages: texts}).envelope()))
}

func fieldErrors(pairs ...string) string {
	fields := map[string]string{}
	for n := 0; n < len(pairs); n += 2 {
		fields[pairs[n]] = pairs[n+1]
	}
	return string(tenant.JSON((&apiError{fields: fields}).envelope()))
}

// searched is a page of issues.
type searched struct {
	Issues        []issueSeen `json:"issues"`
	IsLast        bool        `json:"isLast"`
	NextPageToken string      `json:"nextPageToken"`
}

// issueSeen is what tests look at in an issue.
type issueSeen struct {
	ID     string          `json:"id"`
	Key    string          `json:"key"`
	Self   string          `json:"self"`
	Fields json.RawMessage `json:"fields"`
}

type fieldsSeen struct {
	Summary     string
	Description json.RawMessage
	Status      struct {
		ID, Name       string
		StatusCategory struct{ Key string }
	}
	Project, IssueType struct{ ID, Key, Name string }
	Priority           *struct{ ID, Name string }
	Resolution         *struct{ ID, Name string }
	ResolutionDate     string
	Assignee           *struct{ AccountID string }
	Reporter           *struct{ AccountID string }
	Labels             []string
	Components         []struct{ ID, Name string }
	FixVersions        []struct{ ID, Name string }
	Parent             *struct{ ID, Key string }
	Subtasks           []struct{ Key string }
	DueDate            string
	Created, Updated   string
}

func (s *site) fields(key string) fieldsSeen {
	s.t.Helper()
	i := get[issueSeen](s, "/issue/"+key)
	var f fieldsSeen
	if err := json.Unmarshal(i.Fields, &f); err != nil {
		s.t.Fatalf("%v in %s", err, i.Fields)
	}
	return f
}

// create makes an issue in ENG and returns its key.
func (s *site) create(fields map[string]any) string {
	s.t.Helper()
	all := map[string]any{
		"project": map[string]any{"key": "ENG"}, "issuetype": map[string]any{"name": "Task"}, "summary": "Something to do",
	}
	for name, v := range fields {
		all[name] = v
	}
	a := s.do("POST", "/issue", map[string]any{"fields": all})
	if a.status != http.StatusCreated {
		s.t.Fatalf("create %v: %d %s", all, a.status, a.body)
	}
	return decode[issueSeen](s.t, a).Key
}

// find returns the keys that a query finds, or fails.
func (s *site) find(query string) []string {
	s.t.Helper()
	a := s.do("POST", "/search/jql", map[string]any{"jql": query, "fields": []string{"key"}, "maxResults": 5000})
	if a.status != http.StatusOK {
		s.t.Fatalf("%s: %d %s", query, a.status, a.body)
	}
	var keys []string
	for _, i := range decode[searched](s.t, a).Issues {
		keys = append(keys, i.Key)
	}
	return keys
}
