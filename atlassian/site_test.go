package atlassian_test

import (
	"slices"
	"testing"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
)

// site is an emulator with a Jira client whose waits are short.
func site(t testing.TB, options emulator.Options) (*emulator.Emulator, *atlassian.Jira) {
	t.Helper()
	e := emulator.New(options)
	return e, jiraAt(t, newServer(t, e), atlassian.Config{RetryBase: time.Millisecond, Timeout: 5 * time.Second})
}

// TestSearchAndFetch drains a search by its tokens and fetches what it found.
func TestSearchAndFetch(t *testing.T) {
	e, j := site(t, emulator.Options{Users: 5, Projects: 2, Issues: 250, Seed: 1})
	search := atlassian.SearchRequest{JQL: "created is not EMPTY ORDER BY key", MaxResults: 100}
	var ids []string
	for {
		page, err := j.Search(t.Context(), search)
		if err != nil {
			t.Fatal(err)
		}
		for _, issue := range page.Issues {
			ids = append(ids, issue.ID)
		}
		if page.IsLast {
			break
		}
		search.NextPageToken = page.NextPageToken
	}
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) < 250 {
		t.Fatalf("found %d issues, want 250", len(ids))
	}
	e.ClearLog()
	issues, err := j.BulkFetch(t.Context(), ids, []string{"summary", "status", "created"})
	if err != nil {
		t.Fatal(err)
	}
	if calls := len(e.Log()); len(issues) != len(ids) || calls != (len(ids)+99)/100 {
		t.Errorf("fetched %d of %d issues in %d calls", len(issues), len(ids), calls)
	}
	for _, issue := range issues {
		if f := issue.Fields; f.Summary == "" || f.Status == nil || f.Status.Category.Key == "" || f.Created.IsZero() || f.Project != nil {
			t.Fatalf("issue %s is incomplete or has more than was asked for: %+v", issue.Key, f)
		}
	}
}

// TestCatalogues reads catalogues that are longer than a page.
func TestCatalogues(t *testing.T) {
	_, j := site(t, emulator.Options{Users: 1200, Projects: 120, Issues: 50, Seed: 1})
	projects, err := j.Projects(t.Context(), nil)
	if err != nil || len(projects) != 121 {
		t.Fatalf("%d projects, want 121: %v", len(projects), err)
	}
	var keys []string
	for _, project := range projects[:70] {
		keys = append(keys, project.Key)
	}
	if some, err := j.Projects(t.Context(), append(keys, "NOSUCH")); err != nil || len(some) != 70 {
		t.Errorf("%d projects by key, want 70: %v", len(some), err)
	}
	accounts, err := j.Accounts(t.Context())
	if err != nil || len(accounts) < 1200 {
		t.Errorf("%d accounts, want 1200 or more: %v", len(accounts), err)
	}
	me, err := j.Myself(t.Context())
	if err != nil || me.TimeZone == "" || !slices.ContainsFunc(accounts, func(a *atlassian.Account) bool { return a.AccountID == me.AccountID }) {
		t.Errorf("myself is %+v: %v", me, err)
	}
	statuses, err := j.Statuses(t.Context())
	if err != nil || len(statuses) == 0 || statuses[0].ID == "" || statuses[0].Category.Key == "" {
		t.Errorf("statuses %+v: %v", statuses, err)
	}
}

func TestSiteFaults(t *testing.T) {
	tests := []struct {
		name, faults string
		do           func(*atlassian.Jira, string) error
		want         atlassian.Kind // Other: success
		calls        int
	}{
		{"a create cut after", "method=POST reset=after", createIssue(t), atlassian.Unreachable, 2}, // with the call for the project
		{"a create limited", "method=POST times=1 status=429 retry-after=1", createIssue(t), atlassian.Other, 3},
		{"a search refused once", "method=POST times=1 status=503", func(j *atlassian.Jira, _ string) error {
			_, err := j.Search(t.Context(), atlassian.SearchRequest{JQL: "project = ENG"})
			return err
		}, atlassian.Other, 2},
		{"a delete cut after", "method=DELETE times=1 reset=after", func(j *atlassian.Jira, key string) error {
			return j.DeleteIssue(t.Context(), key, true)
		}, atlassian.Other, 2},
		{"a fetch answered by half", "method=POST body=truncated", func(j *atlassian.Jira, key string) error {
			_, err := j.BulkFetch(t.Context(), []string{key}, nil)
			return err
		}, atlassian.Garbled, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e, j := site(t, emulator.Options{Projects: 1, Issues: 5, Seed: 1})
			page, err := j.Search(t.Context(), atlassian.SearchRequest{JQL: "created is not EMPTY", Fields: []string{"summary"}})
			if err != nil || len(page.Issues) == 0 {
				t.Fatalf("no issue to work on: %v", err)
			}
			rules, err := emulator.ParseFaults(test.faults)
			if err != nil {
				t.Fatal(err)
			}
			e.SetFaults(rules)
			e.ClearLog()
			err = test.do(j, page.Issues[0].Key)
			if got := atlassian.KindOf(err); got != test.want || (err == nil) != (test.want == atlassian.Other) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if calls := len(e.Log()); calls != test.calls {
				t.Errorf("%d calls, want %d", calls, test.calls)
			}
		})
	}
}

func createIssue(t *testing.T) func(*atlassian.Jira, string) error {
	return func(j *atlassian.Jira, _ string) error {
		projects, err := j.Projects(t.Context(), []string{"ENG"})
		if err != nil {
			return err
		}
		_, err = j.CreateIssue(t.Context(), map[string]any{
			"project": map[string]string{"id": projects[0].ID}, "issuetype": map[string]string{"name": "Task"}, "summary": "S",
		})
		return err
	}
}
