package atlassian

import (
	"context"
	"net/url"
	"strconv"
)

// Field is a field of issues, of the system or custom.
type Field struct {
	ID          string      `json:"id"`
	Name        string      `json:"name"` // custom ones may share it
	Custom      bool        `json:"custom"`
	Searchable  bool        `json:"searchable"`
	ClauseNames []string    `json:"clauseNames"` // in JQL
	Schema      FieldSchema `json:"schema"`
	Scope       *Scope      `json:"scope"` // nil: every project may use it
}

// FieldSchema is the type of a field: System or Custom says which kind of field it is.
type FieldSchema struct {
	Type     string `json:"type"`
	Items    string `json:"items"` // of an array
	System   string `json:"system"`
	Custom   string `json:"custom"`
	CustomID int64  `json:"customId"`
}

// Fields returns the fields of the projects that the caller can browse. It calls GET /rest/api/3/field.
func (j *Jira) Fields(ctx context.Context) ([]Field, error) {
	return array[Field](ctx, j, "GET /rest/api/3/field")
}

// ScreenField is a field on a screen, with what may be chosen there.
type ScreenField struct {
	FieldID string `json:"fieldId"`
	TransitionField
}

type createFields struct {
	Fields []ScreenField `json:"fields"`
	Total  int           `json:"total"`
}

func (c *createFields) accept() bool { return c.Fields != nil }

// CreateFields returns the fields of the screen on which issues of a type are created in a project. It calls GET
// /rest/api/3/issue/createmeta/{projectIdOrKey}/issuetypes/{issueTypeId}.
func (j *Jira) CreateFields(ctx context.Context, projectIDOrKey, issueTypeID string) ([]ScreenField, error) {
	const op, size = "GET /rest/api/3/issue/createmeta/{projectIdOrKey}/issuetypes/{issueTypeId}", 200
	var all []ScreenField
	for {
		var page createFields
		q := url.Values{"startAt": {strconv.Itoa(len(all))}, "maxResults": {strconv.Itoa(size)}}
		if err := j.call(ctx, request{op: op, args: []string{projectIDOrKey, issueTypeID}, query: q, into: &page, reads: true}); err != nil {
			return nil, err
		}
		all = append(all, page.Fields...)
		if len(all) >= page.Total {
			return all, nil
		}
		if len(page.Fields) == 0 {
			return nil, stuck(op, len(all))
		}
	}
}

type editFields struct {
	Fields map[string]TransitionField `json:"fields"`
}

func (e *editFields) accept() bool { return e.Fields != nil }

// EditFields returns the fields that can be edited on an issue, by id. It calls GET
// /rest/api/3/issue/{issueIdOrKey}/editmeta.
func (j *Jira) EditFields(ctx context.Context, idOrKey string) (map[string]TransitionField, error) {
	answer, err := fetch[editFields](ctx, j.caller, request{
		op: "GET /rest/api/3/issue/{issueIdOrKey}/editmeta", args: []string{idOrKey}, reads: true,
	})
	if err != nil {
		return nil, err
	}
	return answer.Fields, nil
}

// TypeStatuses are the statuses of the workflow of an issue type.
type TypeStatuses struct {
	ID       string   `json:"id"` // of the type
	Name     string   `json:"name"`
	Statuses []Status `json:"statuses"`
}

// ProjectStatuses returns the statuses that issues of a project can have, by type. It calls GET
// /rest/api/3/project/{projectIdOrKey}/statuses.
func (j *Jira) ProjectStatuses(ctx context.Context, projectIDOrKey string) ([]TypeStatuses, error) {
	return array[TypeStatuses](ctx, j, "GET /rest/api/3/project/{projectIdOrKey}/statuses", projectIDOrKey)
}

// Clause is a field as JQL takes it.
type Clause struct {
	Name      string   `json:"value"` // cf[N] of some custom fields, with or without a name
	CustomID  string   `json:"cfid"`  // cf[N] of a custom field
	Operators []string `json:"operators"`
}

type clauses struct {
	Fields []Clause `json:"visibleFieldNames"`
}

func (c *clauses) accept() bool { return c.Fields != nil }

// Clauses returns the fields that JQL can search for the caller, with the operators that each takes. It calls GET
// /rest/api/3/jql/autocompletedata.
func (j *Jira) Clauses(ctx context.Context) ([]Clause, error) {
	answer, err := fetch[clauses](ctx, j.caller, request{op: "GET /rest/api/3/jql/autocompletedata", reads: true})
	if err != nil {
		return nil, err
	}
	return answer.Fields, nil
}
