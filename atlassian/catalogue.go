package atlassian

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
)

// Project is a Jira project.
type Project struct {
	ID   string `json:"id"`
	Key  string `json:"key"`
	Name string `json:"name"`
}

// IssueType is a type of issue. Names repeat: projects may have types of their own.
type IssueType struct {
	ID             string `json:"id"`
	Name           string `json:"name"`
	Subtask        bool   `json:"subtask"`
	HierarchyLevel int    `json:"hierarchyLevel"`
	Scope          *Scope `json:"scope"` // nil: every project may use it
}

// Status is a status of a workflow. Names repeat: projects may have statuses of their own.
type Status struct {
	ID       string         `json:"id"`
	Name     string         `json:"name"`
	Category StatusCategory `json:"statusCategory"`
	Scope    *Scope         `json:"scope"` // nil: every project may use it
}

// StatusCategory is one of Jira's fixed categories, with key new, indeterminate, done or undefined.
type StatusCategory struct {
	ID   int64  `json:"id"`
	Key  string `json:"key"`
	Name string `json:"name"`
}

// Scope ties an issue type or a status to one project.
type Scope struct {
	Type    string `json:"type"`
	Project struct {
		ID string `json:"id"`
	} `json:"project"`
}

// Version is a version of a project.
type Version struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Archived bool   `json:"archived"`
	Released bool   `json:"released"`
}

// Projects returns the visible projects, or with keys the ones among them that have these keys. It calls GET
// /rest/api/3/project/search.
func (j *Jira) Projects(ctx context.Context, keys []string) ([]Project, error) {
	const op, pageSize, mostKeys = "GET /rest/api/3/project/search", 100, 50
	if len(keys) == 0 {
		return pages[Project](ctx, j, op, url.Values{}, pageSize)
	}
	var projects []Project
	for chunk := range slices.Chunk(keys, mostKeys) {
		found, err := pages[Project](ctx, j, op, url.Values{"keys": chunk}, pageSize)
		if err != nil {
			return nil, err
		}
		projects = append(projects, found...)
	}
	return projects, nil
}

// IssueTypes returns all issue types. It calls GET /rest/api/3/issuetype.
func (j *Jira) IssueTypes(ctx context.Context) ([]IssueType, error) {
	return array[IssueType](ctx, j, "GET /rest/api/3/issuetype")
}

// Statuses returns all statuses of active workflows. It calls GET /rest/api/3/status.
func (j *Jira) Statuses(ctx context.Context) ([]Status, error) {
	return array[Status](ctx, j, "GET /rest/api/3/status")
}

// Priorities returns all priorities, the most urgent first. It calls GET /rest/api/3/priority/search.
func (j *Jira) Priorities(ctx context.Context) ([]Named, error) {
	return pages[Named](ctx, j, "GET /rest/api/3/priority/search", url.Values{}, 50)
}

// Resolutions returns all resolutions. It calls GET /rest/api/3/resolution/search.
func (j *Jira) Resolutions(ctx context.Context) ([]Named, error) {
	return pages[Named](ctx, j, "GET /rest/api/3/resolution/search", url.Values{}, 50)
}

// Components returns the components of a project. It calls GET /rest/api/3/project/{projectIdOrKey}/components.
func (j *Jira) Components(ctx context.Context, projectIDOrKey string) ([]Named, error) {
	return array[Named](ctx, j, "GET /rest/api/3/project/{projectIdOrKey}/components", projectIDOrKey)
}

// Versions returns the versions of a project. It calls GET /rest/api/3/project/{projectIdOrKey}/versions.
func (j *Jira) Versions(ctx context.Context, projectIDOrKey string) ([]Version, error) {
	return array[Version](ctx, j, "GET /rest/api/3/project/{projectIdOrKey}/versions", projectIDOrKey)
}

// Accounts returns every account the site knows, inactive ones, apps and customers included: look at AccountType. It
// calls GET /rest/api/3/users/search until a page is empty, since short pages occur before the end.
func (j *Jira) Accounts(ctx context.Context) ([]*Account, error) {
	const op = "GET /rest/api/3/users/search"
	var accounts []*Account
	seen := make(map[string]bool)
	for start := 0; ; {
		var page list[*Account]
		q := url.Values{"startAt": {strconv.Itoa(start)}, "maxResults": {"1000"}}
		if err := j.call(ctx, request{op: op, query: q, into: &page, reads: true, scans: true}); err != nil {
			return nil, err
		}
		if len(page) == 0 {
			return accounts, nil
		}
		known := len(accounts)
		for _, account := range page {
			if account != nil && !seen[account.AccountID] {
				seen[account.AccountID] = true
				accounts = append(accounts, account)
			}
		}
		if len(accounts) == known {
			return nil, stuck(op, start)
		}
		start += len(page)
	}
}

// AccountsPage is how many ids AccountsByID sends in one call: few enough for a URL that every proxy accepts.
const AccountsPage = 50

// AccountsByID returns the accounts with the given ids, inactive ones included, in any order; ids that the site does
// not know are left out. An id has at most 128 characters. It calls GET /rest/api/3/user/bulk.
func (j *Jira) AccountsByID(ctx context.Context, ids []string) ([]*Account, error) {
	const op = "GET /rest/api/3/user/bulk"
	var accounts []*Account
	for chunk := range slices.Chunk(ids, AccountsPage) {
		found, err := pages[*Account](ctx, j, op, url.Values{"accountId": chunk}, AccountsPage)
		if err != nil {
			return nil, err
		}
		accounts = append(accounts, found...)
	}
	return accounts, nil
}

// list is an answer that is a bare array; it refuses null.
type list[T any] []T

func (l *list[T]) accept() bool { return *l != nil }

// array calls op, whose answer is a bare array.
func array[T any](ctx context.Context, j *Jira, op string, args ...string) ([]T, error) {
	var answer list[T]
	if err := j.call(ctx, request{op: op, args: args, into: &answer, reads: true}); err != nil {
		return nil, err
	}
	return answer, nil
}

// pageBean is Jira's envelope of a page. IsLast and Total are absent in some answers.
type pageBean[T any] struct {
	StartAt int   `json:"startAt"`
	Total   *int  `json:"total"`
	IsLast  *bool `json:"isLast"`
	Values  []T   `json:"values"`
}

func (p *pageBean[T]) accept() bool { return p.Values != nil }

// last reports whether p, which ends before position next, is the last page.
func (p *pageBean[T]) last(next int) bool {
	switch {
	case p.IsLast != nil:
		return *p.IsLast
	case p.Total != nil:
		return next >= *p.Total
	}
	return len(p.Values) == 0
}

// pages reads a catalogue to its end or fails: if it returned a part, the names in the other part would seem unknown.
func pages[T any](ctx context.Context, j *Jira, op string, query url.Values, size int) ([]T, error) {
	all := []T{}
	query = maps.Clone(query)
	query.Set("maxResults", strconv.Itoa(size))
	for {
		var page pageBean[T]
		query.Set("startAt", strconv.Itoa(len(all)))
		if err := j.call(ctx, request{op: op, query: query, into: &page, reads: true, scans: true}); err != nil {
			return nil, err
		}
		if page.StartAt != len(all) {
			return nil, stuck(op, len(all))
		}
		all = append(all, page.Values...)
		if page.last(len(all)) {
			return all, nil
		}
		if len(page.Values) == 0 {
			return nil, stuck(op, len(all))
		}
	}
}

// stuck returns the error for pages that repeat or that are empty before the end.
func stuck(op string, start int) *Error {
	return &Error{Kind: Garbled, Op: op, Detail: fmt.Sprintf("upstream's pages do not advance beyond item %d", start)}
}
