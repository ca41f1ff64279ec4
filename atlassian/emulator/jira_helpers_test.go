package emulator

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian/emulator/tenant"
)

// jiraSite is an emulator behind a listener, asked as the administrator.
type jiraSite struct {
	*Emulator
	t    *testing.T
	base string
}

func newJiraSite(t *testing.T, options Options) *jiraSite {
	t.Helper()
	e := New(options)
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return &jiraSite{Emulator: e, t: t, base: server.URL}
}

// smallSite has three projects: ENG (any status from any), OPS (step by step)
// and HR (team-managed).
func smallSite(t *testing.T) *jiraSite {
	return newJiraSite(t, Options{Users: 12, Groups: 3, Projects: 3, Issues: 60, Seed: 1})
}

type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request; body may be a string, or anything for JSON.
func (s *jiraSite) do(method, path string, body any, change ...func(*http.Request)) answer {
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
func get[T any](s *jiraSite, path string) T {
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
func (s *jiraSite) want(method, path string, request any, status int, body string) {
	s.t.Helper()
	a := s.do(method, path, request)
	if a.status != status {
		s.t.Errorf("%s %s: status %d, want %d: %.300s", method, path, a.status, status, a.body)
	} else if diff := cmp.Diff(body, a.body); body != "" && diff != "" {
		s.t.Errorf("%s %s (-want +got):\n%s", method, path, diff)
	}
}

func messages(texts ...string) string {
	return string(tenant.JSON((&jiraError{messages: texts}).envelope()))
}

func fieldErrors(pairs ...string) string {
	fields := map[string]string{}
	for n := 0; n < len(pairs); n += 2 {
		fields[pairs[n]] = pairs[n+1]
	}
	return string(tenant.JSON((&jiraError{fields: fields}).envelope()))
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

func (s *jiraSite) fields(key string) fieldsSeen {
	s.t.Helper()
	i := get[issueSeen](s, "/issue/"+key)
	var f fieldsSeen
	if err := json.Unmarshal(i.Fields, &f); err != nil {
		s.t.Fatalf("%v in %s", err, i.Fields)
	}
	return f
}

// create makes an issue in ENG and returns its key.
func (s *jiraSite) create(fields map[string]any) string {
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
func (s *jiraSite) find(query string) []string {
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
