package jql

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

type testIssue struct {
	key            string // PROJECT-N, also the id
	summary        []string
	status, owner  string
	priority       string
	labels         []string
	created        int64
	due            int64
	project        string
	number         int
	summaryAsGiven string
}

func at(text string) int64 {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t.UnixMilli()
}

// testEnv is in Berlin, one hour ahead of UTC in winter.
var testEnv = func() Env {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return Env{Now: time.UnixMilli(at("2026-01-10T12:00:00Z")), Zone: berlin, Account: "u1"}
}()

var testIssues = []testIssue{
	newTestIssue("A-1", "The team wins, finally", "1", "u1", "1", "2026-01-01T09:00:30.700Z", 20454, "red", "Blue"),
	newTestIssue("A-2", "Winning at Café Zürich", "2", "", "2", "2026-01-01T23:30:00Z", 0, "red"),
	newTestIssue("A-10", "Deploy to production: fix the login page", "2", "u2", "", "2026-01-10T11:00:00Z", 20455),
	newTestIssue("B-3", "", "3", "u2", "3", "2025-12-31T23:00:00Z", 0),
}

func newTestIssue(key, summary, status, owner, priority, created string, due int64, labels ...string) testIssue {
	project, number, _ := strings.Cut(key, "-")
	n, _ := strconv.Atoi(number)
	i := testIssue{key: key, status: status, owner: owner, priority: priority, created: at(created), due: due,
		project: project, number: n, summaryAsGiven: summary}
	for _, l := range labels {
		i.labels = append(i.labels, strings.ToLower(l))
	}
	if due == 0 {
		i.due = Never
	}
	if summary != "" {
		i.summary = Words(summary)
	}
	return i
}

// named resolves a value by id or by name in any case.
func named(names map[string]string) func(Value) []string {
	return func(v Value) []string {
		var ids []string
		for id, name := range names {
			if id == v.Text || strings.EqualFold(name, v.Text) {
				ids = append(ids, id)
			}
		}
		slices.Sort(ids)
		return ids
	}
}

func testSchema() *Schema[*testIssue] {
	type issue = *testIssue
	priorities := named(map[string]string{"1": "High", "2": "Low", "3": "Lowest"})
	return NewSchema(
		Field[issue]{Name: "key", Aliases: []string{"id", "issue"}, Kind: Key, NoEmpty: true,
			One: func(i issue) string { return i.key },
			Resolve: func(v Value) []string {
				for _, i := range testIssues {
					if strings.EqualFold(i.key, v.Text) {
						return []string{i.key}
					}
				}
				return nil
			},
			Rank: func(id string) (string, int) {
				project, number, _ := strings.Cut(id, "-")
				n, _ := strconv.Atoi(number)
				return project, n
			},
			Words: func(i issue) []string { return Words(i.key) },
			Compare: func(a, b issue) int {
				return cmp.Or(cmp.Compare(a.project, b.project), cmp.Compare(a.number, b.number))
			}},
		Field[issue]{Name: "summary", Kind: Text, Words: func(i issue) []string { return i.summary }},
		Field[issue]{Name: "status", Kind: Choice, One: func(i issue) string { return i.status },
			Resolve: named(map[string]string{"1": "To Do", "2": "Done", "3": "Done"})},
		Field[issue]{Name: "category", Kind: Choice, NoEmpty: true, One: func(i issue) string { return i.status },
			Resolve: named(map[string]string{"1": "New", "2": "Done"})},
		Field[issue]{Name: "assignee", Kind: Choice, One: func(i issue) string { return i.owner },
			Resolve: named(map[string]string{"u1": "Ann", "u2": "Bob"})},
		Field[issue]{Name: "priority", Kind: Ranked, One: func(i issue) string { return i.priority }, Resolve: priorities,
			Rank:    func(id string) (string, int) { n, _ := strconv.Atoi(id); return "", -n },
			Compare: func(a, b issue) int { return cmp.Compare(b.priority, a.priority) }},
		Field[issue]{Name: "labels", Kind: Choice, Many: func(i issue) []string { return i.labels },
			Resolve: func(v Value) []string { return []string{strings.ToLower(v.Text)} }},
		Field[issue]{Name: "created", Aliases: []string{"createdDate"}, Kind: Moment, Time: func(i issue) int64 { return i.created },
			Compare: func(a, b issue) int { return cmp.Compare(a.created, b.created) }},
		Field[issue]{Name: "due", Kind: Day, Time: func(i issue) int64 { return i.due }},
	)
}

func TestMatch(t *testing.T) {
	tests := []struct{ query, want string }{
		{``, "A-1 A-2 A-10 B-3"},

		// Keys: any case, order inside the project only.
		{`key = a-1`, "A-1"},
		{`ID in (A-1, B-3)`, "A-1 B-3"},
		{`key != A-1`, "A-2 A-10 B-3"},
		{`key > A-1`, "A-2 A-10"},
		{`key <= A-2`, "A-1 A-2"},
		{`key >= B-3`, "B-3"},
		{`key ~ "b-3"`, "B-3"},

		// Names are shared and match ids too.
		{`status = done`, "A-2 A-10 B-3"},
		{`status = 2`, "A-2 A-10"},
		{`status not in (2)`, "A-1 B-3"},

		// EMPTY: != and NOT never find it.
		{`assignee is empty`, "A-2"},
		{`assignee = null`, "A-2"},
		{`assignee is not empty`, "A-1 A-10 B-3"},
		{`assignee != EMPTY`, "A-1 A-10 B-3"},
		{`assignee != u1`, "A-10 B-3"},
		{`not assignee = u1`, "A-10 B-3"},
		{`not not assignee = u1`, "A-1"},
		{`assignee in (u1, empty)`, "A-1 A-2"},
		{`assignee not in (u1, empty)`, "A-10 B-3"},
		{`not (assignee = u1 or status = 2)`, "B-3"},
		{`assignee = currentUser()`, "A-1"},

		// Several values: any of them; != wants a value.
		{`labels = RED`, "A-1 A-2"},
		{`labels != red`, ""},
		{`labels != blue`, "A-2"},
		{`labels = nowhere`, ""},
		{`labels is empty`, "A-10 B-3"},
		{`labels in (blue, empty)`, "A-1 A-10 B-3"},

		// Ranks, never letters.
		{`priority > low`, "A-1"},
		{`priority <= low`, "A-2 B-3"},
		{`not priority <= low`, "A-1"},
		{`priority is empty`, "A-10"},

		// Words: stemmed, any order, without stop words.
		{`summary ~ win`, "A-1 A-2"},
		{`summary ~ "teams winning"`, "A-1"},
		{`summary ~ "the"`, ""},
		{`summary ~ "page login"`, "A-10"},
		{`summary ~ "\"page login\""`, ""},
		{`summary ~ "\"fix the login\""`, "A-10"},
		{`summary ~ "prod*"`, "A-10"},
		{`summary ~ "rod*"`, ""},
		{`summary ~ "CAFÉ"`, "A-2"},
		{`summary ~ "!!!"`, ""},
		{`summary !~ win`, "A-10"},
		{`summary is empty`, "B-3"},
		{`summary ~ empty`, "B-3"},

		// Dates: caller's zone, minutes, seconds, milliseconds.
		{`created = "2026-01-01"`, "A-1 B-3"},
		{`created = "2026/1/2"`, "A-2"},
		{`created >= "2026-01-01"`, "A-1 A-2 A-10 B-3"},
		{`created > "2026-01-01 10:00"`, "A-1 A-2 A-10"},
		{`created <= "2026-01-01 10:00"`, "B-3"},
		{`created = "2026-01-01 10:00"`, "A-1"},
		{`created != "2026-01-01 10:00"`, "A-2 A-10 B-3"},
		{`created >= 1767258030900`, "A-1 A-2 A-10"},
		{`created > 1767258030100`, "A-2 A-10"},
		{`created >= "-2h"`, "A-10"},
		{`created >= "-90"`, "A-10"},
		{`created >= -9d and created < now()`, "A-2 A-10"},
		{`created >= startOfDay()`, "A-10"},
		{`due = "2026-01-01"`, "A-1"},
		{`due >= "2026-01-01 23:00"`, "A-1 A-10"},
		{`due > "2026-01-01"`, "A-10"},
		{`due is empty`, "A-2 B-3"},
		{`due = 1767222000000`, "A-1"}, // midnight in Berlin, still 2025 in UTC
	}
	schema := testSchema()
	for _, tt := range tests {
		got, found := run(t, schema, tt.query)
		if got != tt.want || found.Any() {
			t.Errorf("%s: got %q, want %q; findings %v", tt.query, got, tt.want, found)
		}
	}
}

// run lists the keys that a query finds, in its order.
func run(t *testing.T, schema *Schema[*testIssue], query string) (keys string, found Findings) {
	t.Helper()
	q, err := Parse(query)
	if err != nil {
		t.Fatalf("Parse(%q): %v", query, err)
	}
	p, found, _ := schema.Compile(q, testEnv)
	var issues []*testIssue
	for i := range testIssues {
		if p.Match(&testIssues[i]) {
			issues = append(issues, &testIssues[i])
		}
	}
	if p.Compare() != nil {
		slices.SortStableFunc(issues, p.Compare())
	}
	var list []string
	for _, i := range issues {
		list = append(list, i.key)
	}
	return strings.Join(list, " "), found
}

func TestFindings(t *testing.T) {
	errs := func(texts ...string) Findings { return Findings{Errors: texts} }
	warns := func(texts ...string) Findings { return Findings{Warnings: texts} }
	tests := []struct {
		query string
		want  Findings
	}{
		{`universe = 42`, errs("Field 'universe' does not exist or you do not have permission to view it.")},
		{`status[a].b = 42`, errs("Field 'status' does not exist or you do not have permission to view it.")},
		{`summary = test`, errs("The operator '=' is not supported by the 'summary' field.")},
		{`not summary = test`, errs("The operator '=' is not supported by the 'summary' field.")},
		{`summary in test`, errs(`Operator 'in' does not support the non-list value '"test"' for field 'summary'.`)},
		{`status ~ x`, errs("The operator '~' is not supported by the 'status' field.")},
		{`key is empty`, errs("The operator 'is' is not supported by the 'key' field.")},
		{`category is not empty`, errs("The operator 'is not' is not supported by the 'category' field.")},
		{`category = empty`, errs("The field 'category' does not support searching for an empty value.")},
		{`category in (done, empty)`, errs("The field 'category' does not support searching for an empty value.")},
		{`status is done`, errs(`Operator 'is' does not support the value '"done"' for field 'status'.`)},
		{`status = nowhere()`, errs("Unable to find JQL function 'nowhere()'.")},
		{`status was done`, errs("History searches do not support the 'status' field.")},
		{`created > yesterday`, errs("Date value 'yesterday' for field 'created' is invalid. Valid formats include: " +
			"'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.")},
		{`status = INVALID`, warns("The value 'INVALID' does not exist for the field 'status'.")},
		{`status != 42`, warns("A value with ID '42' does not exist for the field 'status'.")},
		{`key = A-99`, warns("An issue with key 'A-99' does not exist for field 'key'.")},
		{`summary = x and status = y`, Findings{
			Errors:   []string{"The operator '=' is not supported by the 'summary' field."},
			Warnings: []string{"The value 'y' does not exist for the field 'status'."}}},
	}
	schema := testSchema()
	for _, tt := range tests {
		keys, found := run(t, schema, tt.query)
		if diff := gocmp.Diff(tt.want, found); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.query, diff)
		}
		if keys != "" {
			t.Errorf("%s found %q", tt.query, keys)
		}
	}
}

func TestOrder(t *testing.T) {
	tests := []struct{ query, want string }{
		{`order by key desc`, "B-3 A-10 A-2 A-1"},
		{`order by created`, "B-3 A-1 A-2 A-10"},
		{`project order by x`, ""},
		{`order by unknown, key desc`, "B-3 A-10 A-2 A-1"},
	}
	schema := testSchema()
	for _, tt := range tests {
		if tt.want == "" {
			if _, err := Parse(tt.query); err == nil {
				t.Errorf("Parse(%q): no error", tt.query)
			}
			continue
		}
		if got, _ := run(t, schema, tt.query); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.query, got, tt.want)
		}
	}
	q, _ := Parse(`order by unknown, summary`)
	p, _, unsorted := schema.Compile(q, testEnv)
	want := []string{"Not able to sort using field 'unknown'.", "Not able to sort using field 'summary'."}
	if diff := gocmp.Diff(want, unsorted); diff != "" || p.Compare() != nil {
		t.Errorf("unsortable fields (-want +got):\n%s", diff)
	}
}

func TestWords(t *testing.T) {
	tests := []struct {
		text string
		want []string
	}{
		{"", []string{}},
		{"The and a", []string{}},
		{"Wins, winning; WIN", []string{"win", "win", "win"}},
		{"companies passes classes", []string{"company", "pass", "class"}},
		{"naïve café_bar x1", []string{"naïv", "café_bar", "x1"}},
	}
	for _, tt := range tests {
		if diff := gocmp.Diff(tt.want, Words(tt.text)); diff != "" {
			t.Errorf("Words(%q) (-want +got):\n%s", tt.text, diff)
		}
	}
}
