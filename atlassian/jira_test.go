package atlassian_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
)

func TestTime(t *testing.T) {
	tests := []struct{ in, want string }{
		{`"2026-08-24T10:50:03.000+0000"`, "2026-08-24T10:50:03Z"},
		{`"2026-08-24T15:50:03.123+0500"`, "2026-08-24T10:50:03.123Z"},
		{`"2026-08-24T10:50:03-0330"`, "2026-08-24T14:20:03Z"},
		{`"2026-08-24T10:50:03.5Z"`, "2026-08-24T10:50:03.5Z"},
		{`null`, "0001-01-01T00:00:00Z"},
		{`"yesterday"`, ""},
		{`7`, ""},
	}
	for _, test := range tests {
		var got atlassian.Time
		err := json.Unmarshal([]byte(test.in), &got)
		if text := got.UTC().Format(time.RFC3339Nano); err == nil && text != test.want || (err != nil) != (test.want == "") {
			t.Errorf("%s: got %s, %v, want %s", test.in, text, err, test.want)
		}
	}
}

// TestIssueDecoding has the shapes that surprise: nulls, a document, offsets, absent fields.
func TestIssueDecoding(t *testing.T) {
	j := jiraAt(t, newServer(t, answer(200, `{
		"expand":"names","id":"10000","key":"ED-1","self":"https://x.example/rest/api/3/issue/10000",
		"fields":{
			"summary":"S","description":null,"resolution":null,"assignee":null,"resolutiondate":null,"duedate":null,
			"status":{"id":"3","name":"In Progress","statusCategory":{"id":4,"key":"indeterminate","name":"In Progress"}},
			"created":"2026-08-24T15:50:03.000+0500","labels":["a"],"components":[],
			"parent":{"id":"9","key":"ED-0","fields":{"summary":"P"}},"customfield_10001":{"odd":[1]}
		}}`)), atlassian.Config{})
	got, err := j.Issue(t.Context(), "ED-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := &atlassian.Issue{ID: "10000", Key: "ED-1", Fields: atlassian.IssueFields{
		Summary: "S", Labels: []string{"a"}, Components: []atlassian.Named{},
		Status: &atlassian.Status{ID: "3", Name: "In Progress", Category: atlassian.StatusCategory{ID: 4, Key: "indeterminate", Name: "In Progress"}},
		Parent: &atlassian.LinkedIssue{ID: "9", Key: "ED-0"},
		Custom: map[string]jsontext.Value{"customfield_10001": jsontext.Value(`{"odd":[1]}`)},
	}}
	want.Fields.Parent.Fields.Summary = "P"
	want.Fields.Created.Time = time.Date(2026, 8, 24, 10, 50, 3, 0, time.UTC)
	sameTime := cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })
	if diff := cmp.Diff(want, got, sameTime); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSearchEnd(t *testing.T) {
	tests := []struct {
		body string
		want bool
		kind atlassian.Kind // Other: none
	}{
		{`{"issues":[{"id":"1"}],"isLast":true}`, true, atlassian.Other},
		{`{"issues":[{"id":"1"}],"isLast":false,"nextPageToken":"t"}`, false, atlassian.Other},
		{`{"issues":[],"nextPageToken":"t"}`, false, atlassian.Other},
		{`{"issues":[],"nextPageToken":null}`, true, atlassian.Other},
		{`{"issues":[{"key":"no id"}]}`, false, atlassian.Garbled},
		{`{"issues":[null]}`, false, atlassian.Garbled},
		{`{"isLast":true}`, false, atlassian.Garbled},
	}
	for _, test := range tests {
		j := jiraAt(t, newServer(t, answer(200, test.body)), atlassian.Config{})
		page, err := j.Search(t.Context(), atlassian.SearchRequest{JQL: "x = 1"})
		if got := atlassian.KindOf(err); got != test.kind {
			t.Errorf("%s: %v", test.body, err)
		}
		if err == nil && page.IsLast != test.want {
			t.Errorf("%s: IsLast is %v", test.body, page.IsLast)
		}
	}
}

func TestBulkFetchIsSplit(t *testing.T) {
	upstream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct{ IssueIDsOrKeys []string }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || len(body.IssueIDsOrKeys) == 0 || len(body.IssueIDsOrKeys) > 100 {
			t.Errorf("%d issues: %v", len(body.IssueIDsOrKeys), err)
		}
		issues := []map[string]string{}
		for _, id := range body.IssueIDsOrKeys {
			if id != "7" { // as if invisible
				issues = append(issues, map[string]string{"id": id})
			}
		}
		json.NewEncoder(w).Encode(map[string]any{"issues": issues})
	})
	j := jiraAt(t, newServer(t, upstream), atlassian.Config{MaxConcurrent: 3})
	var ids []string
	for i := range 950 {
		ids = append(ids, strconv.Itoa(i))
	}
	issues, err := j.BulkFetch(t.Context(), ids, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, issue := range issues {
		got = append(got, issue.ID)
	}
	if diff := cmp.Diff(slices.Delete(ids, 7, 8), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if none, err := j.BulkFetch(t.Context(), nil, nil); err != nil || len(none) != 0 {
		t.Errorf("nothing: got %v, %v", none, err)
	}
}

// TestCataloguePages has the ways in which Jira ends its pages, and some in which it must not.
func TestCataloguePages(t *testing.T) {
	page := func(body string) http.HandlerFunc { return answer(200, body) }
	tests := []struct {
		name  string
		steps []http.HandlerFunc
		want  []string // nil: Garbled
		calls int
	}{
		{"isLast", []http.HandlerFunc{
			page(`{"startAt":0,"total":3,"isLast":false,"values":["a","b"]}`), page(`{"startAt":2,"total":3,"isLast":true,"values":["c"]}`),
		}, []string{"a", "b", "c"}, 2},
		{"total alone", []http.HandlerFunc{page(`{"startAt":0,"total":2,"values":["a"]}`), page(`{"startAt":1,"total":2,"values":["b"]}`)}, []string{"a", "b"}, 2},
		{"neither", []http.HandlerFunc{page(`{"values":["a"]}`), page(`{"startAt":1,"values":[]}`)}, []string{"a"}, 2},
		{"empty", []http.HandlerFunc{page(`{"startAt":0,"isLast":true,"values":[]}`)}, []string{}, 1},
		{"the first page again", []http.HandlerFunc{page(`{"startAt":0,"total":3,"isLast":false,"values":["a"]}`)}, nil, 2},
		{"an empty page before the end", []http.HandlerFunc{
			page(`{"startAt":0,"total":3,"isLast":false,"values":["a"]}`), page(`{"startAt":1,"total":3,"isLast":false,"values":[]}`),
		}, nil, 2},
		{"not a page", []http.HandlerFunc{page(`{"labels":["a"]}`)}, nil, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			upstream := &script{steps: test.steps}
			j := jiraAt(t, newServer(t, upstream), atlassian.Config{})
			got, err := j.Labels(t.Context())
			if (err == nil) != (test.want != nil) || err != nil && atlassian.KindOf(err) != atlassian.Garbled {
				t.Errorf("got %v", err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if upstream.calls() != test.calls {
				t.Errorf("%d calls, want %d", upstream.calls(), test.calls)
			}
		})
	}
}

func TestAccountPages(t *testing.T) {
	all := []string{"a", "b", "c", "d", "e"}
	upstream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, _ := strconv.Atoi(r.URL.Query().Get("startAt"))
		page := []map[string]string{}
		for _, id := range all[min(start, 5):min(start+2, 5)] { // shorter than asked for
			page = append(page, map[string]string{"accountId": id})
		}
		json.NewEncoder(w).Encode(page)
	})
	accounts, err := jiraAt(t, newServer(t, upstream), atlassian.Config{}).Accounts(t.Context())
	if err != nil || len(accounts) != 5 {
		t.Errorf("got %d, %v", len(accounts), err)
	}
	same := jiraAt(t, newServer(t, answer(200, `[{"accountId":"a"}]`)), atlassian.Config{})
	if _, err := same.Accounts(t.Context()); atlassian.KindOf(err) != atlassian.Garbled {
		t.Errorf("the same page for ever: got %v", err)
	}
}

func TestTransitionFields(t *testing.T) {
	j := jiraAt(t, newServer(t, answer(200, `{"transitions":[{"id":"5","name":"Done","to":{"id":"9","name":"Done"},"hasScreen":true,"fields":{
		"resolution":{"required":true,"name":"Resolution","operations":["set"],"allowedValues":[{"self":"x","id":"1","name":"Fixed"},{"id":"2","value":"Option"}]},
		"odd":{"required":false,"allowedValues":["text",7,{"id":7}]}}}]}`)), atlassian.Config{})
	got, err := j.Transitions(t.Context(), "A-1")
	if err != nil {
		t.Fatal(err)
	}
	want := []atlassian.Transition{{ID: "5", Name: "Done", To: atlassian.Status{ID: "9", Name: "Done"}, HasScreen: true, Fields: map[string]atlassian.TransitionField{
		"resolution": {Name: "Resolution", Required: true, Operations: []string{"set"}, AllowedValues: []atlassian.AllowedValue{{ID: "1", Name: "Fixed"}, {ID: "2", Value: "Option"}}},
		"odd":        {AllowedValues: []atlassian.AllowedValue{{}, {}, {}}},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestEditIssueRepeats has an edit repeated after a cut, unless it would append twice.
func TestEditIssueRepeats(t *testing.T) {
	for field, want := range map[string]int{"labels": 2, "comment": 1} {
		upstream := &script{steps: []http.HandlerFunc{cut, answer(204, "")}}
		j := jiraAt(t, newServer(t, upstream), atlassian.Config{RetryBase: time.Millisecond})
		err := j.EditIssue(t.Context(), "A-1", atlassian.IssueUpdate{Update: map[string]any{field: []any{}}})
		if (err == nil) != (want == 2) || upstream.calls() != want {
			t.Errorf("%s: %d calls, %v", field, upstream.calls(), err)
		}
	}
}

func BenchmarkDecodePage(b *testing.B) {
	var body []byte
	body = append(body, `{"schemas":[],"totalResults":1000,"startIndex":1,"itemsPerPage":100,"Resources":[`...)
	for i := range 100 {
		user := fmt.Appendf(nil, `{"schemas":["urn:scim:schemas:extension:atlassian-external:1.0","urn:ietf:params:scim:schemas:core:2.0:User",`+
			`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"userName":"user%d@example.com","emails":[{"value":"user%d@example.com","type":"work","primary":true}],`+
			`"meta":{"resourceType":"User","location":"https://api.atlassian.com/scim/directory/315e/Users/%d","lastModified":"2021-02-16T15:05:41.185473Z","created":"2021-02-16T15:05:41.185473Z"},`+
			`"name":{"familyName":"Müller","givenName":"Ann"},"displayName":"Ann Müller","title":"Engineer","groups":[{"type":"Group","value":"g-1","display":"staff"}],`+
			`"urn:scim:schemas:extension:atlassian-external:1.0":{"atlassianAccountId":"602bdf457b23f40068547c25"},"id":"247b915a-9d6c-4cd5-b5a5-%012d","active":true}`, i, i, i, i)
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, user...)
	}
	body = append(body, `]}`...)
	d := newDirectory(b, answer(200, string(body)), atlassian.Config{})
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		page, err := d.Users(b.Context(), atlassian.ListOptions{})
		if err != nil || len(page.Resources) != 100 {
			b.Fatal(err)
		}
	}
}
